"""Where each own name would be fetched from, by everything that could decide it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from vxsec.errors import ConfigurationError
from vxsec.formats.registry_url import normalise_registry_url
from vxsec.model.evidence import Route, RoutingEvidence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from vxsec.model.trust import TrustRoot

__all__ = ["derive_routing", "is_under"]

_ENCODED_TRICK = re.compile(r"%(?:2e|5c|00|25)", re.IGNORECASE)
_ENCODED_SLASH = re.compile(r"%2f", re.IGNORECASE)
_SCOPED = re.compile(r"/@[^/%]+%2f[^/%]+/", re.IGNORECASE)


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


def is_under(url: str, registry_url: str) -> bool:
    """Whether ``url`` is fetched from the registry at ``registry_url``: same origin, and a path below its path.

    False for whatever two URL readers could see differently: user information, backslashes, control characters, ``.``
    and ``..`` segments, encoded dots or slashes (the ``%2f`` between scope and name excepted), an odd host.
    """
    if _ENCODED_TRICK.search(url) or "//" in url.partition("://")[2]:
        return False
    try:
        base = normalise_registry_url(registry_url)
        found = normalise_registry_url(_SCOPED.sub(_plain_scope, url))
    except ConfigurationError:
        return False
    return found.startswith(base) and found != base


def _plain_scope(match: re.Match[str]) -> str:
    return _ENCODED_SLASH.sub("/", match[0])
