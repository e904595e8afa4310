"""DER as the test kit writes it, against bytes from the standards and against what cryptography encodes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from vxsec.testing.sigstore import der


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        pytest.param(der.integer(0), "020100", id="zero"),
        pytest.param(der.integer(127), "02017f", id="an integer of seven bits"),
        pytest.param(der.integer(128), "02020080", id="an integer that needs a leading zero"),
        pytest.param(der.integer(256), "02020100", id="an integer of two bytes"),
        pytest.param(der.boolean(True), "0101ff", id="true"),
        pytest.param(der.boolean(False), "010100", id="false"),
        pytest.param(der.object_identifier("1.2.840.113549"), "06062a864886f70d", id="RSA's object identifier"),
        pytest.param(der.object_identifier("2.999.3"), "0603883703", id="X.690's own example of an identifier"),
        pytest.param(der.utf8_string("é"), "0c02c3a9", id="text that is not ASCII"),
        pytest.param(der.octet_string(b"ab"), "04026162", id="octets"),
        pytest.param(der.set_of(b"\x02\x01\x02", b"\x02\x01\x01"), "3106020101020102", id="a set in order"),
        pytest.param(der.explicit(0, b"\x05\x00"), "a0020500", id="an explicit tag"),
        pytest.param(der.implicit(0, der.set_of(b"\x05\x00")), "a0020500", id="an implicit tag in place of a set's"),
        pytest.param(
            der.generalized_time(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
            "180f" + b"20260102030405Z".hex(),
            id="a time",
        ),
    ],
)
def test_a_value_is_written_as_the_standard_says(made: bytes, expected: str) -> None:
    assert made.hex() == expected


@pytest.mark.parametrize(
    ("length", "head"), [(127, "047f"), (128, "048180"), (255, "0481ff"), (256, "04820100"), (70_000, "0483011170")]
)
def test_long_contents_have_long_lengths(length: int, head: str) -> None:
    made = der.octet_string(bytes(length))
    assert made[: len(head) // 2].hex() == head
    value, rest = der.read(made)
    assert (value.content, value.encoded, rest) == (bytes(length), made, b"")


@given(st.lists(st.binary(max_size=300), max_size=5))
def test_what_is_written_is_read(contents: list[bytes]) -> None:
    data = der.sequence(*(der.octet_string(content) for content in contents))
    outer, rest = der.read(data)
    assert rest == b""
    assert [value.content for value in der.read_all(outer.content)] == contents


@given(st.integers(0, 2), st.integers(0, 39), st.lists(st.integers(0, 2**40), max_size=6))
def test_object_identifiers_are_those_of_cryptography(first: int, second: int, rest: list[int]) -> None:
    dotted = ".".join(map(str, (first, second, *rest)))
    names = x509.Name([x509.NameAttribute(x509.ObjectIdentifier(dotted), "x")])
    assert der.object_identifier(dotted) in names.public_bytes()


@pytest.mark.parametrize("data", [b"", b"\x04", b"\x04\x02a", b"\x04\x81", b"\x04\x82\x01\x00a"])
def test_bytes_that_end_too_early_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="found"):
        der.read(data)
