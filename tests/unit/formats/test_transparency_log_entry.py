"""One log entry of a bundle: its numbers, its hashes, and nothing unknown."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from vxsec.errors import FormatError
from vxsec.formats.protobuf_json import MAX_INT64
from vxsec.formats.strict_json import JsonNode, dump_json, read_json
from vxsec.formats.transparency_log_entry import log_entry_document, read_log_entry
from vxsec.limits import Limits
from vxsec.model.transparency import InclusionProof, LogEntry

HASH = base64.b64encode(b"h" * 32).decode()
PROOF: dict[str, Any] = {
    "logIndex": "3",
    "treeSize": "9",
    "rootHash": HASH,
    "hashes": [HASH, HASH],
    "checkpoint": {"envelope": "a note"},
}
ENTRY: dict[str, Any] = {
    "logIndex": "7",
    "logId": {"keyId": base64.b64encode(b"l" * 32).decode()},
    "kindVersion": {"kind": "hashedrekord", "version": "0.0.1"},
    "integratedTime": "1689177396",
    "inclusionPromise": {"signedEntryTimestamp": "c2V0"},
    "inclusionProof": PROOF,
    "canonicalizedBody": "Ym9keQ==",
}


def _node(**members: object) -> JsonNode:
    entry = {key: value for key, value in (ENTRY | members).items() if value is not ...}
    return read_json(dump_json(entry), where="entry")


def _proof(**members: object) -> JsonNode:
    proof = {key: value for key, value in (PROOF | members).items() if value is not ...}
    return _node(inclusionProof=proof)


def test_an_entry_is_read_whole() -> None:
    assert read_log_entry(_node()) == LogEntry(
        log_index=7,
        log_id=b"l" * 32,
        kind="hashedrekord",
        version="0.0.1",
        integrated_time=1689177396,
        promise=b"set",
        proof=InclusionProof(
            log_index=3, tree_size=9, root_hash=b"h" * 32, hashes=(b"h" * 32,) * 2, checkpoint="a note"
        ),
        body=b"body",
    )


def test_an_entry_of_rekor_v2_has_neither_time_nor_promise() -> None:
    entry = read_log_entry(_node(integratedTime=..., inclusionPromise=...))
    assert (entry.integrated_time, entry.promise) == (None, None)


@pytest.mark.parametrize("written", [0, "0", None])
def test_a_time_of_zero_is_no_time(written: object) -> None:
    assert read_log_entry(_node(integratedTime=written)).integrated_time is None


@pytest.mark.parametrize(
    ("written", "index"), [(..., 0), (None, 0), (0, 0), ("0", 0), (12, 12), (str(MAX_INT64), MAX_INT64)]
)
def test_an_index_is_a_string_or_a_number_or_left_out_where_it_is_zero(written: object, index: int) -> None:
    assert read_log_entry(_node(logIndex=written)).log_index == index
    proof = read_log_entry(_proof(logIndex=written)).proof
    assert proof is not None
    assert proof.log_index == index


def test_a_tree_of_one_leaf_needs_no_hashes_and_an_old_proof_no_checkpoint() -> None:
    proof = read_log_entry(_proof(hashes=..., checkpoint=...)).proof
    assert proof is not None
    assert (proof.hashes, proof.checkpoint) == ((), None)


def test_no_proof_is_no_proof() -> None:
    assert read_log_entry(_node(inclusionProof=...)).proof is None


def test_an_index_beyond_the_tree_is_kept_for_the_verifier_to_refuse() -> None:
    proof = read_log_entry(_proof(logIndex="9")).proof
    assert proof is not None
    assert proof.log_index == proof.tree_size


REFUSED = {
    "a list": (JsonNode(value=[], where="entry"), "tlog.malformed"),
    "an unknown member": (_node(extra=1), "tlog.malformed"),
    "a snake-case twin": (_node(log_index="1"), "tlog.malformed"),
    "a negative index": (_node(logIndex="-1"), "tlog.number"),
    "a negative index as a number": (_node(logIndex=-1), "tlog.number"),
    "minus zero": (_node(logIndex="-0"), "tlog.number"),
    "an index of 2^63": (_node(logIndex=str(2**63)), "tlog.number"),
    "an index of 2^63 as a number": (_node(logIndex=2**63), "tlog.number"),
    "an endless index": (_node(logIndex="9" * 10_000), "tlog.number"),
    "an index with leading zeros": (_node(logIndex="007"), "tlog.number"),
    "an index with an underscore": (_node(logIndex="1_0"), "tlog.number"),
    "an index with a plus": (_node(logIndex="+1"), "tlog.number"),
    "an index with a blank": (_node(logIndex=" 1"), "tlog.number"),
    "an index with a line end": (_node(logIndex="1\n"), "tlog.number"),
    "an index in other digits": (_node(logIndex="٣"), "tlog.number"),
    "an empty index": (_node(logIndex=""), "tlog.number"),
    "an index with a fraction": (_node(logIndex=1.0), "tlog.malformed"),
    "an index that is true": (_node(logIndex=True), "tlog.malformed"),
    "a negative time": (_node(integratedTime="-1"), "tlog.number"),
    "no log id": (_node(logId=...), "tlog.malformed"),
    "an empty log id": (_node(logId={"keyId": ""}), "tlog.malformed"),
    "an endless log id": (_node(logId={"keyId": "AAAA" * 22}), "tlog.malformed"),
    "more beside the log id": (_node(logId={"keyId": "AA==", "x": 1}), "tlog.malformed"),
    "no kind": (_node(kindVersion={"version": "0.0.1"}), "tlog.malformed"),
    "an empty kind": (_node(kindVersion={"kind": "", "version": "0.0.1"}), "tlog.malformed"),
    "an endless version": (_node(kindVersion={"kind": "dsse", "version": "1" * 65}), "tlog.malformed"),
    "no body": (_node(canonicalizedBody=...), "tlog.malformed"),
    "an empty body": (_node(canonicalizedBody=""), "tlog.malformed"),
    "a body in URL-safe letters": (_node(canonicalizedBody="__8="), "tlog.malformed"),
    "a body without its padding": (_node(canonicalizedBody="AA"), "tlog.malformed"),
    "an empty promise": (_node(inclusionPromise={}), "tlog.malformed"),
    "a promise that is a text": (_node(inclusionPromise="AA=="), "tlog.malformed"),
    "more beside the promise": (_node(inclusionPromise={"signedEntryTimestamp": "AA==", "x": 1}), "tlog.malformed"),
    "an empty proof": (_node(inclusionProof={}), "tlog.malformed"),
    "no tree size": (_proof(treeSize=...), "tlog.malformed"),
    "a negative tree size": (_proof(treeSize="-9"), "tlog.number"),
    "no root hash": (_proof(rootHash=...), "tlog.malformed"),
    "a root hash of 31 bytes": (_proof(rootHash=base64.b64encode(b"h" * 31).decode()), "tlog.malformed"),
    "a hash of 33 bytes": (_proof(hashes=[base64.b64encode(b"h" * 33).decode()]), "tlog.malformed"),
    "a hash that is null": (_proof(hashes=[None]), "tlog.malformed"),
    "hashes that are no list": (_proof(hashes=HASH), "tlog.malformed"),
    "sixty-five hashes": (_proof(hashes=[HASH] * 65), "tlog.too-many"),
    "more in the proof": (_proof(x=1), "tlog.malformed"),
    "an empty checkpoint object": (_proof(checkpoint={}), "tlog.malformed"),
    "a checkpoint that is a text": (_proof(checkpoint="note"), "tlog.malformed"),
}


@pytest.mark.parametrize(("node", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses(node: JsonNode, code: str) -> None:
    with pytest.raises(FormatError) as caught:
        read_log_entry(node)
    assert caught.value.code == code
    assert caught.value.where
    assert caught.value.where.startswith("entry")


def test_an_endless_checkpoint_is_refused() -> None:
    with pytest.raises(FormatError) as caught:
        read_log_entry(_proof(checkpoint={"envelope": "x" * 101}), limits=Limits(checkpoint_bytes=100))
    assert caught.value.code == "tlog.too-large"


WRITTEN = {
    "of Rekor 1": {},
    "of Rekor 2": {"integratedTime": ..., "inclusionPromise": ...},
    "of bundles v0.1, without a proof": {"inclusionProof": ...},
    "with a proof that has no checkpoint": {"inclusionProof": PROOF | {"checkpoint": None}},
    "at index 0": {"logIndex": "0"},
}


@pytest.mark.parametrize("members", WRITTEN.values(), ids=WRITTEN.keys())
def test_what_is_written_is_read_back(members: dict[str, object]) -> None:
    entry = read_log_entry(_node(**members))
    written = read_json(dump_json(log_entry_document(entry)), where="written")
    assert read_log_entry(written) == entry


def test_numbers_are_written_as_text_as_protobuf_has_it() -> None:
    document = log_entry_document(read_log_entry(_node()))
    assert (document["logIndex"], document["integratedTime"]) == ("7", "1689177396")
    assert document == ENTRY
