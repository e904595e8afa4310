from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from support.lockfile_kit import locked, package, sri
from vxsec.errors import FormatError
from vxsec.formats.lockfiles import parse_lockfile
from vxsec.inspection.dependency_graph import resolve_graph
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.dependency import Dependency, DependencyGraph, DependencySource
from vxsec.model.package import Manifest, PackageRef

SHARED = Path(__file__).parents[4] / "shared" / "lockfiles"
APP = PackageRef(name="app", version="1.0.0")


def graph(packages: dict[str, Any], of: PackageRef | None = APP, /, **root: Any) -> DependencyGraph:
    """What ``of`` needs; the root is ``app``."""
    return resolve_graph(locked(packages, **root), of)


def needs(found: DependencyGraph) -> dict[str, tuple[str, ...]]:
    return {one.key: one.needs for one in found.dependencies}


def one(found: DependencyGraph, key: str) -> Dependency:
    return next(item for item in found.dependencies if item.key == key)


def manifest(**fields: Any) -> Manifest:
    return Manifest(package=APP, document={"name": APP.name, "version": APP.version, **fields})


# -- resolution --------------------------------------------------------------------------------------------------------


def test_a_name_is_the_nearest_one_on_the_way_up() -> None:
    found = graph(
        {
            "node_modules/a": package(dependencies={"c": "1", "d": "1"}),
            "node_modules/b": package(dependencies={"c": "1"}),
            "node_modules/c": package("1.0.0"),
            "node_modules/a/node_modules/c": package("2.0.0", dependencies={"d": "1"}),
            "node_modules/d": package("4.0.0"),
        },
        dependencies={"a": "1", "b": "1"},
    )
    assert needs(found) == {
        "a@1.0.0": ("c@2.0.0", "d@4.0.0"),
        "b@1.0.0": ("c@1.0.0",),
        "c@1.0.0": (),
        "c@2.0.0": ("d@4.0.0",),
        "d@4.0.0": (),
    }
    assert found.root_needs == ("a@1.0.0", "b@1.0.0")
    assert found.unresolved == ()
    assert one(found, "c@2.0.0").paths == ("node_modules/a/node_modules/c",)


def test_a_brother_of_a_package_is_not_below_it() -> None:
    found = graph(
        {
            "node_modules/a": package(dependencies={"c": "1"}),
            "node_modules/b": package(),
            "node_modules/b/node_modules/c": package(),
        },
        dependencies={"a": "1", "b": "1"},
    )
    assert found.unresolved == ("c@1",)
    assert "c@1.0.0" not in needs(found)


def test_the_same_thing_in_two_places_is_one_node() -> None:
    found = graph(
        {
            "node_modules/a": package(dependencies={"c": "1"}),
            "node_modules/a/node_modules/c": package(),
            "node_modules/b": package(dependencies={"c": "1"}),
            "node_modules/b/node_modules/c": package(),
        },
        dependencies={"a": "1", "b": "1"},
    )
    assert one(found, "c@1.0.0").paths == ("node_modules/a/node_modules/c", "node_modules/b/node_modules/c")


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"integrity": sri(b"other bytes")}, id="another integrity"),
        pytest.param({"license": "GPL-3.0-only"}, id="another licence"),
        pytest.param({"resolved": "git+ssh://git@registry.example.test/c.git"}, id="another kind of source"),
    ],
)
def test_the_same_version_that_is_not_the_same_thing_is_two_nodes(other: dict[str, Any]) -> None:
    found = graph(
        {
            "node_modules/a": package(dependencies={"c": "1"}),
            "node_modules/a/node_modules/c": package(**other),
            "node_modules/c": package(),
        },
        dependencies={"a": "1", "c": "1"},
    )
    assert needs(found)["a@1.0.0"] == ("c@1.0.0#2",)
    assert one(found, "c@1.0.0").paths == ("node_modules/c",)  # the one nearest to the top has the plain key
    assert {item.label for item in found.dependencies} == {"a@1.0.0", "c@1.0.0"}


def test_the_same_bytes_that_find_other_versions_are_two_nodes_and_so_are_those_that_need_them() -> None:
    found = graph(
        {
            "node_modules/x": package(dependencies={"p": "1"}),
            "node_modules/x/node_modules/p": package(dependencies={"q": "1"}),
            "node_modules/x/node_modules/q": package("1.0.0"),
            "node_modules/y": package(dependencies={"p": "1"}),
            "node_modules/y/node_modules/p": package(dependencies={"q": "1"}),
            "node_modules/y/node_modules/q": package("2.0.0"),
        },
        dependencies={"x": "1", "y": "1"},
    )
    assert needs(found) == {
        "x@1.0.0": ("p@1.0.0",),
        "y@1.0.0": ("p@1.0.0#2",),
        "p@1.0.0": ("q@1.0.0",),
        "p@1.0.0#2": ("q@2.0.0",),
        "q@1.0.0": (),
        "q@2.0.0": (),
    }


def test_a_version_that_looks_like_a_numbered_key_takes_none() -> None:
    found = graph(
        {
            "node_modules/a": package(dependencies={"c": "1"}),
            "node_modules/a/node_modules/c": package(license="ISC"),
            "node_modules/b": package(dependencies={"c": "1"}),
            "node_modules/b/node_modules/c": package("1.0.0#2"),
            "node_modules/c": package(),
        },
        dependencies={"a": "1", "b": "1", "c": "1"},
    )
    assert needs(found)["a@1.0.0"] == ("c@1.0.0#3",)
    assert needs(found)["b@1.0.0"] == ("c@1.0.0#2",)
    assert len(needs(found)) == len(found.dependencies)


def test_a_circle_ends() -> None:
    found = graph(
        {
            "node_modules/a": package(dependencies={"b": "1"}),
            "node_modules/b": package(dependencies={"a": "1", "b": "1"}),
        },
        dependencies={"a": "1"},
    )
    assert needs(found) == {"a@1.0.0": ("b@1.0.0",), "b@1.0.0": ("a@1.0.0", "b@1.0.0")}


@pytest.mark.parametrize("name", ["x__proto__", "constructor", "toString", "hasOwnProperty", "a.b", "-", "~", "A"])
def test_names_that_trip_others_are_names(name: str) -> None:
    found = graph({f"node_modules/{name}": package(dependencies={name: "1"})}, dependencies={name: "1"})
    assert needs(found) == {f"{name}@1.0.0": (f"{name}@1.0.0",)}


# -- kinds of dependency -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("root", "unresolved"),
    [
        pytest.param({"dependencies": {"gone": "^1"}}, ("gone@^1",), id="a missing dependency is unresolved"),
        pytest.param({"optionalDependencies": {"gone": "^1"}}, (), id="a missing optional dependency is not"),
        pytest.param({"peerDependencies": {"gone": "^1"}}, ("gone@^1",), id="a missing peer is unresolved"),
        pytest.param(
            {"peerDependencies": {"gone": "^1"}, "peerDependenciesMeta": {"gone": {"optional": True}}},
            (),
            id="a missing optional peer is not",
        ),
        pytest.param(
            {"peerDependencies": {"gone": "^1"}, "peerDependenciesMeta": {"gone": {"optional": "yes"}}},
            ("gone@^1",),
            id="a peer that is called optional in another way is required",
        ),
        pytest.param(
            {"peerDependencies": {"gone": "^1"}, "peerDependenciesMeta": ["gone"]},
            ("gone@^1",),
            id="odd peerDependenciesMeta make nothing optional",
        ),
        pytest.param(
            {"dependencies": {"gone": "^1"}, "optionalDependencies": {"gone": "^2"}},
            (),
            id="optional wins over required, as npm has it",
        ),
        pytest.param(
            {"dependencies": {"gone": "^1"}, "peerDependencies": {"gone": "*"}},
            ("gone@^1",),
            id="a runtime dependency wins over a peer",
        ),
        pytest.param({"devDependencies": {"gone": "^1"}}, (), id="a development tool is not asked for"),
        pytest.param({"dependencies": {"gone": ""}}, ("gone@*",), id="an empty range is any version"),
        pytest.param(
            {"dependencies": {"gone": "git+https://user:secret@host.example.test/a.git"}},
            ("gone@git:…",),
            id="an address is not repeated",
        ),
        pytest.param({"dependencies": {"gone": "file:/home/me/gone"}}, ("gone@file:…",), id="a path is not repeated"),
        pytest.param({"dependencies": {"gone": "C:\\Users\\me"}}, ("gone@file:…",), id="nor is one of Windows"),
        pytest.param({"dependencies": {"gone": "https://t@h.example.test/a.tgz"}}, ("gone@url:…",), id="nor is a URL"),
        pytest.param({"dependencies": {"gone": "workspace:^"}}, ("gone@workspace:^",), id="a workspace range is shown"),
        pytest.param({"dependencies": {"gone": "workspace:/home/me"}}, ("gone@file:…",), id="unless it is a path"),
        pytest.param({"dependencies": {"gone": "npm:real@^2"}}, ("gone@npm:real@^2",), id="an alias is shown"),
        pytest.param({"dependencies": {"gone": "npm:real@/home/me"}}, ("gone@file:…",), id="unless it hides a path"),
    ],
)
def test_what_is_missing_is_said(root: dict[str, Any], unresolved: tuple[str, ...]) -> None:
    assert graph({}, **root).unresolved == unresolved


def test_optional_is_what_only_optional_dependencies_lead_to() -> None:
    found = graph(
        {
            "node_modules/a": package(optionalDependencies={"b": "1"}, dependencies={"d": "1"}),
            "node_modules/b": package(dependencies={"c": "1", "d": "1"}),
            "node_modules/c": package(),
            "node_modules/d": package(),
            "node_modules/e": package(),
        },
        dependencies={"a": "1"},
        peerDependencies={"e": "1"},
        peerDependenciesMeta={"e": {"optional": True}},
    )
    assert {item.key for item in found.dependencies if item.optional} == {"b@1.0.0", "c@1.0.0", "e@1.0.0"}


def test_development_tools_are_left_out_of_a_package_and_marked_in_the_whole() -> None:
    packages = {
        "node_modules/a": package(),
        "node_modules/tool": package(dependencies={"a": "1", "b": "1"}),
        "node_modules/b": package(),
    }
    root = {"dependencies": {"a": "1"}, "devDependencies": {"tool": "1"}}
    assert needs(graph(packages, **root)).keys() == {"a@1.0.0"}
    whole = graph(packages, None, **root)
    assert whole.root is None
    assert {item.key: item.dev for item in whole.dependencies} == {
        "a@1.0.0": False,
        "b@1.0.0": True,
        "tool@1.0.0": True,
    }
    assert whole.root_needs == ("a@1.0.0", "tool@1.0.0")


def test_a_claim_of_being_a_development_tool_is_not_believed() -> None:
    whole = graph({"node_modules/a": package(dev=True, optional=True)}, None, dependencies={"a": "1"})
    assert not one(whole, "a@1.0.0").dev
    assert not one(whole, "a@1.0.0").optional


def test_what_nothing_asks_for_is_in_the_whole_all_the_same() -> None:
    packages = {
        "node_modules/stray": package(dependencies={"a": "1", "gone": "1"}, dev=True),
        "node_modules/stray/node_modules/a": package(),
    }
    whole = graph(packages, None)
    assert whole.root_needs == ("a@1.0.0", "stray@1.0.0")
    assert not any(item.dev or item.optional for item in whole.dependencies)
    assert whole.unresolved == ("gone@1",)
    assert graph(packages).dependencies == ()


# -- sources -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "entry", "source"),
    [
        pytest.param("1", {}, "registry", id="without an address it is a registry's"),
        pytest.param("1", {"resolved": "https://r.example.test/a/-/a-1.0.0.tgz"}, "registry", id="a registry's URL"),
        pytest.param(
            "https://h.example.test/a.tgz",
            {"resolved": "https://h.example.test/a.tgz"},
            "url",
            id="a URL that was asked for",
        ),
        pytest.param("1", {"resolved": "git+ssh://git@h.example.test/a.git#" + "0" * 40}, "git", id="git"),
        pytest.param("1", {"resolved": "https://github.com/a/b"}, "git", id="a URL that npm clones"),
        pytest.param("file:a.tgz", {"resolved": "file:a.tgz"}, "file", id="a file"),
        pytest.param(
            "1", {"resolved": "ftp://h.example.test/a.tgz"}, "url", id="what npm never writes is no registry's"
        ),
        pytest.param("1", {"inBundle": True}, "registry", id="what only says it is bundled, npm fetches"),
        pytest.param(
            "1",
            {"inBundle": True, "resolved": "git+ssh://git@h.example.test/a.git"},
            "git",
            id="and from where it says",
        ),
        pytest.param(
            "1",
            {"inBundle": True, "resolved": "https://r.example.test/evil/-/evil-1.0.0.tgz"},
            "url",
            id="what only says it is bundled, and is another package",
        ),
        pytest.param(
            "1", {"resolved": "https://r.example.test/evil/-/evil-1.0.0.tgz"}, "url", id="another package's URL"
        ),
        pytest.param("1", {"resolved": "https://r.example.test/a/-/a-1.0.1.tgz"}, "url", id="another version's URL"),
        pytest.param("1", {"resolved": "https://evil.example.test/x.tgz"}, "url", id="any file"),
        pytest.param(
            "npm:evil@1", {"resolved": "https://r.example.test/evil/-/evil-1.0.0.tgz"}, "url", id="an alias that hides"
        ),
    ],
)
def test_where_a_package_comes_from(asked: str, entry: dict[str, Any], source: str) -> None:
    found = graph({"node_modules/a": package(**entry)}, dependencies={"a": asked})
    assert one(found, "a@1.0.0").source == DependencySource(source)


def test_an_address_of_another_package_counts_below_a_bundling_one_too() -> None:
    evil = "https://r.example.test/evil/-/evil-1.0.0.tgz"
    entries = {
        "node_modules/a": package(dependencies={"b": "1"}, bundleDependencies=["b"]),
        "node_modules/a/node_modules/b": package(resolved=evil, inBundle=True),
    }
    assert one(graph(entries, dependencies={"a": "1"}), "b@1.0.0").source is DependencySource.URL


DOUBTFUL: dict[str, tuple[dict[str, Any], str, str]] = {
    "a name nobody asked for": ({"name": "lodash"}, "^1.0.0", "lodash@1.0.0"),
    "another alias": ({"name": "lodash"}, "npm:evil@1.0.0", "lodash@1.0.0"),
    "an alias whose entry does not say so": ({}, "npm:evil@1.0.0", "ok@1.0.0"),
    "an alias without a version": ({}, "npm:@s/evil", "ok@1.0.0"),
}


@pytest.mark.parametrize(("fields", "asked", "key"), DOUBTFUL.values(), ids=DOUBTFUL)
@pytest.mark.parametrize("of", [APP, None], ids=["a package", "everything"])
def test_a_name_that_nobody_asked_for_is_in_doubt(
    fields: dict[str, Any], asked: str, key: str, of: PackageRef | None
) -> None:
    found = graph({"node_modules/ok": package(**fields)}, of, version="1.0.0", dependencies={"ok": asked})
    assert one(found, key).doubt is not None


@pytest.mark.parametrize(("name", "asked"), [("evil", "npm:evil@1.0.0"), ("ok", "npm:ok@^1"), ("ok", "^1.0.0")])
def test_the_name_that_was_asked_for_is_not(name: str, asked: str) -> None:
    found = graph({"node_modules/ok": package(name=name)}, version="1.0.0", dependencies={"ok": asked})
    assert one(found, f"{name}@1.0.0").doubt is None


def test_a_place_in_doubt_is_not_one_with_a_sound_one() -> None:
    found = graph(
        {"node_modules/a": package(), "node_modules/b": package(name="a")},
        version="1.0.0",
        dependencies={"a": "1", "b": "1"},
    )
    assert {item.key: item.doubt is None for item in found.dependencies} == {"a@1.0.0": True, "a@1.0.0#2": False}


def test_a_bundled_package_is_bundled_wherever_it_stands() -> None:
    found = graph(
        {
            "node_modules/a": package(dependencies={"b": "1"}, bundleDependencies=["b"]),
            "node_modules/a/node_modules/b": {"version": "1.0.0", "dependencies": {"c": "1"}},
            "node_modules/a/node_modules/c": {"version": "1.0.0"},
        },
        dependencies={"a": "1"},
    )
    assert {item.key: item.source.value for item in found.dependencies} == {
        "a@1.0.0": "registry",
        "b@1.0.0": "bundled",
        "c@1.0.0": "bundled",
    }


@pytest.mark.parametrize("told_by", ["the lockfile", "the manifest"])
def test_what_the_project_itself_bundles_lies_in_its_tarball(told_by: str) -> None:
    packages = {
        "node_modules/a": package(dependencies={"b": "1"}),
        "node_modules/b": package(),
        "node_modules/c": package(),
    }
    fields = {"dependencies": {"a": "1", "c": "1"}}
    bundles = {"bundleDependencies": ["a"]}
    if told_by == "the lockfile":
        found = graph(packages, **fields, **bundles)
    else:
        found = resolve_graph(locked(packages, **fields), APP, manifest=manifest(**fields, **bundles))
    assert {item.key: item.source.value for item in found.dependencies} == {
        "a@1.0.0": "bundled",
        "b@1.0.0": "bundled",
        "c@1.0.0": "registry",
    }
    assert one(found, "a@1.0.0").integrity == sri(b"1.0.0")


def test_an_alias_is_the_package_it_stands_for() -> None:
    found = graph({"node_modules/short": package(name="@scope/long")}, dependencies={"short": "npm:@scope/long@^1"})
    assert one(found, "@scope/long@1.0.0").package == PackageRef(name="@scope/long", version="1.0.0")


def test_an_entry_without_a_version_is_no_package() -> None:
    found = graph({"node_modules/a": {"integrity": sri(b"x")}}, dependencies={"a": "1"})
    assert one(found, "a").package is None
    assert one(found, "a").label == "a"


# -- workspaces --------------------------------------------------------------------------------------------------------

WORKSPACES: dict[str, Any] = {
    "packages/kernel": {"name": "@v/kernel", "version": "0.1.0", "license": "MIT", "dependencies": {"a": "1"}},
    "packages/utils": {
        "name": "@v/utils",
        "version": "0.2.0",
        "dependencies": {"@v/kernel": "^0.1.0", "a": "2"},
        "devDependencies": {"tool": "1"},
        "peerDependencies": {"@v/utils": "*"},
    },
    "node_modules/@v/kernel": {"resolved": "packages/kernel", "link": True},
    "node_modules/@v/utils": {"resolved": "packages/utils", "link": True},
    "node_modules/a": package("1.0.0"),
    "packages/utils/node_modules/a": package("2.0.0"),
    "node_modules/tool": package(),
}


def test_a_workspace_is_resolved_from_its_own_folder() -> None:
    found = graph(WORKSPACES, PackageRef(name="@v/utils", version="0.2.0"), workspaces=["packages/*"])
    assert needs(found) == {"@v/kernel@0.1.0": ("a@1.0.0",), "a@1.0.0": (), "a@2.0.0": ()}
    assert found.root_needs == ("@v/kernel@0.1.0", "a@2.0.0")
    kernel = one(found, "@v/kernel@0.1.0")
    assert (kernel.source, kernel.integrity, kernel.license) == (DependencySource.LOCAL, None, "MIT")
    assert kernel.paths == ("node_modules/@v/kernel", "packages/kernel")
    assert found.unresolved == ()  # the way back to the package itself is left out


def test_the_whole_of_a_workspace_project_begins_at_every_folder() -> None:
    whole = graph(WORKSPACES, None, workspaces=["packages/*"])
    assert whole.root_needs == ("@v/kernel@0.1.0", "@v/utils@0.2.0")
    assert {item.key for item in whole.dependencies if item.dev} == {"tool@1.0.0"}
    assert needs(whole)["@v/utils@0.2.0"] == ("@v/kernel@0.1.0", "@v/utils@0.2.0", "a@2.0.0", "tool@1.0.0")


def test_a_folder_that_is_no_workspace_is_only_what_leads_to_it() -> None:
    packages = {
        "vendor/tool": {"version": "1.0.0", "dependencies": {"a": "1"}},
        "node_modules/tool": {"resolved": "vendor/tool", "link": True},
        "node_modules/a": package(),
    }
    whole = graph(packages, None, devDependencies={"tool": "file:vendor/tool"})
    assert {item.key: (item.dev, item.source.value) for item in whole.dependencies} == {
        "a@1.0.0": (True, "registry"),
        "tool@1.0.0": (True, "local"),
    }


def test_a_link_to_a_folder_that_no_entry_describes_is_a_gap() -> None:
    found = graph(
        {"node_modules/a": {"resolved": "vendor/a", "link": True}},
        dependencies={"a": "file:../a"},
    )
    assert found.unresolved == ("a@file:…",)
    assert one(found, "a").source is DependencySource.FILE
    assert one(found, "a").package is None


def test_a_link_to_the_project_itself_is_left_out() -> None:
    found = graph({"node_modules/app": {"resolved": "", "link": True}}, dependencies={"app": "file:."})
    assert found.dependencies == ()


# -- which package is meant --------------------------------------------------------------------------------------------


def test_a_workspace_comes_before_an_installed_package_of_the_same_name() -> None:
    packages = {**WORKSPACES, "node_modules/tool/node_modules/@v/kernel": package("0.1.0", dependencies={"gone": "1"})}
    found = graph(packages, PackageRef(name="@v/kernel", version="0.1.0"))
    assert found.root_needs == ("a@1.0.0",)


def test_the_project_is_known_by_its_name_whatever_its_version() -> None:
    found = graph({"node_modules/a": package()}, replace(APP, version="9.9.9"), dependencies={"a": "1"})
    assert found.root == PackageRef(name="app", version="9.9.9")
    assert found.root_needs == ("a@1.0.0",)


def test_a_workspace_is_known_by_its_name_whatever_version_was_locked() -> None:
    found = graph(WORKSPACES, PackageRef(name="@v/kernel", version="0.1.1"))
    assert found.root == PackageRef(name="@v/kernel", version="0.1.1")


def test_an_installed_package_is_the_one_nearest_to_the_top() -> None:
    packages = {
        "node_modules/b": package("2.0.0"),
        "node_modules/b/node_modules/a": package("1.0.0", dependencies={"x": "1"}),
        "node_modules/a": package("1.0.0"),
        "node_modules/b/node_modules/x": package(),
    }
    assert graph(packages, PackageRef(name="a", version="1.0.0")).root_needs == ()


@pytest.mark.parametrize(
    ("name", "version"),
    [
        pytest.param("other", "1.0.0", id="a name that stands nowhere"),
        pytest.param("a", "3.0.0", id="an installed package in another version"),
        pytest.param("__proto__", "1.0.0", id="a name that JavaScript gives everything"),
    ],
)
def test_a_package_that_the_lockfile_does_not_know_is_refused(name: str, version: str) -> None:
    with pytest.raises(FormatError) as caught:
        graph(WORKSPACES, PackageRef(name=name, version=version))
    assert caught.value.code == "sbom.not-in-lockfile"
    assert "npm install --package-lock-only" in (caught.value.hint or "")


def test_a_package_of_another_ecosystem_is_in_no_npm_lockfile() -> None:
    with pytest.raises(FormatError) as caught:
        graph({}, replace(APP, ecosystem="pypi"))
    assert caught.value.code == "sbom.not-in-lockfile"


# -- what is published counts ------------------------------------------------------------------------------------------


def test_the_manifest_is_followed_in_place_of_the_entry() -> None:
    lockfile = locked(
        {"node_modules/a": package(), "node_modules/b": package()}, dependencies={"a": "1"}, license="MIT"
    )
    found = resolve_graph(lockfile, APP, manifest=manifest(dependencies={"b": "^1.0.0"}, license="ISC"))
    assert found.root_needs == ("b@1.0.0",)
    assert found.root_license == "ISC"
    assert resolve_graph(lockfile, APP).root_license == "MIT"


@pytest.mark.parametrize(
    ("fields", "unresolved"),
    [
        pytest.param({"dependencies": {"a": "^1.0.0"}}, (), id="a range that is met"),
        pytest.param(
            {"dependencies": {"a": "^2.0.0"}}, ("a@^2.0.0",), id="a range that the resolved version does not meet"
        ),
        pytest.param({"dependencies": {"a": "latest"}}, (), id="a tag may be any version"),
        pytest.param({"dependencies": {"a": "npm:other@^1"}}, ("a@npm:other@^1",), id="an alias of another package"),
        pytest.param({"dependencies": {"a": "git+https://h.example.test/a.git"}}, (), id="git may be any version"),
        pytest.param({"peerDependencies": {"a": ">=2"}}, ("a@>=2",), id="a peer whose range is not met"),
        pytest.param({"dependencies": {"odd": "^1"}}, ("odd@^1",), id="a version that is none"),
        pytest.param({"dependencies": {"a": 1}}, (), id="what is no text npm does not read"),
        pytest.param(
            {"dependencies": ["a@^2.0.0"]}, ("a@^2.0.0",), id="the old form of a list is read as npm reads it"
        ),
        pytest.param(
            {"peerDependencies": {"gone": "1"}, "peerDependenciesMeta": {"gone": {"optional": True}}},
            (),
            id="an optional peer",
        ),
        pytest.param({"peerDependencies": {"gone": "1"}, "peerDependenciesMeta": "gone"}, ("gone@1",), id="odd meta"),
    ],
)
def test_a_published_range_must_be_met(fields: dict[str, Any], unresolved: tuple[str, ...]) -> None:
    lockfile = locked({"node_modules/a": package(), "node_modules/odd": {"integrity": sri(b"odd")}})
    assert resolve_graph(lockfile, APP, manifest=manifest(**fields)).unresolved == unresolved


# -- size --------------------------------------------------------------------------------------------------------------


def test_more_edges_than_allowed_are_refused() -> None:
    lockfile = locked({"node_modules/a": package(dependencies={"a": "1"})}, dependencies={"a": "1"})
    assert resolve_graph(lockfile, None, limits=replace(DEFAULT_LIMITS, dependency_edges=2)).root_needs == ("a@1.0.0",)
    with pytest.raises(FormatError) as caught:
        resolve_graph(lockfile, None, limits=replace(DEFAULT_LIMITS, dependency_edges=1))
    assert caught.value.code == "lockfile.too-many"


def test_twenty_thousand_entries_are_no_trouble() -> None:
    size = 20_000
    packages = {
        f"node_modules/p{n}": package(dependencies={f"p{(n * k) % size}": "1" for k in (2, 3)}) for n in range(size)
    }
    lockfile = locked(packages, dependencies={"p1": "1"})
    began = time.perf_counter()
    found = resolve_graph(lockfile, None)
    assert len(found.dependencies) == size
    assert time.perf_counter() - began < 20.0  # a second; machines differ, and coverage is slow


def test_one_package_under_many_names_that_need_each_other_in_turn_is_no_trouble() -> None:
    size = 4_000
    packages = {
        f"node_modules/p{n}": package(name="p", dependencies={f"p{n + 1}": "npm:p@1"} if n < size - 1 else {})
        for n in range(size)
    }
    found = resolve_graph(locked(packages, dependencies={"p0": "npm:p@1"}), None)
    assert len(found.dependencies) == size


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.exists(), reason="the data folder beside the checkout is absent")
@pytest.mark.parametrize("name", ["eslint", "reactvite", "resolved", "vextrus-mono"])
def test_a_real_lockfile_is_resolved_without_a_gap_and_with_npms_own_flags(name: str) -> None:
    lockfile = parse_lockfile((SHARED / f"{name}.package-lock.json").read_bytes(), filename="package-lock.json")
    whole = resolve_graph(lockfile, None)
    entries = {entry.path: entry for entry in lockfile.packages}
    assert whole.unresolved == ()
    assert {path for item in whole.dependencies for path in item.paths} == entries.keys()
    for item in whole.dependencies:
        real = [entries[path] for path in item.paths if "node_modules" in path and not entries[path].link]
        if real:
            assert item.dev == all(entry.dev for entry in real), item.key
            assert item.optional == all(entry.optional for entry in real), item.key
