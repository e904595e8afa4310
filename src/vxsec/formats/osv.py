"""OSV records (OSV schema 1.x): one advisory about any number of packages.

What the schema allows and what is really written differ: arrays are ``null``, members unknown, names not in their normal
form, severities of unknown kinds. All of that is accepted, because a record that is not read is a finding that is lost. What
cannot be evaluated (range types and events of a newer schema) is kept, so that matching can say so.

Reasons: those of ``strict_json``, ``osv.type`` ``osv.missing`` ``osv.id`` ``time.malformed``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NoReturn

from vxsec.errors import FormatError
from vxsec.formats.cvss_vector import rate_vectors
from vxsec.formats.strict_json import parse_json
from vxsec.formats.timestamps import parse_time
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.advisory import Advisory, AffectedPackage, Event, VersionRange, VulnerabilitySeverity
from vxsec.model.package import NPM, PYPI

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

__all__ = ["EVENTS", "OSV_ECOSYSTEMS", "base_ecosystem", "read_advisory"]

OSV_ECOSYSTEMS: Mapping[str, str] = {NPM: "npm", PYPI: "PyPI"}
"""Ecosystems that can be evaluated: our word (a purl type) and OSV's."""
EVENTS = ("introduced", "fixed", "last_affected", "limit")
"""Kinds of events that are understood."""

_SPELLING = {osv.casefold(): osv for osv in OSV_ECOSYSTEMS.values()}
_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}\Z")
_SUMMARY = 300
"""Characters kept; the schema recommends 120."""
_WORDS = {
    "LOW": VulnerabilitySeverity.LOW,
    "MODERATE": VulnerabilitySeverity.MEDIUM,
    "MEDIUM": VulnerabilitySeverity.MEDIUM,
    "HIGH": VulnerabilitySeverity.HIGH,
    "CRITICAL": VulnerabilitySeverity.CRITICAL,
}
_SHOWN = 80


def read_advisory(data: bytes, *, where: str, limits: Limits = DEFAULT_LIMITS) -> Advisory:
    """Read one record.

    Guarantees: PyPI names are in their normal form, all others as written; ecosystems that can be evaluated are spelled as
    OSV spells them, in whatever letter case they came. Entries of ``affected`` without a package (commits
    of a repository) are left out: nothing is installed under their name. ``related`` and ``upstream`` are not read, since
    they never make two records one. Events and range types that are not known are kept under their own names; an event
    with several members has all their names, joined by ``+``. A record without a summary has the first line of its details.

    Args:
        data: The record's bytes.
        where: What it is called in an error.
        limits: ``advisory_bytes`` and the bounds of JSON.

    Raises:
        FormatError: One of the reasons in the module's docstring.
    """
    value = parse_json(data, where=where, limits=limits, max_bytes=limits.advisory_bytes)
    return _Reader(where).advisory(value)


def base_ecosystem(ecosystem: str) -> str:
    """``Debian`` of ``Debian:12``: what stands before the first colon (OSV schema, ``affected[].package``)."""
    return ecosystem.partition(":")[0]


class _Reader:
    """Reads plain values; a path is only made for an error, because there are hundreds of thousands of records."""

    def __init__(self, where: str) -> None:
        self._where = where

    def advisory(self, value: object) -> Advisory:
        record = self._object(value, "the record")
        identifier = self._string(record, "id")
        if not _ID.match(identifier):
            raise FormatError(
                f"expected an id such as GHSA-…, found {identifier[:_SHOWN]!r}", code="osv.id", where=self._where
            )
        rating = _rating(record.get("severity"))
        word = _word(record.get("database_specific"))
        modified = self._time(record, "modified")
        if modified is None:
            self._missing("modified")
        withdrawn = self._time(record, "withdrawn")
        return Advisory(
            id=identifier,
            aliases=tuple(alias for alias in dict.fromkeys(self._strings(record, "aliases")) if alias != identifier),
            summary=self._summary(record),
            modified=modified,
            published=self._time(record, "published"),
            withdrawn=withdrawn is not None,
            withdrawn_at=withdrawn,
            affected=tuple(self._affected(record, rating, word)),
        )

    def _affected(
        self, record: Mapping[str, object], rating: VulnerabilitySeverity | None, word: VulnerabilitySeverity | None
    ) -> Iterator[AffectedPackage]:
        for value in self._list(record, "affected"):
            entry = self._object(value, "affected[]")
            if entry.get("package") is None:
                continue
            package = self._object(entry["package"], "affected[].package")
            ecosystem, name = _spelled(self._string(package, "ecosystem")), self._string(package, "name")
            if base_ecosystem(ecosystem) == OSV_ECOSYSTEMS[PYPI]:
                from vxsec.versions.pypi import normalise_name

                name = normalise_name(name)
            own = _rating(entry.get("severity")) or rating
            words = (own, _word(entry.get("database_specific")), _word(entry.get("ecosystem_specific")), word)
            yield AffectedPackage(
                ecosystem=ecosystem,
                name=name,
                ranges=tuple(self._range(item) for item in self._list(entry, "ranges")),
                versions=self._strings(entry, "versions"),
                severity=next((found for found in words if found is not None), VulnerabilitySeverity.UNKNOWN),
            )

    def _range(self, value: object) -> VersionRange:
        item = self._object(value, "affected[].ranges[]")
        events = tuple(self._event(event) for event in self._list(item, "events"))
        return VersionRange(type=self._string(item, "type"), events=events)

    def _event(self, value: object) -> Event:
        """One event; the schema allows one member, and what else stands there is kept as a kind nobody knows."""
        event = self._object(value, "affected[].ranges[].events[]")
        if len(event) == 1:
            for kind in EVENTS:
                if kind in event:
                    return Event(kind=kind, version=self._string(event, kind))
        return Event(kind="+".join(event), version=" ".join(str(item)[:_SHOWN] for item in event.values()))

    def _summary(self, record: Mapping[str, object]) -> str:
        summary = record.get("summary")
        if summary is None or summary == "":
            details = record.get("details")
            summary = "" if details is None else details
        if not isinstance(summary, str):
            self._wrong("summary", "a string", summary)
        return next((line.strip() for line in summary[: 4 * _SUMMARY].splitlines() if line.strip()), "")[:_SUMMARY]

    def _time(self, record: Mapping[str, object], key: str) -> datetime | None:
        if record.get(key) is None:
            return None
        return parse_time(self._string(record, key), where=f"{self._where}.{key}")

    def _string(self, record: Mapping[str, object], key: str) -> str:
        value = record.get(key)
        if value is None or value == "":
            self._missing(key)
        return value if isinstance(value, str) else self._wrong(key, "a string", value)

    def _strings(self, record: Mapping[str, object], key: str) -> tuple[str, ...]:
        items = self._list(record, key)
        for item in items:
            if not isinstance(item, str):
                self._wrong(f"{key}[]", "a string", item)
        return tuple(str(item) for item in items)

    def _list(self, record: Mapping[str, object], key: str) -> list[object]:
        value = record.get(key)
        if value is None:  # absent, or null as some databases write it
            return []
        return value if isinstance(value, list) else self._wrong(key, "an array", value)

    def _object(self, value: object, path: str) -> dict[str, object]:
        return value if isinstance(value, dict) else self._wrong(path, "an object", value)

    def _missing(self, key: str) -> NoReturn:
        raise FormatError(f"expected a member {key!r}, found none", code="osv.missing", where=self._where)

    def _wrong(self, path: str, expected: str, found: object) -> NoReturn:
        raise FormatError(
            f"expected {expected} as {path}, found {type(found).__name__}", code="osv.type", where=self._where
        )


def _spelled(ecosystem: str) -> str:
    """As OSV spells it, if it is one that can be evaluated: a record is not lost for its capitals."""
    base = base_ecosystem(ecosystem)
    return _SPELLING.get(base.casefold(), base) + ecosystem[len(base) :]


def _rating(value: object) -> VulnerabilitySeverity | None:
    """A ``severity`` array's rating. Nonsense in it is no reason to lose the record: then nobody rated it."""
    if not isinstance(value, list) or not value:
        return None
    pairs = [(item.get("type"), item.get("score")) for item in value if isinstance(item, dict)]
    return rate_vectors((kind, score) for kind, score in pairs if isinstance(kind, str) and isinstance(score, str))


def _word(value: object) -> VulnerabilitySeverity | None:
    """The word that GitHub and others put beside the vectors: ``database_specific.severity``."""
    word = value.get("severity") if isinstance(value, dict) else None
    return _WORDS.get(word.upper()) if isinstance(word, str) else None
