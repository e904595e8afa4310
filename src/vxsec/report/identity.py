"""How a certificate's identity compares: for a person and for machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.report.escape import escape_text
from vxsec.report.lines import plain, schema_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vxsec.model.report.identity import IdentityReport
    from vxsec.report.lines import Paint

__all__ = ["identity_document", "render_identity"]


def render_identity(report: IdentityReport, *, paint: Paint = plain) -> Iterator[str]:
    """What each certificate says, what was expected, and where they differ."""
    for item in report.comparisons:
        word = paint("matches", "good") if item.matches else paint("DIFFERS", "bad")
        yield f"{word}  {escape_text(item.source)} (read, not verified)"
        yield f"    subject  {escape_text(item.found.subject)}"
        yield f"    issuer   {escape_text(item.found.issuer)}"
        for name, value in sorted(item.found.claims.items()):
            yield f"    {escape_text(name)}  {escape_text(value)}"
        for wanted in item.expected:
            who = f" of {escape_text(wanted.holder)}" if wanted.holder else ""
            yield f"    expected{who}: {escape_text(wanted.subject)} ({escape_text(wanted.issuer)})"
            for difference in wanted.differences:
                yield f"        {escape_text(difference)}"


def identity_document(report: IdentityReport) -> dict[str, object]:
    """``urn:vxsec:schema:identity:v1``."""
    return {
        "schema": schema_name("identity"),
        "exitStatus": report.exit_status,
        "certificates": [
            {
                "source": item.source,
                "matches": item.matches,
                "subject": item.found.subject,
                "issuer": item.found.issuer,
                "claims": dict(item.found.claims),
                "expected": [
                    {
                        "subject": wanted.subject,
                        "issuer": wanted.issuer,
                        "holder": wanted.holder,
                        "differences": list(wanted.differences),
                    }
                    for wanted in item.expected
                ],
            }
            for item in report.comparisons
        ],
    }
