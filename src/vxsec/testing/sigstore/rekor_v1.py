"""Rekor version 1: every entry gets a number, a time and a promise (Rekor ``openapi.yaml``).

An entry is taken only if its signature verifies: ``hashedrekord`` and ``dsse``, both 0.0.1.
"""

from __future__ import annotations

import base64
from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from vxsec.errors import FormatError
from vxsec.formats.strict_json import parse_json
from vxsec.model.attestation import pae
from vxsec.testing.sigstore.entries import Logged, canonical, entry_body
from vxsec.testing.sigstore.keys import HashName, PublicKey, encode, public_key_of, verifies, verifies_digest
from vxsec.testing.sigstore.merkle import leaf_hash
from vxsec.testing.sigstore.replies import RefusedRequestError, json_reply, posted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vxsec.testing.loopback import LoggedRequest, Reply
    from vxsec.testing.sigstore.log import TransparencyLog
    from vxsec.testing.sigstore.replies import Clock

__all__ = ["RekorV1", "signed_entry_timestamp"]

_ENTRIES = "/api/v1/log/entries"
_HASHES: Mapping[str, HashName] = {"sha256": "sha256", "sha384": "sha384", "sha512": "sha512"}


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


class RekorV1:
    """Serves ``log``; entries are remembered until the server is gone."""

    def __init__(self, log: TransparencyLog, *, clock: Clock) -> None:
        self.log = log
        self._clock = clock
        self._lock = Lock()
        self._taken: dict[str, dict[str, Any]] = {}

    def answer(self, request: LoggedRequest) -> Reply:
        """Serve one request."""
        if (request.method, request.path) == ("POST", _ENTRIES):
            return self._create(request)
        if request.method == "GET" and request.path == "/api/v1/log":
            return json_reply(200, self._state())
        if request.method == "GET" and request.path.startswith(_ENTRIES):
            return self._find(request)
        raise RefusedRequestError("no such page", status=404)

    def _create(self, request: LoggedRequest) -> Reply:
        kind, version, logged = _read(posted(request))
        body = entry_body(kind, version, logged)
        uuid = f"{self.log.tree_id:016x}{leaf_hash(body).hex()}"
        with self._lock:
            if uuid in self._taken:
                said = {"code": 409, "message": f"an equivalent entry already exists with UUID {uuid}"}
                return json_reply(409, said, {"location": f"{_ENTRIES}/{uuid}"})
            entry = self._taken[uuid] = self._place(body)
        return json_reply(201, {uuid: entry}, {"location": f"{_ENTRIES}/{uuid}", "etag": uuid})

    def _place(self, body: bytes) -> dict[str, Any]:
        placed = self.log.place(body)
        seconds = int(self._clock().timestamp())
        index = self.log.index_offset + placed.index
        promise = signed_entry_timestamp(self.log, body=body, seconds=seconds, log_index=index)
        return {
            "body": encode(body),
            "integratedTime": seconds,
            "logID": self.log.log_id.hex(),
            "logIndex": index,
            "verification": {
                "inclusionProof": {
                    "checkpoint": placed.checkpoint,
                    "hashes": [value.hex() for value in placed.hashes],
                    "logIndex": placed.index,
                    "rootHash": placed.root.hex(),
                    "treeSize": placed.size,
                },
                "signedEntryTimestamp": encode(promise),
            },
        }

    def _state(self) -> dict[str, Any]:
        with self._lock:
            size, root, note = self.log.tree.size, self.log.tree.root(), self.log.checkpoint()
        return {"rootHash": root.hex(), "treeSize": size, "signedTreeHead": note, "treeID": str(self.log.tree_id)}

    def _find(self, request: LoggedRequest) -> Reply:
        wanted = request.path.removeprefix(_ENTRIES).removeprefix("/")
        index = parse_qs(request.query).get("logIndex", [""])[0]
        with self._lock:
            for uuid, entry in self._taken.items():
                if uuid == wanted or str(entry["logIndex"]) == index:
                    return json_reply(200, {uuid: entry})
        raise RefusedRequestError("entry not found", status=404)


def _read(document: Mapping[str, Any]) -> tuple[str, str, Logged]:
    """What a proposed entry says, once its signature is verified.

    Raises:
        RefusedRequestError: Another kind, a member missing, or a signature that does not verify.
    """
    kind, version = document.get("kind"), document.get("apiVersion")
    reader = {("hashedrekord", "0.0.1"): _hashedrekord, ("dsse", "0.0.1"): _dsse}.get((str(kind), str(version)))
    if reader is None:
        raise RefusedRequestError(f"expected hashedrekord or dsse 0.0.1, found {kind!r} {version!r}")
    try:
        return str(kind), str(version), reader(document["spec"])
    except (KeyError, TypeError, ValueError, AttributeError, FormatError) as error:
        raise RefusedRequestError(f"expected an entry of kind {kind}: {error!r}") from error


def _hashedrekord(spec: Mapping[str, Any]) -> Logged:
    stated = spec["data"]["hash"]
    logged = Logged(
        signature=_bytes(spec["signature"]["content"]),
        verifier=_bytes(spec["signature"]["publicKey"]["content"]),
        digest=bytes.fromhex(stated["value"]),
        algorithm=_HASHES[stated["algorithm"]],
    )
    if not verifies_digest(public_key_of(logged.verifier), logged.signature, logged.digest, logged.algorithm):
        raise RefusedRequestError("verifying signature: invalid signature when validating the digest")
    return logged


def _dsse(spec: Mapping[str, Any]) -> Logged:
    proposed = spec["proposedContent"]
    uploaded = str(proposed["envelope"])
    envelope: Any = parse_json(uploaded.encode(), where="envelope")
    (verifier,) = proposed["verifiers"]
    (signature,) = envelope["signatures"]
    logged = Logged.of_envelope(
        payload_type=envelope["payloadType"],
        payload=_bytes(envelope["payload"]),
        signature=_bytes(signature["sig"]),
        verifier=_bytes(verifier),
    )
    if not _verifies_envelope(public_key_of(logged.verifier), logged):
        raise RefusedRequestError("could not verify envelope: the signature is not the verifier's")
    return replace(logged, envelope=uploaded.encode())


def _verifies_envelope(key: PublicKey, logged: Logged) -> bool:
    """Rekor takes SHA-256 here, whatever the key's own hash is; ``logged.digest`` is made with it."""
    if isinstance(key, Ed25519PublicKey):
        return verifies(key, logged.signature, pae(logged.payload_type, logged.payload))
    return verifies_digest(key, logged.signature, logged.digest, "sha256")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
