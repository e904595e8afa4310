"""``vxsec doctor``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vxsec.cli.options import AT, connection_options, output_options, refuse_options

if TYPE_CHECKING:
    from datetime import datetime

    from vxsec.cli.output import Output

__all__ = ["command"]


@click.command(name="doctor")
@click.option("--trust", metavar="FILE", help="The identities document: look at its keys and registries, too.")
@click.option("--policy", metavar="FILE|vxsec:NAME", help="A policy: does it load, and is there what it needs?")
@click.option("--db", "database", metavar="DIR", help="The folder of the advisory database.")
@click.option("--online", is_flag=True, help="Ask the registries: are they there, do they take the credential?")
@AT
@connection_options
@output_options
def command(
    *,
    trust: str | None,
    policy: str | None,
    database: str | None,
    online: bool,
    at: datetime | None,
    unsafe_http: tuple[str, ...],
    unsafe_tls: tuple[str, ...],
    out: Output,
) -> int:
    """Look at this machine and this folder, and say what is wrong and how to fix it.

    0: no problem (warnings allowed); 11: problems; 4: something could not be found out. Nothing is changed, and without
    --online no connection is opened.
    """
    from vxsec.report.doctor import doctor_document, render_doctor
    from vxsec.usecases.doctor.examine import examine

    if not online:
        refuse_options({"--unsafe-http": unsafe_http, "--unsafe-tls": unsafe_tls}, "is for --online")
    report = examine(
        trust=trust,
        policy=policy,
        database=database,
        online=online,
        at=at,
        unsafe_http=unsafe_http,
        unsafe_tls=unsafe_tls,
    )
    out.emit(render_doctor(report, verbose=out.verbose, paint=out.paint), lambda: doctor_document(report))
    return report.exit_status
