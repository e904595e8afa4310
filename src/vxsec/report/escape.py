"""Text from outside, made harmless for a terminal, a log line or a table.

Names and messages may carry escape sequences, bidirectional marks, invisible characters and line breaks. Everything that
could move the cursor, reorder text or hide is shown as its code point; nothing is dropped.
"""

from __future__ import annotations

import unicodedata

__all__ = ["escape_text"]

_LATIN = 0xFF
_OLD_COMMAND = "##["
"""How a command to a CI runner begins in its old form, anywhere in a line; the new one (``::``) only begins lines."""
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def escape_text(text: str) -> str:
    """Return ``text`` on one line, without anything that a terminal or a CI runner acts upon."""
    if not (text.isascii() and text.isprintable()):
        text = "".join(_escape(ch) if unicodedata.category(ch) in _HIDDEN else ch for ch in text)
    if _OLD_COMMAND in text:
        text = text.replace(_OLD_COMMAND, "#\\x23[")
    return text.replace("::", "\\x3a:", 1) if text.lstrip().startswith("::") else text


def _escape(ch: str) -> str:
    code = ord(ch)
    return f"\\x{code:02x}" if code <= _LATIN else f"\\u{{{code:x}}}"
