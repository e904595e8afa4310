"""``vxsec demo``."""

from __future__ import annotations

import click

__all__ = ["command"]


@click.command(name="demo")
@click.option(
    "--registry",
    type=click.Choice(["simulator", "verdaccio"]),
    default="simulator",
    show_default=True,
    help="What to publish to, on the loopback interface.",
)
@click.option("--verdaccio", metavar="COMMAND", help="What starts Verdaccio; else the verdaccio on the PATH.")
@click.option("--keep", metavar="DIR", help="Make the workspace here and leave it, to look around in it.")
def command(*, registry: str, verdaccio: str | None, keep: str | None) -> int:
    """Release four packages to a loopback registry, then attack them. Offline; nothing is kept unless asked."""
    from vxsec.cli.options import refuse_options
    from vxsec.cli.output import Output
    from vxsec.demo.story import run_demo
    from vxsec.report.escape import escape_text

    if registry != "verdaccio":
        refuse_options({"--verdaccio": verdaccio}, "is read with --registry verdaccio only")
    out = Output(output_format="text", output=None, quiet=False, verbose=False)

    def say(line: str, style: str) -> None:
        text = escape_text(line)
        click.echo(text if style == "plain" else out.paint(text, style))

    return run_demo(say, registry=registry, verdaccio=verdaccio or "verdaccio", keep=keep)
