"""ZIP archives (APPNOTE.TXT 6.3.10) that every reader sees the same way, or a refusal.

A zip file says what it holds twice: in a header before each member and in the directory at its end. Readers believe one or
the other, look for the directory in different places, and skip what lies between: Python's ``zipfile`` alone takes two
directories, overlapping members, bytes nobody mentions and names that the headers contradict. Two readers then see two
archives. Here both accounts must agree in every field that counts, the pieces must tile the file without a gap or an
overlap from its first byte to its last, and each member must unpack to the size and CRC-32 stated for it.

Accepted: stored and deflated members, data descriptors, zip64, directories. Nothing is held but the directory.

Reasons: ``zip.too-large`` ``zip.not-zip`` ``zip.truncated`` ``zip.comment`` ``zip.split`` ``zip.directory`` ``zip.entry``
``zip.encrypted`` ``zip.method`` ``zip.name`` ``zip.path`` ``zip.link`` ``zip.duplicate`` ``zip.overlap`` ``zip.ratio``
``zip.size`` ``zip.crc`` ``zip.deflate``.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

from vxsec.errors import FormatError
from vxsec.formats.zip_directory import (
    DESCRIPTOR,
    FULL32,
    LOCAL_SIZE,
    SHOWN,
    STORED,
    ByteSource,
    ZipEntry,
    read_directory,
    refuse_zip,
    widen_zip64,
)
from vxsec.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ByteSource", "ZipArchive", "ZipEntry", "open_zip"]

_LOCAL = struct.Struct("<4s5H3L2H")
_RATIO_FROM = 64 * 1024
_DEFLATE_RATIO = 1100
"""Deflate packs 1,032 to 1 at best: a member that claims more is refused before it is unpacked."""


def open_zip(
    source: bytes | ByteSource,
    *,
    where: str,
    limits: Limits = DEFAULT_LIMITS,
    max_entry_bytes: int | None = None,
    max_unpacked_bytes: int | None = None,
) -> ZipArchive:
    """Read an archive's directory; nothing is unpacked yet.

    Guarantees: names are unique, relative, without ``..``, backslashes or control characters, and UTF-8 where they are not
    ASCII; the members stated do not overlap and, with the directory, leave no byte of the file unclaimed.

    Args:
        source: The whole file, or something that reads pieces of it.
        where: What the file is called in an error.
        limits: ``zip_bytes``, ``zip_entries``, ``zip_directory_bytes``, ``zip_unpacked_bytes``, ``archive_ratio``.
        max_entry_bytes: Unpacked bytes of one member; the total's bound if not given.
        max_unpacked_bytes: Unpacked bytes of all members; ``limits.zip_unpacked_bytes`` if not given.

    Raises:
        FormatError: One of the reasons in the module's docstring.
    """
    opened = _Bytes(source) if isinstance(source, bytes) else source
    total = limits.zip_unpacked_bytes if max_unpacked_bytes is None else max_unpacked_bytes
    entries = read_directory(opened, where=where, limits=limits)
    _check_sizes(entries, where=where, one=total if max_entry_bytes is None else max_entry_bytes, total=total)
    packed = sum(entry.packed_size for entry in entries)
    unpacked = sum(entry.size for entry in entries)
    if unpacked > limits.archive_ratio_from and unpacked > packed * limits.archive_ratio:
        refuse_zip("zip.ratio", f"{packed} bytes that unpack to {unpacked}", where)
    return ZipArchive(opened, tuple(entries), where=where)


class ZipArchive:
    """An archive whose directory was read. Made by :func:`open_zip`."""

    def __init__(self, source: ByteSource, entries: tuple[ZipEntry, ...], *, where: str) -> None:
        self.entries = entries
        """In the order they lie in the file, directories included."""
        self._source = source
        self._where = where

    def members(self) -> Iterator[tuple[ZipEntry, bytes]]:
        """Every file with its content, in the order they lie; directories are checked and left out.

        Raises:
            FormatError: As :meth:`read`.
        """
        for entry in self.entries:
            data = self.read(entry)
            if not entry.directory:
                yield entry, data

    def read(self, entry: ZipEntry) -> bytes:
        """One member's content, which has the size and the CRC-32 that the directory states.

        Raises:
            FormatError: ``zip.truncated``, ``zip.entry`` (the header before it says something else), ``zip.overlap``,
                ``zip.deflate``, ``zip.size`` or ``zip.crc``.
        """
        piece = self._source.read(entry.offset, entry.end - entry.offset)
        if len(piece) != entry.end - entry.offset or len(piece) < LOCAL_SIZE:
            refuse_zip("zip.truncated", "the file ends inside this member", self._called(entry))
        start = self._check_local(piece, entry)
        packed = piece[start : start + entry.packed_size]
        if len(packed) != entry.packed_size:
            refuse_zip("zip.overlap", "this member reaches into the next", self._called(entry))
        if entry.flags & DESCRIPTOR or start + entry.packed_size != len(piece):
            _check_descriptor(piece[start + entry.packed_size :], entry, self._called(entry))
        data = packed if entry.method == STORED else self._inflate(packed, entry)
        if len(data) != entry.size:
            refuse_zip("zip.size", f"expected {entry.size} bytes, found {len(data)}", self._called(entry))
        if zlib.crc32(data) != entry.crc32:
            refuse_zip(
                "zip.crc", f"expected CRC-32 {entry.crc32:08x}, found {zlib.crc32(data):08x}", self._called(entry)
            )
        return data

    def _check_local(self, piece: bytes, entry: ZipEntry) -> int:
        """Hold the header before a member (APPNOTE 4.3.7) against the directory; where the content begins."""
        name_size: int
        extra_size: int
        mark, _, flags, method, _, _, crc, packed, size, name_size, extra_size = _LOCAL.unpack_from(piece)
        start = LOCAL_SIZE + name_size + extra_size
        name = piece[LOCAL_SIZE : LOCAL_SIZE + name_size]
        if mark != b"PK\x03\x04" or start > len(piece):
            refuse_zip("zip.entry", "no member where the directory says", self._called(entry))
        if extra_size:
            extra = piece[LOCAL_SIZE + name_size : start]
            size, packed = widen_zip64(extra, (size, packed), self._called(entry))
        stated = (name, flags, method, crc, packed, size)
        expected = (entry.name.encode("utf-8"), entry.flags, entry.method, entry.crc32, entry.packed_size, entry.size)
        later = flags & DESCRIPTOR and stated == (*expected[:3], 0, 0, 0)  # sizes and checksum follow the content
        if stated != expected and not later:
            refuse_zip("zip.entry", "the header before the member and the directory disagree", self._called(entry))
        return start

    def _inflate(self, packed: bytes, entry: ZipEntry) -> bytes:
        engine = zlib.decompressobj(-15)
        try:
            data = engine.decompress(packed, entry.size + 1)
        except zlib.error as error:
            raise FormatError(f"not deflate data: {error}", code="zip.deflate", where=self._called(entry)) from error
        if len(data) > entry.size:
            refuse_zip("zip.size", f"expected {entry.size} bytes, found more", self._called(entry))
        if not engine.eof or engine.unused_data:
            refuse_zip("zip.deflate", "the deflate data ends too early or too late", self._called(entry))
        return data

    def _called(self, entry: ZipEntry) -> str:
        return f"{self._where}: {entry.name[:SHOWN]}"


class _Bytes:
    """Bytes in memory as a source."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size = len(data)

    def read(self, offset: int, length: int) -> bytes:
        return self._data[offset : offset + length]


def _check_sizes(entries: list[ZipEntry], *, where: str, one: int, total: int) -> None:
    for entry in entries:
        if entry.size > one:
            refuse_zip("zip.too-large", f"expected at most {one} bytes, found {entry.size}", f"{where}: {entry.name}")
        if entry.size > _RATIO_FROM and entry.size > entry.packed_size * _DEFLATE_RATIO:
            refuse_zip(
                "zip.ratio", f"{entry.packed_size} bytes cannot unpack to {entry.size}", f"{where}: {entry.name}"
            )
    if sum(entry.size for entry in entries) > total:
        refuse_zip("zip.too-large", f"expected at most {total} bytes unpacked, found more", where)


def _check_descriptor(rest: bytes, entry: ZipEntry, where: str) -> None:
    """Something follows the content: it must be a data descriptor (APPNOTE 4.3.9) in one of its four forms."""
    if not entry.flags & DESCRIPTOR:
        refuse_zip("zip.overlap", f"{len(rest)} bytes after the member that no entry claims", where)
    values = (entry.crc32, entry.packed_size, entry.size)
    forms = [struct.pack(layout, *values) for layout in ("<LLL", "<LQQ") if max(values) <= FULL32 or "Q" in layout]
    if rest not in {*forms, *(b"PK\x07\x08" + form for form in forms)}:
        refuse_zip("zip.entry", "the data descriptor after the member and the directory disagree", where)
