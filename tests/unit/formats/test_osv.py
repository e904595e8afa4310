"""OSV records: what is really written is read, what is no record is refused, and what nobody knows is kept."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.osv_kit import FIXTURES, advisory, affected, range_of, record, record_bytes
from vxsec.errors import FormatError, VxsecError
from vxsec.formats.osv import base_ecosystem, read_advisory
from vxsec.model.advisory import Event, VulnerabilitySeverity

if TYPE_CHECKING:
    from vxsec.model.advisory import Advisory

HIGH_V3 = {"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:U/C:H/I:H/A:H"}  # 8.8
LOW_V3 = {"type": "CVSS_V3", "score": "CVSS:3.0/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N"}
ZERO_V3 = {"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N"}
CRITICAL_V4 = {"type": "CVSS_V4", "score": "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"}
MEDIUM_V2 = {"type": "CVSS_V2", "score": "AV:N/AC:M/Au:N/C:N/I:P/A:N"}
HIGH_V2 = {"type": "CVSS_V2", "score": "AV:N/AC:L/Au:N/C:C/I:C/A:C"}
BROKEN_V4 = {"type": "CVSS_V4", "score": "CVSS:4.0/AV:N"}
WORD = {"database_specific": {"severity": "MODERATE"}}


def severity_of(found: Advisory) -> str:
    return found.affected[0].severity.value


def test_a_record_is_read_whole() -> None:
    found = read_advisory((FIXTURES / "npm" / "GHSA-tmpl-aaaa-0001.json").read_bytes(), where="x")
    assert (found.id, found.aliases, found.withdrawn, found.malware) == (
        "GHSA-tmpl-aaaa-0001",
        ("CVE-2026-10001",),
        False,
        False,
    )
    assert found.summary == "Code injection in @example/template"
    assert found.modified == datetime(2026, 11, 20, 8, tzinfo=UTC)
    assert found.published == datetime(2026, 3, 1, tzinfo=UTC)
    first, second = found.affected
    assert (first.ecosystem, first.name, second.ecosystem, second.name) == (
        "npm", "@example/template", "PyPI", "example-template",
    )  # fmt: skip
    assert [len(item.events) for item in first.ranges] == [2, 2]
    assert first.ranges[1].events == (
        Event(kind="introduced", version="2.0.0"),
        Event(kind="fixed", version="2.4.1"),
    )
    assert {first.severity, second.severity} == {VulnerabilitySeverity.CRITICAL}


def test_every_made_up_record_is_read_under_its_own_name() -> None:
    paths = [*FIXTURES.glob("npm/*.json"), *FIXTURES.glob("PyPI/*.json")]
    assert len(paths) == 16
    for path in paths:
        assert read_advisory(path.read_bytes(), where=path.name).id == path.stem


# -- what is accepted --------------------------------------------------------------------------------------------------


ACCEPTED: dict[str, dict[str, Any]] = {
    "arrays that are null": {"aliases": None, "affected": None, "severity": None},
    "no arrays at all": {"affected": []},
    "members that nobody knows": {"novelty": {"x": [1, 2]}, "credits": [{"name": "someone"}], "references": None},
    "a schema of the future": {"schema_version": "99.0.0"},
    "a schema version that is none": {"schema_version": 7},
    "null times": {"published": None, "withdrawn": None},
    "fractions of a second": {"modified": "2026-01-01T00:00:00.123456789Z"},
    "the year 1, which some exporters write for never": {"published": "0001-01-01T00:00:00Z"},
    "entries without a package, as of a repository": {
        "affected": [{"ranges": [range_of(("introduced", "0"), kind="GIT")]}]
    },
    "a severity that is nonsense": {"severity": "bad"},
    "a severity of nonsense": {"severity": [1, {"type": 1, "score": 2}, {"type": "CVSS_V3"}]},
    "words about severity that are nonsense": {"database_specific": {"severity": 7}},
    "database_specific that is no object": {"database_specific": "x"},
}


@pytest.mark.parametrize("more", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_what_real_databases_write_is_accepted(more: dict[str, Any]) -> None:
    found = read_advisory(json.dumps(record("A-1") | more).encode(), where="x")
    assert (found.id, found.affected) == ("A-1", ())


def test_a_python_name_comes_in_its_normal_form_and_no_other_is_touched() -> None:
    names = ["Zope.Interface", "a__b", "Kelvin\u212a", "ex\u0430mple"]
    found = advisory("A-1", *(affected(name, ecosystem="PyPI") for name in names), affected("Zope.Interface"))
    assert [item.name for item in found.affected] == [
        "zope-interface", "a-b", "kelvin\u212a", "ex\u0430mple", "Zope.Interface",
    ]  # fmt: skip


def test_aliases_come_once_and_without_the_id_itself() -> None:
    assert advisory("A-1", aliases=["B-1", "A-1", "B-1", "C-1"]).aliases == ("B-1", "C-1")


def test_malware_is_known_by_its_id_or_an_alias() -> None:
    assert advisory("MAL-2026-1").malware
    assert advisory("GHSA-1", aliases=["MAL-2026-1"]).malware
    assert not advisory("GHSA-1", aliases=["CVE-2026-1"], related=["MAL-2026-1"]).malware


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("NPM", "npm"),
        ("Npm:mirror", "npm:mirror"),
        ("pypi", "PyPI"),
        ("npm", "npm"),
        ("Crates.IO", "Crates.IO"),
        ("npm ", "npm "),
    ],
)
def test_ecosystems_that_can_be_evaluated_are_spelled_in_one_way(written: str, read: str) -> None:
    (entry,) = advisory("A-1", affected("Zope.Interface", ecosystem=written)).affected
    assert entry.ecosystem == read
    assert entry.name == ("zope-interface" if read == "PyPI" else "Zope.Interface")


def test_withdrawn_is_withdrawn_whenever_it_was() -> None:
    assert advisory("A-1", withdrawn="2020-01-01T00:00:00Z").withdrawn
    later = advisory("A-1", withdrawn="2999-01-01T00:00:00Z")
    assert (later.withdrawn, later.withdrawn_at) == (True, datetime(2999, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("more", "summary"),
    [
        pytest.param({"summary": "In short"}, "In short", id="a summary"),
        pytest.param({"details": "\n\n  First line. \nSecond."}, "First line.", id="details only"),
        pytest.param({"summary": "", "details": "First"}, "First", id="an empty summary"),
        pytest.param({}, "", id="neither"),
        pytest.param({"details": ""}, "", id="empty details"),
        pytest.param({"summary": "x" * 1000}, "x" * 300, id="a summary without end"),
        pytest.param({"summary": "one\ntwo"}, "one", id="a summary of two lines"),
    ],
)
def test_the_summary_is_one_line(more: dict[str, str], summary: str) -> None:
    assert advisory("A-1", **more).summary == summary


UNKNOWN_EVENTS: dict[str, tuple[dict[str, Any], str]] = {
    "a kind that nobody knows": ({"retracted": "1.0.0"}, "retracted"),
    "two members in one event": ({"introduced": "0", "fixed": "1.0.0"}, "introduced+fixed"),
    "an event of nothing": ({}, ""),
    "an unknown kind with more than text": ({"retracted": {"at": 1}}, "retracted"),
}


@pytest.mark.parametrize(("event", "kind"), UNKNOWN_EVENTS.values(), ids=UNKNOWN_EVENTS.keys())
def test_an_event_that_nobody_knows_is_kept(event: dict[str, Any], kind: str) -> None:
    found = advisory("A-1", affected("x", {"type": "SEMVER", "events": [{"introduced": "0"}, event]}))
    assert [item.kind for item in found.affected[0].ranges[0].events] == ["introduced", kind]


def test_a_range_type_that_nobody_knows_is_kept() -> None:
    found = advisory("A-1", affected("x", range_of(("introduced", "0"), kind="CALENDAR")))
    assert found.affected[0].ranges[0].type == "CALENDAR"


@pytest.mark.parametrize(
    ("written", "base"),
    [("Debian:12", "Debian"), ("Red Hat:rhel_e4s:9.2::appstream", "Red Hat"), ("npm", "npm"), ("", "")],
)
def test_an_ecosystem_ends_at_its_first_colon(written: str, base: str) -> None:
    assert base_ecosystem(written) == base


# -- severity ----------------------------------------------------------------------------------------------------------


RATED: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "nobody rated it": ({}, {}, "unknown"),
    "CVSS 3": ({"severity": [HIGH_V3]}, {}, "high"),
    "CVSS 3.0": ({"severity": [LOW_V3]}, {}, "low"),
    "CVSS 4": ({"severity": [CRITICAL_V4]}, {}, "critical"),
    "CVSS 2": ({"severity": [MEDIUM_V2]}, {}, "medium"),
    "CVSS 2, which has no critical": ({"severity": [HIGH_V2]}, {}, "high"),
    "4 counts before 3, whatever the order": ({"severity": [LOW_V3, CRITICAL_V4]}, {}, "critical"),
    "3 counts before 2": ({"severity": [HIGH_V2, LOW_V3]}, {}, "low"),
    "the worst of several of one kind": ({"severity": [LOW_V3, HIGH_V3]}, {}, "high"),
    "a broken 4 falls back to 3": ({"severity": [BROKEN_V4, HIGH_V3]}, {}, "high"),
    "a broken vector falls back to the word": ({"severity": [BROKEN_V4], **WORD}, {}, "medium"),
    "a vector of another version falls back": (
        {"severity": [{**CRITICAL_V4, "type": "CVSS_V3"}], **WORD},
        {},
        "medium",
    ),
    "a scale that nobody knows falls back": ({"severity": [{"type": "Ubuntu", "score": "high"}], **WORD}, {}, "medium"),
    "a number is no vector": ({"severity": [{"type": "CVSS_V3", "score": "9.8"}], **WORD}, {}, "medium"),
    "a score of nothing is low, not unknown": ({"severity": [ZERO_V3]}, {}, "low"),
    "a vector counts before a word": ({"severity": [LOW_V3], "database_specific": {"severity": "HIGH"}}, {}, "low"),
    "moderate is medium": (WORD, {}, "medium"),
    "words in lower case": ({"database_specific": {"severity": "critical"}}, {}, "critical"),
    "a word that nobody knows": ({"database_specific": {"severity": "dire"}}, {}, "unknown"),
    "a package's own vector": ({}, {"severity": [HIGH_V3]}, "high"),
    "a package's own vector counts before all": ({"severity": [LOW_V3]}, {"severity": [HIGH_V3]}, "high"),
    "a package's own word": ({}, {"database_specific": {"severity": "HIGH"}}, "high"),
    "a package's own word in its ecosystem's part": ({}, {"ecosystem_specific": {"severity": "LOW"}}, "low"),
    "an endless vector": ({"severity": [{"type": "CVSS_V3", "score": HIGH_V3["score"] + "/E:X" * 500}]}, {}, "unknown"),
    "a vector that is not ASCII": ({"severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/\u0410V:N"}]}, {}, "unknown"),
}


@pytest.mark.parametrize(("top", "own", "expected"), RATED.values(), ids=RATED.keys())
def test_severity(top: dict[str, Any], own: dict[str, Any], expected: str) -> None:
    assert severity_of(advisory("A-1", affected("x", **own), **top)) == expected


# -- what is refused ---------------------------------------------------------------------------------------------------


REFUSED: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "json.syntax"),
    "no JSON": (b"<html>", "json.syntax"),
    "an array": (b"[]", "osv.type"),
    "a key twice": (b'{"id":"A-1","id":"A-2","modified":"2026-01-01T00:00:00Z"}', "json.duplicate-key"),
    "bytes that are not UTF-8": (b'{"id":"\xff"}', "json.encoding"),
    "no id": (b'{"modified":"2026-01-01T00:00:00Z"}', "osv.missing"),
    "an empty id": (record_bytes(""), "osv.missing"),
    "an id that is a number": (b'{"id":1,"modified":"2026-01-01T00:00:00Z"}', "osv.type"),
    "an id with a slash": (record_bytes("../A-1"), "osv.id"),
    "an id with a line end": (record_bytes("A-1\n"), "osv.id"),
    "an id without end": (record_bytes("A" * 200), "osv.id"),
    "no time of the last change": (b'{"id":"A-1"}', "osv.missing"),
    "a time without an offset": (record_bytes("A-1", modified="2026-01-01T00:00:00"), "time.malformed"),
    "a withdrawal at no time": (record_bytes("A-1", withdrawn="yes"), "time.malformed"),
    "a withdrawal that is true": (record_bytes("A-1", withdrawn=True), "osv.type"),
    "aliases that are text": (record_bytes("A-1", aliases="B-1"), "osv.type"),
    "aliases that are numbers": (record_bytes("A-1", aliases=[1]), "osv.type"),
    "a summary that is a list": (record_bytes("A-1", summary=["x"]), "osv.type"),
    "affected that is an object": (json.dumps(record("A-1") | {"affected": {}}).encode(), "osv.type"),
    "an affected entry that is text": (json.dumps(record("A-1") | {"affected": ["x"]}).encode(), "osv.type"),
    "a package that is text": (json.dumps(record("A-1") | {"affected": [{"package": "x"}]}).encode(), "osv.type"),
    "a package without a name": (
        json.dumps(record("A-1") | {"affected": [{"package": {"ecosystem": "npm"}}]}).encode(),
        "osv.missing",
    ),
    "a package without an ecosystem": (
        json.dumps(record("A-1") | {"affected": [{"package": {"name": "x"}}]}).encode(),
        "osv.missing",
    ),
    "versions that are text": (record_bytes("A-1", affected("x", versions="1.0.0")), "osv.type"),
    "versions that are numbers": (record_bytes("A-1", affected("x", versions=[1.0])), "osv.type"),
    "ranges that are an object": (record_bytes("A-1", affected("x") | {"ranges": {}}), "osv.type"),
    "a range without a type": (record_bytes("A-1", affected("x", {"events": []})), "osv.missing"),
    "a range that is text": (record_bytes("A-1", affected("x") | {"ranges": ["<1"]}), "osv.type"),
    "events that are an object": (record_bytes("A-1", affected("x", {"type": "SEMVER", "events": {}})), "osv.type"),
    "an event that is text": (record_bytes("A-1", affected("x", {"type": "SEMVER", "events": ["0"]})), "osv.type"),
    "a bound that is a number": (
        record_bytes("A-1", affected("x", {"type": "SEMVER", "events": [{"introduced": 0}]})),
        "osv.type",
    ),
    "five megabytes": (record_bytes("A-1", details="x" * (5 << 20)), "json.too-large"),
    "nesting without end": (b'{"id":' + b"[" * 500 + b"]" * 500 + b"}", "json.depth"),
}


@pytest.mark.parametrize(("data", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_record_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(FormatError) as caught:
        read_advisory(data, where="A-1.json")
    assert caught.value.code == code
    assert caught.value.where is not None
    assert caught.value.where.startswith("A-1.json")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
MEMBERS = ["id", "aliases", "modified", "summary", "details", "severity", "database_specific", "affected", "withdrawn"]


@given(st.dictionaries(st.sampled_from(MEMBERS), JSON), st.lists(JSON, max_size=3))
def test_only_a_refusal_escapes(changed: dict[str, Any], entries: list[Any]) -> None:
    whole = record("A-1", affected("x", range_of(("introduced", "0")), database_specific=entries)) | changed
    try:
        found = read_advisory(json.dumps(whole).encode(), where="x")
    except VxsecError:
        return
    assert found.id == whole["id"]
