"""From the bytes of a file to an artifact, or to the reasons why it is none.

The bytes decide what a file is: a zip is read as a wheel, a gzip tar as an npm package. Only where a tarball could be two
things does its name speak: ``.tar.gz`` with a PKG-INFO is a Python source distribution.

Reasons beyond the archive's own (``formats.tarball``, ``inspection.wheel``, ``inspection.sdist``): ``archive.no-manifest``,
``manifest.malformed``, ``manifest.name``, ``manifest.version``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.errors import FormatError, TarballError
from vxsec.formats.strict_json import JsonNode, read_json
from vxsec.formats.tarball import Tarball, read_tarball
from vxsec.inspection.sdist import PKG_INFO, SDIST_ENDING, read_sdist_manifest, sdist_findings
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.artifact import EVIDENCE_ENDINGS, Artifact, RefusedArtifact
from vxsec.model.digest import digest_bytes
from vxsec.model.finding import Finding, Severity
from vxsec.model.package import Manifest, PackageRef, is_npm_name
from vxsec.versions.npm import is_version

if TYPE_CHECKING:
    from vxsec.model.digest import Digests

__all__ = ["read_artifact"]

_MANIFEST = "package.json"
_ZIP = b"PK\x03\x04"
_WHEEL_ENDING = ".whl"
_SHOWN = 120
_LOOKED_AT = 256


def read_artifact(data: bytes, *, filename: str, limits: Limits = DEFAULT_LIMITS) -> Artifact | RefusedArtifact:
    """Read a package tarball, wheel or source distribution once and strictly.

    What is returned as an ``Artifact`` every installer sees as the same files, and its own manifest names it. Anything
    else is a ``RefusedArtifact`` with every reason found; this function raises nothing for bad bytes.

    Args:
        data: The whole file; the artifact keeps these very bytes.
        filename: What people call it; believed only about whether a tarball with a PKG-INFO is a source distribution.
        limits: ``archive_…``, ``manifest_bytes`` and the ``json_…`` bounds.
    """
    digests = digest_bytes(data)
    try:
        if data.startswith(_ZIP) or filename.endswith(_WHEEL_ENDING):
            from vxsec.inspection.wheel import read_wheel  # most commands never see one

            return read_wheel(data, filename=filename, digests=digests, limits=limits)
        tarball = read_tarball(data, limits=limits, keep=lambda path, size: _keep_manifest(path, size, limits))
        sdist = filename.endswith(SDIST_ENDING) and any(file.path == PKG_INFO for file in tarball.files)
        manifest = read_sdist_manifest(tarball, limits=limits) if sdist else _read_manifest(tarball, limits)
    except TarballError as error:
        return _refused(filename, digests, _explained(error.reasons, data, filename))
    return Artifact(
        filename=filename,
        data=data,
        digests=digests,
        manifest=manifest,
        root=tarball.root,
        files=tarball.files,
        unpacked_size=tarball.unpacked_size,
        findings=tuple(sdist_findings(tarball)) if sdist else tarball.findings,
    )


def _explained(reasons: tuple[tuple[str, str], ...], data: bytes, filename: str) -> tuple[tuple[str, str], ...]:
    """The reasons, with a word to whoever gives evidence or a lockfile where a tarball is asked for."""
    code, message = reasons[0]
    if code != "archive.not-gzip":
        return reasons
    if filename.endswith(EVIDENCE_ENDINGS):
        message = f"{message}; this is evidence about a package by its name: give the .tgz files only"
    elif data[:_LOOKED_AT].lstrip()[:1] == b"{":
        message = f"{message}; it begins as JSON does: a lockfile is verified with --lockfile FILE"
    return (code, message), *reasons[1:]


def _keep_manifest(path: str, size: int, limits: Limits) -> bool:
    return path in {_MANIFEST, PKG_INFO} and size <= limits.manifest_bytes


def _read_manifest(tarball: Tarball, limits: Limits) -> Manifest:
    raw = tarball.kept.get(_MANIFEST)
    if raw is None:
        if any(file.path == _MANIFEST for file in tarball.files):
            raise TarballError([("manifest.malformed", f"{_MANIFEST} is larger than {limits.manifest_bytes} bytes")])
        raise TarballError([("archive.no-manifest", f"no {_MANIFEST} in {tarball.root[:_SHOWN]!r}")])
    try:
        root = read_json(raw, where=_MANIFEST, limits=limits, max_bytes=limits.manifest_bytes, allow_bom=True)
        document = root.mapping()
    except FormatError as error:
        raise TarballError([("manifest.malformed", str(error))]) from error
    name, version = _text(root, "name"), _text(root, "version")
    reasons = []
    if name is None or not is_npm_name(name):
        reasons.append(("manifest.name", f"expected an npm package name, found {_shown(document.get('name'))}"))
    if version is None or not is_version(version):
        reasons.append(("manifest.version", f"expected a semantic version, found {_shown(document.get('version'))}"))
    if reasons or name is None or version is None:
        raise TarballError(reasons)
    return Manifest(package=PackageRef(name=name, version=version), document=document)


def _text(root: JsonNode, field: str) -> str | None:
    value = root.mapping().get(field)
    return value if isinstance(value, str) else None


def _shown(value: object) -> str:
    return (
        repr(value)[:_SHOWN] if isinstance(value, str) else f"a {type(value).__name__}" if value is not None else "none"
    )


def _refused(filename: str, digests: Digests, reasons: tuple[tuple[str, str], ...]) -> RefusedArtifact:
    return RefusedArtifact(
        filename=filename,
        digests=digests,
        reasons=tuple(
            Finding(code=code, severity=Severity.HIGH, message=message, where=filename) for code, message in reasons
        ),
    )
