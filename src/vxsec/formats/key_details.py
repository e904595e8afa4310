"""Keys as Sigstore's messages carry them: bytes beside ``PublicKeyDetails`` (protobuf-specs, ``sigstore_common.proto``).

The details say what kind of key the bytes are and how it signs. Only kinds that are verified here have an entry: ECDSA with
its curve's own hash, Ed25519 (pure), and RSA PKCS#1 v1.5 with SHA-256.
"""

from __future__ import annotations

from vxsec.errors import FormatError
from vxsec.formats.der import BIT_STRING, SEQUENCE, read_only, render_der
from vxsec.formats.public_key import key_algorithm, parse_public_key

__all__ = ["check_key_details", "is_verifiable", "read_detailed_key"]

_PKCS1 = "PKCS1_RSA_PKCS1V5"
"""Deprecated, but the certificate log of Sigstore's staging instance has it: the bytes are a PKCS#1 ``RSAPublicKey``."""
_ALGORITHMS = {
    "PKIX_ECDSA_P256_SHA_256": "ecdsa-p256",
    "PKIX_ECDSA_P384_SHA_384": "ecdsa-p384",
    "PKIX_ECDSA_P521_SHA_512": "ecdsa-p521",
    "PKIX_ED25519": "ed25519",
    "PKIX_RSA_PKCS1V15_2048_SHA256": "rsa-2048",
    "PKIX_RSA_PKCS1V15_3072_SHA256": "rsa-3072",
    "PKIX_RSA_PKCS1V15_4096_SHA256": "rsa-4096",
    "PKIX_RSA_PKCS1V5": "rsa-",
    _PKCS1: "rsa-",
}
_RSA_IDENTIFIER = bytes.fromhex("300d06092a864886f70d0101010500")
_SHOWN = 60


def is_verifiable(details: str) -> bool:
    """Whether signatures by keys with these details are verified here."""
    return details in _ALGORITHMS


def read_detailed_key(raw: bytes, details: str, *, code: str, where: str) -> bytes:
    """The canonical DER SubjectPublicKeyInfo of a key that is what ``details`` says.

    Args:
        raw: DER: SubjectPublicKeyInfo, or PKCS#1 ``RSAPublicKey`` where the details say so.
        details: A name for which :func:`is_verifiable` holds.
        code: What anything else is called.
        where: What the key is called in an error.

    Raises:
        FormatError: ``code``.
    """
    try:
        info = _wrap_pkcs1(raw) if details == _PKCS1 else raw
        read_only(info, SEQUENCE).inside().next(SEQUENCE)  # a bare RSAPublicKey begins with a number
        spki = parse_public_key(info, where=where)
    except FormatError as error:
        raise FormatError(error.message, code=code, where=where) from error
    check_key_details(spki, details, code=code, where=where)
    return spki


def check_key_details(spki: bytes, details: str, *, code: str, where: str) -> None:
    """Return if the key (canonical DER) is of the kind that ``details`` says.

    Raises:
        FormatError: ``code``.
    """
    expected, found = _ALGORITHMS.get(details), key_algorithm(spki)
    if expected is None or not (found == expected or (expected == "rsa-" and found.startswith(expected))):
        raise FormatError(
            f"expected the key that {details[:_SHOWN]!r} describes, found {found}", code=code, where=where
        )


def _wrap_pkcs1(raw: bytes) -> bytes:
    """SubjectPublicKeyInfo around an ``RSAPublicKey`` (RFC 8017 appendix A.1)."""
    return render_der(SEQUENCE, _RSA_IDENTIFIER + render_der(BIT_STRING, b"\x00" + raw))
