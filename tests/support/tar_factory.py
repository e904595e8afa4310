"""Tar archives made by hand, byte by byte, so that a test can make any mistake it wants.

A piece (`file`, `directory`, `pax`, …) is bytes; `tgz(*pieces)` ends, compresses and returns the archive.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from typing import TypedDict, Unpack

__all__ = [
    "END",
    "MANIFEST",
    "Fields",
    "binary",
    "block",
    "checksum",
    "deflate_blocks",
    "directory",
    "file",
    "global_pax",
    "gzip_member",
    "header",
    "long_name",
    "manifest",
    "padded",
    "pax",
    "pax_raw",
    "record",
    "symlink",
    "tgz",
]

END = bytes(1024)
MANIFEST = b'{"name":"@vextrus/kernel","version":"1.0.0"}'


class Fields(TypedDict, total=False):
    """The fields of a header that a test may set; integers are written as npm writes them, bytes as they are."""

    size: int | bytes
    kind: bytes
    mode: int | bytes
    link: bytes
    magic: bytes
    prefix: bytes
    uid: bytes
    gid: bytes
    mtime: bytes
    device: bytes
    tail: bytes
    sums: bytes
    poke: tuple[int, bytes]


def header(path: str | bytes, **fields: Unpack[Fields]) -> bytes:
    """One 512-byte header."""
    raw = bytearray(512)
    mode, size = fields.get("mode", 0o644), fields.get("size", 0)
    _put(raw, 0, 100, path.encode() if isinstance(path, str) else path)
    _put(raw, 100, 8, mode if isinstance(mode, bytes) else b"%06o \0" % mode)
    _put(raw, 108, 8, fields.get("uid", b"0000000\0"))
    _put(raw, 116, 8, fields.get("gid", b"0000000\0"))
    _put(raw, 124, 12, size if isinstance(size, bytes) else b"%010o \0" % size)
    _put(raw, 136, 12, fields.get("mtime", b"00000000000\0"))
    _put(raw, 156, 1, fields.get("kind", b"0"))
    _put(raw, 157, 100, fields.get("link", b""))
    _put(raw, 257, 8, fields.get("magic", b"ustar\x0000"))
    _put(raw, 329, 16, fields.get("device", b""))
    _put(raw, 345, 155, fields.get("prefix", b""))
    _put(raw, 500, 12, fields.get("tail", b""))
    at, value = fields.get("poke", (0, b""))
    _put(raw, at, 512 - at, value)
    _put(raw, 148, 8, fields.get("sums", checksum(raw)))
    return bytes(raw)


def checksum(raw: bytes | bytearray) -> bytes:
    """The checksum field for a header."""
    return b"%06o\0 " % (sum(raw) - sum(raw[148:156]) + 8 * 32)


def block(raw: bytes) -> bytes:
    """A header with its checksum made right again."""
    return raw[:148] + checksum(raw[:512]) + raw[156:]


def padded(body: bytes) -> bytes:
    """A body filled up to whole blocks."""
    return body + bytes(-len(body) % 512)


def file(path: str | bytes, body: bytes = b"x", **fields: Unpack[Fields]) -> bytes:
    """A regular file."""
    fields.setdefault("size", len(body))
    return header(path, **fields) + padded(body)


def manifest(body: bytes = MANIFEST) -> bytes:
    """package/package.json."""
    return file("package/package.json", body)


def directory(path: str | bytes, **fields: Unpack[Fields]) -> bytes:
    """A directory member."""
    fields.setdefault("kind", b"5")
    fields.setdefault("mode", 0o755)
    return header(path, **fields)


def symlink(path: str, target: bytes, kind: bytes = b"2") -> bytes:
    """A symbolic link, or with kind 1 a hard one."""
    return header(path, kind=kind, link=target)


def record(key: str, value: str | bytes) -> bytes:
    """One PAX record with the right length."""
    rest = b" " + key.encode() + b"=" + (value.encode() if isinstance(value, str) else value) + b"\n"
    length = len(rest)
    while len(str(length)) + len(rest) != length:
        length = len(str(length)) + len(rest)
    return str(length).encode() + rest


def pax(**records: str) -> bytes:
    """A PAX header for the next member; two underscores in a key are a dot."""
    return pax_raw(b"".join(record(key.replace("__", "."), value) for key, value in records.items()))


def pax_raw(body: bytes, kind: bytes = b"x") -> bytes:
    """A PAX header with any body."""
    return file("PaxHeader/x", body, kind=kind)


def global_pax(**records: str) -> bytes:
    """A PAX global header."""
    return pax_raw(b"".join(record(key, value) for key, value in records.items()), kind=b"g")


def long_name(path: str | bytes, end: bytes = b"\0") -> bytes:
    """GNU's long name for the next member."""
    name = path.encode() if isinstance(path, str) else path
    return file("././@LongLink", name + end, kind=b"L", magic=b"ustar  \0")


def binary(value: int, width: int) -> bytes:
    """GNU's base-256 number."""
    return b"\x80" + value.to_bytes(width - 1, "big")


def gzip_member(
    raw: bytes,
    *,
    flags: int = 0,
    fields: bytes = b"",
    method: int = 8,
    crc: int | None = None,
    size: int | None = None,
    body: bytes | None = None,
) -> bytes:
    """One gzip member with any header, body and trailer."""
    packer = zlib.compressobj(9, wbits=-15)
    deflated = packer.compress(raw) + packer.flush() if body is None else body
    trailer = struct.pack("<II", zlib.crc32(raw) if crc is None else crc, len(raw) if size is None else size)
    return b"\x1f\x8b" + bytes([method, flags]) + bytes(6) + fields + deflated + trailer


def deflate_blocks(raw: bytes, step: int = 700) -> bytes:
    """A deflate stream of many blocks."""
    packer = zlib.compressobj(9, wbits=-15)
    pieces = [packer.compress(raw[at : at + step]) + packer.flush(zlib.Z_FULL_FLUSH) for at in range(0, len(raw), step)]
    return b"".join(pieces) + packer.flush()


def tgz(*pieces: bytes, end: bytes = END) -> bytes:
    """The archive: members, end mark, gzip."""
    return gzip.compress(b"".join(pieces) + end, mtime=0)


def _put(raw: bytearray, at: int, width: int, value: bytes) -> None:
    value = value[:width]
    raw[at : at + len(value)] = value
