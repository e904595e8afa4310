"""Whether a scan may be believed: that it was made, how old its data is, and what it could not say anything about."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from vxsec.formats.osv import OSV_ECOSYSTEMS
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.package import NPM
from vxsec.model.scan import NotEvaluatedReason
from vxsec.policy.parameters import parameter, write_duration
from vxsec.policy.rule import unknown
from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from vxsec.model.evidence import ScanEvidence
    from vxsec.model.scan import DatabaseState, ScanResult
    from vxsec.policy.rule import Outcome, RuleContext

__all__ = ["ScanParameters", "believed_scan", "check_standing", "update_hint"]

_REASONS = tuple(reason.value for reason in NotEvaluatedReason if reason is not NotEvaluatedReason.DATABASE)
"""The words of ``allowUnevaluated``: everything but a database that is not there."""

_LISTED = 5
_SHOWN = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanParameters:
    """What every rule about a scan takes: how fresh the data must be, and for what no answer is needed."""

    max_db_age: timedelta = parameter(doc="How old the advisory data may be.", default=timedelta(days=3))
    allow_unevaluated: tuple[str, ...] = parameter(
        doc="Reasons for which a package may stay without an answer.", default=(), choices=_REASONS
    )
    allow_attested: bool = parameter(
        doc="Whether a scan that a machine of the trust document attests serves where no database is there; its age counts.",
        default=False,
    )


def update_hint(context: RuleContext, ecosystems: Iterable[str] = ()) -> str:
    """How to get newer advisories: of these ecosystems (``npm``, ``pypi``), else of the subject's own."""
    package = context.evidence.subject.package
    asked = dict.fromkeys(ecosystems) or {package.ecosystem if package is not None else NPM: None}
    names = [OSV_ECOSYSTEMS.get(one, OSV_ECOSYSTEMS[NPM]) for one in asked]
    options = "".join(f" --ecosystem {name}" for name in names)
    archives = "".join(f" {name}.zip" for name in names)
    return f"vxsec db update{options}, or without a connection: vxsec db import{archives}"


def believed_scan(parameters: ScanParameters, context: RuleContext) -> ScanEvidence:
    """The scan a rule judges: the one made now, or where there is no database and the policy lets it, an attested one."""
    evidence = context.evidence.scan
    if evidence is None:
        raise TypeError("no scan was collected")
    return evidence.attested if parameters.allow_attested and evidence.attested is not None else evidence


def check_standing(
    evidence: ScanEvidence, parameters: ScanParameters, context: RuleContext, *, family: str
) -> Outcome | None:
    """Why a scan that found nothing bad says nothing, or None where it may be believed.

    Args:
        evidence: The scan.
        parameters: Its data may be so old; data from the future (``limits.clock_skew_seconds`` allowed) is as bad.
        context: For the time.
        family: First part of the codes: ``FAMILY.not-scanned``, ``FAMILY.database-old``, ``FAMILY.not-evaluated``.
    """
    result = evidence.result
    if result is None or evidence.incomplete is not None or not result.adds_up:
        return unknown(
            f"{family}.not-scanned",
            "the advisory database was not asked about everything",
            expected="an answer for every package",
            found=evidence.incomplete or "no result that adds up",
            hint=update_hint(context),
        )
    age = _age(result, context, family, parameters.max_db_age)
    return age or _unanswered(result, context, family, parameters.allow_unevaluated)


def _age(result: ScanResult, context: RuleContext, family: str, max_age: timedelta) -> Outcome | None:
    skew = timedelta(seconds=DEFAULT_LIMITS.clock_skew_seconds)
    expected = f"data at most {write_duration(max_age)} old at {context.now.isoformat()}"
    answered = result.clean + result.affected + result.malicious
    bad: list[DatabaseState] = []
    if not result.databases and answered:
        found = "an answer of no database"
    else:
        bad = [state for state in result.databases if not -skew <= context.now - state.exported_at <= max_age]
        if not bad:
            return None
        found = ", ".join(f"{state.ecosystem}: {state.exported_at.isoformat()}" for state in bad[:_LISTED])
    return unknown(
        f"{family}.database-old",
        "the advisory database is too old, or dated in the future",
        expected=expected,
        found=found,
        hint=update_hint(context, (state.ecosystem for state in bad)),
    )


def _unanswered(result: ScanResult, context: RuleContext, family: str, allowed: Sequence[str]) -> Outcome | None:
    asked = (*result.not_evaluated, *result.partly_evaluated)
    open_ = [item for item in asked if item.reason.value not in allowed]
    if not open_:
        return None
    listed = [f"{item.package[:_SHOWN]} ({item.reason}: {item.detail[:_SHOWN]})" for item in open_[:_LISTED]]
    more = f" and {len(open_) - _LISTED} more" if len(open_) > _LISTED else ""
    return unknown(
        f"{family}.not-evaluated",
        f"nothing can be said about {len(open_)} of {result.packages} packages",
        expected="an answer for every package",
        found=", ".join(listed) + more,
        hint=_what_helps({item.reason for item in open_}, context),
    )


def _what_helps(reasons: set[NotEvaluatedReason], context: RuleContext) -> str:
    """The step that helps with most of them."""
    if NotEvaluatedReason.DATABASE in reasons:
        return update_hint(context)
    if reasons == {NotEvaluatedReason.RANGE}:
        return "npm install --package-lock-only, then add --lockfile package-lock.json"
    named = ", ".join(sorted(reason.value for reason in reasons))
    return f"lock them to versions of a registry, or add to with: allowUnevaluated: [{named}]"
