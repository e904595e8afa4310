"""Packages whose files lie inside another package's tarball: what their own manifests there say they are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from vxsec.errors import FormatError
from vxsec.formats.strict_json import parse_json
from vxsec.formats.tarball import read_tarball
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.dependency import Dependency, DependencySource
from vxsec.model.package import PackageRef, is_npm_name

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["bundled_packages"]

_FOLDER: Final = re.compile(r"(?:node_modules/(?:@[^/]+/)?[^/@][^/]*/)+package\.json\Z")
"""Where Node looks for a package below the top of the archive; test data deeper inside is none."""


def bundled_packages(data: bytes, *, limits: Limits = DEFAULT_LIMITS) -> tuple[Dependency, ...]:
    """The bundled packages, by place. One whose manifest cannot be read or names nothing comes without a package.

    Args:
        data: A tarball that was accepted before.
        limits: The ``archive_…``, ``manifest_bytes`` and ``json_…`` bounds.

    Raises:
        TarballError: As :func:`vxsec.formats.tarball.read_tarball`.
    """
    tarball = read_tarball(
        data,
        limits=limits,
        keep=lambda path, size: bool(_FOLDER.match(path)) and size <= limits.manifest_bytes,
    )
    places = sorted(file.path for file in tarball.files if _FOLDER.match(file.path))
    return tuple(_dependency(place, tarball.kept, limits) for place in places)


def _dependency(place: str, kept: Mapping[str, bytes], limits: Limits) -> Dependency:
    folder = place.removesuffix("/package.json")
    package = _package(kept.get(place), limits)
    return Dependency(
        key=f"bundled:{folder}",
        package=package,
        label=str(package) if package is not None else folder,
        source=DependencySource.BUNDLED,
        paths=(folder,),
    )


def _package(manifest: bytes | None, limits: Limits) -> PackageRef | None:
    if manifest is None:
        return None
    try:
        document = parse_json(manifest, where="package.json", limits=limits, allow_bom=True)
    except FormatError:
        return None
    name = document.get("name") if isinstance(document, dict) else None
    version = document.get("version") if isinstance(document, dict) else None
    if not isinstance(name, str) or not isinstance(version, str) or not version or not is_npm_name(name):
        return None
    return PackageRef(name=name, version=version)
