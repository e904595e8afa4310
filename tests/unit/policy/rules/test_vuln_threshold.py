"""vuln.threshold beyond its cases: the worst comes first, grace ends on time, and parameters are held to their words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.policy_cases import NOW, evidence_from, make_policy, run_rule
from vxsec.errors import ConfigurationError
from vxsec.model.advisory import VulnerabilitySeverity
from vxsec.policy.rules.vuln_threshold import RULE as VULN_RULE

RULE = "vuln.threshold"
WORDS = ["low", "medium", "high", "critical"]


def _run(*findings: dict[str, Any], **parameters: Any) -> Any:
    return run_rule(RULE, evidence_from({"scan": {"findings": list(findings)}}), parameters=parameters)


@pytest.mark.parametrize("threshold", WORDS)
@pytest.mark.parametrize("severity", [*WORDS, "unknown"])
def test_the_threshold_and_above(threshold: str, severity: str) -> None:
    result = _run({"id": "GHSA-1", "severity": severity}, deny={"severity": threshold})
    above = severity == "unknown" or WORDS.index(severity) >= WORDS.index(threshold)
    assert result.code == ("vuln.above" if above else "vuln.below")


def test_the_worst_is_named_first_with_its_fix() -> None:
    result = _run(
        {"id": "GHSA-1", "severity": "high", "package": "a@1.0.0", "fixed": ["1.0.1"]},
        {"id": "GHSA-2", "severity": "critical", "package": "@s/b@1.0.0", "fixed": ["2.0.0", "3.0.0"]},
        {"id": "GHSA-3", "severity": "low", "package": "c@1.0.0"},
    )
    assert result.found == "@s/b@1.0.0: GHSA-2 (critical, fixed in 2.0.0), a@1.0.0: GHSA-1 (high, fixed in 1.0.1)"
    assert result.hint == "take @s/b 2.0.0 or later; take a 1.0.1 or later; then make the lockfile again"
    assert result.message == "2 known vulnerabilities at or above the threshold"


def test_malware_is_worse_than_anything_and_has_no_fix() -> None:
    result = _run(
        {"id": "GHSA-2", "severity": "unknown", "package": "b@1.0.0"},
        {"id": "MAL-1", "severity": "low", "package": "a@1.0.0", "malware": True, "fixed": ["2.0.0"]},
    )
    assert (result.found or "").startswith("a@1.0.0: MAL-1 (malware")
    assert result.hint == (
        "remove a@1.0.0: it is malware; remove b@1.0.0: no version of it is known to be free of GHSA-2; "
        "then make the lockfile again"
    )
    assert result.message == "a package known as malware and a known vulnerability at or above the threshold"
    assert result.expected == "no malware, and none of severity high or above"


def test_malware_alone_is_not_counted_as_vulnerabilities() -> None:
    result = _run(
        *({"id": f"MAL-{name}", "package": f"{name}@1.0.0", "malware": True} for name in "ab"),
        {"id": "MAL-again", "package": "a@1.0.0", "malware": True},
    )
    assert result.message == "2 packages known as malware"


def test_three_steps_are_told_each_once() -> None:
    fixes = [{"id": f"GHSA-{name}", "package": f"{name}@1.0.0", "fixed": ["1.0.1"]} for name in "aabcde"]
    assert _run(*fixes).hint == (
        "take a 1.0.1 or later; take b 1.0.1 or later; take c 1.0.1 or later; 2 more after these; "
        "then make the lockfile again"
    )


def test_what_is_let_pass_is_counted() -> None:
    findings: list[dict[str, Any]] = [{"id": "GHSA-1", "severity": "low"}, {"id": "GHSA-2", "published_days": 1}]
    assert _run(*findings, grace={"high": "P2D"}).found == "1 below the threshold, 1 in their time of grace"
    assert _run(findings[0]).found == "1 below the threshold"
    assert _run().found == "none"


@given(age=st.integers(0, 20), length=st.integers(1, 20))
def test_grace_ends_on_time(age: int, length: int) -> None:
    result = _run({"id": "GHSA-1", "published_days": age}, grace={"high": f"P{length}D"})
    assert result.code == ("vuln.below" if age < length else "vuln.above")


@given(
    older=st.integers(1, 400),
    severity=st.sampled_from(list(VulnerabilitySeverity)),
    threshold=st.sampled_from(WORDS),
)
def test_time_alone_never_opens(older: int, severity: str, threshold: str) -> None:
    evidence = evidence_from({"scan": {"findings": [{"id": "GHSA-1", "severity": severity, "published_days": 1}]}})
    parameters = {"deny": {"severity": threshold}, "grace": {"high": "P3D"}}
    now = run_rule(RULE, evidence, parameters=parameters)
    later = run_rule(RULE, evidence, parameters=parameters, now=NOW + timedelta(days=older))
    assert now.verdict == "pass" or later.verdict != "pass"


def test_grace_is_over_at_the_last_moment_there_is() -> None:
    evidence = evidence_from({"scan": {"findings": [{"id": "GHSA-1", "published_days": 1}]}})
    parameters = {"grace": {"high": "P99999D"}, "maxDbAge": "P9999W"}
    assert run_rule(RULE, evidence, parameters=parameters).code == "vuln.below"
    last = datetime.max.replace(tzinfo=UTC)
    assert run_rule(RULE, evidence, parameters=parameters, now=last).verdict != "pass"


REFUSED = {
    "an empty threshold": ({"deny": {}}, "policy.value", "leave the parameter out"),
    "a threshold that is a word": ({"deny": "high"}, "document.type", "a mapping"),
    "an unknown severity": ({"deny": {"severity": "hihg"}}, "policy.value", "did you mean 'high'"),
    "nobody's severity": ({"deny": {"severity": "unknown"}}, "policy.value", "expected one of low"),
    "an unknown word": ({"deny": {"kev": True}}, "policy.unknown-parameter", "known: severity, fixAvailable"),
    "grace for nobody's severity": ({"grace": {"unknown": "P1D"}}, "policy.value", "expected one of low"),
    "grace in days": ({"grace": {"high": 7}}, "document.type", "a string"),
    "grace of a month": ({"grace": {"high": "P1M"}}, "policy.duration", "ISO 8601"),
}


@pytest.mark.parametrize(("with_", "code", "text"), REFUSED.values(), ids=REFUSED.keys())
def test_parameters_that_are_none_are_refused(with_: dict[str, object], code: str, text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        make_policy({"use": RULE, "with": with_})
    assert caught.value.code == code
    assert text in str(caught.value)


def test_the_defaults_are_of_the_design() -> None:
    parameters = VULN_RULE.parameters()
    assert (parameters.deny.severity, parameters.deny.fix_available) == ("high", False)
    assert (parameters.max_db_age, parameters.grace, parameters.allow_unevaluated) == (timedelta(days=3), {}, ())
