"""JSON that every reader sees the same way (RFC 8259, I-JSON RFC 7493), or a refusal.

Refused: duplicate keys, NaN and Infinity, lone surrogates, bytes that are not UTF-8, a byte order mark (unless asked
for), and more bytes, depth or digits than ``limits`` allow. ``read_json`` returns a node that knows its path, so that an
error says where.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NoReturn

from vxsec.errors import FormatError
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["JsonNode", "dump_json", "parse_json", "read_json"]

_BOM = b"\xef\xbb\xbf"
_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")
_SHOWN = 80


def parse_json(
    data: bytes,
    *,
    where: str,
    limits: Limits = DEFAULT_LIMITS,
    max_bytes: int | None = None,
    max_parts: int | None = None,
    allow_bom: bool = False,
) -> object:
    """Parse ``data`` into dicts, lists, strings, numbers, booleans and None.

    Args:
        data: The document's bytes.
        where: What the document is called in an error.
        limits: Bounds on bytes, depth and digits.
        max_bytes: A tighter bound than ``limits.json_bytes`` for this kind of document.
        max_parts: How many ``{``, ``[`` and ``,`` there may be, in text or not: counted before anything is built, because a
            value costs up to a hundred times the three bytes it is written in.
        allow_bom: Accept one UTF-8 byte order mark, as npm does for package.json.

    Raises:
        FormatError: ``json.too-large``, ``json.encoding``, ``json.syntax``, ``json.duplicate-key``, ``json.number`` or
            ``json.depth``.
    """
    bound = limits.json_bytes if max_bytes is None else max_bytes
    if len(data) > bound:
        raise FormatError(
            f"expected at most {bound} bytes of JSON, found {len(data)}", code="json.too-large", where=where
        )
    if max_parts is not None and _count_parts(data) > max_parts:
        raise FormatError(
            f"expected at most {max_parts} objects, arrays and members of them, found more",
            code="json.too-large",
            where=where,
        )
    if data.startswith(_BOM):
        if not allow_bom:
            raise FormatError("expected JSON, found a byte order mark first", code="json.encoding", where=where)
        data = data[len(_BOM) :]
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FormatError(f"not UTF-8 at byte {error.start}", code="json.encoding", where=where) from error
    hooks = _Hooks(where=where, digits=limits.json_number_digits)
    try:
        value: object = json.JSONDecoder(
            object_pairs_hook=hooks.pairs,
            parse_constant=hooks.constant,
            parse_int=hooks.integer,
            parse_float=hooks.decimal,
        ).decode(text)
    except json.JSONDecodeError as error:
        raise FormatError(
            f"not JSON: {error.msg} at line {error.lineno} column {error.colno}", code="json.syntax", where=where
        ) from error
    except RecursionError as error:
        raise _too_deep(where, limits) from error
    if data.count(b"[") + data.count(b"{") > limits.json_depth:
        _check_depth(value, where, limits)
    if _SURROGATE_ESCAPE.search(data):
        _check_surrogates(value, where)
    return value


def read_json(
    data: bytes,
    *,
    where: str,
    limits: Limits = DEFAULT_LIMITS,
    max_bytes: int | None = None,
    max_parts: int | None = None,
    allow_bom: bool = False,
) -> JsonNode:
    """Parse as :func:`parse_json` does and return the root node."""
    value = parse_json(data, where=where, limits=limits, max_bytes=max_bytes, max_parts=max_parts, allow_bom=allow_bom)
    return JsonNode(value=value, where=where)


def dump_json(value: object, *, indent: int | None = None) -> bytes:
    """Write JSON as UTF-8: compact and in the order given, or indented for people. No line end is added."""
    separators = (",", ":") if indent is None else (",", ": ")
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent, separators=separators)
    return text.encode("utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonNode:
    """A value inside a document and the path to it; every accessor raises ``FormatError`` naming that path."""

    value: object
    where: str

    def __getitem__(self, key: str) -> JsonNode:
        """The member ``key`` of an object, which must be there."""
        found = self.get(key)
        if found is None:
            raise FormatError(f"expected a member {key!r}, found none", code="json.missing", where=self.where)
        return found

    def get(self, key: str) -> JsonNode | None:
        """The member ``key`` of an object; None where it is absent or null."""
        value = self._mapping().get(key)
        return None if value is None else JsonNode(value=value, where=f"{self.where}.{key}")

    def only(self, *keys: str) -> JsonNode:
        """The node itself, if it is an object without any other member."""
        for key in self._mapping():
            if key not in keys:
                raise FormatError(
                    f"unknown member {key[:_SHOWN]!r}; known: {', '.join(keys)}",
                    code="json.unknown-member",
                    where=self.where,
                )
        return self

    def members(self) -> Iterator[tuple[str, JsonNode]]:
        """The members of an object, in file order."""
        for key, value in self._mapping().items():
            yield key, JsonNode(value=value, where=f"{self.where}.{key}")

    def items(self) -> Iterator[JsonNode]:
        """The elements of an array."""
        if not isinstance(self.value, list):
            self._wrong("an array")
        for index, value in enumerate(self.value):
            yield JsonNode(value=value, where=f"{self.where}[{index}]")

    def array(self, *, most: int, code: str, what: str = "elements", least: int = 0) -> list[JsonNode]:
        """The elements of an array of ``least`` to ``most``, counted before a node is made of any.

        Args:
            most: How many there may be.
            code: What more, or fewer, is called.
            what: What they are called.
            least: How many there must be.

        Raises:
            FormatError: ``code``, or ``json.type``.
        """
        if isinstance(self.value, list) and not least <= len(self.value) <= most:
            bounds = f"{least} to {most}" if least else f"at most {most}"
            raise FormatError(f"expected {bounds} {what}, found {len(self.value)}", code=code, where=self.where)
        return list(self.items())

    def string(self) -> str:
        """The value, which must be a string."""
        return self.value if isinstance(self.value, str) else self._wrong("a string")

    def integer(self) -> int:
        """The value, which must be an integer (not a boolean, not 1.0)."""
        value = self.value
        return value if isinstance(value, int) and not isinstance(value, bool) else self._wrong("an integer")

    def boolean(self) -> bool:
        """The value, which must be true or false."""
        return self.value if isinstance(self.value, bool) else self._wrong("true or false")

    def strings(self) -> tuple[str, ...]:
        """The elements of an array of strings."""
        return tuple(item.string() for item in self.items())

    def mapping(self) -> Mapping[str, object]:
        """The plain value, which must be an object."""
        return self._mapping()

    def _mapping(self) -> dict[str, object]:
        return self.value if isinstance(self.value, dict) else self._wrong("an object")

    def _wrong(self, expected: str) -> NoReturn:
        names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
        found = names.get(type(self.value), "a number")
        raise FormatError(f"expected {expected}, found {found}", code="json.type", where=self.where)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hooks:
    where: str
    digits: int

    def pairs(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        if len(result) != len(pairs):
            seen: set[str] = set()
            for key, _ in pairs:
                if key in seen:
                    raise FormatError(f"duplicate key {key[:_SHOWN]!r}", code="json.duplicate-key", where=self.where)
                seen.add(key)
        return result

    def constant(self, word: str) -> NoReturn:
        raise FormatError(f"expected a number, found {word}", code="json.number", where=self.where)

    def integer(self, text: str) -> int:
        self._bounded(text)
        return int(text)

    def decimal(self, text: str) -> float:
        self._bounded(text)
        value = float(text)
        if value in {float("inf"), float("-inf")}:
            raise FormatError(f"number out of range: {text[:_SHOWN]}", code="json.number", where=self.where)
        return value

    def _bounded(self, text: str) -> None:
        if len(text) > self.digits:
            raise FormatError(
                f"expected a number of at most {self.digits} characters, found {len(text)}",
                code="json.number",
                where=self.where,
            )


def _count_parts(data: bytes) -> int:
    return data.count(b"{") + data.count(b"[") + data.count(b",")


def _too_deep(where: str, limits: Limits) -> FormatError:
    return FormatError(f"nested deeper than {limits.json_depth} levels", code="json.depth", where=where)


def _check_depth(value: object, where: str, limits: Limits) -> None:
    level = [value]
    for _ in range(limits.json_depth):
        children: list[object] = []
        for item in level:
            if isinstance(item, dict):
                children.extend(item.values())
            elif isinstance(item, list):
                children.extend(item)
        level = [child for child in children if isinstance(child, dict | list)]
        if not level:
            return
    raise _too_deep(where, limits)


def _check_surrogates(value: object, where: str) -> None:
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            pending.extend(item)
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)
        elif isinstance(item, str) and any("\ud800" <= ch <= "\udfff" for ch in item):
            raise FormatError("a string with half of a surrogate pair", code="json.encoding", where=where)
