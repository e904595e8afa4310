"""What ``--json`` writes is what the published schemas say: nothing more, nothing less, whatever the outcome."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import vxsec
from support.published_schemas import SCHEMA_FILES, SCHEMA_FOLDER, load_schema, published_errors, raw_schema
from support.wheel_factory import sdist, wheel
from vxsec.formats.tar_writer import write_tarball
from vxsec.testing.sigstore.mint import SigstoreMaterial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from e2e.conftest import Answer, Vxsec
    from support.shop import Shop

SOURCE = Path(vxsec.__file__).parent
FIXTURES = Path(__file__).parents[2] / "fixtures"
WRITTEN_IN_SOURCE = re.compile(r'urn:vxsec:schema:([a-z]+):v1|schema_name\("([a-z]+)"\)')
NOT_AN_OUTPUT = {"policy"}


def check(answer: Answer, name: str, status: int) -> dict[str, Any]:
    """The document, after holding its schema to it, and holding that the schema notices any drift."""
    assert answer.status == status, answer.out + answer.err
    document: dict[str, Any] = answer.json
    assert document["schema"] == f"urn:vxsec:schema:{name}:v1"
    assert document.get("exitStatus", status) == status
    assert published_errors(document) == []
    for drifted, how in drifts(document):
        assert published_errors(drifted) != [], how
    return document


def drifts(document: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """The document with one member more, or one less, at each object in it (lists are sampled by their first element)."""
    for path in object_paths(document):
        grown = copy.deepcopy(document)
        reach(grown, path)["extra"] = 1
        yield grown, f"a member more at {path}"
        for key in reach(document, path):
            if not path and key == "schema":
                continue
            shrunk = copy.deepcopy(document)
            del reach(shrunk, path)[key]
            yield shrunk, f"without {key} at {path}"


def object_paths(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if isinstance(value, dict):
        yield path
        for key, item in value.items():
            yield from object_paths(item, (*path, key))
    elif isinstance(value, list) and value:
        yield from object_paths(value[0], (*path, 0))


def reach(value: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


# -- the schemas themselves ----------------------------------------------------------------------------------------------


def test_every_schema_the_source_names_is_published_and_no_other() -> None:
    texts = [path.read_text(encoding="utf-8") for path in sorted(SOURCE.rglob("*.py"))]
    named = {first or second for text in texts for first, second in WRITTEN_IN_SOURCE.findall(text)}
    assert named == set(SCHEMA_FILES)


@pytest.mark.parametrize("name", sorted(SCHEMA_FILES))
def test_a_schema_says_which_it_is_and_leaves_no_object_open(name: str) -> None:
    schema = raw_schema(name)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == f"urn:vxsec:schema:{name}:v1"
    for node in nodes(load_schema(name)):
        if "properties" in node:
            assert node["additionalProperties"] is False
            assert node["type"] == "object"
            if name not in NOT_AN_OUTPUT:
                assert node["required"] == list(node["properties"])


def nodes(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from nodes(item)


def test_the_readme_lists_each_schema_once() -> None:
    listed = re.findall(
        r"\]\((vxsec-[a-z]+-1\.schema\.json)\)", (SCHEMA_FOLDER / "README.md").read_text(encoding="utf-8")
    )
    assert listed == sorted(path.name for path in SCHEMA_FILES.values())


# -- verify, install -----------------------------------------------------------------------------------------------------


def test_verify(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel")
    shop.sign(path)
    key = ("--key", shop.keys / "ci.pub")
    passed = check(vxsec_run("verify", path, *key, "--json"), "verify", 0)
    assert passed["files"][0]["predicateTypes"] == ["urn:vxsec:release:v1"]
    assert check(vxsec_run("verify", path, "--trust", shop.trust, "--json"), "verify", 0)["files"][0]["signedBy"] == [
        "ci"
    ]
    other = check(vxsec_run("verify", path, "--key", shop.keys / "bob.pub", "--json"), "verify", 10)
    assert other["files"][0]["rejected"] != []
    assert check(vxsec_run("verify", path, *key, "--at", "2020-01-02T00:00:00Z", "--json"), "verify", 0)["asOf"] is True
    path.write_bytes(b"not a tarball")
    refused = check(vxsec_run("verify", path, shop.pack("bare"), *key, "--json"), "verify", 10)
    assert [item["verified"] for item in refused["files"]] == [False, False]


def test_install(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel")
    shop.release(path)
    assert vxsec.publish([path], policy="vxsec:recommended", trust=shop.trust).exit_status == 0

    def run(*more: object, status: int) -> dict[str, Any]:
        arguments = (
            "verify",
            "--lockfile",
            "package-lock.json",
            "--policy",
            "vxsec:recommended",
            "--trust",
            shop.trust,
        )
        document = check(vxsec_run(*arguments, "--json", "--log", "log.jsonl", *more), "install", status)
        if Path("log.jsonl").exists():
            lines = [json.loads(line) for line in Path("log.jsonl").read_text(encoding="utf-8").splitlines()]
            assert [published_errors(line) for line in lines] == [[]] * len(lines)
            statuses.append(lines[-1]["exitStatus"])
        return document

    statuses: list[int] = []

    shop.lockfile(path)
    assert run(status=0)["verdict"] == "verified"
    assert run("--at", "2019-01-01T00:00:00Z", status=11)["decision"]["asOf"] is True
    assert run("--offline", status=4)["notEvaluated"] != []
    shop.lockfile(path, edit={"@acme/kernel": {"integrity": "sha512-" + "A" * 86 + "=="}})
    assert run(status=10)["failures"] != []
    shop.lockfile()
    assert run(status=0)["decision"] is None
    assert statuses == [0, 11, 4, 10, 0]
    (shop.folder / "package-lock.json").write_text('{"name":"x","lockfileVersion":1}', encoding="utf-8")
    assert run(status=4)["decision"] is None


# -- gate, publish -------------------------------------------------------------------------------------------------------


def test_decision(vxsec_run: Vxsec, shop: Shop) -> None:
    path, bad = shop.pack("kernel"), shop.folder / "bad.tgz"
    bad.write_bytes(b"not a tarball")
    documents = ("--policy", "vxsec:recommended", "--trust", shop.trust, "--json")
    log = ("--log", shop.folder / "log.jsonl")
    check(vxsec_run("gate", path, *documents, *log), "decision", 11)
    check(vxsec_run("gate", path, "--offline", *documents, *log), "decision", 4)
    check(vxsec_run("gate", bad, *documents, *log), "decision", 11)
    shop.release(path)
    check(vxsec_run("gate", path, *documents, *log), "decision", 0)
    lines = (shop.folder / "log.jsonl").read_text(encoding="utf-8").splitlines()
    assert [published_errors(json.loads(line)) for line in lines] == [[]] * 4


def test_publish(vxsec_run: Vxsec, shop: Shop) -> None:
    base = shop.pack("base")
    top = shop.pack("top", manifest={"dependencies": {"@acme/base": "^1.0.0"}})

    def run(*more: object, status: int) -> list[str]:
        arguments = ("publish", top, base, "--policy", "vxsec:recommended", "--trust", shop.trust, "--json", *more)
        document = check(vxsec_run(*arguments), "publish", status)
        return [document["verdict"], *(package["state"] for package in document["packages"])]

    assert run(status=11) == ["not-published", "not-attempted", "not-attempted"]
    shop.release(base, top)
    assert run("--dry-run", status=0) == ["would-publish", "would-publish", "would-publish"]
    shop.registry.fail_next("PUT", "/@acme/base", status=503)
    assert run(status=4) == ["not-published", "failed", "not-attempted"]
    shop.registry.fail_next("PUT", "/@acme/top", status=503)
    assert run(status=5) == ["partly-published", "published", "failed"]
    assert run(status=0) == ["published", "already-live", "published"]


# -- inspect -------------------------------------------------------------------------------------------------------------


def _sound(shop: Shop) -> Path:
    return shop.pack("kernel")


def _with_scripts(shop: Shop) -> Path:
    files = {"index.js": b"", "binding.gyp": b"{}", "x.js": b""}
    return shop.pack("kernel", manifest={"scripts": {"postinstall": "node x.js"}}, files=files)


def _uninstallable(shop: Shop) -> Path:
    return shop.pack("kernel", manifest={"dependencies": {"@acme/base": "workspace:*"}})


def _no_tarball(shop: Shop) -> Path:
    path = shop.folder / "bad.tgz"
    path.write_bytes(b"not a tarball")
    return path


def _plain_archive(shop: Shop) -> Path:
    path = shop.folder / "thing-1.0.tar.gz"
    path.write_bytes(write_tarball({"Chart.yaml": b"name: thing\n"}, root="thing-1.0"))
    return path


def _sdist(shop: Shop) -> Path:
    path = shop.folder / "app_kit-1.0.tar.gz"
    path.write_bytes(sdist({"setup.py": b""}))
    return path


def _wheel(shop: Shop) -> Path:
    path = shop.folder / "app_kit-1.0-py3-none-any.whl"
    path.write_bytes(wheel())
    return path


def _spoilt_wheel(shop: Shop) -> Path:
    path = shop.folder / "app_kit-1.0-py3-none-any.whl"
    path.write_bytes(wheel(record=lambda rows: rows[1:]))
    return path


def _lockfile(shop: Shop) -> Path:
    return shop.lockfile(shop.pack("kernel"))


def _weak_lockfile(shop: Shop) -> Path:
    return shop.lockfile(shop.pack("kernel"), edit={"@acme/kernel": {"integrity": "sha1-" + "A" * 27 + "="}})


INSPECTED: dict[str, tuple[Callable[[Shop], Path], int, str]] = {
    "a sound tarball": (_sound, 0, "tarball"),
    "install scripts, which a gate judges": (_with_scripts, 0, "tarball"),
    "a range that works only in its workspace": (_uninstallable, 11, "tarball"),
    "bytes that are no tarball": (_no_tarball, 10, "tarball"),
    "an archive without a package": (_plain_archive, 0, "archive"),
    "a source distribution": (_sdist, 0, "tarball"),
    "a wheel": (_wheel, 0, "wheel"),
    "a wheel whose RECORD leaves a file out": (_spoilt_wheel, 10, "wheel"),
    "a sound lockfile": (_lockfile, 0, "lockfile"),
    "a lockfile that pins by SHA-1": (_weak_lockfile, 11, "lockfile"),
}


@pytest.mark.parametrize(("make", "status", "kind"), INSPECTED.values(), ids=INSPECTED.keys())
def test_inspect(vxsec_run: Vxsec, shop: Shop, make: Callable[[Shop], Path], status: int, kind: str) -> None:
    assert check(vxsec_run("inspect", make(shop), "--json"), "inspect", status)["kind"] == kind


# -- scan ----------------------------------------------------------------------------------------------------------------


def test_scan(vxsec_run: Vxsec, shop: Shop) -> None:
    for name in ("package-lock.json", "npm-audit.json"):
        (shop.folder / name).write_bytes((FIXTURES / "scan" / name).read_bytes())
    audit = ("--import", "npm-audit.json", "--json")
    assert check(vxsec_run("scan", ".", *audit), "scan", 11)["audit"] is not None
    missing = check(vxsec_run("scan", ".", "--db", "none", "--json"), "scan", 4)
    assert (missing["databaseProblems"] != [], missing["notEvaluated"] != []) == (True, True)
    tgz = shop.pack("kernel")
    attest = ("--attest", "--signer", shop.uri("ci"), "--json")
    assert check(vxsec_run("scan", tgz, *attest), "scan", 0)["attested"] != []


# -- sign, attest, approve, keys, init -----------------------------------------------------------------------------------


def test_signed(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel")
    (shop.folder / "predicate.json").write_text("{}", encoding="utf-8")
    signers = ("--signer", shop.uri("ci"), "--signer", shop.uri("ci2"))
    made = check(vxsec_run("sign", path, *signers, "--trust", shop.trust, "--json"), "signed", 0)
    assert len(made["files"]) == 2
    bare = check(vxsec_run("sign", path, *signers, "--blob", "--json"), "signed", 0)
    assert bare["files"][0]["predicateType"] is None
    attested = ("attest", path, "predicate.json", "--type", "urn:x", "--predicate", "predicate.json", "--json")
    subjects = check(vxsec_run(*attested, *signers), "signed", 0)["files"]
    assert {item["subject"] for item in subjects} == {"pkg:npm/%40acme/kernel@1.0.0", "predicate.json"}


def test_registry_signed(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel")
    signed = check(vxsec_run("registry", "sign", path, "--signer", shop.uri("ci"), "--json"), "registrysigned", 0)
    packument: Any = {"name": "@acme/kernel", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": _listed(path)}}
    packument["versions"]["1.0.0"]["dist"]["signatures"] = signed["files"][0]["signatures"]
    (shop.folder / "packument.json").write_text(json.dumps(packument), encoding="utf-8")
    assert vxsec_run("registry", "keys", "--key", shop.keys / "ci.pub", "-o", "keys.json").status == 0
    asked = ("verify", path, "--packument", "packument.json", "--npm-keys", "keys.json", "--json")
    assert check(vxsec_run(*asked), "verify", 0)["files"][0]["signatures"][0]["kind"] == "npm"
    packument["versions"]["1.0.0"]["dist"]["signatures"] = []
    (shop.folder / "packument.json").write_text(json.dumps(packument), encoding="utf-8")
    assert check(vxsec_run(*asked), "verify", 10)["files"][0]["code"] == "npm.unsigned"


def _listed(path: Path) -> dict[str, Any]:
    artifact: Any = vxsec.open_artifact(path)
    return {**artifact.manifest.document, "dist": {"integrity": artifact.digests.integrity}}


def test_trusted_base(vxsec_run: Vxsec) -> None:
    document = check(vxsec_run("doctor", "trusted-base", "--json"), "trustedbase", 0)
    assert [part["name"] for part in document["parts"]] == ["bundle", "openpgp", "ssh", "npm", "tuf", "trust"]


def test_identity(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel")
    minted = SigstoreMaterial().mint()
    (shop.folder / "kernel.sigstore.jsonl").write_bytes(minted.bundle + b"\n")
    asked = ("doctor", "identity", "--bundle", "kernel.sigstore.jsonl", "--json", "--issuer", "https://x.example.test")
    document = check(vxsec_run(*asked, "--identity", "nobody@example.test"), "identity", 11)
    assert document["certificates"][0]["expected"][0]["differences"] != []
    found = document["certificates"][0]
    own = (*asked[:-1], found["issuer"], "--identity", found["subject"])
    assert check(vxsec_run(*own), "identity", 0)["certificates"][0]["matches"] is True
    verified = ("verify", path, "--bundle", "kernel.sigstore.jsonl", "--identity", "x", "--issuer", "y", "--json")
    signature = check(vxsec_run(*verified), "verify", 10)["files"][0]["signatures"][0]
    assert "failed" in {one["status"] for one in signature["checks"]}


def test_approval(vxsec_run: Vxsec, shop: Shop) -> None:
    first, second = shop.pack("kernel"), shop.pack("kernel", "1.1.0", manifest={"dependencies": {"left-pad": "1"}})
    by = ("--signer", shop.uri("alice"), "--trust", shop.trust, "--json")
    shop.describe(first)
    shop.sign(first)
    assert check(vxsec_run("approve", first, *by), "approval", 0)["differences"][0]["previous"] is None
    assert vxsec.publish([first], policy="vxsec:recommended", trust=shop.trust).exit_status == 0
    approved = check(vxsec_run("approve", second, *by, "--push"), "approval", 0)
    assert approved["differences"][0]["manifest"] != []
    assert len(approved["pushed"]) == 1


def test_key(vxsec_run: Vxsec, shop: Shop) -> None:
    made = check(vxsec_run("keys", "generate", "new", "--password-file", "password", "--json"), "key", 0)
    shown = check(vxsec_run("keys", "show", "new.pub", "--json"), "key", 0)
    assert made["hint"] == shown["hint"]
    check(vxsec_run("keys", "show", shop.keys / "ci.pub", "--json"), "key", 0)


@pytest.mark.parametrize(
    "more", [("--level", "minimal"), ("--keys", "--password-file", "password")], ids=["bare", "keys"]
)
def test_init(vxsec_run: Vxsec, shop: Shop, more: tuple[str, ...]) -> None:
    arguments = ("init", "--registry", shop.registry.url, "--scope", "@acme", "--json", *more)
    assert check(vxsec_run(*arguments), "init", 0)["registry"] == shop.registry.url


def test_a_command_that_fails_writes_no_document(vxsec_run: Vxsec, shop: Shop) -> None:
    refused = (
        ("verify", "gone.tgz", "--key", shop.keys / "ci.pub"),
        ("gate", "gone.tgz", "--policy", "vxsec:minimal", "--trust", shop.trust),
        ("sign", "gone.tgz", "--signer", shop.uri("ci"), "--trust", shop.trust),
        ("inspect", "gone.tgz"),
        ("keys", "show", "gone.pub"),
    )
    for arguments in refused:
        answer = vxsec_run(*arguments, "--json")
        assert (answer.status, answer.out) == (2, "")
        assert "error[file.missing]" in answer.err
