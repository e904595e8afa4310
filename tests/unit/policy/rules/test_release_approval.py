"""release.approval beyond its cases: age, binding, and the person counted once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from support.policy_cases import NOW, make_evidence, make_signer, run_rule
from vxsec.model.decision import Phase
from vxsec.model.evidence import ApprovalEvidence, ApprovalFact

RULE = "release.approval"


def _approval(policy: str | None = None, version: int | None = None, **signer: object) -> ApprovalFact:
    fields = {"holder": "alice", "role": "human"} | signer
    return ApprovalFact(signer=make_signer(**fields), policy_name=policy, policy_min_version=version)  # type: ignore[arg-type]  # rows of a table


AGES = {
    "an hour old": (NOW - timedelta(hours=1), "release.approval"),
    "as old as allowed": (NOW - timedelta(days=7), "release.approval"),
    "a second older": (NOW - timedelta(days=7, seconds=1), "approval.too-old"),
    "a little ahead of our clock": (NOW + timedelta(minutes=5), "release.approval"),
    "from the future": (NOW + timedelta(minutes=5, seconds=1), "approval.too-old"),
    "without a date": (None, "approval.too-old"),
}


@pytest.mark.parametrize(("made", "code"), AGES.values(), ids=AGES.keys())
def test_an_age_limit_on_an_approval(made: datetime | None, code: str) -> None:
    evidence = make_evidence(approvals=ApprovalEvidence(approvals=(_approval(created_at=made),)))
    assert run_rule(RULE, evidence, parameters={"maxAge": "P7D"}).code == code
    assert run_rule(RULE, evidence).code == RULE


@pytest.mark.parametrize("year", [1, 9999], ids=["the first", "the last"])
def test_an_age_is_judged_at_any_moment_there_is(year: int) -> None:
    evidence = make_evidence(approvals=ApprovalEvidence(approvals=(_approval(created_at=NOW),)))
    result = run_rule(RULE, evidence, parameters={"maxAge": "P7D"}, now=datetime(year, 1, 1, tzinfo=UTC))
    assert result.code == "approval.too-old"


VOID = {
    "by a machine": (_approval(role="machine", statement="approval"), "approval.role"),
    "by a person over a release": (_approval(statement="release"), "approval.role"),
    "expired now": (_approval(expires=NOW), "approval.expired"),
    "for another policy": (_approval("other", 1), "approval.policy-mismatch"),
    "for a later version": (_approval("test", 4), "approval.policy-mismatch"),
    "for a later version of any policy": (_approval(None, 4), "approval.policy-mismatch"),
}


@pytest.mark.parametrize(("approval", "code"), VOID.values(), ids=VOID.keys())
def test_an_approval_does_not_count(approval: ApprovalFact, code: str) -> None:
    result = run_rule(RULE, make_evidence(approvals=ApprovalEvidence(approvals=(approval,))))
    assert result.code == code
    assert result.found == f"none that counts; not counted: {code}"
    assert result.hint == "vxsec approve kernel-1.1.0.tgz --signer file:KEY --trust trust.yaml --policy policy.json"


def test_stale_approvals_beside_enough_valid_ones_do_no_harm() -> None:
    approvals = (*(approval for approval, _ in VOID.values()), _approval("test", 3))
    assert run_rule(RULE, make_evidence(approvals=ApprovalEvidence(approvals=approvals, foreign=True))).code == RULE


def test_it_has_no_say_at_install() -> None:
    result = run_rule(RULE, make_evidence(), phase=Phase.INSTALL)
    assert (result.verdict, result.code) == ("not-applicable", "rule.other-phase")


def test_it_binds_promotion() -> None:
    assert (
        run_rule(RULE, make_evidence(approvals=ApprovalEvidence(approvals=())), phase=Phase.PROMOTE).code
        == "approval.none"
    )
