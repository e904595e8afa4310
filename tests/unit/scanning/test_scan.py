"""The account of a scan: every dependency in one class, whatever is wrong with it or with the data."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.scan_kit import NOW, Shelf, advisory, dependency, shelves, state
from vxsec.errors import VerificationError
from vxsec.formats.npm_audit import AuditAdvisory
from vxsec.model.advisory import VulnerabilitySeverity
from vxsec.model.dependency import DependencySource
from vxsec.model.scan import NotEvaluated, NotEvaluatedReason, ScanResult, Vulnerability
from vxsec.scanning import match
from vxsec.scanning import scan as scanning
from vxsec.scanning.scan import data_problem, scan_dependencies

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vxsec.model.advisory import Advisory
    from vxsec.model.dependency import Dependency
    from vxsec.model.package import PackageRef

EVIL = advisory("MAL-2026-1", "evil", ("0", ""), summary="Malware")
FLAW = advisory("GHSA-aaaa-aaaa-aaaa", "flawed", ("0", "2.0.0"))
VAGUE = advisory("GHSA-bbbb-bbbb-bbbb", "vague")
DAYS = timedelta(days=1)


def counts(result: ScanResult) -> tuple[int, int, int, int, int, int]:
    unknown = len(result.not_evaluated)
    return result.packages, result.clean, result.affected, result.malicious, result.local, unknown


def scan(
    *dependencies: Dependency,
    advisories: Sequence[Advisory] = (EVIL, FLAW, VAGUE),
    audit: Sequence[AuditAdvisory] = (),
) -> ScanResult:
    return scan_dependencies(
        dependencies, lookup=shelves(npm=Shelf(advisories)), now=NOW, max_db_age=3 * DAYS, audit=audit
    )


def doubtful(label: str) -> Dependency:
    return replace(dependency(label), doubt="two names")


ENDS = {
    "a package nobody names": (dependency("fine@1.0.0"), "clean", None),
    "a version above the fix": (dependency("flawed@2.0.0"), "clean", None),
    "a version in the range": (dependency("flawed@1.0.0"), "affected", None),
    "malware": (dependency("evil@1.0.0"), "malicious", None),
    "a bundled package is looked up": (dependency("evil@1.0.0", source=DependencySource.BUNDLED), "malicious", None),
    "a workspace, whatever its name": (dependency("evil@1.0.0", source=DependencySource.LOCAL), "local", None),
    "a workspace without a name": (dependency("pkg", source=DependencySource.LOCAL, known=False), "local", None),
    "a git dependency is not its namesake": (dependency("evil@1.0.0", source=DependencySource.GIT), None, "git"),
    "a tarball by address": (dependency("evil@1.0.0", source=DependencySource.URL), None, "url"),
    "a folder": (dependency("evil@1.0.0", source=DependencySource.FILE), None, "file"),
    "a range": (dependency("evil@^1", source=DependencySource.RANGE, known=False), None, "range"),
    "nothing known of it": (dependency("evil", known=False), None, "no-version"),
    "in doubt, and nobody names it": (doubtful("fine@1.0.0"), None, "no-version"),
    "in doubt, and malware": (doubtful("evil@1.0.0"), "malicious", None),
    "another ecosystem": (dependency("evil@1.0.0", ecosystem="golang"), None, "ecosystem"),
    "no database": (dependency("evil@1.0.0", ecosystem="pypi"), None, "database"),
    "an advisory without versions": (dependency("vague@1.0.0"), None, "advisory"),
    "a version that is none, of a package nobody names": (dependency("fine@latest"), None, "version"),
    "a version that is none, of a package somebody names": (dependency("flawed@1"), None, "version"),
}


@pytest.mark.parametrize(("one", "ends", "reason"), ENDS.values(), ids=ENDS.keys())
def test_a_dependency_ends_in_one_class(one: Dependency, ends: str | None, reason: str | None) -> None:
    result = scan(one, dependency("other@1.0.0"))
    assert result.adds_up
    assert result.packages == 2
    assert [item.reason.value for item in result.not_evaluated] == ([reason] if reason else [])
    if ends is not None:
        assert getattr(result, ends) == (2 if ends == "clean" else 1)
    else:
        assert result.not_evaluated[0].package == one.label
        assert result.not_evaluated[0].detail


def test_nothing_is_nothing() -> None:
    shelf = Shelf()
    result = scan_dependencies((), lookup=shelves(npm=shelf))
    assert counts(result) == (0, 0, 0, 0, 0, 0)
    assert result.databases == ()


def test_one_package_in_many_places_is_one_with_all_its_places() -> None:
    places = [dependency("flawed@1.0.0", paths=(f"node_modules/{n}/node_modules/flawed",), key=n) for n in "cab"]
    again = dependency("flawed@1.0.0", source=DependencySource.BUNDLED, paths=("node_modules/z",), key="z")
    shelf = Shelf((FLAW,))
    result = scan_dependencies([*places, again], lookup=shelves(npm=shelf))
    assert counts(result) == (1, 0, 1, 0, 0, 0)
    assert result.findings[0].paths == (
        "node_modules/a/node_modules/flawed",
        "node_modules/b/node_modules/flawed",
        "node_modules/c/node_modules/flawed",
        "node_modules/z",
    )
    assert shelf.asked == ["flawed"]


def test_the_same_name_from_git_and_from_the_registry_are_two() -> None:
    result = scan(dependency("flawed@1.0.0"), dependency("flawed@1.0.0", source=DependencySource.GIT))
    assert counts(result) == (2, 0, 1, 0, 0, 1)


def test_a_doubt_at_one_place_is_a_doubt_about_the_package() -> None:
    result = scan(
        dependency("fine@1.0.0"), doubtful("fine@1.0.0"), dependency("flawed@1.0.0"), doubtful("flawed@1.0.0")
    )
    assert counts(result) == (2, 0, 1, 0, 0, 1)
    assert result.not_evaluated[0].detail == "two names"
    assert [item.detail for item in result.partly_evaluated] == ["two names"]


def test_the_worst_comes_first() -> None:
    low = advisory("GHSA-1", "a", ("0", ""), severity=VulnerabilitySeverity.LOW)
    unrated = advisory("GHSA-2", "b", ("0", ""), severity=VulnerabilitySeverity.UNKNOWN)
    critical = advisory("GHSA-3", "c", ("0", ""), severity=VulnerabilitySeverity.CRITICAL)
    mal = advisory("MAL-1", "d", ("0", ""), severity=VulnerabilitySeverity.LOW)
    result = scan(*(dependency(f"{name}@1.0.0") for name in "abcd"), advisories=(low, unrated, critical, mal))
    assert [finding.id for finding in result.findings] == ["MAL-1", "GHSA-2", "GHSA-3", "GHSA-1"]


def test_what_else_is_unknown_of_an_affected_package_is_told_beside_the_account() -> None:
    both = (FLAW, advisory("GHSA-cccc-cccc-cccc", "flawed"))
    result = scan(dependency("flawed@1.0.0", paths=("node_modules/flawed",)), advisories=both)
    assert counts(result) == (1, 0, 1, 0, 0, 0)
    assert [(item.package, item.reason.value) for item in result.partly_evaluated] == [("flawed@1.0.0", "advisory")]
    assert "GHSA-cccc-cccc-cccc" in result.partly_evaluated[0].detail


def test_two_vague_advisories_are_one_package_without_an_answer() -> None:
    both = (VAGUE, advisory("GHSA-dddd-dddd-dddd", "vague"))
    result = scan(dependency("vague@1.0.0"), advisories=both)
    assert counts(result) == (1, 0, 0, 0, 0, 1)
    detail = result.not_evaluated[0].detail
    assert ("GHSA-bbbb-bbbb-bbbb" in detail, "GHSA-dddd-dddd-dddd" in detail) == (True, True)


# -- the data ------------------------------------------------------------------------------------------------------------

AGES = {
    "too old": (NOW - 4 * DAYS, "db.too-old"),
    "in the future": (NOW + timedelta(minutes=6), "db.future"),
}


@pytest.mark.parametrize(("exported", "code"), AGES.values(), ids=AGES.keys())
def test_bad_data_clears_nothing_and_still_finds(exported: object, code: str) -> None:
    old = state(exported_at=exported)  # type: ignore[arg-type]  # a row of the table above
    result = scan_dependencies(
        [dependency("fine@1.0.0"), dependency("flawed@1.0.0"), dependency("l@1", source=DependencySource.LOCAL)],
        lookup=shelves(npm=Shelf((FLAW,), old)),
        now=NOW,
        max_db_age=3 * DAYS,
    )
    assert counts(result) == (3, 0, 1, 0, 1, 1)
    assert result.not_evaluated[0].reason is NotEvaluatedReason.DATABASE
    assert [item.package for item in result.partly_evaluated] == ["flawed@1.0.0"]
    problem = data_problem(old, now=NOW, max_age=3 * DAYS)
    assert problem is not None
    assert (problem.code, bool(problem.hint)) == (code, True)
    assert str(problem) == result.not_evaluated[0].detail


@pytest.mark.parametrize(
    "exported",
    [
        pytest.param(NOW - 3 * DAYS, id="exactly as old as allowed"),
        pytest.param(NOW + timedelta(minutes=5), id="as far ahead as clocks differ"),
    ],
)
def test_the_bounds_themselves_are_good(exported: object) -> None:
    good = state(exported_at=exported)  # type: ignore[arg-type]  # a row of the table above
    assert data_problem(good, now=NOW, max_age=3 * DAYS) is None
    late = data_problem(good, now=datetime.max.replace(tzinfo=UTC), max_age=3 * DAYS)
    assert late is not None
    assert late.code == "db.too-old"


def test_the_age_is_told_in_words() -> None:
    problem = data_problem(state(exported_at=NOW - timedelta(hours=30)), now=NOW, max_age=timedelta(hours=1))
    assert problem is not None
    assert "of 2026-11-20T06:00:00Z: 30 hours old, and at most 1 hour are allowed" in problem.message


def test_without_a_time_the_age_is_the_callers_business() -> None:
    old = Shelf((FLAW,), state(exported_at=NOW - 4000 * DAYS))
    assert counts(scan_dependencies([dependency("fine@1.0.0")], lookup=shelves(npm=old))) == (1, 1, 0, 0, 0, 0)


def test_a_row_that_cannot_be_read_concerns_its_package_alone() -> None:
    shelf = Shelf((FLAW,), broken=frozenset({"broken"}))
    result = scan_dependencies([dependency("broken@1.0.0"), dependency("fine@1.0.0")], lookup=shelves(npm=shelf))
    assert counts(result) == (2, 1, 0, 0, 0, 1)
    assert result.not_evaluated[0].reason is NotEvaluatedReason.DATABASE


def test_each_ecosystem_has_its_own_data() -> None:
    python = Shelf((advisory("PYSEC-1", "flask", ("0", "9"), ecosystem="pypi"),), state("pypi"))
    wanted = [dependency("flask@1.0"), dependency("flask@1.0", ecosystem="pypi", key="2")]
    result = scan_dependencies(wanted, lookup=shelves(pypi=python))
    assert [finding.purl for finding in result.findings] == ["pkg:pypi/flask@1.0"]
    assert [(item.package, item.reason.value) for item in result.not_evaluated] == [("flask@1.0", "database")]
    assert [one.ecosystem for one in result.databases] == ["pypi"]


def test_the_databases_are_told_by_name_and_only_if_asked() -> None:
    found = shelves(npm=Shelf(), pypi=Shelf((), state("pypi")))
    wanted = [dependency("b@1", ecosystem="pypi"), dependency("a@1.0.0")]
    assert [one.ecosystem for one in scan_dependencies(wanted, lookup=found).databases] == ["npm", "pypi"]
    assert [one.ecosystem for one in scan_dependencies(wanted[1:], lookup=found).databases] == ["npm"]


# -- npm's audit ---------------------------------------------------------------------------------------------------------


def stated(name: str, range_: str, identifier: str = "GHSA-zzzz-zzzz-zzzz") -> AuditAdvisory:
    return AuditAdvisory(
        id=identifier, name=name, title="said npm", severity=VulnerabilitySeverity.LOW, range=range_, malware=False
    )


def test_an_audit_adds_what_the_database_does_not_know() -> None:
    result = scan(dependency("fine@1.0.0"), dependency("fine@3.0.0"), audit=[stated("fine", "<2.0.0")])
    assert counts(result) == (2, 1, 1, 0, 0, 0)
    assert [(one.package, one.sources) for one in result.findings] == [("fine@1.0.0", ("npm-audit",))]


def test_an_audit_clears_nothing() -> None:
    wanted = [dependency("fine@1.0.0"), dependency("known@1.0.0")]
    result = scan_dependencies(wanted, lookup=shelves(), audit=[stated("known", "*")])
    assert counts(result) == (2, 0, 1, 0, 0, 1)
    assert [(item.package, item.reason.value) for item in result.partly_evaluated] == [("known@1.0.0", "database")]


def test_an_audit_about_npm_says_nothing_of_a_python_package() -> None:
    python = Shelf((), state("pypi"))
    wanted = [dependency("fine@1.0.0", ecosystem="pypi")]
    result = scan_dependencies(wanted, lookup=shelves(pypi=python), audit=[stated("fine", "*")])
    assert counts(result) == (1, 1, 0, 0, 0, 0)


def test_an_audit_says_nothing_of_what_is_not_from_the_registry() -> None:
    git = dependency("fine@1.0.0", source=DependencySource.GIT)
    assert counts(scan(git, audit=[stated("fine", "*")])) == (1, 0, 0, 0, 0, 1)


# -- the account ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lost", ["clean", "findings"])
def test_a_lost_dependency_is_a_defect_that_stops_everything(monkeypatch: pytest.MonkeyPatch, lost: str) -> None:
    def forget(self: scanning._Account, findings: object, unknown: object) -> None:
        """Books nothing."""

    monkeypatch.setattr(scanning._Account, "enter", forget)
    with pytest.raises(VerificationError) as caught:
        scan(dependency("fine@1.0.0" if lost == "clean" else "flawed@1.0.0"))
    assert (caught.value.code, caught.value.exit_status) == ("scan.account", 10)


LABELS = st.sampled_from([one for one, _, _ in ENDS.values()])


@given(st.lists(st.tuples(LABELS, st.integers(0, 3)), max_size=12))
def test_any_mixture_adds_up_in_any_order(drawn: list[tuple[Dependency, int]]) -> None:
    wanted = [replace(one, key=f"{one.key}#{number}", paths=(f"p{number}",)) for one, number in drawn]
    result = scan(*wanted)
    assert result.adds_up
    assert result.packages == len({(one.label, one.source, one.package) for one, _ in drawn} - _twins(drawn))
    assert scan(*reversed(wanted)) == result


def _twins(drawn: list[tuple[Dependency, int]]) -> set[object]:
    """A bundled package and the same one from the registry are one."""
    there = {(one.label, one.source, one.package) for one, _ in drawn}
    return {
        (label, source, package)
        for label, source, package in there
        if source is DependencySource.BUNDLED and (label, DependencySource.REGISTRY, package) in there
    }


def test_twenty_thousand_packages_take_no_time_beyond_their_lookups() -> None:
    shelf = Shelf()
    wanted = [dependency(f"p{number}@1.0.0") for number in range(20_000)]
    assert scan_dependencies(wanted, lookup=shelves(npm=shelf)).clean == 20_000
    assert len(shelf.asked) == 20_000


def test_a_matcher_is_asked_only_where_an_advisory_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def spy(
        package: PackageRef, advisories: Sequence[Advisory], *, paths: tuple[str, ...] = ()
    ) -> tuple[list[Vulnerability], list[NotEvaluated]]:
        asked.append(str(package))
        return real(package, advisories, paths=paths)

    real = match.match_package
    monkeypatch.setattr(match, "match_package", spy)
    scan(dependency("fine@1.0.0"), dependency("flawed@1.0.0"))
    assert asked == ["flawed@1.0.0"]
