"""Reads and writes evidence packages in a registry (TRUST.md, "Evidence packages").

Found by exact version, n = 1, 2, … until 404. What is wrong with one piece is reported and the others still count: a piece
of evidence can only add to what is known, never take away from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from vxsec.errors import FormatError, NetworkError, RefusedError, UndecidedError, VerificationError, VxsecError
from vxsec.formats.evidence_package import (
    BUNDLES_FILE,
    EVIDENCE_FILES,
    build_evidence_tarball,
    evidence_version,
    parse_evidence_version,
    read_evidence_package,
)
from vxsec.formats.strict_json import parse_json
from vxsec.formats.tarball import read_tarball
from vxsec.inspection.artifact import read_artifact
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.artifact import Artifact, RefusedArtifact
from vxsec.model.attestation import RejectedSignature
from vxsec.model.digest import Integrity, digest_bytes
from vxsec.registry.publish_document import build_publish_document
from vxsec.values import dataclass

if TYPE_CHECKING:
    from vxsec.formats.evidence_package import EvidencePackage
    from vxsec.formats.packument import PackumentVersion
    from vxsec.model.digest import Digests
    from vxsec.model.package import PackageRef
    from vxsec.registry.client import RegistryClient

__all__ = ["EVIDENCE_TAG", "EvidenceSearch", "fetch_evidence", "push_evidence"]

_MAY_PASS = frozenset({"registry.conflict", "evidence.read-back"})
EVIDENCE_TAG = "evidence"
"""Every evidence version is published with this tag; without one some registries would make it ``latest``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceSearch:
    """A completed search. ``foreign``: the registry holds evidence for this name and version but about other bytes.

    ``highest`` is the highest number in use for this digest (0 for none), whether its version could be used or not.
    """

    packages: tuple[EvidencePackage, ...] = ()
    rejected: tuple[RejectedSignature, ...] = ()
    foreign: bool = False
    highest: int = 0


def fetch_evidence(
    client: RegistryClient,
    evidence_name: str,
    *,
    subject: PackageRef,
    digests: Digests,
    limits: Limits = DEFAULT_LIMITS,
) -> EvidenceSearch:
    """Find every evidence version about the bytes behind ``digests``.

    Exact versions are asked for one after the other. Where the first one is not there, the packument is read: it shows
    later ones that a gap would hide, and evidence about the same name and version with other bytes.

    Raises:
        UndecidedError: The search could not be completed: ``registry.*``, ``network.*``, or ``evidence.too-many`` for more
            than ``limits.evidence_versions``.
        FormatError: ``packument.*`` where the registry's answer is malformed.
    """
    found: list[EvidencePackage | RejectedSignature] = []
    number = 0
    while True:
        listed = client.fetch_version(evidence_name, evidence_version(digests.sha256, number + 1))
        if listed is None:
            break
        number += 1
        _bound(number, evidence_name, limits)
        found.append(_read_one(client, listed, subject, digests, limits))
    foreign = False
    if number == 0:
        later, foreign = _from_packument(client, evidence_name, subject, digests)
        _bound(len(later), evidence_name, limits)
        found += [_read_one(client, listed, subject, digests, limits) for listed in later]
        number = max((parse_evidence_version(listed.version)[1] for listed in later), default=0)
    return EvidenceSearch(
        packages=tuple(item for item in found if not isinstance(item, RejectedSignature)),
        rejected=tuple(item for item in found if isinstance(item, RejectedSignature)),
        foreign=foreign,
        highest=number,
    )


def push_evidence(
    client: RegistryClient,
    evidence_name: str,
    *,
    subject: PackageRef,
    digests: Digests,
    pieces: Mapping[str, bytes],
    existing: EvidenceSearch,
    access: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> str | None:
    """Append what is not there yet, and read it back.

    Bundles are compared line by line, other pieces as whole files, always as bytes. Where another writer took the number
    (409, or what is read back is not ours), or the registry failed in a way that leaves it open whether it stored the
    version (500, a lost connection), the evidence is read again and the next number taken, at most
    ``limits.evidence_publish_attempts`` times.

    Args:
        client: The registry.
        evidence_name: The evidence package's name there.
        subject: Name and version of the tarball.
        digests: Its digests.
        pieces: Contents by name, from ``EVIDENCE_FILES``.
        existing: What :func:`fetch_evidence` found.
        access: As for a publish.
        limits: Bounds.

    Returns:
        The version published, or None where everything was there already.

    Raises:
        VxsecError: As ``RegistryClient.put_package`` and :func:`fetch_evidence`; the last failure after all attempts.
        VerificationError: ``evidence.read-back``, likewise.
        UsageError: ``evidence.file``.
    """
    state = existing
    failure: VxsecError = UndecidedError("no attempt to publish evidence is allowed", code="evidence.attempts")
    for _ in range(limits.evidence_publish_attempts):
        missing = _missing(pieces, state)
        if not missing:
            return None
        version = evidence_version(digests.sha256, state.highest + 1)
        data = build_evidence_tarball(
            name=evidence_name, version=version, subject=subject, digests=digests, files=missing
        )
        artifact = _artifact(data, evidence_name, version, limits)
        body = build_publish_document(artifact, registry_url=client.url, tag=EVIDENCE_TAG, access=access, limits=limits)
        try:
            client.put_package(evidence_name, body)
            _read_back(client, evidence_name, artifact)
        except (UndecidedError, VerificationError) as error:
            if not isinstance(error, NetworkError) and error.code not in _MAY_PASS:
                raise
            failure = error
        else:
            return version
        state = fetch_evidence(client, evidence_name, subject=subject, digests=digests, limits=limits)
    raise failure


def _from_packument(
    client: RegistryClient, evidence_name: str, subject: PackageRef, digests: Digests
) -> tuple[list[PackumentVersion], bool]:
    packument = client.fetch_packument(evidence_name)
    later: list[PackumentVersion] = []
    foreign = False
    for version, listed in packument.versions.items() if packument else ():
        try:
            sha256, _ = parse_evidence_version(version)
        except FormatError:
            continue  # not an evidence version: nothing that this format speaks about
        if sha256 == digests.sha256:
            later.append(listed)
        elif _purl(listed) == subject.purl:
            foreign = True
    return sorted(later, key=lambda listed: parse_evidence_version(listed.version)[1]), foreign


def _purl(listed: PackumentVersion) -> object:
    about = listed.document.get("vxsec")
    said = about.get("subject") if isinstance(about, Mapping) else None
    return said.get("purl") if isinstance(said, Mapping) else None


def _read_one(
    client: RegistryClient, listed: PackumentVersion, subject: PackageRef, digests: Digests, limits: Limits
) -> EvidencePackage | RejectedSignature:
    """The package, or why this version does not count. Only what keeps the search from completing is raised."""
    try:
        return _checked(client, listed, subject, digests, limits)
    except (RefusedError, VerificationError) as error:
        return RejectedSignature(code=error.code, message=error.message, source=f"{listed.name}@{listed.version}")


def _checked(
    client: RegistryClient, listed: PackumentVersion, subject: PackageRef, digests: Digests, limits: Limits
) -> EvidencePackage:
    data = client.fetch_tarball(listed.name, listed.version, tarball_url=listed.tarball)
    if listed.integrity is None or not Integrity.parse(listed.integrity).matches(digest_bytes(data)):
        raise VerificationError("its bytes are not the ones its integrity states", code="evidence.integrity")
    package = _unpacked(data, limits)
    if (package.name, package.version) != (listed.name, listed.version):
        raise FormatError("its package.json states another name or version", code="evidence.version")
    if (package.subject, package.sha256, package.sha512) != (subject, digests.sha256, digests.sha512):
        raise FormatError("it is about another subject", code="evidence.subject")
    return package


def _unpacked(data: bytes, limits: Limits) -> EvidencePackage:
    names = {"package.json", *EVIDENCE_FILES}
    tarball = read_tarball(
        data, limits=limits, keep=lambda path, size: path in names and size <= limits.bundle_file_bytes
    )
    document = parse_json(tarball.kept.get("package.json", b""), where="package.json", max_bytes=limits.manifest_bytes)
    if not isinstance(document, dict):
        raise FormatError("expected an object", code="evidence.shape", where="package.json")
    files = {entry.path: tarball.kept.get(entry.path) for entry in tarball.files}
    too_large = [path for path, kept in files.items() if path in names and kept is None]
    if too_large:
        raise FormatError(f"{too_large[0]} is larger than {limits.bundle_file_bytes} bytes", code="evidence.too-large")
    return read_evidence_package(document, {path: kept or b"" for path, kept in files.items()})


def _missing(pieces: Mapping[str, bytes], state: EvidenceSearch) -> dict[str, bytes]:
    present: dict[str, set[bytes]] = {}
    for package in state.packages:
        for file, data in package.files.items():
            present.setdefault(file, set()).update(_lines(data) if file == BUNDLES_FILE else [data])
    missing: dict[str, bytes] = {}
    for file, data in pieces.items():
        there = present.get(file, set())
        if file != BUNDLES_FILE:
            kept = b"" if data in there else data
        else:
            kept = b"".join(line + b"\n" for line in dict.fromkeys(_lines(data)) if line not in there)
        if kept:
            missing[file] = kept
    return missing


def _lines(data: bytes) -> list[bytes]:
    return [line for raw in data.split(b"\n") if (line := raw.rstrip(b"\r")).strip()]


def _artifact(data: bytes, name: str, version: str, limits: Limits) -> Artifact:
    """Our own tarball, read by the reader that everybody else's must pass."""
    artifact = read_artifact(data, filename=f"{name}-{version}.tgz", limits=limits)
    if isinstance(artifact, RefusedArtifact):
        raise FormatError(artifact.reasons[0].message, code=artifact.reasons[0].code, where=artifact.filename)
    return artifact


def _read_back(client: RegistryClient, name: str, artifact: Artifact) -> None:
    """Two writers of one number can both be told 201, with one's integrity over the other's bytes (Verdaccio 6.10)."""
    version = artifact.package.version
    listed = client.fetch_version(name, version)
    if (
        listed is None
        or listed.integrity != artifact.digests.integrity
        or client.fetch_tarball(name, version, tarball_url=listed.tarball) != artifact.data
    ):
        raise VerificationError(
            "the registry took the evidence and serves something else",
            code="evidence.read-back",
            where=f"{name}@{version}",
            hint="look into the registry's storage before you go on",
        )


def _bound(number: int, name: str, limits: Limits) -> None:
    if number > limits.evidence_versions:
        raise UndecidedError(
            f"expected at most {limits.evidence_versions} evidence versions for one tarball, found more",
            code="evidence.too-many",
            where=name,
        )
