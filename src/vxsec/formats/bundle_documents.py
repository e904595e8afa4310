"""One door for every document that carries Sigstore bundles, whoever wrote it.

Bundles themselves and lines of them (cosign, ``gh attestation download``), GitHub's listing, an npm registry's attestations
document, and PEP 740's attestation and provenance objects. What a document is, its own members say; names and addresses
around it never do.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from vxsec.errors import FormatError
from vxsec.formats.nested_bundle import read_listing
from vxsec.formats.sigstore_bundle import read_bundle_lines
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.attestation import RejectedSignature

if TYPE_CHECKING:
    from vxsec.formats.strict_json import JsonNode
    from vxsec.model.attestation import Bundle

__all__ = ["read_bundle_document"]

_FOREIGN = re.compile(rb'"(?:attestations|attestation_bundles|verification_material)"\s*:')


def read_bundle_document(
    data: bytes, *, where: str, limits: Limits = DEFAULT_LIMITS
) -> tuple[Bundle | RejectedSignature, ...]:
    """Read every bundle of a document.

    Guarantees: as :func:`vxsec.formats.sigstore_bundle.read_bundle_lines`: what cannot be read is reported in its place and
    never hides the others. Nothing is verified, and no URL is looked at.

    Args:
        data: The document's bytes.
        where: What it is called in an error.
        limits: Bounds on bytes, lines and bundles.

    Raises:
        FormatError: More than the bounds (``bundle.too-large``, ``bundle.too-many``), or a foreign document that is
            malformed as a whole (``github-attestations.*``, ``npm-attestations.*``, ``pep740.*``).
    """
    root = _foreign_root(data, where, limits)
    if root is None:
        return read_bundle_lines(data, where=where, limits=limits)
    members = root.mapping()
    if "attestation_bundles" in members:
        from vxsec.formats.pep740 import read_provenance

        return tuple(item for one in read_provenance(root, where=where, limits=limits) for item in one.attestations)
    if "verification_material" in members:
        return (_read_pep740(data, where, limits),)
    if "attestations" in members:
        if _is_npm(members["attestations"]):
            from vxsec.formats.npm_attestations import read_npm_attestations

            return read_npm_attestations(root, where=where, limits=limits)
        from vxsec.formats.github_attestations import read_github_attestations

        return read_github_attestations(root, where=where, limits=limits)
    return read_bundle_lines(data, where=where, limits=limits)


def _foreign_root(data: bytes, where: str, limits: Limits) -> JsonNode | None:
    """A document that may be foreign, parsed, and then not again; None where it is a bundle, or lines of them."""
    if len(data) > limits.bundle_file_bytes or _FOREIGN.search(data) is None:
        return None
    try:
        root = read_listing(data, where=where, limits=limits)
    except FormatError:
        return None
    return root if isinstance(root.value, dict) and "mediaType" not in root.value else None


def _is_npm(entries: object) -> bool:
    first = entries[0] if isinstance(entries, list) and entries else None
    return isinstance(first, dict) and "predicateType" in first


def _read_pep740(data: bytes, where: str, limits: Limits) -> Bundle | RejectedSignature:
    from vxsec.formats.pep740 import to_bundle

    try:
        return to_bundle(data, where=where, limits=limits)
    except FormatError as error:
        return RejectedSignature(code=error.code, message=str(error), source=where)
