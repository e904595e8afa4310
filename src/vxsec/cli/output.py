"""Where results go: standard output or a file, as text or JSON; progress and hints go to standard error."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

import click

from vxsec.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["Output"]

_STYLES: dict[str, dict[str, object]] = {
    "good": {"fg": "green"},
    "bad": {"fg": "red", "bold": True},
    "warn": {"fg": "yellow"},
    "dim": {"dim": True},
}


class Output:
    """One command's result.

    Args:
        output_format: ``text``, ``json``, or another that a command has; all but ``text`` are JSON documents.
        output: A file, ``-`` or None.
        quiet: No progress.
        verbose: Show what passed, too.
    """

    def __init__(self, *, output_format: str, output: str | None, quiet: bool, verbose: bool) -> None:
        self.format = output_format
        self.json = output_format != "text"
        self.path = None if output in {None, "-"} else output
        self.quiet = quiet
        self.verbose = verbose
        terminal = sys.stdout is not None and sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        self._colour = self.path is None and not self.json and terminal

    def paint(self, text: str, style: str) -> str:
        """Colour, where the reader is a terminal."""
        return click.style(text, **_STYLES[style]) if self._colour else text  # type: ignore[arg-type]  # the table above

    def progress(self, line: str) -> None:
        """One line on standard error, escaped."""
        if not self.quiet:
            from vxsec.report.escape import escape_text

            with contextlib.suppress(OSError):  # nobody reads progress: the work goes on
                click.echo(escape_text(line), err=True)

    def emit(self, lines: Iterable[str], document: Callable[[], object]) -> None:
        """Write the result in the format asked for.

        Raises:
            UsageError: The file cannot be written.
        """
        if self.json:
            import json

            # ASCII only: a name may not speak to the terminal in JSON either, and every name can be written.
            text = json.dumps(document(), ensure_ascii=True, allow_nan=False, indent=2)
            # Nor to a CI runner, which takes "##[" anywhere in a line of its log for a command; it is inside a string here.
            text = text.replace("##[", "\\u0023#[")
        else:
            text = "\n".join(lines)
        if self.path is None:
            self._print(text)
            return
        from vxsec.host.files import write_atomic

        write_atomic(self.path, text.encode("utf-8", "backslashreplace") + b"\n")

    def write(self, data: bytes) -> None:
        """Write a document that is itself the result (an SBOM, a drawing), byte for byte, whatever the format.

        Raises:
            UsageError: The file cannot be written.
        """
        if self.path is None:
            self._print(data.decode("utf-8", "backslashreplace").removesuffix("\n"))
            return
        from vxsec.host.files import write_atomic

        write_atomic(self.path, data)

    @staticmethod
    def _print(text: str) -> None:
        """Write to standard output and make sure that it arrived; a reader that went away does not change a verdict."""
        if sys.stdout is None:
            raise UsageError("cannot write the result: standard output is closed", code="file.unwritable")
        try:
            click.echo(text.encode("utf-8", "backslashreplace"))
            sys.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except OSError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise UsageError(f"cannot write the result: {error.strerror}", code="file.unwritable") from error
