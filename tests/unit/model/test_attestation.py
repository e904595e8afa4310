"""What DSSE signs: the pre-authentication encoding, with the specification's own vectors."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vxsec.model.attestation import INTOTO_PAYLOAD_TYPE, pae

# secure-systems-lab/dsse: protocol.md (the example) and the reference implementation's own checks.
VECTORS: dict[str, tuple[str, bytes, bytes]] = {
    "the example of the protocol": (
        "http://example.com/HelloWorld",
        b"hello world",
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world",
    ),
    "nothing, of no type": ("", b"", b"DSSEv1 0  0 "),
    "lengths count bytes, not letters": ("\u00e9", b"\xc3\xa9", b"DSSEv1 2 \xc3\xa9 2 \xc3\xa9"),
    "bytes are not text": ("t", b"\x00\xff\n", b"DSSEv1 1 t 3 \x00\xff\n"),
    "a statement": (INTOTO_PAYLOAD_TYPE, b"{}", b"DSSEv1 28 application/vnd.in-toto+json 2 {}"),
}


@pytest.mark.parametrize(("kind", "payload", "signed"), VECTORS.values(), ids=VECTORS.keys())
def test_vectors(kind: str, payload: bytes, signed: bytes) -> None:
    assert pae(kind, payload) == signed


@given(st.text(), st.binary(), st.text(), st.binary())
def test_two_different_envelopes_are_never_signed_alike(kind: str, payload: bytes, other: str, bytes_: bytes) -> None:
    assert (pae(kind, payload) == pae(other, bytes_)) == ((kind, payload) == (other, bytes_))


@given(st.text(" 0123456789", max_size=6), st.binary(max_size=6), st.integers(0, 6))
def test_moving_the_border_between_type_and_payload_changes_what_is_signed(kind: str, payload: bytes, cut: int) -> None:
    moved = (kind[:cut], kind[cut:].encode() + payload)
    if moved != (kind, payload):
        assert pae(*moved) != pae(kind, payload)
