"""Make the SBOM of a package archive."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from vxsec.errors import UndecidedError, UsageError
from vxsec.host.files import write_atomic
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.report.sbom import BuiltSbom
from vxsec.usecases.inputs import require_artifact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vxsec.model.artifact import Artifact
    from vxsec.model.dependency import DependencyGraph

    PathLike = str | os.PathLike[str]

__all__ = ["build_sbom"]

_MAX_EPOCH = 253_402_300_799  # 9999-12-31T23:59:59Z
_SHOWN = 5
_GIT_SECONDS = 10.0
_COMMITTED = re.compile(rb"^committer [^\n]*> ([0-9]{1,12}) [+-][0-9]{4}$", re.MULTILINE)


def build_sbom(
    file: PathLike,
    *,
    lockfile: PathLike | None = None,
    output: PathLike | None = None,
    authors: Sequence[str] = (),
    timestamp: datetime | None = None,
    project_dir: PathLike = ".",
) -> BuiltSbom:
    """Make the CycloneDX 1.6 SBOM of a package archive.

    Guarantees: the same archive, lockfile, authors and timestamp give the same bytes, in any folder and on any machine;
    no path, user, host or token of this machine is in them; the document satisfies CycloneDX's published schema.

    Args:
        file: A ``.tgz``, wheel or source distribution.
        lockfile: The lockfile that resolves its dependencies (for a Python package pip's installation report); the npm
            lockfile in ``project_dir`` if None. A package without dependencies needs none.
        output: Write the document here, atomically; only returned if None.
        authors: Who answers for the SBOM; the manifest's author if empty.
        timestamp: When it was made, aware; else ``SOURCE_DATE_EPOCH``, else the commit's time in ``project_dir``, else
            the document has none. Never the clock: it would not repeat.
        project_dir: Where to look for the lockfile and the commit.

    Raises:
        UsageError: ``sbom.no-lockfile``; unreadable files; ``sbom.source-date-epoch``.
        RefusedError: An archive or lockfile that is refused.
    """
    artifact = require_artifact(file)
    from vxsec.usecases.dependencies import resolve_dependencies

    graph = resolve_dependencies(artifact, lockfile, project_dir=project_dir)
    moment = timestamp or _source_date(project_dir)
    return _build(artifact, graph, output=output, authors=tuple(authors), timestamp=moment)


def _build(
    artifact: Artifact,
    graph: DependencyGraph,
    *,
    output: PathLike | None,
    authors: tuple[str, ...],
    timestamp: datetime | None,
) -> BuiltSbom:
    from vxsec.formats.cyclonedx import write_bom
    from vxsec.inspection.licenses import stated_license
    from vxsec.sbom.build import build_bom, manifest_author

    stated = manifest_author(artifact.manifest)
    bom = build_bom(
        package=artifact.package,
        digests=artifact.digests,
        graph=graph,
        license=stated_license(artifact.manifest),
        authors=authors or ((stated,) if stated is not None else ()),
        timestamp=timestamp,
    )
    document = write_bom(bom)
    if output is not None:
        write_atomic(output, document)
    notes = []
    if timestamp is None:
        notes.append(
            "it has no timestamp: set SOURCE_DATE_EPOCH or give --timestamp; where git is installed, a commit here gives one"
        )
    if graph.unresolved:
        shown = ", ".join(graph.unresolved[:_SHOWN])
        notes.append(f"the lockfile does not resolve {len(graph.unresolved)} of its dependencies: {shown}")
    return BuiltSbom(
        package=artifact.package,
        document=document,
        path=str(output) if output is not None else None,
        components=len(bom.components),
        notes=tuple(notes),
    )


def _source_date(project_dir: PathLike) -> datetime | None:
    """``SOURCE_DATE_EPOCH`` (reproducible-builds.org specification), else the time of the commit that is checked out."""
    text = os.environ.get("SOURCE_DATE_EPOCH")
    if text is None:
        from vxsec.host.process import run

        # Plumbing: it runs nothing that the repository's own configuration could name.
        argv = ["git", "-C", os.fspath(project_dir), "cat-file", "commit", "HEAD"]
        try:
            answer = run(argv, timeout=_GIT_SECONDS, max_bytes=DEFAULT_LIMITS.small_file_bytes)
        except UndecidedError:  # no git, or none that answers: then there is no commit to take the time from
            return None
        committed = _COMMITTED.search(answer.stdout) if answer.exit_code == 0 else None
        text = committed[1].decode() if committed is not None else None
        if not text:
            return None
    if not text.isascii() or not text.isdecimal() or int(text[:20]) > _MAX_EPOCH:
        raise UsageError(
            f"expected SOURCE_DATE_EPOCH to be seconds since 1970, found {text[:40]!r}",
            code="sbom.source-date-epoch",
            hint="SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)",
        )
    return datetime.fromtimestamp(int(text), tz=UTC)
