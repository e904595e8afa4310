"""Whether files are what they claim."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.values import dataclass

if TYPE_CHECKING:
    from datetime import datetime

    from vxsec.model.attestation import RejectedSignature
    from vxsec.model.decision import TrustRef
    from vxsec.model.finding import Finding
    from vxsec.model.verification import CertificateIdentity, Check, TrustedTime

__all__ = ["FileVerdict", "SignatureVerdict", "VerifyReport"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureVerdict:
    """What became of one signature, of whatever kind.

    ``kind`` is ``bundle``, ``openpgp``, ``sshsig`` or ``npm``. ``code`` is ``verified`` where it counts, else the reason why it
    does not. ``signer`` is who it counts for. ``evidence`` is the SHA-256 (hex) of the signature as it was read.
    """

    source: str
    kind: str
    counted: bool
    code: str
    message: str
    evidence: str
    signer: str | None = None
    predicate_type: str | None = None
    identity: CertificateIdentity | None = None
    times: tuple[TrustedTime, ...] = ()
    checks: tuple[Check, ...] = ()
    undecided: bool = False
    hint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileVerdict:
    """Whether one file is what it claims, signed by whom it should be.

    ``signed_by`` holds the holders (with a trust document) or key files (with keys) that counted. ``code`` and
    ``message`` say why not where ``verified`` is False. ``signatures`` tells of each one that was looked at, ``findings``
    of what a packument says that is worth knowing.
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
    signatures: tuple[SignatureVerdict, ...] = ()
    findings: tuple[Finding, ...] = ()
    hint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyReport:
    """Verdicts on all files asked about; an empty report is never a pass."""

    files: tuple[FileVerdict, ...]
    as_of: datetime | None = None
    rehearsal: bool = False
    trust: TrustRef | None = None
    """The trust root, and what supplied it; None where signers were given."""

    @property
    def exit_status(self) -> int:
        """0 where every file is verified, else 10."""
        return 0 if self.files and all(file.verified for file in self.files) else 10
