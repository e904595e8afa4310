"""A decision for machines: everything it rests on, word for word, in one document with a published schema."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vxsec.model.decision import Decision, RuleResult, SubjectDecision

__all__ = ["DECISION_SCHEMA_ID", "render_decision"]

DECISION_SCHEMA_ID = "urn:vxsec:schema:decision:v1"


def render_decision(decision: Decision) -> dict[str, object]:
    """The decision as plain JSON values (``docs/reference/schemas/vxsec-decision-1.schema.json``).

    ``verdict`` is what the policy decided, ``exitStatus`` what the command exits with; ``rehearsal``, ``simulated`` and
    ``asOf`` say why an ``allow`` may still open nothing.
    """
    return {
        "schema": DECISION_SCHEMA_ID,
        "verdict": "allow" if decision.allowed else "deny",
        "exitStatus": decision.exit_status,
        "mode": decision.mode.value,
        "phase": decision.phase.value,
        "now": _moment(decision.now),
        "asOf": decision.as_of,
        "rehearsal": decision.rehearsal,
        "simulated": decision.simulated,
        "policy": {
            "name": decision.policy.name,
            "version": decision.policy.version,
            "source": decision.policy.source,
            "sha256": decision.policy.sha256,
        },
        "trust": {
            "source": decision.trust.source,
            "sha256": decision.trust.sha256,
            "signed": decision.trust.signed,
        },
        "subjects": [_subject(item) for item in decision.subjects],
    }


def _subject(item: SubjectDecision) -> dict[str, object]:
    subject = item.subject
    package = subject.package
    return {
        "filename": _text(subject.filename),
        "purl": package.purl if package is not None else None,
        "name": package.name if package is not None else None,
        "version": package.version if package is not None else None,
        "registry": subject.registry,
        "sha256": subject.sha256,
        "sha512": subject.sha512,
        "verdict": "allow" if item.allowed else "deny",
        "signedBy": list(item.signed_by),
        "results": [_result(result) for result in item.results],
    }


def _result(result: RuleResult) -> dict[str, object]:
    return {
        "scope": result.scope,
        "rule": result.rule,
        "use": result.use,
        "verdict": result.verdict.value,
        "disposition": result.disposition.value,
        "closes": result.closes,
        "code": result.code,
        "message": _text(result.message),
        "expected": _text(result.expected),
        "found": _text(result.found),
        "hint": _text(result.hint),
    }


def _text(text: str | None) -> str | None:
    """The text, whatever file names are in it: a name may be no UTF-8, and a log must be."""
    return text if text is None else text.encode("utf-8", "backslashreplace").decode("utf-8")


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
