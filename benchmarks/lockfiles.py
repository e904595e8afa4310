"""Lockfiles to measure with: generated, the same on every machine, and trees that npm itself finds whole.

Names, scopes, depth and the number of dependencies are like those of real projects: a few dozen direct dependencies, most
packages at the top of ``node_modules``, some in a second version below the one that needs it.
"""

from __future__ import annotations

import base64
import hashlib
import json
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ROOT", "generate_lockfile", "write_project"]

ROOT = ("@vextrus/bench", "1.0.0")
DIRECT = 40
NESTED = 0.06
SCOPES = ("@hazel", "@rivet", "@lumen", "@cobalt")
FIRST = ("fast", "tiny", "safe", "lazy", "deep", "flat", "raw", "next", "pure", "async")
SECOND = ("glob", "parse", "stream", "color", "path", "queue", "cache", "merge", "schema", "event", "token", "buffer")


def generate_lockfile(size: int) -> dict[str, object]:
    """A package-lock.json (version 3) with ``size`` packages beside the root; every range is satisfied by the tree."""
    random = Random(size)  # noqa: S311 - the same tree every time, no secret
    nested = int(size * NESTED)
    names = [_name(number) for number in range(size - nested)]
    versions = [f"{random.randrange(1, 9)}.{random.randrange(20)}.{random.randrange(9)}" for _ in names]
    needs: list[dict[str, str]] = [{} for _ in names]
    for number in range(DIRECT, len(names)):  # everything is reached, from something that stands before it
        for parent in {random.randrange(number) for _ in range(random.choice((1, 1, 1, 2, 3)))}:
            needs[parent][names[number]] = f"^{versions[number]}"
    packages: dict[str, object] = {}
    for number in random.sample(range(len(names)), nested):
        child = _other(random, names, needs[number], number)
        needs[number][child] = "0.9.0"
        packages[f"node_modules/{names[number]}/node_modules/{child}"] = _entry(child, "0.9.0", {})
    for name, version, wanted in zip(names, versions, needs, strict=True):
        packages[f"node_modules/{name}"] = _entry(name, version, wanted)
    direct = {names[number]: f"^{versions[number]}" for number in range(DIRECT)}
    name, version = ROOT
    root = {"name": name, "version": version, "license": "Apache-2.0", "dependencies": direct}
    return {
        "name": name,
        "version": version,
        "lockfileVersion": 3,
        "requires": True,
        "packages": {"": root, **dict(sorted(packages.items()))},
    }


def write_project(folder: Path, size: int) -> Path:
    """A folder with package.json and package-lock.json, as npm and the others expect it; returns the lockfile."""
    folder.mkdir(parents=True, exist_ok=True)
    document = generate_lockfile(size)
    root = document["packages"][""]  # type: ignore[index]  # it was made a mapping above
    (folder / "package.json").write_text(json.dumps(root, indent=2) + "\n", encoding="utf-8")
    path = folder / "package-lock.json"
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return path


def _name(number: int) -> str:
    words = f"{FIRST[number % len(FIRST)]}-{SECOND[number // len(FIRST) % len(SECOND)]}"
    plain = f"{words}-{number // (len(FIRST) * len(SECOND))}"
    return f"{SCOPES[number % len(SCOPES)]}/{plain}" if number % 5 == 0 else plain


def _other(random: Random, names: list[str], needed: dict[str, str], own: int) -> str:
    while True:
        name = random.choice(names)
        if name != names[own] and name not in needed:
            return name


def _entry(name: str, version: str, needs: dict[str, str]) -> dict[str, object]:
    digest = hashlib.sha512(f"{name}@{version}".encode()).digest()
    entry: dict[str, object] = {
        "version": version,
        "resolved": f"https://registry.example.test/{name}/-/{name.rpartition('/')[2]}-{version}.tgz",
        "integrity": f"sha512-{base64.b64encode(digest).decode()}",
        "license": "MIT",
        "engines": {"node": ">=18"},
    }
    return entry | ({"dependencies": dict(sorted(needs.items()))} if needs else {})
