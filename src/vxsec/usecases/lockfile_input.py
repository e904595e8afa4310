"""The lockfile that rules read: found, read once, or the sentence why this version cannot read it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from vxsec.errors import NothingToJudgeError, UsageError
from vxsec.formats.lockfiles import parse_lockfile
from vxsec.usecases.inputs import load_lockfile_bytes
from vxsec.values import dataclass

if TYPE_CHECKING:
    import os

    from vxsec.model.dependency import Lockfile

    PathLike = str | os.PathLike[str]

__all__ = ["LockfileInput", "find_lockfile", "load_lockfile_input", "refuse_shadowed"]

_SHRINKWRAP = "npm-shrinkwrap.json"
_LOCKFILE_NAMES = (_SHRINKWRAP, "package-lock.json", "pnpm-lock.yaml", "yarn.lock", "bun.lock")
"""npm's shrinkwrap first, because npm installs from it where both are there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockfileInput:
    """A lockfile as given: parsed, or the sentence why this version cannot read it."""

    source: str
    sha512: str
    lockfile: Lockfile | None
    unsupported: str | None


def find_lockfile(project_dir: PathLike) -> Path | None:
    """The lockfile directly in a folder, of any known format; no search upward."""
    return next((path for name in _LOCKFILE_NAMES if (path := Path(project_dir) / name).is_file()), None)


def load_lockfile_input(path: PathLike) -> LockfileInput:
    """Read a lockfile for evidence.

    Raises:
        UsageError: Missing or unreadable; ``lockfile.shadowed`` where npm would install from another one beside it.
        FormatError: Malformed.
    """
    refuse_shadowed(path)
    data = load_lockfile_bytes(path)
    sha512 = hashlib.sha512(data).hexdigest()
    try:
        lockfile = parse_lockfile(data, filename=str(path))
    except NothingToJudgeError as error:
        return LockfileInput(source=str(path), sha512=sha512, lockfile=None, unsupported=str(error))
    return LockfileInput(source=str(path), sha512=sha512, lockfile=lockfile, unsupported=None)


def refuse_shadowed(path: PathLike) -> None:
    """A lockfile that npm does not read is not what will be installed.

    Raises:
        UsageError: ``lockfile.shadowed`` where npm would install from another one beside it.
    """
    shrinkwrap = Path(path).with_name(_SHRINKWRAP)
    if Path(path).name == "package-lock.json" and shrinkwrap.exists():
        raise UsageError(
            f"npm ignores this file: it installs from the {_SHRINKWRAP} beside it",
            code="lockfile.shadowed",
            where=str(path),
            hint=f"give {shrinkwrap} instead, or remove that file",
        )
