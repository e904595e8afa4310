"""Whether one version is affected, by the OSV schema's own algorithm (OSV schema 1.7, "Evaluation"), or cannot be said.

What the schema leaves open is decided here, once. Where two readings are possible, the one with more findings is taken:

- ``introduced: "0"`` is below every version, also below ``0.0.0-alpha`` and ``0.dev0``; it is never read as a version;
- events are sorted by version; at the same version ``fixed`` comes before ``introduced``, which therefore opens the range
  again, and ``last_affected`` comes last, so that introduced and last affected in ``1.0`` is ``1.0`` alone;
- npm: build metadata does not count; a pre-release of the fixed version is affected, as npm's own audit says;
- Python: a bound without a local part is compared with the public part, so that ``1.0+cu118`` is as affected as ``1.0``;
- commits (``GIT``) say nothing about a version; where there is anything else, that decides;
- a range without a beginning, of an unknown type, or with an unknown event or bound cannot be evaluated;
- a listed version that is none may mean any version; where ranges can be evaluated, they say which.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

from vxsec.errors import FormatError
from vxsec.formats.osv import EVENTS
from vxsec.model.package import NPM, PYPI
from vxsec.values import dataclass
from vxsec.versions.npm import NpmVersion
from vxsec.versions.semver_order import semver_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vxsec.model.advisory import AffectedPackage, VersionRange

__all__ = ["Affected", "AffectedVersions", "Order", "VersionKey", "order_of"]

VersionKey = Any  # what a version is compared by: a tuple for npm, a Version of packaging for Python
_TIES = {"fixed": 0, "introduced": 1, "last_affected": 2}
_RANGE_TYPES = frozenset({"SEMVER", "ECOSYSTEM"})
_BOTTOM = "0"
_INFINITY = "*"


class Affected(Enum):
    """The answer."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """How one ecosystem's versions are read and compared; every function raises ``FormatError`` for what is no version.

    ``version`` reads what is installed, strictly; ``bound`` what an advisory states; ``against`` gives the part of a
    version that is compared with a bound.
    """

    version: Callable[[str], VersionKey]
    bound: Callable[[str], VersionKey]
    against: Callable[[VersionKey, VersionKey], VersionKey]

    def read(self, text: str) -> VersionKey | None:
        """What is installed; None where the ecosystem has no such version."""
        try:
            return self.version(text)
        except FormatError:
            return None

    def read_bound(self, text: str) -> VersionKey | None:
        """What an advisory states; None where it is no version."""
        try:
            return self.bound(text)
        except FormatError:
            return None


def order_of(ecosystem: str) -> Order | None:
    """The order of an ecosystem's versions (a purl type); None where this version of vxsec has none."""
    if ecosystem == NPM:
        return Order(version=_npm_version, bound=semver_key, against=lambda version, _: version)
    if ecosystem == PYPI:
        from vxsec.versions.pypi import parse_version, without_local  # packaging: 30 ms that npm alone does not need

        return Order(
            version=parse_version,
            bound=parse_version,
            against=lambda version, bound: version if bound.local is not None else without_local(version),
        )
    return None


def _npm_version(text: str) -> VersionKey:
    NpmVersion.parse(text)
    return semver_key(text)


class AffectedVersions:
    """The versions that one entry of an advisory means, read once.

    Args:
        affected: What one advisory says of one package.
        order: The ecosystem's order.
        malware: Whether the advisory is about malware: then an entry that names no versions at all means every one.
    """

    def __init__(self, affected: AffectedPackage, order: Order, *, malware: bool) -> None:
        self._order = order
        self._texts = frozenset(affected.versions)
        keys = [order.read_bound(text) for text in affected.versions]
        self._listed = [key for key in keys if key is not None]
        ranges = [item for item in affected.ranges if item.type != "GIT"]
        self._always = (malware and not affected.ranges and not affected.versions) or any(map(_is_everything, ranges))
        self._lines = [_timeline(item, order) for item in ranges]
        self._vague = None in self._lines or (not ranges and (None in keys or not keys))

    def judge(self, text: str, key: VersionKey | None) -> Affected:
        """Whether a version is one of them.

        Args:
            text: The version as installed.
            key: The same as :meth:`Order.read` reads it; None where it is no version of its ecosystem.
        """
        if self._always or text in self._texts:
            return Affected.YES
        if key is None:
            return Affected.UNKNOWN if self._lines or self._vague else Affected.NO
        against = self._order.against
        if any(against(key, bound) == bound for bound in self._listed):
            return Affected.YES
        if any(line is not None and line.covers(key, against) for line in self._lines):
            return Affected.YES
        return Affected.UNKNOWN if self._vague else Affected.NO

    def fixes(self) -> Iterator[tuple[str, VersionKey]]:
        """Every version that some range says is fixed, as written and as it is compared."""
        for line in self._lines:
            if line is not None:
                yield from line.fixes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Timeline:
    """A range that can be evaluated: ``events`` sorted, a None key being below everything."""

    limits: tuple[VersionKey, ...]
    unlimited: bool
    events: tuple[tuple[str, VersionKey | None], ...]
    fixes: tuple[tuple[str, VersionKey], ...]

    def covers(self, key: VersionKey, against: Callable[[VersionKey, VersionKey], VersionKey]) -> bool:
        """``BeforeLimits`` and the loop of ``IncludedInRanges``."""
        if not self.unlimited and not any(against(key, limit) < limit for limit in self.limits):
            return False
        inside = False
        for kind, bound in self.events:
            if bound is None:
                inside = True
                continue
            version = against(key, bound)
            if kind == "introduced" and version >= bound:
                inside = True
            elif (kind == "fixed" and version >= bound) or (kind == "last_affected" and version > bound):
                inside = False
        return inside


def _timeline(item: VersionRange, order: Order) -> _Timeline | None:
    """The range, ready to be asked; None where it cannot be evaluated."""
    kinds = {event.kind for event in item.events}
    if item.type not in _RANGE_TYPES or "introduced" not in kinds or not kinds.issubset(EVENTS):
        return None
    limits: list[VersionKey] = []
    events: list[tuple[str, VersionKey | None]] = []
    fixes: list[tuple[str, VersionKey]] = []
    for event in item.events:
        if event.kind == "introduced" and event.version == _BOTTOM:
            events.append((event.kind, None))
            continue
        if event.kind == "limit" and event.version == _INFINITY:
            continue
        key = order.read_bound(event.version)
        if key is None:
            return None
        if event.kind == "limit":
            limits.append(key)
            continue
        events.append((event.kind, key))
        if event.kind == "fixed":
            fixes.append((event.version, key))
    return _Timeline(
        limits=tuple(limits),
        unlimited="limit" not in kinds or any(e.kind == "limit" and e.version == _INFINITY for e in item.events),
        events=tuple(sorted(events, key=_place)),
        fixes=tuple(fixes),
    )


def _place(event: tuple[str, VersionKey | None]) -> tuple[Any, ...]:
    kind, key = event
    return (0,) if key is None else (1, key, _TIES[kind])


def _is_everything(item: VersionRange) -> bool:
    """Whether the range means every version, whatever it looks like: it begins below all of them and never ends."""
    return (
        item.type in _RANGE_TYPES
        and {event.kind for event in item.events} == {"introduced"}
        and any(event.version == _BOTTOM for event in item.events)
    )
