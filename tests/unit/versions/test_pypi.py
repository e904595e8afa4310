"""Python's versions and names."""

from __future__ import annotations

from itertools import pairwise

import pytest

from vxsec.errors import FormatError
from vxsec.model.package import is_pypi_name
from vxsec.versions.pypi import is_version, normalise_name, parse_version, without_local

ASCENDING = (
    "0.dev0", "0", "1.0.dev1", "1.0a1.dev1", "1.0a1", "1.0b1", "1.0rc1", "1.0", "1.0+abc", "1.0+abc.1", "1.0.post1", "1.1",
    "2024.1", "1!0.1",
)  # fmt: skip


@pytest.mark.parametrize(("lower", "higher"), list(pairwise(ASCENDING)))
def test_versions_ascend(lower: str, higher: str) -> None:
    assert parse_version(lower) < parse_version(higher)


@pytest.mark.parametrize(
    ("one", "other"),
    [("1.0", "1.0.0"), ("1.0-1", "1.0.post1"), ("1.0RC1", "1.0c1"), ("v1.0", "1.0"), ("1.0+a-b", "1.0+A.b"), (" 1.0 ", "1.0")],
)  # fmt: skip
def test_two_spellings_of_one_version(one: str, other: str) -> None:
    assert parse_version(one) == parse_version(other)


@pytest.mark.parametrize(
    "text", ["", "0.1-bulbasaur", "latest", "1.0.x", "==1.0", "1.0;", "\u0661.0", "1.0+\u00e9", "1." * 200 + "0"]
)
def test_what_is_no_version_is_refused(text: str) -> None:
    assert not is_version(text)
    with pytest.raises(FormatError) as caught:
        parse_version(text)
    assert caught.value.code == "version.malformed"


def test_is_version_knows_versions() -> None:
    assert is_version("1!2.0rc1.post2.dev3+local")


def test_the_local_part_goes_and_nothing_else() -> None:
    assert str(without_local(parse_version("1!2.0rc1.post2.dev3+cu118"))) == "1!2.0rc1.post2.dev3"
    assert without_local(parse_version("2.0")) == parse_version("2.0")


@pytest.mark.parametrize(
    ("name", "normal"),
    [("Django", "django"), ("a_-.b", "a-b"), ("zope.interface", "zope-interface"), ("x--y", "x-y"), ("x", "x")],
)
def test_names_have_one_normal_form(name: str, normal: str) -> None:
    assert normalise_name(name) == normal
    assert normalise_name(normal) == normal
    assert is_pypi_name(normal)


@pytest.mark.parametrize("name", ["\u212aelvin", "\u0430bc", "\u0130x", "\u00dcber"])
def test_letters_that_only_look_alike_are_not_folded(name: str) -> None:
    assert normalise_name(name) == name
