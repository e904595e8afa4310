"""Sigstore bundles inside another JSON document: read as if each were a line of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.errors import FormatError
from vxsec.formats.sigstore_bundle import read_bundle
from vxsec.formats.strict_json import JsonNode, dump_json, read_json
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.attestation import RejectedSignature

if TYPE_CHECKING:
    from vxsec.model.attestation import Bundle

__all__ = ["list_bounded", "read_listing", "read_nested_bundle"]


def read_listing(data: bytes | JsonNode, *, where: str, limits: Limits = DEFAULT_LIMITS) -> JsonNode:
    """The root of a document that lists bundles: parsed here, or as it was given.

    Raises:
        FormatError: ``json.*``; ``json.too-large`` for more bytes or parts than ``limits`` allow.
    """
    if isinstance(data, bytes):
        return read_json(
            data,
            where=where,
            limits=limits,
            max_bytes=limits.bundle_file_bytes,
            max_parts=limits.bundle_file_parts,
        )
    return data


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
    return node.array(most=most, code=code, what="of them", least=1)
