"""What rules are given to judge: packuments from files, lockfiles at each phase, and evidence that someone spoilt."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

import vxsec
from vxsec.testing.artifacts import pack

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.conftest import Vxsec
    from support.shop import Shop

MANIFEST = "{id: m, use: manifest.consistent}"
LOCKED = "{id: l, use: deps.lockfile}"
CONFUSION = "{id: c, use: deps.confusion}"
SHA512 = "sha512-" + "A" * 86 + "=="


def results(
    vxsec_run: Vxsec, shop: Shop, path: Path, rules: str, *more: object, registry: str = "internal"
) -> tuple[int, dict[str, str]]:
    """The status, and rule to code."""
    policy = shop.policy(f"{{id: a, use: archive.safe}}\n{rules}", registry=registry)
    answer = vxsec_run("gate", path, "--policy", policy, "--trust", shop.trust, "--json", *more)
    assert answer.out, answer.err
    return answer.status, {item["use"]: item["code"] for item in answer.json["subjects"][0]["results"]}


def write(shop: Shop, name: str, document: object) -> Path:
    path = shop.folder / name
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


# -- packuments ----------------------------------------------------------------------------------------------------------


def packument(shop: Shop, path: Path, **change: object) -> Path:
    artifact: Any = vxsec.open_artifact(path)
    version = {**artifact.manifest.document, "dist": {"integrity": artifact.digests.integrity}, **change}
    document = {"name": "@acme/kernel", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}
    return write(shop, "packument.json", document)


def test_a_packument_in_a_file_is_compared_without_asking_the_registry(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel")
    honest = results(vxsec_run, shop, path, MANIFEST, "--packument", packument(shop, path))
    assert honest == (0, {"archive.safe": "archive.safe", "manifest.consistent": "manifest.consistent"}), honest
    lying = packument(shop, path, scripts={"postinstall": "node x.js"})
    status, codes = results(vxsec_run, shop, path, MANIFEST, "--packument", lying)
    assert (status, codes["manifest.consistent"]) == (11, "manifest.mismatch")
    assert shop.registry.requests == []


def test_a_packument_in_a_file_does_not_say_what_is_live(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel")
    rule = "{id: v, use: version.monotonic}"
    status, codes = results(vxsec_run, shop, path, rule, "--packument", packument(shop, path))
    assert (status, codes["version.monotonic"]) == (4, "version.packument-from-file")


def test_a_packument_that_is_none_is_refused(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel")
    (shop.folder / "packument.json").write_text("[]", encoding="utf-8")
    policy = shop.policy(MANIFEST)
    answer = vxsec_run("gate", path, "--policy", policy, "--trust", shop.trust, "--packument", "packument.json")
    assert (answer.status, "error[" in answer.err) == (10, True)


def test_a_name_that_no_registry_lists_has_no_registry_to_ask(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel", manifest={"name": "left-pad"})
    status, codes = results(vxsec_run, shop, path, MANIFEST, registry="other")
    assert status == 4, codes
    assert shop.registry.requests == []


# -- lockfiles -----------------------------------------------------------------------------------------------------------


def test_at_install_the_entry_of_the_subject_is_judged(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel")
    install = ("--phase", "install")
    shop.lockfile(path)
    assert results(vxsec_run, shop, path, LOCKED, *install)[0] == 0
    shop.lockfile(path, edit={"@acme/kernel": {"integrity": "sha1-" + "A" * 27 + "="}})
    status, codes = results(vxsec_run, shop, path, LOCKED, *install)
    assert (status, codes["deps.lockfile"]) == (11, "lockfile.integrity-weak")


def test_at_publish_the_whole_lockfile_and_its_package_json_are_judged(vxsec_run: Vxsec, shop: Shop) -> None:
    path, other = shop.pack("kernel"), shop.pack("other")
    shop.lockfile(other)
    write(shop, "package.json", {"name": "consumer", "version": "1.0.0", "dependencies": {"@acme/other": "^1.0.0"}})
    assert results(vxsec_run, shop, path, LOCKED)[0] == 0
    write(shop, "package.json", {"name": "consumer", "version": "1.0.0", "dependencies": {"@acme/other": "^2.0.0"}})
    status, codes = results(vxsec_run, shop, path, LOCKED)
    assert status == 11, codes
    shop.lockfile(other, edit={"@acme/other": {"integrity": "sha1-" + "A" * 27 + "="}})
    assert results(vxsec_run, shop, path, LOCKED)[0] == 11


def test_without_a_lockfile_nothing_can_be_said(vxsec_run: Vxsec, shop: Shop) -> None:
    status, codes = results(vxsec_run, shop, shop.pack("kernel"), LOCKED)
    assert (status, codes["deps.lockfile"]) == (4, "evidence.not-collected")


@pytest.mark.parametrize("field", ["dependencies", "optionalDependencies", "peerDependencies"])
@pytest.mark.parametrize("spec", ["^1.0.0", "npm:@beta/base@^1.0.0"], ids=["by its name", "by an alias"])
def test_at_publish_own_dependencies_must_come_from_the_own_registry(
    vxsec_run: Vxsec, shop: Shop, field: str, spec: str
) -> None:
    shop.extra_registries = '  beta: {url: "https://beta.example.test", scopes: ["@beta"]}'
    shop.write_trust()
    name = "harmless" if spec.startswith("npm:") else "@beta/base"
    path = shop.pack("kernel", manifest={field: {name: spec}})
    npmrc = shop.folder / ".npmrc"
    own = npmrc.read_text(encoding="utf-8")
    npmrc.write_text(f"{own}@beta:registry=https://evil.example.test/\n", encoding="utf-8")
    status, codes = results(vxsec_run, shop, path, CONFUSION)
    assert (status, codes["deps.confusion"]) == (11, "confusion.npmrc")
    npmrc.write_text(f"{own}@beta:registry=https://beta.example.test/\n", encoding="utf-8")
    assert results(vxsec_run, shop, path, CONFUSION)[0] == 0


def test_at_publish_what_the_lockfile_takes_elsewhere_is_confusion(vxsec_run: Vxsec, shop: Shop) -> None:
    path, base = shop.pack("kernel"), shop.pack("base")
    shop.lockfile(base)
    assert results(vxsec_run, shop, path, CONFUSION)[0] == 0
    evil = {"resolved": "https://evil.example.test/@acme/base/-/base-1.0.0.tgz"}
    shop.lockfile(base, edit={"@acme/base": evil})
    status, codes = results(vxsec_run, shop, path, CONFUSION)
    assert (status, codes["deps.confusion"]) == (11, "confusion.resolved")


def test_a_lockfile_that_was_named_and_cannot_be_read_hides_routes(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel")
    (shop.folder / "yarn.lock").write_text("# yarn lockfile v1\n", encoding="utf-8")
    status, codes = results(vxsec_run, shop, path, CONFUSION, "--lockfile", "yarn.lock")
    assert (status, codes["deps.confusion"]) == (4, "confusion.lockfile-not-read")


# -- evidence on the registry --------------------------------------------------------------------------------------------


def test_evidence_that_someone_replaced_counts_for_nothing(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel")
    shop.release(path)
    assert vxsec.publish([path], policy="vxsec:recommended", trust=shop.trust).exit_status == 0
    (shop.folder / f"{path.name}.sigstore.jsonl").unlink()
    rule = "{id: s, use: signature.threshold, with: {threshold: 2, minPerRole: {machine: 1, human: 1}}}"
    assert results(vxsec_run, shop, path, rule)[0] == 0
    evidence = "@acme/vxsec-evidence"
    version = next(iter(shop.registry.dump()[evidence]["versions"]))
    shop.registry.tamper_tarball(evidence, version, pack({"name": evidence, "version": version}))
    status, codes = results(vxsec_run, shop, path, rule)
    assert (status, codes["signature.threshold"]) == (11, "signature.none")


def test_a_registry_whose_evidence_cannot_be_read_leaves_it_undecided(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel")
    shop.registry.fail_next("GET", "/@acme/vxsec-evidence", status=500, times=99)
    status, codes = results(vxsec_run, shop, path, "{id: s, use: signature.threshold}")
    assert (status, codes["signature.threshold"]) == (4, "signature.search-incomplete")


# -- what an approver compares with --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "word"),
    [(b"no tarball", "refused or another package"), (pack({"name": "@acme/x", "version": "1.0.0"}), "another package")],
    ids=["refused bytes", "another package"],
)
def test_a_version_under_latest_that_is_not_what_it_says_is_no_base_for_a_difference(
    vxsec_run: Vxsec, shop: Shop, data: bytes, word: str
) -> None:
    first = shop.pack("kernel")
    shop.release(first)
    assert vxsec.publish([first], policy="vxsec:recommended", trust=shop.trust).exit_status == 0
    shop.registry.tamper_tarball("@acme/kernel", "1.0.0", data)
    second = shop.pack("kernel", "1.0.1")
    answer = vxsec_run("approve", second, "--signer", shop.uri("alice"), "--trust", shop.trust, "--json")
    assert answer.status == 0, answer.err
    difference = answer.json["differences"][0]
    assert difference["previous"] is None
    assert difference["added"] == ["index.js", "package.json"]
    assert word in difference["note"] or "could not be read" in difference["note"]


def test_a_registry_that_is_away_shows_the_full_inventory(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel")
    shop.registry.drop_connection("GET", "/", times=99)
    answer = vxsec_run("approve", path, "--signer", shop.uri("alice"), "--trust", shop.trust, "--json")
    assert answer.status == 0, answer.err
    assert "could not be read (network." in answer.json["differences"][0]["note"]


def test_a_push_goes_to_the_evidence_package_even_where_nothing_is_published_yet(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel")
    shop.sign(path)
    pushed = vxsec.approve([path], signer=shop.uri("alice"), trust=shop.trust, push=True).pushed
    assert pushed[0].startswith("@acme/vxsec-evidence@0.0.0-sha256-")
    (shop.folder / f"{path.name}.sigstore.jsonl").unlink()
    rule = "{id: p, use: release.approval}"
    status, codes = results(vxsec_run, shop, path, rule)
    assert (status, codes["release.approval"]) == (0, "release.approval")
