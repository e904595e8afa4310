"""Make a key pair; show what a key file holds."""

from __future__ import annotations

import base64
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from vxsec.errors import UsageError
from vxsec.formats.cosign_key import NONCE_BYTES, SALT_BYTES, encrypt_key
from vxsec.formats.public_key import key_algorithm, key_hint, render_public_key
from vxsec.host.files import write_atomic
from vxsec.signing.key import KeySigner, generate_pkcs8
from vxsec.usecases.inputs import load_public_key
from vxsec.values import dataclass

if TYPE_CHECKING:
    import os

__all__ = ["KeyPair", "PublicKeyFile", "generate_key", "show_key"]

_PRIVATE_MODE = 0o600


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPair:
    """The two files made, and what names the key: hint (base64 SHA-256 of the DER) and algorithm."""

    private: str
    public: str
    algorithm: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKeyFile:
    """A public key as read: algorithm, hint, and the PEM to paste."""

    path: str
    algorithm: str
    hint: str
    sha256: str
    pem: str


def generate_key(prefix: str | os.PathLike[str], *, password: bytes, algorithm: str = "ecdsa-p256") -> KeyPair:
    """Write ``PREFIX.key`` (cosign's encrypted format, mode 0600) and ``PREFIX.pub`` (SPKI PEM).

    Guarantees: neither file is ever overwritten; the private key is never on disk unencrypted, and never readable by
    others, not even for a moment.

    Args:
        prefix: Path without suffix.
        password: Encrypts the private key (scrypt and NaCl secretbox); may be empty, as cosign allows.
        algorithm: ``ecdsa-p256`` (default), ``ecdsa-p384`` or ``ed25519``.

    Raises:
        UsageError: A file exists or cannot be written, or the algorithm is unknown.
    """
    private, public = f"{prefix}.key", f"{prefix}.pub"
    for path in (private, public):
        _refuse_existing(path)
    pkcs8 = generate_pkcs8(algorithm)
    sealed = encrypt_key(pkcs8, password, salt=secrets.token_bytes(SALT_BYTES), nonce=secrets.token_bytes(NONCE_BYTES))
    spki = KeySigner(pkcs8, where=private).spki
    write_atomic(private, sealed, mode=_PRIVATE_MODE, overwrite=False)
    try:
        write_atomic(public, render_public_key(spki), overwrite=False)
    except UsageError:
        Path(private).unlink(
            missing_ok=True
        )  # a key without its other half is of no use, and in the way of the next try
        raise
    return KeyPair(private=private, public=public, algorithm=key_algorithm(spki), hint=key_hint(spki))


def show_key(path: str | os.PathLike[str]) -> PublicKeyFile:
    """Read a public key (PEM or DER).

    Raises:
        UsageError: Missing or unreadable.
        ConfigurationError: Not a public key, or of a kind that is not supported.
    """
    spki = load_public_key(path)
    hint = key_hint(spki)
    return PublicKeyFile(
        path=str(path),
        algorithm=key_algorithm(spki),
        hint=hint,
        sha256=base64.b64decode(hint).hex(),
        pem=render_public_key(spki).decode("ascii"),
    )


def _refuse_existing(path: str) -> None:
    if Path(path).exists():
        raise UsageError(
            "expected no such file yet, found one", code="file.exists", where=path, hint="choose another prefix"
        )
