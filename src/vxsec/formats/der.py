"""DER (X.690), read strictly: definite lengths in their shortest form, one-byte tags, nothing left over.

Just enough for X.509: cryptography's own reader takes 40 ms to import, which is more than a whole verification. Errors are
``FormatError`` with the code ``der.malformed``.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from vxsec.errors import FormatError

__all__ = [
    "BIT_STRING",
    "BOOLEAN",
    "INTEGER",
    "OBJECT_IDENTIFIER",
    "OCTET_STRING",
    "SEQUENCE",
    "SET",
    "UTF8_STRING",
    "Der",
    "DerElement",
    "read_only",
    "render_der",
]

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING = 0x01, 0x02, 0x03, 0x04
OBJECT_IDENTIFIER, UTF8_STRING, _UTC_TIME, _GENERALIZED_TIME = 0x06, 0x0C, 0x17, 0x18
SEQUENCE, SET = 0x30, 0x31
_LONG_TAG = 0x1F
_LONG_LENGTH = 0x80
_LENGTH_BYTES = 4
_OID_BYTES = 64
_TIMES = {_UTC_TIME: re.compile(rb"([0-9]{12})Z\Z"), _GENERALIZED_TIME: re.compile(rb"([0-9]{14})Z\Z")}
_TWO_DIGIT_YEARS = 50  # RFC 5280 section 4.1.2.5.1: 50 to 99 are of the last century, 0 to 49 of this


class DerElement(NamedTuple):
    """One element: ``tag`` as its byte, and where it and its content lie in ``data``."""

    data: bytes
    tag: int
    start: int
    content_start: int
    end: int

    @property
    def content(self) -> bytes:
        """The content alone."""
        return self.data[self.content_start : self.end]

    @property
    def whole(self) -> bytes:
        """Tag, length and content, as written."""
        return self.data[self.start : self.end]

    def inside(self) -> Der:
        """A reader of the elements in the content."""
        return Der(self.data, self.content_start, self.end)

    def boolean(self) -> bool:
        """A BOOLEAN: only 00 and FF are allowed (X.690 section 11.1)."""
        if self.content not in {b"\x00", b"\xff"}:
            raise _malformed("expected a boolean of 00 or FF")
        return self.content == b"\xff"

    def integer(self) -> int:
        """An INTEGER in its shortest form."""
        raw = self.content
        if not raw or (len(raw) > 1 and raw[0] in {0x00, 0xFF} and (raw[0] ^ raw[1]) < 0x80):  # noqa: PLR2004 - the sign bit
            raise _malformed("expected an integer in its shortest form")
        return int.from_bytes(raw, "big", signed=True)

    def bits(self) -> bytes:
        """A BIT STRING of whole bytes."""
        raw = self.content
        if not raw or raw[0] != 0:
            raise _malformed("expected a bit string of whole bytes")
        return raw[1:]

    def text(self) -> str:
        """The content as UTF-8."""
        try:
            return self.content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise _malformed("expected text in UTF-8") from error

    def oid(self) -> str:
        """An OBJECT IDENTIFIER, dotted."""
        return _dotted(self.content)

    def time(self) -> datetime:
        """A Time as RFC 5280 section 4.1.2.5 has it: UTCTime through 2049, GeneralizedTime from 2050, whole seconds, Z."""
        pattern = _TIMES.get(self.tag)
        match = None if pattern is None else pattern.match(self.content)
        if match is None:
            raise _malformed("expected a time in whole seconds and UTC")
        digits = match[1].decode("ascii")
        if self.tag == _UTC_TIME:
            digits = ("19" if int(digits[:2]) >= _TWO_DIGIT_YEARS else "20") + digits
        elif int(digits[:4]) < 2000 + _TWO_DIGIT_YEARS:
            raise _malformed("expected a UTCTime before 2050")
        day = (int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
        try:
            return datetime(*day, int(digits[8:10]), int(digits[10:12]), int(digits[12:14]), tzinfo=UTC)
        except ValueError as error:
            raise _malformed(f"expected a time, found {digits}") from error


class Der:
    """Reads elements one after the other."""

    __slots__ = ("_data", "_end", "_position")

    def __init__(self, data: bytes, start: int = 0, end: int | None = None) -> None:
        self._data = data
        self._position = start
        self._end = len(data) if end is None else end

    @property
    def at_end(self) -> bool:
        """Whether everything was read."""
        return self._position == self._end

    def next(self, tag: int | None = None) -> DerElement:
        """The next element, which must have this tag if one is given."""
        data, start = self._data, self._position
        if self._end - start < 2:  # noqa: PLR2004 - tag and length
            raise _malformed("expected another element, found the end")
        found, length, content = data[start], data[start + 1], start + 2
        if found & _LONG_TAG == _LONG_TAG or (tag is not None and found != tag):
            raise _malformed(f"expected {'a one-byte tag' if tag is None else f'tag {tag:#04x}'}, found {found:#04x}")
        if length & _LONG_LENGTH:
            content += length & ~_LONG_LENGTH
            stated = data[start + 2 : min(content, self._end)]
            length = int.from_bytes(stated, "big")
            if not 0 < content - start - 2 <= _LENGTH_BYTES or stated[:1] == b"\x00" or length < _LONG_LENGTH:
                raise _malformed("expected a definite length in its shortest form")
        if content + length > self._end:
            raise _malformed("expected an element that ends where the one around it does")
        self._position = content + length
        return DerElement(data, found, start, content, self._position)

    def peek(self) -> int | None:
        """The tag of the next element; None at the end."""
        return None if self.at_end else self._data[self._position]

    def optional(self, tag: int) -> DerElement | None:
        """The next element if it has this tag, else None and nothing is read."""
        return self.next(tag) if self.peek() == tag else None

    def done(self) -> None:
        """Everything must have been read."""
        if not self.at_end:
            raise _malformed("expected the end, found more")


@lru_cache(maxsize=512)
def _dotted(raw: bytes) -> str:
    """An object identifier (X.690 section 8.19); certificates share a few dozen of them."""
    if not 0 < len(raw) <= _OID_BYTES or raw[-1] & 0x80:
        raise _malformed("expected an object identifier")
    arcs, value, fresh = [], 0, True
    for byte in raw:
        if fresh and byte == 0x80:  # noqa: PLR2004 - no leading zeros
            raise _malformed("expected an object identifier in its shortest form")
        value = (value << 7) | (byte & 0x7F)
        fresh = not byte & 0x80
        if fresh:
            arcs.append(value)
            value = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))


def read_only(data: bytes, tag: int) -> DerElement:
    """The one element that ``data`` is."""
    reader = Der(data)
    element = reader.next(tag)
    reader.done()
    return element


def render_der(tag: int, content: bytes) -> bytes:
    """Write one element."""
    size = len(content)
    if size < _LONG_LENGTH:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, _LONG_LENGTH | len(length)]) + length + content


def _malformed(message: str) -> FormatError:
    return FormatError(message, code="der.malformed")
