"""The evidence package: signatures, approvals and SBOMs of one tarball, as an npm package in the same registry.

A version is ``0.0.0-sha256-<SHA-256 of the subject>.<n>``; it is found by the subject's digest and never by a tag. What is in
it is believed for its signatures, never for where it was found.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NoReturn

from vxsec.errors import FormatError, UsageError
from vxsec.formats.strict_json import JsonNode, dump_json
from vxsec.formats.tar_writer import write_tarball
from vxsec.model.package import PackageRef, is_npm_name
from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vxsec.model.digest import Digests

__all__ = [
    "BOM_FILE",
    "BUNDLES_FILE",
    "EVIDENCE_FILES",
    "EvidencePackage",
    "build_evidence_document",
    "build_evidence_tarball",
    "evidence_version",
    "parse_evidence_version",
    "read_evidence_package",
]

BUNDLES_FILE = "bundles.sigstore.jsonl"
BOM_FILE = "bom.cdx.json"
EVIDENCE_FILES = (BUNDLES_FILE, "signature.asc", "signature.sshsig", BOM_FILE, "vex.json")
"""Every file an evidence package may hold beside package.json."""

_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_SHA512 = re.compile(r"[0-9a-f]{128}\Z")
_VERSION = re.compile(r"0\.0\.0-sha256-([0-9a-f]{64})\.([1-9][0-9]{0,8})\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidencePackage:
    """One version of an evidence package: whom it says it is about, and its pieces by file name.

    ``unknown`` lists files that no version of this format names; they are ignored.
    """

    name: str
    version: str
    subject: PackageRef
    sha256: str
    sha512: str
    files: Mapping[str, bytes]
    unknown: tuple[str, ...] = ()

    @property
    def number(self) -> int:
        """The ``n`` of its version."""
        return parse_evidence_version(self.version)[1]

    @property
    def bundles(self) -> bytes | None:
        """The Sigstore bundles, one a line."""
        return self.files.get(BUNDLES_FILE)


def evidence_version(sha256_hex: str, n: int) -> str:
    """The version that holds the ``n``-th evidence (from 1) about the bytes with this SHA-256.

    Raises:
        UsageError: ``evidence.version``.
    """
    if not _SHA256.match(sha256_hex) or n < 1:
        raise UsageError(
            f"expected a SHA-256 and a number from 1, found {sha256_hex[:80]!r}, {n}", code="evidence.version"
        )
    return f"0.0.0-sha256-{sha256_hex}.{n}"


def parse_evidence_version(version: str) -> tuple[str, int]:
    """SHA-256 and number of an evidence version.

    Raises:
        FormatError: ``evidence.version``.
    """
    match = _VERSION.match(version)
    if match is None:
        raise FormatError(f"expected 0.0.0-sha256-HEX.N, found {version[:120]!r}", code="evidence.version")
    return match[1], int(match[2])


def build_evidence_document(
    *, name: str, version: str, subject: PackageRef, digests: Digests, files: Mapping[str, bytes]
) -> dict[str, object]:
    """The package.json of an evidence version: no ``main``, no scripts, only what it is about.

    Raises:
        UsageError: ``evidence.name``; ``evidence.version`` where the version is not about ``digests``;
            ``evidence.empty``; ``evidence.file`` for a name not in :data:`EVIDENCE_FILES`.
    """
    if not is_npm_name(name):
        raise UsageError(f"not an npm package name: {name[:80]!r}", code="evidence.name")
    match = _VERSION.match(version)
    if match is None or match[1] != digests.sha256:
        raise UsageError(f"the version {version[:120]!r} is not about these bytes", code="evidence.version")
    if not files:
        raise UsageError("expected at least one piece of evidence, found none", code="evidence.empty")
    for file in files:
        if file not in EVIDENCE_FILES:
            raise UsageError(
                f"not an evidence file: {file[:80]!r}; known: {', '.join(EVIDENCE_FILES)}", code="evidence.file"
            )
    return {
        "name": name,
        "version": version,
        "description": f"Evidence about {subject}",
        "vxsec": {
            "subject": {"purl": subject.purl, "sha256": digests.sha256, "sha512": digests.sha512},
            "files": sorted(files),
        },
    }


def build_evidence_tarball(
    *, name: str, version: str, subject: PackageRef, digests: Digests, files: Mapping[str, bytes]
) -> bytes:
    """Build the tarball: the same pieces always give the same bytes (times 0, fixed order, mode 0644, no owner).

    Raises:
        UsageError: As :func:`build_evidence_document`.
    """
    document = build_evidence_document(name=name, version=version, subject=subject, digests=digests, files=files)
    return write_tarball({"package.json": dump_json(document, indent=2) + b"\n", **files})


def read_evidence_package(document: Mapping[str, object], files: Mapping[str, bytes]) -> EvidencePackage:
    """Read an evidence version from its package.json and its other files (by path below the top directory).

    Raises:
        FormatError: ``evidence.shape``; ``evidence.version`` where the version does not state the subject's SHA-256;
            ``evidence.subject``; ``evidence.files`` where the list and the archive differ; ``purl.malformed``.
    """
    root = JsonNode(value=dict(document), where="package.json")
    try:
        name, version = root["name"].string(), root["version"].string()
        about = root["vxsec"]
        subject = PackageRef.parse_purl(about["subject"]["purl"].string())
        sha256, sha512 = about["subject"]["sha256"].string(), about["subject"]["sha512"].string()
        listed = about["files"].strings()
    except FormatError as error:
        if error.code in {"json.missing", "json.type"}:
            raise FormatError(error.message, code="evidence.shape", where=error.where) from error
        raise
    if not _SHA256.match(sha256) or not _SHA512.match(sha512):
        _refuse("subject", "expected lower-case hexadecimal SHA-256 and SHA-512", "package.json.vxsec.subject")
    if parse_evidence_version(version)[0] != sha256:
        _refuse("version", "the version states another SHA-256 than the subject", "package.json.version")
    known = {file: data for file, data in files.items() if file in EVIDENCE_FILES}
    if len(set(listed)) != len(listed) or {file for file in listed if file in EVIDENCE_FILES} != set(known):
        _refuse("files", "the list of files and the archive differ", "package.json.vxsec.files")
    return EvidencePackage(
        name=name,
        version=version,
        subject=subject,
        sha256=sha256,
        sha512=sha512,
        files=known,
        unknown=tuple(sorted(file for file in files if file not in known and file != "package.json")),
    )


def _refuse(code: str, message: str, where: str) -> NoReturn:
    raise FormatError(message, code=f"evidence.{code}", where=where)
