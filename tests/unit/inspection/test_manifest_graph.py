from __future__ import annotations

from typing import Any

import pytest

from vxsec.inspection import manifest_graph
from vxsec.inspection.dependency_graph import graph_from_manifest
from vxsec.model.package import PYPI, Manifest, PackageRef


def npm(**fields: Any) -> Manifest:
    return Manifest(package=PackageRef(name="app", version="1.0.0"), document={"name": "app", **fields})


def python(*requirements: object, **fields: Any) -> Manifest:
    package = PackageRef(name="app", version="1.0.0", ecosystem=PYPI)
    return Manifest(package=package, document={"Name": "app", "Requires-Dist": list(requirements), **fields})


def told(manifest: Manifest) -> list[tuple[str, str, bool]]:
    graph = graph_from_manifest(manifest)
    assert graph.root == manifest.package
    assert graph.root_needs == tuple(one.key for one in graph.dependencies)
    assert all(one.package is None and one.key == one.label and not one.needs for one in graph.dependencies)
    return [(one.label, one.source.value, one.optional) for one in graph.dependencies]


@pytest.mark.parametrize("manifest", [npm(), python(), npm(devDependencies={"tool": "1"}), npm(dependencies={})])
def test_a_package_that_needs_nothing_has_an_empty_graph(manifest: Manifest) -> None:
    graph = graph_from_manifest(manifest)
    assert (graph.dependencies, graph.root_needs, graph.unresolved, graph.source) == ((), (), (), None)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({"dependencies": {"a": "^1.0.0"}}, [("a@^1.0.0", "range", False)], id="a range"),
        pytest.param({"dependencies": {"a": ""}}, [("a@*", "range", False)], id="an empty range"),
        pytest.param({"dependencies": {"a": "next"}}, [("a@next", "range", False)], id="a tag"),
        pytest.param({"optionalDependencies": {"a": "1"}}, [("a@1", "range", True)], id="an optional one"),
        pytest.param({"peerDependencies": {"a": ">=1"}}, [("a@>=1", "range", False)], id="a peer"),
        pytest.param(
            {"peerDependencies": {"a": ">=1"}, "peerDependenciesMeta": {"a": {"optional": True}}}, [], id="an optional peer"
        ),
        pytest.param(
            {
                "peerDependencies": {"a": ">=1"},
                "peerDependenciesMeta": {"a": {"optional": True}},
                "dependencies": {"a": "1"},
            },
            [("a@1", "range", False)],
            id="an optional peer that is a dependency as well",
        ),
        pytest.param({"dependencies": {"b": "npm:@s/a@^1"}}, [("@s/a@^1", "range", False)], id="an alias is its target"),
        pytest.param({"dependencies": {"b": "npm:a"}}, [("a@*", "range", False)], id="an alias without a range"),
        pytest.param(
            {"dependencies": {"b": "npm:a@1"}, "optionalDependencies": {"a": "1"}},
            [("a@1", "range", False)],
            id="asked for twice, once as required",
        ),
        pytest.param({"dependencies": {"a": "user/repo"}}, [("a@git:…", "git", False)], id="a repository's short form"),
        pytest.param({"dependencies": {"a": "file:../a"}}, [("a@file:…", "file", False)], id="a folder"),
        pytest.param({"dependencies": {"a": "link:../a"}}, [("a@file:…", "file", False)], id="a link"),
        pytest.param(
            {"dependencies": {"a": "https://u:p@h.example.test/a.tgz"}}, [("a@url:…", "url", False)], id="a URL with a password"
        ),
        pytest.param({"dependencies": {"a": "what is this?"}}, [("a@url:…", "url", False)], id="what npm does not know"),
        pytest.param({"dependencies": "a"}, [("a@*", "range", False)], id="the oldest form"),
    ],
)  # fmt: skip
def test_each_range_of_a_package_json_is_a_node(fields: dict[str, Any], expected: list[tuple[str, str, bool]]) -> None:
    assert told(npm(**fields)) == expected


@pytest.mark.parametrize(
    ("requirement", "expected"),
    [
        pytest.param(
            "Foo_Bar>=1,<2", [("foo-bar@<2,>=1", "range", False)], id="a specifier, the name in its normal form"
        ),
        pytest.param("foo", [("foo@*", "range", False)], id="no specifier"),
        pytest.param("foo; sys_platform == 'win32'", [("foo@*", "range", False)], id="for one platform only"),
        pytest.param("foo; extra == 'test'", [], id="for an extra only"),
        pytest.param(
            "foo; extra == 'a' or sys_platform == 'win32'", [("foo@*", "range", False)], id="not only for an extra"
        ),
        pytest.param(
            "foo @ https://u:p@h.example.test/f.whl", [("foo@url:…", "url", False)], id="a URL is not repeated"
        ),
        pytest.param(
            "foo ~~~ /home/me", [("foo@*", "range", False)], id="what cannot be read is asked for by its name"
        ),
        pytest.param("~", [("(unreadable)@*", "range", False)], id="not even a name"),
        pytest.param(3, [("3@*", "range", False)], id="no text"),
    ],
)
def test_each_requirement_of_a_python_package_is_a_node(
    requirement: object, expected: list[tuple[str, str, bool]]
) -> None:
    assert told(python(requirement)) == expected


@pytest.mark.parametrize(
    ("marker", "stays"),
    [
        pytest.param('extra == "x"', False, id="an extra"),
        pytest.param('"x" == extra', False, id="an extra, the other way round"),
        pytest.param('(extra == "x")', False, id="an extra in brackets"),
        pytest.param('extra == "x" and python_version > "3"', False, id="an extra and something else"),
        pytest.param('(python_version > "3" or os_name == "nt") and extra == "x"', False, id="something else and an extra"),
        pytest.param('extra == "x" or extra == "y"', False, id="one of two extras"),
        pytest.param('extra == ""', True, id="an empty extra"),
        pytest.param("'' == extra", True, id="an empty extra, the other way round"),
        pytest.param('extra == "" and python_version > "3"', True, id="an empty extra and something else"),
        pytest.param('extra == " "', True, id="a value that is no name"),
        pytest.param('platform_machine != " extra == "', True, id="a value that looks like a clause"),
        pytest.param("platform_machine != 'extra == \"x\"'", True, id="a value that looks like a whole clause"),
        pytest.param('platform_machine != " extra in " and python_version > "3"', True, id="a value that looks like membership"),
        pytest.param('platform_machine != "extra"', True, id="a value that is the word"),
        pytest.param('"extra" == "x"', True, id="two values"),
        pytest.param('extra != "x"', True, id="anything but an extra"),
        pytest.param('extra >= ""', True, id="another comparison"),
        pytest.param('extra in "x"', True, id="membership holds for an empty extra"),
        pytest.param('"x" not in extra', True, id="not in an extra"),
        pytest.param('(extra == "a")or(python_version > "3")', True, id="an alternative without an extra"),
        pytest.param('extra == "a"\tor\tpython_version > "3"', True, id="an alternative behind tabs"),
        pytest.param('python_version > "3" or extra == "a" and os_name == "nt"', True, id="and binds before or"),
        pytest.param("(" * 5000 + 'extra == "x"' + ")" * 5000, True, id="too deep to be read"),
    ],
)  # fmt: skip
def test_a_marker_leaves_out_what_nothing_but_an_extra_asks_for(marker: str, stays: bool) -> None:
    assert bool(told(python(f"evil==1; {marker}"))) is stays


@pytest.mark.parametrize("parsed", [None, "extra", [], 3])
def test_a_structure_that_is_not_known_leaves_nothing_out(parsed: object) -> None:
    assert not manifest_graph._needs_extra(parsed)


def test_the_licence_is_the_manifests() -> None:
    assert graph_from_manifest(npm(license="MIT")).root_license == "MIT"
    assert graph_from_manifest(python(**{"License-Expression": "MIT"})).root_license == "MIT"
