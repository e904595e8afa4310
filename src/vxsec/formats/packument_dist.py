"""``versions[v].dist``: what a registry says of one version's tarball beyond its address and digests. Claims, all of it.

Source: npm's registry documentation, "package metadata" (``dist.signatures``, ``fileCount``, ``unpackedSize``), and
``dist.attestations`` as the public registry sends it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.errors import FormatError
from vxsec.formats.strict_json import JsonNode
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.npm import NpmAttestations, NpmSignature
from vxsec.values import dataclass

if TYPE_CHECKING:
    from vxsec.formats.packument import PackumentVersion

__all__ = ["Dist", "has_signatures", "read_dist"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dist:
    """Signatures and counts as found; None where the registry does not state them."""

    signatures: tuple[NpmSignature, ...] = ()
    attestations: NpmAttestations | None = None
    file_count: int | None = None
    unpacked_size: int | None = None


def read_dist(version: PackumentVersion, *, limits: Limits = DEFAULT_LIMITS) -> Dist:
    """Read a version's ``dist``; only the version that is asked about, so that no other one can stand in its way.

    Members that npm does not write are ignored.

    Raises:
        FormatError: ``packument.shape`` for a wrong type, ``packument.too-many-signatures``.
    """
    root = JsonNode(value=version.document, where=f"versions.{version.version}").get("dist")
    if root is None:
        return Dist()
    try:
        return Dist(
            signatures=_signatures(root.get("signatures"), limits),
            attestations=_attestations(root.get("attestations")),
            file_count=_count(root.get("fileCount")),
            unpacked_size=_count(root.get("unpackedSize")),
        )
    except FormatError as error:
        if error.code in {"json.missing", "json.type"}:
            raise FormatError(error.message, code="packument.shape", where=error.where) from error
        raise


def has_signatures(version: PackumentVersion) -> bool:
    """Whether a version states any signature, readable or not."""
    dist = version.document.get("dist")
    return isinstance(dist, dict) and bool(dist.get("signatures"))


def _signatures(node: JsonNode | None, limits: Limits) -> tuple[NpmSignature, ...]:
    if node is None:
        return ()
    if isinstance(node.value, list) and len(node.value) > limits.npm_signatures:
        raise FormatError(
            f"expected at most {limits.npm_signatures} signatures, found {len(node.value)}",
            code="packument.too-many-signatures",
            where=node.where,
        )
    return tuple(NpmSignature(keyid=item["keyid"].string(), sig=item["sig"].string()) for item in node.items())


def _attestations(node: JsonNode | None) -> NpmAttestations | None:
    if node is None:
        return None
    url, provenance = node.get("url"), node.get("provenance")
    kind = provenance.get("predicateType") if provenance is not None else None
    return NpmAttestations(
        url=None if url is None else url.string(), predicate_type=None if kind is None else kind.string()
    )


def _count(node: JsonNode | None) -> int | None:
    return None if node is None else node.integer()
