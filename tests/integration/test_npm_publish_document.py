"""What real npm sends when it publishes a tarball, field by field against our own publish document."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from vxsec.formats.npm_manifest import compare_manifests
from vxsec.inspection.artifact import read_artifact
from vxsec.model.artifact import Artifact
from vxsec.registry.publish_document import build_publish_document
from vxsec.testing import RegistrySimulator

if TYPE_CHECKING:
    from pathlib import Path

    from support.node_tools import NodeTools

pytestmark = pytest.mark.node

NOT_SENT = {
    "_nodeVersion": "no node was involved",
    "_npmVersion": "no npm was involved",
    "_integrity": "dist.integrity says it",
    "_resolved": "a path on the publisher's machine",
    "_from": "a path on the publisher's machine",
}


@dataclass(frozen=True, kw_only=True)
class Case:
    """A package.json (name and version are added) and files; ``differs`` gives the reason for each other difference."""

    manifest: dict[str, Any]
    files: dict[str, str] = field(default_factory=dict)
    differs: dict[str, str] = field(default_factory=dict)
    name: str = "@vextrus/a"


CASES = {
    "nothing but name and version": Case(manifest={}),
    "a name without scope": Case(name="plain", manifest={}, files={"index.js": ""}),
    "bin as a string takes the bare name": Case(manifest={"bin": "./cli.js"}, files={"cli.js": "x"}),
    "bin as an object with paths to clean": Case(
        manifest={"bin": {"a": "./bin//a.js", "../b": "bin\\b.js", "c": 1, "d": "../../etc/passwd", "e": ""}},
        files={"bin/a.js": "x", "bin/b.js": "x"},
    ),
    "bin as an array": Case(manifest={"bin": ["bin/one", "bin/two"]}, files={"bin/one": "x", "bin/two": "x"}),
    "directories.bin is expanded, folders included": Case(
        manifest={"directories": {"bin": "./bin"}},
        files={"bin/a.js": "x", "bin/sub/b.js": "x", "bin/.hidden": "x"},
    ),
    "directories.bin that is not there": Case(manifest={"directories": {"bin": "nowhere"}}),
    "directories.man is expanded": Case(
        manifest={"directories": {"man": "man"}}, files={"man/a.1": "x", "man/sub/b.2": "x", "man/readme.txt": "x"}
    ),
    "repository as a GitHub shorthand": Case(manifest={"repository": "vextrus/a"}),
    "repository as a GitLab shorthand with a branch": Case(manifest={"repository": "gitlab:vextrus/a#main"}),
    "repository as an object with an scp address": Case(
        manifest={"repository": {"type": "git", "url": "git@github.com:vextrus/a.git", "directory": "packages/a"}}
    ),
    "repository on a host npm does not know": Case(
        manifest={"repository": {"type": "git", "url": "https://git.example.test/a.git"}}
    ),
    "repository as a gist and a bitbucket dependency": Case(
        manifest={
            "repository": "gist:11081aaa281",
            "dependencies": {"x": "bitbucket:u/p", "y": "git://github.com/u/y.git"},
        }
    ),
    "bundleDependencies true": Case(manifest={"bundleDependencies": True, "dependencies": {"x": "^1.0.0"}}),
    "bundleDependencies false": Case(manifest={"bundleDependencies": False, "dependencies": {"x": "^1.0.0"}}),
    "bundledDependencies with a name that is no dependency": Case(manifest={"bundledDependencies": ["x", "", 3]}),
    "bundleDependencies as an object": Case(manifest={"bundleDependencies": {"x": "1"}, "dependencies": {"x": "1"}}),
    "binding.gyp implies an install script": Case(manifest={}, files={"binding.gyp": "{}"}),
    "gypfile false implies none": Case(manifest={"gypfile": False}, files={"binding.gyp": "{}"}),
    "a preinstall script beside binding.gyp": Case(
        manifest={"scripts": {"preinstall": "node x"}}, files={"binding.gyp": "{}"}
    ),
    "server.js implies a start script": Case(manifest={"scripts": {"test": "x"}}, files={"server.js": ""}),
    "scripts with other values and a .bin prefix": Case(
        manifest={"scripts": {"a": "node_modules/.bin/tsc -p .", "b": "./node_modules/.bin/x", "c": 1, "d": ["x"]}}
    ),
    "people as strings and objects": Case(
        manifest={
            "author": "Ada <ada@example.test> (https://example.test)",
            "contributors": [{"name": "B", "mail": "b@example.test", "web": "https://b.example.test"}, "C"],
            "maintainers": ["D <d@example.test>"],
        }
    ),
    "AUTHORS becomes contributors": Case(manifest={}, files={"AUTHORS": "# people\nAda <ada@example.test>\nB\n"}),
    "a readme gives the description": Case(
        manifest={}, files={"README.md": "# Title\n\nFirst line\nsecond line\n\nMore.\n"}
    ),
    "optional dependencies stay apart": Case(
        manifest={"dependencies": {"x": "1", "y": "2"}, "optionalDependencies": {"y": "2", "z": "3"}}
    ),
    "dependencies as shorthands, tarballs, aliases, tags": Case(
        manifest={
            "dependencies": {
                "a": "user/repo",
                "b": "user/repo#semver:^1",
                "c": "github:user/repo#v1",
                "d": "git+ssh://git@github.com:user/repo.git#main",
                "e": "https://github.com/user/repo",
                "f": "https://github.com/user/repo/archive/main.tar.gz",
                "g": "npm:other@^1",
                "h": "https://registry.example.test/h.tgz",
                "i": "latest",
                "j": ">=1 <2 || ^3",
                "k": "git+https://token@github.com/user/repo.git",
                "l": "http://github.com/user/repo",
                "m": "gitlab:group/sub/repo",
                "n": "git+https://git.sr.ht/~u/r",
            }
        }
    ),
    "platforms, engines, peers, exports, types": Case(
        manifest={
            "os": ["linux"],
            "cpu": "x64",
            "libc": ["glibc"],
            "engines": {"node": ">=22"},
            "peerDependencies": {"p": "1"},
            "peerDependenciesMeta": {"p": {"optional": True}},
            "exports": {".": {"import": "./a.mjs", "default": "./a.js"}},
            "main": "lib/a.js",
            "type": "module",
        },
        files={"lib/a.js": "", "lib/a.d.ts": ""},
    ),
    "display fields of the wrong type": Case(
        manifest={
            "keywords": "a, b, c",
            "homepage": "example.test",
            "bugs": "bugs@example.test",
            "funding": "https://fund.example.test",
            "description": "d",
            "modules": {"x": 1},
            "license": "MIT",
            "_private": "dropped",
        }
    ),
    "bugs as an object with other names": Case(
        manifest={
            "bugs": {"web": "https://bugs.example.test", "email": "nobody"},
            "keywords": ["a", 1, ""],
            "files": ["*"],
        }
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_we_send_what_npm_sends(case: Case, node_tools: NodeTools, tmp_path: Path) -> None:
    with RegistrySimulator() as registry:
        tarball = _packed(case, node_tools, tmp_path)
        environment = node_tools.environment(tmp_path / "home", npmrc=registry.npmrc())
        done = node_tools.run_npm("publish", f"./{tarball.name}", cwd=tarball.parent, environment=environment)
        assert done.returncode == 0, done.stderr
        sent = next(json.loads(request.body) for request in registry.requests if request.method == "PUT")
        artifact = read_artifact(tarball.read_bytes(), filename=tarball.name)
        assert isinstance(artifact, Artifact)
        ours = json.loads(build_publish_document(artifact, registry_url=registry.url, tag="latest", access=None))

    version = artifact.package.version
    theirs_manifest, our_manifest = sent["versions"].pop(version), ours["versions"].pop(version)
    assert sent == ours
    for key in NOT_SENT:
        theirs_manifest.pop(key, None)
    different = {
        key for key in theirs_manifest.keys() | our_manifest.keys() if theirs_manifest.get(key) != our_manifest.get(key)
    }
    assert different == set(case.differs), {key: (theirs_manifest.get(key), our_manifest.get(key)) for key in different}
    files = [entry.path for entry in artifact.files]
    assert compare_manifests(artifact.manifest.document, theirs_manifest, files=files) == ()
    assert compare_manifests(artifact.manifest.document, our_manifest, files=files) == ()


def _packed(case: Case, tools: NodeTools, tmp_path: Path) -> Path:
    project = tmp_path / "project"
    project.mkdir()
    manifest = {"name": case.name, "version": "1.0.0", **case.manifest}
    (project / "package.json").write_text(json.dumps(manifest), encoding="utf-8")
    for path, text in case.files.items():
        target = project / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    done = tools.run_npm("pack", "--ignore-scripts", cwd=project, environment=tools.environment(tmp_path / "pack-home"))
    assert done.returncode == 0, done.stderr
    (tarball,) = project.glob("*.tgz")
    return tarball
