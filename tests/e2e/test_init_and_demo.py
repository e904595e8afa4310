"""``vxsec init`` and ``vxsec demo``."""

from __future__ import annotations

import json
import os
import shlex
import time
from typing import TYPE_CHECKING

import pytest

import vxsec
from e2e.conftest import Program
from support.demo_transcript import UPDATE, normalise, readme_block, shown_in_readme
from support.verdaccio import verdaccio_command
from vxsec.demo import attacks, killed, release, scorecard, story

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.conftest import Answer, Vxsec
    from support.node_tools import NodeTools
    from support.shop import Shop
    from vxsec.demo.stage import Stage


def repository(shop: Shop) -> None:
    """A workspace of two packages, one private, and an .npmrc."""
    (shop.folder / "package.json").write_text(
        '{"name":"mono","private":true,"workspaces":["packages/*"]}', encoding="utf-8"
    )
    for name, private in (("a", False), ("b", True)):
        folder = shop.folder / "packages" / name
        folder.mkdir(parents=True)
        document = {"name": f"@acme/{name}" if not private else "@hidden/b", "version": "1.0.0", "private": private}
        (folder / "package.json").write_text(json.dumps(document), encoding="utf-8")


def test_init_reads_npmrc_and_workspace_and_changes_nothing_else(vxsec_run: Vxsec, shop: Shop) -> None:
    repository(shop)
    before = (shop.folder / ".npmrc").read_bytes()
    answer = vxsec_run("init", "--keys", "--person", "alice", "--password-file", "password", "--json")
    assert answer.status == 0, answer.err
    assert answer.json["registry"] == shop.registry.url
    assert answer.json["scopes"] == ["@acme"]
    assert "bob" in answer.json["secondPerson"]
    assert any("vxsec sign" in line and "--password-file password" in line for line in answer.json["next"])
    assert (shop.folder / "vxsec" / "vxsec-policy-1.schema.json").exists()
    assert (shop.folder / ".npmrc").read_bytes() == before
    assert (shop.folder / "vxsec" / ".gitignore").read_text(encoding="utf-8").endswith("*.key\n")
    again = vxsec_run("init")
    assert (again.status, "error[init.exists]" in again.err) == (2, True)


def test_what_init_writes_works_without_an_edit(vxsec_run: Vxsec, shop: Shop) -> None:
    repository(shop)
    assert vxsec_run("init", "--keys", "--person", "alice", "--password-file", "password").status == 0
    path = shop.pack("a")
    password = ("--password-file", "password")
    documents = ("--policy", "vxsec/policy.yaml", "--trust", "vxsec/trust.yaml")
    assert (
        vxsec_run("sign", path, "--signer", "file:vxsec/ci.key", "--trust", "vxsec/trust.yaml", *password).status == 0
    )
    assert vxsec_run("gate", path, *documents).status == 11
    described = ("--author", "acme", "--timestamp", "2026-11-21T00:00:00Z")
    assert vxsec_run("sbom", "attest", path, "--signer", "file:vxsec/ci.key", *described, *password).status == 0
    assert (
        vxsec_run("approve", path, "--signer", "file:vxsec/alice.key", "--trust", "vxsec/trust.yaml", *password).status
        == 0
    )
    published = vxsec_run("publish", path, *documents)
    assert published.status == 0, published.out
    lockfile = shop.lockfile(path)
    assert vxsec_run("verify", "--lockfile", lockfile, *documents).status == 0


def test_init_without_keys_says_what_is_missing(vxsec_run: Vxsec, shop: Shop) -> None:
    answer = vxsec_run("init", "--registry", "https://registry.example.test", "--scope", "@acme", "--level", "minimal")
    assert answer.status == 0, answer.err
    assert "vxsec keys generate vxsec/ci" in answer.out
    assert "vxsec approve" not in answer.out  # the minimal policy asks for no person
    path = shop.pack("a")
    gated = vxsec_run("gate", path, "--policy", "vxsec/policy.yaml", "--trust", "vxsec/trust.yaml")
    assert gated.status == 2
    assert "keys" in gated.err


REFUSED: dict[str, tuple[str, tuple[object, ...], str]] = {
    "no registry for the scope": ("", (), "init.no-registry"),
    "two registries for two scopes": (
        "@acme:registry=https://a.example.test/\n@other:registry=https://b.example.test/\n",
        ("--scope", "@acme", "--scope", "@other"),
        "init.no-registry",
    ),
    "keys without a password": ("@acme:registry=https://a.example.test/\n", ("--keys",), "init.no-password"),
    "a scope without its sign": ("", ("--registry", "https://a.example.test/", "--scope", "acme"), "init.scope"),
    "a registry without TLS": ("", ("--registry", "http://a.example.test/"), "init.plain-http"),
    "one name for a machine and a person": (
        "@acme:registry=https://a.example.test/\n",
        ("--keys", "--person", "ci", "--password-file", "password"),
        "init.name",
    ),
    "a folder that is not there": ("", ("nowhere", "--registry", "https://a.example.test/"), "file.missing"),
    "a person with a path for a name": (
        "@acme:registry=https://a.example.test/\n",
        ("--person", "../alice", "--password-file", "password"),
        "init.name",
    ),
}


@pytest.mark.parametrize(("npmrc", "more", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_init_refuses(vxsec_run: Vxsec, shop: Shop, npmrc: str, more: tuple[object, ...], code: str) -> None:
    repository(shop)
    (shop.folder / ".npmrc").write_text(npmrc, encoding="utf-8")
    answer = vxsec_run("init", *more)
    assert answer.status == 2
    assert f"error[{code}]" in answer.err
    assert not (shop.folder / "vxsec" / "policy.yaml").exists()


@pytest.mark.usefixtures("shop")
def test_init_where_there_is_nothing_to_protect(vxsec_run: Vxsec) -> None:
    answer = vxsec_run("init", "--registry", "https://a.example.test/")
    assert (answer.status, "error[init.no-scope]" in answer.err) == (2, True)


# -- the demo ----------------------------------------------------------------------------------------------------------


def bare(tmp_path: Path) -> dict[str, str]:
    """An environment with nothing in it that the demo could lean on."""
    home = tmp_path / "home"
    home.mkdir()
    measured = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
    return {"HOME": str(home), "PATH": os.defpath, "TMPDIR": str(tmp_path), "LANG": "C.UTF-8", **measured}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Answer, list[str], float]:
    """One run of the installed program; what it said, what it left behind, and how long it took in seconds."""
    folder = tmp_path_factory.mktemp("demo")
    begin = time.monotonic()
    answer = Program()("demo", cwd=folder, env=bare(folder))
    return answer, sorted(path.name for path in folder.iterdir()), time.monotonic() - begin


REFUSALS = {
    "tarball swapped after signing": "signature.threshold",
    "signed by an unknown key": "signature.threshold",
    "SBOM of another tarball": "sbom.complete",
    "credential left in the tarball": "content.secrets",
    "lockfile integrity changed": "tree.integrity-mismatch",
    "known-malicious dependency": "malware.deny",
    "registry lies about scripts": "manifest.consistent",
    "evidence withheld by the registry": "signature.threshold",
    "live version replaced in the registry": "tree.integrity-mismatch",
}


def test_the_demo_passes_and_needs_and_leaves_nothing(told: tuple[Answer, list[str], float]) -> None:
    answer, left, seconds = told
    assert answer.status == 0, answer.out + answer.err
    assert answer.err == ""
    assert left == ["home"]
    assert seconds < 60
    assert "9 of 9 attacks refused" in answer.out
    for also in ("signature.subject-mismatch", "version.monotonic"):  # the replaced version is refused thrice
        assert any(line.strip() == also for line in answer.out.splitlines())


@pytest.mark.parametrize(("title", "by"), REFUSALS.items(), ids=REFUSALS)
def test_the_demo_says_who_refused(told: tuple[Answer, list[str], float], title: str, by: str) -> None:
    (line,) = (line for line in told[0].out.splitlines() if line.strip().startswith("refused") and title in line)
    assert line.endswith(f"  {by}")


def test_the_demo_says_what_a_killed_publish_left_and_finishes_it(told: tuple[Answer, list[str], float]) -> None:
    lines = [line.strip() for line in told[0].out.splitlines()]
    names = [f"@vextrus/{name}@1.1.0" for name in ("kernel", "contracts", "utils", "distributed-transactions")]
    states = ("live", "live", "not live", "not live", "already-live", "already-live", "published", "published")
    begin = lines.index("killed; what the registry holds now:") + 1
    found = [line for line in lines[begin:] if line.rpartition("  ")[2] in names]
    assert found == [f"{state}  {name}" for state, name in zip(states, [*names, *names], strict=True)]
    assert "4 versions, 4 pieces of evidence, each there once" in lines


def test_the_readme_shows_what_the_demo_says(told: tuple[Answer, list[str], float]) -> None:
    assert shown_in_readme() == readme_block(told[0].out), f"update the README with: {UPDATE}"


def test_an_attack_that_passes_fails_the_demo(vxsec_run: Vxsec, monkeypatch: pytest.MonkeyPatch) -> None:
    def harmless(stage: Stage) -> scorecard.Attack:
        stage.act("Attack: nothing at all")
        return attacks._gated(stage, stage.tarballs[2], "nothing at all", "archive.safe")

    monkeypatch.setattr(attacks, "ATTACKS", (harmless,))
    monkeypatch.setattr(story, "tell_killed_publish", lambda _stage: True)
    answer = vxsec_run("demo")
    assert answer.status == 1
    assert "PASSED   nothing at all  gate 0" in answer.out
    assert "expected archive.safe" in answer.out
    assert "0 of 1 attacks refused" in answer.out


def test_a_publish_that_was_not_killed_fails_the_demo(vxsec_run: Vxsec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attacks, "ATTACKS", ())
    monkeypatch.setattr(killed, "_LIVE_BEFORE", 9)  # the publisher ends before it is killed
    answer = vxsec_run("demo")
    assert answer.status == 1
    assert "FAILED: the killed publish" in answer.out


def test_a_release_that_does_not_pass_ends_the_demo(vxsec_run: Vxsec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release, "_scan", lambda _stage: False)
    answer = vxsec_run("demo")
    assert (answer.status, answer.out.splitlines()[-1]) == (1, "FAILED: the honest release did not pass")


def test_the_workspace_is_kept_where_asked_and_never_in_a_folder_in_use(
    vxsec_run: Vxsec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attacks, "ATTACKS", ())
    monkeypatch.setattr(story, "tell_killed_publish", lambda _stage: True)
    folder = tmp_path / "kept"
    answer = vxsec_run("demo", "--keep", folder)
    assert answer.status == 0, answer.out
    assert str(folder) in answer.out
    for name in ("trust.yaml", "ci.key", "package-lock.json", "vextrus-kernel-1.0.0.tgz.sigstore.jsonl"):
        assert (folder / name).exists()
    # Its trust root is marked as a rehearsal: no command takes it for a real one.
    gated = vxsec_run(
        "gate", folder / "vextrus-kernel-1.0.0.tgz", "--policy", "vxsec:minimal", "--trust", folder / "trust.yaml"
    )
    assert (gated.status, "error[trust.rehearsal]" in gated.err) == (2, True)
    again = vxsec_run("demo", "--keep", folder)
    assert (again.status, "error[demo.folder]" in again.err) == (2, True)


def test_the_users_own_npm_settings_have_no_part_in_it(
    vxsec_run: Vxsec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "user.npmrc"
    settings.write_text("@vextrus:registry=https://other.example.test/\nstrict-ssl=false\nproxy=http://127.0.0.1:9/\n")
    monkeypatch.setenv("NPM_CONFIG_USERCONFIG", str(settings))
    monkeypatch.setattr(attacks, "ATTACKS", ())
    monkeypatch.setattr(story, "tell_killed_publish", lambda _stage: True)
    answer = vxsec_run("demo")
    assert answer.status == 0, answer.out + answer.err
    assert os.environ["NPM_CONFIG_USERCONFIG"] == str(settings)


DEMO_REFUSED: dict[str, tuple[tuple[str, ...], str]] = {
    "a Verdaccio that is not there": (
        ("--registry", "verdaccio", "--verdaccio", "vxsec-no-such-program"),
        "verdaccio.missing",
    ),
    "a command for Verdaccio without asking for it": (("--verdaccio", "verdaccio"), "usage.options"),
    "a workspace where there is a file": (("--keep", "package.json"), "demo.folder"),
    "a registry of no known kind": (("--registry", "nexus"), "usage"),
}


@pytest.mark.parametrize(("options", "code"), DEMO_REFUSED.values(), ids=DEMO_REFUSED)
def test_the_demo_does_not_start_with(
    options: tuple[str, ...], code: str, vxsec_run: Vxsec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "package.json").write_text("{}")
    answer = vxsec_run("demo", *options)
    assert (answer.status, f"error[{code}]" in answer.err) == (2, True)
    assert answer.out == ""


@pytest.mark.node
@pytest.mark.verdaccio
def test_the_same_story_on_a_real_registry(
    told: tuple[Answer, list[str], float], node_tools: NodeTools, program: Program, tmp_path: Path
) -> None:
    command = shlex.join(verdaccio_command(node_tools))
    environment = bare(tmp_path)
    answer = program("demo", "--registry", "verdaccio", "--verdaccio", command, cwd=tmp_path, env=environment)
    assert answer.status == 0, answer.out + answer.err
    assert normalise(answer.out) == normalise(told[0].out)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home"]


def test_every_facade_name_answers(shop: Shop) -> None:
    for name in vxsec.__all__:
        assert getattr(vxsec, name) is getattr(vxsec, name)
    with pytest.raises(AttributeError, match="nothing_like_it"):
        vxsec.nothing_like_it  # noqa: B018 - looking it up is the test
    assert dir(vxsec) == sorted(vxsec.__all__)
    assert vxsec.open_artifact(shop.pack("kernel")).digests.size > 0
