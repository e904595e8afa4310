"""``vxsec attest``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vxsec.cli.options import FILES, output_options, password_options, password_source

if TYPE_CHECKING:
    from vxsec.cli.output import Output

__all__ = ["command"]


@click.command(name="attest")
@FILES
@click.option("--type", "predicate_type", required=True, metavar="URI", help="The predicate type.")
@click.option("--predicate", required=True, metavar="JSON", help="A file with the predicate, a JSON object.")
@click.option(
    "--signer", "signers", multiple=True, required=True, metavar="URI", help="file:KEY or env:NAME; repeat for several."
)
@click.option("--bundle", metavar="OUT", help="Write the one bundle here instead of FILE.sigstore.jsonl.")
@password_options
@output_options
def command(
    *,
    files: tuple[str, ...],
    predicate_type: str,
    predicate: str,
    signers: tuple[str, ...],
    bundle: str | None,
    password_file: str | None,
    password_env: str | None,
    out: Output,
) -> int:
    """Sign an in-toto statement of any type about each file."""
    from vxsec import attest
    from vxsec.report.signing import render_signed, signed_document

    signed = attest(
        files,
        predicate_type=predicate_type,
        predicate=predicate,
        signers=signers,
        bundle=bundle,
        password=password_source(password_file, password_env),
    )
    out.emit(render_signed(signed), lambda: signed_document(signed))
    return 0
