"""What every drawing of a bill of materials starts from: numbered nodes with labels, edges, and what was left out."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from vxsec.sbom.build import RANGE_PROPERTY, SOURCE_PROPERTY
from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from vxsec.model.sbom import Bom, Component

__all__ = ["Node", "Outline", "label_of", "loose_ends", "make_outline", "needs_of", "plain", "reached_from"]

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_SHOWN = 120
_NOBODY = "(no package named)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One box. ``depth`` is the shortest distance from the package itself; ``source`` is None for a registry's."""

    ref: str
    label: str
    depth: int
    optional: bool
    source: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """Nodes in order of depth, the package first; edges by their places in ``nodes``. ``left_out`` counts components."""

    nodes: tuple[Node, ...]
    edges: tuple[tuple[int, int], ...]
    left_out: int


def make_outline(bom: Bom, *, max_nodes: int) -> Outline:
    """Number the package and its components, nearest first; at most ``max_nodes`` of them."""
    components = {component.ref: component for component in bom.components}
    top = bom.root.ref if bom.root is not None else ""
    depths = _depths(bom, top, components)
    kept = sorted(depths, key=depths.__getitem__)[:max_nodes]
    place = {ref: number for number, ref in enumerate(kept)}
    nodes = [
        Node(
            ref=ref,
            label=label_of(bom.root) if ref == top else label_of(components[ref]),
            depth=depths[ref],
            optional=ref != top and components[ref].optional,
            source=None if ref == top else dict(components[ref].properties).get(SOURCE_PROPERTY),
        )
        for ref in kept
    ]
    edges = {(place[ref], place[need]) for ref in kept for need in bom.dependencies.get(ref, ()) if need in place}
    return Outline(nodes=tuple(nodes), edges=tuple(sorted(edges)), left_out=len(depths) - len(kept))


def needs_of(bom: Bom, ref: str) -> list[str]:
    """What a component needs, each once, in order of the references."""
    return sorted(set(bom.dependencies.get(ref, ())))


def loose_ends(bom: Bom, reached: Collection[str]) -> list[str]:
    """Where to begin with the components that are not ``reached``: those nothing needs, and then whatever is left."""
    left = [component.ref for component in bom.components if component.ref not in reached]
    needed = {need for ref in left for need in bom.dependencies.get(ref, ()) if need != ref}
    return sorted(ref for ref in left if ref not in needed) + sorted(ref for ref in left if ref in needed)


def reached_from(bom: Bom, ref: str) -> set[str]:
    """Everything that a component needs, directly or not, and itself."""
    reached = {ref}
    pending = [ref]
    while pending:
        for need in bom.dependencies.get(pending.pop(), ()):
            if need not in reached:
                reached.add(need)
                pending.append(need)
    return reached


def label_of(component: Component | None) -> str:
    """Name and version, or name and range, on one line, without anything a terminal or a browser acts upon."""
    if component is None:
        return _NOBODY
    wanted = component.version or dict(component.properties).get(RANGE_PROPERTY)
    text = f"{component.name}@{wanted}" if wanted else component.name
    return plain(text[:_SHOWN] + ("…" if len(text) > _SHOWN else ""))


def plain(text: str) -> str:
    """``text`` with every control, format and private character as its code point."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(f"\\u{{{ord(ch):x}}}" if unicodedata.category(ch) in _HIDDEN else ch for ch in text)


def _depths(bom: Bom, top: str, components: Mapping[str, Component]) -> dict[str, int]:
    """The shortest distance of every component; one that nothing leads to stands beside what the package needs."""
    depths = {top: 0}
    _spread([top], bom, components, depths)
    for ref in loose_ends(bom, depths):
        if ref not in depths:
            depths[ref] = 1
            _spread([ref], bom, components, depths)
    return depths


def _spread(front: list[str], bom: Bom, components: Mapping[str, Component], depths: dict[str, int]) -> None:
    while front:
        behind: list[str] = []
        for ref in front:
            for need in needs_of(bom, ref):
                if need not in depths and need in components:
                    depths[need] = depths[ref] + 1
                    behind.append(need)
        front = behind
