"""TUF metadata written through python-tuf: values in, the bytes of a file out, indented so that a difference can be read.

Loaded only where a repository is changed; reading is ``vxsec.formats.tuf_metadata``.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from vxsec.errors import FormatError
from vxsec.formats.public_key import key_algorithm, render_public_key
from vxsec.formats.strict_json import JsonNode
from vxsec.formats.tuf_metadata import canonical_json
from vxsec.model.trust_repository import MetadataFile, TargetFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from tuf.api.metadata import Metadata

    from vxsec.model.trust_repository import Delegation, KeySet

__all__ = [
    "build_root",
    "build_snapshot",
    "build_targets",
    "build_timestamp",
    "describe_metadata",
    "describe_target",
    "key_id",
    "sign_metadata",
]

_SPECIFICATION = "1.0.31"
_ED25519_BYTES = 32


def key_id(spki: bytes, *, where: str) -> str:
    """The key id that python-tuf and most others give a key (canonical SPKI): the SHA-256 of its description.

    Raises:
        FormatError: ``key.unsupported`` for a key that TUF clients have no scheme for as it signs here.
    """
    description = canonical_json(JsonNode(value=_describe_key(spki, where), where=where))
    return hashlib.sha256(description).hexdigest()


def build_root(*, version: int, expires: datetime, roles: Mapping[str, KeySet]) -> bytes:
    """``N.root.json`` without signatures; metadata files carry their version in the name (consistent snapshots)."""
    signed = _head("root", version, expires) | {
        "consistent_snapshot": True,
        "keys": _describe_keys(roles),
        "roles": {name: _describe_role(one) for name, one in roles.items()},
    }
    return _write(_metadata(signed))


def build_timestamp(*, version: int, expires: datetime, snapshot: MetadataFile) -> bytes:
    """``timestamp.json`` without signatures."""
    return _write(
        _metadata(_head("timestamp", version, expires) | {"meta": {"snapshot.json": _describe_file(snapshot)}})
    )


def build_snapshot(*, version: int, expires: datetime, files: Mapping[str, MetadataFile]) -> bytes:
    """``N.snapshot.json`` without signatures; ``files`` are by role."""
    meta = {f"{role}.json": _describe_file(item) for role, item in files.items()}
    return _write(_metadata(_head("snapshot", version, expires) | {"meta": meta}))


def build_targets(
    *, version: int, expires: datetime, targets: Mapping[str, TargetFile], delegations: Sequence[Delegation] = ()
) -> bytes:
    """``N.targets.json``, or the file of a delegated role, without signatures."""
    signed = _head("targets", version, expires) | {
        "targets": {path: {"length": item.length, "hashes": dict(item.hashes)} for path, item in targets.items()}
    }
    if delegations:
        signed["delegations"] = {
            "keys": _describe_keys({one.name: one.keys for one in delegations}),
            "roles": [
                _describe_role(one.keys) | {"name": one.name, "paths": list(one.paths), "terminating": one.terminating}
                for one in delegations
            ],
        }
    return _write(_metadata(signed))


def sign_metadata(data: bytes, signers: Iterable[tuple[str, Callable[[bytes], bytes]]]) -> bytes:
    """Sign a file as the functions above make it; each signer is given with its key id, and signatures there are kept."""
    from tuf.api.metadata import Metadata

    metadata: Metadata[Any] = Metadata.from_bytes(data)
    payload = metadata.signed_bytes
    document = metadata.to_dict()
    made = {keyid: sign(payload).hex() for keyid, sign in signers}
    kept = [item for item in document["signatures"] if item["keyid"] not in made]
    document["signatures"] = [*kept, *({"keyid": keyid, "sig": text} for keyid, text in made.items())]
    return _write(Metadata.from_dict(document))


def describe_metadata(data: bytes, version: int) -> MetadataFile:
    """What another file says about this one: its version, length and SHA-256."""
    return MetadataFile(version=version, length=len(data), hashes={"sha256": hashlib.sha256(data).hexdigest()})


def describe_target(data: bytes) -> TargetFile:
    """What a role says about a target: its length, SHA-256 and SHA-512."""
    hashes = {"sha256": hashlib.sha256(data).hexdigest(), "sha512": hashlib.sha512(data).hexdigest()}
    return TargetFile(length=len(data), hashes=hashes)


def _head(kind: str, version: int, expires: datetime) -> dict[str, Any]:
    moment = expires.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"_type": kind, "spec_version": _SPECIFICATION, "version": version, "expires": moment}


def _describe_keys(roles: Mapping[str, KeySet]) -> dict[str, Any]:
    return {keyid: _describe_key(spki, name) for name, one in roles.items() for keyid, spki in one.keys.items()}


def _describe_key(spki: bytes, where: str) -> dict[str, Any]:
    algorithm = key_algorithm(spki)
    if algorithm == "ed25519":
        return {"keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": spki[-_ED25519_BYTES:].hex()}}
    kinds = {"ecdsa-p256": ("ecdsa", "ecdsa-sha2-nistp256"), "rsa": ("rsa", "rsa-pkcs1v15-sha256")}
    kind = kinds.get("rsa" if algorithm.startswith("rsa-") else algorithm)
    if kind is None:
        raise FormatError(
            f"expected a key of kind ecdsa-p256, ed25519 or rsa for the trust repository, found {algorithm}",
            code="key.unsupported",
            where=where,
        )
    return {"keytype": kind[0], "scheme": kind[1], "keyval": {"public": render_public_key(spki).decode("ascii")}}


def _describe_role(keys: KeySet) -> dict[str, Any]:
    return {"keyids": list(keys.keys), "threshold": keys.threshold}


def _describe_file(item: MetadataFile) -> dict[str, Any]:
    document: dict[str, Any] = {"version": item.version}
    if item.length is not None:
        document["length"] = item.length
    if item.hashes:
        document["hashes"] = dict(item.hashes)
    return document


def _metadata(signed: dict[str, Any]) -> Metadata[Any]:
    from tuf.api.metadata import Metadata

    return Metadata.from_dict({"signatures": [], "signed": signed})


def _write(metadata: Metadata[Any]) -> bytes:
    from tuf.api.serialization.json import JSONSerializer

    return metadata.to_bytes(JSONSerializer()) + b"\n"
