"""Which advisory data a machine has, and whether it can be relied on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.values import dataclass

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from vxsec.model.scan import DatabaseState

__all__ = ["DatabaseEntry", "DatabaseReport"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseEntry:
    """One ecosystem's data.

    ``state`` is None where there is none that can be read. ``malware`` counts the advisories about malicious packages,
    ``unreadable`` the records of the source that could not be read and so are missing. ``code`` says why the data clears
    nothing (``db.missing``, ``db.damaged``, ``db.empty``, ``db.too-old``, ``db.future``), None where it does.
    """

    ecosystem: str
    state: DatabaseState | None
    malware: int = 0
    unreadable: int = 0
    code: str | None = None
    message: str | None = None
    hint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseReport:
    """Everything ``db`` shows. ``max_age`` is None where the age was not judged; ``as_of`` where the caller named the time."""

    directory: str
    databases: tuple[DatabaseEntry, ...]
    judged_at: datetime
    max_age: timedelta | None
    as_of: bool = False

    @property
    def exit_status(self) -> int:
        """0 where every database can be relied on, else 4."""
        return 4 if any(entry.code is not None for entry in self.databases) else 0
