"""cosign's encrypted key file: opened with the password, refused otherwise, bounded always."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.signing_kit import signer
from vxsec.errors import ConfigurationError
from vxsec.formats.cosign_key import decrypt_key, encrypt_key, is_encrypted
from vxsec.signing.key import KeySigner, generate_pkcs8

PKCS8 = generate_pkcs8()
ENCRYPTED = encrypt_key(PKCS8, b"pass", salt=b"s" * 32, nonce=b"n" * 24)
# Made by cosign 3.1.3, `cosign generate-key-pair` with COSIGN_PASSWORD=pw; a test key that signs nothing.
BY_COSIGN = b"""-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----
eyJrZGYiOnsibmFtZSI6InNjcnlwdCIsInBhcmFtcyI6eyJOIjo2NTUzNiwiciI6
OCwicCI6MX0sInNhbHQiOiJCQzcrWDRzOUN5RUJVUkNNV2Z4eUltT2w2bU4yRXpD
MzRxS3hOdU1wRUlrPSJ9LCJjaXBoZXIiOnsibmFtZSI6Im5hY2wvc2VjcmV0Ym94
Iiwibm9uY2UiOiJ2UW11bUI0cHQvWjhKMlRBSGZHU2lDNGFEQjVOZGg1UyJ9LCJj
aXBoZXJ0ZXh0IjoiK3VicUliazVTMWlleGVxcGNIeEZsWlZsWENhNnNNS0dtek8v
MEgxVUZyOTg5SzZ6djhKakw1clVpNXZGQlhWeXpQc3lreEFQSW51M0NPL1drTzBI
SnN0cWprdzdoMmhFRDc1dExUM29kNjN5U3p2dkxrdmRDczNTdndWNnJWNVpObkRL
SGt3dS9vMkRHQ3dyQi80Qi8wNC9odFdSS201ZTcxcVJyRnZLYzNuVkp0MDRma2x6
Tmd4SE5rQjMzYnYxaEtSVGxlQ1dhajhJN1E9PSJ9
-----END ENCRYPTED SIGSTORE PRIVATE KEY-----
"""


def _document() -> dict[str, Any]:
    body = b"".join(ENCRYPTED.split(b"-----")[2].split())
    document: dict[str, Any] = json.loads(base64.b64decode(body))
    return document


def _file(document: object, label: str = "ENCRYPTED SIGSTORE PRIVATE KEY") -> bytes:
    body = base64.b64encode(json.dumps(document).encode()).decode()
    return f"-----BEGIN {label}-----\n{body}\n-----END {label}-----\n".encode()


def _with(path: str, value: object) -> bytes:
    document = _document()
    *parents, last = path.split(".")
    node = document
    for name in parents:
        node = node[name]
    node[last] = value
    return _file(document)


def _plain(data: bytes, label: str = "PRIVATE KEY") -> bytes:
    return b"-----BEGIN %b-----\n%b\n-----END %b-----\n" % (label.encode(), base64.b64encode(data), label.encode())


def test_what_is_encrypted_opens_with_the_password() -> None:
    assert decrypt_key(ENCRYPTED, b"pass", where="ci.key") == PKCS8
    assert ENCRYPTED.startswith(b"-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n")
    assert is_encrypted(ENCRYPTED, where="ci.key")


def test_a_key_file_made_by_cosign_opens() -> None:
    assert KeySigner(decrypt_key(BY_COSIGN, b"pw", where="k"), where="k").algorithm == "ecdsa-p256"


def test_the_old_label_and_smaller_parameters_open_too() -> None:
    document = _document()
    document["kdf"]["params"] = {"N": 2, "r": 1, "p": 1}
    with pytest.raises(ConfigurationError) as caught:  # read as far as the password, which these parameters change
        decrypt_key(_file(document, "ENCRYPTED COSIGN PRIVATE KEY"), b"pass", where="k")
    assert caught.value.code == "key.wrong-password"
    assert decrypt_key(_file(_document(), "ENCRYPTED COSIGN PRIVATE KEY"), b"pass", where="k") == PKCS8


def test_an_unencrypted_key_needs_no_password() -> None:
    assert not is_encrypted(_plain(PKCS8), where="k")
    assert decrypt_key(_plain(PKCS8), b"", where="k") == PKCS8


def test_a_wrong_password_is_its_own_error() -> None:
    with pytest.raises(ConfigurationError, match="does not open") as caught:
        decrypt_key(ENCRYPTED, b"Pass", where="ci.key")
    assert (caught.value.code, caught.value.where, caught.value.exit_status) == ("key.wrong-password", "ci.key", 2)


MALFORMED = {
    "nothing": b"",
    "no PEM": b"hello",
    "a public key": _plain(signer("one").spki, "PUBLIC KEY"),
    "a SEC1 key": _plain(b"x", "EC PRIVATE KEY"),
    "a PKCS#5 key": _plain(b"x", "ENCRYPTED PRIVATE KEY"),
    "two keys": ENCRYPTED * 2,
    "labels that differ": b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n",
    "PEM that is not base64": b"-----BEGIN PRIVATE KEY-----\nA=AA\n-----END PRIVATE KEY-----\n",
    "more than 64 KiB": _plain(b"x" * 100_000),
    "no JSON inside": _plain(b"not json", "ENCRYPTED SIGSTORE PRIVATE KEY"),
    "another kdf": _with("kdf.name", "argon2"),
    "another cipher": _with("cipher.name", "aes"),
    "an unknown member": _with("extra", 1),
    "no ciphertext": _with("ciphertext", None),
    "an empty ciphertext": _with("ciphertext", ""),
    "a ciphertext that is not base64": _with("ciphertext", "%%%"),
    "a ciphertext of other letters": _with("ciphertext", "ä"),
    "a short nonce": _with("cipher.nonce", "AAAA"),
    "no salt": _with("kdf.salt", ""),
    "N that is no power of two": _with("kdf.params.N", 65535),
    "N of 1": _with("kdf.params.N", 1),
    "N below zero": _with("kdf.params.N", -2),
    "r of 0": _with("kdf.params.r", 0),
    "p of 0": _with("kdf.params.p", 0),
    "4 GiB of memory": _with("kdf.params.N", 4194304),
    "a terabyte by r": _with("kdf.params.r", 2**30),
    "hours of work by p": _with("kdf.params.p", 2**20),
    "N as text": _with("kdf.params.N", "65536"),
    "N as true": _with("kdf.params.N", True),
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED.keys())
def test_refuses(data: bytes) -> None:
    with pytest.raises(ConfigurationError) as caught:
        decrypt_key(data, b"pass", where="ci.key")
    assert caught.value.code == "key.malformed"
    assert (caught.value.where or "").startswith("ci.key")


def test_a_salt_or_nonce_of_a_wrong_length_is_a_defect_of_the_caller() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        encrypt_key(PKCS8, b"", salt=b"s", nonce=b"n" * 24)


@settings(max_examples=100)
@given(st.binary(max_size=100), st.sampled_from(["ENCRYPTED SIGSTORE PRIVATE KEY", "PUBLIC KEY"]))
def test_only_our_error_escapes(body: bytes, label: str) -> None:
    with pytest.raises(ConfigurationError):
        decrypt_key(_plain(body, label), b"", where="k")
