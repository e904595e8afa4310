"""SARIF: valid by the published schema, the same verdict, and locations that never lead out of the project."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.scan_kit import Shelf, advisory, dependency, make_report, shelves
from vxsec.model.advisory import VulnerabilitySeverity
from vxsec.model.dependency import DependencySource
from vxsec.model.report.scan import DatabaseProblem, FailOn, ScanInputKind
from vxsec.model.scan import NotEvaluatedReason
from vxsec.report.sarif import sarif_document

if TYPE_CHECKING:
    from vxsec.model.report.scan import ScanReport

SCHEMA = Path(__file__).parents[4] / "shared" / "schemas" / "sarif-2.1.0.schema.json"
HOSTILE = "\x1b[31m](javascript:alert(1)) [x](0) {0}\n::error::##[add-path]\u202e"
EVIL = advisory("MAL-2026-1", "evil", ("0", ""), summary="Malware", severity=VulnerabilitySeverity.UNKNOWN)
FLAW = advisory("GHSA-aaaa-aaaa-aaaa", "flawed", ("0", "2.0.0"))
LOW = advisory("GHSA-llll-llll-llll", "lowly", ("0", ""), severity=VulnerabilitySeverity.LOW)


def sarif(report: ScanReport) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(sarif_document(report, version="1.2.3")))
    return document


def run_of(report: ScanReport) -> dict[str, Any]:
    (run,) = sarif(report)["runs"]
    assert isinstance(run, dict)
    return run


def full() -> ScanReport:
    return make_report(
        dependency("evil@1.0.0", paths=("node_modules/evil",), dev=True),
        dependency("flawed@1.0.0", paths=("node_modules/b/node_modules/flawed", "node_modules/flawed")),
        dependency("lowly@1.0.0"),
        dependency("git@1", source=DependencySource.GIT),
        dependency("url@1", source=DependencySource.URL),
        advisories=(EVIL, FLAW, LOW),
        roots=("evil@1.0.0",),
        lines={"node_modules/evil": 12, "node_modules/flawed": 7, "node_modules/b/node_modules/flawed": 30},
        allowed=(NotEvaluatedReason.URL,),
        notes=("an audit of something else",),
        problems=(DatabaseProblem(ecosystem="pypi", code="db.missing", message="no database", hint=None),),
    )


def hostile(words: str) -> ScanReport:
    known = advisory(f"GHSA-{words}", "evil", ("0", ""), summary=words, aliases=(words,))
    return make_report(
        dependency("evil@1.0.0", paths=(words,), key="k"),
        dependency(f"{words}@1", source=DependencySource.GIT),
        dependency(f"root{words}@1", needs=("k",)),
        roots=(f"root{words}@1",),
        file=words,
        uri=words,
        notes=(words,),
        problems=(DatabaseProblem(ecosystem="npm", code="db.missing", message=words, hint=None),),
        lookup=shelves(npm=Shelf((known,))),
    )


REPORTS = {
    "everything": full(),
    "nothing": make_report(),
    "hostile text": hostile(HOSTILE),
    "a package": make_report(dependency("evil@1.0.0"), advisories=(EVIL,), kind=ScanInputKind.NPM_PACKAGE, uri="a.tgz"),
    "two files": replace(full(), inputs=(full().inputs[0], replace(full().inputs[0], uri="sub/package-lock.json"))),
}


@pytest.mark.shared
@pytest.mark.skipif(not SCHEMA.exists(), reason="the data folder beside the checkout is absent")
@pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS.keys())
def test_it_is_what_the_published_schema_says(report: ScanReport) -> None:
    import jsonschema_rs

    schema = json.loads(SCHEMA.read_bytes())
    errors = [error.message for error in jsonschema_rs.validator_for(schema).iter_errors(sarif(report))]
    assert errors == []
    broken = sarif(report)
    broken["runs"][0]["tool"] = {}
    assert not jsonschema_rs.validator_for(schema).is_valid(broken)


def test_results_are_the_findings_with_their_lines() -> None:
    run = run_of(full())
    told = [
        (
            one["ruleId"],
            one["level"],
            one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
            one["locations"][0]["physicalLocation"]["region"]["startLine"],
        )
        for one in run["results"]
    ]
    assert told == [
        ("MAL-2026-1", "error", "package-lock.json", 12),
        ("GHSA-aaaa-aaaa-aaaa", "error", "package-lock.json", 7),
        ("GHSA-llll-llll-llll", "note", "package-lock.json", 1),
    ]
    assert run["results"][0]["message"]["text"] == (
        "evil@1.0.0: Malware (malware, MAL-2026-1). No fixed version is known. "
        "Needed by evil@1.0.0, by development tools only."
    )
    assert (
        run["results"][1]["message"]["text"]
        == "flawed@1.0.0: A flaw (severity high, GHSA-aaaa-aaaa-aaaa). Fixed in 2.0.0."
    )


def test_rules_are_one_for_each_identifier_and_rated() -> None:
    run = run_of(full())
    rules = run["tool"]["driver"]["rules"]
    assert [(rule["id"], rule["properties"]["security-severity"]) for rule in rules] == [
        ("GHSA-aaaa-aaaa-aaaa", "8.0"),
        ("GHSA-llll-llll-llll", "2.0"),
        ("MAL-2026-1", "10.0"),
    ]
    assert rules[2]["properties"]["tags"] == ["security", "malware"]
    assert all(rules[one["ruleIndex"]]["id"] == one["ruleId"] for one in run["results"])
    assert rules[0]["helpUri"] == "https://osv.dev/vulnerability/GHSA-aaaa-aaaa-aaaa"


def test_a_rule_is_rated_as_its_worst_result() -> None:
    affected = FLAW.affected[0]
    both = replace(
        FLAW,
        affected=(
            replace(affected, name="a", severity=VulnerabilitySeverity.LOW),
            replace(affected, name="b", severity=VulnerabilitySeverity.CRITICAL),
        ),
    )
    run = run_of(make_report(dependency("a@1.0.0"), dependency("b@1.0.0"), advisories=(both,)))
    (rule,) = run["tool"]["driver"]["rules"]
    assert rule["defaultConfiguration"]["level"] == "error"
    assert [one["level"] for one in run["results"]] == ["error", "note"]


def test_what_has_no_answer_is_a_notification_and_no_success() -> None:
    run = run_of(full())
    (invocation,) = run["invocations"]
    assert (invocation["executionSuccessful"], invocation["exitCode"]) == (False, 11)
    told = [(one["descriptor"]["id"], one["level"]) for one in invocation["toolExecutionNotifications"]]
    assert told == [
        ("db.missing", "error"),
        ("not-evaluated.git", "error"),
        ("not-evaluated.url", "note"),
        ("note", "note"),
    ]


@pytest.mark.parametrize(
    ("report", "success"),
    [
        (make_report(), True),
        (make_report(dependency("evil@1.0.0"), advisories=(EVIL,)), True),
        (make_report(dependency("g@1", source=DependencySource.GIT)), False),
        (make_report(dependency("g@1", source=DependencySource.GIT), allowed=(NotEvaluatedReason.GIT,)), True),
        (make_report(problems=(DatabaseProblem(ecosystem="npm", code="c", message="m", hint=None),)), False),
    ],
    ids=["clean", "findings", "no answer", "no answer, allowed", "a bad database"],
)
def test_success_means_that_everything_has_its_answer(report: ScanReport, success: bool) -> None:
    (invocation,) = run_of(report)["invocations"]
    assert (invocation["executionSuccessful"], invocation["exitCode"]) == (success, report.exit_status)


def test_fingerprints_tell_findings_apart_and_repeat() -> None:
    first, again = run_of(REPORTS["two files"]), run_of(REPORTS["two files"])
    marks = [one["partialFingerprints"]["vxsec/v1"] for one in first["results"]]
    assert len(set(marks)) == len(marks) == 6
    assert marks == [one["partialFingerprints"]["vxsec/v1"] for one in again["results"]]


def test_the_line_belongs_to_the_version_of_that_file() -> None:
    one = dependency("flawed@1.0.0", paths=("node_modules/flawed",))
    report = make_report(one, advisories=(FLAW,), lines={"node_modules/flawed": 5})
    other = replace(
        report.inputs[0],
        uri="other/package-lock.json",
        graph=replace(
            report.inputs[0].graph,
            dependencies=(
                dependency("flawed@3.0.0", paths=("node_modules/flawed",)),
                dependency("flawed@1.0.0", paths=("node_modules/b/node_modules/flawed",)),
                dependency("unknown", known=False),
            ),
        ),
        lines={"node_modules/flawed": 40, "node_modules/b/node_modules/flawed": 50},
    )
    run = run_of(replace(report, inputs=(*report.inputs, other)))
    lines = [one["locations"][0]["physicalLocation"]["region"]["startLine"] for one in run["results"]]
    assert lines == [5, 50]


def test_an_archive_has_no_lines() -> None:
    (result,) = run_of(REPORTS["a package"])["results"]
    assert "region" not in result["locations"][0]["physicalLocation"]


def test_the_threshold_marks_results_and_leaves_them_in() -> None:
    run = run_of(replace(full(), fail_on=FailOn.HIGH))
    assert [one["properties"]["fails"] for one in run["results"]] == [True, True, False]


# -- hostile text and paths ----------------------------------------------------------------------------------------------

PATHS = {
    "spaces and percent": ("a b%41.json", "a%20b%2541.json"),
    "a scheme": ("javascript:alert(1)", "javascript%3Aalert%281%29"),
    "a drive": ("C:/x", "C%3A/x"),
    "a query and a fragment": ("a?b#c", "a%3Fb%23c"),
    "a line break": ("a\n::error::", "a%0A%3A%3Aerror%3A%3A"),
    "backslashes": ("..\\..\\etc", "..%5C..%5Cetc"),
    "a way up": ("../../etc/passwd", "etc/passwd"),
    "another host": ("//evil.example.test/x", "evil.example.test/x"),
    "the root": ("/etc/passwd", "etc/passwd"),
    "nothing": ("", "input"),
    "dots": ("./..", "input"),
    "bytes that are no text": ("a\udcff", "a%FF"),
    "markup": ("<script>.json", "%3Cscript%3E.json"),
}


@pytest.mark.parametrize(("path", "uri"), PATHS.values(), ids=PATHS.keys())
def test_a_location_stays_below_the_project(path: str, uri: str) -> None:
    run = run_of(make_report(dependency("evil@1.0.0"), advisories=(EVIL,), uri=path))
    assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri
    assert run["artifacts"][0]["location"]["uri"] == uri


@given(st.text(max_size=30))
def test_any_path_is_a_relative_reference(path: str) -> None:
    try:
        path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return  # no file system gives such a name
    uri = run_of(make_report(uri=path))["artifacts"][0]["location"]["uri"]
    split = urlsplit(uri)
    assert (split.scheme, split.netloc, split.query, split.fragment) == ("", "", "", "")
    assert uri
    assert not uri.startswith("/")
    assert ".." not in [unquote(segment) for segment in uri.split("/")]


def texts(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in texts(item)]
    return [value] if isinstance(value, str) else []


def test_foreign_text_forms_no_link_no_command_and_no_escape() -> None:
    for text in texts(sarif(hostile(HOSTILE))):
        assert "](" not in text
        assert "##[" not in text
        assert text.isprintable()
        assert not text.startswith("::")


def test_a_hostile_identifier_has_no_page() -> None:
    (rule,) = run_of(hostile(HOSTILE))["tool"]["driver"]["rules"]
    assert "helpUri" not in rule
