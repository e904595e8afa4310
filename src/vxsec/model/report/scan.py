"""What ``scan`` looked at, what it found, and what that means for the exit status."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from typing import TYPE_CHECKING

from vxsec.model.advisory import VulnerabilitySeverity
from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

    from vxsec.model.dependency import DependencyGraph
    from vxsec.model.digest import Digests
    from vxsec.model.package import PackageRef
    from vxsec.model.report.signing import SignedFile
    from vxsec.model.scan import NotEvaluated, NotEvaluatedReason, ScanResult, Vulnerability

__all__ = ["DatabaseProblem", "FailOn", "Route", "ScanInput", "ScanInputKind", "ScanReport"]


class FailOn(StrEnum):
    """The lowest finding that fails; malware always does."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"
    MALWARE = "malware"

    def reached_by(self, finding: Vulnerability) -> bool:
        """Whether this finding fails. One that nobody rated is at or above every severity."""
        if finding.malware:
            return True
        return self is not FailOn.MALWARE and finding.severity.rank >= VulnerabilitySeverity(self.value).rank


class ScanInputKind(StrEnum):
    """What kind of file was scanned."""

    NPM_LOCKFILE = "npm-lockfile"
    CYCLONEDX = "cyclonedx"
    NPM_PACKAGE = "npm-package"
    WHEEL = "wheel"
    SDIST = "sdist"
    PIP_REPORT = "pip-report"
    NPM_AUDIT = "npm-audit"
    """Not a list of dependencies: the second source given with ``--import``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanInput:
    """One file that was read.

    ``graph`` is what it lists, development tools already left out where that was asked (``omitted`` of them). ``package`` is
    set for a package's own archive, and ``dependencies_from`` is then the file its dependencies came from, None where only its
    manifest's ranges are known; ``dependencies_digest`` is that file's, as ``ALGORITHM:HEX``. ``uri`` is the file relative to
    the project, with ``/``; ``lines`` maps a place in the tree to the line of its entry, for files that have both and only
    where something was found.
    """

    file: str
    kind: ScanInputKind
    digests: Digests
    uri: str
    graph: DependencyGraph
    package: PackageRef | None = None
    dependencies_from: str | None = None
    dependencies_digest: str | None = None
    omitted: int = 0
    lines: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Who pulls a package in.

    ``chains`` lead from what the project asks for itself to the package, as labels, the shortest first; an inner part that
    is left out is ``…``. ``more`` counts the packages that need it and have no chain here. ``direct`` is True where the
    project asks for it itself; ``dev`` where only development tools lead to it.
    """

    chains: tuple[tuple[str, ...], ...]
    more: int
    direct: bool
    dev: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseProblem:
    """Why the data of one ecosystem could not be asked, or cannot be relied on."""

    ecosystem: str
    code: str
    message: str
    hint: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanReport:
    """Everything ``scan`` shows.

    ``routes`` maps the label of a package with findings to who pulls it in. ``notes`` are sentences about what was given and
    had no part in the result (an audit about packages that the input does not have, records nobody could read). ``as_of`` is
    True where the caller named the time. ``audit`` is npm's report given with ``--import``.
    """

    inputs: tuple[ScanInput, ...]
    result: ScanResult
    scanned_at: datetime
    fail_on: FailOn
    max_db_age: timedelta
    allowed: tuple[NotEvaluatedReason, ...] = ()
    problems: tuple[DatabaseProblem, ...] = ()
    routes: Mapping[str, Route] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    audit: ScanInput | None = None
    as_of: bool = False
    attested: tuple[SignedFile, ...] = ()

    @property
    def failing(self) -> tuple[Vulnerability, ...]:
        """The findings that close the gate."""
        return tuple(finding for finding in self.result.findings if self.fail_on.reached_by(finding))

    @property
    def undecided(self) -> tuple[NotEvaluated, ...]:
        """What could not be evaluated and was not allowed to be."""
        found = (*self.result.not_evaluated, *self.result.partly_evaluated)
        return tuple(item for item in found if item.reason not in self.allowed)

    @property
    def exit_status(self) -> int:
        """11 for a finding at or above ``fail_on``, 4 where anything could not be evaluated or the data is bad, else 0."""
        if self.failing:
            return 11
        return 4 if self.undecided or self.problems else 0
