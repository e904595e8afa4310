"""What was published: for a person and for machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.model.report.publication import PublishState
from vxsec.report.decision import render_decision_text
from vxsec.report.decision_json import render_decision
from vxsec.report.escape import escape_text
from vxsec.report.lines import plain, schema_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vxsec.model.report.publication import PublishReport
    from vxsec.report.lines import Paint

__all__ = ["publish_document", "render_publish"]


def render_publish(report: PublishReport, *, verbose: bool = False, paint: Paint = plain) -> Iterator[str]:
    """The decision, then one line per package saying what is live, with which digest."""
    yield from render_decision_text(report.decision, verbose=verbose, paint=paint)
    styles = {PublishState.FAILED: "bad", PublishState.NOT_ATTEMPTED: "warn"}
    for package in report.packages:
        state = paint(package.state.value, styles.get(package.state, "good"))
        live = ""
        if package.state is PublishState.FAILED:
            live = " (it is or may be live)" if package.live else " (not live)"
        name, tag = escape_text(str(package.package)), escape_text(package.tag)
        yield f"{state}  {name}  tag {tag}  sha512 {package.digests.sha512[:16]}…{live}"
        if package.detail is not None:
            yield f"    {escape_text(package.detail)}"
    if report.decision.allowed and report.failure_status:
        yield paint("INCOMPLETE: run the same command again; what is live with the same bytes is skipped", "bad")


def publish_document(report: PublishReport) -> dict[str, object]:
    """``urn:vxsec:schema:publish:v1``."""
    return {
        "schema": schema_name("publish"),
        "verdict": _verdict(report),
        "exitStatus": report.exit_status,
        "packages": [
            {
                "purl": item.package.purl,
                "sha512": item.digests.sha512,
                "state": item.state.value,
                "live": item.live,
                "tag": item.tag,
                "evidence": item.evidence,
                "detail": item.detail,
            }
            for item in report.packages
        ],
        "decision": render_decision(report.decision),
    }


def _verdict(report: PublishReport) -> str:
    if report.exit_status == 0 and any(item.state is PublishState.WOULD_PUBLISH for item in report.packages):
        return "would-publish"
    return {0: "published", 5: "partly-published"}.get(report.exit_status, "not-published")
