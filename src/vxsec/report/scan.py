"""What a scan found: for a person and for machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vxsec.formats.timestamps import render_time
from vxsec.model.report.scan import FailOn, ScanInputKind
from vxsec.model.scan import NotEvaluatedReason
from vxsec.report.escape import escape_text
from vxsec.report.lines import SHOWN_FAILURES, count, plain, schema_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime, timedelta

    from vxsec.model.report.scan import Route, ScanInput, ScanReport
    from vxsec.model.report.signing import SignedFile
    from vxsec.model.scan import DatabaseState, NotEvaluated, Vulnerability
    from vxsec.report.lines import Paint

__all__ = ["harmless", "render_scan", "scan_document"]

_SHOWN_TEXT: Final = 300
_SHOWN_FEW: Final = 3
_STYLES: Final = {"critical": "bad", "high": "bad", "medium": "warn", "low": "dim", "unknown": "bad"}
_KINDS: Final = {
    ScanInputKind.NPM_LOCKFILE: "npm lockfile",
    ScanInputKind.CYCLONEDX: "CycloneDX SBOM",
    ScanInputKind.NPM_PACKAGE: "npm package",
    ScanInputKind.WHEEL: "wheel",
    ScanInputKind.SDIST: "source distribution",
    ScanInputKind.PIP_REPORT: "pip installation report",
    ScanInputKind.NPM_AUDIT: "npm audit report",
}


def harmless(text: str, *, shown: int = _SHOWN_TEXT) -> str:
    """Foreign text on one line, cut and escaped."""
    cut = text if len(text) <= shown else text[: shown - 1] + "…"
    return escape_text(cut)


def render_scan(report: ScanReport, *, verbose: bool = False, paint: Paint = plain) -> Iterator[str]:
    """What was scanned against which data; findings, the worst first; what could not be evaluated; totals that add up."""
    yield from _header_lines(report)
    for problem in report.problems:
        yield f"{paint('DATABASE', 'bad')}  [{problem.code}] {harmless(problem.message)}"
        if problem.hint is not None:
            yield f"    next: {harmless(problem.hint)}"
    findings = report.result.findings
    shown = findings if verbose else findings[:SHOWN_FAILURES]
    for finding in shown:
        yield from _finding_lines(finding, report, verbose=verbose, paint=paint)
    if len(shown) < len(findings):
        yield f"and {count(len(findings) - len(shown), 'more finding')} (-v and --json show all)"
    yield from _unknown_lines("NOT EVALUATED", report.result.not_evaluated, report, verbose=verbose, paint=paint)
    yield from _unknown_lines("PARTLY EVALUATED", report.result.partly_evaluated, report, verbose=verbose, paint=paint)
    for note in report.notes if verbose else report.notes[:SHOWN_FAILURES]:
        yield f"note: {harmless(note)}"
    if not verbose and len(report.notes) > SHOWN_FAILURES:
        yield f"and {count(len(report.notes) - SHOWN_FAILURES, 'more note')} (-v and --json show all)"
    for bundle in report.attested:
        yield f"attested  {harmless(bundle.subject)} in {harmless(bundle.bundle)}"
    yield from _end_lines(report, paint)


def _header_lines(report: ScanReport) -> Iterator[str]:
    for item in (*report.inputs, *([report.audit] if report.audit is not None else [])):
        yield f"scanned {harmless(item.file)}: {_described(item)}"
    if report.as_of:
        yield f"judged as of {render_time(report.scanned_at)}, not now"
    for state in report.result.databases:
        yield (
            f"{harmless(state.ecosystem)} advisories of {render_time(state.exported_at)} "
            f"({_age(state.exported_at, report.scanned_at)}): {count(state.advisories, 'advisory', 'advisories')} "
            f"from {harmless(state.source)}"
        )
    if report.allowed:
        yield f"allowed to stay without an answer: {', '.join(report.allowed)}"


def _described(item: ScanInput) -> str:
    kind = _KINDS[item.kind]
    if item.kind is ScanInputKind.NPM_AUDIT:
        return f"{kind}, a second source of findings"
    text = f"{kind}, {count(len(item.graph.dependencies), 'entry', 'entries')}"
    if item.package is not None:
        text = f"{kind} {harmless(str(item.package))}"
        if item.dependencies_from is not None:
            text += f", dependencies from {harmless(item.dependencies_from)}"
        elif len(item.graph.dependencies) > 1:
            text += ", and no lockfile or SBOM says which versions it brings along"
    return text + (f", {count(item.omitted, 'development tool')} left out" if item.omitted else "")


def _age(exported: datetime, now: datetime) -> str:
    if exported > now:
        return "in the future"
    return f"{_length(now - exported)} old"


def _length(length: timedelta) -> str:
    return count(length.days, "day") if length.days else count(length.seconds // 3600, "hour")


# -- findings ------------------------------------------------------------------------------------------------------------


def _finding_lines(finding: Vulnerability, report: ScanReport, *, verbose: bool, paint: Paint) -> Iterator[str]:
    word = (
        "MALWARE" if finding.malware else "UNRATED" if finding.severity.value == "unknown" else finding.severity.upper()
    )
    style = "bad" if finding.malware else _STYLES[finding.severity.value]
    route = report.routes.get(finding.package)
    marks = [name for name in finding.ids if name != finding.id][: None if verbose else _SHOWN_FEW]
    also = f" ({', '.join(map(harmless, marks))})" if marks else ""
    dev = "  development only" if route is not None and route.dev else ""
    below = "" if report.fail_on.reached_by(finding) else f"  below {report.fail_on}"
    yield f"{paint(word, style)}  {harmless(finding.package)}  {harmless(finding.id)}{also}{dev}{below}"
    yield f"    says: {harmless(finding.summary) or 'nothing'}"
    fixed = ", ".join(map(harmless, finding.fixed[:_SHOWN_FEW])) or "no version that is known"
    yield f"    fixed in: {fixed}"
    yield from _route_lines(finding, report, route, verbose=verbose)
    if finding.sources != ("osv",):
        yield f"    known from: {', '.join(map(harmless, finding.sources))}"


def _route_lines(finding: Vulnerability, report: ScanReport, route: Route | None, *, verbose: bool) -> Iterator[str]:
    if any(item.package is not None and str(item.package) == finding.package for item in report.inputs):
        yield "    it is the package that was scanned"
    if route is not None:
        shown = route.chains if verbose else route.chains[:_SHOWN_FEW]
        for chain in shown:
            how = "asked for by the project" if len(chain) == 1 else " > ".join(harmless(label) for label in chain)
            yield f"    needed by: {how}"
        more = route.more + len(route.chains) - len(shown)
        if more:
            yield f"    needed by: {count(more, 'more package')}"
    for path in finding.paths if verbose else ():
        yield f"    at: {harmless(path)}"


# -- what could not be evaluated -----------------------------------------------------------------------------------------


def _unknown_lines(
    title: str, items: Sequence[NotEvaluated], report: ScanReport, *, verbose: bool, paint: Paint
) -> Iterator[str]:
    """By reason; a sentence that holds for all of them is told once."""
    groups: dict[str, list[NotEvaluated]] = {}
    for item in items:
        groups.setdefault(item.reason.value, []).append(item)
    for reason, group in groups.items():
        allowed = group[0].reason in report.allowed
        heading = paint(title, "dim" if allowed else "warn") + ("  allowed" if allowed else "")
        same = len({item.detail for item in group}) == 1
        yield f"{heading}  [{reason}] {count(len(group), 'package')}" + (
            f": {harmless(group[0].detail)}" if same else ""
        )
        most = _SHOWN_FEW if group[0].reason is NotEvaluatedReason.DATABASE else SHOWN_FAILURES  # then it is about all
        shown = group if verbose else group[:most]
        for item in shown:
            yield f"    - {harmless(item.package)}" + ("" if same else f": {harmless(item.detail)}")
        if len(shown) < len(group):
            yield f"    and {len(group) - len(shown)} more (-v and --json show all)"


# -- the end -------------------------------------------------------------------------------------------------------------


def _end_lines(report: ScanReport, paint: Paint) -> Iterator[str]:
    result = report.result
    yield (
        f"{count(result.packages, 'package')}: {result.clean} clean + {result.affected} affected + "
        f"{result.malicious} malicious + {result.local} local + {len(result.not_evaluated)} not evaluated"
    )
    if result.packages == result.local:
        what = "no dependencies" if not result.packages else "no packages but the project's own"
        yield f"nothing to look up: what was scanned lists {what}; no advisory database was asked"
    yield _verdict_line(report, paint)


def _verdict_line(report: ScanReport, paint: Paint) -> str:
    findings, failing = report.result.findings, len(report.failing)
    if failing:
        malware = sum(1 for finding in findings if finding.malware)
        level = f" at or above {report.fail_on}" if report.fail_on is not FailOn.MALWARE else ""
        return paint(f"NOT CLEAN: {count(failing, 'finding')}{level}, {malware} of them malware", "bad")
    if report.exit_status:
        told = count(len({item.package for item in report.undecided}), "package")
        return paint(f"NOT DECIDED: {told} could not be evaluated", "bad")
    left = []
    if findings:
        left.append(f"{count(len(findings), 'finding')} below {report.fail_on}")
    unknown = len(report.result.not_evaluated) + len(report.result.partly_evaluated)
    if unknown:
        left.append(f"{unknown} not evaluated, which was allowed")
    return paint(f"PASSED: {'; '.join(left)}", "warn") if left else paint("CLEAN", "good")


# -- JSON ----------------------------------------------------------------------------------------------------------------


def scan_document(report: ScanReport) -> dict[str, object]:
    """``urn:vxsec:schema:scan:v1``."""
    result = report.result
    return {
        "schema": schema_name("scan"),
        "verdict": {0: "passed", 4: "not-decided"}.get(report.exit_status, "not-clean"),
        "exitStatus": report.exit_status,
        "asOf": report.as_of,
        "scannedAt": render_time(report.scanned_at),
        "failOn": report.fail_on.value,
        "maxDbAgeSeconds": int(report.max_db_age.total_seconds()),
        "allowedUnevaluated": [reason.value for reason in report.allowed],
        "inputs": [_input(item) for item in report.inputs],
        "audit": _audit(report.audit) if report.audit is not None else None,
        "databases": [_database(state) for state in result.databases],
        "databaseProblems": [
            {"ecosystem": item.ecosystem, "code": item.code, "message": item.message, "hint": item.hint}
            for item in report.problems
        ],
        "totals": {
            "packages": result.packages,
            "clean": result.clean,
            "affected": result.affected,
            "malicious": result.malicious,
            "local": result.local,
            "notEvaluated": len(result.not_evaluated),
        },
        "findings": [_finding(finding, report) for finding in result.findings],
        "notEvaluated": [_unknown(item, report) for item in result.not_evaluated],
        "partlyEvaluated": [_unknown(item, report) for item in result.partly_evaluated],
        "notes": list(report.notes),
        "attested": [_attested(item) for item in report.attested],
    }


def _input(item: ScanInput) -> dict[str, object]:
    return {
        "file": _name(item.file),
        "kind": item.kind.value,
        "sha256": item.digests.sha256,
        "sha512": item.digests.sha512,
        "purl": item.package.purl if item.package is not None else None,
        "entries": len(item.graph.dependencies),
        "omitted": item.omitted,
        "dependenciesFrom": _name(item.dependencies_from) if item.dependencies_from is not None else None,
        "dependenciesDigest": item.dependencies_digest,
    }


def _database(state: DatabaseState) -> dict[str, object]:
    return {
        "ecosystem": state.ecosystem,
        "exportedAt": render_time(state.exported_at),
        "importedAt": render_time(state.imported_at),
        "advisories": state.advisories,
        "packages": state.packages,
        "sha256": state.sha256,
        "source": state.source,
    }


def _finding(finding: Vulnerability, report: ScanReport) -> dict[str, object]:
    route = report.routes.get(finding.package)
    return {
        "id": finding.id,
        "ids": list(finding.ids),
        "package": finding.package,
        "purl": finding.purl,
        "malware": finding.malware,
        "severity": finding.severity.value,
        "fails": report.fail_on.reached_by(finding),
        "summary": finding.summary,
        "fixed": list(finding.fixed),
        "published": render_time(finding.published) if finding.published is not None else None,
        "sources": list(finding.sources),
        "paths": list(finding.paths),
        "neededBy": [list(chain) for chain in route.chains] if route is not None else [],
        "direct": route is not None and route.direct,
        "dev": route is not None and route.dev,
    }


def _unknown(item: NotEvaluated, report: ScanReport) -> dict[str, object]:
    return {
        "package": item.package,
        "reason": item.reason.value,
        "allowed": item.reason in report.allowed,
        "detail": item.detail,
        "paths": list(item.paths),
    }


def _audit(item: ScanInput) -> dict[str, object]:
    return {"file": _name(item.file), "sha256": item.digests.sha256}


def _attested(item: SignedFile) -> dict[str, object]:
    return {"subject": item.subject, "keyHint": item.key_hint, "bundle": _name(item.bundle)}


def _name(text: str) -> str:
    """A file's name, which need not be UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
