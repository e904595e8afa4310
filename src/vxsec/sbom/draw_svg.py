"""A bill of materials as one SVG file: a column for each distance from the package, an arrow for each dependency.

The file stands alone: no script, no style sheet, no font and no address outside of it (SVG 1.1; accessible by ``title`` and
``desc``).
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from vxsec.sbom.outline import make_outline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vxsec.model.sbom import Bom
    from vxsec.sbom.outline import Node, Outline

__all__ = ["SVG_NODES", "render_svg"]

SVG_NODES = 400
_SWEEPS = 6
_CHARS = 40
_CHAR_WIDTH = 6.7
_ROW, _BOX, _GAP, _MARGIN, _HEAD = 30, 22, 70, 24, 64
"""Pixels: from row to row, a box's height, between columns, around everything, above the first row."""
_FAR = 14
_TIP = (
    '<marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" markerHeight="6" orient="auto">'
    '<path d="M0 0L8 4L0 8z" style="fill:#8c959f;stroke:none"/></marker>'
)
_STYLE = (
    "text{font:11px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#1b1f24}"
    ".h{font:600 15px system-ui,sans-serif}.s{font:12px system-ui,sans-serif;fill:#57606a}"
    "rect{fill:#f6f8fa;stroke:#8c959f}.r{fill:#ddf4ff;stroke:#0969da;stroke-width:2}.o{stroke-dasharray:4 3}"
    ".x{fill:#fff8c5;stroke:#9a6700}path{fill:none;stroke:#8c959f;stroke-opacity:.75}.b{fill:#fff;stroke:none}"
)


def render_svg(bom: Bom) -> str:
    """Draw ``bom``.

    Guaranteed: well-formed XML whatever the names are; the same values give the same text. At most ``SVG_NODES`` boxes,
    nearest to the package first; the second line of the drawing says how many are not in it.
    """
    outline = make_outline(bom, max_nodes=SVG_NODES)
    columns = _columns(outline)
    places, width, height = _places(outline, columns)
    title = f"What {outline.nodes[0].label} needs"
    about = _about(outline)
    boxes = (_box(node, places[number]) for number, node in enumerate(outline.nodes))
    body = "\n".join([*_arrows(outline, places), *boxes])  # boxes over arrows
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" \
aria-labelledby="title desc">
<title id="title">{escape(title)}</title>
<desc id="desc">{escape(about)}</desc>
<style>{_STYLE}</style>
<defs>{_TIP}</defs>
<rect class="b" width="{width}" height="{height}"/>
<text class="h" x="{_MARGIN}" y="28">{escape(title)}</text>
<text class="s" x="{_MARGIN}" y="46">{escape(about)}</text>
{body}
</svg>
"""


def _about(outline: Outline) -> str:
    drawn = len(outline.nodes) - 1
    said = [f"{drawn} component{'' if drawn == 1 else 's'}, {len(outline.edges)} dependencies"]
    if outline.left_out:
        said.append(f"{outline.left_out} more components are not drawn")
    if any(node.optional for node in outline.nodes):
        said.append("dashed: optional")
    if any(node.source is not None for node in outline.nodes):
        said.append("yellow: not from a registry")
    return "; ".join(said)


def _columns(outline: Outline) -> list[list[int]]:
    """The nodes of each depth, ordered so that few arrows cross: each near the middle of what it is joined to."""
    columns: list[list[int]] = [[] for _ in range(outline.nodes[-1].depth + 1)]
    for number, node in enumerate(outline.nodes):
        columns[node.depth].append(number)
    joined: dict[int, list[int]] = defaultdict(list)
    for start, end in outline.edges:
        joined[start].append(end)
        joined[end].append(start)
    for sweep in range(_SWEEPS):
        step = 1 if sweep % 2 == 0 else -1
        middles = {number: row / len(column) for column in columns for row, number in enumerate(column)}
        for column in columns[::step]:
            wanted = {
                number: _middle([middles[other] for other in joined[number] if other not in column], middles[number])
                for number in column
            }
            column.sort(key=lambda number: (wanted[number], number))
            middles.update((number, row / len(column)) for row, number in enumerate(column))
    return columns


def _middle(rows: list[float], otherwise: float) -> float:
    return sum(rows) / len(rows) if rows else otherwise


def _places(outline: Outline, columns: list[list[int]]) -> tuple[dict[int, tuple[float, float, float]], int, int]:
    """Left, top and width of every box, and the size of the whole."""
    rows = max(len(column) for column in columns)
    places: dict[int, tuple[float, float, float]] = {}
    left = float(_MARGIN)
    for column in columns:
        width = max(len(_cut(outline.nodes[number].label)) for number in column) * _CHAR_WIDTH + 16
        above = (rows - len(column)) * _ROW / 2
        for row, number in enumerate(column):
            places[number] = (left, _HEAD + above + row * _ROW, width)
        left += width + _GAP
    heading = max(len(outline.nodes[0].label) + 11, len(_about(outline)) * 0.8) * 8
    width = max(left - _GAP + _MARGIN + _FAR, heading + 2 * _MARGIN)
    return places, round(width), _HEAD + rows * _ROW + _MARGIN


def _arrows(outline: Outline, places: dict[int, tuple[float, float, float]]) -> Iterator[str]:
    for start, end in outline.edges:
        left, top, width = places[start]
        to_left, to_top, to_width = places[end]
        y, to_y = top + _BOX / 2, to_top + _BOX / 2
        x = left + width
        if to_left > left:
            bend = (to_left - x) / 2
            curve = f"M{x:.1f} {y:.1f}C{x + bend:.1f} {y:.1f} {to_left - bend:.1f} {to_y:.1f} {to_left:.1f} {to_y:.1f}"
        else:  # back, or to a neighbour in the same column: around on the right side
            to_x = to_left + to_width
            far = max(x, to_x) + 2 * _FAR
            curve = f"M{x:.1f} {y:.1f}C{far:.1f} {y:.1f} {far:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}"
        optional = ' class="o"' if outline.nodes[end].optional else ""
        yield f'<path{optional} d="{curve}" marker-end="url(#tip)"/>'


def _box(node: Node, place: tuple[float, float, float]) -> str:
    left, top, width = place
    kind = "r" if node.depth == 0 else " ".join(("x",) * (node.source is not None) + ("o",) * node.optional)
    return (
        f"<g><title>{escape(node.label)}</title>"
        f'<rect class="{kind}" x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{_BOX}" rx="4"/>'
        f'<text x="{left + 8:.1f}" y="{top + 15:.1f}">{escape(_cut(node.label))}</text></g>'
    )


def _cut(text: str) -> str:
    """At most ``_CHARS`` characters; the version at the end stays."""
    if len(text) <= _CHARS:
        return text
    version = text[text.rfind("@") :] if text.rfind("@") > 0 else ""
    kept = version if len(version) < _CHARS // 2 else ""
    return f"{text[: _CHARS - 1 - len(kept)]}…{kept}"
