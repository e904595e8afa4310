"""Digests and npm's integrity strings: the strongest algorithm decides, and only one that was computed can match."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vxsec.errors import FormatError
from vxsec.model.digest import Integrity, digest_bytes

DATA = b"the bytes"
DIGESTS = digest_bytes(DATA)


def sri(algorithm: str, data: bytes = DATA) -> str:
    digest = hashlib.new(algorithm, data, usedforsecurity=False).digest()
    return f"{algorithm}-{base64.b64encode(digest).decode()}"


def test_known_answers_for_no_bytes() -> None:
    empty = digest_bytes(b"")
    assert empty.sha1 == "da39a3ee5e6b4b0d3255bfef95601890afd80709"
    assert empty.sha256 == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert empty.sha512.startswith("cf83e1357eefb8bdf1542850d66d8007d620e405")
    assert empty.size == 0


@given(st.binary())
def test_a_view_has_the_digests_of_its_bytes_and_states_them(data: bytes) -> None:
    digests = digest_bytes(memoryview(data))
    assert digests == digest_bytes(data)
    parsed = Integrity.parse(digests.integrity)
    assert parsed.matches(digests)
    assert not parsed.matches(digest_bytes(data + b"x"))
    assert not parsed.is_weak


ACCEPTED: dict[str, tuple[str, str]] = {
    "SHA-512": (sri("sha512"), "sha512"),
    "SHA-256": (sri("sha256"), "sha256"),
    "the stronger of two decides, whatever the order": (f"{sri('sha1', b'other')} {sri('sha512')}", "sha512"),
    "the same value twice": (f"{sri('sha512')} {sri('sha512')}", "sha512"),
    "options after a question mark": (f"{sri('sha512')}?foo", "sha512"),
    "white space around": (f"  {sri('sha512')}\n", "sha512"),
}


@pytest.mark.parametrize(("text", "strongest"), ACCEPTED.values(), ids=ACCEPTED.keys())
def test_matches_the_bytes(text: str, strongest: str) -> None:
    parsed = Integrity.parse(text)
    assert parsed.strongest == strongest
    assert parsed.matches(DIGESTS)


UNMATCHED = {
    "another SHA-512": sri("sha512", b"other"),
    "a right SHA-256 beside a wrong SHA-512": f"{sri('sha256')} {sri('sha512', b'other')}",
    "one of two values, which pins two files": f"{sri('sha512', b'other')} {sri('sha512')}",
    "a right SHA-1 is no proof": sri("sha1"),
    "a right MD5 is no proof": sri("md5"),
    "a right SHA-384, which is not computed": sri("sha384"),
    "a right SHA-256 below a SHA-384": f"{sri('sha256')} {sri('sha384')}",
}


@pytest.mark.parametrize("text", UNMATCHED.values(), ids=UNMATCHED.keys())
def test_does_not_match(text: str) -> None:
    assert not Integrity.parse(text).matches(DIGESTS)


@pytest.mark.parametrize(
    ("text", "weak"),
    [(sri("sha1"), True), (sri("md5"), True), (f"{sri('sha1')} {sri('sha256')}", False), (sri("sha384"), False)],
    ids=["SHA-1", "MD5", "SHA-1 beside SHA-256", "SHA-384"],
)
def test_weak_is_what_is_not_stronger_than_sha1(text: str, weak: bool) -> None:
    assert Integrity.parse(text).is_weak is weak


def test_two_values_of_the_deciding_algorithm_are_ambiguous_and_weaker_ones_do_not_matter() -> None:
    assert Integrity.parse(f"{sri('sha512')} {sri('sha512', b'other')}").is_ambiguous
    assert not Integrity.parse(f"{sri('sha512')} {sri('sha512')}").is_ambiguous
    assert not Integrity.parse(f"{sri('sha1')} {sri('sha1', b'other')} {sri('sha512')}").is_ambiguous


MALFORMED = {
    "nothing": "",
    "white space only": " \n",
    "no dash": "sha512",
    "an unknown algorithm": "sha3-" + "A" * 86 + "==",
    "an algorithm in capitals": "SHA512-" + "A" * 86 + "==",
    "no digest": "sha512-",
    "not base64": "sha512-***",
    "base64 for URLs": "sha512-" + "_" * 86 + "==",
    "without its padding": "sha512-" + "A" * 86,
    "a digest too short": "sha512-" + base64.b64encode(bytes(63)).decode(),
    "a SHA-256 that says SHA-512": "sha512-" + base64.b64encode(bytes(32)).decode(),
    "one good and one malformed": f"{sri('sha512')} sha512-AA==",
    "letters beyond ASCII": "sha512-\u00e9" + "A" * 87,
}


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED.keys())
def test_refuses(text: str) -> None:
    with pytest.raises(FormatError) as caught:
        Integrity.parse(text)
    assert caught.value.code == "integrity.malformed"
