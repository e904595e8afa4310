"""Timestamps, checked with rfc3161-client, which reads and verifies what this kit writes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest
from cryptography.x509 import load_der_x509_certificate
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from vxsec.testing.loopback import LoggedRequest
from vxsec.testing.sigstore import der
from vxsec.testing.sigstore.replies import RefusedRequestError
from vxsec.testing.sigstore.timestamp import TimestampAuthority, parse_timestamp_query

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
AUTHORITY = TimestampAuthority(start=NOW - timedelta(days=1))
DATA = b"a signature"


def verify(response: bytes, authority: TimestampAuthority = AUTHORITY, data: bytes = DATA) -> datetime:
    leaf, root = (load_der_x509_certificate(item) for item in authority.chain)
    verifier = VerifierBuilder(intermediates=[], roots=[]).tsa_certificate(leaf).add_root_certificate(root).build()
    decoded = decode_timestamp_response(response)
    assert verifier.verify_message(decoded, data)
    return decoded.tst_info.gen_time


@pytest.mark.parametrize("embedded", ["none", "leaf", "chain"])
@pytest.mark.parametrize("algorithm", ["sha256", "sha384", "sha512"])
def test_a_timestamp_verifies(
    embedded: Literal["none", "leaf", "chain"], algorithm: Literal["sha256", "sha384", "sha512"]
) -> None:
    made = AUTHORITY.stamp(DATA, at=NOW, embedded=embedded, algorithm=algorithm)
    assert verify(made) == NOW
    assert len(decode_timestamp_response(made).signed_data.certificates) == {"none": 0, "leaf": 1, "chain": 2}[embedded]


@pytest.mark.parametrize(
    ("response", "authority"),
    [
        pytest.param(AUTHORITY.stamp(DATA, at=NOW, broken_signature=True), AUTHORITY, id="its signature is broken"),
        pytest.param(AUTHORITY.stamp(b"other", at=NOW), AUTHORITY, id="it is over other bytes"),
        pytest.param(AUTHORITY.stamp(DATA, at=NOW), TimestampAuthority(start=NOW - timedelta(days=1)), id="it is a stranger's"),
        pytest.param(AUTHORITY.stamp(DATA, at=NOW - timedelta(days=2)), AUTHORITY, id="it is older than the certificate"),
    ],
)  # fmt: skip
def test_a_timestamp_does_not_verify(response: bytes, authority: TimestampAuthority) -> None:
    with pytest.raises(VerificationError):
        verify(response, authority)


@pytest.mark.parametrize(
    "authority",
    [
        pytest.param(TimestampAuthority(start=NOW - timedelta(days=2), leaf_end=NOW - timedelta(days=1)), id="expired"),
        pytest.param(TimestampAuthority(start=NOW - timedelta(days=1), usage=False), id="not for timestamps"),
    ],
)
def test_an_authoritys_certificate_may_be_at_fault(authority: TimestampAuthority) -> None:
    with pytest.raises(VerificationError):
        verify(authority.stamp(DATA, at=NOW), authority)


def ask(body: bytes) -> bytes:
    request = LoggedRequest(method="POST", path="/api/v1/timestamp", headers={}, body=body)
    status, data, headers = AUTHORITY.answer(request, at=NOW)
    assert (status, headers) == (201, {"content-type": "application/timestamp-reply"})
    return data


@pytest.mark.parametrize("wanted", [True, False], ids=["with certificates", "without"])
def test_a_query_is_answered(wanted: bool) -> None:
    query = TimestampRequestBuilder().hash_algorithm(HashAlgorithm.SHA512).data(DATA).nonce(nonce=True)
    built = query.cert_request(cert_request=wanted).build()
    response = ask(built.as_bytes())
    assert verify(response) == NOW
    found = decode_timestamp_response(response)
    assert found.tst_info.nonce == built.nonce
    assert len(found.signed_data.certificates) == int(wanted)


def test_a_query_without_a_nonce_gets_none_back() -> None:
    built = TimestampRequestBuilder().data(DATA).nonce(nonce=False).build()
    assert decode_timestamp_response(ask(built.as_bytes())).tst_info.nonce is None


SHA1 = der.sequence(der.sequence(der.object_identifier("1.3.14.3.2.26")), der.octet_string(bytes(20)))
SHA256 = der.sequence(der.sequence(der.object_identifier("2.16.840.1.101.3.4.2.1")), der.octet_string(bytes(32)))


@pytest.mark.parametrize(
    "query",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"garbage", id="garbage"),
        pytest.param(der.sequence(der.integer(1)), id="no imprint"),
        pytest.param(der.sequence(der.integer(1), SHA1), id="SHA-1"),
        pytest.param(der.sequence(der.integer(1), SHA256) + b"\x05\x00", id="bytes after it"),
        pytest.param(der.sequence(der.integer(1), der.sequence(der.sequence(), der.octet_string(b""))), id="no digest"),
    ],
)
def test_a_query_is_refused(query: bytes) -> None:
    with pytest.raises(RefusedRequestError, match="timestamp query"):
        ask(query)


def test_a_query_is_read() -> None:
    found = parse_timestamp_query(der.sequence(der.integer(1), SHA256, der.integer(5), der.boolean(True)))
    assert (found.digest, found.algorithm, found.nonce, found.certificates) == (bytes(32), "sha256", 5, True)
