"""deps.lockfile beyond its cases: what an entry may be, and that long text is cut."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest

from support.policy_cases import SHA512, finding, make_evidence, make_subject, run_rule
from vxsec.model.decision import Phase
from vxsec.model.dependency import LockedPackage
from vxsec.model.evidence import LockfileEvidence

RULE = "deps.lockfile"
SRI = "sha512-" + base64.b64encode(bytes.fromhex(SHA512)).decode()
OTHER = "sha512-" + base64.b64encode(bytes(64)).decode()
ENTRY = LockedPackage(
    path="node_modules/@vextrus/kernel",
    name="@vextrus/kernel",
    installed_as="@vextrus/kernel",
    version="1.1.0",
    resolved=None,
    integrity=SRI,
)
LOCKFILE = LockfileEvidence(format="npm", source="package-lock.json", sha512="0" * 128, entry=ENTRY, findings=())

ENTRIES = {
    "no resolved: npm asks its registry": ({}, "lockfile.pinned"),
    "an alias counts as its target": ({"installed_as": "kernel"}, "lockfile.pinned"),
    "several digests, ours among them": ({"integrity": f"{OTHER} {SRI}"}, "lockfile.integrity-ambiguous"),
    "another digest": ({"integrity": OTHER}, "lockfile.integrity-mismatch"),
    "a link": ({"link": True}, "lockfile.source"),
    "a folder": ({"resolved": "file:../kernel"}, "lockfile.source"),
    "a git host by https": ({"resolved": "https://github.com/x/y/archive/main.tar.gz"}, "lockfile.source"),
    "a shortcut to a git host": ({"resolved": "vextrus/kernel"}, "lockfile.source"),
    "a URL with a backslash": ({"resolved": "https://registry.example.test\\@evil.test/x.tgz"}, "lockfile.source"),
    "no name": ({"name": None}, "lockfile.other-package"),
    "another version": ({"version": "1.1.1"}, "lockfile.other-package"),
    "an empty integrity": ({"integrity": ""}, "lockfile.bad-integrity"),
    "an integrity of an unknown algorithm": ({"integrity": "sha3-AAAA"}, "lockfile.bad-integrity"),
    "sha256 only": ({"integrity": "sha256-" + base64.b64encode(bytes(32)).decode()}, "lockfile.weak-integrity"),
}


@pytest.mark.parametrize(("change", "code"), ENTRIES.values(), ids=ENTRIES.keys())
def test_an_entry(change: dict[str, object], code: str) -> None:
    lockfile = replace(LOCKFILE, entry=replace(ENTRY, **change))  # type: ignore[arg-type]  # rows of a table
    result = run_rule(RULE, make_evidence(lockfile=lockfile), phase=Phase.INSTALL)
    assert result.code == code


def test_bytes_that_are_not_at_hand_are_not_compared() -> None:
    evidence = make_evidence(
        make_subject(sha512=None), lockfile=replace(LOCKFILE, entry=replace(ENTRY, integrity=OTHER))
    )
    assert run_rule(RULE, evidence, phase=Phase.INSTALL).code == "lockfile.pinned"


def test_findings_below_high_do_not_deny() -> None:
    lockfile = replace(LOCKFILE, findings=(finding("lockfile.install-script"), finding("lockfile.x", "medium")))
    assert run_rule(RULE, make_evidence(lockfile=lockfile), phase=Phase.INSTALL).code == "lockfile.pinned"


def test_the_first_severe_finding_names_the_reason() -> None:
    lockfile = replace(LOCKFILE, findings=(finding("lockfile.low"), finding("lockfile.foreign-registry", "high")))
    result = run_rule(RULE, make_evidence(lockfile=lockfile), phase=Phase.INSTALL)
    assert result.code == "lockfile.foreign-registry"
    assert result.message == "something at 'node_modules/@vextrus/kernel'"
    assert result.hint == "vxsec inspect package-lock.json"


def test_long_text_from_the_lockfile_is_cut() -> None:
    entry = replace(ENTRY, resolved="git:" + "x" * 10_000, path="p" * 10_000)
    result = run_rule(RULE, make_evidence(lockfile=replace(LOCKFILE, entry=entry)), phase=Phase.INSTALL)
    assert len(result.found or "") < 200
    assert len(result.message) < 300
