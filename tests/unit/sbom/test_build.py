from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given

from support.graph_kit import APP, DIGESTS, dependency, graph_of, graphs
from support.lockfile_kit import sri
from vxsec.formats.cyclonedx import read_bom, write_bom
from vxsec.formats.cyclonedx_writer import bom_document
from vxsec.formats.strict_json import dump_json, parse_json
from vxsec.model.dependency import DependencyGraph, DependencySource
from vxsec.model.digest import digest_bytes
from vxsec.model.package import PYPI, Manifest, PackageRef
from vxsec.model.sbom import Bom, Component, Composition
from vxsec.sbom.build import _numbered, build_bom, integrity_hashes, manifest_author
from vxsec.sbom.check import check_bom
from vxsec.sbom.compare import compare_with_graph, compare_with_package
from vxsec.sbom.schema import check_schema

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


def built(graph: DependencyGraph, **given: Any) -> Bom:
    given = {"package": APP, "digests": DIGESTS, "license": "MIT", "authors": ("Jane <jane@example.test>",), "timestamp": NOW, **given}  # fmt: skip
    return build_bom(graph=graph, **given)


def component(bom: Bom, ref: str) -> Component:
    return next(one for one in bom.components if one.ref == ref)


# -- the package itself ------------------------------------------------------------------------------------------------


def test_the_root_is_the_published_package_with_the_digests_of_its_bytes() -> None:
    bom = built(graph_of())
    assert bom.root == Component(
        ref="pkg:npm/%40scope/app@1.0.0",
        type="library",
        name="@scope/app",
        version="1.0.0",
        purl="pkg:npm/%40scope/app@1.0.0",
        hashes={"SHA-256": DIGESTS.sha256, "SHA-512": DIGESTS.sha512},
        license="MIT",
        supplier="Jane",
    )
    assert bom.dependencies == {"pkg:npm/%40scope/app@1.0.0": ()}
    assert bom.authors == ("Jane <jane@example.test>",)
    assert bom.tools[0].startswith("vxsec ")


@pytest.mark.parametrize(
    ("given", "supplier"),
    [
        pytest.param({"supplier": "Shop"}, "Shop", id="as given"),
        pytest.param({"authors": ("Shop", "Jane")}, "Shop", id="the first author"),
        pytest.param({"authors": ("<jane@example.test>",)}, "jane@example.test", id="an author without a name"),
        pytest.param({"authors": ()}, None, id="nobody"),
    ],
)
def test_the_supplier_is_who_is_said_to_be(given: dict[str, Any], supplier: str | None) -> None:
    root = built(graph_of(), **given).root
    assert root is not None
    assert root.supplier == supplier


def test_a_python_package_has_a_python_purl_and_no_group() -> None:
    package = PackageRef(name="my-app", version="1.0", ecosystem=PYPI)
    needed = replace(
        dependency("x@1"), key="y@2", label="y@2", package=PackageRef(name="y", version="2", ecosystem=PYPI)
    )
    ranged = dependency("packaging@>=21", package=None, source=DependencySource.RANGE)
    bom = built(replace(graph_of(needed, ranged, root_needs=("y@2",)), root=package), package=package)
    assert [one.purl for one in bom.components] == ["pkg:pypi/packaging", "pkg:pypi/y@2"]
    document = bom_document(bom)
    assert "group" not in str(document)


# -- components --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("integrity", "hashes", "properties"),
    [
        pytest.param(None, {}, (), id="none"),
        pytest.param(sri(b"x"), {"SHA-512": digest_bytes(b"x").sha512}, (), id="SHA-512"),
        pytest.param(
            f"{sri(b'x', 'sha256')} {sri(b'x')}",
            {"SHA-256": digest_bytes(b"x").sha256, "SHA-512": digest_bytes(b"x").sha512},
            (),
            id="several algorithms",
        ),
        pytest.param(sri(b"x", "sha1"), {}, (("vxsec:integrity", "weak"),), id="SHA-1 proves nothing"),
        pytest.param(
            f"{sri(b'x')} {sri(b'y')}", {}, (("vxsec:integrity", "ambiguous"),), id="two files under one integrity"
        ),
        pytest.param("nonsense", {}, (("vxsec:integrity", "malformed"),), id="malformed"),
    ],
)
def test_hashes_are_the_strong_ones_of_the_integrity(
    integrity: str | None, hashes: dict[str, str], properties: tuple[tuple[str, str], ...]
) -> None:
    assert integrity_hashes(integrity) == hashes
    (one,) = built(graph_of(dependency("a@1", integrity=integrity))).components
    assert (one.hashes, one.properties) == (hashes, properties)


@pytest.mark.parametrize(
    ("fields_", "properties", "optional"),
    [
        pytest.param({}, (), False, id="a registry's"),
        pytest.param({"optional": True}, (), True, id="an optional one"),
        pytest.param(
            {"source": DependencySource.BUNDLED}, (("cdx:npm:package:bundled", "true"),), False, id="a bundled one"
        ),
        pytest.param({"dev": True}, (("cdx:npm:package:development", "true"),), True, id="a development tool"),
        pytest.param(
            {"source": DependencySource.GIT}, (("vxsec:source", "git"),), False, id="from git, without its address"
        ),
        pytest.param({"source": DependencySource.LOCAL}, (("vxsec:source", "local"),), False, id="a workspace"),
    ],
)
def test_what_makes_a_dependency_unlike_most_is_a_property(
    fields_: dict[str, Any], properties: tuple[tuple[str, str], ...], optional: bool
) -> None:
    (one,) = built(graph_of(dependency("a@1", **fields_))).components
    assert (one.properties, one.optional) == (properties, optional)


@pytest.mark.parametrize(
    ("label", "name", "range_", "purl"),
    [
        pytest.param("a@^1.0.0", "a", "^1.0.0", "pkg:npm/a", id="a range"),
        pytest.param("@s/a@>=1 <2", "@s/a", ">=1 <2", "pkg:npm/%40s/a", id="a range of a scoped package"),
        pytest.param("a@git:…", "a", "git:…", "pkg:npm/a", id="an address, of which only the kind is left"),
        pytest.param("(unreadable)@*", "(unreadable)", "*", "pkg:npm/(unreadable)", id="an odd name that npm allows"),
        pytest.param("no name@*", "no name", "*", None, id="no name at all"),
    ],
)
def test_a_range_is_a_component_without_a_version(label: str, name: str, range_: str, purl: str | None) -> None:
    needed = dependency(label, package=None, source=DependencySource.RANGE)
    (one,) = built(graph_of(needed, root_needs=(label,))).components
    assert (one.name, one.version) == (name, None)
    assert one.purl == (purl.replace("(", "%28").replace(")", "%29") if purl else None)
    assert one.properties == (("vxsec:range", range_), ("vxsec:source", "range"))


def test_equal_purls_get_references_of_their_own() -> None:
    first, second = dependency("a@1"), dependency("a@1", key="a@1#2", integrity=sri(b"other"))
    own = dependency("@scope/app@1.0.0")
    bom = built(graph_of(first, second, own, root_needs=("a@1#2",)))
    assert {one.ref for one in bom.components} == {"pkg:npm/a@1", "pkg:npm/a@1#2", "pkg:npm/%40scope/app@1.0.0#2"}
    assert bom.dependencies["pkg:npm/%40scope/app@1.0.0"] == ("pkg:npm/a@1#2",)
    assert component(bom, "pkg:npm/a@1#2").hashes == {"SHA-512": digest_bytes(b"other").sha512}


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        pytest.param(None, (None, True), id="nothing"),
        pytest.param("  ", (None, True), id="blanks"),
        pytest.param("MIT", ("MIT", True), id="an identifier"),
        pytest.param("(MIT OR CC0-1.0)", ("(MIT OR CC0-1.0)", True), id="an expression"),
        pytest.param("SEE LICENSE IN\nLICENSE", ("SEE LICENSE IN LICENSE", False), id="text, on one line"),
        pytest.param("UNLICENSED", ("UNLICENSED", False), id="npm's word for none"),
        pytest.param(
            "SEE LICENSE IN /home/alice/LICENSE",
            ("stated, and not repeated here: it names a place or a credential", False),
            id="text with a path",
        ),
    ],
)
def test_a_licence_is_an_expression_or_text(stated: str | None, expected: tuple[str | None, bool]) -> None:
    (one,) = built(graph_of(dependency("a@1", license=stated))).components
    assert (one.license, one.license_is_expression) == expected


# -- what is claimed ---------------------------------------------------------------------------------------------------

ROOT = "pkg:npm/%40scope/app@1.0.0"


@pytest.mark.parametrize(
    ("graph", "expected"),
    [
        pytest.param(graph_of(), [("complete", (), (ROOT,))], id="a package that needs nothing"),
        pytest.param(
            graph_of(dependency("a@1"), root_needs=("a@1",)),
            [("complete", (), (ROOT, "pkg:npm/a@1"))],
            id="everything is resolved",
        ),
        pytest.param(
            graph_of(dependency("a@1"), root_needs=("a@1",), unresolved=("b@1",)),
            [("incomplete", (), (ROOT, "pkg:npm/a@1"))],
            id="something is missing",
        ),
        pytest.param(
            graph_of(dependency("a@^1", package=None, source=DependencySource.RANGE), root_needs=("a@^1",)),
            [("incomplete", (), (ROOT,)), ("unknown", (), ("a@^1",))],
            id="a range: what it needs is unknown",
        ),
        pytest.param(
            graph_of(dependency("a@git:…", package=None, source=DependencySource.GIT), root_needs=("a@git:…",)),
            [("incomplete", (), (ROOT,)), ("unknown", (), ("a@git:…",))],
            id="an address that nothing resolved",
        ),
        pytest.param(
            graph_of(dependency("a", package=None, source=DependencySource.LOCAL), root_needs=("a",)),
            [("complete", (), ("a", ROOT))],
            id="a folder without a version, whose needs the lockfile knows",
        ),
    ],
)
def test_completeness_is_claimed_only_where_it_is_known(
    graph: DependencyGraph, expected: list[tuple[str, tuple[str, ...], tuple[str, ...]]]
) -> None:
    found = [(one.aggregate, one.assemblies, one.dependencies) for one in built(graph).compositions]
    assert found == [*expected, ("unknown", (ROOT,), ())]  # what a bundler put into the package is not known


# -- repeatable --------------------------------------------------------------------------------------------------------


def test_the_serial_number_changes_with_every_field() -> None:
    bom = built(graph_of(dependency("a@1"), root_needs=("a@1",)))
    assert bom.root is not None
    other_component = Component(ref="z", type="file", name="z", version="z", purl="z", hashes={"MD5": "z"}, license="z", license_is_expression=False, supplier="z", optional=True, properties=(("z", "z"),))  # fmt: skip
    other: dict[str, Any] = {
        "timestamp": NOW + timedelta(seconds=1),
        "root": None,
        "components": (),
        "dependencies": {},
        "compositions": (),
        "authors": (),
        "tools": (),
    }
    serials = {bom.serial_number}
    for field in fields(Bom):
        if field.name not in {"spec_version", "serial_number"}:  # always 1.6, and itself
            serials.add(_numbered(replace(bom, **{field.name: other[field.name]}), DIGESTS).serial_number)
    for field in fields(Component):
        changed = replace(bom.components[0], **{field.name: getattr(other_component, field.name)})
        serials.add(_numbered(replace(bom, components=(changed,)), DIGESTS).serial_number)
    for field in fields(Composition):
        value: Any = "z" if field.name == "aggregate" else ("z",)
        compositions = (replace(bom.compositions[0], **{field.name: value}), *bom.compositions[1:])
        serials.add(_numbered(replace(bom, compositions=compositions), DIGESTS).serial_number)
    serials.add(_numbered(bom, digest_bytes(b"other")).serial_number)
    assert len(serials) == 1 + len(other) + len(fields(Component)) + len(fields(Composition)) + 1


def test_the_same_moment_in_another_zone_is_the_same_document() -> None:
    there = NOW.astimezone(timezone(timedelta(hours=5)))
    assert write_bom(built(graph_of(), timestamp=there)) == write_bom(built(graph_of()))


@given(graphs())
def test_every_graph_becomes_a_sound_document_that_repeats(graph: DependencyGraph) -> None:
    bom = built(graph)
    data = write_bom(bom)
    assert write_bom(built(graph)) == data
    document = parse_json(data, where="bom.json")
    assert check_schema(document) == ()
    assert data == dump_json(document, indent=2) + b"\n"
    again = read_bom(data, where="bom.json")
    assert again == bom
    assert compare_with_package(again, APP, DIGESTS) == ()
    assert compare_with_graph(again, replace(graph, unresolved=())) == ()
    assert b"never" not in data
    assert b"package-lock" not in data
    codes = {finding.code for finding in check_bom(again, document)}
    assert codes <= {"sbom.leak-path"}  # a version that is a path is what the lockfile says it is
    assert ("sbom.leak-path" in codes) == any(
        one.package and one.package.version == "/home/me" for one in graph.dependencies
    )


# -- who made it -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "author"),
    [
        pytest.param({"author": "Jane <jane@example.test> (https://x.test)"}, "Jane <jane@example.test>", id="text"),
        pytest.param(
            {"author": {"name": "Jane", "email": "jane@example.test"}}, "Jane <jane@example.test>", id="an object"
        ),
        pytest.param({"author": {"email": "jane@example.test"}}, "<jane@example.test>", id="a mail address"),
        pytest.param({"author": {"name": 1}}, None, id="an object without text"),
        pytest.param({"publisher": "Shop"}, "Shop", id="a publisher"),
        pytest.param({"author": "", "maintainers": [{}, "Bo"]}, "Bo", id="a maintainer"),
        pytest.param({"contributors": [{"name": "Al"}]}, "Al", id="a contributor"),
        pytest.param({"author": 7}, None, id="a number"),
        pytest.param({}, None, id="nobody"),
    ],
)
def test_the_author_is_whom_package_json_names(document: dict[str, object], author: str | None) -> None:
    assert manifest_author(Manifest(package=APP, document=document)) == author


@pytest.mark.parametrize(
    ("document", "author"),
    [
        pytest.param({"Author": "Jane"}, "Jane", id="a name"),
        pytest.param(
            {"Author-email": "Jane <jane@example.test>, Bo <bo@example.test>"}, "Jane <jane@example.test>", id="mail"
        ),
        pytest.param({"Author": "", "Maintainer": "Bo"}, "Bo", id="a maintainer"),
        pytest.param({}, None, id="nobody"),
    ],
)
def test_the_author_is_whom_core_metadata_names(document: dict[str, object], author: str | None) -> None:
    package = PackageRef(name="my-app", version="1.0", ecosystem=PYPI)
    assert manifest_author(Manifest(package=package, document=document)) == author
