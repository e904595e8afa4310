"""Core metadata: every field once, as the specification says, or a refusal."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vxsec.errors import FormatError
from vxsec.formats.core_metadata import normalise_pypi_name, read_core_metadata, read_header_block
from vxsec.limits import DEFAULT_LIMITS

MINIMAL = b"Metadata-Version: 2.4\nName: Vx_Sec.kit\nVersion: 1.0\n"


def test_the_name_is_normal_and_the_version_as_stated() -> None:
    manifest = read_core_metadata(MINIMAL, where="METADATA")
    assert manifest.package.purl == "pkg:pypi/vx-sec-kit@1.0"
    assert manifest.document == {"Metadata-Version": "2.4", "Name": "Vx_Sec.kit", "Version": "1.0"}


def test_fields_keep_their_specified_spelling_and_the_body_is_the_description() -> None:
    data = MINIMAL + (
        b"license-expression: MIT\nRequires-Dist: b\nREQUIRES-DIST: a>=1\nX-Own: 1\nKeywords:\n\n# Title\n\nText: x\n"
    )
    document = read_core_metadata(data, where="METADATA").document
    assert document["License-Expression"] == "MIT"
    assert document["Requires-Dist"] == ["b", "a>=1"]
    assert document["x-own"] == ["1"]
    assert document["Keywords"] == ""
    assert document["Description"] == "# Title\n\nText: x\n"


def test_continued_lines_belong_to_their_field() -> None:
    data = MINIMAL.replace(b"\n", b"\r\n") + b"License: one\r\n  two\r\n\tthree\r\n"
    assert read_core_metadata(data, where="METADATA").document["License"] == "one\n two\nthree"


REFUSED = {
    "nothing": (b"", "metadata.malformed"),
    "an empty line first": (b"\n" + MINIMAL, "metadata.malformed"),
    "a line that is no field": (MINIMAL + b"hello\n", "metadata.malformed"),
    "a mailbox's From line": (b"From me Sat\n" + MINIMAL, "metadata.malformed"),
    "a blank before the colon": (MINIMAL + b"License : MIT\n", "metadata.malformed"),
    "a continued line before any field": (b" x\n" + MINIMAL, "metadata.malformed"),
    "a carriage return within a line": (MINIMAL + b"License: a\rName: b\n", "metadata.malformed"),
    "a form feed, which some take as the end of a line": (MINIMAL + b"License: a\x0cName: b\n", "metadata.malformed"),
    "a Unicode line separator": (MINIMAL + "License: a\u2028Name: b\n".encode(), "metadata.malformed"),
    "a carriage return in the body": (MINIMAL + b"\na\rb", "metadata.malformed"),
    "an escape sequence": (MINIMAL + b"License: \x1b[2J\n", "metadata.malformed"),
    "bytes that are not UTF-8": (MINIMAL + b"Author: \xff\n", "metadata.encoding"),
    "a byte order mark": (b"\xef\xbb\xbf" + MINIMAL, "metadata.malformed"),
    "two names": (MINIMAL + b"name: other\n", "metadata.duplicate"),
    "two versions": (MINIMAL + b"Version: 2.0\n", "metadata.duplicate"),
    "two licences": (MINIMAL + b"License: a\nLicense: b\n", "metadata.duplicate"),
    "a description twice": (MINIMAL + b"Description: a\n\nb\n", "metadata.duplicate"),
    "no name": (b"Metadata-Version: 2.4\nVersion: 1.0\n", "metadata.malformed"),
    "no version": (b"Metadata-Version: 2.4\nName: a\n", "metadata.malformed"),
    "an empty name": (b"Metadata-Version: 2.4\nName: \nVersion: 1.0\n", "metadata.malformed"),
    "no metadata version": (b"Name: a\nVersion: 1.0\n", "metadata.malformed"),
    "a metadata version of the future": (MINIMAL.replace(b"2.4", b"3.0"), "metadata.version"),
    "a name that climbs": (MINIMAL.replace(b"Vx_Sec.kit", b"../a"), "metadata.name"),
    "a name that ends in a dot": (MINIMAL.replace(b"Vx_Sec.kit", b"a."), "metadata.name"),
    "a name in another alphabet": (MINIMAL.replace(b"Vx_Sec.kit", "\u0430".encode()), "metadata.name"),
    "a name of 300 letters": (MINIMAL.replace(b"Vx_Sec.kit", b"a" * 300), "metadata.name"),
    "a version that is none": (MINIMAL.replace(b"1.0", b"latest"), "metadata.release"),
    "a version with a path in it": (MINIMAL.replace(b"1.0", b"1.0/../2"), "metadata.release"),
    "a version in other digits": (MINIMAL.replace(b"1.0", "\u0661.0".encode()), "metadata.release"),
    "a version of a thousand digits": (MINIMAL.replace(b"1.0", b"1" * 1000), "metadata.release"),
    "more lines than any metadata has": (MINIMAL + b"Keywords: a\n" + b"Platform: b\n" * 10_000, "metadata.malformed"),
}


@pytest.mark.parametrize(("data", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses(data: bytes, code: str) -> None:
    with pytest.raises(FormatError) as caught:
        read_core_metadata(data, where="METADATA")
    assert caught.value.code == code
    assert caught.value.hint


def test_refuses_more_bytes_than_the_limit() -> None:
    with pytest.raises(FormatError) as caught:
        read_core_metadata(MINIMAL, where="METADATA", limits=replace(DEFAULT_LIMITS, manifest_bytes=10))
    assert caught.value.code == "metadata.too-large"


@given(st.binary(max_size=200) | st.text(alphabet="Name: Version1.\n\t\r", max_size=120).map(str.encode))
def test_nothing_but_our_own_error_escapes(data: bytes) -> None:
    for candidate in (data, MINIMAL + data):
        with suppress(FormatError):
            read_core_metadata(candidate, where="METADATA")


@given(st.lists(st.tuples(st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,8}", fullmatch=True), st.text("ab :-1", max_size=9))))
def test_what_is_written_is_read(fields: list[tuple[str, str]]) -> None:
    block = "".join(f"{name}: {value}\n" for name, value in fields) or "A: b\n"
    read, body = read_header_block(block.encode() + b"\nbody", where="x")
    assert body == "body"
    assert [value for _, value in read] == [value.strip() for _, value in fields or [("A", "b")]]


@given(st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,20}[A-Za-z0-9])?", fullmatch=True))
def test_the_normal_form_is_a_fixed_point(name: str) -> None:
    normal = normalise_pypi_name(name, where="x")
    assert normalise_pypi_name(normal, where="x") == normal
