"""``vxsec init``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vxsec.cli.options import output_options, password_options, password_source, require_password

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vxsec.cli.output import Output
    from vxsec.usecases.init import InitReport

__all__ = ["command"]


@click.command(name="init")
@click.argument("directory", default=".")
@click.option("--registry", metavar="URL", help="Your registry; else the one .npmrc sends your scopes to.")
@click.option(
    "--scope", "scopes", multiple=True, metavar="@SCOPE", help="Your scopes; else those of the workspace's packages."
)
@click.option(
    "--level",
    type=click.Choice(["minimal", "recommended"]),
    default="recommended",
    show_default=True,
    help="Which policy to start from.",
)
@click.option("--keys", is_flag=True, help="Make the key pair that CI signs with (vxsec/ci.key).")
@click.option("--person", metavar="NAME", help="Make a key pair for a person, too (vxsec/NAME.key).")
@password_options
@output_options
def command(
    *,
    directory: str,
    registry: str | None,
    scopes: tuple[str, ...],
    level: str,
    keys: bool,
    person: str | None,
    password_file: str | None,
    password_env: str | None,
    out: Output,
) -> int:
    """Write vxsec/policy.yaml and vxsec/trust.yaml into a repository, and say what to do next."""
    from vxsec import init

    report = init(
        directory,
        registry=registry,
        scopes=scopes,
        level=level,
        machine="ci" if keys else None,
        person=person,
        password=_asker(password_source(password_file, password_env, confirm=True)),
        password_option=_password_option(password_file, password_env),
    )
    out.emit(_lines(report), lambda: _document(report))
    return 0


def _password_option(password_file: str | None, password_env: str | None) -> str:
    if password_env is not None:
        return f"--password-env {password_env}"
    return f"--password-file {password_file}" if password_file is not None else ""


def _asker(source: Callable[[], bytes] | None) -> Callable[[str], bytes] | None:
    if source is None:
        return None

    def ask(name: str) -> bytes:
        click.echo(f"making {name}.key", err=True)
        return require_password(source())

    return ask


def _lines(report: InitReport) -> Iterator[str]:
    from vxsec.report.escape import escape_text

    for path in report.written:
        yield f"wrote  {escape_text(path)}"
    names = ", ".join(map(escape_text, (*report.scopes, *report.packages)))
    yield f"own names {names} live on {escape_text(report.registry)} (label: internal)"
    yield ""
    yield "A second person sends you their .pub file; add it to vxsec/trust.yaml under keys (and under holders):"
    yield f"  - {escape_text(report.second_person)}"
    yield ""
    yield "Next:"
    for line in report.next_commands:
        yield f"  {escape_text(line)}"
    yield ""
    yield "Not done:"
    for line in report.not_done:
        yield f"  - {escape_text(line)}"


def _document(report: InitReport) -> dict[str, object]:
    return {
        "schema": "urn:vxsec:schema:init:v1",
        "written": list(report.written),
        "registry": report.registry,
        "scopes": list(report.scopes),
        "packages": list(report.packages),
        "secondPerson": report.second_person,
        "next": list(report.next_commands),
        "notDone": list(report.not_done),
    }
