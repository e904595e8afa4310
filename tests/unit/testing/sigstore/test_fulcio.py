"""Fulcio's API without sockets: who gets a certificate, and who does not."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, x25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from vxsec.testing.loopback import LoggedRequest
from vxsec.testing.sigstore.authority import CertificateAuthority
from vxsec.testing.sigstore.ct_log import CtLog
from vxsec.testing.sigstore.fulcio import Fulcio
from vxsec.testing.sigstore.issuer import OidcIssuer
from vxsec.testing.sigstore.keys import PrivateKey, encode, make_key, sign
from vxsec.testing.sigstore.replies import RefusedRequestError

NOW = datetime(2026, 11, 21, 12, 0, 0, 700_000, tzinfo=UTC)
ISSUER = OidcIssuer("http://127.0.0.1:5556", clock=lambda: NOW)
FULCIO = Fulcio(
    authority=CertificateAuthority(start=NOW.replace(microsecond=0) - timedelta(hours=1)),
    ct_log=CtLog(),
    verify_token=ISSUER.verify,
    clock=lambda: NOW,
)
KEY = make_key()
PERSON = "alice@example.test"


def csr(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    made = builder.sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else SHA256())
    return made.public_bytes(Encoding.PEM)


def pem(key: PrivateKey | x25519.X25519PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def by_key(key: PrivateKey = KEY, *, over: str = PERSON, signer: PrivateKey | None = None) -> dict[str, Any]:
    proof = sign(signer or key, over.encode())
    wanted = {"publicKey": {"algorithm": "ECDSA", "content": pem(key)}, "proofOfPossession": encode(proof)}
    return {"publicKeyRequest": wanted}


def post(document: object, *, token: str | None = None, path: str = "/api/v2/signingCert") -> dict[str, Any]:
    headers = {} if token == "" else {"authorization": f"Bearer {token or ISSUER.token(subject=PERSON)}"}
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    status, data, *_ = FULCIO.answer(LoggedRequest(method="POST", path=path, headers=headers, body=body))
    assert status == 200
    found: dict[str, Any] = json.loads(data)
    return found


def leaf(answer: dict[str, Any]) -> x509.Certificate:
    chain = answer["signedCertificateEmbeddedSct"]["chain"]["certificates"]
    assert len(chain) == 3
    return x509.load_pem_x509_certificate(chain[0].encode())


def names(certificate: x509.Certificate) -> list[str]:
    return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(
        x509.RFC822Name
    )


@pytest.mark.parametrize("kind", ["ecdsa-p256", "ed25519"])
def test_a_signing_request_gets_a_certificate_for_ten_minutes(kind: str) -> None:
    key = make_key("ed25519" if kind == "ed25519" else "ecdsa-p256")
    assert isinstance(key, ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey)
    found = leaf(post({"certificateSigningRequest": encode(csr(key))}))
    assert names(found) == [PERSON]
    assert found.public_key() == key.public_key()
    assert (found.not_valid_before_utc, found.not_valid_after_utc) == (
        NOW.replace(microsecond=0), NOW.replace(microsecond=0) + timedelta(minutes=10),
    )  # fmt: skip
    assert len(found.extensions.get_extension_for_class(x509.PrecertificateSignedCertificateTimestamps).value) == 1


@pytest.mark.parametrize("kind", ["ecdsa-p384", "ed25519", "rsa-2048"])
def test_a_public_key_with_its_proof_gets_one(kind: Any) -> None:
    key = make_key(kind)
    assert leaf(post(by_key(key))).public_key() == key.public_key()


def test_a_workflow_proves_over_its_subject() -> None:
    subject = "repo:vextrus/mono:ref:refs/heads/main"
    found = leaf(post(by_key(over=subject), token=ISSUER.workflow_token()))
    assert names(found) == []


def test_the_token_may_lie_in_the_body() -> None:
    document = {**by_key(), "credentials": {"oidcIdentityToken": ISSUER.token(subject=PERSON)}}
    assert names(leaf(post(document, token=""))) == [PERSON]


def test_the_trust_bundle_is_the_chain() -> None:
    status, data, *_ = FULCIO.answer(LoggedRequest(method="GET", path="/api/v2/trustBundle", headers={}, body=b""))
    (chain,) = json.loads(data)["chains"]
    assert (status, len(chain["certificates"])) == (200, 2)


def _turned(request: bytes) -> str:
    der = bytearray(x509.load_pem_x509_csr(request).public_bytes(Encoding.DER))
    der[-1] ^= 1
    return encode(
        b"-----BEGIN CERTIFICATE REQUEST-----\n"
        + base64.encodebytes(bytes(der))
        + b"-----END CERTIFICATE REQUEST-----\n"
    )


@pytest.mark.parametrize(
    ("document", "match"),
    [
        pytest.param(b"{", "expected JSON", id="no JSON"),
        pytest.param([], "JSON object", id="no object"),
        pytest.param({}, "signing request or a public key", id="neither request nor key"),
        pytest.param({"certificateSigningRequest": "*"}, "signing request", id="a request that is no base64"),
        pytest.param({"certificateSigningRequest": encode(b"x")}, "signing request", id="a request that is no PEM"),
        pytest.param({"certificateSigningRequest": _turned(csr(ec.generate_private_key(ec.SECP256R1())))}, "could not be verified", id="a request with a bit turned"),
        pytest.param({"publicKeyRequest": {}}, "public key", id="a key that is not there"),
        pytest.param({"publicKeyRequest": {"publicKey": {"content": "x"}, "proofOfPossession": ""}}, "public key", id="a key that is no PEM"),
        pytest.param({"publicKeyRequest": {"publicKey": {"content": pem(x25519.X25519PrivateKey.generate())}, "proofOfPossession": ""}}, "public key", id="a key that cannot sign"),
        pytest.param(by_key(over="bob@example.test"), "could not be verified", id="a proof over another name"),
        pytest.param(by_key(signer=make_key()), "could not be verified", id="a proof by another key"),
        pytest.param(by_key(make_key("ed25519"), signer=make_key("ed25519")), "could not be verified", id="a proof by another Ed25519 key"),
    ],
)  # fmt: skip
def test_a_request_is_refused(document: object, match: str) -> None:
    with pytest.raises(RefusedRequestError, match=match) as caught:
        post(document)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("token", "match"),
    [
        pytest.param("", "expected an OIDC token", id="none"),
        pytest.param(ISSUER.token(subject=PERSON, issued_at=NOW - timedelta(hours=1)), "expired", id="expired"),
        pytest.param(ISSUER.token(subject=PERSON, audience="npm"), "audience", id="for another audience"),
        pytest.param(ISSUER.token(subject=PERSON, claims={"email_verified": False}), "verified", id="not verified"),
    ],
)
def test_a_token_is_refused(token: str, match: str) -> None:
    with pytest.raises(RefusedRequestError, match=match) as caught:
        post(by_key(), token=token)
    assert caught.value.status == 401


def test_a_page_that_is_not_there() -> None:
    with pytest.raises(RefusedRequestError, match="no such page"):
        post(by_key(), path="/api/v1/signingCert")
