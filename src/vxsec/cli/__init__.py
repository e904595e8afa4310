"""The command line: one file per command; each parses options, calls one use case, renders, and returns the status.

This module is the only place that turns an outcome into a process exit: errors print as ``error[code]: …`` and
``hint: …``, never as a traceback, and nothing but a completed judgement ends in 0.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    import click

__all__ = ["main", "run"]

_COLLECT_EVERY = 50_000
"""Objects between garbage collections: a start makes that many, keeps them all, and need not look at them ten times."""
_INTERNAL, _USAGE, _INTERRUPTED, _TERMINATED = 1, 2, 130, 143


class _TerminatedError(KeyboardInterrupt):
    """SIGTERM, so that everything that cleans up after Ctrl-C cleans up after it too."""


def main() -> NoReturn:
    """The console script."""
    gc.set_threshold(_COLLECT_EVERY)
    signal.signal(signal.SIGTERM, _on_terminate)
    status = run(sys.argv[1:])
    if status in {_INTERRUPTED, _TERMINATED}:
        os._exit(status)  # everything is cleaned up; threads that wait for a slow registry are not waited for
    sys.exit(status)


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status (0 1 2 3 4 5 10 11 130 143, as ``--help`` lists them)."""
    try:
        from vxsec.cli.root import root

        status = root.main(args=list(arguments), prog_name="vxsec", standalone_mode=False)
    except KeyboardInterrupt as error:
        return _TERMINATED if isinstance(error, _TerminatedError) else _INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last net: a defect is never a pass, and never a traceback
        return _explain(error)
    return status if isinstance(status, int) else 0


def _explain(error: Exception) -> int:
    """Say what went wrong in one line, with the next step, and which status that is."""
    import click

    from vxsec.errors import VxsecError

    match error:
        case VxsecError():
            _complain(error.code, str(error), error.hint)
            return error.exit_status
        case click.exceptions.Exit():
            return error.exit_code
        case click.Abort():  # what click makes of Ctrl-C, and so of our SIGTERM
            return _TERMINATED if isinstance(error.__cause__, _TerminatedError) else _INTERRUPTED
        case click.ClickException():
            _complain_usage(error)
            return _USAGE
        case OSError():
            _complain("file.unwritable", f"the system refused: {error.strerror}", None)
            return _USAGE
        case _:
            if os.environ.get("VXSEC_DEBUG"):
                raise error
            _complain(
                "internal", f"a defect in vxsec: {type(error).__name__}", "please report it; VXSEC_DEBUG=1 shows where"
            )
            return _INTERNAL


def _complain_usage(error: click.ClickException) -> None:
    """A command called without anything is answered with its help; a wrong call with one line."""
    import click

    context = error.ctx if isinstance(error, click.UsageError) else None
    if isinstance(error, click.exceptions.NoArgsIsHelpError) and context is not None:
        click.echo(context.get_help(), err=True)
        return
    _complain("usage", error.format_message(), f"see: {context.command_path if context else 'vxsec'} --help")


def _on_terminate(_number: int, _frame: FrameType | None) -> NoReturn:
    raise _TerminatedError


def _complain(code: str, message: str, hint: str | None) -> None:
    from vxsec.report.escape import escape_text

    lines = [f"error[{escape_text(code)}]: {escape_text(message)}"]
    if hint is not None:
        lines.append(f"hint: {escape_text(hint)}")
    with contextlib.suppress(OSError):  # nobody may be listening; the status still says it
        print(*lines, sep="\n", file=sys.stderr, flush=True)  # noqa: T201 - the command line speaks here
