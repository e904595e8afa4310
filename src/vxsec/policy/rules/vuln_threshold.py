"""No known vulnerability at or above the threshold.

Why: A vulnerability that is public has an exploit soon after. The policy says from which severity on the gate stays closed,
whether only where a fix exists, and how long after its publication the team has. What nobody rated counts as the worst, malware
always does, and data that is too old says nothing.

Fix: Take a version that the refusal names as fixed. Data that is too old: ``vxsec db update``. What a dependency means for the
whole project is shown by ``vxsec scan package-lock.json``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from vxsec.model.advisory import VulnerabilitySeverity
from vxsec.model.decision import Phase
from vxsec.model.package import NPM, PYPI
from vxsec.policy.parameters import parameter
from vxsec.policy.rule import EvidenceKind, Outcome, Rule, RuleContext, failed, passed
from vxsec.policy.scan_standing import REASONS, check_standing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vxsec.model.scan import Vulnerability

__all__ = ["RULE", "Deny", "Parameters"]

_SEVERITIES = ("low", "medium", "high", "critical")
_LISTED = 5
_SHOWN = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Deny:
    """What is denied."""

    severity: str = parameter(
        doc="This severity and above; a vulnerability that nobody rated is above all.",
        default="high",
        choices=_SEVERITIES,
    )
    fix_available: bool = parameter(doc="Only where a fixed version exists.", default=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """From where on, for how long not yet, and how fresh the data must be."""

    deny: Deny = parameter(doc="Which vulnerabilities close the gate.", default=Deny(), of=Deny)  # noqa: RUF009 - a frozen value
    grace: Mapping[str, timedelta] = parameter(
        doc="How long after its publication a vulnerability of this severity is let pass; without a date of publication "
        "there is none.",
        default={},
        choices=_SEVERITIES,
    )
    max_db_age: timedelta = parameter(doc="How old the advisory data may be.", default=timedelta(days=3))  # noqa: RUF009 - it is dataclasses.field
    allow_unevaluated: tuple[str, ...] = parameter(
        doc="Reasons for which a package may stay without an answer.", default=(), choices=REASONS
    )


def _check(parameters: Parameters, context: RuleContext) -> Outcome:
    evidence = context.evidence.scan
    if evidence is None:
        raise TypeError("no scan was collected")
    findings = evidence.result.findings if evidence.result else ()
    above = [item for item in findings if _is_above(item, parameters.deny)]
    denied = [item for item in above if not _has_grace(item, parameters, context)]
    if denied:
        return _failed(denied, parameters.deny)
    standing = check_standing(
        evidence, context, family="vuln", max_age=parameters.max_db_age, allowed=parameters.allow_unevaluated
    )
    if standing is not None:
        return standing
    found = f"{len(findings)} below the threshold" if findings else "none"
    found = f"{len(findings) - len(above)} below the threshold, {len(above)} in their time of grace" if above else found
    return passed("vuln.below", "no vulnerability at or above the threshold", found=found)


def _is_above(item: Vulnerability, deny: Deny) -> bool:
    if item.malware:
        return True
    threshold = VulnerabilitySeverity(deny.severity)
    return item.severity.rank >= threshold.rank and (bool(item.fixed) or not deny.fix_available)


def _has_grace(item: Vulnerability, parameters: Parameters, context: RuleContext) -> bool:
    length = parameters.grace.get(item.severity)
    if item.malware or length is None or item.published is None:
        return False
    return item.published <= context.now < item.published + length


def _failed(denied: list[Vulnerability], deny: Deny) -> Outcome:
    worst = sorted(denied, key=lambda item: (item.malware, item.severity.rank), reverse=True)
    listed = [
        f"{item.package[:_SHOWN]}: {item.id[:_SHOWN]} ({'malware' if item.malware else item.severity}"
        f"{f', fixed in {item.fixed[0][:_SHOWN]}' if item.fixed else ''})"
        for item in worst[:_LISTED]
    ]
    more = f" and {len(denied) - _LISTED} more" if len(denied) > _LISTED else ""
    first = worst[0]
    fixed = first.package.rpartition("@")[0]
    return failed(
        "vuln.above",
        f"{len(denied)} known vulnerabilities at or above the threshold"
        if len(denied) > 1
        else "a known vulnerability at or above the threshold",
        expected=f"none of severity {deny.severity} or above{' that has a fix' if deny.fix_available else ''}",
        found=", ".join(listed) + more,
        hint=f"take {fixed[:_SHOWN]} {first.fixed[0][:_SHOWN]} or later, and make the lockfile again"
        if first.fixed and not first.malware
        else f"remove {first.package[:_SHOWN]}: no version of it is known to be free of {first.id[:_SHOWN]}",
    )


RULE = Rule(
    id="vuln.threshold",
    summary="No known vulnerability at or above the threshold.",
    phases=frozenset(Phase),
    needs=frozenset({EvidenceKind.SCAN}),
    parameters=Parameters,
    check=_check,
    ecosystems=frozenset({NPM, PYPI}),
)
