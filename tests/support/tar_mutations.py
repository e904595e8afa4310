"""Archives that are nearly right: seeds, and random damage to them that often leaves something a reader accepts."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING

from support.tar_factory import (
    END,
    binary,
    block,
    directory,
    file,
    global_pax,
    gzip_member,
    header,
    long_name,
    manifest,
    padded,
    pax,
    pax_raw,
    record,
    symlink,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

__all__ = ["SEEDS", "mutate"]

_LONG = "package/" + "d" * 60 + "/" + "f" * 60 + ".js"
_LONG_E = "package/" + "é" * 60 + ".js"
_GNU = b"ustar  \0"
SEEDS: tuple[bytes, ...] = (
    manifest() + file("package/index.js", b"x" * 700) + file("package/lib/a.js", b"y") + END,
    manifest() + pax(path=_LONG, mtime="1700000000.5") + file(_LONG[:100], b"z" * 512) + END,
    manifest() + long_name(_LONG) + file(_LONG[:100], magic=_GNU) + file("package/b", b"", magic=_GNU) + END,
    directory("package/") + manifest() + directory("package/lib/") + file("package/lib/a") + directory("package/e/") + END,
    global_pax(comment="0" * 40) + manifest() + file("package/é.js", "é".encode()) + END,
    manifest() + pax(path="package/é.js", size="1") + file("package/é.js") + pax(path=_LONG_E) + file("PaxHeader") + END,
    manifest() + file("a", b"x" * 1025, prefix=b"package/" + b"p" * 140) + file("b", prefix=b"package/q") + END,
    file("kernel/package.json", b"{}") + file("kernel/.gitignore") + file("kernel/.github/x", kind=b"\0") + END + bytes(9216),
    manifest() + file("package/old", magic=bytes(8), kind=b"\0") + pax(uid="7", gid="8", uname="u") + file("package/u") + END,
)  # fmt: skip

_NAMES = (
    b"package/a", b"package/A", b"package/a.", b"package/lib/a.js", b"package/Lib/a.js", b"package/package.json", b"package",
    b"package/", b"package//a", b"package/./a", b"package/../a", b"/package/a", b"./package/a", b"other/a", b"package/c:/x",
    b"package\\a", b"package/.npmignore", b"package/.gitignore", b"PaxHeader", b"", b"package/\xc3\xa9", b"package/e\xcc\x81",
    b"package/\xff", b"package/a\nb", b"package/a\0b", b"package/" + b"n" * 92, b"package/con", b"package/a b", b"package/lib",
    b"package/a=b", b"package/123", b"package/~1", b"package/node_modules/x/package.json",
)  # fmt: skip
_NUMBERS = (
    b"0000644\0", b"644", b"   644 \0", b"0", b"", b" ", b"\0" * 12, b"-1", b"8", b"0x10", b"1_0", b"00000000001\0", b"7" * 12,
    b"00000000001", b"000001 \0", b"1 2", b"1\0002", b"+1", b"1\n", b"\xff" * 12, b"\x80" + bytes(10) + b"\x01", b"\x81\0", b"\xc0",
)  # fmt: skip
_KINDS = tuple(bytes([kind]) for kind in b"0\x00512367xgLKNSXDVAIM Zz5500000")
_FIELDS = ((0, 100), (100, 8), (108, 8), (116, 8), (124, 12), (136, 12), (148, 8), (156, 1), (157, 100), (257, 8), (265, 32),
           (297, 32), (329, 8), (337, 8), (345, 155), (475, 25), (500, 12))  # fmt: skip
_RECORDS = (
    "path", "size", "mtime", "atime", "uid", "gid", "uname", "linkpath", "comment", "hdrcharset", "charset", "mode", "type",
    "SCHILY.dev", "SCHILY.xattr.user.x", "LIBARCHIVE.creationtime", "GNU.sparse.name", "GNU.sparse.size", "GNU.sparse.major",
    "path ", "Path", "", "size\0", "ctime", "VENDOR.x",
)  # fmt: skip


def mutate(random: Random) -> bytes:
    """One archive: a seed with one to three changes to the tar, sometimes one to the gzip around it."""
    raw = bytearray(random.choice(SEEDS))
    for _ in range(random.choice((1, 1, 1, 2, 2, 3))):
        raw = bytearray(random.choice(_TAR)(raw, random))
    pack = random.choice(_GZIP) if random.random() < 0.1 else _pack
    return pack(bytes(raw), random)


def _headers(raw: bytearray) -> list[int]:
    """Where blocks with a magic begin, bodies that look like headers included."""
    return [at for at in range(0, len(raw) - 511, 512) if raw[at + 257 : at + 262] == b"ustar" or raw[at] == 0x70] or [
        0
    ]


def _repair(raw: bytearray, at: int, random: Random, odds: float = 0.9) -> bytearray:
    if random.random() < odds:
        raw[at : at + 512] = block(bytes(raw[at : at + 512]))
    return raw


def _flip(raw: bytearray, random: Random) -> bytearray:
    at = random.choice(_headers(raw))
    if at + 512 > len(raw):
        return raw
    position = at + random.choice((random.randrange(512), random.randrange(100), random.randrange(100, 157)))
    raw[position] ^= 1 << random.randrange(8) if random.random() < 0.7 else random.randrange(256)
    return _repair(raw, at, random)


def _set_field(raw: bytearray, random: Random) -> bytearray:
    at = random.choice(_headers(raw))
    if at + 512 > len(raw):
        return raw
    start, width = random.choice(_FIELDS)
    value = {
        0: random.choice(_NAMES),
        156: random.choice(_KINDS),
        157: random.choice((b"x", b"\0x", b"package/package.json", b"")),
        257: random.choice((b"ustar\x0000", _GNU, bytes(8), b"ustar\x0001", b"ustar   ", b"ustar\0 \0")),
        345: random.choice((b"package", b"package/d", b"p" * 155, b"p" * 131, b"\0package", bytes(155), b"..")),
        475: random.choice((b"\0" + b"14000000000\0" * 2, bytes(25), b"x", b"\0x")),
    }.get(start, random.choice(_NUMBERS))
    raw[at + start : at + start + width] = value[:width].ljust(width, random.choice((b"\0", b"\0", b" ")))
    return _repair(raw, at, random, 1.0 if start != 148 else 0.0)


def _set_size(raw: bytearray, random: Random) -> bytearray:
    at = random.choice(_headers(raw))
    if at + 512 > len(raw):
        return raw
    raw[at + 124 : at + 136] = b"%011o\0" % random.choice((0, 1, 511, 512, 513, 1024, 1536, len(raw), 2**33 - 1))
    return _repair(raw, at, random, 1.0)


def _truncate(raw: bytearray, random: Random) -> bytearray:
    end = random.randrange(len(raw) + 1)
    return raw[: end - end % 512 if random.random() < 0.7 else end]


def _move_blocks(raw: bytearray, random: Random) -> bytearray:
    blocks = [raw[at : at + 512] for at in range(0, len(raw), 512)] or [bytearray()]
    at, other = random.randrange(len(blocks)), random.randrange(len(blocks))
    action = random.randrange(4)
    if action == 0:
        blocks[at], blocks[other] = blocks[other], blocks[at]
    elif action == 1:
        blocks.insert(at, blocks[other])
    elif action == 2:
        del blocks[at]
    else:
        blocks[at:at] = [bytearray(512)] * random.choice((1, 1, 2, 3))
    return bytearray(b"".join(blocks))


def _insert(raw: bytearray, random: Random) -> bytearray:
    """One well-formed piece between two blocks, mostly before a header."""
    name = random.choice(_NAMES)
    text = name.decode("utf-8", "replace")
    piece = random.choice(
        (
            file(name, b"i" * random.choice((0, 1, 512, 600)), kind=random.choice(_KINDS)),
            file(name[:100], b"i"),
            directory(name[:99].rstrip(b"/") + b"/", size=random.choice((0, 0, 0, 512))),
            pax(path=text) + file(random.choice((name, name, b"PaxHeader", b"package/other"))),
            pax(size=random.choice(("1", "0", "513", "01", "1 "))) + file(name),
            pax(**{random.choice(("path", "comment", "uname")): text}),
            long_name(name, end=random.choice((b"\0", b"", b"\0\0", b"\0x"))) + file(name[:100]),
            long_name(_LONG) + file(random.choice((_LONG[:100], _LONG[:99], _LONG[:90]))),
            global_pax(comment=random.choice(("x", "é", "a=b"))),
            symlink("package/link", name),
            header(name, size=binary(1, 12)) + padded(b"x"),
            pax_raw(b"".join(record(random.choice(_RECORDS), random.choice(("1", "x", "é", "1.5", "", "package/i"))) for _ in range(random.choice((1, 2))))) + file("package/i"),
            bytes(512 * random.choice((1, 2))),
        )
    )  # fmt: skip
    at = random.choice((*_headers(raw), max(len(raw) - 1024, 0)))
    return raw[:at] + bytearray(piece) + raw[at:]


def _edit_body(raw: bytearray, random: Random) -> bytearray:
    """Change a byte or two behind a header, where PAX records and names lie."""
    at = random.choice(_headers(raw)) + 512
    for _ in range(random.choice((1, 2))):
        position = at + random.randrange(60)
        if position < len(raw):
            raw[position] = random.choice(b"0123456789 =\n\0/.ax\xc3\xa9\xff")
    return raw


def _pad(raw: bytearray, random: Random) -> bytearray:
    return raw + bytes(random.choice((1, 511, 512, 8192, 70000))) + random.choice((b"", b"", b"", b"x"))


_TAR: tuple[Callable[[bytearray, Random], bytearray], ...] = (
    _flip, _flip, _set_field, _set_field, _set_field, _set_size, _truncate, _move_blocks, _move_blocks, _insert, _insert,
    _insert, _edit_body, _edit_body, _pad,
)  # fmt: skip


def _pack(raw: bytes, random: Random) -> bytes:
    return gzip.compress(raw, compresslevel=random.choice((1, 6)), mtime=0)


def _flip_packed(raw: bytes, random: Random) -> bytes:
    data = bytearray(gzip.compress(raw, mtime=0))
    data[random.choice((random.randrange(len(data)), random.randrange(12)))] ^= 1 << random.randrange(8)
    return bytes(data)


def _gzip_fields(raw: bytes, random: Random) -> bytes:
    flags = random.choice((0, 1, 2, 4, 8, 16, 0x1C, 0x20))
    fields = random.choice((b"", b"\x02\0ab", b"name\0", b"name\0comment\0", b"\x02\0abname\0comment\0"))
    if flags == 2:
        fields = (zlib.crc32(b"\x1f\x8b\x08\x02" + bytes(6)) & 0xFFFF).to_bytes(2, "little")
    return gzip_member(raw, flags=flags, fields=fields)


def _members(raw: bytes, random: Random) -> bytes:
    cut = random.randrange(len(raw) + 1)
    return gzip.compress(raw[:cut], mtime=0) + gzip.compress(raw[cut:], mtime=0)


def _trailing(raw: bytes, random: Random) -> bytes:
    return gzip.compress(raw, mtime=0) + random.choice((b"\0", b"x", b"\x1f\x8b", bytes(512), gzip.compress(b"")))


_GZIP: tuple[Callable[[bytes, Random], bytes], ...] = (_flip_packed, _gzip_fields, _members, _trailing)
