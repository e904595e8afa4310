"""Transparency logs: what an entry proves about one signature.

An entry is about a signature when its kind and version are those stated, and its digest, its one signature and its one
verifier are those of the bundle (:func:`match_entry`). The digest of the envelope that ``dsse`` and ``intoto`` entries state as
well is not compared: it is over the JSON text as it was uploaded, which no bundle keeps (measured: two writers, two texts);
payload, payload type and signature are bound without it, because the signature covers the first two.

That the log holds it is proved by its promise (Rekor v1's signed entry timestamp, :func:`verify_promise`), which states a
time, and by an inclusion proof (:func:`verify_inclusion`, RFC 6962 section 2.1.1) up to a checkpoint that the log signed
(:func:`verify_checkpoint`, C2SP ``tlog-checkpoint`` and ``signed-note``).

Rekor v1 shards its log: an entry's index counts over all shards, its proof's index within one, so that the first is never
smaller. Its checkpoints are named ``HOST - TREE``. Rekor v2 has one index and its host as origin. Both sign with a key that
the trusted root lists; names and hints in a note only select the signature.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from vxsec.errors import VerificationError
from vxsec.formats.public_key import key_algorithm
from vxsec.formats.strict_json import dump_json
from vxsec.formats.timestamps import render_time
from vxsec.formats.trusted_root import log_origins
from vxsec.verification.keys import verify_signature

if TYPE_CHECKING:
    from vxsec.model.transparency import Checkpoint, InclusionProof, LogEntry, RekorEntry
    from vxsec.model.trusted_root import TransparencyLog
    from vxsec.verification.content import LoggedSignature

__all__ = [
    "is_rekor_v2",
    "match_entry",
    "require_indexes",
    "verify_checkpoint",
    "verify_inclusion",
    "verify_promise",
]

_ED25519_RAW = 32
_ED25519_NOTE = b"\n\x01"
_HINT_BYTES = 4
_TRIED_SIGNATURES = 4
_LATEST = 253_402_300_799  # 9999-12-31T23:59:59Z, the last time datetime has
_SHOWN = 120


def is_rekor_v2(entry: LogEntry) -> bool:
    """Whether it is an entry of Rekor v2, by kind and version."""
    return entry.version == "0.0.2" and entry.kind in {"hashedrekord", "dsse"}


def match_entry(body: RekorEntry, entry: LogEntry, signed: LoggedSignature) -> None:
    """The entry is about this artifact, this signature and this verifier.

    Raises:
        VerificationError: ``tlog.kind-mismatch``, ``tlog.artifact-mismatch``, ``tlog.signature-mismatch`` or
            ``tlog.verifier-mismatch``.
    """
    if (body.kind, body.version) != (entry.kind, entry.version):
        raise _mismatch(f"{entry.kind} {entry.version}", f"{body.kind} {body.version}", code="tlog.kind-mismatch")
    if not body.digests:
        raise _mismatch("the digest of what was signed", "none", code="tlog.artifact-mismatch")
    for algorithm, stated in body.digests.items():
        ours = signed.digest(body.kind, algorithm)
        if ours is None:
            raise _mismatch(
                "a kind of entry and a digest that fit what was signed",
                f"{body.kind} and {algorithm[:_SHOWN]!r}",
                code="tlog.kind-mismatch",
            )
        if stated != ours:
            raise _mismatch(f"{algorithm} {ours}", stated[:_SHOWN], code="tlog.artifact-mismatch")
    if len(body.pairs) != 1:
        raise _mismatch("one signature", str(len(body.pairs)), code="tlog.signature-mismatch")
    signature, verifier = body.pairs[0]
    if signature != signed.signature:
        raise _mismatch("the bundle's signature", "another one", code="tlog.signature-mismatch")
    if verifier != signed.verifier:
        raise _mismatch("the bundle's key or certificate", "another one", code="tlog.verifier-mismatch")


def require_indexes(entry: LogEntry, proof: InclusionProof) -> None:
    """The entry's index and its proof's can both be true.

    Raises:
        VerificationError: ``tlog.index-mismatch``.
    """
    same = entry.log_index == proof.log_index
    if not same and (is_rekor_v2(entry) or entry.log_index < proof.log_index):
        raise VerificationError(
            f"expected log index {entry.log_index} in the proof, too, found {proof.log_index}",
            code="tlog.index-mismatch",
        )


def verify_promise(entry: LogEntry, log: TransparencyLog, *, now: datetime, skew: timedelta) -> datetime:
    """Verify the signed entry timestamp (Rekor v1) and return the time it states, aware.

    The time must not lie ahead of ``now``: that is looked at first, because it is refused whoever signed it.

    Raises:
        VerificationError: ``tlog.no-time``, ``tlog.time-in-future`` or ``tlog.set-signature``.
    """
    stated = entry.integrated_time
    if stated is None:
        raise VerificationError("expected the time of the log's promise, found none", code="tlog.no-time")
    if stated > _LATEST or (at := datetime.fromtimestamp(stated, UTC)) - now > skew:
        raise VerificationError(
            f"expected a time before {render_time(now)}, found {stated} seconds after 1970-01-01",
            code="tlog.time-in-future",
        )
    # Exactly these members in this order are what Rekor signs (RFC 8785 of ASCII and integers).
    signed = dump_json(
        {
            "body": base64.b64encode(entry.body).decode("ascii"),
            "integratedTime": stated,
            "logID": entry.log_id.hex(),
            "logIndex": entry.log_index,
        }
    )
    try:
        verify_signature(log.spki, entry.promise or b"", signed)
    except VerificationError as error:
        raise VerificationError(
            "the signed entry timestamp does not verify under the log's key", code="tlog.set-signature"
        ) from error
    return at


def verify_inclusion(body: bytes, proof: InclusionProof) -> None:
    """The proof leads from the leaf ``body`` to its root hash (RFC 6962 section 2.1.1, RFC 9162 section 2.1.3.2).

    Guarantees: the index is in the tree, and the proof is exactly as long as it must be.

    Raises:
        VerificationError: ``tlog.inclusion-proof``.
    """
    index, size = proof.log_index, proof.tree_size
    if index >= size:
        raise VerificationError(
            f"expected an index below the tree's size of {size}, found {index}", code="tlog.inclusion-proof"
        )
    inner = (index ^ (size - 1)).bit_length()
    length = inner + (index >> inner).bit_count()
    if len(proof.hashes) != length:
        raise VerificationError(
            f"expected a proof of {length} hashes, found {len(proof.hashes)}", code="tlog.inclusion-proof"
        )
    found = hashlib.sha256(b"\x00" + body).digest()
    for level, other in enumerate(proof.hashes):
        right = level < inner and not (index >> level) & 1
        found = hashlib.sha256(b"\x01" + (found + other if right else other + found)).digest()
    if found != proof.root_hash:
        raise VerificationError(
            f"expected the proof to lead to root hash {proof.root_hash.hex()}, found {found.hex()}",
            code="tlog.inclusion-proof",
        )


def verify_checkpoint(checkpoint: Checkpoint, proof: InclusionProof, log: TransparencyLog, *, v2: bool) -> None:
    """The log signed the tree that the proof leads to.

    Signatures of others (witnesses, further keys of the log) are passed over; one that is good is enough.

    Args:
        checkpoint: As read by ``vxsec.formats.checkpoint``.
        proof: Already verified.
        log: Whose signature is looked for.
        v2: Whether the log is a Rekor v2, whose origin is its host and path.

    Raises:
        VerificationError: ``tlog.checkpoint-mismatch``, ``tlog.checkpoint-origin``, ``tlog.checkpoint-key`` (no signature is
            by this log's key) or ``tlog.checkpoint-signature``.
    """
    if (checkpoint.tree_size, checkpoint.root_hash) != (proof.tree_size, proof.root_hash):
        raise _mismatch(
            f"a tree of {proof.tree_size} with root hash {proof.root_hash.hex()} in the checkpoint",
            f"{checkpoint.tree_size} with {checkpoint.root_hash.hex()}",
            code="tlog.checkpoint-mismatch",
        )
    if v2 and checkpoint.origin not in log_origins(log):
        raise _mismatch(
            " or ".join(sorted(log_origins(log))), repr(checkpoint.origin[:_SHOWN]), code="tlog.checkpoint-origin"
        )
    hints = _key_hints(checkpoint.origin, log)
    ours = [
        note for note in checkpoint.signatures if note.key_hint in hints and (not v2 or note.name == checkpoint.origin)
    ]
    if not ours:
        raise VerificationError(
            f"expected a signature by the log {log.base_url[:_SHOWN]!r}, found none with its name and key hint",
            code="tlog.checkpoint-key",
        )
    for note in ours[:_TRIED_SIGNATURES]:
        try:
            verify_signature(log.spki, note.signature, checkpoint.signed)
        except VerificationError:
            continue
        return
    raise VerificationError("the checkpoint does not verify under the log's key", code="tlog.checkpoint-signature")


def _key_hints(name: str, log: TransparencyLog) -> frozenset[bytes]:
    """What the log's own signature lines begin with.

    C2SP ``signed-note``: of the SHA-256 over name and key for Ed25519, over the SubjectPublicKeyInfo for the others; or of
    what the trusted root names the key by.
    """
    ed25519 = key_algorithm(log.spki) == "ed25519"
    named = name.encode("utf-8") + _ED25519_NOTE + log.spki[-_ED25519_RAW:] if ed25519 else log.spki
    identifiers = hashlib.sha256(named).digest(), log.checkpoint_key_id or log.log_id
    return frozenset(identifier[:_HINT_BYTES] for identifier in identifiers)


def _mismatch(expected: str, found: str, *, code: str) -> VerificationError:
    return VerificationError(f"expected {expected}, found {found}", code=code)
