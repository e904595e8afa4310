"""SBOM, scan and licences in the flow: what the gate asks for, what opens it, and what keeps it closed."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

import vxsec
from support.shop import PASSWORD, make_database

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.conftest import Answer, Vxsec
    from support.shop import Shop

SBOM = "{id: sbom, use: sbom.complete}"
BARE = "{id: sbom, use: sbom.complete, with: {attested: false, ntia: false}}"
LOCKED = "{id: sbom, use: sbom.complete, with: {matchLockfile: true}}"
VULNERABLE = "{id: vuln, use: vuln.threshold, with: {deny: {severity: high}}}"
ATTESTED = "{id: vuln, use: vuln.threshold, with: {deny: {severity: high}, allowAttested: true}}"
MALWARE = "{id: mal, use: malware.deny}"
LICENSES = "{id: licenses, use: license.allow, with: {allow: [MIT, ISC]}}"
INTEGRITY = "sha512-" + base64.b64encode(bytes(range(64))).decode()


def gate(vxsec_run: Vxsec, shop: Shop, path: Path, rules: str, *more: object) -> Answer:
    return vxsec_run("gate", path, "--policy", shop.policy(rules), "--trust", shop.trust, "--json", *more)


def code(answer: Answer) -> str:
    """The code of the one rule asked."""
    return str(answer.json["subjects"][0]["results"][0]["code"])


def needing(shop: Shop, name: str, version: str, *, license_: str | None = "MIT") -> Path:
    """A package that needs another one, and the lockfile beside it."""
    path = shop.pack("kernel", manifest={"dependencies": {name: f"^{version}"}, "license": "MIT"})
    entry: dict[str, Any] = {"version": version, "integrity": INTEGRITY} | ({"license": license_} if license_ else {})
    root = {"name": "@acme/kernel", "version": "1.0.0", "dependencies": {name: f"^{version}"}}
    document = {"name": "@acme/kernel", "lockfileVersion": 3, "packages": {"": root, f"node_modules/{name}": entry}}
    (shop.folder / "package-lock.json").write_text(json.dumps(document), encoding="utf-8")
    return path


# -- SBOM --------------------------------------------------------------------------------------------------------------


def test_no_sbom_is_a_refusal_with_the_command_to_make_one(vxsec_run: Vxsec, shop: Shop) -> None:
    answer = gate(vxsec_run, shop, shop.pack("kernel"), SBOM)
    assert (answer.status, code(answer)) == (11, "sbom.none")
    assert "vxsec sbom attest" in answer.json["subjects"][0]["results"][0]["hint"]


def test_a_bare_sbom_counts_only_where_the_policy_says_so(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel")
    vxsec.build_sbom(path, output=f"{path}.cdx.json")
    bare = gate(vxsec_run, shop, path, SBOM)
    assert (bare.status, code(bare)) == (11, "sbom.not-attested")
    assert gate(vxsec_run, shop, path, BARE).status == 0


@pytest.mark.parametrize("key", ["mallory", "alice"], ids=["a stranger", "a person"])
def test_only_a_machine_attests_an_sbom(vxsec_run: Vxsec, shop: Shop, key: str) -> None:
    path = shop.pack("kernel")
    shop.describe(path, key=key)
    answer = gate(vxsec_run, shop, path, SBOM)
    assert (answer.status, code(answer)) == (11, "sbom.none")
    assert "signature." in answer.json["subjects"][0]["results"][0]["found"]


def test_the_minimum_elements_are_asked_for(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel")
    vxsec.attest_sbom([path], signers=[shop.uri("ci")])  # no author, no time
    answer = gate(vxsec_run, shop, path, SBOM)
    assert (answer.status, code(answer)) == (11, "sbom.incomplete")
    shop.describe(path)
    assert gate(vxsec_run, shop, path, SBOM).status == 0  # one good one is enough


def test_drift_from_the_lockfile_closes_the_gate(vxsec_run: Vxsec, shop: Shop) -> None:
    path = needing(shop, "example-server", "4.0.0")
    shop.describe(path)
    assert gate(vxsec_run, shop, path, LOCKED).status == 0
    lockfile = shop.folder / "package-lock.json"
    lockfile.write_text(lockfile.read_text(encoding="utf-8").replace('"4.0.0"', '"4.0.1"'), encoding="utf-8")
    answer = gate(vxsec_run, shop, path, LOCKED)
    assert (answer.status, code(answer)) == (11, "sbom.drift")
    (shop.folder / "package-lock.json").unlink()
    answer = gate(vxsec_run, shop, path, LOCKED)
    assert (answer.status, code(answer)) == (4, "sbom.no-lockfile")


def test_what_was_published_carries_its_sbom_for_those_who_install(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel")
    shop.release(path)
    assert vxsec.publish([path], policy="vxsec:recommended", trust=shop.trust).exit_status == 0
    for left in (path, shop.folder / f"{path.name}.sigstore.jsonl"):
        left.rename(shop.folder / f"{left.name}.away")
    lockfile = shop.lockfile(shop.folder / f"{path.name}.away")
    policy = shop.policy(f"{SBOM}\n{{id: one, use: signature.threshold}}")
    answer = vxsec_run("verify", "--lockfile", lockfile, "--policy", policy, "--trust", shop.trust, "--json")
    assert (answer.status, answer.json["totals"]["verified"]) == (0, 1), answer.out
    (result,) = [item for item in answer.json["decision"]["subjects"][0]["results"] if item["use"] == "sbom.complete"]
    assert "vxsec-evidence@0.0.0-sha256-" in result["found"]


def test_a_bare_sbom_travels_with_the_evidence_and_a_false_one_stops_the_publish(vxsec_run: Vxsec, shop: Shop) -> None:
    path, other = shop.pack("kernel"), shop.pack("utils")
    shop.sign(path)
    vxsec.build_sbom(path, output=f"{path}.cdx.json")
    policy = shop.policy("{id: one, use: signature.threshold}")
    command = ("publish", path, "--policy", policy, "--trust", shop.trust)
    good = (shop.folder / f"{path.name}.cdx.json").read_bytes()
    vxsec.build_sbom(other, output=f"{path}.cdx.json")
    refused = vxsec_run(*command)
    assert (refused.status, "sbom.mismatch" in refused.err) == (10, True)
    assert not shop.registry.dump()
    (shop.folder / f"{path.name}.cdx.json").write_bytes(good)
    assert vxsec_run(*command).status == 0
    (shop.folder / f"{path.name}.cdx.json").unlink()
    answer = gate(vxsec_run, shop, path, BARE)
    assert (answer.status, "vxsec-evidence@" in answer.json["subjects"][0]["results"][0]["found"]) == (0, True)


# -- scan --------------------------------------------------------------------------------------------------------------


def test_a_vulnerable_dependency_closes_the_gate_and_a_fixed_one_opens_it(vxsec_run: Vxsec, shop: Shop) -> None:
    answer = gate(vxsec_run, shop, needing(shop, "example-server", "3.0.5"), VULNERABLE)
    assert (answer.status, code(answer)) == (11, "vuln.above")
    assert "fixed in 3.1.0" in answer.json["subjects"][0]["results"][0]["found"]
    assert gate(vxsec_run, shop, needing(shop, "example-server", "3.1.0"), VULNERABLE).status == 0


def test_malware_below_the_package_closes_it_whatever_the_threshold(vxsec_run: Vxsec, shop: Shop) -> None:
    path = needing(shop, "left-padding", "1.0.0")
    for rules, expected in ((MALWARE, "malware.found"), (VULNERABLE, "vuln.above")):
        answer = gate(vxsec_run, shop, path, rules)
        assert (answer.status, code(answer)) == (11, expected)
        assert "MAL-2026-1001" in answer.json["subjects"][0]["results"][0]["found"]


def test_malware_in_a_lockfile_is_refused_before_it_is_fetched(vxsec_run: Vxsec, shop: Shop) -> None:
    lockfile = shop.folder / "package-lock.json"
    entry = {
        "version": "3.0.0",
        "integrity": INTEGRITY,
        "resolved": "https://registry.example.test/left-padding/-/left-padding-3.0.0.tgz",
    }
    root = {"name": "app", "dependencies": {"left-padding": "3"}}
    packages = {"": root, "node_modules/left-padding": entry}
    lockfile.write_text(json.dumps({"name": "app", "lockfileVersion": 3, "packages": packages}), encoding="utf-8")
    policy = shop.policy(MALWARE, registry="other")
    answer = vxsec_run("verify", "--lockfile", lockfile, "--policy", policy, "--trust", shop.trust, "--json")
    assert answer.status == 11
    assert answer.json["totals"]["failed"] == 1
    assert shop.registry.requests == []


@pytest.mark.parametrize("rules", [VULNERABLE, MALWARE], ids=["vulnerabilities", "malware"])
def test_without_fresh_data_nothing_is_clean(vxsec_run: Vxsec, shop: Shop, tmp_path: Path, rules: str) -> None:
    path = shop.pack("kernel")
    none = gate(vxsec_run, shop, path, rules, "--db", tmp_path / "none")
    assert (none.status, "vxsec db update" in none.out) == (4, True)
    old = tmp_path / "old"
    make_database(old, exported_at=datetime.now(UTC) - timedelta(days=9))
    answer = gate(vxsec_run, shop, path, rules, "--db", old)
    assert (answer.status, code(answer).endswith("database-old")) == (4, True)
    (index,) = old.glob("npm-*.sqlite")
    data = bytearray(index.read_bytes())
    data[len(data) // 2] ^= 1
    index.write_bytes(data)
    assert gate(vxsec_run, shop, path, rules, "--db", old).status == 4


def test_a_range_that_nothing_resolves_is_not_clean(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel", manifest={"dependencies": {"example-server": "^3.1.0"}})
    answer = gate(vxsec_run, shop, path, VULNERABLE)
    assert (answer.status, code(answer)) == (4, "vuln.not-evaluated")


def test_an_attested_scan_serves_where_there_is_no_database_and_ages_like_one(
    vxsec_run: Vxsec, shop: Shop, tmp_path: Path
) -> None:
    path = needing(shop, "example-server", "3.1.0")
    scanned = vxsec_run(
        "scan", path, "--lockfile", shop.folder / "package-lock.json", "--attest", "--signer", shop.uri("ci")
    )
    assert scanned.status == 0, scanned.out + scanned.err
    nowhere = ("--db", tmp_path / "none")
    assert gate(vxsec_run, shop, path, VULNERABLE, *nowhere).status == 4  # taking the data away opens nothing
    answer = gate(vxsec_run, shop, path, ATTESTED, *nowhere)
    assert answer.status == 0, answer.out
    later = (datetime.now(UTC) + timedelta(days=4)).strftime("%Y-%m-%dT%H:%M:%SZ")
    answer = gate(vxsec_run, shop, path, ATTESTED, *nowhere, "--at", later)
    assert (answer.status, code(answer)) == (4, "vuln.database-old")
    other = shop.pack("utils")
    assert gate(vxsec_run, shop, other, ATTESTED, *nowhere).status == 4  # it is about one package's bytes
    lockfile = shop.folder / "package-lock.json"
    lockfile.write_text(lockfile.read_text(encoding="utf-8").replace("3.1.0", "3.1.1"), encoding="utf-8")
    assert gate(vxsec_run, shop, path, ATTESTED, *nowhere).status == 4  # and about what one lockfile resolves


def test_a_scan_attested_by_a_stranger_says_nothing(vxsec_run: Vxsec, shop: Shop, tmp_path: Path) -> None:
    path = shop.pack("kernel")
    assert vxsec_run("scan", path, "--attest", "--signer", shop.uri("mallory")).status == 0
    assert gate(vxsec_run, shop, path, ATTESTED, "--db", tmp_path / "none").status == 4


def test_a_damaged_database_is_never_passed_by(vxsec_run: Vxsec, shop: Shop, tmp_path: Path) -> None:
    path = shop.pack("kernel")
    assert vxsec_run("scan", path, "--attest", "--signer", shop.uri("ci")).status == 0
    folder = tmp_path / "damaged"
    make_database(folder)
    (folder / "npm.current").write_text("x", encoding="utf-8")
    assert gate(vxsec_run, shop, path, ATTESTED, "--db", folder).status == 4


def test_what_the_lockfile_leaves_out_is_not_clean(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel", manifest={"dependencies": {"left-padding": "1.0.0"}})
    root = {"name": "@acme/kernel", "version": "1.0.0"}
    document = {"name": "@acme/kernel", "lockfileVersion": 3, "packages": {"": root}}
    (shop.folder / "package-lock.json").write_text(json.dumps(document), encoding="utf-8")
    for rules, family in ((MALWARE, "malware"), (VULNERABLE, "vuln")):
        answer = gate(vxsec_run, shop, path, rules)
        assert (answer.status, code(answer)) == (4, f"{family}.not-evaluated")
    assert gate(vxsec_run, shop, path, LICENSES).status == 11


@pytest.mark.parametrize("phase", ["publish", "install"])
def test_what_lies_inside_the_tarball_is_looked_up(vxsec_run: Vxsec, shop: Shop, phase: str) -> None:
    manifest = {"dependencies": {"ok": "1.0.0"}, "bundleDependencies": ["ok"], "license": "MIT"}
    files = {
        f"node_modules/{name}/package.json": json.dumps({"name": name, "version": "1.0.0"}).encode()
        for name in ("ok", "left-padding")
    }
    path = shop.pack("kernel", manifest=manifest, files={"index.js": b"", **files})
    answer = gate(vxsec_run, shop, path, MALWARE, "--phase", phase)
    assert (answer.status, code(answer)) == (11, "malware.found")


# -- licences ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stated", "status"),
    [("MIT", 0), ("(GPL-3.0-only OR ISC)", 0), ("GPL-3.0-only", 11), ("(MIT AND GPL-3.0-only)", 11), (None, 11)],
    ids=["allowed", "one of two", "not allowed", "both of two", "none stated"],
)
def test_the_licences_of_what_is_shipped_are_judged(
    vxsec_run: Vxsec, shop: Shop, stated: str | None, status: int
) -> None:
    path = needing(shop, "example-server", "3.1.0", license_=stated)
    assert gate(vxsec_run, shop, path, LICENSES).status == status


def test_the_recommended_policy_opens_for_a_whole_release_only(vxsec_run: Vxsec, shop: Shop) -> None:
    key = b"AKIA" + b"QYLPMN5HHHFPZAM2"  # in two pieces: our own release is searched for credentials, too
    path = shop.pack("kernel", files={"index.js": b"", "deploy.js": b'const key = "%s";\n' % key})
    shop.release(path)
    answer = vxsec_run("gate", path, "--policy", "vxsec:recommended", "--trust", shop.trust, "--json")
    closing = {item["use"] for item in answer.json["subjects"][0]["results"] if item["closes"]}
    assert (answer.status, closing) == (11, {"content.secrets"})
    assert "QYLPMN5" not in answer.out
    assert PASSWORD.decode() not in answer.out
