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

    from packaging.markers import Marker
    from packaging.requirements import Requirement

    from vxsec.model.package import Manifest

__all__ = ["graph_from_manifest", "required_by_manifest"]

_DASHES = re.compile(r"[-_.]+")
_PROJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_EXTRA = re.compile(r"""(["'])[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\1\Z""")
"""The name of an extra as a marker's quoted value; no other value can be asked for."""


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


def required_by_manifest(manifest: Manifest) -> dict[str, bool]:
    """The real names that an installer needs wherever it runs: of all that is asked for, nothing optional.

    A Python requirement with a marker is not among them: it may hold elsewhere only. The value says whether the package
    may call itself by another name, because it comes from an address.
    """
    if manifest.package.ecosystem != PYPI:
        return {
            asked.wanted[0]: source_of_range(asked.range) is not DependencySource.RANGE
            for asked in asked_by_manifest(manifest)
            if not asked.optional
        }
    return {name: False for name, _, marker in _requirements(manifest) if marker is None}


def _npm(manifest: Manifest) -> Iterator[tuple[str, DependencySource, bool]]:
    for asked in asked_by_manifest(manifest):
        if not asked.optional_peer:
            yield shown_request(*asked.wanted), source_of_range(asked.range), asked.optional


def _python(manifest: Manifest) -> Iterator[tuple[str, DependencySource, bool]]:
    for name, requirement, marker in _requirements(manifest):
        # The parsed structure, never the text: a quoted value may look like a clause. It has no public name.
        if _needs_extra(getattr(marker, "_markers", None)):
            continue
        if requirement is not None and requirement.url:
            yield f"{name}@url:…", DependencySource.URL, False
        else:
            asked = requirement.specifier if requirement is not None else None
            yield f"{name}@{asked or '*'}", DependencySource.RANGE, False


def _requirements(manifest: Manifest) -> Iterator[tuple[str, Requirement | None, Marker | None]]:
    """``Requires-Dist`` (PyPA dependency specifiers); what cannot be read is asked for without a range."""
    from packaging.requirements import InvalidRequirement, Requirement

    stated = manifest.document.get("Requires-Dist")
    for text in stated if isinstance(stated, list) else ():
        try:
            requirement = Requirement(str(text))
        except (InvalidRequirement, RecursionError):
            start = _PROJECT.match(str(text).strip())
            yield _normal(start[0] if start else "(unreadable)"), None, None
        else:
            yield _normal(requirement.name), requirement, requirement.marker


def _needs_extra(marker: object) -> bool:
    """Whether nothing but an extra makes it true: every alternative has a clause ``extra == "NAME"``.

    ``marker`` is what ``packaging`` parsed: a list of clauses, lists in brackets, ``and`` and ``or``; a clause is a tuple. An
    empty name is no extra (it holds where none is asked for), and of every other structure the answer is no.
    """
    if isinstance(marker, tuple):
        sides = {str(item.serialize()) for item in marker[::2]}
        name = (sides - {"extra"}).pop() if "extra" in sides and len(sides) == 2 else ""  # noqa: PLR2004 - both sides
        return str(marker[1]) == "==" and _EXTRA.match(name) is not None
    if not isinstance(marker, list):
        return False
    alternatives = [False]
    for item in marker:
        if item == "or":
            alternatives.append(False)
        elif item != "and":
            alternatives[-1] = alternatives[-1] or _needs_extra(item)
    return all(alternatives)


def _normal(name: str) -> str:
    return _DASHES.sub("-", name).lower()
