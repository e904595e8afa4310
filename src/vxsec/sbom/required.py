"""Whether a bill of materials leaves out what the package itself says it needs, or says so itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.model.finding import Finding, Severity
from vxsec.sbom.purl import normal_name, parse_purl

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vxsec.model.sbom import Bom, Component

__all__ = ["compare_with_required", "missing_dependencies", "says_incomplete"]

_SHOWN = 120
_MAX_FINDINGS = 25


def missing_dependencies(bom: Bom, required: Mapping[str, bool], ecosystem: str) -> tuple[str, ...]:
    """The names of ``required`` that no component has, sorted.

    A component has its own name and that of its purl. What comes from an address may call itself otherwise: a direct
    dependency of the root that has no required name stands for one such.

    Args:
        bom: The document.
        required: Each name, and whether it comes from an address.
        ecosystem: Of the package and its names.
    """
    names = {one.ref: _names(one, ecosystem) for one in bom.components}
    known = {name for found in names.values() for name in found}
    if bom.root is not None:
        known |= _names(bom.root, ecosystem)  # a package that asks for itself is there
    missing = sorted(required.keys() - known)
    direct = bom.dependencies.get(bom.root.ref, ()) if bom.root is not None else ()
    others = sum(1 for ref in set(direct) if ref in names and required.keys().isdisjoint(names[ref]))
    elsewhere = {name for name in missing if required[name]}
    stand_in = set(sorted(elsewhere)[:others])
    return tuple(name for name in missing if name not in stand_in)


def compare_with_required(bom: Bom, required: Mapping[str, bool], ecosystem: str) -> tuple[Finding, ...]:
    """``sbom.dependency-missing`` (high) for each name that :func:`missing_dependencies` gives; the last one counts the rest."""
    missing = missing_dependencies(bom, required, ecosystem)
    messages = [f"the package requires {name[:_SHOWN]!r}, and no component has that name" for name in missing]
    if len(messages) > _MAX_FINDINGS:
        messages[_MAX_FINDINGS:] = [f"and {len(messages) - _MAX_FINDINGS} more that it requires"]
    return tuple(
        Finding(code="sbom.dependency-missing", severity=Severity.HIGH, message=message, where="/components")
        for message in messages
    )


def says_incomplete(bom: Bom) -> bool:
    """Whether a composition says ``incomplete`` (or ``incomplete_…``) of dependencies, or of no part, which is the whole."""
    return any(
        one.aggregate.startswith("incomplete") and (one.dependencies or not one.assemblies) for one in bom.compositions
    )


def _names(component: Component, ecosystem: str) -> set[str]:
    purl = parse_purl(component.purl) if component.purl is not None else None
    own = {normal_name(ecosystem, component.name)}
    return own | {purl.name} if purl is not None and purl.type == ecosystem else own
