"""A policy's decision for a person; ``decision_json`` is the same for machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.formats.timestamps import render_time
from vxsec.model.decision import Disposition, Mode, Verdict
from vxsec.report.escape import escape_text
from vxsec.report.lines import count, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vxsec.model.decision import Decision, RuleResult, SubjectDecision
    from vxsec.report.lines import Paint

__all__ = ["header_lines", "render_decision_text", "subject_lines"]

_UNDECIDED = 4


def render_decision_text(decision: Decision, *, verbose: bool = False, paint: Paint = plain) -> Iterator[str]:
    """The policy's answer: one line per subject, and for each result that closes or warns what was expected and found."""
    yield from header_lines(decision, paint)
    for subject in decision.subjects:
        yield from subject_lines(subject, verbose=verbose, paint=paint)
    yield _decision_line(decision, paint)


def header_lines(decision: Decision, paint: Paint) -> Iterator[str]:
    """What the decision rests on: policy, phase, time, trust, and everything unusual about them."""
    policy = decision.policy
    yield f"policy {escape_text(policy.name)} v{policy.version} ({escape_text(policy.source)}, sha256 {policy.sha256[:12]}…)"
    moment = render_time(decision.now)
    yield (
        f"phase {decision.phase}, judged as of {moment}, not now"
        if decision.as_of
        else f"phase {decision.phase}, at {moment}"
    )
    if not decision.trust.signed:
        yield f"trust {escape_text(decision.trust.source)} (unsigned file)"
    if decision.rehearsal:
        yield paint("REHEARSAL: the trust root was made for a demonstration", "warn")


def _decision_line(decision: Decision, paint: Paint) -> str:
    closed = sum(1 for subject in decision.subjects if not subject.allowed)
    if decision.allowed and decision.mode is Mode.WARN:
        return paint("NOT ENFORCED: the policy only warns", "warn")
    if decision.allowed:
        return paint(f"ALLOWED: {count(len(decision.subjects), 'package')}", "good")
    if decision.exit_status == _UNDECIDED:
        return paint(f"UNDECIDED: {closed} of {count(len(decision.subjects), 'package')}; it may be tried again", "bad")
    return paint(f"DENIED: {closed} of {count(len(decision.subjects), 'package')}", "bad")


def subject_lines(subject: SubjectDecision, *, verbose: bool, paint: Paint) -> Iterator[str]:
    """One subject: allowed or not, by whom it is signed, and each result that closes or warns."""
    word = paint("ok", "good") if subject.allowed else paint("no", "bad")
    signed = f"  signed by {', '.join(map(escape_text, subject.signed_by))}" if subject.signed_by else ""
    yield f"{word}  {escape_text(subject.subject.label)}{signed}"
    told: set[str] = set()
    for result in subject.results:
        quiet = result.verdict in {Verdict.PASS, Verdict.NOT_APPLICABLE}
        if verbose or not quiet:
            yield from _result_lines(result, paint, told)


def _result_lines(result: RuleResult, paint: Paint, told: set[str]) -> Iterator[str]:
    """``told`` holds the next steps that were shown for this subject: a step that helps with two results is shown once."""
    note = "" if result.disposition is Disposition.ENFORCED else "  NOT ENFORCED"
    style = {Verdict.PASS: "good", Verdict.NOT_APPLICABLE: "dim"}.get(result.verdict, "bad" if not note else "warn")
    yield f"    {paint(result.verdict.value, style)} {escape_text(result.use)} [{escape_text(result.code)}]{note}"
    yield f"        {escape_text(result.message)}"
    hint = "as above" if result.hint in told else result.hint
    told.update(filter(None, (result.hint,)))
    for label, text in (("expected", result.expected), ("found", result.found), ("next", hint)):
        if text is not None:
            yield f"        {label + ':':<10}{escape_text(text)}"
