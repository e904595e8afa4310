"""What the registry, or a packument file in its place, says of a tarball's name and version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.errors import FormatError, UndecidedError
from vxsec.host.files import read_bounded
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.evidence import PackumentState, RegistryEvidence

if TYPE_CHECKING:
    import os

    from vxsec.formats.packument import Packument
    from vxsec.model.artifact import Artifact
    from vxsec.model.trust import Registry
    from vxsec.usecases.registries import RegistrySession

    PathLike = str | os.PathLike[str]

__all__ = ["collect_registry"]


def collect_registry(
    artifact: Artifact, registry: Registry | None, *, session: RegistrySession, packument: PathLike | None, tag: str
) -> RegistryEvidence | None:
    """The packument as evidence; None where nobody can be asked.

    Args:
        artifact: The tarball.
        registry: The own registry that lists its name.
        session: Connections.
        packument: A packument file, believed only where a rule says so.
        tag: The dist-tag that publishing would move.

    Raises:
        UsageError: The packument file cannot be read.
        FormatError: It is malformed. (A registry's malformed answer is ``unreadable`` evidence instead.)
    """
    from vxsec.formats.packument import read_packument

    if packument is not None:
        source = str(packument)
        data = read_bounded(packument, max_bytes=DEFAULT_LIMITS.packument_bytes)
        return _from_packument(artifact, read_packument(data, where=source), source=source, from_file=True, tag=tag)
    if registry is None:
        return None
    source = registry.url
    try:
        found = session.client(registry.url).fetch_packument(artifact.package.name)
    except (UndecidedError, FormatError) as error:
        detail = f"{error}; {error.hint}" if error.hint else str(error)
        return RegistryEvidence(state=PackumentState.UNREADABLE, from_file=False, source=source, detail=detail)
    if found is None:
        return RegistryEvidence(state=PackumentState.ABSENT, from_file=False, source=source, tag=tag)
    return _from_packument(artifact, found, source=source, from_file=False, tag=tag)


def _from_packument(
    artifact: Artifact, packument: Packument, *, source: str, from_file: bool, tag: str
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
        tag=tag,
        differences=differences,
    )
