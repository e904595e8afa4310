"""What Rekor version 2 is asked (``rekor/v2/entry.proto`` of sigstore/rekor-tiles), and what it answers.

There is one kind of entry, ``hashedrekord`` 0.0.2: for an envelope its digest is that of the pre-authentication encoding. The
digest is made with the hash that Sigstore's registry of algorithms pairs with the key, so that keys which signed over another
one, or over no digest at all, cannot be logged.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from vxsec.errors import FormatError
from vxsec.formats.protobuf_json import json_errors_as
from vxsec.formats.public_key import key_algorithm
from vxsec.formats.strict_json import dump_json, read_json
from vxsec.formats.transparency_log_entry import read_log_entry
from vxsec.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from vxsec.model.transparency import LogEntry

__all__ = ["is_loggable", "read_answer", "render_request"]

_DETAILS = {
    "ecdsa-p256": "PKIX_ECDSA_P256_SHA_256",
    "rsa-2048": "PKIX_RSA_PKCS1V15_2048_SHA256",
    "rsa-3072": "PKIX_RSA_PKCS1V15_3072_SHA256",
    "rsa-4096": "PKIX_RSA_PKCS1V15_4096_SHA256",
}
"""Kinds of keys whose signatures over SHA-256 are taken, and what they are called."""


def is_loggable(spki: bytes) -> bool:
    """Whether a signature over SHA-256 by this key (canonical DER) can be logged."""
    return key_algorithm(spki) in _DETAILS


def render_request(*, sha256: bytes, signature: bytes, spki: bytes) -> bytes:
    """Ask for an entry about what has this SHA-256 (32 bytes), signed with this key (canonical DER).

    Raises:
        KeyError: The key is none for which :func:`is_loggable` holds.
    """
    verifier = {"publicKey": {"rawBytes": _encode(spki)}, "keyDetails": _DETAILS[key_algorithm(spki)]}
    asked = {"digest": _encode(sha256), "signature": {"content": _encode(signature), "verifier": verifier}}
    return dump_json({"hashedRekordRequestV002": asked})


def read_answer(data: bytes, *, where: str, limits: Limits = DEFAULT_LIMITS) -> LogEntry:
    """Read the entry that the log answers with, complete with its proof.

    Raises:
        FormatError: ``tlog.answer``.
    """
    try:
        with json_errors_as("tlog.answer"):
            root = read_json(data, where=where, limits=limits, max_bytes=limits.witness_answer_bytes)
            return read_log_entry(root, limits=limits)
    except FormatError as error:
        raise FormatError(error.message, code="tlog.answer", where=error.where) from error


def _encode(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")
