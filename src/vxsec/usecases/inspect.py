"""Is the container itself sound and honest? Tarballs and lockfiles, without keys or policy."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from vxsec.errors import UsageError
from vxsec.formats.lockfiles import parse_lockfile
from vxsec.formats.packument import read_packument
from vxsec.formats.registry_url import normalise_registry_url
from vxsec.formats.tarball import read_tarball
from vxsec.host.files import read_bounded
from vxsec.inspection.bin_targets import bin_findings
from vxsec.inspection.content import derive_content
from vxsec.inspection.lockfile import inspect_lockfile
from vxsec.inspection.packument import inspect_packument
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.artifact import PlainArchive, RefusedArtifact
from vxsec.model.finding import Finding, Severity
from vxsec.model.package import NPM
from vxsec.model.report.inspection import ArtifactInspection, LockfileInspection
from vxsec.usecases.inputs import load_lockfile_bytes, open_artifact, parse_expect, same_package

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping, Sequence

    from vxsec.model.artifact import Artifact
    from vxsec.model.digest import Digests
    from vxsec.model.evidence import ContentEvidence, FieldDifference
    from vxsec.model.package import PackageRef

    PathLike = str | os.PathLike[str]

__all__ = ["inspect"]

_PACKAGE = ".tgz"
_WHEEL = ".whl"
_ARCHIVES = (_PACKAGE, ".tar.gz", _WHEEL)
_NO_PACKAGE = "archive.no-manifest"
_TOP_DIRECTORY = "archive.top-directory"  # only npm expects `package`


def inspect(
    file: PathLike,
    *,
    expect: str | None = None,
    packument: PathLike | None = None,
    registry: str | None = None,
    allow_registries: Sequence[str] = (),
    fail_on: Severity | str = Severity.HIGH,
) -> ArtifactInspection | LockfileInspection:
    """Inspect a package tarball or a lockfile.

    Guarantees: nothing is extracted, executed or fetched.

    Args:
        file: A ``.tgz``, ``.tar.gz``, wheel, or a lockfile.
        expect: For a tarball, the ``NAME@VERSION`` it must be.
        packument: For a tarball, a packument file to compare it with: manifest, digests, addresses, tags.
        registry: With ``packument``, the URL of the registry it is from: ``dist.tarball`` must be there.
        allow_registries: For a lockfile, the registry URLs that ``resolved`` may point to.
        fail_on: The lowest severity that makes the exit status 11.

    Raises:
        UsageError: Unreadable files, or options that do not fit the kind of file.
        NothingToJudgeError: A lockfile format that this version does not read.
        FormatError: A malformed lockfile, packument or ``expect``.
    """
    level = Severity(fail_on)
    wanted = parse_expect(expect) if expect is not None else None
    if registry is not None and packument is None:
        raise UsageError(
            "registry says where a packument is from, and none is given",
            code="usage.options",
            hint="add --packument FILE, or leave --registry out",
        )
    origin = normalise_registry_url(registry) if registry is not None else None
    if PurePath(file).name.endswith(_ARCHIVES):
        _refuse(file, "a tarball", {"allow_registries": allow_registries})
        return _inspect_artifact(file, wanted=wanted, packument=packument, registry=origin, fail_on=level)
    _refuse(file, "a lockfile", {"expect": expect, "packument": packument})

    allowed = [normalise_registry_url(url) for url in allow_registries]
    lockfile = parse_lockfile(load_lockfile_bytes(file), filename=str(file))
    findings = inspect_lockfile(lockfile, allowed_registries=allowed)
    return LockfileInspection(source=str(file), lockfile=lockfile, findings=findings, fail_on=level)


def _refuse(file: PathLike, kind: str, given: Mapping[str, object]) -> None:
    """What would be ignored is an error: silence would look like a check."""
    for name, value in given.items():
        if value:
            raise UsageError(
                f"{name} says nothing about {kind}", code="usage.options", where=str(file), hint=f"leave {name} out"
            )


def _inspect_artifact(
    file: PathLike,
    *,
    wanted: PackageRef | None,
    packument: PathLike | None,
    registry: str | None,
    fail_on: Severity,
) -> ArtifactInspection:
    artifact = open_artifact(file)
    if wanted is None and packument is None and _is_plain(artifact):
        plain = _plain_archive(file, artifact.digests)
        return ArtifactInspection(
            artifact=plain, findings=plain.findings, install_scripts=(), differences=(), fail_on=fail_on
        )
    content = derive_content(artifact)
    if isinstance(artifact, RefusedArtifact):
        return ArtifactInspection(
            artifact=artifact, findings=artifact.reasons, install_scripts=(), differences=(), fail_on=fail_on
        )
    if packument is not None and artifact.package.ecosystem != NPM:
        _refuse(file, "a Python package", {"packument": packument})
    findings = [*artifact.findings, *_content_findings(content), *_command_findings(artifact)]
    if wanted is not None and not same_package(wanted, artifact.package):
        findings.append(
            Finding(
                code="manifest.unexpected",
                severity=Severity.HIGH,
                message=f"expected {wanted}, found {artifact.package}",
            )
        )
    differences: tuple[FieldDifference, ...] = ()
    if packument is not None:
        found, differences = _against_packument(artifact, packument, registry)
        findings.extend(found)
    return ArtifactInspection(
        artifact=artifact,
        findings=tuple(findings),
        install_scripts=content.install_scripts,
        differences=differences,
        fail_on=fail_on,
    )


def _is_plain(artifact: Artifact | RefusedArtifact) -> bool:
    """A ``.tar.gz`` whose only fault is that it holds no npm package; a ``.tgz`` is taken for a package."""
    return (
        isinstance(artifact, RefusedArtifact)
        and not artifact.filename.endswith(_PACKAGE)
        and all(reason.code == _NO_PACKAGE for reason in artifact.reasons)
    )


def _plain_archive(file: PathLike, digests: Digests) -> PlainArchive:
    tarball = read_tarball(read_bounded(file, max_bytes=DEFAULT_LIMITS.archive_packed_bytes))
    return PlainArchive(
        filename=str(file),
        digests=digests,
        root=tarball.root,
        files=tarball.files,
        unpacked_size=tarball.unpacked_size,
        findings=tuple(finding for finding in tarball.findings if finding.code != _TOP_DIRECTORY),
    )


def _content_findings(content: ContentEvidence) -> Iterator[Finding]:
    for script in content.install_scripts:
        how = "npm adds this command for binding.gyp" if script.implicit else "runs on every install"
        yield Finding(
            code="content.install-script",
            severity=Severity.MEDIUM,
            message=f"{how}: {script.command}",
            where=f"scripts.{script.event}",
        )
    for item in content.uninstallable:
        yield Finding(
            code="manifest.uninstallable-range",
            severity=Severity.HIGH,
            message=f"{item.name}: {item.range!r} works only inside its workspace",
            where=item.field,
        )


def _command_findings(artifact: Artifact) -> tuple[Finding, ...]:
    if artifact.package.ecosystem != NPM:
        return ()
    return bin_findings(artifact.manifest.document, files=frozenset(file.path for file in artifact.files))


def _against_packument(
    artifact: Artifact, path: PathLike, registry: str | None
) -> tuple[tuple[Finding, ...], tuple[FieldDifference, ...]]:
    """What the registry says about this version, against the bytes."""
    data = read_bounded(path, max_bytes=DEFAULT_LIMITS.packument_bytes)
    return inspect_packument(artifact, read_packument(data, where=str(path)), registry=registry)
