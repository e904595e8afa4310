"""``doctor`` on the advisory database: is it there, and how old is its data?"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from vxsec.errors import VxsecError
from vxsec.formats.timestamps import render_time
from vxsec.model.report.doctor import Area, Level
from vxsec.policy.rule import EvidenceKind
from vxsec.usecases.doctor.notes import Notes

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator
    from datetime import datetime

    from vxsec.model.report.doctor import DoctorFinding
    from vxsec.model.scan import DatabaseState
    from vxsec.policy.document import Policy

__all__ = ["check_databases", "judge_age"]

_NOTES = Notes(Area.DATABASE)
_SLACK = timedelta(days=1)


def check_databases(
    directory: str | os.PathLike[str] | None, *, policy: Policy | None, now: datetime
) -> Iterator[DoctorFinding]:
    """Each ecosystem's data. That there is none is a problem only where the policy scans; that it is damaged always is."""
    from vxsec.usecases.database.maintain import MAX_AGE, database_states  # here, because an index needs sqlite3

    needed, oldest = _what_the_policy_needs(policy)
    try:
        states = database_states(directory)
    except VxsecError as error:
        missing = error.code in {"db.missing", "db.no-home"}
        code, level = ("db-missing", Level.WARNING) if missing else ("db-damaged", Level.PROBLEM)
        expected = "advisories, because the policy scans" if needed else "advisories that a scan can ask"
        yield _NOTES.error(code, error, expected=expected, level=Level.PROBLEM if needed else level)
        return
    for state in states:
        yield judge_age(state, now=now, oldest=oldest or MAX_AGE, needed=oldest is not None, directory=directory)


def judge_age(
    state: DatabaseState,
    *,
    now: datetime,
    oldest: timedelta,
    needed: bool,
    directory: str | os.PathLike[str] | None = None,
) -> DoctorFinding:
    """The age of one database's data: beyond ``oldest`` a warning, and a problem where the policy says so (``needed``).

    ``directory`` is the database's folder where somebody named it: the fix names it, too.
    """
    from vxsec.scanning.refill import update_command

    update = update_command(state.ecosystem, directory)
    age = now - state.exported_at
    note = _NOTES.problem if needed else _NOTES.warning
    dated = f"the {state.ecosystem} data is of {render_time(state.exported_at)}"
    if age < -_SLACK:
        return _NOTES.problem(
            "db-future",
            f"{dated}, which is still to come",
            expected="data from the past",
            fix=f"set the clock, or get the data again: {update}",
        )
    if age > oldest:
        return note(
            "db-old",
            f"{dated}, {age.days} days ago",
            expected=f"at most {oldest.days} days" + (", says the policy" if needed else ""),
            fix=f"with a connection: {update}",
        )
    return _NOTES.ok("db", f"{dated}; {state.advisories} advisories")


def _what_the_policy_needs(policy: Policy | None) -> tuple[bool, timedelta | None]:
    """Whether some rule reads a scan, and the strictest age of data that one asks for."""
    uses = [use for scope in policy.scopes for use in scope.rules] if policy is not None else []
    scanning = [use for use in uses if EvidenceKind.SCAN in use.rule.needs]
    ages = [age for use in scanning if isinstance(age := getattr(use.parameters, "max_db_age", None), timedelta)]
    return bool(scanning), min(ages, default=None)
