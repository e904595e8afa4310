"""OSV advisories as values (OSV schema 1.x), as far as matching and reporting need them."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from vxsec.values import dataclass

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["Advisory", "AffectedPackage", "Event", "VersionRange", "VulnerabilitySeverity"]

_RANKS = {"unknown": 5, "low": 1, "medium": 2, "high": 3, "critical": 4}


class VulnerabilitySeverity(StrEnum):
    """How bad, in the words of CVSS; ``unknown`` where nobody said."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"
    UNKNOWN = "unknown"

    @property
    def rank(self) -> int:
        """For thresholds: higher is worse, and what nobody rated is at or above every threshold."""
        return _RANKS[self.value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event of a range: ``kind`` is ``introduced``, ``fixed``, ``last_affected`` or ``limit``."""

    kind: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRange:
    """A range of versions; ``type`` is ``SEMVER``, ``ECOSYSTEM`` or ``GIT``."""

    type: str
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AffectedPackage:
    """What one advisory says of one package: in a range, or listed among ``versions``, is affected.

    ``severity`` is the advisory's own, or this package's where the advisory rates packages one by one.
    """

    ecosystem: str
    name: str
    ranges: tuple[VersionRange, ...]
    versions: tuple[str, ...]
    severity: VulnerabilitySeverity


@dataclass(frozen=True, slots=True, kw_only=True)
class Advisory:
    """One OSV record. ``malware`` is True for a ``MAL-`` id or alias.

    ``withdrawn`` records never match. ``withdrawn_at`` says since when, for whoever has a clock: a record to be withdrawn in
    the future is kept as one that is not.
    """

    id: str
    aliases: tuple[str, ...]
    summary: str
    modified: datetime
    published: datetime | None
    withdrawn: bool
    affected: tuple[AffectedPackage, ...]
    withdrawn_at: datetime | None = None

    @property
    def malware(self) -> bool:
        """Whether the package is malicious, not merely vulnerable."""
        return any(name.startswith("MAL-") for name in (self.id, *self.aliases))
