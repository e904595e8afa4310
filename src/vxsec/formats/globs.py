"""Patterns with ``*``, ``**`` and ``?``, matched in time that no pattern can blow up.

Every pattern is hostile or clumsy sooner or later, so none becomes a regular expression: only the last star is ever retried.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from vxsec.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["PathGlob", "match_wild", "text_matches"]

_MAX_LENGTH = 1024
_NOT_UNDERSTOOD = frozenset("[]{}\\!")
_WILD = frozenset("*?")

T = TypeVar("T")


class PathGlob:
    """A pattern over the path of a file, relative and with ``/`` between its parts.

    ``*`` stands for any text within one part and ``?`` for one character of it, a leading dot included; a part ``**`` stands
    for any number of parts. A pattern without ``/`` is about the file's name, in whatever folder it lies.

    Args:
        text: The pattern.
        fold_case: Whether ``ID_RSA`` is ``id_rsa``.

    Raises:
        ConfigurationError: ``policy.value`` for an empty or overlong pattern, one that begins or ends with ``/``, has an
            empty, ``.`` or ``..`` part, or uses what is not understood (braces, character classes, ``!``, backslashes).
    """

    __slots__ = ("_fold", "_literal", "_parts", "text")

    def __init__(self, text: str, *, fold_case: bool = False) -> None:
        parts = text.split("/")
        if len(text) > _MAX_LENGTH or _NOT_UNDERSTOOD & set(text) or any(part in {"", ".", ".."} for part in parts):
            raise ConfigurationError(
                "expected a pattern such as dist/**/*.map, of path parts with * and ?, without braces, character classes "
                f"or !, found {text[:80]!r}",
                code="policy.value",
            )
        self.text = text
        self._fold = fold_case
        folded = text.lower() if fold_case else text
        self._parts = tuple(folded.split("/"))
        self._literal = frozenset(part for part in self._parts if not _WILD & set(part))

    def matches(self, path: str) -> bool:
        """Whether ``path`` is one the pattern means; in at most parts x parts comparisons of linear cost."""
        judged = path.lower() if self._fold else path
        if len(self._parts) == 1:
            return text_matches(self._parts[0], judged.rpartition("/")[2])
        parts = judged.split("/")
        return self._literal.issubset(parts) and match_wild(self._parts, parts, star="**", one=text_matches)


def text_matches(pattern: str, text: str) -> bool:
    """Whether ``text`` is ``pattern`` with each ``*`` replaced by any text and each ``?`` by one character."""
    if "?" in pattern:
        return match_wild(pattern, text, star="*", one=lambda want, have: want in {have, "?"})
    first, *rest = pattern.split("*")
    if not rest:
        return text == pattern
    *middle, last = rest
    if not (text.startswith(first) and text.endswith(last) and len(text) >= len(first) + len(last)):
        return False
    position, end = len(first), len(text) - len(last)
    for piece in middle:
        found = text.find(piece, position, end)
        if found < 0:
            return False
        position = found + len(piece)
    return True


def match_wild(
    pattern: Sequence[T],
    items: Sequence[T],
    *,
    star: T,
    one: Callable[[T, T], bool],
    swallows: Callable[[T], bool] = lambda _: True,
    spend: Callable[[], None] = lambda: None,
) -> bool:
    """Match ``items`` with one kind of star, in at most ``len(pattern) * len(items)`` steps.

    Args:
        pattern: What is wanted, item by item.
        items: What is there.
        star: The item of the pattern that stands for any number of items.
        one: Whether one item of the pattern (first) means one item (second).
        swallows: Which items a star may stand for.
        spend: Called at every step; may raise.
    """
    at, position = 0, 0
    last_star, resume = -1, 0
    while position < len(items):
        spend()
        if at < len(pattern) and pattern[at] == star:
            last_star, resume = at, position
            at += 1
        elif at < len(pattern) and one(pattern[at], items[position]):
            at += 1
            position += 1
        elif last_star >= 0 and swallows(items[resume]):
            resume += 1
            at, position = last_star + 1, resume
        else:
            return False
    return all(item == star for item in pattern[at:])
