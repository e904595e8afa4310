from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vxsec.model.package import PackageRef
from vxsec.sbom.licenses import is_expression
from vxsec.sbom.purl import Purl, identity, normal_name, parse_purl


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("pkg:npm/a@1.0.0", Purl("npm", "a", "1.0.0"), id="plain"),
        pytest.param("pkg:npm/%40s/a@1.0.0", Purl("npm", "@s/a", "1.0.0"), id="a scope"),
        pytest.param("pkg:npm/@s/a@1.0.0", Purl("npm", "@s/a", "1.0.0"), id="a scope as some tools write it"),
        pytest.param("pkg:npm/@s/a", Purl("npm", "@s/a", None), id="and without a version"),
        pytest.param("pkg:npm/a", Purl("npm", "a", None), id="no version"),
        pytest.param("pkg:NPM/a@1", Purl("npm", "a", "1"), id="the type in capitals"),
        pytest.param("pkg://npm//a@1", Purl("npm", "a", "1"), id="more slashes"),
        pytest.param("pkg:npm/a@1?x=y#z", Purl("npm", "a", "1"), id="qualifiers and subpath"),
        pytest.param("pkg:npm/a@1%2B2", Purl("npm", "a", "1+2"), id="an escaped version"),
        pytest.param("pkg:pypi/Foo_Bar@1", Purl("pypi", "foo-bar", "1"), id="a Python name"),
        pytest.param("pkg:golang/github.com/x/Y@v1", Purl("golang", "github.com/x/Y", "v1"), id="Go"),
        pytest.param("", None, id="nothing"),
        pytest.param("npm/a@1", None, id="no scheme"),
        pytest.param("pkg:npm", None, id="no name"),
        pytest.param("pkg:npm/", None, id="an empty name"),
        pytest.param("pkg:npm/a@", None, id="an empty version"),
        pytest.param("pkg:npm/a b@1", None, id="a blank"),
        pytest.param("pkg:npm/a%4@1", None, id="half an escape"),
        pytest.param("pkg:1npm/a@1", None, id="no type"),
        pytest.param("pkg:npm/a//b@1", None, id="an empty part"),
    ],
)
def test_a_purl_is_taken_apart(text: str, expected: Purl | None) -> None:
    assert parse_purl(text) == expected


@given(
    st.sampled_from(["a", "@s/a", "a.b", "A~1", "@s.x/y-z"]),
    st.text(min_size=1, max_size=20).filter(lambda text: not any("\ud800" <= ch <= "\udfff" for ch in text)),
)
def test_what_we_write_is_what_is_read(name: str, version: str) -> None:
    package = PackageRef(name=name, version=version)
    assert parse_purl(package.purl) == Purl("npm", name, version)


@given(st.text())
def test_any_text_is_a_purl_or_none(text: str) -> None:
    found = parse_purl("pkg:npm/" + text)
    assert found is None or found.type == "npm"


def test_what_has_no_purl_is_its_name_and_version() -> None:
    assert identity(None, "a", "1") == ("", "a", "1")
    assert identity("nonsense", "a", None) == ("", "a", None)
    assert identity("pkg:npm/b@2", "a", "1") == ("npm", "b", "2")


def test_only_python_names_have_a_normal_form() -> None:
    assert normal_name("pypi", "Foo..Bar") == "foo-bar"
    assert normal_name("npm", "Foo_Bar") == "Foo_Bar"


@pytest.mark.parametrize(
    "text", ["MIT", "(MIT)", "(MIT OR CC0-1.0)", "MIT AND ISC", "Apache-2.0 WITH LLVM-exception", "LicenseRef-x"]
)
def test_an_expression_is_one(text: str) -> None:
    assert is_expression(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "()",
        "MIT OR",
        "MIT ISC",
        "((MIT)",
        "MIT)",
        "UNLICENSED",
        "SEE LICENSE IN X",
        "MIT OR (X",
        "( OR TRUE",
        "() ISC",
    ],
)
def test_anything_else_is_none(text: str) -> None:
    assert not is_expression(text)
