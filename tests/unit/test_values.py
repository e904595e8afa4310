"""Our ``@dataclass`` makes of a class what the standard one makes of it: every row is judged on both, side by side."""

from __future__ import annotations

import copy
import dataclasses
import importlib
import inspect
import pkgutil
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import vxsec
from vxsec import values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

OURS: Callable[..., Callable[[type[Any]], type[Any]]] = values.dataclass
STANDARD: Callable[..., Callable[[type[Any]], type[Any]]] = dataclasses.dataclass
FROZEN = {"frozen": True, "slots": True, "kw_only": True}


def _define(decorate: Callable[..., Callable[[type[Any]], type[Any]]], **options: bool) -> type[Any]:
    class Value:
        """A value."""

        name: str
        count: int
        labels: tuple[str, ...] = ()
        notes: list[str] = field(default_factory=list)
        secret: str = field(default="", repr=False)
        place: str = field(default="", compare=False)

        def __post_init__(self) -> None:
            if self.count < 0:
                raise ValueError("expected no negative count")

        def longer(self) -> int:
            return self.count + 1

    Value.__qualname__ = "Value"
    return decorate(**(FROZEN | options))(Value)


def _define_small(decorate: Callable[..., Callable[[type[Any]], type[Any]]], **options: bool) -> type[Any]:
    class Small:
        """One field."""

        item: object

    Small.__qualname__ = "Small"
    return decorate(**(FROZEN | options))(Small)


BOTH = pytest.mark.parametrize("decorate", [pytest.param(OURS, id="ours"), pytest.param(STANDARD, id="standard")])


def _outcome(call: Callable[[], object]) -> tuple[str, str]:
    """What a call gives: the text of its value, or which error says what."""
    try:
        return "value", repr(call())
    except Exception as error:  # noqa: BLE001 - whatever it is, both must raise it
        return type(error).__name__, str(error)


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({"name": "a", "count": 1}, id="the least that is required"),
        pytest.param({"name": "a", "count": 1, "labels": ("x",), "secret": "s"}, id="some of the others"),
        pytest.param({"count": 1, "name": "a", "place": "here", "notes": ["n"], "labels": (), "secret": ""}, id="all"),
        pytest.param({}, id="two missing"),
        pytest.param({"name": "a"}, id="one missing"),
        pytest.param({"name": "a", "count": 1, "size": 3}, id="one that does not exist"),
        pytest.param({"name": "a", "size": 3}, id="one that does not exist in place of one that is missing"),
        pytest.param(
            {"name": "a", "count": 1, "labels": (), "notes": [], "secret": "", "size": 1}, id="six, one of them wrong"
        ),
        pytest.param({"name": "a", "count": -1}, id="what the class itself refuses"),
        pytest.param({"name": "a", "count": 1, "notes": ["it's", {}]}, id="values with texts of their own"),
    ],
)
def test_a_constructor_takes_and_refuses_the_same(arguments: Mapping[str, object]) -> None:
    ours, standard = _define(OURS), _define(STANDARD)
    assert _outcome(lambda: ours(**arguments)) == _outcome(lambda: standard(**arguments))


def test_three_missing_arguments_are_listed_as_python_lists_them() -> None:
    def make(decorate: Callable[..., Callable[[type[Any]], type[Any]]]) -> type[Any]:
        class Three:
            """Three fields."""

            first: int
            second: int
            third: int

        Three.__qualname__ = "Three"
        return decorate(**FROZEN)(Three)

    assert _outcome(make(OURS)) == _outcome(make(STANDARD))


@BOTH
def test_positional_arguments_are_refused(decorate: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match="positional"):
        _define(decorate)("a", 1)


@BOTH
def test_a_frozen_value_cannot_be_changed(decorate: Callable[..., Any]) -> None:
    value = _define(decorate)(name="a", count=1)
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'name'"):
        value.name = "b"
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot delete field 'name'"):
        del value.name
    with pytest.raises((dataclasses.FrozenInstanceError, TypeError)):
        value.other = 1  # the standard one stumbles over the class that its slots replaced
    assert not hasattr(value, "__dict__")
    assert value.name == "a"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param({}, {}, id="equal"),
        pytest.param({"name": "b"}, {}, id="another name"),
        pytest.param({"place": "here"}, {"place": "there"}, id="another place, which is not compared"),
        pytest.param({"secret": "x"}, {}, id="another secret, which is compared and not shown"),
        pytest.param({"count": float("nan")}, {"count": float("nan")}, id="what is not equal to itself"),
    ],
)
@pytest.mark.parametrize("options", [{}, {"eq": False}, {"repr": False}, {"frozen": False, "eq": False}], ids=str)
def test_equality_hash_and_text_are_the_same(
    one: Mapping[str, Any], other: Mapping[str, Any], options: Mapping[str, bool]
) -> None:
    base: dict[str, Any] = {"name": "a", "count": 1, "notes": ()}
    told = []
    for decorate in (OURS, STANDARD):
        cls = _define(decorate, **options)
        left, right = cls(**{**base, **one}), cls(**{**base, **other})
        told.append((left == right, left != right, hash(left) == hash(right), len({left, right}), left == 1))
    assert told[0] == told[1]
    if "repr" not in options:
        assert repr(_define(OURS)(**{**base, **one})) == repr(_define(STANDARD)(**{**base, **one}))


def test_values_of_two_classes_are_never_equal() -> None:
    one, other = _define_small(OURS), _define_small(OURS)
    assert one(item=1) != other(item=1)
    assert one(item=1) == one(item=1)
    assert hash(one(item=1)) == hash(one(item=1))


@BOTH
def test_a_value_with_a_list_in_it_has_no_hash(decorate: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(_define(decorate)(name="a", count=1))


@BOTH
def test_a_value_that_holds_itself_still_has_a_text(decorate: Callable[..., Any]) -> None:
    items: list[object] = []
    value = _define_small(decorate)(item=items)
    items.append(value)
    assert repr(value) == "Small(item=[...])"


@BOTH
def test_the_tools_for_dataclasses_work(decorate: Callable[..., Any]) -> None:
    cls = _define(decorate)
    value = cls(name="a", count=1, notes=["n"])
    assert [dataclasses.is_dataclass(cls), dataclasses.is_dataclass(value)] == [True, True]
    assert [item.name for item in dataclasses.fields(cls)] == ["name", "count", "labels", "notes", "secret", "place"]
    assert dataclasses.replace(value, count=2) == cls(name="a", count=2, notes=["n"])
    with pytest.raises(ValueError, match="negative"):
        dataclasses.replace(value, count=-1)
    with pytest.raises(TypeError, match="unexpected keyword argument 'size'"):
        dataclasses.replace(value, size=1)
    assert dataclasses.asdict(value)["notes"] == ["n"]
    assert dataclasses.astuple(value)[:2] == ("a", 1)
    assert cls.__match_args__ == ()
    assert cls.__slots__ == ("name", "count", "labels", "notes", "secret", "place")
    assert value.longer() == 2


@BOTH
def test_every_value_gets_a_list_of_its_own(decorate: Callable[..., Any]) -> None:
    cls = _define(decorate)
    assert cls(name="a", count=1).notes is not cls(name="a", count=1).notes


@BOTH
def test_copies_are_values_of_their_own(decorate: Callable[..., Any]) -> None:
    value = _define(decorate)(name="a", count=1, notes=["n"])
    assert copy.copy(value) == value
    assert copy.copy(value) is not value
    deep = copy.deepcopy(value)
    assert deep == value
    assert deep.notes is not value.notes


def test_the_signature_is_the_same() -> None:
    ours, standard = (inspect.signature(_define(decorate)) for decorate in (OURS, STANDARD))
    assert list(ours.parameters) == list(standard.parameters)
    for name, parameter in ours.parameters.items():
        assert (parameter.kind, parameter.annotation) == (
            standard.parameters[name].kind,
            standard.parameters[name].annotation,
        )
        assert (parameter.default is inspect.Parameter.empty) == (
            standard.parameters[name].default is inspect.Parameter.empty
        )
    assert ours.return_annotation is standard.return_annotation


def test_the_parameters_tell_what_was_asked_for() -> None:
    for options in ({}, {"eq": False}, {"repr": False}, {"order": True}, {"frozen": False}):
        ours, standard = (_define(decorate, **options).__dataclass_params__ for decorate in (OURS, STANDARD))
        for name in ("init", "repr", "eq", "order", "unsafe_hash", "frozen"):
            assert getattr(ours, name) == getattr(standard, name), name


@BOTH
def test_methods_that_the_class_has_are_kept(decorate: Callable[..., Any]) -> None:
    class Own:
        """A class with words of its own."""

        item: object

        def __repr__(self) -> str:
            return "own"

        def __eq__(self, other: object) -> bool:
            return other == "anything"

        def __hash__(self) -> int:
            return 7

    made = decorate(**FROZEN)(Own)
    assert repr(made(item=1)) == "own"
    assert made(item=1) == "anything"
    assert hash(made(item=1)) == 7


@BOTH
def test_a_mutable_default_is_refused(decorate: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match="mutable default"):

        @decorate(**FROZEN)
        class Wrong:
            """One list for all."""

            items: list[str] = []  # noqa: RUF012 - the point


@BOTH
def test_a_frozen_class_has_frozen_children_only(decorate: Callable[..., Any]) -> None:
    base = _define_small(decorate)

    @decorate(**FROZEN)
    class Child(base):  # type: ignore[misc,valid-type]  # whichever class the decorator made
        """One field more."""

        more: int = 0

    child = Child(item=1)
    assert (child.item, child.more) == (1, 0)
    assert child != base(item=1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        child.more = 1
    with pytest.raises(TypeError, match="non-frozen dataclass from a frozen one"):

        @decorate(slots=True, kw_only=True)
        class Loose(base):  # type: ignore[misc,valid-type]  # likewise
            """Not frozen."""


@BOTH
def test_values_are_ordered_by_their_fields_from_the_first_on(decorate: Callable[..., Any]) -> None:
    cls = _define(decorate, order=True)
    values = [cls(name=name, count=count, notes=[]) for name, count in (("b", 1), ("a", 2), ("a", 1))]
    low, middle, high = sorted(values)
    assert [(value.name, value.count) for value in (low, middle, high)] == [("a", 1), ("a", 2), ("b", 1)]
    assert (low < high, low <= low, high > low, high >= high, high < low) == (True, True, True, True, False)  # noqa: PLR0124 - the least and the greatest of what is compared
    with pytest.raises(TypeError, match="not supported between instances"):
        low < 1  # noqa: B015 - it raises
    with pytest.raises(TypeError, match="not supported between instances"):
        _define(decorate)(name="a", count=1) < low  # noqa: B015 - likewise


@BOTH
def test_a_value_that_is_not_frozen_can_be_changed_and_has_no_hash(decorate: Callable[..., Any]) -> None:
    cls = _define(decorate, frozen=False)
    value = cls(name="a", count=1)
    value.name = "b"
    assert value == cls(name="b", count=1)
    assert copy.copy(value) == value
    assert not hasattr(value, "__dict__")
    with pytest.raises(TypeError, match="unhashable type: 'Value'"):
        hash(value)
    with pytest.raises(AttributeError):
        value.other = 1


@pytest.mark.parametrize("decorate", [OURS, STANDARD])
def test_an_order_needs_equality(decorate: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match="eq must be true if order is true"):
        _define(decorate, order=True, eq=False)


@pytest.mark.parametrize(
    "options",
    [{"slots": True}, {"frozen": True}, {"kw_only": True}, {}, FROZEN | {"unsafe_hash": True}],
    ids=str,
)
def test_whatever_has_no_slots_or_takes_positions_is_made_by_the_standard_decorator(
    options: Mapping[str, bool],
) -> None:
    @OURS(**options)
    class Other:
        """Anything."""

        item: int

    made = inspect.getattr_static(Other, "__init__")
    assert made.__code__.co_filename == "<string>"  # generated


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument"):
        OURS(frosen=True)


@given(
    st.dictionaries(st.sampled_from(["name", "count", "labels", "notes", "secret", "place", "size"]), st.integers(0, 3))
)
def test_any_arguments_have_the_same_outcome(arguments: dict[str, int]) -> None:
    ours, standard = _define(OURS), _define(STANDARD)
    assert _outcome(lambda: ours(**arguments)) == _outcome(lambda: standard(**arguments))


# -- every class of the package ----------------------------------------------------------------------------------------


def _made_by_us() -> list[type[Any]]:
    found = {}
    for module in pkgutil.walk_packages(vxsec.__path__, "vxsec."):
        if module.name.rpartition(".")[2] != "__main__":
            found.update(
                {
                    f"{cls.__module__}.{cls.__qualname__}": cls
                    for cls in vars(importlib.import_module(module.name)).values()
                    if inspect.isclass(cls) and "__signature__" in vars(cls) and dataclasses.is_dataclass(cls)
                }
            )
    return [found[name] for name in sorted(found)]


CLASSES = _made_by_us()


def test_every_value_of_the_package_is_made_by_it() -> None:
    slow = [
        path.name
        for path in Path(vxsec.__path__[0]).rglob("*.py")
        if "@dataclass(frozen=True, slots=True, kw_only=True" in (text := path.read_text(encoding="utf-8"))
        and "from vxsec.values import dataclass" not in text
    ]
    assert slow == []
    assert len(CLASSES) > 50


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: f"{cls.__module__}.{cls.__qualname__}")
def test_a_value_of_the_package_behaves_as_one_of_the_standard_decorator(cls: type[Any]) -> None:
    """Rebuilt from its fields by the standard decorator, and compared in all that can be asked of any class."""
    items = dataclasses.fields(cls)
    namespace: dict[str, Any] = {"__annotations__": {item.name: item.type for item in items}, "__doc__": cls.__doc__}
    for item in items:
        kept = {name: getattr(item, name) for name in ("default", "default_factory", "compare", "repr")}
        namespace[item.name] = field(
            **{name: value for name, value in kept.items() if value is not dataclasses.MISSING}
        )
    twin = STANDARD(**FROZEN)(type(cls.__name__, (), namespace))
    twin.__qualname__ = cls.__qualname__
    assert cls.__slots__ == twin.__slots__
    assert [p.name for p in inspect.signature(cls).parameters.values()] == list(inspect.signature(twin).parameters)
    assert _outcome(lambda: cls(no_such_field=1)) == _outcome(lambda: twin(no_such_field=1))
    if not cls.__dataclass_params__.eq or hasattr(cls, "__post_init__"):
        return
    arguments = {item.name: f"value of {item.name}" for item in items if item.default is dataclasses.MISSING}
    ours, theirs = cls(**arguments), twin(**arguments)
    assert {item.name: getattr(ours, item.name) for item in items} == {
        item.name: getattr(theirs, item.name) for item in items
    }
    assert ours == cls(**arguments)
    assert copy.copy(ours) == ours
    if "__repr__" not in {name for name in vars(cls) if getattr(vars(cls)[name], "__module__", "") == cls.__module__}:
        assert repr(ours) == repr(theirs)
