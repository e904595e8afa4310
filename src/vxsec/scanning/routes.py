"""Who pulls a package in: the chains that lead from what a project asks for to a package with findings."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

from vxsec.model.dependency import DependencySource
from vxsec.model.report.scan import Route

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from vxsec.model.dependency import Dependency, DependencyGraph

__all__ = ["find_routes"]

_CHAINS: Final = 5
"""Chains shown for one package: the shortest ones."""
_ENDS: Final = 6
"""Packages shown at the end of a chain; with the first one, a reader knows what to update."""
_LEFT_OUT: Final = "…"


def find_routes(graphs: Iterable[DependencyGraph], labels: Collection[str]) -> dict[str, Route]:
    """The routes to the packages called ``labels``; those no graph leads to are absent.

    Linear in the size of the graphs, whatever their depth or circles.
    """
    found: dict[str, _Found] = {}
    if labels:
        for graph in graphs:
            for label, one in _in_graph(graph, frozenset(labels)).items():
                found.setdefault(label, _Found()).join(one)
    return {label: one.route() for label, one in found.items()}


class _Found:
    """What several graphs, and several nodes of one, say of one package."""

    def __init__(self, *, dev: bool = True) -> None:
        self.chains: dict[tuple[str, ...], None] = {}
        self.more = 0
        self.direct = False
        self.dev = dev

    def join(self, other: _Found) -> None:
        self.chains |= other.chains
        self.more += other.more
        self.direct |= other.direct
        self.dev &= other.dev

    def route(self) -> Route:
        ordered = sorted(self.chains, key=lambda chain: (len(chain), chain))
        return Route(
            chains=tuple(ordered[:_CHAINS]),
            more=self.more + max(0, len(ordered) - _CHAINS),
            direct=self.direct,
            dev=self.dev,
        )


class _Step(NamedTuple):
    """How the shortest way from the root comes to a node."""

    depth: int
    before: str | None
    first: str


def _in_graph(graph: DependencyGraph, labels: frozenset[str]) -> dict[str, _Found]:
    nodes = {one.key: one for one in graph.dependencies}
    steps = _shortest(graph.root_needs, nodes)
    wanted = {key for key, one in nodes.items() if one.label in labels}
    needed_by: dict[str, list[str]] = {key: [] for key in wanted}
    for one in nodes.values():
        for need in one.needs:
            if need in wanted:
                needed_by[need].append(one.key)
    found: dict[str, _Found] = {}
    for key in sorted(wanted):
        entry = _Found(dev=nodes[key].dev)
        if key in graph.root_needs:
            entry.direct = True
            entry.chains[(nodes[key].label,)] = None
        known = [before for before in needed_by[key] if before in steps]
        entry.direct |= any(nodes[before].source is DependencySource.LOCAL for before in known)
        nearest = sorted(known, key=lambda before: (steps[before].depth, before))
        for before in nearest[:_CHAINS]:
            entry.chains[(*_chain(before, steps, nodes), nodes[key].label)] = None
        entry.more = len(nearest[_CHAINS:])
        found.setdefault(nodes[key].label, _Found()).join(entry)
    return found


def _shortest(start: Iterable[str], nodes: Mapping[str, Dependency]) -> dict[str, _Step]:
    steps = {key: _Step(1, None, key) for key in start if key in nodes}
    waiting = deque(steps)
    while waiting:
        key = waiting.popleft()
        step = steps[key]
        for need in nodes[key].needs:
            if need in nodes and need not in steps:
                steps[need] = _Step(step.depth + 1, key, step.first)
                waiting.append(need)
    return steps


def _chain(key: str, steps: Mapping[str, _Step], nodes: Mapping[str, Dependency]) -> tuple[str, ...]:
    """The labels from the root's own dependency to ``key``; of a long way only both ends, so that its length costs nothing."""
    ends: list[str] = []
    at: str | None = key
    while at is not None and len(ends) < _ENDS:
        ends.append(nodes[at].label)
        at = steps[at].before
    ends.reverse()
    if at is None:
        return tuple(ends)
    first = nodes[steps[key].first].label
    return (first, *ends) if steps[at].before is None else (first, _LEFT_OUT, *ends)
