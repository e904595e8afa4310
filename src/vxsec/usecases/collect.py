"""Collect what the policy's rules need about a subject, and nothing else.

Every kind of evidence is derived here from raw material (bytes, bundles, packuments, lockfiles). A search that cannot be
finished is recorded as such; it never ends the collection, because the rule that needs it says ``unknown``.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from vxsec.errors import FormatError, UndecidedError, VxsecError
from vxsec.formats.sigstore_bundle import read_bundle_lines
from vxsec.formats.statement import read_statement
from vxsec.host.files import read_bounded
from vxsec.inspection.content import derive_content
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.artifact import Artifact, RefusedArtifact
from vxsec.model.attestation import Bundle, Envelope, RejectedSignature
from vxsec.model.decision import Phase
from vxsec.model.evidence import Evidence, LockfileEvidence, PackumentState, RegistryEvidence, SubjectRef
from vxsec.model.trust import OTHER_REGISTRY
from vxsec.policy.engine import rules_for
from vxsec.policy.rule import EvidenceKind
from vxsec.usecases.inputs import choose_registry, files_in, read_sidecars
from vxsec.usecases.lockfile_input import find_lockfile, load_lockfile_input
from vxsec.verification.bundle import subject_states
from vxsec.verification.release import SourceKind, derive_signatures

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from datetime import datetime

    from vxsec.formats.packument import Packument
    from vxsec.model.dependency import LockedPackage
    from vxsec.model.digest import Digests
    from vxsec.model.evidence import RoutingEvidence
    from vxsec.model.trust import Registry, TrustRoot
    from vxsec.policy.document import Policy
    from vxsec.usecases.lockfile_input import LockfileInput
    from vxsec.usecases.registries import RegistrySession

    PathLike = str | os.PathLike[str]
    Sourced = tuple[Bundle | RejectedSignature, str, SourceKind]

__all__ = ["DEFAULT_TAG", "Collector"]

DEFAULT_TAG = "latest"


class Collector:
    """Derives the Evidence of subjects for one policy, one trust root and one phase.

    Args:
        policy: Decides which kinds of evidence are needed.
        trust: Decides which keys, roles and registries count.
        phase: Publish, promote or install.
        session: Connections; its ``offline`` makes what a connection would show incomplete.
        now: The time every window is judged at.
        registry: The label ``--registry`` gave, for names listed by several registries.
        bundles: Bundle files given on the command line.
        evidence_dir: A folder of bundle files, matched by digest.
        packument: A packument file, believed only where a rule says so.
        lockfile: A lockfile; the one in the project folder if None.
        tag: The dist-tag a publish would move.
    """

    def __init__(
        self,
        *,
        policy: Policy,
        trust: TrustRoot,
        phase: Phase,
        session: RegistrySession,
        now: datetime,
        registry: str | None = None,
        bundles: Sequence[PathLike] = (),
        evidence_dir: PathLike | None = None,
        packument: PathLike | None = None,
        lockfile: PathLike | None = None,
        project_dir: PathLike = ".",
        tag: str | None = None,
    ) -> None:
        self.policy = policy
        self.trust = trust
        self.phase = phase
        self.session = session
        self.now = now
        self._registry_label = registry
        self._packument = packument
        self._tag = tag
        self._lockfile_path = lockfile
        self._project_dir = Path(project_dir)
        self._lockfile: LockfileInput | None = None
        self._lockfile_read = False
        self._given = self._read_all(bundles, SourceKind.GIVEN)
        _require_bundles(bundles, self._given)
        self._found = self._read_all(files_in(evidence_dir) if evidence_dir is not None else (), SourceKind.FOUND)

    # -- subjects ---------------------------------------------------------------------------------------------------

    def collect(self, artifact: Artifact | RefusedArtifact, *, entry: LockedPackage | None = None) -> Evidence:
        """Everything the matching rules need about a tarball.

        Args:
            artifact: The tarball, read.
            entry: Its lockfile entry, where the lockfile named it.

        Raises:
            UsageError: The name is listed by several registries and no label was given.
            ConfigurationError: A ``.npmrc`` that cannot be used as it is.
        """
        digests = artifact.digests
        if isinstance(artifact, RefusedArtifact):
            subject = SubjectRef(
                filename=artifact.filename,
                package=None,
                sha256=digests.sha256,
                sha512=digests.sha512,
                registry=OTHER_REGISTRY,
            )
            return Evidence(subject=subject, content=derive_content(artifact))
        registry = choose_registry(self.trust, artifact.package.name, self._registry_label)
        subject = SubjectRef(
            filename=artifact.filename,
            package=artifact.package,
            sha256=digests.sha256,
            sha512=digests.sha512,
            registry=registry.label if registry else OTHER_REGISTRY,
        )
        needs = self.needs(subject)
        evidence = Evidence(subject=subject, content=derive_content(artifact))
        # An own package that is installed is compared with what was signed even where no rule asks for signatures.
        installed = registry is not None and self.phase is Phase.INSTALL
        if installed or needs & {EvidenceKind.SIGNATURES, EvidenceKind.APPROVALS}:
            evidence = self._with_signatures(evidence, artifact, registry)
        if EvidenceKind.REGISTRY in needs:
            evidence = replace(evidence, registry=self._registry_evidence(artifact, registry))
        if EvidenceKind.LOCKFILE in needs:
            evidence = replace(evidence, lockfile=self._lockfile_evidence(subject, entry))
        if EvidenceKind.ROUTING in needs:
            evidence = replace(evidence, routing=self._routing(artifact, entry))
        return evidence

    def collect_entry(self, entry: LockedPackage, subject: SubjectRef) -> Evidence:
        """What can be known of a lockfile entry without its bytes."""
        needs = self.needs(subject)
        evidence = Evidence(subject=subject)
        if EvidenceKind.LOCKFILE in needs:
            evidence = replace(evidence, lockfile=self._lockfile_evidence(subject, entry))
        if EvidenceKind.ROUTING in needs:
            evidence = replace(
                evidence, routing=self._routes([(subject.package.name, entry.resolved)] if subject.package else [])
            )
        return evidence

    def needs(self, subject: SubjectRef) -> frozenset[EvidenceKind]:
        """The kinds of evidence that some matching rule of this phase reads."""
        uses = rules_for(self.policy, package=subject.package, registry=subject.registry, phase=self.phase)
        return frozenset(kind for use in uses for kind in use.rule.needs)

    def tag_for(self, artifact: Artifact) -> str:
        """The dist-tag a publish of this tarball would move: ``--tag``, its own ``publishConfig.tag``, or ``latest``."""
        from vxsec.registry.publish_document import read_publish_config

        return self._tag or read_publish_config(artifact.manifest).tag or DEFAULT_TAG

    @property
    def lockfile(self) -> LockfileInput | None:
        """The lockfile given, or the one in the project folder (no search upward), or None."""
        if not self._lockfile_read:
            self._lockfile_read = True
            path = self._lockfile_path
            if path is None:
                path = find_lockfile(self._project_dir)
            self._lockfile = load_lockfile_input(path) if path is not None else None
        return self._lockfile

    # -- signatures -------------------------------------------------------------------------------------------------

    def _with_signatures(self, evidence: Evidence, artifact: Artifact, registry: Registry | None) -> Evidence:
        sourced: list[Sourced] = [*self._given, *self._found]
        for source, data in read_sidecars(artifact.filename):
            sourced.extend((item, source, SourceKind.GIVEN) for item in read_bundle_lines(data, where=source))
        incomplete: str | None = None
        foreign = False
        if registry is not None:
            try:
                pieces, foreign = self._evidence_package(artifact, registry)
                sourced.extend(pieces)
            except (UndecidedError, FormatError) as error:
                incomplete = f"the evidence package could not be read: {_told(error)}"
        signatures, approvals = derive_signatures(
            sourced,
            artifact_package=artifact.package,
            digests=artifact.digests,
            registry_url=registry.url if registry else None,
            trust=self.trust,
            now=self.now,
        )
        foreign = foreign or signatures.foreign
        return replace(
            evidence,
            signatures=replace(signatures, foreign=foreign, incomplete=incomplete or signatures.incomplete),
            approvals=replace(approvals, foreign=foreign, incomplete=incomplete or approvals.incomplete),
        )

    def _evidence_package(self, artifact: Artifact, registry: Registry) -> tuple[list[Sourced], bool]:
        from vxsec.registry.evidence import fetch_evidence

        client = self.session.client(registry.url)
        found = fetch_evidence(client, registry.evidence, subject=artifact.package, digests=artifact.digests)
        sourced: list[Sourced] = [(item, item.source, SourceKind.FOUND) for item in found.rejected]
        for piece in found.packages:
            source = f"{piece.name}@{piece.version}"
            try:
                items = read_bundle_lines(piece.bundles or b"", where=source)
            except FormatError as error:  # one bad piece hides no other
                items = (RejectedSignature(code=error.code, message=error.message, source=source),)
            sourced.extend((item, source, SourceKind.FOUND) for item in items)
        return sourced, found.foreign

    def bundles_about(self, artifact: Artifact) -> list[Bundle]:
        """The readable bundles at hand (sidecars, given, evidence folder) that speak of these bytes, each once."""
        found: dict[bytes, Bundle] = {}
        sources = [item for item, _, _ in (*self._given, *self._found)]
        for source, data in read_sidecars(artifact.filename):
            sources.extend(read_bundle_lines(data, where=source))
        for item in sources:
            if isinstance(item, Bundle) and _speaks_of(item, artifact.digests):
                found.setdefault(item.line, item)
        return list(found.values())

    # -- registry ---------------------------------------------------------------------------------------------------

    def _registry_evidence(self, artifact: Artifact, registry: Registry | None) -> RegistryEvidence | None:
        from vxsec.formats.packument import read_packument

        if self._packument is not None:
            source = str(self._packument)
            data = read_bounded(self._packument, max_bytes=DEFAULT_LIMITS.packument_bytes)
            return self._from_packument(artifact, read_packument(data, where=source), source=source, from_file=True)
        if registry is None:
            return None
        source = registry.url
        try:
            packument = self.session.client(registry.url).fetch_packument(artifact.package.name)
        except (UndecidedError, FormatError) as error:
            return RegistryEvidence(
                state=PackumentState.UNREADABLE, from_file=False, source=source, detail=_told(error)
            )
        if packument is None:
            return RegistryEvidence(
                state=PackumentState.ABSENT, from_file=False, source=source, tag=self.tag_for(artifact)
            )
        return self._from_packument(artifact, packument, source=source, from_file=False)

    def _from_packument(
        self, artifact: Artifact, packument: Packument, *, source: str, from_file: bool
    ) -> RegistryEvidence:
        from vxsec.formats.npm_manifest import compare_manifests

        listed = packument.versions.get(artifact.package.version)
        differences = None
        if listed is not None:
            paths = [file.path for file in artifact.files]
            differences = compare_manifests(artifact.manifest.document, listed.document, files=paths)
        return RegistryEvidence(
            state=PackumentState.PRESENT,
            from_file=from_file,
            source=source,
            versions={version: item.integrity for version, item in packument.versions.items()},
            tags=packument.tags,
            newest_time=max((packument.times[v] for v in packument.versions if v in packument.times), default=None),
            tag=self.tag_for(artifact),
            differences=differences,
        )

    # -- lockfile and routes ----------------------------------------------------------------------------------------

    def _lockfile_evidence(self, subject: SubjectRef, entry: LockedPackage | None) -> LockfileEvidence | None:
        from vxsec.inspection.lockfile import check_lockfile_document, check_lockfile_entry

        given = self.lockfile
        if given is None:
            return None
        if given.lockfile is None:
            return LockfileEvidence(
                format="unsupported",
                source=given.source,
                sha512=given.sha512,
                entry=None,
                findings=(),
                unsupported=given.unsupported,
            )
        lockfile = given.lockfile
        if entry is None and self.phase is Phase.INSTALL and subject.package is not None:
            wanted = (subject.package.name, subject.package.version)
            entry = next((p for p in lockfile.packages if (p.name, p.version) == wanted), None)
        if entry is not None:
            findings = check_lockfile_entry(entry)
        else:
            findings = check_lockfile_document(lockfile, self._project_manifest(given.source))
        return LockfileEvidence(
            format=lockfile.format, source=given.source, sha512=given.sha512, entry=entry, findings=findings
        )

    def _project_manifest(self, lockfile_path: str) -> dict[str, object] | None:
        from vxsec.formats.strict_json import read_json
        from vxsec.host.files import read_if_exists

        path = Path(lockfile_path).with_name("package.json")
        data = read_if_exists(path, max_bytes=DEFAULT_LIMITS.manifest_bytes)
        return dict(read_json(data, where=str(path), allow_bom=True).mapping()) if data is not None else None

    def _routing(self, artifact: Artifact, entry: LockedPackage | None) -> RoutingEvidence:
        """The subject's own route, and at publish those of the own names it depends on."""
        names: list[tuple[str, str | None]] = [(artifact.package.name, entry.resolved if entry else None)]
        if self.phase is Phase.PUBLISH:
            for field in ("dependencies", "optionalDependencies", "peerDependencies"):
                names.extend((_real_name(name, spec), None) for name, spec in artifact.manifest.strings(field).items())
            if self.lockfile is not None and self.lockfile.lockfile is not None:
                names.extend(
                    (p.name, p.resolved) for p in self.lockfile.lockfile.packages if p.name is not None and not p.link
                )
        routing = self._routes(names)
        if self._lockfile_path is not None and self.lockfile is not None and self.lockfile.unsupported is not None:
            return replace(routing, incomplete=self.lockfile.unsupported)
        return routing

    def _routes(self, names: Sequence[tuple[str, str | None]]) -> RoutingEvidence:
        from vxsec.inspection.routing import derive_routing

        config = self.session.config
        return derive_routing(
            dict.fromkeys(names), trust=self.trust, npmrc_registry=config.registry_for, source=config.source
        )

    @staticmethod
    def _read_all(paths: Sequence[PathLike], kind: SourceKind) -> list[Sourced]:
        sourced: list[Sourced] = []
        for path in paths:
            data = read_bounded(path, max_bytes=DEFAULT_LIMITS.bundle_file_bytes)
            sourced.extend((item, str(path), kind) for item in read_bundle_lines(data, where=str(path)))
        return sourced


def _told(error: VxsecError) -> str:
    """An error as a rule's ``found``, with the step that mends it."""
    return f"{error}; {error.hint}" if error.hint else str(error)


def _require_bundles(files: Sequence[PathLike], read: Sequence[Sourced]) -> None:
    """A file named with --bundle that holds no bundle is a mistake to be told, not evidence to be weighed."""
    good = {source for item, source, _ in read if isinstance(item, Bundle)}
    for file in files:
        if str(file) not in good:
            raise FormatError(
                "expected Sigstore bundles, found none that can be read",
                code="bundle.malformed",
                where=str(file),
                hint="give the .sigstore.jsonl that vxsec sign or vxsec approve wrote",
            )


def _speaks_of(bundle: Bundle, digests: Digests) -> bool:
    """Whether a bundle is about these bytes; read without verifying, because it decides only what travels along."""
    if not isinstance(bundle.content, Envelope):
        return bundle.content.digest == bytes.fromhex(digests.sha256)
    try:
        statement = read_statement(bundle.content.payload, where="statement")
    except FormatError:
        return False
    return any(subject_states(subject, digests) for subject in statement.subjects)


def _real_name(name: str, spec: str) -> str:
    """An alias (``npm:REAL@range``) counts as its target."""
    if not spec.startswith("npm:"):
        return name
    target = spec.removeprefix("npm:")
    at = target.find("@", 1)
    return target if at < 0 else target[:at]
