"""What a rule is: a frozen description and one pure function.

A rule *requires*; it never merely denies. Evidence that was looked for and not found is ``fail``; evidence that could
not be looked for, or is too old, is ``unknown``. Both close the gate.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Generic, TypeVar

from vxsec.model.decision import Phase, PolicyRef, Verdict
from vxsec.model.package import NPM
from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from vxsec.model.evidence import Evidence
    from vxsec.model.trust import TrustRoot

__all__ = [
    "EvidenceKind",
    "NoParameters",
    "Outcome",
    "Rule",
    "RuleContext",
    "failed",
    "not_applicable",
    "passed",
    "unknown",
]


class EvidenceKind(StrEnum):
    """What a rule reads, so that nothing is collected that no rule needs. The values are fields of ``Evidence``."""

    CONTENT = "content"
    SIGNATURES = "signatures"
    APPROVALS = "approvals"
    REGISTRY = "registry"
    LOCKFILE = "lockfile"
    ROUTING = "routing"
    SECRETS = "secrets"
    SBOM = "sbom"
    SCAN = "scan"
    LICENSES = "licenses"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleContext:
    """Everything a rule may look at."""

    evidence: Evidence
    phase: Phase
    now: datetime
    trust: TrustRoot
    policy: PolicyRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A verdict with its reason: ``code`` is stable; ``hint`` is the next command to type.

    ``signed_by`` names the holders whose statements this verdict rests on.
    """

    verdict: Verdict
    code: str
    message: str
    expected: str | None = None
    found: str | None = None
    hint: str | None = None
    signed_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NoParameters:
    """For rules that take none."""


P = TypeVar("P")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(Generic[P]):
    """One rule.

    ``parameters`` is a frozen dataclass whose fields are the keys of ``with:``; each field's metadata holds ``doc`` and,
    where the type alone does not say it, bounds. ``check`` sees only phases listed in ``phases``, and
    never a kind of ``needs`` that was not collected, unless ``judges_absence`` names that kind. For a package of an ecosystem
    that ``ecosystems`` does not name the answer is ``unknown``: a rule that cannot judge never lets pass.
    """

    id: str
    summary: str
    phases: frozenset[Phase]
    needs: frozenset[EvidenceKind]
    parameters: type[P]
    check: Callable[[P, RuleContext], Outcome]
    judges_absence: frozenset[EvidenceKind] = frozenset()
    ecosystems: frozenset[str] = frozenset({NPM})


def passed(code: str, message: str, *, found: str | None = None, signed_by: tuple[str, ...] = ()) -> Outcome:
    """The requirement holds."""
    return Outcome(verdict=Verdict.PASS, code=code, message=message, found=found, signed_by=signed_by)


def failed(code: str, message: str, *, expected: str, found: str, hint: str) -> Outcome:
    """The requirement does not hold; all three of expected, found and the next command are mandatory."""
    return Outcome(verdict=Verdict.FAIL, code=code, message=message, expected=expected, found=found, hint=hint)


def unknown(code: str, message: str, *, expected: str, found: str, hint: str) -> Outcome:
    """It could not be found out; all three of expected, found and the next command are mandatory."""
    return Outcome(verdict=Verdict.UNKNOWN, code=code, message=message, expected=expected, found=found, hint=hint)


def not_applicable(code: str, message: str) -> Outcome:
    """The rule has nothing to say about this subject; this never opens the gate."""
    return Outcome(verdict=Verdict.NOT_APPLICABLE, code=code, message=message)
