"""No known vulnerability at or above the threshold.

Why: A vulnerability that is public has an exploit soon after. The policy says from which severity on the gate stays closed,
whether only where a fix exists, and how long after its publication the team has. What nobody rated counts as the worst, malware
always does, and data that is too old says nothing.

Fix: Take a version that the refusal names as fixed. Data that is too old: ``vxsec db update``. What a dependency means for the
whole project is shown by ``vxsec scan package-lock.json``.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from vxsec.model.advisory import VulnerabilitySeverity
from vxsec.model.decision import Phase
from vxsec.model.package import NPM, PYPI
from vxsec.policy.parameters import parameter
from vxsec.policy.rule import EvidenceKind, Outcome, Rule, RuleContext, failed, passed
from vxsec.policy.scan_standing import ScanParameters, believed_scan, check_standing
from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vxsec.model.scan import Vulnerability

__all__ = ["RULE", "Deny", "Parameters"]

_SEVERITIES = ("low", "medium", "high", "critical")
_LISTED = 5
_STEPS = 3
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
class Parameters(ScanParameters):
    """From where on, and for how long not yet."""

    deny: Deny = parameter(doc="Which vulnerabilities close the gate.", default=Deny(), of=Deny)
    grace: Mapping[str, timedelta] = parameter(
        doc="How long after its publication a vulnerability of this severity is let pass; without a date of publication "
        "there is none.",
        default={},
        choices=_SEVERITIES,
    )


def _check(parameters: Parameters, context: RuleContext) -> Outcome:
    evidence = believed_scan(parameters, context)
    findings = evidence.result.findings if evidence.result else ()
    above = [item for item in findings if _is_above(item, parameters.deny)]
    denied = [item for item in above if not _has_grace(item, parameters, context)]
    if denied:
        return _failed(denied, parameters.deny)
    standing = check_standing(evidence, parameters, context, family="vuln")
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
    return timedelta(0) <= context.now - item.published < length


def _failed(denied: list[Vulnerability], deny: Deny) -> Outcome:
    worst = sorted(denied, key=lambda item: (item.malware, item.severity.rank), reverse=True)
    listed = [
        f"{item.package[:_SHOWN]}: {item.id[:_SHOWN]} ({'malware' if item.malware else item.severity}"
        f"{f', fixed in {item.fixed[0][:_SHOWN]}' if item.fixed else ''})"
        for item in worst[:_LISTED]
    ]
    more = f" and {len(denied) - _LISTED} more" if len(denied) > _LISTED else ""
    malicious = {item.package for item in denied if item.malware}
    asked = f"none of severity {deny.severity} or above{' that has a fix' if deny.fix_available else ''}"
    return failed(
        "vuln.above",
        " and ".join(_counted(len(malicious), sum(not item.malware for item in denied))),
        expected=f"no malware, and {asked}" if malicious else asked,
        found=", ".join(listed) + more,
        hint=_what_to_do(worst),
    )


def _counted(malware: int, vulnerabilities: int) -> Iterator[str]:
    if malware:
        yield f"{malware} packages known as malware" if malware > 1 else "a package known as malware"
    if vulnerabilities:
        some = f"{vulnerabilities} known vulnerabilities" if vulnerabilities > 1 else "a known vulnerability"
        yield f"{some} at or above the threshold"


def _what_to_do(worst: list[Vulnerability]) -> str:
    """One step for each of them, each step once."""
    steps = list(dict.fromkeys(map(_step, worst)))
    more = f"; {len(steps) - _STEPS} more after these" if len(steps) > _STEPS else ""
    return f"{'; '.join(steps[:_STEPS])}{more}; then make the lockfile again"


def _step(item: Vulnerability) -> str:
    if item.malware:
        return f"remove {item.package[:_SHOWN]}: it is malware"
    if not item.fixed:
        return f"remove {item.package[:_SHOWN]}: no version of it is known to be free of {item.id[:_SHOWN]}"
    return f"take {item.package.rpartition('@')[0][:_SHOWN]} {item.fixed[0][:_SHOWN]} or later"


RULE = Rule(
    id="vuln.threshold",
    summary="No known vulnerability at or above the threshold.",
    phases=frozenset(Phase),
    needs=frozenset({EvidenceKind.SCAN}),
    parameters=Parameters,
    check=_check,
    ecosystems=frozenset({NPM, PYPI}),
)
