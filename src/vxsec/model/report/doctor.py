"""What is wrong with a machine and a project folder, and how to fix it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from vxsec.values import dataclass

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["Area", "DoctorFinding", "DoctorReport", "Level"]


class Level(StrEnum):
    """How bad it is. ``unknown``: it could not be found out, and trying again may help."""

    OK = "ok"
    WARNING = "warning"
    UNKNOWN = "unknown"
    PROBLEM = "problem"


class Area(StrEnum):
    """What a finding is about, in the order in which a person would go through them."""

    PROGRAMS = "programs"
    CLOCK = "clock"
    TRUST = "trust"
    POLICY = "policy"
    KEYS = "key files"
    NPMRC = "npm settings"
    REGISTRIES = "registries"
    PROJECT = "project"
    DATABASE = "advisories"


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorFinding:
    """One thing that was looked at.

    ``code`` is stable (``doctor.*``). Whatever is not ok says what was ``expected`` and has a ``fix``: a command to type
    or a line to write, behind a colon where a sentence comes before it. ``where`` names the file. No field ever holds a
    token or a password.
    """

    level: Level
    area: Area
    code: str
    found: str
    expected: str | None = None
    fix: str | None = None
    where: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorReport:
    """Everything ``doctor`` looked at, by area; ``as_of`` is the time that keys and data were judged at, if not now."""

    project: str
    findings: tuple[DoctorFinding, ...]
    online: bool
    as_of: datetime | None = None

    def count(self, level: Level) -> int:
        """How many findings have this level."""
        return sum(1 for finding in self.findings if finding.level is level)

    @property
    def exit_status(self) -> int:
        """11 for a problem, else 4 where something could not be found out, else 0; warnings alone are 0."""
        if self.count(Level.PROBLEM):
            return 11
        return 4 if self.count(Level.UNKNOWN) else 0
