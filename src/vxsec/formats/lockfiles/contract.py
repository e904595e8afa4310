"""What a lockfile format is: a name, the files it lives in, and one pure function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from vxsec.errors import NothingToJudgeError
from vxsec.values import dataclass

if TYPE_CHECKING:
    from vxsec.limits import Limits
    from vxsec.model.dependency import Lockfile

__all__ = ["LockfileFormat", "LockfileParser", "unsupported"]


class LockfileParser(Protocol):
    """Bytes to a :class:`Lockfile`, or ``FormatError``; ``where`` is what the file is called in an error."""

    def __call__(self, data: bytes, *, where: str, limits: Limits = ...) -> Lockfile:
        """Read ``data`` strictly."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LockfileFormat:
    """One row of the table."""

    id: str
    filenames: tuple[str, ...]
    parse: LockfileParser


def unsupported(kind: str, *, where: str) -> NothingToJudgeError:
    """The answer for a format that is known and not read: never an empty lockfile."""
    return NothingToJudgeError(
        f"{kind} is not read by this version of vxsec",
        code="lockfile.unsupported",
        where=where,
        hint="give a package-lock.json of version 2 or 3 (npm install --package-lock-only writes one)",
    )
