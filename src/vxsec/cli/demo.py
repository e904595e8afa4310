"""``vxsec demo``."""

from __future__ import annotations

import click

__all__ = ["command"]


@click.command(name="demo")
def command() -> int:
    """Publish four packages to a loopback registry, then attack them four ways. Offline, nothing is kept."""
    from vxsec.demo.story import run_demo
    from vxsec.report.escape import escape_text

    return run_demo(lambda line: click.echo(escape_text(line)))
