"""What a package needs at run time: as a lockfile resolves it, or as far as its own manifest says."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vxsec.errors import FormatError, UsageError
from vxsec.host.files import read_bounded
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.dependency import Dependency, DependencyGraph, DependencySource
from vxsec.model.package import PYPI
from vxsec.usecases.lockfile_input import find_lockfile, load_lockfile_input

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping

    from vxsec.model.artifact import Artifact
    from vxsec.model.package import PackageRef
    from vxsec.usecases.lockfile_input import LockfileInput

    PathLike = str | os.PathLike[str]

__all__ = [
    "NOT_IN_LOCKFILE",
    "graph_for",
    "resolve_dependencies",
    "unanswered",
    "with_bundled",
    "with_unresolved",
]

_MOST_VERSIONS = 100
NOT_IN_LOCKFILE = "sbom.not-in-lockfile"


def graph_for(artifact: Artifact, given: LockfileInput | None) -> DependencyGraph:
    """The run-time dependencies of an archive.

    Where no lockfile is given, or it does not know this package, each dependency of the manifest is a range, and
    ``source`` is None.

    Raises:
        FormatError: A lockfile that is malformed.
    """
    from vxsec.inspection.dependency_graph import graph_from_manifest, resolve_graph

    try:
        if given is not None and artifact.package.ecosystem == PYPI:
            resolved = _from_pip_report(artifact, given.source)
            if resolved is not None:
                return resolved
        elif given is not None and given.lockfile is not None:
            graph = resolve_graph(given.lockfile, artifact.package, manifest=artifact.manifest)
            return replace(graph, source=given.source)
    except FormatError as error:
        if error.code != NOT_IN_LOCKFILE:
            raise
    return graph_from_manifest(artifact.manifest)


def resolve_dependencies(artifact: Artifact, lockfile: PathLike | None, *, project_dir: PathLike) -> DependencyGraph:
    """As :func:`graph_for`, but every dependency must be resolved by a lockfile.

    Args:
        artifact: The archive.
        lockfile: A lockfile, or pip's installation report for a Python package; the npm lockfile in ``project_dir`` if None.
        project_dir: Where to look for the lockfile, and nowhere else.

    Raises:
        UsageError: ``sbom.no-lockfile``: the package has dependencies, and nothing says which versions they are.
        FormatError: A lockfile that is malformed, or (given by name) does not know this package.
    """
    path = lockfile if lockfile is not None else find_lockfile(project_dir)
    given = load_lockfile_input(path) if path is not None else None
    graph = graph_for(artifact, given)
    if graph.source is None and graph.dependencies:
        why = "no lockfile is here" if path is None else f"{path} does not know {artifact.package}"
        if given is not None and given.unsupported is not None and artifact.package.ecosystem != PYPI:
            why = given.unsupported
        raise UsageError(
            f"{artifact.package} has {len(graph.dependencies)} dependencies, and {why}",
            code="sbom.no-lockfile",
            hint="give the lockfile it was built with: --lockfile package-lock.json"
            if artifact.package.ecosystem != PYPI
            else "give pip's report: pip install --dry-run --ignore-installed --report report.json FILE.whl",
        )
    return graph


def with_unresolved(graph: DependencyGraph) -> DependencyGraph:
    """What is asked for and stands nowhere, as dependencies of which only the range is known."""
    asked = tuple(
        Dependency(key=f"unresolved:{label}", package=None, label=label, source=DependencySource.RANGE)
        for label in graph.unresolved
    )
    return replace(graph, dependencies=(*graph.dependencies, *asked)) if asked else graph


def with_bundled(graph: DependencyGraph, artifact: Artifact) -> DependencyGraph:
    """With the packages whose files the archive itself carries, whatever a lockfile says of them.

    Raises:
        TarballError: As :func:`vxsec.formats.tarball.read_tarball`.
    """
    if not any(entry.path.startswith("node_modules/") for entry in artifact.files):
        return graph
    from vxsec.scanning.bundled import bundled_packages

    inside = bundled_packages(artifact.data)
    ranges = [one for one in graph.dependencies if one.source is DependencySource.RANGE]
    open_ = frozenset(one.key for one in unanswered(ranges, inside))
    kept = (one for one in graph.dependencies if one.source is not DependencySource.RANGE or one.key in open_)
    return replace(graph, dependencies=(*kept, *inside))


def unanswered(asked: Iterable[Dependency], known: Iterable[Dependency]) -> tuple[Dependency, ...]:
    """What a manifest asks for and none of ``known`` is: of this name, and its version in the range.

    Args:
        asked: As :func:`vxsec.inspection.dependency_graph.graph_from_manifest` gives it, each label ``NAME@RANGE``. What comes
            from no registry has no range, and is answered by what comes from the same kind of source.
        known: Resolved dependencies. One of which it is in doubt what it is answers nothing, and nor do more than a hundred
            versions of one name.
    """
    by_name: dict[str, dict[tuple[PackageRef, DependencySource], None]] = {}
    for one in known:
        if one.package is not None and one.doubt is None:
            by_name.setdefault(one.package.name, {})[one.package, one.source] = None
    return tuple(one for one in asked if not _is_answered(one, by_name))


def _is_answered(asked: Dependency, by_name: Mapping[str, Mapping[tuple[PackageRef, DependencySource], None]]) -> bool:
    name, _, text = asked.label[1:].partition("@")  # a scope begins with "@"
    found = by_name.get(asked.label[:1] + name, {})
    if asked.source is not DependencySource.RANGE:
        return any(source is asked.source for _, source in found)
    return len(found) <= _MOST_VERSIONS and any(_satisfies(package, text) for package, _ in found)


def _satisfies(package: PackageRef, text: str) -> bool:
    """Whether an installer may choose this version for the range; a tag, or what cannot be read, says nothing."""
    if package.ecosystem != PYPI:
        from vxsec.versions.npm_range import satisfies

        try:
            return satisfies(package.version, text)
        except FormatError:
            return False
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.version import InvalidVersion

    try:
        return SpecifierSet("" if text == "*" else text).contains(package.version, prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        return False


def _from_pip_report(artifact: Artifact, path: str) -> DependencyGraph | None:
    """What pip resolved; None where the file is another lockfile, such as npm's in the same project."""
    from vxsec.formats.pip_report import is_pip_report, parse_pip_report
    from vxsec.formats.strict_json import parse_json

    data = read_bounded(path, max_bytes=DEFAULT_LIMITS.lockfile_bytes)
    if not data.lstrip().startswith(b"{") or not is_pip_report(parse_json(data, where=path)):
        return None
    return replace(parse_pip_report(data, where=path, package=artifact.package), source=path)
