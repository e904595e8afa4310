"""SSH signatures as bytes: one signature has one encoding, and everything else is refused with its reason."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from support.ssh_kit import (
    KINDS,
    ORDINARY,
    SK_ECDSA,
    armored,
    blob_of,
    make,
    mpint,
    sign_wire,
    signed_by,
    sshsig,
    string,
)
from vxsec.errors import FormatError
from vxsec.formats.sshsig import (
    armor_sshsig,
    build_sshsig,
    dearmor_sshsig,
    read_sshsig,
    signed_data,
    ssh_signature_of,
)
from vxsec.limits import DEFAULT_LIMITS

ED = make("ssh-ed25519")
GOOD = signed_by(ED, b"message")
INNER = sign_wire(ED, b"anything")
PUBLIC = blob_of(ED)
P256 = "ecdsa-sha2-nistp256"
ORDER_BITS = {"ecdsa-sha2-nistp256": 256, "ecdsa-sha2-nistp384": 384, "ecdsa-sha2-nistp521": 521, SK_ECDSA: 256}


def _blob(signature: bytes = INNER, **fields: bytes) -> bytes:
    return sshsig(public=PUBLIC, signature=signature, **fields)  # type: ignore[arg-type]  # version is an int


def _ecdsa(r: bytes, s: bytes, kind: str = P256, tail: bytes = b"") -> bytes:
    return _blob(string(kind.encode()) + string(r + s + tail))


@pytest.mark.parametrize("kind", KINDS)
def test_a_signature_is_the_same_armored_and_bare(kind: str) -> None:
    blob = signed_by(make(kind), b"message", counter=9)
    found = read_sshsig(blob, where="x")
    assert found == read_sshsig(armored(blob), where="x")
    assert found.public_key == blob_of(make(kind))
    assert found.namespace == "vxsec"
    assert found.hash_name == "sha512"
    assert found.algorithm == ("rsa-sha2-512" if kind == "ssh-rsa" else kind)
    assert (found.flags, found.counter) == ((1, 9) if kind.startswith("sk-") else (None, None))


def test_the_armor_is_what_ssh_keygen_writes_and_reads_back() -> None:
    assert armor_sshsig(GOOD) == armored(GOOD)
    assert dearmor_sshsig(armor_sshsig(GOOD), where="x") == GOOD


def test_a_blob_is_built_from_its_fields() -> None:
    built = build_sshsig(public_key=PUBLIC, namespace="vxsec", hash_name="sha512", signature=INNER)
    assert built == _blob()


def test_what_is_signed_is_preamble_namespace_reserved_hash_and_digest() -> None:
    digest = hashlib.sha256(b"message").digest()
    assert signed_data("vxsec", "sha256", digest) == b"".join(
        [b"SSHSIG", string(b"vxsec"), string(b""), string(b"sha256"), string(digest)]
    )


@pytest.mark.parametrize(("namespace", "digest"), [("", bytes(64)), ("vxsec", bytes(32))])
def test_signing_nothing_in_particular_is_a_defect_of_the_caller(namespace: str, digest: bytes) -> None:
    with pytest.raises(ValueError, match="namespace"):
        signed_data(namespace, "sha512", digest)


@pytest.mark.parametrize("kind", ORDINARY)
def test_a_signature_in_wire_form_is_read_back(kind: str) -> None:
    raw = encode_dss_signature(2**255, 1) if kind in ORDER_BITS else bytes(256 if kind == "ssh-rsa" else 64)
    name = "rsa-sha2-512" if kind == "ssh-rsa" else kind
    found = read_sshsig(_blob(ssh_signature_of(name, raw)), where="x")
    assert (found.algorithm, found.raw) == (name, raw)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(armored(GOOD).rstrip(b"\n"), id="no line end at the end"),
        pytest.param(armored(GOOD) + b"\n \t\n", id="white space at the end"),
        pytest.param(armored(GOOD).replace(b"\n", b"\r\n"), id="line ends of Windows"),
        pytest.param(armored(GOOD, width=76), id="lines of 76 characters, as the specification says"),
    ],
)
def test_other_armor_of_the_same_blob_is_read(data: bytes) -> None:
    assert read_sshsig(data, where="x") == read_sshsig(GOOD, where="x")


MALFORMED = [
    pytest.param(b"", id="nothing"),
    pytest.param(b"junk", id="junk"),
    pytest.param(b"junk\n" + armored(GOOD), id="text before the armor"),
    pytest.param(b"\n" + armored(GOOD), id="an empty line before the armor"),
    pytest.param(armored(GOOD) + b"junk", id="text behind the armor"),
    pytest.param(armored(GOOD) * 2, id="two signatures"),
    pytest.param(armored(GOOD).replace(b"END SSH", b"END PGP"), id="another end line"),
    pytest.param(armored(GOOD).replace(b"SSH SIGNATURE", b"PGP SIGNATURE"), id="an OpenPGP signature"),
    pytest.param(armored(GOOD).partition(b"-----END")[0], id="no end line"),
    pytest.param(b"-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----\n", id="nothing in the armor"),
    pytest.param(armored(GOOD).replace(b"U1NI", b"U1N*", 1), id="a character that is not base64"),
    pytest.param(armored(GOOD).replace(b"\n", b"\n\n", 2), id="an empty line in the armor"),
    pytest.param(armored(GOOD).replace(b"\n", b"\nVersion: 1\n", 1), id="a header in the armor"),
    pytest.param(armored(GOOD).replace(b"U1NI", b"U1=I", 1), id="padding in the middle"),
    pytest.param(armored(b"SSHSI"), id="half a preamble in the armor"),
    pytest.param(armored(b"SSHSJG" + GOOD[6:]), id="another preamble in the armor"),
    pytest.param(armored(armored(GOOD)), id="armor in armor"),
    pytest.param(b"SSHSIG", id="a preamble alone"),
    pytest.param(GOOD + b"\0", id="a byte behind the last field"),
    pytest.param(GOOD[:-1], id="a byte is missing"),
    pytest.param(_blob(INNER + b"\0"), id="a byte behind the signature"),
    pytest.param(_blob(b""), id="no signature"),
    pytest.param(_blob(string(b"ssh-ed25519")), id="an algorithm alone"),
    pytest.param(_blob(namespace=b""), id="no namespace"),
    pytest.param(_blob(namespace=b"vxsec\0"), id="a NUL in the namespace"),
    pytest.param(_blob(namespace="vxsec ü".encode()), id="a namespace that is not ASCII"),
    pytest.param(_blob(string(b"ssh-ed25519") + string(bytes(63))), id="Ed25519 with 63 bytes"),
    pytest.param(_blob(string(b"ssh-ed25519") + string(bytes(65))), id="Ed25519 with 65 bytes"),
    pytest.param(_blob(string(b"rsa-sha2-512") + string(bytes(255))), id="RSA with 255 bytes"),
    pytest.param(_blob(string(b"rsa-sha2-512") + string(bytes(1025))), id="RSA with 1025 bytes"),
    pytest.param(_ecdsa(mpint(0), mpint(1)), id="r is 0"),
    pytest.param(_ecdsa(mpint(1), mpint(0)), id="s is 0"),
    pytest.param(_ecdsa(string(b"\0"), mpint(1)), id="r is 0, written as a byte"),
    pytest.param(_ecdsa(string(b"\x80"), mpint(1)), id="r is negative"),
    pytest.param(_ecdsa(mpint(1), string(b"\xff" * 32)), id="s is negative"),
    pytest.param(_ecdsa(string(b"\0\1"), mpint(1)), id="r with a leading zero"),
    pytest.param(_ecdsa(mpint(1), string(b"\0\0\xff")), id="s with two leading zeros"),
    pytest.param(_ecdsa(mpint(1), mpint(1), tail=b"\0"), id="a byte behind s"),
    pytest.param(_ecdsa(mpint(1), b""), id="no s"),
    pytest.param(_blob(string(P256.encode()) + string(encode_dss_signature(1, 1))), id="DER instead of two numbers"),
    *(
        pytest.param(_ecdsa(mpint(1 << bits), mpint(1), kind, b""), id=f"r longer than the order of {kind}")
        for kind, bits in ORDER_BITS.items()
        if not kind.startswith("sk-")
    ),
    pytest.param(
        _blob(string(SK_ECDSA.encode()) + string(mpint(1) + mpint(1 << 256)) + b"\1" + bytes(4)),
        id="s longer than the order, in hardware",
    ),
    pytest.param(_blob(string(SK_ECDSA.encode()) + string(mpint(1) + mpint(1))), id="hardware without flags"),
    pytest.param(_blob(string(SK_ECDSA.encode()) + string(mpint(1) + mpint(1)) + b"\1\0\0\0"), id="half a counter"),
    pytest.param(
        _blob(string(SK_ECDSA.encode()) + string(mpint(1) + mpint(1)) + b"\1" + bytes(5)),
        id="a byte behind the counter",
    ),
    pytest.param(_blob(INNER + b"\1" + bytes(4)), id="flags and counter of an ordinary key"),
]


@pytest.mark.parametrize("data", MALFORMED)
def test_what_is_malformed_is_refused(data: bytes) -> None:
    with pytest.raises(FormatError) as caught:
        read_sshsig(data, where="FILE.sshsig")
    assert caught.value.code == "sshsig.malformed"
    assert caught.value.where == "FILE.sshsig"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(sshsig(public=PUBLIC, signature=INNER, version=0), "sshsig.version", id="version 0"),
        pytest.param(sshsig(public=PUBLIC, signature=INNER, version=2), "sshsig.version", id="version 2"),
        pytest.param(_blob(reserved=b"x"), "sshsig.reserved", id="something in the reserved field"),
        pytest.param(_blob(hash_name=b"sha1"), "sshsig.hash", id="SHA-1 of the message"),
        pytest.param(_blob(hash_name=b"sha384"), "sshsig.hash", id="SHA-384 of the message"),
        pytest.param(_blob(hash_name=b"SHA512"), "sshsig.hash", id="the hash in capitals"),
        pytest.param(_blob(hash_name=b""), "sshsig.hash", id="no hash"),
        pytest.param(_blob(string(b"ssh-rsa") + string(bytes(256))), "sshsig.sha1", id="RSA with SHA-1"),
        pytest.param(_blob(string(b"ssh-dss") + string(bytes(40))), "sshsig.algorithm", id="DSA"),
        pytest.param(_blob(string(b"") + string(bytes(64))), "sshsig.algorithm", id="no algorithm"),
        pytest.param(
            _blob(string(b"webauthn-sk-ecdsa-sha2-nistp256@openssh.com") + string(b"") + b"\1" + bytes(4)),
            "sshsig.webauthn",
            id="a browser's signature",
        ),
        pytest.param(b"SSHSIG" + bytes(DEFAULT_LIMITS.sshsig_bytes), "sshsig.too-large", id="too large"),
    ],
)
def test_what_is_not_allowed_is_refused_with_its_reason(data: bytes, code: str) -> None:
    for form in (data, armored(data)) if code != "sshsig.too-large" else (data,):
        with pytest.raises(FormatError) as caught:
            read_sshsig(form, where="x")
        assert caught.value.code == code


def test_bits_behind_the_last_byte_of_the_armor_are_refused() -> None:
    blob = next(blob for n in range(3) if len(blob := signed_by(ED, b"m", namespace=b"v" * (5 + n))) % 3 == 2)
    text = armored(blob)
    at = text.index(b"=\n") - 1
    other = bytes([text[at] + 1])  # within the alphabet: the character's two low bits are not used
    with pytest.raises(FormatError) as caught:
        read_sshsig(text[:at] + other + text[at + 1 :], where="x")
    assert (caught.value.code, "canonical" in caught.value.message) == ("sshsig.malformed", True)


def test_the_bound_is_a_parameter() -> None:
    with pytest.raises(FormatError) as caught:
        read_sshsig(GOOD, where="x", limits=replace(DEFAULT_LIMITS, sshsig_bytes=len(GOOD) - 1))
    assert caught.value.code == "sshsig.too-large"


def test_a_length_that_promises_gigabytes_costs_nothing() -> None:
    with pytest.raises(FormatError) as caught:
        read_sshsig(b"SSHSIG" + struct.pack(">II", 1, 0xFFFFFFFF), where="x")
    assert caught.value.code == "sshsig.malformed"
