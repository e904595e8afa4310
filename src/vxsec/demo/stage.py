"""The demo's workspace: a folder, a registry, keys, and one call of the facade for each thing a person does in it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.resources import files
from typing import TYPE_CHECKING

import vxsec
from vxsec.model.artifact import Artifact
from vxsec.testing.artifacts import pack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from vxsec.model.decision import Decision, SubjectDecision
    from vxsec.model.report.installation import InstallReport
    from vxsec.model.report.publication import PublishReport
    from vxsec.testing import Registry

    Say = Callable[[str, str], None]
    """Takes a line and how it should look: ``plain``, ``good``, ``bad``, ``warn`` or ``dim``."""

__all__ = ["EVIDENCE", "PASSWORD", "POLICY", "SCOPE", "VERSION", "Stage", "closing_rules", "opened", "publish_files"]

SCOPE = "@vextrus"
VERSION = "1.0.0"
EVIDENCE = f"{SCOPE}/vxsec-evidence"
POLICY = "vxsec:recommended"
PASSWORD = b"rehearsal"

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
_WINDOW = {"begin": "2020-01-01T00:00:00Z", "end": "2100-01-01T00:00:00Z"}
_AUTHOR = "The vextrus team"
_WIDTH = 120
_DIGEST = re.compile(r"(sha512-[A-Za-z0-9+/]{8})[A-Za-z0-9+/=]+")


@dataclass(slots=True, kw_only=True)
class Stage:
    """Everything the acts share. The trust root is marked as a rehearsal: no command line accepts it."""

    folder: Path
    registry: Registry
    say: Say
    now: datetime = field(default_factory=lambda: datetime.now(tz=UTC).replace(microsecond=0))
    tarballs: list[Path] = field(default_factory=list)
    acts: int = 0

    @property
    def trust(self) -> Path:
        """The trust document."""
        return self.folder / "trust.yaml"

    @property
    def database(self) -> Path:
        """The folder of the advisory database."""
        return self.folder / "advisories"

    @property
    def lockfile(self) -> Path:
        """The lockfile of a project that uses the four packages."""
        return self.folder / "package-lock.json"

    # -- telling -----------------------------------------------------------------------------------------------------

    def act(self, title: str) -> None:
        """Begin the next act."""
        self.acts += 1
        self.say(f"{self.acts:>2}. {title}", "plain")

    def tell(self, line: str, style: str = "dim") -> None:
        """One line of an act; files are named as from the workspace, digests by how they begin, and what is long is cut."""
        text = _DIGEST.sub(r"\1…", line.replace(f"{self.folder}/", ""))
        self.say("      " + (text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"), style)

    def tell_refusals(self, subjects: Iterable[SubjectDecision], *, only: Sequence[str] = ()) -> None:
        """Every result that closes the gate, or those of some rules: verdict, code, expected and found."""
        for subject in subjects:
            for result in subject.results:
                if result.closes and (not only or result.use in only):
                    self.tell(f"{subject.subject.label}: {result.verdict} {result.use} [{result.code}]")
                    self.tell(f"    expected  {result.expected}")
                    self.tell(f"    found     {result.found}")

    # -- making the workspace ----------------------------------------------------------------------------------------

    def make_keys(self) -> None:
        """Keys for CI and for Alice, and for Mallory, whom nobody lists; the trust document; an ``.npmrc``."""
        for name in ("ci", "alice", "mallory"):
            vxsec.generate_key(self.folder / name, password=PASSWORD)
        self.trust.write_text(_TRUST.format(url=self.registry.url, **_WINDOW), encoding="utf-8")
        # Every name goes to this registry, so that no request can leave the machine.
        (self.folder / ".npmrc").write_text(f"{SCOPE}:registry={self.registry.url}\n{self.registry.npmrc()}", "utf-8")

    def unpack_resources(self, room: str) -> list[Path]:
        """Copy the files that the demo brings along into the workspace."""
        target = self.folder if room == "packages" else self.folder / f"{room}-in"
        target.mkdir(exist_ok=True)
        copied = []
        for resource in sorted(files("vxsec.demo").joinpath(room).iterdir(), key=lambda item: item.name):
            (target / resource.name).write_bytes(resource.read_bytes())
            copied.append(target / resource.name)
        return copied

    def pack(self, name: str, version: str, extra: Mapping[str, bytes], *, base: str | None = None) -> Path:
        """A new version of one of the four packages: its manifest with another version, and these files."""
        honest = opened(next(path for path in self.tarballs if f"-{base or name}-1" in path.name))
        manifest = {**honest.manifest.document, "version": version}
        path = self.folder / f"vextrus-{name}-{version}.tgz"
        path.write_bytes(pack(manifest, {"index.js": b"exports.ready = true\n", "index.d.ts": b"", **extra}))
        return path

    def write_lockfile(
        self, tarballs: Iterable[Path], *, name: str = "package-lock.json", extra: Mapping[str, object] | None = None
    ) -> Path:
        """What ``npm install`` writes for a project that uses these packages; ``extra`` are more entries."""
        packages: dict[str, object] = {}
        for path in tarballs:
            artifact = opened(path)
            packages[f"node_modules/{artifact.package.name}"] = {
                "version": artifact.package.version,
                "integrity": artifact.digests.integrity,
                "license": "Apache-2.0",
                "dependencies": artifact.manifest.strings("dependencies"),
            }
        packages.update(extra or {})
        wanted = {key.removeprefix("node_modules/"): "*" for key in packages}
        root = {"name": "consumer", "version": "1.0.0", "dependencies": wanted}
        document = {
            "name": "consumer",
            "version": "1.0.0",
            "lockfileVersion": 3,
            "requires": True,
            "packages": {"": root, **packages},
        }
        target = self.folder / name
        target.parent.mkdir(exist_ok=True)
        target.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        return target

    # -- one call of the facade each ---------------------------------------------------------------------------------

    def sign(self, paths: Sequence[Path], *, key: str = "ci") -> None:
        """A release statement over each."""
        vxsec.sign(paths, signers=[self._signer(key)], trust=self.trust, password=PASSWORD, unsafe_rehearsal=True)

    def attest_sboms(self, paths: Sequence[Path], lockfile: Path) -> int:
        """Make the SBOM of each beside it, and attest it with CI's key; returns how many components they list."""
        components = 0
        for path in paths:
            made = vxsec.build_sbom(
                path, lockfile=lockfile, output=f"{path}.cdx.json", authors=[_AUTHOR], timestamp=self.now
            )
            components += made.components
        vxsec.attest_sbom(paths, signers=[self._signer("ci")], password=PASSWORD)
        return components

    def approve(self, paths: Sequence[Path]) -> None:
        """Alice's approval of each."""
        vxsec.approve(
            paths,
            signer=self._signer("alice"),
            trust=self.trust,
            password=PASSWORD,
            project_dir=self.folder,
            unsafe_rehearsal=True,
        )

    def release(self, paths: Sequence[Path], lockfile: Path) -> None:
        """Everything that an honest release has: SBOM, CI's signature, Alice's approval."""
        self.attest_sboms(paths, lockfile)
        self.sign(paths)
        self.approve(paths)

    def gate(self, paths: Sequence[Path], *, lockfile: Path | None = None) -> Decision:
        """May these be published?"""
        return vxsec.gate(
            paths,
            policy=POLICY,
            trust=self.trust,
            lockfile=lockfile or self.lockfile,
            db=self.database,
            project_dir=self.folder,
            unsafe_rehearsal=True,
        )

    def publish(self, paths: Sequence[Path], *, lockfile: Path | None = None, dry_run: bool = False) -> PublishReport:
        """Publish them, or say what would be done."""
        return publish_files(self.folder, paths, lockfile=lockfile or self.lockfile, dry_run=dry_run)

    def verify(self, lockfile: Path) -> InstallReport:
        """Verify what a lockfile would install."""
        return vxsec.verify_lockfile(
            lockfile,
            policy=POLICY,
            trust=self.trust,
            db=self.database,
            project_dir=self.folder,
            unsafe_rehearsal=True,
        )

    def _signer(self, key: str) -> str:
        return f"file:{self.folder / key}.key"


def publish_files(
    folder: Path,
    paths: Sequence[Path],
    *,
    lockfile: Path,
    dry_run: bool = False,
    progress: Callable[[str], None] = lambda _line: None,
) -> PublishReport:
    """Publish from a workspace; the stage does it, and the process that is killed."""
    return vxsec.publish(
        paths,
        policy=POLICY,
        trust=folder / "trust.yaml",
        lockfile=lockfile,
        db=folder / "advisories",
        project_dir=folder,
        dry_run=dry_run,
        unsafe_rehearsal=True,
        progress=progress,
    )


def opened(path: Path) -> Artifact:
    """An accepted tarball.

    Raises:
        TypeError: It is refused, which none of the demo's own is.
    """
    artifact = vxsec.open_artifact(path)
    if not isinstance(artifact, Artifact):
        raise TypeError(f"{path.name} is refused")
    return artifact


def closing_rules(decision: Decision | None) -> tuple[str, ...]:
    """The rules that closed the gate, each once."""
    subjects = decision.subjects if decision is not None else ()
    return tuple(dict.fromkeys(result.use for subject in subjects for result in subject.results if result.closes))
