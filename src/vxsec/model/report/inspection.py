"""What a tarball or a lockfile holds, and what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.values import dataclass

if TYPE_CHECKING:
    from vxsec.model.artifact import Artifact, PlainArchive, RefusedArtifact
    from vxsec.model.dependency import Lockfile
    from vxsec.model.evidence import FieldDifference, InstallScript
    from vxsec.model.finding import Finding, Severity

__all__ = ["ArtifactInspection", "LockfileInspection"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactInspection:
    """Everything ``inspect`` shows about a tarball: a package, another archive, or refused bytes."""

    artifact: Artifact | PlainArchive | RefusedArtifact
    findings: tuple[Finding, ...]
    install_scripts: tuple[InstallScript, ...]
    differences: tuple[FieldDifference, ...]
    fail_on: Severity

    @property
    def refused(self) -> bool:
        """Whether the bytes themselves are refused."""
        return hasattr(self.artifact, "reasons")

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
