"""npm's audit report: every advisory is read, every refusal has its code, and nothing npm calls vulnerable is lost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vxsec.errors import FormatError, NothingToJudgeError, UndecidedError, VxsecError
from vxsec.formats.npm_audit import AuditAdvisory, read_npm_audit
from vxsec.model.advisory import VulnerabilitySeverity

VIA: dict[str, Any] = {
    "source": 1106913,
    "name": "lodash",
    "dependency": "lodash",
    "title": "Command Injection in lodash",
    "url": "https://github.com/advisories/GHSA-35jh-r3h4-6jhm",
    "severity": "high",
    "cwe": ["CWE-77", "CWE-94"],
    "cvss": {"score": 7.2, "vectorString": "CVSS:3.1/AV:N/AC:L/PR:H/UI:N/S:U/C:H/I:H/A:H"},
    "range": "<4.17.21",
}


def entry(*via: object, name: str = "lodash") -> dict[str, Any]:
    return {
        "name": name,
        "severity": "high",
        "isDirect": True,
        "via": list(via),
        "effects": [],
        "range": "<4.17.21",
        "nodes": [f"node_modules/{name}"],
        "fixAvailable": True,
    }


def report(**vulnerabilities: object) -> bytes:
    return json.dumps({"auditReportVersion": 2, "vulnerabilities": vulnerabilities, "metadata": {}}).encode()


def only(via: dict[str, Any], name: str = "lodash") -> AuditAdvisory:
    (found,) = read_npm_audit(report(**{name: entry(via, name=name)}), where="audit.json").advisories
    return found


def test_an_advisory_as_npm_writes_it() -> None:
    assert only(VIA) == AuditAdvisory(
        id="GHSA-35jh-r3h4-6jhm",
        name="lodash",
        title="Command Injection in lodash",
        severity=VulnerabilitySeverity.HIGH,
        range="<4.17.21",
        malware=False,
    )


def test_the_same_advisory_in_two_entries_is_one_and_names_are_routes() -> None:
    data = report(lodash=entry(VIA), other=entry("lodash", name="other"), third=entry("lodash", VIA, name="third"))
    found = read_npm_audit(data, where="audit.json")
    assert [one.id for one in found.advisories] == ["GHSA-35jh-r3h4-6jhm"]
    assert found.packages == ("other", "third")


def lone(name: str, *via: object, **more: object) -> dict[str, Any]:
    return entry(*via, name=name) | more


@pytest.mark.parametrize(
    ("entries", "stated"),
    [
        pytest.param({"foo": lone("foo", "bar")}, ["npm-audit-foo"], id="a name the report says nothing of"),
        pytest.param({"foo": lone("foo", "foo")}, ["npm-audit-foo"], id="a package that blames itself"),
        pytest.param(
            {"a": lone("a", "b"), "b": lone("b", "a"), "c": lone("c", "b")},
            ["npm-audit-a", "npm-audit-b", "npm-audit-c"],
            id="packages that blame one another",
        ),
        pytest.param(
            {"lodash": lone("lodash", VIA, "gone")},
            ["GHSA-35jh-r3h4-6jhm", "npm-audit-lodash"],
            id="a name that is missing beside an advisory",
        ),
        pytest.param(
            {"a": lone("a", "b"), "b": lone("b", "a", "lodash"), "lodash": lone("lodash", VIA)},
            ["GHSA-35jh-r3h4-6jhm"],
            id="a circle that an advisory leads into",
        ),
    ],
)
def test_an_entry_that_leads_to_no_advisory_is_one(entries: dict[str, Any], stated: list[str]) -> None:
    found = read_npm_audit(report(**entries), where="audit.json")
    assert [one.id for one in found.advisories] == stated


@pytest.mark.parametrize(
    ("more", "severity", "range_"),
    [
        pytest.param({"severity": "critical", "range": "<2"}, "critical", "<2", id="as npm states them"),
        pytest.param({"severity": "dire"}, "unknown", "<4.17.21", id="a word npm does not know is unrated"),
        pytest.param({"severity": None, "range": None}, "high", "*", id="nothing stated is high, and every version"),
    ],
)
def test_an_entry_without_an_advisory_has_what_npm_states(more: dict[str, Any], severity: str, range_: str) -> None:
    own = {key: value for key, value in lone("foo", "bar", **more).items() if value is not None}
    (found,) = read_npm_audit(report(foo=own), where="audit.json").advisories
    assert (found.name, found.severity, found.range, found.malware) == ("foo", severity, range_, False)
    assert "does not hold the advisory" in found.title


@pytest.mark.parametrize(
    ("change", "member", "expected"),
    [
        pytest.param({"severity": "info"}, "severity", "low", id="info is low"),
        pytest.param({"severity": "low"}, "severity", "low", id="low is low"),
        pytest.param({"severity": "moderate"}, "severity", "medium", id="moderate is medium"),
        pytest.param({"severity": "critical"}, "severity", "critical", id="critical is critical"),
        pytest.param({"severity": None}, "severity", "high", id="none stated is high, as npm reads it"),
        pytest.param({"severity": "none"}, "severity", "unknown", id="a word npm does not know is unrated, never low"),
        pytest.param({"range": None}, "range", "*", id="no range is every version, as npm reads it"),
        pytest.param({"title": None}, "title", "", id="a title is not needed"),
        pytest.param({"name": None}, "name", "lodash", id="the entry's name stands in for the advisory's own"),
        pytest.param({"name": "@a/b"}, "name", "@a/b", id="the advisory's own name counts"),
        pytest.param({"cwe": None}, "malware", False, id="no weakness is no malware"),
        pytest.param({"cwe": "CWE-506"}, "malware", True, id="embedded malicious code, as one word"),
        pytest.param({"cwe": ["CWE-506"]}, "malware", True, id="embedded malicious code, in a list"),
        pytest.param({"url": None}, "id", "npm-1106913", id="without a URL npm's number"),
        pytest.param({"url": "https://e.example.test/1"}, "id", "npm-1106913", id="another URL says nothing"),
        pytest.param(
            {"url": None, "source": "GHSA-35jh-r3h4-6jhm"}, "id", "GHSA-35jh-r3h4-6jhm", id="a GHSA as source"
        ),
        pytest.param({"url": "https://e.example.test/GHSA-35jh-r3h4-6jhm/"}, "id", "GHSA-35jh-r3h4-6jhm", id="a slash"),
        pytest.param({"url": "https://e.example.test/GHSA-AAAA-0000"}, "id", "npm-1106913", id="not quite a GHSA"),
    ],
)
def test_what_is_left_out_is_read_as_npm_reads_it(change: dict[str, Any], member: str, expected: object) -> None:
    via = {key: value for key, value in (VIA | change).items() if value is not None}
    assert getattr(only(via), member) == expected


def test_a_report_without_vulnerabilities_has_no_advisories() -> None:
    assert read_npm_audit(report(), where="audit.json").advisories == ()


def test_javascript_names_are_names() -> None:
    found = only(VIA | {"name": "__proto__"}, name="__proto__")
    assert found.name == "__proto__"


LEGACY = {"actions": [], "advisories": {"1": {}}, "muted": [], "metadata": {}}


@pytest.mark.parametrize(
    ("document", "kind", "code"),
    [
        pytest.param(
            {"error": {"code": "ENOLOCK", "summary": "no lock"}}, UndecidedError, "audit.error", id="npm's error"
        ),
        pytest.param(
            {"message": "405", "error": {"summary": "", "detail": ""}}, UndecidedError, "audit.error", id="405"
        ),
        pytest.param({"error": "offline"}, UndecidedError, "audit.error", id="an error that is text"),
        pytest.param({"error": {}}, UndecidedError, "audit.error", id="an error that says nothing"),
        pytest.param(
            {"auditReportVersion": 2, "vulnerabilities": {}, "error": {}}, UndecidedError, "audit.error", id="both"
        ),
        pytest.param(LEGACY, NothingToJudgeError, "audit.unsupported", id="npm 6"),
        pytest.param({"auditReportVersion": 1}, NothingToJudgeError, "audit.unsupported", id="version 1"),
        pytest.param({"auditReportVersion": 3}, NothingToJudgeError, "audit.unsupported", id="a version to come"),
        pytest.param({"auditReportVersion": "2"}, NothingToJudgeError, "audit.unsupported", id="a version as text"),
        pytest.param({"auditReportVersion": True}, NothingToJudgeError, "audit.unsupported", id="a version of true"),
        pytest.param({}, FormatError, "audit.malformed", id="an empty object"),
        pytest.param({"lockfileVersion": 3, "packages": {}}, FormatError, "audit.malformed", id="a lockfile"),
        pytest.param({"auditReportVersion": 2}, FormatError, "audit.malformed", id="no vulnerabilities at all"),
        pytest.param({"auditReportVersion": 2, "vulnerabilities": []}, FormatError, "audit.malformed", id="a list"),
        pytest.param([], FormatError, "json.type", id="no object"),
    ],
)
def test_what_is_no_report_of_this_kind_is_refused(document: object, kind: type[VxsecError], code: str) -> None:
    with pytest.raises(kind) as caught:
        read_npm_audit(json.dumps(document).encode(), where="audit.json")
    assert (caught.value.code, caught.value.where is not None) == (code, True)
    assert caught.value.hint


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param({"name": "x"}, id="no via"),
        pytest.param({"via": []}, id="an empty via, which would lose a vulnerable package"),
        pytest.param({"via": {}}, id="a via that is no list"),
        pytest.param({"via": [1]}, id="a number in via"),
        pytest.param({"via": [None]}, id="nothing in via"),
        pytest.param({"via": [{"title": "x"}]}, id="an advisory without any identifier"),
        pytest.param({"via": [{"source": True}]}, id="true as identifier"),
        pytest.param({"via": [{"source": {}}]}, id="an object as identifier"),
        pytest.param({"via": [VIA | {"range": 1}]}, id="a number as range"),
        pytest.param({"via": [VIA | {"url": 1}]}, id="a number as URL"),
        pytest.param({"via": [VIA | {"name": []}]}, id="a list as name"),
        pytest.param({"via": [VIA | {"severity": 9}]}, id="a number as severity"),
        pytest.param({"via": [VIA | {"cwe": [1]}]}, id="a number as weakness"),
        pytest.param({"via": [VIA | {"title": 1}]}, id="a number as title"),
        pytest.param({"via": ["gone"], "severity": 9}, id="a number as the severity of an entry without an advisory"),
        pytest.param({"via": ["gone"], "range": []}, id="a list as the range of an entry without an advisory"),
    ],
)
def test_a_malformed_entry_is_refused_whole(broken: dict[str, Any]) -> None:
    with pytest.raises(FormatError) as caught:
        read_npm_audit(report(lodash=broken), where="audit.json")
    assert caught.value.code == "audit.malformed"
    assert "lodash" in str(caught.value)


def test_npms_own_words_are_told_once_on_one_line_and_cut() -> None:
    error = {"code": "E\n405", "summary": "no\taudit", "detail": "x" * 500}
    with pytest.raises(UndecidedError) as caught:
        read_npm_audit(json.dumps({"error": error, "message": "no audit"}).encode(), where="a")
    assert caught.value.message.startswith("npm could not audit: E 405; no audit; xxx")
    assert len(caught.value.message) < 240


@pytest.mark.parametrize("data", [b"", b"{", b'{"a":1,"a":2}', b"\xff", b"npm error code ENOLOCK"])
def test_what_is_no_json_is_refused(data: bytes) -> None:
    with pytest.raises(FormatError) as caught:
        read_npm_audit(data, where="audit.json")
    assert caught.value.code.startswith("json.")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["a", "__proto__"]), st.fixed_dictionaries({"via": JSON}) | JSON, max_size=2))
def test_only_our_own_errors_escape(entries: dict[str, object]) -> None:
    try:
        found = read_npm_audit(json.dumps({"auditReportVersion": 2, "vulnerabilities": entries}).encode(), where="a")
    except VxsecError:
        return
    assert len(found.advisories) + len(found.packages) >= bool(entries)
