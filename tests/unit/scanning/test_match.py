"""One version against advisories: OSV's algorithm, case by case, and against its pseudocode."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.osv_kit import advisory, affected, fixture_advisories, range_of
from support.osv_oracle import included_in_ranges
from vxsec.model.package import NPM, PYPI, PackageRef
from vxsec.model.scan import NotEvaluatedReason
from vxsec.scanning.match import match_package, preferred_first
from vxsec.scanning.severity import worst_known

YES, NO, ADVISORY, VERSION = "affected", "not affected", "advisory", "version"


def answer(
    version: str, *entries: dict[str, Any], ecosystem: str = NPM, identifier: str = "GHSA-1", **more: Any
) -> str:
    """What comes of one advisory: exactly one of four."""
    found, unknown = match_package(
        PackageRef(name="x", version=version, ecosystem=ecosystem), [advisory(identifier, *entries, **more)]
    )
    if found:
        assert [item.package for item in found] == [f"x@{version}"]
        assert unknown == []
        return YES
    assert len(unknown) <= 1
    return unknown[0].reason.value if unknown else NO


def npm(*events: tuple[str, str], **more: Any) -> dict[str, Any]:
    return affected("x", range_of(*events), **more)


def python(*events: tuple[str, str], **more: Any) -> dict[str, Any]:
    return affected("x", range_of(*events, kind="ECOSYSTEM"), ecosystem="PyPI", **more)


GIT = {"type": "GIT", "repo": "https://git.example.test/x", "events": [{"introduced": "0"}, {"fixed": "a" * 40}]}
ZERO, ONE_FIXED = ("introduced", "0"), ("fixed", "1.0.0")

NPM_ROWS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "zero is below every version": (
        npm(ZERO, ("fixed", "0.0.1")), {"0.0.0-alpha": YES, "0.0.0": YES, "0.0.1-0": YES, "0.0.1": NO}
    ),
    "zero and no end is every version": (npm(ZERO), {"0.0.0-0": YES, "99.0.0-x+y": YES}),
    "a fixed version is not affected": (npm(ZERO, ONE_FIXED), {"0.9.9": YES, "1.0.0": NO, "1.0.1": NO}),
    "the last affected version is": (
        npm(ZERO, ("last_affected", "1.0.0")), {"1.0.0": YES, "1.0.0+build": YES, "1.0.1-0": NO, "1.0.1": NO}
    ),
    "a pre-release of the fixed version is affected": (
        npm(ZERO, ("fixed", "2.0.0")), {"2.0.0-rc.1": YES, "2.0.0-0": YES, "2.0.0": NO, "2.0.0+build": NO}
    ),
    "pre-releases as bounds": (
        npm(("introduced", "3.0.0-beta.2"), ("fixed", "3.0.0-rc.10")),
        {"3.0.0-beta.1": NO, "3.0.0-beta.2": YES, "3.0.0-beta.11": YES, "3.0.0-rc.9": YES, "3.0.0-rc.10": NO, "3.0.0": NO},
    ),
    "events that are out of order": (
        npm(("fixed", "2.11.7"), ("introduced", "2.11"), ZERO, ("fixed", "2.10.5")),
        {"2.10.4": YES, "2.10.5": NO, "2.10.9": NO, "2.11.0": YES, "2.11.6": YES, "2.11.7": NO},
    ),
    "fixed and introduced again in the same version": (
        npm(ZERO, ONE_FIXED, ("introduced", "1.0.0")), {"0.9.0": YES, "1.0.0": YES, "1.0.1": YES}
    ),
    "introduced and last affected in the same version": (
        npm(("introduced", "1.0.0"), ("last_affected", "1.0.0")), {"0.9.9": NO, "1.0.0": YES, "1.0.1": NO}
    ),
    "several pairs in one range": (
        npm(ZERO, ONE_FIXED, ("introduced", "2.0.0"), ("fixed", "2.1.0")),
        {"0.1.0": YES, "1.0.0": NO, "1.9.0": NO, "2.0.0": YES, "2.0.9": YES, "2.1.0": NO},
    ),
    "two ranges do not leak into each other": (
        affected("x", range_of(ZERO, ONE_FIXED), range_of(("introduced", "2.0.0"), ("fixed", "2.1.0"))),
        {"0.1.0": YES, "1.0.0": NO, "2.0.0": YES, "2.1.0": NO, "3.0.0": NO},
    ),
    "an open range behind a closed one": (
        affected("x", range_of(ZERO, ONE_FIXED), range_of(("introduced", "2.0.0"))), {"1.5.0": NO, "9.0.0": YES}
    ),
    "a limit": (npm(ZERO, ("limit", "2.0.0")), {"1.9.9": YES, "2.0.0-rc": YES, "2.0.0": NO}),
    "several limits: below one of them is enough": (
        npm(ZERO, ("limit", "1.0.0"), ("limit", "2.0.0")), {"1.5.0": YES, "2.0.0": NO}
    ),
    "a limit of infinity": (npm(ZERO, ("limit", "1.0.0"), ("limit", "*")), {"9.0.0": YES}),
    "a limit in one range only": (
        affected("x", range_of(ZERO, ("limit", "1.0.0")), range_of(("introduced", "3.0.0"))),
        {"0.5.0": YES, "2.0.0": NO, "3.0.0": YES},
    ),
    "commits first, then versions": (
        affected("x", GIT, range_of(ZERO, ONE_FIXED)), {"0.9.0": YES, "1.0.0": NO}
    ),
    "commits, and a list of versions": (affected("x", GIT, versions=["1.0.0"]), {"1.0.0": YES, "1.0.1": NO}),
    "commits only": (affected("x", GIT), {"1.0.0": ADVISORY}),
    "a list only": (
        affected("x", versions=["1.0.0", "1.1.0-rc.1", "2.0.0+build"]),
        {"1.0.0": YES, "1.0.0+other": YES, "1.1.0-rc.1": YES, "1.1.0": NO, "2.0.0": YES, "3.0.0": NO},
    ),
    "a list that is written loosely": (affected("x", versions=["v1.0.0", "2"]), {"1.0.0": YES, "2.0.0": YES, "3.0.0": NO}),
    "a list that cannot be read": (affected("x", versions=["=1.0.0", " 1.0.0"]), {"1.0.0": ADVISORY, "2.0.0": ADVISORY}),
    "a list of which a part cannot be read": (
        affected("x", versions=["2.0.0", "=1.0.0"]), {"2.0.0": YES, "1.0.0": ADVISORY, "3.0.0": ADVISORY}
    ),
    "a list that cannot be read, and commits": (affected("x", GIT, versions=["=1.0.0"]), {"1.0.0": ADVISORY}),
    "a list that cannot be read, and a range that can": (
        npm(ZERO, ONE_FIXED, versions=["=0.5.0"]), {"0.5.0": YES, "1.0.0": NO}
    ),
    "a list and a range": (npm(ZERO, ONE_FIXED, versions=["5.0.0"]), {"0.5.0": YES, "1.5.0": NO, "5.0.0": YES}),
    "no versions at all": (affected("x"), {"1.0.0": ADVISORY}),
    "the same package twice": (npm(ZERO, ONE_FIXED), {"0.1.0": YES}),
    "a range of Python's kind in npm is npm's": (
        affected("x", range_of(ZERO, ("fixed", "1.0.0"), kind="ECOSYSTEM")), {"1.0.0-rc.1": YES, "1.0.0": NO}
    ),
    "an unknown range type": (affected("x", range_of(ZERO, kind="CALENDAR")), {"1.0.0": ADVISORY}),
    "an unknown range type beside one that matches": (
        affected("x", range_of(ZERO, kind="CALENDAR"), range_of(ZERO, ONE_FIXED)), {"0.5.0": YES, "1.0.0": ADVISORY}
    ),
    "an unknown range type beside a list": (
        affected("x", range_of(ZERO, kind="CALENDAR"), versions=["1.0.0"]), {"1.0.0": YES, "2.0.0": ADVISORY}
    ),
    "an unknown event": (npm(ZERO, ("retracted", "1.0.0")), {"1.0.0": ADVISORY}),
    "two kinds in one event": (
        affected("x", {"type": "SEMVER", "events": [{"introduced": "0", "fixed": "1.0.0"}]}), {"2.0.0": ADVISORY}
    ),
    "a range without a beginning": (npm(("fixed", "1.0.0")), {"0.5.0": ADVISORY}),
    "a range without events": (affected("x", {"type": "SEMVER", "events": []}), {"0.5.0": ADVISORY}),
    "a bound that is no version": (npm(ZERO, ("fixed", "soon")), {"1.0.0": ADVISORY}),
    "a limit that is no version": (npm(ZERO, ("limit", "soon")), {"1.0.0": ADVISORY}),
    "a bound in the words of people": (npm(("introduced", "v1.2"), ("fixed", "2")), {"1.1.9": NO, "1.2.0": YES, "2.0.0": NO}),
    "a beginning of 0.0.0 is a version": (npm(("introduced", "0.0.0")), {"0.0.0-alpha": NO, "0.0.0": YES}),
    "a version that npm could not have": (
        npm(ZERO, ONE_FIXED), {"latest": VERSION, "": VERSION, "1.2": VERSION, "v1.2.3": VERSION, "01.0.0": VERSION, "1.2.3.4": VERSION}
    ),
    "a version that npm could not have, where every version is meant": (npm(ZERO), {"latest": YES}),
    "a version that npm could not have, listed as it is": (affected("x", versions=["latest"]), {"latest": YES, "next": VERSION}),
    "another package": (affected("y", range_of(ZERO)), {"1.0.0": NO}),
    "another ecosystem": (affected("x", range_of(ZERO), ecosystem="crates.io"), {"1.0.0": NO}),
    "a part of the ecosystem": (affected("x", range_of(ZERO), ecosystem="npm:mirror"), {"1.0.0": YES}),
    "a name in other case": (affected("X", range_of(ZERO)), {"1.0.0": NO}),
    "a name of look-alike letters": (affected("\u0445", range_of(ZERO)), {"1.0.0": NO}),
}  # fmt: skip

PYTHON_ROWS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "zero is below every version": (python(ZERO, ("fixed", "1")), {"0.dev0": YES, "0": YES, "1.dev0": YES, "1": NO}),
    "pre-releases of the fixed version are affected": (
        python(ZERO, ("fixed", "2.0")), {"2.0rc1": YES, "2.0.dev1": YES, "2.0": NO, "2.0.post1": NO}
    ),
    "the last affected version is, its post-release is not": (
        python(ZERO, ("last_affected", "1.2.3")), {"1.2.3": YES, "1.2.3.post1": NO, "1.2.3+cu118": YES, "1.2.4": NO}
    ),
    "a bound with a local part": (
        python(ZERO, ("fixed", "1.0+b")), {"1.0": YES, "1.0+a": YES, "1.0+b": NO, "1.0+c": NO}
    ),
    "a local part of a fixed version": (python(ZERO, ("fixed", "1.0")), {"1.0+cu118": NO, "0.9+cu118": YES}),
    "epochs": (python(("introduced", "1!0"), ("fixed", "1!2")), {"2024.1": NO, "1!1.0": YES, "1!2": NO}),
    "a list, in any spelling": (
        affected("x", ecosystem="PyPI", versions=["1.0", "2.0RC1", "3.0-1"]),
        {"1.0.0": YES, "1": YES, "2.0c1": YES, "3.0.post1": YES, "1.0+cu118": YES, "1.0.post1": NO, "2.0": NO},
    ),
    "a list with local parts": (affected("x", ecosystem="PyPI", versions=["1.0+a"]), {"1.0+a": YES, "1.0": NO, "1.0+b": NO}),
    "a version from before the rules, listed": (
        affected("x", ecosystem="PyPI", versions=["0.1-bulbasaur"]), {"0.1-bulbasaur": YES, "0.1-charmander": VERSION}
    ),
    "a version from before the rules, and a range": (python(ZERO, ("fixed", "1.0")), {"0.1-bulbasaur": VERSION}),
    "a range of npm's kind is Python's": (
        affected("x", range_of(ZERO, ("fixed", "1.0.0-rc.1")), ecosystem="PyPI"), {"1.0b1": YES, "1.0rc1": NO}
    ),
    "a bound that is no version": (python(ZERO, ("fixed", "soon")), {"1.0": ADVISORY}),
}  # fmt: skip


def rows(table: dict[str, tuple[dict[str, Any], dict[str, str]]]) -> list[Any]:
    return [
        pytest.param(entry, version, expected, id=f"{title}: {version or 'nothing'}")
        for title, (entry, versions) in table.items()
        for version, expected in versions.items()
    ]


@pytest.mark.parametrize(("entry", "version", "expected"), rows(NPM_ROWS))
def test_npm(entry: dict[str, Any], version: str, expected: str) -> None:
    assert answer(version, entry) == expected


@pytest.mark.parametrize(("entry", "version", "expected"), rows(PYTHON_ROWS))
def test_python(entry: dict[str, Any], version: str, expected: str) -> None:
    assert answer(version, entry, ecosystem=PYPI) == expected


def test_python_names_are_compared_in_their_normal_form() -> None:
    entry = affected("Zope_Interface", range_of(ZERO), ecosystem="PyPI")
    package = PackageRef(name="zope-interface", version="1.0", ecosystem=PYPI)
    assert len(match_package(package, [advisory("A-1", entry)])[0]) == 1


# -- malware, withdrawn, unknown ecosystems ----------------------------------------------------------------------------


def test_malware_without_versions_is_every_version() -> None:
    assert answer("1.0.0", affected("x"), identifier="MAL-2026-1") == YES
    assert answer("latest", affected("x"), identifier="MAL-2026-1") == YES


def test_malware_known_by_commits_only_cannot_be_evaluated() -> None:
    assert answer("1.0.0", affected("x", GIT), identifier="MAL-2026-1") == ADVISORY


def test_malware_with_a_list_is_that_list() -> None:
    assert answer("1.0.0", affected("x", versions=["2.0.0"]), identifier="MAL-2026-1") == NO


def test_malware_with_a_list_that_cannot_be_read_is_not_clean() -> None:
    assert answer("1.0.0", affected("x", versions=["=1.0.0", " 1.0.0"]), identifier="MAL-2026-1") == ADVISORY


def test_withdrawn_never_matches_and_is_no_doubt() -> None:
    for entry in (npm(ZERO), affected("x"), affected("x", GIT)):
        assert answer("1.0.0", entry, withdrawn="2999-01-01T00:00:00Z") == NO
        assert answer("1.0.0", entry, identifier="MAL-1", withdrawn="2020-01-01T00:00:00Z") == NO


def test_an_ecosystem_without_an_order_is_not_evaluated() -> None:
    found, unknown = match_package(PackageRef(name="x", version="1", ecosystem="cargo"), [], paths=("a",))
    assert found == []
    assert [(item.reason, item.paths) for item in unknown] == [(NotEvaluatedReason.ECOSYSTEM, ("a",))]


def test_without_advisories_a_version_is_clean_and_what_is_none_is_not() -> None:
    assert match_package(PackageRef(name="x", version="1.0.0"), []) == ([], [])
    _, unknown = match_package(PackageRef(name="x", version="one"), [], paths=("node_modules/x",))
    assert [(item.package, item.reason, item.paths) for item in unknown] == [
        ("x@one", NotEvaluatedReason.VERSION, ("node_modules/x",))
    ]


def test_what_is_no_version_may_be_found_and_doubted_at_once() -> None:
    given = [advisory("MAL-1", affected("x")), advisory("GHSA-1", npm(ZERO, ONE_FIXED))]
    found, unknown = match_package(PackageRef(name="x", version="one"), given)
    assert [item.id for item in found] == ["MAL-1"]
    assert found[0].fixed == ()
    assert [item.reason.value for item in unknown] == [VERSION]


def test_each_advisory_that_cannot_be_evaluated_is_named() -> None:
    given = [advisory("GHSA-1", affected("x")), advisory("GHSA-2", affected("x", GIT)), advisory("GHSA-3", npm(ZERO))]
    found, unknown = match_package(PackageRef(name="x", version="1.0.0"), given)
    assert [item.id for item in found] == ["GHSA-3"]
    assert [item.detail.split()[0] for item in unknown] == ["GHSA-1", "GHSA-2"]


# -- aliases -----------------------------------------------------------------------------------------------------------


def ids_of(*given: tuple[str, dict[str, Any], list[str]], version: str = "1.0.0") -> list[tuple[str, ...]]:
    advisories = [advisory(name, entry, aliases=aliases) for name, entry, aliases in given]
    return [item.ids for item in match_package(PackageRef(name="x", version=version), advisories)[0]]


def test_aliases_make_one_finding_in_any_order() -> None:
    given = (("PYSEC-1", npm(ZERO), ["CVE-1"]), ("GHSA-1", npm(ZERO), ["CVE-1"]), ("MAL-1", npm(ZERO), ["GHSA-1"]))
    expected = [("MAL-1", "GHSA-1", "PYSEC-1", "CVE-1")]
    assert ids_of(*given) == ids_of(*reversed(given)) == expected


def test_aliases_join_across_a_chain() -> None:
    given = (("A-1", npm(ZERO), ["B-1"]), ("C-1", npm(ZERO), ["D-1"]), ("E-1", npm(ZERO), ["D-1", "B-1"]))
    assert ids_of(*given) == [("A-1", "B-1", "C-1", "D-1", "E-1")]


def test_records_without_a_common_name_stay_two() -> None:
    assert ids_of(("GHSA-1", npm(ZERO), ["CVE-1"]), ("GHSA-2", npm(ZERO), ["CVE-2"])) == [
        ("GHSA-1", "CVE-1"), ("GHSA-2", "CVE-2"),
    ]  # fmt: skip


def test_related_joins_nothing() -> None:
    given = [advisory("GHSA-1", npm(ZERO), related=["GHSA-2"]), advisory("GHSA-2", npm(ZERO), upstream=["GHSA-1"])]
    found, _ = match_package(PackageRef(name="x", version="1.0.0"), given)
    assert [item.ids for item in found] == [("GHSA-1",), ("GHSA-2",)]


def test_a_record_that_does_not_match_lends_nothing_but_its_place_in_the_chain() -> None:
    given = [
        advisory("GHSA-1", npm(ZERO), aliases=["CVE-1"], summary="flaw"),
        advisory("MAL-1", npm(ZERO, ("fixed", "0.5.0")), aliases=["CVE-1"], summary="malware"),
    ]
    found, unknown = match_package(PackageRef(name="x", version="1.0.0"), given)
    assert [(item.ids, item.malware, item.summary) for item in found] == [(("GHSA-1", "CVE-1"), False, "flaw")]
    assert unknown == []


def test_a_doubt_about_what_was_found_anyway_is_no_doubt() -> None:
    given = [advisory("GHSA-1", npm(ZERO), aliases=["CVE-1"]), advisory("CVE-1", affected("x", GIT))]
    found, unknown = match_package(PackageRef(name="x", version="1.0.0"), given)
    assert (len(found), unknown) == (1, [])
    _, unknown = match_package(PackageRef(name="x", version="1.0.0"), [advisory("CVE-1", affected("x", GIT))])
    assert len(unknown) == 1


def test_malware_told_as_a_flaw_stays_malware() -> None:
    found, _ = match_package(
        PackageRef(name="left-padding", version="3.0.0"),
        fixture_advisories("npm"),
        paths=("node_modules/left-padding",),
    )
    assert [(item.id, item.ids, item.malware, item.severity.value) for item in found] == [
        ("MAL-2026-1001", ("MAL-2026-1001", "GHSA-mal1-left-pad1"), True, "critical")
    ]
    assert found[0].summary == "Malicious code in left-padding (npm)"
    assert found[0].published == datetime(2026, 11, 19, 10, tzinfo=UTC)
    assert found[0].paths == ("node_modules/left-padding",)
    assert found[0].purl == "pkg:npm/left-padding@3.0.0"
    assert found[0].sources == ("osv",)


def test_only_the_alias_says_malware_and_that_is_enough() -> None:
    found, _ = match_package(PackageRef(name="x", version="1.0.0"), [advisory("GHSA-1", npm(ZERO), aliases=["MAL-1"])])
    assert [(item.id, item.malware) for item in found] == [("MAL-1", True)]


@pytest.mark.parametrize(
    ("names", "first"),
    [(["CVE-1", "GHSA-1", "MAL-1"], "MAL-1"), (["CVE-1", "GHSA-1", "A-1"], "GHSA-1"), (["CVE-1", "PYSEC-1"], "PYSEC-1"), (["CVE-2", "CVE-1"], "CVE-1")],
)  # fmt: skip
def test_the_name_shown_first(names: list[str], first: str) -> None:
    assert min(names, key=preferred_first) == first


# -- severity, fixes ---------------------------------------------------------------------------------------------------


def rated(word: str) -> dict[str, Any]:
    return {"database_specific": {"severity": word}} if word else {}


def test_severity_is_the_worst_that_anybody_said_of_this_version() -> None:
    given = [
        advisory("GHSA-1", npm(ZERO), aliases=["CVE-1"], **rated("LOW")),
        advisory("PYSEC-1", npm(ZERO), aliases=["CVE-1"]),
        advisory("A-1", npm(ZERO), aliases=["CVE-1"], **rated("HIGH")),
        advisory("B-1", npm(ZERO, ("fixed", "0.1.0")), aliases=["CVE-1"], **rated("CRITICAL")),
    ]
    found, _ = match_package(PackageRef(name="x", version="1.0.0"), given)
    assert [item.severity.value for item in found] == ["high"]
    assert worst_known([]).value == "unknown"


def test_severity_is_that_of_the_entry_that_matches() -> None:
    entries = (npm(ZERO, ONE_FIXED, **rated("LOW")), npm(("introduced", "2.0.0"), **rated("HIGH")))
    found, _ = match_package(PackageRef(name="x", version="2.0.0"), [advisory("GHSA-1", *entries)])
    assert found[0].severity.value == "high"


FIXES: dict[str, tuple[list[dict[str, Any]], str, tuple[str, ...]]] = {
    "above the installed version only, lowest first": (
        [npm(("introduced", "6.0.0"), ("fixed", "6.5.3"), ("introduced", "6.6.0"), ("fixed", "6.6.1"), ZERO, ("fixed", "5.0.1"))],
        "6.5.0", ("6.5.3", "6.6.1"),
    ),
    "each once, in whatever spelling": ([npm(ZERO, ONE_FIXED), npm(ZERO, ("fixed", "v1.0.0"))], "0.1.0", ("1.0.0",)),
    "not what another range still means": (
        [npm(ZERO, ONE_FIXED), npm(("introduced", "0.5.0"), ("fixed", "2.0.0"))], "0.1.0", ("2.0.0",)
    ),
    "not what nobody can say": ([npm(ZERO, ONE_FIXED), affected("x", range_of(ZERO, kind="CALENDAR"))], "0.1.0", ()),
    "none": ([npm(ZERO, ("last_affected", "2.0.0"))], "1.0.0", ()),
    "not a commit": ([affected("x", GIT, range_of(ZERO, ONE_FIXED))], "0.1.0", ("1.0.0",)),
}  # fmt: skip


@pytest.mark.parametrize(("entries", "version", "expected"), FIXES.values(), ids=FIXES.keys())
def test_fixes(entries: list[dict[str, Any]], version: str, expected: tuple[str, ...]) -> None:
    found, _ = match_package(PackageRef(name="x", version=version), [advisory("GHSA-1", *entries)])
    assert found[0].fixed == expected


def test_fixes_of_python_do_not_come_back_as_local_versions() -> None:
    package = PackageRef(name="x", version="1.0+cu118", ecosystem=PYPI)
    found, _ = match_package(package, [advisory("A-1", python(ZERO, ("fixed", "1.0.1")))])
    assert found[0].fixed == ("1.0.1",)


def test_many_fixes_are_cut() -> None:
    events = [event for n in range(1, 200) for event in (("introduced", f"{n}.0.0"), ("fixed", f"{n}.5.0"))]
    found, _ = match_package(PackageRef(name="x", version="1.0.0"), [advisory("A-1", npm(*events))])
    assert len(found[0].fixed) == 50


# -- the made-up records, and the pseudocode ---------------------------------------------------------------------------


MADE_UP: dict[tuple[str, str, str], tuple[list[str], list[str]]] = {
    ("npm", "@example/colours", "2.0.1"): (["MAL-2026-1002"], []),
    ("npm", "@example/colours", "2.0.0"): ([], []),
    ("npm", "__proto__", "1.0.0"): (["MAL-2026-1003"], []),
    ("npm", "right-padding", "1.0.0"): ([], []),
    ("npm", "@example/template", "1.2.2"): (["GHSA-tmpl-aaaa-0001", "GHSA-tmpl-bbbb-0002"], []),
    ("npm", "@example/template", "2.4.1"): (["GHSA-tmpl-bbbb-0002"], []),
    ("npm", "example-server", "3.0.0-beta.3"): (["GHSA-pre1-rele-ase1"], []),
    ("npm", "example-server", "2.9.9"): (["GHSA-pre1-rele-ase1"], []),
    ("npm", "example-server", "4.0.0"): ([], []),
    ("npm", "example-commits", "1.0.0"): ([], ["advisory"]),
    ("npm", "example-future", "1.0.0"): ([], ["advisory"]),
    ("npm", "example-vague", "1.0.0"): ([], ["advisory"]),
    ("npm", "ExampleCase", "1.0.0"): (["GHSA-case-0000-0001"], []),
    ("npm", "examplecase", "1.0.0"): ([], []),
    ("PyPI", "example-parser", "1.4"): (["GHSA-pyth-onaa-0001"], []),
    ("PyPI", "example-parser", "2.0rc1"): (["GHSA-pyth-onaa-0001"], []),
    ("PyPI", "example-parser", "1.4.2"): ([], []),
    ("PyPI", "example-tensor", "1!2.1.0+cu118"): (["PYSEC-2026-2"], []),
    ("PyPI", "example-tensor", "0.1-bulbasaur"): (["PYSEC-2026-2"], []),
    ("PyPI", "example-requets", "9.9"): (["MAL-2026-2001"], []),
}


@pytest.mark.parametrize(("asked", "expected"), MADE_UP.items(), ids=[f"{n}@{v}" for _, n, v in MADE_UP])
def test_made_up_records(asked: tuple[str, str, str], expected: tuple[list[str], list[str]]) -> None:
    osv, name, version = asked
    package = PackageRef(name=name, version=version, ecosystem=osv.lower())
    found, unknown = match_package(package, fixture_advisories(osv))
    assert ([item.id for item in found], [item.reason.value for item in unknown]) == expected


kinds = st.sampled_from(["introduced", "introduced", "fixed", "last_affected", "limit"])
events = st.lists(st.tuples(kinds, st.none() | st.integers(0, 6)), max_size=6)


@given(st.lists(events, min_size=1, max_size=3), st.integers(0, 7), st.randoms())
def test_ranges_are_evaluated_as_the_pseudocode_says(ranges: Any, version: int, random: Any) -> None:
    ranges = [
        [(k, b) for k, b in [("introduced", None), *item] if b is not None or k in {"introduced", "limit"}]
        if random.random() < 0.5
        else [("introduced", 1), *((k, b) for k, b in item if b is not None)]
        for item in ranges
    ]
    for ecosystem, kind, write in (("npm", "SEMVER", "0.{}.0"), ("PyPI", "ECOSYSTEM", "0.{}")):
        words = {"introduced": "0", "limit": "*"}
        written = []
        for item in ranges:
            shuffled = random.sample(item, len(item))
            written.append(range_of(*((k, words[k] if b is None else write.format(b)) for k, b in shuffled), kind=kind))
        entry = affected("x", *written, ecosystem=ecosystem)
        expected = YES if included_in_ranges(version, ranges) else NO
        assert answer(write.format(version), entry, ecosystem=ecosystem.lower()) == expected


@given(
    st.text(max_size=12),
    st.lists(st.tuples(kinds, st.text(max_size=8)), max_size=4),
    st.lists(st.text(max_size=8), max_size=3),
)
def test_any_text_has_one_of_four_ends(version: str, odd: list[tuple[str, str]], listed: list[str]) -> None:
    item = {"type": "SEMVER", "events": [{k: b or "x"} for k, b in odd]}
    for ecosystem in ("npm", "PyPI"):
        entry = affected("x", item, ecosystem=ecosystem, versions=listed)
        assert answer(version, entry, ecosystem=ecosystem.lower()) in {YES, NO, ADVISORY, VERSION}
