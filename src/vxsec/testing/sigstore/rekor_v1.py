"""Rekor version 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.testing.sigstore.entries import canonical
from vxsec.testing.sigstore.keys import encode

if TYPE_CHECKING:
    from vxsec.testing.sigstore.log import TransparencyLog

__all__ = ["signed_entry_timestamp"]


def signed_entry_timestamp(
    log: TransparencyLog, *, body: bytes, seconds: int, log_index: int, log_id: bytes | None = None
) -> bytes:
    """The promise to include an entry: a signature over its body, time and number.

    Args:
        log: Whose key signs.
        body: The canonical body.
        seconds: Integrated time, Unix seconds.
        log_index: The entry's number over all trees.
        log_id: The log's id as written in what is signed; its own if not given.
    """
    signed = {
        "body": encode(body),
        "integratedTime": seconds,
        "logID": (log_id or log.log_id).hex(),
        "logIndex": log_index,
    }
    return log.sign(canonical(signed))
