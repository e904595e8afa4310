"""Which advisory data there is: for a person and for machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.formats.timestamps import render_time
from vxsec.report.escape import escape_text
from vxsec.report.lines import count, plain, schema_name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime, timedelta

    from vxsec.model.report.database import DatabaseEntry, DatabaseReport
    from vxsec.report.lines import Paint

__all__ = ["database_document", "render_database"]


def render_database(report: DatabaseReport, *, paint: Paint = plain) -> Iterator[str]:
    """One block for each ecosystem, worst news in the first line of it."""
    yield f"advisory database in {escape_text(report.directory)}"
    for entry in report.databases:
        if entry.code is None:
            verdict = paint("fresh" if report.max_age is not None else "in place", "good")
        else:
            verdict = paint(entry.code.removeprefix("db."), "bad")
        yield f"{escape_text(entry.ecosystem)}  {verdict}"
        yield from _facts(entry, report.judged_at)
        if entry.message is not None:
            yield f"    {escape_text(entry.message)}"
        if entry.hint is not None:
            yield f"    hint: {escape_text(entry.hint)}"


def _facts(entry: DatabaseEntry, now: datetime) -> Iterator[str]:
    state = entry.state
    if state is None:
        return
    packages = count(state.packages, "package")
    yield f"    {count(state.advisories, 'advisory', 'advisories')} ({entry.malware} malware) about {packages}"
    yield f"    data of {render_time(state.exported_at)}, {_age(now - state.exported_at)}"
    yield f"    imported {render_time(state.imported_at)} from {escape_text(state.source)}"
    if entry.unreadable:
        yield f"    {count(entry.unreadable, 'record')} of the source could not be read and are missing"
    yield f"    sha256 {state.sha256}"


def _age(length: timedelta) -> str:
    hours = int(length.total_seconds()) // 3600
    if hours < 0:
        return "still to come"
    return f"{count(hours // 24, 'day')} old" if hours >= 48 else f"{count(hours, 'hour')} old"  # noqa: PLR2004 - two days: below that, hours say more


def database_document(report: DatabaseReport) -> dict[str, object]:
    """``urn:vxsec:schema:database:v1``."""
    return {
        "schema": schema_name("database"),
        "exitStatus": report.exit_status,
        "directory": report.directory,
        "judgedAt": render_time(report.judged_at),
        "asOf": report.as_of,
        "maxAgeSeconds": None if report.max_age is None else int(report.max_age.total_seconds()),
        "databases": [_entry(entry, report.judged_at) for entry in report.databases],
    }


def _entry(entry: DatabaseEntry, now: datetime) -> dict[str, object]:
    state = entry.state
    problem = {"code": entry.code, "message": entry.message, "hint": entry.hint}
    return {
        "ecosystem": entry.ecosystem,
        "problem": None if entry.code is None else problem,
        "data": None
        if state is None
        else {
            "exportedAt": render_time(state.exported_at),
            "importedAt": render_time(state.imported_at),
            "ageSeconds": int((now - state.exported_at).total_seconds()),
            "advisories": state.advisories,
            "malware": entry.malware,
            "packages": state.packages,
            "unreadable": entry.unreadable,
            "sha256": state.sha256,
            "source": state.source,
        },
    }
