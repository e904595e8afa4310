"""OpenPGP as far as verifying one detached signature needs it, and what a program said about one.

Nothing here is verified: facts read from packets are claims, and what gpg reports is judged in ``vxsec.verification.openpgp``.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from vxsec.values import dataclass

if TYPE_CHECKING:
    from datetime import datetime

__all__ = [
    "GpgRun",
    "GpgSignature",
    "GpgStatus",
    "OpenPgpCertificate",
    "OpenPgpClaim",
    "OpenPgpKey",
    "OpenPgpRevocation",
    "OpenPgpSignature",
    "ValidSig",
    "openpgp_identity",
    "openpgp_inputs",
]

_SOFT_REASONS = frozenset({1, 3, 32})  # superseded, no longer used, user id no longer valid (RFC 9580 section 5.2.3.31)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPgpSignature:
    """One detached signature: exactly one packet of type binary (RFC 9580 section 5.2).

    ``packet`` is the packet alone, without armor. ``issuer_fingerprint`` (upper-case hex) and the times come from the signed
    part; ``issuer_key_ids`` may come from the unsigned part and only select. ``hash_algorithm`` is ``SHA256``, ``SHA384`` or
    ``SHA512``; ``key_algorithm`` OpenPGP's number.
    """

    packet: bytes
    version: int
    key_algorithm: int
    hash_algorithm: str
    created_at: datetime
    expires_at: datetime | None
    issuer_fingerprint: str | None
    issuer_key_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPgpClaim:
    """What one self-signature or subkey binding says about its key; ``can_sign`` is None where it says nothing of use."""

    created_at: datetime
    expires_at: datetime | None
    can_sign: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPgpRevocation:
    """One revocation signature of a key; ``reason`` is RFC 9580's code, None where it gives none."""

    created_at: datetime | None
    reason: int | None

    @property
    def soft(self) -> bool:
        """Whether the key was only retired: what it signed before stays good. Without a reason it was not."""
        return self.reason in _SOFT_REASONS


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPgpKey:
    """One primary key or subkey, with every claim and every revocation its certificate holds; none of them is verified.

    ``fingerprint`` is upper-case hex: 40 digits for version 4, 64 for version 6. ``algorithm`` is named like ``rsa-3072``,
    ``ed25519``, ``ecdsa-p256``, ``dsa-2048``. ``claims`` are of SHA-256 and better. ``restrictions`` are the newest claims in
    their place that are not, or stand where no program is shown them: they never make anything good, and an end or a use
    that they state refuses. ``material`` tells its secret, whatever certificate it stands in; empty for a key that cannot sign.
    """

    fingerprint: str
    version: int
    algorithm: str
    created_at: datetime
    claims: tuple[OpenPgpClaim, ...]
    revocations: tuple[OpenPgpRevocation, ...]
    restrictions: tuple[OpenPgpClaim, ...] = ()
    material: bytes = b""

    @property
    def may_sign(self) -> bool:
        """Whether some claim leaves it to sign, or none speaks of it."""
        return not self.claims or any(claim.can_sign is not False for claim in self.claims)

    @property
    def key_id(self) -> str:
        """The 16 hex digits that old signatures name a key by."""
        return self.fingerprint[-16:] if self.version == 4 else self.fingerprint[:16]  # noqa: PLR2004 - the version


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPgpCertificate:
    """One exported public key.

    ``body`` is what a program may be given of it: keys, user ids, the key's own signatures of SHA-256 and better, and every
    revocation. Local trust packets, which gpg would believe, and other people's signatures are left out.
    """

    primary: OpenPgpKey
    subkeys: tuple[OpenPgpKey, ...]
    user_ids: tuple[str, ...]
    body: bytes

    @property
    def fingerprint(self) -> str:
        """The primary key's fingerprint."""
        return self.primary.fingerprint

    @property
    def keys(self) -> tuple[OpenPgpKey, ...]:
        """The primary key and the subkeys."""
        return (self.primary, *self.subkeys)


@dataclass(frozen=True, slots=True, kw_only=True)
class GpgRun:
    """One run of gpg, or of what takes its place: what it was asked and what it reported, not judged.

    ``inputs`` is :func:`openpgp_inputs` of what it was given.
    """

    argv: tuple[str, ...]
    exit_code: int
    status: bytes
    inputs: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidSig:
    """gpg's VALIDSIG line (doc/DETAILS); fingerprints are upper-case hex, times seconds since 1970, 0 for never."""

    fingerprint: str
    created: int
    expires: int
    version: int
    key_algorithm: int
    hash_algorithm: int
    kind: str
    primary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GpgSignature:
    """What gpg reported between one NEWSIG and the next: its verdict words in order, and VALIDSIG where there is one.

    ``error`` is the reason code of ERRSIG.
    """

    verdicts: tuple[str, ...]
    valid: ValidSig | None
    error: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GpgStatus:
    """Every status line, framed by NEWSIG. ``alarms`` are words of failure, ``unknown`` words that are not known here."""

    signatures: tuple[GpgSignature, ...]
    alarms: tuple[str, ...]
    unknown: tuple[str, ...]


def openpgp_identity(fingerprint: str) -> bytes:
    """What an OpenPGP key is counted by: its primary fingerprint."""
    return b"openpgp:" + fingerprint.upper().encode("ascii")


def openpgp_inputs(signature: bytes, data: bytes, certificates: bytes) -> str:
    """One SHA-256 (hex) over the three things a signature is checked with, each by its own digest."""
    parts = (hashlib.sha256(part).digest() for part in (signature, data, certificates))
    return hashlib.sha256(b"".join(parts)).hexdigest()
