"""The attacks: each changes one thing, and names the rule, check or error that must refuse it.

Before each of them the registry is as the honest release left it.
"""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import vxsec
from vxsec.demo.scorecard import Attack
from vxsec.demo.stage import EVIDENCE, PASSWORD, SCOPE, VERSION, closing_rules, opened
from vxsec.testing.artifacts import pack

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from vxsec.demo.stage import Stage
    from vxsec.model.report.installation import InstallReport

__all__ = ["ATTACKS", "run_attacks"]

_CYCLONEDX = "https://cyclonedx.org/bom"
_STEAL = {"index.js": b"steal(process.env)\n"}


def run_attacks(stage: Stage) -> list[Attack]:
    """All of them, in order."""
    honest = stage.registry.snapshot()
    attacks = []
    for attack in ATTACKS:
        stage.registry.rewind(honest)
        attacks.append(attack(stage))
    stage.registry.rewind(honest)
    return attacks


def _swap_tarball(stage: Stage) -> Attack:
    """The tarball is replaced after it was signed; its signatures still lie beside it."""
    stage.act("Attack: the tarball is swapped after signing")
    honest = _packed(stage, "kernel")
    target = stage.folder / "swapped" / honest.name
    target.parent.mkdir()
    target.write_bytes(pack({"name": f"{SCOPE}/kernel", "version": VERSION}, _STEAL))
    shutil.copy(f"{honest}.sigstore.jsonl", f"{target}.sigstore.jsonl")
    return _gated(stage, target, "tarball swapped after signing", "signature.threshold")


def _sign_as_nobody(stage: Stage) -> Attack:
    """Mallory has a good key of her own; nobody listed it."""
    stage.act("Attack: a release signed with a key that nobody trusts")
    target = stage.pack("kernel", "1.0.1", _STEAL)
    stage.sign([target], key="mallory")
    return _gated(stage, target, "signed by an unknown key", "signature.threshold")


def _replace_sbom(stage: Stage) -> Attack:
    """CI is made to attest the SBOM of another package; everything else about the release is in order."""
    stage.act("Attack: a release with the SBOM of another tarball")
    target = stage.pack("kernel", "1.0.2", {})
    stage.sign([target])
    stage.approve([target])
    vxsec.attest(
        [target],
        predicate_type=_CYCLONEDX,
        predicate=f"{_packed(stage, 'utils')}.cdx.json",
        signers=[f"file:{stage.folder / 'ci.key'}"],
        password=PASSWORD,
    )
    return _gated(stage, target, "SBOM of another tarball", "sbom.complete")


def _leave_secret(stage: Stage) -> Attack:
    """A key was left in a file; machine and person signed without looking."""
    stage.act("Attack, or accident: a credential left in the tarball")
    invented = "AKIA" + "QWERTZUIOPASDFGH"  # in two parts: a scanner of this very file should find nothing
    target = stage.pack("kernel", "1.0.3", {"deploy.js": f'exports.key = "{invented}"\n'.encode()})
    stage.release([target], stage.lockfile)
    return _gated(stage, target, "credential left in the tarball", "content.secrets")


def _edit_lockfile(stage: Stage) -> Attack:
    """A pull request changes one integrity value."""
    stage.act("Attack: an integrity value in the lockfile is changed")
    document = json.loads(stage.lockfile.read_text(encoding="utf-8"))
    entries = document["packages"]
    other = entries[f"node_modules/{SCOPE}/utils"]["integrity"]
    entries[f"node_modules/{SCOPE}/kernel"]["integrity"] = other
    path = _beside(stage, "edited")
    path.write_text(json.dumps(document), encoding="utf-8")
    report = stage.verify(path)
    _tell_failures(stage, report)
    return Attack(
        title="lockfile integrity changed",
        answer=f"verify {report.exit_status}",
        expected=("tree.integrity-mismatch",),
        refused_by=_refusals(report),
    )


def _add_malware(stage: Stage) -> Attack:
    """A dependency whose name looks like ours is known to be malicious."""
    stage.act("Attack: a dependency that is known to be malicious")
    entry = {
        "version": "1.0.0",
        "integrity": opened(_packed(stage, "utils")).digests.integrity,
        "license": "MIT",
    }
    path = stage.write_lockfile(
        stage.tarballs, name="malware/package-lock.json", extra={"node_modules/vextrus-utilz": entry}
    )
    report = stage.verify(path)
    return _judged(stage, report, "known-malicious dependency", "malware.deny")


def _lie_about_scripts(stage: Stage) -> Attack:
    """The registry's manifest and the tarball disagree about what runs on install."""
    stage.act("Attack: the registry's manifest lies about its scripts")

    def lie(packument: dict[str, Any]) -> dict[str, Any]:
        packument["versions"][VERSION].setdefault("scripts", {})["postinstall"] = "node steal.js"
        return packument

    stage.registry.tamper_packument(f"{SCOPE}/utils", lie)
    report = stage.verify(stage.lockfile)
    return _judged(stage, report, "registry lies about scripts", "manifest.consistent")


def _republish(stage: Stage) -> Attack:
    """The registry serves other bytes as the same version, and its packument agrees with them."""
    stage.act("Attack: the registry replaces a live version, bytes and integrity both")
    name = f"{SCOPE}/contracts"
    honest = _packed(stage, "contracts")
    evil = stage.folder / "replaced" / honest.name
    evil.parent.mkdir()
    evil.write_bytes(pack({**opened(honest).manifest.document}, _STEAL))
    digests = opened(evil).digests

    def replace(packument: dict[str, Any]) -> dict[str, Any]:
        packument["versions"][VERSION]["dist"] |= {"integrity": digests.integrity, "shasum": digests.sha1}
        return packument

    stage.registry.tamper_packument(name, replace)
    stage.registry.tamper_tarball(name, VERSION, evil.read_bytes())
    stage.tell("a lockfile from before:", "plain")
    before = stage.verify(stage.lockfile)
    _tell_failures(stage, before)
    stage.tell("a lockfile made afterwards, in which everything agrees:", "plain")
    others = [path for path in stage.tarballs if path != honest]
    after = stage.verify(stage.write_lockfile([*others, evil], name="replaced/package-lock.json"))
    _tell_failures(stage, after)
    stage.tell("the team publishes its own bytes again:", "plain")
    again = stage.publish([honest])
    stage.tell_refusals(again.decision.subjects, only=("version.monotonic",))
    return Attack(
        title="live version replaced in the registry",
        answer=f"verify {before.exit_status}, publish {again.exit_status}",
        expected=("tree.integrity-mismatch", "signature.subject-mismatch", "version.monotonic"),
        refused_by=(*_refusals(before), *_refusals(after), *closing_rules(again.decision)),
    )


def _withhold_evidence(stage: Stage) -> Attack:
    """The registry serves the packages, and says that it never saw a signature."""
    stage.act("Attack: the registry withholds the evidence")

    def forget(packument: dict[str, Any]) -> dict[str, Any]:
        return {**packument, "versions": {}, "dist-tags": {}, "time": {}}

    stage.registry.tamper_packument(EVIDENCE, forget)
    report = stage.verify(stage.lockfile)
    if report.decision is not None:
        stage.tell_refusals(report.decision.subjects[:1], only=("signature.threshold",))
    return Attack(
        title="evidence withheld by the registry",
        answer=f"verify {report.exit_status}",
        expected=("signature.threshold",),
        refused_by=_refusals(report),
    )


ATTACKS: tuple[Callable[[Stage], Attack], ...] = (
    _swap_tarball,
    _sign_as_nobody,
    _replace_sbom,
    _leave_secret,
    _edit_lockfile,
    _add_malware,
    _lie_about_scripts,
    _withhold_evidence,
    _republish,
)
"""At publish first, then at install."""


def _packed(stage: Stage, name: str) -> Path:
    return next(path for path in stage.tarballs if path.name == f"vextrus-{name}-{VERSION}.tgz")


def _beside(stage: Stage, name: str) -> Path:
    folder = stage.folder / name
    folder.mkdir(exist_ok=True)
    return folder / "package-lock.json"


def _gated(stage: Stage, target: Path, title: str, rule: str) -> Attack:
    """The gate's answer to one tarball."""
    decision = stage.gate([target])
    stage.tell_refusals(decision.subjects, only=(rule,))
    answer = f"gate {decision.exit_status}"
    return Attack(title=title, answer=answer, expected=(rule,), refused_by=closing_rules(decision))


def _judged(stage: Stage, report: InstallReport, title: str, rule: str) -> Attack:
    """A rule's answer to a lockfile."""
    _tell_rule(stage, report, rule)
    answer = f"verify {report.exit_status}"
    return Attack(title=title, answer=answer, expected=(rule,), refused_by=_refusals(report))


def _refusals(report: InstallReport) -> tuple[str, ...]:
    """Checks that failed whatever the policy says, and rules that closed the gate; nothing where the answer is 0."""
    if report.exit_status == 0:
        return ()
    return (*dict.fromkeys(failure.code for failure in report.failures), *closing_rules(report.decision))


def _tell_failures(stage: Stage, report: InstallReport) -> None:
    for failure in report.failures:
        stage.tell(f"{failure.package}: [{failure.code}]")
        stage.tell(f"    {failure.message}")


def _tell_rule(stage: Stage, report: InstallReport, rule: str) -> None:
    if report.decision is not None:
        stage.tell_refusals([item for item in report.decision.subjects if not item.allowed], only=(rule,))
