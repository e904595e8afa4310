"""The head of a private key file: which key, and whether a password opens it."""

from __future__ import annotations

import struct

import pytest

from support.ssh_kit import KINDS, ORDINARY, blob_of, hardware_file, make, private_body, private_file, string
from vxsec.errors import ConfigurationError
from vxsec.formats.ssh_private_key import is_private_key, read_private_head

PUBLIC = blob_of(make("ssh-ed25519"))
BCRYPT = string(b"salt") + struct.pack(">I", 24)


@pytest.mark.parametrize("kind", ORDINARY)
def test_a_file_names_its_key(kind: str) -> None:
    head = read_private_head(private_file(make(kind)), where="k")
    assert head.public == make(kind).public
    assert not head.encrypted
    assert is_private_key(private_file(make(kind)))


@pytest.mark.parametrize("kind", KINDS)
def test_a_handle_of_a_hardware_key_is_a_file_like_others(kind: str) -> None:
    assert read_private_head(hardware_file(make(kind)), where="k").public == make(kind).public


@pytest.mark.parametrize("rounds", [1, 16, 24, 1024])
def test_an_encrypted_file_says_so(rounds: int) -> None:
    options = string(b"salt") + struct.pack(">I", rounds)
    head = read_private_head(private_body(PUBLIC, cipher=b"aes256-ctr", kdf=b"bcrypt", options=options), where="k")
    assert head.encrypted


@pytest.mark.parametrize("data", [b"", b"ssh-ed25519 AAAA", b"x" * 300 + b"-----BEGIN OPENSSH PRIVATE KEY-----"])
def test_what_does_not_begin_like_one_is_no_private_key(data: bytes) -> None:
    assert not is_private_key(data)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n", id="the older form"),
        pytest.param(private_body(PUBLIC) * 2, id="two keys in two blocks"),
        pytest.param(private_body(PUBLIC).replace(b"b3Bl", b"b3=l"), id="not base64"),
        pytest.param(private_body(PUBLIC) + b" " * 70_000, id="too long"),
        pytest.param(private_body(PUBLIC, magic=b"openssh-key-v2\0"), id="another version"),
        pytest.param(private_body(PUBLIC, magic=b""), id="no magic"),
        pytest.param(private_body(PUBLIC, count=0), id="no key"),
        pytest.param(private_body(PUBLIC, count=2), id="two keys"),
        pytest.param(private_body(PUBLIC, kdf=b"pbkdf2", cipher=b"aes256-ctr"), id="another derivation"),
        pytest.param(private_body(PUBLIC, kdf=b"bcrypt", options=BCRYPT), id="a derivation without a cipher"),
        pytest.param(private_body(PUBLIC, cipher=b"aes256-ctr"), id="a cipher without a derivation"),
        pytest.param(private_body(PUBLIC, options=b"x"), id="options of no derivation"),
        pytest.param(
            private_body(PUBLIC, kdf=b"bcrypt", cipher=b"aes256-ctr", options=BCRYPT + b"x"), id="more options"
        ),
        pytest.param(
            private_body(PUBLIC, kdf=b"bcrypt", cipher=b"aes256-ctr", options=string(b"s") + bytes(4)), id="no rounds"
        ),
        pytest.param(
            private_body(PUBLIC, kdf=b"bcrypt", cipher=b"aes256-ctr", options=string(b"s") + struct.pack(">I", 1025)),
            id="rounds that take minutes",
        ),
        pytest.param(private_body(PUBLIC + b"\0"), id="a byte behind the public key"),
    ],
)
def test_what_is_malformed_is_refused(data: bytes) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_private_head(data, where="id_ed25519")
    assert caught.value.code == "key.malformed"
    assert caught.value.where == "id_ed25519"


def test_a_kind_that_is_not_allowed_is_refused() -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_private_head(private_body(string(b"ssh-ed448") + string(bytes(57))), where="k")
    assert caught.value.code == "key.unsupported"
    assert caught.value.hint
