"""Which places of a tree hold the same thing: the coarsest partition in which members of a class also need the same classes.

One package in one version with one integrity may stand in several places, and there find other versions of what it needs.
Such places are told apart, everything else is one node. This is partition refinement (Paige and Tarjan 1987): a class is
looked at again only where something it needs was split off, so the work stays near the number of edges.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

__all__ = ["merge_places"]


def merge_places(alike: Mapping[str, Hashable], needs: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Number the class of every place.

    Guaranteed: two places have one number exactly where ``alike`` is equal and their ``needs`` have the same set of
    numbers. The result does not depend on the order of ``alike``, apart from the numbers themselves.

    Args:
        alike: For every place, what makes it what it is by itself.
        needs: For every place, the places it needs, each of them in ``alike``.
    """
    numbers: dict[Hashable, int] = {}
    of = {place: numbers.setdefault(kind, len(numbers)) for place, kind in alike.items()}
    members: dict[int, set[str]] = defaultdict(set)
    for place, number in of.items():
        members[number].add(place)
    several = {place for group in members.values() if len(group) > 1 for place in group}
    needed_by: dict[str, list[str]] = defaultdict(list)
    for place in several:  # the others are classes of one, which nothing can split
        for child in needs[place]:
            needed_by[child].append(place)
    stale: dict[int, set[str]] = defaultdict(set)
    for place in several:
        stale[of[place]].add(place)
    while stale:
        number, places = stale.popitem()
        for moved in _split_off(members[number], places, of, needs):
            members[number] -= moved
            members[len(members)] = moved
            of.update(dict.fromkeys(moved, len(members) - 1))
            parents = {parent for place in moved for parent in needed_by.get(place, ())}
            for place in parents | stale.pop(number, set()):  # what waits to be looked at may have moved
                stale[of[place]].add(place)
    return of


def _split_off(
    group: set[str], stale: set[str], of: Mapping[str, int], needs: Mapping[str, Sequence[str]]
) -> list[set[str]]:
    """The parts of ``group`` that must leave it: all but the largest, so that a place moves at most log n times."""
    parts: dict[frozenset[int], set[str]] = defaultdict(set)
    for place in stale:
        parts[frozenset(of[child] for child in needs[place])].add(place)
    largest = max(parts, key=lambda key: len(parts[key]))
    settled = len(group) - len(stale)
    if settled:  # none of them changed since they were last found equal, so one speaks for all
        one = next(place for place in group if place not in stale)
        kind = frozenset(of[child] for child in needs[one])
        if settled + len(parts.get(kind, ())) >= len(parts[largest]):
            largest = kind
        else:
            parts[kind] |= group - stale
    return [part for key, part in parts.items() if key != largest]
