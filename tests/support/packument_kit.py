"""Packuments about a tarball, honest ones in the shapes registries serve, and one lie at a time."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

from vxsec.formats.npm_normalise import normalise_manifest
from vxsec.formats.packument import read_packument
from vxsec.inspection.artifact import read_artifact
from vxsec.model.artifact import Artifact
from vxsec.testing.artifacts import pack

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vxsec.formats.packument import Packument

__all__ = ["NAME", "ORIGIN", "VERSION", "abbreviated", "npm_shaped", "packed", "read", "verdaccio_shaped"]

NAME, VERSION = "@vextrus/kernel", "1.2.3"
ORIGIN = "https://registry.example.test/npm/"
_ABBREVIATED = frozenset(
    {
        "name",
        "version",
        "dependencies",
        "devDependencies",
        "optionalDependencies",
        "peerDependencies",
        "peerDependenciesMeta",
        "bin",
        "bundleDependencies",
        "directories",
        "dist",
        "engines",
        "os",
        "cpu",
        "libc",
        "_hasShrinkwrap",
    }
)


def packed(manifest: Mapping[str, Any] | None = None, files: Mapping[str, bytes] | None = None) -> Artifact:
    """A tarball of ``@vextrus/kernel@1.2.3``, read."""
    data = pack({"name": NAME, "version": VERSION, **(manifest or {})}, dict(files or {}))
    artifact = read_artifact(data, filename="kernel-1.2.3.tgz")
    assert isinstance(artifact, Artifact)
    return artifact


def npm_shaped(artifact: Artifact, *, origin: str = ORIGIN) -> dict[str, Any]:
    """What npm's registry serves of it: the normalised manifest, ``dist`` with counts, ids, times, maintainers."""
    files = [file.path for file in artifact.files]
    name, version = artifact.package.name, artifact.package.version
    listed: dict[str, Any] = {
        **normalise_manifest(artifact.manifest.document, files=files),
        "_id": f"{name}@{version}",
        "_nodeVersion": "24.1.0",
        "_npmVersion": "11.4.0",
        "_npmUser": {"name": "ci", "email": "ci@example.test"},
        "_hasShrinkwrap": "npm-shrinkwrap.json" in files,
        "gitHead": "0" * 40,
        "maintainers": [{"name": "ci", "email": "ci@example.test"}],
        "dist": {
            "integrity": artifact.digests.integrity,
            "shasum": artifact.digests.sha1,
            "tarball": f"{origin}{name}/-/{name.rpartition('/')[2]}-{version}.tgz",
            "fileCount": len(files),
            "unpackedSize": artifact.unpacked_size,
        },
    }
    return {
        "_id": name,
        "_rev": "1-abc",
        "name": name,
        "dist-tags": {"latest": version},
        "versions": {version: listed},
        "time": {
            "created": "2026-11-01T12:00:00.000Z",
            "modified": "2026-11-01T12:00:00.000Z",
            version: "2026-11-01T12:00:00.000Z",
        },
        "readme": "",
    }


def verdaccio_shaped(artifact: Artifact) -> dict[str, Any]:
    """What Verdaccio serves: the scope's slash as it came, no counts, its own members beside."""
    document = npm_shaped(artifact, origin="http://localhost:4873/")
    listed = document["versions"][artifact.package.version]
    for member in ("_hasShrinkwrap", "maintainers", "gitHead"):
        del listed[member]
    for member in ("fileCount", "unpackedSize"):
        del listed["dist"][member]
    listed["readmeFilename"] = ""
    scope, _, bare = artifact.package.name.partition("/")
    listed["dist"]["tarball"] = f"http://localhost:4873/{scope}%2f{bare}/-/{bare}-{artifact.package.version}.tgz"
    return document | {"_uplinks": {}, "_distfiles": {}, "_attachments": {}, "users": {}}


def abbreviated(artifact: Artifact) -> dict[str, Any]:
    """The short form for installers (``application/vnd.npm.install-v1+json``)."""
    full = npm_shaped(artifact)
    version = artifact.package.version
    listed = {key: value for key, value in full["versions"][version].items() if key in _ABBREVIATED}
    if any(
        full["versions"][version].get("scripts", {}).get(event) for event in ("preinstall", "install", "postinstall")
    ):
        listed["hasInstallScript"] = True
    return {
        "name": full["name"],
        "modified": "2026-11-01T12:00:00.000Z",
        "dist-tags": full["dist-tags"],
        "versions": {version: listed},
    }


def read(document: Mapping[str, Any]) -> Packument:
    """The document as it would arrive."""
    return read_packument(json.dumps(copy.deepcopy(dict(document))).encode(), where="packument.json")
