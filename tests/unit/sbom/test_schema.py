from __future__ import annotations

import time
from typing import Any

import pytest

from vxsec.formats.cyclonedx import READ_VERSIONS
from vxsec.model.finding import Severity
from vxsec.sbom.schema import MAX_ERRORS, check_schema, json_pointer


def document(version: str = "1.6", **fields: Any) -> dict[str, Any]:
    return {"bomFormat": "CycloneDX", "specVersion": version, "version": 1, **fields}


@pytest.mark.parametrize("version", READ_VERSIONS)
def test_every_version_that_is_read_has_its_schema(version: str) -> None:
    assert check_schema(document(version)) == ()
    (found,) = check_schema({**document(version), "version": "one"})
    assert (found.code, found.severity, found.where) == ("sbom.schema", Severity.HIGH, "/version")


@pytest.mark.parametrize(
    ("given", "where", "word"),
    [
        pytest.param([], "/specVersion", "specVersion", id="no object"),
        pytest.param({}, "/specVersion", "specVersion", id="no version"),
        pytest.param(document("1.0"), "/specVersion", "specVersion", id="a version without a JSON schema"),
        pytest.param(document(extra=1), "", "extra", id="a member too many"),
        pytest.param(document(components=[{"name": "a"}]), "/components/0", "type", id="a member too few"),
        pytest.param(document(components=[{"type": "x", "name": "a"}]), "/components/0/type", "one of", id="no such type"),
        pytest.param(
            document(components=[{"type": "library", "name": "a", "licenses": [{"license": {"id": "MIT2"}}]}]),
            "/components/0/licenses/0/license/id",
            "one of",
            id="no such licence: told where, among alternatives",
        ),
        pytest.param(
            document(components=[{"type": "library", "name": "a", "externalReferences": [{"type": "vcs", "url": "a b"}]}]),
            "/components/0/externalReferences/0/url",
            "iri-reference",
            id="no IRI reference",
        ),
        pytest.param(document(metadata={"timestamp": "x"}), "/metadata/timestamp", "date-time", id="no time"),
        pytest.param(
            document(metadata={"authors": [{"name": "a", "email": "x"}]}), "/metadata/authors/0/email", "email", id="no mail address"
        ),
        pytest.param(document(components=[{"type": "library", "name": "a", "bom-ref": "x"}] * 2), "/components", "unique", id="twice"),
    ],
)  # fmt: skip
def test_what_the_schema_does_not_take_is_told_with_its_place(given: object, where: str, word: str) -> None:
    (found,) = check_schema(given)
    assert found.where == where
    assert word in found.message


def test_values_of_the_document_are_not_repeated() -> None:
    found = check_schema(document(serialNumber="a secret", metadata={"timestamp": "another secret"}))
    assert len(found) == 2
    assert not any("secret" in item.message for item in found)


def test_many_errors_are_cut() -> None:
    found = check_schema(document(components=[{"type": "x", "name": "a", "bom-ref": str(n)} for n in range(300)]))
    assert len(found) == MAX_ERRORS + 1
    assert found[-1].message == f"more than {MAX_ERRORS} errors"


def test_what_the_validator_cannot_take_is_not_valid() -> None:
    (found,) = check_schema(document(components=object()))
    assert found.message.startswith("cannot be judged")


def test_a_document_nested_deeper_than_any_is_judged() -> None:
    deep: dict[str, Any] = {"type": "library", "name": "a"}
    for _ in range(98):
        deep = {"type": "library", "name": "a", "components": [deep]}
    assert check_schema(document(components=[deep])) == ()


def test_a_huge_number_is_judged() -> None:
    assert check_schema(document(components=[{"type": "library", "name": "a"}]) | {"version": 10**60}) == ()


def test_pointers_are_escaped() -> None:
    assert json_pointer(["a/b", 0, "c~d"]) == "/a~1b/0/c~0d"
    assert json_pointer([]) == ""


def test_the_schema_is_read_once() -> None:
    check_schema(document())
    began = time.perf_counter()
    for _ in range(20):
        check_schema(document())
    assert time.perf_counter() - began < 1.0
