"""One log entry of a minted bundle, with the defect that its recipe asks for."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from vxsec.testing.sigstore.entries import canonical, entry_body
from vxsec.testing.sigstore.keys import encode
from vxsec.testing.sigstore.log import Placed, log_entry_json
from vxsec.testing.sigstore.notes import NoteKey, checkpoint_text, note_log_id, signed_note, witness_key
from vxsec.testing.sigstore.rekor_v1 import signed_entry_timestamp

if TYPE_CHECKING:
    from datetime import datetime

    from vxsec.testing.sigstore.entries import Logged
    from vxsec.testing.sigstore.log import TransparencyLog
    from vxsec.testing.sigstore.recipe import Entry, Note

__all__ = ["mint_entry"]

_LATER = 3
_WITNESS = "witness.example.test"
_WITNESSED_AT = 1_795_000_000


def mint_entry(
    entry: Entry, *, logged: Logged, log: TransparencyLog, other: TransparencyLog, at: datetime
) -> dict[str, object]:
    """Log it, and write ``TransparencyLogEntry`` as JSON.

    Args:
        entry: How.
        logged: What the bundle signed.
        log: Where.
        other: The log of the same name with another key.
        at: The time of an entry that names none.
    """
    kind, version = _kind(entry, logged)
    body = _body(entry, logged, kind, version)
    placed = log.place(body, later=_LATER)
    index = log.index_offset + placed.index + entry.log_index_offset
    if entry.note != type(entry.note)():
        placed = replace(placed, checkpoint=_note(entry.note, placed, log, other))
    shown = replace(
        placed,
        body=entry.swap_body or placed.body,
        index=placed.index + entry.proof_index_offset,
        size=placed.size + entry.tree_size_offset,
        root=entry.root or placed.root,
        hashes=_hashes(entry, placed.hashes),
    )
    document: dict[str, Any] = log_entry_json(
        log_id=log.log_id if entry.log_id is None else entry.log_id,
        kind=entry.stated_kind[0] if entry.stated_kind else kind,
        version=entry.stated_kind[1] if entry.stated_kind else version,
        placed=shown,
        log_index=index,
        proof=entry.proof,
    )
    if entry.proof and not entry.note.present:
        del document["inclusionProof"]["checkpoint"]
    document |= _time(entry, body, index=index, log=log, other=other, at=at)
    if entry.edit is not None:
        entry.edit(document)
    return document


def _kind(entry: Entry, logged: Logged) -> tuple[str, str]:
    in_envelope = bool(logged.payload_type) and entry.log == "v1"
    kind = entry.kind or ("dsse" if in_envelope else "hashedrekord")
    return kind, entry.version or ("0.0.1" if entry.log == "v1" and kind != "intoto" else "0.0.2")


def _body(entry: Entry, logged: Logged, kind: str, version: str) -> bytes:
    body = entry_body(
        kind,
        version,
        replace(
            logged,
            digest=logged.digest if entry.digest is None else entry.digest,
            signature=logged.signature if entry.signature is None else entry.signature,
            verifier=logged.verifier if entry.verifier is None else entry.verifier,
        ),
    )
    if entry.edit_body is None:
        return body
    document = json.loads(body)
    entry.edit_body(document)
    return canonical(document)


def _time(
    entry: Entry, body: bytes, *, index: int, log: TransparencyLog, other: TransparencyLog, at: datetime
) -> dict[str, object]:
    """Integrated time and promise, for version 1; version 2 has neither unless the recipe insists."""
    moment = entry.integrated_at or (at if entry.log == "v1" else None)
    if moment is None:
        return {}
    seconds = int(moment.timestamp())
    found: dict[str, object] = {"integratedTime": str(seconds)}
    if entry.promise == "none" or entry.log == "v2":
        return found
    signer = other if entry.promise == "other" else log
    promise = signed_entry_timestamp(signer, body=body, seconds=seconds, log_index=index, log_id=log.log_id)
    if entry.promise == "broken":
        promise = promise[:-1] + bytes([promise[-1] ^ 1])
    return found | {"inclusionPromise": {"signedEntryTimestamp": encode(promise)}}


def _hashes(entry: Entry, hashes: tuple[bytes, ...]) -> tuple[bytes, ...]:
    first = bytes([hashes[0][0] ^ 1]) + hashes[0][1:]
    return {
        "good": hashes,
        "flipped": (first, *hashes[1:]),
        "missing": hashes[1:],
        "extra": (*hashes, bytes(32)),
        "none": (),
    }[entry.hashes]


def _note(note: Note, placed: Placed, log: TransparencyLog, other: TransparencyLog) -> str:
    if note.raw is not None:
        return note.raw
    origin = log.origin if note.origin is None else note.origin
    root = placed.root if note.root is None else note.root
    lines = checkpoint_text(origin, placed.size + note.size_offset, root, note.lines).splitlines(keepends=True)
    if note.without:
        del lines[("origin", "size", "root").index(note.without)]
    text = "".join(lines)
    written = signed_note(text, [_signer(name, log, other) for name in note.signers])
    for number, name in enumerate(note.signers):
        if name == "broken":
            written = _turn_last_bit(written, line=len(lines) + 1 + number)
    return written


def _signer(name: str, log: TransparencyLog, other: TransparencyLog) -> NoteKey:
    own = log.note_key
    if name == "other":
        return replace(own, key=other.key)
    if name == "second":
        return replace(own, key=other.key, hint=note_log_id(own.name, other.spki))
    if name == "witness":
        return witness_key(_WITNESS, Ed25519PrivateKey.generate(), at=_WITNESSED_AT)
    if name == "unhinted":
        return replace(own, hint=bytes(4))
    return own


def _turn_last_bit(note: str, *, line: int) -> str:
    """The note with the last bit of one signature turned; the line's other bytes stay."""
    lines = note.split("\n")
    head, _, signature = lines[line].rpartition(" ")
    raw = bytearray(base64.b64decode(signature))
    raw[-1] ^= 1
    lines[line] = f"{head} {encode(bytes(raw))}"
    return "\n".join(lines)
