"""What a verification was asked for, what it looked at, and what it found."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from typing import TYPE_CHECKING

from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

__all__ = [
    "AuthorityKind",
    "CertificateIdentity",
    "Check",
    "CheckStatus",
    "CountedAuthority",
    "Requirements",
    "TimeSource",
    "TrustedTime",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirements:
    """How much evidence beside the signature itself is asked for; policy sets it.

    None asks for what the trusted root lists. A signature by a certificate needs one trusted time whatever this says: without
    one nothing shows that the certificate was valid.
    """

    log_entries: int | None = 0
    timestamps: int | None = 0
    scts: int | None = 0

    def filled(self, offered: Requirements) -> Requirements:
        """The same, with what is None taken from ``offered``."""
        return Requirements(
            log_entries=offered.log_entries if self.log_entries is None else self.log_entries,
            timestamps=offered.timestamps if self.timestamps is None else self.timestamps,
            scts=offered.scts if self.scts is None else self.scts,
        )

    @property
    def asks_for_more(self) -> bool:
        """Whether something is asked for that a signature alone does not have."""
        return any((self.log_entries, self.timestamps, self.scts))


class TimeSource(StrEnum):
    """Who vouches for a time that the signer could not choose."""

    LOG = "log"
    """The signed entry timestamp of a transparency log."""
    TIMESTAMP = "timestamp"
    """An RFC 3161 timestamp."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedTime:
    """The signature existed at this moment (aware), says ``authority`` (its URI in the trusted root)."""

    source: TimeSource
    at: datetime
    authority: str


class AuthorityKind(StrEnum):
    """What somebody of a trusted root vouches for."""

    CERTIFICATE = "certificate"
    """It issued the certificate."""
    CERTIFICATE_LOG = "certificate-log"
    """It has the certificate."""
    LOG = "log"
    """It has the signature."""
    TIMESTAMP = "timestamp"
    """It saw the signature."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedAuthority:
    """Somebody of a trusted root whose word about one signature verified, so that it can be left out when it is taken back.

    ``uri`` is how the trusted root calls it (it may be empty), ``name`` and ``key`` what it is counted by. ``at`` is the time
    that it states itself, aware; None where it states none.
    """

    kind: AuthorityKind
    uri: str
    name: str
    key: bytes
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateIdentity:
    """Who a verified certificate was issued to, both exact, and what its issuer says about the build.

    ``claims`` holds the other Fulcio extensions by the names of Fulcio's own table in camel case
    (``sourceRepositoryURI``, ``buildConfigURI``, ``runnerEnvironment``, ``githubWorkflowRef`` …).
    """

    subject: str
    issuer: str
    claims: Mapping[str, str] = field(default_factory=dict)


class CheckStatus(StrEnum):
    """What became of one check."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_RUN = "not-run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One step of a verification: its id (closed list), what became of it, and why.

    ``code`` is the reason code where it failed, or was not run because something it needs is missing; ``evidence`` the
    SHA-256 (hex) of the bytes it judged, where there are some.
    """

    id: str
    status: CheckStatus
    message: str
    code: str | None = None
    evidence: str | None = None
