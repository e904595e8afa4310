"""The bundles at hand for one tarball: given, found in a folder, beside the file, and in the registry's evidence package."""

from __future__ import annotations

from dataclasses import field
from threading import Lock
from typing import TYPE_CHECKING

from vxsec.errors import FormatError, UndecidedError
from vxsec.formats.bundle_documents import read_bundle_document
from vxsec.formats.sigstore_bundle import read_bundle_lines
from vxsec.formats.statement import read_statement
from vxsec.host.files import read_bounded
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.attestation import Bundle, Envelope, RejectedSignature
from vxsec.usecases.inputs import files_in, read_sidecars
from vxsec.values import dataclass
from vxsec.verification.bundle import subject_states
from vxsec.verification.release import SourceKind

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Sequence

    from vxsec.formats.evidence_package import EvidencePackage
    from vxsec.model.artifact import Artifact
    from vxsec.model.digest import Digests
    from vxsec.model.trust import Registry
    from vxsec.usecases.registries import RegistrySession

    PathLike = str | os.PathLike[str]
    Sourced = tuple[Bundle | RejectedSignature, str, SourceKind]

__all__ = ["BundleStore", "Gathered"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """Every bundle found for one tarball. ``incomplete`` is a sentence where the registry could not be searched.

    ``foreign``: the registry holds evidence for this name and version but about other bytes. ``packages`` are the versions
    of its evidence package that are about these bytes.
    """

    sourced: tuple[Sourced, ...]
    packages: tuple[EvidencePackage, ...] = ()
    foreign: bool = False
    incomplete: str | None = None


@dataclass(slots=True, kw_only=True)
class BundleStore:
    """Reads every source of bundles once; asks the registry at most once per tarball.

    Args:
        session: Connections.
        bundles: Bundle files given on the command line, each of which must hold a bundle.
        evidence_dir: A folder of bundle files, matched by digest.
    """

    session: RegistrySession
    given: tuple[Sourced, ...] = ()
    found: tuple[Sourced, ...] = ()
    _gathered: dict[tuple[str, str], Gathered] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    @classmethod
    def open(
        cls, *, session: RegistrySession, bundles: Sequence[PathLike], evidence_dir: PathLike | None
    ) -> BundleStore:
        """Read what was given.

        Raises:
            UsageError: A file cannot be read.
            FormatError: ``bundle.malformed``: a file named with ``--bundle`` holds no bundle.
        """
        given = tuple(_read_all(bundles, SourceKind.GIVEN))
        _require_bundles(bundles, given)
        found = tuple(_read_all(files_in(evidence_dir) if evidence_dir is not None else (), SourceKind.FOUND))
        return cls(session=session, given=given, found=found)

    def gather(self, artifact: Artifact, registry: Registry | None) -> Gathered:
        """Every bundle that may speak of ``artifact``; the registry's evidence only for an own package."""
        key = (artifact.filename, artifact.digests.sha512)
        with self._lock:
            known = self._gathered.get(key)
        if known is None:
            known = self._gather(artifact, registry)
            with self._lock:
                self._gathered[key] = known
        return known

    def forget(self, artifact: Artifact) -> None:
        """Drop what was gathered for a tarball that is judged: a tree has thousands of them."""
        with self._lock:
            self._gathered.pop((artifact.filename, artifact.digests.sha512), None)

    def about(self, artifact: Artifact) -> list[Bundle]:
        """The readable bundles at hand (sidecars, given, evidence folder) that speak of these bytes, each once."""
        found: dict[bytes, Bundle] = {}
        for item, _, _ in self._local(artifact):
            if isinstance(item, Bundle) and _speaks_of(item, artifact.digests):
                found.setdefault(item.line, item)
        return list(found.values())

    def _gather(self, artifact: Artifact, registry: Registry | None) -> Gathered:
        local = tuple(self._local(artifact))
        if registry is None or registry.evidence is None:
            return Gathered(sourced=local)
        try:
            pieces, packages, foreign = self._evidence_package(artifact, registry, registry.evidence)
        except (UndecidedError, FormatError) as error:
            told = f"{error}; {error.hint}" if error.hint else str(error)
            return Gathered(sourced=local, incomplete=f"the evidence package could not be read: {told}")
        return Gathered(sourced=(*local, *pieces), packages=packages, foreign=foreign)

    def _local(self, artifact: Artifact) -> Iterator[Sourced]:
        yield from self.given
        yield from self.found
        for source, data in read_sidecars(artifact.filename):
            for item in read_bundle_document(data, where=source):
                yield item, source, SourceKind.GIVEN

    def _evidence_package(
        self, artifact: Artifact, registry: Registry, evidence_name: str
    ) -> tuple[list[Sourced], tuple[EvidencePackage, ...], bool]:
        from vxsec.registry.evidence import fetch_evidence

        client = self.session.client(registry.url)
        found = fetch_evidence(client, evidence_name, subject=artifact.package, digests=artifact.digests)
        sourced: list[Sourced] = [(item, item.source, SourceKind.FOUND) for item in found.rejected]
        for piece in found.packages:
            source = f"{piece.name}@{piece.version}"
            try:
                items = read_bundle_lines(piece.bundles or b"", where=source)
            except FormatError as error:  # one bad piece hides no other
                items = (RejectedSignature(code=error.code, message=error.message, source=source),)
            sourced.extend((item, source, SourceKind.FOUND) for item in items)
        return sourced, found.packages, found.foreign


def _read_all(paths: Sequence[PathLike], kind: SourceKind) -> Iterator[Sourced]:
    for path in paths:
        data = read_bounded(path, max_bytes=DEFAULT_LIMITS.bundle_file_bytes)
        for item in read_bundle_document(data, where=str(path)):
            yield item, str(path), kind


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
