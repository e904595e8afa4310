"""``vxsec registry``: what a registry's operator runs, so that npm's own clients can verify what it serves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vxsec.cli.options import (
    FILES,
    TIME,
    output_options,
    password_options,
    password_source,
    trust_options,
)

if TYPE_CHECKING:
    from datetime import datetime

    from vxsec.cli.output import Output
    from vxsec.usecases.trust_source import TrustSource

__all__ = ["command"]


@click.group(name="registry")
def command() -> None:
    """Sign as a registry: dist.signatures and the keys document."""


@command.command()
@FILES
@click.option("--signer", required=True, metavar="URI", help="file:KEY or env:NAME, an ECDSA P-256 key.")
@trust_options
@click.option("--packument", metavar="FILE", help="What the registry serves: it must state these bytes.")
@password_options
@output_options
def sign(
    *,
    files: tuple[str, ...],
    signer: str,
    trust: TrustSource | None,
    packument: str | None,
    password_file: str | None,
    password_env: str | None,
    out: Output,
) -> int:
    """Sign each tarball's name, version and SHA-512, and give the dist.signatures to serve."""
    from vxsec.report.npm_signatures import registry_signed_document, render_registry_signed
    from vxsec.usecases.npm_signatures import sign_registry

    made = sign_registry(
        files,
        signer=signer,
        trust=trust,
        packument=packument,
        password=password_source(password_file, password_env),
    )
    out.emit(render_registry_signed(made), lambda: registry_signed_document(made))
    return 0


@command.command()
@click.option("--key", "keys", multiple=True, metavar="FILE", help="A public key that signs now; repeat for several.")
@click.option("--expires", type=TIME, help="When the keys given stop signing (RFC 3339).")
@click.option(
    "--retired", multiple=True, type=(str, TIME), metavar="FILE TIME", help="A key that signed until then; repeat."
)
@trust_options
@click.option("--registry", metavar="LABEL", help="Which registry of the trust document it is for.")
@output_options
def keys(
    *,
    keys: tuple[str, ...],
    expires: datetime | None,
    retired: tuple[tuple[str, datetime], ...],
    trust: TrustSource | None,
    registry: str | None,
    out: Output,
) -> int:
    """Write the keys document that clients fetch at REGISTRY/-/npm/v1/keys; with --trust alone, the registry's keys in it."""
    from vxsec.usecases.npm_signatures import build_registry_keys

    out.write(build_registry_keys(keys, expires=expires, retired=retired, trust=trust, registry=registry))
    return 0
