"""What was published, and what stopped it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from vxsec.values import dataclass

if TYPE_CHECKING:
    from vxsec.model.decision import Decision
    from vxsec.model.digest import Digests
    from vxsec.model.package import PackageRef

__all__ = ["PublishReport", "PublishState", "PublishedPackage"]


class PublishState(StrEnum):
    """Where a package stands after ``publish``."""

    PUBLISHED = "published"
    ALREADY_LIVE = "already-live"
    WOULD_PUBLISH = "would-publish"
    FAILED = "failed"
    NOT_ATTEMPTED = "not-attempted"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedPackage:
    """One package's outcome; ``live`` is True where the version is, or may be, on the registry."""

    package: PackageRef
    digests: Digests
    state: PublishState
    tag: str
    live: bool = False
    evidence: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishReport:
    """The decision, and what was done about it."""

    decision: Decision
    packages: tuple[PublishedPackage, ...]
    failure_status: int = 0
    """Exit status of the failure that stopped it, 0 for none."""

    @property
    def exit_status(self) -> int:
        """The decision's where it closed the gate; 5 once anything went live and something after it failed."""
        if not self.decision.allowed:
            return self.decision.exit_status
        if not self.failure_status:
            return 0
        live = any(package.live for package in self.packages)
        return 5 if live and self.failure_status != 1 else self.failure_status
