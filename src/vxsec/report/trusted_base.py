"""What a verdict rests on: for a person and for machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.report.escape import escape_text
from vxsec.report.lines import schema_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vxsec.model.report.trusted_base import TrustedBasePart, TrustedBaseReport

__all__ = ["render_trusted_base", "trusted_base_document"]

_HEAD = ("kind", "modules", "lines", "source", "code", "distributions")


def render_trusted_base(report: TrustedBaseReport, *, verbose: bool = False) -> Iterator[str]:
    """A line for each kind of verification, one for all, and the distributions with their versions.

    Source lines are neither blank nor only a comment; lines of code are those of them that are no docstring's.
    """
    rows = [_HEAD, *(_row(part) for part in (*report.parts, report.whole))]
    for row in rows:
        yield f"{row[0]:<8}{row[1]:>8}{row[2]:>8}{row[3]:>8}{row[4]:>8}  {row[5]}"
    yield ""
    for fact in report.distributions:
        how = "imported" if fact.imported else "required by one of them"
        yield f"{escape_text(fact.name)} {escape_text(fact.version or '(not installed)')}  {how}"
    if verbose:
        for module in report.whole.modules:
            yield f"{module.code_lines:>6}  {module.name}"


def _row(part: TrustedBasePart) -> tuple[str, ...]:
    counts = (len(part.modules), part.lines, part.source_lines, part.code_lines)
    names = ", ".join(map(escape_text, part.distributions)) or "none"
    return (part.name, *(f"{count:,}" for count in counts), names)


def trusted_base_document(report: TrustedBaseReport) -> dict[str, object]:
    """``urn:vxsec:schema:trustedbase:v1``."""
    return {
        "schema": schema_name("trustedbase"),
        "exitStatus": report.exit_status,
        "parts": [_part(part) for part in report.parts],
        "whole": _part(report.whole),
        "distributions": [
            {"name": fact.name, "version": fact.version, "imported": fact.imported} for fact in report.distributions
        ],
    }


def _part(part: TrustedBasePart) -> dict[str, object]:
    return {
        "name": part.name,
        "roots": list(part.roots),
        "lines": part.lines,
        "sourceLines": part.source_lines,
        "codeLines": part.code_lines,
        "modules": [
            {
                "name": module.name,
                "lines": module.lines,
                "sourceLines": module.source_lines,
                "codeLines": module.code_lines,
            }
            for module in part.modules
        ],
        "distributions": list(part.distributions),
    }
