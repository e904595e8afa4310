"""``vxsec sbom``: make, check, compare, attest, extract and draw a bill of materials."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vxsec.cli.options import (
    FILES,
    TIME,
    output_options,
    password_source,
    refuse_options,
    signer_options,
    trust_options,
)
from vxsec.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from typing import Any, TypeVar

    from vxsec.cli.output import Output
    from vxsec.usecases.trust_source import TrustSource

    F = TypeVar("F", bound=Callable[..., Any])

__all__ = ["command"]

_GRAPHS = ("tree", "mermaid", "dot", "svg")


@click.group(name="sbom")
def command() -> None:
    """Make, check, compare, attest, extract and draw a bill of materials (CycloneDX 1.6 JSON)."""


def _build_options(function: F) -> F:
    for option in (
        click.option(
            "--timestamp", type=TIME, help="When it was made (RFC 3339); else SOURCE_DATE_EPOCH or the commit."
        ),
        click.option(
            "--author", "authors", multiple=True, metavar="TEXT", help="Who answers for it; else package.json."
        ),
        click.option(
            "--lockfile", metavar="FILE", help="What resolves the dependencies; else the lockfile in this folder."
        ),
    ):
        function = option(function)
    return function


@command.command()
@FILES
@_build_options
@click.option("--beside", is_flag=True, help="Write FILE.cdx.json beside each FILE; the other commands find it there.")
@output_options
def generate(
    *,
    files: tuple[str, ...],
    lockfile: str | None,
    authors: tuple[str, ...],
    timestamp: datetime | None,
    beside: bool,
    out: Output,
) -> int:
    """Make the SBOM of a package: the tarball's digests, and the dependencies its lockfile resolves.

    The document goes to standard output, to -o FILE, or beside each file. The same input gives the same bytes.
    """
    from vxsec import build_sbom
    from vxsec.report.sbom import built_document, render_built

    if len(files) > 1 and not beside:
        raise UsageError(
            f"one document is made for each file, found {len(files)} files",
            code="usage.options",
            hint="add --beside: it writes FILE.cdx.json beside each of them",
        )
    made = [
        build_sbom(
            file,
            lockfile=lockfile,
            authors=authors,
            timestamp=timestamp,
            output=f"{file}.cdx.json" if beside else None,
        )
        for file in files
    ]
    if beside:
        out.emit(render_built(made), lambda: built_document(made))
        return 0
    for note in made[0].notes:
        out.progress(f"note: {note}")
    out.write(made[0].document)
    return 0


@command.command()
@click.argument("sbom")
@output_options
def check(*, sbom: str, out: Output) -> int:
    """Check an SBOM by itself: schema, references, purls, hashes, licences, leaks. 0 sound, 11 findings, 10 refused."""
    from vxsec import check_sbom
    from vxsec.report.sbom import check_document, render_check

    result = check_sbom(sbom)
    out.emit(render_check(result, paint=out.paint), lambda: check_document(result))
    return result.exit_status


@command.command()
@click.argument("file")
@click.argument("sbom", required=False)
@click.option("--lockfile", metavar="FILE", help="Its components must be exactly what this lockfile resolves.")
@output_options
def verify(*, file: str, sbom: str | None, lockfile: str | None, out: Output) -> int:
    """Is SBOM (else FILE.cdx.json) about exactly these bytes, and does it name what their manifest requires? 0 yes, 10 no."""
    from vxsec import verify_sbom
    from vxsec.report.sbom import render_verification, verification_document

    result = verify_sbom(file, sbom, lockfile=lockfile)
    out.emit(render_verification(result, paint=out.paint), lambda: verification_document(result))
    return result.exit_status


@command.command()
@FILES
@click.option("--sbom", metavar="FILE", help="The SBOM of the one file; else FILE.cdx.json, else made now.")
@_build_options
@click.option(
    "--signer",
    "signers",
    multiple=True,
    required=True,
    metavar="URI",
    help="file:KEY, gpg:FINGERPRINT, ssh:KEYFILE, keyless: …",
)
@click.option("--bundle", metavar="OUT", help="Write the one bundle here instead of FILE.sigstore.jsonl.")
@signer_options
@output_options
def attest(
    *,
    files: tuple[str, ...],
    sbom: str | None,
    lockfile: str | None,
    authors: tuple[str, ...],
    timestamp: datetime | None,
    signers: tuple[str, ...],
    bundle: str | None,
    trust_config: str | None,
    password_file: str | None,
    password_env: str | None,
    out: Output,
) -> int:
    """Sign a statement that carries each file's SBOM, and append it to FILE.sigstore.jsonl."""
    from vxsec import attest_sbom
    from vxsec.report.signing import render_signed, signed_document

    signed = attest_sbom(
        files,
        sbom=sbom,
        lockfile=lockfile,
        authors=authors,
        timestamp=timestamp,
        signers=signers,
        bundle=bundle,
        password=password_source(password_file, password_env),
        trust_config=trust_config,
        note=lambda text: out.progress(f"note: {text}"),
    )
    out.emit(render_signed(signed), lambda: signed_document(signed))
    return 0


@command.command()
@click.argument("file")
@click.option(
    "--key", "keys", multiple=True, metavar="PEM", help="A public key that may have signed; repeat for several."
)
@trust_options
@click.option("--bundle", "bundles", multiple=True, metavar="FILE", help="A bundle file; else those beside FILE.")
@output_options
def extract(
    *, file: str, keys: tuple[str, ...], trust: TrustSource | None, bundles: tuple[str, ...], out: Output
) -> int:
    """Verify the attestation beside FILE and get its SBOM: to standard output, or to -o OUT."""
    from vxsec import extract_sbom
    from vxsec.report.sbom import extracted_document, render_extracted

    target, out.path = out.path, None
    extracted = extract_sbom(file, keys=keys, trust=trust, bundles=bundles, output=target)
    if target is None:
        out.write(extracted.document)
    else:
        out.emit(render_extracted(extracted), lambda: extracted_document(extracted))
    return 0


@command.command()
@click.argument("source", metavar="SBOM|FILE")
@click.option("--graph", type=click.Choice(_GRAPHS), default="tree", show_default=True, help="How it is drawn.")
@output_options
def show(*, source: str, graph: str, out: Output) -> int:
    """Draw what a package needs: a tree, or a graph for Markdown (mermaid), Graphviz (dot) or a browser (svg)."""
    from vxsec.sbom.draw import render_dot, render_mermaid, render_svg, render_tree
    from vxsec.usecases.sbom.files import find_bom

    refuse_options({"--json": out.json}, "has no meaning for a drawing: the SBOM itself is JSON")
    bom = find_bom(source)
    if graph == "tree":
        out.emit(render_tree(bom), dict)
        return 0
    draw = {"mermaid": render_mermaid, "dot": render_dot, "svg": render_svg}[graph]
    out.write(draw(bom).encode())
    return 0
