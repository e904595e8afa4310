"""``vxsec keys``: make a key pair, show a public key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vxsec.cli.options import output_options, password_options, password_source, require_password
from vxsec.errors import UsageError

if TYPE_CHECKING:
    from vxsec.cli.output import Output

__all__ = ["command"]


@click.group(name="keys")
def command() -> None:
    """Make a key pair; show a public key."""


@command.command()
@click.argument("prefix")
@click.option(
    "--algorithm",
    type=click.Choice(["ecdsa-p256", "ecdsa-p384", "ed25519"]),
    default="ecdsa-p256",
    show_default=True,
    help="ecdsa-p256 is what cosign and every Sigstore client verify.",
)
@password_options
@output_options
def generate(*, prefix: str, algorithm: str, password_file: str | None, password_env: str | None, out: Output) -> int:
    """Write PREFIX.key (encrypted, mode 0600, cosign's format) and PREFIX.pub."""
    from vxsec import generate_key

    ask = password_source(password_file, password_env, confirm=True)
    if ask is None:
        raise UsageError(
            "a key file is encrypted, and there is no terminal to ask for its password",
            code="keys.no-password",
            hint="add --password-file FILE or --password-env NAME",
        )
    pair = generate_key(prefix, password=require_password(ask()), algorithm=algorithm)
    out.emit(
        [
            f"private key  {pair.private}  (encrypted, keep it secret)",
            f"public key   {pair.public}",
            f"{pair.algorithm}  hint {pair.hint}",
        ],
        lambda: {
            "schema": "urn:vxsec:schema:key:v1",
            "private": pair.private,
            "public": pair.public,
            "algorithm": pair.algorithm,
            "hint": pair.hint,
        },
    )
    return 0


@command.command()
@click.argument("file")
@output_options
def show(*, file: str, out: Output) -> int:
    """Show a public key's algorithm, hint and PEM."""
    from vxsec import show_key

    key = show_key(file)
    out.emit(
        [f"{key.algorithm}  hint {key.hint}", f"spki sha256  {key.sha256}", key.pem.rstrip()],
        lambda: {
            "schema": "urn:vxsec:schema:key:v1",
            "public": key.path,
            "algorithm": key.algorithm,
            "hint": key.hint,
            "sha256": key.sha256,
            "pem": key.pem,
        },
    )
    return 0
