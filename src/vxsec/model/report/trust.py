"""What is in a trust repository, what changed, and what will go stale."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from typing import TYPE_CHECKING

from vxsec.values import dataclass

if TYPE_CHECKING:
    from datetime import datetime

__all__ = [
    "Grant",
    "RoleReport",
    "TrustChange",
    "TrustCheck",
    "TrustDifference",
    "TrustFinding",
    "TrustLevel",
    "TrustReport",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleReport:
    """A role of the repository: how many keys must sign for it, and which may (SHA-256, and the holder where one is known)."""

    name: str
    version: int
    expires: datetime
    threshold: int
    keys: tuple[tuple[str, str | None], ...]


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Grant:
    """One thing that the repository says: ``kind`` (``key``, ``identity``, ``registry``, ``signs`` …), who or what, and what."""

    kind: str
    subject: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustReport:
    """A repository as it is: ``pinned`` says whether its first root is the one whose digest was given from outside of it."""

    source: str
    first_root_sha256: str
    pinned: bool
    roles: tuple[RoleReport, ...]
    grants: tuple[Grant, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustDifference:
    """Who and what gained or lost something between two states; two equal states have neither.

    ``unpinned`` are the repositories among the two: they are whole, and whose they are was not asked.
    """

    before: str
    after: str
    gained: tuple[Grant, ...]
    lost: tuple[Grant, ...]
    unpinned: tuple[str, ...] = ()


class TrustLevel(StrEnum):
    """How urgent a finding is: ``notice`` (30 days), ``soon`` (14), ``now`` (3 days, or never signable), ``expired``."""

    NOTICE = "notice"
    SOON = "soon"
    NOW = "now"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustFinding:
    """One thing to do, its stable code (``trust.*``) and how."""

    level: TrustLevel
    code: str
    subject: str
    message: str
    fix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustCheck:
    """A repository that verifies, and what is to be done about it."""

    source: str
    first_root_sha256: str
    pinned: bool
    versions: tuple[tuple[str, int, datetime], ...]
    findings: tuple[TrustFinding, ...]

    @property
    def exit_status(self) -> int:
        """4 where metadata is expired (what it says is unknown), else 11 for what cannot wait, else 0.

        An expired key of a person or machine is no stale metadata: it is 11.
        """
        if any(item.level is TrustLevel.EXPIRED and item.code == "trust.role-expired" for item in self.findings):
            return 4
        return 11 if any(item.level in {TrustLevel.NOW, TrustLevel.EXPIRED} for item in self.findings) else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustChange:
    """What a command changed: the files written, the new versions by role, and what to know or do next."""

    path: str
    first_root_sha256: str
    written: tuple[str, ...]
    versions: tuple[tuple[str, int, datetime], ...]
    notes: tuple[str, ...] = field(default=())
