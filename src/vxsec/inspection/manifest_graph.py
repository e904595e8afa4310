"""What a package's own manifest says it needs, without a lockfile: ranges only."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from vxsec.inspection.asked import asked_by_manifest, shown_request, source_of_range
from vxsec.inspection.licenses import stated_license
from vxsec.model.dependency import Dependency, DependencyGraph, DependencySource
from vxsec.model.package import PYPI

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vxsec.model.package import Manifest

__all__ = ["graph_from_manifest"]

_DASHES = re.compile(r"[-_.]+")
_PROJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def graph_from_manifest(manifest: Manifest) -> DependencyGraph:
    """What ``manifest`` asks for at run time: one node without a version for each range; no range, no node.

    npm's required peers are among them, optional ones and development tools are not; of Python's requirements those that
    only an extra asks for are not. ``key`` and ``label`` are ``NAME@RANGE``; of a range that is an address only its kind
    is kept, because an address may name a person, a machine or a token.
    """
    found = _python(manifest) if manifest.package.ecosystem == PYPI else _npm(manifest)
    nodes: dict[str, tuple[DependencySource, bool]] = {}
    for label, source, optional in found:
        nodes[label] = (source, optional and nodes.get(label, (source, True))[1])
    return DependencyGraph(
        root=manifest.package,
        root_needs=tuple(sorted(nodes)),
        dependencies=tuple(
            Dependency(key=label, package=None, label=label, source=source, optional=optional)
            for label, (source, optional) in sorted(nodes.items())
        ),
        root_license=stated_license(manifest),
    )


def _npm(manifest: Manifest) -> Iterator[tuple[str, DependencySource, bool]]:
    for asked in asked_by_manifest(manifest):
        if not asked.optional_peer:
            yield shown_request(*asked.wanted), source_of_range(asked.range), asked.optional


def _python(manifest: Manifest) -> Iterator[tuple[str, DependencySource, bool]]:
    """``Requires-Dist`` (PyPA dependency specifiers); what cannot be read is asked for without a range."""
    from packaging.requirements import InvalidRequirement, Requirement

    stated = manifest.document.get("Requires-Dist")
    for text in stated if isinstance(stated, list) else ():
        try:
            requirement = Requirement(str(text))
        except InvalidRequirement:
            start = _PROJECT.match(str(text).strip())
            yield f"{_normal(start[0] if start else '(unreadable)')}@*", DependencySource.RANGE, False
            continue
        name = _normal(requirement.name)
        if requirement.marker is not None and _needs_extra(str(requirement.marker)):
            continue
        if requirement.url:
            yield f"{name}@url:…", DependencySource.URL, False
        else:
            yield f"{name}@{requirement.specifier or '*'}", DependencySource.RANGE, False


def _needs_extra(marker: str) -> bool:
    """Whether only an extra asks for it. A marker that may also hold without one is taken as holding."""
    return re.search(r"\bextra\s*(?:==|in)", marker) is not None and " or " not in marker


def _normal(name: str) -> str:
    return _DASHES.sub("-", name).lower()
