"""Whatever a client sends, the servers refuse it in order: no other exception leaves them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vxsec.testing.loopback import LoggedRequest
from vxsec.testing.sigstore.authority import CertificateAuthority
from vxsec.testing.sigstore.ct_log import CtLog
from vxsec.testing.sigstore.fulcio import Fulcio
from vxsec.testing.sigstore.issuer import OidcIssuer
from vxsec.testing.sigstore.log import TransparencyLog
from vxsec.testing.sigstore.rekor_v1 import RekorV1
from vxsec.testing.sigstore.rekor_v2 import RekorV2
from vxsec.testing.sigstore.replies import RefusedRequestError
from vxsec.testing.sigstore.timestamp import TimestampAuthority

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ISSUER = OidcIssuer("http://127.0.0.1:1", clock=lambda: NOW)
FULCIO = Fulcio(
    authority=CertificateAuthority(start=NOW), ct_log=CtLog(), verify_token=ISSUER.verify, clock=lambda: NOW
)
FIRST = RekorV1(TransparencyLog(generation=1, base_url="http://127.0.0.1:1", kind="ecdsa-p256"), clock=lambda: NOW)
SECOND = RekorV2(TransparencyLog(generation=2, base_url="http://127.0.0.1:1", kind="ed25519"))
STAMPS = TimestampAuthority(start=NOW)
TOKEN = ISSUER.token()

NAMES = (
    "spec", "kind", "apiVersion", "data", "hash", "algorithm", "value", "signature", "content", "publicKey", "verifier",
    "proposedContent", "envelope", "verifiers", "signatures", "sig", "payload", "payloadType", "rawBytes", "keyDetails",
    "x509Certificate", "digest", "hashedRekordRequestV002", "dsseRequestV002", "credentials", "oidcIdentityToken",
    "certificateSigningRequest", "publicKeyRequest", "proofOfPossession",
)  # fmt: skip
WORDS = (
    "hashedrekord",
    "dsse",
    "0.0.1",
    "sha256",
    "AAAA",
    "",
    "é",
    "{}",
    '{"signatures": [{"sig": 1}], "payload": ""}',
)
LEAVES = st.sampled_from(WORDS) | st.integers() | st.none() | st.booleans()
DOCUMENTS = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)
V1_SHAPED = st.fixed_dictionaries(
    {"kind": st.sampled_from(["hashedrekord", "dsse"]), "apiVersion": st.just("0.0.1"), "spec": DOCUMENTS}
)


def send(answer: Callable[[LoggedRequest], object], path: str, body: bytes, **headers: str) -> None:
    with pytest.raises(RefusedRequestError):
        answer(LoggedRequest(method="POST", path=path, headers=headers, body=body))


@given(DOCUMENTS | V1_SHAPED)
def test_no_document_gets_past_a_server(document: object) -> None:
    body = json.dumps(document).encode()
    send(FULCIO.answer, "/api/v2/signingCert", body)
    send(FULCIO.answer, "/api/v2/signingCert", body, authorization=f"Bearer {TOKEN}")
    send(FIRST.answer, "/api/v1/log/entries", body)
    send(SECOND.answer, "/api/v2/log/entries", body)


@given(st.binary(max_size=60))
def test_no_bytes_get_past_a_server(body: bytes) -> None:
    send(FULCIO.answer, "/api/v2/signingCert", body, authorization=f"Bearer {TOKEN}")
    send(FIRST.answer, "/api/v1/log/entries", body)
    send(SECOND.answer, "/api/v2/log/entries", body)
    send(lambda request: STAMPS.answer(request, at=NOW), "/api/v1/timestamp", body)


@given(st.text(max_size=60))
def test_no_text_is_a_token(token: str) -> None:
    with pytest.raises(RefusedRequestError):
        ISSUER.verify(token)


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 100_000], ids=["lists", "objects"])
def test_depth_is_refused_too(body: bytes) -> None:
    send(FIRST.answer, "/api/v1/log/entries", body)
