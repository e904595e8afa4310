"""Checkpoints of transparency logs: C2SP ``tlog-checkpoint`` inside C2SP ``signed-note``, as Rekor v1 and v2 write them.

::

    rekor.sigstore.dev - 1193050959916656506        origin
    33786589                                        tree size
    ZrYR297TJTi0oux1PnfYzacxRVBAkp5eW5lpw/qFYWQ=    root hash
    Timestamp: 1689177396617352539                  extension lines, any number
                                                    a blank line
    — rekor.sigstore.dev wNI9ajBEAiA+GpzJyW…        signatures: name, base64 of four bytes that hint at a key and signature
"""

from __future__ import annotations

import re

from vxsec.errors import FormatError
from vxsec.formats.protobuf_json import MAX_INT64, read_base64
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.transparency import Checkpoint, NoteSignature

__all__ = ["read_checkpoint"]

_CODE = "tlog.checkpoint"
_SIZE = re.compile(r"(?:0|[1-9][0-9]{0,18})\Z")
_SIGNATURE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/=]+)\Z")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
_LINES = 3
_HASH_BYTES = 32
_HINT_BYTES = 4
_SHOWN = 80


def read_checkpoint(note: str, *, where: str, limits: Limits = DEFAULT_LIMITS) -> Checkpoint:
    """Read one checkpoint.

    Guarantees: the origin is not empty, the tree size is a decimal number up to 2^63-1 in its only spelling, the root hash
    has 32 bytes, there is at least one signature, and ``signed`` is every byte before the blank line. Nothing is verified;
    signatures of unknown keys are kept, in their order.

    Args:
        note: The signed note, with its last line end.
        where: What the checkpoint is called in an error.
        limits: Bounds on bytes and signatures.

    Raises:
        FormatError: ``tlog.checkpoint``, ``tlog.too-large`` or ``tlog.too-many``.
    """
    raw = _encode(note, where, limits)
    text, separator, signatures = note.partition("\n\n")
    if not separator or not signatures.endswith("\n"):
        raise _malformed("expected text, a blank line and signatures, each line with its end", where)
    lines = text.split("\n")
    if len(lines) < _LINES:
        raise _malformed(f"expected origin, tree size and root hash, found {len(lines)} lines", where)
    origin, size, root_hash = lines[:_LINES]
    if not origin.strip():
        raise _malformed("expected an origin, found none", where)
    if _SIZE.match(size) is None or int(size) > MAX_INT64:
        raise _malformed(f"expected a tree size on the second line, found {size[:_SHOWN]!r}", where)
    digest = read_base64(root_hash, code=_CODE, where=f"{where}: root hash")
    if len(digest) != _HASH_BYTES:
        raise _malformed(f"expected a root hash of {_HASH_BYTES} bytes, found {len(digest)}", where)
    return Checkpoint(
        origin=origin,
        tree_size=int(size),
        root_hash=digest,
        signed=raw[: len(text.encode("utf-8")) + 1],
        signatures=_read_signatures(signatures, where, limits),
    )


def _encode(note: str, where: str, limits: Limits) -> bytes:
    try:
        raw = note.encode("utf-8")
    except UnicodeEncodeError as error:
        raise _malformed("expected text, found half of a surrogate pair", where) from error
    if len(raw) > limits.checkpoint_bytes:
        raise FormatError(
            f"expected at most {limits.checkpoint_bytes} bytes, found {len(raw)}", code="tlog.too-large", where=where
        )
    if _CONTROL.search(note):
        raise _malformed("expected no control characters but line ends", where)
    return raw


def _read_signatures(text: str, where: str, limits: Limits) -> tuple[NoteSignature, ...]:
    lines = text[:-1].split("\n")
    if len(lines) > limits.checkpoint_signatures:
        raise FormatError(
            f"expected at most {limits.checkpoint_signatures} signatures, found {len(lines)}",
            code="tlog.too-many",
            where=where,
        )
    return tuple(_read_signature(line, where) for line in lines)


def _read_signature(line: str, where: str) -> NoteSignature:
    match = _SIGNATURE.match(line)
    if match is None:
        raise _malformed(f"expected a signature such as '— name base64', found {line[:_SHOWN]!r}", where)
    blob = read_base64(match[2], code=_CODE, where=f"{where}: signature of {match[1][:_SHOWN]!r}")
    if len(blob) <= _HINT_BYTES:
        raise _malformed(f"expected {_HINT_BYTES} bytes and a signature, found {len(blob)} bytes", where)
    return NoteSignature(name=match[1], key_hint=blob[:_HINT_BYTES], signature=blob[_HINT_BYTES:])


def _malformed(message: str, where: str) -> FormatError:
    return FormatError(message, code=_CODE, where=where)
