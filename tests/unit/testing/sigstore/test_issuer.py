"""Tokens, and the three ways to get one, asked without sockets."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256

from vxsec.testing.loopback import LoggedRequest
from vxsec.testing.sigstore.issuer import TOKEN_LIFETIME, OidcIssuer
from vxsec.testing.sigstore.replies import RefusedRequestError

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ISSUER = OidcIssuer("http://127.0.0.1:5556", clock=lambda: NOW)
OTHER = OidcIssuer("http://127.0.0.1:5556", clock=lambda: NOW)


def ask(
    path: str, *, method: str = "GET", query: str = "", body: bytes = b"", headers: dict[str, str] | None = None
) -> tuple[int, bytes, dict[str, str]]:
    request = LoggedRequest(method=method, path=path, headers=headers or {}, body=body, query=query)
    status, data, *more = ISSUER.answer(request)
    return status, data, dict(more[0]) if more else {}


def decoded(part: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=="))
    return found


def test_a_token_names_a_person_for_ten_minutes() -> None:
    claims = ISSUER.verify(ISSUER.token(subject="alice@example.test"))
    assert (claims["sub"], claims["email"], claims["email_verified"], claims["aud"]) == (
        "alice@example.test", "alice@example.test", True, "sigstore",
    )  # fmt: skip
    assert claims["exp"] - claims["iat"] == TOKEN_LIFETIME.total_seconds() == 600


def test_a_token_verifies_with_the_published_key_alone() -> None:
    _, data, _ = ask("/keys")
    (key,) = json.loads(data)["keys"]
    numbers = [int.from_bytes(base64.urlsafe_b64decode(key[name] + "=="), "big") for name in ("e", "n")]
    head, body, signature = ISSUER.token().split(".")
    assert decoded(head) == {"alg": "RS256", "typ": "JWT", "kid": key["kid"]}
    RSAPublicNumbers(*numbers).public_key().verify(
        base64.urlsafe_b64decode(signature + "=="), f"{head}.{body}".encode(), padding.PKCS1v15(), SHA256()
    )


def test_claims_are_added_changed_and_taken_away() -> None:
    claims = ISSUER.verify(ISSUER.token(claims={"groups": ["a"], "email": "b@example.test", "email_verified": None}))
    assert (claims["groups"], claims["email"], "email_verified" in claims) == (["a"], "b@example.test", False)


def test_a_subject_that_is_no_address_has_no_email() -> None:
    assert "email" not in ISSUER.verify(ISSUER.token(subject="https://ci.example.test/job"))


def test_a_workflows_token_has_its_claims() -> None:
    claims = ISSUER.verify(ISSUER.workflow_token({"ref": "refs/tags/v1"}))
    assert (claims["sub"], claims["ref"], claims["repository"]) == (
        "repo:vextrus/mono:ref:refs/tags/v1", "refs/tags/v1", "vextrus/mono",
    )  # fmt: skip


def _reheaded(token: str, **changes: str) -> str:
    head, rest = token.split(".", 1)
    written = base64.urlsafe_b64encode(json.dumps(decoded(head) | changes).encode()).rstrip(b"=").decode()
    return f"{written}.{rest}"


@pytest.mark.parametrize(
    ("token", "match"),
    [
        pytest.param(ISSUER.token(issued_at=NOW - timedelta(hours=1)), "expired", id="an hour old"),
        pytest.param(ISSUER.token(lifetime=timedelta(0)), "expired", id="valid for no time at all"),
        pytest.param(ISSUER.token(claims={"exp": None}), "expired", id="without an end"),
        pytest.param(ISSUER.token(claims={"exp": "never"}), "not this issuer's", id="with an end that is no number"),
        pytest.param(ISSUER.token(issued_at=NOW + timedelta(minutes=1)), "not valid yet", id="not valid yet"),
        pytest.param(ISSUER.token(audience="npm"), "another audience", id="for another audience"),
        pytest.param(ISSUER.token(claims={"iss": "https://other.test"}), "another issuer", id="of another issuer"),
        pytest.param(ISSUER.token(unsigned=True), "not this issuer's", id="signed by nobody"),
        pytest.param(OTHER.token(), "not this issuer's", id="signed by another's key"),
        pytest.param(_reheaded(ISSUER.token(), alg="none"), "not this issuer's", id="with another algorithm's name"),
        pytest.param("", "not this issuer's", id="empty"),
        pytest.param("W10.W10.", "not this issuer's", id="of lists"),
        pytest.param("a.b.c", "not this issuer's", id="no token"),
        pytest.param("a.b", "not this issuer's", id="of two parts"),
        pytest.param(f"{ISSUER.token()}.more", "not this issuer's", id="of four parts"),
        pytest.param("é.é.é", "not this issuer's", id="not ASCII"),
    ],
)
def test_a_token_is_refused(token: str, match: str) -> None:
    with pytest.raises(RefusedRequestError, match=match) as caught:
        ISSUER.verify(token)
    assert caught.value.status == 401


def test_discovery_names_every_page() -> None:
    _, data, _ = ask("/.well-known/openid-configuration")
    found = json.loads(data)
    assert found["issuer"] == ISSUER.url
    paths = [urlsplit(found[name]).path for name in ("jwks_uri", "authorization_endpoint", "token_endpoint")]
    assert paths == ["/keys", "/auth", "/token"]


def test_a_page_that_is_not_there() -> None:
    with pytest.raises(RefusedRequestError, match="no such page"):
        ask("/nowhere")


# -- the code flow -----------------------------------------------------------------------------------------------------

REDIRECT = "http://localhost:1234/auth/callback"


def _code(verifier: str = "v" * 43) -> str:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {"redirect_uri": REDIRECT, "state": "s", "code_challenge": challenge, "code_challenge_method": "S256"}
    status, _, headers = ask("/auth", query=urlencode(asked))
    target = urlsplit(headers["location"])
    answered = parse_qs(target.query)
    assert (status, f"{target.scheme}://{target.netloc}{target.path}", answered["state"]) == (302, REDIRECT, ["s"])
    return answered["code"][0]


def _exchange(code: str, verifier: str = "v" * 43, redirect: str = REDIRECT) -> tuple[int, dict[str, Any]]:
    body = urlencode({"code": code, "code_verifier": verifier, "redirect_uri": redirect}).encode()
    status, data, _ = ask("/token", method="POST", body=body)
    return status, json.loads(data)


def test_a_code_becomes_a_token_for_whoever_is_logged_in() -> None:
    status, said = _exchange(_code())
    assert status == 200
    assert said["access_token"] == said["id_token"]
    assert ISSUER.verify(said["id_token"])["email"] == ISSUER.person


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"verifier": "w" * 43}, id="whoever asks does not hold the verifier"),
        pytest.param({"redirect": "http://localhost:1/"}, id="it was meant for another page"),
        pytest.param({"code": "guessed"}, id="it was never given"),
    ],
)
def test_a_code_is_refused(changes: dict[str, str]) -> None:
    assert _exchange(**{"code": _code(), **changes}) == (400, {"error": "invalid_grant"})


def test_a_code_is_good_once() -> None:
    code = _code()
    assert _exchange(code)[0] == 200
    assert _exchange(code)[0] == 400


# -- a runner ----------------------------------------------------------------------------------------------------------


def test_a_runner_asks_with_its_secret() -> None:
    environment = ISSUER.workflow_environment()
    target = urlsplit(environment["ACTIONS_ID_TOKEN_REQUEST_URL"])
    headers = {"authorization": f"bearer {environment['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}"}
    _, data, _ = ask(target.path, query=f"{target.query}&audience=sigstore", headers=headers)
    assert ISSUER.verify(json.loads(data)["value"])["repository"] == "vextrus/mono"


@pytest.mark.parametrize("headers", [{}, {"authorization": "bearer guessed"}], ids=["without", "with another"])
def test_a_runner_without_its_secret_gets_nothing(headers: dict[str, str]) -> None:
    with pytest.raises(RefusedRequestError, match="runner") as caught:
        ask("/actions/token", headers=headers)
    assert json.loads(caught.value.reply()[1]) == {"code": 401, "message": "expected the runner's own token"}
