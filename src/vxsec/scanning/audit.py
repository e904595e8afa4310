"""npm's own audit as a second source: each advisory tested again against the versions that were scanned."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vxsec.errors import FormatError
from vxsec.model.advisory import VulnerabilitySeverity
from vxsec.model.scan import NotEvaluated, NotEvaluatedReason, Vulnerability
from vxsec.versions.npm import is_version

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vxsec.formats.npm_audit import AuditAdvisory
    from vxsec.model.package import PackageRef
    from vxsec.model.scan import ScanResult

__all__ = ["AUDIT_SOURCE", "match_audit", "merge_audit", "unmatched_audit"]

AUDIT_SOURCE = "npm-audit"
_SHOWN = 80


def match_audit(
    package: PackageRef, stated: Sequence[AuditAdvisory], *, paths: tuple[str, ...] = ()
) -> tuple[list[Vulnerability], list[NotEvaluated]]:
    """Test each advisory's range against the version, as npm does (``metavuln-calculator``): pre-releases are versions, too.

    A range that cannot be read is no match and no pass: the package comes back as not evaluated.

    Args:
        package: A package of npm.
        stated: Advisories about this name.
        paths: The package's places in the tree.
    """
    found: list[Vulnerability] = []
    unknown: list[NotEvaluated] = []
    for advisory in stated:
        matches = _in_range(package.version, advisory.range)
        if matches is None:
            why = (
                "the version is no semantic version" if not is_version(package.version) else "its range cannot be read"
            )
            unknown.append(
                NotEvaluated(
                    package=str(package),
                    reason=NotEvaluatedReason.ADVISORY,
                    detail=f"npm audit names {advisory.id} for {advisory.range[:_SHOWN]!r}: {why}",
                    paths=paths,
                )
            )
        elif matches:
            found.append(_finding(package, advisory, paths))
    return found, unknown


def merge_audit(known: Sequence[Vulnerability], stated: Sequence[Vulnerability]) -> list[Vulnerability]:
    """Findings of both sources about one package: those that share an identifier become one, with the worse rating."""
    merged = list(known)
    for one in stated:
        same = [index for index, other in enumerate(merged) if set(one.ids) & set(other.ids)]
        for index in same:
            merged[index] = _joined(merged[index], one)
        if not same:
            merged.append(one)
    return merged


def unmatched_audit(stated: Sequence[AuditAdvisory], result: ScanResult) -> Iterator[str]:
    """One sentence for each advisory that fits nothing that was scanned: an audit of something else, or of another time."""
    by_name: dict[str, list[AuditAdvisory]] = {}
    for advisory in stated:
        by_name.setdefault(advisory.name, []).append(advisory)
    told = {
        (finding.package.rpartition("@")[0], name)
        for finding in result.findings
        if AUDIT_SOURCE in finding.sources
        for name in finding.ids
    }
    told |= {
        (item.package.rpartition("@")[0], advisory.id)
        for item in (*result.not_evaluated, *result.partly_evaluated)
        if item.reason is NotEvaluatedReason.ADVISORY
        for advisory in by_name.get(item.package.rpartition("@")[0], ())
        if advisory.id in item.detail
    }
    for advisory in stated:
        if (advisory.name, advisory.id) not in told:
            yield (
                f"npm audit names {advisory.id} for {advisory.name} {advisory.range[:_SHOWN]}, "
                "and nothing that was scanned is that package in such a version"
            )


def _in_range(version: str, text: str) -> bool | None:
    """Whether any alternative admits the version; None where none does and one cannot be read.

    The alternatives are read one by one: a list of many versions is longer than what npm's own reader takes at once.
    """
    from vxsec.versions.npm_range import satisfies

    unread = False
    for alternative in text.split("||"):
        try:
            if satisfies(version, alternative, include_prerelease=True):
                return True
        except FormatError:
            unread = True
    return None if unread else False


def _finding(package: PackageRef, advisory: AuditAdvisory, paths: tuple[str, ...]) -> Vulnerability:
    return Vulnerability(
        id=advisory.id,
        ids=(advisory.id,),
        package=str(package),
        purl=package.purl,
        malware=advisory.malware,
        severity=advisory.severity,
        summary=advisory.title,
        sources=(AUDIT_SOURCE,),
        paths=paths,
    )


def _joined(one: Vulnerability, other: Vulnerability) -> Vulnerability:
    rated = [item.severity for item in (one, other) if item.severity is not VulnerabilitySeverity.UNKNOWN]
    return replace(
        one,
        ids=tuple(dict.fromkeys((*one.ids, *other.ids))),
        malware=one.malware or other.malware,
        severity=max(rated, key=lambda severity: severity.rank, default=VulnerabilitySeverity.UNKNOWN),
        summary=one.summary or other.summary,
        sources=tuple(dict.fromkeys((*one.sources, *other.sources))),
    )
