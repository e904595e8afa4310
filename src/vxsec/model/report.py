"""What a use case found out, as values that ``vxsec.report`` renders and embedders read."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from vxsec.model.artifact import Artifact, RefusedArtifact
    from vxsec.model.decision import Decision
    from vxsec.model.dependency import Lockfile
    from vxsec.model.digest import Digests
    from vxsec.model.evidence import FieldDifference, InstallScript, RejectedSignature
    from vxsec.model.finding import Finding, Severity
    from vxsec.model.package import PackageRef

__all__ = [
    "Approval",
    "ArtifactInspection",
    "FileVerdict",
    "InstallReport",
    "LockfileInspection",
    "PublishReport",
    "PublishState",
    "PublishedPackage",
    "ReleaseDifference",
    "SignedFile",
    "TreeFailure",
    "TreeTotals",
    "VerifyReport",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedFile:
    """One statement or signature made: what was signed, and the file the bundle was appended to."""

    file: str
    subject: str
    predicate_type: str | None
    key_hint: str
    bundle: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileVerdict:
    """Whether one file is what it claims, signed by whom it should be.

    ``signed_by`` holds the holders (with a trust document) or key hints (with keys) that counted. ``code`` and
    ``message`` say why not where ``verified`` is False.
    """

    file: str
    sha256: str
    sha512: str
    verified: bool
    code: str
    message: str
    signed_by: tuple[str, ...] = ()
    predicate_types: tuple[str, ...] = ()
    rejected: tuple[RejectedSignature, ...] = ()
    hint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyReport:
    """Verdicts on all files asked about; an empty report is never a pass."""

    files: tuple[FileVerdict, ...]
    as_of: datetime | None = None
    rehearsal: bool = False

    @property
    def exit_status(self) -> int:
        """0 where every file is verified, else 10."""
        return 0 if self.files and all(file.verified for file in self.files) else 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactInspection:
    """Everything ``inspect`` shows about a tarball; ``artifact`` is refused or accepted."""

    artifact: Artifact | RefusedArtifact
    findings: tuple[Finding, ...]
    install_scripts: tuple[InstallScript, ...]
    differences: tuple[FieldDifference, ...]
    fail_on: Severity

    @property
    def refused(self) -> bool:
        """Whether the bytes themselves are refused."""
        return not hasattr(self.artifact, "manifest")

    @property
    def exit_status(self) -> int:
        """10 for refused bytes, 11 for a finding at or above ``fail_on``, else 0."""
        if self.refused:
            return 10
        return 11 if any(finding.severity.rank >= self.fail_on.rank for finding in self.findings) else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LockfileInspection:
    """Everything ``inspect`` shows about a lockfile."""

    source: str
    lockfile: Lockfile
    findings: tuple[Finding, ...]
    fail_on: Severity

    @property
    def exit_status(self) -> int:
        """11 for a finding at or above ``fail_on``, else 0."""
        return 11 if any(finding.severity.rank >= self.fail_on.rank for finding in self.findings) else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseDifference:
    """What changes for the people who install, derived from the bytes by the approver's own vxsec.

    ``previous`` is None where no earlier version could be read; then ``added`` is the full inventory.
    """

    package: PackageRef
    previous: PackageRef | None
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    manifest: tuple[FieldDifference, ...]
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """An approval made, over every file at once."""

    files: tuple[SignedFile, ...]
    differences: tuple[ReleaseDifference, ...]
    pushed: tuple[str, ...] = ()
    """Versions of the evidence package written, one per file where ``--push`` was asked."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeFailure:
    """An entry that is wrong whatever the policy says: its bytes, its signed digest, or what the lockfile claims of it."""

    path: str
    package: str
    code: str
    message: str
    hint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeTotals:
    """Every package of the lockfile, once: the five add up to ``total``."""

    total: int
    verified: int
    allowed_unsigned: int
    local: int
    failed: int
    not_evaluated: int
    bundled: int = 0
    """How many of the verified and allowed ones came inside another package's tarball."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallReport:
    """The whole tree: lockfile = bytes = signed digest, and the policy's decision on each package."""

    lockfile: str
    decision: Decision | None
    failures: tuple[TreeFailure, ...]
    totals: TreeTotals
    not_evaluated: tuple[TreeFailure, ...] = ()

    @property
    def exit_status(self) -> int:
        """10 where anything is wrong whatever the policy says, else the decision's, else 4 for anything not evaluated."""
        if self.failures:
            return 10
        if self.decision is not None and self.decision.exit_status:
            return self.decision.exit_status
        return 4 if self.not_evaluated else 0
