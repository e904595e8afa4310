"""Append bundles to a package's evidence on its registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.formats.evidence_package import BOM_FILE, BUNDLES_FILE
from vxsec.registry.evidence import fetch_evidence, push_evidence

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vxsec.model.artifact import Artifact
    from vxsec.model.trust import Registry
    from vxsec.registry.client import RegistryClient

__all__ = ["push_bundles"]


def push_bundles(
    client: RegistryClient,
    registry: Registry,
    artifact: Artifact,
    lines: Iterable[bytes],
    *,
    bom: bytes | None = None,
) -> str | None:
    """Publish the bundle lines that the registry does not have yet; None where it has them all, or holds no evidence.

    Args:
        client: The registry.
        registry: The own registry, for the name of its evidence package.
        artifact: What the evidence is about.
        lines: Bundles, one each.
        bom: An SBOM that no bundle carries.

    Raises:
        VxsecError: As ``registry.evidence.push_evidence``.
    """
    pieces = {BUNDLES_FILE: b"".join(line + b"\n" for line in lines), BOM_FILE: bom or b""}
    pieces = {name: data for name, data in pieces.items() if data}
    if not pieces or registry.evidence is None:
        return None
    name = registry.evidence
    existing = fetch_evidence(client, name, subject=artifact.package, digests=artifact.digests)
    version = push_evidence(
        client, name, subject=artifact.package, digests=artifact.digests, pieces=pieces, existing=existing
    )
    return None if version is None else f"{name}@{version}"
