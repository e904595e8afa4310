"""One signature, one key: the only place where cryptography's verify functions are called.

ECDSA signatures are DER, RSA is PKCS#1 v1.5, Ed25519 is pure. The hash is SHA-256; with P-384 and P-521 also the curve's
own SHA-384 and SHA-512, because cosign 3.1.3 signs with those and verifies only SHA-256 (measured). The Ed25519ph that it
makes of an attestation, and then refuses itself, is refused here too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm

from vxsec.errors import FormatError, VerificationError
from vxsec.formats.public_key import PublicKey, load_public_key

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

__all__ = ["verify_digest_signature", "verify_hashed_signature", "verify_signature"]


class _Ecdsa(ECDSA):
    """ECDSA for verifying alone.

    The parent's constructor imports the whole OpenSSL backend (8 ms) to ask it about deterministic signing.
    """

    def __init__(self, algorithm: Prehashed | HashAlgorithm) -> None:
        self._chosen = algorithm

    @property
    def algorithm(self) -> Prehashed | HashAlgorithm:
        return self._chosen

    @property
    def deterministic_signing(self) -> bool:
        return False


_HASHES: dict[str, SHA256 | SHA384 | SHA512] = {"sha256": SHA256(), "sha384": SHA384(), "sha512": SHA512()}
_OWN_HASHES: dict[str, SHA384 | SHA512] = {"secp384r1": SHA384(), "secp521r1": SHA512()}


def verify_signature(spki: bytes, signature: bytes, data: bytes) -> None:
    """Return if ``signature`` over ``data`` was made with the private half of ``spki`` (canonical DER).

    Raises:
        VerificationError: ``signature.invalid``, or ``key.malformed`` and ``key.unsupported`` for the key itself.
    """
    key = _load(spki)
    try:
        if isinstance(key, Ed25519PublicKey):
            key.verify(signature, data)
        else:
            _check(key, signature, data, SHA256())
    except InvalidSignature as error:
        raise _invalid() from error


def verify_digest_signature(spki: bytes, signature: bytes, digest: bytes, *, hash_name: str = "sha256") -> None:
    """Return if ``signature`` was made with this hash over bytes with this digest, which need not be at hand.

    Args:
        spki: The public key, canonical DER.
        signature: DER for ECDSA.
        digest: Of what was signed, by ``hash_name``.
        hash_name: ``sha256``, ``sha384`` or ``sha512``.

    Raises:
        VerificationError: ``signature.needs-file`` for Ed25519, which cannot be checked from a digest; otherwise as
            :func:`verify_signature`.
    """
    key = _load(spki)
    if isinstance(key, Ed25519PublicKey):
        raise VerificationError("an Ed25519 signature cannot be checked from a digest", code="signature.needs-file")
    algorithm = _HASHES[hash_name]
    if len(digest) != algorithm.digest_size:
        raise _invalid()
    try:
        _check(key, signature, digest, Prehashed(algorithm))
    except InvalidSignature as error:
        raise _invalid() from error


def verify_hashed_signature(spki: bytes, signature: bytes, data: bytes, *, hash_name: str) -> None:
    """Return if ``signature`` over ``data`` was made with exactly this hash, where a format leaves no choice (SSH, X.509).

    Args:
        spki: The public key, canonical DER, of ECDSA or RSA (PKCS#1 v1.5).
        signature: DER for ECDSA.
        data: What was signed.
        hash_name: ``sha256``, ``sha384`` or ``sha512``.

    Raises:
        VerificationError: ``signature.invalid``, also for Ed25519, which takes no hash; ``key.malformed`` and
            ``key.unsupported`` for the key itself.
    """
    key = _load(spki)
    try:
        if isinstance(key, EllipticCurvePublicKey):
            key.verify(signature, data, _Ecdsa(_HASHES[hash_name]))
        elif isinstance(key, Ed25519PublicKey):
            raise _invalid()
        else:
            from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

            key.verify(signature, data, PKCS1v15(), _HASHES[hash_name])
    except InvalidSignature as error:
        raise _invalid() from error


def _check(
    key: EllipticCurvePublicKey | RSAPublicKey, signature: bytes, data: bytes, algorithm: SHA256 | Prehashed
) -> None:
    if not isinstance(key, EllipticCurvePublicKey):
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

        key.verify(signature, data, PKCS1v15(), algorithm)
        return
    own = _OWN_HASHES.get(key.curve.name)
    try:
        key.verify(signature, data, _Ecdsa(algorithm))
    except InvalidSignature:
        if own is None or isinstance(algorithm, Prehashed):
            raise
        key.verify(signature, data, _Ecdsa(own))


def _load(spki: bytes) -> PublicKey:
    try:
        return load_public_key(spki)
    except FormatError as error:
        raise VerificationError(error.message, code=error.code) from error


def _invalid() -> VerificationError:
    return VerificationError("the signature does not verify under this key", code="signature.invalid")
