"""What a tarball holds, as evidence: install scripts, ranges that cannot be installed, findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.inspection.bundled_folders import bundled_folders
from vxsec.inspection.install_scripts import install_digest, install_scripts
from vxsec.model.artifact import Artifact, RefusedArtifact
from vxsec.model.evidence import ContentEvidence, UninstallableRange
from vxsec.model.package import NPM

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vxsec.model.package import Manifest

__all__ = ["derive_content"]

_FIELDS = ("dependencies", "optionalDependencies", "peerDependencies")
"""What an installer of the package resolves; ``devDependencies`` it does not."""
_WORKSPACE_ONLY = ("workspace:", "catalog:", "link:", "portal:", "file:")
_LOCAL_PATH = (".", "/", "~/")  # what npm-package-arg takes as a file without a protocol


def derive_content(artifact: Artifact | RefusedArtifact) -> ContentEvidence:
    """State the facts about an artifact's content; for a refused one only its reasons and size (in bytes)."""
    if isinstance(artifact, RefusedArtifact):
        return ContentEvidence(refused=artifact.reasons, packed_size=artifact.digests.size)
    scripts = install_scripts(artifact)
    return ContentEvidence(
        refused=(),
        findings=artifact.findings,
        files=len(artifact.files),
        inventory=artifact.files,
        manifest=artifact.manifest.document,
        packed_size=artifact.digests.size,
        unpacked_size=artifact.unpacked_size,
        install_scripts=scripts,
        install_digest=install_digest(artifact, scripts),
        uninstallable=tuple(_uninstallable(artifact.manifest)),
        bundled=bundled_folders(artifact),
    )


def _uninstallable(manifest: Manifest) -> Iterator[UninstallableRange]:
    if manifest.package.ecosystem != NPM:
        return
    for field in _FIELDS:
        for name, text in manifest.strings(field).items():
            if text.strip().lower().startswith((*_WORKSPACE_ONLY, *_LOCAL_PATH)):
                yield UninstallableRange(field=field, name=name, range=text)
