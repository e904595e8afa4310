"""Files that decide for a user: read only where nobody else could have written them."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from typing import TYPE_CHECKING

from vxsec.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["read_protected"]

_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH
_ROOT_USER = 0
_MAX_LINKS = 40  # as the kernel has it
_FOLDER = os.O_DIRECTORY | os.O_CLOEXEC | getattr(os, "O_PATH", os.O_RDONLY)  # O_PATH: /home may be closed to reading


def read_protected(path: str | os.PathLike[str], *, max_bytes: int) -> bytes | None:
    """Read a regular file that belongs to this user or to root, that nobody else may write to, and whose place is theirs alone.

    Guarantees: every folder from ``/`` on was judged, and so was every link that was followed, which must be this user's or
    root's as well: in a folder that others may write to they could put another one in its place. Only a folder with the
    sticky bit (``/tmp``) lets others write beside what they cannot replace. What is judged is what was opened.

    Args:
        path: The file.
        max_bytes: More is refused.

    Returns:
        Its bytes; None where there is no such file or folder, whoever could make one.

    Raises:
        ConfigurationError: ``config.permissions`` or ``config.unreadable``.
    """
    shown = os.fspath(path)
    faults: list[ConfigurationError] = []
    try:
        with _descended(os.path.abspath(shown), faults) as descriptor:  # noqa: PTH100 - Path.resolve would follow the links
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise _unreadable(shown, "expected a regular file")
            _judge(status, shown, "file", faults)
            if faults:
                raise faults[0]
            return _read(descriptor, shown, max_bytes)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(shown, f"cannot read: {error.strerror}") from error


@contextlib.contextmanager
def _descended(path: str, faults: list[ConfigurationError]) -> Iterator[int]:
    """The file, opened component by component from ``/`` on; what is wrong on the way is collected, for there may be no file."""
    left = path.split("/")[::-1]
    current, at, links = os.open("/", _FOLDER), "/", 0
    try:
        while left:
            name = left.pop()
            if name in {"", "."}:
                continue
            here = f"{at.rstrip('/')}/{name}"
            status = os.stat(name, dir_fd=current, follow_symlinks=False)
            if stat.S_ISLNK(status.st_mode):
                links += 1
                if links > _MAX_LINKS:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
                _judge_owner(status, here, "link", faults)
                target = os.readlink(name, dir_fd=current)
                left += target.split("/")[::-1]
                following, here = (os.open("/", _FOLDER), "/") if target.startswith("/") else (os.dup(current), at)
            elif left:
                following = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=current)
                _judge(os.fstat(following), here, "folder", faults)
            else:
                following = os.open(name, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW, dir_fd=current)
            os.close(current)
            current, at = following, here
        yield current
    finally:
        os.close(current)


def _read(descriptor: int, shown: str, max_bytes: int) -> bytes:
    pieces: list[bytes] = []
    left = max_bytes + 1
    while left > 0 and (piece := os.read(descriptor, left)):
        pieces.append(piece)
        left -= len(piece)
    if left <= 0:
        raise _unreadable(shown, f"expected at most {max_bytes} bytes, found more")
    return b"".join(pieces)


def _judge(status: os.stat_result, shown: str, what: str, faults: list[ConfigurationError]) -> None:
    _judge_owner(status, shown, what, faults)
    replaceable = what != "folder" or not status.st_mode & stat.S_ISVTX
    if status.st_mode & _OTHERS_MAY_WRITE and replaceable:
        words = f"the {what} may be written to by others (mode {stat.S_IMODE(status.st_mode):o})"
        faults.append(_refused(shown, words, f"chmod go-w '{shown}'"))


def _judge_owner(status: os.stat_result, shown: str, what: str, faults: list[ConfigurationError]) -> None:
    if status.st_uid not in {os.geteuid(), _ROOT_USER}:
        words = f"the {what} belongs to another user (id {status.st_uid})"
        faults.append(_refused(shown, words, f"chown -h $USER '{shown}'"))


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
