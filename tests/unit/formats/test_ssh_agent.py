"""Messages of an SSH agent."""

from __future__ import annotations

import struct

import pytest

from support.ssh_kit import string
from vxsec.errors import FormatError
from vxsec.formats.ssh_agent import LIST_KEYS, AgentRefusedError, read_keys, read_signed, request_signature


def _keys(*pairs: tuple[bytes, bytes], count: int | None = None) -> bytes:
    body = b"".join(string(key) + string(comment) for key, comment in pairs)
    return b"\x0c" + struct.pack(">I", len(pairs) if count is None else count) + body


def test_keys_are_listed_in_order() -> None:
    assert LIST_KEYS == b"\x0b"
    assert read_keys(_keys((b"one", b"a"), (b"two", b"")), where="s") == (b"one", b"two")
    assert read_keys(_keys(), where="s") == ()


def test_a_signature_is_asked_for_with_sha_512_and_read() -> None:
    assert request_signature(b"key", b"data") == b"\x0d" + string(b"key") + string(b"data") + b"\0\0\0\4"
    assert read_signed(b"\x0e" + string(b"signature"), where="s") == b"signature"


@pytest.mark.parametrize("answer", [b"\x05", b"\x1c", b"\x05junk"])
def test_no_is_an_answer(answer: bytes) -> None:
    for read in (read_keys, read_signed):
        with pytest.raises(AgentRefusedError) as caught:
            read(answer, where="s")
        assert caught.value.code == "ssh-agent.refused"


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x06", id="success, which answers another question"),
        pytest.param(b"\x0c", id="no count"),
        pytest.param(_keys((b"one", b""), count=2), id="fewer keys than counted"),
        pytest.param(_keys((b"one", b""), count=0), id="more keys than counted"),
        pytest.param(_keys(count=0xFFFFFFFF), id="four thousand million keys"),
        pytest.param(b"\x0e" + string(b"x")[:-1], id="half a signature"),
        pytest.param(b"\x0e" + string(b"x") + b"\0", id="a byte behind the signature"),
    ],
)
def test_what_is_malformed_is_refused(answer: bytes) -> None:
    for read in (read_keys, read_signed):
        with pytest.raises(FormatError) as caught:
            read(answer, where="s")
        assert caught.value.code == "ssh-agent.malformed"
