"""The packument: what a registry says about a package and its versions. Claims, until the bytes are checked.

Source: npm's registry documentation, "package metadata", and what Verdaccio and npm send.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, NoReturn

from vxsec.errors import FormatError
from vxsec.formats.strict_json import read_json
from vxsec.formats.timestamps import parse_time
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from vxsec.formats.strict_json import JsonNode

__all__ = ["Packument", "PackumentVersion", "read_packument", "read_version_document"]

_SHOWN = 120
_NOT_VERSIONS = frozenset({"created", "modified", "unpublished"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PackumentVersion:
    """One published version. ``integrity``, ``shasum`` and ``tarball`` are texts as found, None where absent."""

    name: str
    version: str
    integrity: str | None
    shasum: str | None
    tarball: str | None
    document: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Packument:
    """A package as the registry describes it.

    ``times`` holds when versions were published: the registry's claim, used only to refuse. ``document`` is all of it.
    """

    name: str
    versions: Mapping[str, PackumentVersion]
    tags: Mapping[str, str]
    times: Mapping[str, datetime]
    document: Mapping[str, object] = field(default_factory=dict)

    @property
    def newest_time(self) -> datetime | None:
        """When the latest of the versions present was published, as the registry claims."""
        return max((time for version, time in self.times.items() if version in self.versions), default=None)


def read_packument(data: bytes, *, where: str, limits: Limits = DEFAULT_LIMITS) -> Packument:
    """Read ``GET /<name>`` (full or abbreviated).

    Raises:
        FormatError: ``json.*``; ``packument.shape`` for a wrong type; ``packument.name`` or ``packument.version`` where
            a version is filed under another name or version than its own document says; ``time.malformed``.
    """
    root = read_json(data, where=where, limits=limits, max_bytes=limits.packument_bytes)
    try:
        name = root["name"].string()
        listed = root.get("versions")
        versions = {key: _version(node, name=name, version=key) for key, node in (listed.members() if listed else ())}
        tags = {key: node.string() for key, node in _members(root, "dist-tags")}
        times = _times(root)
    except FormatError as error:
        raise _reshaped(error) from error
    return Packument(name=name, versions=versions, tags=tags, times=times, document=root.mapping())


def read_version_document(data: bytes, *, where: str, limits: Limits = DEFAULT_LIMITS) -> PackumentVersion:
    """Read ``GET /<name>/<version>``.

    Raises:
        FormatError: As :func:`read_packument`.
    """
    root = read_json(data, where=where, limits=limits, max_bytes=limits.packument_bytes)
    try:
        return _version(root, name=root["name"].string(), version=root["version"].string())
    except FormatError as error:
        raise _reshaped(error) from error


def _version(node: JsonNode, *, name: str, version: str) -> PackumentVersion:
    said_name, said_version = node["name"].string(), node["version"].string()
    if said_name != name:
        _refuse(f"expected a version of {name[:_SHOWN]!r}, found one of {said_name[:_SHOWN]!r}", "name", node.where)
    if said_version != version:
        _refuse(f"expected version {version[:_SHOWN]!r}, found {said_version[:_SHOWN]!r}", "version", node.where)
    dist = node.get("dist")
    return PackumentVersion(
        name=name,
        version=version,
        integrity=_text(dist, "integrity"),
        shasum=_text(dist, "shasum"),
        tarball=_text(dist, "tarball"),
        document=node.mapping(),
    )


def _text(dist: JsonNode | None, key: str) -> str | None:
    found = dist.get(key) if dist else None
    return found.string() if found else None


def _members(root: JsonNode, key: str) -> list[tuple[str, JsonNode]]:
    found = root.get(key)
    return list(found.members()) if found else []


def _times(root: JsonNode) -> dict[str, datetime]:
    times: dict[str, datetime] = {}
    for key, node in _members(root, "time"):
        if key in _NOT_VERSIONS:
            continue
        times[key] = parse_time(node.string(), where=node.where)
    return times


def _refuse(message: str, code: str, where: str) -> NoReturn:
    raise FormatError(message, code=f"packument.{code}", where=where)


def _reshaped(error: FormatError) -> FormatError:
    if error.code in {"json.missing", "json.type"}:
        return FormatError(error.message, code="packument.shape", where=error.where)
    return error
