"""``vxsec db``: fill the local advisory database; say how old it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vxsec.cli.options import AT, DB, DURATION, TIME, output_options

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from vxsec.cli.output import Output
    from vxsec.model.report.database import DatabaseReport
    from vxsec.model.scan import DatabaseState

__all__ = ["command"]

_ECOSYSTEM = click.Choice(["npm", "PyPI"], case_sensitive=False)


@click.group(name="db")
def command() -> None:
    """Fill the local advisory database (OSV); say how old it is."""


@command.command(name="import")
@click.argument("sources", nargs=-1, required=True, metavar="ZIP|DIR...")
@click.option(
    "--exported-at", type=TIME, help="When the data was exported (RFC 3339); else the newest change in it counts."
)
@click.option("--ecosystem", type=_ECOSYSTEM, help="What the data is about, where its name does not say it.")
@DB
@output_options
def import_(
    *, sources: tuple[str, ...], exported_at: datetime | None, ecosystem: str | None, db: str | None, out: Output
) -> int:
    """Make the database from OSV's exports (npm.zip, npm/all.zip) or a folder of records. No network."""
    from vxsec.usecases.database.maintain import import_database

    states = import_database(sources, directory=db, ecosystem=ecosystem, exported_at=exported_at, progress=out.progress)
    return _show(out, db, states)


@command.command()
@click.option("--base-url", metavar="URL", help="Where the exports lie, as in OSV's public bucket (the default).")
@click.option(
    "--ecosystem",
    "ecosystems",
    type=_ECOSYSTEM,
    multiple=True,
    default=("npm",),
    show_default=True,
    help="Which ones; repeat it for several.",
)
@DB
@click.option("--unsafe-http", multiple=True, metavar="URL", help="Allow plain http to this address.")
@output_options
def update(
    *,
    base_url: str | None,
    ecosystems: tuple[str, ...],
    db: str | None,
    unsafe_http: tuple[str, ...],
    out: Output,
) -> int:
    """Fetch URL/npm/all.zip, if it is newer, and make the database from it."""
    from vxsec.usecases.database.maintain import DEFAULT_BASE_URL, update_database

    states = update_database(
        base_url=base_url or DEFAULT_BASE_URL,
        ecosystems=ecosystems,
        directory=db,
        unsafe_http=unsafe_http,
        progress=out.progress,
    )
    return _show(out, db, states)


@command.command()
@click.option("--ecosystem", "ecosystems", type=_ECOSYSTEM, multiple=True, help="Must be there; else those that are.")
@click.option(
    "--max-age",
    type=DURATION,
    default="P3D",
    show_default=True,
    help="How old the data may be (ISO 8601), by its own date.",
)
@AT
@DB
@output_options
def status(*, ecosystems: tuple[str, ...], max_age: timedelta, at: datetime | None, db: str | None, out: Output) -> int:
    """What data there is, and how old: 0 fresh, 4 missing, damaged, empty or too old."""
    from vxsec.usecases.database.maintain import database_report

    report = database_report(db, ecosystems=ecosystems, max_age=max_age, at=at)
    _emit(out, report)
    return report.exit_status


def _show(out: Output, db: str | None, states: list[DatabaseState]) -> int:
    """What is in place now, read back; its age is told and not judged, for old data may be what was asked for."""
    from vxsec.usecases.database.maintain import MAX_AGE, database_report

    report = database_report(db, ecosystems=[state.ecosystem for state in states], max_age=None)
    for state in states:
        if report.judged_at - state.exported_at > MAX_AGE:
            out.progress(f"note: the {state.ecosystem} data is {(report.judged_at - state.exported_at).days} days old")
    _emit(out, report)
    return report.exit_status


def _emit(out: Output, report: DatabaseReport) -> None:
    from vxsec.report.database import database_document, render_database

    out.emit(render_database(report, paint=out.paint), lambda: database_document(report))
