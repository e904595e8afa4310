"""Manifest confusion: an honest registry never differs, a lying one always does. (What npm sends: tests/integration.)"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vxsec.formats.hosted_git import parse_hosted_git
from vxsec.formats.npm_manifest import compare_manifests, normalise_manifest

BASE: dict[str, Any] = {"name": "@vextrus/a", "version": "1.0.0"}


def differences(
    tarball: dict[str, Any], registry: dict[str, Any], files: tuple[str, ...] = ()
) -> dict[str, tuple[str, str]]:
    found = compare_manifests({**BASE, **tarball}, {**BASE, **registry}, files=files)
    return {item.field: (item.tarball, item.registry) for item in found}


HONEST: dict[str, tuple[dict[str, Any], dict[str, Any], tuple[str, ...]]] = {
    "the registry adds its own fields": (
        {},
        {"_id": "x", "dist": {}, "_npmUser": {}, "maintainers": [], "gitHead": "0"},
        (),
    ),
    "bin as text and as object": ({"bin": "./cli.js"}, {"bin": {"a": "cli.js"}}, ()),
    "directories.bin expanded": ({"directories": {"bin": "b"}}, {"bin": {"x": "b/x"}}, ("b/x",)),
    "directories.bin expanded from a path with a final slash": (
        {"directories": {"bin": "b/"}},
        {"bin": {"x": "b//x"}, "directories": {"bin": "b/"}},
        ("b/x",),
    ),
    "optional dependencies folded into dependencies": (
        {"optionalDependencies": {"x": "1"}},
        {"optionalDependencies": {"x": "1"}, "dependencies": {"x": "1"}},
        (),
    ),
    "a shorthand and its address": (
        {"dependencies": {"x": "u/r"}, "optionalDependencies": {"y": "u/r"}},
        {"dependencies": {"x": "github:u/r"}, "optionalDependencies": {"y": "github:u/r"}},
        (),
    ),
    "bundledDependencies under both names, in another order": (
        {"bundledDependencies": ["b", "a"], "dependencies": {"a": "1", "b": "1"}},
        {"bundleDependencies": ["a", "b"], "dependencies": {"a": "1", "b": "1"}},
        (),
    ),
    "bundleDependencies false and absent": ({"bundleDependencies": False}, {}, ()),
    "the implied node-gyp rebuild": (
        {},
        {"scripts": {"install": "node-gyp rebuild"}, "gypfile": True},
        ("binding.gyp",),
    ),
    "the registry states that there is an install script": (
        {"scripts": {"install": "x"}},
        {"scripts": {"install": "x"}, "hasInstallScript": True},
        (),
    ),
    "scripts that are no text": ({"scripts": {"a": 1}}, {"scripts": {}}, ()),
    "one platform as text": ({"os": "linux"}, {"os": ["linux"]}, ()),
    "empty lists and absent ones": ({"cpu": []}, {}, ()),
    "another order of keys": ({"engines": {"node": "1", "npm": "2"}}, {"engines": {"npm": "2", "node": "1"}}, ()),
    "a scripts prefix that npm cuts": ({"scripts": {"x": "node_modules/.bin/tsc"}}, {"scripts": {"x": "tsc"}}, ()),
}


@pytest.mark.parametrize(("tarball", "registry", "files"), HONEST.values(), ids=HONEST.keys())
def test_an_honest_registry_does_not_differ(
    tarball: dict[str, Any], registry: dict[str, Any], files: tuple[str, ...]
) -> None:
    assert differences(tarball, registry, files) == {}


LYING: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, tuple[str, str]]]] = {
    "a hidden install script": (
        {"scripts": {"postinstall": "node evil.js"}},
        {},
        {"hasInstallScript": ("true", "false"), "scripts.postinstall": ("node evil.js", "(absent)")},
    ),
    "an invented install script": (
        {},
        {"scripts": {"preinstall": "x"}},
        {"hasInstallScript": ("false", "true"), "scripts.preinstall": ("(absent)", "x")},
    ),
    "another command": ({"scripts": {"test": "a"}}, {"scripts": {"test": "b"}}, {"scripts.test": ("a", "b")}),
    "an install script said to be absent": (
        {"scripts": {"install": "x"}},
        {"scripts": {"install": "x"}, "hasInstallScript": False},
        {"hasInstallScript": ("true", "false")},
    ),
    "another name": ({}, {"name": "b"}, {"name": ("@vextrus/a", "b")}),
    "another version": ({}, {"version": "1.0.1"}, {"version": ("1.0.0", "1.0.1")}),
    "a hidden dependency": ({"dependencies": {"x": "1"}}, {}, {"dependencies.x": ("1", "(absent)")}),
    "another range": ({"dependencies": {"x": "1"}}, {"dependencies": {"x": "2"}}, {"dependencies.x": ("1", "2")}),
    "a dependency made optional": (
        {"dependencies": {"x": "1"}},
        {"optionalDependencies": {"x": "1"}},
        {"dependencies.x": ("1", "(absent)"), "optionalDependencies.x": ("(absent)", "1")},
    ),
    "another repository on the same host": (
        {"dependencies": {"x": "u/r"}},
        {"dependencies": {"x": "u/other"}},
        {"dependencies.x": ("github:u/r", "github:u/other")},
    ),
    "a peer made optional": (
        {"peerDependencies": {"x": "1"}},
        {"peerDependencies": {"x": "1"}, "peerDependenciesMeta": {"x": {"optional": True}}},
        {"peerDependenciesMeta.x": ("(absent)", '{"optional":true}')},
    ),
    "another command file": ({"bin": "a.js"}, {"bin": "b.js"}, {"bin.a": ("a.js", "b.js")}),
    "a bundled dependency invented": (
        {"dependencies": {"x": "1"}},
        {"dependencies": {"x": "1"}, "bundleDependencies": ["x"]},
        {"bundleDependencies": ("(absent)", '["x"]')},
    ),
    "another platform": ({"os": ["linux"]}, {"os": ["darwin"]}, {"os": ('["linux"]', '["darwin"]')}),
    "another engine": ({"engines": {"node": ">=1"}}, {}, {"engines.node": (">=1", "(absent)")}),
    "another main": ({"main": "a"}, {"main": "b"}, {"main": ("a", "b")}),
    "other exports": (
        {"exports": {".": "./a"}},
        {"exports": {".": "./b"}},
        {"exports": ('{".":"./a"}', '{".":"./b"}')},
    ),
    "true is not 1": ({"exports": True}, {"exports": 1}, {"exports": ("true", "1")}),
    "dependencies of the wrong type": (
        {"peerDependencies": ["x"]},
        {"peerDependencies": {}},
        {"peerDependencies": ('["x"]', "(absent)")},
    ),
    "a very long command is cut": (
        {"scripts": {"x": "a" * 500}},
        {"scripts": {"x": "b"}},
        {"scripts.x": ("a" * 119 + "…", "b")},
    ),
}


@pytest.mark.parametrize(("tarball", "registry", "expected"), LYING.values(), ids=LYING.keys())
def test_a_lying_registry_differs(
    tarball: dict[str, Any], registry: dict[str, Any], expected: dict[str, tuple[str, str]]
) -> None:
    assert differences(tarball, registry) == expected


def test_the_documents_are_not_changed() -> None:
    document = {**BASE, "bin": "./x", "scripts": {"a": 1}, "repository": {"url": "u/r"}}
    before = repr(document)
    normalise_manifest(document, files=["binding.gyp"])
    assert repr(document) == before


# Spellings checked against npm's hosted-git-info.
GIT: dict[str, tuple[str, str | None]] = {
    "shorthand": ("u/r", "github:u/r"),
    "shorthand with a branch": ("u/r#x/y", "github:u/r#x/y"),
    "shorthand with .git": ("github:u/r.git", "github:u/r"),
    "a shorthand with a user in front": ("github:token@u/r", "github:u/r"),
    "scp": ("git@github.com:u/r.git#v1", "git+ssh://git@github.com/u/r.git#v1"),
    "ssh": ("ssh://git@github.com/u/r", "git+ssh://git@github.com/u/r.git"),
    "www": ("https://www.github.com/u/r", "git+https://github.com/u/r.git"),
    "a tree": ("https://github.com/u/r/tree/dev", "git+https://github.com/u/r.git#dev"),
    "a password": ("https://u:p@github.com/u/r.git", "git+https://u:p@github.com/u/r.git"),
    "git protocol with a user": ("git://x@github.com/u/r.git", "git://x@github.com/u/r.git"),
    "gitlab groups": ("https://gitlab.com/a/b/c.git", "git+https://gitlab.com/a/b/c.git"),
    "bitbucket over ssh": ("git@bitbucket.org:u/r.git", "git+ssh://git@bitbucket.org/u/r.git"),
    "gist": ("gist:abc", "gist:abc"),
    "gist over https": ("https://gist.github.com/u/abc", "git+https://gist.github.com/abc.git"),
    "gist without a user": ("https://gist.github.com/abc.git", "git+https://gist.github.com/abc.git"),
    "gist over git": ("git://gist.github.com/abc.git", "git://gist.github.com/abc.git"),
    "sourcehut": ("https://git.sr.ht/~u/r", "https://git.sr.ht/~u/r"),
    "an issue page": ("https://github.com/u/r/issues", None),
    "a gist's raw file": ("https://gist.github.com/u/abc/raw", None),
    "gist alone": ("https://gist.github.com/", None),
    "a gitlab page": ("https://gitlab.com/u/r/-/tree/x", None),
    "a gitlab user": ("https://gitlab.com/u", None),
    "a bitbucket download": ("https://bitbucket.org/u/r/get/x.tgz", None),
    "a user page": ("https://github.com/u", None),
    "gitlab over the git protocol": ("git://gitlab.com/u/r.git", None),
    "another host": ("https://git.example.test/u/r.git", None),
    "a range": ("^1.0.0 || >=2", None),
    "an alias": ("npm:x@^1", None),
    "a scope": ("@a/b", None),
    "a path": ("./a/b", None),
    "a file": ("file:../a", None),
    "a workspace": ("workspace:*", None),
    "a port that is a word": ("https://github.com:x/u/r", None),
    "nothing": ("", None),
}


@pytest.mark.parametrize(("text", "expected"), GIT.values(), ids=GIT.keys())
def test_git_addresses(text: str, expected: str | None) -> None:
    found = parse_hosted_git(text)
    assert (str(found) if found else None) == expected


def test_the_pages_of_a_repository() -> None:
    pages = [
        (found.docs, found.bugs)
        for text in ("u/r#x", "bitbucket:u/r#x", "gist:abc#x", "sourcehut:~u/r")
        if (found := parse_hosted_git(text))
    ]
    assert pages == [
        ("https://github.com/u/r/tree/x#readme", "https://github.com/u/r/issues"),
        ("https://bitbucket.org/u/r/src/x#readme", "https://bitbucket.org/u/r/issues"),
        ("https://gist.github.com/abc/x", "https://gist.github.com/abc"),
        ("https://git.sr.ht/~u/r#readme", None),
    ]


DISPLAY: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a description that is no text": ({"description": 1}, {}),
    "bugs that are nothing": ({"bugs": "no"}, {}),
    "bugs as an empty object": ({"bugs": {"url": 1, "email": 2}}, {}),
    "bugs as a URL": ({"bugs": "https://x.test"}, {"bugs": {"url": "https://x.test"}}),
    "keywords and files of the wrong type": ({"keywords": {"a": 1}, "files": "x"}, {}),
    "a homepage that is no text": ({"homepage": 1}, {}),
    "a homepage that is a broken URL": ({"homepage": "http://[x"}, {"homepage": "http://http://[x"}),
    "a person that is a number": ({"author": 7}, {"author": 7}),
    "a person without a name": ({"author": {"email": "a@b.test"}}, {"author": {"email": "a@b.test"}}),
    "several repositories": (
        {"repositories": ["https://x.test"]},
        {"repositories": ["https://x.test"], "repository": {"type": "git", "url": "https://x.test"}},
    ),
    "dependencies as text": ({"dependencies": "a@1, b"}, {"dependencies": {"a": "1", "b": ""}}),
    "dependencies as a number": ({"dependencies": 1, "devDependencies": None}, {}),
    "dependencies that are no text": ({"dependencies": {"a": 1}}, {"dependencies": {}}),
    "scripts as text": ({"scripts": "x"}, {}),
    "man of the wrong type": ({"man": [1]}, {}),
    "a main that is no text": ({"main": 1}, {"main": 1}),
    "a bin that is a number": ({"bin": 1}, {}),
    "a contributor list that is none": ({"contributors": "x"}, {"contributors": "x"}),
}


@pytest.mark.parametrize(("given_fields", "expected"), DISPLAY.values(), ids=DISPLAY.keys())
def test_fields_of_odd_types(given_fields: dict[str, Any], expected: dict[str, Any]) -> None:
    found = normalise_manifest({**BASE, **given_fields}, files=[])
    assert found == {**BASE, "_id": "@vextrus/a@1.0.0", **expected}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from(["", "a/b", "./x", "node x", "git@github.com:a/b"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["install", "x", "url", "bin", "../y"]), inner, max_size=3)
    ),
    max_leaves=5,
)
FIELDS = st.sampled_from(
    [
        "scripts",
        "bin",
        "directories",
        "dependencies",
        "devDependencies",
        "optionalDependencies",
        "bundleDependencies",
        "bundledDependencies",
        "repository",
        "repositories",
        "bugs",
        "homepage",
        "author",
        "contributors",
        "keywords",
        "files",
        "man",
        "main",
        "types",
        "exports",
        "os",
        "engines",
        "peerDependencies",
        "readme",
        "description",
        "gypfile",
        "name",
        "version",
    ]
)


@given(
    st.dictionaries(FIELDS, JSON, max_size=6),
    st.lists(st.sampled_from(["binding.gyp", "server.js", "bin/x"]), max_size=3),
)
def test_any_manifest_equals_itself_normalised(document: dict[str, Any], files: list[str]) -> None:
    sent = normalise_manifest(document, files=files, texts={})
    assert compare_manifests(document, document, files=files) == ()
    assert compare_manifests(document, sent, files=files) == ()


def test_what_the_registry_says_about_the_tarball_is_not_even_copied() -> None:
    """It may be anything, of any size: 200,000 signatures took seconds."""

    class Huge:
        def __deepcopy__(self, memo: object) -> None:
            pytest.fail("copied")

    assert differences({}, {"dist": {"signatures": Huge()}}) == {}
