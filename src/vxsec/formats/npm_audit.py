"""What ``npm audit --json`` writes: ``auditReportVersion`` 2, of npm 7 and later.

Source: ``@npmcli/arborist`` (``audit-report.js``, ``vuln.js``) and ``@npmcli/metavuln-calculator`` (``advisory.js``). Each
entry of ``vulnerabilities`` lists in ``via`` the advisories themselves (objects) and the names of vulnerable packages it
depends on (strings): those are routes, not findings, and the advisory stands in the entry of the package it is about.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from vxsec.errors import FormatError, NothingToJudgeError, UndecidedError
from vxsec.formats.strict_json import JsonNode, read_json
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.advisory import VulnerabilitySeverity
from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["AuditAdvisory", "AuditReport", "read_npm_audit"]

_READ: Final = 2
_SHOWN: Final = 200
_GHSA: Final = re.compile(r"GHSA(?:-[0-9a-z]{4}){3}\Z")
_MALICIOUS_CODE: Final = "CWE-506"
"""Embedded malicious code: how GitHub marks the advisories about malware that npm serves."""
_SEVERITIES: Final[Mapping[str, VulnerabilitySeverity]] = {
    "info": VulnerabilitySeverity.LOW,
    "low": VulnerabilitySeverity.LOW,
    "moderate": VulnerabilitySeverity.MEDIUM,
    "high": VulnerabilitySeverity.HIGH,
    "critical": VulnerabilitySeverity.CRITICAL,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditAdvisory:
    """One advisory about the package ``name``, as npm's report has it.

    ``id`` is the GHSA identifier of its URL, else ``npm-NUMBER``; ``npm-audit-NAME`` for an entry that leads to no advisory.
    ``range`` is an npm range, ``*`` where npm states none.
    """

    id: str
    name: str
    title: str
    severity: VulnerabilitySeverity
    range: str
    malware: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReport:
    """The advisories of one report, each once, in file order; ``packages`` are vulnerable only by what they depend on."""

    advisories: tuple[AuditAdvisory, ...]
    packages: tuple[str, ...]


def read_npm_audit(data: bytes, *, where: str, limits: Limits = DEFAULT_LIMITS) -> AuditReport:
    """Read a report.

    Guarantees: nothing npm calls vulnerable is lost: an entry without a single advisory or name behind it is refused, and one
    whose names lead to no advisory in this report is one itself, with what npm states of the entry; what npm leaves out is
    read as npm reads it (severity ``high``, range ``*``), and a severity it does not know is ``unknown``.

    Args:
        data: The file's bytes.
        where: What the file is called in an error.
        limits: Bounds on bytes and depth.

    Raises:
        UndecidedError: ``audit.error``: npm wrote why it could not audit.
        NothingToJudgeError: ``audit.unsupported``: another version of the format (npm 6, pnpm and yarn write one).
        FormatError: ``audit.malformed`` or ``json.*``.
    """
    root = read_json(data, where=where, limits=limits)
    document = root.mapping()
    version = document.get("auditReportVersion")
    if document.get("error") is not None:
        raise UndecidedError(
            f"npm could not audit: {_told(document)}",
            code="audit.error",
            where=where,
            hint="make it again where npm reaches a registry that answers audits: npm audit --json",
        )
    if version is None and not {"advisories", "actions", "metadata", "vulnerabilities"} & document.keys():
        raise FormatError("expected what npm audit --json writes", code="audit.malformed", where=where)
    if version != _READ or isinstance(version, bool):
        shown = "without a version" if version is None else f"of version {str(version)[:_SHOWN]!r}"
        raise NothingToJudgeError(
            f"an audit report {shown} is not read by this version of vxsec",
            code="audit.unsupported",
            where=where,
            hint="make it with npm 7 or newer: npm audit --json",
        )
    try:
        return _read_entries(root["vulnerabilities"])
    except FormatError as error:
        raise FormatError(error.message, code="audit.malformed", where=error.where) from error


def _read_entries(vulnerabilities: JsonNode) -> AuditReport:
    advisories: dict[AuditAdvisory, None] = {}
    entries: dict[str, JsonNode] = {}
    routes: dict[str, list[str]] = {}
    rooted = []
    for name, entry in vulnerabilities.members():
        entries[name] = entry
        routes[name] = []
        via = list(entry["via"].items())
        if not via:
            raise FormatError("expected at least one advisory or package in via, found none", where=entry.where)
        for item in via:
            if isinstance(item.value, str):
                routes[name].append(item.value)
            else:
                advisories[_advisory(item, name)] = None
                rooted.append(name)
    for name in _unexplained(routes, rooted):
        advisories[_of_entry(name, entries[name])] = None
    return AuditReport(advisories=tuple(advisories), packages=tuple(name for name in routes if routes[name]))


def _unexplained(routes: Mapping[str, Sequence[str]], rooted: Sequence[str]) -> Iterator[str]:
    """Entries that name a package the report says nothing of, and those from which no name leads to an advisory."""
    users: dict[str, list[str]] = {}
    for name, through in routes.items():
        for other in through:
            users.setdefault(other, []).append(name)
    explained: set[str] = set()
    waiting = list(rooted)
    while waiting:
        name = waiting.pop()
        if name not in explained:
            explained.add(name)
            waiting += users.get(name, ())
    for name, through in routes.items():
        if name not in explained or any(other not in routes for other in through):
            yield name


def _of_entry(name: str, entry: JsonNode) -> AuditAdvisory:
    """What npm says of a package without saying why."""
    severity, stated = entry.get("severity"), entry.get("range")
    return AuditAdvisory(
        id=f"npm-audit-{name}",
        name=name,
        title="npm audit calls it vulnerable, and the report does not hold the advisory",
        severity=_severity(severity),
        range="*" if stated is None else stated.string(),
        malware=False,
    )


def _advisory(node: JsonNode, entry: str) -> AuditAdvisory:
    """``name`` is the package an advisory is about; ``dependency`` says the same, and npm writes both."""
    severity = node.get("severity")
    name = node.get("name")
    title = node.get("title")
    stated = node.get("range")
    return AuditAdvisory(
        id=_identifier(node),
        name=entry if name is None else name.string(),
        title="" if title is None else title.string(),
        severity=_severity(severity),
        range="*" if stated is None else stated.string(),
        malware=_MALICIOUS_CODE in _weaknesses(node),
    )


def _severity(stated: JsonNode | None) -> VulnerabilitySeverity:
    if stated is None:
        return VulnerabilitySeverity.HIGH
    return _SEVERITIES.get(stated.string(), VulnerabilitySeverity.UNKNOWN)


def _identifier(node: JsonNode) -> str:
    """The GHSA identifier in the URL; a registry may also give it as the number. npm's own number comes last."""
    source, url = node.get("source"), node.get("url")
    for text in (url.string() if url is not None else "", str(source.value) if source is not None else ""):
        last = text.rstrip("/").rpartition("/")[2]
        if _GHSA.match(last):
            return last
    if source is None or isinstance(source.value, dict | list | bool):
        raise FormatError("expected an advisory with a GHSA URL or a source, found neither", where=node.where)
    return f"npm-{source.value}"


def _weaknesses(node: JsonNode) -> tuple[str, ...]:
    found = node.get("cwe")
    if found is None:
        return ()
    return (found.string(),) if isinstance(found.value, str) else found.strings()


def _told(document: Mapping[str, object]) -> str:
    """What npm says of it, as far as there are any."""
    return "; ".join(dict.fromkeys(_words(document)))[:_SHOWN] or "it gives no reason"


def _words(document: Mapping[str, object]) -> Iterator[str]:
    error = document["error"]
    members = error if isinstance(error, dict) else {"summary": error}
    for value in (members.get("code"), members.get("summary"), members.get("detail"), document.get("message")):
        if isinstance(value, str) and value.strip():
            yield " ".join(value.split())
