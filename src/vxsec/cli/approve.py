"""``vxsec approve``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from vxsec.cli.options import (
    EXPIRES,
    FILES,
    configured_trust,
    connection_options,
    output_options,
    password_source,
    signer_options,
    trust_options,
    witness_options,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from vxsec.cli.output import Output
    from vxsec.model.report.signing import ReleaseDifference
    from vxsec.usecases.trust_source import TrustSource

__all__ = ["command"]


@click.command(name="approve")
@FILES
@click.option(
    "--signer", required=True, metavar="URI", help="Your own key, role human: file:KEY, gpg:FINGERPRINT, ssh:KEYFILE …"
)
@trust_options
@click.option("--registry", metavar="LABEL|URL", help="The registry this approval is for.")
@click.option("--policy", metavar="FILE|vxsec:NAME", help="Bind the approval to this policy's name and version.")
@EXPIRES
@click.option("--push", is_flag=True, help="Append the approval to the evidence package on the registry.")
@click.option("--bundle", metavar="OUT", help="Write the one bundle here instead of beside each file.")
@click.option("--offline", is_flag=True, help="Do not read the previous version; show the full inventory.")
@click.option("--yes", is_flag=True, help="Do not ask at the terminal.")
@connection_options
@witness_options
@signer_options
@output_options
def command(
    *,
    files: tuple[str, ...],
    signer: str,
    trust: TrustSource | None,
    registry: str | None,
    policy: str | None,
    expires: datetime | None,
    push: bool,
    bundle: str | None,
    offline: bool,
    yes: bool,
    unsafe_http: tuple[str, ...],
    unsafe_tls: tuple[str, ...],
    timestamp: bool,
    log_entry: bool,
    trust_config: str | None,
    password_file: str | None,
    password_env: str | None,
    out: Output,
) -> int:
    """Approve releases: see what changes against the published version, then sign one approval over all files."""
    from vxsec import approve
    from vxsec.report.signing import approval_document, render_differences, render_signed

    def review(differences: Sequence[ReleaseDifference]) -> bool:
        for line in render_differences(differences):
            click.echo(line, err=True)
        return yes or not sys.stdin.isatty() or click.confirm("Approve?", err=True)

    approval = approve(
        files,
        signer=signer,
        trust=trust or configured_trust(),
        registry=registry,
        policy=policy,
        expires=expires,
        push=push,
        bundle=bundle,
        password=password_source(password_file, password_env),
        trust_config=trust_config,
        timestamp=timestamp,
        log_entry=log_entry,
        offline=offline,
        unsafe_http=unsafe_http,
        unsafe_tls=unsafe_tls,
        review=review,
        progress=out.progress,
    )
    lines = [*render_signed(approval.files), *(f"pushed  {version}" for version in approval.pushed)]
    out.emit(lines, lambda: approval_document(approval))
    return 0
