"""Files that decide for a user: read only where nobody else could have written them."""

from __future__ import annotations

import contextlib
import os
import stat
from typing import TYPE_CHECKING

from vxsec.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["read_protected"]

_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH
_ROOT_USER = 0


def read_protected(path: str | os.PathLike[str], *, max_bytes: int) -> bytes | None:
    """Read a regular file that, as its folder, belongs to this user or to root and that nobody else may write to.

    Guarantees: what is judged is what was opened, and the file is opened through the folder that was judged; for a symbolic
    link the folder that it leads to is judged as well.

    Args:
        path: The file.
        max_bytes: More is refused.

    Returns:
        Its bytes; None where there is no such file or folder.

    Raises:
        ConfigurationError: ``config.permissions`` or ``config.unreadable``.
    """
    shown = os.fspath(path)
    folder, name = os.path.split(os.path.abspath(shown))  # noqa: PTH100 - Path.resolve would follow the link that is judged
    try:
        with _opened(folder, os.O_DIRECTORY) as directory:
            _judge(directory, folder, "folder")
            with _opened(name, os.O_NONBLOCK, directory) as descriptor:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise _unreadable(shown, "expected a regular file")
                _judge(descriptor, shown, "file")
                _judge_target(shown, folder)
                return _read(descriptor, shown, max_bytes)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(shown, f"cannot read: {error.strerror}") from error


def _read(descriptor: int, shown: str, max_bytes: int) -> bytes:
    pieces: list[bytes] = []
    left = max_bytes + 1
    while left > 0 and (piece := os.read(descriptor, left)):
        pieces.append(piece)
        left -= len(piece)
    if left <= 0:
        raise _unreadable(shown, f"expected at most {max_bytes} bytes, found more")
    return b"".join(pieces)


def _judge(descriptor: int, shown: str, what: str) -> None:
    status = os.fstat(descriptor)
    if status.st_uid not in {os.geteuid(), _ROOT_USER}:
        raise _refused(shown, f"the {what} belongs to another user (id {status.st_uid})", f"chown $USER '{shown}'")
    if status.st_mode & _OTHERS_MAY_WRITE:
        raise _refused(
            shown,
            f"the {what} may be written to by others (mode {stat.S_IMODE(status.st_mode):o})",
            f"chmod go-w '{shown}'",
        )


def _judge_target(shown: str, folder: str) -> None:
    """The folder that a symbolic link leads to."""
    real = os.path.dirname(os.path.realpath(shown))  # noqa: PTH120 - the same call as Path.parent
    if real != folder:
        with _opened(real, os.O_DIRECTORY) as directory:
            _judge(directory, real, "folder")


@contextlib.contextmanager
def _opened(name: str, flags: int, directory: int | None = None) -> Iterator[int]:
    descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC | flags, dir_fd=directory)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _refused(where: str, message: str, command: str) -> ConfigurationError:
    return ConfigurationError(
        f"{message}, and what is in it decides whom vxsec believes",
        code="config.permissions",
        where=where,
        hint=f"see that its content is yours, then: {command}",
    )


def _unreadable(where: str, message: str) -> ConfigurationError:
    return ConfigurationError(
        message, code="config.unreadable", where=where, hint="give yourself the right to read it, or remove it"
    )
