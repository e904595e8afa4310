"""``vxsec sign``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vxsec.cli.options import (
    EXPIRES,
    FILES,
    configured_trust,
    output_options,
    password_source,
    signer_options,
    trust_options,
    witness_options,
)

if TYPE_CHECKING:
    from datetime import datetime

    from vxsec.cli.output import Output
    from vxsec.usecases.trust_source import TrustSource

__all__ = ["command"]


@click.command(name="sign")
@FILES
@click.option(
    "--signer",
    "signers",
    multiple=True,
    required=True,
    metavar="URI",
    help="file:KEY, env:NAME, gpg:FINGERPRINT, ssh:KEYFILE, ssh:agent, keyless:ambient; repeat for several.",
)
@trust_options
@click.option("--registry", metavar="LABEL|URL", help="The registry this release is for.")
@EXPIRES
@click.option("--blob", is_flag=True, help="A bare signature over any file; never counts toward publishing.")
@click.option("--bundle", metavar="OUT", help="Write the one bundle here instead of FILE.sigstore.jsonl.")
@witness_options
@signer_options
@output_options
def command(
    *,
    files: tuple[str, ...],
    signers: tuple[str, ...],
    trust: TrustSource | None,
    registry: str | None,
    expires: datetime | None,
    blob: bool,
    bundle: str | None,
    timestamp: bool,
    log_entry: bool,
    trust_config: str | None,
    password_file: str | None,
    password_env: str | None,
    out: Output,
) -> int:
    """Sign a release statement over each tarball, and append it to FILE.sigstore.jsonl.

    The statement names the package, its SHA-256 and SHA-512, and the registry it is for.
    """
    from vxsec import sign
    from vxsec.report.signing import render_signed, signed_document

    signed = sign(
        files,
        signers=signers,
        trust=trust if trust is not None or blob else configured_trust(),
        registry=registry,
        expires=expires,
        blob=blob,
        bundle=bundle,
        password=password_source(password_file, password_env),
        trust_config=trust_config,
        timestamp=timestamp,
        log_entry=log_entry,
        progress=out.progress,
    )
    out.emit(render_signed(signed), lambda: signed_document(signed))
    return 0
