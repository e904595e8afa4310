"""An OIDC issuer: discovery, keys, tokens for people and for workflows, and the three ways clients get one.

Tokens are RS256, the only kind that every Sigstore client takes. They are made by :meth:`OidcIssuer.token`, fetched as GitHub
Actions' runners do, or through the authorization code flow that a browser walks through (OpenID Connect Core 3.1), where
everybody is logged in already as ``OidcIssuer.person``.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from vxsec.errors import FormatError
from vxsec.formats.strict_json import parse_json
from vxsec.testing.sigstore.identity import GITHUB_CLAIMS, OIDC_AUDIENCE
from vxsec.testing.sigstore.replies import RefusedRequestError, json_reply

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from vxsec.testing.loopback import LoggedRequest, Reply
    from vxsec.testing.sigstore.replies import Clock

__all__ = ["TOKEN_LIFETIME", "OidcIssuer"]

TOKEN_LIFETIME = timedelta(minutes=10)
_KEY_ID = "rehearsal"
_ALGORITHM = "RS256"
_ACTIONS_PATH = "/actions/token"
_UNAUTHORIZED = 401


class OidcIssuer:
    """An issuer at ``url`` with a key of its own.

    Args:
        url: Where it is reached; also what its tokens say.
        clock: Tells the time.
    """

    def __init__(self, url: str, *, clock: Clock) -> None:
        self.url = url
        self.person = "alice@example.test"
        self.workflow: dict[str, str] = dict(GITHUB_CLAIMS)
        self.actions_secret = secrets.token_urlsafe(16)
        self._clock = clock
        self._key = rsa.generate_private_key(65537, 2048)
        self._codes: dict[str, tuple[str, str]] = {}

    def token(
        self,
        *,
        subject: str = "ci@example.test",
        claims: Mapping[str, object] | None = None,
        audience: str = OIDC_AUDIENCE,
        issued_at: datetime | None = None,
        lifetime: timedelta = TOKEN_LIFETIME,
        unsigned: bool = False,
    ) -> str:
        """A token for ``subject``; where that is an e-mail address, it is a verified one.

        Args:
            subject: The claim ``sub``, and ``email`` where it has an ``@``.
            claims: Added, or put in place of the others; None takes one away.
            audience: For whom it is meant; anything but ``sigstore`` is refused by Fulcio.
            issued_at: Now if not given; far enough in the past, and the token has expired.
            lifetime: How long it is valid.
            unsigned: With a signature by nobody's key.
        """
        start = int((issued_at or self._clock()).timestamp())
        said: dict[str, object] = {"iss": self.url, "sub": subject, "aud": audience, "iat": start, "nbf": start}
        said["exp"] = start + int(lifetime.total_seconds())
        if "@" in subject:
            said |= {"email": subject, "email_verified": True}
        said |= dict(claims or {})
        head = {"alg": _ALGORITHM, "typ": "JWT", "kid": _KEY_ID}
        written = ".".join(
            _encode(json.dumps(part).encode())
            for part in (head, {name: value for name, value in said.items() if value is not None})
        )
        signature = self._key.sign(written.encode(), padding.PKCS1v15(), SHA256())
        return f"{written}.{_encode(bytes(256) if unsigned else signature)}"

    def workflow_token(self, claims: Mapping[str, object] | None = None, *, audience: str = OIDC_AUDIENCE) -> str:
        """A token as GitHub Actions gives a run; ``claims`` change :data:`~vxsec.testing.sigstore.identity.GITHUB_CLAIMS`."""
        said: dict[str, object] = {**self.workflow, **(claims or {})}
        subject = f"repo:{said['repository']}:ref:{said['ref']}"
        return self.token(subject=str(said.pop("sub", subject)), claims=said, audience=audience)

    def workflow_environment(self) -> dict[str, str]:
        """The variables by which clients notice that they run in GitHub Actions, and where they ask for a token."""
        return {
            "GITHUB_ACTIONS": "true",
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{self.url}{_ACTIONS_PATH}?api-version=2.0",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": self.actions_secret,
        }

    def verify(self, token: str) -> dict[str, Any]:
        """The claims of a token as Fulcio accepts it: of this issuer, for Sigstore, and valid now.

        Raises:
            RefusedRequestError: With status 401, and why.
        """
        try:
            written, _, signature = token.rpartition(".")
            head, body = (_claims(part) for part in written.split("."))
            self._key.public_key().verify(_decode(signature), written.encode(), padding.PKCS1v15(), SHA256())
            faults = self._faults(head, body)
        except (ValueError, TypeError, FormatError, InvalidSignature) as error:
            raise RefusedRequestError("the token's signature is not this issuer's", status=_UNAUTHORIZED) from error
        for fault, found in faults.items():
            if found:
                raise RefusedRequestError(fault, status=_UNAUTHORIZED)
        return body

    def _faults(self, head: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, bool]:
        now = self._clock().timestamp()
        return {
            "the token is not RS256": head.get("alg") != _ALGORITHM,
            "the token is another issuer's": body.get("iss") != self.url,
            "the token is meant for another audience": body.get("aud") != OIDC_AUDIENCE,
            "the token has expired": now >= body.get("exp", 0),
            "the token is not valid yet": now < body.get("nbf", 0),
        }

    def answer(self, request: LoggedRequest) -> Reply:
        """Serve one request."""
        route = {
            "/.well-known/openid-configuration": self._discovery,
            "/keys": self._keys,
            "/auth": self._authorize,
            "/token": self._exchange,
            _ACTIONS_PATH: self._actions,
        }.get(request.path)
        if route is None:
            raise RefusedRequestError("no such page", status=404)
        return route(request)

    def _discovery(self, _request: LoggedRequest) -> Reply:
        return json_reply(
            200,
            {
                "issuer": self.url,
                "jwks_uri": f"{self.url}/keys",
                "authorization_endpoint": f"{self.url}/auth",
                "token_endpoint": f"{self.url}/token",
                "response_types_supported": ["code", "id_token"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": [_ALGORITHM],
                "code_challenge_methods_supported": ["S256"],
            },
        )

    def _keys(self, _request: LoggedRequest) -> Reply:
        numbers = self._key.public_key().public_numbers()
        key = {"kty": "RSA", "alg": _ALGORITHM, "use": "sig", "kid": _KEY_ID}
        key |= {"n": _encode(numbers.n.to_bytes(256, "big")), "e": _encode(numbers.e.to_bytes(3, "big"))}
        return json_reply(200, {"keys": [key]})

    def _authorize(self, request: LoggedRequest) -> Reply:
        asked = _only(request.query)
        code = secrets.token_urlsafe(16)
        self._codes[code] = (asked.get("code_challenge", ""), asked.get("redirect_uri", ""))
        answer = urlencode({"code": code, "state": asked.get("state", "")})
        return 302, b"", {"location": f"{asked.get('redirect_uri', '')}?{answer}"}

    def _exchange(self, request: LoggedRequest) -> Reply:
        given = _only(request.body.decode())
        challenge, redirect = self._codes.pop(given.get("code", ""), ("", ""))
        proof = _encode(hashlib.sha256(given.get("code_verifier", "").encode()).digest())
        if not challenge or proof != challenge or given.get("redirect_uri") != redirect:
            return json_reply(400, {"error": "invalid_grant"})
        token = self.token(subject=self.person)
        # sigstore-python takes its token from access_token, others from id_token.
        return json_reply(200, {"access_token": token, "id_token": token, "token_type": "Bearer"})

    def _actions(self, request: LoggedRequest) -> Reply:
        if request.headers.get("authorization", "").partition(" ")[2] != self.actions_secret:
            raise RefusedRequestError("expected the runner's own token", status=_UNAUTHORIZED)
        audience = _only(request.query).get("audience", "")
        return json_reply(200, {"value": self.workflow_token(audience=audience)})


def _claims(part: str) -> dict[str, Any]:
    found = parse_json(_decode(part), where="token")
    if not isinstance(found, dict):
        raise TypeError("expected a JSON object")
    return found


def _only(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query).items()}


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
