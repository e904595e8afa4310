"""An SBOM that leaves something out: what opens no gate, and what is no gap."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

import vxsec

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.conftest import Answer, Vxsec
    from support.shop import Shop

INTEGRITY = "sha512-" + base64.b64encode(bytes(range(64))).decode()
LEAST = "{id: sbom, use: sbom.complete, with: {ntia: false}}"
LOCKED = "{id: sbom, use: sbom.complete, with: {ntia: false, matchLockfile: true}}"
FULL = "{id: sbom, use: sbom.complete}"


def locked(version: str = "1.0.0", **fields: Any) -> dict[str, Any]:
    return {"version": version, "integrity": INTEGRITY, **fields}


def make(shop: Shop, manifest: dict[str, Any], packages: dict[str, Any]) -> Path:
    """A package, and the lockfile that resolves it."""
    root = {"name": "@acme/kernel", "version": "1.0.0", **manifest}
    entries = {"": root, **packages}
    document = {"name": "@acme/kernel", "lockfileVersion": 3, "packages": entries}
    (shop.folder / "package-lock.json").write_text(json.dumps(document), encoding="utf-8")
    return shop.pack("kernel", manifest={**manifest, "license": "MIT"})


def gate(vxsec_run: Vxsec, shop: Shop, path: Path, rule: str) -> tuple[int, str, str]:
    answer: Answer = vxsec_run("gate", path, "--policy", shop.policy(rule), "--trust", shop.trust, "--json")
    (result,) = answer.json["subjects"][0]["results"]
    return answer.status, result["code"], str(result["found"])


@pytest.mark.parametrize(
    ("manifest", "packages"),
    [
        pytest.param({}, {}, id="nothing is needed"),
        pytest.param({"dependencies": {"a": "^1.0.0"}}, {"node_modules/a": locked()}, id="a range"),
        pytest.param({"dependencies": {"b": "npm:@s/a@^1.0.0"}}, {"node_modules/b": locked(name="@s/a")}, id="an alias"),
        pytest.param(
            {"dependencies": {"a": "^1.0.0"}, "bundleDependencies": ["a"]},
            {"node_modules/a": locked(inBundle=True)},
            id="a bundled one",
        ),
        pytest.param({"optionalDependencies": {"a": "^1.0.0"}}, {}, id="an optional one that is not installed"),
        pytest.param(
            {"peerDependencies": {"a": "^1.0.0"}, "peerDependenciesMeta": {"a": {"optional": True}}}, {}, id="an optional peer"
        ),
        pytest.param({"peerDependencies": {"a": "^1.0.0"}}, {"node_modules/a": locked(peer=True)}, id="a peer"),
        pytest.param(
            {"dependencies": {"a": "github:x/y"}},
            {
                "node_modules/a": {
                    "name": "y",
                    "version": "1.0.0",
                    "resolved": "git+ssh://git@host.example.test/x/y.git#" + "a" * 40,
                }
            },
            id="a repository that calls itself otherwise",
        ),
        pytest.param(
            {"dependencies": {"@acme/utils": "^1.0.0"}},
            {
                "packages/utils": {"name": "@acme/utils", "version": "1.0.0"},
                "node_modules/@acme/utils": {"resolved": "packages/utils", "link": True},
            },
            id="a sibling",
        ),
        pytest.param({"dependencies": {"@acme/kernel": "^1.0.0"}}, {"node_modules/@acme/kernel": {"resolved": "", "link": True}}, id="itself"),
    ],
)  # fmt: skip
def test_what_vxsec_makes_of_a_whole_lockfile_opens_the_gate(
    vxsec_run: Vxsec, shop: Shop, manifest: dict[str, Any], packages: dict[str, Any]
) -> None:
    path = make(shop, manifest, packages)
    shop.describe(path)
    assert [gate(vxsec_run, shop, path, rule)[:2] for rule in (LEAST, LOCKED, FULL)] == [(0, "sbom.complete")] * 3
    vxsec.build_sbom(path, output=f"{path}.cdx.json", project_dir=shop.folder)
    assert vxsec_run("sbom", "verify", path).status == 0


@pytest.mark.parametrize("attested", [True, False], ids=["attested", "a bare file"])
def test_an_sbom_without_what_the_manifest_requires_opens_no_gate(vxsec_run: Vxsec, shop: Shop, attested: bool) -> None:
    path = make(shop, {"dependencies": {"left-padding": "^1.0.0"}}, {"node_modules/left-padding": locked()})
    beside = shop.folder / f"{path.name}.cdx.json"
    vxsec.build_sbom(path, output=beside, project_dir=shop.folder)
    document = json.loads(beside.read_text(encoding="utf-8"))
    root = document["metadata"]["component"]["bom-ref"]
    document |= {"components": [], "dependencies": [{"ref": root}], "compositions": []}
    beside.write_text(json.dumps(document), encoding="utf-8")
    rules = [LEAST, LOCKED, FULL]
    if attested:
        vxsec.attest_sbom([path], signers=[shop.uri("ci")])
    else:
        rules = [rule.replace("}}", ", attested: false}}") for rule in rules[:2]]
    for rule in rules:
        status, code, found = gate(vxsec_run, shop, path, rule)
        assert (status, code, "no component for left-padding" in found) == (11, "sbom.incomplete", True)
    answer = vxsec_run("sbom", "verify", path, "--json")
    assert (answer.status, [item["code"] for item in answer.json["mismatches"]]) == (10, ["sbom.dependency-missing"])


def test_what_the_lockfile_does_not_resolve_opens_no_gate(vxsec_run: Vxsec, shop: Shop) -> None:
    path = make(shop, {"dependencies": {"left-padding": "^1.0.0"}}, {"node_modules/left-padding": locked("2.0.0")})
    shop.describe(path)
    assert gate(vxsec_run, shop, path, LEAST)[0] == 0  # it is named
    assert gate(vxsec_run, shop, path, FULL)[:2] == (11, "sbom.incomplete")
    assert gate(vxsec_run, shop, path, LOCKED)[:2] == (11, "sbom.incomplete")


def test_a_false_claim_of_completeness_is_drift(vxsec_run: Vxsec, shop: Shop) -> None:
    path = make(shop, {"dependencies": {"left-padding": "^1.0.0"}}, {"node_modules/left-padding": locked("2.0.0")})
    beside = shop.folder / f"{path.name}.cdx.json"
    vxsec.build_sbom(path, output=beside, project_dir=shop.folder)
    beside.write_text(beside.read_text(encoding="utf-8").replace('"incomplete"', '"complete"'), encoding="utf-8")
    vxsec.attest_sbom([path], signers=[shop.uri("ci")])
    status, code, found = gate(vxsec_run, shop, path, LOCKED)
    assert (status, code, "left-padding@^1.0.0 is asked for" in found) == (11, "sbom.drift", True)
    answer = vxsec_run("sbom", "verify", path, "--lockfile", shop.folder / "package-lock.json")
    assert (answer.status, "left-padding@^1.0.0 is asked for" in answer.out) == (10, True)


def test_attest_tells_what_generate_tells(vxsec_run: Vxsec, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    path = make(shop, {"dependencies": {"left-padding": "^1.0.0"}}, {})
    lockfile = shop.folder / "package-lock.json"
    attest = ("sbom", "attest", path, "--lockfile", lockfile, "--signer", shop.uri("ci"))
    generated, attested = vxsec_run("sbom", "generate", path, "--lockfile", lockfile), vxsec_run(*attest)
    assert (generated.status, attested.status) == (0, 0), attested.err
    for answer in (generated, attested):
        assert "it has no timestamp: set SOURCE_DATE_EPOCH or give --timestamp" in answer.err
        assert "does not resolve 1 of its dependencies: left-padding@^1.0.0" in answer.err
    assert f"note: {path}: " in attested.err
    assert "note:" not in vxsec_run(*attest, "--quiet").err
    assert gate(vxsec_run, shop, path, LEAST)[:2] == (11, "sbom.incomplete")


def test_the_first_hint_is_enough_for_the_next_answer(
    vxsec_run: Vxsec, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1767225600")  # as the hint says
    path = make(shop, {"dependencies": {"a": "^1.0.0"}}, {"node_modules/a": locked()})
    monkeypatch.chdir(shop.folder)
    answer = vxsec_run("gate", path.name, "--policy", shop.policy(FULL), "--trust", shop.trust, "--json")
    hint = answer.json["subjects"][0]["results"][0]["hint"]
    assert "SOURCE_DATE_EPOCH" in hint
    command = hint.rpartition(": ")[2].replace("file:KEY", shop.uri("ci")).split()
    assert command[0] == "vxsec"
    assert vxsec_run(*command[1:]).status == 0
    assert gate(vxsec_run, shop, path, FULL)[:2] == (0, "sbom.complete")
