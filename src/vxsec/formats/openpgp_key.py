"""Public key packets (RFC 9580 section 5.5): fingerprint, and which algorithm with which size or curve."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from vxsec.errors import FormatError
from vxsec.formats.openpgp_packet import Reader, at_time

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["KeyPacket", "read_key_packet"]

_V4, _V6 = 4, 6
_RSA = frozenset({1, 2, 3})
_ONLY_ENCRYPTS, _ECDH = 16, 18
_PRIME = {16: "elgamal", 17: "dsa", 20: "elgamal"}
_CURVED = {18: "ecdh", 19: "ecdsa", 22: "eddsa"}
_FIXED = {25: "x25519", 26: "x448", 27: "ed25519", 28: "ed448"}
_ED25519_BYTES = 32
_CURVES = {
    "2a8648ce3d030107": "p256",
    "2b81040022": "p384",
    "2b81040023": "p521",
    "2b2403030208010107": "brainpool-p256r1",
    "2b240303020801010b": "brainpool-p384r1",
    "2b240303020801010d": "brainpool-p512r1",
    "2b8104000a": "secp256k1",
    "2b06010401da470f01": "ed25519",
    "2b060104019755010501": "curve25519",
    "2b6571": "ed448",
}


class KeyPacket(NamedTuple):
    """A primary key or subkey: what the packet itself says, bound to its fingerprint.

    ``algorithm`` is named like ``rsa-3072``, ``ed25519``, ``ecdsa-p256``, ``ecdsa-brainpool-p256r1``, ``dsa-2048``,
    ``unknown-99``. ``material`` is what its secret is told by, as :mod:`vxsec.formats.key_materials` compares it: the modulus
    of RSA, one coordinate of a point; empty for what does not sign, or not here.
    """

    fingerprint: str
    version: int
    algorithm: str
    created_at: datetime
    material: bytes


def read_key_packet(body: bytes, *, where: str) -> KeyPacket:
    """Read a public key packet's body.

    Raises:
        FormatError: ``openpgp.key-version`` for other versions than 4 and 6, ``openpgp.certificate`` where it is malformed.
    """
    reader = Reader(body, code="openpgp.certificate", where=where)
    version = reader.number(1)
    if version not in {_V4, _V6}:
        raise FormatError(
            f"expected a key of version 4 or 6, found {version}",
            code="openpgp.key-version",
            where=where,
            hint="make a current key: gpg --quick-generate-key 'NAME <MAIL>' ed25519 sign",
        )
    created_at = at_time(reader.number(4))
    number = reader.number(1)
    if version == _V6 and reader.number(4) != len(body) - reader.at:
        raise reader.error("a key of another length than it says")
    algorithm, material = _algorithm(number, reader)
    return KeyPacket(_fingerprint(version, body), version, algorithm, created_at, material)


def _fingerprint(version: int, body: bytes) -> str:
    """RFC 9580 section 5.5.4. SHA-1 is what version 4 fingerprints are; collisions do not help to imitate an existing one."""
    if version == _V4:
        framed = b"\x99" + len(body).to_bytes(4, "big")[-2:] + body
        return hashlib.sha1(framed, usedforsecurity=False).hexdigest().upper()
    return hashlib.sha256(b"\x9b" + len(body).to_bytes(4, "big") + body).hexdigest().upper()


def _algorithm(number: int, reader: Reader) -> tuple[str, bytes]:
    """Its name, and its material; bytes behind the numbers are not looked at, so that they make no other key of it."""
    if number in _RSA:
        modulus = reader.mpi()
        return f"rsa-{modulus.bit_length()}", b"rsa:" + _octets(modulus)
    if number in _PRIME:
        name = f"{_PRIME[number]}-{reader.mpi().bit_length()}"
        return name, b"" if number == _ONLY_ENCRYPTS else name.encode() + b":" + reader.rest()
    if number in _FIXED:
        name = _FIXED[number]
        return name, _of_point(name, reader.take(_ED25519_BYTES)) if name == "ed25519" else b""
    if number in _CURVED:
        oid = reader.take(reader.number(1)).hex()
        curve = _CURVES.get(oid, "unknown")
        name = curve if curve.startswith("ed") else f"{_CURVED[number]}-{curve}"
        if number == _ECDH:
            return name, b""
        return name, _of_point(name if curve in _CURVES.values() else f"{name}-{oid}", _octets(reader.mpi()))
    return f"unknown-{number}", b""


def _octets(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _of_point(name: str, point: bytes) -> bytes:
    """One coordinate, however the point is written (RFC 9580 section 11.2.1, SEC 1 section 2.3.3, and what gpg reads beside)."""
    form, rest = point[:1], point[1:]
    if name == "ed25519":
        raw = point.rjust(_ED25519_BYTES, b"\0")
        if form == b"\x40" and len(rest) == _ED25519_BYTES:
            raw = rest
        elif form == b"\x04" and len(rest) == 2 * _ED25519_BYTES:
            raw = rest[_ED25519_BYTES:][::-1]
        return b"ed25519:" + raw[:-1] + bytes([raw[-1] & 0x7F])
    if form == b"\x04":
        rest = rest[: len(rest) // 2]
    return name.encode() + b":" + (rest if form in {b"\x02", b"\x03", b"\x04", b"\x40"} else point)
