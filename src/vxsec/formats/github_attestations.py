"""Artifact attestations as GitHub's REST API lists them: ``GET /repos/OWNER/REPO/attestations/sha256:HEX``.

``{"attestations": [{"bundle", "bundle_url", "repository_id", …}]}``. What ``gh attestation download`` writes is one bundle a
line, which ``vxsec.formats.sigstore_bundle`` reads. From API version 2026-03-10 on a listing may hold only the URL of a
bundle: it is never fetched, so such an entry is told and holds nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.formats.nested_bundle import list_bounded, read_listing, read_nested_bundle
from vxsec.formats.protobuf_json import json_errors_as
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.attestation import RejectedSignature

if TYPE_CHECKING:
    from vxsec.formats.strict_json import JsonNode
    from vxsec.model.attestation import Bundle

__all__ = ["read_github_attestations"]


def read_github_attestations(
    data: bytes | JsonNode, *, where: str, limits: Limits = DEFAULT_LIMITS
) -> tuple[Bundle | RejectedSignature, ...]:
    """Read a listing of attestations.

    Guarantees: every entry is there in its place, as a bundle or as the reason why it is none
    (``github-attestations.no-bundle``, ``bundle.*``). Nothing is verified, and no URL is looked at.

    Args:
        data: The document's bytes, or the document parsed.
        where: What it is called in an error.
        limits: Bounds on bytes and entries.

    Raises:
        FormatError: ``github-attestations.shape``, ``github-attestations.too-large`` or ``github-attestations.count``.
    """
    with json_errors_as("github-attestations.shape", too_large="github-attestations.too-large"):
        root = read_listing(data, where=where, limits=limits)
        entries = list_bounded(root["attestations"], most=limits.bundles_per_subject, code="github-attestations.count")
        found: list[Bundle | RejectedSignature] = []
        for entry in entries:
            bundle = entry.get("bundle")
            if bundle is None:
                message = f"{entry.where}: only the place of a bundle, which is never fetched"
                found.append(RejectedSignature(code="github-attestations.no-bundle", message=message, source=where))
            else:
                found.append(read_nested_bundle(bundle, source=where, limits=limits))
        return tuple(found)
