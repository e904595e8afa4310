"""Who pulls a package in."""

from __future__ import annotations

from itertools import pairwise

from support.scan_kit import dependency
from vxsec.model.dependency import Dependency, DependencyGraph, DependencySource
from vxsec.scanning.routes import find_routes


def graph(roots: tuple[str, ...], *dependencies: Dependency) -> DependencyGraph:
    return DependencyGraph(root=None, root_needs=roots, dependencies=dependencies)


def test_a_chain_leads_from_what_the_project_asks_for() -> None:
    one = graph(
        ("a@1",), dependency("a@1", needs=("b@1",)), dependency("b@1", needs=("c@1",), dev=False), dependency("c@1")
    )
    route = find_routes([one], {"c@1"})["c@1"]
    assert (route.chains, route.more, route.direct, route.dev) == ((("a@1", "b@1", "c@1"),), 0, False, False)


def test_what_the_project_asks_for_itself_is_direct() -> None:
    one = graph(("a@1", "c@1"), dependency("a@1", needs=("c@1",)), dependency("c@1"))
    route = find_routes([one], {"c@1"})["c@1"]
    assert (route.chains, route.direct) == ((("c@1",), ("a@1", "c@1")), True)


def test_what_a_workspace_asks_for_is_direct() -> None:
    one = graph(("w@1",), dependency("w@1", needs=("c@1",), source=DependencySource.LOCAL), dependency("c@1"))
    assert find_routes([one], {"c@1"})["c@1"].direct


def test_circles_end() -> None:
    one = graph(("a@1",), dependency("a@1", needs=("b@1", "a@1")), dependency("b@1", needs=("a@1", "b@1")))
    routes = find_routes([one], {"a@1", "b@1"})
    assert routes["b@1"].chains == (("a@1", "b@1"), ("a@1", "b@1", "b@1"))
    assert routes["a@1"].chains[0] == ("a@1",)


def test_many_dependents_are_counted_and_the_shortest_shown() -> None:
    roots = tuple(f"r{number:02}@1" for number in range(9))
    one = graph(roots, *(dependency(name, needs=("c@1",)) for name in roots), dependency("c@1"))
    route = find_routes([one], {"c@1"})["c@1"]
    assert (len(route.chains), route.more) == (5, 4)
    assert route.chains[0] == ("r00@1", "c@1")


def test_a_long_way_shows_both_ends() -> None:
    names = [f"n{number:02}@1" for number in range(30)]
    one = graph(
        (names[0],), *(dependency(name, needs=(after,)) for name, after in pairwise(names)),
        dependency(names[-1]),
    )  # fmt: skip
    chain = find_routes([one], {names[-1]})[names[-1]].chains[0]
    assert chain == ("n00@1", "…", "n23@1", "n24@1", "n25@1", "n26@1", "n27@1", "n28@1", "n29@1")
    assert find_routes([one], {names[7]})[names[7]].chains[0] == tuple(names[:8])
    assert find_routes([one], {names[6]})[names[6]].chains[0] == tuple(names[:7])
    assert "…" in find_routes([one], {names[8]})[names[8]].chains[0]


def test_a_chain_of_twenty_thousand_costs_no_more_than_its_length() -> None:
    names = [f"n{number}@1" for number in range(20_000)]
    one = graph(
        (names[0],), *(dependency(name, needs=(after,)) for name, after in pairwise(names)),
        dependency(names[-1]),
    )  # fmt: skip
    routes = find_routes([one], set(names))
    assert len(routes) == 20_000
    assert max(len(chain) for route in routes.values() for chain in route.chains) <= 9


def test_what_nothing_leads_to_has_no_chain() -> None:
    one = graph(("a@1",), dependency("a@1"), dependency("left@1"), dependency("other@1", needs=("left@1",)))
    assert find_routes([one], {"left@1"})["left@1"].chains == ()


def test_what_no_graph_has_is_absent_and_needs_may_lead_nowhere() -> None:
    one = graph(("a@1", "gone"), dependency("a@1", needs=("also-gone",)))
    assert find_routes([one], {"c@1"}) == {}
    assert find_routes([one], set()) == {}


def test_several_graphs_and_nodes_are_taken_together() -> None:
    first = graph(("a@1",), dependency("a@1", needs=("c@1",), dev=True), dependency("c@1", dev=True))
    second = graph(
        ("b@1",),
        dependency("b@1", needs=("c#2",)),
        dependency("c@1", key="c#2", dev=True),
        dependency("c@1", key="c#3", dev=True),
    )
    route = find_routes([first, second], {"c@1"})["c@1"]
    assert (route.chains, route.dev) == ((("a@1", "c@1"), ("b@1", "c@1")), True)
    third = graph(("c@1",), dependency("c@1"))
    assert not find_routes([first, third], {"c@1"})["c@1"].dev
