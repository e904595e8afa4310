"""What a scan is given, told apart by its content: lockfiles, SBOMs, packages, installation reports."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vxsec.errors import FormatError, NothingToJudgeError, UsageError
from vxsec.host.files import read_bounded
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.dependency import Dependency, DependencyGraph, DependencySource
from vxsec.model.digest import Digests, digest_bytes
from vxsec.model.package import PYPI
from vxsec.model.report.scan import ScanInput, ScanInputKind
from vxsec.usecases.dependencies import graph_for, unanswered, with_bundled, with_unresolved
from vxsec.usecases.inputs import open_artifact, refusal
from vxsec.usecases.lockfile_input import find_lockfile, load_lockfile_input, refuse_shadowed
from vxsec.values import dataclass

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection, Mapping

    from vxsec.model.artifact import Artifact
    from vxsec.model.package import PackageRef

    PathLike = str | os.PathLike[str]

__all__ = ["OpenedInput", "file_uri", "open_input"]

_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = b"PK"
_ARCHIVES: Final = (".tgz", ".tar.gz", ".whl")
_XML: Final = b"<"
_BOM: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedInput:
    """An input and its bytes, from which the lines of its entries can be told later."""

    input: ScanInput
    data: bytes

    def with_lines(self, paths: Collection[str]) -> ScanInput:
        """The input with the lines of these places in the tree, for a lockfile that has them."""
        if self.input.kind is not ScanInputKind.NPM_LOCKFILE or not paths:
            return self.input
        return replace(self.input, lines=_entry_lines(self.data, paths))


def open_input(
    path: PathLike,
    *,
    lockfile: PathLike | None,
    omit: Collection[str],
    project_dir: PathLike,
    use_sbom: bool = True,
) -> OpenedInput:
    """Read one file, or the lockfile in a folder.

    Guarantees: the content decides what it is, not its name (but a name that promises an archive is held to it, and formats
    of lockfiles that are known and not read are known by their names); every dependency it lists is in the graph, also those
    it asks for without saying which version.

    Args:
        path: A file, or a folder with a lockfile.
        lockfile: What resolves the dependencies of a package's archive; else an SBOM beside it, which must be about its
            bytes and answers the ranges that its versions are in; else nothing does.
        omit: ``dev`` leaves development tools out.
        project_dir: What ``uri`` is relative to.
        use_sbom: Whether an SBOM beside an archive is read: nobody signed it.

    Raises:
        UsageError: Unreadable; ``lockfile.shadowed``.
        NothingToJudgeError: ``scan.input`` or ``lockfile.unsupported``: a format that is not read.
        RefusedError: Refused bytes; ``scan.ambiguous`` for a document of several kinds at once.
        VerificationError: ``sbom.mismatch``: the SBOM beside an archive is about other bytes.
    """
    file = _file_of(path)
    data = read_bounded(file, max_bytes=DEFAULT_LIMITS.archive_packed_bytes)
    digests = digest_bytes(data)
    if data.startswith((_GZIP, _ZIP)) or file.endswith(_ARCHIVES):
        found = _archive(file, data, lockfile, use_sbom=use_sbom)
    else:
        found = _document_reader(file, data)(file, data, digests)
    graph, left_out = _without(found.graph, omit)
    return OpenedInput(
        input=replace(
            found, graph=with_unresolved(graph), omitted=left_out, uri=file_uri(file, project_dir=project_dir)
        ),
        data=data,
    )


def file_uri(path: PathLike, *, project_dir: PathLike) -> str:
    """The file relative to the project, with ``/``; only its name where it lies elsewhere."""
    try:
        return Path(path).resolve().relative_to(Path(project_dir).resolve()).as_posix()
    except (ValueError, OSError, RuntimeError):  # elsewhere, or a circle of links
        return Path(path).name


def _file_of(path: PathLike) -> str:
    if not Path(path).is_dir():
        return str(path)
    found = find_lockfile(path)
    if found is None:
        raise UsageError(
            "no lockfile is in this folder",
            code="file.missing",
            where=str(path),
            hint="give a lockfile, an SBOM or a package; npm writes a lockfile with: npm install --package-lock-only",
        )
    return str(found)


# -- documents -----------------------------------------------------------------------------------------------------------


def _document_reader(file: str, data: bytes) -> Callable[[str, bytes, Digests], ScanInput]:
    """By a member that only one kind of document has; where several occur as text, by the members at the top."""
    readers: Mapping[bytes, Callable[[str, bytes, Digests], ScanInput]] = {
        b'"lockfileVersion"': _lockfile,
        b'"bomFormat"': _bom,
        b'"pip_version"': _pip_report,
        b'"auditReportVersion"': _audit,
    }
    start = data.removeprefix(_BOM).lstrip()[:1]
    if start == _XML:
        return _bom
    if start != b"{":
        return _lockfile  # pnpm, yarn, bun, an empty file: told by name that they are not read
    known = [reader for marker, reader in readers.items() if marker in data]
    if len(known) != 1:
        from vxsec.formats.strict_json import read_json

        members = read_json(data, where=file, allow_bom=True).mapping()
        known = [reader for marker, reader in readers.items() if marker.strip(b'"').decode() in members]
    if len(known) > 1:
        raise FormatError(
            "a document of several kinds at once: one reader sees a lockfile where another sees an SBOM",
            code="scan.ambiguous",
            where=file,
            hint="give the file that the tool wrote",
        )
    return known[0] if known else _unknown


def _lockfile(file: str, data: bytes, digests: Digests) -> ScanInput:
    from vxsec.formats.lockfiles import parse_lockfile
    from vxsec.inspection.dependency_graph import resolve_graph

    if not data.strip():
        raise NothingToJudgeError("the file is empty", code="lockfile.empty", where=file)
    parsed = parse_lockfile(data, filename=file)
    refuse_shadowed(file)
    graph = replace(resolve_graph(parsed, None), source=file)
    return _input(file, ScanInputKind.NPM_LOCKFILE, digests, graph)


def _bom(file: str, data: bytes, digests: Digests) -> ScanInput:
    from vxsec.formats.cyclonedx import read_bom
    from vxsec.scanning.bom import bom_graph

    return _input(file, ScanInputKind.CYCLONEDX, digests, bom_graph(read_bom(data, where=file), source=file))


def _pip_report(file: str, data: bytes, digests: Digests) -> ScanInput:
    from vxsec.formats.pip_report import parse_pip_report

    graph = parse_pip_report(data, where=file, package=None)
    if graph.root is not None:  # what was asked for is installed like everything else
        graph = _with_itself(graph, graph.root)
    return _input(file, ScanInputKind.PIP_REPORT, digests, graph)


def _audit(file: str, _data: bytes, _digests: Digests) -> ScanInput:
    raise NothingToJudgeError(
        "a report of npm audit lists what npm found, not what is installed",
        code="scan.input",
        where=file,
        hint=f"give it beside the lockfile: vxsec scan package-lock.json --import {file}",
    )


def _unknown(file: str, _data: bytes, _digests: Digests) -> ScanInput:
    raise NothingToJudgeError(
        "a JSON file that is no lockfile, CycloneDX document or pip report",
        code="scan.input",
        where=file,
        hint="give a package-lock.json, a CycloneDX SBOM, a .tgz, a wheel or pip's installation report",
    )


def _input(file: str, kind: ScanInputKind, digests: Digests, graph: DependencyGraph) -> ScanInput:
    return ScanInput(file=file, kind=kind, digests=digests, uri="", graph=graph)


# -- packages ------------------------------------------------------------------------------------------------------------


def _archive(file: str, data: bytes, lockfile: PathLike | None, *, use_sbom: bool) -> ScanInput:
    from vxsec.model.artifact import RefusedArtifact

    artifact = open_artifact(data, filename=file)
    if isinstance(artifact, RefusedArtifact):
        raise refusal(artifact)
    kind = ScanInputKind.NPM_PACKAGE
    if artifact.package.ecosystem == PYPI:
        kind = ScanInputKind.WHEEL if data.startswith(_ZIP) else ScanInputKind.SDIST
    graph, digest = _needs_of(artifact, lockfile, use_sbom=use_sbom)
    graph = _with_itself(with_bundled(graph, artifact), artifact.package)
    return replace(
        _input(file, kind, artifact.digests, graph),
        package=artifact.package,
        dependencies_from=graph.source,
        dependencies_digest=digest,
    )


def _needs_of(artifact: Artifact, lockfile: PathLike | None, *, use_sbom: bool) -> tuple[DependencyGraph, str | None]:
    """What the package needs, and the digest of the file that says so.

    Anybody may have written the SBOM beside it: it answers only what the manifest asks for, by a version in its range.
    """
    from vxsec.usecases.sbom.files import sbom_beside, sbom_path

    if lockfile is not None:
        given = load_lockfile_input(lockfile)
        if given.lockfile is None and artifact.package.ecosystem != PYPI:
            raise NothingToJudgeError(
                given.unsupported or "this lockfile is not read by this version of vxsec",
                code="lockfile.unsupported",
                where=str(lockfile),
            )
        graph = graph_for(artifact, given)
        return graph, f"sha512:{given.sha512}" if graph.source is not None else None
    stated = graph_for(artifact, None)
    beside = sbom_beside(artifact) if use_sbom else None
    if beside is None:
        return stated, None
    from vxsec.formats.cyclonedx import read_bom
    from vxsec.scanning.bom import bom_graph

    source = sbom_path(artifact.filename)
    graph = bom_graph(read_bom(beside, where=source), source=source)
    missing = unanswered(stated.dependencies, graph.dependencies)
    return replace(graph, dependencies=(*graph.dependencies, *missing)), f"sha256:{digest_bytes(beside).sha256}"


def _with_itself(graph: DependencyGraph, package: PackageRef) -> DependencyGraph:
    itself = Dependency(
        key=f"itself:{package.purl}",
        package=package,
        label=str(package),
        source=DependencySource.REGISTRY,
        needs=graph.root_needs,
    )
    return replace(graph, dependencies=(itself, *graph.dependencies))


# -- graphs --------------------------------------------------------------------------------------------------------------


def _without(graph: DependencyGraph, omit: Collection[str]) -> tuple[DependencyGraph, int]:
    if "dev" not in omit:
        return graph, 0
    kept = tuple(one for one in graph.dependencies if not one.dev)
    return replace(graph, dependencies=kept), len(graph.dependencies) - len(kept)


def _entry_lines(data: bytes, paths: Collection[str]) -> dict[str, int]:
    """The line on which the entry of each place begins, as npm writes lockfiles: one pass, whatever the number of places."""
    from vxsec.formats.strict_json import dump_json

    wanted = {dump_json(path) + b": {": path for path in paths}
    found: dict[str, int] = {}
    for number, line in enumerate(data.split(b"\n"), 1):
        path = wanted.get(line.strip())
        if path is not None:
            found.setdefault(path, number)
    return found
