"""As much of JSON Schema 2020-12 as the published schemas use; a keyword it does not know is an error, not a pass."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["schema_errors"]

_IGNORED = frozenset({"$schema", "$id", "title", "description", "default"})
_TYPES: dict[str, Any] = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}


def schema_errors(value: object, schema: dict[str, Any], where: str = "$") -> list[str]:
    """Every place in which ``value`` is not what ``schema`` says."""
    errors: list[str] = []
    for keyword, wanted in schema.items():
        if keyword not in _IGNORED:
            errors += _CHECKS[keyword](value, wanted, where, schema)
    return errors


def _is(value: object, name: str) -> bool:
    if name == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, _TYPES[name])


def _type(value: object, wanted: Any, where: str, _: Any) -> list[str]:
    names = wanted if isinstance(wanted, list) else [wanted]
    return [] if any(_is(value, name) for name in names) else [f"{where}: expected {names}, found {value!r}"]


def _enum(value: object, wanted: Any, where: str, _: Any) -> list[str]:
    return (
        []
        if any(value == item and type(value) is type(item) for item in wanted)
        else [f"{where}: {value!r} not in {wanted}"]
    )


def _const(value: object, wanted: Any, where: str, schema: Any) -> list[str]:
    return _enum(value, [wanted], where, schema)


def _pattern(value: object, wanted: str, where: str, _: Any) -> list[str]:
    return [] if not isinstance(value, str) or re.search(wanted, value) else [f"{where}: {value!r} is not {wanted}"]


def _minimum(value: object, wanted: int, where: str, _: Any) -> list[str]:
    return [f"{where}: {value} < {wanted}"] if isinstance(value, int) and value < wanted else []


def _maximum(value: object, wanted: int, where: str, _: Any) -> list[str]:
    return [f"{where}: {value} > {wanted}"] if isinstance(value, int) and value > wanted else []


def _min_length(value: object, wanted: int, where: str, _: Any) -> list[str]:
    return [f"{where}: too short"] if isinstance(value, str) and len(value) < wanted else []


def _min_items(value: object, wanted: int, where: str, _: Any) -> list[str]:
    return [f"{where}: too few"] if isinstance(value, list) and len(value) < wanted else []


def _min_properties(value: object, wanted: int, where: str, _: Any) -> list[str]:
    return [f"{where}: too few"] if isinstance(value, dict) and len(value) < wanted else []


def _unique(value: object, _: Any, where: str, __: Any) -> list[str]:
    return (
        [f"{where}: repeated"] if isinstance(value, list) and len({repr(item) for item in value}) < len(value) else []
    )


def _items(value: object, wanted: Any, where: str, _: Any) -> list[str]:
    if not isinstance(value, list):
        return []
    return [error for index, item in enumerate(value) for error in schema_errors(item, wanted, f"{where}[{index}]")]


def _required(value: object, wanted: Any, where: str, _: Any) -> list[str]:
    return [f"{where}: lacks {key}" for key in wanted if isinstance(value, dict) and key not in value]


def _properties(value: object, wanted: Any, where: str, _: Any) -> list[str]:
    if not isinstance(value, dict):
        return []
    return [
        error for key in value if key in wanted for error in schema_errors(value[key], wanted[key], f"{where}.{key}")
    ]


def _additional(value: object, wanted: Any, where: str, schema: Any) -> list[str]:
    if not isinstance(value, dict):
        return []
    extra = [key for key in value if key not in schema.get("properties", {})]
    if wanted is False:
        return [f"{where}: unexpected {key}" for key in extra]
    return [error for key in extra for error in schema_errors(value[key], wanted, f"{where}.{key}")]


def _names(value: object, wanted: Any, where: str, _: Any) -> list[str]:
    return [
        error
        for key in (value if isinstance(value, dict) else ())
        for error in schema_errors(key, wanted, f"{where}.{key}")
    ]


def _one_of(value: object, wanted: Any, where: str, _: Any) -> list[str]:
    matching = sum(not schema_errors(value, item, where) for item in wanted)
    return [] if matching == 1 else [f"{where}: {matching} alternatives match {value!r}"]


_CHECKS: dict[str, Any] = {
    "type": _type,
    "enum": _enum,
    "const": _const,
    "pattern": _pattern,
    "minimum": _minimum,
    "maximum": _maximum,
    "minLength": _min_length,
    "minItems": _min_items,
    "minProperties": _min_properties,
    "uniqueItems": _unique,
    "items": _items,
    "required": _required,
    "properties": _properties,
    "additionalProperties": _additional,
    "propertyNames": _names,
    "oneOf": _one_of,
}
