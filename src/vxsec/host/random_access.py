"""A file read in pieces, at places: what is too large to hold."""

from __future__ import annotations

import contextlib
import os
import stat
from typing import TYPE_CHECKING

from vxsec.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["OpenedFile", "opened_file"]


class OpenedFile:
    """An open regular file. ``size`` is what it had when it was opened; it is not followed as it grows."""

    def __init__(self, descriptor: int, size: int, where: str) -> None:
        self.size = size
        self._descriptor = descriptor
        self._where = where

    def read(self, offset: int, length: int) -> bytes:
        """The bytes from ``offset`` on; fewer only where the end is reached.

        Raises:
            UsageError: ``file.unreadable``.
        """
        pieces: list[bytes] = []
        try:
            while length > 0 and (piece := os.pread(self._descriptor, length, offset)):
                pieces.append(piece)
                offset += len(piece)
                length -= len(piece)
        except OSError as error:
            raise UsageError(f"cannot read: {error.strerror}", code="file.unreadable", where=self._where) from error
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


@contextlib.contextmanager
def opened_file(path: str | os.PathLike[str]) -> Iterator[OpenedFile]:
    """Open a regular file for reading at places.

    Raises:
        UsageError: ``file.missing`` or ``file.unreadable`` (a directory, a device, no permission).
    """
    where = str(path)
    try:
        # O_NONBLOCK: opening a FIFO must not wait for a writer that never comes.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError as error:
        raise UsageError("no such file", code="file.missing", where=where) from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a file name"
        raise UsageError(f"cannot read: {reason}", code="file.unreadable", where=where) from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise UsageError("expected a regular file", code="file.unreadable", where=where)
        yield OpenedFile(descriptor, status.st_size, where)
    finally:
        os.close(descriptor)
