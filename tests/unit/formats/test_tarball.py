"""The strict tar reader: what it refuses, with which code, and what it takes though unusual."""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import struct
import tarfile
import zlib
from dataclasses import replace

import pytest

from support.tar_factory import (
    END,
    binary,
    deflate_blocks,
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
    tgz,
)
from vxsec.errors import TarballError
from vxsec.formats import archive_path, gzip_stream, pax_records, tar_header, tar_override, tarball
from vxsec.formats.tarball import read_tarball
from vxsec.limits import DEFAULT_LIMITS

M = manifest()
LONG = "package/" + "d" * 60 + "/" + "f" * 60 + ".js"
LONG_E = "package/" + "é" * 60 + ".js"
ZERO = bytes(512)


def _signed_sum(path: bytes) -> bytes:
    """A header with the sum of signed bytes, which old programs wrote and tarfile still takes."""
    raw = header(path, size=1)
    signed = sum(byte - 256 if byte > 127 else byte for byte in raw[:148] + raw[156:]) + 256
    return raw[:148] + b"%06o\0 " % signed + raw[156:] + padded(b"x")


HEADERS = [
    ("a symbolic link", "archive.link", tgz(M, symlink("package/l", b"package.json"))),
    ("a hard link", "archive.link", tgz(M, symlink("package/l", b"package/package.json", b"1"))),
    ("a hard link with a body", "archive.link", tgz(M, header("package/l", kind=b"1", link=b"a", size=512), bytes(512))),
    ("a GNU long link name", "archive.link", tgz(M, file("././@LongLink", b"a\0", kind=b"K"), symlink("package/l", b"a"))),
    ("a character device", "archive.device", tgz(M, header("package/d", kind=b"3"))),
    ("a block device", "archive.device", tgz(M, header("package/d", kind=b"4"))),
    ("a FIFO", "archive.device", tgz(M, header("package/p", kind=b"6"))),
    ("a FIFO with a size", "archive.device", tgz(M, header("package/p", kind=b"6", size=5))),
    ("a GNU sparse file", "archive.sparse", tgz(M, file("package/s", kind=b"S"))),
    ("a contiguous file", "archive.type", tgz(M, file("package/c", kind=b"7"))),
    ("a GNU dump directory", "archive.type", tgz(M, header("package/d", kind=b"D"))),
    ("a Solaris PAX header", "archive.type", tgz(M, file("p", record("path", "package/a"), kind=b"X"), file("package/a"))),
    ("an old GNU long name", "archive.type", tgz(M, file("p", b"package/a\0", kind=b"N"), file("package/a"))),
    ("a volume header", "archive.type", tgz(M, header("vol", kind=b"V"))),
    ("an unknown type", "archive.type", tgz(M, header("package/u", kind=b"Z"))),
    ("an old directory in the form of a file", "archive.type", tgz(M, header("package/d/", kind=b"\0"))),
    ("a wrong checksum", "archive.checksum", tgz(M, file("package/a", sums=b"000001\0 "))),
    ("an empty checksum", "archive.checksum", tgz(M, file("package/a", sums=bytes(8)))),
    ("a checksum of spaces over a zero block", "archive.checksum", tgz(M, ZERO[:148] + b" " * 8 + ZERO[156:], M)),
    ("a checksum without an end", "archive.checksum", tgz(M, file("package/a", sums=b"00012345"))),
    ("a checksum of signed bytes", "archive.checksum", tgz(M, _signed_sum("package/é".encode()))),
    ("an unknown magic", "archive.header", tgz(M, file("package/a", magic=b"ustar\x0099"))),
    ("a ustar magic with a GNU version", "archive.header", tgz(M, file("package/a", magic=b"ustar\0 \0"))),
    ("a prefix under a GNU magic", "archive.header", tgz(M, file("a", magic=b"ustar  \0", prefix=b"package"))),
    ("a prefix without a magic", "archive.header", tgz(M, file("a", magic=bytes(8), prefix=b"package"))),
    ("a name behind the name's end", "archive.header", tgz(M, file("package/a\0/../b"))),
    ("a second prefix behind the first", "archive.header", tgz(M, file("a", prefix=b"package" + bytes(125) + b"/evil"))),
    ("a prefix where star keeps a time", "archive.header", tgz(M, file("a", prefix=b"package" + bytes(124) + b"evil"))),
    ("bytes behind the prefix", "archive.header", tgz(M, file("package/a", tail=b"tar\0"))),
    ("a mode that is no number", "archive.header", tgz(M, file("package/a", mode=b"rw-r--r-"))),
    ("no mode", "archive.header", tgz(M, file("package/a", mode=bytes(8)))),
    ("a uid that is no number", "archive.header", tgz(M, file("package/a", uid=b"root\0"))),
    ("a negative gid", "archive.header", tgz(M, file("package/a", gid=b"\xff" * 8))),
    ("a uid above JavaScript's integers", "archive.header", tgz(M, file("package/a", uid=binary(2**53, 8)))),
    ("a uid with an odd first byte", "archive.header", tgz(M, file("package/a", uid=b"\x81" + bytes(7)))),
    ("a time with an underscore", "archive.header", tgz(M, file("package/a", mtime=b"0000_000000\0"))),
    ("a device number that is none", "archive.header", tgz(M, file("package/a", device=b"xyz"))),
    ("a file with a link name", "archive.link-name", tgz(M, file("package/a", link=b"b"))),
    ("a file with a link name after a NUL", "archive.link-name", tgz(M, file("package/a", link=b"\0b"))),
    ("a directory with a link name", "archive.link-name", tgz(M, directory("package/d/", link=b"b"))),
    ("a PAX header with a link name", "archive.link-name", tgz(M, file("x", record("path", "package/a"), kind=b"x", link=b"b"), file("package/a"))),
    ("a member without a name", "archive.path-empty", tgz(M, file(""))),
    ("a member with a prefix only", "archive.path-empty", tgz(M, file("", prefix=b"package/a"))),
    ("bytes behind a body", "archive.padding", tgz(M, header("package/a", size=1), b"x" + b"y" * 511)),
]  # fmt: skip

SIZES = [
    ("a base-256 size", "archive.size", tgz(M, file("package/a", size=binary(1, 12)))),
    ("a negative size", "archive.size", tgz(M, file("package/a", size=b"\xff" * 12))),
    ("a minus sign", "archive.size", tgz(M, file("package/a", size=b"-0000000001\0"))),
    ("an empty size", "archive.size", tgz(M, file("package/a", size=bytes(12)))),
    ("a size in decimal digits", "archive.size", tgz(M, file("package/a", size=b"00000000009\0"))),
    ("digits after a NUL", "archive.size", tgz(M, file("package/a", size=b"0000001\x001234"))),
    ("a size of 64 GiB", "archive.size", tgz(M, file("package/a", size=b"777777777777"))),
    ("a directory with a body", "archive.size", tgz(M, directory("package/d/", size=512), file("package/a"))),
    ("a PAX size that disagrees", "archive.size", tgz(M, pax(size="512"), file("package/a"))),
    ("a header size of zero under a PAX size", "archive.size", tgz(M, pax(size="1024"), header("package/a"), file("package/b"))),
    ("a PAX size for a directory", "archive.size", tgz(M, pax(size="512"), directory("package/d"))),
]  # fmt: skip

PATHS = [
    ("an absolute path", "archive.path-absolute", tgz(M, file("/package/a"))),
    ("a path that climbs", "archive.path-traversal", tgz(M, file("package/../../a"))),
    ("a path that climbs by PAX", "archive.path-traversal", tgz(M, pax(path="package/../a"), file("package/../a"))),
    ("a path that is only dots", "archive.path-traversal", tgz(M, file(".."))),
    ("a dot segment", "archive.path-dot", tgz(M, file("package/./a"))),
    ("a second way to write package.json", "archive.path-dot", tgz(M, file("package/./package.json"))),
    ("a leading dot", "archive.path-dot", tgz(file("./package/package.json"))),
    ("an empty segment", "archive.path-empty", tgz(M, file("package//a"))),
    ("two slashes at the end of a directory", "archive.path-empty", tgz(M, directory("package/d//"))),
    ("a slash at the end of a file", "archive.path-empty", tgz(M, file("package/a/"))),
    ("a backslash", "archive.path-backslash", tgz(M, file("package\\..\\a"))),
    ("a backslash below the top", "archive.path-backslash", tgz(M, file("package/a\\b"))),
    ("a drive", "archive.path-drive", tgz(M, file("C:/a"))),
    ("a drive below the top, which npm strips", "archive.path-drive", tgz(M, file("package/c:/package.json"))),
    ("an NTFS stream", "archive.path-drive", tgz(M, file("package/package.json::$DATA"))),
    ("a line feed", "archive.path-control", tgz(M, file("package/a\nb"))),
    ("an escape sequence", "archive.path-control", tgz(M, file("package/\x1b[2J"))),
    ("a C1 control", "archive.path-control", tgz(M, file("package/\x9b2J"))),
    ("a line separator", "archive.path-control", tgz(M, file("package/a\u2028b"))),
    ("a right-to-left override", "archive.path-bidi", tgz(M, file("package/\u202egnp.js"))),
    ("a left-to-right mark", "archive.path-bidi", tgz(M, file("package/\u200ea"))),
    ("bytes that are not UTF-8", "archive.path-encoding", tgz(M, file(b"package/\xff.js"))),
    ("an overlong slash", "archive.path-encoding", tgz(M, file(b"package\xc0\xafa"))),
    ("half a surrogate pair", "archive.path-encoding", tgz(M, file(b"package/\xed\xa0\x80"))),
    ("a name of 256 bytes", "archive.path-long", tgz(M, long_name("package/" + "n" * 256), file("package/" + "n" * 92))),
    ("a path of 3,000 bytes", "archive.path-long", tgz(M, long_name("package/" + "n/" * 1496), file("package/" + "n/" * 46))),
    ("1,002 levels", "archive.path-depth", tgz(M, long_name("package/" + "n/" * 1000 + "n"), file("package/" + "n/" * 46))),
    ("a file beside the top directory", "archive.no-top-directory", tgz(M, file("README.md"))),
    ("two top directories", "archive.top-directories", tgz(M, file("other/package.json"))),
    ("top directories that differ in case", "archive.top-directories", tgz(M, file("Package/a"))),
    ("an empty top directory beside the other", "archive.top-directories", tgz(M, directory("other/"))),
]  # fmt: skip

NAMES = [
    ("the same file twice", "archive.duplicate", tgz(M, M)),
    ("the same directory twice", "archive.duplicate", tgz(M, directory("package/d/"), directory("package/d"))),
    ("names that differ in case", "archive.collision", tgz(M, file("package/a.js"), file("package/A.js"))),
    ("names that differ in Unicode form", "archive.collision", tgz(M, file("package/\u00e9"), file("package/e\u0301"))),
    ("a ligature", "archive.collision", tgz(M, file("package/file"), file("package/\ufb01le"))),
    ("a Kelvin sign", "archive.collision", tgz(M, file("package/k"), file("package/\u212a"))),
    ("a sharp s", "archive.collision", tgz(M, file("package/ss"), file("package/\u00df"))),
    ("a dotless i", "archive.collision", tgz(M, file("package/i"), file("package/\u0131"))),
    ("a zero-width joiner", "archive.collision", tgz(M, file("package/ab"), file("package/a\u200db"))),
    ("a variation selector", "archive.collision", tgz(M, file("package/ab"), file("package/a\ufe0fb"))),
    ("a dot at the end", "archive.collision", tgz(M, file("package/a"), file("package/a."))),
    ("a space at the end", "archive.collision", tgz(M, file("package/a"), file("package/a "))),
    ("a dot at the end of a directory", "archive.collision", tgz(M, file("package/d/a"), file("package/d./a"))),
    ("directories that differ in case", "archive.collision", tgz(M, file("package/lib/a"), file("package/Lib/b"))),
    ("a directory member and a parent that differ in case", "archive.collision", tgz(M, directory("package/lib"), file("package/LIB/b"))),
    ("a file, then a directory of its name", "archive.file-and-directory", tgz(M, file("package/a"), file("package/a/b"))),
    ("a directory, then a file of its name", "archive.file-and-directory", tgz(M, file("package/a/b"), file("package/a"))),
    ("a file, then a directory member", "archive.file-and-directory", tgz(M, file("package/a"), directory("package/a/"))),
    ("a directory member, then a file", "archive.file-and-directory", tgz(M, directory("package/a/"), file("package/a"))),
    ("package.json in capitals", "archive.manifest-alias", tgz(M, file("package/Package.json"))),
    ("package.json in capitals, alone", "archive.manifest-alias", tgz(file("package/PACKAGE.JSON"))),
    ("package.json with a dot at the end", "archive.manifest-alias", tgz(file("package/package.json."))),
    ("package.json with an invisible letter", "archive.manifest-alias", tgz(file("package/pack\u200bage.json"))),
    ("package.json in full-width letters", "archive.manifest-alias", tgz(file("package/\uff50ackage.json"))),
    ("package.json by its short name", "archive.manifest-alias", tgz(M, file("package/PACKAG~1.JSO"))),
    (".gitignore, then .npmignore", "archive.gitignore", tgz(M, file("package/.gitignore"), file("package/.npmignore"))),
    (".npmignore, then .gitignore", "archive.gitignore", tgz(M, file("package/t/.npmignore"), file("package/t/.gitignore"))),
]  # fmt: skip

OVERRIDES = [
    ("a PAX path for another file", "archive.override", tgz(M, pax(path="package/b.js"), file("package/a.js"))),
    ("a PAX path that the header starts, uncut", "archive.override", tgz(M, pax(path="package/a.js"), file("package/a"))),
    ("a GNU name for another file", "archive.override", tgz(M, long_name("package/b.js"), file("package/a.js"))),
    ("a question mark for an ASCII letter", "archive.override", tgz(M, pax(path="package/é.js"), file("package/?.j?"))),
    ("a slash that only a directory may have", "archive.override", tgz(M, pax(path="package/a"), file("package/a/"))),
    ("two PAX headers", "archive.override", tgz(M, pax(path=LONG), pax(size="1"), file(LONG[:100]))),
    ("PAX and GNU together", "archive.override", tgz(M, pax(size="1"), long_name(LONG), file(LONG[:100]))),
    ("a GNU name twice", "archive.override", tgz(M, long_name(LONG), long_name(LONG), file(LONG[:100]))),
    ("a PAX header before nothing", "archive.override", tgz(M, pax(path=LONG))),
    ("a GNU name before nothing", "archive.override", tgz(M, long_name(LONG))),
    ("a global header between a PAX header and its file", "archive.override", tgz(M, pax(size="1"), global_pax(comment="c"), file("package/a"))),
    ("a global header that is not the first", "archive.override", tgz(M, global_pax(comment="c"), file("package/a"))),
    ("a global path", "archive.pax-record", tgz(global_pax(path="package/package.json"), M)),
    ("a global size", "archive.pax-record", tgz(global_pax(size="44"), M)),
    ("a PAX link", "archive.pax-record", tgz(M, pax(linkpath="/etc/passwd"), file("package/a"))),
    ("a sparse file by PAX", "archive.pax-record", tgz(M, pax(GNU__sparse__name="package/b"), file("package/a"))),
    ("another character set", "archive.pax-record", tgz(M, pax(hdrcharset="BINARY"), file("package/a"))),
    ("another character set inside a comment", "archive.pax-record", tgz(M, pax(comment="21 hdrcharset=BINARY"), file("package/a"))),
    ("a PAX mode", "archive.pax-record", tgz(M, pax(mode="0777"), file("package/a"))),
    ("an unknown plain key", "archive.pax-record", tgz(M, pax(realtime="1"), file("package/a"))),
    ("the same key twice", "archive.pax-record", tgz(M, pax_raw(record("size", "1") * 2), file("package/a"))),
    ("a NUL in a value", "archive.pax-record", tgz(M, pax(path="package/a\0.js"), file("package/a"))),
    ("a line feed in a value", "archive.pax-record", tgz(M, pax(path="package/a\nb"), file("package/a"))),
    ("a size in hexadecimal", "archive.pax-record", tgz(M, pax(size="0x1"), file("package/a"))),
    ("a negative size", "archive.pax-record", tgz(M, pax(size="-1"), file("package/a"))),
    ("a time that is infinite", "archive.pax-record", tgz(M, pax(mtime="inf"), file("package/a"))),
    ("a uid that is no number", "archive.pax-record", tgz(M, pax(uid="root"), file("package/a"))),
    ("a record that is too long", "archive.pax", tgz(M, pax_raw(b"99 size=1\n"), file("package/a"))),
    ("a record that is too short", "archive.pax", tgz(M, pax_raw(b"5 size=1\n"), file("package/a"))),
    ("a record of length zero", "archive.pax", tgz(M, pax_raw(b"0 size=1\n"), file("package/a"))),
    ("a length with a leading zero", "archive.pax", tgz(M, pax_raw(b"011 size=1\n"), file("package/a"))),
    ("a length and nothing", "archive.pax", tgz(M, pax_raw(b"3 \n"), file("package/a"))),
    ("a record without an equals sign", "archive.pax", tgz(M, pax_raw(b"8 size1\n"), file("package/a"))),
    ("a record without an end", "archive.pax", tgz(M, pax_raw(b"10 size=11"), file("package/a"))),
    ("zeros after the records", "archive.pax", tgz(M, pax_raw(record("size", "1") + b"\0"), file("package/a"))),
    ("a value that is not UTF-8", "archive.pax", tgz(M, pax_raw(record("path", b"package/\xff")), file("package/a"))),
    ("a PAX header without records", "archive.pax", tgz(M, pax_raw(b""), file("package/a"))),
    ("an empty GNU name", "archive.long-name", tgz(M, long_name(""), file("package/a"))),
    ("a GNU name of no bytes", "archive.long-name", tgz(M, long_name("", end=b""), file("package/a"))),
    ("a NUL inside a GNU name", "archive.long-name", tgz(M, long_name("package/a\0b"), file("package/a"))),
    ("bytes behind a PAX header", "archive.padding", tgz(M, header("x", size=10, kind=b"x") + record("size", "1") + b"y" * 502, file("package/a"))),
    ("more PAX bytes than npm reads", "archive.header-bytes", tgz(M, pax(comment="c" * 2**20), file("package/a"))),
]  # fmt: skip

ENDS = [
    ("no end mark", "archive.end-mark", tgz(M, end=b"")),
    ("half an end mark", "archive.end-mark", tgz(M, end=ZERO)),
    ("a member after one block of zeros", "archive.after-end", tgz(M, ZERO, file("package/a"))),
    ("a member after the end mark", "archive.after-end", tgz(M, END, file("package/a"))),
    ("one byte after the end mark", "archive.after-end", tgz(M, END, b"x", end=b"")),
    ("one byte after much padding", "archive.after-end", tgz(M, bytes(60000), b"x", end=b"")),
    ("1 MiB of zeros after the end mark", "archive.end-padding", tgz(M, bytes(2**20))),
    ("the end inside a header", "archive.truncated", tgz(M, file("package/a")[:300], end=b"")),
    ("the end inside a body", "archive.truncated", tgz(M, file("package/a", b"x" * 600)[:800], end=b"")),
    ("the end inside the padding", "archive.truncated", tgz(M, file("package/a")[:600], end=b"")),
    ("the end inside the end mark", "archive.truncated", tgz(M, end=bytes(700))),
    ("no members", "archive.empty", tgz()),
    ("directories only", "archive.empty", tgz(directory("package/"))),
]  # fmt: skip

_RAW = M + END
GZIP = [
    ("nothing", "archive.not-gzip", b""),
    ("a plain tar", "archive.not-gzip", _RAW),
    ("a zip", "archive.not-gzip", b"PK\x03\x04"),
    ("gzip's magic alone", "archive.truncated", b"\x1f\x8b"),
    ("a cut stream", "archive.truncated", tgz(M)[:-20]),
    ("a cut trailer", "archive.truncated", tgz(M)[:-1]),
    ("a file name without an end", "archive.truncated", b"\x1f\x8b\x08\x08" + bytes(6) + b"name"),
    ("a second member", "archive.gzip-trailing", tgz(M) + gzip.compress(b"")),
    ("a second member with more files", "archive.gzip-trailing", gzip.compress(M) + gzip.compress(file("package/a") + END)),
    ("a byte after the stream", "archive.gzip-trailing", tgz(M) + b"x"),
    ("zeros after the stream", "archive.gzip-trailing", tgz(M) + bytes(512)),
    ("64 KiB after the stream", "archive.gzip-trailing", tgz(M) + bytes(2**16)),
    ("a wrong CRC", "archive.gzip", gzip_member(_RAW, crc=1)),
    ("a wrong length", "archive.gzip", gzip_member(_RAW, size=1)),
    ("a wrong header checksum", "archive.gzip", gzip_member(_RAW, flags=2, fields=b"\0\0")),
    ("a reserved flag", "archive.gzip", gzip_member(_RAW, flags=0x20)),
    ("another method", "archive.gzip", gzip_member(_RAW, method=7)),
    ("bytes that are not deflate", "archive.gzip", gzip_member(_RAW, body=b"\xff" * 40)),
    ("a bomb", "archive.ratio", tgz(M, file("package/a", bytes(12 * 2**20)))),
    ("a small bomb that npm gives up on", "archive.ratio", tgz(M, file("package/a", bytes(9 * 2**20)))),
]  # fmt: skip

REFUSED = HEADERS + SIZES + PATHS + NAMES + OVERRIDES + ENDS + GZIP


@pytest.mark.parametrize(("code", "data"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_refused(code: str, data: bytes) -> None:
    with pytest.raises(TarballError) as caught:
        read_tarball(data)
    assert code in {reason for reason, _ in caught.value.reasons}
    assert caught.value.code == caught.value.reasons[0][0]


def test_every_documented_reason_has_a_row() -> None:
    modules = (archive_path, gzip_stream, pax_records, tar_header, tar_override, tarball)
    documented = {
        code
        for module in modules
        for code in re.findall(r"``(archive\.[a-z-]+)``", (module.__doc__ or "").partition("Findings")[0])
    }
    elsewhere = {"archive.too-large", "archive.members", "archive.unicode-override"}
    assert documented == {row[1] for row in REFUSED} | elsewhere


def _python_tgz(*names: str, form: int) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", format=form) as archive:
        for name in ("package/package.json", *names):
            info = tarfile.TarInfo(name)
            info.size = 1
            archive.addfile(info, io.BytesIO(b"x"))
    return buffer.getvalue()


def _with_split(kind: str, index: int) -> bytes:
    """An override whose two-byte character has its second byte `index` bytes behind a multiple of 16 KiB."""
    piece = 16384
    for length in range(600):
        if kind == "pax":
            name = "package/é.js"
            override, own = pax(comment="c" * length, path=name), "PaxHeader"
        else:
            name = "package/" + ("d" * 99 + "/") * 4 + "e" * length + "é.js"
            override, own = long_name(name), name[:100]
        if override.index(b"\xa9") == 1024 + index:  # behind a header of 512 bytes and 512 bytes of the body
            return tgz(file("package/fill", bytes(piece - 3 * 512)), override, file(own))
    raise AssertionError("no length fits")


_NPM_E = header("package/é.js", size=1) + padded(b"x")
ACCEPTED = [
    ("one file", ["package.json"], tgz(M)),
    ("a name of 100 bytes", ["f" * 92], tgz(file("package/" + "f" * 92))),
    ("a ustar prefix", ["d/a"], tgz(file("a", prefix=b"package/d"))),
    ("a full ustar prefix", ["d" * 147 + "/a"], tgz(file("a", prefix=b"package/" + b"d" * 147))),
    ("star's times behind a short prefix", ["a"], tgz(file("a", prefix=b"package" + bytes(124) + b"14000000000\x0014000000000"))),
    ("a GNU magic", ["a"], tgz(file("package/a", magic=b"ustar  \0"))),
    ("no magic and the old file type", ["a"], tgz(file("package/a", magic=bytes(8), kind=b"\0"))),
    ("numbers with leading spaces", ["a"], tgz(file("package/a", size=b"          1 ", mode=b"   644 \0"))),
    ("a large uid and time in base 256", ["a"], tgz(file("package/a", uid=binary(2**33, 8), mtime=binary(2**40, 12)))),
    ("no uid, as npm writes", ["a"], tgz(file("package/a", uid=bytes(8), gid=bytes(8)))),
    ("a long name by PAX", [LONG[8:]], tgz(pax(path=LONG), file(LONG[:100]))),
    ("a long name by PAX, cut as npm cuts", [LONG[8:]], tgz(pax(path=LONG), file(LONG[69:][:99], prefix=LONG[:68].encode()))),
    ("a long name by PAX, as pnpm and yarn pack", [LONG[8:]], tgz(pax(path=LONG), file("PaxHeader"))),
    ("a long name by GNU", [LONG[8:]], tgz(long_name(LONG), file(LONG[:100], magic=b"ustar  \0"))),
    ("a long name by GNU without its NUL", [LONG[8:]], tgz(long_name(LONG, end=b""), file(LONG[:100]))),
    ("long names by Python, PAX", ["package.json", LONG[8:], LONG_E[8:]], _python_tgz(LONG, LONG_E, form=tarfile.PAX_FORMAT)),
    ("long names by Python, GNU", ["package.json", LONG[8:], LONG_E[8:]], _python_tgz(LONG, LONG_E, form=tarfile.GNU_FORMAT)),
    ("a Unicode name in the header", ["é.js"], tgz(_NPM_E)),
    ("a Unicode name in header and PAX, as npm writes", ["é.js"], tgz(pax(path="package/é.js"), _NPM_E)),
    ("a Unicode name by PAX, as Go writes", ["é.js"], tgz(pax(path="package/é.js"), file("package/.js"))),
    ("a directory by PAX", ["d/a"], tgz(pax(path="package/d"), directory("package/d/"), file("package/d/a"))),
    ("an ordinary PAX header", ["a"], tgz(pax(mtime="1700000000.5", size="1", uname="é", SCHILY__dev="1"), file("package/a"))),
    ("the comment of git archive", ["package.json"], tgz(global_pax(comment="0" * 40), M)),
    ("directories, empty ones too", ["package.json"], tgz(directory("package/"), directory("package/d/"), M)),
    ("a directory after its files", ["d/a"], tgz(file("package/d/a"), directory("package/d/"))),
    ("an empty file", ["a"], tgz(file("package/a", b""))),
    ("another top directory", ["package.json"], tgz(file("kernel/package.json"))),
    ("a nested package.json", ["package.json", "d/package.json"], tgz(M, file("package/d/package.json"))),
    ("a nested Package.json", ["package.json", "d/Package.json"], tgz(M, file("package/d/Package.json"))),
    ("a dot at the end, alone", ["a."], tgz(file("package/a."))),
    ("a name of 255 bytes", ["n" * 255], tgz(long_name("package/" + "n" * 255), file("package/" + "n" * 92))),
    ("10 KiB of padding", ["package.json"], tgz(M, bytes(10240))),
    ("64 KiB of padding", ["package.json"], tgz(M, bytes(65536))),
    ("padding that ends inside a block", ["package.json"], tgz(M, bytes(1100))),
    ("gzip with a name, a comment and an extra field", ["package.json"], gzip_member(_RAW, flags=0x1C, fields=b"\x04\0abcdname\0comment\0")),
    ("gzip with a right header checksum", ["package.json"], gzip_member(_RAW, flags=2, fields=struct.pack("<H", zlib.crc32(b"\x1f\x8b\x08\x02" + bytes(6)) & 0xFFFF))),
    ("several deflate blocks", ["package.json"], gzip_member(_RAW, body=deflate_blocks(_RAW))),
]  # fmt: skip


@pytest.mark.parametrize(("paths", "data"), [row[1:] for row in ACCEPTED], ids=[row[0] for row in ACCEPTED])
def test_accepted(paths: list[str], data: bytes) -> None:
    found = read_tarball(data)
    assert [file.path for file in found.files] == paths


def test_a_file_is_stated_with_mode_size_and_digest() -> None:
    body = b"hello" * 1000
    found = read_tarball(
        tgz(M, file("package/bin/run", body, mode=0o100755)), keep=lambda path, size: (path, size) == ("bin/run", 5000)
    )
    entry = found.files[1]
    assert (entry.path, entry.mode, entry.size) == ("bin/run", 0o755, 5000)
    assert entry.sha512 == hashlib.sha512(body).hexdigest()
    assert found.kept == {"bin/run": body}
    assert found.root == "package"
    assert found.unpacked_size == 5000 + found.files[0].size


def test_bodies_are_followed_across_the_pieces_of_the_stream() -> None:
    bodies = [hashlib.sha512(bytes([seed])).digest() * count for seed, count in enumerate((1, 40_000, 7, 33_333))]
    data = tgz(*(file(f"package/{index}", body) for index, body in enumerate(bodies)))
    found = [(entry.size, entry.sha512) for entry in read_tarball(data).files]
    assert found == [(len(body), hashlib.sha512(body).hexdigest()) for body in bodies]


@pytest.mark.parametrize(
    ("code", "where", "data"),
    [
        ("archive.top-directory", "kernel", tgz(file("kernel/package.json"))),
        ("archive.world-writable", "a", tgz(M, file("package/a", mode=0o666), file("package/b", mode=0o777))),
        ("archive.renamed", "t/.gitignore", tgz(M, file("package/t/.gitignore"))),
        ("archive.unicode-override", "package/é.js", tgz(M, pax(path="package/é.js"), file("PaxHeader"))),
        ("archive.unicode-override", "package/é.js", tgz(M, long_name("package/é.js"), file("package/é.js"))),
    ],
)
def test_small_findings(code: str, where: str, data: bytes) -> None:
    (finding,) = read_tarball(data).findings
    assert (finding.code, finding.severity.value, finding.where) == (code, "low", where)


def test_an_npm_tarball_has_no_findings() -> None:
    assert read_tarball(tgz(M, pax(path="package/é.js"), _NPM_E)).findings == ()


@pytest.mark.parametrize("kind", ["pax", "gnu"])
def test_a_character_across_the_end_of_node_tars_piece_is_refused(kind: str) -> None:
    with pytest.raises(TarballError) as caught:
        read_tarball(_with_split(kind, 0))
    assert caught.value.code == "archive.override"
    for index in (-1, 1):
        assert read_tarball(_with_split(kind, index)).findings[0].code == "archive.unicode-override"


def test_all_reasons_are_collected() -> None:
    data = tgz(M, symlink("package/l", b"x"), file("package/../a"), file("package/Package.json"), M)
    with pytest.raises(TarballError) as caught:
        read_tarball(data)
    assert [code for code, _ in caught.value.reasons] == [
        "archive.link",
        "archive.path-traversal",
        "archive.manifest-alias",
        "archive.collision",
        "archive.duplicate",
    ]


def test_reasons_before_a_broken_header_are_kept() -> None:
    with pytest.raises(TarballError) as caught:
        read_tarball(tgz(file("package/../a"), file("package/b", sums=b"000000\0 ")))
    assert [code for code, _ in caught.value.reasons] == ["archive.path-traversal", "archive.checksum"]


def test_the_list_of_reasons_is_bounded() -> None:
    with pytest.raises(TarballError) as caught:
        read_tarball(tgz(*(file(f"../{index}") for index in range(5000))))
    assert len(caught.value.reasons) == 100


@pytest.mark.parametrize(
    ("code", "limit", "value"),
    [
        ("archive.too-large", "archive_packed_bytes", 100),
        ("archive.too-large", "archive_unpacked_bytes", 2000),
        ("archive.members", "archive_members", 2),
        ("archive.header-bytes", "archive_header_bytes", 10),
        ("archive.path-long", "archive_path_bytes", 20),
        ("archive.end-padding", "archive_end_padding_bytes", 100),
    ],
)
def test_every_limit_is_kept(code: str, limit: str, value: int) -> None:
    pieces = [pax(path="package/a/b/c/d/e/f.js"), file("package/a/b/c/d/e/f.js", hashlib.sha512().digest() * 50), M]
    data = tgz(*pieces, bytes(200))
    assert read_tarball(data).files
    with pytest.raises(TarballError) as caught:
        read_tarball(data, limits=replace(DEFAULT_LIMITS, **{limit: value}))
    assert caught.value.code == code


def test_directories_count_as_members() -> None:
    data = tgz(file("package/" + "/".join("abcdefgh")))
    with pytest.raises(TarballError) as caught:
        read_tarball(data, limits=replace(DEFAULT_LIMITS, archive_members=5))
    assert caught.value.code == "archive.members"


def test_extended_headers_count_as_members() -> None:
    with pytest.raises(TarballError) as caught:
        read_tarball(tgz(pax(path=LONG), file(LONG[:100])), limits=replace(DEFAULT_LIMITS, archive_members=1))
    assert caught.value.code == "archive.members"


@pytest.mark.parametrize("trailer", range(1, 9))
def test_a_gzip_trailer_across_two_pieces_is_read(trailer: int) -> None:
    noise = b"".join(hashlib.sha512(bytes([seed % 251, seed // 251])).digest() for seed in range(960))
    packed = gzip.compress(M + file("package/n", noise) + END, compresslevel=0, mtime=0)
    moved = 2**16 + trailer - len(packed)
    name = b"n" * (moved - 1) + b"\0"  # a file name in the gzip header moves the end to where it should be
    data = packed[:3] + b"\x08" + packed[4:10] + name + packed[10:]
    assert len(data) == 2**16 + trailer
    assert len(read_tarball(data).files) == 2
    with pytest.raises(TarballError) as caught:
        read_tarball(data[:-1])
    assert caught.value.code == "archive.truncated"
