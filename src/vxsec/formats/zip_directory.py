"""The directory at the end of a ZIP archive (APPNOTE.TXT 6.3.10): what the file holds, and that nothing else is in it.

Reasons: ``zip.too-large`` ``zip.not-zip`` ``zip.truncated`` ``zip.comment`` ``zip.split`` ``zip.directory`` ``zip.entry``
``zip.encrypted`` ``zip.method`` ``zip.name`` ``zip.path`` ``zip.link`` ``zip.duplicate`` ``zip.overlap`` ``zip.size``.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, NamedTuple, NoReturn, Protocol

from vxsec.errors import FormatError
from vxsec.formats.archive_path import check_path

if TYPE_CHECKING:
    from vxsec.limits import Limits

__all__ = [
    "DESCRIPTOR",
    "FULL32",
    "LOCAL_SIZE",
    "SHOWN",
    "STORED",
    "ByteSource",
    "ZipEntry",
    "read_directory",
    "refuse_zip",
    "widen_zip64",
]

LOCAL_SIZE = 30
"""Bytes of the header before a member, without its name and extra fields (APPNOTE 4.3.7)."""
FULL32 = 0xFFFFFFFF
"""A field that says: too large for me, see the zip64 extra field."""
DESCRIPTOR = 0x0008
"""The flag that says: sizes and checksum follow the content."""
STORED = 0
SHOWN = 120
"""Characters of a name in a message."""

_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_CENTRAL = struct.Struct("<4s2B5H3L5H2L")
_FULL16 = 0xFFFF
_ZIP64_EXTRA, _UNICODE_PATH_EXTRA = 0x0001, 0x7075
_ENCRYPTED, _UTF8 = 0x0001, 0x0800
_KNOWN_FLAGS = 0x0006 | DESCRIPTOR | _UTF8  # the first two: how hard deflate tried
_DEFLATED = 8
_UNIX, _TYPE_MASK, _REGULAR, _DIRECTORY = 3, 0o170000, 0o100000, 0o040000
_MOST_AROUND = LOCAL_SIZE + 2 * _FULL16 + 24
"""Header, name, extra fields and data descriptor at their largest."""
_HARMLESS = re.compile(r"[A-Za-z0-9_@+-][A-Za-z0-9._@+:-]*\Z")


class ByteSource(Protocol):
    """Bytes at a place: a file that is open, or anything else that has a size."""

    @property
    def size(self) -> int:
        """How many there are."""
        ...

    def read(self, offset: int, length: int) -> bytes:
        """The bytes from ``offset`` on; fewer only where the end is reached."""
        ...


class ZipEntry(NamedTuple):
    """One member, as the directory states it. A named tuple: there may be two hundred thousand."""

    name: str
    """As written; a directory's ends with a slash."""
    size: int
    packed_size: int
    crc32: int
    mode: int
    """POSIX type and permission bits where the archive was made on such a system, else 0."""
    flags: int
    method: int
    offset: int
    end: int
    """Where the next piece of the file begins."""

    @property
    def directory(self) -> bool:
        """Whether it names a directory."""
        return self.name.endswith("/")


def read_directory(source: ByteSource, *, where: str, limits: Limits) -> list[ZipEntry]:
    """Every entry, in the order they lie in the file; together with the directory they leave no room for anything else.

    Whether a member fills the room it has is seen when it is read.

    Raises:
        FormatError: One of the reasons in the module's docstring.
    """
    return _Directory(source, where=where, limits=limits).entries()


class _Directory:
    """The account at the end of the file (APPNOTE 4.3.12 to 4.3.16)."""

    def __init__(self, source: ByteSource, *, where: str, limits: Limits) -> None:
        self._source = source
        self._where = where
        if source.size > limits.zip_bytes:
            refuse_zip("zip.too-large", f"expected at most {limits.zip_bytes} bytes, found {source.size}", where)
        self._count, self._size, self._offset = self._end()
        if self._count > limits.zip_entries or self._size > limits.zip_directory_bytes:
            refuse_zip("zip.too-large", f"a directory of {self._count} entries, {self._size} bytes", where)

    def entries(self) -> list[ZipEntry]:
        """Every entry, in the order of the file, tiling it."""
        data = self._source.read(self._offset, self._size)
        if len(data) != self._size:
            refuse_zip("zip.truncated", "the file ends inside its directory", self._where)
        found: list[ZipEntry] = []
        names: set[str] = set()
        position = 0
        for _ in range(self._count):
            entry, position = _central_entry(data, position, self._where)
            if entry.name.rstrip("/") in names:
                refuse_zip("zip.duplicate", f"two members named {entry.name[:SHOWN]!r}", self._where)
            names.add(entry.name.rstrip("/"))
            found.append(entry)
        if position != len(data):
            refuse_zip("zip.directory", "the directory holds more than the entries it counts", self._where)
        return self._tiled(found)

    def _tiled(self, found: list[ZipEntry]) -> list[ZipEntry]:
        """Each entry with its end, which is where the next begins; what two claim, or nobody, is refused when read."""
        found.sort(key=lambda entry: entry.offset)
        ends = [*(entry.offset for entry in found[1:]), self._offset][: len(found)]
        if (found[0].offset if found else self._offset) != 0:
            refuse_zip("zip.directory", "bytes before the first member that no entry claims", self._where)
        for entry, end in zip(found, ends, strict=True):
            if entry.offset + LOCAL_SIZE + entry.packed_size > end:
                refuse_zip("zip.overlap", f"{entry.name[:SHOWN]!r} reaches into what follows it", self._where)
            if entry.offset + entry.packed_size + _MOST_AROUND < end:
                refuse_zip("zip.overlap", f"bytes after {entry.name[:SHOWN]!r} that no entry claims", self._where)
        return [ZipEntry(*entry[:-1], end) for entry, end in zip(found, ends, strict=True)]

    def _end(self) -> tuple[int, int, int]:
        """Entries, bytes and place of the directory, which must end where the end record begins."""
        size, where = self._source.size, self._where
        tail = self._source.read(max(0, size - _END.size), _END.size)
        if len(tail) < _END.size or not tail.startswith(b"PK\x05\x06"):
            _refuse_end(self._source, where)
        _, disk, first, here, count, length, offset, comment = _END.unpack(tail)
        if comment:
            refuse_zip("zip.comment", "an end record that announces a comment which is not there", where)
        if disk != first or disk not in {0, _FULL16} or here != count:
            refuse_zip("zip.split", "an archive in several parts", where)
        stop = size - _END.size
        locator = self._source.read(max(0, stop - _LOCATOR.size), _LOCATOR.size)
        if stop >= _LOCATOR.size and locator.startswith(b"PK\x06\x07"):
            count, length, offset, stop = self._end64(locator, stop, (disk, count, length, offset))
        elif disk:
            refuse_zip("zip.split", "an archive in several parts", where)
        if offset + length != stop:
            refuse_zip("zip.directory", "the directory does not end where the end record begins", where)
        return count, length, offset

    def _end64(self, locator: bytes, stop: int, small: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
        """The large end record, which must lie directly before its locator and agree with the small one."""
        _, disk, place, disks = _LOCATOR.unpack(locator)
        begin = stop - _LOCATOR.size - _END64.size
        record = self._source.read(max(0, begin), _END64.size)
        if disk or disks > 1:
            refuse_zip("zip.split", "an archive in several parts", self._where)
        if place != begin or len(record) < _END64.size or not record.startswith(b"PK\x06\x06"):
            refuse_zip("zip.directory", "no zip64 end record where its locator says", self._where)
        _, length_of_record, _, _, this_disk, first, here, count, length, offset = _END64.unpack(record)
        if this_disk or first or here != count:
            refuse_zip("zip.split", "an archive in several parts", self._where)
        stated = (small[1] in {count, _FULL16}, small[2] in {length, FULL32}, small[3] in {offset, FULL32})
        if length_of_record != _END64.size - 12 or small[0] not in {0, _FULL16} or not all(stated):
            refuse_zip("zip.directory", "the two end records disagree", self._where)
        return count, length, offset, begin


def _refuse_end(source: ByteSource, where: str) -> NoReturn:
    """Say what the file is, if it does not end as a zip archive does."""
    if not source.read(0, 4).startswith((b"PK\x03\x04", b"PK\x05\x06")):
        refuse_zip("zip.not-zip", "expected a zip archive", where)
    tail = source.read(max(0, source.size - _FULL16 - _END.size), _FULL16 + _END.size)
    if b"PK\x05\x06" in tail[: 4 - _END.size]:  # a whole record, with something behind it
        refuse_zip(
            "zip.comment", "a comment, or other bytes, after the end record: readers disagree where it ends", where
        )
    refuse_zip("zip.truncated", "the file ends before its directory does", where)


def _central_entry(data: bytes, position: int, where: str) -> tuple[ZipEntry, int]:
    """One entry of the directory (APPNOTE 4.3.12) and where the next one begins."""
    if position + _CENTRAL.size > len(data):
        refuse_zip("zip.directory", "the directory ends inside an entry", where)
    (mark, _, system, _, flags, method, _, _, crc, packed, size, name_size, extra_size, comment_size, disk, _,
     attributes, offset) = _CENTRAL.unpack_from(data, position)  # fmt: skip  # in the order of APPNOTE
    start = position + _CENTRAL.size
    end = start + name_size + extra_size + comment_size
    if mark != b"PK\x01\x02" or end > len(data):
        refuse_zip("zip.directory", f"no directory entry at byte {position} of the directory", where)
    raw = data[start : start + name_size]
    name = _name(raw, flags, where)
    extra = data[start + name_size : start + name_size + extra_size]
    if extra:
        size, packed, offset, disk = widen_zip64(extra, (size, packed, offset, disk), f"{where}: {name[:SHOWN]}")
    mode = attributes >> 16 if system == _UNIX else 0
    entry = ZipEntry(name, size, packed, crc, mode, flags, method, offset, 0)
    _check_entry(entry, disk, where)
    return entry, end


def widen_zip64(extra: bytes, stated: tuple[int, ...], where: str) -> list[int]:
    """The fields with those that did not fit taken from the zip64 extra field (APPNOTE 4.5.3).

    Args:
        extra: All extra fields of the entry.
        stated: Size, packed size, offset and disk, in this order; the first two in the header before a member.
        where: What it is called in an error.

    Raises:
        FormatError: ``zip.entry``, ``zip.name``.
    """
    values = list(stated)
    fields = _extra_fields(extra, where)
    wide = fields.get(_ZIP64_EXTRA, b"")
    position = 0
    for index, full in enumerate((FULL32, FULL32, FULL32, _FULL16)[: len(values)]):
        if values[index] != full or _ZIP64_EXTRA not in fields:
            continue
        width = 4 if full == _FULL16 else 8
        piece = wide[position : position + width]
        if len(piece) < width:
            refuse_zip("zip.entry", "a zip64 field that is too short", where)
        values[index] = int.from_bytes(piece, "little")
        position += width
    if position != len(wide):
        refuse_zip("zip.entry", "a zip64 field that says more than was asked", where)
    return values


def _extra_fields(extra: bytes, where: str) -> dict[int, bytes]:
    fields: dict[int, bytes] = {}
    position = 0
    while position < len(extra):
        kind = int.from_bytes(extra[position : position + 2], "little")
        size = int.from_bytes(extra[position + 2 : position + 4], "little")
        position += 4
        if position + size > len(extra) or kind in fields:
            refuse_zip("zip.entry", "extra fields that are cut short or there twice", where)
        fields[kind] = extra[position : position + size]
        position += size
    if _UNICODE_PATH_EXTRA in fields:
        refuse_zip("zip.name", "a second name in an extra field: some readers use it, others do not", where)
    return fields


def _name(raw: bytes, flags: int, where: str) -> str:
    try:
        name = raw.decode("utf-8" if flags & _UTF8 else "ascii")
    except UnicodeDecodeError as error:
        raise FormatError(
            f"a name that is not {'UTF-8' if flags & _UTF8 else 'ASCII and not marked as UTF-8'}: {raw[:SHOWN]!r}",
            code="zip.name",
            where=where,
        ) from error
    if _HARMLESS.match(name):
        return name
    for code, message in check_path(name.removesuffix("/")):
        if code != "archive.path-drive":  # advisories of some distributions have a colon in their id
            refuse_zip("zip.path", message, where)
    return name


def _check_entry(entry: ZipEntry, disk: int, where: str) -> None:
    if entry.flags & _ENCRYPTED:
        refuse_zip("zip.encrypted", "an encrypted member", _member(where, entry))
    if entry.flags & ~_KNOWN_FLAGS:
        refuse_zip("zip.entry", f"flags {entry.flags:#06x} that not every reader knows", _member(where, entry))
    if entry.method not in {STORED, _DEFLATED}:
        refuse_zip(
            "zip.method", f"compression method {entry.method}; stored and deflated are read", _member(where, entry)
        )
    if entry.flags & DESCRIPTOR and entry.method == STORED and entry.size:
        refuse_zip(
            "zip.entry", "stored content of a length that a reader in one pass cannot know", _member(where, entry)
        )
    if disk:
        refuse_zip("zip.split", "a member in another part of the archive", _member(where, entry))
    if entry.method == STORED and entry.packed_size != entry.size:
        refuse_zip("zip.size", f"a stored member of {entry.size} bytes in {entry.packed_size}", _member(where, entry))
    if entry.directory and entry.size:
        refuse_zip("zip.entry", f"a directory with {entry.size} bytes of content", _member(where, entry))
    kind = entry.mode & _TYPE_MASK
    if kind not in {0, _DIRECTORY if entry.directory else _REGULAR}:
        refuse_zip(
            "zip.link", f"a member that is no file and no directory (mode {entry.mode:o})", _member(where, entry)
        )


def _member(where: str, entry: ZipEntry) -> str:
    """What a member is called in an error; only made for one, because there are many members."""
    return f"{where}: {entry.name[:SHOWN]}"


def refuse_zip(code: str, message: str, where: str) -> NoReturn:
    """Raise the refusal.

    Raises:
        FormatError: Always.
    """
    raise FormatError(message, code=code, where=where)
