"""``vxsec gate``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vxsec.cli.options import AT, FILES, connection_options, gate_options, output_options

if TYPE_CHECKING:
    from datetime import datetime

    from vxsec.cli.output import Output
    from vxsec.usecases.trust_source import TrustSource

__all__ = ["command"]


@click.command(name="gate")
@FILES
@click.option(
    "--phase",
    type=click.Choice(["publish", "promote", "install"]),
    default="publish",
    show_default=True,
    help="When this is asked.",
)
@gate_options
@click.option("--offline", is_flag=True, help="Open no connection; what that hides is unknown.")
@AT
@connection_options
@output_options
def command(
    *,
    files: tuple[str, ...],
    phase: str,
    policy: str | None,
    trust: TrustSource | None,
    registry: str | None,
    lockfile: str | None,
    evidence: str | None,
    bundles: tuple[str, ...],
    packument: str | None,
    db: str | None,
    log: str | None,
    offline: bool,
    at: datetime | None,
    unsafe_http: tuple[str, ...],
    unsafe_tls: tuple[str, ...],
    out: Output,
) -> int:
    """Evaluate the policy on each tarball: 0 allowed, 11 denied, 4 could not decide."""
    from vxsec import gate
    from vxsec.report.decision import render_decision_text
    from vxsec.report.decision_json import render_decision

    decision = gate(
        files,
        policy=policy,
        trust=trust,
        phase=phase,
        registry=registry,
        lockfile=lockfile,
        evidence=evidence,
        bundles=bundles,
        packument=packument,
        db=db,
        log=log,
        offline=offline,
        at=at,
        unsafe_http=unsafe_http,
        unsafe_tls=unsafe_tls,
    )
    out.emit(render_decision_text(decision, verbose=out.verbose, paint=out.paint), lambda: render_decision(decision))
    return decision.exit_status
