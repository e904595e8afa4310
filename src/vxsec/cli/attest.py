"""``vxsec attest``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from vxsec.cli.options import (
    FILES,
    output_options,
    password_source,
    refuse_options,
    signer_options,
    witness_options,
)
from vxsec.errors import UsageError

if TYPE_CHECKING:
    from vxsec.cli.output import Output

__all__ = ["command"]

_AUTO = "auto"


@click.command(name="attest")
@FILES
@click.option(
    "--type",
    "predicate_type",
    required=True,
    metavar="TYPE",
    help="The predicate type: a URI, or slsa-provenance, cyclonedx, spdx, openvex, vuln, vsa, test-result …",
)
@click.option(
    "--predicate", metavar="JSON", help="A file with the predicate, a JSON object; slsa-provenance is made without one."
)
@click.option(
    "--from",
    "place",
    type=click.Choice([_AUTO, "github", "gitlab", "local"]),
    help="With slsa-provenance: where the build runs; auto, and so what the environment says, if not given.",
)
@click.option(
    "--signer",
    "signers",
    multiple=True,
    required=True,
    metavar="URI",
    help="file:KEY, env:NAME, gpg:FINGERPRINT, ssh:KEYFILE, ssh:agent, keyless:ambient; repeat for several.",
)
@click.option("--bundle", metavar="OUT", help="Write the one bundle here instead of FILE.sigstore.jsonl.")
@witness_options
@signer_options
@output_options
def command(
    *,
    files: tuple[str, ...],
    predicate_type: str,
    predicate: str | None,
    place: str | None,
    signers: tuple[str, ...],
    bundle: str | None,
    timestamp: bool,
    log_entry: bool,
    trust_config: str | None,
    password_file: str | None,
    password_env: str | None,
    out: Output,
) -> int:
    """Sign an in-toto statement of any type about each file.

    A provenance (--type slsa-provenance) is made from the job of GitHub Actions or GitLab CI that runs this, or from the git
    working tree here.
    """
    from vxsec import attest
    from vxsec.formats.predicate_types import predicate_type_uri
    from vxsec.report.signing import render_signed, signed_document

    uri = predicate_type_uri(predicate_type)
    signed = attest(
        files,
        predicate_type=uri,
        predicate=_predicate(uri, predicate, place),
        signers=signers,
        bundle=bundle,
        password=password_source(password_file, password_env),
        trust_config=trust_config,
        timestamp=timestamp,
        log_entry=log_entry,
        progress=out.progress,
    )
    out.emit(render_signed(signed), lambda: signed_document(signed))
    return 0


def _predicate(uri: str, path: str | None, place: str | None) -> str | bytes:
    """The file named, or a provenance made here."""
    from vxsec.formats.slsa_provenance import SLSA_PROVENANCE

    if path is not None:
        refuse_options({"--from": place}, "makes the predicate, and --predicate gives one")
        return path
    if uri != SLSA_PROVENANCE:
        raise UsageError(
            f"a statement of type {uri} needs its predicate",
            code="usage.options",
            hint="add --predicate FILE: only --type slsa-provenance is made without one",
        )
    from vxsec.formats.strict_json import dump_json
    from vxsec.usecases.provenance import BuildPlace, build_provenance

    chosen = None if place in {None, _AUTO} else BuildPlace(place)
    return dump_json(build_provenance(os.environ, place=chosen))
