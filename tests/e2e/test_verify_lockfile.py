"""``vxsec verify --lockfile``: lockfile = tarball = signed digest, and every package accounted for."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

import vxsec
from vxsec.model.digest import digest_bytes
from vxsec.testing.artifacts import pack

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from e2e.conftest import Answer, Vxsec
    from support.shop import Shop

OTHER_INTEGRITY = "sha512-" + "A" * 86 + "=="


def verify(
    vxsec_run: Vxsec, shop: Shop, lockfile: Path, *, policy: object = "vxsec:recommended", more: tuple[object, ...] = ()
) -> Answer:
    answer = vxsec_run("verify", "--lockfile", lockfile, "--policy", policy, "--trust", shop.trust, "--json", *more)
    if answer.out:
        totals = answer.json["totals"]
        parts = ("verified", "allowedUnsigned", "local", "failed", "notEvaluated")
        assert sum(totals[part] for part in parts) == totals["total"]
    return answer


def failures(answer: Answer) -> dict[str, str]:
    return {item["package"]: item["code"] for item in answer.json["failures"]}


def denied(answer: Answer) -> dict[str, str]:
    return {
        result["use"]: result["code"]
        for subject in answer.json["decision"]["subjects"]
        for result in subject["results"]
        if result["closes"]
    }


@pytest.fixture
def live(shop: Shop) -> tuple[Path, Path]:
    """Two packages, published with everything."""
    files = shop.pack("base"), shop.pack("top", manifest={"dependencies": {"@acme/base": "^1.0.0"}})
    shop.release(*files)
    report = vxsec.publish(files, policy="vxsec:recommended", trust=shop.trust)
    assert report.exit_status == 0
    return files


def test_what_was_published_verifies_from_the_registry_alone(
    vxsec_run: Vxsec, shop: Shop, live: tuple[Path, Path]
) -> None:
    lockfile = shop.lockfile(*live)
    for path in shop.folder.glob("*.sigstore.jsonl"):
        path.unlink()
    answer = verify(vxsec_run, shop, lockfile)
    assert answer.status == 0, answer.out + answer.err
    assert answer.json["totals"] == {
        "total": 3, "verified": 2, "allowedUnsigned": 0, "local": 1, "failed": 0, "notEvaluated": 0, "bundled": 0,
    }  # fmt: skip
    text = vxsec_run("verify", "--lockfile", lockfile, "--policy", "vxsec:recommended", "--trust", shop.trust)
    assert "2 verified + 0 allowed unsigned + 1 local + 0 failed + 0 not evaluated" in text.out


def test_a_dot_means_the_lockfile_here(vxsec_run: Vxsec, shop: Shop, live: tuple[Path, Path]) -> None:
    shop.lockfile(*live)
    assert vxsec_run("verify", ".", "--policy", "vxsec:recommended", "--trust", shop.trust).status == 0


def test_a_lockfile_that_npm_would_ignore_is_not_verified(
    vxsec_run: Vxsec, shop: Shop, live: tuple[Path, Path]
) -> None:
    lockfile = shop.lockfile(*live)
    lockfile.with_name("npm-shrinkwrap.json").write_text("{}", encoding="utf-8")
    answer = vxsec_run("verify", "--lockfile", lockfile, "--policy", "vxsec:recommended", "--trust", shop.trust)
    assert (answer.status, "error[lockfile.shadowed]" in answer.err) == (2, True)
    here = vxsec_run("verify", ".", "--policy", "vxsec:recommended", "--trust", shop.trust)
    assert here.status == 10  # the shrinkwrap was read, and it is no lockfile
    lockfile.unlink()
    lockfile.with_name("npm-shrinkwrap.json").unlink()
    none = vxsec_run("verify", ".", "--policy", "vxsec:recommended", "--trust", shop.trust)
    assert (none.status, "error[file.missing]" in none.err) == (2, True)


def test_an_empty_lockfile_is_clean_and_says_so(vxsec_run: Vxsec, shop: Shop) -> None:
    answer = vxsec_run("verify", "--lockfile", shop.lockfile(), "--policy", "vxsec:minimal", "--trust", shop.trust)
    assert answer.status == 0
    assert "VERIFIED" in answer.out


ENTRIES: dict[str, tuple[dict[str, Any], str]] = {
    "another integrity": ({"integrity": OTHER_INTEGRITY}, "tree.integrity-mismatch"),
    "no integrity": ({"integrity": None}, "tree.integrity-missing"),
    "only sha1": ({"integrity": "sha1-" + "A" * 27 + "="}, "tree.integrity-weak"),
    "an integrity that is none": ({"integrity": "sha512-zzz"}, "tree.integrity-malformed"),
    "said to be a link": ({"link": True, "resolved": "packages/base"}, "tree.link"),
    "said to be bundled": ({"inBundle": True}, "tree.own-name-bundled"),
    "said to be a file": ({"resolved": "file:base.tgz"}, "tree.source"),
    "said to be from git": ({"resolved": "git+ssh://git@git.example.test/x.git#" + "0" * 40}, "tree.source"),
    "no version": ({"version": None}, "tree.version"),
    "two integrities, of which npm takes either": ({"integrity": f"AND {OTHER_INTEGRITY}"}, "tree.integrity-ambiguous"),
    "a shrinkwrap of its own": ({"hasShrinkwrap": True}, "tree.nested-shrinkwrap"),
    "another name than its path": ({"name": "@acme/top"}, "tree.name-mismatch"),
}


@pytest.mark.parametrize(("edit", "code"), ENTRIES.values(), ids=ENTRIES.keys())
def test_the_lockfile_is_not_believed(
    vxsec_run: Vxsec, shop: Shop, live: tuple[Path, Path], edit: dict[str, Any], code: str
) -> None:
    lockfile = shop.lockfile(*live, edit={"@acme/base": edit})
    document = json.loads(lockfile.read_text(encoding="utf-8"))
    entry = document["packages"]["node_modules/@acme/base"]
    if str(edit.get("integrity", "")).startswith("AND "):
        honest = vxsec.open_artifact(live[0]).digests.integrity
        entry["integrity"] = entry["integrity"].replace("AND", honest)
    document["packages"]["node_modules/@acme/base"] = {key: value for key, value in entry.items() if value is not None}
    lockfile.write_text(json.dumps(document), encoding="utf-8")
    answer = verify(vxsec_run, shop, lockfile)
    assert answer.status == 10, answer.out + answer.err
    assert code in failures(answer).values()


def _swapped_in_registry(shop: Shop, live: tuple[Path, Path]) -> Path:
    shop.registry.tamper_tarball("@acme/base", "1.0.0", pack({"name": "@acme/base", "version": "1.0.0"}))
    return shop.lockfile(*live)


def _swapped_and_locked(shop: Shop, live: tuple[Path, Path]) -> Path:
    other = shop.folder / "other.tgz"
    other.write_bytes(pack({"name": "@acme/base", "version": "1.0.0", "main": "index.js"}, {"index.js": b"steal()"}))
    shop.registry.tamper_tarball("@acme/base", "1.0.0", other.read_bytes())
    return shop.lockfile(other, live[1])


def _refused_bytes(shop: Shop, live: tuple[Path, Path]) -> Path:
    shop.registry.tamper_tarball("@acme/base", "1.0.0", b"not a tarball")
    integrity = digest_bytes(b"not a tarball").integrity
    return shop.lockfile(*live, edit={"@acme/base": {"integrity": integrity}})


def _another_package(shop: Shop, live: tuple[Path, Path]) -> Path:
    data = live[1].read_bytes()
    shop.registry.tamper_tarball("@acme/base", "1.0.0", data)
    integrity = vxsec.open_artifact(data).digests.integrity
    return shop.lockfile(*live, edit={"@acme/base": {"integrity": integrity}})


REGISTRY: dict[str, tuple[Callable[[Shop, tuple[Path, Path]], Path], str]] = {
    "the registry serves other bytes than the lockfile pins": (_swapped_in_registry, "tree.integrity-mismatch"),
    "registry and lockfile agree on bytes nobody signed": (_swapped_and_locked, "signature.subject-mismatch"),
    "the bytes are refused": (_refused_bytes, "archive."),
    "the tarball holds another package": (_another_package, "tree.other-package"),
}


@pytest.mark.parametrize(("change", "code"), REGISTRY.values(), ids=REGISTRY.keys())
def test_bytes_that_are_wrong_are_10_whatever_the_rules(
    vxsec_run: Vxsec, shop: Shop, live: tuple[Path, Path], change: Callable[[Shop, tuple[Path, Path]], Path], code: str
) -> None:
    lockfile = change(shop, live)
    answer = verify(vxsec_run, shop, lockfile)
    assert answer.status == 10, answer.out + answer.err
    assert any(found.startswith(code) for found in failures(answer).values()), failures(answer)


FOREIGN: dict[str, tuple[str, dict[str, Any], str]] = {
    "a shrinkwrap hides what is below it": ("left-pad", {"hasShrinkwrap": True}, "tree.nested-shrinkwrap"),
    "either of two files": (
        "left-pad",
        {"integrity": f"{OTHER_INTEGRITY} sha512-{'B' * 86}=="},
        "tree.integrity-ambiguous",
    ),
    "an own name in other letters": ("@ACME/base", {}, "tree.own-name-case"),
}


@pytest.mark.parametrize(("name", "edit", "code"), FOREIGN.values(), ids=FOREIGN.keys())
def test_a_foreign_entry_cannot_bring_what_was_not_checked(
    vxsec_run: Vxsec, shop: Shop, live: tuple[Path, Path], name: str, edit: dict[str, Any], code: str
) -> None:
    lockfile = shop.lockfile(*live)
    document = json.loads(lockfile.read_text(encoding="utf-8"))
    document["packages"][f"node_modules/{name}"] = {"version": "1.3.0", "integrity": OTHER_INTEGRITY, **edit}
    lockfile.write_text(json.dumps(document), encoding="utf-8")
    answer = verify(vxsec_run, shop, lockfile)
    assert answer.status == 10, answer.out
    assert code in failures(answer).values()


def test_git_is_not_what_the_registry_serves(vxsec_run: Vxsec, shop: Shop) -> None:
    other = shop.pack("left", manifest={"name": "left"})
    data = other.read_bytes()
    shop.registry.publish(_publish_body("left", data))
    entry = {
        "version": "1.0.0",
        "resolved": "git+ssh://git@evil.example.test/left.git#" + "0" * 40,
        "integrity": digest_bytes(data).integrity,
    }
    document = {"lockfileVersion": 3, "packages": {"": {"dependencies": {"left": "1"}}, "node_modules/left": entry}}
    lockfile = shop.folder / "package-lock.json"
    lockfile.write_text(json.dumps(document), encoding="utf-8")
    (shop.folder / ".npmrc").write_text(shop.registry.npmrc(), encoding="utf-8")
    policy = shop.policy("{id: a, use: archive.safe}", registry="other")
    answer = verify(vxsec_run, shop, lockfile, policy=policy)
    assert answer.status == 10, answer.out
    assert failures(answer) == {"left@1.0.0": "tree.source"}
    del entry["resolved"]
    lockfile.write_text(json.dumps(document), encoding="utf-8")
    assert verify(vxsec_run, shop, lockfile, policy=policy).status == 0


def _publish_body(name: str, data: bytes) -> bytes:
    digests = digest_bytes(data)
    dist = {"integrity": digests.integrity, "shasum": digests.sha1}
    version = {"name": name, "version": "1.0.0", "dist": dist}
    attachment = {
        "content_type": "application/octet-stream",
        "data": base64.b64encode(data).decode(),
        "length": len(data),
    }
    document = {
        "name": name,
        "dist-tags": {"latest": "1.0.0"},
        "versions": {"1.0.0": version},
        "_attachments": {f"{name}-1.0.0.tgz": attachment},
    }
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    "rules", ["{id: l, use: deps.lockfile}", "{id: a, use: archive.safe}"], ids=["pins only", "archives only"]
)
@pytest.mark.parametrize(
    "change", [_swapped_in_registry, _swapped_and_locked], ids=["other bytes", "bytes nobody signed"]
)
def test_own_bytes_are_compared_whatever_the_rules(
    vxsec_run: Vxsec,
    shop: Shop,
    live: tuple[Path, Path],
    change: Callable[[Shop, tuple[Path, Path]], Path],
    rules: str,
) -> None:
    answer = verify(vxsec_run, shop, change(shop, live), policy=shop.policy(rules))
    assert answer.status == 10, answer.out


def test_the_log_says_what_the_command_said(vxsec_run: Vxsec, shop: Shop, live: tuple[Path, Path]) -> None:
    log = shop.folder / "log.jsonl"
    assert verify(vxsec_run, shop, shop.lockfile(*live), more=("--log", log)).status == 0
    bad = shop.lockfile(*live, edit={"@acme/base": {"integrity": OTHER_INTEGRITY}})
    assert verify(vxsec_run, shop, bad, more=("--log", log)).status == 10
    assert verify(vxsec_run, shop, shop.lockfile(), more=("--log", log)).status == 0
    records = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert [(record["verdict"], record["exitStatus"]) for record in records] == [
        ("allow", 0),
        ("deny", 10),
        ("allow", 0),
    ]
    found = [result["code"] for subject in records[1]["subjects"] for result in subject["results"]]
    assert "tree.integrity-mismatch" in found
    refused = vxsec_run(
        "verify", "--lockfile", bad, "--policy", "vxsec:recommended", "--trust", shop.trust, "--log", "/dev/full"
    )
    assert (refused.status, "error[log.write-failed]" in refused.err) == (
        4,
        True,
    )  # the lockfile was rewritten and is good
    bad = shop.lockfile(*live, edit={"@acme/base": {"integrity": OTHER_INTEGRITY}})
    refused = vxsec_run(
        "verify", "--lockfile", bad, "--policy", "vxsec:recommended", "--trust", shop.trust, "--log", "/dev/full"
    )
    assert refused.status == 10  # a refusal does not turn into something to try again


def test_a_manifest_that_hides_a_script_is_a_rules_refusal(
    vxsec_run: Vxsec, shop: Shop, live: tuple[Path, Path]
) -> None:
    def lie(packument: dict[str, Any]) -> dict[str, Any]:
        packument["versions"]["1.0.0"]["scripts"] = {"postinstall": "node steal.js"}
        return packument

    shop.registry.tamper_packument("@acme/base", lie)
    answer = verify(vxsec_run, shop, shop.lockfile(*live))
    assert answer.status == 11
    assert denied(answer) == {"manifest.consistent": "manifest.mismatch"}


def test_evidence_that_is_withheld_is_a_refusal(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("bare")
    lenient = shop.policy("{id: a, use: archive.safe}")
    assert vxsec.publish([path], policy=lenient, trust=shop.trust).exit_status == 0
    answer = verify(vxsec_run, shop, shop.lockfile(path))
    assert answer.status == 11
    assert denied(answer)["signature.threshold"] == "signature.none"


@pytest.mark.parametrize("how", ["offline", "drop", "500", "hidden"])
def test_a_registry_that_cannot_be_asked_is_undecided(
    vxsec_run: Vxsec, shop: Shop, live: tuple[Path, Path], how: str
) -> None:
    lockfile = shop.lockfile(*live)
    more: tuple[object, ...] = ()
    if how == "offline":
        more = ("--offline",)
    elif how == "drop":
        shop.registry.drop_connection("GET", "/", times=999)
    elif how == "500":
        shop.registry.fail_next("GET", "/", status=500, times=999)
    else:
        shop.registry.authenticated_reads = True
        shop.registry.hide_unauthenticated = True
        (shop.folder / ".npmrc").write_text(f"@acme:registry={shop.registry.url}\n", encoding="utf-8")
    answer = verify(vxsec_run, shop, lockfile, more=more)
    assert answer.status == 4, answer.out + answer.err
    assert answer.json["totals"]["notEvaluated"] == 2


def test_one_cause_is_told_once(vxsec_run: Vxsec, shop: Shop, live: tuple[Path, Path]) -> None:
    lockfile = shop.lockfile(*live)
    arguments = ("verify", "--lockfile", lockfile, "--policy", "vxsec:recommended", "--trust", shop.trust)
    answer = vxsec_run(*arguments, "--offline")
    assert answer.out.count("NOT EVALUATED") == 1
    assert "not-collected" not in answer.out
    assert "unsigned file" in answer.out
    marked = vxsec_run(*arguments, "--at", "2027-01-01T00:00:00Z")
    assert "judged as of 2027-01-01T00:00:00Z, not now" in marked.out


def test_a_dependency_from_elsewhere_is_allowed_unsigned_without_fetching(
    vxsec_run: Vxsec, shop: Shop, live: tuple[Path, Path]
) -> None:
    lockfile = shop.lockfile(*live)
    document = json.loads(lockfile.read_text(encoding="utf-8"))
    document["packages"]["node_modules/left-pad"] = {"version": "1.3.0", "integrity": OTHER_INTEGRITY}
    document["packages"][""]["dependencies"]["left-pad"] = "^1.3.0"
    lockfile.write_text(json.dumps(document), encoding="utf-8")
    before = len(shop.registry.requests)
    answer = verify(vxsec_run, shop, lockfile)
    assert answer.status == 0, answer.out
    assert answer.json["totals"]["allowedUnsigned"] == 1
    assert not any("left-pad" in request.path for request in shop.registry.requests[before:])


def test_an_own_name_under_another_registrys_url_is_confusion(
    vxsec_run: Vxsec, shop: Shop, live: tuple[Path, Path]
) -> None:
    evil = {"resolved": "https://evil.example.test/@acme/base/-/base-1.0.0.tgz"}
    answer = verify(vxsec_run, shop, shop.lockfile(*live, edit={"@acme/base": evil}))
    assert answer.status == 11
    assert list(denied(answer)) == ["deps.confusion"]
    (shop.folder / ".npmrc").write_text("", encoding="utf-8")
    answer = verify(vxsec_run, shop, shop.lockfile(*live))
    assert answer.status == 11
    assert list(denied(answer)) == ["deps.confusion"]


def _bundling(shop: Shop, *, inner: str = "1.0.0") -> Path:
    manifest = {"dependencies": {"left-pad": f"^{inner}"}, "bundleDependencies": ["left-pad"]}
    files = {
        "index.js": b"",
        "node_modules/left-pad/package.json": json.dumps({"name": "left-pad", "version": inner}).encode(),
    }
    path = shop.pack("bundler", manifest=manifest, files=files)
    inside = {"version": inner, "integrity": OTHER_INTEGRITY, "inBundle": True}
    root = {"name": "@acme/bundler", "version": "1.0.0", **manifest}
    packages = {"": root, "node_modules/left-pad": inside}
    document = {"name": "@acme/bundler", "version": "1.0.0", "lockfileVersion": 3, "packages": packages}
    (shop.folder / "package-lock.json").write_text(json.dumps(document), encoding="utf-8")
    shop.release(path)
    assert vxsec.publish([path], policy="vxsec:recommended", trust=shop.trust).exit_status == 0
    return path


@pytest.mark.parametrize(
    ("inner", "name", "status", "code"),
    [
        ("1.0.0", "left-pad", 0, None),
        ("6.6.6", "left-pad", 10, "tree.bundle-differs"),
        ("1.0.0", "right-pad", 10, "tree.bundle"),
    ],
    ids=["in the parent's bytes", "with another version there", "not there at all"],
)
def test_bundled_is_what_the_parents_bytes_contain(
    vxsec_run: Vxsec, shop: Shop, inner: str, name: str, status: int, code: str | None
) -> None:
    path = _bundling(shop, inner=inner)
    extra: dict[str, Any] = {"dependencies": {name: "^1.0.0"}, "bundleDependencies": [name]}
    lockfile = shop.lockfile(path, edit={"@acme/bundler": extra})
    document = json.loads(lockfile.read_text(encoding="utf-8"))
    document["packages"][f"node_modules/@acme/bundler/node_modules/{name}"] = {"version": "1.0.0", "inBundle": True}
    lockfile.write_text(json.dumps(document), encoding="utf-8")
    answer = verify(vxsec_run, shop, lockfile)
    assert answer.status == status, answer.out + answer.err
    if code is None:
        assert answer.json["totals"]["bundled"] == 1
        assert answer.json["totals"]["verified"] == 2
    else:
        assert any(found.startswith(code) for found in failures(answer).values()), failures(answer)


def test_bundled_packages_the_lockfile_does_not_list_are_found(vxsec_run: Vxsec, shop: Shop) -> None:
    lockfile = shop.lockfile(_bundling(shop))
    answer = verify(vxsec_run, shop, lockfile)
    assert answer.status == 10
    assert "tree.bundle-unlisted" in failures(answer).values()


def test_workspaces_are_local_and_nothing_else_is(vxsec_run: Vxsec, shop: Shop) -> None:
    packages: dict[str, Any] = {
        "": {"name": "mono", "workspaces": ["packages/*"]},
        "node_modules/@acme/a": {"resolved": "packages/a", "link": True},
        "packages/a": {"name": "@acme/a", "version": "1.0.0"},
    }
    path = shop.folder / "package-lock.json"

    def run() -> Answer:
        document = {"name": "mono", "lockfileVersion": 3, "requires": True, "packages": packages}
        path.write_text(json.dumps(document), encoding="utf-8")
        return verify(vxsec_run, shop, path)

    answer = run()
    assert answer.status == 0, answer.out
    assert answer.json["totals"]["local"] == 3
    packages["node_modules/@acme/b"] = {"resolved": "../elsewhere/b", "link": True}
    packages["../elsewhere/b"] = {"name": "@acme/b", "version": "1.0.0"}
    answer = run()
    assert answer.status == 10


FORMATS: dict[str, tuple[str, bytes]] = {
    "pnpm": ("pnpm-lock.yaml", b"lockfileVersion: '9.0'\n"),
    "yarn": ("yarn.lock", b"# yarn lockfile v1\n"),
    "bun": ("bun.lock", b"{}\n"),
    "npm 6": ("package-lock.json", b'{"name":"x","lockfileVersion":1,"dependencies":{}}'),
}


@pytest.mark.parametrize(("name", "data"), FORMATS.values(), ids=FORMATS.keys())
def test_a_format_not_read_yet_is_named(vxsec_run: Vxsec, shop: Shop, name: str, data: bytes) -> None:
    path = shop.folder / name
    path.write_bytes(data)
    answer = vxsec_run("verify", "--lockfile", path, "--policy", "vxsec:recommended", "--trust", shop.trust)
    assert answer.status == 4
    assert "lockfile.unsupported" in answer.out
    assert name in answer.out
    inspected = vxsec_run("inspect", path)
    assert inspected.status == 3
    assert name in inspected.err
    kernel = shop.pack("kernel")
    rules = "{id: a, use: archive.safe}\n{id: l, use: deps.lockfile}"
    gated = vxsec_run(
        "gate", kernel, "--policy", shop.policy(rules), "--trust", shop.trust, "--lockfile", path, "--json"
    )
    assert gated.status == 4
    assert {r["use"]: r["verdict"] for r in gated.json["subjects"][0]["results"]}["deps.lockfile"] == "unknown"


MALFORMED: dict[str, bytes] = {
    "duplicate keys": b'{"lockfileVersion":3,"packages":{"":{}},"packages":{}}',
    "not JSON": b"{",
    "packages is a list": b'{"lockfileVersion":3,"packages":[]}',
    "a path that climbs": b'{"lockfileVersion":3,"packages":{"":{},"node_modules/../../x":{"version":"1.0.0"}}}',
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_lockfile_is_refused(vxsec_run: Vxsec, shop: Shop, data: bytes) -> None:
    path = shop.folder / "package-lock.json"
    path.write_bytes(data)
    answer = vxsec_run("verify", "--lockfile", path, "--policy", "vxsec:recommended", "--trust", shop.trust)
    assert answer.status == 10, answer.out
    assert answer.err.startswith("error[")


def test_usage(vxsec_run: Vxsec, shop: Shop) -> None:
    lockfile = shop.lockfile()
    assert vxsec_run("verify", "--lockfile", lockfile, "--trust", shop.trust).status == 2
    assert vxsec_run("verify", "--lockfile", lockfile, "--policy", "vxsec:minimal").status == 2
    assert (
        vxsec_run("verify", "--lockfile", lockfile, "x.tgz", "--policy", "vxsec:minimal", "--trust", shop.trust).status
        == 2
    )
    assert (
        vxsec_run("verify", "--lockfile", "gone.json", "--policy", "vxsec:minimal", "--trust", shop.trust).status == 2
    )
