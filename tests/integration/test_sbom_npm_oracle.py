"""The dependency graph is npm's own: ``npm sbom`` on real lockfiles, and its tree reader on ones made to be odd.

Two deliberate differences. npm keeps one component for each name and version, ours are told apart by bytes and by what they
find, so both are compared by name and version. ``npm sbom`` gives up where a dependency is missing, ours says so.
"""

from __future__ import annotations

import json
import random
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from support.lockfile_kit import package
from support.node_tools import node_tools_or_skip
from support.npm_reader import node_binary, npm_module
from vxsec.formats.lockfiles import parse_lockfile
from vxsec.inspection.dependency_graph import resolve_graph
from vxsec.model.package import PackageRef

pytestmark = pytest.mark.node

SHARED = Path(__file__).parents[3] / "shared" / "lockfiles"
READER = """
const Arborist = require(process.argv[1]);
const reset = require(`${process.argv[1]}/lib/reset-dep-flags.js`);
const flag = require(`${process.argv[1]}/lib/calc-dep-flags.js`);
const look = async (path) => {
  const tree = await new Arborist({ path }).loadVirtual();
  reset(tree);
  flag(tree);
  const seen = {};
  for (const node of tree.inventory.values()) {
    if (node.isLink) continue;
    const edges = {}, missing = [];
    for (const edge of node.edgesOut.values()) {
      if (edge.to) edges[edge.name] = [edge.to.target.location, edge.type];
      else if (!edge.optional) missing.push([`${edge.name}@${edge.rawSpec || '*'}`, edge.type]);
    }
    seen[node.location] = { name: node.packageName, version: node.version || null, edges, missing,
      dev: node.dev, optional: node.optional, extraneous: node.extraneous };
  }
  return seen;
};
(async () => {
  const found = [];
  for (const path of process.argv.slice(2)) found.push(await look(path));
  process.stdout.write(JSON.stringify(found));
})().catch((error) => { process.stderr.write(String(error.stack)); process.exit(1); });
"""

Edges = dict[str, set[str]]


def project(folder: Path, packages: dict[str, Any]) -> Path:
    """A folder with this lockfile and the package.json files that it speaks of."""
    for path, entry in packages.items():
        if "node_modules" not in path:
            place = folder / path
            place.mkdir(parents=True, exist_ok=True)
            (place / "package.json").write_text(
                json.dumps({"name": Path(path).name or "app", **entry}), encoding="utf-8"
            )
    document = {"name": packages[""].get("name"), "lockfileVersion": 3, "requires": True, "packages": packages}
    (folder / "package-lock.json").write_text(json.dumps(document), encoding="utf-8")
    return folder


def as_npm_reads(*folders: Path) -> list[dict[str, dict[str, Any]]]:
    done = subprocess.run(
        [node_binary(), "-e", READER, npm_module("@npmcli/arborist"), *map(str, folders)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen: list[dict[str, dict[str, Any]]] = json.loads(done.stdout)
    return seen


def label(entry: dict[str, Any]) -> str:
    return f"{entry['name']}@{entry['version']}"


def of_npm(tree: dict[str, dict[str, Any]], start: str, *, runtime: bool) -> tuple[Edges, set[str]]:
    """What ``start`` leads to in npm's tree, by name and version, and what is missing on the way."""
    edges: Edges = defaultdict(set)
    missing: set[str] = set()
    pending, seen = [start], {start}
    while pending:
        place = pending.pop()
        missing.update(text for text, kind in tree[place]["missing"] if kind != "dev" or not runtime)
        for other, kind in tree[place]["edges"].values():
            if runtime and kind in {"dev", "workspace"}:
                continue
            if other != start:
                edges["" if place == start else label(tree[place])].add(label(tree[other]))
                edges.setdefault(label(tree[other]), set())
            if other not in seen:
                seen.add(other)
                pending.append(other)
    edges.setdefault("", set())
    return edges, missing


def of_ours(folder: Path, wanted: PackageRef | None) -> tuple[Edges, set[str]]:
    lockfile = parse_lockfile((folder / "package-lock.json").read_bytes(), filename="package-lock.json")
    graph = resolve_graph(lockfile, wanted)
    labels = {one.key: one.label for one in graph.dependencies}
    edges: Edges = {"": {labels[key] for key in graph.root_needs}}
    for one in graph.dependencies:
        edges.setdefault(one.label, set()).update(labels[key] for key in one.needs)
    return edges, set(graph.unresolved)


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.exists(), reason="the data folder beside the checkout is absent")
@pytest.mark.parametrize("name", ["eslint", "reactvite", "resolved", "vextrus-mono"])
def test_a_real_lockfile_gives_the_nodes_and_edges_of_npm_sbom(tmp_path: Path, name: str) -> None:
    packages = json.loads((SHARED / f"{name}.package-lock.json").read_text(encoding="utf-8"))["packages"]
    packages[""].setdefault("version", "0.0.0")  # npm makes no SBOM of a project without one
    folder = project(tmp_path / "app", packages)
    tools = node_tools_or_skip()
    done = tools.run_npm(
        "sbom", "--package-lock-only", "--sbom-format", "cyclonedx",
        cwd=folder, environment=tools.environment(tmp_path / "home"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    root = document["metadata"]["component"]["bom-ref"]
    theirs = {entry["ref"]: set(entry["dependsOn"]) for entry in document["dependencies"]}
    ours, unresolved = of_ours(folder, None)
    assert unresolved == set()
    ours[root] = ours.pop("")
    assert ours == theirs
    assert len(ours) > 80


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.exists(), reason="the data folder beside the checkout is absent")
def test_each_real_workspace_gives_the_runtime_tree_that_npm_reads(tmp_path: Path) -> None:
    packages = json.loads((SHARED / "vextrus-mono.package-lock.json").read_text(encoding="utf-8"))["packages"]
    folder = project(tmp_path / "mono", packages)
    (tree,) = as_npm_reads(folder)
    for path in (path for path in packages if path.startswith("packages/")):
        wanted = PackageRef(name=packages[path]["name"], version=packages[path]["version"])
        assert of_ours(folder, wanted) == of_npm(tree, path, runtime=True), path


def odd_project(rng: random.Random, *, stray: bool = True) -> dict[str, Any]:
    """Names repeat on every level, things are missing, optional, peers and aliases; nothing npm would have made."""
    names = ["a", "b", "c", "@v/d", "e"]
    versions = ["1.0.0", "2.0.0"]

    def fields(*, folder: bool) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for field in ("dependencies", "optionalDependencies", "peerDependencies"):
            if rng.random() < 0.5:
                found[field] = {
                    name: rng.choice(["1", "*", "npm:a@1"]) for name in rng.sample(names, rng.randint(1, 3))
                }
        taken = {name for stated in found.values() for name in stated}
        left = [name for name in names if name not in taken]
        if (
            folder and left
        ):  # npm lets a development tool hide a dependency of the same name; what is published has no tools
            found["devDependencies"] = dict.fromkeys(rng.sample(left, 1), "*")
        if "peerDependencies" in found and rng.random() < 0.5:
            found["peerDependenciesMeta"] = {name: {"optional": True} for name in rng.sample(names, 2)}
        return found

    packages: dict[str, Any] = {"": {"name": "app", "version": "1.0.0", **fields(folder=True)}}
    for name in ("one", "two"):
        if rng.random() < 0.6:
            packages[f"packages/{name}"] = {"name": f"@w/{name}", "version": "1.0.0", **fields(folder=True)}
            packages[f"node_modules/@w/{name}"] = {"resolved": f"packages/{name}", "link": True}
            packages[""]["workspaces"] = ["packages/*"]

    def grow(prefix: str, depth: int) -> None:
        for name in names:
            if rng.random() < (0.75 if depth == 0 else 0.3 if stray else 0.03):
                path = f"{prefix}node_modules/{name}"
                packages[path] = package(rng.choice(versions), **fields(folder=False))
                if depth < 2:
                    grow(f"{path}/", depth + 1)

    if not stray:
        packages[""]["dependencies"] = dict.fromkeys(names[:2], "*")
        packages[""]["devDependencies"] = {names[2]: "*"}
    grow("", 0)
    for folder in [path for path in packages if path.startswith("packages/")]:
        grow(f"{folder}/", 1)
    return packages


def test_odd_trees_are_resolved_as_npm_resolves_them(tmp_path: Path) -> None:
    rng = random.Random(20261121)  # noqa: S311 - repeatable, not secret
    folders = [project(tmp_path / str(number), odd_project(rng)) for number in range(60)]
    compared = 0
    for folder, tree in zip(folders, as_npm_reads(*folders), strict=True):
        starts = {"": PackageRef(name="app", version="1.0.0")}
        for name in ("one", "two"):
            starts |= {
                path: PackageRef(name=f"@w/{name}", version="1.0.0") for path in tree if path == f"packages/{name}"
            }
        for path, wanted in starts.items():
            ours, unresolved = of_ours(folder, wanted)
            theirs, missing = of_npm(tree, path, runtime=True)
            assert ours == theirs, (folder, path)
            assert unresolved == missing, (folder, path)
            compared += len(ours)
    assert compared > 400


def test_flags_of_odd_trees_are_those_that_npm_computes(tmp_path: Path) -> None:
    """Left out are trees with something that nothing asks for: npm marks it to be removed, ours takes it as needed."""
    rng = random.Random(7)  # noqa: S311 - repeatable, not secret
    folders = [project(tmp_path / str(number), odd_project(rng, stray=False)) for number in range(150)]
    compared: set[tuple[bool, bool]] = set()
    for folder, tree in zip(folders, as_npm_reads(*folders), strict=True):
        lockfile = parse_lockfile((folder / "package-lock.json").read_bytes(), filename="package-lock.json")
        whole = resolve_graph(lockfile, None)
        places = {path for one in whole.dependencies for path in one.paths if "node_modules/@w" not in path}
        assert places == tree.keys() - {""}
        if any(entry["extraneous"] for entry in tree.values()):
            continue
        for one in whole.dependencies:
            found = [tree[path] for path in one.paths if path in tree]
            assert one.dev == all(entry["dev"] for entry in found), (folder, one.key)
            assert one.optional == all(entry["optional"] for entry in found), (folder, one.key)
            compared.add((one.dev, one.optional))
    assert len(compared) >= 3
