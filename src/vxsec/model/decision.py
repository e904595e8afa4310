"""What a policy concluded, rule by rule, in a form that people and machines read the same."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from vxsec.values import dataclass

if TYPE_CHECKING:
    from datetime import datetime

    from vxsec.model.evidence import SubjectRef

__all__ = [
    "Decision",
    "Disposition",
    "Mode",
    "Phase",
    "PolicyRef",
    "RuleResult",
    "SubjectDecision",
    "TrustRef",
    "Verdict",
]


class Phase(StrEnum):
    """When the question is asked."""

    PUBLISH = "publish"
    PROMOTE = "promote"
    INSTALL = "install"


class Mode(StrEnum):
    """Whether a verdict closes the gate."""

    ENFORCE = "enforce"
    WARN = "warn"


class Verdict(StrEnum):
    """A rule's answer. Only ``pass`` opens anything."""

    PASS = "pass"  # noqa: S105 - the word, not a password
    FAIL = "fail"
    UNKNOWN = "unknown"
    ERROR = "error"
    NOT_APPLICABLE = "not-applicable"


class Disposition(StrEnum):
    """What a verdict does."""

    ENFORCED = "enforced"
    WARNED = "warned"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleResult:
    """One rule's verdict on one subject: a stable code, and for a person: expected, found, what to type next."""

    scope: str
    rule: str
    use: str
    verdict: Verdict
    disposition: Disposition
    code: str
    message: str
    expected: str | None = None
    found: str | None = None
    hint: str | None = None

    @property
    def closes(self) -> bool:
        """Whether this result alone closes the gate."""
        return self.disposition is Disposition.ENFORCED and self.verdict in {
            Verdict.FAIL,
            Verdict.UNKNOWN,
            Verdict.ERROR,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectDecision:
    """Every result for one subject. ``signed_by`` lists the holders whose statements counted."""

    subject: SubjectRef
    results: tuple[RuleResult, ...]
    signed_by: tuple[str, ...] = ()

    @property
    def allowed(self) -> bool:
        """True where no enforced result closes the gate."""
        return not any(result.closes for result in self.results)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRef:
    """Which policy decided: name, version, where it came from, SHA-256 of its bytes (hex)."""

    name: str
    version: int
    source: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustRef:
    """Which trust document: ``signed`` is False for the simple file form."""

    source: str
    sha256: str
    signed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The answer for every subject, and what it rests on."""

    phase: Phase
    mode: Mode
    now: datetime
    as_of: bool
    policy: PolicyRef
    trust: TrustRef
    subjects: tuple[SubjectDecision, ...]
    rehearsal: bool = False
    simulated: bool = False

    @property
    def allowed(self) -> bool:
        """True where every subject may pass; never for no subjects."""
        return bool(self.subjects) and all(subject.allowed for subject in self.subjects)

    @property
    def exit_status(self) -> int:
        """0 allowed, 11 if any enforced rule failed, else 4 if any is unknown or could not run."""
        closing = {result.verdict for subject in self.subjects for result in subject.results if result.closes}
        if Verdict.FAIL in closing:
            return 11
        return 0 if self.subjects and not closing else 4
