"""Every fixture case: a rule, evidence as data, and the verdict, code and exit status that must come out."""

from __future__ import annotations

import pytest

from support.policy_cases import Case, load_cases
from vxsec.model.decision import Verdict

CASES = tuple(load_cases())


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}: {case.path.parent.name}")
def test_case(case: Case) -> None:
    decision = case.decide()
    results = [result for subject in decision.subjects for result in subject.results if result.use == case.rule]
    assert [(result.verdict.value, result.code) for result in results] == [(case.table["expect"], case.table["code"])]
    assert decision.exit_status == case.table["exit"]
    assert decision.allowed is (case.table["exit"] == 0)
    for result in results:
        if result.verdict is not Verdict.PASS:
            assert result.expected
            assert result.found
            assert result.hint


def test_every_case_says_why_and_more_than_half_are_refusals() -> None:
    assert all(case.table["why"] for case in CASES)
    refused = [case for case in CASES if case.table["exit"] != 0]
    assert len(refused) > len(CASES) / 2
