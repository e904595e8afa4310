"""From a policy and evidence to a decision: one pure function, closed unless something says ``pass``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vxsec.errors import UsageError
from vxsec.model.decision import Decision, Disposition, Mode, Phase, RuleResult, SubjectDecision, TrustRef, Verdict
from vxsec.model.evidence import ContentEvidence
from vxsec.model.trust import RevocationReason
from vxsec.policy.next_command import ASK_AGAIN, gate_command, generate_sbom_command, inspect_step, is_file, quoted
from vxsec.policy.rule import EvidenceKind, Outcome, RuleContext, failed, not_applicable, unknown
from vxsec.policy.rules import BUILTIN
from vxsec.policy.scan_standing import update_hint

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from vxsec.model.evidence import Evidence
    from vxsec.model.package import PackageRef
    from vxsec.model.trust import TrustRoot
    from vxsec.policy.language import Policy, RuleUse
    from vxsec.policy.rule import Rule

__all__ = ["ENGINE_SCOPE", "evaluate", "rules_for"]

ENGINE_SCOPE = "vxsec"
"""The scope of results that no policy file asks for: refused bytes, an expired policy, nothing evaluated."""

_SHOWN = 120


def evaluate(
    policy: Policy,
    trust: TrustRoot,
    evidence: Sequence[Evidence],
    *,
    phase: Phase,
    now: datetime,
    as_of: bool = False,
    rules: Sequence[Rule[Any]] = BUILTIN,
    trust_ref: TrustRef | None = None,
) -> Decision:
    """Judge every subject by every scope that matches it.

    Guarantees: a subject is allowed only where an enforced rule of this phase said ``pass`` and no enforced rule said
    anything that closes. Refused bytes and an expired policy close the gate in every mode. A rule that raises is
    ``error``, and closes. Taking evidence away, or marking it incomplete, never opens what was closed.

    Args:
        policy: The loaded policy.
        trust: The trust root that roles and registries stand in.
        evidence: One value per subject; never empty.
        phase: When the question is asked.
        now: The time everything is judged at, with its offset.
        as_of: Whether ``now`` is not the present; stamped on the decision.
        rules: The rules that may run; a use of any other is ``error``.
        trust_ref: How the trust root is named in the decision; derived from ``trust`` by default.

    Raises:
        UsageError: ``policy.no-subjects``, or ``policy.naive-time``.
    """
    if not evidence:
        raise UsageError("expected at least one package to judge, found none", code="policy.no-subjects")
    if now.tzinfo is None:
        raise UsageError("expected a time with its offset, found none", code="policy.naive-time")
    return Decision(
        phase=phase,
        mode=policy.mode,
        now=now,
        as_of=as_of,
        policy=policy.ref,
        trust=trust_ref or TrustRef(source=trust.source, sha256=trust.sha256, signed=trust.signed),
        subjects=tuple(
            _judge(
                policy,
                RuleContext(evidence=item, phase=phase, now=now, trust=trust, policy=policy.ref),
                rules,
            )
            for item in evidence
        ),
        rehearsal=trust.rehearsal,
    )


def rules_for(policy: Policy, package: PackageRef | None, registry: str, phase: Phase) -> tuple[RuleUse, ...]:
    """Every use of a rule that judges ``package`` in ``phase``: all matching scopes, in file order.

    Args:
        policy: The loaded policy.
        package: The package, or None where the bytes have no readable name.
        registry: The label of its registry, ``other`` where none lists it.
        phase: When the question is asked.
    """
    return tuple(use for _, use in _uses(policy, package, registry, phase) if phase in use.rule.phases)


def _uses(policy: Policy, package: PackageRef | None, registry: str, phase: Phase) -> Iterator[tuple[str, RuleUse]]:
    for scope in policy.scopes:
        if phase in scope.phases and scope.match.selects(package, registry):
            for use in scope.rules:
                yield scope.id, use


def _judge(policy: Policy, context: RuleContext, rules: Sequence[Rule[Any]]) -> SubjectDecision:
    subject, phase = context.evidence.subject, context.phase
    refused = (*_refusals(context), *_revocations(context))
    if refused:
        return SubjectDecision(subject=subject, results=refused)
    results = list(_expiry(policy, context.now))
    signed_by: set[str] = set()
    opened = False
    for scope, use in _uses(policy, subject.package, subject.registry, phase):
        outcome = _run(use, context, rules)
        opened = opened or (outcome.verdict is Verdict.PASS and use.counts)
        signed_by.update(outcome.signed_by)
        results.append(_result(scope, use.id, use.rule.id, outcome, use.mode))
    # Where a rule closes the gate already, its own reason stands: an unknown stays one that may be tried again.
    if not opened and not any(result.closes for result in results):
        nothing = failed(
            "policy.nothing-evaluated",
            f"no enforced rule of phase {phase} passed for {subject.label} on registry {subject.registry}",
            expected=f"at least one enforced rule in phase {phase} that says pass",
            found="none",
            hint=f"add a scope with phase {phase} that matches it to {policy.ref.source}, or mend what the rules above say",
        )
        results.append(_result(ENGINE_SCOPE, nothing.code, nothing.code, nothing, policy.mode))
    return SubjectDecision(subject=subject, results=tuple(results), signed_by=tuple(sorted(signed_by)))


def _run(use: RuleUse, context: RuleContext, rules: Sequence[Rule[Any]]) -> Outcome:
    """One rule's outcome, whatever happens inside it."""
    rule = use.rule
    if not any(rule is known for known in rules):
        return _error(f"the rule {rule.id} is not among the rules of this evaluation")
    cannot = _cannot_run(rule, context)
    if cannot is not None:
        return cannot
    try:
        outcome: object = rule.check(use.parameters, context)
    except Exception as error:  # noqa: BLE001 - the fail-closed boundary: whatever a rule raises closes the gate
        return _error(f"{rule.id} could not run: {type(error).__name__}: {str(error)[:_SHOWN]}")
    if not isinstance(outcome, Outcome) or not isinstance(outcome.verdict, Verdict):
        return _error(f"{rule.id} gave no verdict")
    return outcome


def _cannot_run(rule: Rule[Any], context: RuleContext) -> Outcome | None:
    """Why a rule is not run at all: another phase, another ecosystem, evidence that nobody collected."""
    if context.phase not in rule.phases:
        return not_applicable("rule.other-phase", f"{rule.id} does not judge phase {context.phase}")
    package = context.evidence.subject.package
    if package is not None and package.ecosystem not in rule.ecosystems:
        return unknown(
            "rule.ecosystem",
            f"{rule.id} cannot judge packages of {package.ecosystem}",
            expected=f"a package of {', '.join(sorted(rule.ecosystems))}",
            found=package.ecosystem,
            hint=f"give the scope of {context.policy.source} that uses {rule.id} a match with another ecosystem",
        )
    for kind in sorted(rule.needs - rule.judges_absence):
        if getattr(context.evidence, kind) is None:
            return unknown(
                "evidence.not-collected",
                f"{rule.id} needs {kind} evidence, and none was collected",
                expected=f"{kind} evidence",
                found="none",
                hint=_how_to_collect(kind, context),
            )
    return None


def _how_to_collect(kind: EvidenceKind, context: RuleContext) -> str:
    if kind in {EvidenceKind.REGISTRY, EvidenceKind.ROUTING}:
        return f"list the package's scope or name under registries: in {context.trust.source}"
    if kind is EvidenceKind.LOCKFILE:
        return "npm install --package-lock-only, then add --lockfile package-lock.json"
    if kind is EvidenceKind.SCAN:
        return update_hint(context)
    if not is_file(context.evidence.subject, context.phase):
        return ASK_AGAIN
    return _how_to_give(kind, context)


def _how_to_give(kind: EvidenceKind, context: RuleContext) -> str:
    """What to put beside the subject's file, or to say about it."""
    if kind in {EvidenceKind.CONTENT, EvidenceKind.SECRETS, EvidenceKind.LICENSES}:
        return f"give the tarball itself: {gate_command(context)}"
    if kind is EvidenceKind.SBOM:
        return generate_sbom_command(context)
    beside = quoted(f"{context.evidence.subject.filename}.sigstore.jsonl")
    return f"put {beside} beside the file, or name a folder of bundles: {gate_command(context, '--evidence', 'DIR')}"


def _error(message: str) -> Outcome:
    return Outcome(
        verdict=Verdict.ERROR,
        code="rule.error",
        message=message,
        expected="a verdict",
        found="none",
        hint="report this with the command and its input: it is a defect",
    )


def _refusals(context: RuleContext) -> Iterator[RuleResult]:
    """Bytes that vxsec does not accept are denied whatever the policy says."""
    evidence = context.evidence
    content: object = evidence.content
    refused = content.refused if isinstance(content, ContentEvidence) else ()
    reasons = [(item.code, item.message, item.where) for item in refused]
    malformed = not isinstance(content, ContentEvidence | None)
    if not reasons and (evidence.subject.package is None or malformed):
        reasons = [("archive.refused", "no package could be read from it", None)]
    for code, message, where in reasons:
        outcome = failed(
            code,
            message,
            expected="an archive that every installer sees as the same files",
            found=f"{message} ({where})" if where else message,
            hint=inspect_step(evidence.subject, context.phase),
        )
        yield _result(ENGINE_SCOPE, "archive.safe", "archive.safe", outcome, Mode.ENFORCE)


def _revocations(context: RuleContext) -> Iterator[RuleResult]:
    """Bytes that the trust document withdraws are denied whatever the policy says."""
    subject = context.evidence.subject
    for revocation in context.trust.digest_revocations:
        compromised = revocation.reason is RevocationReason.COMPROMISED  # without trusted time: at any time
        if revocation.sha512 == subject.sha512 and (compromised or context.now >= revocation.since):
            outcome = failed(
                "digest.revoked",
                f"{subject.label} is withdrawn: {revocation.reason.value}",
                expected="bytes in good standing",
                found=f"{revocation.reason.value} since {revocation.since.isoformat()} in {context.trust.source}",
                hint="use another version; whoever keeps the trust document knows why",
            )
            yield _result(ENGINE_SCOPE, outcome.code, outcome.code, outcome, Mode.ENFORCE)


def _expiry(policy: Policy, now: datetime) -> Iterator[RuleResult]:
    if policy.expires is not None and now >= policy.expires:
        outcome = failed(
            "policy.expired",
            f"the policy {policy.ref.name} has expired",
            expected=f"a policy that is valid at {now.isoformat()}",
            found=f"one that expired at {policy.expires.isoformat()}",
            hint=f"renew metadata.expires and raise metadata.version in {policy.ref.source}",
        )
        yield _result(ENGINE_SCOPE, outcome.code, outcome.code, outcome, Mode.ENFORCE)


def _result(scope: str, rule: str, use: str, outcome: Outcome, mode: Mode) -> RuleResult:
    return RuleResult(
        scope=scope,
        rule=rule,
        use=use,
        verdict=outcome.verdict,
        disposition=Disposition.ENFORCED if mode is Mode.ENFORCE else Disposition.WARNED,
        code=outcome.code,
        message=outcome.message,
        expected=outcome.expected,
        found=outcome.found,
        hint=outcome.hint,
    )
