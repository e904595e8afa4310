"""Publish four packages to a loopback registry, install them, then attack them four ways.

Everything here is what a user of the library could write: the facade, and ``vxsec.testing``. Each attack names the rule
that must refuse it; an attack that passes makes the demo fail.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import vxsec
from vxsec.model.artifact import Artifact
from vxsec.testing.artifacts import pack
from vxsec.testing.registry import RegistrySimulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from vxsec.model.decision import Decision, SubjectDecision
    from vxsec.model.report.installation import InstallReport

    Say = Callable[[str], None]

__all__ = ["Attack", "run_demo"]

_SCOPE = "@vextrus"
_PASSWORD = b"rehearsal"
_POLICY = "vxsec:recommended"
_VERSION = "1.0.0"

_TRUST = """\
apiVersion: vxsec/trust/v1
kind: Identities
rehearsal: true
keys:
  - {{id: ci, file: ci.pub, roles: [machine], from: "{begin}", until: "{end}", holder: ci}}
  - {{id: alice, file: alice.pub, roles: [human], from: "{begin}", until: "{end}", holder: alice}}
holders:
  - {{id: ci, kind: machine}}
  - {{id: alice, kind: person}}
registries:
  internal: {{url: "{url}", scopes: ["@vextrus"]}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """One attack: what was done, the rule or check that must refuse it, and what was refused with."""

    title: str
    expected: str
    refused_by: tuple[str, ...]

    @property
    def refused(self) -> bool:
        """Whether the named one is among those that said no."""
        return self.expected in self.refused_by


def run_demo(say: Say = print) -> int:
    """Tell the story; returns 0 if everything honest passed and every attack was refused by the rule named, else 1.

    Needs nothing but the installed package: no network, no npm. The keys and the trust root are made for this run.
    """
    with tempfile.TemporaryDirectory(prefix="vxsec-demo-") as folder, RegistrySimulator() as registry:
        stage = _Stage(Path(folder), registry, say)
        stage.prepare()
        if not stage.release() or not stage.install():
            say("FAILED: the honest release did not pass")
            return 1
        attacks = [stage.swap_tarball(), stage.untrusted_signer(), stage.edit_lockfile(), stage.lie_about_scripts()]
        say("")
        for attack in attacks:
            word = "refused" if attack.refused else "PASSED (this is a defect)"
            say(f"  {word:<8} {attack.title}: {', '.join(attack.refused_by) or 'nothing'}")
        refused = sum(1 for attack in attacks if attack.refused)
        say(f"{refused} of {len(attacks)} attacks refused")
        return 0 if refused == len(attacks) else 1


class _Stage:
    """The workspace: a folder, a registry, two people's keys."""

    def __init__(self, folder: Path, registry: RegistrySimulator, say: Say) -> None:
        self.folder = folder
        self.registry = registry
        self.say = say
        self.trust = folder / "trust.yaml"
        self.tarballs: list[Path] = []

    # -- the honest part ----------------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Keys, trust document, .npmrc, and the four packages as ``npm pack`` made them."""
        self.say("1. Keys for CI and for a person, a trust document, four packed packages")
        for name in ("ci", "alice", "mallory"):
            vxsec.generate_key(self.folder / name, password=_PASSWORD)
        window = {"begin": "2020-01-01T00:00:00Z", "end": "2100-01-01T00:00:00Z"}
        self.trust.write_text(_TRUST.format(url=self.registry.url, **window), encoding="utf-8")
        (self.folder / ".npmrc").write_text(self.registry.npmrc(_SCOPE), encoding="utf-8")
        for resource in sorted(files("vxsec.demo").joinpath("packages").iterdir(), key=lambda item: item.name):
            target = self.folder / resource.name
            target.write_bytes(resource.read_bytes())
            self.tarballs.append(target)
            self.say(f"     {resource.name}")

    def release(self) -> bool:
        """CI signs, a person approves, the gate decides, the same bytes are published and read back."""
        self.say("2. CI signs a release statement over each; without a person's approval the gate says no")
        self._sign(self.tarballs, "ci")
        early = self._gate(self.tarballs)
        self._show(early.subjects[:1])
        self.say("3. Alice approves what changes, and the gate opens")
        vxsec.approve(
            self.tarballs,
            signer=f"file:{self.folder / 'alice.key'}",
            trust=self.trust,
            password=_PASSWORD,
            project_dir=self.folder,
            unsafe_rehearsal=True,
        )
        report = vxsec.publish(
            self.tarballs, policy=_POLICY, trust=self.trust, project_dir=self.folder, unsafe_rehearsal=True
        )
        for package in report.packages:
            self.say(f"     {package.state.value}  {package.package}  with evidence, read back")
        return not early.allowed and report.exit_status == 0

    def install(self) -> bool:
        """A consumer's lockfile, verified through the registry before anything is installed."""
        self.say("4. A consumer verifies the lockfile: lockfile = tarball = what was signed")
        report = self._verify_lockfile(self._lockfile())
        totals = report.totals
        self.say(
            f"     {totals.verified} verified + {totals.local} local + {totals.failed} failed = {totals.total} packages"
        )
        return report.exit_status == 0 and totals.verified == len(self.tarballs)

    # -- the attacks --------------------------------------------------------------------------------------------------

    def swap_tarball(self) -> Attack:
        """The tarball is replaced after it was signed; its signatures still lie beside it."""
        self.say("5. Attack: the tarball is swapped after signing")
        evil = self.folder / "evil"
        evil.mkdir()
        honest = next(path for path in self.tarballs if "kernel" in path.name)
        target = evil / honest.name
        target.write_bytes(pack({"name": f"{_SCOPE}/kernel", "version": _VERSION}, {"index.js": b"steal()\n"}))
        shutil.copy(f"{honest}.sigstore.jsonl", f"{target}.sigstore.jsonl")
        decision = self._gate([target])
        self._show(decision.subjects)
        return Attack(
            title="tarball swapped after signing", expected="signature.threshold", refused_by=_rules(decision)
        )

    def untrusted_signer(self) -> Attack:
        """Mallory has a good key of her own; nobody listed it."""
        self.say("6. Attack: a release signed and approved with a key nobody trusts")
        target = self.folder / "vextrus-kernel-1.0.1.tgz"
        target.write_bytes(pack({"name": f"{_SCOPE}/kernel", "version": "1.0.1"}, {"index.js": b"steal()\n"}))
        self._sign([target], "mallory")
        decision = self._gate([target])
        self._show(decision.subjects)
        return Attack(title="untrusted signer", expected="signature.threshold", refused_by=_rules(decision))

    def edit_lockfile(self) -> Attack:
        """A pull request changes one integrity value."""
        self.say("7. Attack: an integrity value in the lockfile is changed")
        document = json.loads(self._lockfile().read_text(encoding="utf-8"))
        entry = document["packages"][f"node_modules/{_SCOPE}/kernel"]
        entry["integrity"] = document["packages"][f"node_modules/{_SCOPE}/utils"]["integrity"]
        path = self.folder / "package-lock.json"
        path.write_text(json.dumps(document), encoding="utf-8")
        report = self._verify_lockfile(path)
        for failure in report.failures:
            self.say(f"     {failure.package} [{failure.code}] {failure.message}")
        codes = tuple(dict.fromkeys(failure.code for failure in report.failures))
        return Attack(title="lockfile integrity changed", expected="tree.integrity-mismatch", refused_by=codes)

    def lie_about_scripts(self) -> Attack:
        """The registry's manifest and the tarball disagree about what runs on install."""
        self.say("8. Attack: the registry's manifest lies about its scripts")

        def lie(packument: dict[str, Any]) -> dict[str, Any]:
            packument["versions"][_VERSION]["scripts"] = {"postinstall": "node steal.js"}
            return packument

        self.registry.tamper_packument(f"{_SCOPE}/utils", lie)
        report = self._verify_lockfile(self._lockfile())
        decision = report.decision
        if decision is not None:
            self._show([subject for subject in decision.subjects if not subject.allowed])
        refused = _rules(decision) if decision is not None and report.exit_status else ()
        return Attack(title="manifest that lies about its scripts", expected="manifest.consistent", refused_by=refused)

    # -- one call of the facade each ----------------------------------------------------------------------------------

    def _sign(self, paths: list[Path], key: str) -> None:
        vxsec.sign(
            paths,
            signers=[f"file:{self.folder / key}.key"],
            trust=self.trust,
            password=_PASSWORD,
            unsafe_rehearsal=True,
        )

    def _gate(self, paths: list[Path]) -> Decision:
        return vxsec.gate(paths, policy=_POLICY, trust=self.trust, project_dir=self.folder, unsafe_rehearsal=True)

    def _verify_lockfile(self, path: Path) -> InstallReport:
        return vxsec.verify_lockfile(
            path, policy=_POLICY, trust=self.trust, project_dir=self.folder, unsafe_rehearsal=True
        )

    def _lockfile(self) -> Path:
        """What ``npm install`` writes for a project that uses the four packages."""
        packages: dict[str, object] = {"": {"name": "consumer", "version": "1.0.0"}}
        for path in self.tarballs:
            artifact = vxsec.open_artifact(path)
            if not isinstance(artifact, Artifact):
                raise TypeError(f"{path.name} is refused")
            name = artifact.package.name
            packages[f"node_modules/{name}"] = {
                "version": artifact.package.version,
                "integrity": artifact.digests.integrity,
                "dependencies": artifact.manifest.strings("dependencies"),
            }
        root = {str(key).removeprefix("node_modules/"): f"^{_VERSION}" for key in packages if key}
        packages[""] = {"name": "consumer", "version": "1.0.0", "dependencies": root}
        path = self.folder / "package-lock.json"
        document = {
            "name": "consumer",
            "version": "1.0.0",
            "lockfileVersion": 3,
            "requires": True,
            "packages": packages,
        }
        path.write_text(json.dumps(document, indent=2), encoding="utf-8")
        return path

    def _show(self, subjects: Iterable[SubjectDecision]) -> None:
        for subject in subjects:
            for result in subject.results:
                if result.closes:
                    self.say(f"     {subject.subject.label}: {result.verdict} {result.use} [{result.code}]")
                    self.say(f"         expected {result.expected}; found {result.found}")


def _rules(decision: Decision) -> tuple[str, ...]:
    """The rules that closed the gate, each once."""
    return tuple(
        dict.fromkeys(result.use for subject in decision.subjects for result in subject.results if result.closes)
    )
