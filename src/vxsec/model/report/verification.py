"""Whether files are what they claim."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from vxsec.model.attestation import RejectedSignature

__all__ = ["FileVerdict", "VerifyReport"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileVerdict:
    """Whether one file is what it claims, signed by whom it should be.

    ``signed_by`` holds the holders (with a trust document) or key files (with keys) that counted. ``code`` and
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
