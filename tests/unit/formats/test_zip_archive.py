"""Zip archives: every reader sees the same members, or nobody sees any."""

from __future__ import annotations

import contextlib
import io
import struct
import zipfile
import zlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.osv_kit import Member, ZipMaker, make_zip
from vxsec.errors import FormatError, VxsecError
from vxsec.formats.zip_archive import open_zip
from vxsec.limits import DEFAULT_LIMITS

TEXT = b'{"id": "A-1"}' * 40
A = Member(name=b"A-1.json", data=TEXT)
B = Member(name=b"B-2.json", data=b"two")
WIDE = struct.pack("<HHQQ", 1, 16, len(TEXT), len(A.content()))
FULL = 0xFFFFFFFF


def contents(data: bytes) -> dict[str, bytes]:
    return {entry.name: body for entry, body in open_zip(data, where="x.zip").members()}


SOUND: dict[str, tuple[ZipMaker, dict[str, bytes]]] = {
    "an empty archive": (ZipMaker(members=[]), {}),
    "deflated and stored members": (
        ZipMaker(members=[A, replace(B, method=0)]),
        {"A-1.json": TEXT, "B-2.json": b"two"},
    ),
    "directories, which are checked and left out": (
        ZipMaker(members=[Member(name=b"d/", method=0, attributes=0o040755 << 16), replace(A, name=b"d/A-1.json")]),
        {"d/A-1.json": TEXT},
    ),
    "a data descriptor with its mark": (
        ZipMaker(members=[replace(A, flags=8), B]),
        {"A-1.json": TEXT, "B-2.json": b"two"},
    ),
    "a data descriptor without its mark": (
        ZipMaker(
            members=[replace(A, flags=8, descriptor=struct.pack("<LLL", zlib.crc32(TEXT), len(A.content()), len(TEXT)))]
        ),
        {"A-1.json": TEXT},
    ),
    "a large data descriptor": (
        ZipMaker(
            members=[
                replace(
                    A,
                    flags=8,
                    descriptor=b"PK\x07\x08" + struct.pack("<LQQ", zlib.crc32(TEXT), len(A.content()), len(TEXT)),
                )
            ]
        ),
        {"A-1.json": TEXT},
    ),
    "a descriptor although the sizes stand in front, too": (
        ZipMaker(
            members=[
                replace(A, flags=8, local={"crc": zlib.crc32(TEXT), "packed": len(A.content()), "size": len(TEXT)})
            ]
        ),
        {"A-1.json": TEXT},
    ),
    "large end records": (ZipMaker(members=[A, B], zip64=True), {"A-1.json": TEXT, "B-2.json": b"two"}),
    "large end records beside true small ones": (
        ZipMaker(members=[A], zip64=True, end={"here": 1, "count": 1}),
        {"A-1.json": TEXT},
    ),
    "sizes in zip64 fields": (
        ZipMaker(
            members=[
                replace(
                    A,
                    size=FULL,
                    packed_size=FULL,
                    central_extra=WIDE,
                    local={"size": FULL, "packed": FULL},
                    local_extra=WIDE,
                )
            ]
        ),
        {"A-1.json": TEXT},
    ),
    "other extra fields and comments of members": (
        ZipMaker(members=[replace(A, central_extra=b"UT\x01\x00x", local_extra=b"UT\x02\x00xy", comment=b"hello")]),
        {"A-1.json": TEXT},
    ),
    "a name in UTF-8 that says so": (
        ZipMaker(members=[replace(A, name="é.json".encode(), flags=0x800)]),
        {"é.json": TEXT},
    ),
    "a colon, as some advisories have": (
        ZipMaker(members=[replace(A, name=b"RHSA-2024:1.json")]),
        {"RHSA-2024:1.json": TEXT},
    ),
    "a colon below a directory": (ZipMaker(members=[replace(A, name=b"d/RHSA:1.json")]), {"d/RHSA:1.json": TEXT}),
    "a name that begins with a dot": (ZipMaker(members=[replace(A, name=b".hidden")]), {".hidden": TEXT}),
    "members of another system, whose modes mean nothing": (
        ZipMaker(members=[replace(A, system=0, attributes=0o120777 << 16)]),
        {"A-1.json": TEXT},
    ),
    "members without a type, as Python writes them": (
        ZipMaker(members=[replace(A, attributes=0o600 << 16)]),
        {"A-1.json": TEXT},
    ),
    "an empty member": (ZipMaker(members=[replace(A, data=b"")]), {"A-1.json": b""}),
}


@pytest.mark.parametrize(("maker", "expected"), SOUND.values(), ids=SOUND.keys())
def test_a_sound_archive_is_read(maker: ZipMaker, expected: dict[str, bytes]) -> None:
    data = maker.build()
    assert contents(data) == expected
    with zipfile.ZipFile(io.BytesIO(data)) as archive:  # and other readers see the same
        assert {i.filename: archive.read(i) for i in archive.infolist() if not i.is_dir()} == expected


def in_directory(data: bytes, old: bytes, new: bytes) -> bytes:
    """Change something in the directory only."""
    place = data.index(b"PK\x01\x02")
    assert old in data[place:]
    return data[:place] + data[place:].replace(old, new, 1)


SOUND_PAIR = ZipMaker(members=[A, B]).build()
REFUSED: dict[str, tuple[bytes, str]] = {
    "nothing at all": (b"", "zip.not-zip"),
    "something else": (b"<html>please log in</html>", "zip.not-zip"),
    "cut inside a member": (SOUND_PAIR[:60], "zip.truncated"),
    "cut inside the directory": (SOUND_PAIR[:-40], "zip.truncated"),
    "cut by one byte": (SOUND_PAIR[:-1], "zip.truncated"),
    "only a member": (b"PK\x03\x04", "zip.truncated"),
    "a byte in front, as of a program that unpacks itself": (
        ZipMaker(members=[A], prefix=b"#").build(),
        "zip.directory",
    ),
    "a byte in front that all offsets ignore": (b"#" + SOUND_PAIR, "zip.directory"),
    "a byte behind": (ZipMaker(members=[A], trailing=b"#").build(), "zip.comment"),
    "a comment": (ZipMaker(members=[A], comment=b"by hand").build(), "zip.comment"),
    "a comment that holds another end record": (
        ZipMaker(members=[A], comment=ZipMaker(members=[]).build()).build(),
        "zip.directory",
    ),
    "an announced comment that is not there": (ZipMaker(members=[A], end={"comment": 7}).build(), "zip.comment"),
    "two archives, one behind the other": (SOUND_PAIR + ZipMaker(members=[A]).build(), "zip.directory"),
    "bytes between two members": (ZipMaker(members=[A, replace(B, before=b"hidden")]).build(), "zip.overlap"),
    "a member that the directory does not mention": (
        ZipMaker(members=[A, replace(B, before=ZipMaker(members=[])._local(Member(name=b"C", data=b"x")))]).build(),
        "zip.overlap",
    ),
    "much between two members": (ZipMaker(members=[A, replace(B, before=b"h" * 200_000)]).build(), "zip.overlap"),
    "bytes between the members and the directory": (
        ZipMaker(members=[A], before_directory=b"hidden").build(),
        "zip.overlap",
    ),
    "bytes between the directory and the end": (ZipMaker(members=[A], after_directory=b"x").build(), "zip.directory"),
    "bytes in an archive without members": (ZipMaker(members=[], before_directory=b"x").build(), "zip.directory"),
    "fewer entries counted than there are": (
        ZipMaker(members=[A, B], end={"here": 1, "count": 1}).build(),
        "zip.directory",
    ),
    "more entries counted than there are": (
        ZipMaker(members=[A, B], end={"here": 3, "count": 3}).build(),
        "zip.directory",
    ),
    "a directory of another size": (ZipMaker(members=[A, B], end={"size": 10}).build(), "zip.directory"),
    "a directory in another place": (ZipMaker(members=[A, B], end={"offset": 1}).build(), "zip.directory"),
    "an entry that reaches beyond the directory": (
        in_directory(SOUND_PAIR, b"B-2.json", b"B-2.json")[: -22 - 4] + SOUND_PAIR[-22:],
        "zip.directory",
    ),
    "an entry without its mark": (in_directory(SOUND_PAIR, b"PK\x01\x02", b"PK\x01\x03"), "zip.directory"),
    "an archive in parts": (ZipMaker(members=[A], end={"disk": 1, "first": 1}).build(), "zip.split"),
    "an archive in parts, by the place of its directory": (
        ZipMaker(members=[A], end={"first": 1}).build(),
        "zip.split",
    ),
    "an archive whose parts count differently": (ZipMaker(members=[A], end={"here": 0}).build(), "zip.split"),
    "an archive in parts without the large records": (
        ZipMaker(members=[A], end={"disk": 0xFFFF, "first": 0xFFFF}).build(),
        "zip.split",
    ),
    "a member in another part": (ZipMaker(members=[replace(A, disk=1)]).build(), "zip.split"),
    "large records in another part": (ZipMaker(members=[A], zip64=True, locator={"disk": 1}).build(), "zip.split"),
    "large records in several parts": (ZipMaker(members=[A], zip64=True, locator={"disks": 2}).build(), "zip.split"),
    "a large record of another part": (ZipMaker(members=[A], zip64=True, end64={"disk": 1}).build(), "zip.split"),
    "a large record that counts differently": (
        ZipMaker(members=[A], zip64=True, end64={"here": 2}).build(),
        "zip.split",
    ),
    "a locator that points elsewhere": (
        ZipMaker(members=[A], zip64=True, locator={"place": 3}).build(),
        "zip.directory",
    ),
    "a locator without a large record": (
        ZipMaker(members=[], after_directory=b"PK\x06\x07" + struct.pack("<LQL", 0, 0, 1)).build(),
        "zip.directory",
    ),
    "a large record with room for more": (
        ZipMaker(members=[A], zip64=True, end64={"length": 45}).build(),
        "zip.directory",
    ),
    "end records that disagree on the count": (
        ZipMaker(members=[A], zip64=True, end={"here": 2, "count": 2}).build(),
        "zip.directory",
    ),
    "end records that disagree on the size": (
        ZipMaker(members=[A], zip64=True, end={"size": 5}).build(),
        "zip.directory",
    ),
    "end records that disagree on the place": (
        ZipMaker(members=[A], zip64=True, end={"offset": 5}).build(),
        "zip.directory",
    ),
    "two members of one name": (ZipMaker(members=[A, replace(B, name=b"A-1.json")]).build(), "zip.duplicate"),
    "a file and a directory of one name": (
        ZipMaker(members=[replace(A, name=b"d"), Member(name=b"d/", method=0, attributes=0)]).build(),
        "zip.duplicate",
    ),
    "two entries for the same bytes": (ZipMaker(members=[A, replace(B, offset=0)]).build(), "zip.overlap"),
    "a member inside another": (ZipMaker(members=[A, replace(B, offset=10)]).build(), "zip.overlap"),
    "a member beyond the directory": (ZipMaker(members=[A, replace(B, offset=5000)]).build(), "zip.overlap"),
    "a member that is longer than its place": (
        ZipMaker(members=[replace(A, packed_size=len(A.content()) + 30), B]).build(),
        "zip.overlap",
    ),
    "a member that is a little longer than its place": (
        ZipMaker(
            members=[replace(A, packed_size=len(A.content()) + 5, local={"packed": len(A.content()) + 5})]
        ).build(),
        "zip.overlap",
    ),
    "another name in front of the member": (
        ZipMaker(members=[replace(A, local_name=b"A-2.json")]).build(),
        "zip.entry",
    ),
    "another method in front of the member": (ZipMaker(members=[replace(A, local={"method": 0})]).build(), "zip.entry"),
    "other flags in front of the member": (ZipMaker(members=[replace(A, local={"flags": 2})]).build(), "zip.entry"),
    "another checksum in front of the member": (ZipMaker(members=[replace(A, local={"crc": 1})]).build(), "zip.entry"),
    "another size in front of the member": (ZipMaker(members=[replace(A, local={"size": 1})]).build(), "zip.entry"),
    "no sizes in front although no descriptor follows": (
        ZipMaker(members=[replace(A, local={"crc": 0, "packed": 0, "size": 0})]).build(),
        "zip.entry",
    ),
    "no member where the directory says": (SOUND_PAIR.replace(b"PK\x03\x04", b"PK\x03\x05", 1), "zip.entry"),
    "a name that is longer than the member": (
        ZipMaker(members=[replace(A, data=b"", method=0)])
        .build()
        .replace(b"\x08\x00\x00\x00A-1.json", b"\xff\x00\x00\x00A-1.json", 1),
        "zip.entry",
    ),
    "a descriptor that lies": (
        ZipMaker(members=[replace(A, flags=8, descriptor=b"PK\x07\x08" + bytes(12))]).build(),
        "zip.entry",
    ),
    "no descriptor where one is announced": (
        ZipMaker(members=[replace(A, flags=8, descriptor=b"")]).build(),
        "zip.entry",
    ),
    "a descriptor where none is announced": (
        ZipMaker(members=[replace(A, descriptor=b"PK\x07\x08" + bytes(12))]).build(),
        "zip.overlap",
    ),
    "stored content whose length follows it": (ZipMaker(members=[replace(A, method=0, flags=8)]).build(), "zip.entry"),
    "an encrypted member": (ZipMaker(members=[replace(A, flags=1)]).build(), "zip.encrypted"),
    "a strongly encrypted member": (ZipMaker(members=[replace(A, flags=0x41)]).build(), "zip.encrypted"),
    "hidden headers": (ZipMaker(members=[replace(A, flags=0x2000)]).build(), "zip.entry"),
    "a patch": (ZipMaker(members=[replace(A, flags=0x20)]).build(), "zip.entry"),
    "another compression": (ZipMaker(members=[replace(A, method=12)]).build(), "zip.method"),
    "a stored member of two sizes": (ZipMaker(members=[replace(A, method=0, size=4)]).build(), "zip.size"),
    "a directory with content": (ZipMaker(members=[Member(name=b"d/", data=b"x", attributes=0)]).build(), "zip.entry"),
    "a link": (ZipMaker(members=[replace(A, attributes=0o120777 << 16)]).build(), "zip.link"),
    "a device": (ZipMaker(members=[replace(A, attributes=0o060666 << 16)]).build(), "zip.link"),
    "a file that calls itself a directory": (
        ZipMaker(members=[Member(name=b"d/", method=0, attributes=0o100644 << 16)]).build(),
        "zip.link",
    ),
    "a name that climbs": (ZipMaker(members=[replace(A, name=b"../A-1.json")]).build(), "zip.path"),
    "an absolute name": (ZipMaker(members=[replace(A, name=b"/A-1.json")]).build(), "zip.path"),
    "a name with a backslash": (ZipMaker(members=[replace(A, name=b"..\\A-1.json")]).build(), "zip.path"),
    "a name with NUL": (ZipMaker(members=[replace(A, name=b"A-1.json\x00.txt")]).build(), "zip.path"),
    "an empty name": (ZipMaker(members=[replace(A, name=b"")]).build(), "zip.path"),
    "a name of nothing but a slash": (
        ZipMaker(members=[Member(name=b"/", method=0, attributes=0)]).build(),
        "zip.path",
    ),
    "a name in an old code page": (ZipMaker(members=[replace(A, name=b"\x82.json")]).build(), "zip.name"),
    "a name that is not the UTF-8 it says": (
        ZipMaker(members=[replace(A, name=b"\xff.json", flags=0x800)]).build(),
        "zip.name",
    ),
    "a second name in an extra field": (
        ZipMaker(members=[replace(A, central_extra=b"\x75\x70\x06\x00\x01\x00\x00\x00\x00B")]).build(),
        "zip.name",
    ),
    "extra fields that are cut short": (
        ZipMaker(members=[replace(A, central_extra=b"UT\x09\x00x")]).build(),
        "zip.entry",
    ),
    "an extra field that is there twice": (
        ZipMaker(members=[replace(A, central_extra=b"UT\x00\x00UT\x00\x00")]).build(),
        "zip.entry",
    ),
    "a zip64 field that nobody asked for": (ZipMaker(members=[replace(A, central_extra=WIDE)]).build(), "zip.entry"),
    "a zip64 field that is too short": (
        ZipMaker(
            members=[replace(A, size=FULL, packed_size=FULL, central_extra=WIDE[:2] + b"\x08\x00" + WIDE[4:12])]
        ).build(),
        "zip.entry",
    ),
    "zip64 fields that disagree": (
        ZipMaker(
            members=[replace(A, local={"size": FULL, "packed": FULL}, local_extra=struct.pack("<HHQQ", 1, 16, 1, 1))]
        ).build(),
        "zip.entry",
    ),
    "a wrong checksum": (ZipMaker(members=[replace(A, crc=1, local={"crc": 1})]).build(), "zip.crc"),
    "fewer bytes than stated": (
        ZipMaker(members=[replace(A, size=len(TEXT) + 1, local={"size": len(TEXT) + 1})]).build(),
        "zip.size",
    ),
    "more bytes than stated": (ZipMaker(members=[replace(A, size=3, local={"size": 3})]).build(), "zip.size"),
    "content that is not deflated": (ZipMaker(members=[replace(A, packed=b"\xff" * 20)]).build(), "zip.deflate"),
    "deflated content without its end": (
        ZipMaker(members=[replace(A, packed=A.content()[:-2])]).build(),
        "zip.deflate",
    ),
    "bytes after the deflated content": (
        ZipMaker(members=[replace(A, packed=A.content() + b"x")]).build(),
        "zip.deflate",
    ),
    "a size that no packing reaches": (ZipMaker(members=[replace(A, size=1 << 28)]).build(), "zip.ratio"),
}


@pytest.mark.parametrize(("data", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_what_readers_could_see_differently_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(FormatError) as caught:
        contents(data)
    assert caught.value.code == code
    assert caught.value.hint


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = Member(name=b"A.json", data=bytes(12 << 20))
    with pytest.raises(FormatError) as caught:
        open_zip(ZipMaker(members=[bomb]).build(), where="x.zip")
    assert caught.value.code == "zip.ratio"


def test_bounds_hold_for_file_directory_member_and_sum() -> None:
    data = make_zip({"a": TEXT, "b": TEXT})
    for limits in (
        replace(DEFAULT_LIMITS, zip_bytes=len(data) - 1),
        replace(DEFAULT_LIMITS, zip_entries=1),
        replace(DEFAULT_LIMITS, zip_directory_bytes=20),
        replace(DEFAULT_LIMITS, zip_unpacked_bytes=2 * len(TEXT) - 1),
    ):
        with pytest.raises(FormatError) as caught:
            open_zip(data, where="x.zip", limits=limits)
        assert caught.value.code == "zip.too-large"
    with pytest.raises(FormatError) as caught:
        open_zip(data, where="x.zip", max_entry_bytes=len(TEXT) - 1)
    assert caught.value.code == "zip.too-large"
    assert len(open_zip(data, where="x.zip", max_entry_bytes=len(TEXT)).entries) == 2
    with pytest.raises(FormatError, match="unpacked"):
        open_zip(data, where="x.zip", max_unpacked_bytes=len(TEXT))


class Shrinking:
    """A file that somebody cuts while it is read."""

    def __init__(self, data: bytes) -> None:
        self.size = len(data)
        self.data = data

    def read(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]


def test_a_file_that_shrinks_while_it_is_read_is_refused() -> None:
    source = Shrinking(SOUND_PAIR)
    archive = open_zip(source, where="x.zip")
    source.data = source.data[:40]
    with pytest.raises(FormatError) as caught:
        list(archive.members())
    assert caught.value.code == "zip.truncated"
    source = Shrinking(SOUND_PAIR)
    original = source.data

    def read(offset: int, length: int) -> bytes:
        return original[offset : offset + length][: 30 if length > 40 else None]

    source.read = read  # type: ignore[method-assign]  # a source that stops giving
    with pytest.raises(FormatError) as caught:
        open_zip(source, where="x.zip")
    assert caught.value.code == "zip.truncated"


def test_python_s_own_archives_are_read() -> None:
    for compression in (zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", compression) as archive:
            archive.writestr("a.json", TEXT)
            with archive.open("b.json", "w", force_zip64=True) as stream:
                stream.write(TEXT)
        assert contents(buffer.getvalue()) == {"a.json": TEXT, "b.json": TEXT}


@given(st.data())
def test_one_changed_byte_never_changes_what_is_read(data: st.DataObject) -> None:
    whole = ZipMaker(members=[A, replace(B, flags=8)], zip64=data.draw(st.booleans())).build()
    place = data.draw(st.integers(0, len(whole) - 1))
    changed = bytearray(whole)
    changed[place] ^= data.draw(st.integers(1, 255))
    try:
        found = contents(bytes(changed))
    except FormatError:
        return
    assert found == contents(whole)


@given(st.binary(max_size=300), st.binary(max_size=40))
def test_nothing_but_a_refusal_escapes(noise: bytes, more: bytes) -> None:
    for candidate in (
        noise,
        SOUND_PAIR + noise,
        b"PK\x03\x04" + noise,
        SOUND_PAIR[: len(noise)] + more + SOUND_PAIR[len(noise) :],
    ):
        with contextlib.suppress(VxsecError):
            contents(candidate)
