from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vxsec.errors import FormatError, NothingToJudgeError, VxsecError
from vxsec.formats.lockfiles import FORMATS, parse_lockfile
from vxsec.formats.lockfiles.npm_package_lock import FORMAT, parse_npm_package_lock
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.digest import digest_bytes
from vxsec.model.finding import Severity

FIXTURES = Path(__file__).parents[4] / "fixtures" / "lockfiles"
CASES = sorted(folder.name for folder in FIXTURES.iterdir() if folder.is_dir())
SHARED = Path(__file__).parents[5] / "shared" / "lockfiles"


def lock(packages: dict[str, Any], root: dict[str, Any] | None = None, **fields: Any) -> bytes:
    document = {"lockfileVersion": 3, "packages": {"": root or {}, **packages}, **fields}
    return json.dumps(document).encode()


@pytest.mark.parametrize("case", CASES)
def test_each_fixture_is_judged_as_its_case_says(case: str) -> None:
    expected = tomllib.loads((FIXTURES / case / "case.toml").read_text(encoding="utf-8"))
    assert expected["why"]
    assert expected["spec"]
    data = (FIXTURES / case / "package-lock.json").read_bytes()
    match expected["expect"]:
        case "accepted":
            assert parse_lockfile(data, filename="package-lock.json").findings == ()
        case "found":
            lockfile = parse_lockfile(data, filename="package-lock.json")
            assert {finding.code for finding in lockfile.findings} == {expected["code"]}
            assert [f for entry in lockfile.packages for f in entry.findings] == list(lockfile.findings)
        case "unsupported":
            with pytest.raises(NothingToJudgeError) as caught:
                parse_lockfile(data, filename="package-lock.json")
            assert caught.value.code == expected["code"]
        case "refused":
            with pytest.raises(FormatError) as refused:
                parse_lockfile(data, filename="package-lock.json")
            assert refused.value.code == expected["code"]
            assert "package-lock.json" in str(refused.value)
            assert "\x1b" not in str(refused.value)
        case other:
            pytest.fail(f"unknown expectation {other!r}")


def test_more_than_half_of_the_fixtures_are_not_accepted() -> None:
    accepted = [case for case in CASES if case.startswith("ok-")]
    assert len(accepted) >= 10
    assert len(accepted) * 2 < len(CASES)


def test_every_field_of_an_entry_is_read() -> None:
    data = (FIXTURES / "ok-bundled" / "package-lock.json").read_bytes()
    lockfile = parse_npm_package_lock(data, where="package-lock.json")
    assert (lockfile.format, lockfile.format_version) == ("npm-package-lock", "3")
    assert lockfile.sha512 == digest_bytes(data).sha512
    assert (lockfile.root.name, lockfile.root.path, lockfile.root.installed_as) == ("app", "", "")
    bundler, direct, beside = lockfile.packages
    assert bundler.bundles == ("b",)
    assert bundler.ranges("b") == ("1",)
    assert bundler.wanted() == {"b"}
    assert bundler.integrity is not None
    assert not bundler.in_bundle
    assert direct.in_bundle
    assert beside.in_bundle
    assert beside.path == "node_modules/a/node_modules/c"


def test_flags_and_ranges_of_every_kind_are_kept() -> None:
    entry = {
        "version": "1.0.0",
        "dev": True,
        "optional": True,
        "hasInstallScript": True,
        "dependencies": {"b": "1"},
        "optionalDependencies": {"c": "2"},
        "peerDependencies": {"b": "3"},
        "integrity": "sha512-" + "A" * 86 + "==",
    }
    root = {"devDependencies": {"a": "1"}, "workspaces": {"packages": ["x"]}, "name": "app"}
    lockfile = parse_npm_package_lock(lock({"node_modules/@s/a": entry}, root), where="x")
    (package,) = lockfile.packages
    assert (package.dev, package.optional, package.has_install_script, package.link) == (True, True, True, False)
    assert (package.name, package.installed_as) == ("@s/a", "@s/a")
    assert package.ranges("b") == ("1", "3")
    assert package.wanted() == {"b", "c"}
    assert lockfile.root.dev_dependencies == {"a": "1"}
    assert lockfile.workspaces == ("x",)


def test_a_link_has_the_name_and_version_of_its_target() -> None:
    lockfile = parse_lockfile(
        (FIXTURES / "ok-workspace" / "package-lock.json").read_bytes(), filename="package-lock.json"
    )
    link, folder = lockfile.packages
    assert (link.link, link.name, link.version) == (True, "@vextrus/kernel", "0.1.0")
    assert (folder.path, folder.installed_as, folder.name) == ("packages/kernel", "kernel", "@vextrus/kernel")


def test_a_folder_below_a_scope_folder_is_called_after_both() -> None:
    lockfile = parse_npm_package_lock(lock({"packages/@s/a": {}}), where="x")
    assert lockfile.packages[0].name == "@s/a"


def test_a_package_bundled_without_saying_so_is_seen() -> None:
    """npm computes bundling from the enclosing package, so leaving ``inBundle`` out hides nothing."""
    packages = {
        "node_modules/a": {"version": "1.0.0", "integrity": "sha1-AAAA", "bundleDependencies": ["@s/b"]},
        "node_modules/a/node_modules/@s/b": {
            "version": "1.0.0",
            "peerDependencies": {"c": "1", "absent": "1", "d": "1"},
        },
        "node_modules/a/node_modules/@s/b/node_modules/d": {"version": "1.0.0"},
        "node_modules/a/node_modules/c": {"version": "1.0.0"},
        "node_modules/a/node_modules/d": {"version": "1.0.0"},
        "node_modules/c": {"version": "1.0.0"},
    }
    lockfile = parse_npm_package_lock(lock(packages), where="x")
    assert {entry.path: entry.in_bundle for entry in lockfile.packages} == {
        "node_modules/a": False,
        "node_modules/a/node_modules/@s/b": True,
        "node_modules/a/node_modules/@s/b/node_modules/d": True,
        "node_modules/a/node_modules/c": True,
        "node_modules/a/node_modules/d": False,  # b finds a nearer one
        "node_modules/c": False,
    }


def test_what_the_root_bundles_is_fetched_like_the_rest() -> None:
    packages = {
        "node_modules/a": {"version": "1.0.0", "inBundle": True, "bundleDependencies": ["b"]},
        "node_modules/a/node_modules/b": {"version": "1.0.0", "inBundle": True},
    }
    root = {"dependencies": {"a": "1"}, "bundleDependencies": True}
    lockfile = parse_npm_package_lock(lock(packages, root), where="x")
    assert [entry.in_bundle for entry in lockfile.packages] == [False, False]
    assert {finding.code for finding in lockfile.findings} == {"lockfile.integrity-missing"}


def test_a_package_inside_an_outer_bundle_belongs_to_the_outer_one() -> None:
    packages = {
        "node_modules/a/node_modules/b": {"version": "1.0.0", "bundleDependencies": ["c"]},
        "node_modules/a/node_modules/b/node_modules/c": {"version": "1.0.0"},
        "node_modules/a": {"version": "1.0.0", "bundleDependencies": ["b", "b", "absent"]},
    }
    lockfile = parse_npm_package_lock(lock(packages, {"bundleDependencies": False}), where="x")
    assert [entry.in_bundle for entry in lockfile.packages] == [True, True, False]


@pytest.mark.parametrize(
    ("asked", "resolved", "legal"),
    [
        pytest.param("npm:real", None, True, id="an alias without a range"),
        pytest.param("npm:real@^1.0.0", None, True, id="an alias with a range"),
        pytest.param("npm:@s/real@1", None, False, id="an alias for another scope"),
        pytest.param("^1.0.0", None, False, id="an ordinary range"),
        pytest.param("npm:", None, False, id="an alias for nothing"),
        pytest.param(
            "git+https://h.example.test/x.git", "git+https://h.example.test/x.git#main", True, id="git names itself"
        ),
        pytest.param("^1.0.0", "git+https://h.example.test/x.git#main", False, id="a range does not lead to git"),
        pytest.param("file:x.tgz", "file:x.tgz", True, id="a file names itself"),
    ],
)
def test_an_alias_is_legal_only_where_a_dependent_asks_for_it(asked: str, resolved: str | None, *, legal: bool) -> None:
    entry = {"name": "real", "version": "1.0.0", **({"resolved": resolved} if resolved else {})}
    lockfile = parse_npm_package_lock(lock({"node_modules/a": entry}, {"dependencies": {"a": asked}}), where="x")
    assert ("lockfile.name-mismatch" not in {finding.code for finding in lockfile.findings}) is legal
    assert lockfile.packages[0].name == "real"


def test_a_link_may_be_renamed_by_a_file_dependency() -> None:
    packages = {"node_modules/a": {"link": True, "resolved": "vendor/b"}, "vendor/b": {"version": "1.0.0"}}
    asked = parse_npm_package_lock(lock(packages, {"dependencies": {"a": "file:vendor/b"}}), where="x")
    assert asked.findings == ()
    unasked = parse_npm_package_lock(lock(packages), where="x")
    assert [finding.code for finding in unasked.findings] == ["lockfile.name-mismatch"]


def test_the_nearest_package_is_the_one_a_dependent_means() -> None:
    packages = {
        "packages/w": {"name": "w", "dependencies": {"a": "npm:real@1", "gone": "1", "real": "1"}},
        "node_modules/a": {"name": "real", "version": "1.0.0", "integrity": "sha512-" + "A" * 86 + "=="},
        "node_modules/w": {"link": True, "resolved": "packages/w"},
    }
    lockfile = parse_npm_package_lock(lock(packages, {"workspaces": ["packages/w"]}), where="x")
    assert lockfile.findings == ()


def test_a_dependent_that_cannot_reach_an_entry_does_not_rename_it() -> None:
    packages = {
        "node_modules/b": {"version": "1.0.0", "dependencies": {"a": "npm:real@1"}},
        "node_modules/c/node_modules/a": {"name": "real", "version": "1.0.0"},
    }
    lockfile = parse_npm_package_lock(lock(packages), where="x")
    assert "lockfile.name-mismatch" in {finding.code for finding in lockfile.packages[1].findings}


@pytest.mark.parametrize(
    ("path", "code"),
    [
        pytest.param("node_modules/" + "a" * 215, "lockfile.name", id="a name of 215 characters"),
        pytest.param("/".join(["node_modules/a"] * 80), "lockfile.path", id="eighty levels"),
        pytest.param("packages/a\u0000", "lockfile.path", id="a zero character"),
        pytest.param("packages/..", "lockfile.path", id="the project by another name"),
        pytest.param("node_modules", "lockfile.name", id="the folder itself"),
    ],
)
def test_a_place_that_npm_could_not_have_written_is_refused(path: str, code: str) -> None:
    with pytest.raises(FormatError) as caught:
        parse_npm_package_lock(lock({path: {}}), where="package-lock.json")
    assert caught.value.code == code
    assert len(str(caught.value)) < 400


def test_more_entries_than_allowed_are_refused() -> None:
    limits = replace(DEFAULT_LIMITS, lockfile_packages=2)
    parse_npm_package_lock(lock({"node_modules/a": {}}), where="x", limits=limits)
    with pytest.raises(FormatError) as caught:
        parse_npm_package_lock(lock({"node_modules/a": {}, "node_modules/b": {}}), where="x", limits=limits)
    assert caught.value.code == "lockfile.too-many"
    with pytest.raises(FormatError) as larger:
        parse_npm_package_lock(lock({}), where="x", limits=replace(DEFAULT_LIMITS, lockfile_bytes=10))
    assert larger.value.code == "json.too-large"


@pytest.mark.parametrize(
    ("filename", "word"),
    [
        pytest.param("pnpm-lock.yaml", "pnpm", id="pnpm"),
        pytest.param("some/where/yarn.lock", "yarn", id="yarn, with its folder"),
        pytest.param("bun.lock", "bun", id="bun"),
        pytest.param("C:\\work\\bun.lockb", "bun", id="bun, binary, on Windows"),
        pytest.param("Cargo.lock", "no known lockfile", id="another ecosystem"),
        pytest.param("README.md", "no known lockfile", id="no lockfile"),
    ],
)
def test_a_format_not_read_is_never_an_empty_lockfile(filename: str, word: str) -> None:
    with pytest.raises(NothingToJudgeError) as caught:
        parse_lockfile(b"{}", filename=filename)
    assert caught.value.code == "lockfile.unsupported"
    assert word in str(caught.value)
    assert filename in str(caught.value)
    assert caught.value.hint


def test_npm_s_format_is_known_by_its_content_too() -> None:
    data = (FIXTURES / "ok-plain" / "package-lock.json").read_bytes()
    assert len(parse_lockfile(data, filename="saved-lock.json").packages) == 1
    assert len(parse_lockfile(data, filename="npm-shrinkwrap.json").packages) == 1


def test_the_table_names_each_file_once() -> None:
    names = [name for row in FORMATS for name in row.filenames]
    assert len(names) == len(set(names))
    assert FORMAT in FORMATS


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.exists(), reason="the data folder beside the checkout is absent")
@pytest.mark.parametrize(
    ("name", "count", "links"),
    [
        ("eslint", 96, 0),
        ("reactvite", 240, 0),
        ("resolved", 84, 0),
        ("vextrus-mono", 116, 4),
    ],
)
def test_real_lockfiles_are_read_without_findings(name: str, count: int, links: int) -> None:
    path = SHARED / f"{name}.package-lock.json"
    lockfile = parse_lockfile(path.read_bytes(), filename=path.name)
    assert len(lockfile.packages) == count
    assert sum(entry.link for entry in lockfile.packages) == links
    assert lockfile.findings == ()


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 4) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_ENTRY = st.dictionaries(
    st.sampled_from(
        [
            "name",
            "version",
            "resolved",
            "integrity",
            "link",
            "inBundle",
            "dependencies",
            "bundleDependencies",
            "workspaces",
        ]
    ),
    _JSON
    | st.sampled_from(["a", "1.0.0", "packages/a", "https://h.example.test/a.tgz", "https://[", "sha512-"])
    | st.dictionaries(st.sampled_from(["a", "b", "@s/c"]), st.sampled_from(["1", "npm:a@1", "file:."]), max_size=3),
    max_size=6,
)
_PATH = st.lists(
    st.sampled_from(["node_modules", "a", "b", "@s", "packages", "", "..", "__proto__"]), min_size=1, max_size=6
).map("/".join)


@given(st.dictionaries(_PATH, _ENTRY, max_size=5), _ENTRY)
def test_nothing_but_our_own_errors_escapes(packages: dict[str, Any], root: dict[str, Any]) -> None:
    try:
        lockfile = parse_npm_package_lock(lock(packages, root), where="x")
    except VxsecError as error:
        assert error.code.startswith(("lockfile.", "json."))  # noqa: PT017
        return
    assert all(".." not in entry.path.split("/") for entry in lockfile.packages)
    assert all(finding.severity in Severity for finding in lockfile.findings)
