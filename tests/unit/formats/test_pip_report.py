"""pip's installation report: its nodes and edges, and that no address of an index gets out."""

from __future__ import annotations

import copy
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vxsec.errors import FormatError
from vxsec.formats.pip_report import is_pip_report, parse_pip_report
from vxsec.formats.python_license import stated_license
from vxsec.limits import Limits
from vxsec.model.dependency import DependencySource
from vxsec.model.package import PackageRef

if TYPE_CHECKING:
    from collections.abc import Callable

    from vxsec.model.dependency import DependencyGraph

HEX = "ab" * 32
ROOT = PackageRef(name="app-kit", version="1.0", ecosystem="pypi")
SECRET = "https://user:token@index.example.test/files/"


def item(name: str, version: str = "1.0", *requires: str, **extra: Any) -> dict[str, Any]:
    return {
        "download_info": {"url": f"{SECRET}{name}.whl", "archive_info": {"hashes": {"sha256": HEX}}},
        "is_direct": False,
        "is_yanked": False,
        "requested": False,
        "metadata": {"name": name, "version": version, "requires_dist": list(requires)},
    } | extra


def local(url: str = "file:///tmp/dist/app_kit-1.0-py3-none-any.whl") -> dict[str, Any]:
    return {"url": url, "archive_info": {"hashes": {"sha256": HEX}}}


BASE: dict[str, Any] = {
    "version": "1",
    "pip_version": "26.3",
    "install": [
        item(
            "App_Kit", "1.0", "Left.Pad>=1", 'winonly; sys_platform == "win32"', 'extra-dep; extra == "tls"',
            requested=True, is_direct=True, download_info=local(),
        ),
        item("left-pad", "1.2", "deep[fast]~=1.0"),
        item("deep", "1.4", "app-kit", 'speedy; extra == "fast"', 'slow; extra == "thorough"'),
        item("speedy", "0.1"),
    ],
    "environment": {
        "implementation_name": "cpython", "implementation_version": "3.11.7", "os_name": "posix",
        "platform_machine": "x86_64", "platform_python_implementation": "CPython", "platform_release": "6",
        "platform_system": "Linux", "platform_version": "#1", "python_full_version": "3.11.7", "python_version": "3.11",
        "sys_platform": "linux",
    },
}  # fmt: skip


def parse(document: dict[str, Any], package: PackageRef | None = ROOT) -> DependencyGraph:
    return parse_pip_report(json.dumps(document).encode(), where="report.json", package=package)


def changed(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    document = copy.deepcopy(BASE)
    change(document)
    return document


def test_edges_follow_markers_extras_and_normal_names() -> None:
    graph = parse(BASE)
    assert graph.root == ROOT
    assert graph.root_needs == ("left-pad@1.2",)
    assert {node.key: node.needs for node in graph.dependencies} == {
        "deep@1.4": ("app-kit@1.0", "speedy@0.1"),
        "left-pad@1.2": ("deep@1.4",),
        "speedy@0.1": (),
    }
    assert graph.unresolved == ()
    assert graph.source == "report.json"
    node = graph.dependencies[0]
    assert node.package == PackageRef(name="deep", version="1.4", ecosystem="pypi")
    assert (node.source, node.dev, node.optional) == (DependencySource.REGISTRY, False, False)
    assert node.integrity == "sha256-q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s="


def test_the_one_distribution_asked_for_is_the_root_without_being_named() -> None:
    assert parse(BASE, None) == parse(BASE)


def test_several_that_were_asked_for_have_no_root_between_them() -> None:
    document = changed(lambda d: d["install"][3].update(requested=True))
    graph = parse(document, None)
    assert graph.root is None
    assert graph.root_needs == ("app-kit@1.0", "speedy@0.1")
    assert len(graph.dependencies) == 4
    assert parse(document).root == ROOT


def test_extras_that_were_asked_for_switch_requirements_on() -> None:
    document = changed(lambda d: d["install"][0].update(requested_extras=["TLS"]))
    assert parse(document).unresolved == ("extra-dep@*",)
    document["install"].append(item("extra_dep"))
    assert "extra-dep@1.0" in parse(document).root_needs


@pytest.mark.parametrize(
    "marker",
    [
        'extra == ""',
        'platform_machine != " extra == "',
        "extra != 'tls'",
        'extra in "x"',
        'extra == "a" or os_name == "posix"',
    ],
)
@pytest.mark.parametrize("extras", [[], ["TLS"]], ids=["no extra", "an extra"])
def test_what_holds_without_an_extra_is_asked_for_with_and_without_one(marker: str, extras: list[str]) -> None:
    document = changed(lambda d: d["install"][0].update(requested_extras=extras))
    document["install"][0]["metadata"]["requires_dist"].append(f"evil==1; {marker}")
    assert "evil@==1" in parse(document).unresolved
    document["install"].append(item("evil", "1"))
    assert "evil@1" in parse(document).root_needs


def test_what_no_entry_satisfies_is_unresolved_and_tells_no_address() -> None:
    wanted = ["gone>=2", "left-pad>=9", f"linked @ {SECRET}linked.whl", "left-pad"]
    graph = parse(changed(lambda d: d["install"][0]["metadata"].update(requires_dist=wanted)))
    assert graph.unresolved == ("gone@>=2", "left-pad@>=9", "linked@a direct reference")


def test_no_address_of_an_index_gets_out() -> None:
    assert "example.test" not in repr(parse(BASE))
    assert "file:" not in repr(parse(BASE))


SOURCES: dict[str, tuple[dict[str, Any], bool, DependencySource]] = {
    "from an index": (local(SECRET), False, DependencySource.REGISTRY),
    "from a folder of wheels": (local(), False, DependencySource.REGISTRY),
    "a file named directly": (local("FILE:///x.whl"), True, DependencySource.FILE),
    "a URL named directly": (local(SECRET), True, DependencySource.URL),
    "a folder": ({"url": "file:///x", "dir_info": {}}, True, DependencySource.FILE),
    "git": ({"url": SECRET, "vcs_info": {"vcs": "git", "commit_id": "a" * 40}}, True, DependencySource.GIT),
    "another version control": ({"url": SECRET, "vcs_info": {"vcs": "hg"}}, True, DependencySource.URL),
}


@pytest.mark.parametrize(("info", "direct", "source"), SOURCES.values(), ids=SOURCES.keys())
def test_where_it_comes_from(info: dict[str, Any], direct: bool, source: DependencySource) -> None:
    document = changed(lambda d: d["install"][3].update(download_info=info, is_direct=direct))
    (node,) = [node for node in parse(document).dependencies if node.key == "speedy@0.1"]
    assert node.source is source
    assert (node.integrity is None) is ("archive_info" not in info)


HASHES: dict[str, tuple[dict[str, Any], str | None]] = {
    "the strongest of several": ({"hashes": {"md5": "0" * 32, "sha256": HEX, "sha512": "cd" * 64}}, "sha512-zc3N"),
    "as older versions of pip write it": ({"hash": f"sha256={HEX}"}, "sha256-q6ur"),
    "in capitals": ({"hashes": {"sha256": HEX.upper()}}, "sha256-q6ur"),
    "nothing stronger than MD5": ({"hashes": {"md5": "0" * 32}}, None),
    "none": ({}, None),
}


@pytest.mark.parametrize(("archive", "expected"), HASHES.values(), ids=HASHES.keys())
def test_integrity(archive: dict[str, Any], expected: str | None) -> None:
    info = {"url": SECRET, "archive_info": archive}
    graph = parse(changed(lambda d: d["install"][3].update(download_info=info)))
    found = graph.dependencies[-1].integrity
    assert (found[:11] if found else None) == expected


def _metadata(**fields: Any) -> Callable[[dict[str, Any]], object]:
    return lambda d: d["install"][0]["metadata"].update(fields)


REFUSED: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "a report of another version": (lambda d: d.update(version="2"), "pip-report.version"),
    "a version that is a number": (lambda d: d.update(version=1), "json.type"),
    "no environment": (lambda d: d.pop("environment"), "json.missing"),
    "an environment with a gap": (lambda d: d["environment"].pop("sys_platform"), "pip-report.environment"),
    "an environment of numbers": (lambda d: d["environment"].update(os_name=1), "json.type"),
    "nothing installed": (lambda d: d.update(install=[]), "pip-report.root"),
    "nothing asked for": (lambda d: d["install"][0].update(requested=False), "pip-report.root"),
    "another version of the root": (_metadata(version="1.1"), "pip-report.root"),
    "a root that is only a dependency": (
        lambda d: (d["install"][0].update(requested=False), d["install"][1].update(requested=True)),
        "pip-report.root",
    ),
    "one name twice, spelt in two ways": (lambda d: d["install"].append(item("Left_Pad")), "pip-report.duplicate"),
    "an entry that nothing needs": (lambda d: d["install"].append(item("stowaway")), "pip-report.unreached"),
    "a name that climbs": (_metadata(name="../app"), "pip-report.name"),
    "a version that is none": (_metadata(version="one"), "pip-report.name"),
    "an extra that is no name": (lambda d: d["install"][0].update(requested_extras=["a b"]), "pip-report.name"),
    "a requirement that is none": (_metadata(requires_dist=["a b c"]), "pip-report.requirement"),
    "a requirement without a name": (_metadata(requires_dist=[">=1"]), "pip-report.requirement"),
    "a marker that cannot be compared": (
        _metadata(requires_dist=['left-pad; os_name ~= "posix"']),
        "pip-report.requirement",
    ),
    "a marker of lockfiles": (_metadata(requires_dist=['left-pad; "x" in extras']), "pip-report.requirement"),
    "a digest that is too short": (
        lambda d: d["install"][3]["download_info"]["archive_info"]["hashes"].update(sha256="ab"),
        "pip-report.integrity",
    ),
    "a digest in other letters": (
        lambda d: d["install"][3]["download_info"]["archive_info"]["hashes"].update(sha256="zz" * 32),
        "pip-report.integrity",
    ),
    "two kinds of source": (lambda d: d["install"][3]["download_info"].update(dir_info={}), "pip-report.source"),
    "no kind of source": (lambda d: d["install"][3]["download_info"].pop("archive_info"), "pip-report.source"),
    "no metadata": (lambda d: d["install"][3].pop("metadata"), "json.missing"),
    "a list that is none": (_metadata(requires_dist="left-pad"), "json.type"),
}


@pytest.mark.parametrize(("change", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses(change: Callable[[dict[str, Any]], object], code: str) -> None:
    with pytest.raises(FormatError) as caught:
        parse(changed(change))
    assert caught.value.code == code
    assert caught.value.hint
    assert "example.test" not in str(caught.value)


def test_refuses_the_graph_of_an_npm_package() -> None:
    with pytest.raises(FormatError) as caught:
        parse(BASE, PackageRef(name="app-kit", version="1.0"))
    assert caught.value.code == "pip-report.root"


def test_refuses_duplicate_members_and_more_entries_than_the_limit() -> None:
    with pytest.raises(FormatError) as caught:
        parse_pip_report(b'{"version":"1","version":"1"}', where="r", package=None)
    assert caught.value.code == "json.duplicate-key"
    for limits, code in (
        (Limits(lockfile_packages=3), "pip-report.too-large"),
        (Limits(lockfile_bytes=9), "json.too-large"),
    ):
        with pytest.raises(FormatError) as caught:
            parse_pip_report(json.dumps(BASE).encode(), where="r", package=None, limits=limits)
        assert caught.value.code == code


def test_a_report_built_to_take_forever_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vxsec.formats.pip_report._MAX_EVALUATIONS", 5)
    with pytest.raises(FormatError) as caught:
        parse(BASE)
    assert caught.value.code == "pip-report.too-large"


def test_a_report_is_known_by_its_members() -> None:
    assert is_pip_report(BASE)
    assert not is_pip_report({"lockfileVersion": 3})
    assert not is_pip_report([])


LICENSES: dict[str, tuple[str | None, str | None, list[str], str | None]] = {
    "an expression before everything": ("MIT OR Apache-2.0", "GPL", ["License :: OSI Approved :: ISC License (ISCL)"], "MIT OR Apache-2.0"),
    "an identifier in the old field": (None, "Apache-2.0", ["License :: OSI Approved :: Apache Software License"], "Apache-2.0"),
    "a classifier that means one licence": (
        None, "LGPLv3+",
        ["Topic :: X", "License :: OSI Approved :: GNU Lesser General Public License v3 or later (LGPLv3+)"],
        "LGPL-3.0-or-later",
    ),
    "a classifier that does not say which": (None, None, ["License :: OSI Approved :: BSD License"], "BSD License"),
    "two classifiers, each exact": (
        None, "", ["License :: OSI Approved :: MIT License", "License :: OSI Approved :: ISC License (ISCL)"],
        "MIT License, ISC License (ISCL)",
    ),
    "a text that is not exact": (None, "BSD", ["License :: OSI Approved :: BSD License"], "BSD"),
    "a whole licence in the field": (None, "Copyright\nPermission", ["License :: OSI Approved :: MIT License"], "MIT"),
    "a field that says unknown": (None, "UNKNOWN", [], None),
    "nothing": (None, None, [], None),
}  # fmt: skip


@pytest.mark.parametrize(("expression", "text", "classifiers", "expected"), LICENSES.values(), ids=LICENSES.keys())
def test_licences(expression: str | None, text: str | None, classifiers: list[str], expected: str | None) -> None:
    assert stated_license(expression, text, classifiers) == expected


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["1", "a", "left-pad", "sha256", "", "a; b"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "url", "vcs"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(
    st.sampled_from(["version", "install", "environment"]),
    st.sampled_from(["metadata", "download_info", "requested", "is_direct", "requested_extras", None]),
    _JSON,
)
def test_nothing_but_our_own_error_escapes(member: str, inner: str | None, value: Any) -> None:
    document = copy.deepcopy(BASE)
    if inner is None:
        document[member] = value
    else:
        document["install"][1][inner] = value
    with suppress(FormatError):
        parse(document, None)
