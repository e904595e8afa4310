"""The named policies that come with vxsec: useful with no edit, because they match by registry label."""

from __future__ import annotations

import importlib.resources

from vxsec.errors import ConfigurationError
from vxsec.formats.document_node import nearest

__all__ = ["SHIPPED", "load_shipped"]

SHIPPED = ("minimal", "recommended", "strict")
"""Known names, from few rules to many."""

_PREFIX = "vxsec:"
_SHOWN = 80


def load_shipped(name: str) -> bytes:
    """The bytes of a shipped policy.

    Args:
        name: ``minimal``, ``recommended`` or ``strict``, with or without ``vxsec:`` before it.

    Raises:
        ConfigurationError: ``policy.unknown-shipped``.
    """
    bare = name.removeprefix(_PREFIX)
    if bare not in SHIPPED:
        known = ", ".join(_PREFIX + known for known in SHIPPED)
        raise ConfigurationError(
            f"no shipped policy is called {name[:_SHOWN]!r}{nearest(bare, SHIPPED)}; known: {known}",
            code="policy.unknown-shipped",
            hint=f"give --policy FILE, or --policy {_PREFIX}recommended",
        )
    return importlib.resources.files(__name__).joinpath(f"{bare}.yaml").read_bytes()
