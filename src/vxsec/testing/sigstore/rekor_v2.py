"""Rekor version 2: an entry is answered once it is in the tree, with the proof and no time (rekor-tiles ``entry.proto``).

An entry is taken only if its signature verifies: ``hashedRekordRequestV002``, which clients send for envelopes too, and
``dsseRequestV002``.
"""

from __future__ import annotations

import base64
from threading import Lock
from typing import TYPE_CHECKING, Any

from vxsec.model.attestation import pae
from vxsec.testing.sigstore.entries import Logged, entry_body
from vxsec.testing.sigstore.keys import default_hash, key_details, public_key_of, verifies, verifies_digest
from vxsec.testing.sigstore.log import log_entry_json
from vxsec.testing.sigstore.replies import RefusedRequestError, json_reply, posted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vxsec.testing.loopback import LoggedRequest, Reply
    from vxsec.testing.sigstore.log import TransparencyLog

__all__ = ["RekorV2"]

_VERSION = "0.0.2"


class RekorV2:
    """Serves ``log``: entries are written, and the checkpoint is read."""

    def __init__(self, log: TransparencyLog) -> None:
        self.log = log
        self._lock = Lock()

    def answer(self, request: LoggedRequest) -> Reply:
        """Serve one request."""
        if (request.method, request.path) == ("POST", "/api/v2/log/entries"):
            kind, logged = _read(posted(request))
            body = entry_body(kind, _VERSION, logged)
            with self._lock:
                placed = self.log.place(body)
            entry = log_entry_json(
                log_id=self.log.log_id, kind=kind, version=_VERSION, placed=placed, log_index=placed.index
            )
            return json_reply(201, entry)
        if (request.method, request.path) == ("GET", "/api/v2/checkpoint"):
            with self._lock:
                note = self.log.checkpoint()
            return 200, note.encode(), {"content-type": "text/plain; charset=utf-8"}
        raise RefusedRequestError("no such page", status=404)


def _read(document: Mapping[str, Any]) -> tuple[str, Logged]:
    """What a request says, once its signature is verified.

    Raises:
        RefusedRequestError: Another kind, a member missing, or a signature that does not verify.
    """
    try:
        if "hashedRekordRequestV002" in document:
            return "hashedrekord", _hashedrekord(document["hashedRekordRequestV002"])
        return "dsse", _dsse(document["dsseRequestV002"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RefusedRequestError(f"expected a hashedrekord or dsse request: {error!r}") from error


def _hashedrekord(asked: Mapping[str, Any]) -> Logged:
    verifier = _verifier(asked["signature"]["verifier"])
    key = public_key_of(verifier)
    logged = Logged(
        signature=_bytes(asked["signature"]["content"]),
        verifier=verifier,
        digest=_bytes(asked["digest"]),
        algorithm=default_hash(key),
    )
    if not verifies_digest(key, logged.signature, logged.digest, logged.algorithm):
        raise RefusedRequestError("invalid signature: it is not the verifier's over this digest")
    return logged


def _dsse(asked: Mapping[str, Any]) -> Logged:
    envelope = asked["envelope"]
    (found,) = asked["verifiers"]
    (signature,) = envelope["signatures"]
    verifier = _verifier(found)
    logged = Logged.of_envelope(
        payload_type=envelope["payloadType"],
        payload=_bytes(envelope["payload"]),
        signature=_bytes(signature["sig"]),
        verifier=verifier,
    )
    if not verifies(public_key_of(verifier), logged.signature, pae(logged.payload_type, logged.payload)):
        raise RefusedRequestError("invalid signature: it is not the verifier's over this envelope")
    return logged


def _verifier(found: Mapping[str, Any]) -> bytes:
    raw = found["x509Certificate"] if "x509Certificate" in found else found["publicKey"]
    verifier = _bytes(raw["rawBytes"])
    expected = key_details(public_key_of(verifier))
    if found["keyDetails"] != expected:
        raise RefusedRequestError(f"expected keyDetails {expected}, found {found['keyDetails']!r}")
    return verifier


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
