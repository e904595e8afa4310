"""DER in its only encoding, and nothing else."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.certificate_kit import oid
from vxsec.errors import FormatError
from vxsec.formats.der import Der, read_only, render_der

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize("size", [0, 1, 127, 128, 255, 256, 65535, 65536])
def test_what_is_written_is_read_back(size: int) -> None:
    content = b"x" * size
    element = read_only(render_der(0x04, content), 0x04)
    assert (element.content, element.whole) == (content, render_der(0x04, content))


def test_elements_are_read_one_after_the_other() -> None:
    reader = Der(render_der(0x02, b"\x01") + render_der(0x0C, "ä".encode()))
    assert reader.peek() == 0x02
    assert reader.optional(0x0C) is None
    assert reader.next(0x02).integer() == 1
    optional = reader.optional(0x0C)
    assert optional is not None
    assert optional.text() == "ä"
    assert (reader.at_end, reader.peek()) == (True, None)
    assert reader.optional(0x0C) is None


@pytest.mark.parametrize(
    ("content", "value"),
    [(b"\x00", 0), (b"\x7f", 127), (b"\x00\x80", 128), (b"\x80", -128), (b"\xff\x7f", -129), (b"\xff", -1)],
)
def test_integers(content: bytes, value: int) -> None:
    assert read_only(render_der(0x02, content), 0x02).integer() == value


@pytest.mark.parametrize("dotted", ["0.0", "1.3.6.1.4.1.57264.1.8", "2.5.29.17", "2.999.1", "1.39", "2.5.4.128.0.127"])
def test_object_identifiers(dotted: str) -> None:
    assert read_only(render_der(0x06, oid(dotted)), 0x06).oid() == dotted


def test_times_with_two_digits_turn_in_1950_and_2050() -> None:
    times = [(0x17, b"500101000000Z"), (0x17, b"491231235959Z"), (0x18, b"20500101000000Z")]
    assert [read_only(render_der(tag, content), tag).time() for tag, content in times] == [
        datetime(1950, 1, 1, tzinfo=UTC),
        datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC),
        datetime(2050, 1, 1, tzinfo=UTC),
    ]


FRAMES = {
    "nothing": b"",
    "a tag without a length": b"\x30",
    "an indefinite length": b"\x30\x80\x00\x00",
    "a long length for a short one": b"\x04\x81\x01x",
    "a length with leading zeros": b"\x04\x82\x00\x80" + b"x" * 128,
    "a length of five bytes": b"\x04\x85\x01\x00\x00\x00\x00",
    "a reserved length": b"\x04\xff" + b"\x01" * 127,
    "a length that is cut off": b"\x04\x82\x01",
    "content that is cut off": b"\x04\x03ab",
    "a tag of two bytes": b"\x1f\x81\x01\x00",
    "another tag": b"\x05\x00",
    "more behind it": b"\x04\x00\x00",
}


@pytest.mark.parametrize("data", FRAMES.values(), ids=FRAMES.keys())
def test_refuses_frames(data: bytes) -> None:
    with pytest.raises(FormatError) as caught:
        read_only(data, 0x04)
    assert caught.value.code == "der.malformed"


def _boolean(data: bytes) -> object:
    return read_only(data, 0x01).boolean()


def _integer(data: bytes) -> object:
    return read_only(data, 0x02).integer()


def _bits(data: bytes) -> object:
    return read_only(data, 0x03).bits()


def _oid(data: bytes) -> object:
    return read_only(data, 0x06).oid()


def _text(data: bytes) -> object:
    return read_only(data, 0x0C).text()


def _time(data: bytes) -> object:
    return Der(data).next().time()


VALUES: dict[str, tuple[Callable[[bytes], object], int, bytes]] = {
    "a boolean of 01": (_boolean, 0x01, b"\x01"),
    "a boolean of two bytes": (_boolean, 0x01, b"\xff\xff"),
    "an empty boolean": (_boolean, 0x01, b""),
    "an empty integer": (_integer, 0x02, b""),
    "a positive integer with a zero before it": (_integer, 0x02, b"\x00\x7f"),
    "a negative integer with ones before it": (_integer, 0x02, b"\xff\x80"),
    "an empty bit string": (_bits, 0x03, b""),
    "a bit string with unused bits": (_bits, 0x03, b"\x04\xf0"),
    "an empty object identifier": (_oid, 0x06, b""),
    "an object identifier that is cut off": (_oid, 0x06, b"\x2b\x86"),
    "an arc with leading zeros": (_oid, 0x06, b"\x2b\x80\x01"),
    "a first arc with leading zeros": (_oid, 0x06, b"\x80\x2b"),
    "an endless object identifier": (_oid, 0x06, b"\x2b" * 65),
    "text that is not UTF-8": (_text, 0x0C, b"\xff"),
    "a time that is a text": (_time, 0x0C, b"261121120000Z"),
    "a time without seconds": (_time, 0x17, b"2611211200Z"),
    "a time with an offset": (_time, 0x17, b"261121120000+0000"),
    "a time with a line end": (_time, 0x17, b"261121120000Z\n"),
    "a time with fractions": (_time, 0x18, b"20501121120000.5Z"),
    "the thirteenth month": (_time, 0x17, b"261321120000Z"),
    "a leap second": (_time, 0x17, b"261231235960Z"),
    "the year 0": (_time, 0x18, b"00000101000000Z"),
    "a long time before 2050": (_time, 0x18, b"20261121120000Z"),
}


@pytest.mark.parametrize(("read", "tag", "content"), VALUES.values(), ids=VALUES.keys())
def test_refuses_values(read: Callable[[bytes], object], tag: int, content: bytes) -> None:
    with pytest.raises(FormatError) as caught:
        read(render_der(tag, content))
    assert caught.value.code == "der.malformed"


@given(st.binary(max_size=40))
def test_an_element_that_is_read_is_the_bytes_it_would_be_written_as(data: bytes) -> None:
    with contextlib.suppress(FormatError):
        element = Der(data).next()
        assert render_der(element.tag, element.content) == element.whole == data[: len(element.whole)]
