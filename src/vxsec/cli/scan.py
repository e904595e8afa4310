"""``vxsec scan``."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from vxsec.cli.options import (
    AT,
    DB,
    DURATION,
    output_options,
    password_source,
    refuse_options,
    signer_options,
    witness_options,
)
from vxsec.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from vxsec.cli.output import Output

__all__ = ["command"]

_SARIF = "sarif"


@click.command(name="scan")
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@DB
@click.option("--lockfile", metavar="FILE", help="What resolves a package's dependencies (for Python pip's report).")
@click.option(
    "--fail-on",
    type=click.Choice(["low", "medium", "high", "critical", "malware"]),
    default="low",
    show_default=True,
    help="Lowest finding that fails; malware always does, and so does what nobody rated.",
)
@click.option(
    "--allow-unevaluated",
    multiple=True,
    metavar="REASON",
    help="Let what cannot be evaluated pass for this reason: git url file range no-version version ecosystem advisory.",
)
@click.option("--import", "npm_audit", metavar="FILE", help="What npm audit --json wrote, as a second source.")
@click.option(
    "--max-db-age",
    type=DURATION,
    help="How old the data may be (ISO 8601), by its own date.  [default: P3D]",
)
@click.option("--omit", multiple=True, type=click.Choice(["dev"]), help="Leave development tools out, as npm does.")
@click.option("--attest", is_flag=True, help="Sign the result about the one package given; needs --signer.")
@click.option(
    "--signer",
    "signers",
    multiple=True,
    metavar="URI",
    help="file:KEY, env:NAME, gpg:FINGERPRINT, ssh:KEYFILE, keyless:ambient; repeat for several.",
)
@witness_options
@signer_options
@AT
@partial(output_options, formats=("text", "json", _SARIF))
def command(
    *,
    inputs: tuple[str, ...],
    db: str | None,
    lockfile: str | None,
    fail_on: str,
    allow_unevaluated: tuple[str, ...],
    npm_audit: str | None,
    max_db_age: timedelta | None,
    omit: tuple[str, ...],
    attest: bool,
    signers: tuple[str, ...],
    timestamp: bool,
    log_entry: bool,
    trust_config: str | None,
    password_file: str | None,
    password_env: str | None,
    at: datetime | None,
    out: Output,
) -> int:
    """Look a package-lock.json, CycloneDX SBOM, package or pip report up: 0 passed, 11 findings, 4 could not decide."""
    from vxsec import scan
    from vxsec.usecases.scan.scan import MAX_DB_AGE

    if attest != bool(signers):
        raise UsageError(
            "--attest and --signer belong together, found one of them",
            code="usage.options",
            hint="vxsec scan FILE.tgz --lockfile package-lock.json --attest --signer file:ci.key",
        )
    if not attest:
        refuse_options(
            {"--trust-config": trust_config, "--timestamp": timestamp, "--log-entry": log_entry},
            "is about the attestation, and none is made",
            hint="add --attest --signer URI, or leave it out",
        )
    report = scan(
        inputs,
        db=db,
        lockfile=lockfile,
        fail_on=fail_on,
        allow_unevaluated=allow_unevaluated,
        npm_audit=npm_audit,
        max_db_age=max_db_age or MAX_DB_AGE,
        omit=omit,
        at=at,
        signers=signers,
        password=password_source(password_file, password_env) if signers else None,
        trust_config=trust_config,
        timestamp=timestamp,
        log_entry=log_entry,
        progress=out.progress,
    )
    if out.format == _SARIF:
        from vxsec._version import __version__
        from vxsec.report.sarif import sarif_document

        out.emit((), lambda: sarif_document(report, version=__version__))
    else:
        from vxsec.report.scan import render_scan, scan_document

        out.emit(render_scan(report, verbose=out.verbose, paint=out.paint), lambda: scan_document(report))
    return report.exit_status
