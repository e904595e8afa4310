"""Ways to alter a bundle, a trusted root or a question; each function changes one thing."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from real.clients import PERSON

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from real.clients import Made

__all__ = [
    "Document",
    "Stage",
    "change_note",
    "change_payload",
    "double_entry",
    "double_timestamp",
    "drop_entry",
    "drop_timestamp",
    "expect_alike",
    "expect_another",
    "expect_other_issuer",
    "expect_other_key",
    "flip",
    "raise_index",
    "rewrite_body",
    "set_line",
    "swap_certificate",
    "swap_entry",
    "swap_timestamp",
    "trust_once_only",
    "trust_other_chain",
    "trust_other_log",
    "turn_body",
    "turn_certificate",
    "turn_checkpoint_signature",
    "turn_file",
    "turn_proof_hash",
    "turn_signature",
    "turn_timestamp",
]

Document: TypeAlias = "dict[str, Any]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What an alteration may take from: ``donor`` is another good bundle of the same kind, ``pki`` another instance's keys."""

    donor: Document
    pki: Path
    folder: Path


def flip(encoded: str, at: int = -1) -> str:
    data = bytearray(base64.b64decode(encoded))
    data[at] ^= 1
    return base64.b64encode(data).decode()


def _entry(bundle: Document) -> Document:
    found: Document = bundle["verificationMaterial"]["tlogEntries"][0]
    return found


def change_note(
    change: Callable[[list[str]], None], *, proof: Mapping[str, int] | None = None
) -> Callable[[Document, Stage], None]:
    """Change the lines of the checkpoint's text; ``proof`` copies lines into members of the proof, to match."""

    def edit(bundle: Document, _stage: Stage) -> None:
        inclusion = _entry(bundle)["inclusionProof"]
        text, separator, signatures = inclusion["checkpoint"]["envelope"].partition("\n\n")
        lines = text.split("\n")
        change(lines)
        inclusion["checkpoint"]["envelope"] = "\n".join(lines) + separator + signatures
        inclusion |= {member: lines[at] for member, at in (proof or {}).items()}

    return edit


def set_line(at: int, change: Callable[[str], str]) -> Callable[[list[str]], None]:
    def edit(lines: list[str]) -> None:
        lines[at] = change(lines[at])

    return edit


def turn_checkpoint_signature(bundle: Document, _stage: Stage) -> None:
    checkpoint = _entry(bundle)["inclusionProof"]["checkpoint"]
    head, _, signature = checkpoint["envelope"].rstrip("\n").rpartition(" ")
    checkpoint["envelope"] = f"{head} {flip(signature)}\n"


def turn_proof_hash(bundle: Document, _stage: Stage) -> None:
    hashes = _entry(bundle)["inclusionProof"]["hashes"]
    hashes[0] = flip(hashes[0])


def raise_index(bundle: Document, _stage: Stage) -> None:
    _entry(bundle)["logIndex"] = str(int(_entry(bundle)["logIndex"]) + 1)


def turn_body(bundle: Document, _stage: Stage) -> None:
    entry = _entry(bundle)
    entry["canonicalizedBody"] = flip(entry["canonicalizedBody"], 40)


def rewrite_body(bundle: Document, _stage: Stage) -> None:
    entry = _entry(bundle)
    written = json.dumps(json.loads(base64.b64decode(entry["canonicalizedBody"])), indent=1)
    entry["canonicalizedBody"] = base64.b64encode(written.encode()).decode()


def _stamps(bundle: Document) -> list[Document]:
    found: list[Document] = bundle["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"]
    return found


def turn_timestamp(bundle: Document, _stage: Stage) -> None:
    stamp = _stamps(bundle)[0]
    stamp["signedTimestamp"] = flip(stamp["signedTimestamp"])


def drop_timestamp(bundle: Document, _stage: Stage) -> None:
    del bundle["verificationMaterial"]["timestampVerificationData"]


def swap_timestamp(bundle: Document, stage: Stage) -> None:
    _stamps(bundle)[0] = _stamps(stage.donor)[0]


def double_timestamp(bundle: Document, _stage: Stage) -> None:
    _stamps(bundle).append(dict(_stamps(bundle)[0]))


def drop_entry(bundle: Document, _stage: Stage) -> None:
    bundle["verificationMaterial"]["tlogEntries"] = []


def swap_entry(bundle: Document, stage: Stage) -> None:
    bundle["verificationMaterial"]["tlogEntries"] = [_entry(stage.donor)]


def double_entry(bundle: Document, _stage: Stage) -> None:
    bundle["verificationMaterial"]["tlogEntries"].append(dict(_entry(bundle)))


def turn_certificate(bundle: Document, _stage: Stage) -> None:
    leaf = bundle["verificationMaterial"]["certificate"]
    leaf["rawBytes"] = flip(leaf["rawBytes"])


def swap_certificate(bundle: Document, stage: Stage) -> None:
    bundle["verificationMaterial"]["certificate"] = stage.donor["verificationMaterial"]["certificate"]


def turn_signature(bundle: Document, _stage: Stage) -> None:
    if "dsseEnvelope" in bundle:
        signature = bundle["dsseEnvelope"]["signatures"][0]
        signature["sig"] = flip(signature["sig"])
    else:
        signature = bundle["messageSignature"]
        signature["signature"] = flip(signature["signature"])


def change_payload(bundle: Document, _stage: Stage) -> None:
    envelope = bundle["dsseEnvelope"]
    payload = base64.b64decode(envelope["payload"]).replace(b'"predicate"', b'"predicatE"')
    envelope["payload"] = base64.b64encode(payload).decode()


def turn_file(made: Made, stage: Stage) -> Made:
    data = bytearray(made.file.read_bytes())
    data[-1] ^= 1
    path = stage.folder / f"other-{made.file.name}.bin"
    path.write_bytes(data)
    return replace(made, file=path)


def expect_another(made: Made, _stage: Stage) -> Made:
    return replace(made, identity="mallory@example.test")


def expect_alike(made: Made, _stage: Stage) -> Made:
    """A dot is any character for whoever takes the name for a pattern, and a shorter one is part of a longer."""
    return replace(made, identity=made.identity[1:] if made.identity == PERSON else made.identity[:-1])


def expect_other_issuer(made: Made, _stage: Stage) -> Made:
    return replace(made, issuer="http://127.0.0.1:9")


def expect_other_key(made: Made, stage: Stage) -> Made:
    return replace(made, key=stage.pki / "ct.pub")


def trust_other_chain(member: str, file: str) -> Callable[[Document, Stage], None]:
    def edit(root: Document, stage: Stage) -> None:
        chain = x509.load_pem_x509_certificates((stage.pki / file).read_bytes())
        encoded = [{"rawBytes": base64.b64encode(one.public_bytes(Encoding.DER)).decode()} for one in chain]
        root[member][0]["certChain"]["certificates"] = encoded

    return edit


def trust_other_log(member: str, file: str) -> Callable[[Document, Stage], None]:
    """Another key under the same log id."""

    def edit(root: Document, stage: Stage) -> None:
        key = load_pem_public_key((stage.pki / file).read_bytes())
        der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        root[member][0]["publicKey"]["rawBytes"] = base64.b64encode(der).decode()

    return edit


_ENDED = {"start": "2026-01-01T00:00:00Z", "end": "2026-01-02T00:00:00Z"}


def trust_once_only(member: str) -> Callable[[Document, Stage], None]:
    """Trusted once, and no more when this was signed."""

    def edit(root: Document, _stage: Stage) -> None:
        found = root[member][0]
        (found.get("publicKey", found))["validFor"] = dict(_ENDED)

    return edit
