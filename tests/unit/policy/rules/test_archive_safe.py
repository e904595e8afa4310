"""archive.safe beyond its cases: bounds only tighten, and findings are shown."""

from __future__ import annotations

import pytest

from support.policy_cases import finding, make_evidence, make_policy, run_rule
from vxsec.errors import ConfigurationError
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.evidence import ContentEvidence

RULE = "archive.safe"


def _content(**fields: object) -> ContentEvidence:
    return ContentEvidence(**{"refused": (), "files": 10, "packed_size": 10, "unpacked_size": 100} | fields)  # type: ignore[arg-type]  # rows of a table


@pytest.mark.parametrize(
    "parameters",
    [
        {"maxFiles": DEFAULT_LIMITS.archive_members + 1},
        {"maxRatio": DEFAULT_LIMITS.archive_ratio + 1},
        {"maxFiles": 0},
        {"maxRatio": -1},
    ],
    ids=str,
)
def test_a_bound_cannot_be_loosened_or_emptied(parameters: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        make_policy({"use": RULE, "with": parameters})
    assert caught.value.code == "policy.value"


def test_bounds_are_inclusive() -> None:
    result = run_rule(RULE, make_evidence(content=_content()), parameters={"maxFiles": 10, "maxRatio": 10})
    assert result.code == RULE


def test_an_archive_of_nothing_that_unpacks_to_something_is_too_dense() -> None:
    evidence = make_evidence(content=_content(packed_size=0, unpacked_size=1))
    assert run_rule(RULE, evidence, parameters={"maxRatio": 200}).code == "archive.too-dense"


def test_a_severe_finding_about_the_archive_denies() -> None:
    evidence = make_evidence(content=_content(findings=(finding("archive.odd", "high", where="package/x"),)))
    result = run_rule(RULE, evidence)
    assert (result.verdict, result.code, result.found) == ("fail", "archive.odd", "something (package/x)")


def test_findings_about_anything_else_are_other_rules_business() -> None:
    evidence = make_evidence(
        content=_content(findings=(finding("scripts.odd", "high"), finding("archive.mode", "medium")))
    )
    result = run_rule(RULE, evidence)
    assert (result.verdict, result.found) == ("pass", "10 files; archive.mode")
