"""Signers: every kind keeps the same contract, and what it signs verifies."""

from __future__ import annotations

import base64
import hashlib
from typing import NoReturn

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from support.signing_kit import plain
from vxsec.errors import ConfigurationError, UsageError, VerificationError
from vxsec.formats.cosign_key import encrypt_key
from vxsec.formats.public_key import key_algorithm
from vxsec.formats.sigstore_bundle import read_bundle
from vxsec.model.attestation import Envelope, MessageSignature, pae
from vxsec.signing.key import ALGORITHMS, KeySigner, generate_pkcs8
from vxsec.signing.signer import DigestSigner, sign_blob, sign_statement
from vxsec.signing.table import SIGNERS, open_signer
from vxsec.verification.keys import verify_digest_signature, verify_signature

DATA = b"some bytes"
SHA256 = hashlib.sha256(DATA).digest()


def _pem(pkcs8: bytes) -> bytes:
    return b"-----BEGIN PRIVATE KEY-----\n%b\n-----END PRIVATE KEY-----\n" % base64.b64encode(pkcs8)


PKCS8 = {algorithm: generate_pkcs8(algorithm) for algorithm in ALGORITHMS}
PLAIN = _pem(PKCS8["ecdsa-p256"])
ENCRYPTED = encrypt_key(PKCS8["ecdsa-p256"], b"pw", salt=b"s" * 32, nonce=b"n" * 24)


def _no_password() -> NoReturn:
    raise AssertionError("no password is needed")


def _no_environ(name: str) -> NoReturn:
    raise AssertionError(name)


def _no_file(path: str) -> NoReturn:
    raise AssertionError(path)


def _from_file(algorithm: str) -> DigestSigner:
    return plain(
        open_signer(
            "file:ci.key",
            read_file={"ci.key": _pem(PKCS8[algorithm])}.__getitem__,
            environ=_no_environ,
            password=_no_password,
        )
    )


def _from_env(algorithm: str) -> DigestSigner:
    value = {"VXSEC_KEY": _pem(PKCS8[algorithm]).decode()}
    return plain(open_signer("env:VXSEC_KEY", read_file=_no_file, environ=value.get, password=_no_password))


OPENERS = {"file": _from_file, "env": _from_env}


HELD_ELSEWHERE = {"gpg", "ssh", "keyless"}
"""With the real programs and a real instance: tests/integration/test_gpg*.py, test_ssh*.py and test_keyless.py."""


def test_every_kind_of_signer_is_held_to_the_contract() -> None:
    assert set(OPENERS) | HELD_ELSEWHERE == {kind.scheme for kind in SIGNERS}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("scheme", OPENERS)
def test_the_signer_contract(scheme: str, algorithm: str) -> None:
    signer = OPENERS[scheme](algorithm)
    assert signer.algorithm == algorithm == key_algorithm(signer.spki)
    verify_signature(signer.spki, signer.sign(DATA), DATA)
    with pytest.raises(VerificationError) as caught:
        verify_signature(signer.spki, signer.sign(DATA), DATA + b"!")
    assert caught.value.code == "signature.invalid"
    if signer.signs_digests:
        verify_digest_signature(signer.spki, signer.sign_digest(SHA256), SHA256)
        verify_signature(signer.spki, signer.sign_digest(SHA256), DATA)
    else:
        with pytest.raises(UsageError) as wrong:
            signer.sign_digest(SHA256)
        assert wrong.value.code == "signer.blob-unsupported"
        assert "without --blob" in (wrong.value.hint or "")


def test_a_statement_is_signed_over_its_pre_authentication_encoding() -> None:
    signer = _from_file("ecdsa-p256")
    content = read_bundle(sign_statement(signer, b"{}"), where="b").content
    assert isinstance(content, Envelope)
    verify_signature(signer.spki, content.signatures[0].sig, pae("application/vnd.in-toto+json", b"{}"))


def test_a_blob_is_signed_over_its_digest() -> None:
    signer = _from_file("ecdsa-p256")
    content = read_bundle(sign_blob(signer, sha256=SHA256), where="b").content
    assert isinstance(content, MessageSignature)
    assert content.digest == SHA256
    verify_signature(signer.spki, content.signature, DATA)


def test_a_digest_of_another_length_is_a_defect_of_the_caller() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        _from_file("ecdsa-p256").sign_digest(b"short")


def test_a_bare_path_is_a_file() -> None:
    read = {"keys/ci.key": PLAIN}.__getitem__
    opened = open_signer("keys/ci.key", read_file=read, environ=_no_environ, password=_no_password)
    assert plain(opened).algorithm == "ecdsa-p256"


def test_cosigns_spelling_of_env_is_read() -> None:
    value = {"K": PLAIN.decode()}
    opened = open_signer("env://K", read_file=_no_file, environ=value.get, password=_no_password)
    assert plain(opened).algorithm == "ecdsa-p256"


def test_the_password_is_asked_for_once() -> None:
    asked: list[str] = []

    def password() -> bytes:
        asked.append("once")
        return b"pw"

    signer = plain(open_signer("ci.key", read_file=lambda _: ENCRYPTED, environ=_no_environ, password=password))
    for _ in range(3):
        verify_signature(signer.spki, signer.sign(DATA), DATA)
    assert asked == ["once"]


def test_a_wrong_password_names_the_file() -> None:
    with pytest.raises(ConfigurationError) as caught:
        open_signer("ci.key", read_file=lambda _: ENCRYPTED, environ=_no_environ, password=lambda: b"no")
    assert (caught.value.code, caught.value.where) == ("key.wrong-password", "ci.key")


URIS = {
    "a scheme nobody knows": ("magic:x", "signer.unknown", "file:PATH, env:NAME"),
    "a kind that is planned": ("pkcs11:token", "signer.not-supported", "not supported by this version"),
    "a cloud key as cosign writes it": ("awskms:///alias/x", "signer.not-supported", "not supported by this version"),
    "file without a path": ("file:", "signer.unknown", "expected file:PATH"),
    "nothing": ("", "signer.unknown", "expected file:PATH"),
    "env without a name": ("env:", "signer.unknown", "expected env:NAME"),
    "a variable that is not set": ("env:NOT_SET", "signer.env-missing", "NOT_SET"),
    "a variable that is empty": ("env:EMPTY", "signer.env-missing", "EMPTY"),
    "a variable name with a sign": ("env:A=B", "signer.env-missing", "A=B"),
}


@pytest.mark.parametrize(("uri", "code", "text"), URIS.values(), ids=URIS.keys())
def test_refuses_the_uri(uri: str, code: str, text: str) -> None:
    with pytest.raises(UsageError) as caught:
        open_signer(uri, read_file=_no_file, environ={"EMPTY": ""}.get, password=_no_password)
    assert caught.value.code == code
    assert text in caught.value.message


def _private(key: object) -> bytes:
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())  # type: ignore[attr-defined,no-any-return]


KEYS = {
    "no key": (b"noise", "key.malformed"),
    "a key cut short": (PKCS8["ecdsa-p256"][:-5], "key.malformed"),
    "Ed448": (_private(ed448.Ed448PrivateKey.generate()), "key.unsupported"),
    "DSA": (_private(dsa.generate_private_key(1024)), "key.unsupported"),  # noqa: S505
    "an algorithm nobody knows": (bytes.fromhex("300d020100300606042a03040504" + "00"), "key.unsupported"),
    "P-224": (_private(ec.generate_private_key(ec.SECP224R1())), "key.unsupported"),
    "secp256k1": (_private(ec.generate_private_key(ec.SECP256K1())), "key.unsupported"),
    "RSA 1024": (_private(rsa.generate_private_key(65537, 1024)), "key.unsupported"),  # noqa: S505
    "RSA with exponent 3": (_private(rsa.generate_private_key(3, 2048)), "key.unsupported"),
}


@pytest.mark.parametrize(("pkcs8", "code"), KEYS.values(), ids=KEYS.keys())
def test_refuses_the_key(pkcs8: bytes, code: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        KeySigner(pkcs8, where="ci.key")
    assert (caught.value.code, caught.value.where) == (code, "ci.key")


def test_refuses_to_make_an_algorithm_it_does_not_know() -> None:
    with pytest.raises(UsageError) as caught:
        generate_pkcs8("rsa-1024")
    assert caught.value.code == "key.algorithm"


def test_a_signer_shows_nothing_of_its_key() -> None:
    assert repr(KeySigner(PKCS8["ed25519"], where="k")) == "KeySigner(ed25519)"
