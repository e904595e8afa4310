"""Text from outside cannot move a cursor, reorder a line, hide, or begin a new line; nothing of it is lost."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vxsec.report.escape import escape_text

SHOWN_AS_IT_IS = ["kernel-1.0.0.tgz", "", "Grüße, Алиса, 日本語", "a\\x1b", "😀", "e\u0301"]


@pytest.mark.parametrize("text", SHOWN_AS_IT_IS)
def test_what_harms_nobody_is_shown_as_it_is(text: str) -> None:
    assert escape_text(text) == text


ESCAPED = {
    "a colour": ("\x1b[31mred", "\\x1b[31mred"),
    "the same in one character": ("\x9b31m", "\\x9b31m"),
    "a line end": ("a\nerror[x]: no", "a\\x0aerror[x]: no"),
    "back to the start of the line": ("bad\rgood", "bad\\x0dgood"),
    "one back": ("a\x08b", "a\\x08b"),
    "a tab": ("a\tb", "a\\x09b"),
    "nothing": ("a\0", "a\\x00"),
    "right to left": ("\u202egpj.exe", "\\u{202e}gpj.exe"),
    "an isolate": ("\u2066a\u2069", "\\u{2066}a\\u{2069}"),
    "zero width": ("left\u200bpad", "left\\u{200b}pad"),
    "a byte order mark": ("\ufeffa", "\\u{feff}a"),
    "a soft hyphen": ("a\xadb", "a\\xadb"),
    "a line separator": ("a\u2028b", "a\\u{2028}b"),
    "a paragraph separator": ("a\u2029b", "a\\u{2029}b"),
    "a tag character": ("a\U000e0041", "a\\u{e0041}"),
    "half of a pair, from a name that is no UTF-8": ("\udcff", "\\u{dcff}"),
    "a private character": ("\ue000", "\\u{e000}"),
    "no character at all": ("\uffff", "\\u{ffff}"),
    "a command to a CI runner, in the old form": ("a ##[error]b", "a #\\x23[error]b"),
    "one in the new form, at the start": ("::error::b", "\\x3a:error::b"),
    "the same after blanks": ("  ::error::b", "  \\x3a:error::b"),
}


@pytest.mark.parametrize(("text", "shown"), ESCAPED.values(), ids=ESCAPED.keys())
def test_shows_the_code_point_instead(text: str, shown: str) -> None:
    assert escape_text(text) == shown


@given(st.text(st.characters(), max_size=60))
def test_one_line_that_any_terminal_can_show(text: str) -> None:
    shown = escape_text(text)
    assert shown.splitlines() in ([], [shown])
    assert not {unicodedata.category(ch) for ch in shown} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert escape_text(shown) == shown
    shown.encode("utf-8")
