"""The predicate ``urn:vxsec:scan:v1``: what a scan of one package found, against which data, at what time.

It is strict: a member that an old reader does not know may take back what the others say. All names in it are purls, labels,
places in a tree and base names of files; no path of the machine that scanned is written.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeVar

from vxsec.errors import FormatError
from vxsec.formats.statement import as_statement_error, nonempty_text
from vxsec.formats.strict_json import JsonNode
from vxsec.formats.timestamps import parse_time, render_time
from vxsec.model.advisory import VulnerabilitySeverity
from vxsec.model.scan import DatabaseState, NotEvaluated, NotEvaluatedReason, ScanResult, Vulnerability
from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from enum import StrEnum

    E = TypeVar("E", bound=StrEnum)

__all__ = [
    "AttestedScan",
    "ScannedFile",
    "build_scan_predicate",
    "read_attested_scan",
    "read_scan_predicate",
]

_SHOWN: Final = 120
_DIGEST: Final = re.compile(r"sha(?:256:[0-9a-f]{64}|512:[0-9a-f]{128})\Z")
_SHA256: Final = re.compile(r"[0-9a-f]{64}\Z")
_MEMBERS: Final = (
    "scannedAt",
    "scanner",
    "files",
    "databases",
    "totals",
    "findings",
    "notEvaluated",
    "partlyEvaluated",
)
_TOTALS: Final = ("packages", "clean", "affected", "malicious", "local", "notEvaluated")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScannedFile:
    """A file the dependencies were read from: its base name, its kind, and its digest as ``ALGORITHM:HEX``."""

    name: str
    kind: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttestedScan:
    """Everything the predicate holds. ``scanner`` is the tool and its version, as text."""

    result: ScanResult
    scanned_at: datetime
    scanner: str
    files: tuple[ScannedFile, ...]


def build_scan_predicate(scan: AttestedScan) -> dict[str, object]:
    """Write the predicate, and read it back, so that nothing is signed that this version would not read.

    Raises:
        FormatError: ``statement.malformed``: the result does not add up, or holds what cannot be written.
    """
    result = scan.result
    predicate: dict[str, object] = {
        "scannedAt": render_time(scan.scanned_at),
        "scanner": scan.scanner,
        "files": [{"name": one.name, "kind": one.kind, "digest": one.digest} for one in scan.files],
        "databases": [_write_database(one) for one in result.databases],
        "totals": {
            "packages": result.packages,
            "clean": result.clean,
            "affected": result.affected,
            "malicious": result.malicious,
            "local": result.local,
            "notEvaluated": len(result.not_evaluated),
        },
        "findings": [_write_finding(one) for one in result.findings],
        "notEvaluated": [_write_unknown(one) for one in result.not_evaluated],
        "partlyEvaluated": [_write_unknown(one) for one in result.partly_evaluated],
    }
    read_attested_scan(predicate, where="predicate to sign")
    return predicate


def read_scan_predicate(predicate: Mapping[str, object], *, where: str = "predicate") -> ScanResult:
    """The result alone, as :func:`read_attested_scan` reads it.

    Raises:
        FormatError: ``statement.malformed``.
    """
    return read_attested_scan(predicate, where=where).result


def read_attested_scan(predicate: Mapping[str, object], *, where: str = "predicate") -> AttestedScan:
    """Read the predicate of a statement whose signature was verified before.

    Guarantees: no unknown member; the totals add up and fit the lists; every time has an offset.

    Raises:
        FormatError: ``statement.malformed``.
    """
    try:
        return _read(JsonNode(value=dict(predicate), where=where))
    except FormatError as error:
        raise as_statement_error(error) from error


def _read(node: JsonNode) -> AttestedScan:
    node.only(*_MEMBERS)
    totals = node["totals"].only(*_TOTALS)
    counts = {name: _count(totals[name]) for name in _TOTALS}
    result = ScanResult(
        packages=counts["packages"],
        clean=counts["clean"],
        affected=counts["affected"],
        malicious=counts["malicious"],
        local=counts["local"],
        findings=tuple(_read_finding(item) for item in node["findings"].items()),
        not_evaluated=tuple(_read_unknown(item) for item in node["notEvaluated"].items()),
        databases=tuple(_read_database(item) for item in node["databases"].items()),
        partly_evaluated=tuple(_read_unknown(item) for item in node["partlyEvaluated"].items()),
    )
    _require_account(result, counts["notEvaluated"], totals.where)
    return AttestedScan(
        result=result,
        scanned_at=_time(node["scannedAt"]),
        scanner=nonempty_text(node["scanner"]),
        files=tuple(_read_file(item) for item in node["files"].items()),
    )


def _require_account(result: ScanResult, not_evaluated: int, where: str) -> None:
    """The numbers must be those of the lists: a finding that no total counts, or a total without findings, is a lie."""
    malicious = {one.purl for one in result.findings if one.malware}
    affected = {one.purl for one in result.findings} - malicious
    fits = (
        result.adds_up
        and not_evaluated == len(result.not_evaluated)
        and (result.affected, result.malicious) == (len(affected), len(malicious))
    )
    if not fits:
        raise FormatError("expected totals that add up and fit the lists, found others", where=where)


# -- findings ------------------------------------------------------------------------------------------------------------


def _write_finding(one: Vulnerability) -> dict[str, object]:
    return {
        "id": one.id,
        "ids": list(one.ids),
        "package": one.package,
        "purl": one.purl,
        "malware": one.malware,
        "severity": one.severity.value,
        "summary": one.summary,
        "fixed": list(one.fixed),
        "published": None if one.published is None else one.published.isoformat(),
        "sources": list(one.sources),
        "paths": list(one.paths),
    }


def _read_finding(node: JsonNode) -> Vulnerability:
    node.only(
        "id", "ids", "package", "purl", "malware", "severity", "summary", "fixed", "published", "sources", "paths"
    )  # fmt: skip  # a table: one row a line
    published = node.get("published")
    found = Vulnerability(
        id=nonempty_text(node["id"]),
        ids=node["ids"].strings(),
        package=nonempty_text(node["package"]),
        purl=nonempty_text(node["purl"]),
        malware=node["malware"].boolean(),
        severity=_word(node["severity"], VulnerabilitySeverity),
        summary=node["summary"].string(),
        fixed=node["fixed"].strings(),
        published=None if published is None else _time(published),
        sources=node["sources"].strings(),
        paths=node["paths"].strings(),
    )
    if found.id not in found.ids or not found.sources:
        raise FormatError("expected ids that hold the id, and at least one source", where=node.where)
    return found


def _write_unknown(one: NotEvaluated) -> dict[str, object]:
    return {"package": one.package, "reason": one.reason.value, "detail": one.detail, "paths": list(one.paths)}


def _read_unknown(node: JsonNode) -> NotEvaluated:
    node.only("package", "reason", "detail", "paths")
    return NotEvaluated(
        package=nonempty_text(node["package"]),
        reason=_word(node["reason"], NotEvaluatedReason),
        detail=node["detail"].string(),
        paths=node["paths"].strings(),
    )


# -- what was asked ------------------------------------------------------------------------------------------------------


def _write_database(one: DatabaseState) -> dict[str, object]:
    return {
        "ecosystem": one.ecosystem,
        "exportedAt": one.exported_at.isoformat(),
        "importedAt": one.imported_at.isoformat(),
        "advisories": one.advisories,
        "packages": one.packages,
        "sha256": one.sha256,
        "source": one.source,
    }


def _read_database(node: JsonNode) -> DatabaseState:
    node.only("ecosystem", "exportedAt", "importedAt", "advisories", "packages", "sha256", "source")
    return DatabaseState(
        ecosystem=nonempty_text(node["ecosystem"]),
        exported_at=_time(node["exportedAt"]),
        imported_at=_time(node["importedAt"]),
        advisories=_count(node["advisories"]),
        packages=_count(node["packages"]),
        sha256=_matching(node["sha256"], _SHA256, "a SHA-256 in hexadecimal"),
        source=node["source"].string(),
    )


def _read_file(node: JsonNode) -> ScannedFile:
    node.only("name", "kind", "digest")
    return ScannedFile(
        name=nonempty_text(node["name"]),
        kind=nonempty_text(node["kind"]),
        digest=_matching(node["digest"], _DIGEST, "sha256:HEX or sha512:HEX"),
    )


# -- values --------------------------------------------------------------------------------------------------------------


def _time(node: JsonNode) -> datetime:
    return parse_time(node.string(), where=node.where)


def _count(node: JsonNode) -> int:
    value = node.integer()
    if value < 0:
        raise FormatError(f"expected a count, found {value}", where=node.where)
    return value


def _word(node: JsonNode, kind: type[E]) -> E:
    text = node.string()
    try:
        return kind(text)
    except ValueError as error:
        known = ", ".join(kind)
        raise FormatError(f"expected one of {known}, found {text[:_SHOWN]!r}", where=node.where) from error


def _matching(node: JsonNode, pattern: re.Pattern[str], expected: str) -> str:
    text = node.string()
    if not pattern.match(text):
        raise FormatError(f"expected {expected}, found {text[:_SHOWN]!r}", where=node.where)
    return text
