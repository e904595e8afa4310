from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from support.graph_kit import APP, DIGESTS, dependency, graph_of
from vxsec.inspection.manifest_graph import required_by_manifest
from vxsec.model.dependency import DependencySource
from vxsec.model.finding import Severity
from vxsec.model.package import NPM, PYPI, Manifest, PackageRef
from vxsec.model.sbom import Composition
from vxsec.sbom.build import build_bom
from vxsec.sbom.required import compare_with_required, missing_dependencies, says_incomplete

if TYPE_CHECKING:
    from vxsec.model.sbom import Bom, Component


def listing(*labels: str, direct: tuple[str, ...] | None = None) -> Bom:
    """An SBOM of APP with these components, all of them direct dependencies unless said."""
    graph = graph_of(*(dependency(label) for label in labels), root_needs=labels if direct is None else direct)
    return build_bom(package=APP, digests=DIGESTS, graph=graph, license=None, authors=(), timestamp=None)


def changed(bom: Bom, **fields: str | None) -> Bom:
    """The first component otherwise."""
    first: Component = replace(bom.components[0], **fields)  # type: ignore[arg-type]
    return replace(bom, components=(first, *bom.components[1:]))


@pytest.mark.parametrize(
    ("bom", "required"),
    [
        pytest.param(listing(), {}, id="nothing is required"),
        pytest.param(listing("a@1.0.0", "@s/b@2.0.0"), {"a": False, "@s/b": False}, id="both are named"),
        pytest.param(listing("a@1.0.0", direct=()), {"a": False}, id="named, though nothing leads to it"),
        pytest.param(listing("a@1.0.0", "b@1.0.0"), {"a": False}, id="more is named than required"),
        pytest.param(changed(listing("a@1.0.0"), purl=None), {"a": False}, id="no purl"),
        pytest.param(changed(listing("a@1.0.0"), name="installed-as"), {"a": False}, id="named by its purl"),
        pytest.param(changed(listing("a@1.0.0"), purl="not a purl"), {"a": False}, id="a purl that is none"),
        pytest.param(listing(), {APP.name: False}, id="it requires itself"),
        pytest.param(listing("other@1.0.0"), {"a": True}, id="from an address, and it calls itself otherwise"),
        pytest.param(listing("a@1.0.0", "other@1.0.0"), {"a": False, "b": True}, id="one by name, one from an address"),
    ],
)
def test_everything_required_is_named(bom: Bom, required: dict[str, bool]) -> None:
    assert missing_dependencies(bom, required, NPM) == ()
    assert compare_with_required(bom, required, NPM) == ()


@pytest.mark.parametrize(
    ("bom", "required", "missing"),
    [
        pytest.param(listing(), {"left-padding": False}, ("left-padding",), id="an SBOM that lists nothing"),
        pytest.param(replace(listing(), root=None), {"a": False, "b": True}, ("a", "b"), id="about nothing"),
        pytest.param(listing("a@1.0.0"), {"b": False, "c": False, "a": False}, ("b", "c"), id="two of three, sorted"),
        pytest.param(listing("a@1.0.0"), {"@s/a": False}, ("@s/a",), id="another scope"),
        pytest.param(listing("other@1.0.0"), {"a": False}, ("a",), id="another name from a registry"),
        pytest.param(listing("a@1.0.0"), {"a": False, "b": True}, ("b",), id="a required one stands for no other"),
        pytest.param(listing("x@1.0.0"), {"a": True, "b": True}, ("b",), id="one stands for one"),
        pytest.param(listing("x@1.0.0", direct=()), {"a": True}, ("a",), id="what is not direct stands for none"),
        pytest.param(changed(listing("x@1.0.0"), purl="pkg:pypi/a@1"), {"a": False}, ("a",), id="a purl of another ecosystem"),
    ],
)  # fmt: skip
def test_what_is_required_and_not_named_is_missing(
    bom: Bom, required: dict[str, bool], missing: tuple[str, ...]
) -> None:
    assert missing_dependencies(bom, required, NPM) == missing
    findings = compare_with_required(bom, required, NPM)
    assert [(one.code, one.severity) for one in findings] == [("sbom.dependency-missing", Severity.HIGH)] * len(missing)
    assert all(repr(name) in one.message for name, one in zip(missing, findings, strict=True))


def test_python_names_are_compared_in_their_normal_form() -> None:
    assert missing_dependencies(changed(listing("x@1"), name="Foo_Bar", purl=None), {"foo-bar": False}, PYPI) == ()


def test_many_are_cut_and_counted() -> None:
    found = compare_with_required(listing(), {f"a{n}": False for n in range(100)}, NPM)
    assert (len(found), found[-1].message) == (26, "and 75 more that it requires")


@pytest.mark.parametrize(
    ("compositions", "expected"),
    [
        ((), False),
        ((Composition(aggregate="complete", dependencies=("a",)),), False),
        ((Composition(aggregate="unknown", dependencies=("a",)),), False),
        ((Composition(aggregate="incomplete", assemblies=("a",)),), False),
        ((Composition(aggregate="incomplete"),), True),
        ((Composition(aggregate="incomplete", dependencies=("a",)),), True),
        ((Composition(aggregate="complete"), Composition(aggregate="incomplete_third_party_only", dependencies=("a",))), True),
    ],
    ids=str,
)  # fmt: skip
def test_a_composition_may_say_that_dependencies_are_left_out(
    compositions: tuple[Composition, ...], expected: bool
) -> None:
    assert says_incomplete(replace(listing(), compositions=compositions)) is expected


def test_our_own_say_so_where_the_lockfile_left_something_open() -> None:
    graph = graph_of(unresolved=("gone@^1",))
    bom = build_bom(package=APP, digests=DIGESTS, graph=graph, license=None, authors=(), timestamp=None)
    assert says_incomplete(bom)
    assert not says_incomplete(listing("a@1.0.0"))


@pytest.mark.parametrize("source", list(DependencySource))
def test_where_a_component_comes_from_makes_no_difference(source: DependencySource) -> None:
    graph = graph_of(dependency("a@1.0.0", source=source), root_needs=("a@1.0.0",))
    bom = build_bom(package=APP, digests=DIGESTS, graph=graph, license=None, authors=(), timestamp=None)
    assert missing_dependencies(bom, {"a": False}, NPM) == ()


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param({"dependencies": {"a": "^1"}}, {"a": False}, id="a range"),
        pytest.param({"dependencies": {"b": "npm:@s/a@^1"}}, {"@s/a": False}, id="an alias is its target"),
        pytest.param({"dependencies": {"a": "github:x/y"}}, {"a": True}, id="a repository"),
        pytest.param({"dependencies": {"a": "workspace:*"}}, {"a": False}, id="a workspace"),
        pytest.param({"optionalDependencies": {"a": "1"}}, {}, id="optional"),
        pytest.param({"dependencies": {"a": "1"}, "optionalDependencies": {"a": "1"}}, {}, id="optional after all"),
        pytest.param({"devDependencies": {"a": "1"}}, {}, id="a development tool"),
        pytest.param({"peerDependencies": {"a": "1"}}, {"a": False}, id="a peer"),
        pytest.param(
            {"peerDependencies": {"a": "1"}, "peerDependenciesMeta": {"a": {"optional": True}}}, {}, id="an optional peer"
        ),
        pytest.param({"dependencies": {"a": "1"}, "bundleDependencies": ["a"]}, {"a": False}, id="bundled"),
    ],
)  # fmt: skip
def test_what_a_package_json_requires(document: dict[str, object], expected: dict[str, bool]) -> None:
    assert required_by_manifest(Manifest(package=APP, document=document)) == expected


@pytest.mark.parametrize(
    ("requirement", "expected"),
    [
        ("Foo_Bar>=1", {"foo-bar": False}),
        ("foo @ https://h.example.test/f.whl", {"foo": False}),
        ("foo; sys_platform == 'win32'", {}),
        ("foo; extra == 'x'", {}),
        ("foo ~~~", {"foo": False}),
    ],
)
def test_what_a_python_package_requires_everywhere(requirement: str, expected: dict[str, bool]) -> None:
    package = PackageRef(name="app", version="1", ecosystem=PYPI)
    assert required_by_manifest(Manifest(package=package, document={"Requires-Dist": [requirement]})) == expected
