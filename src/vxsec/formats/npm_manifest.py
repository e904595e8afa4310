"""Manifest confusion: what the registry says a version is, against what its tarball says.

npm resolves and lists from the registry's copy and runs what the tarball holds; whoever publishes can make the two differ.
Both sides are brought into npm's own form first, so that an honest registry never differs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from vxsec.formats.hosted_git import parse_hosted_git
from vxsec.formats.npm_normalise import normalise_manifest
from vxsec.formats.redact import redact_urls
from vxsec.formats.strict_json import dump_json
from vxsec.model.evidence import FieldDifference

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["compare_manifests", "normalise_manifest"]

_INSTALL_EVENTS = ("preinstall", "install", "postinstall")
_PLATFORM = ("os", "cpu", "libc")
_WHOLE = ("name", "version", "main", "exports", "type", "imports", "module", "browser", "types", "typings")
_BY_KEY = (
    "scripts",
    "dependencies",
    "optionalDependencies",
    "peerDependencies",
    "peerDependenciesMeta",
    "bin",
    "engines",
)
_DEVELOPMENT = "devDependencies"
_ABSENT = "(absent)"
_SHOWN = 120


def compare_manifests(
    tarball_document: Mapping[str, object],
    registry_document: Mapping[str, object],
    *,
    files: Collection[str],
    development: bool = False,
) -> tuple[FieldDifference, ...]:
    """Every field that changes what is installed or run and is not the same on both sides.

    Compared are name, version, what Node, bundlers and TypeScript enter by (``main``, ``exports``, ``type``, ``imports``,
    ``module``, ``browser``, ``types``), scripts, the dependency maps (optional ones counted once, git addresses in npm's
    spelling), ``peerDependenciesMeta``, ``bin``, ``engines``, bundled dependencies, ``os``, ``cpu``, ``libc``, and whether
    there is an install script. Maps are compared key by key (``scripts.postinstall``).

    Args:
        tarball_document: package.json from the tarball.
        registry_document: ``versions[v]`` of the full packument, or ``GET /name/version``.
        files: The paths in the tarball: they decide ``directories.bin`` and the implied ``node-gyp rebuild``.
        development: Compare ``devDependencies``, too, which nobody installs with the package.

    Returns:
        The differences, in a fixed order; texts are without the credentials of URLs and cut to 120 characters.
    """
    by_key = (*_BY_KEY, _DEVELOPMENT) if development else _BY_KEY
    tarball = _comparable(tarball_document, files, by_key)
    registry = _comparable(registry_document, files, by_key)
    stated = registry_document.get("hasInstallScript")
    if stated is not None:
        registry["hasInstallScript"] = stated
    return tuple(
        FieldDifference(field=field, tarball=_shown(tarball, field), registry=_shown(registry, field))
        for field in sorted(tarball.keys() | registry.keys(), key=_order)
        if _token(tarball, field) != _token(registry, field)
    )


def _comparable(document: Mapping[str, object], files: Collection[str], by_key: tuple[str, ...]) -> dict[str, object]:
    """A flat map of what is compared; a missing key is an absent field."""
    # Twice: what npm sends is not always what it would make of it again (``directories.bin`` with a final slash).
    # Without what the registry adds about the tarball, which is copied each time and may be anything.
    stated = {name: value for name, value in document.items() if name != "dist"}
    data = normalise_manifest(normalise_manifest(stated, files=files), files=files)
    _fold_optional(data)
    flat: dict[str, object] = {field: data[field] for field in _WHOLE if data.get(field) is not None}
    for field in by_key:
        members = data.get(field)
        if isinstance(members, Mapping):
            flat.update({f"{field}.{key}": value for key, value in members.items()})
        elif members is not None:
            flat[field] = members
    for field in _PLATFORM:
        value = data.get(field)
        if value is not None and value != []:
            flat[field] = value if isinstance(value, list) else [value]
    bundled = data.get("bundleDependencies")
    if isinstance(bundled, list) and bundled:
        flat["bundleDependencies"] = sorted({name for name in bundled if isinstance(name, str)})
    scripts = data.get("scripts")
    flat["hasInstallScript"] = isinstance(scripts, Mapping) and any(scripts.get(event) for event in _INSTALL_EVENTS)
    return flat


def _fold_optional(data: dict[str, object]) -> None:
    """A name in both maps is optional: npm's installer decides so, and the registry repeats it in ``dependencies``."""
    optional = data.get("optionalDependencies")
    if not isinstance(optional, Mapping):
        return
    data["optionalDependencies"] = {
        name: str(parse_hosted_git(text) or text) if isinstance(text, str) else text for name, text in optional.items()
    }
    dependencies = data.get("dependencies")
    if isinstance(dependencies, Mapping):
        data["dependencies"] = {name: text for name, text in dependencies.items() if name not in optional}


def _order(field: str) -> tuple[int, str]:
    fields = (*_WHOLE, "hasInstallScript", *_BY_KEY, _DEVELOPMENT, "bundleDependencies", *_PLATFORM)
    return fields.index(field.partition(".")[0]), field


def _token(flat: Mapping[str, object], field: str) -> bytes | None:
    """Equal for equal JSON values whatever the order of keys, and different for ``1`` and ``true``."""
    return dump_json(_sorted(flat[field])) if field in flat else None


def _sorted(value: object) -> object:
    if isinstance(value, Mapping):
        return [[key, _sorted(value[key])] for key in sorted(value)]
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def _shown(flat: Mapping[str, object], field: str) -> str:
    if field not in flat:
        return _ABSENT
    value = flat[field]
    text = redact_urls(value if isinstance(value, str) else dump_json(value).decode("utf-8"))
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
