from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given

from support.graph_kit import APP, DIGESTS, dependency, graph_of, graphs
from vxsec.model.dependency import DependencyGraph, DependencySource
from vxsec.model.sbom import Bom, Component
from vxsec.sbom import draw, draw_svg
from vxsec.sbom.build import build_bom
from vxsec.sbom.draw import render_dot, render_mermaid, render_svg, render_tree
from vxsec.sbom.outline import label_of, make_outline, plain

if TYPE_CHECKING:
    from collections.abc import Mapping

HOSTILE = (
    '"><script>alert(1)</script>',
    "]-->",
    '"]\n  click n0 "javascript:alert(1)"',
    "\x1b[31mred",
    "a\u202eb",
    '\\" ]; x [label="',
    "</svg>",
    "<![CDATA[",
    "]]>",
    "&amp;",
    "\x00",
    "#quot;",
    "`x`",
    "n0 --> n1",
    "\ufffe",
)
SVG = "{http://www.w3.org/2000/svg}"


def drawn(graph: DependencyGraph) -> Bom:
    return build_bom(package=APP, digests=DIGESTS, graph=graph, license=None, authors=(), timestamp=None)


def bom_of(*components: Component, needs: Mapping[str, tuple[str, ...]], root: Component | None = None) -> Bom:
    return Bom(
        spec_version="1.6",
        serial_number=None,
        timestamp=None,
        root=root,
        components=components,
        dependencies=needs,
    )


def component(ref: str, **fields: Any) -> Component:
    return Component(**{"ref": ref, "type": "library", "name": ref, **fields})


BOM = drawn(
    graph_of(
        dependency("a@1.0.0", "b@1.0.0", "c@1.0.0"),
        dependency("b@1.0.0", "a@1.0.0", "c@1.0.0", source=DependencySource.GIT),
        dependency("c@1.0.0", "d@1.0.0", optional=True),
        dependency("d@1.0.0", source=DependencySource.BUNDLED),
        dependency("e@^2", package=None, source=DependencySource.RANGE),
        root_needs=("a@1.0.0", "c@1.0.0", "e@^2"),
    )
)


# -- the tree ----------------------------------------------------------------------------------------------------------


def test_the_tree_unfolds_everything_once() -> None:
    assert list(render_tree(BOM)) == [
        "@scope/app@1.0.0",
        "├─ e@^2",
        "├─ a@1.0.0",
        "│  ├─ b@1.0.0 (git)",
        "│  │  ├─ a@1.0.0 …",
        "│  │  └─ c@1.0.0 (optional)",
        "│  │     └─ d@1.0.0 (bundled)",
        "│  └─ c@1.0.0 (optional) …",
        "└─ c@1.0.0 (optional) …",
    ]


@pytest.mark.parametrize(
    ("depth", "lines"), [(1, ["├─ e@^2", "├─ a@1.0.0 …", "└─ c@1.0.0 (optional) …"]), (None, None), (64, None)]
)
def test_the_tree_can_be_cut(depth: int | None, lines: list[str] | None) -> None:
    found = list(render_tree(BOM, depth=depth))
    assert found[1:] == (lines or list(render_tree(BOM))[1:])


def test_what_nothing_leads_to_is_said() -> None:
    root = component("r", name="app")
    bom = bom_of(
        component("a"), component("x"), component("y"), component("z"), root=root, needs={"r": ("a",), "x": ("y",), "y": ("x",), "z": ("z",)}
    )  # fmt: skip
    assert list(render_tree(bom)) == [
        "app",
        "└─ a",
        "nothing leads to:",
        "└─ z",
        "   └─ z …",
        "└─ x",
        "   └─ y",
        "      └─ x …",
    ]


def test_without_a_package_it_begins_with_what_nothing_needs() -> None:
    bom = bom_of(component("a"), component("b"), needs={"b": ("a",)})
    assert list(render_tree(bom)) == ["(no package named)", "└─ b", "   └─ a"]


def test_a_reference_to_nothing_is_said() -> None:
    bom = bom_of(root=component("r"), needs={"r": ("gone\x1b",)})
    assert list(render_tree(bom)) == ["r", "└─ gone\\u{1b} (not in this document)"]


def test_a_long_tree_is_cut_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draw, "TREE_LINES", 3)
    assert list(render_tree(BOM))[-1] == "(cut after 3 lines)"
    assert len(list(render_tree(BOM))) == 4


def test_a_deep_tree_ends() -> None:
    chain = {f"c{n}": (f"c{n + 1}",) for n in range(3_000)}
    bom = bom_of(*(component(f"c{n}") for n in range(1, 3_001)), root=component("c0"), needs=chain)
    lines = list(render_tree(bom))
    assert len(lines) == draw.TREE_DEPTH + 1
    assert lines[-1].endswith("…")
    assert render_svg(bom)


# -- what a name may do -------------------------------------------------------------------------------------------------


def hostile(name: str) -> Bom:
    return bom_of(
        component("a", name=name, version=name, properties=(("vxsec:source", name),)),
        root=component("r", name=name),
        needs={"r": ("a",)},
    )


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_leaves_its_line_of_the_tree(name: str) -> None:
    lines = list(render_tree(hostile(name)))
    assert len(lines) == 2
    assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_leaves_its_label_in_mermaid(name: str) -> None:
    text = render_mermaid(hostile(name))
    label = r'"(?:[A-Za-z0-9 @./^~_+,()*=-]|#[0-9]+;)*"'
    assert re.fullmatch(
        rf"flowchart LR\n  n0\[{label}\]\n  n1\[{label}\]\n  n0 --> n1\n  style n0 stroke-width:3px\n", text
    )


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_leaves_its_label_in_dot(name: str) -> None:
    text = render_dot(hostile(name))
    label = r'"(?:[^"\\\n]|\\\\|\\")*"'
    assert re.fullmatch(
        rf"digraph sbom \{{\n  rankdir=LR;\n  node [^\n]*\n  n0 \[label={label}, style=bold\];\n  n1 \[label={label}\];\n  n0 -> n1;\n\}}\n",
        text,
    )


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_leaves_its_text_in_svg(name: str) -> None:
    tree = ET.fromstring(render_svg(hostile(name)))  # noqa: S314 - our own text, that is the point
    assert {element.tag.removeprefix(SVG) for element in tree.iter()} == {
        "svg", "title", "desc", "style", "defs", "marker", "path", "rect", "text", "g",
    }  # fmt: skip
    shown = {plain(name), f"{plain(name)}@{plain(name)}"}
    assert shown <= {element.text for element in tree.iter(f"{SVG}title")}


def test_a_long_name_is_cut() -> None:
    label = label_of(component("a", name="x" * 1_000, version="1.0.0"))
    assert len(label) == 121
    assert label.endswith("…")


@given(graphs())
def test_every_document_can_be_drawn_and_repeats(graph: DependencyGraph) -> None:
    bom = drawn(graph)
    assert ET.fromstring(render_svg(bom)).tag == f"{SVG}svg"  # noqa: S314 - our own text
    for render in (render_svg, render_mermaid, render_dot):
        assert render(bom) == render(bom)
    lines = list(render_tree(bom))
    assert all(line.isprintable() for line in lines)
    for one in bom.components:
        assert any(label_of(one) in line for line in lines)


# -- graphs ------------------------------------------------------------------------------------------------------------


def test_mermaid_and_dot_have_every_arrow_and_dash_the_optional_ones() -> None:
    mermaid, dot = render_mermaid(BOM), render_dot(BOM)
    labels = dict(re.findall(r'(n\d+)\["([^"]*)"\]', mermaid))
    arrows = {(labels[a], kind, labels[b]) for a, kind, b in re.findall(r"(n\d+) (-\.?->) (n\d+)", mermaid)}
    assert arrows == {
        ("@scope/app@1.0.0", "-->", "a@1.0.0"),
        ("@scope/app@1.0.0", "-.->", "c@1.0.0"),
        ("@scope/app@1.0.0", "-->", "e@^2"),
        ("a@1.0.0", "-->", "b@1.0.0"),
        ("a@1.0.0", "-.->", "c@1.0.0"),
        ("b@1.0.0", "-->", "a@1.0.0"),
        ("b@1.0.0", "-.->", "c@1.0.0"),
        ("c@1.0.0", "-->", "d@1.0.0"),
    }
    assert dot.count(" -> ") == 8
    assert dot.count("[style=dashed]") == 3
    assert "more[" not in mermaid


def many(size: int) -> Bom:
    keys = [f"p{n:04}@1.0.0" for n in range(size)]
    return drawn(graph_of(*(dependency(key, *(keys[max(n - 2, 0) : n])) for n, key in enumerate(keys)), root_needs=tuple(keys)))  # fmt: skip


def test_a_large_graph_is_cut_and_says_so() -> None:
    bom = many(600)
    mermaid = render_mermaid(bom)
    assert mermaid.count(" --> ") == draw.MERMAID_EDGES
    assert 'more["and 201 more components, 694 more arrows"]' in mermaid
    svg = render_svg(bom)
    assert svg.count("<rect") == draw_svg.SVG_NODES + 1
    assert "201 more components are not drawn" in svg
    assert render_dot(bom).count("label=") == 601


def test_an_svg_names_itself_and_its_boxes_do_not_overlap() -> None:
    tree = ET.fromstring(render_svg(many(60)))  # noqa: S314 - our own text
    assert tree.get("role") == "img"
    assert tree.get("aria-labelledby") == "title desc"
    assert [element.text for element in tree if element.tag in {f"{SVG}title", f"{SVG}desc"}] == [
        "What @scope/app@1.0.0 needs",
        "60 components, 177 dependencies",
    ]
    boxes = [
        tuple(float(rect.get(key) or 0) for key in ("x", "y", "width", "height"))
        for rect in tree.iter(f"{SVG}rect")
        if rect.get("rx")
    ]
    assert len(boxes) == 61
    width, height = float(tree.get("width") or 0), float(tree.get("height") or 0)
    for number, (x, y, w, h) in enumerate(boxes):
        assert 0 <= x <= x + w <= width
        assert 0 <= y <= y + h <= height
        for other_x, other_y, other_w, other_h in boxes[:number]:
            assert x >= other_x + other_w or other_x >= x + w or y >= other_y + other_h or other_y >= y + h


def test_an_svg_says_what_its_marks_mean() -> None:
    svg = render_svg(BOM)
    assert "5 components, 8 dependencies; dashed: optional; yellow: not from a registry" in svg
    assert "1 component, 1 dependencies" not in svg
    assert 'class="o"' in svg
    assert 'class="x"' in svg


def test_a_label_that_is_cut_keeps_its_version() -> None:
    svg = render_svg(
        drawn(graph_of(dependency(f"{'long' * 20}@1.2.3"), dependency("x" * 60, package=None), root_needs=()))
    )
    assert "…@1.2.3</text>" in svg
    assert f"{'x' * 39}…</text>" in svg


def test_an_outline_is_nearest_first() -> None:
    outline = make_outline(BOM, max_nodes=3)
    assert [node.depth for node in outline.nodes] == [0, 1, 1]
    assert outline.left_out == 3
    assert all(end < 3 for edge in outline.edges for end in edge)
