"""A tarball against everything a packument says of it and of its package. The table of checks is :func:`inspect_packument`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.inspection.packument_manifest import is_abbreviated, manifest_findings
from vxsec.inspection.packument_tarball import (
    address_findings,
    dist_findings,
    integrity_findings,
    signature_findings,
)
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.finding import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vxsec.formats.packument import Packument, PackumentVersion
    from vxsec.model.artifact import Artifact
    from vxsec.model.evidence import FieldDifference

__all__ = ["inspect_packument"]

_LISTED = 5
_SHOWN = 80


def inspect_packument(
    artifact: Artifact, packument: Packument, *, registry: str | None = None, limits: Limits = DEFAULT_LIMITS
) -> tuple[tuple[Finding, ...], tuple[FieldDifference, ...]]:
    """Everything a packument says about an npm tarball that is not so; nothing is fetched.

    An honest packument, as npm, Verdaccio and the registries like them serve it, gives no finding of medium or above.

    Args:
        artifact: The tarball, as read.
        packument: Full or abbreviated.
        registry: The normalised URL of the registry it is from; without it the host of ``dist.tarball`` is not judged.
        limits: Bounds.

    Returns:
        The findings, and the manifest fields that differ.
    """
    findings = [*_package_findings(artifact, packument)]
    listed = packument.versions.get(artifact.package.version)
    if listed is None:
        return (*findings, _unlisted(artifact, packument)), ()
    abbreviated = is_abbreviated(packument)
    manifest, differences = manifest_findings(artifact, listed, abbreviated=abbreviated)
    findings += integrity_findings(artifact, listed)
    findings += dist_findings(artifact, listed, limits=limits)
    findings += address_findings(listed, registry=registry)
    findings += signature_findings(packument, listed)
    findings += _notes(listed, abbreviated=abbreviated)
    return (*findings, *manifest), differences


def _package_findings(artifact: Artifact, packument: Packument) -> Iterator[Finding]:
    name = artifact.package.name
    if packument.name != name:
        message = f"the packument is for {packument.name[:_SHOWN]}, the tarball holds {name}"
        yield Finding(code="packument.name", severity=Severity.HIGH, message=message)
    identifier = packument.document.get("_id")
    if identifier is not None and identifier != packument.name:
        message = f"expected {packument.name[:_SHOWN]!r}, found {str(identifier)[:_SHOWN]!r}"
        yield Finding(code="packument.id", severity=Severity.MEDIUM, message=message, where="packument _id")
    nowhere = [f"{tag[:_SHOWN]} -> {to[:_SHOWN]}" for tag, to in packument.tags.items() if to not in packument.versions]
    if nowhere:
        more = f" and {len(nowhere) - _LISTED} more" if len(nowhere) > _LISTED else ""
        message = f"tags that point at no version: {', '.join(nowhere[:_LISTED])}{more}"
        yield Finding(code="packument.tag-dangling", severity=Severity.MEDIUM, message=message, where="dist-tags")


def _unlisted(artifact: Artifact, packument: Packument) -> Finding:
    version = artifact.package.version
    times = packument.document.get("time")
    if version in packument.times or (isinstance(times, dict) and "unpublished" in times):
        message = f"the packument no longer lists {version}: it was unpublished"
        return Finding(code="packument.unpublished", severity=Severity.HIGH, message=message)
    return Finding(code="packument.version", severity=Severity.HIGH, message=f"the packument does not list {version}")


def _notes(listed: PackumentVersion, *, abbreviated: bool) -> Iterator[Finding]:
    deprecated = listed.document.get("deprecated")
    if deprecated:
        message = deprecated[:_SHOWN] if isinstance(deprecated, str) else "without a reason"
        yield Finding(
            code="packument.deprecated", severity=Severity.LOW, message=f"deprecated: {message}", where="deprecated"
        )
    if abbreviated:
        message = (
            "the short form for installers: scripts and entry points could not be compared; give the full packument"
        )
        yield Finding(code="packument.abbreviated", severity=Severity.LOW, message=message)
