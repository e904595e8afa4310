"""Check an SBOM by itself, and compare it with the archive it says it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.model.report.sbom import SbomCheck, SbomVerification
from vxsec.usecases.inputs import require_artifact
from vxsec.usecases.sbom.files import load_bom, load_bom_beside, require_no_archive, sbom_path

if TYPE_CHECKING:
    import os

    PathLike = str | os.PathLike[str]

__all__ = ["check_sbom", "verify_sbom"]


def check_sbom(file: PathLike) -> SbomCheck:
    """Check one SBOM by itself: schema, references, purls, hashes, licences, and what should not be in it.

    Raises:
        UsageError: Unreadable; ``sbom.archive`` for the name of an archive.
        FormatError: Not an SBOM, or malformed.
        NothingToJudgeError: A format that is not read (XML, SPDX).
    """
    from vxsec.sbom.check import check_bom, missing_elements

    require_no_archive(file)
    document, bom = load_bom(file)
    return SbomCheck(source=str(file), bom=bom, findings=check_bom(bom, document), missing=missing_elements(bom))


def verify_sbom(file: PathLike, sbom: PathLike | None = None, *, lockfile: PathLike | None = None) -> SbomVerification:
    """Compare an SBOM with the archive it says it is about.

    Guarantees: exit status 0 only if name, version, purl and every hash stated for the package are those of these bytes,
    with at least one strong hash among them, and each dependency that its manifest requires is named by a component; with
    ``lockfile``, the components are exactly what it resolves, and it resolves everything.

    Args:
        file: The archive.
        sbom: The SBOM; ``FILE.cdx.json`` beside it if None.
        lockfile: Compare the components with this lockfile, too.

    Raises:
        UsageError: Unreadable files; ``sbom.none`` where none lies beside the archive.
        RefusedError: Either is refused.
        NothingToJudgeError: An SBOM format that is not read.
    """
    from vxsec.inspection.manifest_graph import required_by_manifest
    from vxsec.sbom.compare import compare_with_graph, compare_with_package
    from vxsec.sbom.required import compare_with_required

    artifact = require_artifact(file)
    source = sbom if sbom is not None else sbom_path(file)
    _, bom = load_bom(sbom) if sbom is not None else load_bom_beside(file)
    drift = None
    if lockfile is not None:
        from vxsec.usecases.dependencies import resolve_dependencies

        drift = compare_with_graph(bom, resolve_dependencies(artifact, lockfile, project_dir="."))
    required = required_by_manifest(artifact.manifest)
    return SbomVerification(
        file=str(file),
        source=str(source),
        package=artifact.package,
        sha256=artifact.digests.sha256,
        mismatches=(
            *compare_with_package(bom, artifact.package, artifact.digests),
            *compare_with_required(bom, required, artifact.package.ecosystem),
        ),
        drift=drift,
    )
