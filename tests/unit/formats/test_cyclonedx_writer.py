from __future__ import annotations

import json
from dataclasses import replace
from pkgutil import get_data

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vxsec.formats.cyclonedx_writer import COMMON_LICENSES, _render, bom_document, split_person, write_bom
from vxsec.formats.spdx_license import is_license_expression
from vxsec.formats.strict_json import dump_json
from vxsec.model.sbom import Bom, Component

EMPTY = Bom(spec_version="1.2", serial_number=None, timestamp=None, root=None, components=(), dependencies={})

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_the_fast_way_of_writing_is_that_of_the_library(value: object) -> None:
    pieces: list[str] = []
    _render(value, "\n", pieces)
    assert "".join(pieces).encode() == dump_json(value, indent=2)


def test_nothing_is_a_document_of_1_6_whatever_it_was_read_from() -> None:
    assert write_bom(EMPTY) == (
        b'{\n  "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",\n  "bomFormat": "CycloneDX",\n'
        b'  "specVersion": "1.6",\n  "version": 1,\n  "metadata": {},\n  "components": [],\n  "dependencies": []\n}\n'
    )


def test_the_order_of_what_is_given_does_not_matter() -> None:
    a, b = (
        Component(ref=ref, type="library", name=ref, hashes={"SHA-512": "1", "X": "2", "SHA-1": "3"}) for ref in "ab"
    )
    one = replace(EMPTY, components=(a, b), dependencies={"a": ("b", "a"), "b": ()})
    other = replace(
        EMPTY,
        components=(b, replace(a, hashes=dict(reversed(list(a.hashes.items()))))),
        dependencies={"a": ("a", "b", "b")},
    )
    assert write_bom(one) == write_bom(other)
    (first, _) = json.loads(write_bom(one))["components"]
    assert [item["alg"] for item in first["hashes"]] == ["SHA-1", "SHA-512", "X"]


@pytest.mark.parametrize(
    ("name", "purl", "expected"),
    [
        pytest.param("@s/a", "pkg:npm/%40s/a@1", ("@s", "a"), id="an npm scope is the group"),
        pytest.param("@s/a", None, ("@s", "a"), id="without a purl too"),
        pytest.param("a", "pkg:npm/a@1", (None, "a"), id="no scope"),
        pytest.param("@s/a", "pkg:generic/%40s/a@1", (None, "@s/a"), id="of another ecosystem it is a name"),
        pytest.param("s/a", "pkg:npm/s/a@1", (None, "s/a"), id="a slash alone is no scope"),
    ],
)
def test_a_scope_is_written_as_group(name: str, purl: str | None, expected: tuple[str | None, str]) -> None:
    component = Component(ref="a", type="library", name=name, purl=purl)
    (written,) = json.loads(write_bom(replace(EMPTY, components=(component,))))["components"]
    assert (written.get("group"), written["name"]) == expected


@pytest.mark.parametrize(
    ("text", "is_expression", "expected"),
    [
        pytest.param("MIT", True, {"license": {"id": "MIT", "acknowledgement": "declared"}}, id="a usual identifier"),
        pytest.param(
            "MIT OR ISC", True, {"expression": "MIT OR ISC", "acknowledgement": "declared"}, id="an expression"
        ),
        pytest.param("Zed", True, {"expression": "Zed", "acknowledgement": "declared"}, id="a rare identifier"),
        pytest.param("MIT", False, {"license": {"name": "MIT", "acknowledgement": "declared"}}, id="text"),
    ],
)
def test_a_licence_has_the_shape_that_the_schema_asks_for(text: str, is_expression: bool, expected: object) -> None:
    component = Component(ref="a", type="library", name="a", license=text, license_is_expression=is_expression)
    (written,) = json.loads(write_bom(replace(EMPTY, components=(component,))))["components"]
    assert written["licenses"] == [expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Jane <jane@example.test>", ("Jane", "jane@example.test")),
        ("<jane@example.test>", ("jane@example.test", "jane@example.test")),
        ("Jane", ("Jane", None)),
        ("Jane <nobody>", ("Jane <nobody>", None)),
        ("Jane <jane@-x->", ("Jane <jane@-x->", None)),
        ("Jane <jäne@example.test>", ("Jane <jäne@example.test>", None)),
        ("<a <b@c.d>", ("<a <b@c.d>", None)),
        ("", ("", None)),
    ],
)
def test_a_person_is_a_name_and_perhaps_a_mail_address(text: str, expected: tuple[str, str | None]) -> None:
    assert split_person(text) == expected


def test_the_usual_licences_are_all_in_the_published_list() -> None:
    data = get_data("cyclonedx.schema", "_res/spdx.SNAPSHOT.schema.json")
    assert data is not None
    assert set(json.loads(data)["enum"]) >= COMMON_LICENSES
    assert all(is_license_expression(text) for text in COMMON_LICENSES)


def test_the_document_is_plain_values() -> None:
    assert json.loads(write_bom(EMPTY)) == bom_document(EMPTY)
