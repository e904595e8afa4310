"""``vxsec sbom``: made twice alike, true to the bytes, attested, found again, and refused where it lies."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

import vxsec
from support.shop import PASSWORD
from vxsec.testing.artifacts import pack

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.conftest import Program, Vxsec
    from support.shop import Shop

INTEGRITY = "sha512-" + base64.b64encode(bytes(range(64))).decode()


@pytest.fixture
def kernel(shop: Shop) -> Path:
    """A package with one dependency, and the lockfile of its workspace."""
    return shop.pack("kernel", manifest={"dependencies": {"left-padding": "^2.0.0"}, "license": "MIT", "author": "Ann"})


@pytest.fixture
def lockfile(shop: Shop) -> Path:
    """Two levels of dependencies, one of them optional, and a development tool that is not shipped."""
    packages: dict[str, Any] = {
        "": {"name": "mono", "version": "0.0.0", "workspaces": ["packages/*"], "devDependencies": {"builder": "1.0.0"}},
        "packages/kernel": {"name": "@acme/kernel", "version": "1.0.0", "dependencies": {"left-padding": "^2.0.0"}},
        "node_modules/@acme/kernel": {"resolved": "packages/kernel", "link": True},
        "node_modules/left-padding": {
            "version": "2.0.1",
            "integrity": INTEGRITY,
            "resolved": "https://user:secret@registry.example.test/left-padding/-/left-padding-2.0.1.tgz",
            "license": "(MIT OR Apache-2.0)",
            "dependencies": {"inner": "1.x"},
            "optionalDependencies": {"maybe": "*"},
        },
        "node_modules/inner": {"version": "1.5.0", "integrity": INTEGRITY, "license": "ISC"},
        "node_modules/maybe": {"version": "0.1.0", "integrity": INTEGRITY, "optional": True, "license": "MIT"},
        "node_modules/builder": {"version": "1.0.0", "integrity": INTEGRITY, "dev": True, "license": "MIT"},
    }
    path = shop.folder / "package-lock.json"
    path.write_text(json.dumps({"name": "mono", "lockfileVersion": 3, "requires": True, "packages": packages}))
    return path


@pytest.fixture
def made(shop: Shop, kernel: Path, lockfile: Path) -> Path:
    """The SBOM beside the tarball."""
    vxsec.build_sbom(kernel, lockfile=lockfile, output=f"{kernel}.cdx.json", project_dir=shop.folder)
    return shop.folder / f"{kernel.name}.cdx.json"


def _edit(path: Path, **members: Any) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(document | members), encoding="utf-8")


def _root(path: Path, **members: Any) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    document["metadata"]["component"] |= members
    path.write_text(json.dumps(document), encoding="utf-8")


def test_it_holds_the_package_and_what_runs_with_it(vxsec_run: Vxsec, kernel: Path, lockfile: Path) -> None:
    answer = vxsec_run("sbom", "generate", kernel, "--lockfile", lockfile, "--timestamp", "2026-11-01T00:00:00Z")
    assert answer.status == 0, answer.err
    bom = answer.json
    artifact = vxsec.open_artifact(kernel)
    root = bom["metadata"]["component"]
    assert (bom["bomFormat"], bom["specVersion"], bom["metadata"]["timestamp"]) == (
        "CycloneDX",
        "1.6",
        "2026-11-01T00:00:00Z",
    )
    assert root["purl"] == "pkg:npm/%40acme/kernel@1.0.0"
    assert {item["alg"]: item["content"] for item in root["hashes"]} == {
        "SHA-256": artifact.digests.sha256,
        "SHA-512": artifact.digests.sha512,
    }
    assert sorted(item["purl"] for item in bom["components"]) == [
        "pkg:npm/inner@1.5.0",
        "pkg:npm/left-padding@2.0.1",
        "pkg:npm/maybe@0.1.0",
    ]
    edges = {item["ref"]: item.get("dependsOn", []) for item in bom["dependencies"]}
    assert edges[root["bom-ref"]] == ["pkg:npm/left-padding@2.0.1"]
    assert edges["pkg:npm/left-padding@2.0.1"] == ["pkg:npm/inner@1.5.0", "pkg:npm/maybe@0.1.0"]
    scopes = {item["name"]: item["scope"] for item in bom["components"]}
    assert scopes == {"inner": "required", "left-padding": "required", "maybe": "optional"}
    assert bom["compositions"]


def test_it_repeats_byte_for_byte_in_another_folder_and_says_nothing_of_this_machine(
    program: Program, shop: Shop, kernel: Path, lockfile: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for path in (kernel, lockfile):
        shutil.copy(path, elsewhere / path.name)
    env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "SOURCE_DATE_EPOCH": "1767225600", "USER": "somebody"}
    command = ("sbom", "generate", kernel.name, "--lockfile", lockfile.name)
    first, second = program(*command, cwd=shop.folder, env=env), program(*command, cwd=elsewhere, env=env)
    assert first.status == second.status == 0, first.err
    assert first.out == second.out
    assert first.json["metadata"]["timestamp"] == "2026-01-01T00:00:00Z"
    for secret in (str(tmp_path), "somebody", "secret", "registry.example.test", "127.0.0.1"):
        assert secret not in first.out


def test_what_it_makes_is_sound_and_true(vxsec_run: Vxsec, kernel: Path, lockfile: Path, made: Path) -> None:
    checked = vxsec_run("sbom", "check", made, "--json")
    assert (checked.status, checked.json["findings"]) == (0, [])
    answer = vxsec_run("sbom", "verify", kernel, made, "--lockfile", lockfile)
    assert (answer.status, "MATCHES the bytes and the lockfile" in answer.out) == (0, True)
    assert vxsec_run("sbom", "verify", kernel).status == 0  # the one beside it


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"name": "utils"}, "sbom.name-mismatch"),
        ({"version": "1.0.1"}, "sbom.version-mismatch"),
        ({"purl": "pkg:npm/%40acme/kernel@1.0.1"}, "sbom.purl-mismatch"),
        ({"hashes": [{"alg": "SHA-256", "content": "0" * 64}]}, "sbom.digest-mismatch"),
        ({"hashes": []}, "sbom.no-digest"),
        ({"hashes": [{"alg": "MD5", "content": "0" * 32}]}, "sbom.no-digest"),
    ],
    ids=["another name", "another version", "another purl", "another digest", "no digest", "a weak digest only"],
)
def test_an_sbom_that_contradicts_the_bytes_is_refused(
    vxsec_run: Vxsec, kernel: Path, made: Path, members: dict[str, Any], code: str
) -> None:
    _root(made, **members)
    answer = vxsec_run("sbom", "verify", kernel, made, "--json")
    assert answer.status == 10, answer.out + answer.err
    assert code in {item["code"] for item in answer.json["mismatches"]}
    refused = vxsec_run("sbom", "attest", kernel, "--signer", "env:NOBODY")
    assert refused.status == 10
    assert "sbom.mismatch" in refused.err


def test_drift_from_the_lockfile_is_named(vxsec_run: Vxsec, kernel: Path, lockfile: Path, made: Path) -> None:
    document = json.loads(made.read_text(encoding="utf-8"))
    document["components"] = [item for item in document["components"] if item["name"] != "inner"]
    for item in document["dependencies"]:
        item["dependsOn"] = [ref for ref in item.get("dependsOn", []) if "inner" not in ref]
    document["dependencies"] = [item for item in document["dependencies"] if "inner" not in item["ref"]]
    made.write_text(json.dumps(document), encoding="utf-8")
    answer = vxsec_run("sbom", "verify", kernel, made, "--lockfile", lockfile)
    assert answer.status == 10
    assert "inner@1.5.0" in answer.out


def test_attested_it_travels_and_comes_back(vxsec_run: Vxsec, shop: Shop, kernel: Path, made: Path) -> None:
    password = shop.folder / "password"
    answer = vxsec_run(
        "sbom", "attest", kernel, "--signer", f"file:{shop.keys / 'ci.key'}", "--password-file", password
    )
    assert answer.status == 0, answer.err
    verified = vxsec_run("verify", kernel, "--key", shop.keys / "ci.pub", "--type", "https://cyclonedx.org/bom")
    assert verified.status == 0
    for option, value in (("--key", shop.keys / "ci.pub"), ("--trust", shop.trust)):
        out = shop.folder / "out.json"
        extracted = vxsec_run("sbom", "extract", kernel, option, value, "-o", out)
        assert extracted.status == 0, extracted.err
        assert json.loads(out.read_text()) == json.loads(made.read_text())
    wrong = vxsec_run("sbom", "extract", kernel, "--key", shop.keys / "mallory.pub")
    assert (wrong.status, "signature.untrusted-key" in wrong.err) == (10, True)
    neither = vxsec_run("sbom", "extract", kernel)
    assert (neither.status, "verify.no-trust" in neither.err) == (2, True)


def test_what_is_said_about_making_one_is_not_ignored(vxsec_run: Vxsec, shop: Shop, kernel: Path, made: Path) -> None:
    sign = ("sbom", "attest", kernel, "--signer", shop.uri("ci"))
    assert vxsec_run(*sign, "--author", "Somebody else").status == 0
    extracted = vxsec_run("sbom", "extract", kernel, "--trust", shop.trust)
    assert extracted.json["metadata"]["authors"] == [{"name": "Somebody else"}]
    both = vxsec_run(*sign, "--sbom", made, "--author", "Somebody else")
    assert (both.status, "usage.options" in both.err) == (2, True)


def test_nothing_attested_is_said(vxsec_run: Vxsec, shop: Shop, kernel: Path) -> None:
    answer = vxsec_run("sbom", "extract", kernel, "--trust", shop.trust)
    assert (answer.status, "sbom.none" in answer.err) == (10, True)


BAD = {
    "duplicate keys": (
        b'{"bomFormat": "CycloneDX", "bomFormat": "CycloneDX", "specVersion": "1.6"}',
        10,
        "json.duplicate-key",
    ),
    "an entity in XML": (b'<!DOCTYPE x [<!ENTITY a "b">]><bom>&a;</bom>', 10, "sbom.xml-entity"),
    "XML": (b'<?xml version="1.0"?><bom xmlns="http://cyclonedx.org/schema/bom/1.6"/>', 3, "sbom.xml-unsupported"),
    "SPDX": (b'{"spdxVersion": "SPDX-2.3", "packages": []}', 3, "sbom.spdx-unsupported"),
    "something else": (b'{"name": "x"}', 10, "sbom.malformed"),
    "no JSON": (b"hello", 10, "json.syntax"),
    "a list": (b"[]", 10, "sbom.malformed"),
    "nothing": (b"", 10, "json.syntax"),
}


@pytest.mark.parametrize(("data", "status", "code"), BAD.values(), ids=BAD.keys())
@pytest.mark.parametrize("verb", ["check", "verify", "show"])
def test_what_is_no_sbom_is_refused(
    vxsec_run: Vxsec, shop: Shop, kernel: Path, verb: str, data: bytes, status: int, code: str
) -> None:
    path = shop.folder / "bad.json"
    path.write_bytes(data)
    files = (kernel, path) if verb == "verify" else (path,)
    answer = vxsec_run("sbom", verb, *files)
    assert (answer.status, code in answer.err) == (status, True), answer.err


def test_without_a_lockfile_dependencies_are_not_guessed(vxsec_run: Vxsec, kernel: Path) -> None:
    answer = vxsec_run("sbom", "generate", kernel)
    assert (answer.status, "sbom.no-lockfile" in answer.err) == (2, True)


def test_a_lockfile_that_does_not_know_the_package_is_said(vxsec_run: Vxsec, shop: Shop, lockfile: Path) -> None:
    other = shop.pack("other", manifest={"dependencies": {"left-padding": "^2.0.0"}})
    answer = vxsec_run("sbom", "generate", other, "--lockfile", lockfile)
    assert (answer.status, "does not know @acme/other@1.0.0" in answer.err) == (2, True)


def test_a_package_without_dependencies_needs_no_lockfile(vxsec_run: Vxsec, shop: Shop) -> None:
    answer = vxsec_run("sbom", "generate", shop.pack("plain"), "--author", "The team <team@example.test>")
    assert (answer.status, answer.json["components"]) == (0, [])
    assert "SOURCE_DATE_EPOCH" in answer.err  # no commit to take a time from, and the clock would not repeat
    assert "timestamp" not in answer.json["metadata"]


def test_several_files_get_theirs_beside_them(vxsec_run: Vxsec, shop: Shop) -> None:
    files = [shop.pack("a"), shop.pack("b")]
    assert vxsec_run("sbom", "generate", *files).status == 2
    answer = vxsec_run("sbom", "generate", *files, "--beside", "--json")
    assert (answer.status, [item["path"] for item in answer.json["files"]]) == (
        0,
        [f"{file}.cdx.json" for file in files],
    )
    assert all(vxsec_run("sbom", "verify", file).status == 0 for file in files)


@pytest.mark.parametrize(
    "epoch", ["soon", "-1", "1e9", "", "9" * 30], ids=["a word", "negative", "a float", "empty", "huge"]
)
def test_a_source_date_that_is_none_is_refused(
    vxsec_run: Vxsec, shop: Shop, monkeypatch: pytest.MonkeyPatch, epoch: str
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    answer = vxsec_run("sbom", "generate", shop.pack("plain"))
    assert (answer.status, "sbom.source-date-epoch" in answer.err) == (2, True)


@pytest.mark.parametrize("graph", ["tree", "mermaid", "dot", "svg"])
def test_it_can_be_looked_at(vxsec_run: Vxsec, kernel: Path, made: Path, graph: str) -> None:
    answer = vxsec_run("sbom", "show", made, "--graph", graph)
    assert answer.status == 0
    assert "left-padding" in answer.out
    assert vxsec_run("sbom", "show", kernel, "--graph", graph).out == answer.out  # the one beside it
    start = {"tree": "@acme/kernel@1.0.0", "mermaid": "flowchart", "dot": "digraph", "svg": "<svg"}
    assert start[graph] in answer.out


def test_names_cannot_break_out_of_a_drawing(vxsec_run: Vxsec, shop: Shop, made: Path) -> None:
    document = json.loads(made.read_text(encoding="utf-8"))
    document["components"][0]["name"] = '"><script>alert(1)</script>\x1b[31m\n--> x["y"]'
    made.write_text(json.dumps(document), encoding="utf-8")
    for graph in ("tree", "mermaid", "dot", "svg"):
        answer = vxsec_run("sbom", "show", made, "--graph", graph)
        assert graph in {"tree", "dot"} or "<script" not in answer.out  # the others end up in web pages
        assert "\x1b" not in answer.out
    assert shop.registry.requests == []  # drawing asks nobody


@pytest.mark.parametrize("command", ["show", "verify"])
def test_an_archive_without_an_sbom_is_told_how_to_get_one(vxsec_run: Vxsec, kernel: Path, command: str) -> None:
    answer = vxsec_run("sbom", command, kernel)
    assert answer.status == 2
    assert "error[sbom.none]" in answer.err
    assert f"vxsec sbom generate {kernel} --beside" in answer.err
    assert f"vxsec sbom extract {kernel}" in answer.err


def test_an_sbom_that_is_named_and_missing_is_a_missing_file(vxsec_run: Vxsec, kernel: Path) -> None:
    answer = vxsec_run("sbom", "verify", kernel, "other.cdx.json")
    assert answer.status == 2
    assert "error[file.missing]" in answer.err


def test_an_archive_is_not_checked_as_an_sbom(vxsec_run: Vxsec, kernel: Path) -> None:
    answer = vxsec_run("sbom", "check", kernel)
    assert answer.status == 2
    assert "error[sbom.archive]" in answer.err
    assert f"vxsec sbom verify {kernel}" in answer.err


def test_the_commit_gives_the_time_and_runs_nothing_of_the_repository(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("plain")
    git = ("git", "-C", str(shop.folder), "-c", "user.name=A", "-c", "user.email=a@example.test")
    when = {
        "GIT_COMMITTER_DATE": "2026-03-04T05:06:07Z",
        "GIT_AUTHOR_DATE": "2020-01-01T00:00:00Z",
        "PATH": os.environ["PATH"],
    }
    for arguments in (("init", "-q"), ("commit", "-q", "--allow-empty", "-m", "one")):
        subprocess.run([*git, *arguments], env=when, check=True)
    trap = shop.folder / "trap"
    trap.write_text("#!/bin/sh\ntouch caught\n", encoding="utf-8")
    trap.chmod(0o755)
    for key, value in (("log.showSignature", "true"), ("gpg.program", str(trap)), ("core.fsmonitor", str(trap))):
        subprocess.run([*git, "config", key, value], env=when, check=True)
    answer = vxsec_run("sbom", "generate", path)
    assert (answer.status, answer.json["metadata"]["timestamp"]) == (0, "2026-03-04T05:06:07Z")
    assert not (shop.folder / "caught").exists()


def test_what_is_wrong_and_missing_is_listed(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("plain")
    made = vxsec_run("sbom", "generate", path, "--beside")
    assert (
        made.status,
        "for @acme/plain@1.0.0, 0 components" in made.out,
        "note: it has no timestamp" in made.out,
    ) == (
        0,
        True,
        True,
    )
    sbom = shop.folder / f"{path.name}.cdx.json"
    listed = vxsec_run("sbom", "check", sbom)
    assert (listed.status, "minimum elements" in listed.out, "SOUND" in listed.out) == (0, True, True)
    _edit(sbom, components=[{"type": "library", "name": "a", "bom-ref": "pkg:npm/a@1"}] * 2)
    answer = vxsec_run("sbom", "check", sbom)
    assert (answer.status, "[sbom.ref-duplicate]" in answer.out, "NOT SOUND" in answer.out) == (11, True, True)
    verified = vxsec_run("sbom", "verify", path, sbom)
    assert (verified.status, "MATCHES the bytes" in verified.out) == (0, True)
    _root(sbom, version="9.9.9")
    assert "DOES NOT MATCH" in vxsec_run("sbom", "verify", path, sbom).out


def test_what_was_extracted_is_said(vxsec_run: Vxsec, shop: Shop, kernel: Path, made: Path) -> None:
    shop.describe(kernel, lockfile=shop.folder / "package-lock.json")
    for more in ((), ("--json",)):
        answer = vxsec_run("sbom", "extract", kernel, "--trust", shop.trust, "-o", made, *more)
        assert (answer.status, "ci" in answer.out) == (0, True)


def test_what_is_signed_are_the_bytes_that_were_compared(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("plain")
    honest = path.read_bytes()

    def swap() -> bytes:
        path.write_bytes(pack({"name": "@acme/plain", "version": "1.0.0"}, {"index.js": b"steal()\n"}))
        return PASSWORD

    vxsec.attest_sbom([path], signers=[f"file:{shop.keys / 'ci.key'}"], password=swap)
    check = ("verify", path, "--key", shop.keys / "ci.pub")
    assert vxsec_run(*check).status == 10
    path.write_bytes(honest)
    assert vxsec_run(*check).status == 0


def test_the_newest_attested_sbom_is_the_one_extracted(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("plain")
    for author in ("First", "Second"):
        assert vxsec_run("sbom", "attest", path, "--author", author, "--signer", shop.uri("ci")).status == 0
    extracted = vxsec_run("sbom", "extract", path, "--trust", shop.trust)
    assert extracted.json["metadata"]["authors"] == [{"name": "Second"}]


def test_nobody_attests_a_scan_that_was_not_made(vxsec_run: Vxsec, shop: Shop) -> None:
    (shop.folder / "p.json").write_text("{}", encoding="utf-8")
    answer = vxsec_run(
        "attest", shop.pack("plain"), "--type", "urn:vxsec:scan:v1", "--predicate", "p.json", "--signer", shop.uri("ci")
    )
    assert (answer.status, "attest.reserved-type" in answer.err) == (2, True)
