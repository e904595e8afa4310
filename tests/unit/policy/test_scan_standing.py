"""What a rule says to do where advisories are missing or old: for the ecosystem that is meant."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from support.policy_cases import NOW, evidence_from, make_policy, make_trust
from vxsec.model.decision import Phase
from vxsec.policy.rule import RuleContext
from vxsec.policy.scan_standing import ScanParameters, check_standing

if TYPE_CHECKING:
    from vxsec.model.evidence import Evidence

FOR_NPM = "vxsec db update --ecosystem npm, or without a connection: vxsec db import npm.zip"
FOR_PYTHON = "vxsec db update --ecosystem PyPI, or without a connection: vxsec db import PyPI.zip"


def of(ecosystem: str | None, facts: dict[str, Any]) -> Evidence:
    """Evidence about a package of this ecosystem; about refused bytes if None."""
    evidence = evidence_from(facts)
    package = evidence.subject.package
    assert package is not None
    told = replace(package, ecosystem=ecosystem) if ecosystem is not None else None
    return replace(evidence, subject=replace(evidence.subject, package=told))


def with_data_of(evidence: Evidence, ecosystem: str) -> Evidence:
    """The same, with another ecosystem's data asked."""
    scan = evidence.scan
    assert scan is not None
    assert scan.result is not None
    states = tuple(replace(state, ecosystem=ecosystem) for state in scan.result.databases)
    return replace(evidence, scan=replace(scan, result=replace(scan.result, databases=states)))


@pytest.mark.parametrize("year", [1, 9999], ids=["the first", "the last"])
def test_how_old_data_is_can_be_judged_at_any_moment_there_is(year: int) -> None:
    context = RuleContext(
        evidence=of("npm", {"scan": {}}),
        phase=Phase.PUBLISH,
        now=datetime(year, 1, 1, tzinfo=UTC),
        trust=make_trust(),
        policy=make_policy({"use": "malware.deny"}).ref,
    )
    assert context.evidence.scan is not None
    result = check_standing(context.evidence.scan, ScanParameters(), context, family="malware")
    assert result is not None
    assert (result.code, (result.expected or "")[:24]) == ("malware.database-old", "data at most P3D old at ")


@pytest.mark.parametrize(
    ("evidence", "code", "hint"),
    [
        pytest.param(
            of("pypi", {"scan": {"incomplete": "damaged"}}), "malware.not-scanned", FOR_PYTHON, id="the subject's own"
        ),
        pytest.param(of("npm", {"scan": {"incomplete": "damaged"}}), "malware.not-scanned", FOR_NPM, id="npm's own"),
        pytest.param(of(None, {"scan": {"incomplete": "damaged"}}), "malware.not-scanned", FOR_NPM, id="refused bytes"),
        pytest.param(of("gem", {"scan": {"incomplete": "damaged"}}), "malware.not-scanned", FOR_NPM, id="one that has none"),
        pytest.param(
            of("pypi", {"scan": {"not_evaluated": [{"reason": "database"}]}}),
            "malware.not-evaluated",
            FOR_PYTHON,
            id="the subject's own, which is missing",
        ),
        pytest.param(
            with_data_of(of("npm", {"scan": {"age_hours": [9000]}}), "pypi"),
            "malware.database-old",
            FOR_PYTHON,
            id="the data that is old, whatever the subject is",
        ),
    ],
)  # fmt: skip
def test_the_next_step_names_the_ecosystem(evidence: Evidence, code: str, hint: str) -> None:
    policy = make_policy({"use": "malware.deny"})
    context = RuleContext(evidence=evidence, phase=Phase.PUBLISH, now=NOW, trust=make_trust(), policy=policy.ref)
    assert evidence.scan is not None
    result = check_standing(evidence.scan, ScanParameters(), context, family="malware")
    assert result is not None
    assert (result.verdict, result.code, result.hint) == ("unknown", code, hint)
