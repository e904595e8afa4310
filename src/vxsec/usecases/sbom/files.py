"""SBOM files: where they lie, what they say, and whether they are about the bytes they lie beside."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from vxsec.errors import UsageError, VerificationError
from vxsec.host.files import read_bounded, read_if_exists
from vxsec.limits import DEFAULT_LIMITS
from vxsec.policy.next_command import quoted
from vxsec.usecases.inputs import require_artifact

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vxsec.model.artifact import Artifact
    from vxsec.model.sbom import Bom

    PathLike = str | os.PathLike[str]

__all__ = [
    "find_bom",
    "load_bom",
    "load_bom_beside",
    "require_match",
    "require_no_archive",
    "sbom_beside",
    "sbom_bytes",
    "sbom_path",
]

_ARCHIVES = (".tgz", ".tar.gz", ".whl")
_SHOWN = 5


def load_bom(file: PathLike) -> tuple[Mapping[str, object], Bom]:
    """The document of an SBOM file and what it says.

    Raises:
        UsageError: Unreadable.
        FormatError: Not an SBOM, or malformed.
        NothingToJudgeError: A format that is not read.
    """
    from vxsec.formats.cyclonedx import bom_of, parse_bom_document

    data = read_bounded(file, max_bytes=DEFAULT_LIMITS.sbom_bytes)
    document = parse_bom_document(data, where=str(file))
    return document, bom_of(document, where=str(file))


def find_bom(source: PathLike) -> Bom:
    """What an SBOM says; for an archive, the SBOM beside it, which must be about its bytes.

    Raises:
        UsageError: Unreadable; ``sbom.none`` where no SBOM lies beside the archive.
        VerificationError: ``sbom.mismatch``.
        RefusedError: The archive or the SBOM is refused.
        NothingToJudgeError: A format that is not read.
    """
    text = os.fspath(source)
    if not text.endswith(_ARCHIVES):
        return load_bom(source)[1]
    artifact = require_artifact(source)
    _, bom = load_bom_beside(source)
    require_match(artifact, bom, where=sbom_path(source))
    return bom


def load_bom_beside(file: PathLike) -> tuple[Mapping[str, object], Bom]:
    """The SBOM beside an archive, as :func:`load_bom` gives it.

    Raises:
        UsageError: ``sbom.none`` where there is none; unreadable.
        FormatError: Malformed.
        NothingToJudgeError: A format that is not read.
    """
    try:
        return load_bom(sbom_path(file))
    except UsageError as error:
        if error.code != "file.missing":
            raise
        name = quoted(os.fspath(file))
        raise UsageError(
            f"no SBOM beside it: {sbom_path(file)} does not exist",
            code="sbom.none",
            where=os.fspath(file),
            hint=f"make one: vxsec sbom generate {name} --beside; or get the one that was signed: "
            f"vxsec sbom extract {name} --trust FILE -o {quoted(sbom_path(file))}",
        ) from error


def require_no_archive(file: PathLike) -> None:
    """For what looks at an SBOM alone.

    Raises:
        UsageError: ``sbom.archive``.
    """
    text = os.fspath(file)
    if text.endswith(_ARCHIVES):
        raise UsageError(
            "expected an SBOM, found the name of an archive",
            code="sbom.archive",
            where=text,
            hint=f"compare it with the SBOM beside it: vxsec sbom verify {quoted(text)}",
        )


def sbom_beside(artifact: Artifact) -> bytes | None:
    """The SBOM beside an archive, for those it is published to; None where there is none.

    Raises:
        VerificationError: ``sbom.mismatch``: it is about other bytes.
        FormatError: It is malformed.
    """
    from vxsec.formats.cyclonedx import read_bom

    data = sbom_bytes(artifact, None)
    if data is not None:
        where = sbom_path(artifact.filename)
        require_match(artifact, read_bom(data, where=where), where=where)
    return data


def sbom_path(file: PathLike) -> str:
    """Where the SBOM of an archive lies unless somebody says otherwise."""
    return f"{os.fspath(file)}.cdx.json"


def sbom_bytes(artifact: Artifact, sbom: PathLike | None) -> bytes | None:
    """The SBOM named, else the one beside the archive, else None.

    Raises:
        UsageError: Unreadable.
    """
    if sbom is not None:
        return read_bounded(sbom, max_bytes=DEFAULT_LIMITS.sbom_bytes)
    return read_if_exists(sbom_path(artifact.filename), max_bytes=DEFAULT_LIMITS.sbom_bytes)


def require_match(artifact: Artifact, bom: Bom, *, where: str) -> None:
    """An SBOM about other bytes is never signed and never handed out.

    Raises:
        VerificationError: ``sbom.mismatch``.
    """
    from vxsec.sbom.compare import compare_with_package

    mismatches = compare_with_package(bom, artifact.package, artifact.digests)
    if mismatches:
        raise VerificationError(
            "; ".join(item.message for item in mismatches[:_SHOWN]),
            code="sbom.mismatch",
            where=where,
            hint="make it again from these bytes: vxsec sbom generate FILE.tgz --lockfile package-lock.json",
        )
