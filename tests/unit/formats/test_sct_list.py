"""Certificate timestamps: TLS structures with nothing missing and nothing left over."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.certificate_kit import sct, sct_list, vector
from vxsec.errors import FormatError
from vxsec.formats.sct_list import read_sct_list
from vxsec.model.certificate import SignedCertificateTimestamp


def test_every_field_is_read_and_order_is_kept() -> None:
    found = read_sct_list(sct_list(sct(extensions=b"\x00\x00\x05\x00\x00\x00\x00p"), sct(log_id=b"m" * 32)), where="s")
    assert found[0] == SignedCertificateTimestamp(
        version=0,
        log_id=b"l" * 32,
        timestamp_ms=1_768_517_364_925,
        extensions=b"\x00\x00\x05\x00\x00\x00\x00p",
        hash_algorithm=4,
        signature_algorithm=3,
        signature=b"signature",
    )
    assert (found[1].log_id, found[1].extensions) == (b"m" * 32, b"")


REFUSED = {
    "nothing": b"",
    "half a length": b"\x00",
    "an empty list": vector(b""),
    "an empty timestamp": sct_list(b""),
    "bytes behind the list": sct_list(sct()) + b"\x00",
    "a list that is cut off": sct_list(sct())[:-1],
    "bytes behind a signature": sct_list(sct() + b"\x00"),
    "a signature that is cut off": sct_list(sct()[:-1]),
    "extensions longer than the rest": sct_list(bytes(41) + b"\xff\xff"),
    "a log id that is cut off": sct_list(bytes(20)),
    "a timestamp of v2": sct_list(sct(version=1)),
    "no hash": sct_list(sct(algorithms=b"\x00\x03")),
    "an unknown hash": sct_list(sct(algorithms=b"\x07\x03")),
    "an anonymous signature": sct_list(sct(algorithms=b"\x04\x00")),
    "an unknown signature": sct_list(sct(algorithms=b"\x04\x04")),
    "a time beyond the year 9999": sct_list(sct(timestamp_ms=253_402_300_800_000)),
}


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED.keys())
def test_refuses(data: bytes) -> None:
    with pytest.raises(FormatError) as caught:
        read_sct_list(data, where="s")
    assert (caught.value.code, caught.value.where) == ("sct.malformed", "s")


def test_more_timestamps_than_allowed_are_refused_not_cut() -> None:
    assert len(read_sct_list(sct_list(*[sct()] * 32), where="s")) == 32
    with pytest.raises(FormatError) as caught:
        read_sct_list(sct_list(*[sct()] * 33), where="s")
    assert caught.value.code == "sct.too-many"


@given(st.binary(max_size=120))
def test_nothing_but_a_format_error_escapes(data: bytes) -> None:
    for candidate in (data, vector(data), sct_list(data)):
        with contextlib.suppress(FormatError):
            read_sct_list(candidate, where="s")
