"""``vxsec keys``, ``sign``, ``attest``, ``verify FILE`` and ``inspect`` from the command line."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

import vxsec
from support.shop import PASSWORD
from vxsec.formats.tar_writer import write_tarball
from vxsec.testing.artifacts import pack

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from e2e.conftest import Answer, Program, Vxsec
    from support.shop import Shop

REGISTRY = "https://registry.example.test/"
RELEASE = "urn:vxsec:release:v1"


def sign(
    vxsec_run: Vxsec, shop: Shop, *files: Path, key: str = "ci", more: tuple[object, ...] = ("--registry", REGISTRY)
) -> Answer:
    return vxsec_run("sign", *files, "--signer", shop.uri(key), *more)


# -- keys ---------------------------------------------------------------------------------------------------------------


def test_generate_writes_an_encrypted_key_only_its_owner_reads(vxsec_run: Vxsec, shop: Shop) -> None:
    answer = vxsec_run("keys", "generate", "new", "--password-file", shop.folder / "password", "--json")
    assert answer.status == 0, answer.err
    private = shop.folder / "new.key"
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert private.read_bytes().startswith(b"-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n")
    shown = vxsec_run("keys", "show", "new.pub", "--json")
    assert shown.json["hint"] == answer.json["hint"]
    again = vxsec_run("keys", "generate", "new", "--password-file", shop.folder / "password")
    assert (again.status, "error[file.exists]" in again.err) == (2, True)
    path = shop.pack("kernel")
    signed = vxsec_run(
        "sign", path, "--signer", "file:new.key", "--registry", REGISTRY, "--password-file", shop.folder / "password"
    )
    assert signed.status == 0, signed.err
    assert vxsec_run("verify", path, "--key", "new.pub").status == 0


def test_without_a_terminal_and_without_a_password_nothing_waits(program: Program, shop: Shop) -> None:
    answer = program("keys", "generate", "new", cwd=shop.folder)
    assert answer.status == 2
    assert "error[keys.no-password]" in answer.err
    assert "--password-file" in answer.err
    path = shop.pack("kernel")
    signed = program("sign", path, "--signer", f"file:{shop.keys / 'ci'}.key", "--registry", REGISTRY, cwd=shop.folder)
    assert (signed.status, "error[sign.no-password]" in signed.err) == (2, True)


@pytest.mark.parametrize("algorithm", ["ecdsa-p384", "ed25519"])
def test_other_algorithms(vxsec_run: Vxsec, shop: Shop, algorithm: str) -> None:
    made = vxsec_run("keys", "generate", "new", "--algorithm", algorithm, "--password-file", "password")
    assert made.status == 0
    assert algorithm in made.out
    path = shop.pack("kernel")
    vxsec.sign([path], signers=["new.key"], registry=REGISTRY, password=PASSWORD)
    assert vxsec_run("verify", path, "--key", "new.pub").status == 0


# -- sign and verify ----------------------------------------------------------------------------------------------------


def test_what_is_signed_is_a_release_statement(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel")
    answer = sign(
        vxsec_run,
        shop,
        path,
        more=("--registry", "HTTPS://Registry.Example.test:443", "--expires", "2030-01-01T00:00:00Z", "--json"),
    )
    assert answer.status == 0, answer.err
    line = (shop.folder / f"{path.name}.sigstore.jsonl").read_bytes()
    bundle = json.loads(line)
    assert bundle["mediaType"] == "application/vnd.dev.sigstore.bundle.v0.3+json"
    import base64

    statement = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
    artifact: Any = vxsec.open_artifact(path)
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == RELEASE
    assert statement["predicate"]["registry"] == REGISTRY
    assert statement["predicate"]["version"] == "1.0.0"
    assert statement["predicate"]["expires"] == "2030-01-01T00:00:00Z"
    assert statement["subject"] == [
        {
            "name": "pkg:npm/%40acme/kernel@1.0.0",
            "digest": {"sha256": artifact.digests.sha256, "sha512": artifact.digests.sha512},
        }
    ]


def test_every_signer_appends_one_bundle(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel")
    answer = vxsec_run("sign", path, "--signer", shop.uri("ci"), "--signer", shop.uri("ci2"), "--trust", shop.trust)
    assert answer.status == 0
    assert len((shop.folder / f"{path.name}.sigstore.jsonl").read_bytes().splitlines()) == 2
    keys = ("--key", shop.keys / "ci.pub", "--key", shop.keys / "ci2.pub")
    assert vxsec_run("verify", path, *keys, "--threshold", 2, "--type", RELEASE).status == 0
    assert vxsec_run("verify", path, *keys, "--threshold", 3, "--type", RELEASE).status == 10
    assert vxsec_run("verify", path, *keys, "--threshold", 2).status == 2
    one = ("--key", shop.keys / "ci.pub", "--key", shop.keys / "ci.pub")
    assert vxsec_run("verify", path, *one, "--threshold", 2, "--type", RELEASE).status == 10


def test_a_blob_of_any_kind(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.folder / "notes.txt"
    path.write_text("hello", encoding="utf-8")
    assert sign(vxsec_run, shop, path, more=("--blob",)).status == 0
    verified = vxsec_run("verify", path, "--key", shop.keys / "ci.pub")
    assert verified.status == 0
    assert "bare signature" in verified.out
    assert vxsec_run("verify", path, "--key", shop.keys / "ci.pub", "--type", RELEASE).status == 10
    path.write_text("hello!", encoding="utf-8")
    assert vxsec_run("verify", path, "--key", shop.keys / "ci.pub").status == 10


def test_a_bundle_written_alone(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel")
    assert sign(vxsec_run, shop, path, more=("--registry", REGISTRY, "--bundle", "out.json")).status == 0
    assert not (shop.folder / f"{path.name}.sigstore.jsonl").exists()
    assert vxsec_run("verify", path, "--key", shop.keys / "ci.pub", "--bundle", "out.json").status == 0
    two = sign(vxsec_run, shop, path, shop.pack("other"), more=("--registry", REGISTRY, "--bundle", "out.json"))
    assert (two.status, "error[usage.bundle]" in two.err) == (2, True)


def test_any_statement(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel")
    (shop.folder / "predicate.json").write_text('{"passed": true}', encoding="utf-8")
    kind = "https://example.test/tested/v1"
    answer = vxsec_run("attest", path, "--type", kind, "--predicate", "predicate.json", "--signer", shop.uri("ci"))
    assert answer.status == 0, answer.err
    assert vxsec_run("verify", path, "--key", shop.keys / "ci.pub", "--type", kind).status == 0
    own = vxsec_run("attest", path, "--type", RELEASE, "--predicate", "predicate.json", "--signer", shop.uri("ci"))
    assert (own.status, "error[attest.reserved-type]" in own.err) == (2, True)


def test_with_a_trust_document_a_machines_release_counts(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel")
    shop.sign(path)
    answer = vxsec_run("verify", path, "--trust", shop.trust)
    assert answer.status == 0, answer.out
    assert "by ci" in answer.out
    approved = shop.pack("approved")
    shop.approve(approved)
    assert vxsec_run("verify", approved, "--trust", shop.trust).status == 10
    assert vxsec_run("verify", approved, "--trust", shop.trust, "--type", "urn:vxsec:approval:v1").status == 0
    bare = shop.pack("bare")
    sign(vxsec_run, shop, bare, more=("--blob",))
    assert vxsec_run("verify", bare, "--trust", shop.trust).status == 10


def test_an_expired_statement_verifies_only_as_of_before(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel")
    begun = datetime(2026, 1, 1, tzinfo=UTC)
    vxsec.sign([path], signers=[shop.uri("ci")], trust=shop.trust, now=begun, expires=begun + timedelta(days=1))
    for trust in (("--key", shop.keys / "ci.pub"), ("--trust", shop.trust)):
        answer = vxsec_run("verify", path, *trust, "--json")
        assert answer.status == 10
        assert answer.json["files"][0]["code"] == "statement.expired"
        then = vxsec_run("verify", path, *trust, "--at", "2026-01-01T12:00:00Z", "--json")
        assert (then.status, then.json["asOf"], then.json["at"]) == (0, True, "2026-01-01T12:00:00Z")
    gated = vxsec_run("gate", path, "--policy", "vxsec:minimal", "--trust", shop.trust)
    assert gated.status == 11


def test_an_archive_that_is_no_package_is_a_file_like_any_other(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.folder / "chart.tgz"
    path.write_bytes(write_tarball({"Chart.yaml": b"name: chart\n"}, root="chart"))
    assert sign(vxsec_run, shop, path, more=("--blob",)).status == 0
    assert vxsec_run("verify", path, "--key", shop.keys / "ci.pub").status == 0
    assert vxsec_run("verify", path, "--trust", shop.trust).status == 10


def test_many_files_in_one_call(vxsec_run: Vxsec, shop: Shop) -> None:
    files = [shop.pack(f"p{number}") for number in range(5)]
    shop.sign(*files)
    files[3].write_bytes(files[2].read_bytes())
    answer = vxsec_run("verify", *files, "--key", shop.keys / "ci.pub", "--json")
    assert answer.status == 10
    assert [item["verified"] for item in answer.json["files"]] == [True, True, True, False, True]
    assert answer.json["files"][3]["code"] == "signature.subject-mismatch"


def _tampered(_shop: Shop, path: Path) -> None:
    path.write_bytes(pack({"name": "@acme/kernel", "version": "1.0.0"}))


def _no_sidecar(shop: Shop, path: Path) -> None:
    (shop.folder / f"{path.name}.sigstore.jsonl").unlink()


def _edit_bundle(change: Callable[[dict[str, Any]], object]) -> Callable[[Shop, Path], None]:
    def edit(shop: Shop, path: Path) -> None:
        sidecar = shop.folder / f"{path.name}.sigstore.jsonl"
        bundle = json.loads(sidecar.read_bytes())
        change(bundle)
        sidecar.write_text(json.dumps(bundle), encoding="utf-8")

    return edit


def _refused_archive(shop: Shop, path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"trailing")
    vxsec.sign([path], signers=[shop.uri("ci")], blob=True)


REFUSED: dict[str, tuple[Callable[[Shop, Path], None], str]] = {
    "other bytes": (_tampered, "signature.subject-mismatch"),
    "no signature": (_no_sidecar, "signature.none"),
    "a signature changed": (
        _edit_bundle(lambda b: b["dsseEnvelope"]["signatures"][0].update(sig="MEUCIQ==")),
        "signature.invalid",
    ),
    "two signatures": (
        _edit_bundle(lambda b: b["dsseEnvelope"]["signatures"].append(b["dsseEnvelope"]["signatures"][0])),
        "bundle.",
    ),
    "another payload type": (
        _edit_bundle(lambda b: b["dsseEnvelope"].update(payloadType="text/plain")),
        "bundle.payload-type",
    ),
    "an unknown media type": (_edit_bundle(lambda b: b.update(mediaType="application/x")), "bundle."),
    "bytes no installer sees alike": (_refused_archive, "archive."),
}


@pytest.mark.parametrize(("change", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses(vxsec_run: Vxsec, shop: Shop, change: Callable[[Shop, Path], None], code: str) -> None:
    path = shop.pack("kernel")
    sign(vxsec_run, shop, path)
    change(shop, path)
    answer = vxsec_run("verify", path, "--key", shop.keys / "ci.pub", "--json")
    assert answer.status == 10, answer.out + answer.err
    assert answer.json["files"][0]["code"].startswith(code), answer.out
    text = vxsec_run("verify", path, "--key", shop.keys / "ci.pub")
    assert "NOT VERIFIED" in text.out


def test_refuses_another_key_name_registry_and_expectation(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel")
    sign(vxsec_run, shop, path)
    key = ("--key", shop.keys / "ci.pub")
    assert vxsec_run("verify", path, "--key", shop.keys / "mallory.pub").status == 10
    assert vxsec_run("verify", path, *key, "--expect", "@acme/kernel@1.0.0").status == 0
    assert vxsec_run("verify", path, *key, "--expect", "@acme/kernel@2.0.0").status == 10
    assert vxsec_run("verify", path, *key, "--registry", REGISTRY).status == 0
    assert vxsec_run("verify", path, *key, "--registry", "https://other.example.test/").status == 10
    assert vxsec_run("verify", path, "--trust", shop.trust).status == 10  # signed for another registry


USAGE: dict[str, tuple[tuple[object, ...], str]] = {
    "no trust input": (("verify", "x.tgz"), "verify.no-trust"),
    "keys and trust": (("verify", "x.tgz", "--key", "ci.pub", "--trust", "trust.yaml"), "verify.no-trust"),
    "a missing key": (("verify", "x.tgz", "--key", "gone.pub"), "file.missing"),
    "a missing file": (("verify", "gone.tgz", "--key", "password"), "key.malformed"),
    "a policy without a lockfile": (
        ("verify", "x.tgz", "--key", "x.tgz", "--policy", "vxsec:minimal"),
        "usage.options",
    ),
    "sign without registry": (("sign", "x.tgz", "--signer", "KEY"), "registry.missing"),
    "sign with an unknown signer": (("sign", "x.tgz", "--signer", "magic:x", "--registry", REGISTRY), "signer.unknown"),
    "sign with a signer of a later version": (
        ("sign", "x.tgz", "--signer", "pkcs11:x", "--registry", REGISTRY),
        "signer.not-supported",
    ),
    "an unknown command": (("frobnicate",), "usage"),
    "a blob for a registry": (("sign", "x.tgz", "--signer", "KEY", "--blob", "--registry", REGISTRY), "usage.options"),
    "an expectation without a version": (("verify", "x.tgz", "--key", "x.tgz", "--expect", "kernel"), "usage.expect"),
    "a registry allowed for a tarball": (("inspect", "x.tgz", "--allow-registry", REGISTRY), "usage.options"),
    "an expectation of a lockfile": (("inspect", "package-lock.json", "--expect", "a@1.0.0"), "usage.options"),
    "transport for a file": (("verify", "x.tgz", "--key", "x.tgz", "--unsafe-http", REGISTRY), "usage.options"),
    "a predicate type that is no URI": (
        ("attest", "x.tgz", "--type", "foo", "--predicate", "password", "--signer", "KEY"),
        "attest.type",
    ),
    "a predicate that is no JSON": (
        ("attest", "x.tgz", "--type", "urn:x", "--predicate", "password", "--signer", "KEY"),
        "json.syntax",
    ),
    "an empty password": (("keys", "generate", "new", "--password-file", "empty"), "usage.password"),
    "a name that is not on the list": (
        ("sign", "y.tgz", "--signer", "KEY", "--trust", "trust.yaml"),
        "registry.missing",
    ),
}


@pytest.mark.parametrize(("arguments", "code"), USAGE.values(), ids=USAGE.keys())
def test_usage_errors(vxsec_run: Vxsec, shop: Shop, arguments: tuple[object, ...], code: str) -> None:
    shop.pack("x").rename(shop.folder / "x.tgz")
    shop.pack("y", manifest={"name": "unlisted"}).rename(shop.folder / "y.tgz")
    (shop.folder / "empty").write_bytes(b"\n")
    answer = vxsec_run(*[shop.uri("ci") if item == "KEY" else item for item in arguments])
    assert answer.status == 2, answer.err
    assert f"error[{code}]: " in answer.err


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("verify",), "with --lockfile package-lock.json"),
        (
            ("verify", "package-lock.json", "--policy", "p.yaml", "--trust", "trust.yaml"),
            "add --lockfile before the lockfile's name",
        ),
        (("verify", "a/npm-shrinkwrap.json", "--offline"), "add --lockfile before the lockfile's name"),
        (("verify", "x.tgz", "--policy", "p.yaml"), "files are judged by vxsec gate"),
        (("verify", "x.tgz", "--offline"), "leave --offline out"),
        (("sign", "x.tgz", "--signer", "file:a", "--password-env", "NOT_SET_HERE"), "--password-file FILE"),
        (
            ("sign", "x.tgz", "--signer", "file:a", "--password-env", "A", "--password-file", "b"),
            "leave one of the two out",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "hint",
)
def test_a_usage_error_says_what_to_type(vxsec_run: Vxsec, arguments: tuple[str, ...], hint: str) -> None:
    answer = vxsec_run(*arguments)
    assert answer.status == 2
    assert "hint: " in answer.err
    assert hint in answer.err


def test_evidence_beside_the_files_is_not_taken_for_one(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel")
    assert sign(vxsec_run, shop, path).status == 0
    answer = sign(vxsec_run, shop, path, shop.folder / f"{path.name}.sigstore.jsonl")
    assert answer.status == 10
    assert "hint: give the .tgz files only" in answer.err


def test_names_cannot_speak_to_the_terminal(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.folder / "evil\x1b[31m\u202e.tgz"
    path.write_bytes(pack({"name": "@acme/kernel", "version": "1.0.0"}))
    for arguments in (
        ("inspect", path),
        ("verify", path, "--key", shop.keys / "ci.pub"),
        ("verify", f"{path}x", "--key", shop.keys / "ci.pub"),
    ):
        answer = vxsec_run(*arguments)
        assert "\x1b" not in answer.out + answer.err
        assert "\u202e" not in answer.out + answer.err
        assert "\\x1b" in answer.out + answer.err


# -- inspect ------------------------------------------------------------------------------------------------------------


def test_inspect_shows_everything(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel")
    artifact: Any = vxsec.open_artifact(path)
    answer = vxsec_run("inspect", path, "--expect", "@acme/kernel@1.0.0")
    assert answer.status == 0
    for text in (artifact.digests.sha512, artifact.digests.integrity, "index.js", "@acme/kernel@1.0.0", "SOUND"):
        assert text in answer.out
    as_json = vxsec_run("inspect", path, "--json").json
    assert as_json["purl"] == "pkg:npm/%40acme/kernel@1.0.0"
    assert [file["path"] for file in as_json["files"]] == ["package.json", "index.js"]


def _packument(path: Path, **dist: object) -> dict[str, Any]:
    artifact: Any = vxsec.open_artifact(path)
    manifest = {**artifact.manifest.document, "dist": {"integrity": artifact.digests.integrity, **dist}}
    return {"name": "@acme/kernel", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": manifest}}


PACKUMENTS: dict[str, tuple[Callable[[dict[str, Any]], object], str | None]] = {
    "an honest one": (lambda _: None, None),
    "hides nothing but says another integrity": (
        lambda p: p["versions"]["1.0.0"]["dist"].update(integrity="sha512-" + "A" * 86 + "=="),
        "packument.integrity-mismatch",
    ),
    "only sha1": (
        lambda p: p["versions"]["1.0.0"]["dist"].update(integrity="sha1-" + "A" * 27 + "="),
        "packument.integrity-weak",
    ),
    "no integrity": (lambda p: p["versions"]["1.0.0"]["dist"].pop("integrity"), "packument.integrity-missing"),
    "adds a script": (lambda p: p["versions"]["1.0.0"].update(scripts={"test": "x"}), "manifest.mismatch"),
    "adds an install script": (
        lambda p: p["versions"]["1.0.0"].update(scripts={"install": "x"}, hasInstallScript=True),
        "manifest.hidden-script",
    ),
    "hides a dependency": (lambda p: p["versions"]["1.0.0"].update(dependencies={}), "manifest.mismatch"),
    "does not list the version": (lambda p: p["versions"].clear(), "packument.version"),
}


@pytest.mark.parametrize(("change", "code"), PACKUMENTS.values(), ids=PACKUMENTS.keys())
def test_inspect_against_a_packument(
    vxsec_run: Vxsec, shop: Shop, change: Callable[[dict[str, Any]], object], code: str | None
) -> None:
    path = shop.pack("kernel", manifest={"dependencies": {"left-pad": "^1.0.0"}})
    packument = _packument(path)
    change(packument)
    (shop.folder / "packument.json").write_text(json.dumps(packument), encoding="utf-8")
    answer = vxsec_run("inspect", path, "--packument", "packument.json", "--json")
    assert answer.status == (11 if code else 0), answer.out
    high = {item["code"] for item in answer.json["findings"] if item["severity"] == "high"}
    assert high == ({code} if code else set())


def test_inspect_refuses_and_finds(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel")
    assert vxsec_run("inspect", path, "--expect", "@acme/other@1.0.0").status == 11
    scripted = shop.pack("scripted", manifest={"scripts": {"install": "node x"}})
    assert vxsec_run("inspect", scripted).status == 0
    assert vxsec_run("inspect", scripted, "--fail-on", "medium").status == 11
    path.write_bytes(path.read_bytes()[:-5])
    refused = vxsec_run("inspect", path)
    assert refused.status == 10
    assert "REFUSED" in refused.out
    assert vxsec_run("inspect", path, "--json").json["verdict"] == "refused"


def test_inspect_an_archive_that_is_no_package(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.folder / "thing-1.0.tar.gz"
    path.write_bytes(write_tarball({"Chart.yaml": b"name: thing\n"}, root="thing-1.0"))
    answer = vxsec_run("inspect", path)
    assert answer.status == 0, answer.out
    assert "top directory thing-1.0" in answer.out
    assert vxsec_run("inspect", path, "--json").json["kind"] == "archive"
    assert vxsec_run("inspect", path, "--expect", "thing@1.0.0").status == 10
    path.rename(path.with_name("thing-1.0.tgz"))
    assert vxsec_run("inspect", "thing-1.0.tgz").status == 10  # a .tgz is taken for a package


def test_inspect_a_lockfile(vxsec_run: Vxsec, shop: Shop) -> None:
    lockfile = shop.lockfile(shop.pack("kernel"))
    assert vxsec_run("inspect", lockfile).status == 0
    weak = shop.lockfile(shop.pack("kernel"), edit={"@acme/kernel": {"integrity": "sha1-" + "A" * 27 + "="}})
    assert vxsec_run("inspect", weak).status == 11
    foreign = {"resolved": "https://evil.example.test/@acme/kernel/-/kernel-1.0.0.tgz"}
    lockfile = shop.lockfile(shop.pack("kernel"), edit={"@acme/kernel": foreign})
    assert vxsec_run("inspect", lockfile, "--allow-registry", REGISTRY).status == 11
    assert vxsec_run("inspect", lockfile, "--allow-registry", "https://evil.example.test").status == 0
    lockfile = shop.lockfile(
        shop.pack("kernel"), edit={"@acme/kernel": {"resolved": "https://evil.example.test/k.tgz"}}
    )
    assert vxsec_run("inspect", lockfile, "--allow-registry", "https://evil.example.test").status == 11


# -- output -------------------------------------------------------------------------------------------------------------


def test_results_go_to_a_file_whole_or_not_at_all(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel")
    assert vxsec_run("inspect", path, "--json", "-o", "out.json").out == ""
    assert json.loads((shop.folder / "out.json").read_text(encoding="utf-8"))["verdict"] == "sound"
    answer = vxsec_run("inspect", path, "-o", "missing/out.json")
    assert (answer.status, "error[file.unwritable]" in answer.err) == (2, True)


@pytest.mark.parametrize("arguments", [(), ("keys",)], ids=["vxsec", "vxsec keys"])
def test_called_without_anything_it_shows_its_help(vxsec_run: Vxsec, arguments: tuple[str, ...]) -> None:
    answer = vxsec_run(*arguments)
    assert answer.status == 2
    assert "\nCommands:\n" in answer.err


def test_the_installed_program(program: Program, shop: Shop) -> None:
    helped = program("--help", cwd=shop.folder)
    assert helped.status == 0
    assert "Exit codes" in helped.out
    assert program("--version", cwd=shop.folder).out.strip().endswith(vxsec.__version__)
    assert program("inspect", "gone.tgz", cwd=shop.folder).status == 2
    assert program("verify", cwd=shop.folder).status == 2
