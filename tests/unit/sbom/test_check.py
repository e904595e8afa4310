from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from support.graph_kit import APP, DIGESTS, dependency, graph_of
from vxsec.formats.cyclonedx import read_bom, write_bom
from vxsec.formats.strict_json import dump_json, parse_json
from vxsec.model.dependency import DependencySource
from vxsec.model.finding import Finding, Severity
from vxsec.model.sbom import Bom
from vxsec.sbom.build import build_bom
from vxsec.sbom.check import MAX_PER_CODE, check_bom, missing_elements

GRAPH = graph_of(dependency("a@1.0.0", "b@1.0.0"), dependency("b@1.0.0"), root_needs=("a@1.0.0",))


def made(**given: Any) -> Bom:
    fields = {"package": APP, "digests": DIGESTS, "graph": GRAPH, "license": "MIT", "authors": ("Jane",), "timestamp": datetime(2026, 11, 1, tzinfo=UTC)}  # fmt: skip
    return build_bom(**{**fields, **given})


def checked(**changes: Any) -> list[Finding]:
    """The findings of a document of ours with members replaced."""
    document = parse_json(write_bom(made()), where="bom.json")
    assert isinstance(document, dict)
    data = dump_json({key: value for key, value in {**document, **changes}.items() if value is not None})
    return list(check_bom(read_bom(data, where="bom.json"), parse_json(data, where="bom.json")))


def test_what_is_built_is_sound() -> None:
    assert checked() == []


def test_each_finding_has_its_severity_and_place() -> None:
    components = [
        {"type": "library", "bom-ref": "pkg:npm/a@1.0.0", "name": "a", "version": "2", "purl": "pkg:npm/a@1.0.0"},
        {"type": "library", "bom-ref": "b", "name": "b", "hashes": [{"alg": "SHA-256", "content": "a" * 40}]},
        {"type": "library", "name": "c", "description": "see /home/alice/x", "licenses": [{"expression": "X"}]},
    ]
    found = [
        (item.code, item.severity.value, item.where)
        for item in checked(components=components, compositions=None, vulnerabilities=[{}])
    ]
    assert found == [
        ("sbom.ref-dangling", "high", "/dependencies"),
        ("sbom.unreachable", "medium", "/components/1"),
        ("sbom.ref-missing", "low", "/components/2"),
        ("sbom.purl-mismatch", "medium", "/components/0/purl"),
        ("sbom.hash-length", "high", "/components/1/hashes"),
        ("sbom.license-invalid", "medium", "/components/2/licenses"),
        ("sbom.leak-path", "medium", "/components/2/description"),
        ("sbom.vulnerabilities", "low", "/vulnerabilities"),
    ]


def test_what_is_nested_is_reached_with_what_holds_it() -> None:
    nested = {"type": "library", "bom-ref": "pkg:npm/a@1.0.0", "name": "a", "components": [{"type": "library", "bom-ref": "b", "name": "b"}]}  # fmt: skip
    found = checked(components=[nested], dependencies=[{"ref": "pkg:npm/%40scope/app@1.0.0", "dependsOn": ["pkg:npm/a@1.0.0"]}], compositions=None)  # fmt: skip
    assert found == []


def test_a_reference_into_another_document_is_not_dangling() -> None:
    link = "urn:cdx:f08a6ccd-4dce-4759-bd84-c626675d60a7/1#a"
    assert checked(compositions=[{"aggregate": "complete", "assemblies": [link]}]) == []


def test_a_reference_to_something_that_is_no_component_is_not_dangling() -> None:
    services = [{"bom-ref": "s", "name": "s"}]
    assert checked(services=services, compositions=[{"aggregate": "unknown", "assemblies": ["s"]}]) == []


def test_findings_of_one_kind_are_cut_and_counted() -> None:
    components = [
        {"type": "library", "bom-ref": f"c{n}", "name": "c", "purl": "pkg:npm/d@1", "version": "1"} for n in range(60)
    ]
    found = checked(components=components, dependencies=None, compositions=None)
    for code in ("sbom.unreachable", "sbom.purl-mismatch"):
        of_code = [item for item in found if item.code == code]
        assert len(of_code) == MAX_PER_CODE + 1
        assert of_code[-1].message == f"and {60 - MAX_PER_CODE} more of this kind"
        assert of_code[-1].severity is Severity.MEDIUM


def test_a_document_that_is_no_object_has_only_what_the_schema_says() -> None:
    empty = Bom(spec_version="1.6", serial_number=None, timestamp=None, root=None, components=(), dependencies={})
    assert [item.code for item in check_bom(empty, [])] == ["sbom.schema", "sbom.root-missing"]


# -- minimum elements --------------------------------------------------------------------------------------------------


def test_what_is_built_has_every_minimum_element() -> None:
    assert missing_elements(made()) == ()


def without_root(bom: Bom) -> Bom:
    return replace(bom, root=None)


def without_supplier(bom: Bom) -> Bom:
    assert bom.root is not None
    return replace(bom, root=replace(bom.root, supplier=None))


@pytest.mark.parametrize(
    ("bom", "missing"),
    [
        pytest.param(without_supplier(made()), ("supplier of the package",), id="no supplier"),
        pytest.param(made(authors=()), ("supplier of the package", "author of the SBOM"), id="nobody made it: tools are no authors"),
        pytest.param(made(timestamp=None), ("timestamp",), id="no time"),
        pytest.param(without_root(made()), ("supplier of the package", "relationships of the package"), id="no package"),
        pytest.param(replace(made(), dependencies={}), ("relationships of the package", "relationships of a, b"), id="no relationships"),
        pytest.param(
            replace(made(), components=tuple(replace(one, name="", version=None, purl=None) for one in made().components * 3)),
            (
                "name of pkg:npm/a@1.0.0, pkg:npm/b@1.0.0, pkg:npm/a@1.0.0 and 3 more",
                "version of pkg:npm/a@1.0.0, pkg:npm/b@1.0.0, pkg:npm/a@1.0.0 and 3 more",
                "unique identifier (purl) of pkg:npm/a@1.0.0, pkg:npm/b@1.0.0, pkg:npm/a@1.0.0 and 3 more",
            ),
            id="components without anything",
        ),
        pytest.param(
            made(graph=graph_of(dependency("a@^1", package=None, source=DependencySource.RANGE), root_needs=("a@^1",))),
            ("version of a",),
            id="a range has no version",
        ),
        pytest.param(made(graph=graph_of()), (), id="a package that needs nothing"),
    ],
)  # fmt: skip
def test_what_is_missing_is_named(bom: Bom, missing: tuple[str, ...]) -> None:
    assert missing_elements(bom) == missing
