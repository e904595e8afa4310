"""Files: bounded reads, atomic writes, locked appends. Old state stays until the new state is complete."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import stat
import time
from typing import TYPE_CHECKING

from vxsec.errors import LogWriteError, UsageError
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.digest import Digests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = [
    "append_line_locked",
    "hash_file",
    "list_files",
    "locked_folder",
    "read_bounded",
    "read_if_exists",
    "read_secret",
    "write_atomic",
]

_CHUNK = 1 << 20
_LOCK_WAIT = 0.02  # seconds between two tries


def read_bounded(path: str | os.PathLike[str], *, max_bytes: int) -> bytes:
    """Read a whole regular file.

    Raises:
        UsageError: ``file.missing``, ``file.unreadable`` (a directory, a device, no permission) or ``file.too-large``.
    """
    with _opened(path) as descriptor:
        pieces: list[bytes] = []
        left = max_bytes + 1
        while left > 0 and (piece := os.read(descriptor, min(_CHUNK * 8, left))):
            pieces.append(piece)
            left -= len(piece)
    if left <= 0:
        raise UsageError(f"expected at most {max_bytes} bytes, found more", code="file.too-large", where=str(path))
    return b"".join(pieces)


def read_secret(path: str | os.PathLike[str], *, max_bytes: int) -> bytes:
    """Read a password file, which may be a pipe: ``--password-file <(pass show ci)`` leaves nothing on disk.

    Raises:
        UsageError: As :func:`read_bounded`; the content is in no message.
    """
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_CLOEXEC), "rb") as stream:
            data = stream.read(max_bytes + 1)
    except FileNotFoundError as error:
        raise _missing(path) from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a file name"
        raise UsageError(f"cannot read: {reason}", code="file.unreadable", where=str(path)) from error
    if len(data) > max_bytes:
        raise UsageError(f"expected at most {max_bytes} bytes, found more", code="file.too-large", where=str(path))
    return data


def read_if_exists(path: str | os.PathLike[str], *, max_bytes: int) -> bytes | None:
    """Read as :func:`read_bounded` does; None where there is no such file."""
    try:
        return read_bounded(path, max_bytes=max_bytes)
    except UsageError as error:
        if error.code == "file.missing":
            return None
        raise


def hash_file(
    path: str | os.PathLike[str], *, max_bytes: int, head: Callable[[bytes], None] = lambda _head: None
) -> Digests:
    """The digests of a file of any size, read in pieces.

    Args:
        path: The file.
        max_bytes: More is refused.
        head: Sees the first piece (at least its first 64 bytes) of the very bytes that are hashed, and may refuse them.

    Raises:
        UsageError: As :func:`read_bounded`.
    """
    sha1, sha256, sha512, total = hashlib.sha1(usedforsecurity=False), hashlib.sha256(), hashlib.sha512(), 0
    with _opened(path) as descriptor:
        while piece := os.read(descriptor, _CHUNK):
            if total == 0:
                head(piece)
            total += len(piece)
            if total > max_bytes:
                raise UsageError(
                    f"expected at most {max_bytes} bytes, found more", code="file.too-large", where=str(path)
                )
            sha1.update(piece)
            sha256.update(piece)
            sha512.update(piece)
    return Digests(sha1=sha1.hexdigest(), sha256=sha256.hexdigest(), sha512=sha512.hexdigest(), size=total)


def write_atomic(path: str | os.PathLike[str], data: bytes, *, mode: int = 0o644, overwrite: bool = True) -> None:
    """Write ``data`` so that after a crash, a full disk or a kill the old file or the new one is there, whole.

    What is no file (a device, a pipe, ``/dev/stdout``) is written to, and never replaced by one.

    Args:
        path: The final name; its directory must exist.
        data: Everything the file will hold.
        mode: Permission bits, in force before the first byte is written, whatever the umask.
        overwrite: With False an existing file is kept and refused.

    Raises:
        UsageError: ``file.exists`` or ``file.unwritable``.
    """
    import tempfile
    from pathlib import Path

    if overwrite and _is_special(path):
        _write_special(path, data)
        return
    target = Path(path)
    if target.is_symlink():  # write through the link, as people expect of a linked file
        target = target.resolve()
    temporary: str | None = None
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{target.name[:100]}.", dir=target.parent)
        with os.fdopen(descriptor, "wb") as stream:
            os.fchmod(stream.fileno(), mode)
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        if overwrite:
            os.replace(temporary, target)  # noqa: PTH105 - the same call as Path.replace, on a name we must unlink on failure
        else:
            os.link(temporary, target)
            os.unlink(temporary)  # noqa: PTH108 - likewise
        temporary = None
        _sync_directory(target.parent)
    except FileExistsError as error:
        raise UsageError(
            "expected no such file yet, found one",
            code="file.exists",
            where=str(path),
            hint="choose another name, or remove the file first",
        ) from error
    except OSError as error:
        raise UsageError(f"cannot write: {error.strerror}", code="file.unwritable", where=str(path)) from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)  # noqa: PTH108 - likewise


def _is_special(path: str | os.PathLike[str]) -> bool:
    """Whether something is there, links followed, that is neither a regular file nor a folder."""
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - the same call as Path.stat
    except (OSError, ValueError):
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def _write_special(path: str | os.PathLike[str], data: bytes) -> None:
    try:
        descriptor = os.open(
            path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        )  # a pipe without a reader: no wait
        try:
            os.set_blocking(descriptor, True)
            left = memoryview(data)
            while left:
                left = left[os.write(descriptor, left) :]
        finally:
            os.close(descriptor)
    except OSError as error:
        raise UsageError(f"cannot write: {error.strerror}", code="file.unwritable", where=str(path)) from error


def append_line_locked(path: str | os.PathLike[str], line: bytes) -> None:
    """Append one line under an exclusive lock and wait until it is on disk.

    A line left unfinished by a crash is closed first, so that one record stays one line.

    Raises:
        LogWriteError: The line is not certainly there.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except OSError as error:
        raise LogWriteError(f"cannot open the log: {error.strerror}", where=str(path)) from error
    try:
        _lock(descriptor)
        size = os.fstat(descriptor).st_size
        torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        data = (b"\n" if torn else b"") + line + b"\n"
        try:
            _write_whole(descriptor, data)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, size)
            raise
    except OSError as error:
        raise LogWriteError(f"cannot write the log: {error.strerror}", where=str(path)) from error
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def locked_folder(directory: str | os.PathLike[str]) -> Iterator[int]:
    """Hold the folder, given as a descriptor, against other processes that read, change and write back a file in it.

    Raises:
        UsageError: ``file.unreadable`` where it is no folder, ``file.locked`` where another process holds it too long.
    """
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise UsageError(
            f"not a readable folder: {error.strerror}",
            code="file.unreadable",
            where=str(directory),
            hint="name a file in a folder that you may read",
        ) from error
    try:
        try:
            _lock(descriptor)
        except OSError as error:
            raise UsageError(
                "another process holds this folder", code="file.locked", where=str(directory), hint="try again"
            ) from error
        yield descriptor
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    """Wait for the lock, but not for ever: whoever can read a file could otherwise hold every gate.

    Raises:
        OSError: It is still held after ``limits.lock_seconds``.
    """
    deadline = time.monotonic() + DEFAULT_LIMITS.lock_seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_LOCK_WAIT)
        else:
            return


def list_files(directory: str | os.PathLike[str]) -> list[str]:
    """The paths of the regular files directly in ``directory``, by name.

    Raises:
        UsageError: ``file.missing`` where it is not a readable directory.
    """
    try:
        with os.scandir(directory) as entries:
            return sorted(entry.path for entry in entries if entry.is_file())
    except OSError as error:
        raise UsageError(
            f"not a readable folder: {error.strerror}", code="file.missing", where=str(directory)
        ) from error


def _missing(path: str | os.PathLike[str]) -> UsageError:
    pattern = "*" in str(path)  # what a shell hands over where nothing matched
    hint = "no file matches; run npm pack first, or give the file's own name" if pattern else None
    return UsageError("no such file", code="file.missing", where=str(path), hint=hint)


def _write_whole(descriptor: int, data: bytes) -> None:
    if os.write(descriptor, data) != len(data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.fsync(descriptor)


@contextlib.contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[int]:
    try:
        # O_NONBLOCK: opening a FIFO must not wait for a writer that never comes.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError as error:
        raise _missing(path) from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a file name"
        raise UsageError(f"cannot read: {reason}", code="file.unreadable", where=str(path)) from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise UsageError("expected a regular file", code="file.unreadable", where=str(path))
        yield descriptor
    except OSError as error:
        raise UsageError(f"cannot read: {error.strerror}", code="file.unreadable", where=str(path)) from error
    finally:
        os.close(descriptor)


def _sync_directory(directory: Path) -> None:
    """Best effort: the file is in its place; a folder that may not be listed cannot be synced."""
    with contextlib.suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
