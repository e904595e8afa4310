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
_PRIME = {16: "elgamal", 17: "dsa", 20: "elgamal"}
_CURVED = {18: "ecdh", 19: "ecdsa", 22: "eddsa"}
_FIXED = {25: "x25519", 26: "x448", 27: "ed25519", 28: "ed448"}
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
    ``unknown-99``.
    """

    fingerprint: str
    version: int
    algorithm: str
    created_at: datetime


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
    return KeyPacket(_fingerprint(version, body), version, _algorithm(number, reader), created_at)


def _fingerprint(version: int, body: bytes) -> str:
    """RFC 9580 section 5.5.4. SHA-1 is what version 4 fingerprints are; collisions do not help to imitate an existing one."""
    if version == _V4:
        framed = b"\x99" + len(body).to_bytes(4, "big")[-2:] + body
        return hashlib.sha1(framed, usedforsecurity=False).hexdigest().upper()
    return hashlib.sha256(b"\x9b" + len(body).to_bytes(4, "big") + body).hexdigest().upper()


def _algorithm(number: int, reader: Reader) -> str:
    if number in _RSA:
        return f"rsa-{reader.mpi().bit_length()}"
    if number in _PRIME:
        return f"{_PRIME[number]}-{reader.mpi().bit_length()}"
    if number in _FIXED:
        return _FIXED[number]
    if number in _CURVED:
        oid = reader.take(reader.number(1)).hex()
        curve = _CURVES.get(oid, "unknown")
        return curve if curve.startswith("ed") else f"{_CURVED[number]}-{curve}"
    return f"unknown-{number}"
