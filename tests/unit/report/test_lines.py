"""Plurals, plain paint and names of schemas."""

from __future__ import annotations

import pytest

from vxsec.report.lines import count, plain, schema_name


@pytest.mark.parametrize(
    ("number", "words", "shown"),
    [
        (0, ("package",), "0 packages"),
        (1, ("package",), "1 package"),
        (2, ("package",), "2 packages"),
        (1, ("entry", "entries"), "1 entry"),
        (7, ("entry", "entries"), "7 entries"),
    ],
)
def test_a_number_with_its_noun(number: int, words: tuple[str, ...], shown: str) -> None:
    assert count(number, *words) == shown


def test_plain_paint_adds_nothing_and_a_schema_has_a_name_that_nobody_fetches() -> None:
    assert plain("text", "bad") == "text"
    assert schema_name("verify") == "urn:vxsec:schema:verify:v1"
