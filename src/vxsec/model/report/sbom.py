"""What was built, checked, compared and found again about SBOMs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.model.finding import Severity
from vxsec.values import dataclass

if TYPE_CHECKING:
    from vxsec.model.finding import Finding
    from vxsec.model.package import PackageRef
    from vxsec.model.sbom import Bom

__all__ = ["BuiltSbom", "ExtractedSbom", "SbomCheck", "SbomVerification"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltSbom:
    """One SBOM made: the document's bytes, and the file it was written to (None where it was only returned).

    ``notes`` are sentences for the person who asked: what is not resolved, or not repeatable.
    """

    package: PackageRef
    document: bytes
    path: str | None
    components: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SbomCheck:
    """Whether a document is a sound SBOM. ``missing`` are the minimum elements (NTIA 2021) that it does not state."""

    source: str
    bom: Bom
    findings: tuple[Finding, ...]
    missing: tuple[str, ...]

    @property
    def exit_status(self) -> int:
        """11 for a finding of high severity, else 0."""
        return 11 if any(finding.severity is Severity.HIGH for finding in self.findings) else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SbomVerification:
    """Whether an SBOM is about these very bytes. ``drift`` is None where no lockfile was given to compare with."""

    file: str
    source: str
    package: PackageRef
    sha256: str
    mismatches: tuple[Finding, ...]
    drift: tuple[str, ...] | None = None

    @property
    def exit_status(self) -> int:
        """10 where anything disagrees, else 0."""
        return 10 if self.mismatches or self.drift else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractedSbom:
    """An SBOM out of a verified attestation; ``signed_by`` is the holder or key that made it."""

    document: bytes
    signed_by: str
    source: str
    path: str | None
