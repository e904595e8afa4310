"""A scan as SARIF 2.1.0 (OASIS, "Static Analysis Results Interchange Format"), as code hosts read it.

Locations are relative to the project, percent-encoded, and never lead out of it. All foreign text is on one line, without
anything a terminal acts upon, and cannot form one of SARIF's embedded links (section 3.11.6).
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final

from vxsec.formats.timestamps import render_time
from vxsec.model.advisory import VulnerabilitySeverity
from vxsec.model.report.scan import ScanInputKind
from vxsec.report.scan import harmless

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from vxsec.model.report.scan import ScanInput, ScanReport
    from vxsec.model.scan import NotEvaluated, Vulnerability

__all__ = ["sarif_document"]

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS: Final = {
    VulnerabilitySeverity.CRITICAL: "error",
    VulnerabilitySeverity.HIGH: "error",
    VulnerabilitySeverity.UNKNOWN: "error",
    VulnerabilitySeverity.MEDIUM: "warning",
    VulnerabilitySeverity.LOW: "note",
}
_SCORES: Final = {
    VulnerabilitySeverity.CRITICAL: "9.5",
    VulnerabilitySeverity.HIGH: "8.0",
    VulnerabilitySeverity.UNKNOWN: "7.0",
    VulnerabilitySeverity.MEDIUM: "5.5",
    VulnerabilitySeverity.LOW: "2.0",
}
"""A number inside the CVSS band of each word: readers of SARIF sort by ``security-severity``, and only the word is known."""
_MALWARE_SCORE: Final = "10.0"
_PLAIN_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{2,99}\Z")
_MARK: Final = "vxsec/v1"
_TEXT_INPUTS: Final = frozenset({ScanInputKind.NPM_LOCKFILE, ScanInputKind.CYCLONEDX, ScanInputKind.PIP_REPORT})


def sarif_document(report: ScanReport, *, version: str) -> dict[str, object]:
    """One run: a rule for each identifier, a result for each finding and file, a notification for what has no answer.

    ``invocations[0].executionSuccessful`` is False where anything stayed without an answer that had to have one.

    Args:
        report: The scan.
        version: The version of vxsec.
    """
    where = _Places(report)
    rules = _rules(report.result.findings)
    index = {rule["id"]: number for number, rule in enumerate(rules)}
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "vxsec", "semanticVersion": version, "version": version, "rules": rules}},
                "invocations": [_invocation(report)],
                "artifacts": [
                    {
                        "location": {"uri": _uri(item)},
                        "roles": ["analysisTarget"],
                        "hashes": {"sha-256": item.digests.sha256, "sha-512": item.digests.sha512},
                    }
                    for item in report.inputs
                ],
                "results": [
                    _result(finding, location, report, index)
                    for finding in report.result.findings
                    for location in where.of(finding)
                ],
                "columnKind": "unicodeCodePoints",
            }
        ],
    }


# -- rules ---------------------------------------------------------------------------------------------------------------


def _rules(findings: Sequence[Vulnerability]) -> list[dict[str, object]]:
    worst: dict[str, Vulnerability] = {}
    for finding in findings:  # the worst first, so that a rule is rated as its worst result
        worst.setdefault(_rule_id(finding), finding)
    return [_rule(name, finding) for name, finding in sorted(worst.items())]


def _rule(name: str, finding: Vulnerability) -> dict[str, object]:
    title = _text(finding.summary) or name
    kind = "malware" if finding.malware else "vulnerability"
    rule: dict[str, object] = {
        "id": name,
        "shortDescription": {"text": title},
        "fullDescription": {"text": f"{title} ({', '.join(map(_text, finding.ids))})"},
        "help": {"text": "Update to a version that is not affected, or remove the package that needs it."},
        "defaultConfiguration": {"level": _level(finding)},
        "properties": {"security-severity": _score(finding), "tags": ["security", kind], "precision": "high"},
    }
    if _PLAIN_ID.match(finding.id):
        rule["helpUri"] = f"https://osv.dev/vulnerability/{finding.id}"
    return rule


def _rule_id(finding: Vulnerability) -> str:
    return _text(finding.id)


def _level(finding: Vulnerability) -> str:
    return "error" if finding.malware else _LEVELS[finding.severity]


def _score(finding: Vulnerability) -> str:
    return _MALWARE_SCORE if finding.malware else _SCORES[finding.severity]


# -- results -------------------------------------------------------------------------------------------------------------


class _Places:
    """Which inputs have a package, and on which lines."""

    def __init__(self, report: ScanReport) -> None:
        self._inputs = report.inputs
        wanted = {finding.package for finding in report.result.findings}
        self._having: dict[str, dict[int, list[int]]] = {}
        for number, item in enumerate(report.inputs):
            for one in item.graph.dependencies:
                label = str(one.package) if one.package is not None else ""
                if label in wanted:
                    lines = self._having.setdefault(label, {}).setdefault(number, [])
                    lines.extend(item.lines[path] for path in one.paths if path in item.lines)

    def of(self, finding: Vulnerability) -> Iterator[dict[str, object]]:
        """A physical location in each file that has the package: the first of its entries, where that is known."""
        for number, lines in self._having[finding.package].items():
            item = self._inputs[number]
            location: dict[str, object] = {"artifactLocation": {"uri": _uri(item)}}
            if item.kind in _TEXT_INPUTS:
                location["region"] = {"startLine": min(lines, default=1)}
            yield location


def _result(
    finding: Vulnerability, location: dict[str, object], report: ScanReport, index: Mapping[object, int]
) -> dict[str, object]:
    mark = hashlib.sha256(f"{finding.id}\0{finding.purl}\0{location['artifactLocation']}".encode()).hexdigest()
    return {
        "ruleId": _rule_id(finding),
        "ruleIndex": index[_rule_id(finding)],
        "level": _level(finding),
        "message": {"text": _message(finding, report)},
        "locations": [
            {
                "physicalLocation": location,
                "logicalLocations": [
                    {"name": _text(finding.package), "fullyQualifiedName": finding.purl, "kind": "module"}
                ],
            }
        ],
        "partialFingerprints": {_MARK: mark},
        "properties": {
            "security-severity": _score(finding),
            "fails": report.fail_on.reached_by(finding),
            "fixed": [_text(version) for version in finding.fixed],
            "sources": list(finding.sources),
        },
    }


def _message(finding: Vulnerability, report: ScanReport) -> str:
    what = "malware" if finding.malware else f"severity {finding.severity}"
    parts = [f"{_text(finding.package)}: {_text(finding.summary) or _text(finding.id)} ({what}, {_text(finding.id)})."]
    parts.append(
        f"Fixed in {', '.join(_text(version) for version in finding.fixed[:3])}."
        if finding.fixed
        else "No fixed version is known."
    )
    route = report.routes.get(finding.package)
    if route is not None and route.chains:
        dev = ", by development tools only" if route.dev else ""
        parts.append(f"Needed by {' > '.join(_text(label) for label in route.chains[0])}{dev}.")
    return " ".join(parts)


# -- what has no answer --------------------------------------------------------------------------------------------------


def _invocation(report: ScanReport) -> dict[str, object]:
    return {
        "executionSuccessful": not (report.undecided or report.problems),
        "exitCode": report.exit_status,
        "endTimeUtc": render_time(report.scanned_at),
        "toolExecutionNotifications": list(_notifications(report)),
    }


def _notifications(report: ScanReport) -> Iterator[dict[str, object]]:
    for problem in report.problems:
        yield _notification(problem.code, "error", problem.message)
    for item in (*report.result.not_evaluated, *report.result.partly_evaluated):
        yield _notification(f"not-evaluated.{item.reason}", _urgency(item, report), f"{item.package}: {item.detail}")
    for note in report.notes:
        yield _notification("note", "note", note)


def _urgency(item: NotEvaluated, report: ScanReport) -> str:
    return "note" if item.reason in report.allowed else "error"


def _notification(code: str, level: str, text: str) -> dict[str, object]:
    return {"descriptor": {"id": code}, "level": level, "message": {"text": _text(text)}}


# -- text ----------------------------------------------------------------------------------------------------------------


def _text(text: str) -> str:
    return harmless(text).replace("](", "] (")


def _uri(item: ScanInput) -> str:
    """A relative reference without a scheme, an authority or a way up (RFC 3986, 4.2)."""
    from urllib.parse import quote

    segments = item.uri.encode("utf-8", "surrogateescape").split(b"/")
    return "/".join(quote(segment, safe="@") for segment in segments if segment not in {b"", b".", b".."}) or "input"
