"""What a package needs at run time: as a lockfile resolves it, or as far as its own manifest says."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vxsec.errors import FormatError, UsageError
from vxsec.host.files import read_bounded
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.package import PYPI
from vxsec.usecases.lockfile_input import find_lockfile, load_lockfile_input

if TYPE_CHECKING:
    import os

    from vxsec.model.artifact import Artifact
    from vxsec.model.dependency import DependencyGraph
    from vxsec.usecases.lockfile_input import LockfileInput

    PathLike = str | os.PathLike[str]

__all__ = ["NOT_IN_LOCKFILE", "graph_for", "resolve_dependencies"]

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


def _from_pip_report(artifact: Artifact, path: str) -> DependencyGraph | None:
    """What pip resolved; None where the file is another lockfile, such as npm's in the same project."""
    from vxsec.formats.pip_report import is_pip_report, parse_pip_report
    from vxsec.formats.strict_json import parse_json

    data = read_bounded(path, max_bytes=DEFAULT_LIMITS.lockfile_bytes)
    if not data.lstrip().startswith(b"{") or not is_pip_report(parse_json(data, where=path)):
        return None
    return replace(parse_pip_report(data, where=path, package=artifact.package), source=path)
