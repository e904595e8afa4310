"""The second net under the pure rooms: an audit hook that is armed while one call runs.

The import contracts are the first net. This one sees files, sockets and processes, whoever opens them; it sees no
clock, no environment and no ``stat``, and it fires on lazy imports, so every module must be imported before.
"""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["TouchedOutsideError", "touches_nothing"]

_OUTSIDE = ("open", "os.", "socket.", "subprocess.", "shutil.", "tempfile.", "urllib.", "ctypes.dlopen", "import")
_state = threading.local()
_installed = threading.Lock()
_hook_added = False


class TouchedOutsideError(AssertionError):
    """A pure function opened a file, a socket or a process."""


@contextmanager
def touches_nothing() -> Iterator[None]:
    """Fail where the code inside opens a file, a socket or a process, or imports a module.

    The event is remembered too, so that code which swallows the exception is caught all the same.
    """
    _add_hook()
    _state.seen = None
    _state.armed = True
    try:
        yield
    finally:
        _state.armed = False
    if _state.seen is not None:
        raise TouchedOutsideError(_state.seen)


def _add_hook() -> None:
    global _hook_added  # noqa: PLW0603 - an audit hook cannot be taken away again, so it is added once
    with _installed:
        if not _hook_added:
            sys.addaudithook(_watch)
            _hook_added = True


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if not getattr(_state, "armed", False) or not event.startswith(_OUTSIDE):
        return
    _state.armed = False  # what reports the event may open files itself
    _state.seen = f"{event} {arguments[:2]!r}"
    raise TouchedOutsideError(_state.seen)
