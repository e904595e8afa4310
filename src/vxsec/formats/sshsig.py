"""SSH signatures over files and other bytes: PROTOCOL.sshsig of OpenSSH, armored and bare.

Stricter than ssh-keygen where that reads two encodings as one: nothing stands around the armor, nothing follows the last
field, numbers are written shortest, and the reserved field, which no signature covers, is empty.
"""

from __future__ import annotations

import base64
import binascii
import re

from vxsec.errors import FormatError
from vxsec.formats.ssh_wire import WireReader, wire_mpint, wire_string
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.ssh import SshSignature

__all__ = [
    "SSHSIG_HASHES",
    "armor_sshsig",
    "build_sshsig",
    "dearmor_sshsig",
    "read_sshsig",
    "signed_data",
    "ssh_signature_of",
]

_MAGIC = b"SSHSIG"
_VERSION = 1
_ARMOR = re.compile(
    rb"-----BEGIN SSH SIGNATURE-----\r?\n((?:[A-Za-z0-9+/=]{1,100}\r?\n)+)-----END SSH SIGNATURE-----\s*\Z"
)
_WIDTH = 70  # as ssh-keygen writes it
SSHSIG_HASHES = {"sha256": 32, "sha512": 64}
"""The hashes that a message may be signed by, and their lengths in bytes."""

_ED25519_BYTES = 64
_MIN_RSA_BYTES, _MAX_RSA_BYTES = 256, 1024
_ECDSA_BITS = {"ecdsa-sha2-nistp256": 256, "ecdsa-sha2-nistp384": 384, "ecdsa-sha2-nistp521": 521}
_RSA_ALGORITHMS = ("rsa-sha2-256", "rsa-sha2-512")
_SK_ECDSA = "sk-ecdsa-sha2-nistp256@openssh.com"
_SK_ED25519 = "sk-ssh-ed25519@openssh.com"
_ASK = "ask the signer to sign again: ssh-keygen -Y sign -n vxsec -f KEY FILE"


def read_sshsig(data: bytes, *, where: str, limits: Limits = DEFAULT_LIMITS) -> SshSignature:
    """Read one SSH signature; it verifies nothing.

    Args:
        data: The armored text as ssh-keygen writes it, or the bare blob.
        where: What it is called in an error.
        limits: The bound on its size.

    Raises:
        FormatError: ``sshsig.too-large``, ``sshsig.malformed``, ``sshsig.version``, ``sshsig.reserved``, ``sshsig.hash``;
            ``sshsig.sha1`` for RSA with SHA-1, ``sshsig.webauthn`` for a browser's signature, ``sshsig.algorithm`` for
            any other that is not known.
    """
    if len(data) > limits.sshsig_bytes:
        raise FormatError(
            f"expected at most {limits.sshsig_bytes} bytes, found {len(data)}", code="sshsig.too-large", where=where
        )
    blob = data if data.startswith(_MAGIC) else dearmor_sshsig(data, where=where)
    reader = WireReader(blob, where=where, code="sshsig.malformed")
    if reader.take(len(_MAGIC), "magic") != _MAGIC:
        raise reader.wrong("expected an SSH signature, found something else in the armor")
    version = reader.uint32("version")
    if version != _VERSION:
        raise FormatError(f"expected version 1, found {version}", code="sshsig.version", where=where, hint=_ASK)
    public_key = reader.string("public key")
    namespace = reader.text("namespace")
    reserved = reader.string("reserved field")
    hash_name = reader.text("hash")
    inner = reader.string("signature")
    reader.end()
    if not namespace:
        raise reader.wrong("expected a namespace, found none")
    if reserved:
        raise FormatError("expected the reserved field empty", code="sshsig.reserved", where=where, hint=_ASK)
    if hash_name not in SSHSIG_HASHES:
        raise FormatError(
            f"expected one of {', '.join(SSHSIG_HASHES)}, found {hash_name[:40]!r}",
            code="sshsig.hash",
            where=where,
            hint=_ASK,
        )
    algorithm, raw, flags, counter = _read_signature(inner, where)
    return SshSignature(
        public_key=public_key,
        namespace=namespace,
        hash_name=hash_name,
        algorithm=algorithm,
        raw=raw,
        flags=flags,
        counter=counter,
    )


def signed_data(namespace: str, hash_name: str, digest: bytes) -> bytes:
    """What the key signs (PROTOCOL.sshsig section 3).

    Args:
        namespace: Printable ASCII, not empty.
        hash_name: ``sha256`` or ``sha512``.
        digest: The message's digest by that hash.
    """
    if not namespace or len(digest) != SSHSIG_HASHES[hash_name]:
        raise ValueError("expected a namespace and a digest of the hash's length")
    fields = (namespace.encode("ascii"), b"", hash_name.encode("ascii"), digest)
    return _MAGIC + b"".join(wire_string(field) for field in fields)


def build_sshsig(*, public_key: bytes, namespace: str, hash_name: str, signature: bytes) -> bytes:
    """The blob around a signature.

    Args:
        public_key: The key in wire form.
        namespace: As it was signed.
        hash_name: As it was signed.
        signature: In wire form, as an agent gives it and :func:`ssh_signature_of` writes it.
    """
    fields = (public_key, namespace.encode("ascii"), b"", hash_name.encode("ascii"), signature)
    return _MAGIC + _VERSION.to_bytes(4, "big") + b"".join(wire_string(field) for field in fields)


def ssh_signature_of(algorithm: str, raw: bytes) -> bytes:
    """SSH's wire form of an ordinary key's signature.

    Args:
        algorithm: ``ssh-ed25519``, ``rsa-sha2-512`` or a kind of ECDSA key.
        raw: As cryptography makes it: DER for ECDSA.
    """
    if algorithm in _ECDSA_BITS:
        from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

        r, s = decode_dss_signature(raw)
        raw = wire_mpint(r) + wire_mpint(s)
    return wire_string(algorithm.encode("ascii")) + wire_string(raw)


def armor_sshsig(blob: bytes) -> bytes:
    """The text that ``ssh-keygen -Y verify`` reads."""
    text = base64.b64encode(blob)
    lines = [text[start : start + _WIDTH] for start in range(0, len(text), _WIDTH)]
    return b"\n".join([b"-----BEGIN SSH SIGNATURE-----", *lines, b"-----END SSH SIGNATURE-----", b""])


def dearmor_sshsig(data: bytes, *, where: str) -> bytes:
    """The blob in an armored signature, which begins and ends with the armor (PROTOCOL.sshsig section 1).

    Raises:
        FormatError: ``sshsig.malformed``.
    """
    match = _ARMOR.match(data)
    if match is None:
        raise FormatError(
            "expected an SSH signature (BEGIN SSH SIGNATURE) and nothing around it",
            code="sshsig.malformed",
            where=where,
            hint=_ASK,
        )
    text = b"".join(match[1].split())
    try:
        blob = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise FormatError("the armor is not base64", code="sshsig.malformed", where=where, hint=_ASK) from error
    if base64.b64encode(blob) != text:
        raise FormatError("the armor is not canonical base64", code="sshsig.malformed", where=where, hint=_ASK)
    return blob


def _read_signature(inner: bytes, where: str) -> tuple[str, bytes, int | None, int | None]:
    """Algorithm, raw signature, and what hardware adds: flags and counter."""
    reader = WireReader(inner, where=where, code="sshsig.malformed")
    algorithm = reader.text("algorithm")
    raw = reader.string("signature")
    flags: int | None = None
    counter: int | None = None
    if algorithm in {_SK_ED25519, _SK_ECDSA}:
        flags, counter = reader.byte("flags"), reader.uint32("counter")
    if algorithm in {"ssh-ed25519", _SK_ED25519}:
        _check_length(reader, raw, _ED25519_BYTES, _ED25519_BYTES)
    elif algorithm in _RSA_ALGORITHMS:
        _check_length(reader, raw, _MIN_RSA_BYTES, _MAX_RSA_BYTES)
    elif algorithm in _ECDSA_BITS or algorithm == _SK_ECDSA:
        raw = _ecdsa_der(raw, _ECDSA_BITS.get(algorithm, 256), where)
    else:
        raise _unknown(algorithm, where)
    reader.end()
    return algorithm, raw, flags, counter


def _check_length(reader: WireReader, raw: bytes, least: int, most: int) -> None:
    if not least <= len(raw) <= most:
        expected = str(least) if least == most else f"{least} to {most}"
        raise reader.wrong(f"expected a signature of {expected} bytes, found {len(raw)}")


def _ecdsa_der(raw: bytes, bits: int, where: str) -> bytes:
    """``r`` and ``s`` (RFC 5656 section 3.1.2) as the DER that cryptography takes."""
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    reader = WireReader(raw, where=where, code="sshsig.malformed")
    r, s = reader.mpint("number r"), reader.mpint("number s")
    reader.end()
    if max(r, s).bit_length() > bits:
        raise reader.wrong("expected r and s no longer than the curve's order")
    return encode_dss_signature(r, s)


def _unknown(algorithm: str, where: str) -> FormatError:
    if algorithm == "ssh-rsa":
        return FormatError(
            "RSA with SHA-1, which can be forged",
            code="sshsig.sha1",
            where=where,
            hint="ask the signer to sign with a current ssh-keygen, which uses SHA-512",
        )
    if algorithm.startswith("webauthn-"):
        return FormatError(
            "a signature that a browser made: what it signed is the browser's own document, not these bytes",
            code="sshsig.webauthn",
            where=where,
            hint=_ASK,
        )
    return FormatError(
        f"a signature of kind {algorithm[:60]!r}, which is not known", code="sshsig.algorithm", where=where, hint=_ASK
    )
