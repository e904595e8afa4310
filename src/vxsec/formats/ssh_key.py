"""SSH public keys: the line of a ``.pub`` file, or the blob in it.

RFC 4253 section 6.6 (RSA), RFC 5656 section 3.1 (ECDSA), RFC 8709 section 4 (Ed25519), and PROTOCOL.u2f of OpenSSH for
keys in security hardware. One key has one blob: numbers are written shortest, points are uncompressed, and nothing
follows.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING

from vxsec.errors import FormatError
from vxsec.formats.public_key import build_public_key, parse_public_key
from vxsec.formats.ssh_wire import WireReader
from vxsec.model.ssh import SshPublicKey

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["SSH_KEY_KINDS", "parse_ssh_public_key"]

_LINE = re.compile(rb"[ \t]*([a-z0-9@.-]{1,64})[ \t]+([A-Za-z0-9+/]+={0,2})(?:[ \t][^\r\n]*)?\r?\n?\Z")
_MAX_BYTES = 16 * 1024
_CERTIFICATE = "-cert-v01@openssh.com"
_CURVES = {
    "ecdsa-sha2-nistp256": ("nistp256", "ecdsa-p256"),
    "ecdsa-sha2-nistp384": ("nistp384", "ecdsa-p384"),
    "ecdsa-sha2-nistp521": ("nistp521", "ecdsa-p521"),
}
_ED25519_BYTES = 32
_GIVE_PUB = "give one public key as ssh-keygen writes it: the .pub file, or a line of ssh-add -L"


def parse_ssh_public_key(data: str | bytes, *, where: str = "SSH key") -> SshPublicKey:
    """Read one SSH public key.

    Guarantees: equal keys give equal blobs. What a plain key may be is said by
    :func:`vxsec.formats.public_key.parse_public_key`.

    Args:
        data: The line of a ``.pub`` file (``TYPE BASE64 COMMENT``; the comment is not looked at), or the blob in it.
        where: What the key is called in an error.

    Raises:
        FormatError: ``key.malformed``; ``key.ssh-certificate`` for a certificate; ``key.unsupported`` for a kind or size
            that is not allowed, DSA among them.
    """
    raw = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data
    if len(raw) > _MAX_BYTES:
        raise _malformed(f"expected at most {_MAX_BYTES} bytes, found {len(raw)}", where)
    if raw.startswith(b"\0"):  # the length of the kind, which no line begins with
        return _read_blob(raw, where)
    match = _LINE.match(raw)
    if match is None:
        raise _malformed(f"expected one line TYPE BASE64, found {_found(raw)}", where)
    try:
        blob = base64.b64decode(match[2], validate=True)
    except binascii.Error as error:
        raise _malformed("the key is not base64", where) from error
    if base64.b64encode(blob) != match[2]:  # bits behind the last byte: a second way to write one key
        raise _malformed("the key is not canonical base64", where)
    key = _read_blob(blob, where)
    if key.kind.encode("ascii") != match[1]:
        raise _malformed(f"expected a key of kind {match[1].decode('ascii')!r}, found {key.kind!r} inside", where)
    return key


def _read_blob(blob: bytes, where: str) -> SshPublicKey:
    reader = WireReader(blob, where=where, code="key.malformed")
    kind = reader.text("kind of key")
    if kind.endswith(_CERTIFICATE):
        raise FormatError(
            f"expected a key, found a certificate {kind[:60]!r}",
            code="key.ssh-certificate",
            where=where,
            hint="give the key that was certified: the .pub file without -cert in its name",
        )
    read = _READERS.get(kind)
    if read is None:
        raise FormatError(
            f"expected one of {', '.join(SSH_KEY_KINDS)}, found {kind[:60]!r}",
            code="key.unsupported",
            where=where,
            hint="make another key: ssh-keygen -t ed25519, or -t ed25519-sk for one in security hardware",
        )
    try:
        spki = read(reader, kind, where)
        application = reader.text("application") if kind.startswith("sk-") else None
    except FormatError as error:
        hint = error.hint if error.code == "key.unsupported" else _GIVE_PUB
        raise FormatError(error.message, code=error.code, where=where, hint=hint) from error
    if application == "":
        raise _malformed("expected an application, found none", where)
    reader.end()
    return SshPublicKey(kind=kind, blob=blob, verifying_spki=spki, application=application)


def _read_ed25519(reader: WireReader, kind: str, where: str) -> bytes:
    raw = reader.string("key")
    if len(raw) != _ED25519_BYTES:
        raise reader.wrong(f"expected {_ED25519_BYTES} bytes in a key of kind {kind}, found {len(raw)}")
    return build_public_key("ed25519", raw, where=where)


def _read_ecdsa(reader: WireReader, kind: str, where: str) -> bytes:
    name, algorithm = _CURVES[kind.removeprefix("sk-").removesuffix("@openssh.com")]
    curve = reader.text("curve")
    if curve != name:
        raise reader.wrong(f"expected the curve {name}, found {curve[:40]!r}")
    point = reader.string("point")
    if not point.startswith(b"\x04"):
        raise reader.wrong("expected an uncompressed point")
    return build_public_key(algorithm, point, where=where)


def _read_rsa(reader: WireReader, _: str, where: str) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    exponent, modulus = reader.mpint("exponent"), reader.mpint("modulus")
    try:
        key = RSAPublicNumbers(exponent, modulus).public_key()
    except ValueError as error:
        raise reader.wrong("exponent and modulus make no RSA key") from error
    return parse_public_key(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo), where=where)


_READERS: dict[str, Callable[[WireReader, str, str], bytes]] = {
    "ssh-ed25519": _read_ed25519,
    **dict.fromkeys(_CURVES, _read_ecdsa),
    "ssh-rsa": _read_rsa,
    "sk-ssh-ed25519@openssh.com": _read_ed25519,
    "sk-ecdsa-sha2-nistp256@openssh.com": _read_ecdsa,
}

SSH_KEY_KINDS = tuple(_READERS)
"""Every kind of key that is read."""


def _found(raw: bytes) -> str:
    if b"PRIVATE KEY" in raw:
        return "a private key"
    return f"{raw[:40]!r}" if raw.strip() else "nothing"


def _malformed(message: str, where: str) -> FormatError:
    return FormatError(message, code="key.malformed", where=where, hint=_GIVE_PUB)
