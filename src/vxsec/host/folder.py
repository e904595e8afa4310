"""A folder held open, and what is below it: no link in it is followed, so that nothing is read or written outside of it.

The folder itself is named by the user, and may be reached through links. What is in it may have come with a checkout: a link
there would let whoever made it choose which of the user's files are read, overwritten or moved.
"""

from __future__ import annotations

import contextlib
import os
import stat
from typing import TYPE_CHECKING

from vxsec.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["entered", "names_below", "opened_folder", "read_below"]

_CHUNK = 8 << 20
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_MAX_DEPTH = 8


@contextlib.contextmanager
def opened_folder(path: str | os.PathLike[str]) -> Iterator[int]:
    """The folder as a descriptor; links on the way to it are followed.

    Raises:
        OSError: The system refuses.
        ValueError: It is no file name.
    """
    descriptor = os.open(path, _FOLDER)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def entered(folder: int, parts: Sequence[str], *, where: object, make: bool = False) -> Iterator[int]:
    """A folder below an open one, by the names on the way to it, which are made if they are not there and ``make`` says so.

    Raises:
        UsageError: ``file.link``: one of the names is a link, or no folder.
        OSError: The system refuses; FileNotFoundError where there is none.
    """
    current = os.dup(folder)
    try:
        for part in parts:
            if make:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(part, 0o755, dir_fd=current)
            try:
                following = os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=current)
            except NotADirectoryError as error:
                raise _link(part, "a folder", where) from error
            os.close(current)
            current = following
        yield current
    finally:
        os.close(current)


def read_below(folder: int, name: str, *, max_bytes: int, where: object) -> bytes | None:
    """A regular file below an open folder, by its name with slashes; None where there is none.

    Args:
        folder: The descriptor.
        name: Such as ``metadata/timestamp.json``.
        max_bytes: More is refused.
        where: What the folder is called in an error.

    Raises:
        UsageError: ``file.link``, ``file.unreadable`` or ``file.too-large``.
    """
    *parts, last = name.split("/")
    shown = f"{where}/{name}"
    try:
        with entered(folder, parts, where=where) as inner:
            descriptor = os.open(last, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW, dir_fd=inner)
            try:
                return _read(descriptor, max_bytes, shown)
            finally:
                os.close(descriptor)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and _is_link(folder, name):
            raise _link(last, "a regular file", shown) from error
        raise _unreadable(error, shown) from error


def names_below(folder: int, *, where: object) -> Iterator[str]:
    """The names with slashes of all files below an open folder.

    Raises:
        UsageError: ``file.link``: something is neither a regular file nor a folder, or lies too deep.
        OSError: The system refuses.
    """
    yield from _names(folder, "", where, _MAX_DEPTH)


def _names(folder: int, before: str, where: object, depth: int) -> Iterator[str]:
    for name in sorted(os.listdir(folder)):
        mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
        if stat.S_ISDIR(mode) and depth > 0:
            with entered(folder, [name], where=where) as inner:
                yield from _names(inner, f"{before}{name}/", where, depth - 1)
        elif stat.S_ISREG(mode):
            yield before + name
        else:
            raise _link(before + name, "a regular file or a folder of files", where)


def _read(descriptor: int, max_bytes: int, shown: str) -> bytes:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise UsageError("expected a regular file", code="file.unreadable", where=shown)
    pieces: list[bytes] = []
    left = max_bytes + 1
    while left > 0 and (piece := os.read(descriptor, min(_CHUNK, left))):
        pieces.append(piece)
        left -= len(piece)
    if left <= 0:
        raise UsageError(f"expected at most {max_bytes} bytes, found more", code="file.too-large", where=shown)
    return b"".join(pieces)


def _is_link(folder: int, name: str) -> bool:
    try:
        return stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
    except OSError:
        return False


def _link(name: str, expected: str, where: object) -> UsageError:
    return UsageError(
        f"expected {expected}, found a link or something else for {name[:120]!r}: nothing outside of the folder is touched",
        code="file.link",
        where=str(where),
        hint="see who put it there; then get the folder again from where it is kept",
    )


def _unreadable(error: OSError | ValueError, where: object) -> UsageError:
    reason = error.strerror if isinstance(error, OSError) else "not a file name"
    return UsageError(f"cannot read: {reason}", code="file.unreadable", where=str(where))
