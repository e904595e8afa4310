"""SSH keys of every kind, an emulated hardware key, and signatures built field by field, for tests.

Wire forms are built here with ``struct`` alone, so that the reader under test is not its own judge.
"""

from __future__ import annotations

import base64
import hashlib
import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from vxsec.formats.ssh_key import parse_ssh_public_key

if TYPE_CHECKING:
    from vxsec.model.ssh import SshPublicKey

__all__ = [
    "CURVES",
    "KINDS",
    "ORDINARY",
    "SK_ECDSA",
    "SK_ED25519",
    "Key",
    "armored",
    "blob_of",
    "hardware_file",
    "make",
    "mpint",
    "point_of",
    "private_body",
    "private_file",
    "public_line",
    "sign_wire",
    "signed_by",
    "sshsig",
    "string",
]

Private: TypeAlias = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey

SK_ED25519 = "sk-ssh-ed25519@openssh.com"
SK_ECDSA = "sk-ecdsa-sha2-nistp256@openssh.com"
CURVES: dict[str, tuple[ec.EllipticCurve, hashes.HashAlgorithm]] = {
    "ecdsa-sha2-nistp256": (ec.SECP256R1(), hashes.SHA256()),
    "ecdsa-sha2-nistp384": (ec.SECP384R1(), hashes.SHA384()),
    "ecdsa-sha2-nistp521": (ec.SECP521R1(), hashes.SHA512()),
}
ORDINARY = ("ssh-ed25519", *CURVES, "ssh-rsa")
KINDS = (*ORDINARY, SK_ED25519, SK_ECDSA)


@dataclass(frozen=True)
class Key:
    """A private key in memory; a hardware one is emulated by it."""

    kind: str
    private: Private
    application: str = "ssh:"

    @property
    def public(self) -> SshPublicKey:
        return parse_ssh_public_key(blob_of(self), where="made here")


@lru_cache(maxsize=64)
def make(kind: str, name: str = "k", bits: int = 2048) -> Key:
    """The same key for the same kind and name, in one test run."""
    del name
    if kind in {"ssh-ed25519", SK_ED25519}:
        return Key(kind, ed25519.Ed25519PrivateKey.generate())
    if kind == "ssh-rsa":
        return Key(kind, rsa.generate_private_key(65537, bits))
    curve = CURVES["ecdsa-sha2-nistp256" if kind == SK_ECDSA else kind][0]
    return Key(kind, ec.generate_private_key(curve))


def string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def mpint(number: int) -> bytes:
    return string(number.to_bytes(number.bit_length() // 8 + 1, "big")) if number else string(b"")


def point_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def blob_of(key: Key) -> bytes:
    """The public key in wire form."""
    head = string(key.kind.encode())
    tail = string(key.application.encode()) if key.kind.startswith("sk-") else b""
    if isinstance(key.private, ed25519.Ed25519PrivateKey):
        return head + string(key.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)) + tail
    if isinstance(key.private, rsa.RSAPrivateKey):
        numbers = key.private.public_key().public_numbers()
        return head + mpint(numbers.e) + mpint(numbers.n)
    curve = b"nistp%d" % key.private.curve.key_size
    return head + string(curve) + string(point_of(key.private)) + tail


def public_line(key: Key, comment: str = "someone@example.test") -> str:
    """The line of its ``.pub`` file."""
    return f"{key.kind} {base64.b64encode(blob_of(key)).decode()} {comment}\n"


def private_file(key: Key) -> bytes:
    """Its OpenSSH private key file, without a password."""
    return key.private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())


def private_body(
    public: bytes,
    *,
    magic: bytes = b"openssh-key-v1\0",
    cipher: bytes = b"none",
    kdf: bytes = b"none",
    options: bytes = b"",
    count: int = 1,
    secret: bytes = b"not looked at",
) -> bytes:
    """An OpenSSH private key file, field by field (PROTOCOL.key)."""
    head = magic + string(cipher) + string(kdf) + string(options) + struct.pack(">I", count)
    text = base64.b64encode(head + string(public) + string(secret))
    return b"-----BEGIN OPENSSH PRIVATE KEY-----\n" + text + b"\n-----END OPENSSH PRIVATE KEY-----\n"


def hardware_file(key: Key) -> bytes:
    """What ``ssh-keygen -t ed25519-sk`` leaves on disk, with a handle that no device knows."""
    return private_body(blob_of(key))


def sign_wire(key: Key, data: bytes, *, algorithm: str | None = None, flags: int = 1, counter: int = 7) -> bytes:
    """A signature in wire form, as an agent answers; hardware signs as PROTOCOL.u2f says."""
    name = algorithm or ("rsa-sha2-512" if key.kind == "ssh-rsa" else key.kind)
    happened = b""
    if key.kind.startswith("sk-"):
        happened = struct.pack(">BI", flags, counter)
        data = hashlib.sha256(key.application.encode()).digest() + happened + hashlib.sha256(data).digest()
    if isinstance(key.private, ed25519.Ed25519PrivateKey):
        raw = key.private.sign(data)
    elif isinstance(key.private, rsa.RSAPrivateKey):
        by_name: dict[str, hashes.HashAlgorithm] = {"rsa-sha2-256": hashes.SHA256(), "ssh-rsa": hashes.SHA1()}  # noqa: S303
        raw = key.private.sign(data, padding.PKCS1v15(), by_name.get(name, hashes.SHA512()))
    else:
        hashed = hashes.SHA256() if key.kind == SK_ECDSA else CURVES[key.kind][1]
        r, s = decode_dss_signature(key.private.sign(data, ec.ECDSA(hashed)))
        raw = mpint(r) + mpint(s)
    return string(name.encode()) + string(raw) + happened


def sshsig(
    *,
    public: bytes,
    signature: bytes,
    namespace: bytes = b"vxsec",
    reserved: bytes = b"",
    hash_name: bytes = b"sha512",
    version: int = 1,
    magic: bytes = b"SSHSIG",
    tail: bytes = b"",
) -> bytes:
    """A blob, field by field."""
    fields = (public, namespace, reserved, hash_name, signature)
    return magic + struct.pack(">I", version) + b"".join(map(string, fields)) + tail


def signed_by(
    key: Key,
    message: bytes,
    *,
    namespace: bytes = b"vxsec",
    hash_name: str = "sha512",
    algorithm: str | None = None,
    flags: int = 1,
    counter: int = 7,
) -> bytes:
    """A good SSHSIG blob over ``message``."""
    digest = hashlib.new(hash_name, message).digest()
    fields = (namespace, b"", hash_name.encode(), digest)
    data = b"SSHSIG" + b"".join(map(string, fields))
    signature = sign_wire(key, data, algorithm=algorithm, flags=flags, counter=counter)
    return sshsig(public=blob_of(key), signature=signature, namespace=namespace, hash_name=hash_name.encode())


def armored(blob: bytes, *, width: int = 70) -> bytes:
    """The blob as ssh-keygen writes it."""
    text = base64.b64encode(blob)
    lines = [text[at : at + width] for at in range(0, len(text), width)]
    return b"\n".join([b"-----BEGIN SSH SIGNATURE-----", *lines, b"-----END SSH SIGNATURE-----", b""])
