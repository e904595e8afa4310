"""What only verification may conclude.

A value of these types means the signature was checked over these exact bytes. Only ``vxsec.verification`` constructs
them (a test over the syntax tree holds it), so forgetting to verify is a type error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vxsec.model.attestation import Statement
    from vxsec.model.npm import NpmKey
    from vxsec.model.verification import CertificateIdentity, Check, TrustedTime

__all__ = ["VerifiedBlob", "VerifiedNpmSignatures", "VerifiedSignature", "VerifiedStatement"]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedSignature:
    """How a signature was verified.

    ``spki`` is the canonical DER of the one key that signed; ``identity`` whom its certificate was issued to, None for a
    bare key. ``times`` are the trusted times, and ``log_entries``, ``timestamps`` and ``scts`` how much was verified of
    each kind, every authority counted once. ``checks`` tells step by step.
    """

    spki: bytes
    identity: CertificateIdentity | None = None
    times: tuple[TrustedTime, ...] = ()
    log_entries: int = 0
    timestamps: int = 0
    scts: int = 0
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedStatement:
    """A statement whose envelope verifies as ``signature`` tells."""

    statement: Statement
    signature: VerifiedSignature

    @property
    def spki(self) -> bytes:
        """The key that signed it, canonical DER."""
        return self.signature.spki


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedBlob:
    """A bare signature over a file with this SHA-256 (lower-case hex) that verifies as ``signature`` tells."""

    sha256: str
    signature: VerifiedSignature

    @property
    def spki(self) -> bytes:
        """The key that signed it, canonical DER."""
        return self.signature.spki


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedNpmSignatures:
    """A registry signed that the bytes with this integrity (``sha512-…``) are this name and version, with each of ``keys``.

    At least one key; each was good when it was judged. It says that a registry accepted the bytes, and nothing about who
    built them.
    """

    name: str
    version: str
    integrity: str
    keys: tuple[NpmKey, ...]
