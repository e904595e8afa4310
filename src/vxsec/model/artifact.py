"""A package tarball, read once, strictly: accepted or refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.values import dataclass

if TYPE_CHECKING:
    from vxsec.model.digest import Digests
    from vxsec.model.finding import Finding
    from vxsec.model.package import Manifest, PackageRef

__all__ = ["EVIDENCE_ENDINGS", "Artifact", "FileEntry", "PlainArchive", "RefusedArtifact"]

EVIDENCE_ENDINGS = (".sigstore.jsonl", ".sigstore.json", ".cdx.json")
"""What evidence about an archive is called, behind the archive's own name: ``dist/*`` names it, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEntry:
    """One regular file; ``path`` is relative to the top directory, ``mode`` the permission bits."""

    path: str
    mode: int
    size: int
    sha512: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A tarball that every installer sees as the same files.

    ``data`` are the very bytes that were judged; whatever is published later is this value, not the file it came from.
    """

    filename: str
    data: bytes
    digests: Digests
    manifest: Manifest
    root: str
    files: tuple[FileEntry, ...]
    unpacked_size: int
    findings: tuple[Finding, ...] = ()

    @property
    def package(self) -> PackageRef:
        """Name and version from the tarball's own package.json."""
        return self.manifest.package


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedArtifact:
    """Bytes that are not a package vxsec accepts: digests and every reason found, never a manifest."""

    filename: str
    digests: Digests
    reasons: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainArchive:
    """A sound gzip tar that holds no npm package: a source distribution, a chart."""

    filename: str
    digests: Digests
    root: str
    files: tuple[FileEntry, ...]
    unpacked_size: int
    findings: tuple[Finding, ...] = ()
