"""What a lockfile would install: for a person and for machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.model.decision import Mode, Verdict
from vxsec.report.decision import header_lines, subject_lines
from vxsec.report.decision_json import render_decision
from vxsec.report.escape import escape_text
from vxsec.report.lines import SHOWN_FAILURES, count, plain, schema_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vxsec.model.report.installation import InstallReport, TreeFailure
    from vxsec.report.lines import Paint

__all__ = ["install_document", "render_install"]


def render_install(report: InstallReport, *, verbose: bool = False, paint: Paint = plain) -> Iterator[str]:
    """The tree: what is wrong, what could not be evaluated, the policy's refusals, and totals that add up."""
    if report.decision is not None:
        yield from header_lines(report.decision, paint)
    for failure in report.failures[:SHOWN_FAILURES]:
        yield from _failure_lines(failure, paint)
    yield from _blocked_lines(report.not_evaluated, paint)
    if report.decision is not None:
        blocked = {item.path for item in report.not_evaluated}
        for subject in report.decision.subjects:
            warned = any(r.verdict not in {Verdict.PASS, Verdict.NOT_APPLICABLE} for r in subject.results)
            if subject.subject.filename not in blocked and (verbose or warned or subject.signed_by):
                yield from subject_lines(subject, verbose=verbose, paint=paint)
    totals = report.totals
    if totals.total:
        inside = f" ({totals.bundled} of them bundled in another package)" if totals.bundled else ""
        yield (
            f"{count(totals.total, 'package')} in {escape_text(report.lockfile)}: {totals.verified} verified + "
            f"{totals.allowed_unsigned} allowed unsigned{inside} + {totals.local} local + {totals.failed} failed + "
            f"{totals.not_evaluated} not evaluated"
        )
    if totals.total and totals.total == totals.local:
        yield "nothing to fetch: the lockfile lists no packages but the project's own"
    if report.exit_status == 0 and report.decision is not None and report.decision.mode is Mode.WARN:
        yield paint("NOT ENFORCED: the policy only warns", "warn")
    else:
        yield paint("VERIFIED", "good") if report.exit_status == 0 else paint("NOT VERIFIED", "bad")


def _failure_lines(item: TreeFailure, paint: Paint) -> Iterator[str]:
    yield f"{paint('FAILED', 'bad')}  {escape_text(item.package)}  [{escape_text(item.code)}] {escape_text(item.message)}"
    yield f"    at {escape_text(item.path)}"
    if item.hint is not None:
        yield f"    next: {escape_text(item.hint)}"


def _blocked_lines(items: Sequence[TreeFailure], paint: Paint) -> Iterator[str]:
    """One cause, told once: a registry that is away keeps every package from being evaluated."""
    causes: dict[tuple[str, str | None], list[TreeFailure]] = {}
    for item in items:
        causes.setdefault((item.code, item.hint), []).append(item)
    for (code, hint), blocked in causes.items():
        yield f"{paint('NOT EVALUATED', 'warn')}  [{escape_text(code)}] {escape_text(blocked[0].message)}"
        for item in blocked[:SHOWN_FAILURES]:
            yield f"    {escape_text(item.package)}"
        if len(blocked) > SHOWN_FAILURES:
            yield f"    and {len(blocked) - SHOWN_FAILURES} more"
        if hint is not None:
            yield f"    next: {escape_text(hint)}"


def install_document(report: InstallReport) -> dict[str, object]:
    """``urn:vxsec:schema:install:v1``."""
    totals = report.totals
    return {
        "schema": schema_name("install"),
        "verdict": "verified" if report.exit_status == 0 else "not-verified",
        "exitStatus": report.exit_status,
        "lockfile": report.lockfile,
        "totals": {
            "total": totals.total,
            "verified": totals.verified,
            "allowedUnsigned": totals.allowed_unsigned,
            "local": totals.local,
            "failed": totals.failed,
            "notEvaluated": totals.not_evaluated,
            "bundled": totals.bundled,
        },
        "failures": [_failure(item) for item in report.failures],
        "notEvaluated": [_failure(item) for item in report.not_evaluated],
        "decision": render_decision(report.decision) if report.decision is not None else None,
    }


def _failure(item: TreeFailure) -> dict[str, object]:
    return {"path": item.path, "package": item.package, "code": item.code, "message": item.message, "hint": item.hint}
