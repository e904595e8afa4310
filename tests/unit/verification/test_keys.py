"""One signature, one key, SHA-256."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from support.signing_kit import signer
from vxsec.errors import VerificationError
from vxsec.verification.keys import _Ecdsa, verify_digest_signature, verify_signature

DATA = b"data"
DIGEST = hashlib.sha256(DATA).digest()
ALGORITHMS = ("ecdsa-p256", "ecdsa-p384", "ed25519", "rsa-3072")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_verifies_what_was_signed_and_nothing_else(algorithm: str) -> None:
    key = signer("k", algorithm)
    signature = key.sign(DATA)
    verify_signature(key.spki, signature, DATA)
    for spki, sig, data in (
        (key.spki, signature, b"Data"),
        (key.spki, signature[:-1], DATA),
        (key.spki, signature + b"\0", DATA),
        (key.spki, b"", DATA),
        (signer("another", algorithm).spki, signature, DATA),
    ):
        with pytest.raises(VerificationError) as caught:
            verify_signature(spki, sig, data)
        assert caught.value.code == "signature.invalid"


@pytest.mark.parametrize("algorithm", ["ecdsa-p256", "ecdsa-p384", "rsa-3072"])
def test_a_digest_is_enough(algorithm: str) -> None:
    key = signer("k", algorithm)
    verify_digest_signature(key.spki, key.sign(DATA), DIGEST)
    for digest in (bytes(32), DIGEST[:-1], DATA):
        with pytest.raises(VerificationError) as caught:
            verify_digest_signature(key.spki, key.sign(DATA), digest)
        assert caught.value.code == "signature.invalid"


def test_a_digest_is_not_enough_for_ed25519() -> None:
    key = signer("k", "ed25519")
    with pytest.raises(VerificationError) as caught:
        verify_digest_signature(key.spki, key.sign(DATA), DIGEST)
    assert caught.value.code == "signature.needs-file"


@pytest.mark.parametrize(
    ("curve", "own", "others"),
    [
        (ec.SECP256R1(), hashes.SHA256(), [hashes.SHA224(), hashes.SHA384(), hashes.SHA512()]),
        (ec.SECP384R1(), hashes.SHA384(), [hashes.SHA224(), hashes.SHA512()]),
        (ec.SECP521R1(), hashes.SHA512(), [hashes.SHA224(), hashes.SHA384()]),
    ],
    ids=["P-256", "P-384", "P-521"],
)
def test_sha256_and_the_curves_own_hash_and_no_other(
    curve: ec.EllipticCurve, own: hashes.HashAlgorithm, others: list[hashes.HashAlgorithm]
) -> None:
    key = ec.generate_private_key(curve)
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    verify_signature(spki, key.sign(DATA, ec.ECDSA(hashes.SHA256())), DATA)
    verify_signature(spki, key.sign(DATA, ec.ECDSA(own)), DATA)
    for other in others:
        with pytest.raises(VerificationError) as caught:
            verify_signature(spki, key.sign(DATA, ec.ECDSA(other)), DATA)
        assert caught.value.code == "signature.invalid"


def test_our_ecdsa_answers_what_cryptography_may_ask() -> None:
    chosen = hashes.SHA256()
    ours, theirs = _Ecdsa(chosen), ec.ECDSA(chosen)
    assert (ours.algorithm, ours.deterministic_signing) == (theirs.algorithm, theirs.deterministic_signing)


def test_an_rsa_pss_signature_is_not_what_we_verify() -> None:
    key = rsa.generate_private_key(65537, 2048)
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    signature = key.sign(DATA, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
    with pytest.raises(VerificationError) as caught:
        verify_signature(spki, signature, DATA)
    assert caught.value.code == "signature.invalid"


def test_a_key_that_is_none_is_not_verified() -> None:
    with pytest.raises(VerificationError) as caught:
        verify_signature(b"noise", b"s", DATA)
    assert caught.value.code == "key.malformed"


@settings(max_examples=100)
@given(st.binary(max_size=600), st.sampled_from(ALGORITHMS))
def test_no_noise_is_a_signature(noise: bytes, algorithm: str) -> None:
    with pytest.raises(VerificationError) as caught:
        verify_signature(signer("k", algorithm).spki, noise, DATA)
    assert caught.value.code == "signature.invalid"
