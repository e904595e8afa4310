"""Parameters: built by type, refused by bounds, described by the same declarations."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.policy_schema_check import schema_errors
from vxsec.errors import ConfigurationError
from vxsec.formats.strict_json import dump_json
from vxsec.formats.strict_yaml import read_document
from vxsec.policy.parameters import (
    build_parameters,
    describe_parameters,
    parameter,
    parameter_key,
    parse_duration,
    write_duration,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Below:
    """Keys below a key."""

    deep: int = parameter(doc="A number.", default=1, minimum=1)
    wide: str = parameter(doc="A word.", default="a", choices=("a", "b"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One of each."""

    count: int = parameter(doc="A number.", minimum=1)
    low: int = parameter(doc="A number.", default=1, maximum=3)
    flag: bool = parameter(doc="A switch.", default=False)
    word: str = parameter(doc="A word.", default="a", choices=("a", "bcd"))
    words: tuple[str, ...] = parameter(doc="Words.", default=())
    per_role: Mapping[str, int] = parameter(doc="Numbers.", default={}, minimum=1, choices=("x", "y"))
    max_age: timedelta | None = parameter(doc="A duration.", default=None)  # noqa: RUF009 - it is dataclasses.field
    grace: Mapping[str, timedelta] = parameter(doc="Durations.", default={}, choices=("x", "y"))
    below: Below = parameter(doc="More keys.", default=Below(), of=Below)  # noqa: RUF009 - a frozen value


def _build(**given: object) -> Sample:
    return build_parameters(Sample, read_document(dump_json(given), filename="p.json"), where="p.json rules[0]")


def test_builds_by_type() -> None:
    given = {"perRole": {"x": 2}, "maxAge": "P1DT2H", "grace": {"y": "P7D"}, "below": {"deep": 2}}
    assert _build(count=2, flag=True, word="bcd", words=["x"], **given) == Sample(
        count=2,
        flag=True,
        word="bcd",
        words=("x",),
        per_role={"x": 2},
        max_age=timedelta(days=1, hours=2),
        grace={"y": timedelta(days=7)},
        below=Below(deep=2, wide="a"),
    )
    assert schema_errors({"count": 2, **given}, describe_parameters(Sample)) == []
    assert _build(count=1) == Sample(count=1)


REFUSED = {
    "a missing one": ({}, "policy.missing", "the parameter 'count'"),
    "an unknown one": ({"count": 1, "per_role": {}}, "policy.unknown-parameter", "did you mean 'perRole'?"),
    "too small": ({"count": 0}, "policy.value", "at least 1, found 0"),
    "too large": ({"count": 1, "low": 4}, "policy.value", "at most 3, found 4"),
    "a number for a switch": ({"count": 1, "flag": 1}, "document.type", "true or false"),
    "a switch for a number": ({"count": True}, "document.type", "an integer"),
    "an empty word": ({"count": 1, "words": [""]}, "policy.value", "an empty string"),
    "a word that is no choice": ({"count": 1, "word": "bc"}, "policy.value", "did you mean 'bcd'?"),
    "a word twice": ({"count": 1, "words": ["x", "x"]}, "policy.value", "one twice"),
    "no words": ({"count": 1, "words": []}, "policy.value", "leave the key out"),
    "words that are one": ({"count": 1, "words": "x"}, "document.type", "a list"),
    "a long text, cut": ({"count": 1, "words": "x" * 300}, "document.type", "xxx…'"),
    "a key that is no choice": ({"count": 1, "perRole": {"z": 1}}, "policy.value", "expected one of x, y"),
    "a value below its bound": ({"count": 1, "perRole": {"x": 0}}, "policy.value", "at least 1"),
    "null": ({"count": None}, "document.type", "found nothing"),
    "a duration that is a number": ({"count": 1, "maxAge": 7}, "document.type", "a string"),
    "a duration for a word that is no choice": (
        {"count": 1, "grace": {"z": "P1D"}},
        "policy.value",
        "expected one of x, y",
    ),
    "a number for a duration of a word": ({"count": 1, "grace": {"x": 7}}, "document.type", "a string"),
    "an unknown key below": ({"count": 1, "below": {"deeep": 2}}, "policy.unknown-parameter", "did you mean 'deep'?"),
    "a bound below": ({"count": 1, "below": {"deep": 0}}, "policy.value", "at least 1"),
    "no choice below": ({"count": 1, "below": {"wide": "c"}}, "policy.value", "expected one of a, b"),
    "nothing below": ({"count": 1, "below": {}}, "policy.value", "leave the parameter out"),
    "a word where keys stand": ({"count": 1, "below": "a"}, "document.type", "a mapping"),
    "a duration of nothing": ({"count": 1, "maxAge": "P0D"}, "policy.duration", "ISO 8601"),
}


@pytest.mark.parametrize(("given_", "code", "text"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses(given_: dict[str, object], code: str, text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        _build(**given_)
    assert caught.value.code == code
    assert text in str(caught.value)
    if code != "policy.duration":
        assert schema_errors(given_, describe_parameters(Sample)) != []


def test_without_a_mapping_the_place_is_the_rule() -> None:
    with pytest.raises(ConfigurationError) as caught:
        build_parameters(Sample, None, where="p.yaml:3 rules[0]")
    assert caught.value.where == "p.yaml:3 rules[0]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picky:
    """Refuses by itself."""

    a: int = parameter(doc="A number.", default=1)

    def __post_init__(self) -> None:
        raise ConfigurationError("no", code="policy.value")


def test_a_class_that_refuses_gets_the_place() -> None:
    with pytest.raises(ConfigurationError) as caught:
        build_parameters(Picky, None, where="here")
    assert str(caught.value) == "here: no"


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("P7D", timedelta(days=7)),
        ("P2W", timedelta(weeks=2)),
        ("PT30M", timedelta(minutes=30)),
        ("PT1H30M5S", timedelta(hours=1, minutes=30, seconds=5)),
        ("P1DT12H", timedelta(days=1, hours=12)),
    ],
)
def test_durations(text: str, length: timedelta) -> None:
    assert parse_duration(text, where="x") == length


@pytest.mark.parametrize(
    "text",
    [
        "",
        "P",
        "PT",
        "P1DT",
        "P1Y",
        "P1M",
        "7D",
        "P7",
        "p7d",
        "P-1D",
        "PT0S",
        "P1W1D",
        "P1.5D",
        "P 7D",
        "7",
        "P7D\n",
        "P999999D",
        "P\u0667D",
    ],
)
def test_durations_that_are_none(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_duration(text, where="x")
    assert caught.value.code == "policy.duration"


@given(st.integers(1, 9999), st.integers(0, 99999), st.integers(0, 999_999))
def test_durations_of_any_size_are_read(days: int, hours: int, minutes: int) -> None:
    assert parse_duration(f"P{days}DT{hours}H{minutes}M", where="x") == timedelta(
        days=days, hours=hours, minutes=minutes
    )


@given(st.integers(0, 99_999), st.integers(0, 86_399))
def test_a_duration_is_written_as_it_is_read(days: int, seconds: int) -> None:
    length = timedelta(days=days, seconds=seconds)
    if length:
        assert parse_duration(write_duration(length), where="x") == length


def test_defaults_are_described_as_a_policy_writes_them() -> None:
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Defaults:
        age: timedelta = parameter(doc="A.", default=timedelta(days=3))  # noqa: RUF009 - it is dataclasses.field
        words: tuple[str, ...] = parameter(doc="A.", default=("x", "y"))
        none: str | None = parameter(doc="A.", default=None)

    described = describe_parameters(Defaults)["properties"]
    assert isinstance(described, dict)
    assert [described[key].get("default") for key in ("age", "words", "none")] == ["P3D", ["x", "y"], None]
    assert "default" not in described["none"]


def test_keys_are_camel_case() -> None:
    assert [parameter_key(name) for name in ("a", "max_age", "min_per_role")] == ["a", "maxAge", "minPerRole"]


def test_a_real_type_in_place_of_its_text_is_understood() -> None:
    kind: type[object] = dataclass(frozen=True)(
        type("Loose", (), {"__annotations__": {"a": int}, "a": parameter(doc="A.", default=2)})
    )
    assert describe_parameters(kind)["properties"] == {"a": {"type": "integer", "description": "A.", "default": 2}}
