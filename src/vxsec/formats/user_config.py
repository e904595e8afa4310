"""The user's own configuration (``vxsec/config.toml``): what would otherwise be typed with every command.

::

    trust = "~/trust"                   # a trust repository, its export, or an identities document
    trust-root = "<64 hex digits>"      # the SHA-256 of the repository's first root
    trust-minimum-version = 12          # the least version of its timestamp that is believed
    policy = "vxsec:strict"             # or the path of a policy

Paths are absolute or begin with ``~/``: what a file means must not depend on the folder that a command is run in.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from vxsec.errors import ConfigurationError
from vxsec.formats.strict_yaml import read_document
from vxsec.values import dataclass

if TYPE_CHECKING:
    from vxsec.formats.strict_yaml import DocumentNode

__all__ = ["ConfigValues", "parse_user_config"]

_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_SHIPPED = "vxsec:"
_SHOWN = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigValues:
    """What the file says, None where it says nothing; paths as they are written."""

    trust: str | None = None
    trust_root: str | None = None
    trust_minimum_version: int | None = None
    policy: str | None = None


def parse_user_config(data: bytes, *, where: str) -> ConfigValues:
    """Read the file: TOML, under the bounds of every document that a person writes.

    Args:
        data: Its bytes.
        where: Its path, ending in ``.toml``.

    Raises:
        ConfigurationError: ``config.path``, ``config.digest``, ``config.version``, or ``document.*`` for anything else: a key
            that is not known is refused.
    """
    root = read_document(data, filename=where).only("trust", "trust-root", "trust-minimum-version", "policy")
    trust, digest, version, policy = (
        root.get(key) for key in ("trust", "trust-root", "trust-minimum-version", "policy")
    )
    if (digest is not None or version is not None) and trust is None:
        raise ConfigurationError(
            "trust-root and trust-minimum-version belong to a trust repository, and no trust is named",
            code="document.missing",
            where=root.where,
            hint='add the repository: trust = "~/trust"',
        )
    return ConfigValues(
        trust=_path(trust) if trust is not None else None,
        trust_root=_digest(digest) if digest is not None else None,
        trust_minimum_version=_version(version) if version is not None else None,
        policy=_policy(policy) if policy is not None else None,
    )


def _path(node: DocumentNode) -> str:
    text = node.string()
    if not text.startswith(("/", "~/")) or "\0" in text:
        raise ConfigurationError(
            f"expected an absolute path, or one that begins with ~/, found {text[:_SHOWN]!r}",
            code="config.path",
            where=node.where,
        )
    return text


def _policy(node: DocumentNode) -> str:
    return node.string() if node.string().startswith(_SHIPPED) else _path(node)


def _digest(node: DocumentNode) -> str:
    if not _SHA256.match(node.string()):
        raise ConfigurationError(
            f"expected 64 hexadecimal digits in lower case, found {node.string()[:_SHOWN]!r}",
            code="config.digest",
            where=node.where,
            hint="write the digest that vxsec trust init told, and that was handed to you",
        )
    return node.string()


def _version(node: DocumentNode) -> int:
    if node.integer() < 1:
        raise ConfigurationError(
            f"expected a version from 1 on, found {node.integer()}", code="config.version", where=node.where
        )
    return node.integer()
