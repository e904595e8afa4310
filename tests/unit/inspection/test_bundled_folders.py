"""What bundling explains: what is listed, what that needs, found as Node finds it, and nothing beside it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.tar_factory import file, manifest, tgz
from support.wheel_factory import wheel
from vxsec.inspection.artifact import read_artifact
from vxsec.inspection.bundled_folders import bundled_folders
from vxsec.limits import Limits
from vxsec.model.artifact import Artifact


def _folders(inside: dict[str, Any], limits: Limits | None = None, **fields: object) -> frozenset[str]:
    """``inside`` maps a place below the package to what is needed there, or to the text of its package.json."""
    document = {"name": "@vextrus/kernel", "version": "1.0.0", **fields}
    pieces = [
        file(
            f"package/{place}/package.json",
            needed if isinstance(needed, bytes) else json.dumps({"dependencies": dict.fromkeys(needed, "*")}).encode(),
        )
        for place, needed in inside.items()
    ]
    artifact = read_artifact(tgz(manifest(json.dumps(document).encode()), *pieces), filename="k.tgz")
    assert isinstance(artifact, Artifact), artifact
    return bundled_folders(artifact, limits=limits or Limits())


N = "node_modules"
ROWS: dict[str, tuple[dict[str, Any], object, set[str]]] = {
    "what is listed": ({f"{N}/ok": []}, ["ok"], {"ok"}),
    "not what lies beside it": ({f"{N}/ok": [], f"{N}/evil": []}, ["ok"], {"ok"}),
    "what it needs, and what that needs": ({f"{N}/ok": ["@s/b"], f"{N}/@s/b": ["c"], f"{N}/c": []}, ["ok"], {"ok", "@s/b", "c"}),
    "a circle": ({f"{N}/ok": ["b"], f"{N}/b": ["ok"]}, ["ok"], {"ok", "b"}),
    "what something below needs": ({f"{N}/ok": [], f"{N}/ok/{N}/b": ["c"], f"{N}/c": []}, ["ok"], {"ok", "c"}),
    "not what is found below": ({f"{N}/ok": ["b"], f"{N}/ok/{N}/b": [], f"{N}/b": []}, ["ok"], {"ok"}),
    "not what is found on the way up": (
        {f"{N}/ok": [], f"{N}/ok/{N}/b": ["c"], f"{N}/ok/{N}/c": [], f"{N}/c": []}, ["ok"], {"ok"}),
    "not what something unlisted needs": ({f"{N}/ok": [], f"{N}/evil": ["b"], f"{N}/b": []}, ["ok"], {"ok"}),
    "not what data in it names": ({f"{N}/ok": [], f"{N}/ok/test": ["b"], f"{N}/b": []}, ["ok"], {"ok"}),
    "nothing where nothing is bundled": ({f"{N}/ok": []}, [], set()),
    "nothing where it is no list": ({f"{N}/ok": []}, "ok", set()),
    "nothing where all of no dependencies are": ({f"{N}/ok": []}, True, set()),
    "no manifest that is none": ({f"{N}/ok": b"{", f"{N}/b": []}, ["ok"], {"ok"}),
    "no manifest that is a list": ({f"{N}/ok": b"[]", f"{N}/b": []}, ["ok"], {"ok"}),
    "no dependencies that are a list": ({f"{N}/ok": b'{"dependencies": ["b"]}', f"{N}/b": []}, ["ok"], {"ok"}),
    "optional ones": ({f"{N}/ok": b'{"optionalDependencies": {"b": "1"}}', f"{N}/b": []}, ["ok"], {"ok", "b"}),
    "not the tools of its development": ({f"{N}/ok": b'{"devDependencies": {"b": "1"}}', f"{N}/b": []}, ["ok"], {"ok"}),
    "no folder elsewhere": ({f"dist/{N}/ok": []}, ["ok"], set()),
}  # fmt: skip


@pytest.mark.parametrize(("inside", "stated", "names"), ROWS.values(), ids=ROWS.keys())
@pytest.mark.parametrize("field", ["bundleDependencies", "bundledDependencies"])
def test_bundling_explains(inside: dict[str, Any], stated: object, names: set[str], field: Any) -> None:
    assert _folders(inside, None, **{field: stated}) == names


def test_all_dependencies_are_what_the_manifest_states() -> None:
    inside: dict[str, Any] = {f"{N}/ok": [], f"{N}/evil": []}
    assert _folders(inside, bundleDependencies=True, dependencies={"ok": "1"}) == {"ok"}


def test_a_manifest_that_is_too_large_needs_nothing() -> None:
    inside = {f"{N}/ok": ["b"], f"{N}/b": []}
    assert _folders(inside, Limits(manifest_bytes=10), bundleDependencies=["ok"]) == {"ok"}


def test_a_wheel_bundles_nothing() -> None:
    artifact = read_artifact(wheel({f"{N}/ok/package.json": b"{}"}), filename="demo-1.0.0-py3-none-any.whl")
    assert isinstance(artifact, Artifact), artifact
    assert bundled_folders(artifact) == frozenset()


def test_long_chains_cost_little() -> None:
    inside = {f"{N}/p{number}": [f"p{number + 1}"] for number in range(2_000)}
    assert len(_folders(inside, bundleDependencies=["p0"])) == 2_001
