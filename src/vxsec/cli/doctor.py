"""``vxsec doctor``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vxsec.cli.options import AT, connection_options, output_options, refuse_options, trust_options

if TYPE_CHECKING:
    from datetime import datetime

    from vxsec.cli.output import Output
    from vxsec.usecases.trust_source import TrustSource

__all__ = ["command"]


@click.group(name="doctor", invoke_without_command=True)
@trust_options
@click.option("--policy", metavar="FILE|vxsec:NAME", help="A policy: does it load, and is there what it needs?")
@click.option("--db", "database", metavar="DIR", help="The folder of the advisory database.")
@click.option("--online", is_flag=True, help="Ask the registries: are they there, do they take the credential?")
@AT
@connection_options
@output_options
@click.pass_context
def command(
    context: click.Context,
    *,
    trust: TrustSource | None,
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
    --online no connection is opened. doctor identity explains why a certificate's identity did not match.
    """
    if context.invoked_subcommand is not None:
        return 0
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


@command.command("identity")
@click.option("--bundle", "bundles", multiple=True, required=True, metavar="FILE", help="The bundle to look at.")
@click.option("--identity", metavar="SUBJECT", help="The subject expected.")
@click.option("--issuer", metavar="URL", help="The issuer expected.")
@trust_options
@output_options
def identity(
    *, bundles: tuple[str, ...], identity: str | None, issuer: str | None, trust: TrustSource | None, out: Output
) -> int:
    """Say why a certificate's identity is not the one expected: what it says, what was asked for, where they differ.

    0: it is; 11: it is not; 3: there is no certificate. Nothing is verified here.
    """
    from vxsec.report.identity import identity_document, render_identity
    from vxsec.usecases.doctor.identity import compare_identities

    report = compare_identities(bundles, identity=identity, issuer=issuer, trust=trust)
    out.emit(render_identity(report, paint=out.paint), lambda: identity_document(report))
    return report.exit_status


@command.command("trusted-base")
@output_options
def trusted_base(*, out: Output) -> int:
    """Count what a verdict rests on: our modules and lines, and the distributions they reach, for each kind of verification.

    Counted from the installed files by their import statements. Source lines are neither blank nor only a comment; lines of
    code are those of them that are no docstring's. -v lists the modules.
    """
    from vxsec.report.trusted_base import render_trusted_base, trusted_base_document
    from vxsec.usecases.doctor.trusted_base import measure_trusted_base

    report = measure_trusted_base()
    out.emit(render_trusted_base(report, verbose=out.verbose), lambda: trusted_base_document(report))
    return report.exit_status
