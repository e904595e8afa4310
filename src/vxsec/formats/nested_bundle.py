"""Sigstore bundles inside another JSON document: read as if each were a line of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.errors import FormatError
from vxsec.formats.sigstore_bundle import read_bundle
from vxsec.formats.strict_json import dump_json
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.attestation import RejectedSignature

if TYPE_CHECKING:
    from vxsec.formats.strict_json import JsonNode
    from vxsec.model.attestation import Bundle

__all__ = ["list_bounded", "read_nested_bundle"]


def read_nested_bundle(node: JsonNode, *, source: str, limits: Limits = DEFAULT_LIMITS) -> Bundle | RejectedSignature:
    """Read the bundle that ``node`` holds, or say why it is none: it never hides the others.

    Args:
        node: The bundle, parsed as part of its document.
        source: The document it stands in.
        limits: Bounds on its bytes.
    """
    try:
        return read_bundle(dump_json(node.value), where=node.where, limits=limits)
    except FormatError as error:
        return RejectedSignature(code=error.code, message=str(error), source=source)


def list_bounded(node: JsonNode, *, most: int, code: str) -> list[JsonNode]:
    """The elements of an array that is neither empty nor longer than ``most``.

    Raises:
        FormatError: ``code``, or ``json.type``.
    """
    items = list(node.items())
    if not 0 < len(items) <= most:
        raise FormatError(f"expected 1 to {most} of them, found {len(items)}", code=code, where=node.where)
    return items
