"""``vxsec init`` and ``vxsec demo``."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

import vxsec

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.conftest import Program, Vxsec
    from support.shop import Shop


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


def test_the_demo_refuses_every_attack_and_needs_nothing(program: Program, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    environment = {"HOME": str(home), "PATH": os.defpath, "TMPDIR": str(tmp_path), "LANG": "C"}
    answer = program("demo", cwd=tmp_path, env=environment)
    assert answer.status == 0, answer.out + answer.err
    for rule in ("signature.threshold", "tree.integrity-mismatch", "manifest.consistent"):
        assert rule in answer.out
    assert answer.out.rstrip().endswith("4 of 4 attacks refused")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home"]  # nothing is left behind


def test_the_demo_fails_when_an_attack_passes(vxsec_run: Vxsec, monkeypatch: pytest.MonkeyPatch) -> None:
    from vxsec.demo import story

    monkeypatch.setattr(
        story._Stage, "untrusted_signer", lambda _self: story.Attack(title="x", expected="y", refused_by=())
    )
    answer = vxsec_run("demo")
    assert answer.status == 1
    assert "PASSED (this is a defect)" in answer.out


def test_every_facade_name_answers(shop: Shop) -> None:
    for name in vxsec.__all__:
        assert getattr(vxsec, name) is getattr(vxsec, name)
    with pytest.raises(AttributeError, match="nothing_like_it"):
        vxsec.nothing_like_it  # noqa: B018 - looking it up is the test
    assert dir(vxsec) == sorted(vxsec.__all__)
    assert vxsec.open_artifact(shop.pack("kernel")).digests.size > 0
