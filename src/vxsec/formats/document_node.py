"""A value inside a document that a person wrote, and where it stands: every error names file, line and path."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, NoReturn

from vxsec.errors import ConfigurationError
from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["DocumentNode", "nearest"]

_SHOWN = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentNode:
    """A value inside a document, with its place; every accessor raises ``ConfigurationError`` naming that place.

    ``value`` is a dict or list of nodes, or a string, integer, boolean or None. ``line`` is None where the format's
    reader does not tell (JSON, TOML).
    """

    value: object
    filename: str
    path: str = ""
    line: int | None = None

    @property
    def where(self) -> str:
        """``file:line path``, without the parts that are not known."""
        place = self.filename if self.line is None else f"{self.filename}:{self.line}"
        return f"{place} {self.path}" if self.path else place

    def __getitem__(self, key: str) -> DocumentNode:
        """The member ``key`` of a mapping, which must be there."""
        found = self.get(key)
        if found is None:
            raise ConfigurationError(
                f"expected a member {key!r}, found none", code="document.missing", where=self.where
            )
        return found

    def get(self, key: str) -> DocumentNode | None:
        """The member ``key`` of a mapping; None where it is absent or null."""
        found = self._mapping().get(key)
        return None if found is None or found.value is None else found

    def only(self, *keys: str) -> DocumentNode:
        """The node itself, if it is a mapping without any other member."""
        for key, node in self._mapping().items():
            if key not in keys:
                raise ConfigurationError(
                    f"unknown member {_cut(key)!r}{nearest(key, keys)}; known: {', '.join(keys)}",
                    code="document.unknown-member",
                    where=node.where,
                )
        return self

    def members(self) -> Iterator[tuple[str, DocumentNode]]:
        """The members of a mapping, in file order."""
        yield from self._mapping().items()

    def items(self) -> Iterator[DocumentNode]:
        """The elements of a list."""
        if not isinstance(self.value, list):
            self._wrong("a list")
        yield from self.value

    def string(self) -> str:
        """The value, which must be a string."""
        return self.value if isinstance(self.value, str) else self._wrong("a string")

    def integer(self) -> int:
        """The value, which must be an integer (not a boolean)."""
        value = self.value
        return value if isinstance(value, int) and not isinstance(value, bool) else self._wrong("an integer")

    def boolean(self) -> bool:
        """The value, which must be true or false."""
        return self.value if isinstance(self.value, bool) else self._wrong("true or false")

    def strings(self) -> tuple[str, ...]:
        """The elements of a list of strings."""
        return tuple(item.string() for item in self.items())

    def mapping(self) -> Mapping[str, object]:
        """The members of a mapping as plain values."""
        return {key: node.plain() for key, node in self._mapping().items()}

    def plain(self) -> object:
        """The value as dicts, lists, strings, integers, booleans and None."""
        if isinstance(self.value, dict):
            return self.mapping()
        if isinstance(self.value, list):
            return [item.plain() for item in self.value]
        return self.value

    def _mapping(self) -> dict[str, DocumentNode]:
        return self.value if isinstance(self.value, dict) else self._wrong("a mapping")

    def _wrong(self, expected: str) -> NoReturn:
        names = {dict: "a mapping", list: "a list", str: "a string", bool: "a boolean", int: "an integer"}
        found = names.get(type(self.value), "nothing")
        shown = f" {_cut(self.value)!r}" if isinstance(self.value, str) else ""
        raise ConfigurationError(f"expected {expected}, found {found}{shown}", code="document.type", where=self.where)


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def nearest(word: str, known: Iterable[str]) -> str:
    """``" (did you mean 'x'?)"`` for the known word closest to ``word``, or nothing."""
    found = difflib.get_close_matches(word[:_SHOWN], list(known), n=1)
    return f" (did you mean {found[0]!r}?)" if found else ""
