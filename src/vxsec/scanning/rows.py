"""How advisories lie in an index: compact JSON under each package's name, with what matching and reporting need."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from vxsec.formats.osv import OSV_ECOSYSTEMS, base_ecosystem
from vxsec.formats.strict_json import parse_json
from vxsec.model.advisory import Advisory, AffectedPackage, Event, VersionRange, VulnerabilitySeverity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["FORMAT", "read_rows", "row_of", "rows_by_name"]

FORMAT: Final = "vxsec-advisories-1"
"""Which shape the rows have; an index of another shape is not read."""

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def rows_by_name(advisory: Advisory, ecosystem: str) -> Iterator[tuple[str, str]]:
    """Each package of ``ecosystem`` (a purl type) that the advisory names, with its row."""
    entries: dict[str, list[AffectedPackage]] = {}
    for affected in advisory.affected:
        if base_ecosystem(affected.ecosystem) == OSV_ECOSYSTEMS[ecosystem]:
            entries.setdefault(affected.name, []).append(affected)
    for name, affected_here in entries.items():
        yield name, row_of(advisory, affected_here)


def row_of(advisory: Advisory, affected: Sequence[AffectedPackage]) -> str:
    """One advisory about one package."""
    return _encode(
        [
            advisory.id,
            advisory.aliases,
            advisory.summary,
            _seconds(advisory.modified),
            None if advisory.published is None else _seconds(advisory.published),
            [
                [
                    item.severity.value,
                    [[r.type, [[event.kind, event.version] for event in r.events]] for r in item.ranges],
                    item.versions,
                ]
                for item in affected
            ],
        ]
    )


def read_rows(data: bytes, *, name: str, ecosystem: str) -> tuple[Advisory, ...]:
    """Every advisory about ``name``: what :func:`row_of` wrote, as an array.

    Raises:
        FormatError, ValueError, TypeError, OverflowError: It is not what was written.
    """
    rows: Any = parse_json(data, where=name)
    return tuple(_advisory(row, name, OSV_ECOSYSTEMS[ecosystem]) for row in rows)


def _advisory(row: Any, name: str, ecosystem: str) -> Advisory:  # noqa: ANN401 - a row is JSON; what does not fit raises
    identifier, aliases, summary, modified, published, entries = row
    return Advisory(
        id=_text(identifier),
        aliases=tuple(_text(alias) for alias in aliases),
        summary=_text(summary),
        modified=_moment(modified),
        published=None if published is None else _moment(published),
        withdrawn=False,
        affected=tuple(
            AffectedPackage(
                ecosystem=ecosystem,
                name=name,
                ranges=tuple(
                    VersionRange(
                        type=_text(kind),
                        events=tuple(Event(kind=_text(event), version=_text(version)) for event, version in events),
                    )
                    for kind, events in ranges
                ),
                versions=tuple(_text(version) for version in versions),
                severity=VulnerabilitySeverity(severity),
            )
            for severity, ranges, versions in entries
        ),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("expected a string")
    return value


def _seconds(moment: datetime) -> int:
    return int((moment - _EPOCH).total_seconds())


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, tz=UTC)


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
