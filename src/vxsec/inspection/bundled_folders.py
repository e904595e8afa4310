"""Which folders of a package's node_modules its ``bundleDependencies`` explain.

Source: ``npm-packlist``: a bundled name travels with all that it needs (``dependencies`` and ``optionalDependencies``) and
that npm has put beside it rather than below it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from vxsec.errors import FormatError
from vxsec.formats.strict_json import parse_json
from vxsec.inspection.asked import bundled_names
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.package import NPM

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vxsec.model.artifact import Artifact

__all__ = ["bundled_folders"]

_PLACE = re.compile(r"((?:node_modules/(?:@[^/]+/)?[^/@][^/]*/)+)package\.json\Z")
_TOP = "node_modules/"
_FIELDS = ("dependencies", "optionalDependencies")


def bundled_folders(artifact: Artifact, *, limits: Limits = DEFAULT_LIMITS) -> frozenset[str]:
    """Names of packages right below ``node_modules`` that are listed as bundled, or that one of these needs.

    Names are found as Node finds them, so a package that nothing listed reaches is not among them. A manifest inside that
    cannot be read needs nothing.

    Raises:
        TarballError: As :func:`vxsec.formats.tarball.read_tarball`.
    """
    if artifact.package.ecosystem != NPM or not any(file.path.startswith(_TOP) for file in artifact.files):
        return frozenset()
    names = bundled_names(artifact.manifest)
    return _reached(names, _needs(artifact.data, limits)) if names else frozenset()


def _needs(data: bytes, limits: Limits) -> Mapping[str, frozenset[str]]:
    """What each package inside asks for, by its folder (``node_modules/a/``)."""
    from vxsec.formats.tarball import read_tarball

    kept = read_tarball(
        data, limits=limits, keep=lambda path, size: bool(_PLACE.match(path)) and size <= limits.manifest_bytes
    ).kept
    return {path.removesuffix("package.json"): _asked(manifest, limits) for path, manifest in kept.items()}


def _asked(manifest: bytes, limits: Limits) -> frozenset[str]:
    try:
        document = parse_json(manifest, where="package.json", limits=limits, allow_bom=True)
    except FormatError:
        return frozenset()
    fields = [document.get(field) for field in _FIELDS] if isinstance(document, dict) else []
    return frozenset(name for field in fields if isinstance(field, dict) for name in field)


def _reached(names: tuple[str, ...], needs: Mapping[str, frozenset[str]]) -> frozenset[str]:
    inside: dict[str, list[str]] = {}
    for folder in needs:
        inside.setdefault(_name(folder), []).append(folder)
    reached: set[str] = set()
    pending = list(names)
    while pending:
        name = pending.pop()
        if name not in reached:
            reached.add(name)
            pending += (
                other
                for folder in inside.get(name, ())
                for other in needs[folder]
                if other not in reached and not _is_below(folder, other, needs)
            )
    return frozenset(reached)


def _name(folder: str) -> str:
    """The package right below ``node_modules`` that a folder belongs to."""
    parts = folder.split("/")
    return "/".join(parts[1:3]) if parts[1].startswith("@") else parts[1]


def _is_below(folder: str, name: str, needs: Mapping[str, frozenset[str]]) -> bool:
    """Whether Node finds ``name`` before it looks right below the outermost node_modules."""
    while folder:
        if f"{folder}node_modules/{name}/" in needs:
            return True
        folder = folder[: folder.rfind("node_modules/")]
    return False
