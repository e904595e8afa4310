"""What looking dependencies up in an advisory database found, and what it could not find out."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from vxsec.model.attestation import SCAN_PREDICATE
from vxsec.values import dataclass

if TYPE_CHECKING:
    from datetime import datetime

    from vxsec.model.advisory import VulnerabilitySeverity

__all__ = [
    "SCAN_PREDICATE",
    "DatabaseState",
    "NotEvaluated",
    "NotEvaluatedReason",
    "ScanResult",
    "Vulnerability",
]


class NotEvaluatedReason(StrEnum):
    """Why nothing can be said about a dependency; a closed list."""

    GIT = "git"
    URL = "url"
    FILE = "file"
    RANGE = "range"
    """Only a range is known, not which version it becomes."""
    NO_VERSION = "no-version"
    VERSION = "version"
    """A version that its ecosystem does not define."""
    ECOSYSTEM = "ecosystem"
    """No advisories of this ecosystem can be evaluated by this version of vxsec."""
    DATABASE = "database"
    """No database of this ecosystem is there."""
    ADVISORY = "advisory"
    """An advisory names this package in a way that cannot be evaluated (no versions, or only commits)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vulnerability:
    """One finding: one group of advisories that are aliases of one another, about one package version.

    ``package`` is its label (``NAME@VERSION``), ``purl`` its package URL. ``ids`` are all identifiers, ``id`` the one shown
    first. ``fixed`` are the versions that no longer have it, lowest first. ``sources`` say where it was read:
    ``osv``, ``npm-audit``. ``paths`` are the package's places in the tree.
    """

    id: str
    ids: tuple[str, ...]
    package: str
    purl: str
    malware: bool
    severity: VulnerabilitySeverity
    summary: str
    fixed: tuple[str, ...] = ()
    published: datetime | None = None
    sources: tuple[str, ...] = ("osv",)
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NotEvaluated:
    """One dependency about which nothing can be said; ``detail`` is a sentence for a person."""

    package: str
    reason: NotEvaluatedReason
    detail: str
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseState:
    """Which data was asked: ``exported_at`` is the age of the data, never the time of the import.

    ``sha256`` is that of the index file; ``advisories`` counts the records that can match (withdrawn ones cannot).
    """

    ecosystem: str
    exported_at: datetime
    imported_at: datetime
    advisories: int
    packages: int
    sha256: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanResult:
    """Everything one scan found. Every dependency is clean, vulnerable, malicious, local or not evaluated, and only one of them.

    ``packages`` counts all that were looked at, each once; ``clean``, ``affected`` (findings, no malware), ``malicious``,
    ``local`` (workspaces of the project itself) and ``not_evaluated`` add up to it: :attr:`adds_up` says so.
    ``partly_evaluated`` are packages already counted as affected or malicious about which something else could not be
    evaluated: told, because it may be worse than what was found, and not counted a second time.
    """

    packages: int
    clean: int
    affected: int
    malicious: int
    local: int
    findings: tuple[Vulnerability, ...]
    not_evaluated: tuple[NotEvaluated, ...]
    databases: tuple[DatabaseState, ...]
    partly_evaluated: tuple[NotEvaluated, ...] = ()

    @property
    def adds_up(self) -> bool:
        """Whether no dependency was lost on the way."""
        return self.packages == self.clean + self.affected + self.malicious + self.local + len(self.not_evaluated)

    @property
    def data_from(self) -> datetime | None:
        """The age of the oldest data that was asked; None where none was."""
        return min((state.exported_at for state in self.databases), default=None)
