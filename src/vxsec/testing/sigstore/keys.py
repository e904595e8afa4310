"""Keys of the kinds that Sigstore knows, made in the run, and what it calls them.

The hash that belongs to a kind is the one of Sigstore's algorithm registry: SHA-384 with P-384, SHA-256 with P-256 and RSA.
"""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from typing import Literal, TypeAlias

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_public_key,
)
from cryptography.x509 import load_der_x509_certificate, load_pem_x509_certificate

from vxsec.formats.public_key import render_public_key

__all__ = [
    "HashName",
    "KeyKind",
    "PrivateKey",
    "PublicKey",
    "default_hash",
    "digest",
    "encode",
    "key_details",
    "make_key",
    "public_key_of",
    "render_verifier",
    "sign",
    "spki_of",
    "verifies",
    "verifies_digest",
]

KeyKind: TypeAlias = Literal["ecdsa-p256", "ecdsa-p384", "ecdsa-p521", "ed25519", "rsa-2048"]
HashName: TypeAlias = Literal["sha256", "sha384", "sha512"]
PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
PublicKey: TypeAlias = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey

_CURVES: dict[str, type[ec.EllipticCurve]] = {
    "ecdsa-p256": ec.SECP256R1,
    "ecdsa-p384": ec.SECP384R1,
    "ecdsa-p521": ec.SECP521R1,
}
_CURVE_HASHES: dict[str, HashName] = {"secp256r1": "sha256", "secp384r1": "sha384", "secp521r1": "sha512"}
_CURVE_DETAILS = {
    "secp256r1": "PKIX_ECDSA_P256_SHA_256",
    "secp384r1": "PKIX_ECDSA_P384_SHA_384",
    "secp521r1": "PKIX_ECDSA_P521_SHA_512",
}
_PEM_CERTIFICATE = b"-----BEGIN CERTIFICATE"
_HASHES: dict[HashName, type[HashAlgorithm]] = {"sha256": SHA256, "sha384": SHA384, "sha512": SHA512}


def make_key(kind: KeyKind = "ecdsa-p256") -> PrivateKey:
    """A fresh key; RSA keys take a tenth of a second, the others less than a millisecond."""
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    if kind == "rsa-2048":
        return rsa.generate_private_key(65537, 2048)
    return ec.generate_private_key(_CURVES[kind]())


def spki_of(key: PrivateKey | PublicKey) -> bytes:
    """The public half as DER SubjectPublicKeyInfo."""
    public = (
        key.public_key()
        if isinstance(key, ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey)
        else key
    )
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def default_hash(key: PrivateKey | PublicKey) -> HashName:
    """The hash that Sigstore's algorithm registry pairs with the key; for Ed25519 that of its log entries, SHA-256."""
    if isinstance(key, ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey):
        return _CURVE_HASHES[key.curve.name]
    return "sha256"


def key_details(key: PublicKey) -> str:
    """The name of the key and its hash in ``PublicKeyDetails`` (``sigstore_common.proto``)."""
    if isinstance(key, ec.EllipticCurvePublicKey):
        return _CURVE_DETAILS[key.curve.name]
    if isinstance(key, ed25519.Ed25519PublicKey):
        return "PKIX_ED25519"
    return f"PKIX_RSA_PKCS1V15_{key.key_size}_SHA256"


def sign(key: PrivateKey, data: bytes, algorithm: HashName | None = None) -> bytes:
    """Sign ``data``: ECDSA (DER), RSA PKCS#1 v1.5, or pure Ed25519, which takes no hash."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(data)
    chosen = _HASHES[algorithm or default_hash(key)]()
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), chosen)
    return key.sign(data, ec.ECDSA(chosen))


def verifies(key: PublicKey, signature: bytes, data: bytes) -> bool:
    """Whether ``signature`` over ``data`` is the key's, with the hash that belongs to it."""
    if isinstance(key, ed25519.Ed25519PublicKey):
        try:
            key.verify(signature, data)
        except InvalidSignature:
            return False
        return True
    algorithm = default_hash(key)
    return verifies_digest(key, signature, digest(data, algorithm), algorithm)


def verifies_digest(key: PublicKey, signature: bytes, value: bytes, algorithm: HashName) -> bool:
    """Whether ``signature`` over the data with this digest is the key's; pure Ed25519 needs the data, so never."""
    prehashed = Prehashed(_HASHES[algorithm]())
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, value, ec.ECDSA(prehashed))
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, value, padding.PKCS1v15(), prehashed)
        else:
            return False
    except (InvalidSignature, ValueError):
        return False
    return True


def digest(data: bytes, algorithm: HashName = "sha256") -> bytes:
    """The digest of ``data``."""
    return hashlib.new(algorithm, data).digest()


def encode(data: bytes) -> str:
    """Base64 with the standard alphabet and padding, as protobuf's JSON writes bytes."""
    return base64.b64encode(data).decode()


@lru_cache(maxsize=256)
def public_key_of(verifier: bytes) -> PublicKey:
    """The key of a certificate or of a SubjectPublicKeyInfo, each as PEM or DER.

    Raises:
        ValueError: It is none of these, or a kind of key that Sigstore does not know.
    """
    try:
        key = _load(verifier)
    except UnsupportedAlgorithm as error:
        raise ValueError("expected a key of a known kind") from error
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _CURVE_DETAILS:
        return key
    if isinstance(key, ed25519.Ed25519PublicKey | rsa.RSAPublicKey):
        return key
    raise ValueError(f"expected an ECDSA key on a NIST curve, Ed25519 or RSA, found {type(key).__name__}")


def render_verifier(verifier: bytes) -> bytes:
    """A certificate or SubjectPublicKeyInfo (each DER or PEM) as PEM, as Rekor v1 stores it."""
    if verifier.startswith(_PEM_CERTIFICATE):
        return load_pem_x509_certificate(verifier).public_bytes(Encoding.PEM)
    try:
        return load_der_x509_certificate(verifier).public_bytes(Encoding.PEM)
    except ValueError:
        return render_public_key(spki_of(public_key_of(verifier)))


def _load(verifier: bytes) -> object:
    if verifier.startswith(_PEM_CERTIFICATE):
        return load_pem_x509_certificate(verifier).public_key()
    if verifier.startswith(b"-----"):
        return load_pem_public_key(verifier)
    try:
        return load_der_x509_certificate(verifier).public_key()
    except ValueError:
        return load_der_public_key(verifier)
