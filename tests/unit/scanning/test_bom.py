"""Components of an SBOM as something to be looked up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vxsec.model.dependency import DependencySource
from vxsec.model.package import PackageRef
from vxsec.model.sbom import Bom, Component, Composition
from vxsec.scanning.bom import bom_graph, package_of_purl


def npm(name: str, version: str = "1.0.0") -> PackageRef:
    return PackageRef(name=name, version=version)


@pytest.mark.parametrize(
    ("purl", "expected"),
    [
        pytest.param("pkg:npm/lodash@4.17.20", npm("lodash", "4.17.20"), id="a plain name"),
        pytest.param("pkg:npm/%40scope/name@1.0.0", npm("@scope/name"), id="an encoded scope"),
        pytest.param("pkg:npm/@scope/name@1.0.0", npm("@scope/name"), id="a scope as some tools write it"),
        pytest.param("PKG:NPM/lodash@1.0.0", npm("lodash"), id="upper case"),
        pytest.param("pkg://npm/lodash@1.0.0", npm("lodash"), id="slashes behind the scheme"),
        pytest.param("pkg:npm/a@1.0.0?vcs_url=git%2Bssh://x@y/z#sub", npm("a"), id="qualifiers and subpath"),
        pytest.param("pkg:npm/a@1.0.0%2Bbuild", npm("a", "1.0.0+build"), id="an encoded version"),
        pytest.param("pkg:npm/__proto__x@1.0.0", None, id="a name npm does not allow"),
        pytest.param("pkg:npm/Upper@1.0.0", npm("Upper"), id="an old name in upper case"),
        pytest.param(
            "pkg:pypi/Foo_Bar.baz@1.0", PackageRef(name="foo-bar-baz", version="1.0", ecosystem="pypi"), id="Python"
        ),
        pytest.param(
            "pkg:golang/a.example.test/b@v1.0.0",
            PackageRef(name="a.example.test/b", version="v1.0.0", ecosystem="golang"),
            id="another type keeps its name",
        ),
        pytest.param(None, None, id="none"),
        pytest.param("", None, id="empty"),
        pytest.param("lodash@1.0.0", None, id="no scheme"),
        pytest.param("pkg:npm", None, id="only a type"),
        pytest.param("pkg:npm/", None, id="no name"),
        pytest.param("pkg:npm/a", None, id="no version"),
        pytest.param("pkg:npm/a@", None, id="an empty version"),
        pytest.param("pkg:npm/@scope/a", None, id="a scope is no version"),
        pytest.param("pkg:npm/@1.0.0", None, id="a version without a name"),
        pytest.param("pkg:npm/../../etc@1.0.0", None, id="a climbing name"),
        pytest.param("pkg:npm/a%0Ab@1.0.0", None, id="a line break in a name"),
        pytest.param("pkg:n pm/a@1.0.0", None, id="a type that is none"),
        pytest.param("pkg:pypi/@1.0", None, id="Python without a name"),
        pytest.param("pkg:pypi/-_-@1.0", None, id="a Python name of separators"),
    ],
)
def test_a_purl_names_a_package_or_nothing(purl: str | None, expected: PackageRef | None) -> None:
    assert package_of_purl(purl) == expected


@given(st.text(max_size=40))
def test_any_text_is_a_package_or_nothing(text: str) -> None:
    found = package_of_purl("pkg:" + text)
    assert found is None or (found.name and found.version)


def bom(*components: Component, root: Component | None = None, needs: dict[str, tuple[str, ...]] | None = None) -> Bom:
    return Bom(
        spec_version="1.6",
        serial_number=None,
        timestamp=None,
        root=root,
        components=components,
        dependencies=needs or {},
    )


def component(ref: str, **more: Any) -> Component:
    return Component(ref=ref, type="library", name=more.pop("name", ref), **more)


def test_components_become_dependencies_with_their_graph() -> None:
    root = component("root", purl="pkg:npm/app@1.0.0")
    first = component(
        "1",
        purl="pkg:npm/a@1.0.0",
        license="MIT",
        optional=True,
        properties=(("cdx:npm:package:path", "node_modules/a"),),
    )
    second = component("2", purl="pkg:npm/b@2.0.0", properties=(("cdx:npm:package:development", "true"),))
    graph = bom_graph(bom(first, second, root=root, needs={"root": ("1",), "1": ("2",)}), source="bom.json")
    assert (graph.root_needs, graph.source, graph.root) == (("1",), "bom.json", None)
    one, two = graph.dependencies
    assert (one.label, one.key, one.needs, one.paths) == ("a@1.0.0", "1", ("2",), ("node_modules/a",))
    assert (one.license, one.optional, one.dev, one.source) == ("MIT", True, False, DependencySource.REGISTRY)
    assert (two.package, two.dev) == (npm("b", "2.0.0"), True)


@pytest.mark.parametrize(
    ("one", "label"),
    [
        (component("1", name="left-pad", version="1.0.0"), "left-pad@1.0.0"),
        (component("2", name="left-pad"), "left-pad"),
        (component("3", name="left-pad", purl="pkg:npm/left-pad"), "left-pad"),
    ],
    ids=["no purl", "neither purl nor version", "a purl without a version"],
)
def test_what_cannot_be_looked_up_keeps_its_name(one: Component, label: str) -> None:
    (found,) = bom_graph(bom(one), source="b").dependencies
    assert (found.package, found.label) == (None, label)


@pytest.mark.parametrize(
    ("properties", "source"),
    [
        ((), "registry"),
        ((("vxsec:source", "git"),), "git"),
        ((("vxsec:source", "url"),), "url"),
        ((("vxsec:source", "file"),), "file"),
        ((("cdx:npm:package:bundled", "true"),), "bundled"),
        ((("vxsec:source", "local"),), "registry"),
        ((("vxsec:source", "trusted"),), "registry"),
    ],
)
def test_where_a_component_comes_from_is_believed_only_where_it_hides_nothing(
    properties: tuple[tuple[str, str], ...], source: str
) -> None:
    (found,) = bom_graph(bom(component("1", purl="pkg:npm/a@1.0.0", properties=properties)), source="b").dependencies
    assert found.source.value == source


def test_a_range_keeps_its_range() -> None:
    one = component("a@^1", name="a", properties=(("vxsec:range", "^1"), ("vxsec:source", "range")))
    (found,) = bom_graph(bom(one), source="b").dependencies
    assert (found.label, found.source) == ("a@^1", DependencySource.RANGE)


@pytest.mark.parametrize(
    ("aggregate", "components", "left_out"),
    [
        ("complete", (), 0),
        ("unknown", (), 0),
        ("incomplete", (), 1),
        ("incomplete_third_party_only", (), 1),
        ("incomplete", (component("r", properties=(("vxsec:source", "range"),)),), 0),
    ],
)
def test_a_document_that_calls_itself_incomplete_is_not_taken_for_whole(
    aggregate: str, components: tuple[Component, ...], left_out: int
) -> None:
    one = replace(bom(*components), compositions=(Composition(aggregate=aggregate),))
    assert len(bom_graph(one, source="b").unresolved) == left_out


@pytest.mark.parametrize(
    ("root", "looked_up"),
    [
        (component("r", purl="pkg:npm/app@1.0.0", hashes={"SHA-256": "ab"}), ["app@1.0.0"]),
        (component("r", purl="pkg:npm/app@1.0.0"), []),
        (component("r", name="app", hashes={"SHA-256": "ab"}), []),
        (None, []),
    ],
    ids=["a released file", "a project's folder", "a file without a purl", "no root"],
)
def test_the_root_is_looked_up_where_it_was_released(root: Component | None, looked_up: list[str]) -> None:
    assert [one.label for one in bom_graph(bom(root=root), source="b").dependencies] == looked_up


@pytest.mark.parametrize(
    ("name", "version", "purl", "doubt"),
    [
        ("a", "1.0.0", "pkg:npm/a@1.0.0", False),
        ("a", None, "pkg:npm/a@1.0.0", False),
        ("@s/a", "1.0.0", "pkg:npm/%40s/a@1.0.0", False),
        ("s/a", "1.0.0", "pkg:npm/%40s/a@1.0.0", False),
        ("Foo_Bar", "1.0", "pkg:pypi/foo-bar@1.0", False),
        ("b", "v1.0.0", "pkg:golang/a@v1.0.0", False),
        ("a", "1.0.0", "pkg:npm/a", False),
        ("A", "1.0.0", "pkg:npm/a@1.0.0", True),
        ("a", "1.0.0", "pkg:npm/a@1.0.0-rc", True),
        ("a", "", "pkg:npm/a@1.0.0", True),
        ("a", "1.0.0", "pkg:npm/%40s/a@1.0.0", True),
        ("@s/a", "1.0.0", "pkg:npm/a@1.0.0", True),
        ("bar", "1.0", "pkg:pypi/foo-bar@1.0", True),
    ],
)
def test_a_component_is_in_doubt_where_it_says_two_things(
    name: str, version: str | None, purl: str, *, doubt: bool
) -> None:
    one = component("1", name=name, version=version, purl=purl)
    (found,) = bom_graph(bom(one), source="b").dependencies
    assert (found.doubt is not None) is doubt


def test_references_lead_to_components_or_the_root() -> None:
    needs = {"r": ("1", "gone"), "1": ("r", "gone", "away"), "?": ("1",)}
    found = bom_graph(bom(component("1"), root=component("r"), needs=needs), source="b").unresolved
    assert [text.partition(" ")[0] for text in found] == ["away", "gone"]
