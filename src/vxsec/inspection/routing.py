"""Where each own name would be fetched from, by everything that could decide it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.model.evidence import Route, RoutingEvidence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from vxsec.model.trust import TrustRoot

__all__ = ["derive_routing"]


def derive_routing(
    names: Iterable[tuple[str, str | None]],
    *,
    trust: TrustRoot,
    npmrc_registry: Callable[[str], str | None],
    source: str,
) -> RoutingEvidence:
    """State the routes of those ``names`` that a registry of ``trust`` lists; the others have none.

    A name listed by several registries has one route per registry: whoever judges must say which one was meant.

    Args:
        names: ``(real name, resolved URL or None)``, as a lockfile or manifest gives them; repeats are stated once.
        trust: The registries and their own names.
        npmrc_registry: What ``.npmrc`` says about a name: a URL, or None where it says nothing.
        source: Which file or files this was read from.
    """
    routes: dict[Route, None] = {}
    for name, resolved in names:
        for registry in trust.registries_for(name):
            route = Route(
                name=name,
                registry=registry.label,
                expected_url=registry.url,
                npmrc_url=npmrc_registry(name),
                resolved=resolved,
            )
            routes[route] = None
    return RoutingEvidence(routes=tuple(routes), source=source)
