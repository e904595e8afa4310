"""npm's audit against the versions that were scanned."""

from __future__ import annotations

import pytest

from support.scan_kit import Shelf, advisory, dependency, shelves
from vxsec.formats.npm_audit import AuditAdvisory
from vxsec.model.advisory import VulnerabilitySeverity
from vxsec.model.package import PackageRef
from vxsec.model.scan import NotEvaluatedReason, Vulnerability
from vxsec.scanning.audit import match_audit, merge_audit, unmatched_audit
from vxsec.scanning.scan import scan_dependencies

LONG = " || ".join(f"1.0.{number}" for number in range(200))


def stated(range_: str = "*", *, identifier: str = "GHSA-zzzz-zzzz-zzzz", name: str = "a") -> AuditAdvisory:
    return AuditAdvisory(
        id=identifier, name=name, title="title", severity=VulnerabilitySeverity.HIGH, range=range_, malware=False
    )


@pytest.mark.parametrize(
    ("version", "range_", "expected"),
    [
        pytest.param("1.0.0", "<2.0.0", True, id="in the range"),
        pytest.param("2.0.0-rc.1", "<2.0.0", True, id="a pre-release, as npm audit reads it"),
        pytest.param("2.0.0", "<2.0.0", False, id="the fix"),
        pytest.param("1.0.0", "*", True, id="every version"),
        pytest.param("1.0.0", "", True, id="an empty range is every version"),
        pytest.param("1.0.150", LONG, True, id="a list longer than npm's own reader takes at once"),
        pytest.param("1.0.200", LONG, False, id="not in that list"),
        pytest.param("1.0.0", ">=1.0.0 <1.1.0 || =3.0.0", True, id="the first alternative"),
        pytest.param("3.0.0", ">=1.0.0 <1.1.0 || =3.0.0", True, id="the second alternative"),
        pytest.param("1.0.0", "nonsense || 1.0.0", True, id="a readable alternative that fits"),
        pytest.param("1.0.0", "nonsense || 2.0.0", None, id="an unreadable alternative that might have fitted"),
        pytest.param("1.0.0", "nonsense", None, id="a range that cannot be read"),
        pytest.param("latest", "<2.0.0", None, id="a version that cannot be read"),
        pytest.param("1.0.0", "\x1b[31m::set-output name=x::y", None, id="a hostile range"),
    ],
)
def test_a_range_is_tested_as_npm_does(version: str, range_: str, *, expected: bool | None) -> None:
    found, unknown = match_audit(PackageRef(name="a", version=version), [stated(range_)], paths=("p",))
    assert (len(found), len(unknown)) == {True: (1, 0), False: (0, 0), None: (0, 1)}[expected]
    for item in unknown:
        assert (item.reason, item.paths) == (NotEvaluatedReason.ADVISORY, ("p",))
        assert "GHSA-zzzz-zzzz-zzzz" in item.detail
        assert "\x1b" not in item.detail


def finding(*ids: str, severity: VulnerabilitySeverity = VulnerabilitySeverity.LOW, summary: str = "") -> Vulnerability:
    return Vulnerability(
        id=ids[0], ids=ids, package="a@1.0.0", purl="pkg:npm/a@1.0.0", malware=False, severity=severity, summary=summary
    )


def said(
    *ids: str, severity: VulnerabilitySeverity = VulnerabilitySeverity.HIGH, malware: bool = False
) -> Vulnerability:
    return Vulnerability(
        id=ids[0],
        ids=ids,
        package="a@1.0.0",
        purl="pkg:npm/a@1.0.0",
        malware=malware,
        severity=severity,
        summary="npm says",
        sources=("npm-audit",),
    )


def test_findings_that_share_an_identifier_are_one_with_both_sources() -> None:
    (merged,) = merge_audit([finding("CVE-1", "GHSA-1", summary="osv says")], [said("GHSA-1")])
    assert (merged.id, merged.ids) == ("CVE-1", ("CVE-1", "GHSA-1"))
    assert merged.sources == ("osv", "npm-audit")
    assert (merged.summary, merged.severity) == ("osv says", VulnerabilitySeverity.HIGH)


def test_an_empty_summary_is_filled_and_malware_stays() -> None:
    (merged,) = merge_audit([finding("GHSA-1")], [said("GHSA-1", malware=True)])
    assert (merged.summary, merged.malware) == ("npm says", True)


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ("unknown", "low", "low"),
        ("critical", "unknown", "critical"),
        ("unknown", "unknown", "unknown"),
        ("low", "critical", "critical"),
        ("high", "low", "high"),
    ],
)
def test_the_worse_rating_counts_and_a_known_one_before_none(ours: str, theirs: str, expected: str) -> None:
    one = finding("GHSA-1", severity=VulnerabilitySeverity(ours))
    (merged,) = merge_audit([one], [said("GHSA-1", severity=VulnerabilitySeverity(theirs))])
    assert merged.severity.value == expected


def test_findings_that_share_nothing_stay_two() -> None:
    assert len(merge_audit([finding("GHSA-1")], [said("GHSA-2")])) == 2


def test_what_fits_nothing_that_was_scanned_is_told() -> None:
    audit = [
        stated("<2.0.0", identifier="GHSA-1"),
        stated("<1.0.0", identifier="GHSA-2"),
        stated("*", identifier="GHSA-3", name="gone"),
        stated("nonsense", identifier="GHSA-4"),
        stated("*", identifier="GHSA-5", name="known"),
    ]
    shelf = Shelf((advisory("CVE-5", "known", ("0", ""), aliases=("GHSA-5",)),))
    wanted = [dependency("a@1.0.0"), dependency("known@1.0.0")]
    result = scan_dependencies(wanted, lookup=shelves(npm=shelf), audit=audit)
    told = list(unmatched_audit(audit, result))
    assert [sentence.split()[3] for sentence in told] == ["GHSA-2", "GHSA-3"]
    assert "for gone *" in told[1]


def test_another_doubt_about_the_same_name_does_not_swallow_the_note() -> None:
    audit = [stated("<0.5.0", identifier="GHSA-9", name="vague")]
    shelf = Shelf((advisory("GHSA-1", "vague"),))
    result = scan_dependencies([dependency("vague@1.0.0")], lookup=shelves(npm=shelf), audit=audit)
    assert len(result.not_evaluated) == 1
    assert len(list(unmatched_audit(audit, result))) == 1


def test_a_scoped_name_is_found_again() -> None:
    audit = [stated("*", identifier="GHSA-1", name="@scope/a"), stated("x y", identifier="GHSA-2", name="@scope/a")]
    result = scan_dependencies([dependency("@scope/a@1.0.0")], lookup=shelves(npm=Shelf()), audit=audit)
    assert list(unmatched_audit(audit, result)) == []
