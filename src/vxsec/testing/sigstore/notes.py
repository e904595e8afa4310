"""Signed notes and checkpoints (C2SP ``signed-note`` and ``tlog-checkpoint``), as Rekor writes them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ed25519

from vxsec.testing.sigstore.keys import PrivateKey, encode, public_key_of, sign
from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["NoteKey", "checkpoint_text", "note_log_id", "signed_note", "witness_key"]

_ED25519 = b"\x01"
_COSIGNATURE = b"\x04"
_RAW_ED25519_BYTES = 32
_HINT_BYTES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteKey:
    """Who signs a note: the name on the line, the bytes of which the first four stand before the signature, and the key.

    With ``cosigned_at`` (Unix seconds) the line is a witness's: the time stands before the signature and is signed with the
    text (C2SP ``tlog-cosignature``).
    """

    name: str
    hint: bytes
    key: PrivateKey
    cosigned_at: int | None = None

    def line(self, text: str) -> str:
        """The signature line over ``text``."""
        made = self.hint[:_HINT_BYTES] + self._signature(text)
        return f"\N{EM DASH} {self.name} {encode(made)}\n"

    def _signature(self, text: str) -> bytes:
        if self.cosigned_at is None:
            return sign(self.key, text.encode())
        signed = f"cosignature/v1\ntime {self.cosigned_at}\n{text}"
        return self.cosigned_at.to_bytes(8, "big") + sign(self.key, signed.encode())


def witness_key(name: str, key: ed25519.Ed25519PrivateKey, *, at: int) -> NoteKey:
    """A witness, who signs at this time (Unix seconds)."""
    hint = hashlib.sha256(name.encode() + b"\n" + _COSIGNATURE + key.public_key().public_bytes_raw()).digest()
    return NoteKey(name=name, hint=hint, key=key, cosigned_at=at)


def note_log_id(name: str, spki: bytes) -> bytes:
    """What names a log's key (DER): for Ed25519 the note key id of C2SP, in full; else the digest of the public key.

    Rekor v2 uses all 32 bytes as the log's id; the first four stand before each signature.
    """
    if isinstance(public_key_of(spki), ed25519.Ed25519PublicKey):
        return hashlib.sha256(name.encode() + b"\n" + _ED25519 + spki[-_RAW_ED25519_BYTES:]).digest()
    return hashlib.sha256(spki).digest()


def checkpoint_text(origin: str, size: int, root: bytes, others: Sequence[str] = ()) -> str:
    """The text that a checkpoint's signatures cover."""
    return "".join(f"{line}\n" for line in (origin, str(size), encode(root), *others))


def signed_note(text: str, keys: Sequence[NoteKey]) -> str:
    """``text`` with one signature line per key."""
    return text + "\n" + "".join(key.line(text) for key in keys)
