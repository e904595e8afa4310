"""Small lockfiles and trust roots for tests, written out as npm and people write them."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any

from vxsec.formats.lockfiles import parse_lockfile
from vxsec.model.trust import Registry, TrustRoot

if TYPE_CHECKING:
    from vxsec.model.dependency import Lockfile

__all__ = ["OWN_URL", "locked", "package", "registry", "sri", "trust_root"]

OWN_URL = "https://registry.example.test/"


def sri(data: bytes, algorithm: str = "sha512") -> str:
    """The integrity of ``data`` as npm writes it."""
    return f"{algorithm}-{base64.b64encode(hashlib.new(algorithm, data).digest()).decode()}"


def package(version: str = "1.0.0", **fields: Any) -> dict[str, Any]:
    """An entry with an integrity; ``fields`` add to it."""
    return {"version": version, "integrity": sri(version.encode()), **fields}


def locked(packages: dict[str, Any], **root: Any) -> Lockfile:
    """A parsed lockfile of these entries; ``root`` are fields of the root entry."""
    document = {"lockfileVersion": 3, "packages": {"": {"name": "app", **root}, **packages}}
    return parse_lockfile(json.dumps(document).encode(), filename="package-lock.json")


def registry(label: str = "internal", url: str = OWN_URL) -> Registry:
    """An own registry of the scope ``@vextrus`` and the package ``unscoped-own``."""
    return Registry(
        label=label, url=url, scopes=("@vextrus",), packages=("unscoped-own",), evidence="@vextrus/vxsec-evidence"
    )


def trust_root(*registries: Registry) -> TrustRoot:
    """A trust root that knows registries and nobody."""
    return TrustRoot(
        keys=(),
        holders=(),
        registries=registries or (registry(),),
        key_revocations=(),
        digest_revocations=(),
        rehearsal=False,
        signed=False,
        source="identities.yaml",
        sha256="0" * 64,
    )
