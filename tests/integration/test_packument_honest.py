"""Packages published by real npm, as the simulator and a real Verdaccio serve them: an honest registry gives no finding."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from support.node_tools import node_tools_or_skip
from support.verdaccio import verdaccio_command
from vxsec.formats.packument import read_packument
from vxsec.host.http import HttpClient
from vxsec.inspection.artifact import read_artifact
from vxsec.inspection.packument import inspect_packument
from vxsec.model.artifact import Artifact
from vxsec.testing import RegistrySimulator, VerdaccioServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.node_tools import NodeTools
    from vxsec.testing import Registry

pytestmark = [pytest.mark.node, pytest.mark.verdaccio]

NAME, VERSION = "@team/kernel", "1.0.0"
SHORT = "application/vnd.npm.install-v1+json"
MANIFEST: dict[str, Any] = {
    "name": NAME,
    "version": VERSION,
    "description": "everything that is compared",
    "repository": "team/kernel",
    "license": "MIT",
    "type": "module",
    "main": "./lib/index.js",
    "exports": {".": {"import": "./lib/index.js"}},
    "imports": {"#own": "./lib/index.js"},
    "browser": {"./lib/index.js": False},
    "bin": {"kernel": "./bin/kernel.js"},
    "scripts": {"postinstall": "node lib/index.js", "test": "node --test"},
    "dependencies": {"x": "^1.0.0", "y": "team/y"},
    "devDependencies": {"typescript": "^7.0.0", "z": "team/z"},
    "optionalDependencies": {"fsevents": "2.3.3"},
    "peerDependencies": {"react": ">=19"},
    "peerDependenciesMeta": {"react": {"optional": True}},
    "engines": {"node": ">=22"},
    "os": ["linux", "darwin"],
    "cpu": ["x64"],
}
FILES = {"lib/index.js": "export {}", "lib/index.d.ts": "export {}", "bin/kernel.js": "#!/usr/bin/env node\n"}


@pytest.fixture(scope="module", params=["simulator", "verdaccio"])
def registry(request: pytest.FixtureRequest) -> Iterator[Registry]:
    if request.param == "simulator":
        with RegistrySimulator() as simulator:
            yield simulator
        return
    with VerdaccioServer(verdaccio_command(node_tools_or_skip())) as server:
        yield server


@pytest.fixture(scope="module")
def published(registry: Registry, node_tools: NodeTools, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """Packed and published by npm; the bytes that it sent."""
    folder = tmp_path_factory.mktemp("project")
    _write(folder, FILES | {"package.json": json.dumps(MANIFEST)})
    environment = node_tools.environment(folder.parent / "home", npmrc=registry.npmrc())
    for words in (["pack", "--ignore-scripts"], ["publish", "./team-kernel-1.0.0.tgz", "--ignore-scripts"]):
        done = node_tools.run_npm(*words, cwd=folder, environment=environment)
        assert done.returncode == 0, done.stderr
    artifact = read_artifact((folder / "team-kernel-1.0.0.tgz").read_bytes(), filename="kernel.tgz")
    assert isinstance(artifact, Artifact)
    return artifact


def _write(folder: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")


def _served(registry: Registry, accept: str) -> bytes:
    token = registry.npmrc().rpartition("_authToken=")[2].strip()
    headers = {"accept": accept, "authorization": f"Bearer {token}"}
    answer = HttpClient().request(
        "GET", f"{registry.url}{NAME.replace('/', '%2f')}", headers=headers, max_bytes=1 << 20
    )
    assert answer.status == 200
    return answer.body


@pytest.mark.parametrize("accept", ["application/json", SHORT], ids=["the full packument", "the short form"])
def test_an_honest_registry_gives_no_finding(registry: Registry, published: Artifact, accept: str) -> None:
    packument = read_packument(_served(registry, accept), where="packument.json")
    findings, differences = inspect_packument(published, packument, registry=registry.url)
    assert {finding.code for finding in findings} <= {"packument.abbreviated"}
    assert differences == ()


def test_the_same_registry_lying_is_found(registry: Registry, published: Artifact) -> None:
    def hidden(document: dict[str, Any]) -> dict[str, Any]:
        listed = document["versions"][VERSION]
        listed["scripts"] = {}
        listed["dependencies"] = {}
        return document

    before = registry.snapshot()
    registry.tamper_packument(NAME, hidden)
    packument = read_packument(_served(registry, "application/json"), where="packument.json")
    found = {finding.code for finding in inspect_packument(published, packument, registry=registry.url)[0]}
    registry.rewind(before)
    assert found == {"manifest.hidden-script", "manifest.mismatch"}
