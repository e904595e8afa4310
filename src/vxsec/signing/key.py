"""Signing with a private key held in memory, and making new ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)

from vxsec.errors import ConfigurationError, FormatError, UsageError
from vxsec.formats.public_key import key_algorithm, key_hint, parse_public_key

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ALGORITHMS", "DEFAULT_ALGORITHM", "KeySigner", "generate_pkcs8"]

_PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | Ed25519PrivateKey | RSAPrivateKey

DEFAULT_ALGORITHM = "ecdsa-p256"
_RSA_EXPONENT = 65537
_MAKERS: dict[str, Callable[[], _PrivateKey]] = {
    "ecdsa-p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ecdsa-p384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "ed25519": Ed25519PrivateKey.generate,
    "rsa-3072": lambda: generate_private_key(_RSA_EXPONENT, 3072),
    "rsa-4096": lambda: generate_private_key(_RSA_EXPONENT, 4096),
}
ALGORITHMS = tuple(_MAKERS)
"""What :func:`generate_pkcs8` makes, the default first."""


class KeySigner:
    """A :class:`vxsec.signing.signer.DigestSigner` over one PKCS#8 key.

    Args:
        pkcs8: The private key, PKCS#8 DER without a password.
        where: What the key is called in an error.

    Raises:
        ConfigurationError: ``key.malformed`` or ``key.unsupported``.
    """

    def __init__(self, pkcs8: bytes, *, where: str) -> None:
        self._key = _load(pkcs8, where)
        public = self._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        try:
            self._spki = parse_public_key(public, where=where)
        except FormatError as error:
            raise ConfigurationError(error.message, code=error.code, where=where) from error
        self._algorithm = key_algorithm(self._spki)

    def __repr__(self) -> str:
        return f"KeySigner({self._algorithm})"

    @property
    def spki(self) -> bytes:
        """The public key, canonical DER."""
        return self._spki

    @property
    def hint(self) -> str:
        """The base64 SHA-256 of the public key, as cosign writes it."""
        return key_hint(self._spki)

    @property
    def algorithm(self) -> str:
        """The key's algorithm."""
        return self._algorithm

    @property
    def signs_digests(self) -> bool:
        """False for Ed25519."""
        return not isinstance(self._key, Ed25519PrivateKey)

    def sign(self, data: bytes) -> bytes:
        """Sign ``data``; SHA-256 also with P-384 and P-521, because that is what cosign verifies."""
        if isinstance(self._key, Ed25519PrivateKey):
            return self._key.sign(data)
        return self._sign(data, SHA256())

    def sign_digest(self, sha256: bytes) -> bytes:
        """Sign the file whose SHA-256 this is."""
        if len(sha256) != SHA256.digest_size:
            raise ValueError("a SHA-256 digest is 32 bytes")
        return self._sign(sha256, Prehashed(SHA256()))

    def _sign(self, data: bytes, algorithm: SHA256 | Prehashed) -> bytes:
        if isinstance(self._key, RSAPrivateKey):
            return self._key.sign(data, padding.PKCS1v15(), algorithm)
        if isinstance(self._key, ec.EllipticCurvePrivateKey):
            return self._key.sign(data, ec.ECDSA(algorithm))
        raise UsageError(
            "an Ed25519 key cannot sign a bare file: other tools check such a signature from the file's digest alone",
            code="signer.blob-unsupported",
            hint="sign a statement (without --blob), or use an ECDSA key: vxsec keys generate PREFIX",
        )


def generate_pkcs8(algorithm: str = DEFAULT_ALGORITHM) -> bytes:
    """Make a new private key, PKCS#8 DER, with cryptography's randomness.

    Args:
        algorithm: One of :data:`ALGORITHMS`.

    Raises:
        UsageError: ``key.algorithm``.
    """
    maker = _MAKERS.get(algorithm)
    if maker is None:
        raise UsageError(f"expected one of {', '.join(ALGORITHMS)}, found {algorithm[:40]!r}", code="key.algorithm")
    return maker().private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def _load(pkcs8: bytes, where: str) -> _PrivateKey:
    try:
        key = load_der_private_key(pkcs8, None)
    except (ValueError, TypeError) as error:
        raise ConfigurationError("not a PKCS#8 private key", code="key.malformed", where=where) from error
    except UnsupportedAlgorithm as error:
        raise ConfigurationError("a kind of key that is not known", code="key.unsupported", where=where) from error
    if not isinstance(key, _PrivateKey):
        raise ConfigurationError(
            f"expected one of {', '.join(ALGORITHMS)}, found {type(key).__name__}", code="key.unsupported", where=where
        )
    return key
