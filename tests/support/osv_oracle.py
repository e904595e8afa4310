"""The OSV schema's evaluation written down as naively as its pseudocode, to hold the real one against.

Versions are small integers here, so that nothing of version parsing is shared with what is tested.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["OracleRange", "included_in_ranges"]

OracleRange = list[tuple[str, int | None]]
"""Events of one range; None is below every version for ``introduced``, and infinity for ``limit``."""


def included_in_ranges(version: int, ranges: Sequence[OracleRange]) -> bool:
    """``IncludedInRanges`` and ``BeforeLimits``; ties as this house decided them."""
    return any(_before_limits(version, item) and _inside(version, item) for item in ranges)


def _before_limits(version: int, item: OracleRange) -> bool:
    limits = [bound for kind, bound in item if kind == "limit"]
    return not limits or any(bound is None or version < bound for bound in limits)


def _inside(version: int, item: OracleRange) -> bool:
    """At each point of the line in turn: what is fixed there, what begins there, what was last affected there."""
    inside = any(kind == "introduced" and bound is None for kind, bound in item)
    for point in range(version + 1):
        if any((kind, bound) == ("fixed", point) for kind, bound in item):
            inside = False
        if any((kind, bound) == ("introduced", point) for kind, bound in item):
            inside = True
        if point < version and any((kind, bound) == ("last_affected", point) for kind, bound in item):
            inside = False
    return inside
