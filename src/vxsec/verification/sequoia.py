"""The fast path for OpenPGP: Sequoia, through ``pysequoia`` where it is installed, in the place of a gpg process.

It answers in gpg's words, so that one judge (``vxsec.verification.openpgp``) judges both, after the same checks. Sequoia
looks at a key as it was when the signature says it was made, so what became of the key since is read from its claims here.
Where those differ from each other, only a program that checks each of them can decide: gpg is asked.

The library's interface is not stable and its errors carry backtraces: whatever it raises becomes a refusal, and none of its
text is passed on.
"""

from __future__ import annotations

import importlib
import importlib.util
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from vxsec.formats.openpgp_certificate import read_openpgp_certificates
from vxsec.formats.openpgp_packet import HASH_NAMES, read_detached_signature
from vxsec.model.openpgp import GpgRun, openpgp_inputs

if TYPE_CHECKING:
    from datetime import datetime

    from vxsec.model.openpgp import OpenPgpCertificate, OpenPgpKey, OpenPgpSignature
    from vxsec.verification.openpgp import GpgPort

__all__ = ["fastest_port", "sequoia_port"]

_LIBRARY: Final = "pysequoia"
_PROVEN: Final = ("rsa-", "ed25519", "ecdsa-p256", "ecdsa-p384", "ecdsa-p521")
_HASH_NUMBERS: Final = {name: number for number, name in HASH_NAMES.items()}
_PANIC: Final = "pyo3_runtime"


def fastest_port(gpg: GpgPort) -> GpgPort:
    """Sequoia where it is installed, with ``gpg`` for what it cannot decide; else ``gpg``."""
    return sequoia_port(gpg) if importlib.util.find_spec(_LIBRARY) is not None else gpg


def sequoia_port(gpg: GpgPort) -> GpgPort:
    """A port that lets Sequoia verify, and asks ``gpg`` where the claims of a certificate differ from each other.

    Raises (when called):
        FormatError: What it is given is not one signature and one certificate; its caller has read both before.
        UndecidedError: What ``gpg`` raises.
    """

    def run(signature: bytes, data: bytes, *, certificates: bytes, at: datetime) -> GpgRun:
        facts = read_detached_signature(signature, where="signature")
        found = _read_certificate(certificates)
        key = _signing_key(found, facts) if found is not None else None
        if found is None or key is None or not _is_plain(found, key, facts, at):
            return gpg(signature, data, certificates=certificates, at=at)
        good = _verifies(facts.packet, data, found, key)
        if not good and facts.expires_at is not None:  # Sequoia goes by its own clock here
            return gpg(signature, data, certificates=certificates, at=at)
        word = _word(found, key, facts, at, good=good)
        return GpgRun(
            argv=(_LIBRARY,),
            exit_code=0 if word == "GOODSIG" else 1,
            status=_status(word, found, key, facts),
            inputs=openpgp_inputs(signature, data, certificates),
        )

    return run


@lru_cache(maxsize=64)
def _read_certificate(body: bytes) -> OpenPgpCertificate | None:
    found = read_openpgp_certificates(body, where="public keys")
    return found[0] if len(found) == 1 else None


def _signing_key(certificate: OpenPgpCertificate, facts: OpenPgpSignature) -> OpenPgpKey | None:
    named = [
        key
        for key in certificate.keys
        if key.fingerprint == facts.issuer_fingerprint
        or (facts.issuer_fingerprint is None and key.key_id in facts.issuer_key_ids)
    ]
    return named[0] if len(named) == 1 else None


def _is_plain(certificate: OpenPgpCertificate, key: OpenPgpKey, facts: OpenPgpSignature, at: datetime) -> bool:
    """Whether the claims leave nothing to decide, and the algorithm is one that both are known to verify.

    gpg replaces a claim when a key is prolonged; Sequoia then finds none of the time when the signature was made.
    """
    keys = (certificate.primary, key)
    return all(one.algorithm.startswith(_PROVEN) for one in keys) and all(
        len({_ended(claim.expires_at, at) for claim in one.claims}) == 1
        and len({claim.can_sign is False for claim in one.claims}) == 1
        and any(claim.created_at <= facts.created_at for claim in one.claims)
        for one in keys
    )


def _ended(end: datetime | None, at: datetime) -> bool:
    return end is not None and end <= at


def _word(
    certificate: OpenPgpCertificate, key: OpenPgpKey, facts: OpenPgpSignature, at: datetime, *, good: bool
) -> str:
    keys = (certificate.primary, key)
    if not good:
        then = any(_ended(claim.expires_at, facts.created_at) for one in keys for claim in one.claims)
        return "EXPKEYSIG" if then else "BADSIG"
    if any(_ended(claim.expires_at, at) for one in keys for claim in one.claims):
        return "EXPKEYSIG"
    return "REVKEYSIG" if any(one.revocations for one in keys) else "GOODSIG"


def _status(word: str, certificate: OpenPgpCertificate, key: OpenPgpKey, facts: OpenPgpSignature) -> bytes:
    lines = ["NEWSIG", f"{word} {key.key_id}"]
    if word != "BADSIG":
        created = int(facts.created_at.timestamp())
        expires = int(facts.expires_at.timestamp()) if facts.expires_at else 0
        lines.append(
            f"VALIDSIG {key.fingerprint} {facts.created_at:%Y-%m-%d} {created} {expires} {facts.version} 0 "
            f"{facts.key_algorithm} {_HASH_NUMBERS[facts.hash_algorithm]} 00 {certificate.fingerprint}"
        )
    return "".join(f"[GNUPG:] {line}\n" for line in lines).encode("ascii")


def _verifies(packet: bytes, data: bytes, certificate: OpenPgpCertificate, key: OpenPgpKey) -> bool:
    """Whether Sequoia finds exactly one good signature, by exactly this key of this certificate."""
    try:
        library: Any = importlib.import_module(_LIBRARY)
        known = _load(certificate.body)
        done = library.verify(bytes=data, store=lambda _ids: [known], signature=library.Sig.from_bytes(packet))
        found = [(str(one.certificate).upper(), str(one.signing_key).upper()) for one in done.valid_sigs]
    except Exception:  # noqa: BLE001 - fail closed: whatever it raises, the signature was not verified
        return False
    except BaseException as error:
        if type(error).__module__ != _PANIC:  # a Rust panic is no Exception, and no reason to stop either
            raise
        return False
    return found == [(certificate.fingerprint, key.fingerprint)]


@lru_cache(maxsize=64)
def _load(body: bytes) -> Any:  # noqa: ANN401 - a class of a library that need not be installed
    library: Any = importlib.import_module(_LIBRARY)
    return library.Cert.from_bytes(body)
