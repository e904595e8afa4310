"""SSH public keys: one key has one blob, and everything else is refused."""

from __future__ import annotations

import base64
import hashlib
import struct

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from support.ssh_kit import KINDS, SK_ECDSA, SK_ED25519, Key, blob_of, make, mpint, point_of, public_line, string
from vxsec.errors import FormatError
from vxsec.formats.public_key import parse_public_key
from vxsec.formats.ssh_key import SSH_KEY_KINDS, parse_ssh_public_key

ED = make("ssh-ed25519")
RAW = blob_of(ED)[-32:]
P256 = make("ecdsa-sha2-nistp256")
POINT = point_of(P256.private) if isinstance(P256.private, ec.EllipticCurvePrivateKey) else b""
RSA_KEY = make("ssh-rsa")


def _line(blob: bytes, kind: str = "ssh-ed25519") -> str:
    return f"{kind} {base64.b64encode(blob).decode()}"


def _rsa(exponent: bytes, modulus: bytes) -> bytes:
    return string(b"ssh-rsa") + exponent + modulus


def _numbers(key: Key = RSA_KEY) -> rsa.RSAPublicNumbers:
    assert isinstance(key.private, rsa.RSAPrivateKey)
    return key.private.public_key().public_numbers()


def _small(bits: int) -> bytes:
    return blob_of(Key("ssh-rsa", rsa.generate_private_key(65537, bits)))


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_is_the_same_from_its_line_and_from_its_blob(kind: str) -> None:
    key = make(kind)
    parsed = parse_ssh_public_key(public_line(key))
    assert parsed == parse_ssh_public_key(blob_of(key)) == parse_ssh_public_key(public_line(key).encode())
    assert parsed.kind == kind
    assert parsed.blob == blob_of(key)
    assert parsed.fingerprint == "SHA256:" + base64.b64encode(hashlib.sha256(blob_of(key)).digest()).decode().rstrip(
        "="
    )
    assert parsed.hint == f"ssh:{parsed.fingerprint}"


def test_every_kind_that_is_read_is_tested() -> None:
    assert set(SSH_KEY_KINDS) == set(KINDS)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if not kind.startswith("sk-")])
def test_an_ordinary_key_is_counted_by_the_same_bytes_as_its_pem(kind: str) -> None:
    key = make(kind)
    pem = key.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    parsed = key.public
    assert parsed.identity == parsed.spki == parse_public_key(pem, where="pem")
    assert not parsed.hardware


@pytest.mark.parametrize("kind", [SK_ED25519, SK_ECDSA])
def test_a_hardware_key_is_counted_by_its_blob(kind: str) -> None:
    parsed = make(kind).public
    assert parsed.spki is None
    assert parsed.hardware
    assert parsed.application == "ssh:"
    assert parsed.identity == b"ssh:" + parsed.blob


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(_line(blob_of(ED)), id="no comment"),
        pytest.param(_line(blob_of(ED)) + "\n", id="a line end"),
        pytest.param(_line(blob_of(ED)) + " a comment with spaces\r\n", id="a comment and a line end of Windows"),
        pytest.param("  " + _line(blob_of(ED)).replace(" ", " \t "), id="white space"),
        pytest.param(
            (_line(blob_of(ED)) + " gr\udcfc\udcdfe").encode("utf-8", "surrogateescape"), id="a comment in Latin-1"
        ),
    ],
)
def test_a_line_is_read(text: str | bytes) -> None:
    assert parse_ssh_public_key(text) == ED.public


MALFORMED = [
    pytest.param(b"", id="nothing"),
    pytest.param(b"\n", id="an empty line"),
    pytest.param(b"ssh-ed25519", id="a kind alone"),
    pytest.param(_line(blob_of(ED)) + "\n" + _line(blob_of(ED)), id="two lines"),
    pytest.param(_line(blob_of(ED)) + "\n\n", id="an empty line behind"),
    pytest.param("restrict " + _line(blob_of(ED)), id="options of authorized_keys"),
    pytest.param("# a comment\n" + _line(blob_of(ED)), id="a comment line first"),
    pytest.param("-----BEGIN OPENSSH PRIVATE KEY-----\n", id="a private key"),
    pytest.param("alice@example.test " + _line(blob_of(ED)), id="a line of allowed_signers"),
    pytest.param(b"ssh-ed25519 " + b"A" * 20_000, id="too long"),
    pytest.param("ssh-ed25519 AAAA=AAA", id="padding in the middle"),
    pytest.param("ssh-ed25519 AAAAA", id="base64 of an impossible length"),
    pytest.param(_line(blob_of(P256), "ecdsa-sha2-nistp256").rstrip("="), id="padding cut off"),
    pytest.param("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIP==", id="bits behind the last byte"),
    pytest.param(_line(blob_of(P256)), id="another kind inside"),
    pytest.param(blob_of(ED) + b"\0", id="a byte behind the key"),
    pytest.param(blob_of(ED)[:-1], id="a byte is missing"),
    pytest.param(b"\0\0\0\x0bssh-ed25519", id="no key in the blob"),
    pytest.param(b"\0\0\0", id="half a length"),
    pytest.param(b"\0\xff\xff\xff" + b"x" * 100, id="a length beyond the end"),
    pytest.param(string(b"ssh-ed25519") + string(RAW[:-1]), id="Ed25519 with 31 bytes"),
    pytest.param(string(b"ssh-ed25519") + string(RAW + b"\0"), id="Ed25519 with 33 bytes"),
    pytest.param(string(b"ssh-ed\x0025519") + string(RAW), id="a NUL in the kind"),
    pytest.param(string(b"ecdsa-sha2-nistp256") + string(b"nistp384") + string(POINT), id="another curve's name"),
    pytest.param(string(b"ecdsa-sha2-nistp256") + string(b"nistp256") + string(POINT[:-1]), id="half a point"),
    pytest.param(
        string(b"ecdsa-sha2-nistp256") + string(b"nistp256") + string(POINT[:-1] + bytes([POINT[-1] ^ 1])),
        id="a point that is not on its curve",
    ),
    pytest.param(string(b"ecdsa-sha2-nistp256") + string(b"nistp256") + string(b"\0"), id="the point at infinity"),
    pytest.param(
        string(b"ecdsa-sha2-nistp256") + string(b"nistp256") + string(bytes([2 + POINT[-1] % 2]) + POINT[1:33]),
        id="a compressed point",
    ),
    pytest.param(
        string(b"ecdsa-sha2-nistp256") + string(b"nistp256") + string(bytes([6 + POINT[-1] % 2]) + POINT[1:]),
        id="a hybrid point",
    ),
    pytest.param(
        string(b"ecdsa-sha2-nistp256") + string(b"nistp256") + string(b"\x04" + b"\xff" * 64),
        id="coordinates beyond the field",
    ),
    pytest.param(_rsa(mpint(65537), mpint(0)), id="RSA with the modulus 0"),
    pytest.param(_rsa(mpint(0), mpint(_numbers().n)), id="RSA with the exponent 0"),
    pytest.param(_rsa(mpint(65536), mpint(_numbers().n)), id="RSA with an even exponent"),
    pytest.param(_rsa(mpint(_numbers().n + 2), mpint(_numbers().n)), id="RSA with an exponent above the modulus"),
    pytest.param(_rsa(string(b"\0\1\0\1"), mpint(_numbers().n)), id="an exponent with a leading zero"),
    pytest.param(
        _rsa(mpint(65537), string(b"\0\0" + _numbers().n.to_bytes(256, "big"))), id="a modulus with two leading zeros"
    ),
    pytest.param(_rsa(mpint(65537), string(_numbers().n.to_bytes(256, "big"))), id="a negative modulus"),
    pytest.param(string(SK_ED25519.encode()) + string(RAW), id="hardware without an application"),
    pytest.param(string(SK_ED25519.encode()) + string(RAW) + string(b""), id="hardware with an empty application"),
    pytest.param(string(SK_ED25519.encode()) + string(RAW) + string(b"ssh:\n"), id="a line end in the application"),
]


@pytest.mark.parametrize("data", MALFORMED)
def test_what_is_malformed_is_refused(data: str | bytes) -> None:
    with pytest.raises(FormatError) as caught:
        parse_ssh_public_key(data, where="alice.pub")
    assert caught.value.code == "key.malformed"
    assert caught.value.where == "alice.pub"
    assert caught.value.hint


def _dsa_blob() -> bytes:
    numbers = dsa.generate_private_key(2048).public_key().public_numbers()
    parameters = numbers.parameter_numbers
    return string(b"ssh-dss") + b"".join(map(mpint, (parameters.p, parameters.q, parameters.g, numbers.y)))


UNSUPPORTED = [
    pytest.param(_dsa_blob(), id="DSA"),
    pytest.param(string(b"ssh-ed448") + string(bytes(57)), id="Ed448"),
    pytest.param(string(b""), id="no kind at all"),
    pytest.param(string(b"webauthn-sk-ecdsa-sha2-nistp256@openssh.com"), id="a browser's kind"),
    pytest.param(_small(1024), id="RSA of 1024 bits"),
    pytest.param(_rsa(mpint(3), mpint(_numbers().n)), id="RSA with exponent 3"),
    pytest.param(_rsa(mpint(65537), mpint((1 << 8192) + 1)), id="RSA of 8193 bits"),
    pytest.param(string(b"ssh-ed25519") + string(bytes(32)), id="a point of small order"),
    pytest.param(
        string(SK_ED25519.encode()) + string(b"\1" + bytes(31)) + string(b"ssh:"), id="hardware of small order"
    ),
    pytest.param(string(b"ssh-ed25519") + string(b"\xff" * 32), id="Ed25519 that is not reduced"),
]


@pytest.mark.parametrize("data", UNSUPPORTED)
def test_a_kind_or_size_that_is_not_allowed_is_refused(data: bytes) -> None:
    with pytest.raises(FormatError) as caught:
        parse_ssh_public_key(data)
    assert caught.value.code == "key.unsupported"
    assert caught.value.hint


@pytest.mark.parametrize("kind", ["ssh-ed25519-cert-v01@openssh.com", "sk-ssh-ed25519-cert-v01@openssh.com"])
def test_a_certificate_is_refused_and_the_key_asked_for(kind: str) -> None:
    blob = string(kind.encode()) + string(b"nonce") + string(RAW) + struct.pack(">Q", 1)
    for data in (blob, _line(blob, kind)):
        with pytest.raises(FormatError) as caught:
            parse_ssh_public_key(data)
        assert caught.value.code == "key.ssh-certificate"
        assert "-cert" in (caught.value.hint or "")
