"""Just enough DER (X.690) to write timestamps and certificate extensions, and to read a timestamp request.

The test kit writes it itself because no dependency builds RFC 3161 responses: ``rfc3161-client`` only reads them. Readers of
hostile bytes are elsewhere; what this module reads was sent by a test.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.values import dataclass

if TYPE_CHECKING:
    from datetime import datetime

__all__ = [
    "Value",
    "boolean",
    "explicit",
    "generalized_time",
    "implicit",
    "integer",
    "object_identifier",
    "octet_string",
    "read",
    "read_all",
    "sequence",
    "set_of",
    "tagged",
    "utf8_string",
]

_SHORT_LENGTH = 0x80
_CONTEXT = 0x80
_CONSTRUCTED = 0x20
_SEVEN_BITS = 0x7F


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """One decoded value: its tag byte, its content, and all its bytes."""

    tag: int
    content: bytes
    encoded: bytes


def tagged(tag: int, *contents: bytes) -> bytes:
    """A value with this tag byte around ``contents``."""
    body = b"".join(contents)
    if len(body) < _SHORT_LENGTH:
        return bytes([tag, len(body)]) + body
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([tag, _SHORT_LENGTH | len(size)]) + size + body


def sequence(*members: bytes) -> bytes:
    """SEQUENCE of encoded members."""
    return tagged(0x30, *members)


def set_of(*members: bytes) -> bytes:
    """SET OF encoded members, in DER's order (X.690 section 11.6)."""
    return tagged(0x31, *sorted(members))


def explicit(number: int, member: bytes) -> bytes:
    """``[number] EXPLICIT`` around one encoded member."""
    return tagged(_CONTEXT | _CONSTRUCTED | number, member)


def implicit(number: int, member: bytes) -> bytes:
    """``[number] IMPLICIT``: a constructed member with its tag replaced."""
    return bytes([_CONTEXT | _CONSTRUCTED | number]) + member[1:]


def integer(value: int) -> bytes:
    """INTEGER, not negative."""
    return tagged(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def boolean(value: bool) -> bytes:
    """BOOLEAN."""
    return tagged(0x01, b"\xff" if value else b"\x00")


def octet_string(content: bytes) -> bytes:
    """OCTET STRING."""
    return tagged(0x04, content)


def utf8_string(text: str) -> bytes:
    """UTF8String."""
    return tagged(0x0C, text.encode())


def object_identifier(dotted: str) -> bytes:
    """OBJECT IDENTIFIER from its dotted form."""
    first, second, *rest = (int(part) for part in dotted.split("."))
    return tagged(0x06, b"".join(_base128(arc) for arc in (40 * first + second, *rest)))


def generalized_time(moment: datetime) -> bytes:
    """GeneralizedTime in UTC, to the second."""
    return tagged(0x18, moment.strftime("%Y%m%d%H%M%SZ").encode())


def read(data: bytes) -> tuple[Value, bytes]:
    """The first value and what follows it.

    Raises:
        ValueError: The bytes end too early.
    """
    if len(data) < 2:  # noqa: PLR2004 - a tag and a length
        raise ValueError("expected a DER value, found the end")
    length, start = data[1], 2
    if length & _SHORT_LENGTH:
        start += length & _SEVEN_BITS
        length = int.from_bytes(data[2:start], "big")
    end = start + length
    if end > len(data):
        raise ValueError(f"expected {end} bytes of DER, found {len(data)}")
    return Value(tag=data[0], content=data[start:end], encoded=data[:end]), data[end:]


def read_all(data: bytes) -> tuple[Value, ...]:
    """The values that stand one after another in ``data``.

    Raises:
        ValueError: The bytes end inside a value.
    """
    values = []
    while data:
        value, data = read(data)
        values.append(value)
    return tuple(values)


def _base128(arc: int) -> bytes:
    groups = [arc & _SEVEN_BITS]
    while arc := arc >> 7:
        groups.append(_SHORT_LENGTH | arc & _SEVEN_BITS)
    return bytes(reversed(groups))
