"""What is wrong with a machine: for a person and for machines."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from vxsec.formats.timestamps import render_time
from vxsec.model.report.doctor import Area, Level
from vxsec.report.escape import escape_text
from vxsec.report.lines import SHOWN_FAILURES, count, plain, schema_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vxsec.model.report.doctor import DoctorFinding, DoctorReport
    from vxsec.report.lines import Paint

__all__ = ["doctor_document", "render_doctor"]

_WIDTH = 80
_MARGIN = 11
"""Columns before the text: two, the longest level, two."""
_STYLES = {Level.OK: "good", Level.WARNING: "warn", Level.UNKNOWN: "warn", Level.PROBLEM: "bad"}


def render_doctor(report: DoctorReport, *, verbose: bool = False, paint: Paint = plain) -> Iterator[str]:
    """The findings by area, each with its fix, within 80 columns; what is fine is counted, and shown with ``verbose``."""
    if report.as_of is not None:
        yield f"judged as of {render_time(report.as_of)}, not now"
    for area in Area:
        shown = [item for item in report.findings if item.area is area and (verbose or item.level is not Level.OK)]
        shown.sort(key=lambda item: item.level is not Level.PROBLEM)  # a long list is cut at its end
        if shown:
            yield area.value
        for item in shown[:SHOWN_FAILURES]:
            yield from _finding_lines(item, paint)
        if len(shown) > SHOWN_FAILURES:
            yield f"  and {len(shown) - SHOWN_FAILURES} more (--json lists all)"
    yield _summary(report, verbose=verbose, paint=paint)


def _finding_lines(item: DoctorFinding, paint: Paint) -> Iterator[str]:
    where = f"{item.where}: " if item.where else ""
    expected = f"; expected {item.expected}" if item.expected else ""
    first, *rest = _wrapped(escape_text(f"{where}{item.found}{expected} [{item.code}]".strip()))
    yield f"  {paint(f'{item.level.value:<7}', _STYLES[item.level])}  {first}"
    yield from (" " * _MARGIN + line for line in rest)
    if item.fix is not None:
        yield from _fix_lines(escape_text(item.fix))


def _fix_lines(fix: str) -> Iterator[str]:
    """A command or a line to write is kept whole, on a line of its own where it would not fit: it is there to be copied."""
    sentence, colon, command = fix.rpartition(": ")
    if len(fix) + len("fix: ") <= _WIDTH - _MARGIN or not colon:
        yield from (" " * _MARGIN + line for line in _wrapped(f"fix: {fix}"))
        return
    yield from (" " * _MARGIN + line for line in _wrapped(f"fix: {sentence}:"))
    yield " " * _MARGIN + "  " + command


def _wrapped(text: str) -> list[str]:
    lines = textwrap.wrap(text, _WIDTH - _MARGIN, break_long_words=False, break_on_hyphens=False)
    return lines or [""]


def _summary(report: DoctorReport, *, verbose: bool, paint: Paint) -> str:
    problems, unknown = report.count(Level.PROBLEM), report.count(Level.UNKNOWN)
    parts = [count(problems, "problem"), count(report.count(Level.WARNING), "warning")]
    if unknown:
        parts.append(f"{unknown} not found out")
    parts.append(f"{report.count(Level.OK)} fine" + ("" if verbose else " (-v shows them)"))
    style = "bad" if problems else "warn" if unknown else "good"
    return paint(", ".join(parts), style)


def doctor_document(report: DoctorReport) -> dict[str, object]:
    """``urn:vxsec:schema:doctor:v1``."""
    return {
        "schema": schema_name("doctor"),
        "verdict": {0: "healthy", 4: "undecided", 11: "problems"}[report.exit_status],
        "exitStatus": report.exit_status,
        "project": report.project,
        "online": report.online,
        "asOf": render_time(report.as_of) if report.as_of is not None else None,
        "counts": {level.value: report.count(level) for level in Level},
        "findings": [_finding(item) for item in report.findings],
    }


def _finding(item: DoctorFinding) -> dict[str, object]:
    return {
        "level": item.level.value,
        "area": item.area.value,
        "code": item.code,
        "where": item.where,
        "found": item.found,
        "expected": item.expected,
        "fix": item.fix,
    }
