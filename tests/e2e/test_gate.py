"""``vxsec gate``: what opens it, and everything that must not."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

import vxsec
from vxsec.testing.artifacts import pack

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from e2e.conftest import Answer, Vxsec
    from support.shop import Shop

DUAL = "{id: dual, use: signature.threshold, with: {threshold: 2, minPerRole: {machine: 1, human: 1}}}"
ONE = "{id: one, use: signature.threshold}"
ARCHIVE = "{id: archive, use: archive.safe}"
VERSION = "{id: version, use: version.monotonic}"


def gate(
    vxsec_run: Vxsec, shop: Shop, *files: Path, policy: object = "vxsec:recommended", more: tuple[object, ...] = ()
) -> Answer:
    return vxsec_run("gate", *files, "--policy", policy, "--trust", shop.trust, *more)


def codes(answer: Answer) -> dict[str, str]:
    """Rule to code, of the results that close the gate."""
    return {
        result["use"]: result["code"]
        for subject in answer.json["subjects"]
        for result in subject["results"]
        if result["disposition"] == "enforced" and result["verdict"] in {"fail", "unknown", "error"}
    }


def test_a_signed_and_approved_release_may_be_published(vxsec_run: Vxsec, shop: Shop) -> None:
    kernel = shop.pack("kernel")
    shop.release(kernel)
    answer = gate(vxsec_run, shop, kernel)
    assert answer.status == 0, answer.out + answer.err
    assert "ALLOWED" in answer.out
    assert "alice, ci" in answer.out
    assert "unsigned file" in answer.out  # the trust document's form is said in every decision


def test_the_minimal_policy_asks_for_one_machine(vxsec_run: Vxsec, shop: Shop) -> None:
    kernel = shop.pack("kernel")
    shop.sign(kernel)
    assert gate(vxsec_run, shop, kernel, policy="vxsec:minimal").status == 0
    assert gate(vxsec_run, shop, kernel).status == 11


def _unsigned(shop: Shop) -> Path:
    return shop.pack("kernel")


def _only_ci(shop: Shop) -> Path:
    path = shop.pack("kernel")
    shop.sign(path)
    return path


def _two_machines(shop: Shop) -> Path:
    path = shop.pack("kernel")
    shop.sign(path, key="ci")
    shop.sign(path, key="ci2")
    return path


def _same_machine_twice(shop: Shop) -> Path:
    path = shop.pack("kernel")
    for second in (1, 2):
        vxsec.sign(
            [path],
            signers=[shop.uri("ci")],
            trust=shop.trust,
            password=b"for tests only",
            now=datetime(2026, 1, 1, 0, 0, second, tzinfo=UTC),
        )
    return path


def _untrusted(shop: Shop) -> Path:
    path = shop.pack("kernel")
    shop.sign(path, key="mallory")
    shop.approve(path, key="mallory")
    return path


def _roles_swapped(shop: Shop) -> Path:
    path = shop.pack("kernel")
    shop.sign(path, key="alice")
    shop.approve(path, key="ci")
    return path


def _sidecar_of_other_bytes(shop: Shop) -> Path:
    path = shop.pack("kernel")
    shop.release(path)
    path.write_bytes(pack({"name": "@acme/kernel", "version": "1.0.0"}, {"index.js": b"steal()"}))
    return path


def _for_another_registry(shop: Shop) -> Path:
    path = shop.pack("kernel")
    shop.sign(path, registry="https://staging.example.test/")
    shop.approve(path)
    return path


def _bare_signature(shop: Shop) -> Path:
    path = shop.pack("kernel")
    for key in ("ci", "alice"):
        vxsec.sign([path], signers=[shop.uri(key)], blob=True, password=b"for tests only")
    return path


def _revoked(shop: Shop) -> Path:
    path = shop.pack("kernel")
    shop.release(path)
    shop.write_trust(revocations='[{key: ci-key, reason: compromised, since: "2026-01-01T00:00:00Z"}]')
    return path


def _digest_revoked(shop: Shop) -> Path:
    path = shop.pack("kernel")
    shop.release(path)
    sha512 = vxsec.open_artifact(path).digests.sha512
    shop.write_trust(revocations=f'[{{sha512: "{sha512}", reason: compromised, since: "2026-01-01T00:00:00Z"}}]')
    return path


def _expired_keys(shop: Shop) -> Path:
    path = shop.pack("kernel")
    shop.release(path)
    shop.write_trust(window='from: "2020-01-01T00:00:00Z", until: "2021-01-01T00:00:00Z"')
    return path


def _junk_sidecar(shop: Shop) -> Path:
    path = shop.pack("kernel")
    (shop.folder / f"{path.name}.sigstore.jsonl").write_bytes(b"{}\nnot json\n\x00\x01\n" * 50)
    return path


SIGNATURES: dict[str, tuple[Callable[[Shop], Path], str]] = {
    "nothing signed it": (_unsigned, "signature.none"),
    "only CI signed it": (_only_ci, "signature.threshold"),
    "two machines are not a machine and a person": (_two_machines, "signature.threshold"),
    "one machine twice is one machine": (_same_machine_twice, "signature.threshold"),
    "a key nobody listed": (_untrusted, "signature.none"),
    "a person's release and a machine's approval": (_roles_swapped, "signature.none"),
    "the bytes were swapped after signing": (_sidecar_of_other_bytes, "signature.subject-mismatch"),
    "the release is for staging": (_for_another_registry, "signature.threshold"),
    "bare signatures never count": (_bare_signature, "signature.none"),
    "the machine's key is revoked": (_revoked, "signature.threshold"),
    "every key has expired": (_expired_keys, "signature.none"),
    "the sidecar is junk": (_junk_sidecar, "signature.none"),
}


@pytest.mark.parametrize(("make", "code"), SIGNATURES.values(), ids=SIGNATURES.keys())
def test_refuses_for_signatures(vxsec_run: Vxsec, shop: Shop, make: Callable[[Shop], Path], code: str) -> None:
    path = make(shop)
    answer = gate(vxsec_run, shop, path, policy=shop.policy(DUAL), more=("--json",))
    assert answer.status == 11, answer.out + answer.err
    assert codes(answer)["signature.threshold"] == code


def test_withdrawn_bytes_are_denied_whatever_the_rules(vxsec_run: Vxsec, shop: Shop) -> None:
    path = _digest_revoked(shop)
    answer = gate(vxsec_run, shop, path, policy=shop.policy(ARCHIVE, mode="warn"), more=("--json",))
    assert answer.status == 11
    assert codes(answer) == {"digest.revoked": "digest.revoked"}


CONTENT: dict[str, tuple[dict[str, object], dict[str, bytes], str]] = {
    "a postinstall script": ({"scripts": {"postinstall": "node x.js"}}, {"x.js": b""}, "content.install-scripts"),
    "a binding.gyp that npm would build": ({}, {"binding.gyp": b"{}"}, "content.install-scripts"),
    "a workspace range left in": ({"dependencies": {"@acme/utils": "workspace:^"}}, {}, "manifest.consistent"),
    "a file dependency": ({"dependencies": {"x": "file:../x"}}, {}, "manifest.consistent"),
}


@pytest.mark.parametrize(("manifest", "files", "rule"), CONTENT.values(), ids=CONTENT.keys())
def test_refuses_for_content(
    vxsec_run: Vxsec, shop: Shop, manifest: dict[str, object], files: dict[str, bytes], rule: str
) -> None:
    path = shop.pack("kernel", manifest=manifest, files={"index.js": b"", **files})
    shop.release(path)
    answer = gate(vxsec_run, shop, path, more=("--json",))
    assert answer.status == 11
    assert rule in codes(answer)


def test_an_allowed_install_script_is_bound_to_its_content(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel", manifest={"scripts": {"postinstall": "node x.js"}}, files={"x.js": b"1"})
    shop.release(path)
    rules = "{id: scripts, use: content.install-scripts}"
    refused = gate(vxsec_run, shop, path, policy=shop.policy(rules), more=("--json",))
    hint = refused.json["subjects"][0]["results"][0]["hint"]
    entry = next(word for word in hint.replace('"', " ").replace("'", " ").replace(",", " ").split() if "#" in word)
    allowed = shop.policy(f'{{id: scripts, use: content.install-scripts, with: {{allow: ["{entry}"]}}}}')
    assert gate(vxsec_run, shop, path, policy=allowed).status == 0
    path = shop.pack("kernel", manifest={"scripts": {"postinstall": "node x.js"}}, files={"x.js": b"2"})
    assert gate(vxsec_run, shop, path, policy=allowed).status == 11


def test_refused_bytes_are_denied_in_every_mode(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.folder / "bad.tgz"
    path.write_bytes(b"not a tarball")
    policy = shop.policy(ONE, mode="warn")
    answer = gate(vxsec_run, shop, path, policy=policy, more=("--json",))
    assert answer.status == 11
    assert "archive.safe" in codes(answer)


def test_warn_mode_lets_pass_and_says_so(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel")
    answer = gate(vxsec_run, shop, path, policy=shop.policy(DUAL, mode="warn"))
    assert answer.status == 0
    assert "NOT ENFORCED" in answer.out


def test_a_name_no_registry_lists_matches_no_scope(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel", manifest={"name": "unlisted"})
    answer = gate(vxsec_run, shop, path, policy=shop.policy(ARCHIVE), more=("--json",))
    assert answer.status == 11
    assert codes(answer) == {"policy.nothing-evaluated": "policy.nothing-evaluated"}


def test_a_rule_only_warned_about_does_not_open_an_enforcing_policy(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel")
    answer = gate(vxsec_run, shop, path, policy=shop.policy("{id: a, use: archive.safe, mode: warn}"), more=("--json",))
    assert answer.status == 11


@pytest.mark.parametrize("how", ["offline", "down", "broken"])
def test_what_could_not_be_looked_for_is_undecided(vxsec_run: Vxsec, shop: Shop, how: str) -> None:
    path = shop.pack("kernel")
    shop.release(path)
    more: tuple[object, ...] = ("--json",)
    if how == "offline":
        more = ("--json", "--offline")
    elif how == "down":
        shop.registry.drop_connection("GET", "/", times=99)
    else:
        shop.registry.fail_next("GET", "/", status=502, times=99)
    answer = gate(vxsec_run, shop, path, policy=shop.policy(VERSION), more=more)
    assert answer.status == 4, answer.out + answer.err
    # the sidecars suffice for the signatures, whatever the registry does
    assert gate(vxsec_run, shop, path, policy=shop.policy(DUAL), more=more).status == 0


def test_a_missing_signature_is_undecided_while_the_registry_cannot_be_asked(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel")
    answer = gate(vxsec_run, shop, path, policy=shop.policy(DUAL), more=("--json", "--offline"))
    assert answer.status == 4
    assert codes(answer)["signature.threshold"] == "signature.search-incomplete"


def test_as_of_is_marked_and_judges_windows_then(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel")
    shop.release(path)
    policy = shop.policy(DUAL)
    assert gate(vxsec_run, shop, path, policy=policy, more=("--at", "2019-01-01T00:00:00Z")).status == 11
    answer = gate(vxsec_run, shop, path, policy=policy, more=("--at", "2027-01-01T00:00:00Z", "--json"))
    assert answer.status == 0
    assert answer.json["asOf"] is True


def test_the_log_records_each_decision_and_closes_the_gate_when_it_cannot(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel")
    shop.release(path)
    log = shop.folder / "log.jsonl"
    for _ in range(2):
        assert gate(vxsec_run, shop, path, more=("--log", log)).status == 0
    lines = log.read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["verdict"] for line in lines] == ["allow", "allow"]
    answer = gate(vxsec_run, shop, path, more=("--log", shop.folder / "missing" / "log.jsonl"))
    assert answer.status == 4
    assert "error[log.write-failed]" in answer.err
    assert gate(vxsec_run, shop, path, more=("--log", "/dev/full")).status == 4
    denied = gate(vxsec_run, shop, shop.pack("unsigned"), more=("--log", "/dev/full"))
    assert (denied.status, "error[log.write-failed]" in denied.err) == (11, True)


def test_an_approval_bound_to_another_policy_does_not_count(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel")
    shop.sign(path)
    rule = "{id: approved, use: release.approval}"
    policy = shop.policy(rule)
    other = shop.folder / "other.yaml"
    other.write_text(policy.read_text(encoding="utf-8").replace("name: test", "name: other"), encoding="utf-8")
    vxsec.approve(
        [path], signer=shop.uri("alice"), trust=shop.trust, policy=other, password=b"for tests only", offline=True
    )
    assert gate(vxsec_run, shop, path, policy=policy).status == 11
    vxsec.approve(
        [path], signer=shop.uri("bob"), trust=shop.trust, policy=policy, password=b"for tests only", offline=True
    )
    assert gate(vxsec_run, shop, path, policy=policy).status == 0


def test_poisoned_evidence_does_not_outweigh_good_sidecars(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel")
    shop.release(path)
    folder = shop.folder / "poison"
    folder.mkdir()
    line = (shop.folder / f"{path.name}.sigstore.jsonl").read_bytes().splitlines()[0]
    for name in ("a", "b"):
        junk = [line.replace(b'"sig":"', b'"sig":"AAAA%04d' % number) for number in range(900)]
        (folder / f"{name}.sigstore.jsonl").write_bytes(b"\n".join(junk))
    assert gate(vxsec_run, shop, path, policy=shop.policy(DUAL), more=("--evidence", folder)).status == 0


def test_a_name_that_is_no_utf8_is_recorded_and_shown(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel")
    strange = shop.folder / os.fsdecode(b"strange\xff.tgz")
    path.rename(strange)
    shop.release(strange)
    log = shop.folder / "log.jsonl"
    answer = gate(vxsec_run, shop, strange, more=("--json", "--log", log))
    assert answer.status == 0, answer.err
    assert "strange" in log.read_text(encoding="utf-8")


def test_evidence_from_a_folder_is_matched_by_digest(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel")
    shop.release(path)
    folder = shop.folder / "handed-back"
    folder.mkdir()
    (shop.folder / f"{path.name}.sigstore.jsonl").rename(folder / "any-name.sigstore.jsonl")
    policy = shop.policy(DUAL)
    assert gate(vxsec_run, shop, path, policy=policy).status == 11
    assert gate(vxsec_run, shop, path, policy=policy, more=("--evidence", folder)).status == 0


USAGE: dict[str, tuple[tuple[object, ...], str]] = {
    "no policy": (("gate", "x.tgz", "--trust", "trust.yaml"), "usage.no-policy"),
    "no trust": (("gate", "x.tgz", "--policy", "vxsec:minimal"), "usage.no-trust"),
    "no files": (("gate",), "usage"),
    "a missing file": (("gate", "gone.tgz", "--policy", "vxsec:minimal", "--trust", "trust.yaml"), "file.missing"),
    "a shipped policy nobody ships": (
        ("gate", "x.tgz", "--policy", "vxsec:nope", "--trust", "trust.yaml"),
        "policy.unknown-shipped",
    ),
    "a bundle file that is none": (
        ("gate", "x.tgz", "--policy", "vxsec:minimal", "--trust", "trust.yaml", "--bundle", "trust.yaml"),
        "bundle.malformed",
    ),
    "an unknown phase": (("gate", "x.tgz", "--phase", "later"), "usage"),
    "a time without a zone": (("gate", "x.tgz", "--at", "2026-01-01"), "usage"),
    "an unknown registry label": (
        ("gate", "x.tgz", "--policy", "vxsec:minimal", "--trust", "trust.yaml", "--registry", "nowhere"),
        "registry.unknown",
    ),
}


@pytest.mark.parametrize(("arguments", "code"), USAGE.values(), ids=USAGE.keys())
def test_usage_errors_are_2_and_one_line(
    vxsec_run: Vxsec, shop: Shop, arguments: tuple[object, ...], code: str
) -> None:
    shop.pack("x").rename(shop.folder / "x.tgz")
    answer = vxsec_run(*arguments)
    assert answer.status == (10 if code.startswith("bundle") else 2), answer.err
    assert f"error[{code}]: " in answer.err
    assert len(answer.err.strip().splitlines()) <= 2


def test_a_rehearsal_root_is_refused_by_the_command(vxsec_run: Vxsec, shop: Shop) -> None:
    path = shop.pack("kernel")
    shop.release(path)
    shop.write_trust(rehearsal=True)
    answer = gate(vxsec_run, shop, path)
    assert answer.status == 2
    assert "error[trust.rehearsal]" in answer.err
    decision = vxsec.gate([path], policy="vxsec:recommended", trust=shop.trust, unsafe_rehearsal=True)
    assert decision.rehearsal
