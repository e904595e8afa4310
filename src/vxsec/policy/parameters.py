"""A rule's parameters: frozen dataclasses whose fields are the keys of ``with:``, built and described by field type.

A field ``min_per_role: Mapping[str, int]`` is the key ``minPerRole``. Types are read from the annotation's text:
``int``, ``bool``, ``str``, ``tuple[str, ...]``, ``Mapping[str, int]``, ``timedelta``, ``Mapping[str, timedelta]``, each also
with ``| None``; a field made with ``of=`` is a parameter class itself.
"""

from __future__ import annotations

import re
from dataclasses import MISSING, Field, field, fields
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from vxsec.errors import ConfigurationError
from vxsec.formats.document_node import nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vxsec.formats.document_node import DocumentNode

__all__ = ["build_parameters", "describe_parameters", "parameter", "parameter_key", "parse_duration", "write_duration"]

_SHOWN = 80
_DURATION = re.compile(
    r"P(?:(?P<weeks>[0-9]{1,4})W|(?:(?P<days>[0-9]{1,5})D)?"
    r"(?:T(?:(?P<hours>[0-9]{1,5})H)?(?:(?P<minutes>[0-9]{1,6})M)?(?:(?P<seconds>[0-9]{1,8})S)?)?)\Z"
)
_DURATION_SCHEMA = r"^P([0-9]{1,4}W|([0-9]{1,5}D)?(T([0-9]{1,5}H)?([0-9]{1,6}M)?([0-9]{1,8}S)?)?)$"

T = TypeVar("T")


def parameter(
    *,
    doc: str,
    default: object = MISSING,
    minimum: int | None = None,
    maximum: int | None = None,
    choices: tuple[str, ...] = (),
    of: type[object] | None = None,
) -> Any:  # noqa: ANN401 - what dataclasses.field returns, too
    """A field of a parameter class.

    Args:
        doc: One sentence for the reference page.
        default: Its value where ``with:`` does not name it; without one the key is required. Mappings start empty.
        minimum: Smallest integer allowed, for values of mappings too.
        maximum: Largest integer allowed.
        choices: The only words allowed: values of strings and lists, keys of mappings.
        of: The parameter class whose keys stand below this one.
    """
    metadata = {"doc": doc, "minimum": minimum, "maximum": maximum, "choices": choices, "of": of}
    if default is MISSING:
        return field(metadata=metadata)
    if default == {}:
        return field(default_factory=dict, metadata=metadata)
    return field(default=default, metadata=metadata)


def parameter_key(name: str) -> str:
    """A field's name as it is written in a policy: ``min_per_role`` is ``minPerRole``."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def build_parameters(kind: type[T], node: DocumentNode | None, *, where: str) -> T:
    """Build ``kind`` from what stands under ``with:``.

    Args:
        kind: A frozen dataclass made with :func:`parameter`; its ``__post_init__`` may refuse combinations by raising
            ``ConfigurationError``.
        node: The mapping; None where the policy gives none.
        where: The place of the rule, for what is missing.

    Raises:
        ConfigurationError: ``policy.unknown-parameter``, ``policy.missing``, ``policy.value`` or ``document.type``.
    """
    known = {parameter_key(item.name): item for item in _fields(kind)}
    given = dict(node.members()) if node is not None else {}
    for key, value in given.items():
        if key not in known:
            names = ", ".join(known) or "none"
            raise ConfigurationError(
                f"unknown parameter {key[:_SHOWN]!r}{nearest(key, known)}; known: {names}",
                code="policy.unknown-parameter",
                where=value.where,
            )
    values: dict[str, object] = {}
    for key, item in known.items():
        if key in given:
            values[item.name] = _reader(item)(given[key], item)
        elif item.default is MISSING and item.default_factory is MISSING:
            raise ConfigurationError(f"expected the parameter {key!r}, found none", code="policy.missing", where=where)
    try:
        return kind(**values)
    except ConfigurationError as error:
        place = node.where if node is not None else where
        raise ConfigurationError(error.message, code=error.code, where=place, hint=error.hint) from error


def describe_parameters(kind: type[object]) -> dict[str, object]:
    """The JSON Schema of a parameter class."""
    described = {parameter_key(item.name): _describe(item) for item in _fields(kind)}
    required = [
        parameter_key(item.name)
        for item in _fields(kind)
        if item.default is MISSING and item.default_factory is MISSING
    ]
    schema: dict[str, object] = {"type": "object", "additionalProperties": False, "properties": described}
    return schema | ({"required": required} if required else {})


def parse_duration(text: str, *, where: str) -> timedelta:
    """Read an ISO 8601 duration of weeks, or of days, hours, minutes and seconds: ``P7D``, ``PT30M``, ``P1DT12H``.

    Years and months are refused because their length varies, and so is a duration of nothing.

    Raises:
        ConfigurationError: ``policy.duration``.
    """
    match = _DURATION.match(text)
    parts = {name: int(value) for name, value in (match.groupdict() if match else {}).items() if value is not None}
    length = timedelta(**parts)
    if not length or text.endswith("T"):
        raise ConfigurationError(
            f"expected an ISO 8601 duration such as P7D or PT30M, found {text[:_SHOWN]!r}",
            code="policy.duration",
            where=where,
        )
    return length


def write_duration(length: timedelta) -> str:
    """``length`` as :func:`parse_duration` reads it: ``P3D``, ``PT1H30M``."""
    hours, rest = divmod(length.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    time = "".join(f"{number}{unit}" for number, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if number)
    return "P" + (f"{length.days}D" if length.days else "") + (f"T{time}" if time else "")


def _fields(kind: type[object]) -> tuple[Field[Any], ...]:
    return fields(kind)  # type: ignore[arg-type]  # every parameter class is a dataclass


def _text(item: Field[Any]) -> str:
    """The annotation's text, without ``| None``."""
    text = item.type if isinstance(item.type, str) else getattr(item.type, "__name__", str(item.type))
    return text.removesuffix(" | None")


def _reader(item: Field[Any]) -> Callable[[DocumentNode, Field[Any]], object]:
    return _nested if item.metadata["of"] is not None else _READERS[_text(item)]


def _nested(node: DocumentNode, item: Field[Any]) -> object:
    if not dict(node.members()):
        raise ConfigurationError(
            "expected at least one key, found none; leave the parameter out", code="policy.value", where=node.where
        )
    return build_parameters(item.metadata["of"], node, where=node.where)


def _integer(node: DocumentNode, item: Field[Any]) -> int:
    value = node.integer()
    low, high = item.metadata["minimum"], item.metadata["maximum"]
    if (low is not None and value < low) or (high is not None and value > high):
        bounds = f"at least {low}" if high is None else f"at most {high}" if low is None else f"from {low} to {high}"
        raise ConfigurationError(f"expected an integer {bounds}, found {value}", code="policy.value", where=node.where)
    return value


def _word(text: str, item: Field[Any], where: str) -> str:
    choices = item.metadata["choices"]
    if choices and text not in choices:
        raise ConfigurationError(
            f"expected one of {', '.join(choices)}, found {text[:_SHOWN]!r}{nearest(text, choices)}",
            code="policy.value",
            where=where,
        )
    if not text:
        raise ConfigurationError("expected a word, found an empty string", code="policy.value", where=where)
    return text


def _string(node: DocumentNode, item: Field[Any]) -> str:
    return _word(node.string(), item, node.where)


def _strings(node: DocumentNode, item: Field[Any]) -> tuple[str, ...]:
    words = tuple(_word(element.string(), item, element.where) for element in node.items())
    if not words:
        raise ConfigurationError(
            "expected at least one value, found an empty list; leave the key out", code="policy.value", where=node.where
        )
    if len(set(words)) != len(words):
        raise ConfigurationError("expected different values, found one twice", code="policy.value", where=node.where)
    return words


def _integers(node: DocumentNode, item: Field[Any]) -> Mapping[str, int]:
    return {_word(key, item, value.where): _integer(value, item) for key, value in node.members()}


def _boolean(node: DocumentNode, _: Field[Any]) -> bool:
    return node.boolean()


def _duration(node: DocumentNode, _: Field[Any]) -> timedelta:
    return parse_duration(node.string(), where=node.where)


def _durations(node: DocumentNode, item: Field[Any]) -> Mapping[str, timedelta]:
    return {_word(key, item, value.where): _duration(value, item) for key, value in node.members()}


_READERS: dict[str, Callable[[DocumentNode, Field[Any]], object]] = {
    "int": _integer,
    "bool": _boolean,
    "str": _string,
    "tuple[str, ...]": _strings,
    "Mapping[str, int]": _integers,
    "timedelta": _duration,
    "Mapping[str, timedelta]": _durations,
}


def _describe(item: Field[Any]) -> dict[str, object]:
    kind = item.metadata["of"]
    if kind is not None:
        return describe_parameters(kind) | {"minProperties": 1, "description": item.metadata["doc"]}
    choices = item.metadata["choices"]
    bounds = {name: item.metadata[name] for name in ("minimum", "maximum") if item.metadata[name] is not None}
    word: dict[str, object] = {"type": "string", "minLength": 1} | ({"enum": list(choices)} if choices else {})
    integer: dict[str, object] = {"type": "integer", **bounds}
    duration: dict[str, object] = {"type": "string", "pattern": _DURATION_SCHEMA}
    schemas: dict[str, dict[str, object]] = {
        "int": integer,
        "bool": {"type": "boolean"},
        "str": word,
        "tuple[str, ...]": {"type": "array", "items": word, "minItems": 1, "uniqueItems": True},
        "Mapping[str, int]": {"type": "object", "propertyNames": word, "additionalProperties": integer},
        "timedelta": duration,
        "Mapping[str, timedelta]": {"type": "object", "propertyNames": word, "additionalProperties": duration},
    }
    return schemas[_text(item)] | {"description": item.metadata["doc"]} | _default(item.default)


def _default(value: object) -> dict[str, object]:
    """The default as the policy would write it; left out where there is none, or nothing to be written."""
    if isinstance(value, timedelta):
        return {"default": write_duration(value)}
    if isinstance(value, tuple) and value:
        return {"default": list(value)}
    return {"default": value} if isinstance(value, bool | int | str) else {}
