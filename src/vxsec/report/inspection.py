"""What a tarball or a lockfile holds: for a person and for machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.model.artifact import Artifact, RefusedArtifact
from vxsec.model.report.inspection import LockfileInspection
from vxsec.report.escape import escape_text
from vxsec.report.lines import count, plain, schema_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vxsec.model.finding import Finding
    from vxsec.model.report.inspection import ArtifactInspection
    from vxsec.report.lines import Paint

__all__ = ["inspection_document", "render_artifact", "render_lockfile"]

_SHOWN_FILES = 40


def render_artifact(report: ArtifactInspection, *, verbose: bool = False, paint: Paint = plain) -> Iterator[str]:
    """Everything about a tarball."""
    artifact = report.artifact
    yield f"{escape_text(artifact.filename)}"
    yield f"  sha512  {artifact.digests.sha512}"
    yield f"  sha256  {artifact.digests.sha256}"
    yield f"  sha1    {artifact.digests.sha1}"
    if isinstance(artifact, RefusedArtifact):
        yield from _finding_lines(report.findings, paint)
        yield paint(f"REFUSED: not a {_kind(artifact.filename)} that every installer sees alike", "bad")
        return
    yield f"  integrity {artifact.digests.integrity}"
    if isinstance(artifact, Artifact):
        yield f"  package {escape_text(str(artifact.package))}  ({escape_text(artifact.package.purl)})"
    else:
        yield f"  an archive without a package, top directory {escape_text(artifact.root)}"
    yield f"  {len(artifact.files)} files, {artifact.digests.size} bytes packed, {artifact.unpacked_size} unpacked"
    shown = artifact.files if verbose else artifact.files[:_SHOWN_FILES]
    for file in shown:
        yield f"    {file.mode:04o} {file.size:>10} {file.sha512[:16]}… {escape_text(file.path)}"
    if len(shown) < len(artifact.files):
        yield f"    and {len(artifact.files) - len(shown)} more (-v shows all)"
    yield from _finding_lines(report.findings, paint)
    bad = report.exit_status != 0
    yield paint("NOT SOUND" if bad else "SOUND", "bad" if bad else "good")


def render_lockfile(report: LockfileInspection, *, paint: Paint = plain) -> Iterator[str]:
    """Everything about a lockfile."""
    lockfile = report.lockfile
    yield f"{escape_text(report.source)}"
    entries = count(len(lockfile.packages), "entry", "entries")
    yield f"  {lockfile.format} {lockfile.format_version}, {entries}, sha512 {lockfile.sha512[:16]}…"
    yield from _finding_lines(report.findings, paint)
    bad = report.exit_status != 0
    yield paint("NOT SOUND" if bad else "SOUND", "bad" if bad else "good")


def _finding_lines(findings: Sequence[Finding], paint: Paint) -> Iterator[str]:
    styles = {"high": "bad", "medium": "warn", "low": "dim"}
    for finding in sorted(findings, key=lambda item: -item.severity.rank):
        where = f" {escape_text(finding.where)}:" if finding.where else ""
        level = paint(finding.severity.value, styles[finding.severity.value])
        yield f"  {level} [{escape_text(finding.code)}]{where} {escape_text(finding.message)}"


def inspection_document(report: ArtifactInspection | LockfileInspection) -> dict[str, object]:
    """``urn:vxsec:schema:inspect:v1``."""
    base: dict[str, object] = {
        "schema": schema_name("inspect"),
        "verdict": {0: "sound", 10: "refused"}.get(report.exit_status, "not-sound"),
        "exitStatus": report.exit_status,
        "findings": [_finding(item) for item in report.findings],
    }
    if isinstance(report, LockfileInspection):
        lockfile = report.lockfile
        return {
            **base,
            "kind": "lockfile",
            "file": report.source,
            "format": lockfile.format,
            "formatVersion": lockfile.format_version,
            "sha512": lockfile.sha512,
            "packages": len(lockfile.packages),
        }
    artifact = report.artifact
    base |= {
        "kind": _kind(artifact.filename),
        "file": artifact.filename,
        "sha1": artifact.digests.sha1,
        "sha256": artifact.digests.sha256,
        "sha512": artifact.digests.sha512,
        "integrity": artifact.digests.integrity,
        "size": artifact.digests.size,
    }
    if isinstance(artifact, RefusedArtifact):
        return base
    base |= {
        "unpackedSize": artifact.unpacked_size,
        "files": [
            {"path": f.path, "mode": f"{f.mode:04o}", "size": f.size, "sha512": f.sha512} for f in artifact.files
        ],
    }
    if not isinstance(artifact, Artifact):
        return base | {"kind": "archive", "root": artifact.root}
    scripts = [{"event": s.event, "command": s.command, "implicit": s.implicit} for s in report.install_scripts]
    package = artifact.package
    return base | {"purl": package.purl, "name": package.name, "version": package.version, "installScripts": scripts}


def _kind(filename: str) -> str:
    return "wheel" if filename.endswith(".whl") else "tarball"


def _finding(item: Finding) -> dict[str, object]:
    return {"code": item.code, "severity": item.severity.value, "message": item.message, "where": item.where}
