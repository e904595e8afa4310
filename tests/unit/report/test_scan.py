"""What people read after a scan: the worst first, totals that add up, a verdict, and nothing that acts on a terminal."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.published_schemas import published_errors
from support.scan_kit import NOW, Shelf, advisory, dependency, make_report, shelves, state
from vxsec.formats.npm_audit import AuditAdvisory
from vxsec.model.advisory import VulnerabilitySeverity
from vxsec.model.dependency import DependencySource
from vxsec.model.package import PackageRef
from vxsec.model.report.scan import DatabaseProblem, FailOn, ScanInputKind
from vxsec.model.report.signing import SignedFile
from vxsec.model.scan import NotEvaluatedReason
from vxsec.report.scan import harmless, render_scan, scan_document

if TYPE_CHECKING:
    from vxsec.model.report.scan import ScanReport

HOSTILE = "\x1b[31mred\x1b[0m\n::set-output name=a::b\r\n##[add-path]/tmp\u202ereversed\x00\u200b"
EVIL = advisory("MAL-2026-1", "evil", ("0", ""), summary="Malware in evil", severity=VulnerabilitySeverity.UNKNOWN)
FLAW = advisory("GHSA-aaaa-aaaa-aaaa", "flawed", ("0", "2.0.0"), aliases=("CVE-2026-1", "CVE-2026-2"))
VAGUE = advisory("GHSA-bbbb-bbbb-bbbb", "vague")
LOW = advisory("GHSA-llll-llll-llll", "lowly", ("0", ""), severity=VulnerabilitySeverity.LOW)


def text(report: ScanReport, *, verbose: bool = False) -> str:
    return "\n".join(render_scan(report, verbose=verbose))


def full() -> ScanReport:
    """A report with everything in it."""
    report = make_report(
        dependency("app@1.0.0", source=DependencySource.LOCAL, needs=("tool@1.0.0",)),
        dependency("tool@1.0.0", needs=("evil@1.0.0", "flawed@1.0.0"), dev=True),
        dependency("evil@1.0.0", dev=True, paths=("node_modules/evil",)),
        dependency("flawed@1.0.0", paths=("node_modules/flawed",)),
        dependency("vague@1.0.0"),
        dependency("git@1.0.0", source=DependencySource.GIT),
        dependency("fine@1.0.0"),
        advisories=(EVIL, FLAW, advisory("GHSA-cccc-cccc-cccc", "flawed"), VAGUE, LOW),
        roots=("app@1.0.0",),
        allowed=(NotEvaluatedReason.GIT,),
        notes=("npm audit names GHSA-1 for gone *",),
        as_of=True,
    )
    audit = replace(report.inputs[0], kind=ScanInputKind.NPM_AUDIT, file="audit.json")
    return replace(report, inputs=(replace(report.inputs[0], omitted=2),), audit=audit)


GIT_LINE = (
    "NOT EVALUATED  allowed  [git] 1 package: its files come from a git repository, and advisories are about releases"
)


def test_everything_is_told_in_its_order() -> None:
    assert text(full()).splitlines() == [
        "scanned package-lock.json: npm lockfile, 7 entries, 2 development tools left out",
        "scanned audit.json: npm audit report, a second source of findings",
        "judged as of 2026-11-21T12:00:00Z, not now",
        "npm advisories of 2026-11-21T07:00:00Z (5 hours old): 3 advisories from npm.zip",
        "allowed to stay without an answer: git",
        "MALWARE  evil@1.0.0  MAL-2026-1  development only",
        "    says: Malware in evil",
        "    fixed in: no version that is known",
        "    needed by: app@1.0.0 > tool@1.0.0 > evil@1.0.0",
        "HIGH  flawed@1.0.0  GHSA-aaaa-aaaa-aaaa (CVE-2026-1, CVE-2026-2)",
        "    says: A flaw",
        "    fixed in: 2.0.0",
        "    needed by: app@1.0.0 > tool@1.0.0 > flawed@1.0.0",
        "NOT EVALUATED  [advisory] 1 package: GHSA-bbbb-bbbb-bbbb names it without versions that can be compared",
        "    - vague@1.0.0",
        GIT_LINE,
        "    - git@1.0.0",
        "PARTLY EVALUATED  [advisory] 1 package: GHSA-cccc-cccc-cccc names it without versions that can be compared",
        "    - flawed@1.0.0",
        "note: npm audit names GHSA-1 for gone *",
        "7 packages: 2 clean + 1 affected + 1 malicious + 1 local + 2 not evaluated",
        "NOT CLEAN: 2 findings at or above low, 1 of them malware",
    ]


TOTALS = re.compile(
    r"(\d+) packages?: (\d+) clean \+ (\d+) affected \+ (\d+) malicious \+ (\d+) local \+ (\d+) not evaluated"
)


def test_the_totals_add_up() -> None:
    found = TOTALS.search(text(full()))
    assert found is not None
    total, *parts = map(int, found.groups())
    assert total == sum(parts) == 7


ENDS = {
    "nothing at all": (make_report(), 0, "CLEAN"),
    "everything clean": (make_report(dependency("fine@1.0.0")), 0, "CLEAN"),
    "a finding at the threshold": (
        make_report(dependency("lowly@1.0.0"), advisories=(LOW,)),
        11,
        "NOT CLEAN: 1 finding at or above low, 0 of them malware",
    ),
    "a finding below the threshold": (
        make_report(dependency("lowly@1.0.0"), advisories=(LOW,), fail_on=FailOn.HIGH),
        0,
        "PASSED: 1 finding below high",
    ),
    "only malware fails, and there is none": (
        make_report(dependency("flawed@1.0.0"), advisories=(FLAW,), fail_on=FailOn.MALWARE),
        0,
        "PASSED: 1 finding below malware",
    ),
    "only malware fails, and there is some": (
        make_report(dependency("evil@1.0.0"), advisories=(EVIL,), fail_on=FailOn.MALWARE),
        11,
        "NOT CLEAN: 1 finding, 1 of them malware",
    ),
    "no answer": (
        make_report(dependency("vague@1.0.0"), advisories=(VAGUE,)),
        4,
        "NOT DECIDED: 1 package could not be evaluated",
    ),
    "no answer, allowed": (
        make_report(dependency("vague@1.0.0"), advisories=(VAGUE,), allowed=(NotEvaluatedReason.ADVISORY,)),
        0,
        "PASSED: 1 not evaluated, which was allowed",
    ),
    "no answer beside a finding below the threshold": (
        make_report(
            dependency("lowly@1.0.0"),
            advisories=(LOW, advisory("GHSA-x", "lowly")),
            fail_on=FailOn.HIGH,
        ),
        4,
        "NOT DECIDED: 1 package could not be evaluated",
    ),
    "a finding comes before no answer": (
        make_report(dependency("vague@1.0.0"), dependency("evil@1.0.0"), advisories=(VAGUE, EVIL)),
        11,
        "NOT CLEAN: 1 finding at or above low, 1 of them malware",
    ),
    "a bad database, where everything else is decided": (
        make_report(problems=(DatabaseProblem(ecosystem="npm", code="db.too-old", message="old", hint=None),)),
        4,
        "NOT DECIDED: 0 packages could not be evaluated",
    ),
}


@pytest.mark.parametrize(("report", "status", "verdict"), ENDS.values(), ids=ENDS.keys())
def test_the_verdict_is_the_exit_status_in_words(report: ScanReport, status: int, verdict: str) -> None:
    assert (report.exit_status, text(report).splitlines()[-1]) == (status, verdict)
    document = scan_document(report)
    assert document["exitStatus"] == status
    assert document["verdict"] == {0: "passed", 4: "not-decided", 11: "not-clean"}[status]


@pytest.mark.parametrize(
    ("severity", "word", "reached"),
    [
        ("low", "LOW", "low"),
        ("medium", "MEDIUM", "low medium"),
        ("high", "HIGH", "low medium high"),
        ("critical", "CRITICAL", "low medium high critical"),
        ("unknown", "UNRATED", "low medium high critical"),
    ],
)
def test_a_severity_reaches_its_threshold_and_what_nobody_rated_reaches_all(
    severity: str, word: str, reached: str
) -> None:
    one = advisory("GHSA-1", "a", ("0", ""), severity=VulnerabilitySeverity(severity))
    report = make_report(dependency("a@1.0.0"), advisories=(one,))
    assert f"{word}  a@1.0.0  GHSA-1" in text(report)
    failing = [level.value for level in FailOn if replace(report, fail_on=level).failing]
    assert failing == reached.split()


def test_malware_reaches_every_threshold() -> None:
    report = make_report(dependency("evil@1.0.0"), advisories=(EVIL,))
    assert all(replace(report, fail_on=level).exit_status == 11 for level in FailOn)


@pytest.mark.parametrize(
    ("dependencies", "what"),
    [
        ((), "no dependencies"),
        ((dependency("w@1", source=DependencySource.LOCAL),), "no packages but the project's own"),
    ],
    ids=["nothing", "only workspaces"],
)
def test_nothing_to_look_up_is_clean_and_says_so(dependencies: tuple[object, ...], what: str) -> None:
    told = text(make_report(*dependencies))  # type: ignore[arg-type]  # the rows above hold dependencies
    assert f"nothing to look up: what was scanned lists {what}; no advisory database was asked" in told
    assert told.endswith("CLEAN")


def test_a_bad_database_is_told_once_with_its_next_step_and_few_packages() -> None:
    old = state(exported_at=NOW - timedelta(days=9))
    report = make_report(
        *(dependency(f"p{number}@1.0.0") for number in range(9)),
        lookup=shelves(npm=Shelf((), old)),
        problems=(DatabaseProblem(ecosystem="npm", code="db.too-old", message="old", hint="vxsec db update"),),
    )
    told = text(report)
    assert "DATABASE  [db.too-old] old\n    next: vxsec db update" in told
    assert told.count("    - p") == 3
    assert "    and 6 more" in told
    assert text(report, verbose=True).count("    - p") == 9


def test_data_from_the_future_is_called_that() -> None:
    ahead = state(exported_at=NOW + timedelta(days=9))
    report = make_report(dependency("a@1.0.0"), lookup=shelves(npm=Shelf((), ahead)))
    assert "(in the future)" in text(report)


def test_long_lists_end_and_say_what_is_left() -> None:
    names = [f"p{number:03}" for number in range(60)]
    known = [advisory(f"GHSA-{name}", name, ("0", "")) for name in names]
    report = make_report(
        *(dependency(f"{name}@1.0.0") for name in names),
        *(dependency(f"g{number}@1", source=DependencySource.GIT) for number in range(60)),
        advisories=known,
        notes=tuple(f"note {number}" for number in range(60)),
    )
    told = text(report)
    assert "and 10 more findings (-v and --json show all)" in told
    assert "    and 10 more (-v and --json show all)" in told
    assert "and 10 more notes (-v and --json show all)" in told
    assert "more" not in text(report, verbose=True)


def test_a_package_itself_and_its_source_are_named() -> None:
    evil = PackageRef(name="evil", version="1.0.0")
    report = make_report(
        dependency("evil@1.0.0", paths=("node_modules/evil",)),
        dependency("x@^1", source=DependencySource.RANGE, known=False),
        advisories=(EVIL,),
        file="evil-1.0.0.tgz",
        kind=ScanInputKind.NPM_PACKAGE,
        package=evil,
    )
    told = text(report, verbose=True)
    assert "npm package evil@1.0.0, and no lockfile or SBOM says which versions it brings along" in told
    assert "    it is the package that was scanned" in told
    assert "    at: node_modules/evil" in told
    resolved = replace(report, inputs=(replace(report.inputs[0], dependencies_from="package-lock.json"),))
    assert "npm package evil@1.0.0, dependencies from package-lock.json" in text(resolved)


def test_what_npm_says_is_marked_and_the_project_itself_is_named() -> None:
    said = AuditAdvisory(id="GHSA-1", name="a", title="", severity=VulnerabilitySeverity.LOW, range="*", malware=False)
    report = make_report(dependency("a@1.0.0"), audit=[said], roots=("a@1.0.0",), fail_on=FailOn.HIGH)
    told = text(report)
    assert "LOW  a@1.0.0  GHSA-1  below high\n    says: nothing" in told
    assert "    needed by: asked for by the project\n    known from: npm-audit" in told


def test_many_dependents_are_counted() -> None:
    roots = tuple(f"r{number}@1.0.0" for number in range(9))
    report = make_report(
        *(dependency(name, needs=("evil@1.0.0",)) for name in roots),
        dependency("evil@1.0.0"),
        advisories=(EVIL,),
        roots=roots,
    )
    assert "    needed by: 6 more packages" in text(report)
    assert "    needed by: 4 more packages" in text(report, verbose=True)


def test_an_attestation_is_told() -> None:
    made = SignedFile(file="a.tgz", subject="pkg:npm/a@1", predicate_type="urn:x", key_hint="h", bundle="a.jsonl")
    report = make_report(
        dependency("a@1.0.0"),
        file="a.tgz",
        kind=ScanInputKind.NPM_PACKAGE,
        package=PackageRef(name="a", version="1.0.0"),
        attested=(made,),
    )
    assert "attested  pkg:npm/a@1 in a.jsonl" in text(report)
    assert "scanned a.tgz: npm package a@1.0.0\n" in text(report)
    assert published_errors(json.loads(json.dumps(scan_document(report)))) == []


def test_a_report_without_routes_still_names_its_findings() -> None:
    report = replace(make_report(dependency("evil@1.0.0"), advisories=(EVIL,)), routes={})
    assert "needed by" not in text(report)
    (finding,) = json.loads(json.dumps(scan_document(report)))["findings"]
    assert (finding["neededBy"], finding["direct"], finding["dev"]) == ([], False, False)


# -- hostile text --------------------------------------------------------------------------------------------------------


def hostile_report(words: str) -> ScanReport:
    known = advisory(f"GHSA-{words}", "evil", ("0", ""), summary=words, aliases=(words,))
    said = AuditAdvisory(
        id=words, name="a", title=words, severity=VulnerabilitySeverity.LOW, range=words, malware=False
    )
    return make_report(
        dependency("evil@1.0.0", paths=(words,), key="k"),
        dependency(f"{words}@1", source=DependencySource.GIT, paths=(words,)),
        dependency(f"root{words}@1", needs=("k",)),
        dependency("a@1.0.0"),
        advisories=(known,),
        roots=(f"root{words}@1",),
        file=words,
        audit=[said],
        notes=(words,),
        problems=(DatabaseProblem(ecosystem=words, code="db.missing", message=words, hint=words),),
        lookup=shelves(npm=Shelf((known,), replace(state(), source=words))),
    )


HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def assert_harmless(told: str) -> None:
    for line in told.split("\n"):
        assert not HIDDEN & set(map(unicodedata.category, line)), line
        assert not line.lstrip().startswith("::"), line
        assert "##[" not in line, line
        assert len(line) < 3_000


def test_foreign_text_acts_on_no_terminal_and_no_runner() -> None:
    assert_harmless(text(hostile_report(HOSTILE), verbose=True))
    assert "\\x1b[31mred" in text(hostile_report(HOSTILE))


@given(
    st.text(max_size=20).map(lambda drawn: drawn or "x"), st.sampled_from(["::error::", "##[set-env]", "\n", "\x9b"])
)
def test_no_foreign_text_begins_a_line_or_a_command(drawn: str, start: str) -> None:
    assert_harmless(text(hostile_report(start + drawn), verbose=True))


def test_long_foreign_text_is_cut() -> None:
    assert len(harmless("x" * 100_000)) == 300
    assert harmless("x" * 300) == "x" * 300


# -- JSON ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("report", [full(), make_report(), hostile_report(HOSTILE)], ids=["full", "empty", "hostile"])
def test_the_document_is_what_the_schema_says(report: ScanReport) -> None:
    document = json.loads(json.dumps(scan_document(report)))
    assert published_errors(document) == []


def test_a_file_name_that_is_no_text_can_be_written() -> None:
    document = scan_document(make_report(file="a\udcff.json"))
    assert json.loads(json.dumps(document))["inputs"][0]["file"] == "a\\udcff.json"


def test_the_document_has_routes_and_thresholds() -> None:
    document = json.loads(json.dumps(scan_document(full())))
    evil, flawed = document["findings"]
    assert (evil["dev"], evil["direct"], evil["fails"]) == (True, False, True)
    assert evil["neededBy"] == [["app@1.0.0", "tool@1.0.0", "evil@1.0.0"]]
    assert flawed["published"] == "2026-11-21T12:00:00Z"
    assert [(item["reason"], item["allowed"]) for item in document["notEvaluated"]] == [
        ("advisory", False),
        ("git", True),
    ]
    assert document["audit"]["file"] == "audit.json"
