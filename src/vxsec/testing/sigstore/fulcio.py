"""Fulcio's API: a certificate for whoever shows a token, and proves to hold the key (Fulcio ``fulcio.proto``, API version 2)."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_der_x509_certificate, load_pem_x509_csr

from vxsec.testing.sigstore.authority import CERTIFICATE_LIFETIME, CertificateAuthority
from vxsec.testing.sigstore.identity import identity_of
from vxsec.testing.sigstore.keys import public_key_of, verifies
from vxsec.testing.sigstore.replies import RefusedRequestError, json_reply, posted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from vxsec.testing.loopback import LoggedRequest, Reply
    from vxsec.testing.sigstore.ct_log import CtLog
    from vxsec.testing.sigstore.keys import PublicKey
    from vxsec.testing.sigstore.replies import Clock

__all__ = ["Fulcio"]

_UNAUTHORIZED = 401


class Fulcio:
    """Issues certificates of ``authority`` with a timestamp by ``ct_log`` in each.

    Args:
        authority: Signs.
        ct_log: Vouches that the certificate was published.
        verify_token: From a token to its claims, or RefusedRequestError.
        clock: Tells the time.
    """

    def __init__(
        self,
        *,
        authority: CertificateAuthority,
        ct_log: CtLog,
        verify_token: Callable[[str], Mapping[str, Any]],
        clock: Clock,
    ) -> None:
        self.authority = authority
        self.ct_log = ct_log
        self._verify_token = verify_token
        self._clock = clock

    def answer(self, request: LoggedRequest) -> Reply:
        """Serve one request."""
        if (request.method, request.path) == ("POST", "/api/v2/signingCert"):
            leaf = self._issue(request)
            chain = {"certificates": _pem([leaf, *self.authority.chain])}
            return json_reply(200, {"signedCertificateEmbeddedSct": {"chain": chain}})
        if (request.method, request.path) == ("GET", "/api/v2/trustBundle"):
            return json_reply(200, {"chains": [{"certificates": _pem(self.authority.chain)}]})
        raise RefusedRequestError("no such page", status=404)

    def _issue(self, request: LoggedRequest) -> bytes:
        asked = posted(request)
        claims = self._verify_token(_token(request, asked))
        try:
            identity = identity_of(claims)
        except ValueError as error:
            raise RefusedRequestError(str(error), status=_UNAUTHORIZED) from error
        key = _proven_key(asked, claims)
        now = self._clock()
        start = now.replace(microsecond=0)

        def timestamps(tbs: bytes, issuer_spki: bytes) -> Sequence[bytes]:
            return [self.ct_log.sign(tbs, issuer_spki=issuer_spki, at=now)]

        return self.authority.issue(
            key, identity=identity, start=start, end=start + CERTIFICATE_LIFETIME, scts=timestamps
        )


def _token(request: LoggedRequest, asked: Mapping[str, Any]) -> str:
    """The token, from the header or from the request's body: clients differ."""
    scheme, _, shown = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and shown:
        return shown
    inside = asked.get("credentials")
    if not isinstance(inside, dict) or not inside.get("oidcIdentityToken"):
        raise RefusedRequestError("expected an OIDC token", status=_UNAUTHORIZED)
    return str(inside["oidcIdentityToken"])


def _proven_key(asked: Mapping[str, Any], claims: Mapping[str, Any]) -> PublicKey:
    """The key to certify, once the request shows that its sender holds the private half.

    Either a certificate signing request, which is signed itself, or a public key and a signature over the token's subject.
    """
    try:
        if "certificateSigningRequest" in asked:
            return _key_of_csr(base64.b64decode(asked["certificateSigningRequest"], validate=True))
        wanted = asked["publicKeyRequest"]
        key = public_key_of(wanted["publicKey"]["content"].encode())
        proof = base64.b64decode(wanted["proofOfPossession"], validate=True)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise RefusedRequestError(f"expected a signing request or a public key with its proof: {error!r}") from error
    subject = str(claims.get("email") or claims.get("sub"))
    if not verifies(key, proof, subject.encode()):
        raise RefusedRequestError("the signature supplied in the request could not be verified")
    return key


def _key_of_csr(pem: bytes) -> PublicKey:
    request = load_pem_x509_csr(pem)
    if not request.is_signature_valid:
        raise RefusedRequestError("the signature of the signing request could not be verified")
    return public_key_of(request.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def _pem(chain: Sequence[bytes]) -> list[str]:
    return [load_der_x509_certificate(item).public_bytes(Encoding.PEM).decode() for item in chain]
