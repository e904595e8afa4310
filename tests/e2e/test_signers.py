"""Every kind of signer through the command line: gpg, ssh-keygen and a Sigstore instance on loopback, and a gate behind them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

import vxsec
from support.gpg_kit import gpg_home, has_gpg
from support.shop import WINDOW
from vxsec.testing.sigstore import SigstoreInstance

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from e2e.conftest import Vxsec
    from support.gpg_kit import GpgHome
    from support.shop import Shop

needs_gpg = pytest.mark.skipif(not has_gpg(), reason="gpg is not installed")
needs_ssh = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")
EMAIL = "alice@example.test"
ONE_OF_EACH = """\
apiVersion: vxsec/policy/v1
kind: Policy
metadata: {name: two-signers, version: 1}
mode: enforce
scopes:
  - id: own
    match: {ecosystem: npm, registry: internal}
    phases: [publish, promote, install]
    rules:
      - {id: signed, use: signature.threshold, with: {threshold: 2, minPerRole: {machine: 1, human: 1}}}
"""


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[GpgHome]:
    """The user's own gpg home, for this test."""
    with gpg_home() as made:
        monkeypatch.setenv("GNUPGHOME", str(made.folder))
        yield made


@pytest.fixture
def instance() -> Iterator[SigstoreInstance]:
    """A Sigstore instance."""
    with SigstoreInstance() as made:
        yield made


def _ssh_key(folder: Path, kind: str = "ed25519") -> Path:
    path = folder / "id_alice"
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(path)], check=True)
    return path


def _trust_with(shop: Shop, entry: str) -> None:
    """The shop's trust document with Alice's key replaced by another kind of key."""
    lines = shop.trust.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.strip().startswith("- {id: alice-key")]
    place = kept.index("keys:") + 1
    kept.insert(place, f"  - {{id: alice-key, {entry}, roles: [human], {WINDOW}, holder: alice}}")
    shop.trust.write_text("\n".join(kept) + "\n", encoding="utf-8")


# -- gpg ----------------------------------------------------------------------------------------------------------------


@needs_gpg
class TestGpg:
    def test_plain_gpg_verifies_what_sign_wrote(self, vxsec_run: Vxsec, shop: Shop, home: GpgHome) -> None:
        fingerprint = home.make("alice")
        path = shop.pack("kernel")
        answer = vxsec_run("sign", path, "--signer", f"gpg:{fingerprint}", "--registry", shop.registry.url)
        assert answer.status == 0, answer.err
        done = subprocess.run(
            ["gpg", "--homedir", str(home.folder), "--verify", f"{path}.asc", str(path)],
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        (shop.folder / "keys.asc").write_bytes(home.export(fingerprint))
        given = ("--gpg-keyring", "keys.asc", "--gpg-fingerprint", fingerprint)
        answer = vxsec_run("verify", path, *given, "--json")
        assert answer.status == 0, answer.err
        kinds = {one["kind"] for one in answer.json["files"][0]["signatures"] if one["counted"]}
        assert kinds == {"bundle", "openpgp"}
        path.write_bytes(path.read_bytes() + b"\0")
        assert vxsec_run("verify", path, *given).status == 10

    def test_a_person_approves_with_gpg_and_the_gate_opens(self, vxsec_run: Vxsec, shop: Shop, home: GpgHome) -> None:
        fingerprint = home.make("alice")
        (shop.folder / "alice.asc").write_bytes(home.export(fingerprint))
        _trust_with(shop, f"file: alice.asc, fingerprint: {fingerprint}")
        path = shop.pack("kernel")
        shop.sign(path)
        (shop.folder / "policy.yaml").write_text(ONE_OF_EACH, encoding="utf-8")
        gate = ("gate", path, "--policy", "policy.yaml", "--trust", shop.trust)
        assert vxsec_run(*gate).status == 11
        answer = vxsec_run(
            "approve", path, "--signer", f"gpg:{fingerprint}", "--trust", shop.trust, "--offline", "--yes"
        )
        assert answer.status == 0, answer.err
        assert "will not count" not in answer.out
        answer = vxsec_run(*gate)
        assert answer.status == 0, answer.out + answer.err

    def test_without_gpg_nothing_is_decided(
        self, vxsec_run: Vxsec, shop: Shop, home: GpgHome, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fingerprint = home.make("alice")
        path = shop.pack("kernel")
        (shop.folder / "alice.asc").write_bytes(home.export(fingerprint))
        _trust_with(shop, f"file: alice.asc, fingerprint: {fingerprint}")
        (shop.folder / "policy.yaml").write_text(ONE_OF_EACH, encoding="utf-8")
        shop.sign(path)
        approve = ("approve", path, "--signer", f"gpg:{fingerprint}", "--trust", shop.trust, "--offline", "--yes")
        assert vxsec_run(*approve).status == 0
        monkeypatch.setattr("vxsec.verification.sequoia._LIBRARY", "no_such_library")
        monkeypatch.setenv("PATH", str(shop.folder))
        answer = vxsec_run("gate", path, "--policy", "policy.yaml", "--trust", shop.trust)
        assert answer.status == 4, answer.out
        assert "gnupg.missing" in answer.out
        given = ("--gpg-keyring", "alice.asc", "--gpg-fingerprint", fingerprint)
        answer = vxsec_run("verify", path, *given)
        assert answer.status == 4
        assert "apt install gpg" in answer.err

    def test_a_short_key_id_is_not_a_key(self, vxsec_run: Vxsec, shop: Shop, home: GpgHome) -> None:
        fingerprint = home.make("alice")
        path = shop.pack("kernel")
        answer = vxsec_run("sign", path, "--signer", f"gpg:{fingerprint[-16:]}", "--registry", shop.registry.url)
        assert answer.status == 2
        assert not path.with_name(path.name + ".asc").exists()


# -- ssh ----------------------------------------------------------------------------------------------------------------


@needs_ssh
class TestSsh:
    @pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
    def test_plain_ssh_keygen_verifies_what_sign_wrote(self, vxsec_run: Vxsec, shop: Shop, kind: str) -> None:
        key = _ssh_key(shop.folder, kind)
        path = shop.pack("kernel")
        answer = vxsec_run("sign", path, "--signer", f"ssh:{key}", "--registry", shop.registry.url)
        assert answer.status == 0, answer.err
        (shop.folder / "allowed").write_text(f"{EMAIL} {key.with_suffix('.pub').read_text()}", encoding="utf-8")
        command = ["ssh-keygen", "-Y", "verify", "-f", "allowed", "-I", EMAIL, "-n", "vxsec", "-s", f"{path}.sshsig"]
        done = subprocess.run(command, cwd=shop.folder, input=path.read_bytes(), capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        answer = vxsec_run("verify", path, "--key", f"{key}.pub", "--json")
        assert answer.status == 0, answer.err
        assert {one["kind"] for one in answer.json["files"][0]["signatures"]} == {"bundle", "sshsig"}

    def test_a_person_approves_with_an_ssh_key_and_the_gate_opens(self, vxsec_run: Vxsec, shop: Shop) -> None:
        key = _ssh_key(shop.folder)
        _trust_with(shop, "file: id_alice.pub")
        path = shop.pack("kernel")
        shop.sign(path)
        (shop.folder / "policy.yaml").write_text(ONE_OF_EACH, encoding="utf-8")
        answer = vxsec_run("approve", path, "--signer", f"ssh:{key}", "--trust", shop.trust, "--offline", "--yes")
        assert answer.status == 0, answer.err
        answer = vxsec_run("gate", path, "--policy", "policy.yaml", "--trust", shop.trust)
        assert answer.status == 0, answer.out + answer.err

    def test_another_ssh_key_does_not_count(self, vxsec_run: Vxsec, shop: Shop, tmp_path: Path) -> None:
        other = tmp_path / "other"
        other.mkdir()
        theirs, ours = _ssh_key(other), _ssh_key(shop.folder)
        path = shop.pack("kernel")
        assert vxsec_run("sign", path, "--signer", f"ssh:{theirs}", "--registry", shop.registry.url).status == 0
        answer = vxsec_run("verify", path, "--key", f"{ours}.pub", "--json")
        assert answer.status == 10
        assert {one["code"] for one in answer.json["files"][0]["rejected"]} == {"signature.untrusted-key"}


# -- keyless ------------------------------------------------------------------------------------------------------------


def _keyless(shop: Shop, instance: SigstoreInstance, **more: object) -> tuple[str, ...]:
    (shop.folder / "token").write_text(instance.issuer.token(subject=EMAIL), encoding="ascii")
    (shop.folder / "config.json").write_bytes(instance.client_trust_config(**more))  # type: ignore[arg-type] # rows of data
    return ("--signer", "keyless:token:token", "--trust-config", "config.json")


class TestKeyless:
    @pytest.mark.parametrize("rekor", [1, 2])
    @pytest.mark.parametrize("what", ["statement", "blob"])
    def test_what_was_signed_verifies_and_a_changed_file_does_not(
        self, vxsec_run: Vxsec, shop: Shop, instance: SigstoreInstance, rekor: int, what: str
    ) -> None:
        path = shop.pack("kernel")
        extra = ("--blob",) if what == "blob" else ("--registry", shop.registry.url)
        answer = vxsec_run("sign", path, *_keyless(shop, instance, rekor=rekor), *extra)
        assert answer.status == 0, answer.err
        (shop.folder / "root.json").write_bytes(instance.trusted_root())

        def verify(identity: str = EMAIL, issuer: str | None = None) -> tuple[int, str]:
            report = vxsec.verify(
                [path],
                identity=identity,
                issuer=issuer or instance.issuer.url,
                trusted_roots=[shop.folder / "root.json"],
                unsafe_rehearsal=True,
            )
            return report.exit_status, report.files[0].code

        assert verify() == (0, "verified")
        assert verify(identity="mallory@example.test") == (10, "identity.subject-mismatch")
        assert verify(issuer="https://issuer.example.test") == (10, "identity.issuer-mismatch")
        path.write_bytes(path.read_bytes() + b"\0")
        assert verify()[0] == 10

    def test_a_rehearsal_root_is_refused_by_the_command(
        self, vxsec_run: Vxsec, shop: Shop, instance: SigstoreInstance
    ) -> None:
        path = shop.pack("kernel")
        answer = vxsec_run("sign", path, *_keyless(shop, instance), "--registry", shop.registry.url)
        assert answer.status == 0, answer.err
        (shop.folder / "root.json").write_bytes(instance.trusted_root())
        identity = ("--identity", EMAIL, "--issuer", instance.issuer.url)
        answer = vxsec_run("verify", path, *identity, "--trusted-root", "root.json")
        assert answer.status == 2
        assert "error[trust.rehearsal]" in answer.err
        answer = vxsec_run("verify", path, *identity, "--json")  # the public-good root does not know this authority
        assert answer.status == 10
        assert answer.json["files"][0]["code"].startswith("certificate.")

    def test_without_a_timestamp_nothing_is_stored(
        self, vxsec_run: Vxsec, shop: Shop, instance: SigstoreInstance
    ) -> None:
        path = shop.pack("kernel")
        keyless = _keyless(shop, instance, rekor=2, timestamps=False)
        answer = vxsec_run("sign", path, *keyless, "--registry", shop.registry.url)
        assert answer.status == 4  # the client already refuses a bundle that no time belongs to
        instance.failing.add("timestamp")
        answer = vxsec_run("sign", path, *_keyless(shop, instance, rekor=2), "--registry", shop.registry.url)
        assert answer.status in {4, 10}
        assert not path.with_name(path.name + ".sigstore.jsonl").exists()

    @pytest.mark.parametrize("service", ["fulcio", "rekor-v2"])
    def test_a_service_that_fails_is_no_signature(
        self, vxsec_run: Vxsec, shop: Shop, instance: SigstoreInstance, service: str
    ) -> None:
        path = shop.pack("kernel")
        keyless = _keyless(shop, instance)
        instance.failing.add(service)  # type: ignore[arg-type] # one of the names
        answer = vxsec_run("sign", path, *keyless, "--registry", shop.registry.url)
        assert answer.status == 4
        assert "error[keyless.failed]" in answer.err
        assert (shop.folder / "token").read_text() not in answer.out + answer.err
        assert not path.with_name(path.name + ".sigstore.jsonl").exists()

    @pytest.mark.parametrize("token", ["", "nonsense", "a.b.c"])
    def test_what_is_no_token_is_refused(
        self, vxsec_run: Vxsec, shop: Shop, instance: SigstoreInstance, token: str
    ) -> None:
        path = shop.pack("kernel")
        keyless = _keyless(shop, instance)
        (shop.folder / "token").write_text(token, encoding="ascii")
        answer = vxsec_run("sign", path, *keyless, "--registry", shop.registry.url)
        assert answer.status == 2
        assert "error[keyless.token]" in answer.err

    def test_no_ambient_identity_says_what_to_do(
        self, vxsec_run: Vxsec, shop: Shop, instance: SigstoreInstance, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in [name for name in os.environ if name.startswith(("GITHUB_", "ACTIONS_", "CI", "GITLAB"))]:
            monkeypatch.delenv(name)
        path = shop.pack("kernel")
        _, _, *config = _keyless(shop, instance)
        answer = vxsec_run("sign", path, "--signer", "keyless:", *config, "--registry", shop.registry.url)
        assert answer.status == 2
        assert "error[keyless.no-identity]" in answer.err

    def test_an_identity_of_the_trust_document_counts_toward_the_gate(
        self, vxsec_run: Vxsec, shop: Shop, instance: SigstoreInstance
    ) -> None:
        path = shop.pack("kernel")
        shop.sign(path)
        (shop.folder / "root.json").write_bytes(instance.trusted_root())
        text = shop.trust.read_text(encoding="utf-8")
        identity = f'identities: [{{subject: {EMAIL}, issuer: "{instance.issuer.url}", roles: [human]}}]'
        text = text.replace("{id: alice, kind: person}", f"{{id: alice, kind: person, {identity}}}")
        shop.trust.write_text(f"{text}trustedRoots: [{{file: root.json}}]\n", encoding="utf-8")
        keyless = _keyless(shop, instance)
        approve = ("approve", path, *keyless, "--registry", shop.registry.url, "--offline", "--yes")
        answer = vxsec_run(*approve)
        assert answer.status == 0, answer.err
        (shop.folder / "policy.yaml").write_text(ONE_OF_EACH, encoding="utf-8")
        asked = {"policy": shop.folder / "policy.yaml", "trust": shop.trust, "project_dir": shop.folder}
        decision = vxsec.gate([path], **asked, unsafe_rehearsal=True)  # type: ignore[arg-type] # rows of data
        assert decision.exit_status == 0
        answer = vxsec_run("gate", path, "--policy", "policy.yaml", "--trust", shop.trust)
        assert answer.status == 2
        assert "trust.rehearsal" in answer.err

    def test_doctor_says_why_an_identity_did_not_match(
        self, vxsec_run: Vxsec, shop: Shop, instance: SigstoreInstance
    ) -> None:
        path = shop.pack("kernel")
        assert vxsec_run("sign", path, *_keyless(shop, instance), "--blob").status == 0
        bundle = f"{path}.sigstore.jsonl"
        asked = ("doctor", "identity", "--bundle", bundle, "--issuer", instance.issuer.url)
        assert vxsec_run(*asked, "--identity", EMAIL).status == 0
        answer = vxsec_run(*asked, "--identity", EMAIL.upper(), "--json")
        assert answer.status == 11
        assert "case" in json.dumps(answer.json["certificates"][0]["expected"])
        shop.sign(path)
        lines = (shop.folder / f"{path.name}.sigstore.jsonl").read_text(encoding="utf-8").splitlines()
        (shop.folder / "key.jsonl").write_text(lines[-1], encoding="utf-8")
        answer = vxsec_run("doctor", "identity", "--bundle", "key.jsonl", "--identity", EMAIL, "--issuer", "x")
        assert answer.status == 3


def test_every_check_is_told(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel")
    shop.sign(path)
    answer = vxsec_run("verify", path, "--trust", shop.trust, "--json")
    assert answer.status == 0
    checks = answer.json["files"][0]["signatures"][0]["checks"]
    assert {check["status"] for check in checks} == {"passed", "not-run"}
    asof = datetime(2019, 1, 1, tzinfo=UTC).isoformat().replace("+00:00", "Z")
    answer = vxsec_run("verify", path, "--trust", shop.trust, "--at", asof, "--json")
    assert answer.status == 10
    assert answer.json["asOf"] is True
    failed = [check for check in answer.json["files"][0]["signatures"][0]["checks"] if check["status"] == "failed"]
    assert [check["code"] for check in failed] == ["key.not-yet-valid"]
