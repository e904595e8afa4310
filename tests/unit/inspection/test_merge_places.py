from __future__ import annotations

import time
from collections import defaultdict
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vxsec.inspection.merge_places import merge_places

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def by_repeated_splitting(alike: Mapping[str, int], needs: Mapping[str, Sequence[str]]) -> set[frozenset[str]]:
    """The same partition, the slow way: split everything until nothing splits."""
    of: dict[str, object] = dict(alike)
    while True:
        finer = {place: (of[place], frozenset(of[child] for child in needs[place])) for place in alike}
        numbers: dict[object, int] = {}
        now: dict[str, object] = {place: numbers.setdefault(kind, len(numbers)) for place, kind in finer.items()}
        if len(set(now.values())) == len(set(of.values())):
            return classes(now)
        of = now


def classes(of: Mapping[str, object]) -> set[frozenset[str]]:
    groups: dict[object, set[str]] = defaultdict(set)
    for place, number in of.items():
        groups[number].add(place)
    return {frozenset(group) for group in groups.values()}


@st.composite
def trees(draw: st.DrawFn) -> tuple[dict[str, int], dict[str, list[str]]]:
    places = [f"p{number}" for number in range(draw(st.integers(1, 14)))]
    kinds = draw(st.lists(st.integers(0, 3), min_size=len(places), max_size=len(places)))
    needs = {place: draw(st.lists(st.sampled_from(places), max_size=3)) for place in places}
    return dict(zip(places, kinds, strict=True)), needs


@given(trees())
def test_the_partition_is_that_of_splitting_until_nothing_splits(
    tree: tuple[dict[str, int], dict[str, list[str]]],
) -> None:
    alike, needs = tree
    assert classes(merge_places(alike, needs)) == by_repeated_splitting(alike, needs)


@given(trees())
def test_the_order_of_the_places_does_not_matter(tree: tuple[dict[str, int], dict[str, list[str]]]) -> None:
    alike, needs = tree
    backwards = {place: alike[place] for place in reversed(alike)}
    assert classes(merge_places(alike, needs)) == classes(merge_places(backwards, needs))


@pytest.mark.parametrize("salt", range(40))
def test_it_does_not_matter_which_class_is_looked_at_first(salt: int) -> None:
    """Most parents of what moves change while a few stay: whichever part is larger keeps its number."""
    kinds = {"p": 1, "c": 2, "d": 3, "e": 4}
    alike = {f"{salt}{letter}{n}": kind for letter, kind in kinds.items() for n in range(14)}
    alike |= {f"{salt}e{n}": 5 for n in range(3)}
    needs = {place: [place.replace(*pair)] for pair in ("pc", "cd", "de") for place in alike if pair[0] in place}
    needs |= {f"{salt}p{n}": [] for n in range(4, 14)}
    for n in range(4, 14):
        alike[f"{salt}p{n}"] = 6
    needs |= {place: [] for place in alike if "e" in place}
    assert classes(merge_places(alike, needs)) == by_repeated_splitting(alike, needs)


def test_nothing_is_no_class() -> None:
    assert merge_places({}, {}) == {}


@pytest.mark.parametrize(
    ("alike", "needs"),
    [
        pytest.param(
            {f"{side}{number}": number if number < 2_999 else side for side in "xy" for number in range(3_000)},
            {
                f"{side}{number}": [f"{side}{number + 1}"] if number < 2_999 else []
                for side in "xy"
                for number in range(3_000)
            },
            id="two chains that differ at the very end",
        ),
        pytest.param(
            dict.fromkeys((f"x{number}" for number in range(4_000)), 0),
            {f"x{number}": [f"x{number + 1}"] if number < 3_999 else [] for number in range(4_000)},
            id="one class that is peeled off place by place",
        ),
    ],
)
def test_what_is_made_to_be_slow_is_not(alike: dict[str, object], needs: dict[str, list[str]]) -> None:
    began = time.perf_counter()
    found = merge_places(alike, needs)
    assert len(set(found.values())) == len(alike)
    assert time.perf_counter() - began < 5.0
