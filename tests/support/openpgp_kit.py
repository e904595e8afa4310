"""OpenPGP packets made by hand, with real Ed25519 keys: what gpg would not make, made to be refused."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from vxsec.formats.openpgp_key import read_key_packet
from vxsec.model.openpgp import GpgRun, openpgp_inputs

NOW = datetime(2024, 11, 21, 12, 0, tzinfo=UTC)
"""Past on every machine, because Sequoia goes by the machine's clock."""
MADE = NOW - timedelta(days=400)
SIGNED = NOW - timedelta(days=300)
DATA = b"the bytes of a tarball\n"
SALT = bytes(range(16))
_LEGACY, _NATIVE = 22, 27


def stamp(moment: datetime) -> bytes:
    return int(moment.timestamp()).to_bytes(4, "big")


def packet(tag: int, body: bytes) -> bytes:
    """New format, five-octet length."""
    return bytes([0xC0 | tag, 255]) + len(body).to_bytes(4, "big") + body


def old_packet(tag: int, body: bytes, size: int = 2) -> bytes:
    """Old format; ``size`` is 1, 2 or 4 octets of length."""
    return bytes([0x80 | tag << 2 | {1: 0, 2: 1, 4: 2}[size]]) + len(body).to_bytes(size, "big") + body


def subpacket(number: int, content: bytes, *, critical: bool = False) -> bytes:
    return bytes([len(content) + 1, number | (0x80 if critical else 0)]) + content


def mpi(value: bytes) -> bytes:
    number = int.from_bytes(value, "big")
    return number.bit_length().to_bytes(2, "big") + number.to_bytes((number.bit_length() + 7) // 8, "big")


@dataclass(frozen=True)
class Key:
    """An Ed25519 key; version 4 in GnuPG's encoding, version 6 in RFC 9580's."""

    private: Ed25519PrivateKey
    version: int = 4
    created: datetime = MADE

    @property
    def body(self) -> bytes:
        raw = self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        start = bytes([self.version]) + stamp(self.created)
        if self.version == 6:
            return start + bytes([_NATIVE]) + (32).to_bytes(4, "big") + raw
        return start + bytes([_LEGACY]) + b"\x09" + bytes.fromhex("2b06010401da470f01") + mpi(b"\x40" + raw)

    @property
    def fingerprint(self) -> str:
        return read_key_packet(self.body, where="made here").fingerprint

    @property
    def key_id(self) -> bytes:
        raw = bytes.fromhex(self.fingerprint)
        return raw[-8:] if self.version == 4 else raw[:8]

    @property
    def hashed(self) -> bytes:
        """What is hashed of it when something is bound to it."""
        frame = b"\x99" + len(self.body).to_bytes(2, "big")
        return (frame if self.version == 4 else b"\x9b" + len(self.body).to_bytes(4, "big")) + self.body

    @property
    def issuer(self) -> bytes:
        return subpacket(33, bytes([self.version]) + bytes.fromhex(self.fingerprint))

    def signature(
        self,
        kind: int,
        over: bytes,
        *,
        at: datetime = SIGNED,
        hashed: bytes | None = None,
        unhashed: bytes | None = None,
        hash_algorithm: int = 8,
        algorithm: int | None = None,
        trailing: bytes = b"",
    ) -> bytes:
        """A signature packet's body. ``hashed`` and ``unhashed`` replace time and issuer, and the issuer's key id."""
        algorithm = algorithm or (_LEGACY if self.version == 4 else _NATIVE)
        area = subpacket(2, stamp(at)) + self.issuer if hashed is None else hashed
        loose = subpacket(16, self.key_id) if unhashed is None else unhashed
        size = 2 if self.version == 4 else 4
        head = bytes([self.version, kind, algorithm, hash_algorithm]) + len(area).to_bytes(size, "big") + area
        made = hashlib.new({1: "md5", 2: "sha1", 8: "sha256", 9: "sha384", 10: "sha512"}.get(hash_algorithm, "sha256"))
        salt = b"" if self.version == 4 else SALT
        made.update(salt + over + head + bytes([self.version, 0xFF]) + len(head).to_bytes(4, "big"))
        raw = self.private.sign(made.digest())
        own = mpi(raw[:32]) + mpi(raw[32:]) if algorithm == _LEGACY else raw
        salted = b"" if self.version == 4 else bytes([len(salt)]) + salt
        return head + len(loose).to_bytes(size, "big") + loose + made.digest()[:2] + salted + own + trailing

    def old_signature(self, kind: int, over: bytes, *, at: datetime = SIGNED, version: int = 3) -> bytes:
        """A signature packet's body of version 3, as programs of the 1990s made it (RFC 4880 section 5.2.2)."""
        head = bytes([kind]) + stamp(at)
        digest = hashlib.sha256(over + head).digest()
        raw = self.private.sign(digest)
        own = bytes([_LEGACY, 8]) + digest[:2] + mpi(raw[:32]) + mpi(raw[32:])
        return bytes([version, len(head)]) + head + self.key_id + own

    def detached(self, data: bytes = DATA, **changed: object) -> bytes:
        """A detached signature, one packet."""
        return packet(2, self.signature(0x00, data, **changed))  # type: ignore[arg-type]  # handed on as given

    def self_signature(
        self, *, user_id: bytes, extra: bytes = subpacket(27, b"\x03"), hash_algorithm: int = 8
    ) -> bytes:
        over = self.hashed + b"\xb4" + len(user_id).to_bytes(4, "big") + user_id
        area = subpacket(2, stamp(self.created)) + self.issuer + extra
        return packet(2, self.signature(0x13, over, hashed=area, hash_algorithm=hash_algorithm))

    def binding(
        self, subkey: Key, *, extra: bytes | None = None, signer: Key | None = None, with_back: bool = True
    ) -> bytes:
        """A subkey's binding, with the subkey's own consent in it; ``signer`` signs in this key's name."""
        over = self.hashed + subkey.hashed
        area = subpacket(2, stamp(subkey.created)) + self.issuer + (subpacket(27, b"\x02") if extra is None else extra)
        back = subkey.signature(0x19, over, at=subkey.created)
        loose = subpacket(16, self.key_id) + (subpacket(32, back) if with_back else b"")
        return packet(2, (signer or self).signature(0x18, over, hashed=area, unhashed=loose))

    def revocation(self, *, reason: int | None, at: datetime, subkey: Key | None = None) -> bytes:
        area = subpacket(2, stamp(at)) + self.issuer
        area += b"" if reason is None else subpacket(29, bytes([reason]))
        over = self.hashed + (subkey.hashed if subkey else b"")
        return packet(2, self.signature(0x28 if subkey else 0x20, over, hashed=area))

    def certificate(self, *rest: bytes, name: bytes = b"key <key@example.test>", direct: bytes = b"") -> bytes:
        """Primary key, ``direct`` packets, one user id, and ``rest``."""
        return packet(6, self.body) + direct + packet(13, name) + self.self_signature(user_id=name) + b"".join(rest)


def key(seed: int, *, version: int = 4, created: datetime = MADE) -> Key:
    """The same key for the same number."""
    return Key(Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32), version, created)


class Scripted:
    """A port that reports what it is told to, and remembers what it was asked."""

    def __init__(self, *lines: str, exit_code: int = 0, inputs: str | None = None, raw: bytes | None = None) -> None:
        self._status = raw if raw is not None else "".join(f"[GNUPG:] {line}\n" for line in lines).encode()
        self._exit_code = exit_code
        self._inputs = inputs
        self.asked: list[tuple[bytes, bytes, bytes, datetime]] = []

    def __call__(self, signature: bytes, data: bytes, *, certificates: bytes, at: datetime) -> GpgRun:
        self.asked.append((signature, data, certificates, at))
        inputs = self._inputs or openpgp_inputs(signature, data, certificates)
        return GpgRun(argv=("gpg",), exit_code=self._exit_code, status=self._status, inputs=inputs)


def valid_line(signer: Key, primary: Key | None = None, *, at: datetime = SIGNED, **changed: object) -> str:
    """VALIDSIG as gpg writes it."""
    fields: dict[str, object] = {
        "fingerprint": signer.fingerprint,
        "date": f"{at:%Y-%m-%d}",
        "created": int(at.timestamp()),
        "expires": 0,
        "version": 4,
        "reserved": 0,
        "key": _LEGACY,
        "hash": 8,
        "kind": "00",
        "primary": (primary or signer).fingerprint,
    } | changed
    return "VALIDSIG " + " ".join(str(field) for field in fields.values())
