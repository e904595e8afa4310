"""What a registry signed, and what became of verifying it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.model.report.verification import FileVerdict, VerifyReport
from vxsec.model.verification import CheckStatus
from vxsec.values import dataclass

if TYPE_CHECKING:
    from datetime import datetime

    from vxsec.model.finding import Finding
    from vxsec.model.npm import NpmSignature
    from vxsec.model.package import PackageRef
    from vxsec.model.report.verification import SignatureVerdict
    from vxsec.model.verification import Check

__all__ = ["PackumentVerdict", "RegistrySignature"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrySignature:
    """A registry signature made: over which bytes, and the whole ``dist.signatures`` to serve from now on."""

    file: str
    package: PackageRef
    integrity: str
    keyid: str
    signatures: tuple[NpmSignature, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PackumentVerdict:
    """Whether a registry signed a tarball as what was asked for, and says of it what it is.

    ``checks`` are all of the closed list, in order: one that was not run stands behind one that failed. ``signature`` is the
    same verdict as one of a file's signatures.
    """

    file: str
    sha256: str
    sha512: str
    packument: str
    registry: str | None
    checks: tuple[Check, ...]
    findings: tuple[Finding, ...]
    signature: SignatureVerdict
    as_of: datetime | None = None
    rehearsal: bool = False

    @property
    def verified(self) -> bool:
        """Whether every check passed."""
        return bool(self.checks) and all(check.status is CheckStatus.PASSED for check in self.checks)

    @property
    def exit_status(self) -> int:
        """0 where verified, else 10."""
        return 0 if self.verified else 10

    def as_report(self) -> VerifyReport:
        """The same in the form that every kind of verification is told in."""
        file = FileVerdict(
            file=self.file,
            sha256=self.sha256,
            sha512=self.sha512,
            verified=self.verified,
            code=self.signature.code,
            message=self.signature.message,
            signed_by=(self.signature.signer,) if self.signature.signer is not None else (),
            signatures=(self.signature,),
            findings=self.findings,
            hint=self.signature.hint,
        )
        return VerifyReport(files=(file,), as_of=self.as_of, rehearsal=self.rehearsal)
