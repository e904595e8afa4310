"""``@dataclass`` for values, without a compiler at start.

The standard decorator writes the source of up to seven methods for every class and compiles it when the module is loaded:
half a millisecond each, and more than a third of the start of a command that needs seventy of them. Here the standard decorator
finds the fields and makes the slots, and the methods are ordinary ones that read the fields. What comes out is a dataclass in
every respect: ``fields``, ``replace``, signature, equality, hash, text, copies and refusals are those of the standard one, which
is what type checkers see.
"""

from __future__ import annotations

import dataclasses
from dataclasses import MISSING, Field, FrozenInstanceError
from operator import attrgetter, eq, ge, gt, le, lt
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from dataclasses import dataclass
    from inspect import Signature

__all__ = ["dataclass"]

_OPTIONS = {"frozen": False, "slots": False, "kw_only": False, "eq": True, "repr": True, "order": False}


def _dataclass(**options: bool) -> Callable[[type[Any]], type[Any]]:
    """What :func:`dataclasses.dataclass` makes of the same options; it makes itself what has no slots or takes positions."""
    standard: Callable[[type[Any]], type[Any]] = dataclasses.dataclass(**options)
    asked = _OPTIONS | options
    if asked.keys() != _OPTIONS.keys() or not (asked["slots"] and asked["kw_only"]) or asked["order"] > asked["eq"]:
        return standard

    def decorate(cls: type[Any]) -> type[Any]:
        if any(hasattr(base, "__dataclass_fields__") for base in cls.__bases__):
            return standard(cls)
        return _make(cls, asked)

    return decorate


if not TYPE_CHECKING:
    dataclass = _dataclass


def _make(cls: type[Any], asked: Mapping[str, bool]) -> type[Any]:
    written = vars(cls).keys() & {"__repr__", "__eq__", "__hash__"}
    made: Any = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True, kw_only=True)(cls)
    fields = dataclasses.fields(made)
    made.__init__ = _constructor(made, fields)
    if asked["frozen"]:
        made.__setattr__, made.__delattr__ = _refuse_assignment, _refuse_deletion
        made.__getstate__, made.__setstate__ = _state, _restore
    if asked["repr"] and "__repr__" not in written:
        made.__repr__ = _text
    if asked["eq"]:
        compared = attrgetter("__class__", *(field.name for field in fields if field.compare))
        if "__eq__" not in written:
            made.__eq__ = _comparison(eq, compared)
        if "__hash__" not in written:
            made.__hash__ = (lambda self: hash(compared(self))) if asked["frozen"] else None
        if asked["order"]:
            for name, compare in (("__lt__", lt), ("__le__", le), ("__gt__", gt), ("__ge__", ge)):
                setattr(made, name, _comparison(compare, compared))
    made.__signature__ = _SIGNATURE
    parameters = made.__dataclass_params__
    parameters.init = True
    for name in ("frozen", "eq", "repr", "order"):
        setattr(parameters, name, asked[name])
    finished: type[Any] = made
    return finished


def _constructor(made: type[Any], fields: Sequence[Field[Any]]) -> Callable[..., None]:
    slots = tuple((field.name, getattr(made, field.name).__set__) for field in fields)
    defaults = {field.name: field.default for field in fields if field.default is not MISSING}
    factories = {field.name: field.default_factory for field in fields if field.default_factory is not MISSING}
    complete = hasattr(made, "__post_init__")

    def __init__(self: Any, /, **given: Any) -> None:  # noqa: ANN401, N807 - a constructor for any class
        if len(given) != len(slots):
            given = defaults | given
            for name, factory in factories.items():
                if name not in given:
                    given[name] = factory()
        try:
            for name, put in slots:
                put(self, given[name])
        except KeyError:
            raise TypeError(_misfit(made, fields, given)) from None
        if len(given) != len(slots):
            raise TypeError(_misfit(made, fields, given))
        if complete:
            self.__post_init__()

    return __init__


def _misfit(made: type[Any], fields: Sequence[Field[Any]], given: dict[str, Any]) -> str:
    """The words of Python for arguments that do not fit."""
    names = [field.name for field in fields]
    called = f"{made.__qualname__}.__init__()"
    for name in given:
        if name not in names:
            return f"{called} got an unexpected keyword argument {name!r}"
    *others, last = [repr(name) for name in names if name not in given]
    if not others:
        return f"{called} missing 1 required keyword-only argument: {last}"
    comma = "," if len(others) > 1 else ""
    return f"{called} missing {len(others) + 1} required keyword-only arguments: {', '.join(others)}{comma} and {last}"


def _comparison(compare: Callable[[Any, Any], Any], compared: attrgetter[Any]) -> Callable[[Any, Any], Any]:
    """Of two values of one class, by their fields from the first on; the class is the first of what is compared."""

    def method(self: Any, other: object) -> Any:  # noqa: ANN401 - for any class
        if other.__class__ is not self.__class__:
            return NotImplemented
        return compare(compared(self), compared(other))

    return method


@recursive_repr()
def _text(self: Any) -> str:  # noqa: ANN401 - for any class
    shown = (f"{field.name}={getattr(self, field.name)!r}" for field in dataclasses.fields(self) if field.repr)
    return f"{self.__class__.__qualname__}({', '.join(shown)})"


def _refuse_assignment(_self: object, name: str, _value: object) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_deletion(_self: object, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[Any]:  # noqa: ANN401 - for any class
    return [getattr(self, field.name) for field in dataclasses.fields(self)]


def _restore(self: Any, state: Sequence[Any]) -> None:  # noqa: ANN401 - for any class
    for field, value in zip(dataclasses.fields(self), state, strict=True):
        getattr(type(self), field.name).__set__(self, value)


class _Signature:
    """The constructor's signature, made when somebody asks."""

    def __get__(self, _instance: object, owner: type[Any]) -> Signature:
        import inspect

        parameters = [
            inspect.Parameter(
                field.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=_default(field),
                annotation=field.type,
            )
            for field in dataclasses.fields(owner)
        ]
        return inspect.Signature(parameters, return_annotation=None)


def _default(field: Field[Any]) -> object:
    import inspect

    if field.default is not MISSING:
        return field.default
    return inspect.Parameter.empty if field.default_factory is MISSING else field.default_factory


_SIGNATURE = _Signature()
