"""Running a library that waits for ever, raises what it likes and repeats what it was told: with a deadline, and redacted."""

from __future__ import annotations

import re
import traceback
from threading import Thread
from typing import TYPE_CHECKING, TypeVar

from vxsec.errors import UndecidedError, VxsecError
from vxsec.formats.redact import HIDDEN

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

__all__ = ["run_foreign"]

_T = TypeVar("_T")
_TOKEN = re.compile(r"ey[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*){1,2}")
"""A JSON web token (RFC 7519), or the beginning of one."""
_SHOWN = 300
_HINT = "check the connection to the Sigstore instance, or name another one with --trust-config FILE"


def run_foreign(seconds: float, act: Callable[[], _T]) -> _T:
    """What ``act`` gives, or an answer that could not be had.

    Errors of ``sigstore`` are of no one family (its own, requests', pydantic's, tuf's), so whatever it raises is taken for
    one; nothing that looks like a token is in what is raised, nor in its causes. Its own errors of ``vxsec`` pass. The thread
    of a call that never ends is left behind, and ends with the process.

    Args:
        seconds: How long it may take.
        act: What is to be done.

    Raises:
        UndecidedError: ``keyless.failed`` or ``keyless.timeout``.
    """
    results: list[_T] = []
    failures: list[Exception] = []

    def work() -> None:
        try:
            results.append(act())
        except Exception as error:  # noqa: BLE001 - see above; nothing is lost, it is raised again below
            failures.append(error)

    thread = Thread(target=work, name="vxsec-keyless", daemon=True)
    thread.start()
    thread.join(seconds)
    if failures:
        _raise(failures[0])
    if not results:
        raise UndecidedError(f"no complete answer within {seconds:g} seconds", code="keyless.timeout", hint=_HINT)
    return results[0]


def _raise(failure: Exception) -> NoReturn:
    if isinstance(failure, VxsecError):
        raise failure
    secret = _TOKEN.search("".join(traceback.format_exception(failure)))
    told = _TOKEN.sub(HIDDEN, " ".join(str(failure).split()))[:_SHOWN]
    raise UndecidedError(
        f"the Sigstore instance did not sign: {type(failure).__name__}: {told}", code="keyless.failed", hint=_HINT
    ) from (None if secret else failure)
