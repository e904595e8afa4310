"""What both generations of Rekor are: a Merkle tree of entry bodies, and checkpoints signed over it."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from vxsec.testing.sigstore.keys import encode, make_key, sign, spki_of
from vxsec.testing.sigstore.merkle import MerkleTree
from vxsec.testing.sigstore.notes import NoteKey, checkpoint_text, note_log_id, signed_note
from vxsec.values import dataclass

if TYPE_CHECKING:
    from vxsec.testing.sigstore.keys import KeyKind

__all__ = ["Placed", "TransparencyLog", "log_entry_json"]

_SEEDED = 5
_EARLIER = 4_163_431  # entries in the trees before this one


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Where an entry stands: leaf ``index`` of a tree of ``size`` leaves, the path to its root, and the checkpoint."""

    body: bytes
    index: int
    size: int
    root: bytes
    hashes: tuple[bytes, ...]
    checkpoint: str


class TransparencyLog:
    """A log with a key of its own, and some entries already in it, so that no proof is empty.

    Args:
        generation: 1 or 2. Version 1 names itself with its tree's number, is named by its key's digest, and signs with
            ECDSA; version 2 is named by C2SP's note key id and signs with ``kind``.
        base_url: Where it is reached; the origin of its checkpoints is the host without the port, as sigstore-go expects.
        kind: The kind of its key.
    """

    def __init__(self, *, generation: int, base_url: str, kind: KeyKind) -> None:
        self.base_url = base_url
        self.host = urlsplit(base_url).hostname or base_url
        self.key = make_key(kind)
        self.spki = spki_of(self.key)
        self.log_id = note_log_id(self.host, self.spki)
        self.tree_id = int.from_bytes(self.log_id[:7], "big")
        self.origin = f"{self.host} - {self.tree_id}" if generation == 1 else self.host
        # A version 1 log continues others, so that an entry has two numbers: in all of them, and in this tree.
        self.index_offset = _EARLIER if generation == 1 else 0
        self.tree = MerkleTree()
        for number in range(_SEEDED):
            self.tree.append(b"seed %d" % number)

    @property
    def note_key(self) -> NoteKey:
        """The key as its checkpoints name it."""
        return NoteKey(name=self.host, hint=self.log_id, key=self.key)

    def fork(self) -> TransparencyLog:
        """The same log as it is now, to place entries that this one never sees."""
        other = copy(self)
        other.tree = self.tree.copy()
        return other

    def place(self, body: bytes, *, later: int = 0) -> Placed:
        """Add an entry, and ``later`` others after it, and prove that it is there."""
        index = self.tree.append(body)
        for number in range(later):
            self.tree.append(b"later %d" % number)
        return Placed(
            body=body,
            index=index,
            size=self.tree.size,
            root=self.tree.root(),
            hashes=self.tree.proof(index),
            checkpoint=self.checkpoint(),
        )

    def checkpoint(self) -> str:
        """The signed note over the tree as it is now."""
        return signed_note(checkpoint_text(self.origin, self.tree.size, self.tree.root()), [self.note_key])

    def sign(self, data: bytes) -> bytes:
        """Sign with the log's key, as signed entry timestamps are."""
        return sign(self.key, data)


def log_entry_json(
    *, log_id: bytes, kind: str, version: str, placed: Placed, log_index: int, proof: bool = True
) -> dict[str, object]:
    """``TransparencyLogEntry`` in protobuf's JSON, zeros written out because sigstore-python insists on them.

    What Rekor v1 adds (``integratedTime``, ``inclusionPromise``) is added by the caller.
    """
    entry: dict[str, object] = {
        "logIndex": str(log_index),
        "logId": {"keyId": encode(log_id)},
        "kindVersion": {"kind": kind, "version": version},
        "canonicalizedBody": encode(placed.body),
    }
    if proof:
        entry["inclusionProof"] = {
            "logIndex": str(placed.index),
            "rootHash": encode(placed.root),
            "treeSize": str(placed.size),
            "hashes": [encode(value) for value in placed.hashes],
            "checkpoint": {"envelope": placed.checkpoint},
        }
    return entry
