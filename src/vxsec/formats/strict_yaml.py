"""Documents people write (policies, trust documents): YAML, JSON or TOML that every reader sees the same way.

YAML comes as libyaml's event stream and is composed here to nodes that know their line. Refused: anchors, aliases, tags,
directives, merge keys, duplicate keys, several documents, and every plain scalar that two readers could take differently
(YAML 1.1 and 1.2 disagree on ``no``, ``012``, ``1:30``, ``2026-01-01``): a string that looks like one is quoted. Plain
scalars are strings, decimal integers, ``true``, ``false`` or null. JSON goes through ``strict_json``, TOML through
``tomllib``, both under the same limits on values.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn, Protocol, cast

from vxsec.errors import ConfigurationError, FormatError
from vxsec.formats.document_node import DocumentNode
from vxsec.formats.strict_json import parse_json
from vxsec.formats.timestamps import full_time
from vxsec.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["DocumentNode", "read_document"]

_SHOWN = 80
_LARGEST = 2**53 - 1
"""The largest integer that readers with double-precision numbers still see exactly."""

_TOML_DOTS = 100
"""Dots in one line of TOML: the standard library's reader needs memory in the square of a dotted key's parts."""

_INTEGER = re.compile(r"(?:0|-?[1-9][0-9]*)\Z")
_AMBIGUOUS_WORD = re.compile(r"(?:y|yes|n|no|on|off|true|false|null|~|<<|=)\Z", re.IGNORECASE)
_AMBIGUOUS_NUMBER = re.compile(
    r"""[-+]?(?:
        0b[01_]+ | 0o[0-7_]+ | 0x[0-9a-f_]+            # other bases
      | [0-9][0-9_]*                                   # 012, 1_000, +1
      | [0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?    # base 60
      | (?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9_]+)(?:e[-+]?[0-9]+)?
      | \.(?:inf|nan)
    )\Z
    | [0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[t\s].*)?\Z     # dates and times
    """,
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}")
_TIME = re.compile(r"[0-9-]{10}T[0-9:]{8}(?:Z|[+-][0-9:]{5})\Z")
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def read_document(data: bytes, *, filename: str, limits: Limits = DEFAULT_LIMITS) -> DocumentNode:
    """Read ``data`` as JSON (``.json``), TOML (``.toml``) or strict YAML (anything else).

    Guarantees: the tree holds only mappings with string keys, lists, strings without control characters (line breaks and
    tabs aside), integers up to 2^53-1, booleans and null, at most ``limits.yaml_depth`` deep.

    Args:
        data: The document's bytes, UTF-8, at most ``limits.yaml_bytes``.
        filename: Decides the format and is named in errors; nothing is opened.
        limits: Bounds on bytes and depth.

    Raises:
        ConfigurationError: ``document.too-large``, ``encoding``, ``control-character``, ``empty``, ``syntax``,
            ``directive``, ``several-documents``, ``anchor``, ``alias``, ``tag``, ``merge-key``, ``duplicate-key``,
            ``key``, ``ambiguous-scalar``, ``number`` or ``depth``, each prefixed ``document.``.
    """
    if len(data) > limits.yaml_bytes:
        raise ConfigurationError(
            f"expected at most {limits.yaml_bytes} bytes, found {len(data)}", code="document.too-large", where=filename
        )
    text = _decode(data, filename)
    if not text.strip():
        raise ConfigurationError("expected a document, found an empty file", code="document.empty", where=filename)
    lowered = filename.lower()
    if lowered.endswith(".json"):
        return _from_json(data, filename, limits)
    if lowered.endswith(".toml"):
        return _from_toml(text, filename, limits)
    return _Composer(filename, limits).compose(text)


def _decode(data: bytes, filename: str) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(
            f"not UTF-8 at byte {error.start}", code="document.encoding", where=f"{filename}:{line}"
        ) from error
    hidden = _hidden_at(text.replace("\r\n", "\n"))
    if hidden is not None:
        line, char = hidden
        raise ConfigurationError(
            f"expected visible text, found the control character U+{ord(char):04X}",
            code="document.control-character",
            where=f"{filename}:{line}",
            hint="remove it: reviewers cannot see it, and readers disagree on what it does",
        )
    return text


def _hidden_at(text: str) -> tuple[int, str] | None:
    """Line and value of the first character that is not visible; a line break or a tab is."""
    if text.isascii() and text.replace("\n", "").replace("\t", "").isprintable():
        return None
    for index, char in enumerate(text):
        if char not in "\n\t" and unicodedata.category(char) in _HIDDEN:
            return text.count("\n", 0, index) + 1, char
    return None


def _from_json(data: bytes, filename: str, limits: Limits) -> DocumentNode:
    try:
        value = parse_json(data, where=filename, limits=limits, max_bytes=limits.yaml_bytes)
    except FormatError as error:
        raise ConfigurationError(
            error.message, code=f"document.{error.code.removeprefix('json.')}", where=filename
        ) from error
    return _Plain(filename, limits).node(value, "", 1)


def _from_toml(text: str, filename: str, limits: Limits) -> DocumentNode:
    import tomllib  # most documents are YAML

    for number, line in enumerate(text.splitlines(), start=1):
        if line.count(".") > _TOML_DOTS:
            raise ConfigurationError(
                f"expected at most {_TOML_DOTS} dots in a line, found more",
                code="document.depth",
                where=f"{filename}:{number}",
                hint="write one value a line",
            )
    try:
        value = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"not TOML: {error}", code="document.syntax", where=filename) from error
    except ValueError as error:  # int() of more than 4,300 digits, which the reader does not expect
        raise ConfigurationError("not TOML: a number too long", code="document.syntax", where=filename) from error
    except RecursionError as error:
        raise _too_deep(filename, limits) from error
    return _Plain(filename, limits).node(value, "", 1)


@dataclass(frozen=True, slots=True)
class _Plain:
    """Turns what a JSON or TOML reader gave into nodes, under the same limits as YAML."""

    filename: str
    limits: Limits

    def node(self, value: object, path: str, depth: int) -> DocumentNode:
        where = f"{self.filename} {path}" if path else self.filename
        if isinstance(value, dict | list) and depth > self.limits.yaml_depth:
            raise _too_deep(where, self.limits)
        if isinstance(value, dict):
            value = {
                _visible(key, where): self.node(item, _member(path, key), depth + 1) for key, item in value.items()
            }
        elif isinstance(value, list):
            value = [self.node(item, f"{path}[{index}]", depth + 1) for index, item in enumerate(value)]
        elif isinstance(value, str):
            _visible(value, where)
        elif isinstance(value, int) and not isinstance(value, bool):
            _bounded(value, where)
        elif value is not None and not isinstance(value, bool):
            raise _ambiguous(str(value), where)
        return DocumentNode(value=value, filename=self.filename, path=path)


class _Mark(Protocol):
    line: int


class _Event(Protocol):
    """What the composer reads of PyYAML's events; which of it is there depends on the event's class."""

    start_mark: _Mark
    anchor: str | None
    tag: str | None
    value: str
    style: str | None
    version: object
    tags: object


class _Composer:
    """Composes YAML events to nodes: the one pass in which everything ambiguous is met and refused."""

    def __init__(self, filename: str, limits: Limits) -> None:
        self._filename = filename
        self._limits = limits

    def compose(self, text: str) -> DocumentNode:
        import yaml  # heavy, and JSON and TOML do not need it

        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        try:
            return self._document(cast("Iterator[_Event]", yaml.parse(text, Loader=loader)))
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            where = self._filename if mark is None else f"{self._filename}:{mark.line + 1}"
            problem = getattr(error, "problem", None) or "not readable"
            raise ConfigurationError(f"not YAML: {problem}", code="document.syntax", where=where) from error

    def _document(self, events: Iterator[_Event]) -> DocumentNode:
        next(events)  # the start of the stream
        start = next(events)
        if _kind(start) == "StreamEndEvent":
            raise ConfigurationError(
                "expected a document, found only comments", code="document.empty", where=self._filename
            )
        if start.version or start.tags:
            self._refuse(start, "directive", "expected no %YAML or %TAG directive, found one")
        node = self._node(next(events), events, "", 1)
        next(events)  # the end of the document
        after = next(events)
        if _kind(after) != "StreamEndEvent":
            self._refuse(after, "several-documents", "expected one document, found another after '---'")
        return node

    def _node(self, event: _Event, events: Iterator[_Event], path: str, depth: int) -> DocumentNode:
        if _kind(event) == "AliasEvent":
            self._refuse(event, "alias", f"expected the value itself, found the alias *{event.anchor}", path)
        if event.anchor is not None:
            self._refuse(event, "anchor", f"expected no anchor, found &{event.anchor}", path)
        if event.tag is not None:
            self._refuse(event, "tag", f"expected no tag, found {event.tag[:_SHOWN]!r}", path)
        line = event.start_mark.line + 1
        value: object
        if _kind(event) == "ScalarEvent":
            value = self._scalar(event, self._place(event, path))
        elif depth > self._limits.yaml_depth:
            raise _too_deep(self._place(event, path), self._limits)
        elif _kind(event) == "SequenceStartEvent":
            value = self._sequence(events, path, depth)
        else:
            value = self._mapping(events, path, depth)
        return DocumentNode(value=value, filename=self._filename, path=path, line=line)

    def _sequence(self, events: Iterator[_Event], path: str, depth: int) -> list[DocumentNode]:
        result: list[DocumentNode] = []
        while _kind(event := next(events)) != "SequenceEndEvent":
            result.append(self._node(event, events, f"{path}[{len(result)}]", depth + 1))
        return result

    def _mapping(self, events: Iterator[_Event], path: str, depth: int) -> dict[str, DocumentNode]:
        result: dict[str, DocumentNode] = {}
        while _kind(event := next(events)) != "MappingEndEvent":
            key = self._key(event, events, path)
            if key in result:
                self._refuse(event, "duplicate-key", f"duplicate key {key[:_SHOWN]!r}", path)
            result[key] = self._node(next(events), events, _member(path, key), depth + 1)
        return result

    def _key(self, event: _Event, events: Iterator[_Event], path: str) -> str:
        if _kind(event) == "ScalarEvent" and not event.style and event.value == "<<":
            self._refuse(event, "merge-key", "expected the members themselves, found a merge key", path)
        if _kind(event) in {"SequenceStartEvent", "MappingStartEvent"}:
            self._refuse(event, "key", "expected a key that is text, found a list or a mapping", path)
        key = self._node(event, events, path, 1).value
        if not isinstance(key, str):
            self._refuse(event, "key", f"expected a key that is text, found {key!r}; quote it", path)
        return key

    def _scalar(self, event: _Event, where: str) -> object:
        text: str = event.value
        if event.style:  # quoted or block: a string, whatever it looks like
            return _visible(text, where)
        if text in {"true", "false"}:
            return text == "true"
        if text in {"", "null"}:
            return None
        if _INTEGER.match(text):
            if len(text) > self._limits.json_number_digits:
                raise _too_large(where)
            return _bounded(int(text), where)
        if _AMBIGUOUS_WORD.match(text) or _AMBIGUOUS_NUMBER.match(text):
            raise _ambiguous(text, where)
        return text

    def _place(self, event: _Event, path: str) -> str:
        place = f"{self._filename}:{event.start_mark.line + 1}"
        return f"{place} {path}" if path else place

    def _refuse(self, event: _Event, code: str, message: str, path: str = "") -> NoReturn:
        raise ConfigurationError(message, code=f"document.{code}", where=self._place(event, path))


def _kind(event: _Event) -> str:
    return type(event).__name__


def _member(path: str, key: str) -> str:
    shown = key[:_SHOWN] if key.isidentifier() else f'"{key[:_SHOWN]}"'
    return f"{path}.{shown}" if path else shown


def _visible(text: str, where: str) -> str:
    hidden = _hidden_at(text)
    if hidden is not None:
        raise ConfigurationError(
            f"expected visible text, found the control character U+{ord(hidden[1]):04X}",
            code="document.control-character",
            where=where,
        )
    return text


def _bounded(value: int, where: str) -> int:
    if abs(value) > _LARGEST:
        raise _too_large(where)
    return value


def _too_large(where: str) -> ConfigurationError:
    return ConfigurationError(
        f"expected an integer of at most {_LARGEST}, found a larger one", code="document.number", where=where
    )


def _ambiguous(text: str, where: str) -> ConfigurationError:
    if not _DATE.match(text):
        hint = f'write "{text[:_SHOWN]}" for the text, or true, false, null or a decimal integer'
    elif _TIME.match(text):
        hint = f'write "{text}"'
    else:
        hint = f'write "{text[:_SHOWN]}" for the text; a time is written in full, in quotes: {full_time(text)}'
    return ConfigurationError(
        f"readers disagree on {text[:_SHOWN]!r}; quote it", code="document.ambiguous-scalar", where=where, hint=hint
    )


def _too_deep(where: str, limits: Limits) -> ConfigurationError:
    return ConfigurationError(f"nested deeper than {limits.yaml_depth} levels", code="document.depth", where=where)
