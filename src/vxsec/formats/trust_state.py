"""What a machine remembers of a trust repository: the highest versions seen and their digests, as a small JSON file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.errors import ConfigurationError, FormatError
from vxsec.formats.strict_json import dump_json, read_json
from vxsec.model.trust_repository import RememberedVersions

if TYPE_CHECKING:
    from vxsec.formats.strict_json import JsonNode

__all__ = ["parse_trust_state", "render_trust_state"]

_SCHEMA = "urn:vxsec:trust-state:v1"
_MAX_BYTES = 64 * 1024


def parse_trust_state(data: bytes, *, where: str) -> RememberedVersions:
    """Read the file.

    Raises:
        ConfigurationError: ``trust.state``: it is not what was written. What was seen is not known then, which is no reason
            to believe an old repository.
    """
    try:
        root = read_json(data, where=where, max_bytes=_MAX_BYTES).only("schema", "root", "versions", "keys", "digests")
        _check_schema(root["schema"])
        digests = root.get("digests")  # files of before digests were kept have none
        return RememberedVersions(
            root=root["root"].integer(),
            versions={name: node.integer() for name, node in root["versions"].members()},
            keys={name: node.strings() for name, node in root["keys"].members()},
            digests={name: node.string() for name, node in digests.members()} if digests is not None else {},
        )
    except FormatError as error:
        raise ConfigurationError(
            f"not the versions that were remembered: {error.message}",
            code="trust.state",
            where=error.where,
            hint=f"if you know that the repository is the current one, remove {where}",
        ) from error


def render_trust_state(state: RememberedVersions) -> bytes:
    """Write it, one line for each part."""
    document = {
        "schema": _SCHEMA,
        "root": state.root,
        "versions": dict(sorted(state.versions.items())),
        "keys": {name: list(keys) for name, keys in sorted(state.keys.items())},
        "digests": dict(sorted(state.digests.items())),
    }
    return dump_json(document, indent=1) + b"\n"


def _check_schema(node: JsonNode) -> None:
    if node.string() != _SCHEMA:
        raise FormatError(
            f"expected {_SCHEMA!r}, found {node.string()[:80]!r}", code="json.unknown-member", where=node.where
        )
