"""Registry signatures: npm's format, verified with nothing but the published key."""

from __future__ import annotations

import base64

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from vxsec.testing.registry_keys import key_id, keys_document, make_key


def verify(spki: str, sig: str, message: str) -> None:
    key = load_der_public_key(base64.b64decode(spki, validate=True))
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert isinstance(key.curve, ec.SECP256R1)
    key.verify(base64.b64decode(sig, validate=True), message.encode(), ec.ECDSA(SHA256()))


def test_the_signature_is_over_name_version_and_integrity() -> None:
    key = make_key()
    made = key.sign("@team/a", "1.0.0", "sha512-AAAA")
    spki = keys_document([key])["keys"][0]["key"]
    assert spki is not None
    verify(spki, made["sig"], "@team/a@1.0.0:sha512-AAAA")
    assert made["keyid"] == key.keyid


@pytest.mark.parametrize(
    "message", ["@team/b@1.0.0:sha512-AAAA", "@team/a@1.0.1:sha512-AAAA", "@team/a@1.0.0:sha512-AAAB"],
    ids=["another name", "another version", "other bytes"],
)  # fmt: skip
def test_it_is_over_nothing_else(message: str) -> None:
    key = make_key()
    with pytest.raises(InvalidSignature):
        verify(base64.b64encode(key.spki).decode(), key.sign("@team/a", "1.0.0", "sha512-AAAA")["sig"], message)


PUBLISHED = {
    "SHA256:jl3bwswu80PjjokCgh0o2w5c2U4LhQAE57gj9cz1kzA": "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE1Olb3zMAFFxXKHiIkQO5cJ3Yhl5i6UPp+IhuteBJbuHcA5UogKo0EWtlWwW6KSaKoTNEYL7JlCQiVnkhBktUgg==",
    "SHA256:DhQ8wR5APBvFHLF/+Tc+AYvPOdTpcIDqOhxsBHRwC7U": "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEY6Ya7W++7aUPzvMTrezH6Ycx3c+HOKYCcNGybJZSCJq/fd7Qa8uuAKtdIkUQtQiEKERhAmE5lMMJhP8OkDOa2g==",
}
"""The public npm registry's two keys, as its keys document lists them."""


@pytest.mark.parametrize(("keyid", "spki"), PUBLISHED.items(), ids=["the first key of npm", "the second"])
def test_the_key_id_is_npms(keyid: str, spki: str) -> None:
    public = load_der_public_key(base64.b64decode(spki))
    assert isinstance(public, ec.EllipticCurvePublicKey)
    assert key_id(public) == keyid


def test_an_expired_key_is_the_same_key() -> None:
    key = make_key()
    expired = key.expire("2026-11-21T00:00:00.000Z")
    assert keys_document([expired])["keys"] == [
        {
            "expires": "2026-11-21T00:00:00.000Z",
            "keyid": key.keyid,
            "keytype": "ecdsa-sha2-nistp256",
            "scheme": "ecdsa-sha2-nistp256",
            "key": base64.b64encode(key.spki).decode(),
        }
    ]
    assert "private" not in repr(expired)
