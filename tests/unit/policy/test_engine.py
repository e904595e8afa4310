"""The engine: closed unless something says pass, and nothing taken away ever opens it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.policy_cases import (
    NOW,
    evidence_from,
    finding,
    load_cases,
    make_evidence,
    make_policy,
    make_signer,
    make_subject,
    make_trust,
    minimal_use,
)
from vxsec.errors import UsageError
from vxsec.model.decision import Disposition, Mode, Phase, TrustRef, Verdict
from vxsec.model.evidence import ContentEvidence, Evidence, PackumentState, SignatureEvidence
from vxsec.model.package import PYPI, PackageRef
from vxsec.policy.document import parse_policy
from vxsec.policy.engine import evaluate, rules_for
from vxsec.policy.next_command import add_to_list
from vxsec.policy.rule import EvidenceKind, NoParameters, Outcome, Rule, RuleContext, passed
from vxsec.policy.rules import BUILTIN
from vxsec.policy.shipped import SHIPPED, load_shipped

if TYPE_CHECKING:
    from collections.abc import Callable

    from vxsec.model.decision import Decision
    from vxsec.model.evidence import SubjectRef
    from vxsec.policy.document import Policy

T = TypeVar("T")

CONTENT = ContentEvidence(refused=(), files=1, packed_size=1, unpacked_size=1)
REFUSED = ContentEvidence(refused=(finding("archive.link", "high"), finding("archive.duplicate", "high")))
SAFE = {"use": "archive.safe"}
SIGNED = {"use": "signature.threshold"}


def _judge(policy: Policy, *items: Evidence, phase: Phase = Phase.PUBLISH, **kwargs: Any) -> Decision:
    return evaluate(policy, make_trust(), items, phase=phase, now=NOW, **kwargs)


def _codes(decision: Decision) -> list[tuple[str, str, str]]:
    return [(r.code, r.verdict.value, r.disposition.value) for s in decision.subjects for r in s.results]


def test_an_enforced_pass_opens() -> None:
    decision = _judge(make_policy(SAFE), make_evidence(content=CONTENT))
    assert decision.allowed
    assert decision.exit_status == 0
    assert decision.trust == TrustRef(source="trust.yaml", sha256="0" * 64, signed=False)
    assert _codes(decision) == [("archive.safe", "pass", "enforced")]


def test_the_decision_says_what_it_rests_on() -> None:
    ref = TrustRef(source="elsewhere", sha256="1" * 64, signed=True)
    policy = make_policy(SIGNED)
    signatures = SignatureEvidence(signers=(make_signer(), make_signer("alice", "human")))
    decision = evaluate(
        policy, make_trust(rehearsal=True), [make_evidence(signatures=signatures)], phase=Phase.INSTALL, now=NOW, as_of=True, trust_ref=ref
    )  # fmt: skip
    assert (decision.policy, decision.trust, decision.phase, decision.now) == (policy.ref, ref, Phase.INSTALL, NOW)
    assert decision.as_of
    assert decision.rehearsal
    assert decision.subjects[0].signed_by == ("alice", "ci")


def test_no_evidence_is_an_error_never_all_passed() -> None:
    with pytest.raises(UsageError) as caught:
        _judge(make_policy(SAFE))
    assert caught.value.code == "policy.no-subjects"


def test_a_time_without_an_offset_is_an_error() -> None:
    with pytest.raises(UsageError) as caught:
        evaluate(make_policy(SAFE), make_trust(), [make_evidence()], phase=Phase.PUBLISH, now=datetime(2026, 1, 1))  # noqa: DTZ001 - the point
    assert caught.value.code == "policy.naive-time"


NOTHING = {
    "no scope matches the name": (make_policy(SAFE, match={"name": "@other/*"}), Phase.PUBLISH),
    "no scope matches the registry": (make_policy(SAFE, match={"registry": "staging"}), Phase.PUBLISH),
    "no scope has the phase": (make_policy(SAFE, phases=("publish",)), Phase.INSTALL),
    "the only rule has no say in the phase": (make_policy({"use": "version.monotonic"}), Phase.INSTALL),
    "the scope only warns": (make_policy(SAFE, scope={"mode": "warn"}), Phase.PUBLISH),
    "the rule only warns": (make_policy({**SAFE, "mode": "warn"}), Phase.PUBLISH),
}


@pytest.mark.parametrize(("policy", "phase"), NOTHING.values(), ids=NOTHING.keys())
def test_nothing_evaluated_is_denied_where(policy: Policy, phase: Phase) -> None:
    decision = _judge(policy, make_evidence(content=CONTENT), phase=phase)
    assert decision.exit_status == 11
    assert ("policy.nothing-evaluated", "fail", "enforced") in _codes(decision)


def test_all_matching_scopes_apply() -> None:
    policy = make_policy(SAFE, SIGNED)
    both = replace(
        policy,
        scopes=(
            replace(policy.scopes[0], rules=policy.scopes[0].rules[:1]),
            replace(policy.scopes[0], id="t", rules=policy.scopes[0].rules[1:]),
        ),
    )
    decision = _judge(both, make_evidence(content=CONTENT, signatures=SignatureEvidence(signers=())))
    assert decision.exit_status == 11
    assert [r.scope for r in decision.subjects[0].results] == ["s", "t"]


def test_one_subject_closes_for_all() -> None:
    decision = _judge(make_policy(SAFE), make_evidence(content=CONTENT), make_evidence(content=REFUSED))
    assert [s.allowed for s in decision.subjects] == [True, False]
    assert not decision.allowed


def test_warn_mode_shows_and_does_not_close() -> None:
    decision = _judge(make_policy(SIGNED, mode="warn"), make_evidence(signatures=SignatureEvidence(signers=())))
    assert decision.exit_status == 0
    assert _codes(decision) == [("signature.none", "fail", "warned"), ("policy.nothing-evaluated", "fail", "warned")]


def test_a_warning_policy_that_would_pass_says_nothing_more() -> None:
    decision = _judge(make_policy(SAFE, mode="warn"), make_evidence(content=CONTENT))
    assert _codes(decision) == [("archive.safe", "pass", "warned")]


def test_a_scope_that_enforces_closes_in_a_warning_policy() -> None:
    policy = make_policy(SIGNED, mode="warn", scope={"mode": "enforce"})
    assert _judge(policy, make_evidence(signatures=SignatureEvidence(signers=()))).exit_status == 11


@pytest.mark.parametrize("mode", ["enforce", "warn"])
@pytest.mark.parametrize("rule", [SAFE, SIGNED, {**SAFE, "mode": "warn"}], ids=str)
def test_refused_bytes_close_in_every_mode_whatever_the_rules(mode: str, rule: dict[str, str]) -> None:
    evidence = make_evidence(replace(make_subject(), package=None), content=REFUSED)
    decision = _judge(make_policy(rule, mode=mode), evidence)
    assert _codes(decision) == [("archive.link", "fail", "enforced"), ("archive.duplicate", "fail", "enforced")]
    assert {r.use for r in decision.subjects[0].results} == {"archive.safe"}
    assert decision.exit_status == 11


def test_a_subject_without_a_name_and_without_reasons_is_refused_too() -> None:
    decision = _judge(
        make_policy(SAFE, mode="warn"), make_evidence(replace(make_subject(), package=None), content=CONTENT)
    )
    assert _codes(decision) == [("archive.refused", "fail", "enforced")]


@pytest.mark.parametrize("mode", ["enforce", "warn"])
def test_an_expired_policy_closes_in_every_mode(mode: str) -> None:
    policy = make_policy(SAFE, mode=mode, metadata={"expires": "2026-11-21T12:00:00Z"})
    decision = _judge(policy, make_evidence(content=CONTENT))
    assert decision.exit_status == 11
    assert _codes(decision)[0] == ("policy.expired", "fail", "enforced")
    before = evaluate(
        policy, make_trust(), [make_evidence(content=CONTENT)], phase=Phase.PUBLISH, now=NOW - timedelta(seconds=1)
    )
    assert before.exit_status == 0


def test_evidence_that_was_not_collected_is_unknown() -> None:
    for rule in BUILTIN:
        phase = next(iter(sorted(rule.phases)))
        decision = _judge(make_policy(minimal_use(rule.id)), make_evidence(), phase=phase)
        result = decision.subjects[0].results[0]
        code = "evidence.not-collected" if rule.needs - rule.judges_absence else "exotic.not-read"
        assert (result.verdict, result.code) == (Verdict.UNKNOWN, code), rule.id
        assert result.hint


def test_a_package_of_an_ecosystem_that_a_rule_does_not_know_is_unknown() -> None:
    wheel = replace(make_subject(), package=PackageRef(name="app-kit", version="1.0", ecosystem=PYPI))
    policy = make_policy({"use": "manifest.expect"}, match={"name": "*"})
    result = _judge(policy, make_evidence(wheel, content=CONTENT)).subjects[0].results[0]
    assert (result.verdict, result.code, result.found) == (Verdict.UNKNOWN, "rule.ecosystem", "pypi")
    assert _judge(make_policy(SAFE, match={"name": "*"}), make_evidence(wheel, content=CONTENT)).allowed


def test_what_to_do_about_evidence_that_was_not_collected_depends_on_the_kind() -> None:
    entry = replace(make_subject(), filename="@vextrus/kernel@1.1.0")

    def hint(rule: str, subject: SubjectRef) -> str:
        policy = make_policy(minimal_use(rule))
        return _judge(policy, make_evidence(subject), phase=Phase.INSTALL).subjects[0].results[0].hint or ""

    assert hint("malware.deny", entry).startswith("vxsec db update")
    assert hint("sbom.complete", entry).startswith("run the same command again once the registry answers")
    assert hint("sbom.complete", make_subject()) == "vxsec sbom generate kernel-1.1.0.tgz --beside"
    assert hint("license.allow", make_subject()).startswith("give the tarball itself: vxsec gate kernel-1.1.0.tgz")


def test_what_a_hint_says_to_list_has_an_end() -> None:
    assert add_to_list("allow", 'a"b') == 'add to with: allow: ["a\\"b"]'
    assert len(add_to_list("allow", "x" * 10_000)) < 600
    assert add_to_list("allow", "x" * 10_000).endswith('x…"]')


# -- rules that misbehave ----------------------------------------------------------------------------------------------


def _rule(check: Callable[[NoParameters, RuleContext], Outcome]) -> Rule[NoParameters]:
    return Rule(
        id="own.rule", summary="x", phases=frozenset(Phase), needs=frozenset(), parameters=NoParameters, check=check
    )


def _raises(error: BaseException) -> Callable[[NoParameters, RuleContext], Outcome]:
    def check(_: NoParameters, __: RuleContext) -> Outcome:
        raise error

    return check


def _changed(value: T, **fields: Any) -> T:
    """``replace`` without its types: what a defect would hand over."""
    return cast("T", replace(cast("Any", value), **fields))


MISBEHAVING: dict[str, Any] = {
    "raises a key error": _raises(KeyError("x")),
    "raises a recursion error": _raises(RecursionError()),
    "raises a usage error": _raises(UsageError("no")),
    "runs out of memory": _raises(MemoryError()),
    "returns nothing": lambda _p, _c: None,
    "returns true": lambda _p, _c: True,
    "returns a verdict that is text": lambda _p, _c: _changed(passed("x.y", "z"), verdict="pass"),
}
POLICY = b"""{"apiVersion": "vxsec/policy/v1", "kind": "Policy", "metadata": {"name": "n", "version": 1}, "scopes":
 [{"id": "s", "match": {"ecosystem": "npm"}, "phases": ["publish"], "rules": [{"id": "r", "use": "own.rule"}]}]}"""


@pytest.mark.parametrize("check", MISBEHAVING.values(), ids=MISBEHAVING.keys())
def test_a_rule_is_an_error_and_closes_where_it(check: Any) -> None:
    rules = (*BUILTIN, _rule(check))
    decision = _judge(parse_policy(POLICY, source="p.json", rules=rules), make_evidence(), rules=rules)
    assert _codes(decision)[0] == ("rule.error", "error", "enforced")
    assert not decision.allowed


def test_an_interrupt_is_not_a_verdict() -> None:
    rules = (_rule(_raises(KeyboardInterrupt())),)
    with pytest.raises(KeyboardInterrupt):
        _judge(parse_policy(POLICY, source="p.json", rules=rules), make_evidence(), rules=rules)


def test_an_own_rule_runs_only_where_the_caller_passes_it() -> None:
    rules = (_rule(lambda _p, _c: passed("own.ok", "fine")),)
    policy = parse_policy(POLICY, source="p.json", rules=rules)
    assert _judge(policy, make_evidence(), rules=rules).allowed
    assert _codes(_judge(policy, make_evidence()))[0] == ("rule.error", "error", "enforced")
    impostor = (_rule(lambda _p, _c: passed("own.ok", "another rule of the same name")),)
    assert not _judge(policy, make_evidence(), rules=impostor).allowed


# -- what to collect ---------------------------------------------------------------------------------------------------


def test_only_what_a_matching_rule_of_the_phase_reads_is_needed() -> None:
    policy = parse_policy(load_shipped("recommended"), source="vxsec:recommended")
    own, other = make_subject().package, make_subject(name="left-pad").package
    assert own is not None
    assert other is not None

    def needed(package: PackageRef, registry: str, phase: Phase) -> set[EvidenceKind]:
        return {kind for use in rules_for(policy, package, registry, phase) for kind in use.rule.needs}

    assert needed(own, "internal", Phase.PUBLISH) == set(EvidenceKind) - {EvidenceKind.LICENSES}
    assert needed(other, "other", Phase.INSTALL) == {
        EvidenceKind.LOCKFILE,
        EvidenceKind.ROUTING,
        EvidenceKind.SCAN,
        EvidenceKind.LICENSES,
    }
    assert needed(other, "other", Phase.PUBLISH) == set()
    assert EvidenceKind.APPROVALS not in needed(own, "internal", Phase.INSTALL)
    assert [use.id for use in rules_for(policy, other, "other", Phase.INSTALL)] == [
        "pinned",
        "confusion",
        "sources",
        "malware",
        "vulnerabilities",
        "licences",
    ]
    assert rules_for(policy, None, "other", Phase.PUBLISH) == ()


# -- monotone ----------------------------------------------------------------------------------------------------------

KINDS = [kind.value for kind in EvidenceKind]


def _without(evidence: Evidence, kind: str) -> Evidence:
    return _changed(evidence, **{kind: None})


def _corrupted(evidence: Evidence, kind: str) -> Evidence:
    return _changed(evidence, **{kind: "not evidence"})


def _incomplete(evidence: Evidence, kind: str) -> Evidence:
    """The same piece, as a search that was cut short leaves it."""
    value = getattr(evidence, kind)
    if value is None or isinstance(value, str):
        return evidence
    if kind in {"signatures", "approvals", "sbom", "scan", "licenses"}:
        return _changed(evidence, **{kind: replace(value, incomplete="cut short")})
    if kind == "registry":
        return replace(
            evidence,
            registry=replace(value, state=PackumentState.UNREADABLE, versions=None, tags=None, differences=None),
        )
    if kind == "lockfile":
        return replace(evidence, lockfile=replace(value, unsupported="not read", entry=None, findings=()))
    return _changed(evidence, **{kind: None})


def _emptied(evidence: Evidence, kind: str) -> Evidence:
    """The same piece with every proof taken out of it."""
    value = getattr(evidence, kind)
    if value is None or isinstance(value, str):
        return evidence
    match kind:
        case "signatures":
            return replace(evidence, signatures=replace(value, signers=()))
        case "approvals" | "licenses":
            return _changed(evidence, **{kind: replace(value, **{kind: ()})})
        case "sbom":
            return replace(evidence, sbom=replace(value, sboms=()))
        case "lockfile" if value.entry is not None:
            return replace(evidence, lockfile=replace(value, entry=replace(value.entry, integrity=None)))
        case _:
            return _changed(evidence, **{kind: None})


WORSE = (_without, _corrupted, _incomplete, _emptied)
SAMPLES = [
    (Phase(case.table["phase"]), evidence_from(item)) for case in load_cases() for item in case.table["evidence"]
]
POLICIES = [
    *(parse_policy(load_shipped(name), source=name) for name in SHIPPED),
    make_policy(*(minimal_use(rule.id) for rule in BUILTIN)),
    *(make_policy(minimal_use(rule.id)) for rule in BUILTIN),
    make_policy(*(minimal_use(rule.id) for rule in BUILTIN), mode="warn"),
]


@given(
    policy=st.sampled_from(POLICIES),
    sample=st.sampled_from(SAMPLES),
    steps=st.lists(st.tuples(st.sampled_from(WORSE), st.sampled_from(KINDS)), min_size=1, max_size=4),
)
def test_worse_evidence_never_opens_what_was_closed(
    policy: Policy, sample: tuple[Phase, Evidence], steps: list[tuple[Callable[[Evidence, str], Evidence], str]]
) -> None:
    phase, evidence = sample
    if evidence.content is not None and evidence.content.refused:
        return  # refused bytes are a fact about the bytes; without them there is no subject
    worse = evidence
    for worsen, kind in steps:
        worse = worsen(worse, kind)
    before, after = _judge(policy, evidence, phase=phase), _judge(policy, worse, phase=phase)
    assert before.allowed or not after.allowed


@given(sample=st.sampled_from(SAMPLES), order=st.randoms(use_true_random=False))
def test_the_order_of_statements_does_not_matter(sample: tuple[Phase, Evidence], order: Any) -> None:
    phase, evidence = sample
    if evidence.signatures is None:
        return
    signers = list(evidence.signatures.signers)
    order.shuffle(signers)
    shuffled = replace(evidence, signatures=replace(evidence.signatures, signers=tuple(signers)))
    assert _judge(POLICIES[2], shuffled, phase=phase) == replace(
        _judge(POLICIES[2], evidence, phase=phase),
        subjects=tuple(
            replace(s, subject=shuffled.subject) for s in _judge(POLICIES[2], evidence, phase=phase).subjects
        ),
    )


def test_the_modes_are_the_only_dispositions() -> None:
    assert {mode.value for mode in Mode} == {"enforce", "warn"}
    assert {item.value for item in Disposition} == {"enforced", "warned"}
