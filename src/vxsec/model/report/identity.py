"""Why a certificate's identity is, or is not, the one expected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.values import dataclass

if TYPE_CHECKING:
    from vxsec.model.verification import CertificateIdentity

__all__ = ["ExpectedIdentity", "IdentityComparison", "IdentityReport"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedIdentity:
    """A subject and issuer that would do, whose they are, and why the certificate's are not these (empty: they are)."""

    subject: str
    issuer: str
    holder: str | None
    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityComparison:
    """What one certificate says, and how it compares; read, not verified."""

    source: str
    found: CertificateIdentity
    expected: tuple[ExpectedIdentity, ...]

    @property
    def matches(self) -> bool:
        """Whether it is one of those expected."""
        return any(not item.differences for item in self.expected)


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityReport:
    """Every certificate that was found; there is at least one."""

    comparisons: tuple[IdentityComparison, ...]

    @property
    def exit_status(self) -> int:
        """0 where every certificate is one of those expected, else 11."""
        return 0 if all(item.matches for item in self.comparisons) else 11
