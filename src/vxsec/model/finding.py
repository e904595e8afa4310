"""One fact worth a reader's attention."""

from __future__ import annotations

from enum import StrEnum

from vxsec.values import dataclass

__all__ = ["Finding", "Severity"]


class Severity(StrEnum):
    """How much a finding matters to a gate."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"

    @property
    def rank(self) -> int:
        """Position from low to high."""
        return ("low", "medium", "high").index(self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A stable code, a severity, a sentence, and the member, entry or field it is about."""

    code: str
    severity: Severity
    message: str
    where: str | None = None
