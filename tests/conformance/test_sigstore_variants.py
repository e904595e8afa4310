"""Cases of the public suite that are not in the data folder, made from those that are: one change each."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from support.signing_kit import signer
from support.sigstore_client import public_root, verify
from support.sigstore_oracles import Question, ask_python
from vxsec.errors import VxsecError
from vxsec.formats.public_key import render_public_key

if TYPE_CHECKING:
    from collections.abc import Callable

SHARED = Path(__file__).parents[3] / "shared" / "conformance" / "sigstore"
ARTIFACT = SHARED / "a.txt"
IDENTITY = (
    "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/"
    "extremely-dangerous-oidc-beacon.yml@refs/heads/main"
)
ISSUER = "https://token.actions.githubusercontent.com"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not SHARED.exists(), reason="the data folder beside the checkout is absent"),
]


def _nothing(_: dict[str, Any]) -> None:
    """Leave it as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A case, what is changed in its bundle and its trusted root, and what is refused; None is accepted."""

    case: str
    code: str | None = None
    bundle: Callable[[dict[str, Any]], object] = _nothing
    root: Callable[[dict[str, Any]], object] = _nothing
    key: bytes | None = None
    now: datetime = field(default=datetime(2026, 11, 21, tzinfo=UTC))


def _read(case: str, name: str = "bundle.sigstore.json") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SHARED / case / name).read_bytes())
    return found


def _entry(bundle: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = bundle["verificationMaterial"]["tlogEntries"][0]
    return found


def _timestamps(bundle: dict[str, Any]) -> list[dict[str, str]]:
    found: list[dict[str, str]] = bundle["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"]
    return found


def _take_timestamps(case: str) -> Callable[[dict[str, Any]], object]:
    def change(bundle: dict[str, Any]) -> None:
        taken = [{"signedTimestamp": item["signedTimestamp"].replace("\n", "")} for item in _timestamps(_read(case))]
        _timestamps(bundle)[:] = taken

    return change


def _add_timestamps(case: str) -> Callable[[dict[str, Any]], object]:
    def change(bundle: dict[str, Any]) -> None:
        mine = list(_timestamps(bundle))
        _take_timestamps(case)(bundle)
        _timestamps(bundle)[:0] = mine

    return change


def _take_entry(case: str) -> Callable[[dict[str, Any]], object]:
    return lambda bundle: bundle["verificationMaterial"].update(tlogEntries=[_entry(_read(case))])


def _note_line(number: int, text: str) -> Callable[[dict[str, Any]], object]:
    def change(bundle: dict[str, Any]) -> None:
        note = _entry(bundle)["inclusionProof"]["checkpoint"]
        lines = note["envelope"].split("\n")
        lines[number] = text
        note["envelope"] = "\n".join(lines)

    return change


def _reorder_note(bundle: dict[str, Any]) -> None:
    """A witness's line first."""
    note = _entry(bundle)["inclusionProof"]["checkpoint"]
    text, _, signatures = note["envelope"].partition("\n\n")
    lines = signatures.splitlines()
    note["envelope"] = "\n".join([f"{text}\n", *lines[1:], lines[0], ""])


def _drop_note_line(number: int) -> Callable[[dict[str, Any]], object]:
    def change(bundle: dict[str, Any]) -> None:
        note = _entry(bundle)["inclusionProof"]["checkpoint"]
        lines = note["envelope"].split("\n")
        del lines[number]
        note["envelope"] = "\n".join(lines)

    return change


def _tsa_window(end: str) -> Callable[[dict[str, Any]], object]:
    return lambda root: root["timestampAuthorities"][0]["validFor"].update(end=end)


def _root_certificate() -> dict[str, str]:
    found: dict[str, str] = json.loads(public_root())["certificateAuthorities"][1]["certChain"]["certificates"][-1]
    return found


def _flip_hash(bundle: dict[str, Any]) -> None:
    _entry(bundle)["inclusionProof"]["hashes"][3] = base64.b64encode(bytes(32)).decode()


def _twice(name: str) -> Callable[[dict[str, Any]], object]:
    def change(bundle: dict[str, Any]) -> None:
        items = bundle["verificationMaterial"][name] if name == "tlogEntries" else _timestamps(bundle)
        items.append(items[0])

    return change


ZERO_HASH = base64.b64encode(bytes(32)).decode()
OTHER_KEY = render_public_key(signer("other").spki)
MANAGED = "managed-key-happy-path"
STAGED = "rekor2-happy-path"


def _lend_a_window(root: dict[str, Any]) -> None:
    """Another authority, without certificates, whose window covers the timestamp."""
    window = {"start": "2025-06-01T00:00:00Z", "end": "2025-07-01T00:00:00Z"}
    other = {"subject": {}, "uri": "https://other.example.test", "certChain": {"certificates": []}, "validFor": window}
    root["timestampAuthorities"].append(other)


VARIANTS = {
    "an authority without certificates lends its window to no other": Variant(
        case="rekor2-timestamp-outside-trust-root-tsa-validity_fail",
        code="timestamp.authority-window",
        root=_lend_a_window,
    ),
    "bundle-negative-log-index_fail": Variant(
        case="happy-path-v0.1", bundle=lambda bundle: _entry(bundle).update(logIndex="-1"), code="tlog.number"
    ),
    "bundle-with-root-cert_fail, in the chain": Variant(
        case="happy-path-v0.1",
        bundle=lambda bundle: bundle["verificationMaterial"]["x509CertificateChain"]["certificates"].append(
            _root_certificate()
        ),
        code="bundle.root-certificate",
    ),
    "bundle-with-root-cert_fail, as the leaf": Variant(
        case="happy-path-v0.3",
        bundle=lambda bundle: bundle["verificationMaterial"].update(certificate=_root_certificate()),
        code="certificate.is-authority",
    ),
    "checkpoint-wrong-roothash_fail": Variant(
        case="happy-path-v0.3", bundle=_note_line(2, ZERO_HASH), code="tlog.checkpoint-mismatch"
    ),
    "inclusion-proof-corrupted-hash_fail": Variant(
        case="happy-path-v0.3", bundle=_flip_hash, code="tlog.inclusion-proof"
    ),
    "integrated-time-in-future_fail": Variant(
        case="happy-path-v0.3",
        bundle=lambda bundle: _entry(bundle).update(integratedTime="4102444800"),
        code="tlog.time-in-future",
    ),
    "integrated-time in the future of an old judgement": Variant(
        case="happy-path-v0.3", now=datetime(2024, 3, 1, tzinfo=UTC), code="tlog.time-in-future"
    ),
    "wrong-hashedrekord-cert-and-sig_fail": Variant(
        case="happy-path-v0.1", bundle=_take_entry("happy-path-v0.3"), code="tlog.signature-mismatch"
    ),
    "message-digest-mismatch_fail": Variant(
        case="happy-path-v0.3",
        bundle=lambda bundle: bundle["messageSignature"]["messageDigest"].update(digest=ZERO_HASH),
        code="bundle.digest-mismatch",
    ),
    "dsse-mismatch-sig_fail": Variant(
        case="happy-path-intoto-in-dsse-v3",
        bundle=_take_entry("dsse-mismatch-envelope_fail"),
        code="tlog.signature-mismatch",
    ),
    "intoto-set-outside-signing-cert-validity_fail": Variant(
        case="happy-path-v0.3",
        bundle=lambda bundle: _entry(bundle).update(integratedTime="1710869787"),
        code="tlog.set-signature",
    ),
    "managed-key-and-trusted-root": Variant(case=MANAGED),
    "managed-key under a root that knows neither log nor timestamp authority": Variant(
        case=MANAGED, root=lambda root: root.update(tlogs=root["tlogs"][1:], timestampAuthorities=[])
    ),
    "managed-key-wrong-key_fail": Variant(case=MANAGED, key=OTHER_KEY, code="signature.untrusted-key"),
    "incorrect-public-key_fail": Variant(case="happy-path-v0.3", key=OTHER_KEY, code="signature.untrusted-key"),
    "rekor2-dsse-mismatch-envelope_fail": Variant(
        case="rekor2-dsse-happy-path", bundle=_take_entry(STAGED), code="tlog.artifact-mismatch"
    ),
    "rekor2-no-timestamp_fail": Variant(
        case=STAGED,
        bundle=lambda bundle: bundle["verificationMaterial"].pop("timestampVerificationData"),
        code="certificate.no-trusted-time",
    ),
    "rekor2-checkpoint-origin-not-first": Variant(case="rekor2-checkpoint-cosigned", bundle=_reorder_note),
    "rekor2-checkpoint-multiple-cosigs": Variant(case="rekor2-dsse-happy-path", bundle=_reorder_note),
    "rekor2-checkpoint-missing-size_fail": Variant(case=STAGED, bundle=_drop_note_line(1), code="tlog.checkpoint"),
    "rekor2-timestamp-payload-mismatch_fail": Variant(
        case=STAGED, bundle=_take_timestamps("rekor2-timestamp-with-embedded-cert"), code="timestamp.imprint"
    ),
    "rekor2-timestamp-untrusted-tsa-without-embedded-cert_fail": Variant(
        case="rekor2-timestamp-without-embedded-cert",
        root=lambda root: root.update(timestampAuthorities=json.loads(public_root())["timestampAuthorities"]),
        code="timestamp.untrusted",
    ),
    "rekor2-multiple-timestamps-one-outside-cert-validity_fail": Variant(
        case=STAGED,
        bundle=_add_timestamps("rekor2-timestamp-with-incorrect-time_fail"),
        code="certificate.outside-validity",
    ),
    "rekor2-timestamp twice_fail": Variant(case=STAGED, bundle=_twice("timestamps"), code="timestamp.duplicate"),
    "log entry twice_fail": Variant(case=STAGED, bundle=_twice("tlogEntries"), code="tlog.duplicate-entry"),
    "trust-root-tlog-missing-validity-start_fail": Variant(
        case="happy-path-v0.1",
        root=lambda root: root["tlogs"][0]["publicKey"]["validFor"].pop("start"),
        code="trusted-root.no-start",
    ),
    "trust-root-tsa-validity-end-inclusive": Variant(case=STAGED, root=_tsa_window("2025-06-12T12:02:20Z")),
    "trust-root-tsa-validity-end a moment before_fail": Variant(
        case=STAGED, root=_tsa_window("2025-06-12T12:02:19.999Z"), code="timestamp.authority-window"
    ),
    "trust-root-ca-validity-ended_fail": Variant(
        case=STAGED,
        root=lambda root: root["certificateAuthorities"][0]["validFor"].update(end="2025-06-12T12:02:19Z"),
        code="certificate.authority-window",
    ),
    "trust-root-ct-validity-ended_fail": Variant(
        case="happy-path-v0.3",
        root=lambda root: [log["publicKey"]["validFor"].update(end="2023-01-01T00:00:00Z") for log in root["ctlogs"]],
        code="sct.log-window",
    ),
    "trust-root-rekor2-validity-ended_fail": Variant(
        case=STAGED,
        root=lambda root: root["tlogs"][1]["publicKey"]["validFor"].update(end="2025-06-12T12:02:19Z"),
        code="tlog.log-window",
    ),
}


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS.keys())
def test_variant(variant: Variant) -> None:
    folder = SHARED / variant.case
    bundle, own = _read(variant.case), folder / "trusted_root.json"
    root: dict[str, Any] = json.loads(own.read_bytes() if own.exists() else public_root())
    variant.bundle(bundle)
    variant.root(root)
    key = variant.key or ((folder / "key.pub").read_bytes() if (folder / "key.pub").exists() else None)

    def judge() -> None:
        verify(
            bundle=json.dumps(bundle).encode(),
            root=json.dumps(root).encode(),
            file=str(ARTIFACT),
            key=key,
            identity=None if key else IDENTITY,
            issuer=None if key else ISSUER,
            now=variant.now,
        )

    if variant.code is None:
        judge()
        return
    with pytest.raises(VxsecError) as caught:
        judge()
    assert caught.value.code == variant.code


# -- the second opinion -------------------------------------------------------------------------------------------------

DIFFERENCES = {
    "managed-key-happy-path": "sigstore-python has no bundles by key",
    "intoto-with-custom-trust-root": "sigstore-python reads no log entries of kind intoto",
}


@pytest.mark.parametrize("case", sorted(path.name for path in SHARED.glob("*") if path.is_dir()))
def test_sigstore_python_agrees(case: str) -> None:
    folder = SHARED / case
    artifact, root = folder / "artifact", folder / "trusted_root.json"
    bundle = (folder / "bundle.sigstore.json").read_bytes()
    said = ask_python(
        Question(
            root=root.read_bytes() if root.exists() else public_root(),
            bundle=bundle,
            blob=None if b'"dsseEnvelope"' in bundle else (artifact if artifact.exists() else ARTIFACT).read_bytes(),
            identity=IDENTITY,
            issuer=ISSUER,
        )
    )
    expected = not case.endswith("_fail")
    assert said.accepted == (expected and case not in DIFFERENCES), said
