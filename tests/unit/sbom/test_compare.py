from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from support.graph_kit import APP, DIGESTS, dependency, graph_of
from support.lockfile_kit import sri
from vxsec.model.dependency import DependencyGraph, DependencySource
from vxsec.model.digest import digest_bytes
from vxsec.model.finding import Severity
from vxsec.model.package import PYPI, PackageRef
from vxsec.sbom.build import build_bom
from vxsec.sbom.compare import MAX_SENTENCES, compare_with_graph, compare_with_package

if TYPE_CHECKING:
    from vxsec.model.sbom import Bom

OTHER = digest_bytes(b"other bytes")


def made(graph: DependencyGraph | None = None) -> Bom:
    return build_bom(package=APP, digests=DIGESTS, graph=graph or graph_of(), license=None, authors=(), timestamp=None)


def rooted(**fields: Any) -> Bom:
    bom = made()
    assert bom.root is not None
    return replace(bom, root=replace(bom.root, **fields))


@pytest.mark.parametrize("algorithm", ["SHA-1", "SHA-256", "SHA-512"])
def test_both_digests_are_shown_whole(algorithm: str) -> None:
    stated = {"SHA-1": OTHER.sha1, "SHA-256": OTHER.sha256, "SHA-512": OTHER.sha512}[algorithm]
    ours = {"SHA-1": DIGESTS.sha1, "SHA-256": DIGESTS.sha256, "SHA-512": DIGESTS.sha512}[algorithm]
    found = compare_with_package(rooted(hashes={algorithm: stated}), APP, DIGESTS)[0]
    assert found.message == f"its {algorithm} is {stated}, the file's is {ours}"


def test_what_is_cut_is_marked() -> None:
    found = compare_with_package(rooted(name="x" * 500, hashes={"SHA-256": "0" * 500}), APP, DIGESTS)
    assert "x…'" in found[0].message
    assert "0…, the file's" in found[1].message


def test_an_sbom_of_these_bytes_has_nothing_against_it() -> None:
    assert compare_with_package(made(), APP, DIGESTS) == ()


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"purl": None}, id="no purl"),
        pytest.param({"purl": "pkg:npm/@scope/app@1.0.0"}, id="a purl that another tool writes"),
        pytest.param({"purl": "pkg:npm/%40scope/app@1.0.0?vcs_url=x#y"}, id="a purl with qualifiers"),
        pytest.param({"hashes": {"SHA-512": DIGESTS.sha512}}, id="one strong hash"),
        pytest.param(
            {"hashes": {"SHA-256": DIGESTS.sha256, "SHA-1": DIGESTS.sha1}}, id="a weak hash beside a strong one"
        ),
        pytest.param(
            {"hashes": {"SHA-256": DIGESTS.sha256, "BLAKE3": "0" * 64}}, id="a hash that is not computed here"
        ),
        pytest.param({"type": "application"}, id="another type"),
    ],
)
def test_what_is_less_or_more_is_no_contradiction(fields: dict[str, Any]) -> None:
    assert compare_with_package(rooted(**fields), APP, DIGESTS) == ()


@pytest.mark.parametrize(
    ("bom", "codes"),
    [
        pytest.param(replace(made(), root=None), ["no-digest"], id="about nothing"),
        pytest.param(rooted(name="@scope/other"), ["name-mismatch"], id="another name"),
        pytest.param(rooted(name="app"), ["name-mismatch"], id="without its scope"),
        pytest.param(rooted(version="1.0.1"), ["version-mismatch"], id="another version"),
        pytest.param(rooted(version=None), ["version-mismatch"], id="no version"),
        pytest.param(rooted(purl="pkg:npm/%40scope/app@1.0.1"), ["purl-mismatch"], id="the purl of another version"),
        pytest.param(rooted(purl="pkg:npm/app@1.0.0"), ["purl-mismatch"], id="the purl of another name"),
        pytest.param(rooted(purl="pkg:pypi/%40scope/app@1.0.0"), ["purl-mismatch"], id="the purl of another ecosystem"),
        pytest.param(rooted(purl="pkg:npm/%40scope/app"), ["purl-mismatch"], id="a purl without a version"),
        pytest.param(rooted(purl="app"), ["purl-mismatch"], id="no purl at all"),
        pytest.param(rooted(hashes={}), ["no-digest"], id="no hash"),
        pytest.param(rooted(hashes={"SHA-1": DIGESTS.sha1}), ["no-digest"], id="only a weak hash, though right"),
        pytest.param(rooted(hashes={"SHA-384": "0" * 96}), ["no-digest"], id="only a hash that is not computed here"),
        pytest.param(rooted(hashes={"SHA-512": OTHER.sha512}), ["digest-mismatch"], id="the hash of other bytes"),
        pytest.param(rooted(hashes={"SHA-256": DIGESTS.sha256, "SHA-512": OTHER.sha512}), ["digest-mismatch"], id="one right, one wrong"),
        pytest.param(rooted(hashes={"SHA-256": DIGESTS.sha256, "SHA-1": OTHER.sha1}), ["digest-mismatch"], id="a weak one that is wrong"),
        pytest.param(rooted(hashes={"SHA-256": DIGESTS.sha256[:-1]}), ["digest-mismatch"], id="one digit short"),
        pytest.param(
            rooted(name="x", version="2", purl="x", hashes={"SHA-256": "0"}),
            ["name-mismatch", "version-mismatch", "purl-mismatch", "digest-mismatch"],
            id="nothing agrees",
        ),
    ],
)  # fmt: skip
def test_what_the_bytes_contradict_is_found(bom: Bom, codes: list[str]) -> None:
    found = compare_with_package(bom, APP, DIGESTS)
    assert [item.code for item in found] == [f"sbom.{code}" for code in codes]
    assert {item.severity for item in found} == {Severity.HIGH}


def test_python_names_are_compared_in_their_normal_form() -> None:
    package = PackageRef(name="my-app", version="1.0.0", ecosystem=PYPI)
    assert compare_with_package(rooted(name="My_App", purl="pkg:pypi/my-app@1.0.0"), package, DIGESTS) == ()
    assert compare_with_package(rooted(name="My_App2", purl=None), package, DIGESTS) != ()


# -- the lockfile ------------------------------------------------------------------------------------------------------

A, B = dependency("a@1.0.0", "b@1.0.0", integrity=sri(b"a")), dependency("b@1.0.0", integrity=sri(b"b"))
RANGE = dependency("r@^1", package=None, source=DependencySource.RANGE)


@pytest.mark.parametrize(
    ("graph", "sentences"),
    [
        pytest.param(graph_of(A, B), (), id="the same"),
        pytest.param(graph_of(A, replace(B, integrity=None)), (), id="a hash that only one states"),
        pytest.param(
            graph_of(A),
            ("b@1.0.0 is in the SBOM, and the lockfile does not resolve it",),
            id="one that is no longer needed",
        ),
        pytest.param(
            graph_of(A, B, dependency("@s/c@2.0.0")),
            ("@s/c@2.0.0 is resolved by the lockfile, and missing from the SBOM",),
            id="one that is missing",
        ),
        pytest.param(
            graph_of(A, B, RANGE),
            ("r without a version is resolved by the lockfile, and missing from the SBOM",),
            id="a range",
        ),
        pytest.param(
            graph_of(A, replace(B, integrity=sri(b"other"))),
            ("b@1.0.0 has another hash in the SBOM than in the lockfile",),
            id="other bytes",
        ),
        pytest.param(
            graph_of(A, B, replace(B, key="b@1.0.0#2", integrity=sri(b"other"))),
            ("b@1.0.0 has another hash in the SBOM than in the lockfile",),
            id="other bytes in a second place",
        ),
    ],
)
def test_drift_is_told_in_sentences(graph: DependencyGraph, sentences: tuple[str, ...]) -> None:
    assert compare_with_graph(made(graph_of(A, B, root_needs=("a@1.0.0",))), graph) == sentences


def test_other_bytes_in_a_second_place_of_the_sbom_are_told() -> None:
    bom = made(graph_of(A, B, replace(B, key="b@1.0.0#2", integrity=sri(b"other"))))
    assert compare_with_graph(bom, graph_of(A, B)) == ("b@1.0.0 has another hash in the SBOM than in the lockfile",)


def test_two_places_of_two_kinds_are_no_drift() -> None:
    both = graph_of(A, B, replace(B, key="b@1.0.0#2", integrity=sri(b"other")))
    assert compare_with_graph(made(both), both) == ()


def test_a_graph_of_a_whole_lockfile_is_compared_too() -> None:
    assert compare_with_graph(made(graph_of(RANGE)), replace(graph_of(RANGE), root=None)) == ()


def test_what_the_lockfile_leaves_open_is_told_first() -> None:
    graph = graph_of(A, unresolved=("gone@^1", "x" * 300))
    found = compare_with_graph(made(), graph)
    assert found[0] == "gone@^1 is asked for, and the lockfile does not resolve it"
    assert len(found) == 3
    assert len(found[1]) < 200


def test_many_differences_are_cut_and_counted() -> None:
    found = compare_with_graph(made(), graph_of(*(dependency(f"a{n}@1.0.0") for n in range(50))))
    assert len(found) == MAX_SENTENCES + 1
    assert found[-1] == f"and {50 - MAX_SENTENCES} more differences"
