"""Several files of one folder changed as one: after a kill, a full disk or a power cut all of them are old, or all are new.

New contents are staged in a folder of their own beside the files, and renamed to ``.pending`` in one step, which is the
moment of the change. From then on whoever reads through :func:`read_member` reads the new ones; they are moved into their
places afterwards, and whoever writes next finishes what a kill left.

A ``.pending`` may as well have come with a checkout, from anybody: no link in the folder is followed, and nothing is moved
unless all of it has names that the caller knows.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from vxsec.errors import UsageError
from vxsec.host.files import locked_folder
from vxsec.host.folder import entered, names_below, opened_folder, read_below

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Member = Callable[[str], bool]

__all__ = ["PENDING", "create_folder", "finish_pending", "list_members", "read_member", "replace_members"]

PENDING = ".pending"
"""The folder with a change that is made, but not moved into place yet."""
_STAGED = ".staged-"


def read_member(directory: str | os.PathLike[str], name: str, *, max_bytes: int) -> bytes | None:
    """A file of the folder by its name with slashes, as the last change left it; None where there is none.

    Raises:
        UsageError: ``file.link``: it, or a folder on the way, is a link; ``file.unreadable`` or ``file.too-large``.
    """
    with _reading(directory), opened_folder(directory) as folder:
        pending = read_below(folder, f"{PENDING}/{name}", max_bytes=max_bytes, where=directory)
        return pending if pending is not None else read_below(folder, name, max_bytes=max_bytes, where=directory)


def list_members(directory: str | os.PathLike[str], below: str) -> list[str]:
    """The names, from ``below`` on, of the files in one of its folders that are in their places; none if there is no folder.

    Raises:
        UsageError: ``file.link`` or ``file.unreadable``.
    """
    with _reading(directory), opened_folder(directory) as folder:
        try:
            with entered(folder, below.split("/"), where=directory) as inner:
                return list(names_below(inner, where=f"{os.fspath(directory)}/{below}"))
        except FileNotFoundError:
            return []


def create_folder(directory: str | os.PathLike[str], files: Mapping[str, bytes]) -> None:
    """Make a folder with all its files at once; there is no such folder before, or an empty one.

    Raises:
        UsageError: ``file.exists`` or ``file.unwritable``.
    """
    target = Path(os.path.abspath(directory))  # noqa: PTH100 - Path.resolve would follow a link, and rename replaces it
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise _exists(directory)
    with _reporting(directory), opened_folder(target.parent) as parent:
        staged = _stage(parent, f".{target.name[:100]}.", files)
        try:
            os.rename(staged, target.name, src_dir_fd=parent, dst_dir_fd=parent)
        except OSError as error:
            _remove(parent, staged)
            if target.exists():
                raise _exists(directory) from error
            raise
        _sync(parent)


def replace_members(
    directory: str | os.PathLike[str],
    files: Mapping[str, bytes],
    *,
    last: str,
    member: Member,
    check: Callable[[], None] = lambda: None,
) -> None:
    """Write files of an existing folder as one change.

    Args:
        directory: The folder, which is locked against other writers.
        files: Contents by name with slashes.
        last: The file to move into place last, so that readers who know nothing of ``.pending`` see it late.
        member: Whether a name is that of a file of the folder; a change that was left and holds anything else is refused.
        check: Called under the lock and before anything is written; what it raises ends the change.

    Raises:
        UsageError: ``file.unwritable``; nothing is changed, or everything is and only the moving is left to do.
            ``file.link``: a link is in the way. ``file.unknown``: what was left is no change of this folder.
    """
    with locked_folder(directory) as folder, _reporting(directory):
        check()
        _finish(folder, last, member, directory)
        for left in os.listdir(folder):  # noqa: PTH208 - a descriptor has no path
            if left.startswith(_STAGED):
                _remove(folder, left)
        staged = _stage(folder, _STAGED, files)
        try:
            os.rename(staged, PENDING, src_dir_fd=folder, dst_dir_fd=folder)
        except OSError:
            _remove(folder, staged)
            raise
        _sync(folder)
        _finish(folder, last, member, directory)


def finish_pending(
    directory: str | os.PathLike[str], *, last: str, member: Member, check: Callable[[], None] = lambda: None
) -> bool:
    """Move what a killed change left into place; False where there is nothing to move. Arguments as above.

    Raises:
        UsageError: ``file.unwritable``, ``file.link`` or ``file.unknown``.
    """
    with locked_folder(directory) as folder, _reporting(directory):
        check()
        return _finish(folder, last, member, directory)


def _finish(folder: int, last: str, member: Member, where: object) -> bool:
    shown = f"{where}/{PENDING}"
    if PENDING not in os.listdir(folder):
        return False
    with entered(folder, [PENDING], where=where) as pending:
        names = list(names_below(pending, where=shown))
        for name in names:
            if not member(name):
                raise UsageError(
                    f"a change that was left holds {name[:120]!r}, which is no file of this folder",
                    code="file.unknown",
                    where=shown,
                    hint="no command here leaves that: see who put it there, and remove it",
                )
        for name in sorted(names, key=lambda name: (name == last, name)):
            _move(pending, folder, name, where)
    _remove(folder, PENDING)
    return True


def _move(pending: int, folder: int, name: str, where: object) -> None:
    *parts, base = name.split("/")
    with entered(pending, parts, where=where) as source, entered(folder, parts, where=where, make=True) as place:
        os.replace(base, base, src_dir_fd=source, dst_dir_fd=place)
        _sync(place)


def _stage(parent: int, prefix: str, files: Mapping[str, bytes]) -> str:
    """A new folder beside the old one with every file on disk; removed again if that fails."""
    import secrets  # who only reads needs no random name

    staged = prefix + secrets.token_hex(8)
    os.mkdir(staged, 0o755, dir_fd=parent)
    try:
        folders = {""} | {
            "/".join(parts[:depth]) for parts in (name.split("/") for name in files) for depth in range(1, len(parts))
        }
        with entered(parent, [staged], where=staged) as root:
            os.fchmod(root, 0o755)  # whatever the umask
            for name, data in files.items():
                *parts, base = name.split("/")
                with entered(root, parts, where=staged, make=True) as folder:
                    _write(folder, base, data)
            for name in folders:
                with entered(root, name.split("/") if name else [], where=staged) as folder:
                    _sync(folder)
    except BaseException:
        _remove(parent, staged)
        raise
    return staged


def _write(folder: int, name: str, data: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    with os.fdopen(os.open(name, flags, 0o666, dir_fd=folder), "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def _remove(folder: int, name: str) -> None:
    """A folder with everything in it, where it is one; a link is left."""
    import shutil  # 5 ms, and who only reads does not need it

    shutil.rmtree(name, ignore_errors=True, dir_fd=folder)


def _sync(folder: int) -> None:
    with contextlib.suppress(OSError):
        os.fsync(folder)


@contextlib.contextmanager
def _reading(directory: str | os.PathLike[str]) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a file name"
        raise UsageError(f"cannot read: {reason}", code="file.unreadable", where=str(directory)) from error


@contextlib.contextmanager
def _reporting(directory: str | os.PathLike[str]) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(f"cannot write: {error.strerror}", code="file.unwritable", where=str(directory)) from error


def _exists(directory: str | os.PathLike[str]) -> UsageError:
    return UsageError(
        "expected no such folder yet, or an empty one",
        code="file.exists",
        where=str(directory),
        hint="choose another name, or remove the folder first",
    )
