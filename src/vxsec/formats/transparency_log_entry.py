"""``TransparencyLogEntry`` of Sigstore's bundles (protobuf-specs, ``sigstore_rekor.proto``), Rekor v1 and v2.

Absent numbers are 0, as protobuf has it and cosign writes it. Which of promise and proof must be there depends on the
bundle's version and on what is asked for; that is the verifier's business.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from vxsec.errors import FormatError
from vxsec.formats.protobuf_json import json_errors_as, read_bytes, read_count, read_text
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.transparency import InclusionProof, LogEntry

if TYPE_CHECKING:
    from vxsec.formats.strict_json import JsonNode

__all__ = ["log_entry_document", "read_log_entry"]

_CODE = "tlog.malformed"
_HASH_BYTES = 32
_LONGEST_NAME = 64
_LONGEST_LOG_ID = 64


def read_log_entry(node: JsonNode, *, limits: Limits = DEFAULT_LIMITS) -> LogEntry:
    """Read one entry.

    Guarantees: no number is negative or above 2^63-1, hashes have 32 bytes, nothing unknown is there. Nothing is verified:
    index, tree size and proof need not agree.

    Raises:
        FormatError: ``tlog.malformed``, ``tlog.number`` (negative, too large, or not a number), ``tlog.too-many``
            (hashes) or ``tlog.too-large`` (checkpoint).
    """
    with json_errors_as(_CODE):
        node.only(
            "logIndex",
            "logId",
            "kindVersion",
            "integratedTime",
            "inclusionPromise",
            "inclusionProof",
            "canonicalizedBody",
        )
        log_id = read_bytes(node["logId"].only("keyId")["keyId"], code=_CODE)
        if len(log_id) > _LONGEST_LOG_ID:
            raise FormatError(
                f"expected a log id of at most {_LONGEST_LOG_ID} bytes, found {len(log_id)}",
                code=_CODE,
                where=node.where,
            )
        kind_version = node["kindVersion"].only("kind", "version")
        promise, proof = node.get("inclusionPromise"), node.get("inclusionProof")
        return LogEntry(
            log_index=read_count(node.get("logIndex"), code="tlog.number"),
            log_id=log_id,
            kind=read_text(kind_version["kind"], code=_CODE, longest=_LONGEST_NAME),
            version=read_text(kind_version["version"], code=_CODE, longest=_LONGEST_NAME),
            integrated_time=read_count(node.get("integratedTime"), code="tlog.number") or None,  # Rekor v2 states none
            promise=None if promise is None else _read_promise(promise),
            proof=None if proof is None else _read_proof(proof, limits),
            body=read_bytes(node["canonicalizedBody"], code=_CODE),
        )


def log_entry_document(entry: LogEntry) -> dict[str, object]:
    """The entry as :func:`read_log_entry` reads it back: 64-bit numbers are strings, what is not there is left out."""
    document: dict[str, object] = {
        "logIndex": str(entry.log_index),
        "logId": {"keyId": _encode(entry.log_id)},
        "kindVersion": {"kind": entry.kind, "version": entry.version},
    }
    if entry.integrated_time is not None:
        document["integratedTime"] = str(entry.integrated_time)
    if entry.promise is not None:
        document["inclusionPromise"] = {"signedEntryTimestamp": _encode(entry.promise)}
    if entry.proof is not None:
        document["inclusionProof"] = _proof_document(entry.proof)
    return document | {"canonicalizedBody": _encode(entry.body)}


def _proof_document(proof: InclusionProof) -> dict[str, object]:
    document: dict[str, object] = {
        "logIndex": str(proof.log_index),
        "rootHash": _encode(proof.root_hash),
        "treeSize": str(proof.tree_size),
        "hashes": [_encode(value) for value in proof.hashes],
    }
    return document if proof.checkpoint is None else document | {"checkpoint": {"envelope": proof.checkpoint}}


def _encode(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def _read_promise(node: JsonNode) -> bytes:
    return read_bytes(node.only("signedEntryTimestamp")["signedEntryTimestamp"], code=_CODE)


def _read_proof(node: JsonNode, limits: Limits) -> InclusionProof:
    node.only("logIndex", "rootHash", "treeSize", "hashes", "checkpoint")
    listed = node.get("hashes")
    hashes = [] if listed is None else listed.array(most=limits.proof_hashes, code="tlog.too-many", what="hashes")
    return InclusionProof(
        log_index=read_count(node.get("logIndex"), code="tlog.number"),
        tree_size=read_count(node["treeSize"], code="tlog.number"),
        root_hash=read_bytes(node["rootHash"], code=_CODE, size=_HASH_BYTES),
        hashes=tuple(read_bytes(item, code=_CODE, size=_HASH_BYTES) for item in hashes),
        checkpoint=_read_checkpoint(node.get("checkpoint"), limits),
    )


def _read_checkpoint(node: JsonNode | None, limits: Limits) -> str | None:
    if node is None:
        return None
    note = node.only("envelope")["envelope"]
    text = note.string()
    if len(text) > limits.checkpoint_bytes:
        raise FormatError(
            f"expected a checkpoint of at most {limits.checkpoint_bytes} bytes, found {len(text)}",
            code="tlog.too-large",
            where=note.where,
        )
    return text
