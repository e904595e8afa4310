"""A trust repository behind every command: by option, by the user's own configuration, by its export, and taken back."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from e2e.conftest import Vxsec
    from support.shop import Shop

SIGNED = """\
apiVersion: vxsec/policy/v1
kind: Policy
metadata: {name: signed, version: 1}
mode: enforce
requires: {trust: signed}
scopes:
  - id: own
    match: {ecosystem: npm, registry: internal}
    phases: [publish, promote, install]
    rules:
      - {id: signed, use: signature.threshold, with: {threshold: 1, minPerRole: {machine: 1}}}
"""


@pytest.fixture
def digest(vxsec_run: Vxsec, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> str:
    """A trust repository made of the shop's document; the digest of its first root."""
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    for name in ("ci", "ci2", "alice", "bob"):
        (shop.folder / f"{name}.pub").write_bytes((shop.keys / f"{name}.pub").read_bytes())
    text = shop.trust.read_text(encoding="utf-8").replace(f"{shop.keys}/", "")
    shop.trust.write_text(text, encoding="utf-8")
    (shop.folder / "policy.yaml").write_text(SIGNED, encoding="utf-8")
    root = ("--root-key", shop.uri("alice"), "--root-key", shop.uri("bob"))
    made = vxsec_run("trust", "init", "trust", *root, "--identities", shop.trust, "--json")
    assert made.status == 0, made.err
    return str(made.json["firstRootSha256"])


def _gate(shop: Shop) -> tuple[object, ...]:
    return ("gate", shop.folder / "acme-kernel-1.0.0.tgz", "--policy", "policy.yaml")


def test_a_policy_may_ask_for_a_signed_trust_root(vxsec_run: Vxsec, shop: Shop, digest: str) -> None:
    path = shop.pack("kernel")
    signed = vxsec_run("sign", path, "--signer", shop.uri("ci"), "--trust", "trust", "--trust-root", digest)
    assert signed.status == 0, signed.err
    unsigned = vxsec_run(*_gate(shop), "--trust", shop.trust)
    assert (unsigned.status, "error[policy.requires]" in unsigned.err) == (2, True)
    unpinned = vxsec_run(*_gate(shop), "--trust", "trust")
    assert (unpinned.status, "error[tuf.no-root]" in unpinned.err) == (2, True)
    allowed = vxsec_run(*_gate(shop), "--trust", "trust", "--trust-root", digest, "--json")
    assert allowed.status == 0, allowed.out + allowed.err
    assert allowed.json["trust"]["signed"] is True
    other = vxsec_run(*_gate(shop), "--trust", "trust", "--trust-root", "0" * 64)
    assert other.status == 10
    assert "error[tuf." in other.err
    assert vxsec_run("verify", path, "--trust", "trust", "--trust-root", digest).status == 0


def test_a_changed_file_of_the_repository_is_refused(vxsec_run: Vxsec, shop: Shop, digest: str) -> None:
    shop.pack("kernel")
    found = next((shop.folder / "trust").rglob("identities.yaml"))
    found.write_bytes(found.read_bytes().replace(b"roles: [human]", b"roles: [machine]", 1))
    answer = vxsec_run(*_gate(shop), "--trust", "trust", "--trust-root", digest)
    assert (answer.status, "error[tuf." in answer.err) == (10, True)


def test_a_key_taken_back_in_the_repository_no_longer_counts(vxsec_run: Vxsec, shop: Shop, digest: str) -> None:
    path = shop.pack("kernel")
    pinned = ("--trust", "trust", "--trust-root", digest)
    assert vxsec_run("sign", path, "--signer", shop.uri("ci"), *pinned).status == 0
    assert vxsec_run(*_gate(shop), *pinned).status == 0
    by = ("--signer", shop.uri("alice"), "--signer", shop.uri("bob"), "--trust-root", digest)
    revoked = vxsec_run("trust", "revoke", "trust", "--key", "ci-key", "--reason", "compromised", *by)
    assert revoked.status == 0, revoked.err
    answer = vxsec_run(*_gate(shop), *pinned)
    assert answer.status == 11
    assert "key.revoked" in answer.out


def test_an_older_repository_than_this_machine_has_seen_is_refused(vxsec_run: Vxsec, shop: Shop, digest: str) -> None:
    shop.pack("kernel")
    pinned = ("--trust", "trust", "--trust-root", digest)
    vxsec_run("sign", shop.folder / "acme-kernel-1.0.0.tgz", "--signer", shop.uri("ci"), *pinned)
    shutil.copytree(shop.folder / "trust", shop.folder / "old")
    by = ("--signer", shop.uri("alice"), "--signer", shop.uri("bob"), "--trust-root", digest)
    assert vxsec_run("trust", "revoke", "trust", "--key", "ci-key", "--reason", "compromised", *by).status == 0
    assert vxsec_run(*_gate(shop), *pinned).status == 11
    answer = vxsec_run(*_gate(shop), "--trust", "old", "--trust-root", digest)
    assert (answer.status, "error[tuf." in answer.err) == (10, True)


def test_the_users_configuration_keeps_daily_commands_short(vxsec_run: Vxsec, shop: Shop, digest: str) -> None:
    path = shop.pack("kernel")
    folder = _config(shop, digest)
    assert vxsec_run("sign", path, "--signer", shop.uri("ci")).status == 0
    answer = vxsec_run("gate", path, "--json")
    assert answer.status == 0, answer.err
    assert str(folder / "config.toml") in answer.json["trust"]["source"]
    assert str(folder / "config.toml") in answer.json["policy"]["source"]
    assert vxsec_run("verify", path).status == 0
    assert vxsec_run("verify", path, "--key", shop.keys / "ci.pub").status == 0
    assert vxsec_run("sign", path, "--blob", "--signer", shop.uri("ci")).status == 0


@pytest.mark.parametrize("mode", [0o666, 0o664], ids=["everyone", "the group"])
def test_a_configuration_that_others_may_write_is_refused(vxsec_run: Vxsec, shop: Shop, digest: str, mode: int) -> None:
    path = shop.pack("kernel")
    folder = _config(shop, digest)
    (folder / "config.toml").chmod(mode)
    answer = vxsec_run("gate", path)
    assert (answer.status, "error[config.permissions]" in answer.err) == (2, True)


def test_one_file_carries_the_repository_to_where_no_network_is(vxsec_run: Vxsec, shop: Shop, digest: str) -> None:
    path = shop.pack("kernel")
    pinned = ("--trust-root", digest)
    assert vxsec_run("sign", path, "--signer", shop.uri("ci"), "--trust", "trust", *pinned).status == 0
    exported = vxsec_run("trust", "export", "trust", "carried.json", *pinned)
    assert exported.status == 0, exported.err
    shutil.rmtree(shop.folder / "trust")
    assert vxsec_run(*_gate(shop), "--trust", "carried.json", *pinned).status == 0
    data = (shop.folder / "carried.json").read_bytes()
    (shop.folder / "carried.json").write_bytes(data[:-40] + data[-39:])
    assert vxsec_run(*_gate(shop), "--trust", "carried.json", *pinned).status == 10


def _config(shop: Shop, digest: str) -> Path:
    folder = Path(os.environ["HOME"]) / ".config" / "vxsec"
    folder.mkdir(parents=True, mode=0o700)
    lines = [f'trust = "{shop.folder}/trust"', f'trust-root = "{digest}"', f'policy = "{shop.folder}/policy.yaml"']
    (folder / "config.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "config.toml").chmod(0o600)
    return folder


def test_doctor_says_what_of_the_repository_ends_soon(vxsec_run: Vxsec, digest: str) -> None:
    pinned = ("--trust", "trust", "--trust-root", digest)
    codes = {item["code"] for item in vxsec_run("doctor", *pinned, "--json").json["findings"]}
    assert {"doctor.role-expires", "doctor.trust"} & codes
    assert not {code for code in codes if code.startswith("doctor.tuf")}
    wrong = vxsec_run("doctor", "--trust", "trust", "--trust-root", "0" * 64, "--json")
    assert wrong.status == 11
    assert any(item["level"] == "problem" and item["area"] == "trust" for item in wrong.json["findings"])
