"""What only verification may conclude.

A value of these types means the signature was checked over these exact bytes. Only ``vxsec.verification`` constructs
them (a test over the syntax tree holds it), so forgetting to verify is a type error.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from vxsec.errors import VerificationError
from vxsec.model.verification import Requirements
from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from vxsec.model.attestation import Statement
    from vxsec.model.npm import NpmKey
    from vxsec.model.verification import CertificateIdentity, Check, CountedAuthority, TrustedTime

__all__ = [
    "VerifiedBlob",
    "VerifiedNpmSignatures",
    "VerifiedRole",
    "VerifiedSignature",
    "VerifiedStatement",
    "VerifiedTrust",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedSignature:
    """How a signature was verified.

    ``spki`` is the canonical DER of the one key that signed; ``identity`` whom its certificate was issued to, None for a
    bare key. ``times`` are the trusted times, and ``log_entries``, ``timestamps`` and ``scts`` how much was verified of
    each kind, every authority counted once. ``authorities`` are all of them, ``required`` what was asked for, and ``root`` the
    SHA-256 (hex) of the one trusted root under which all that was found, None where none was looked at. ``checks`` tells
    step by step and is no part of what is compared.
    """

    spki: bytes
    identity: CertificateIdentity | None = None
    times: tuple[TrustedTime, ...] = ()
    log_entries: int = 0
    timestamps: int = 0
    scts: int = 0
    authorities: tuple[CountedAuthority, ...] = ()
    required: Requirements = Requirements()
    root: str | None = None
    checks: tuple[Check, ...] = field(default=(), compare=False)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedRole:
    """One role of a trust repository, its metadata signed by at least ``threshold`` of ``keys`` (distinct, canonical DER).

    ``signed_by`` are the first of them that did, ``threshold`` many: no other signature is looked at.
    """

    version: int
    expires: datetime
    keys: tuple[bytes, ...]
    threshold: int
    signed_by: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedTrust:
    """A trust repository whose metadata verifies from a root that was given out of band.

    ``pinned_sha256`` names that root, ``root_sha256`` the newest one. ``roles`` are those walked, ``listed`` the version of
    every role that the snapshot lists, ``digests`` the SHA-256 (hex) of the newest root, of timestamp, snapshot and every
    role listed, ``files`` the targets of the roles walked by path, their hashes checked.
    ``fresh_by`` says why it is not stale: ``timestamp``, ``minimum-version`` (the timestamp or the snapshot is out of
    date, and the version asked for is there), or None where nobody asked (only repairs and reports do not).
    """

    pinned_sha256: str
    root_sha256: str
    roles: Mapping[str, VerifiedRole]
    listed: Mapping[str, int]
    digests: Mapping[str, str]
    files: Mapping[str, bytes]
    fresh_by: str | None

    def target(self, role: str, path: str) -> bytes:
        """A target of a role; ``path`` starts with the role's folder.

        Raises:
            VerificationError: ``tuf.missing``.
        """
        if path.partition("/")[0] == role and path in self.files:
            return self.files[path]
        raise VerificationError(f"the role {role!r} has no target {path!r}", code="tuf.missing")
