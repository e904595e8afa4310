"""Rekor 2: what it is asked, and what it may answer."""

from __future__ import annotations

import base64
import json

import pytest

from support.signing_kit import signer
from vxsec.errors import FormatError
from vxsec.formats.key_details import check_key_details
from vxsec.formats.rekor_v2 import is_loggable, read_answer, render_request
from vxsec.formats.strict_json import dump_json
from vxsec.formats.transparency_log_entry import log_entry_document
from vxsec.limits import Limits
from vxsec.model.transparency import InclusionProof, LogEntry

ENTRY = LogEntry(
    log_index=7,
    log_id=b"l" * 32,
    kind="hashedrekord",
    version="0.0.2",
    integrated_time=None,
    promise=None,
    proof=InclusionProof(log_index=7, tree_size=9, root_hash=b"h" * 32, hashes=(b"h" * 32,), checkpoint="a note"),
    body=b"body",
)


@pytest.mark.parametrize(
    ("algorithm", "taken"),
    [("ecdsa-p256", True), ("rsa-3072", True), ("rsa-4096", True), ("ecdsa-p384", False), ("ed25519", False)],
)
def test_a_log_takes_keys_whose_own_hash_is_sha256(algorithm: str, taken: bool) -> None:
    assert is_loggable(signer("rekor", algorithm).spki) is taken


@pytest.mark.parametrize("algorithm", ["ecdsa-p256", "rsa-3072", "rsa-4096"])
def test_a_request_names_the_key_with_its_details(algorithm: str) -> None:
    spki = signer("rekor", algorithm).spki
    asked = json.loads(render_request(sha256=b"d" * 32, signature=b"signature", spki=spki))["hashedRekordRequestV002"]
    assert base64.b64decode(asked["digest"]) == b"d" * 32
    assert base64.b64decode(asked["signature"]["content"]) == b"signature"
    verifier = asked["signature"]["verifier"]
    assert base64.b64decode(verifier["publicKey"]["rawBytes"]) == spki
    check_key_details(spki, verifier["keyDetails"], code="no", where="request")


def test_a_key_that_no_log_takes_is_a_defect_of_the_caller() -> None:
    with pytest.raises(KeyError):
        render_request(sha256=b"d" * 32, signature=b"s", spki=signer("rekor", "ed25519").spki)


def test_the_answer_is_a_log_entry() -> None:
    assert read_answer(dump_json(log_entry_document(ENTRY)), where="log") == ENTRY


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b'{"code": 7, "message": "no"}',
        dump_json(log_entry_document(ENTRY) | {"extra": 1}),
        dump_json(log_entry_document(ENTRY) | {"logIndex": "-1"}),
        dump_json(log_entry_document(ENTRY) | {"canonicalizedBody": ""}),
        dump_json({key: value for key, value in log_entry_document(ENTRY).items() if key != "logId"}),
    ],
    ids=["nothing", "empty", "array", "error", "unknown member", "negative index", "no body", "no log"],
)
def test_refuses(data: bytes) -> None:
    with pytest.raises(FormatError) as caught:
        read_answer(data, where="log")
    assert caught.value.code == "tlog.answer"


def test_a_long_answer_is_not_read() -> None:
    with pytest.raises(FormatError) as caught:
        read_answer(dump_json(log_entry_document(ENTRY)), where="log", limits=Limits(witness_answer_bytes=10))
    assert caught.value.code == "tlog.answer"
