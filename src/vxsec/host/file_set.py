"""Several files of one folder changed as one: after a kill, a full disk or a power cut all of them are old, or all are new.

New contents are staged in a folder of their own beside the files, and renamed to ``.pending`` in one step, which is the
moment of the change. From then on whoever reads through :func:`read_member` reads the new ones; they are moved into their
places afterwards, and whoever writes next finishes what a kill left.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from vxsec.errors import UsageError
from vxsec.host.files import locked_folder, read_if_exists

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["PENDING", "create_folder", "finish_pending", "read_member", "replace_members"]

PENDING = ".pending"
"""The folder with a change that is made, but not moved into place yet."""
_STAGED = ".staged-"


def read_member(directory: str | os.PathLike[str], name: str, *, max_bytes: int) -> bytes | None:
    """A file of the folder by its name with slashes, as the last change left it; None where there is none.

    Raises:
        UsageError: ``file.unreadable`` or ``file.too-large``.
    """
    folder = Path(directory)
    pending = read_if_exists(folder / PENDING / name, max_bytes=max_bytes)
    return pending if pending is not None else read_if_exists(folder / name, max_bytes=max_bytes)


def create_folder(directory: str | os.PathLike[str], files: Mapping[str, bytes]) -> None:
    """Make a folder with all its files at once; there is no such folder before, or an empty one.

    Raises:
        UsageError: ``file.exists`` or ``file.unwritable``.
    """
    import shutil  # 5 ms, and who only reads needs neither this nor tempfile

    target = Path(os.path.abspath(directory))  # noqa: PTH100 - Path.resolve would follow a link, and rename replaces it
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise _exists(directory)
    staged = _stage(target.parent, f".{target.name[:100]}.", files, directory)
    try:
        os.rename(staged, target)  # noqa: PTH104 - the same call as Path.rename
    except OSError as error:
        shutil.rmtree(staged, ignore_errors=True)
        if target.exists():
            raise _exists(directory) from error
        raise _unwritable(directory, error) from error
    _sync(target.parent)


def replace_members(directory: str | os.PathLike[str], files: Mapping[str, bytes], *, last: str) -> None:
    """Write files of an existing folder as one change.

    Args:
        directory: The folder, which is locked against other writers.
        files: Contents by name with slashes.
        last: The file to move into place last, so that readers who know nothing of ``.pending`` see it late.

    Raises:
        UsageError: ``file.unwritable``; nothing is changed, or everything is and only the moving is left to do.
    """
    import shutil

    folder = Path(directory)
    with locked_folder(folder):
        _finish(folder, last)
        for left in folder.glob(f"{_STAGED}*"):
            shutil.rmtree(left, ignore_errors=True)
        staged = _stage(folder, _STAGED, files, directory)
        try:
            os.rename(staged, folder / PENDING)  # noqa: PTH104 - likewise
        except OSError as error:
            shutil.rmtree(staged, ignore_errors=True)
            raise _unwritable(directory, error) from error
        _sync(folder)
        _finish(folder, last)


def finish_pending(directory: str | os.PathLike[str], *, last: str) -> bool:
    """Move what a killed change left into place; False where there is nothing to move.

    Raises:
        UsageError: ``file.unwritable``.
    """
    with locked_folder(directory):
        return _finish(Path(directory), last)


def _finish(folder: Path, last: str) -> bool:
    import shutil

    pending = folder / PENDING
    if not pending.is_dir():
        return False
    try:
        members = sorted(_members(pending), key=lambda name: (name == last, name))
        for name in members:
            place = folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            os.replace(pending / name, place)  # noqa: PTH105 - the same call as Path.replace
            _sync(place.parent)
        shutil.rmtree(pending)
    except OSError as error:
        raise _unwritable(folder, error) from error
    return True


def _members(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        if not path.is_dir():
            yield path.relative_to(folder).as_posix()


def _stage(parent: Path, prefix: str, files: Mapping[str, bytes], told: str | os.PathLike[str]) -> Path:
    """A new folder beside the old one with every file on disk; removed again if that fails."""
    import shutil
    import tempfile

    staged: Path | None = None
    try:
        staged = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        staged.chmod(0o755)
        folders = {staged}
        for name, data in files.items():
            place = staged / name
            place.parent.mkdir(parents=True, exist_ok=True)
            folders.update(place.parents[: len(Path(name).parts)])
            with place.open("xb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
        for folder in folders:
            _sync(folder)
    except BaseException as error:
        if staged is not None:
            shutil.rmtree(staged, ignore_errors=True)
        if isinstance(error, OSError):
            raise _unwritable(told, error) from error
        raise
    return staged


def _sync(directory: Path) -> None:
    with contextlib.suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _exists(directory: str | os.PathLike[str]) -> UsageError:
    return UsageError(
        "expected no such folder yet, or an empty one",
        code="file.exists",
        where=str(directory),
        hint="choose another name, or remove the folder first",
    )


def _unwritable(directory: str | os.PathLike[str], error: OSError) -> UsageError:
    return UsageError(f"cannot write: {error.strerror}", code="file.unwritable", where=str(directory))
