"""SSH's own data types, read strictly: RFC 4251 section 5.

One value has one encoding here: a number without leading zeros, nothing behind the last field. Strings carry their length,
which is checked against what is there before anything is taken.
"""

from __future__ import annotations

import re

from vxsec.errors import FormatError

__all__ = ["WireReader", "wire_mpint", "wire_string"]

_LENGTH_BYTES = 4
_PRINTABLE = re.compile(rb"[!-~]*\Z")


class WireReader:
    """Takes one field after the other.

    Args:
        data: The bytes.
        where: What they are called in an error.
        code: The code of every error.
    """

    __slots__ = ("_at", "_code", "_data", "_where")

    def __init__(self, data: bytes, *, where: str, code: str) -> None:
        self._data = data
        self._where = where
        self._code = code
        self._at = 0

    def take(self, count: int, what: str) -> bytes:
        """The next ``count`` bytes.

        Raises:
            FormatError: Fewer are left.
        """
        end = self._at + count
        if end > len(self._data):
            raise self.wrong(f"expected {count} bytes for the {what}, found {len(self._data) - self._at}")
        taken = self._data[self._at : end]
        self._at = end
        return taken

    def byte(self, what: str) -> int:
        """The next byte as a number."""
        return self.take(1, what)[0]

    def uint32(self, what: str) -> int:
        """The next four bytes as a number."""
        return int.from_bytes(self.take(_LENGTH_BYTES, what), "big")

    def string(self, what: str) -> bytes:
        """The next string: its length, then its bytes."""
        return self.take(self.uint32(f"length of the {what}"), what)

    def text(self, what: str) -> str:
        """The next string as printable ASCII, which every name in SSH is.

        Raises:
            FormatError: Another character in it.
        """
        raw = self.string(what)
        if not _PRINTABLE.match(raw):
            raise self.wrong(f"expected a {what} of printable ASCII, found {raw[:40]!r}")
        return raw.decode("ascii")

    def mpint(self, what: str) -> int:
        """The next number, which must be positive and written without a leading zero that it does not need.

        Raises:
            FormatError: Zero, negative, or an encoding that is not the shortest.
        """
        raw = self.string(what)
        if not raw or raw[0] & 0x80:
            raise self.wrong(f"expected a positive {what}")
        if raw[0] == 0 and (len(raw) == 1 or not raw[1] & 0x80):
            raise self.wrong(f"expected the {what} without leading zeros")
        return int.from_bytes(raw, "big")

    def end(self) -> None:
        """Nothing is left.

        Raises:
            FormatError: Something is.
        """
        left = len(self._data) - self._at
        if left:
            raise self.wrong(f"expected nothing behind the last field, found {left} bytes")

    def wrong(self, message: str) -> FormatError:
        """The error for what was found."""
        return FormatError(message, code=self._code, where=self._where)


def wire_string(data: bytes) -> bytes:
    """A string: its length in four bytes, then its bytes."""
    return len(data).to_bytes(_LENGTH_BYTES, "big") + data


def wire_mpint(number: int) -> bytes:
    """A number that is not negative, in as few bytes as it needs."""
    return wire_string(number.to_bytes(number.bit_length() // 8 + 1 if number else 0, "big"))
