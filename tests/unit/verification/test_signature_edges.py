"""Signatures that are nearly right: the cases that break verifiers, after the kinds that Wycheproof collects.

Keys and signatures are made here, each case differs from a good signature in one thing, and each goes through every door
that checks a bare signature. A good signature goes through the same doors first, so that no case is refused by chance.
"""

# ruff: noqa: ARG005 - each case is given all that a good signature is made of, and takes what it changes
from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from vxsec.errors import VerificationError
from vxsec.verification.keys import verify_digest_signature, verify_hashed_signature, verify_signature

if TYPE_CHECKING:
    from collections.abc import Callable

MESSAGE = b"123400"
CURVES: dict[str, tuple[ec.EllipticCurve, hashes.HashAlgorithm]] = {
    "P-256": (ec.SECP256R1(), hashes.SHA256()),
    "P-384": (ec.SECP384R1(), hashes.SHA384()),
    "P-521": (ec.SECP521R1(), hashes.SHA512()),
}
ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493
ED25519_P = 2**255 - 19


def _spki(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _doors(spki: bytes, signature: bytes, hash_name: str) -> list[Callable[[], None]]:
    """Every function that checks such a signature; a digest is enough where the hash is SHA-256."""
    doors: list[Callable[[], None]] = [
        lambda: verify_signature(spki, signature, MESSAGE),
        lambda: verify_hashed_signature(spki, signature, MESSAGE, hash_name=hash_name),
    ]
    if hash_name == "sha256":
        doors.append(lambda: verify_digest_signature(spki, signature, hashlib.sha256(MESSAGE).digest()))
    return doors


def _refused(doors: list[Callable[[], None]]) -> None:
    for door in doors:
        with pytest.raises(VerificationError) as caught:
            door()
        assert caught.value.code == "signature.invalid"


# -- ECDSA: DER of r and s ---------------------------------------------------------------------------------------------


@lru_cache
def _ecdsa(curve: str) -> tuple[bytes, int, int, int]:
    """SPKI, r, s and order; r and s are long enough that no encoding of them is short by chance."""
    parameters, hashed = CURVES[curve]
    key = ec.generate_private_key(parameters)
    order = parameters.group_order
    while True:
        r, s = decode_dss_signature(key.sign(MESSAGE, ec.ECDSA(hashed)))
        if min(r, s) >> (order.bit_length() - 3):
            return _spki(key), r, s, order


def _integer(number: int) -> bytes:
    body = number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True)
    return b"\x02" + _length(body) + body


def _length(body: bytes) -> bytes:
    count = len(body)
    return (
        bytes([count])
        if count < 0x80
        else bytes([0x81, count])
        if count < 0x100
        else b"\x82" + count.to_bytes(2, "big")
    )


def _sequence(body: bytes, tag: bytes = b"\x30") -> bytes:
    return tag + _length(body) + body


def _padded(number: int, zeros: int = 1) -> bytes:
    body = bytes(zeros) + number.to_bytes(number.bit_length() // 8 + 1, "big")
    return b"\x02" + _length(body) + body


def _fixed(number: int, order: int) -> bytes:
    return number.to_bytes((order.bit_length() + 7) // 8, "big")


ECDSA_ENCODINGS: dict[str, Callable[[int, int, int], bytes]] = {
    "nothing": lambda r, s, n: b"",
    "an empty sequence": lambda r, s, n: b"\x30\x00",
    "one number": lambda r, s, n: _sequence(_integer(r)),
    "three numbers": lambda r, s, n: _sequence(_integer(r) + _integer(s) + _integer(1)),
    "the numbers without a sequence": lambda r, s, n: _integer(r) + _integer(s),
    "r and s side by side, as JOSE writes them": lambda r, s, n: _fixed(r, n) + _fixed(s, n),
    "a set": lambda r, s, n: _sequence(_integer(r) + _integer(s), b"\x31"),
    "a primitive sequence": lambda r, s, n: _sequence(_integer(r) + _integer(s), b"\x10"),
    "a byte behind": lambda r, s, n: encode_dss_signature(r, s) + b"\0",
    "NULL behind": lambda r, s, n: encode_dss_signature(r, s) + b"\5\0",
    "NULL inside": lambda r, s, n: _sequence(_integer(r) + _integer(s) + b"\5\0"),
    "a byte missing": lambda r, s, n: encode_dss_signature(r, s)[:-1],
    "a length of one too many": lambda r, s, n: _lengthened(encode_dss_signature(r, s), 1),
    "a length of one too few": lambda r, s, n: _lengthened(encode_dss_signature(r, s), -1),
    "a length in a longer form than needed": lambda r, s, n: _long_form(_integer(r) + _integer(s)),
    "a length of eight bytes": lambda r, s, n: (
        b"\x30\x88" + len(body := _integer(r) + _integer(s)).to_bytes(8, "big") + body
    ),
    "an open length": lambda r, s, n: b"\x30\x80" + _integer(r) + _integer(s) + b"\0\0",
    "a length of four gigabytes": lambda r, s, n: b"\x30\x84\xff\xff\xff\xff" + _integer(r) + _integer(s),
    "a leading zero in r": lambda r, s, n: _sequence(_padded(r) + _integer(s)),
    "a leading zero in s": lambda r, s, n: _sequence(_integer(r) + _padded(s)),
    "r as bytes": lambda r, s, n: _sequence(b"\4" + _integer(r)[1:] + _integer(s)),
    "r as a string of bits": lambda r, s, n: _sequence(b"\3" + _integer(r)[1:] + _integer(s)),
    "r of no bytes": lambda r, s, n: _sequence(b"\2\0" + _integer(s)),
    "s of no bytes": lambda r, s, n: _sequence(_integer(r) + b"\2\0"),
    "r is true": lambda r, s, n: _sequence(b"\1\1\xff" + _integer(s)),
    "the number nine, real": lambda r, s, n: _sequence(b"\x09\x01\x00" + _integer(s)),
}


def _lengthened(der: bytes, by: int) -> bytes:
    at = 2 if der[1] == 0x81 else 1
    return der[:at] + bytes([der[at] + by]) + der[at + 1 :]


def _long_form(body: bytes) -> bytes:
    return b"\x30\x83" + len(body).to_bytes(3, "big") + body


ECDSA_NUMBERS: dict[str, Callable[[int, int, int], tuple[int, int]]] = {
    "both 0": lambda r, s, n: (0, 0),
    "r is 0": lambda r, s, n: (0, s),
    "s is 0": lambda r, s, n: (r, 0),
    "both 1": lambda r, s, n: (1, 1),
    "r is 0 and s is 1": lambda r, s, n: (0, 1),
    "r is the order": lambda r, s, n: (n, s),
    "s is the order": lambda r, s, n: (r, n),
    "both the order": lambda r, s, n: (n, n),
    "both one below the order": lambda r, s, n: (n - 1, n - 1),
    "both one above the order": lambda r, s, n: (n + 1, n + 1),
    "r plus the order": lambda r, s, n: (r + n, s),
    "s plus the order": lambda r, s, n: (r, s + n),
    "r minus the order": lambda r, s, n: (r - n, s),
    "s minus the order": lambda r, s, n: (r, s - n),
    "r plus the order shifted far": lambda r, s, n: (r + (n << 320), s),
    "s plus a power of two": lambda r, s, n: (r, s + (1 << 640)),
    "r negated": lambda r, s, n: (-r, s),
    "s negated": lambda r, s, n: (r, -s),
    "both -1": lambda r, s, n: (-1, -1),
    "r and s exchanged": lambda r, s, n: (s, r),
    "r of the point's other half": lambda r, s, n: (n - r, s),
    "r one more": lambda r, s, n: (r + 1, s),
    "s one less": lambda r, s, n: (r, s - 1),
}


@pytest.mark.parametrize("curve", CURVES)
def test_a_good_ecdsa_signature_is_taken_by_every_door(curve: str) -> None:
    spki, r, s, order = _ecdsa(curve)
    hash_name = CURVES[curve][1].name
    for signature in (
        encode_dss_signature(r, s),
        encode_dss_signature(r, order - s),
        _sequence(_integer(r) + _integer(s)),
    ):
        # r and the negative of s are as good; that is why keys are counted, and signatures never.
        for door in _doors(spki, signature, hash_name):
            door()


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("case", ECDSA_ENCODINGS)
def test_ecdsa_in_another_encoding_is_refused(case: str, curve: str) -> None:
    spki, r, s, order = _ecdsa(curve)
    _refused(_doors(spki, ECDSA_ENCODINGS[case](r, s, order), CURVES[curve][1].name))


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("case", ECDSA_NUMBERS)
def test_ecdsa_of_other_numbers_is_refused(case: str, curve: str) -> None:
    spki, r, s, order = _ecdsa(curve)
    first, second = ECDSA_NUMBERS[case](r, s, order)
    _refused(_doors(spki, _sequence(_integer(first) + _integer(second)), CURVES[curve][1].name))


@pytest.mark.parametrize("curve", CURVES)
def test_ecdsa_by_a_stated_hash_is_by_no_other(curve: str) -> None:
    parameters, own = CURVES[curve]
    key = ec.generate_private_key(parameters)
    for signed in (hashes.SHA224(), hashes.SHA256(), hashes.SHA384(), hashes.SHA512(), hashes.SHA3_256()):
        if signed.name == own.name:
            continue
        with pytest.raises(VerificationError) as caught:
            verify_hashed_signature(_spki(key), key.sign(MESSAGE, ec.ECDSA(signed)), MESSAGE, hash_name=own.name)
        assert caught.value.code == "signature.invalid"


# -- Ed25519 -----------------------------------------------------------------------------------------------------------


@lru_cache
def _ed25519() -> tuple[bytes, bytes]:
    key = ed25519.Ed25519PrivateKey.generate()
    return _spki(key), key.sign(MESSAGE)


def _with_s(signature: bytes, add: int) -> bytes:
    s = int.from_bytes(signature[32:], "little") + add
    return signature[:32] + s.to_bytes(32, "little")


ED25519_CASES: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda _: b"",
    "R alone": lambda good: good[:32],
    "a byte missing": lambda good: good[:-1],
    "a byte behind": lambda good: good + b"\0",
    "R and s exchanged": lambda good: good[32:] + good[:32],
    "s plus the order": lambda good: _with_s(good, ED25519_ORDER),
    "s plus seven times the order": lambda good: _with_s(good, 7 * ED25519_ORDER),
    "s with its highest bit": lambda good: _with_s(good, 1 << 255),
    "s is 0": lambda good: good[:32] + bytes(32),
    "s is the order": lambda good: good[:32] + ED25519_ORDER.to_bytes(32, "little"),
    "all zeros": lambda _: bytes(64),
    "all ones": lambda _: b"\xff" * 64,
    "R is the neutral point and s is 0": lambda _: b"\1" + bytes(63),
    "R is a point of small order": lambda good: bytes(32) + good[32:],
    "R is not reduced": lambda good: (ED25519_P + 1).to_bytes(32, "little") + good[32:],
    "R is not on the curve": lambda good: b"\2" + bytes(31) + good[32:],
    "R with the other sign": lambda good: good[:31] + bytes([good[31] ^ 0x80]) + good[32:],
    "DER around it": lambda good: b"\4\x40" + good,
}


def test_a_good_ed25519_signature_is_taken() -> None:
    verify_signature(*_ed25519(), MESSAGE)


@pytest.mark.parametrize("case", ED25519_CASES)
def test_ed25519_that_is_nearly_right_is_refused(case: str) -> None:
    spki, good = _ed25519()
    _refused([lambda: verify_signature(spki, ED25519_CASES[case](good), MESSAGE)])


# -- RSA, PKCS#1 v1.5 --------------------------------------------------------------------------------------------------

SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
DIGEST = hashlib.sha256(MESSAGE).digest()
SIZE = 256


@lru_cache
def _rsa() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 8 * SIZE)


def _raw(block: bytes) -> bytes:
    """The signature that opens to ``block``; only the key's owner can make it, so that each case is as good as it can be."""
    numbers = _rsa().private_numbers()
    return pow(int.from_bytes(block, "big"), numbers.d, numbers.public_numbers.n).to_bytes(SIZE, "big")


def _block(
    info: bytes, *, kind: bytes = b"\0\1", fill: bytes = b"\xff", gap: bytes = b"\0", tail: bytes = b""
) -> bytes:
    room = SIZE - len(kind) - len(gap) - len(info) - len(tail)
    return kind + fill * room + gap + info + tail


GOOD_INFO = SHA256_INFO + DIGEST
RSA_BLOCKS: dict[str, bytes] = {
    "another kind of block": _block(GOOD_INFO, kind=b"\0\2"),
    "no zero first": _block(GOOD_INFO, kind=b"\1\1"),
    "no kind of block": b"\0" + _block(GOOD_INFO)[2:] + b"\0",
    "other padding": _block(GOOD_INFO, fill=b"\xfe"),
    "padding of zeros": _block(GOOD_INFO, fill=b"\0"),
    "no zero before the digest": _block(GOOD_INFO, gap=b"\xff"),
    "short padding and bytes behind": _block(GOOD_INFO, tail=bytes(100)),
    "eight bytes of padding and noise behind": b"\0\1"
    + b"\xff" * 8
    + b"\0"
    + GOOD_INFO
    + b"\1" * (SIZE - 11 - len(GOOD_INFO)),
    "a byte behind the digest": _block(GOOD_INFO, tail=b"\0"),
    "no NULL in the algorithm": _block(bytes.fromhex("302f300b0609608648016503040201") + b"\4\x20" + DIGEST),
    "another value than NULL": _block(GOOD_INFO.replace(b"\5\0\4\x20", b"\5\1\4\x20")),
    "a long length": _block(b"\x30\x81" + GOOD_INFO[1:]),
    "a digest of SHA-1 under its own name": _block(
        bytes.fromhex("3021300906052b0e03021a05000414") + hashlib.sha1(MESSAGE).digest()  # noqa: S324 - that is the case
    ),
    "a digest of SHA-512 under its own name": _block(
        bytes.fromhex("3051300d060960864801650304020305000440") + hashlib.sha512(MESSAGE).digest()
    ),
    "SHA-512's name before a digest of SHA-256": _block(SHA256_INFO.replace(b"\4\2\1\5", b"\4\2\3\5") + DIGEST),
    "half a digest": _block(SHA256_INFO[:-1] + b"\x10" + DIGEST[:16]),
    "the digest alone": _block(DIGEST),
    "another message's digest": _block(SHA256_INFO + hashlib.sha256(b"other").digest()),
    "nothing but padding": _block(b""),
}


def _rsa_doors(signature: bytes) -> list[Callable[[], None]]:
    return _doors(_spki(_rsa()), signature, "sha256")


def test_a_good_rsa_signature_is_taken_by_every_door() -> None:
    good = _raw(_block(GOOD_INFO))
    assert good == _rsa().sign(MESSAGE, padding.PKCS1v15(), hashes.SHA256())
    for door in _rsa_doors(good):
        door()


@pytest.mark.parametrize("case", RSA_BLOCKS)
def test_rsa_that_opens_to_something_else_is_refused(case: str) -> None:
    assert len(RSA_BLOCKS[case]) == SIZE
    _refused(_rsa_doors(_raw(RSA_BLOCKS[case])))


RSA_NUMBERS: dict[str, Callable[[bytes, int], bytes]] = {
    "nothing": lambda good, n: b"",
    "0": lambda good, n: bytes(SIZE),
    "1": lambda good, n: b"\1".rjust(SIZE, b"\0"),
    "the modulus": lambda good, n: n.to_bytes(SIZE, "big"),
    "one below the modulus": lambda good, n: (n - 1).to_bytes(SIZE, "big"),
    "the signature plus the modulus": lambda good, n: (int.from_bytes(good, "big") + n).to_bytes(SIZE + 1, "big"),
    "the signature negated": lambda good, n: (n - int.from_bytes(good, "big")).to_bytes(SIZE, "big"),
    "a zero first": lambda good, n: b"\0" + good,
    "a zero behind": lambda good, n: good + b"\0",
    "a byte missing": lambda good, n: good[:-1],
    "the other byte order": lambda good, n: good[::-1],
}


@pytest.mark.parametrize("case", RSA_NUMBERS)
def test_rsa_of_other_numbers_is_refused(case: str) -> None:
    good = _raw(_block(GOOD_INFO))
    _refused(_rsa_doors(RSA_NUMBERS[case](good, _rsa().public_key().public_numbers().n)))


def test_rsa_without_its_leading_zero_is_refused() -> None:
    """RFC 8017 asks for the modulus's length; some writers drop zeros."""
    short = next(
        signature
        for number in range(10_000)
        if (signature := _raw(_block(SHA256_INFO + hashlib.sha256(b"%d" % number).digest()))).startswith(b"\0")
        and (message := b"%d" % number)
    )
    verify_signature(_spki(_rsa()), short, message)
    with pytest.raises(VerificationError) as caught:
        verify_signature(_spki(_rsa()), short[1:], message)
    assert caught.value.code == "signature.invalid"


@pytest.mark.parametrize("mask", [hashes.SHA256(), hashes.SHA512()], ids=lambda mask: mask.name)
def test_rsa_pss_is_refused(mask: hashes.HashAlgorithm) -> None:
    signature = _rsa().sign(MESSAGE, padding.PSS(padding.MGF1(mask), padding.PSS.MAX_LENGTH), hashes.SHA256())
    _refused(_rsa_doors(signature))
