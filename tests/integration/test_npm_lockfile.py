"""Lockfiles written by real npm, offline, and npm's own reading of ones it did not write."""

from __future__ import annotations

import io
import json
import os
import random
import subprocess
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from support.lockfile_kit import package, sri, trust_root
from support.npm_reader import node_binary, npm_command, npm_module
from vxsec.formats.lockfiles import parse_lockfile
from vxsec.inspection.lockfile import check_lockfile_document, inspect_lockfile
from vxsec.model.digest import digest_bytes
from vxsec.verification.tree import PlacedKind, check_bytes, classify, confirm_bundled
from vxsec.verification.workspace_globs import WorkspaceGlobs

if TYPE_CHECKING:
    from pathlib import Path

    from vxsec.model.dependency import Lockfile

pytestmark = pytest.mark.node

ARBORIST = """
const Arborist = require(process.argv[1]);
const look = async (path) => {
  const tree = await new Arborist({ path }).loadVirtual();
  const seen = {};
  for (const node of tree.inventory.values()) {
    seen[node.location] = [node.packageName, node.version || null, node.inDepBundle, node.isLink];
  }
  return seen;
};
(async () => {
  const found = [];
  for (const path of process.argv.slice(2)) found.push(await look(path));
  process.stdout.write(JSON.stringify(found));
})().catch((error) => { process.stderr.write(String(error)); process.exit(1); });
"""
WORKSPACES = """
const map = require(process.argv[1]);
const ask = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const root = process.argv[2];
Promise.all(ask.map((workspaces) => map({ cwd: root, pkg: { workspaces } }))).then((found) => {
  const relative = (path) => require('path').relative(root, path);
  process.stdout.write(JSON.stringify(found.map((one) => [...one.values()].map(relative).sort())));
});
"""


def npm(folder: Path, *arguments: str) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "npm_config_cache": str(folder.parent / "npm-cache"),
        "npm_config_offline": "true",
        "npm_config_audit": "false",
        "npm_config_fund": "false",
        "npm_config_update_notifier": "false",
    }
    done = subprocess.run(
        [*npm_command(), *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def tarball(folder: Path, files: dict[str, Any]) -> bytes:
    """A package tarball of these files; values that are no bytes are written as JSON."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as archive:
        for name, content in files.items():
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_bytes(raw.getvalue())
    return raw.getvalue()


def written(project: Path, manifest: dict[str, Any]) -> Lockfile:
    """What npm writes for ``manifest``, as we read it."""
    project.mkdir(exist_ok=True)
    (project / "package.json").write_text(json.dumps(manifest), encoding="utf-8")
    npm(project, "install", "--package-lock-only", "--ignore-scripts")
    lockfile = parse_lockfile((project / "package-lock.json").read_bytes(), filename="package-lock.json")
    assert check_lockfile_document(lockfile, manifest) == lockfile.findings
    return lockfile


def as_arborist_sees(*projects: Path) -> list[dict[str, list[Any]]]:
    """For each project, location to name, version, whether it is in a dependency's bundle, whether it is a link."""
    done = subprocess.run(
        [node_binary(), "-e", ARBORIST, npm_module("@npmcli/arborist"), *map(str, projects)],
        capture_output=True,
        text=True,
        check=True,
    )
    seen: list[dict[str, list[Any]]] = json.loads(done.stdout)
    return seen


def assert_same_tree(lockfile: Lockfile, project: Path) -> None:
    """Names, versions, links and bundling are what npm's own reader computes."""
    (seen,) = as_arborist_sees(project)
    assert seen.pop("")
    ours = {entry.path: [entry.name, entry.version, entry.in_bundle, entry.link] for entry in lockfile.packages}
    assert ours == seen


def test_a_tarball_with_a_bundled_package_is_accounted_for(tmp_path: Path) -> None:
    project = tmp_path / "app"
    inner = {"name": "inner", "version": "2.0.0"}
    data = tarball(
        project / "vendor" / "outer-1.0.0.tgz",
        {
            "package.json": {
                "name": "outer",
                "version": "1.0.0",
                "dependencies": {"inner": "^2.0.0"},
                "bundleDependencies": ["inner"],
                "scripts": {"postinstall": "true"},
            },
            "node_modules/inner/package.json": inner,
        },
    )
    manifest = {"name": "app", "version": "1.0.0", "dependencies": {"outer": "file:vendor/outer-1.0.0.tgz"}}
    lockfile = written(project, manifest)

    assert {entry.path: entry.in_bundle for entry in lockfile.packages} == {
        "node_modules/outer": False,
        "node_modules/outer/node_modules/inner": True,
    }
    check_bytes(lockfile.packages[0], digest_bytes(data))
    assert [finding.code for finding in lockfile.findings] == ["lockfile.source-file"]
    shown = {finding.code for finding in inspect_lockfile(lockfile, allowed_registries=[])}
    assert shown == {"lockfile.source-file", "lockfile.install-script"}
    _, outer, bundled = classify(lockfile, trust_root(), own_registry=None)
    assert (outer.code, bundled.kind, bundled.parent) == ("tree.source", PlacedKind.BUNDLED, "node_modules/outer")
    confirm_bundled(bundled, {"node_modules/inner/package.json": json.dumps(inner).encode()})
    assert_same_tree(lockfile, project)


def test_a_workspace_project_is_local_throughout(tmp_path: Path) -> None:
    project = tmp_path / "mono"
    for name, needs in (("kernel", {}), ("utils", {"@vextrus/kernel": "^0.1.0"}), ("skipped", {})):
        folder = project / "packages" / name
        folder.mkdir(parents=True)
        text = json.dumps({"name": f"@vextrus/{name}", "version": "0.1.0", "dependencies": needs})
        (folder / "package.json").write_text(text, encoding="utf-8")
    manifest = {"name": "mono", "private": True, "workspaces": ["packages/*", "!packages/skipped"]}
    lockfile = written(project, manifest)

    assert lockfile.findings == ()
    placed = classify(lockfile, trust_root(), own_registry=None)
    assert len(placed) == 5
    assert {item.kind for item in placed} == {PlacedKind.LOCAL}
    assert_same_tree(lockfile, project)


def test_an_alias_written_by_npm_is_legal(tmp_path: Path) -> None:
    """npm needs a registry to resolve an alias; here its own reader confirms a lockfile that has one."""
    project = tmp_path / "app"
    project.mkdir()
    document = {
        "name": "app",
        "lockfileVersion": 3,
        "packages": {
            "": {"name": "app", "dependencies": {"other": "npm:@vextrus/kernel@^1.0.0"}},
            "node_modules/other": package(name="@vextrus/kernel"),
        },
    }
    (project / "package-lock.json").write_text(json.dumps(document), encoding="utf-8")
    lockfile = parse_lockfile((project / "package-lock.json").read_bytes(), filename="package-lock.json")
    assert lockfile.findings == ()
    assert [(item.kind.value, item.registry) for item in classify(lockfile, trust_root(), own_registry=None)] == [
        ("local", None),
        ("own", "internal"),
    ]
    assert_same_tree(lockfile, project)


@pytest.mark.parametrize(
    ("packages", "root"),
    [
        pytest.param(
            {
                "node_modules/a": package(dependencies={"b": "1"}, bundleDependencies=["b"]),
                "node_modules/a/node_modules/b": package(dependencies={"c": "1"}),
                "node_modules/a/node_modules/c": package(),
                "node_modules/a/node_modules/d": package(),
            },
            {"dependencies": {"a": "1"}},
            id="bundled without saying so, with a dependency beside it",
        ),
        pytest.param(
            {
                "node_modules/a": package(dependencies={"b": "1"}, bundleDependencies=["b"]),
                "node_modules/a/node_modules/b": package(dependencies={"c": "1"}, bundleDependencies=["c"]),
                "node_modules/a/node_modules/b/node_modules/c": package(),
            },
            {"dependencies": {"a": "1"}},
            id="a bundle inside a bundle",
        ),
        pytest.param(
            {
                "node_modules/a": package(dependencies={"b": "1"}, bundleDependencies=["b"]),
                "node_modules/b": package(),
            },
            {"dependencies": {"a": "1"}},
            id="stated as bundled, but placed outside",
        ),
        pytest.param(
            {
                "node_modules/a": package(dependencies={"b": "1"}, inBundle=True),
                "node_modules/b": package(inBundle=True),
            },
            {"dependencies": {"a": "1"}, "bundleDependencies": ["a"]},
            id="bundled by the root, which is fetched",
        ),
        pytest.param(
            {
                "node_modules/a": package(dependencies={"b": "1"}, bundleDependencies=["b"]),
                "node_modules/a/node_modules/b": package(
                    peerDependencies={"@s/c": "1"}, optionalDependencies={"d": "1"}
                ),
                "node_modules/a/node_modules/@s/c": package(),
                "node_modules/a/node_modules/d": package(),
                "node_modules/@s/c": package(),
            },
            {"dependencies": {"a": "1", "@s/c": "1"}},
            id="peers and optional dependencies of a bundled package",
        ),
    ],
)
def test_bundling_is_what_npm_computes(tmp_path: Path, packages: dict[str, Any], root: dict[str, Any]) -> None:
    document = {"name": "app", "lockfileVersion": 3, "packages": {"": {"name": "app", **root}, **packages}}
    (tmp_path / "package-lock.json").write_text(json.dumps(document), encoding="utf-8")
    lockfile = parse_lockfile((tmp_path / "package-lock.json").read_bytes(), filename="package-lock.json")
    assert_same_tree(lockfile, tmp_path)


def odd_tree(rng: random.Random) -> dict[str, Any]:
    """A tree npm would not build: names repeat on every level, and bundling is stated at random."""
    names = ["a", "b", "c", "@vextrus/d"]
    packages: dict[str, Any] = {}

    def grow(prefix: str, depth: int) -> None:
        for name in names:
            if rng.random() < (0.35 if depth else 0.7):
                entry = package()
                for field in ("dependencies", "peerDependencies", "optionalDependencies"):
                    if rng.random() < 0.4:
                        entry[field] = {other: rng.choice(["1", "*", "npm:a@1"]) for other in rng.sample(names, 2)}
                if rng.random() < 0.35:
                    entry["bundleDependencies"] = rng.sample(names, rng.randint(1, 2))
                packages[f"{prefix}node_modules/{name}"] = entry
                if depth < 3:
                    grow(f"{prefix}node_modules/{name}/", depth + 1)

    grow("", 0)
    root: dict[str, Any] = {"name": "app", "dependencies": dict.fromkeys(rng.sample(names, 2), "1")}
    if rng.random() < 0.2:
        root["bundleDependencies"] = rng.sample(names, 1)
    return {"": root, **packages}


@pytest.mark.parametrize("order", ["sorted, as npm writes", "shuffled"])
def test_nothing_npm_takes_from_a_bundle_is_believed_to_be_fetched(tmp_path: Path, order: str) -> None:
    rng = random.Random(order)  # noqa: S311 - the same trees on every run
    projects, lockfiles = [], []
    for number in range(150):
        items = sorted(odd_tree(rng).items())
        if order == "shuffled":
            rng.shuffle(items)
        data = json.dumps({"name": "app", "lockfileVersion": 3, "packages": dict(items)}).encode()
        projects.append(tmp_path / str(number))
        projects[-1].mkdir()
        (projects[-1] / "package-lock.json").write_bytes(data)
        lockfiles.append(parse_lockfile(data, filename="package-lock.json"))
    bundled = own = 0
    for lockfile, seen in zip(lockfiles, as_arborist_sees(*projects), strict=True):
        for placed in classify(lockfile, trust_root(), own_registry=None)[1:]:
            name, _, in_bundle, _ = seen[placed.entry.path]
            assert name == placed.entry.name
            bundled += in_bundle
            if placed.entry.name == "@vextrus/d":
                own += placed.kind is PlacedKind.OWN
                assert not (in_bundle and placed.kind is PlacedKind.OWN)
            elif order != "shuffled":  # in any other order npm's answer depends on the order
                assert placed.entry.in_bundle or not in_bundle
    assert bundled > 100
    assert own > 50


def test_workspace_globs_never_believe_more_than_npm(tmp_path: Path) -> None:
    folders = [
        "a",
        "packages",
        "packages/a",
        "packages/b",
        "packages/ab",
        "packages/a/b",
        "packages/.c",
        "libs/a",
        "x/y/z",
    ]
    patterns = [
        ["packages/*"],
        ["packages/**"],
        ["**"],
        ["*"],
        ["*/*"],
        ["**/a"],
        ["./packages/a"],
        ["/packages/a/"],
        ["packages/?"],
        ["packages/a*"],
        ["{packages,libs}/*"],
        ["packages/*", "!packages/b"],
        ["!packages/b", "packages/*"],
        ["packages/**", "!packages/b/**", "packages/b"],
        ["packages/*", "!packages/b", "packages/b"],
        ["!!packages/a"],
        ["packages/*", "!**/b"],
        ["packages/[ab]"],
        ["packages/@(a|b)"],
        ["../packages/*"],
        ["packages/../libs/*"],
        ["x/**/z"],
        ["packages/*", "!packages/*"],
        ["packages/a", "libs/*", "!libs/*"],
    ]
    for number, name in enumerate(folders):
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / name / "package.json").write_text(json.dumps({"name": f"n{number}"}), encoding="utf-8")
    done = subprocess.run(
        [node_binary(), "-e", WORKSPACES, npm_module("@npmcli/map-workspaces"), str(tmp_path)],
        input=json.dumps(patterns),
        capture_output=True,
        text=True,
        check=True,
    )
    stricter = []
    for workspaces, expected in zip(patterns, json.loads(done.stdout), strict=True):
        globs = WorkspaceGlobs.compile(workspaces)
        ours = sorted(folder for folder in folders if globs.contains(folder))
        assert set(ours) <= set(expected), workspaces
        if ours != expected:
            stricter.append(workspaces)
    assert stricter == [
        ["packages/**"],  # npm takes the folder itself too, where it has a package.json
        ["packages/**", "!packages/b/**", "packages/b"],
        ["packages/[ab]"],
        ["packages/@(a|b)"],
        ["packages/../libs/*"],
    ]


def test_an_integrity_npm_wrote_is_the_one_we_compute(tmp_path: Path) -> None:
    project = tmp_path / "app"
    data = tarball(project / "a.tgz", {"package.json": {"name": "a", "version": "1.0.0"}})
    lockfile = written(project, {"name": "app", "dependencies": {"a": "file:a.tgz"}})
    assert lockfile.packages[0].integrity == sri(data) == digest_bytes(data).integrity
