"""``vxsec scan`` as people call it: formats, exit statuses, files left behind, wrong calls."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import vxsec
from support.published_schemas import published_errors
from support.shop import make_database

if TYPE_CHECKING:
    from e2e.conftest import Program, Vxsec
    from support.shop import Shop

PROJECT = Path(__file__).parents[2] / "fixtures" / "scan"
FORMATS = ((), ("--json",), ("--format", "json"), ("--format", "sarif"))


@pytest.fixture
def project(shop: Shop) -> Path:
    """A project with a lockfile that brings malware in, in the current folder."""
    for name in ("package.json", "package-lock.json", "npm-audit.json"):
        shutil.copy(PROJECT / name, shop.folder / name)
    return shop.folder


def lockfile(folder: Path, **packages: str) -> Path:
    entries: dict[str, Any] = {f"node_modules/{name}": {"version": version} for name, version in packages.items()}
    root = {"name": "app", "version": "1.0.0", "dependencies": dict.fromkeys(packages, "*")}
    path = folder / "package-lock.json"
    path.write_text(json.dumps({"lockfileVersion": 3, "packages": {"": root, **entries}}, indent=2), encoding="utf-8")
    return path


@pytest.mark.usefixtures("project")
def test_a_person_sees_the_worst_first_and_a_verdict_last(vxsec_run: Vxsec) -> None:
    answer = vxsec_run("scan", ".")
    lines = answer.out.splitlines()
    assert answer.status == 11
    assert next(line for line in lines if not line.startswith(("scanned", "npm "))).startswith("MALWARE  left-padding")
    assert "    needed by: example-basket@1.2.0 > left-padding@1.1.0" in lines
    assert lines[-2] == "5 packages: 2 clean + 2 affected + 1 malicious + 0 local + 0 not evaluated"
    assert lines[-1].startswith("NOT CLEAN: ")


CASES = {
    "findings": ({"left-padding": "1.0.0"}, (), 11),
    "clean": ({"fine": "1.0.0"}, (), 0),
    "nothing": ({}, (), 0),
    "below the threshold": ({"ExampleCase": "1.0.0"}, ("--fail-on", "high"), 0),
    "malware below no threshold": ({"left-padding": "1.0.0"}, ("--fail-on", "malware"), 11),
    "no answer": ({"example-vague": "1.0.0"}, (), 4),
    "no answer, allowed": ({"example-vague": "1.0.0"}, ("--allow-unevaluated", "advisory"), 0),
    "old data": ({"fine": "1.0.0"}, ("--at", "2100-01-01T00:00:00Z"), 4),
    "old data, by the option": ({"fine": "1.0.0"}, ("--max-db-age", "PT1S", "--at", "2100-01-01T00:00:00Z"), 4),
    "data from the future": ({"fine": "1.0.0"}, ("--at", "2020-01-01T00:00:00Z"), 4),
    "no database": ({"fine": "1.0.0"}, ("--db", "none"), 4),
    "findings before no answer": ({"left-padding": "1.0.0", "example-vague": "1.0.0"}, (), 11),
}


@pytest.mark.parametrize("form", FORMATS, ids=["text", "--json", "json", "sarif"])
@pytest.mark.parametrize(("packages", "options", "status"), CASES.values(), ids=CASES.keys())
def test_the_format_never_changes_the_exit_status(
    vxsec_run: Vxsec, shop: Shop, form: tuple[str, ...], packages: dict[str, str], options: tuple[str, ...], status: int
) -> None:
    lockfile(shop.folder, **packages)
    answer = vxsec_run("scan", "package-lock.json", *options, *form)
    assert answer.status == status, answer.out
    if form:
        document = answer.json
        if "sarif" in form:
            assert document["runs"][0]["invocations"][0]["exitCode"] == status
        else:
            assert (document["exitStatus"], published_errors(document)) == (status, [])


def test_only_a_whole_answer_is_called_clean(vxsec_run: Vxsec, shop: Shop) -> None:
    for packages, options, status in CASES.values():
        lockfile(shop.folder, **packages)
        last = vxsec_run("scan", ".", *options).out.splitlines()[-1]
        words = {0: ("CLEAN", "PASSED"), 4: ("NOT DECIDED",), 11: ("NOT CLEAN",)}
        assert last.startswith(words[status])


@pytest.mark.usefixtures("project")
def test_npms_audit_joins_in(vxsec_run: Vxsec) -> None:
    document = vxsec_run("scan", ".", "--import", "npm-audit.json", "--json").json
    assert published_errors(document) == []
    assert {source for finding in document["findings"] for source in finding["sources"]} == {"osv", "npm-audit"}
    assert document["audit"]["file"] == "npm-audit.json"


@pytest.mark.usefixtures("project")
def test_development_tools_can_be_left_out(vxsec_run: Vxsec) -> None:
    document = vxsec_run("scan", ".", "--omit", "dev", "--json").json
    assert (document["totals"]["packages"], document["inputs"][0]["omitted"]) == (4, 1)


def test_the_result_can_be_written_to_a_file(vxsec_run: Vxsec, project: Path) -> None:
    answer = vxsec_run("scan", ".", "--format", "sarif", "-o", "scan.sarif")
    assert (answer.status, answer.out) == (11, "")
    run = json.loads((project / "scan.sarif").read_bytes())["runs"][0]
    places = [one["locations"][0]["physicalLocation"] for one in run["results"]]
    assert {place["artifactLocation"]["uri"] for place in places} == {"package-lock.json"}
    assert min(place["region"]["startLine"] for place in places) > 1


# -- packages and attestations -------------------------------------------------------------------------------------------


def test_a_package_is_scanned_attested_and_found_again(vxsec_run: Vxsec, shop: Shop) -> None:
    tgz = shop.pack("kernel", manifest={"dependencies": {"fine": "^1.0.0"}})
    answer = vxsec_run("scan", tgz)
    assert (answer.status, "no lockfile or SBOM says which versions it brings along" in answer.out) == (4, True)
    path = lockfile(shop.folder, fine="1.0.0")
    text = path.read_text(encoding="utf-8").replace('"name": "app"', '"name": "@acme/kernel"')
    path.write_text(text, encoding="utf-8")
    signer = ("--attest", "--signer", f"file:{shop.keys / 'ci.key'}", "--password-file", "password")
    document = vxsec_run("scan", tgz, "--lockfile", path, *signer, "--json").json
    assert published_errors(document) == []
    assert (document["exitStatus"], document["attested"][0]["subject"]) == (0, "pkg:npm/%40acme/kernel@1.0.0")
    found = vxsec_run("verify", tgz, "--key", shop.keys / "ci.pub", "--type", "urn:vxsec:scan:v1")
    assert (found.status, "urn:vxsec:scan:v1" in found.out) == (0, True)
    tgz.write_bytes(tgz.read_bytes() + b"\0")
    assert vxsec_run("verify", tgz, "--key", shop.keys / "ci.pub", "--type", "urn:vxsec:scan:v1").status == 10


def test_the_sbom_beside_a_package_says_what_it_brings_along(vxsec_run: Vxsec, shop: Shop) -> None:
    tgz = shop.pack("kernel", manifest={"dependencies": {"left-padding": "^1.0.0"}})
    path = lockfile(shop.folder, **{"left-padding": "1.0.0"})
    path.write_text(
        path.read_text(encoding="utf-8").replace('"name": "app"', '"name": "@acme/kernel"'), encoding="utf-8"
    )
    made = vxsec_run("sbom", "generate", tgz, "--lockfile", path, "-o", f"{tgz}.cdx.json")
    assert made.status == 0, made.err
    answer = vxsec_run("scan", tgz)
    assert (answer.status, f"dependencies from {tgz}.cdx.json" in answer.out) == (11, True)
    other = shop.pack("base")
    shutil.copy(f"{tgz}.cdx.json", f"{other}.cdx.json")
    answer = vxsec_run("scan", other)
    assert (answer.status, "error[sbom.mismatch]" in answer.err) == (10, True)


def test_our_own_sbom_and_our_lockfile_agree(vxsec_run: Vxsec, shop: Shop) -> None:
    tgz = shop.pack("kernel", manifest={"dependencies": {"left-padding": "*", "fine": "*"}})
    path = lockfile(shop.folder, **{"left-padding": "1.0.0", "fine": "2.0.0"})
    path.write_text(
        path.read_text(encoding="utf-8").replace('"name": "app"', '"name": "@acme/kernel"'), encoding="utf-8"
    )
    assert vxsec_run("sbom", "generate", tgz, "--lockfile", path, "-o", "bom.json").status == 0
    from_bom = vxsec_run("scan", "bom.json", "--json").json
    from_tgz = vxsec_run("scan", tgz, "--lockfile", path, "--json").json
    assert from_bom["totals"] == from_tgz["totals"]
    assert [one["id"] for one in from_bom["findings"]] == [one["id"] for one in from_tgz["findings"]]


# -- hostile input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [(), ("-v",), ("--json",), ("--format", "sarif")], ids=["text", "-v", "json", "sarif"])
def test_hostile_advisories_reach_no_terminal_and_no_runner(
    vxsec_run: Vxsec, shop: Shop, tmp_path: Path, form: tuple[str, ...]
) -> None:
    words = "##[add-path]/tmp \x1b]0;owned\x07\u202e [a](javascript:1)\r::set-output name=x::y"
    record = {
        "id": "MAL-2026-9", "modified": "2026-01-01T00:00:00Z", "summary": words, "details": words,
        "affected": [{"package": {"ecosystem": "npm", "name": "fine"}, "versions": ["1.0.0"]}],
    }  # fmt: skip
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / "MAL-2026-9.json").write_text(json.dumps(record), encoding="utf-8")
    from datetime import UTC, datetime

    vxsec.import_database(
        [tmp_path / "records"], directory=tmp_path / "db", ecosystem="npm", exported_at=datetime.now(UTC)
    )
    lockfile(shop.folder, fine="1.0.0")
    answer = vxsec_run("scan", ".", "--db", tmp_path / "db", *form)
    assert answer.status == 11
    if "--json" in form:
        assert answer.json["findings"][0]["summary"].startswith("##[add-path]")
    for line in answer.out.splitlines():
        assert line.isprintable()
        assert not line.lstrip().startswith("::")
        assert "##[" not in line


# -- wrong calls ---------------------------------------------------------------------------------------------------------

WRONG = {
    "no input": ((), "usage"),
    "a threshold nobody knows": ((".", "--fail-on", "severe"), "usage"),
    "a reason nobody knows": ((".", "--allow-unevaluated", "all"), "scan.allow-unevaluated"),
    "allowing no database": ((".", "--allow-unevaluated", "database"), "scan.allow-unevaluated"),
    "an age that is none": ((".", "--max-db-age", "3 days"), "usage"),
    "a time without an offset": ((".", "--at", "2026-01-01"), "usage"),
    "leaving out what is installed": ((".", "--omit", "prod"), "usage"),
    "two formats": ((".", "--json", "--format", "sarif"), "usage.options"),
    "an unknown format": ((".", "--format", "xml"), "usage"),
    "a signer without an attestation": ((".", "--signer", "file:x"), "usage.options"),
    "an attestation without a signer": ((".", "--attest"), "usage.options"),
    "an attestation of a lockfile": ((".", "--attest", "--signer", "env:X"), "scan.attest-subject"),
    "a file that is gone": (("gone.json",), "file.missing"),
    "an audit that is gone": ((".", "--import", "gone.json"), "file.missing"),
    "a lockfile for no package": ((".", "--lockfile", "package-lock.json"), "usage.options"),
}


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(("arguments", "code"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_call_is_two_and_says_what_to_do(vxsec_run: Vxsec, arguments: tuple[str, ...], code: str) -> None:
    answer = vxsec_run("scan", *arguments)
    assert (answer.status, answer.out) == (2, "")
    assert not arguments or f"error[{code}]" in answer.err
    assert not arguments or "hint: " in answer.err


def test_the_installed_program_scans_without_a_connection(program: Program, project: Path, tmp_path: Path) -> None:
    make_database(tmp_path / "db")
    answer = program("scan", "package-lock.json", "--db", tmp_path / "db", cwd=project)
    assert (answer.status, answer.err) == (11, "")
    empty = program("scan", "package-lock.json", "--db", tmp_path / "none", cwd=project)
    assert (empty.status, "NOT DECIDED" in empty.out) == (4, True)
