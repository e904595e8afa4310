"""The attested scan: what is written is read back the same, and anything else is refused."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.scan_kit import NOW, state
from vxsec.errors import FormatError
from vxsec.formats.scan_statement import (
    AttestedScan,
    ScannedFile,
    build_scan_predicate,
    read_attested_scan,
    read_scan_predicate,
)
from vxsec.model.advisory import VulnerabilitySeverity
from vxsec.model.scan import DatabaseState, NotEvaluated, NotEvaluatedReason, ScanResult, Vulnerability

FINDING = Vulnerability(
    id="GHSA-35jh-r3h4-6jhm",
    ids=("GHSA-35jh-r3h4-6jhm", "CVE-2021-23337"),
    package="lodash@4.17.20",
    purl="pkg:npm/lodash@4.17.20",
    malware=False,
    severity=VulnerabilitySeverity.HIGH,
    summary="Command Injection in lodash",
    fixed=("4.17.21",),
    published=NOW - timedelta(days=9, microseconds=7),
    paths=("node_modules/lodash",),
)
MALWARE = replace(
    FINDING,
    id="MAL-1",
    ids=("MAL-1",),
    package="evil@1.0.0",
    purl="pkg:npm/evil@1.0.0",
    malware=True,
    published=None,
    sources=("osv", "npm-audit"),
)
UNKNOWN = NotEvaluated(package="x@^1", reason=NotEvaluatedReason.RANGE, detail="only a range is known")
RESULT = ScanResult(
    packages=7,
    clean=2,
    affected=1,
    malicious=1,
    local=2,
    findings=(MALWARE, FINDING),
    not_evaluated=(UNKNOWN,),
    databases=(state(),),
    partly_evaluated=(replace(UNKNOWN, package="lodash@4.17.20", reason=NotEvaluatedReason.ADVISORY),),
)
SCAN = AttestedScan(
    result=RESULT,
    scanned_at=NOW,
    scanner="vxsec 1.0",
    files=(ScannedFile(name="a.tgz", kind="npm-package", digest="sha512:" + "0a" * 64),),
)


def test_what_is_written_is_read_back_the_same() -> None:
    predicate = json.loads(json.dumps(build_scan_predicate(SCAN)))
    assert read_attested_scan(predicate) == SCAN
    assert read_scan_predicate(predicate) == RESULT


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
WORD = TEXT.filter(bool)
PATHS = st.lists(TEXT, max_size=2).map(tuple)
TIMES = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - zone beside
UNKNOWNS = st.builds(
    NotEvaluated, package=WORD, reason=st.sampled_from(list(NotEvaluatedReason)), detail=TEXT, paths=PATHS
)


@st.composite
def findings(draw: st.DrawFn) -> Vulnerability:
    ids = draw(st.lists(WORD, min_size=1, max_size=3, unique=True))
    return Vulnerability(
        id=draw(st.sampled_from(ids)),
        ids=tuple(ids),
        package=draw(WORD),
        purl=draw(WORD),
        malware=draw(st.booleans()),
        severity=draw(st.sampled_from(list(VulnerabilitySeverity))),
        summary=draw(TEXT),
        fixed=draw(PATHS),
        published=draw(st.none() | TIMES),
        sources=draw(st.lists(WORD, min_size=1, max_size=2).map(tuple)),
        paths=draw(PATHS),
    )


@st.composite
def scans(draw: st.DrawFn) -> AttestedScan:
    found = tuple(draw(st.lists(findings(), max_size=4)))
    malicious = {one.purl for one in found if one.malware}
    affected = {one.purl for one in found} - malicious
    unknown = tuple(draw(st.lists(UNKNOWNS, max_size=3)))
    clean, local = draw(st.integers(0, 10**6)), draw(st.integers(0, 99))
    databases = st.builds(
        DatabaseState,
        ecosystem=WORD,
        exported_at=TIMES,
        imported_at=TIMES,
        advisories=st.integers(0, 10**9),
        packages=st.integers(0, 10**9),
        sha256=st.just("0f" * 32),
        source=TEXT,
    )
    result = ScanResult(
        packages=clean + local + len(affected) + len(malicious) + len(unknown),
        clean=clean,
        affected=len(affected),
        malicious=len(malicious),
        local=local,
        findings=found,
        not_evaluated=unknown,
        databases=tuple(draw(st.lists(databases, max_size=2))),
        partly_evaluated=tuple(draw(st.lists(UNKNOWNS, max_size=2))),
    )
    files = st.builds(ScannedFile, name=WORD, kind=WORD, digest=st.just("sha256:" + "00" * 32))
    return AttestedScan(
        result=result,
        scanned_at=draw(TIMES).replace(microsecond=0),
        scanner=draw(WORD),
        files=tuple(draw(st.lists(files, max_size=2))),
    )


@given(scans())
def test_any_scan_survives_the_way_through_json(scan: AttestedScan) -> None:
    assert read_attested_scan(json.loads(json.dumps(build_scan_predicate(scan)))) == scan


def changed(*path: str | int, value: object = None, drop: bool = False) -> dict[str, Any]:
    predicate = json.loads(json.dumps(build_scan_predicate(SCAN)))
    inner: Any = predicate
    for step in path[:-1]:
        inner = inner[step]
    if drop:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return copy.deepcopy(predicate)


LIES = {
    "an unknown member": changed("revoked", value=True),
    "an unknown member in a finding": changed("findings", 0, "fixedBy", value="me"),
    "an unknown member in a total": changed("totals", "ignored", value=0),
    "an unknown member in what is unknown": changed("notEvaluated", 0, "fine", value=True),
    "an unknown member in a database": changed("databases", 0, "signed", value=True),
    "an unknown member in a file": changed("files", 0, "path", value="/"),
    "no findings at all": changed("findings", drop=True),
    "no totals": changed("totals", drop=True),
    "no time": changed("scannedAt", drop=True),
    "no databases": changed("databases", drop=True),
    "one clean package more": changed("totals", "clean", value=3),
    "packages that do not add up": changed("totals", "packages", value=8),
    "a negative count": changed("totals", "clean", value=-1),
    "a count that is no whole number": changed("totals", "clean", value=2.0),
    "true as a count": changed("totals", "local", value=True),
    "a finding that no total counts": changed("findings", value=[]),
    "malware that is called a flaw": changed("findings", 0, "malware", value=False),
    "unknown packages that no total counts": changed("notEvaluated", value=[]),
    "a total of unknown packages that lies": changed("totals", "notEvaluated", value=0),
    "a severity nobody knows": changed("findings", 0, "severity", value="fine"),
    "a reason nobody knows": changed("notEvaluated", 0, "reason", value="bored"),
    "an id that is not among the ids": changed("findings", 0, "ids", value=["X"]),
    "no ids": changed("findings", 0, "ids", value=[]),
    "no source": changed("findings", 0, "sources", value=[]),
    "an empty id": changed("findings", 0, "id", value=""),
    "an empty purl": changed("findings", 0, "purl", value=""),
    "a summary that is no text": changed("findings", 0, "summary", value=1),
    "a path that is no text": changed("findings", 0, "paths", value=[1]),
    "a time without an offset": changed("scannedAt", value="2026-11-21T00:00:00"),
    "a time that is none": changed("databases", 0, "exportedAt", value="today"),
    "a published time that is none": changed("findings", 1, "published", value="2026"),
    "a digest in upper case": changed("files", 0, "digest", value="sha512:" + "0A" * 64),
    "a digest without algorithm": changed("files", 0, "digest", value="0a" * 32),
    "a digest of the wrong length": changed("files", 0, "digest", value="sha512:" + "0a" * 32),
    "a database digest that is none": changed("databases", 0, "sha256", value="latest"),
    "a scanner without a name": changed("scanner", value=""),
    "findings that are no list": changed("findings", value={}),
}


@pytest.mark.parametrize("predicate", LIES.values(), ids=LIES.keys())
def test_anything_else_is_refused(predicate: dict[str, Any]) -> None:
    with pytest.raises(FormatError) as caught:
        read_scan_predicate(predicate)
    assert caught.value.code == "statement.malformed"
    assert caught.value.where


def test_nothing_is_signed_that_would_not_be_read() -> None:
    broken = replace(SCAN, result=replace(RESULT, clean=99))
    with pytest.raises(FormatError) as caught:
        build_scan_predicate(broken)
    assert caught.value.code == "statement.malformed"


def test_packages_are_counted_once_whatever_number_of_findings_they_have() -> None:
    twice = replace(RESULT, findings=(MALWARE, replace(MALWARE, id="MAL-2", ids=("MAL-2",), malware=False), FINDING))
    assert read_scan_predicate(build_scan_predicate(replace(SCAN, result=twice))) == twice
