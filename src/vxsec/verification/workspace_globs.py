"""Which folders a project's ``workspaces`` mean (npm's ``@npmcli/map-workspaces``), as far as it is safe to say.

Understood: literal paths, ``*``, ``?``, ``**``, ``{a,b}`` and leading ``!``. A pattern with character classes, extended
globs, backslashes or ``..`` matches nothing, so that a folder it meant is reported instead of believed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.errors import VerificationError
from vxsec.formats.globs import match_wild
from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["WorkspaceGlobs"]

_MAX_PATTERNS = 256
_MAX_EXPANSIONS = 64
_MAX_LENGTH = 1024
_MAX_STEPS = 2_000_000
"""Comparisons for one lockfile: a thousand workspaces need some thousands, hostile patterns any number."""
_NOT_UNDERSTOOD = frozenset("[]()\\")


class _Steps:
    """How many comparisons are left."""

    def __init__(self) -> None:
        self._left = _MAX_STEPS

    def spend(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise VerificationError(
                "expected workspace patterns that fit the folders, found too many to compare", code="tree.workspaces"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceGlobs:
    """The patterns of one root entry, in npm's two groups."""

    patterns: tuple[tuple[str, ...], ...]
    negated: tuple[tuple[str, ...], ...]
    steps: _Steps

    @classmethod
    def compile(cls, workspaces: Sequence[str]) -> WorkspaceGlobs:
        """Read ``workspaces`` as npm does: negation wins, unless a later pattern names what it excludes.

        Raises:
            VerificationError: ``tree.workspaces`` for more patterns, or more work, than any project has.
        """
        steps = _Steps()
        if len(workspaces) > _MAX_PATTERNS:
            raise VerificationError(
                f"expected at most {_MAX_PATTERNS} workspace patterns, found {len(workspaces)}", code="tree.workspaces"
            )
        patterns: list[tuple[str, ...]] = []
        negated: list[tuple[str, ...]] = []
        for text in workspaces:
            bare = text.lstrip("!")
            for pattern in _expand(bare):
                if (len(text) - len(bare)) % 2:
                    negated.append(pattern)
                else:
                    negated = [item for item in negated if not _matches(item, pattern, steps)]
                    patterns.append(pattern)
        kept = (item for item in patterns if not any(_matches(exclusion, item, steps) for exclusion in negated))
        whole = [item[:-2] for item in negated if item[-2:] == ("**", "*")]  # "!a/**" excludes a too
        return cls(patterns=tuple(kept), negated=(*negated, *whole), steps=steps)

    def contains(self, folder: str) -> bool:
        """Whether ``folder`` (relative, ``/`` between its parts) is one of the project's workspaces.

        Raises:
            VerificationError: ``tree.workspaces`` once all calls together took more work than any project needs.
        """
        parts = tuple(folder.split("/"))
        if any(part in {"", ".", "..", "node_modules"} for part in parts):
            return False
        if any(_matches(pattern, parts, self.steps) for pattern in self.negated):
            return False
        return any(_matches(pattern, parts, self.steps) for pattern in self.patterns)


def _expand(text: str) -> list[tuple[str, ...]]:
    """The pattern as tuples of path parts, braces written out; none where it is not understood."""
    if len(text) > _MAX_LENGTH or _NOT_UNDERSTOOD & set(text):
        return []
    pending, plain = [text], []
    while pending:
        item = pending.pop()
        head, opened, rest = item.partition("{")
        inner, closed, tail = rest.partition("}")
        if not opened:
            plain.append(item)
        elif not closed or "{" in inner or len(pending) + len(plain) > _MAX_EXPANSIONS:
            return []
        elif "," not in inner:
            return []  # {1..3} and {a}: rare, and read differently by different tools
        else:
            pending.extend(head + choice + tail for choice in inner.split(","))
    return [parts for item in plain if (parts := _parts(item))]


def _parts(text: str) -> tuple[str, ...]:
    parts = tuple(part for part in text.removeprefix("./").split("/") if part)
    if any(part in {".", ".."} for part in parts):
        return ()
    return (*parts, "*") if parts[-1:] == ("**",) else parts  # what lies below a folder, never the folder itself


def _matches(pattern: tuple[str, ...], parts: tuple[str, ...], steps: _Steps) -> bool:
    def one(want: str, have: str) -> bool:
        return _part_matches(want, have, steps)

    return match_wild(
        pattern, parts, star="**", one=one, swallows=lambda part: not part.startswith("."), spend=steps.spend
    )


def _part_matches(pattern: str, part: str, steps: _Steps) -> bool:
    if part.startswith(".") and not pattern.startswith("."):
        return False  # a wildcard never names a hidden folder
    if pattern == part:
        return True
    return match_wild(pattern, part, star="*", one=lambda want, have: want in {have, "?"}, spend=steps.spend)
