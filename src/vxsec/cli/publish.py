"""``vxsec publish``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vxsec.cli.options import FILES, connection_options, gate_options, output_options
from vxsec.errors import UsageError

if TYPE_CHECKING:
    from vxsec.cli.output import Output
    from vxsec.usecases.trust_source import TrustSource

__all__ = ["command"]

_PARTLY = 5


@click.command(name="publish")
@FILES
@click.option("--tag", metavar="TAG", help="The dist-tag; required for prereleases and versions below latest.")
@click.option("--dry-run", is_flag=True, help="Decide, say what would be done, send nothing.")
@gate_options
@connection_options
@output_options
def command(
    *,
    files: tuple[str, ...],
    tag: str | None,
    dry_run: bool,
    policy: str | None,
    trust: TrustSource | None,
    registry: str | None,
    lockfile: str | None,
    evidence: str | None,
    bundles: tuple[str, ...],
    packument: str | None,
    db: str | None,
    log: str | None,
    unsafe_http: tuple[str, ...],
    unsafe_tls: tuple[str, ...],
    out: Output,
) -> int:
    """Gate the tarballs, publish those same bytes with their evidence, and read everything back.

    Run it again after an interruption: what is live with the same bytes is skipped.
    """
    from vxsec import publish
    from vxsec.report.publication import publish_document, render_publish

    report = publish(
        files,
        policy=policy,
        trust=trust,
        tag=tag,
        dry_run=dry_run,
        registry=registry,
        lockfile=lockfile,
        evidence=evidence,
        bundles=bundles,
        packument=packument,
        db=db,
        log=log,
        unsafe_http=unsafe_http,
        unsafe_tls=unsafe_tls,
        progress=out.progress,
    )
    try:
        out.emit(render_publish(report, verbose=out.verbose, paint=out.paint), lambda: publish_document(report))
    except (UsageError, KeyboardInterrupt):
        if not any(package.live for package in report.packages):
            raise
        for package in report.packages:  # what is live must be known, wherever it can still be said
            out.progress(f"{package.state.value}  {package.package}")
        return _PARTLY
    return report.exit_status
