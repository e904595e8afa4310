"""Manifest confusion as findings: what the registry's copy of a manifest says and the tarball's does not, or the reverse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.formats.npm_manifest import compare_manifests
from vxsec.inspection.bin_targets import bin_findings
from vxsec.model.finding import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vxsec.formats.packument import Packument, PackumentVersion
    from vxsec.model.artifact import Artifact
    from vxsec.model.evidence import FieldDifference

__all__ = ["is_abbreviated", "manifest_findings"]

_SCRIPTS = frozenset({"hasInstallScript", "scripts.preinstall", "scripts.install", "scripts.postinstall"})
_NOT_IN_ABBREVIATED = frozenset(
    {"scripts", "main", "exports", "type", "imports", "module", "browser", "types", "typings"}
)
"""Of what is compared, what ``application/vnd.npm.install-v1+json`` leaves out."""
_SHRINKWRAP = "npm-shrinkwrap.json"
_SHOWN = 80


def manifest_findings(
    artifact: Artifact, listed: PackumentVersion, *, abbreviated: bool
) -> tuple[tuple[Finding, ...], tuple[FieldDifference, ...]]:
    """Every difference between the two manifests, and commands or flags on the registry's side that are not honest.

    Args:
        artifact: The tarball.
        listed: What the packument says of its version.
        abbreviated: The packument is the short form for installers, which leaves fields out.

    Returns:
        ``manifest.hidden-script`` for what runs on install, ``manifest.mismatch`` for the rest; ``bin.outside``,
        ``packument.id``, ``packument.shrinkwrap``. And the differences themselves.
    """
    files = [file.path for file in artifact.files]
    stated = {"hasInstallScript": False, **listed.document} if abbreviated else listed.document
    found = compare_manifests(artifact.manifest.document, stated, files=files, development=True)
    differences = tuple(
        item for item in found if not (abbreviated and item.field.partition(".")[0] in _NOT_IN_ABBREVIATED)
    )
    return (
        (
            *(_difference(item) for item in differences),
            *bin_findings(listed.document, files=None, where="packument "),
            *_flags(listed, has_shrinkwrap=_SHRINKWRAP in files),
        ),
        differences,
    )


def is_abbreviated(packument: Packument) -> bool:
    """Whether a packument is the short form: ``modified`` beside the name, and no ids (Verdaccio keeps the times)."""
    return "modified" in packument.document and "_id" not in packument.document


def _difference(item: FieldDifference) -> Finding:
    severity = Severity.MEDIUM if item.field.startswith("devDependencies") else Severity.HIGH
    code = "manifest.hidden-script" if item.field in _SCRIPTS else "manifest.mismatch"
    message = f"the tarball says {item.tarball}, the packument says {item.registry}"
    return Finding(code=code, severity=severity, message=message, where=item.field)


def _flags(listed: PackumentVersion, *, has_shrinkwrap: bool) -> tuple[Finding, ...]:
    findings = []
    document: Mapping[str, object] = listed.document
    identifier, expected = document.get("_id"), f"{listed.name}@{listed.version}"
    if identifier is not None and identifier != expected:
        message = f"expected {expected[:_SHOWN]!r}, found {str(identifier)[:_SHOWN]!r}"
        findings.append(Finding(code="packument.id", severity=Severity.MEDIUM, message=message, where="_id"))
    stated = document.get("_hasShrinkwrap")
    if stated is not None and stated is not has_shrinkwrap:
        there = "holds" if has_shrinkwrap else "does not hold"
        message = f"the packument says {str(stated)[:_SHOWN]}, the tarball {there} {_SHRINKWRAP}"
        findings.append(
            Finding(code="packument.shrinkwrap", severity=Severity.HIGH, message=message, where="_hasShrinkwrap")
        )
    return tuple(findings)
