"""A person approved exactly these bytes.

Why: A build machine that has been taken over signs whatever it builds. An approval is a signature by a person, over the
digest, given after looking at what changes for those who install; it may be bound to a policy and it may expire.

Fix: Look at the difference and sign it: ``vxsec approve FILE.tgz --signer file:alice.key --trust trust.yaml --policy POLICY``.
Where the approval binds another policy or an older version of it, approve again.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from vxsec.formats.key_materials import signer_of
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.decision import Phase
from vxsec.model.package import NPM, PYPI
from vxsec.model.quorum import count_quorum
from vxsec.model.trust import Role
from vxsec.policy.next_command import approve_command, gate_command
from vxsec.policy.parameters import parameter
from vxsec.policy.rule import EvidenceKind, Outcome, Rule, RuleContext, failed, passed, unknown
from vxsec.values import dataclass

if TYPE_CHECKING:
    from vxsec.model.evidence import ApprovalEvidence, ApprovalFact

__all__ = ["RULE", "Parameters"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """Who, how many, how recent."""

    role: str = parameter(doc="The role that approves.", default="human", choices=("human",))
    min: int = parameter(doc="Distinct people who must approve.", default=1, minimum=1, maximum=100)
    max_age: timedelta | None = parameter(doc="How old an approval may be, by its own date.", default=None)


def _check(parameters: Parameters, context: RuleContext) -> Outcome:
    evidence = context.evidence.approvals
    if evidence is None:
        raise TypeError("approvals were not collected")
    reasons: list[str] = []
    counted: list[ApprovalFact] = []
    for approval in evidence.approvals:
        reason = _void(approval, parameters, context)
        if reason is None:
            counted.append(approval)
        else:
            reasons.append(reason)
    signers = [approval.signer for approval in counted]
    quorum = count_quorum(signer_of(fact, context.trust) for fact in signers)
    if quorum.count >= parameters.min:
        return passed("release.approval", "approved", found=", ".join(quorum.holders), signed_by=quorum.holders)
    return _too_few(evidence, quorum.holders, reasons, parameters, context)


def _void(approval: ApprovalFact, parameters: Parameters, context: RuleContext) -> str | None:
    """The code of the reason why an approval does not count, or None where it does."""
    fact = approval.signer
    if fact.statement != "approval" or fact.role is not Role(parameters.role):
        return "approval.role"
    if fact.expires is not None and fact.expires <= context.now:
        return "approval.expired"
    policy = context.policy
    if approval.policy_name is not None and approval.policy_name != policy.name:
        return "approval.policy-mismatch"
    if approval.policy_min_version is not None and policy.version < approval.policy_min_version:
        return "approval.policy-mismatch"
    if parameters.max_age is not None:
        made = fact.created_at
        skew = timedelta(seconds=DEFAULT_LIMITS.clock_skew_seconds)
        if made is None or not -skew <= context.now - made <= parameters.max_age:
            return "approval.too-old"
    return None


def _too_few(
    evidence: ApprovalEvidence,
    holders: tuple[str, ...],
    reasons: list[str],
    parameters: Parameters,
    context: RuleContext,
) -> Outcome:
    expected = f"{parameters.min} approval{'s' if parameters.min > 1 else ''} by role {parameters.role}"
    found = ", ".join(holders) or "none that counts"
    found += f"; not counted: {', '.join(reasons)}" if reasons else ""
    hint = approve_command(context)
    if evidence.incomplete is not None:
        return unknown(
            "approval.search-incomplete",
            "the search for approvals could not be finished",
            expected=expected,
            found=f"{found}; {evidence.incomplete}",
            hint=f"try again, or give the bundles you have: {gate_command(context, '--evidence', 'DIR')}",
        )
    if evidence.foreign:
        code, message = "approval.subject-mismatch", "an approval or signature speaks of other bytes"
    elif holders:
        code, message = "approval.too-few", "too few people approved"
    elif reasons:
        code, message = reasons[0], "no approval counts"
    else:
        code, message = "approval.none", "nobody approved these bytes"
    return failed(code, message, expected=expected, found=found, hint=hint)


RULE = Rule(
    id="release.approval",
    summary="A person approved exactly these bytes.",
    phases=frozenset({Phase.PUBLISH, Phase.PROMOTE}),
    needs=frozenset({EvidenceKind.APPROVALS}),
    parameters=Parameters,
    check=_check,
    ecosystems=frozenset({NPM, PYPI}),
)
