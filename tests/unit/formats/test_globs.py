"""Patterns: what they mean, and that none of them takes long."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vxsec.errors import ConfigurationError
from vxsec.formats.globs import PathGlob, match_wild, text_matches

ROWS = [
    ("a.js", "a.js", True),
    ("a.js", "x/y/a.js", True),
    ("*.js", ".hidden.js", True),
    ("*.js", "a.jsx", False),
    ("?.js", "a.js", True),
    ("?.js", "ab.js", False),
    ("dist/*", "dist/a", True),
    ("dist/*", "dist/a/b", False),
    ("dist/*", "x/dist/a", False),
    ("dist/**", "dist/a/b/c", True),
    ("dist/**", "distx/a", False),
    ("**/a", "a", True),
    ("**/a/**", "a/b", True),
    ("**/a/**/b", "x/a/b", True),
    ("**/a/**/b", "x/a/y/z/b", True),
    ("**/a/**/b", "x/a/y/z/c", False),
    ("a*c/d", "abc/d", True),
    ("a*c/d", "ab/c/d", False),
    ("**", "a/b", True),
    ("a**b", "a/b", False),
    ("a**b", "axb", True),
    ("A.js", "a.js", False),
]


@pytest.mark.parametrize(("pattern", "path", "expected"), ROWS)
def test_paths(pattern: str, path: str, expected: bool) -> None:
    assert PathGlob(pattern).matches(path) is expected


def test_case_is_folded_where_it_is_asked_for() -> None:
    assert PathGlob("Keys/*.PEM", fold_case=True).matches("kEYS/a.pem")


@pytest.mark.parametrize(
    "pattern", ["", "/", "/a", "a/", "a//b", ".", "a/..", "a/./b", "[a]", "{a,b}", "!a", "a\\b", "a" * 1025]
)
def test_what_is_not_understood_is_refused(pattern: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        PathGlob(pattern)
    assert caught.value.code == "policy.value"


@given(st.text("ab*?", max_size=12), st.text("ab", max_size=20))
def test_text_is_matched_as_a_regular_expression_would(pattern: str, text: str) -> None:
    expression = "".join({"*": ".*", "?": "."}.get(char, char) for char in pattern)
    assert text_matches(pattern, text) is (re.fullmatch(expression, text) is not None)


def test_no_pattern_takes_long() -> None:
    started = time.process_time()
    assert not text_matches("*a" * 400 + "b", "a" * 5_000)
    assert not text_matches("?*a" * 300 + "b", "a" * 2_000)
    assert not PathGlob("**/a/" * 200 + "b").matches("a/" * 1_000 + "c")
    assert time.process_time() - started < 5


def test_every_step_may_be_counted_and_a_star_may_be_picky() -> None:
    steps: list[int] = []
    assert match_wild("*b", "ab", star="*", one=lambda a, b: a == b, spend=lambda: steps.append(1))
    assert 0 < len(steps) <= 6
    assert not match_wild("*b", "xb", star="*", one=lambda a, b: a == b, swallows=lambda item: item != "x")
