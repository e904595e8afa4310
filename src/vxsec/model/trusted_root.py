"""Sigstore's trusted root: whose certificates, logs and timestamps count, and from when to when.

Words are those of ``sigstore_trustroot.proto``. Not to be confused with :mod:`vxsec.model.trust`, which says whom a team
believes; that document names the trusted roots it uses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.values import dataclass

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["CertificateAuthority", "TransparencyLog", "TrustedRoot", "Window"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """From when to when something is trusted: a closed interval; without ``end`` it is still open."""

    start: datetime
    end: datetime | None = None

    def contains(self, moment: datetime) -> bool:
        """Whether ``moment`` is in it, both ends included."""
        return self.start <= moment and (self.end is None or moment <= self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateAuthority:
    """An issuer of signing certificates, or of timestamps: its chain in DER, the issuing certificate first, the root last."""

    uri: str
    chain: tuple[bytes, ...]
    window: Window


@dataclass(frozen=True, slots=True, kw_only=True)
class TransparencyLog:
    """A log by its public key (canonical DER SubjectPublicKeyInfo).

    ``log_id`` is what entries name it by; ``base_url`` gives the origin expected in its checkpoints (host and path).
    """

    base_url: str
    spki: bytes
    log_id: bytes
    window: Window
    checkpoint_key_id: bytes | None = None
    """What its checkpoints name the key by, where that is not ``log_id``; four bytes of it stand in a signature line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedRoot:
    """One trusted root, read; ``sha256`` (hex) is of the bytes it was read from and ``source`` says where from."""

    certificate_authorities: tuple[CertificateAuthority, ...]
    logs: tuple[TransparencyLog, ...]
    ct_logs: tuple[TransparencyLog, ...]
    timestamp_authorities: tuple[CertificateAuthority, ...]
    source: str
    sha256: str
    rehearsal: bool = False
    """Made for a rehearsal (``vxsec.testing.sigstore`` writes so); refused by every enforcing command."""
    left_out: tuple[str, ...] = ()
    """Logs that are not trusted because signatures of their kind of key are not verified here, each with that kind."""
    listed_logs: int = 0
    """How many logs the document lists, those left out among them: what is asked for must not shrink with what is understood."""
    listed_ct_logs: int = 0
    issuers: tuple[str, ...] = ()
    """Who the identities of its certificates may come from; empty where nobody says, and it vouches for all."""

    def vouches_for(self, issuer: str) -> bool:
        """Whether a certificate of this instance may hold an identity of ``issuer``, exact."""
        return not self.issuers or issuer in self.issuers
