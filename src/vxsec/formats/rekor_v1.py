"""What Rekor version 1 is asked, and what it answers (``openapi.yaml`` of sigstore/rekor; entries ``pkg/types``).

Only entries by a public key are written: ``hashedrekord`` 0.0.1 for a file, ``dsse`` 0.0.1 for an envelope. The log answers
with the entry under its identifier; the bytes of its body are read by ``vxsec.formats.rekor_entry``.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

from vxsec.errors import FormatError
from vxsec.formats.protobuf_json import json_errors_as, read_bytes, read_count
from vxsec.formats.public_key import render_public_key
from vxsec.formats.strict_json import dump_json, read_json
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.transparency import InclusionProof, LogEntry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vxsec.formats.strict_json import JsonNode

__all__ = ["ENTRY_VERSION", "entry_identifier", "read_created_entry", "render_dsse", "render_hashedrekord"]

ENTRY_VERSION = "0.0.1"
_CODE = "tlog.answer"
_HEX = re.compile(r"(?:[0-9a-f]{2})+\Z")
_IDENTIFIER = re.compile(r"[0-9a-f]{64}(?:[0-9a-f]{16})?\Z")
_HASH_BYTES = 32
_SHOWN = 80


def render_hashedrekord(*, sha256: bytes, signature: bytes, spki: bytes) -> bytes:
    """Propose an entry about a file with this SHA-256 (32 bytes), signed with this key (canonical DER)."""
    spec = {
        "data": {"hash": {"algorithm": "sha256", "value": sha256.hex()}},
        "signature": {"content": _encode(signature), "publicKey": {"content": _encode(render_public_key(spki))}},
    }
    return _propose("hashedrekord", spec)


def render_dsse(*, payload_type: str, payload: bytes, signature: bytes, spki: bytes) -> bytes:
    """Propose an entry about an envelope with one signature, made with this key (canonical DER)."""
    envelope = {"payload": _encode(payload), "payloadType": payload_type, "signatures": [{"sig": _encode(signature)}]}
    spec = {
        "proposedContent": {
            "envelope": dump_json(envelope).decode("utf-8"),
            "verifiers": [_encode(render_public_key(spki))],
        }
    }
    return _propose("dsse", spec)


def read_created_entry(data: bytes, *, kind: str, where: str, limits: Limits = DEFAULT_LIMITS) -> LogEntry:
    """Read the answer to a proposed entry, or to a question for one.

    Guarantees: exactly one entry, with the log's promise and an inclusion proof with its checkpoint; numbers and hashes
    have their form. Nothing is verified.

    Args:
        data: The answer's body.
        kind: What was proposed: ``hashedrekord`` or ``dsse``.
        where: What the answer is called in an error.
        limits: Bounds on bytes and on the proof.

    Raises:
        FormatError: ``tlog.answer``.
    """
    with json_errors_as(_CODE):
        entries = list(read_json(data, where=where, limits=limits, max_bytes=limits.witness_answer_bytes).members())
        if len(entries) != 1:
            raise FormatError(f"expected one entry, found {len(entries)}", code=_CODE, where=where)
        (_, node) = entries[0]
        node.only("body", "integratedTime", "logID", "logIndex", "verification", "attestation")
        verification = node["verification"].only("inclusionProof", "signedEntryTimestamp")
        return LogEntry(
            log_index=read_count(node["logIndex"], code=_CODE),
            log_id=_read_hex(node["logID"], _HASH_BYTES),
            kind=kind,
            version=ENTRY_VERSION,
            integrated_time=read_count(node["integratedTime"], code=_CODE) or None,
            promise=read_bytes(verification["signedEntryTimestamp"], code=_CODE),
            proof=_read_proof(verification["inclusionProof"], limits),
            body=read_bytes(node["body"], code=_CODE),
        )


def entry_identifier(location: str) -> str | None:
    """The identifier of the entry that a ``Location`` names, which the log gives where it has that entry already.

    Only its last part is taken: what is asked next is asked of the same log.
    """
    last = location.rpartition("/")[2]
    return last if _IDENTIFIER.match(last) else None


def _propose(kind: str, spec: Mapping[str, object]) -> bytes:
    return dump_json({"apiVersion": ENTRY_VERSION, "kind": kind, "spec": spec})


def _read_proof(node: JsonNode, limits: Limits) -> InclusionProof:
    node.only("checkpoint", "hashes", "logIndex", "rootHash", "treeSize")
    hashes = node["hashes"].array(most=limits.proof_hashes, code=_CODE, what="hashes")
    note = node["checkpoint"].string()
    if not 0 < len(note) <= limits.checkpoint_bytes:
        raise FormatError("expected a short proof with a checkpoint", code=_CODE, where=node.where)
    return InclusionProof(
        log_index=read_count(node["logIndex"], code=_CODE),
        tree_size=read_count(node["treeSize"], code=_CODE),
        root_hash=_read_hex(node["rootHash"], _HASH_BYTES),
        hashes=tuple(_read_hex(item, _HASH_BYTES) for item in hashes),
        checkpoint=note,
    )


def _read_hex(node: JsonNode, size: int) -> bytes:
    text = node.string()
    if len(text) != 2 * size or _HEX.match(text) is None:
        raise FormatError(
            f"expected {size} bytes in lower-case hexadecimal, found {text[:_SHOWN]!r}", code=_CODE, where=node.where
        )
    return bytes.fromhex(text)


def _encode(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")
