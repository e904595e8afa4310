"""A trust repository: what it says, what changed, what will expire. For a person and for machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.formats.timestamps import render_time
from vxsec.model.report.trust import TrustLevel
from vxsec.report.escape import escape_text
from vxsec.report.lines import count, plain, schema_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from vxsec.model.report.trust import (
        Grant,
        TrustChange,
        TrustCheck,
        TrustDifference,
        TrustReport,
    )
    from vxsec.report.lines import Paint

__all__ = [
    "change_document",
    "check_document",
    "difference_document",
    "render_change",
    "render_check",
    "render_difference",
    "render_trust",
    "trust_document",
]

_SHORT = 16
_STYLES = {TrustLevel.NOTICE: "dim", TrustLevel.SOON: "warn", TrustLevel.NOW: "bad", TrustLevel.EXPIRED: "bad"}
_NOT_PINNED = (
    "NOTE: nobody said which first root is meant, so this shows that the repository is whole, and not whose it is; "
    "compare the digest with the one you were given, or give it: --trust-root SHA256"
)


def render_change(change: TrustChange) -> Iterator[str]:
    """What was written, what it is good for, and the digest to hand over."""
    yield f"written  {escape_text(change.path)}  ({count(len(change.written), 'file')})"
    yield from _versions(change.versions)
    yield f"first root  sha256 {change.first_root_sha256}"
    if any(name == "root" and version == 1 for name, version, _ in change.versions):
        yield "    hand this digest over outside of the repository: --trust-root, the user's configuration, a CI setting"
    yield from (f"NOTE: {escape_text(note)}" for note in change.notes)


def render_trust(report: TrustReport) -> Iterator[str]:
    """Who signs for what, then everything granted, by kind."""
    yield f"{escape_text(report.source)}  first root sha256 {report.first_root_sha256}"
    if not report.pinned:
        yield _NOT_PINNED
    for role in report.roles:
        yield (
            f"{role.name:<12} version {role.version}, until {render_time(role.expires)}, "
            f"{role.threshold} of {count(len(role.keys), 'key')}"
        )
        for digest, holder in role.keys:
            yield f"    sha256:{digest[:_SHORT]}{f'  {escape_text(holder)}' if holder else ''}"
    yield from _grants(item for item in report.grants if item.kind != "signs")


def render_difference(difference: TrustDifference, *, paint: Paint = plain) -> Iterator[str]:
    """What was lost, what was gained, or that nothing was."""
    yield f"from {escape_text(difference.before)} to {escape_text(difference.after)}"
    for mark, style, grants in (("-", "bad", difference.lost), ("+", "good", difference.gained)):
        for item in grants:
            yield paint(f"{mark} {_grant(item)}", style)
    if not difference.lost and not difference.gained:
        yield "nobody and nothing gained or lost anything"
    if difference.unpinned:
        names = " and ".join(escape_text(name) for name in dict.fromkeys(difference.unpinned))
        yield f"NOTE: of {names} this shows what is written there, and not whose it is: vxsec trust check DIR --trust-root SHA256"


def render_check(check: TrustCheck, *, verbose: bool = False, paint: Paint = plain) -> Iterator[str]:
    """What is to be done, each with how; versions with ``verbose``."""
    yield f"{escape_text(check.source)}  first root sha256 {check.first_root_sha256}"
    if not check.pinned:
        yield _NOT_PINNED
    if verbose:
        yield from _versions(check.versions)
    for item in check.findings:
        yield f"  {paint(f'{item.level.value:<7}', _STYLES[item.level])}  {escape_text(item.message)} [{item.code}]"
        yield f"           fix: {escape_text(item.fix)}"
    word = {0: "whole and fresh", 4: "stale: what it says is unknown", 11: "whole, and something cannot wait"}
    yield paint(
        f"{word[check.exit_status]}; {count(len(check.findings), 'finding')}",
        "good" if not check.exit_status else "bad",
    )


def change_document(change: TrustChange) -> dict[str, object]:
    """``urn:vxsec:schema:trustchange:v1``."""
    return {
        "schema": schema_name("trustchange"),
        "path": change.path,
        "firstRootSha256": change.first_root_sha256,
        "written": list(change.written),
        "versions": _version_rows(change.versions),
        "notes": list(change.notes),
    }


def trust_document(report: TrustReport) -> dict[str, object]:
    """``urn:vxsec:schema:trust:v1``."""
    return {
        "schema": schema_name("trust"),
        "source": report.source,
        "firstRootSha256": report.first_root_sha256,
        "pinned": report.pinned,
        "roles": [
            {
                "name": role.name,
                "version": role.version,
                "expires": render_time(role.expires),
                "threshold": role.threshold,
                "keys": [{"sha256": digest, "holder": holder} for digest, holder in role.keys],
            }
            for role in report.roles
        ],
        "grants": [_grant_row(item) for item in report.grants],
    }


def difference_document(difference: TrustDifference) -> dict[str, object]:
    """``urn:vxsec:schema:trustdiff:v1``."""
    return {
        "schema": schema_name("trustdiff"),
        "before": difference.before,
        "after": difference.after,
        "gained": [_grant_row(item) for item in difference.gained],
        "lost": [_grant_row(item) for item in difference.lost],
    }


def check_document(check: TrustCheck) -> dict[str, object]:
    """``urn:vxsec:schema:trustcheck:v1``."""
    return {
        "schema": schema_name("trustcheck"),
        "exitStatus": check.exit_status,
        "source": check.source,
        "firstRootSha256": check.first_root_sha256,
        "pinned": check.pinned,
        "versions": _version_rows(check.versions),
        "findings": [
            {
                "level": item.level.value,
                "code": item.code,
                "subject": item.subject,
                "message": item.message,
                "fix": item.fix,
            }
            for item in check.findings
        ],
    }


def _versions(rows: Sequence[tuple[str, int, datetime]]) -> Iterator[str]:
    for name, version, expires in rows:
        yield f"    {name:<12} version {version}, until {render_time(expires)}"


def _version_rows(rows: Sequence[tuple[str, int, datetime]]) -> list[dict[str, object]]:
    return [{"role": name, "version": version, "expires": render_time(expires)} for name, version, expires in rows]


def _grants(grants: Iterator[Grant]) -> Iterator[str]:
    kind = None
    for item in grants:
        if item.kind != kind:
            kind = item.kind
            yield escape_text(kind)
        yield f"    {escape_text(item.subject)}  {escape_text(item.detail)}"


def _grant(item: Grant) -> str:
    return escape_text(f"{item.kind} {item.subject}: {item.detail}")


def _grant_row(item: Grant) -> dict[str, object]:
    return {"kind": item.kind, "subject": item.subject, "detail": item.detail}
