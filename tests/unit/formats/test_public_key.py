"""Public keys: one key is one value, and weak keys are none."""

from __future__ import annotations

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from support.signing_kit import signer
from vxsec.errors import FormatError
from vxsec.formats.public_key import key_algorithm, key_hint, load_public_key, parse_public_key, render_public_key

ALGORITHMS = ("ecdsa-p256", "ecdsa-p384", "ed25519", "rsa-3072")
_P = 2**255 - 19
_P256_PREFIX = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")
_ED_PREFIX = bytes.fromhex("302a300506032b6570032100")


def _spki(key: object) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined,no-any-return]


def _compressed(curve: ec.EllipticCurve, prefix: str) -> tuple[bytes, bytes]:
    """One key as SPKI with a compressed point, and canonical."""
    key = ec.generate_private_key(curve).public_key()
    point = key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    return bytes.fromhex(prefix) + point, _spki(key)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_pem_and_der_are_the_same_key(algorithm: str) -> None:
    spki = signer("one", algorithm).spki
    assert parse_public_key(spki, where="k") == spki
    assert parse_public_key(render_public_key(spki), where="k") == spki
    assert parse_public_key(b"\r\n" + render_public_key(spki).replace(b"\n", b"\r\n"), where="k") == spki
    assert key_algorithm(spki) == algorithm
    assert _spki(load_public_key(spki)) == spki


def test_p521_is_read() -> None:
    spki = _spki(ec.generate_private_key(ec.SECP521R1()).public_key())
    assert key_algorithm(parse_public_key(spki, where="k")) == "ecdsa-p521"


@pytest.mark.parametrize(
    ("curve", "prefix"),
    [
        (ec.SECP256R1(), "3039301306072a8648ce3d020106082a8648ce3d030107032200"),
        (ec.SECP384R1(), "3046301006072a8648ce3d020106052b81040022033200"),
    ],
    ids=["P-256", "P-384"],
)
def test_a_compressed_point_is_the_same_key(curve: ec.EllipticCurve, prefix: str) -> None:
    compressed, canonical = _compressed(curve, prefix)
    assert compressed != canonical
    assert parse_public_key(compressed, where="k") == canonical


def test_the_hint_is_what_cosign_writes() -> None:
    spki = signer("one").spki
    assert base64.b64decode(key_hint(spki)) == hashlib.sha256(spki).digest()


def _order_8() -> bytes:
    return bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")


REFUSED = {
    "nothing": (b"", "key.malformed"),
    "noise": (b"\x30\x03abc", "key.malformed"),
    "too many bytes": (b"0" * 20_000, "key.malformed"),
    "a PEM block of another kind": (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "key.malformed"),
    "a private key": (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "key.malformed"),
    "two PEM blocks": (render_public_key(signer("one").spki) * 2, "key.malformed"),
    "text before the PEM block": (b"-----\n" + render_public_key(signer("one").spki), "key.malformed"),
    "text after the PEM block": (render_public_key(signer("one").spki) + b"x", "key.malformed"),
    "PEM that is not base64": (b"-----BEGIN PUBLIC KEY-----\nA=AA\n-----END PUBLIC KEY-----\n", "key.malformed"),
    "a byte after the key": (signer("one").spki + b"\x00", "key.malformed"),
    "a key cut short": (signer("one").spki[:-1], "key.malformed"),
    "a point off the curve": (_P256_PREFIX + b"\x04" + b"\x01" * 64, "key.malformed"),
    "P-224": (_spki(ec.generate_private_key(ec.SECP224R1()).public_key()), "key.unsupported"),
    "secp256k1": (_spki(ec.generate_private_key(ec.SECP256K1()).public_key()), "key.unsupported"),
    "X25519": (_spki(x25519.X25519PrivateKey.generate().public_key()), "key.unsupported"),
    "Ed448": (_spki(ed448.Ed448PrivateKey.generate().public_key()), "key.unsupported"),
    "DSA": (_spki(dsa.generate_private_key(1024).public_key()), "key.unsupported"),  # noqa: S505
    "RSA 1024": (_spki(rsa.generate_private_key(65537, 1024).public_key()), "key.unsupported"),  # noqa: S505
    "an algorithm nobody knows": (bytes.fromhex("300b300606042a0304050301" + "00"), "key.unsupported"),
    "RSA with exponent 3": (_spki(rsa.generate_private_key(3, 2048).public_key()), "key.unsupported"),
    "RSA with a modulus of 16384 bits": (
        _spki(rsa.RSAPublicNumbers(65537, (1 << 16383) | 1).public_key()),
        "key.unsupported",
    ),
    "Ed25519: the neutral point": (_ED_PREFIX + (1).to_bytes(32, "little"), "key.unsupported"),
    "Ed25519: the point of order 2": (_ED_PREFIX + (_P - 1).to_bytes(32, "little"), "key.unsupported"),
    "Ed25519: zero": (_ED_PREFIX + bytes(32), "key.unsupported"),
    "Ed25519: order 8": (_ED_PREFIX + _order_8(), "key.unsupported"),
    "Ed25519: order 8, other sign": (_ED_PREFIX + _order_8()[:31] + b"\x85", "key.unsupported"),
    "Ed25519: not reduced": (_ED_PREFIX + (_P + 1).to_bytes(32, "little"), "key.unsupported"),
}


@pytest.mark.parametrize(("data", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses(data: bytes, code: str) -> None:
    with pytest.raises(FormatError) as caught:
        parse_public_key(data, where="ci.pub")
    assert (caught.value.code, caught.value.where) == (code, "ci.pub")


def test_the_neutral_point_would_let_anyone_sign() -> None:
    """Why points of small order are refused: this signature verifies over every message, and nobody made it."""
    neutral = (1).to_bytes(32, "little")
    ed25519.Ed25519PublicKey.from_public_bytes(neutral).verify(neutral + bytes(32), b"any message")


def test_a_loaded_key_of_another_kind_is_refused_too() -> None:
    with pytest.raises(FormatError, match="another kind"):
        load_public_key(_spki(ed448.Ed448PrivateKey.generate().public_key()))


@settings(max_examples=200)
@given(st.binary(max_size=200), st.sampled_from([b"", _P256_PREFIX, _ED_PREFIX, b"-----BEGIN PUBLIC KEY-----\n"]))
def test_only_our_error_escapes(tail: bytes, head: bytes) -> None:
    try:
        spki = parse_public_key(head + tail, where="k")
    except FormatError as error:
        assert error.code in {"key.malformed", "key.unsupported"}  # noqa: PT017
    else:
        assert parse_public_key(spki, where="k") == spki
