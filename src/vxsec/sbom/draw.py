"""A bill of materials drawn: as a tree for a terminal, as Mermaid for Markdown, as DOT for Graphviz, as SVG for a browser.

Names come from outside. Each form escapes them in its own way, so that no name can end a label, add an element or speak to
a terminal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.sbom.build import SOURCE_PROPERTY
from vxsec.sbom.draw_svg import render_svg
from vxsec.sbom.outline import label_of, loose_ends, make_outline, needs_of, plain, reached_from

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vxsec.model.sbom import Bom, Component
    from vxsec.sbom.outline import Node

__all__ = [
    "MERMAID_EDGES",
    "MERMAID_NODES",
    "TREE_DEPTH",
    "TREE_LINES",
    "render_dot",
    "render_mermaid",
    "render_svg",
    "render_tree",
]

TREE_LINES = 20_000
TREE_DEPTH = 64
MERMAID_NODES = 400
MERMAID_EDGES = 500
"""Mermaid refuses to draw more unless it is told otherwise (``maxEdges``)."""
_SAFE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 @./^~-_+,()*=")
_SHOWN = 40


def render_tree(bom: Bom, *, depth: int | None = None) -> Iterator[str]:
    """The tree as lines of plain text.

    Guaranteed: every component stands on at least one line, unless ``depth`` or ``TREE_DEPTH`` cuts it off or there are more
    than ``TREE_LINES`` lines, which the last line says. What is needed in several places is unfolded once and marked ``…``
    elsewhere, so a cycle ends. No line holds a control character.

    Args:
        bom: What to draw.
        depth: Levels below the package; all of them if None.
    """
    for number, line in enumerate(_tree(bom, min(depth or TREE_DEPTH, TREE_DEPTH))):
        if number == TREE_LINES:
            yield f"(cut after {TREE_LINES} lines)"
            return
        yield line


def _tree(bom: Bom, depth: int) -> Iterator[str]:
    yield label_of(bom.root)
    components = {component.ref: component for component in bom.components}
    unfolded: set[str] = set()
    reached: set[str] = set()
    if bom.root is not None:
        unfolded.add(bom.root.ref)
        yield from _branches(bom, needs_of(bom, bom.root.ref), components, unfolded, depth)
        reached = reached_from(bom, bom.root.ref)
    loose = [ref for ref in loose_ends(bom, reached) if ref not in reached]
    if loose and bom.root is not None:
        yield "nothing leads to:"
    for ref in loose:
        if ref not in reached:  # an earlier one may have led to it
            yield from _branches(bom, [ref], components, unfolded, depth)
            reached |= reached_from(bom, ref)


def _branches(
    bom: Bom, refs: list[str], components: dict[str, Component], unfolded: set[str], depth: int
) -> Iterator[str]:
    pending = _level(refs, "")
    while pending:
        ref, prefix, is_last = pending.pop()
        component = components.get(ref)
        needs = needs_of(bom, ref)
        folded = ref in unfolded or len(prefix) // 3 + 1 >= depth
        if not folded:
            unfolded.add(ref)
        mark = " …" if folded and needs else ""
        label = _described(component) if component is not None else f"{plain(ref[:_SHOWN])} (not in this document)"
        yield f"{prefix}{'└─ ' if is_last else '├─ '}{label}{mark}"
        if not folded:
            pending += _level(needs, prefix + ("   " if is_last else "│  "))


def _level(refs: list[str], prefix: str) -> list[tuple[str, str, bool]]:
    """Siblings in the order in which they are taken from the end."""
    return [(ref, prefix, place == len(refs) - 1) for place, ref in enumerate(refs)][::-1]


def _described(component: Component) -> str:
    """The label, and in brackets whatever makes this dependency unlike most."""
    said = ["optional"] if component.optional else []
    said += [
        plain(value[:_SHOWN]) for name, value in component.properties if name == SOURCE_PROPERTY and value != "range"
    ]
    said += ["bundled"] if ("cdx:npm:package:bundled", "true") in component.properties else []
    return label_of(component) + (f" ({', '.join(said)})" if said else "")


def render_mermaid(bom: Bom) -> str:
    """A Mermaid flowchart, left to right; optional dependencies are dashed.

    At most ``MERMAID_NODES`` boxes and ``MERMAID_EDGES`` arrows, nearest first; a box says what was left out.
    """
    outline = make_outline(bom, max_nodes=MERMAID_NODES)
    lines = ["flowchart LR"]
    lines += [f'  n{place}["{_mermaid_text(node.label)}"]' for place, node in enumerate(outline.nodes)]
    for start, end in outline.edges[:MERMAID_EDGES]:
        lines.append(f"  n{start} {'-.->' if outline.nodes[end].optional else '-->'} n{end}")
    arrows = max(len(outline.edges) - MERMAID_EDGES, 0)
    if outline.left_out or arrows:
        lines.append(f'  more["and {outline.left_out} more components, {arrows} more arrows"]')
    lines.append("  style n0 stroke-width:3px")
    return "\n".join(lines) + "\n"


def _mermaid_text(text: str) -> str:
    """Mermaid's own escape: ``#CODE;`` for everything that is not plainly harmless inside a quoted label."""
    return "".join(ch if ch in _SAFE else f"#{ord(ch)};" for ch in text)


def render_dot(bom: Bom) -> str:
    """A Graphviz digraph with every component; optional dependencies are dashed."""
    outline = make_outline(bom, max_nodes=len(bom.components) + 1)
    lines = ["digraph sbom {", "  rankdir=LR;", '  node [shape=box, fontname="sans-serif"];']
    lines += [
        f"  n{place} [label={_dot_text(node.label)}{_dot_style(node)}];" for place, node in enumerate(outline.nodes)
    ]
    for start, end in outline.edges:
        lines.append(f"  n{start} -> n{end}{' [style=dashed]' if outline.nodes[end].optional else ''};")
    return "\n".join([*lines, "}"]) + "\n"


def _dot_style(node: Node) -> str:
    if node.depth == 0:
        return ", style=bold"
    return ", style=dashed" if node.optional else ""


def _dot_text(text: str) -> str:
    r"""A double-quoted DOT string; a backslash would begin an escape such as ``\N``."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
