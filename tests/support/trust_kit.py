"""A trust repository in memory with real keys, states of it that an attacker could serve, and the two clients that judge them."""

from __future__ import annotations

import copy
import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from support.signing_kit import signer
from vxsec.formats.public_key import render_public_key
from vxsec.formats.strict_json import JsonNode
from vxsec.formats.tuf_metadata import canonical_json
from vxsec.formats.tuf_writer import describe_metadata, key_id
from vxsec.model.trust_repository import DELEGATED_ROLES, IDENTITIES_PATH, REVOCATIONS_PATH
from vxsec.usecases.trust.draft import ROLES, Draft, key_set
from vxsec.usecases.trust.identities import EMPTY_REVOCATIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

__all__ = [
    "IDENTITIES",
    "ONLINE",
    "ROOT",
    "Repository",
    "edit",
    "expired",
    "identities_document",
    "resign",
    "write_key",
    "write_keys",
]

ROOT, ONLINE = ("alice", "bob"), "online"


def identities_document() -> bytes:
    """One machine, whose key comes as a file of its own, and one registry."""
    return (
        b"apiVersion: vxsec/trust/v1\nkind: Identities\n"
        b'keys: [{id: ci-key, file: ci.pub, roles: [machine], from: "2026-01-01T00:00:00Z", until: "2100-01-01T00:00:00Z",'
        b" holder: ci}]\nholders: [{id: ci, kind: machine}]\n"
        b'registries:\n  internal: {url: "https://registry.example.test/", scopes: ["@acme"]}\n'
    )


IDENTITIES = identities_document()


class Repository:
    """Two people hold root and the delegated roles together; an online key signs ``snapshot`` and ``timestamp``.

    ``files`` are by the names of a walk. ``now`` is the real time, because the other client reads the clock itself.
    """

    def __init__(self, *, now: datetime | None = None, root_threshold: int = 2) -> None:
        self.now = now or datetime.now(UTC).replace(microsecond=0)
        people = key_set([signer(name).spki for name in ROOT], root_threshold)
        online = key_set([signer(ONLINE).spki], 1)
        self.draft = Draft(
            keys={role: online if role in {"timestamp", "snapshot"} else people for role in ROLES},
            versions=dict.fromkeys(ROLES, 0),
            targets={role: {} for role in DELEGATED_ROLES},
            touched=set(ROLES),
        )
        self.draft.set_target("identities", IDENTITIES_PATH, IDENTITIES)
        self.draft.set_target("identities", "identities/ci.pub", render_public_key(signer("ci").spki))
        self.draft.set_target("revocations", REVOCATIONS_PATH, EMPTY_REVOCATIONS)
        self.files: dict[str, bytes] = {}
        self.publish()
        self.first = self.files["1.root.json"]

    @property
    def pinned(self) -> str:
        """The digest of the first root."""
        return hashlib.sha256(self.first).hexdigest()

    def publish(self, *touched: str, by: Sequence[str] = (*ROOT, ONLINE)) -> None:
        """Sign what was changed, and the roles named."""
        self.draft.touched.update(touched)
        self.draft.versions = dict(self.draft.versions)
        wanted = [signer(name) for name in by]
        needed = {spki for role in _signing(self.draft) for spki in role}
        self.files.update(self.draft.sign([one for one in wanted if one.spki in needed], now=self.now))
        self.draft.touched.clear()
        self.draft.contents.clear()
        self.draft.old_root = None

    def copy(self) -> Repository:
        """A second one, to be changed apart."""
        return copy.deepcopy(self)

    def change(self, name: str, change: Callable[[dict[str, Any]], object], *by: str) -> Repository:
        """Change what a file says and sign it with these keys; what names the file is not changed with it."""
        self.files[name] = edit(self.files[name], change, by)
        return self

    def relink(self, role: str) -> Repository:
        """Let ``snapshot`` and ``timestamp`` name the file of this role as it is now, in new versions."""
        number = self.draft.versions[role]
        self.draft.files[role] = describe_metadata(self.files[f"{number}.{role}.json"], number)
        self.publish("snapshot")
        return self


def _signing(draft: Draft) -> list[tuple[bytes, ...]]:
    touched = set(draft.touched)
    if touched - {"root", "timestamp"}:
        touched.add("snapshot")
    if touched - {"root"}:
        touched.add("timestamp")
    keys = [draft.keys[role].spkis for role in touched]
    return [*keys, draft.old_root.spkis] if draft.old_root is not None else keys


def edit(data: bytes, change: Callable[[dict[str, Any]], object], by: Sequence[str]) -> bytes:
    """Change the signed part of a file, and sign it with these keys and no other."""
    document = json.loads(data)
    change(document["signed"])
    return resign(document, by)


def resign(document: Mapping[str, Any], by: Sequence[str], *, keyids: Mapping[str, str] | None = None) -> bytes:
    """The file with signatures by these keys alone, under their usual key ids or those given."""
    payload = canonical_json(JsonNode(value=document["signed"], where="test"))
    signatures = [
        {
            "keyid": (keyids or {}).get(name) or key_id(signer(name).spki, where=name),
            "sig": signer(name).sign(payload).hex(),
        }
        for name in by
    ]
    return json.dumps({"signatures": signatures, "signed": document["signed"]}).encode()


def expired(now: datetime) -> str:
    """A minute ago, as metadata writes it."""
    return (now - timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%SZ")


def write_key(folder: Path, name: str) -> str:
    """A private key without a password, and its public half; the signer's URI."""
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    private = signer(name)._key
    (folder / f"{name}.pem").write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (folder / f"{name}.pub").write_bytes(render_public_key(signer(name).spki))
    return f"file:{folder / name}.pem"


def write_keys(folder: Path, *names: str) -> list[str]:
    """Several of them."""
    return [write_key(folder, name) for name in names]
