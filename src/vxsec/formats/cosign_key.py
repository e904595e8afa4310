"""cosign's encrypted private key file: scrypt and nacl/secretbox around PKCS#8, as JSON in PEM.

Source: github.com/secure-systems-lab/go-securesystemslib, package ``encrypted``, as cosign 3 writes it (N 65536, r 8,
p 1). A PEM block ``PRIVATE KEY`` (PKCS#8 without a password) is read too: in a CI secret store a password beside the key
protects nothing. Other private key blocks are refused with the command that converts them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re

from vxsec.errors import ConfigurationError, FormatError
from vxsec.formats.strict_json import dump_json, read_json

__all__ = ["NONCE_BYTES", "SALT_BYTES", "decrypt_key", "encrypt_key", "is_encrypted"]

SALT_BYTES = 32
NONCE_BYTES = 24

_PEM = re.compile(rb"\s*-----BEGIN ([A-Z0-9 ]{1,64})-----\s([A-Za-z0-9+/=\s]+)-----END \1-----\s*\Z")
_ENCRYPTED_LABELS = (b"ENCRYPTED SIGSTORE PRIVATE KEY", b"ENCRYPTED COSIGN PRIVATE KEY")
_PLAIN_LABEL = b"PRIVATE KEY"
_MAX_BYTES = 64 * 1024
_N, _R, _P = 65536, 8, 1
_KEY_BYTES = 32
_MAC_BYTES = 16
_MAX_SALT_BYTES = 1024
_MAX_MEMORY = 256 * 1024 * 1024  # 128 * N * r bytes; cosign's own parameters need 64 MiB
_MAX_WORK = 16 * _N * _R  # N * r * p; a key file must not buy minutes of our time
_SCRYPT_SLACK = 1024 * 1024
_PEM_WIDTH = 64


def encrypt_key(pkcs8: bytes, password: bytes, *, salt: bytes, nonce: bytes) -> bytes:
    """Write ``pkcs8`` (DER) as a key file that cosign and vxsec open with ``password``. It takes 0.35 s and 64 MiB.

    Args:
        pkcs8: The private key, PKCS#8 DER.
        password: Any bytes; empty is allowed, as in cosign.
        salt: 32 fresh random bytes.
        nonce: 24 fresh random bytes, never used twice with one salt.
    """
    from nacl.bindings import crypto_secretbox

    if len(salt) != SALT_BYTES or len(nonce) != NONCE_BYTES:
        raise ValueError("salt must be 32 bytes and nonce 24")
    key = _derive(password, salt, _N, _R, _P)
    document = {
        "kdf": {"name": "scrypt", "params": {"N": _N, "r": _R, "p": _P}, "salt": _text(salt)},
        "cipher": {"name": "nacl/secretbox", "nonce": _text(nonce)},
        "ciphertext": _text(crypto_secretbox(pkcs8, nonce, key)),
    }
    label = _ENCRYPTED_LABELS[0]
    body = base64.b64encode(dump_json(document))
    lines = [body[start : start + _PEM_WIDTH] for start in range(0, len(body), _PEM_WIDTH)]
    return b"\n".join([b"-----BEGIN %b-----" % label, *lines, b"-----END %b-----" % label, b""])


def is_encrypted(data: bytes, *, where: str) -> bool:
    """Whether a key file needs a password.

    Raises:
        ConfigurationError: ``key.malformed`` for anything that is no private key this version reads.
    """
    label, _ = _unwrap(data, where)
    return label != _PLAIN_LABEL


def decrypt_key(data: bytes, password: bytes, *, where: str) -> bytes:
    """Open a key file and return the PKCS#8 DER inside; ``password`` is not looked at for an unencrypted one.

    Guarantees: at most 256 MiB of memory and a few seconds, whatever the file asks for.

    Args:
        data: The file's bytes.
        password: The password, without a line end.
        where: What the file is called in an error.

    Raises:
        ConfigurationError: ``key.wrong-password``, or ``key.malformed``.
    """
    label, body = _unwrap(data, where)
    if label == _PLAIN_LABEL:
        return body
    try:
        return _open(body, password, where)
    except FormatError as error:
        raise ConfigurationError(error.message, code="key.malformed", where=error.where) from error


def _open(body: bytes, password: bytes, where: str) -> bytes:
    from nacl.bindings import crypto_secretbox_open
    from nacl.exceptions import CryptoError

    root = read_json(body, where=where, max_bytes=_MAX_BYTES).only("kdf", "cipher", "ciphertext")
    kdf = root["kdf"].only("name", "params", "salt")
    cipher = root["cipher"].only("name", "nonce")
    if kdf["name"].string() != "scrypt" or cipher["name"].string() != "nacl/secretbox":
        raise FormatError("expected scrypt and nacl/secretbox", code="key.malformed", where=where)
    params = kdf["params"].only("N", "r", "p")
    n, r, p = params["N"].integer(), params["r"].integer(), params["p"].integer()
    _check_cost(n, r, p, where)
    salt = _bytes(kdf["salt"].string(), where)
    nonce = _bytes(cipher["nonce"].string(), where)
    box = _bytes(root["ciphertext"].string(), where)
    if not 1 <= len(salt) <= _MAX_SALT_BYTES or len(nonce) != NONCE_BYTES or len(box) <= _MAC_BYTES:
        raise FormatError("salt, nonce or ciphertext of a wrong length", code="key.malformed", where=where)
    try:
        return crypto_secretbox_open(box, nonce, _derive(password, salt, n, r, p))
    except CryptoError as error:
        raise ConfigurationError(
            "the password does not open this key",
            code="key.wrong-password",
            where=where,
            hint="give it with --password-file FILE or --password-env NAME",
        ) from error


def _check_cost(n: int, r: int, p: int, where: str) -> None:
    power_of_two = n > 1 and n & (n - 1) == 0
    if not power_of_two or r < 1 or p < 1 or 128 * n * r > _MAX_MEMORY or n * r * p > _MAX_WORK:
        raise FormatError(
            f"scrypt parameters out of bounds: N={str(n)[:20]} r={str(r)[:20]} p={str(p)[:20]}",
            code="key.malformed",
            where=where,
        )


def _derive(password: bytes, salt: bytes, n: int, r: int, p: int) -> bytes:
    memory = 128 * r * (n + p + 2) + _SCRYPT_SLACK
    return hashlib.scrypt(password, salt=salt, n=n, r=r, p=p, maxmem=memory, dklen=_KEY_BYTES)


def _unwrap(data: bytes, where: str) -> tuple[bytes, bytes]:
    """Label and bytes of the one PEM block in ``data``."""
    match = _PEM.match(data) if len(data) <= _MAX_BYTES else None
    if match is None or match[1] not in {*_ENCRYPTED_LABELS, _PLAIN_LABEL}:
        raise ConfigurationError(
            f"expected a private key in cosign's format, found {_found(data, match)}",
            code="key.malformed",
            where=where,
            hint="convert with: cosign import-key-pair --key FILE, or openssl pkcs8 -topk8 -nocrypt -in FILE",
        )
    try:
        return match[1], base64.b64decode(b"".join(match[2].split()), validate=True)
    except binascii.Error as error:
        raise ConfigurationError("the PEM block is not base64", code="key.malformed", where=where) from error


def _found(data: bytes, match: re.Match[bytes] | None) -> str:
    if match is not None:
        return f"a PEM block {match[1].decode('ascii')!r}"
    return "something else" if data.strip() else "nothing"


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def _bytes(text: str, where: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise FormatError("a value that is not base64", code="key.malformed", where=where) from error
