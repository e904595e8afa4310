"""One lockfile format per file, plus the table of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.formats.lockfiles import npm_package_lock
from vxsec.formats.lockfiles.contract import LockfileFormat, unsupported

if TYPE_CHECKING:
    from vxsec.model.dependency import Lockfile

__all__ = ["FORMATS", "KNOWN_NOT_READ", "parse_lockfile"]

FORMATS: tuple[LockfileFormat, ...] = (npm_package_lock.FORMAT,)
"""A literal table: another installed distribution must not be able to add code to a gate."""

KNOWN_NOT_READ: dict[str, str] = {
    "pnpm-lock.yaml": "the pnpm lockfile",
    "yarn.lock": "the yarn lockfile",
    "bun.lock": "the bun lockfile",
    "bun.lockb": "the binary bun lockfile",
}
"""File names of formats that are known and not read yet, with what to call them."""


def parse_lockfile(data: bytes, *, filename: str) -> Lockfile:
    """Read a lockfile of any supported format.

    The file's own name decides; a file of another name is read as npm's format where it says ``lockfileVersion``.

    Args:
        data: The file's bytes.
        filename: Its name or path; only the last part counts.

    Raises:
        NothingToJudgeError: ``lockfile.unsupported``, naming format and file.
        FormatError: ``lockfile.*`` or ``json.*`` where the bytes are not what the format allows.
    """
    name = _basename(filename)
    if name in KNOWN_NOT_READ:
        raise unsupported(KNOWN_NOT_READ[name], where=filename)
    for row in FORMATS:
        if name in row.filenames:
            return row.parse(data, where=filename)
    if data.lstrip()[:1] == b"{" and b'"lockfileVersion"' in data:
        return npm_package_lock.FORMAT.parse(data, where=filename)
    raise unsupported("a file that is no known lockfile", where=filename)


def _basename(filename: str) -> str:
    return filename.replace("\\", "/").rpartition("/")[2]
