"""What a subject consists of and needs, as evidence: its SBOMs, what the advisories say, its licences."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from threading import Lock
from typing import TYPE_CHECKING

from vxsec.errors import RefusedError, VxsecError
from vxsec.formats.evidence_package import BOM_FILE
from vxsec.host.files import hash_file, read_if_exists
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.attestation import RejectedSignature
from vxsec.model.decision import Phase
from vxsec.model.dependency import Dependency, DependencyGraph, DependencySource
from vxsec.model.evidence import LicenseEvidence, LicenseFact, SbomEvidence, SbomFact, ScanEvidence
from vxsec.model.sbom import CYCLONEDX_PREDICATE
from vxsec.model.scan import SCAN_PREDICATE
from vxsec.policy.rule import EvidenceKind
from vxsec.usecases.dependencies import graph_for, with_bundled, with_unresolved
from vxsec.verification.attested import derive_attested

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from vxsec.model.artifact import Artifact
    from vxsec.model.dependency import LockedPackage
    from vxsec.model.evidence import Evidence, SignerFact
    from vxsec.model.package import PackageRef
    from vxsec.model.trust import TrustRoot
    from vxsec.usecases.advisories import AdvisoryStore
    from vxsec.usecases.collect.bundles import Gathered
    from vxsec.usecases.collect.lockfile import LockfileSource
    from vxsec.verification.detached import DetachedChecks

    PathLike = str | os.PathLike[str]

__all__ = ["DependencyFacts"]

_EMPTY = DependencyGraph(root=None, root_needs=(), dependencies=())


@dataclass(slots=True, kw_only=True)
class DependencyFacts:
    """Derives SBOM, scan and licence evidence; what one run needs more than once is kept."""

    lockfile: LockfileSource
    trust: TrustRoot
    detached: DetachedChecks
    phase: Phase
    now: datetime
    db: PathLike | None
    _store: AdvisoryStore | None = field(default=None)
    _tree: dict[str, Dependency] | None = field(default=None)
    _lock: Lock = field(default_factory=Lock)

    def add(
        self,
        evidence: Evidence,
        artifact: Artifact,
        gathered: Gathered,
        needs: frozenset[EvidenceKind],
        *,
        entry: LockedPackage | None,
    ) -> Evidence:
        """Add the kinds that are needed about an archive whose bytes are at hand."""
        graph = None if self.phase is Phase.INSTALL else graph_for(artifact, self.lockfile.input)
        if EvidenceKind.SBOM in needs:
            evidence = replace(evidence, sbom=self._sbom(artifact, gathered, graph))
        if not needs & {EvidenceKind.SCAN, EvidenceKind.LICENSES}:
            return evidence
        # What a lockfile leaves out is needed all the same, and what lies inside the archive is installed with it.
        whole = with_unresolved(with_bundled(graph or _EMPTY, artifact))
        if EvidenceKind.SCAN in needs:
            wanted = [self._itself(artifact.package, entry), *whole.dependencies]
            scan = ScanEvidence(result=self._advisories().scan(wanted), source=whole.source or artifact.filename)
            if self._advisories().is_missing(artifact.package.ecosystem):
                scan = replace(scan, attested=self._attested_scan(artifact, gathered, whole.source))
            evidence = replace(evidence, scan=scan)
        if EvidenceKind.LICENSES in needs:
            evidence = replace(evidence, licenses=_licenses(artifact, whole))
        return evidence

    def add_entry(self, evidence: Evidence, entry: LockedPackage, needs: frozenset[EvidenceKind]) -> Evidence:
        """Add the kinds that are needed about a lockfile entry, without its bytes."""
        package = evidence.subject.package
        if EvidenceKind.SCAN in needs:
            result = self._advisories().scan([self._itself(package, entry)])
            evidence = replace(evidence, scan=ScanEvidence(result=result, source="the lockfile"))
        if EvidenceKind.LICENSES in needs:
            fact = LicenseFact(package=evidence.subject.label, license=entry.license, source="the lockfile")
            evidence = replace(evidence, licenses=LicenseEvidence(licenses=(fact,)))
        return evidence

    # -- SBOM ---------------------------------------------------------------------------------------------------------

    def _sbom(self, artifact: Artifact, gathered: Gathered, graph: DependencyGraph | None) -> SbomEvidence:
        """Attested ones first, then bare files: the sidecar and what lies in the evidence package."""
        attested, rejected, incomplete = derive_attested(
            ((item, source) for item, source, _ in gathered.sourced),
            predicate_type=CYCLONEDX_PREDICATE,
            package=artifact.package,
            digests=artifact.digests,
            trust=self.trust,
            now=self.now,
            detached=self.detached,
        )
        found: list[tuple[str, Mapping[str, object] | bytes, SignerFact | None]] = [
            (item.signer.source, item.statement.statement.predicate, item.signer) for item in attested
        ]
        found += [(source, data, None) for source, data in _bare(artifact, gathered)]
        facts: list[SbomFact] = []
        refused = list(rejected)
        for source, sbom, signer in found:
            try:
                facts.append(_sbom_fact(source, sbom, signer, artifact, graph))
            except VxsecError as error:
                refused.append(RejectedSignature(code=error.code, message=error.message, source=source))
        return SbomEvidence(sboms=tuple(facts), rejected=tuple(refused), incomplete=gathered.incomplete or incomplete)

    # -- scan ---------------------------------------------------------------------------------------------------------

    def _itself(self, package: PackageRef | None, entry: LockedPackage | None) -> Dependency:
        """The subject as something to be looked up; where it is installed, the tree says where its bytes come from."""
        if entry is not None:
            found = self._by_path().get(entry.path)
            if found is not None:
                return replace(found, paths=(entry.path,))
        label = str(package) if package is not None else entry.path if entry is not None else "unnamed"
        source = DependencySource.REGISTRY
        return Dependency(
            key=label, package=package, label=label, source=source, paths=(entry.path,) if entry is not None else ()
        )

    def _by_path(self) -> dict[str, Dependency]:
        """Every dependency of the lockfile, by each of its places; resolved once."""
        with self._lock:
            if self._tree is None:
                from vxsec.inspection.dependency_graph import resolve_graph

                given = self.lockfile.input
                lockfile = given.lockfile if given is not None else None
                graph = resolve_graph(lockfile, None) if lockfile is not None else None
                items = graph.dependencies if graph is not None else ()
                self._tree = {path: item for item in items for path in item.paths}
            return self._tree

    def _advisories(self) -> AdvisoryStore:
        with self._lock:
            if self._store is None:
                from vxsec.usecases.advisories import AdvisoryStore

                self._store = AdvisoryStore(directory=self.db)
            return self._store

    def _attested_scan(self, artifact: Artifact, gathered: Gathered, lockfile: str | None) -> ScanEvidence | None:
        """The newest one; where a lockfile is given, of what that very file resolves."""
        from vxsec.formats.scan_statement import read_attested_scan

        attested, _, _ = derive_attested(
            ((item, source) for item, source, _ in gathered.sourced),
            predicate_type=SCAN_PREDICATE,
            package=artifact.package,
            digests=artifact.digests,
            trust=self.trust,
            now=self.now,
            detached=self.detached,
        )
        wanted = self._file_digests(lockfile)
        newest: tuple[datetime, ScanEvidence] | None = None
        for item in attested:
            try:
                scan = read_attested_scan(item.statement.statement.predicate)
            except RefusedError:
                continue
            dated = scan.result.data_from
            about = not wanted or not wanted.isdisjoint(one.digest for one in scan.files)
            if about and dated is not None and (newest is None or dated > newest[0]):
                found = ScanEvidence(result=scan.result, source=item.signer.source, attested_by=item.signer)
                newest = dated, found
        return None if newest is None else newest[1]

    def _file_digests(self, lockfile: str | None) -> frozenset[str]:
        if lockfile is None:
            return frozenset()
        digests = hash_file(lockfile, max_bytes=DEFAULT_LIMITS.lockfile_bytes)
        return frozenset({f"sha256:{digests.sha256}", f"sha512:{digests.sha512}"})


def _bare(artifact: Artifact, gathered: Gathered) -> Iterator[tuple[str, bytes]]:
    path = f"{artifact.filename}.cdx.json"
    data = read_if_exists(path, max_bytes=DEFAULT_LIMITS.json_bytes)
    if data is not None:
        yield path, data
    for package in gathered.packages:
        if BOM_FILE in package.files:
            yield f"{package.name}@{package.version}", package.files[BOM_FILE]


def _sbom_fact(
    source: str,
    sbom: Mapping[str, object] | bytes,
    signer: SignerFact | None,
    artifact: Artifact,
    graph: DependencyGraph | None,
) -> SbomFact:
    """Read one SBOM and compare it with the bytes, what their manifest requires, and what the lockfile resolves.

    Raises:
        FormatError: It is malformed.
        NothingToJudgeError: A format that is not read.
    """
    from vxsec.formats.cyclonedx import bom_of, read_bom
    from vxsec.inspection.manifest_graph import required_by_manifest
    from vxsec.sbom.check import missing_elements
    from vxsec.sbom.compare import compare_with_graph, compare_with_package
    from vxsec.sbom.required import missing_dependencies, says_incomplete

    bom = read_bom(sbom, where=source) if isinstance(sbom, bytes) else bom_of(sbom, where=source)
    return SbomFact(
        source=source,
        format=f"CycloneDX {bom.spec_version}",
        attested_by=signer,
        components=len(bom.components),
        mismatches=compare_with_package(bom, artifact.package, artifact.digests),
        missing=missing_elements(bom),
        drift=compare_with_graph(bom, graph) if graph is not None and graph.source is not None else None,
        absent=missing_dependencies(bom, required_by_manifest(artifact.manifest), artifact.package.ecosystem),
        says_incomplete=says_incomplete(bom),
    )


def _licenses(artifact: Artifact, graph: DependencyGraph) -> LicenseEvidence:
    from vxsec.inspection.licenses import stated_license

    own = LicenseFact(package=str(artifact.package), license=stated_license(artifact.manifest), source="its manifest")
    others = (
        LicenseFact(package=item.label, license=item.license, source=graph.source or "its manifest")
        for item in graph.dependencies
        if item.source is not DependencySource.LOCAL
    )
    return LicenseEvidence(licenses=(own, *others))
