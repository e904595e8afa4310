"""The cases of ``fixtures/interop``: what a strict reader makes of other tools' documents."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from vxsec.errors import FormatError
from vxsec.formats.bundle_documents import read_bundle_document
from vxsec.formats.dsse_envelope import read_envelope
from vxsec.formats.github_attestations import read_github_attestations
from vxsec.formats.npm_attestations import read_npm_attestations
from vxsec.formats.pep740 import read_provenance, to_bundle
from vxsec.model.attestation import RejectedSignature

if TYPE_CHECKING:
    from collections.abc import Callable

CASES = sorted(Path(__file__).parents[2].joinpath("fixtures", "interop").glob("*/case.toml"))


def _told(items: tuple[object, ...]) -> str:
    codes = {item.code for item in items if isinstance(item, RejectedSignature)}
    return codes.pop() if codes else "accept"


READERS: dict[str, Callable[[bytes], str]] = {
    "dsse-envelope": lambda data: _told((read_envelope(data, where="input"),)),
    "npm-attestations": lambda data: _told(read_npm_attestations(data, where="input")),
    "github-attestations": lambda data: _told(read_github_attestations(data, where="input")),
    "pep740": lambda data: _told((to_bundle(data, where="input"),)),
    "pep740-provenance": lambda data: _told(
        tuple(item for one in read_provenance(data, where="input") for item in one.attestations)
    ),
}


def test_there_are_cases_of_every_format_and_more_refusals_than_not() -> None:
    cases = [tomllib.loads(path.read_text(encoding="utf-8")) for path in CASES]
    assert {case["format"] for case in cases} == READERS.keys()
    assert sum(case["expect"] != "accept" for case in cases) * 2 > len(cases)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.parent.name)
def test_case(path: Path) -> None:
    case = tomllib.loads(path.read_text(encoding="utf-8"))
    assert case.keys() == {"format", "expect", "why", "spec"}
    data = path.with_name("input.json").read_bytes()
    try:
        found = READERS[case["format"]](data)
    except FormatError as error:
        found = error.code
    assert found == case["expect"]


@pytest.mark.parametrize(
    "path", [path for path in CASES if "dsse" not in path.parent.name], ids=lambda path: path.parent.name
)
def test_the_one_door_for_all_of_them_says_the_same(path: Path) -> None:
    case = tomllib.loads(path.read_text(encoding="utf-8"))
    try:
        found = _told(read_bundle_document(path.with_name("input.json").read_bytes(), where="input"))
    except FormatError as error:
        found = error.code
    # An empty list does not say whose it is; the door takes it for GitHub's.
    same = {"npm-attestations.count": "github-attestations.count"}
    assert found == same.get(case["expect"], case["expect"])
