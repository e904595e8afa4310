"""The command group. Commands are imported when they are called, so that ``--help`` stays instant."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import click

from vxsec._version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["COMMANDS", "root"]

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("vxsec.cli.demo", "See it work: publish four packages, refuse nine attacks. Offline."),
    "init": ("vxsec.cli.init", "Set a repository up: policy, trust document, keys if asked."),
    "keys": ("vxsec.cli.keys", "Make a key pair; show a public key."),
    "trust": ("vxsec.cli.trust", "Make, change and check the trust repository."),
    "sign": ("vxsec.cli.sign", "Sign a release statement over a tarball (or --blob: any file)."),
    "attest": ("vxsec.cli.attest", "Sign any in-toto statement about a file."),
    "approve": ("vxsec.cli.approve", "Approve releases, over a difference derived from the bytes."),
    "verify": ("vxsec.cli.verify", "Is this file, or this whole lockfile, what it claims?"),
    "inspect": ("vxsec.cli.inspect", "Is a tarball or lockfile itself sound and honest?"),
    "sbom": ("vxsec.cli.sbom", "Make, check, compare, attest and draw a bill of materials."),
    "scan": ("vxsec.cli.scan", "Look dependencies up in the local advisory database."),
    "db": ("vxsec.cli.db", "Fill the local advisory database; say how old it is."),
    "registry": ("vxsec.cli.registry", "Sign as a registry: dist.signatures and the keys document."),
    "gate": ("vxsec.cli.gate", "May these tarballs pass the policy?"),
    "publish": ("vxsec.cli.publish", "Gate, publish the same bytes with their evidence, read back."),
    "doctor": ("vxsec.cli.doctor", "Find what is wrong with this machine and say how to fix it."),
}
"""Name to module and one-line help; each module's ``command`` is the click command."""


class _LazyGroup(click.Group):
    """Knows every command's one-line help without importing it."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's interface
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's interface
        if cmd_name not in COMMANDS:
            return None
        command = import_module(COMMANDS[cmd_name][0]).command
        assert isinstance(command, click.Command)  # noqa: S101 - a row of our own table
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's interface
        rows: Sequence[tuple[str, str]] = [(name, text) for name, (_, text) in COMMANDS.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches

            close = get_close_matches(args[0], COMMANDS, n=1)
            meant = f"; did you mean {close[0]!r}?" if close else ""
            raise click.UsageError(f"no such command {args[0]!r}{meant}", ctx=ctx)
        return super().resolve_command(ctx, args)


@click.group(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog=(
        "Exit codes: 0 pass; 1 internal error; 2 usage or configuration; 3 nothing to judge; 4 could not decide; "
        "5 partly published; 10 not verified or bytes refused; 11 denied by policy; 130/143 interrupted."
    ),
)
@click.version_option(__version__, prog_name="vxsec")
def root() -> None:
    """Prove what a team publishes and check what it installs."""
