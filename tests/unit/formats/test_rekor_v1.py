"""Rekor 1: what it is asked, and what it may answer."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from support.signing_kit import signer
from vxsec.errors import FormatError
from vxsec.formats.public_key import parse_public_key
from vxsec.formats.rekor_v1 import entry_identifier, read_created_entry, render_dsse, render_hashedrekord
from vxsec.limits import Limits
from vxsec.model.transparency import InclusionProof, LogEntry

SPKI = signer("rekor").spki
HASH = b"h" * 32
PROOF: dict[str, Any] = {
    "checkpoint": "a note",
    "hashes": [HASH.hex(), HASH.hex()],
    "logIndex": 3,
    "rootHash": HASH.hex(),
    "treeSize": 9,
}
ENTRY: dict[str, Any] = {
    "body": "Ym9keQ==",
    "integratedTime": 1689177396,
    "logID": (b"l" * 32).hex(),
    "logIndex": 7,
    "verification": {"inclusionProof": PROOF, "signedEntryTimestamp": "c2V0"},
}


def _answer(*, proof: dict[str, Any] | None = None, **members: object) -> bytes:
    entry = ENTRY | members
    if proof is not None:
        listed = {key: value for key, value in (PROOF | proof).items() if value is not ...}
        entry["verification"] = ENTRY["verification"] | {"inclusionProof": listed}
    return json.dumps({"a" * 80: {key: value for key, value in entry.items() if value is not ...}}).encode()


def _text(value: str) -> bytes:
    return base64.b64decode(value, validate=True)


def test_a_file_is_proposed_by_its_digest_with_the_key_as_pem() -> None:
    proposed = json.loads(render_hashedrekord(sha256=HASH, signature=b"signature", spki=SPKI))
    assert (proposed["kind"], proposed["apiVersion"]) == ("hashedrekord", "0.0.1")
    assert proposed["spec"]["data"] == {"hash": {"algorithm": "sha256", "value": HASH.hex()}}
    assert _text(proposed["spec"]["signature"]["content"]) == b"signature"
    pem = _text(proposed["spec"]["signature"]["publicKey"]["content"])
    assert pem.startswith(b"-----BEGIN PUBLIC KEY-----\n")
    assert parse_public_key(pem, where="proposed") == SPKI


def test_an_envelope_is_proposed_as_text_with_its_signature() -> None:
    proposed = json.loads(render_dsse(payload_type="a/b", payload=b"payload", signature=b"signature", spki=SPKI))
    content = proposed["spec"]["proposedContent"]
    envelope = json.loads(content["envelope"])
    assert (proposed["kind"], envelope["payloadType"]) == ("dsse", "a/b")
    assert _text(envelope["payload"]) == b"payload"
    assert [_text(item["sig"]) for item in envelope["signatures"]] == [b"signature"]
    assert [parse_public_key(_text(item), where="proposed") for item in content["verifiers"]] == [SPKI]


def test_the_answer_is_read_whole() -> None:
    assert read_created_entry(_answer(), kind="dsse", where="log") == LogEntry(
        log_index=7,
        log_id=b"l" * 32,
        kind="dsse",
        version="0.0.1",
        integrated_time=1689177396,
        promise=b"set",
        proof=InclusionProof(log_index=3, tree_size=9, root_hash=HASH, hashes=(HASH, HASH), checkpoint="a note"),
        body=b"body",
    )


def test_what_was_attested_may_come_along() -> None:
    assert read_created_entry(_answer(attestation={"data": "e30="}), kind="dsse", where="log").log_index == 7


REFUSED = {
    "no JSON": b"<html>",
    "an array": b"[]",
    "no entry": b"{}",
    "two entries": json.dumps({"a": ENTRY, "b": ENTRY}).encode(),
    "an error in place of an entry": b'{"code": 400, "message": "no"}',
    "an unknown member": _answer(extra=1),
    "no body": _answer(body=...),
    "a body that is no base64": _answer(body="!"),
    "no promise": _answer(verification={"inclusionProof": PROOF}),
    "no proof": _answer(verification={"signedEntryTimestamp": "c2V0"}),
    "no verification": _answer(verification=...),
    "a negative index": _answer(logIndex=-1),
    "an index that is a fraction": _answer(logIndex=1.5),
    "an index of the proof beyond 64 bits": _answer(proof={"logIndex": 2**63}),
    "a log id of another length": _answer(logID="00"),
    "a log id in capitals": _answer(logID="AA" * 32),
    "a hash that is no hexadecimal": _answer(proof={"rootHash": "g" * 64}),
    "a short hash": _answer(proof={"hashes": ["00"]}),
    "no checkpoint": _answer(proof={"checkpoint": ...}),
    "an empty checkpoint": _answer(proof={"checkpoint": ""}),
    "a long checkpoint": _answer(proof={"checkpoint": "a" * 70_000}),
    "too many hashes": _answer(proof={"hashes": [HASH.hex()] * 65}),
}


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED.keys())
def test_refuses(data: bytes) -> None:
    with pytest.raises(FormatError) as caught:
        read_created_entry(data, kind="dsse", where="log")
    assert caught.value.code == "tlog.answer"


def test_a_long_answer_is_not_read() -> None:
    with pytest.raises(FormatError) as caught:
        read_created_entry(_answer(), kind="dsse", where="log", limits=Limits(witness_answer_bytes=10))
    assert caught.value.code == "tlog.answer"


IDENTIFIER = "0" * 80


@pytest.mark.parametrize(
    ("location", "identifier"),
    [
        (f"/api/v1/log/entries/{IDENTIFIER}", IDENTIFIER),
        (f"https://elsewhere.example.test/api/v1/log/entries/{IDENTIFIER}", IDENTIFIER),
        (f"/api/v1/log/entries/{'a' * 64}", "a" * 64),
        ("", None),
        ("/api/v1/log/entries/", None),
        (f"/api/v1/log/entries/{IDENTIFIER}?a=b", None),
        (f"/api/v1/log/entries/{'A' * 64}", None),
        ("/api/v1/log/entries/../../admin", None),
        (f"{IDENTIFIER}\n", None),
    ],
)
def test_of_a_location_only_the_identifier_is_taken(location: str, identifier: str | None) -> None:
    assert entry_identifier(location) == identifier
