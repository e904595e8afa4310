"""One 512-byte tar header (POSIX.1-1988 ustar, GNU, or the older form without a magic), read strictly.

Only what node-tar and Python's tarfile read the same way is accepted. Some of their quirks decide rules here: node-tar
reads the checksum from 12 bytes, skips the header (and then reads the body as headers) where a file has a link name,
takes bytes after a NUL and a line feed as part of a name, and reads a second pair of times where the prefix is short;
tarfile uses the prefix whatever the magic says and stops in silence at a number it cannot read.

Reasons: ``archive.checksum`` ``archive.header`` ``archive.size`` ``archive.link-name`` ``archive.path-empty``.
"""

from __future__ import annotations

import re
from typing import NoReturn

from vxsec.errors import TarballError
from vxsec.values import dataclass

__all__ = ["BLOCK", "Header", "parse_header"]

BLOCK = 512
"""Bytes in a header, and the unit bodies are padded to."""

_CHECKSUM = re.compile(rb" *([0-7]+)[ \0]+")
_NUMBER = re.compile(rb" *([0-7]+)[ \0]*")
_NO_NUMBER = re.compile(rb"[ \0]*")
_USTAR = b"ustar\x0000"
_GNU = b"ustar  \0"
_OLD = bytes(8)
_BINARY = 0x80  # first byte of a base-256 number that is not negative
_MAX_BINARY = 2**53 - 1  # JavaScript's largest exact integer; node-tar throws above it
_SPACES = 8 * 0x20  # the checksum field counts as spaces
_SHORT_PREFIX = 130  # the prefix ends here where star's times follow
_NAME_ROOM = 97  # a cut name fills its 100 bytes, but for half a character and a NUL


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a header says: one byte of type, the path as bytes, the permission bits, and the size of the body.

    ``cut`` is true where the name fills its field, so that a longer name may have been cut to fit.
    """

    kind: bytes
    path: bytes
    cut: bool
    mode: int
    size: int


def parse_header(block: bytes) -> Header:
    """Read one header that is not all zeros.

    Args:
        block: Exactly 512 bytes.

    Raises:
        TarballError: One reason, from the module's docstring. The stream cannot be followed any further.
    """
    _check_sum(block)
    name = _text(block, 0, 100, "name")
    path = _prefix(block) + name
    shown = _shown(path)
    if not name:
        _stop("archive.path-empty", "a member without a name")
    for start, end, field in ((108, 116, "uid"), (116, 124, "gid"), (136, 148, "mtime")):
        _check_optional(block[start:end], f"{field} of {shown}")
    for start, end, field in ((329, 337, "devmajor"), (337, 345, "devminor")):
        if not (_NUMBER.fullmatch(block, start, end) or _NO_NUMBER.fullmatch(block, start, end)):
            _stop("archive.header", f"{field} of {shown} is not an octal number")
    mode = _NUMBER.fullmatch(block, 100, 108)
    if mode is None:
        _stop("archive.header", f"mode of {shown} is not an octal number: {block[100:108]!r}")
    size = _NUMBER.fullmatch(block, 124, 136)
    if size is None:
        _stop("archive.size", f"size of {shown} is not an octal number: {block[124:136]!r}")
    kind = block[156:157]
    if kind not in {b"1", b"2"} and block[157:257].strip(b"\0"):
        _stop("archive.link-name", f"{shown} is not a link but has a link name, which npm takes as a broken header")
    return Header(
        kind=kind,
        path=path,
        cut=len(name) >= _NAME_ROOM,
        mode=int(mode[1], 8) & 0o7777,
        size=int(size[1], 8),
    )


def _check_sum(block: bytes) -> None:
    stated = _CHECKSUM.fullmatch(block, 148, 156)
    actual = sum(block) - sum(block[148:156]) + _SPACES
    # The signed sum of old programs is refused: npm knows the unsigned one only.
    if stated is None or int(stated[1], 8) != actual:
        _stop("archive.checksum", f"expected header checksum {actual:o}, found {block[148:156]!r}")


def _prefix(block: bytes) -> bytes:
    """The ustar prefix with its slash, or nothing; any other magic must leave the bytes after the device numbers zero."""
    magic = block[257:265]
    if magic == _USTAR:
        long = block[345 + _SHORT_PREFIX] != 0
        prefix = _text(block, 345, 500 if long else 345 + _SHORT_PREFIX, "prefix")
        if not long:
            for start, end, field in ((476, 488, "atime"), (488, 500, "ctime")):
                # tarfile takes these bytes as prefix if the prefix is full; it is not: byte 475 is NUL.
                if not (_NUMBER.fullmatch(block, start, end) or not block[start:end].strip(b"\0")):
                    _stop("archive.header", f"{field} is not an octal number")
        if block[500:].strip(b"\0"):
            _stop("archive.header", "bytes after the prefix field")
        return prefix + b"/" if prefix else b""
    if magic not in {_GNU, _OLD}:
        _stop("archive.header", f"unknown magic {magic!r}")
    if block[345:].strip(b"\0"):
        _stop("archive.header", "bytes after the device numbers, which some readers take as a prefix")
    return b""


def _text(block: bytes, start: int, end: int, field: str) -> bytes:
    text, _, rest = block[start:end].partition(b"\0")
    if rest.strip(b"\0"):
        _stop("archive.header", f"bytes after the end of the {field} {_shown(text)}")
    return text


def _check_optional(field: bytes, what: str) -> None:
    """A number no reader needs, but that makes one of them give up where it is malformed."""
    if field[0] == _BINARY:
        if int.from_bytes(field[1:], "big") <= _MAX_BINARY:
            return
    elif _NUMBER.fullmatch(field) or _NO_NUMBER.fullmatch(field):
        return
    _stop("archive.header", f"{what} is not a number all readers take: {field!r}")


def _shown(text: bytes) -> str:
    return repr(text[:120])[1:]


def _stop(code: str, message: str) -> NoReturn:
    raise TarballError([(code, message)])
