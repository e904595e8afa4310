from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vxsec.errors import FormatError, NothingToJudgeError, RefusedError, VxsecError
from vxsec.formats.cyclonedx import read_bom, walk_components, write_bom
from vxsec.formats.strict_json import parse_json
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.sbom import Bom, Component, Composition
from vxsec.sbom.check import check_bom

FIXTURES = Path(__file__).parents[3] / "fixtures" / "sbom"
CASES = sorted(folder.name for folder in FIXTURES.iterdir() if folder.is_dir())


def document(**fields: Any) -> bytes:
    return json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", **fields}).encode()


def read(**fields: Any) -> Bom:
    return read_bom(document(**fields), where="bom.json")


def component(**fields: Any) -> Component:
    return read(components=[{"type": "library", "name": "a", **fields}]).components[0]


def fixture(case: str) -> bytes:
    expected = tomllib.loads((FIXTURES / case / "case.toml").read_text(encoding="utf-8"))
    return Path(FIXTURES / case / expected.get("file", "bom.json")).read_bytes()


@pytest.mark.parametrize("case", CASES)
def test_each_fixture_is_judged_as_its_case_says(case: str) -> None:
    expected = tomllib.loads((FIXTURES / case / "case.toml").read_text(encoding="utf-8"))
    assert expected["why"]
    assert expected["spec"]
    data = fixture(case)
    match expected["expect"]:
        case "accepted" | "found":
            bom = read_bom(data, where="bom.json")
            findings = check_bom(bom, parse_json(data, where="bom.json"))
            assert {finding.code for finding in findings} == set(expected.get("codes", ()))
            assert not any("secret" in finding.message or "a1B2" in finding.message for finding in findings)
        case "unsupported":
            with pytest.raises(NothingToJudgeError) as caught:
                read_bom(data, where="bom.json")
            assert (caught.value.code, caught.value.exit_status) == (expected["code"], 3)
        case "refused":
            with pytest.raises(RefusedError) as refused:
                read_bom(data, where="bom.json")
            assert (refused.value.code, refused.value.exit_status) == (expected["code"], 10)
            assert "bom.json" in str(refused.value)
        case other:
            pytest.fail(f"unknown expectation {other!r}")


def test_more_than_half_of_the_fixtures_are_not_accepted() -> None:
    accepted = [case for case in CASES if case.startswith("ok-")]
    assert len(accepted) >= 10
    assert len(accepted) * 2 < len(CASES)


# -- what other tools write --------------------------------------------------------------------------------------------


def test_npm_writes_the_scope_into_the_name() -> None:
    bom = read_bom(fixture("ok-npm"), where="bom.json")
    assert bom.spec_version == "1.5"
    assert bom.timestamp == datetime(2026, 11, 1, 12, tzinfo=UTC)
    assert bom.tools == ("cli 11.19.1",)
    (one,) = bom.components
    assert (one.name, one.ref, one.license, one.hashes) == ("@scope/a", "@scope/a@1.0.0", "MIT", {"SHA-512": "b" * 128})
    assert one.properties == (("cdx:npm:package:bundled", "true"),)


def test_cyclonedx_npm_nests_components_and_writes_the_scope_as_group() -> None:
    bom = read_bom(fixture("ok-cyclonedx-npm"), where="bom.json")
    assert bom.tools == ("npm 11.19.1", "cyclonedx-npm 6.0.1")
    assert [(one.name, one.version, one.license) for one in bom.components] == [
        ("@scope/a", "1.0.0", "(MIT OR Apache-2.0)"),
        ("b", "2.0.0", None),
    ]
    placed = walk_components(parse_json(fixture("ok-cyclonedx-npm"), where="bom.json"), where="bom.json")  # type: ignore[arg-type]  # an object
    assert [(one.pointer, one.parent) for one in placed] == [
        ("/metadata/component", None),
        ("/components/0", None),
        ("/components/0/components/0", "app@1.0.0|@scope/a@1.0.0"),
    ]


def test_syft_names_a_file_as_root_and_licences_by_name() -> None:
    bom = read_bom(fixture("ok-syft"), where="bom.json")
    assert bom.root is not None
    assert (bom.root.type, bom.root.version, bom.root.purl) == ("file", None, None)
    assert bom.timestamp == datetime(2026, 11, 1, 11, tzinfo=UTC)
    assert (bom.components[0].license, bom.components[0].license_is_expression) == ("Public Domain", False)


def test_cdxgen_writes_an_empty_group_and_several_licences() -> None:
    bom = read_bom(fixture("ok-cdxgen"), where="bom.json")
    assert bom.root is not None
    assert bom.root.name == "@scope/app"
    assert (bom.components[0].name, bom.components[0].license) == ("a", "MIT AND ISC")
    assert bom.authors == ("OWASP Foundation",)


@pytest.mark.parametrize(
    ("licenses", "expected"),
    [
        pytest.param([], (None, True), id="none"),
        pytest.param([{"license": {"id": "MIT"}}], ("MIT", True), id="an identifier"),
        pytest.param([{"license": {"name": "My own"}}], ("My own", False), id="a name"),
        pytest.param([{"expression": "MIT OR ISC"}], ("MIT OR ISC", True), id="an expression"),
        pytest.param(
            [{"license": {"id": "MIT"}}, {"license": {"name": "My own"}}], ("MIT AND My own", False), id="mixed"
        ),
        pytest.param(
            [{"expression": "MIT OR ISC"}, {"license": {"id": "MIT"}}], ("(MIT OR ISC) AND MIT", True), id="joined"
        ),
        pytest.param([{"license": {}}], (None, True), id="an empty one"),
        pytest.param([{}, {"license": {"id": "MIT"}}], ("MIT", False), id="one that says nothing beside one that does"),
    ],
)
def test_licences_of_every_shape_are_one_text(licenses: list[Any], expected: tuple[str | None, bool]) -> None:
    found = component(licenses=licenses)
    assert (found.license, found.license_is_expression) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({"group": "@s", "name": "a"}, "@s/a", id="an npm scope"),
        pytest.param({"group": "@s", "name": "@s/a"}, "@s/a", id="a scope in both places"),
        pytest.param({"group": "org.x", "name": "a", "purl": "pkg:maven/org.x/a@1"}, "org.x:a", id="a Maven group"),
        pytest.param(
            {"group": "github.com/x", "name": "a", "purl": "pkg:golang/github.com/x/a@1"}, "github.com/x/a", id="Go"
        ),
    ],
)
def test_a_name_is_written_as_its_ecosystem_does(fields: dict[str, str], expected: str) -> None:
    assert component(**fields).name == expected


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        pytest.param(
            {"authors": [{"name": "Jane", "email": "j@x.test"}, {"name": "Bo"}]}, ("Jane <j@x.test>", "Bo"), id="people"
        ),
        pytest.param(
            {"authors": [{"email": "j@x.test"}, {}, {"phone": "1"}]}, ("<j@x.test>",), id="a mail address only"
        ),
        pytest.param({"manufacturer": {"name": "Shop"}}, ("Shop",), id="an organisation"),
        pytest.param({"manufacturer": {"url": []}}, (), id="an organisation without a name"),
        pytest.param({}, (), id="nobody"),
    ],
)
def test_authors_are_people_or_an_organisation(metadata: dict[str, Any], expected: tuple[str, ...]) -> None:
    assert read(metadata=metadata).authors == expected


@pytest.mark.parametrize(
    ("tools", "expected"),
    [
        pytest.param([{"vendor": "v", "name": "t", "version": "1"}], ("t 1",), id="a list"),
        pytest.param(
            {"components": [{"name": "t"}], "services": [{"name": "s", "version": "2"}]}, ("t", "s 2"), id="an object"
        ),
        pytest.param([{"vendor": "v"}], (), id="without a name"),
        pytest.param(None, (), id="none"),
    ],
)
def test_tools_of_both_shapes_are_names(tools: object, expected: tuple[str, ...]) -> None:
    assert read(metadata={"tools": tools}).tools == expected


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        pytest.param(
            {"component": {"name": "a", "supplier": {"name": "S"}}, "supplier": {"name": "T"}}, "S", id="its own"
        ),
        pytest.param({"component": {"name": "a"}, "supplier": {"name": "T"}}, "T", id="the document's"),
        pytest.param({"component": {"name": "a", "publisher": "P"}}, "P", id="the publisher"),
        pytest.param({"component": {"name": "a"}}, None, id="none"),
    ],
)
def test_the_supplier_of_the_package_may_stand_in_several_places(
    metadata: dict[str, Any], expected: str | None
) -> None:
    root = read(metadata=metadata).root
    assert root is not None
    assert root.supplier == expected


def test_a_time_that_cannot_be_read_is_none() -> None:
    assert read(metadata={"timestamp": "yesterday"}).timestamp is None


def test_a_component_without_a_reference_has_its_place_for_one() -> None:
    assert component().ref == "#/components/0"


def test_a_dependency_that_stands_twice_needs_both() -> None:
    found = read(dependencies=[{"ref": "a", "dependsOn": ["b"]}, {"ref": "a", "dependsOn": ["c"]}])
    assert found.dependencies == {"a": ("b", "c")}


def test_nested_components_stand_in_document_order() -> None:
    inner = [{"name": "b", "components": [{"name": "c"}]}, {"name": "d"}]
    found = read(metadata={"component": {"name": "root", "components": [{"name": "x"}]}}, components=[{"name": "a", "components": inner}])  # fmt: skip
    assert [one.name for one in found.components] == ["x", "a", "b", "c", "d"]


# -- refusals ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        pytest.param({"serialNumber": 1}, "bom.json: ", id="a serial number that is none"),
        pytest.param({"compositions": {}}, "bom.json: ", id="compositions that are no list"),
        pytest.param({"compositions": [1]}, "bom.json: /compositions/0", id="a composition that is none"),
        pytest.param({"components": [{"name": "a", "properties": [1]}]}, "bom.json: /components/0/properties/0", id="a property"),
        pytest.param({"components": [{"name": "a", "licenses": [{"license": 1}]}]}, "bom.json: /components/0/licenses/0", id="a licence"),
        pytest.param({"metadata": {"component": 1}}, "bom.json: /metadata", id="a root that is none"),
        pytest.param({"metadata": {"tools": {"components": [1]}}}, "bom.json: /metadata/tools/components/0", id="a tool"),
        pytest.param({"metadata": {"authors": [1]}}, "bom.json: /metadata/authors/0", id="an author"),
    ],
)  # fmt: skip
def test_what_has_the_wrong_type_is_refused_with_its_place(fields: dict[str, Any], where: str) -> None:
    with pytest.raises(FormatError) as caught:
        read(**fields)
    assert (caught.value.code, caught.value.where) == ("sbom.malformed", where)


def test_more_than_the_limits_is_refused() -> None:
    data = document(components=[{"name": "a"}, {"name": "b"}])
    with pytest.raises(FormatError) as caught:
        read_bom(data, where="bom.json", limits=replace(DEFAULT_LIMITS, sbom_components=1))
    assert caught.value.code == "sbom.too-many"
    with pytest.raises(FormatError) as caught:
        read_bom(data, where="bom.json", limits=replace(DEFAULT_LIMITS, sbom_bytes=len(data) - 1))
    assert caught.value.code == "sbom.too-large"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["name", "ref", "bom-ref", "components", "license", "id", "alg", "content"]), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip


@given(
    st.dictionaries(st.sampled_from(["metadata", "components", "dependencies", "compositions", "serialNumber"]), JSON)
)
def test_whatever_stands_in_it_only_our_own_errors_come_out(fields: dict[str, Any]) -> None:
    data = document(**fields)
    try:
        bom = read_bom(data, where="bom.json")
    except VxsecError as error:
        code = error.code
    else:
        code = "sbom.malformed"
        check_bom(bom, parse_json(data, where="bom.json"))
    assert code == "sbom.malformed"


def test_what_is_written_is_read_again() -> None:
    root = Component(
        ref="r", type="library", name="@s/a", version="1", supplier="S", license="MIT OR ISC", optional=False
    )
    other = Component(
        ref="o",
        type="file",
        name="x/y",
        hashes={"SHA-512": "b" * 128, "SHA-1": "c" * 40},
        license="Own",
        license_is_expression=False,
        optional=True,
        properties=(("p", "1"), ("p", "2")),
    )
    bom = Bom(
        spec_version="1.6",
        serial_number="urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79",
        timestamp=datetime(2026, 11, 1, tzinfo=UTC),
        root=root,
        components=(other,),
        dependencies={"o": (), "r": ("o",)},
        compositions=(Composition(aggregate="complete", assemblies=("r",), dependencies=("o", "r")),),
        authors=("Jane <jane@example.test>", "<bo@example.test>", "Shop"),
        tools=("vxsec 1.0", "x"),
    )
    assert read_bom(write_bom(bom), where="bom.json") == bom
