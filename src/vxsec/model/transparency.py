"""What a transparency log says about one signature: its entry, the proof that it holds it, and the checkpoint it signed.

Words are those of RFC 6962 (inclusion proof, tree size), of Sigstore's ``sigstore_rekor.proto`` (log entry, inclusion
promise) and of C2SP (``signed-note``, ``tlog-checkpoint``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Checkpoint", "InclusionProof", "LogEntry", "NoteSignature", "RekorEntry"]


@dataclass(frozen=True, slots=True, kw_only=True)
class InclusionProof:
    """That leaf ``log_index`` is in the tree of ``tree_size`` leaves with this root (RFC 6962 section 2.1.1)."""

    log_index: int
    tree_size: int
    root_hash: bytes
    hashes: tuple[bytes, ...]
    checkpoint: str | None
    """The signed note as it was written, or None where the bundle has none (v0.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """``TransparencyLogEntry`` of a bundle, as written: nothing in it is verified.

    ``log_id`` names the log's key, ``kind`` and ``version`` are for example ``hashedrekord`` and ``0.0.1``;
    ``integrated_time`` (Unix seconds) means something only together with ``promise`` (the signed entry timestamp, v1).
    """

    log_index: int
    log_id: bytes
    kind: str
    version: str
    integrated_time: int | None
    promise: bytes | None
    proof: InclusionProof | None
    body: bytes
    """The canonicalised body: the bytes of the leaf."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteSignature:
    """One signature line of a note: the key's name, the four bytes that hint at the key, and the signature."""

    name: str
    key_hint: bytes
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A signed note over a log's state (C2SP ``tlog-checkpoint``).

    ``signed`` is exactly the bytes every signature covers: the note's text with its last line end.
    """

    origin: str
    tree_size: int
    root_hash: bytes
    signed: bytes
    signatures: tuple[NoteSignature, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RekorEntry:
    """What one entry's body says was logged, whatever its kind.

    ``digests`` are of the artifact (``hashedrekord``) or of the payload (``dsse``, ``intoto``), lower-case hex by
    algorithm name (``sha256``); ``envelope_digest`` is of the whole envelope as it was uploaded, where the kind states it.
    ``pairs`` are signature and verifier: the DER of a certificate, or of a public key (canonical SubjectPublicKeyInfo).
    """

    kind: str
    version: str
    digests: Mapping[str, str]
    envelope_digest: str | None
    pairs: tuple[tuple[bytes, bytes], ...]
