"""Inclusion proofs against an independent tree, and what a bundle cannot show."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.signing_kit import signer
from vxsec.errors import VerificationError
from vxsec.model.transparency import InclusionProof, LogEntry, RekorEntry
from vxsec.model.trusted_root import TransparencyLog, Window
from vxsec.verification.content import LoggedSignature
from vxsec.verification.transparency import match_entry, verify_inclusion, verify_promise

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def _root(leaves: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, word for word."""
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = _split(len(leaves))
    return hashlib.sha256(b"\x01" + _root(leaves[:split]) + _root(leaves[split:])).digest()


def _path(index: int, leaves: list[bytes]) -> list[bytes]:
    """RFC 6962 section 2.1.1, word for word."""
    if len(leaves) == 1:
        return []
    split = _split(len(leaves))
    if index < split:
        return [*_path(index, leaves[:split]), _root(leaves[split:])]
    return [*_path(index - split, leaves[split:]), _root(leaves[:split])]


def _split(size: int) -> int:
    return 1 << (size - 1).bit_length() - 1


def _proof(index: int, leaves: list[bytes], **changes: object) -> InclusionProof:
    values: dict[str, object] = {
        "log_index": index,
        "tree_size": len(leaves),
        "root_hash": _root(leaves),
        "hashes": tuple(_path(index, leaves)),
        "checkpoint": None,
    }
    return InclusionProof(**(values | changes))  # type: ignore[arg-type]  # a table of changes


@st.composite
def _trees(draw: st.DrawFn) -> tuple[list[bytes], int]:
    size = draw(st.integers(1, 40))
    return [b"leaf %d" % number for number in range(size)], draw(st.integers(0, size - 1))


@given(_trees())
def test_every_leaf_of_every_tree_is_included(tree: tuple[list[bytes], int]) -> None:
    leaves, index = tree
    verify_inclusion(leaves[index], _proof(index, leaves))


@given(_trees(), st.data())
def test_nothing_else_is(tree: tuple[list[bytes], int], data: st.DataObject) -> None:
    leaves, index = tree
    good = _proof(index, leaves)
    others: list[tuple[bytes, InclusionProof]] = [
        (b"another leaf", good),
        (leaves[index], _proof(index, leaves, root_hash=bytes(32))),
        (leaves[index], _proof(index, leaves, hashes=(*good.hashes, bytes(32)))),
        (leaves[index], _proof(index, leaves, log_index=len(leaves) + data.draw(st.integers(0, 50)))),
        (leaves[index], _proof(index, leaves, tree_size=data.draw(st.integers(0, index)))),
    ]
    other = data.draw(st.integers(0, len(leaves) - 1))
    if other != index:
        others.append((leaves[index], _proof(index, leaves, log_index=other)))
    if good.hashes:
        others.append((leaves[index], _proof(index, leaves, hashes=good.hashes[1:])))
        others.append((leaves[index], _proof(index, leaves, hashes=good.hashes[:-1])))
    for leaf, proof in others:
        with pytest.raises(VerificationError) as caught:
            verify_inclusion(leaf, proof)
        assert caught.value.code == "tlog.inclusion-proof"


def test_a_node_is_no_leaf() -> None:
    """The prefix of RFC 6962: an inner node of the tree must not pass as an entry."""
    leaves = [b"a", b"b", b"c", b"d"]
    node = hashlib.sha256(b"\x00a").digest() + hashlib.sha256(b"\x00b").digest()
    shorter = InclusionProof(
        log_index=0, tree_size=2, root_hash=_root(leaves), hashes=(_root(leaves[2:]),), checkpoint=None
    )
    with pytest.raises(VerificationError):
        verify_inclusion(node, shorter)


SIGNED = LoggedSignature(b"signature", b"verifier", lambda _kind, name: {"sha256": "aa"}.get(name))
ENTRY = LogEntry(
    log_index=0,
    log_id=b"log",
    kind="hashedrekord",
    version="0.0.1",
    integrated_time=1,
    promise=None,
    proof=None,
    body=b"{}",
)


def _body(**changes: object) -> RekorEntry:
    values: dict[str, object] = {
        "kind": "hashedrekord",
        "version": "0.0.1",
        "digests": {"sha256": "aa"},
        "envelope_digest": None,
        "pairs": ((b"signature", b"verifier"),),
    }
    return RekorEntry(**(values | changes))  # type: ignore[arg-type]  # a table of changes


BODIES = {
    "another kind": (_body(kind="dsse"), "tlog.kind-mismatch"),
    "another version": (_body(version="0.0.2"), "tlog.kind-mismatch"),
    "no digest": (_body(digests={}), "tlog.artifact-mismatch"),
    "another digest": (_body(digests={"sha256": "bb"}), "tlog.artifact-mismatch"),
    "one digest of two": (_body(digests={"sha256": "aa", "sha512": "bb"}), "tlog.kind-mismatch"),
    "an algorithm that nobody knows": (_body(digests={"sha1": "aa"}), "tlog.kind-mismatch"),
    "no signature": (_body(pairs=()), "tlog.signature-mismatch"),
    "ours and another signature": (
        _body(pairs=((b"signature", b"verifier"), (b"other", b"verifier"))),
        "tlog.signature-mismatch",
    ),
    "another signature": (_body(pairs=((b"other", b"verifier"),)), "tlog.signature-mismatch"),
    "another verifier": (_body(pairs=((b"signature", b"other"),)), "tlog.verifier-mismatch"),
}


@pytest.mark.parametrize(("body", "code"), BODIES.values(), ids=BODIES.keys())
def test_an_entry_about_something_else(body: RekorEntry, code: str) -> None:
    match_entry(_body(), ENTRY, SIGNED)
    with pytest.raises(VerificationError) as caught:
        match_entry(body, ENTRY, SIGNED)
    assert caught.value.code == code


def test_no_promise_is_no_good_promise() -> None:
    log = TransparencyLog(
        base_url="https://rekor.example.test", spki=signer("log").spki, log_id=b"log", window=Window(start=NOW)
    )
    with pytest.raises(VerificationError) as caught:
        verify_promise(ENTRY, log, now=NOW, skew=timedelta(0))
    assert caught.value.code == "tlog.set-signature"
