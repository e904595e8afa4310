"""Collect what the policy's rules need about a subject, and nothing else.

Every kind of evidence is derived here from raw material (bytes, bundles, packuments, lockfiles, SBOMs, advisories). A search
that cannot be finished is recorded as such; it never ends the collection, because the rule that needs it says ``unknown``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vxsec.inspection.content import derive_content
from vxsec.model.artifact import Artifact, RefusedArtifact
from vxsec.model.decision import Phase
from vxsec.model.evidence import Evidence, SubjectRef
from vxsec.model.package import NPM
from vxsec.model.trust import OTHER_REGISTRY
from vxsec.policy.engine import rules_for
from vxsec.policy.rule import EvidenceKind
from vxsec.usecases.collect.bundles import BundleStore
from vxsec.usecases.collect.lockfile import LockfileSource, derive_routes
from vxsec.usecases.inputs import choose_registry
from vxsec.usecases.openpgp import trust_checks
from vxsec.verification.release import derive_signatures

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from datetime import datetime

    from vxsec.model.attestation import Bundle
    from vxsec.model.dependency import LockedPackage
    from vxsec.model.trust import Registry, TrustRoot
    from vxsec.policy.document import Policy
    from vxsec.usecases.collect.dependencies import DependencyFacts
    from vxsec.usecases.lockfile_input import LockfileInput
    from vxsec.usecases.registries import RegistrySession

    PathLike = str | os.PathLike[str]

__all__ = ["DEFAULT_TAG", "Collector"]

DEFAULT_TAG = "latest"
_SIGNED = frozenset({EvidenceKind.SIGNATURES, EvidenceKind.APPROVALS})
_DEPENDENCIES = frozenset({EvidenceKind.SBOM, EvidenceKind.SCAN, EvidenceKind.LICENSES})


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
        project_dir: Where the lockfile lies.
        db: The folder of the advisory database; the user's own if None.
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
        db: PathLike | None = None,
        tag: str | None = None,
    ) -> None:
        self.policy = policy
        self.trust = trust
        self.phase = phase
        self.session = session
        self.now = now
        self._detached = trust_checks(trust, now=now)
        self._registry_label = registry
        self._packument = packument
        self._tag = tag
        self._db = db
        self._lockfile = LockfileSource(path=lockfile, project_dir=project_dir, phase=phase)
        self._bundles = BundleStore.open(session=session, bundles=bundles, evidence_dir=evidence_dir)
        self._facts: DependencyFacts | None = None

    def collect(self, artifact: Artifact | RefusedArtifact, *, entry: LockedPackage | None = None) -> Evidence:
        """Everything the matching rules need about an archive.

        Args:
            artifact: The archive, read.
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
        registry = self._registry(artifact)
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
        if installed or needs & _SIGNED:
            evidence = self._with_signatures(evidence, artifact, registry)
        evidence = self._with_registry(evidence, artifact, registry, entry, needs)
        if EvidenceKind.SECRETS in needs:
            from vxsec.inspection.secrets import find_secrets

            evidence = replace(evidence, secrets=find_secrets(artifact))
        if needs & _DEPENDENCIES:
            gathered = self._bundles.gather(artifact, registry)
            evidence = self._dependency_facts.add(evidence, artifact, gathered, needs, entry=entry)
        self._bundles.forget(artifact)
        return evidence

    def collect_entry(self, entry: LockedPackage, subject: SubjectRef) -> Evidence:
        """What can be known of a lockfile entry without its bytes."""
        needs = self.needs(subject)
        evidence = Evidence(subject=subject)
        if EvidenceKind.LOCKFILE in needs:
            evidence = replace(evidence, lockfile=self._lockfile.evidence(subject, entry))
        if EvidenceKind.ROUTING in needs:
            names = [(subject.package.name, entry.resolved)] if subject.package else []
            evidence = replace(evidence, routing=derive_routes(names, trust=self.trust, session=self.session))
        if needs & _DEPENDENCIES:
            evidence = self._dependency_facts.add_entry(evidence, entry, needs)
        return evidence

    def needs(self, subject: SubjectRef) -> frozenset[EvidenceKind]:
        """The kinds of evidence that some matching rule of this phase reads."""
        uses = rules_for(self.policy, package=subject.package, registry=subject.registry, phase=self.phase)
        return frozenset(kind for use in uses for kind in use.rule.needs)

    def tag_for(self, artifact: Artifact) -> str:
        """The dist-tag a publish of this tarball would move: ``--tag``, its own ``publishConfig.tag``, or ``latest``."""
        from vxsec.registry.publish_document import read_publish_config

        return self._tag or read_publish_config(artifact.manifest).tag or DEFAULT_TAG

    def bundles_about(self, artifact: Artifact) -> list[Bundle]:
        """The readable bundles at hand (sidecars, given, evidence folder) that speak of these bytes, each once."""
        return self._bundles.about(artifact)

    @property
    def lockfile(self) -> LockfileInput | None:
        """The lockfile given, or the one in the project folder (no search upward), or None."""
        return self._lockfile.input

    # -- one kind each ------------------------------------------------------------------------------------------------

    @property
    def _dependency_facts(self) -> DependencyFacts:
        if self._facts is None:
            from vxsec.usecases.collect.dependencies import DependencyFacts

            self._facts = DependencyFacts(
                lockfile=self._lockfile,
                trust=self.trust,
                detached=self._detached,
                phase=self.phase,
                now=self.now,
                db=self._db,
            )
        return self._facts

    def _registry(self, artifact: Artifact) -> Registry | None:
        package = artifact.package
        return choose_registry(self.trust, package.name, self._registry_label, ecosystem=package.ecosystem)

    def _with_signatures(self, evidence: Evidence, artifact: Artifact, registry: Registry | None) -> Evidence:
        gathered = self._bundles.gather(artifact, registry)
        signatures, approvals = derive_signatures(
            gathered.sourced,
            artifact_package=artifact.package,
            digests=artifact.digests,
            registry_url=registry.url if registry else None,
            trust=self.trust,
            now=self.now,
            detached=self._detached,
        )
        foreign = gathered.foreign or signatures.foreign
        return replace(
            evidence,
            signatures=replace(signatures, foreign=foreign, incomplete=gathered.incomplete or signatures.incomplete),
            approvals=replace(approvals, foreign=foreign, incomplete=gathered.incomplete or approvals.incomplete),
        )

    def _with_registry(
        self,
        evidence: Evidence,
        artifact: Artifact,
        registry: Registry | None,
        entry: LockedPackage | None,
        needs: frozenset[EvidenceKind],
    ) -> Evidence:
        if artifact.package.ecosystem != NPM:
            return evidence  # the rules that read these say that they cannot judge it
        if EvidenceKind.REGISTRY in needs:
            from vxsec.usecases.collect.registry import collect_registry

            tag = self.tag_for(artifact)
            found = collect_registry(artifact, registry, session=self.session, packument=self._packument, tag=tag)
            evidence = replace(evidence, registry=found)
        if EvidenceKind.LOCKFILE in needs:
            evidence = replace(evidence, lockfile=self._lockfile.evidence(evidence.subject, entry))
        if EvidenceKind.ROUTING in needs:
            routing = self._lockfile.routing(artifact, entry, trust=self.trust, session=self.session)
            evidence = replace(evidence, routing=routing)
        return evidence
