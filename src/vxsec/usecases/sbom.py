"""Make, check, compare, attest and find again the SBOM of a package."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from vxsec.errors import UndecidedError, UsageError, VerificationError
from vxsec.host.files import read_bounded, read_if_exists, write_atomic
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.report.sbom import BuiltSbom, ExtractedSbom, SbomCheck, SbomVerification
from vxsec.model.sbom import CYCLONEDX_PREDICATE
from vxsec.usecases.inputs import load_public_key, load_trust, read_sidecars, require_artifact

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vxsec.model.artifact import Artifact
    from vxsec.model.dependency import DependencyGraph
    from vxsec.model.report.signing import SignedFile
    from vxsec.model.sbom import Bom

    Password = bytes | Callable[[], bytes] | None
    PathLike = str | os.PathLike[str]

__all__ = [
    "attest_sbom",
    "build_sbom",
    "check_sbom",
    "extract_sbom",
    "find_bom",
    "load_bom",
    "sbom_path",
    "verify_sbom",
]

_MAX_EPOCH = 253_402_300_799  # 9999-12-31T23:59:59Z
_SHOWN = 5
_GIT_SECONDS = 10.0
_ARCHIVES = (".tgz", ".tar.gz", ".whl")
_COMMITTED = re.compile(rb"^committer [^\n]*> ([0-9]{1,12}) [+-][0-9]{4}$", re.MULTILINE)


def build_sbom(
    file: PathLike,
    *,
    lockfile: PathLike | None = None,
    output: PathLike | None = None,
    authors: Sequence[str] = (),
    timestamp: datetime | None = None,
    project_dir: PathLike = ".",
) -> BuiltSbom:
    """Make the CycloneDX 1.6 SBOM of a package archive.

    Guarantees: the same archive, lockfile, authors and timestamp give the same bytes, in any folder and on any machine;
    no path, user, host or token of this machine is in them; the document satisfies CycloneDX's published schema.

    Args:
        file: A ``.tgz``, wheel or source distribution.
        lockfile: The lockfile that resolves its dependencies (for a Python package pip's installation report); the npm
            lockfile in ``project_dir`` if None. A package without dependencies needs none.
        output: Write the document here, atomically; only returned if None.
        authors: Who answers for the SBOM; the manifest's author if empty.
        timestamp: When it was made, aware; else ``SOURCE_DATE_EPOCH``, else the commit's time in ``project_dir``, else
            the document has none. Never the clock: it would not repeat.
        project_dir: Where to look for the lockfile and the commit.

    Raises:
        UsageError: ``sbom.no-lockfile``; unreadable files; ``sbom.source-date-epoch``.
        RefusedError: An archive or lockfile that is refused.
    """
    artifact = require_artifact(file)
    from vxsec.usecases.dependencies import resolve_dependencies

    graph = resolve_dependencies(artifact, lockfile, project_dir=project_dir)
    moment = timestamp or _source_date(project_dir)
    return _build(artifact, graph, output=output, authors=tuple(authors), timestamp=moment)


def check_sbom(file: PathLike) -> SbomCheck:
    """Check one SBOM by itself: schema, references, purls, hashes, licences, and what should not be in it.

    Raises:
        UsageError: Unreadable.
        FormatError: Not an SBOM, or malformed.
        NothingToJudgeError: A format that is not read (XML, SPDX).
    """
    from vxsec.sbom.check import check_bom, missing_elements

    data, bom = load_bom(file)
    from vxsec.formats.strict_json import parse_json

    document = parse_json(data, where=str(file))
    return SbomCheck(source=str(file), bom=bom, findings=check_bom(bom, document), missing=missing_elements(bom))


def verify_sbom(file: PathLike, sbom: PathLike | None = None, *, lockfile: PathLike | None = None) -> SbomVerification:
    """Compare an SBOM with the archive it says it is about.

    Guarantees: exit status 0 only if name, version, purl and every hash stated for the package are those of these bytes,
    with at least one strong hash among them; with ``lockfile``, the components are exactly what it resolves.

    Args:
        file: The archive.
        sbom: The SBOM; ``FILE.cdx.json`` beside it if None.
        lockfile: Compare the components with this lockfile, too.

    Raises:
        UsageError: Unreadable files.
        RefusedError: Either is refused.
        NothingToJudgeError: An SBOM format that is not read.
    """
    from vxsec.sbom.compare import compare_with_graph, compare_with_package

    artifact = require_artifact(file)
    source = sbom if sbom is not None else sbom_path(file)
    _, bom = load_bom(source)
    drift = None
    if lockfile is not None:
        from vxsec.usecases.dependencies import resolve_dependencies

        drift = compare_with_graph(bom, resolve_dependencies(artifact, lockfile, project_dir="."))
    return SbomVerification(
        file=str(file),
        source=str(source),
        package=artifact.package,
        sha256=artifact.digests.sha256,
        mismatches=compare_with_package(bom, artifact.package, artifact.digests),
        drift=drift,
    )


def attest_sbom(
    files: Sequence[PathLike],
    *,
    signers: Sequence[str],
    sbom: PathLike | None = None,
    lockfile: PathLike | None = None,
    authors: Sequence[str] = (),
    timestamp: datetime | None = None,
    bundle: PathLike | None = None,
    password: Password = None,
    project_dir: PathLike = ".",
) -> tuple[SignedFile, ...]:
    """Sign an in-toto statement that carries the SBOM of each archive, and append it to ``FILE.sigstore.jsonl``.

    The SBOM is ``sbom``, else ``FILE.cdx.json`` beside the file, else one made now from ``lockfile``. Guarantees: nothing
    is signed unless every SBOM agrees with the bytes it is about.

    Args:
        files: Archives, at least one; exactly one with ``sbom``.
        signers: Signer URIs, at least one.
        sbom: The SBOM of the one file.
        lockfile: As in :func:`build_sbom`, for files without an SBOM.
        authors: As in :func:`build_sbom`.
        timestamp: As in :func:`build_sbom`.
        bundle: Write the one bundle here instead.
        password: Of the encrypted key files, or a function that asks for it.
        project_dir: As in :func:`build_sbom`.

    Raises:
        UsageError: As :func:`build_sbom` and ``usecases.sign.attest``.
        VerificationError: ``sbom.mismatch``: an SBOM is about other bytes.
        RefusedError: An archive or SBOM that is refused.
    """
    from vxsec.formats.strict_json import read_json
    from vxsec.usecases.sign import attest_each

    if sbom is not None and len(files) != 1:
        raise UsageError(
            f"--sbom names the SBOM of one file, found {len(files)}",
            code="usage.options",
            hint="leave it out: each FILE.cdx.json beside its file is found",
        )
    documents = []
    for file in files:
        artifact = require_artifact(file)
        data = _sbom_for(artifact, sbom)
        if data is None:
            made = build_sbom(file, lockfile=lockfile, authors=authors, timestamp=timestamp, project_dir=project_dir)
            data = made.document
        where = str(sbom or sbom_path(file))
        _require_match(artifact, data, where=where)
        documents.append((file, read_json(data, where=where).mapping()))
    return attest_each(documents, predicate_type=CYCLONEDX_PREDICATE, signers=signers, bundle=bundle, password=password)


def extract_sbom(
    file: PathLike,
    *,
    keys: Sequence[PathLike] = (),
    trust: PathLike | None = None,
    bundles: Sequence[PathLike] = (),
    output: PathLike | None = None,
    now: datetime | None = None,
    unsafe_rehearsal: bool = False,
) -> ExtractedSbom:
    """Get the SBOM out of the attestation beside an archive, after verifying who made it and that it is about these bytes.

    Args:
        file: The archive.
        keys: Public key files, one of which must have signed.
        trust: Or a trust document, a machine of which must have signed.
        bundles: Bundle files; the sidecars of the file if empty.
        output: Write the document here, atomically.
        now: The time keys are judged at; the clock if not given.
        unsafe_rehearsal: Accept a rehearsal trust root.

    Raises:
        UsageError: Neither keys nor trust, or both; unreadable files.
        VerificationError: ``sbom.none``, or the reason the first one found does not count.
    """
    if bool(keys) == (trust is not None):
        raise UsageError(
            f"expected either keys or a trust document, found {'both' if keys else 'neither'}",
            code="verify.no-trust",
            hint="add --key KEY.pub, or --trust FILE",
        )
    from vxsec.formats.sigstore_bundle import read_bundle_lines
    from vxsec.host.clock import utc_now
    from vxsec.verification.attested import derive_attested, derive_attested_by_keys

    artifact = require_artifact(file)
    given = [(str(path), read_bounded(path, max_bytes=DEFAULT_LIMITS.bundle_file_bytes)) for path in bundles]
    sourced = [
        (item, source)
        for source, data in given or read_sidecars(file)
        for item in read_bundle_lines(data, where=source)
    ]
    if trust is not None:
        found, rejected, _ = derive_attested(
            sourced,
            predicate_type=CYCLONEDX_PREDICATE,
            package=artifact.package,
            digests=artifact.digests,
            trust=load_trust(trust, unsafe_rehearsal=unsafe_rehearsal),
            now=now or utc_now(),
        )
        chosen = [(item.statement, item.signer.holder, item.signer.source) for item in found]
    else:
        verified, rejected = derive_attested_by_keys(
            sourced,
            predicate_type=CYCLONEDX_PREDICATE,
            package=artifact.package,
            digests=artifact.digests,
            keys=[load_public_key(key) for key in keys],
        )
        chosen = [(statement, "one of the keys given", source) for statement, source in verified]
    if not chosen:
        first = rejected[0] if rejected else None
        raise VerificationError(
            first.message if first else "no attested SBOM is about this file",
            code=first.code if first else "sbom.none",
            where=first.source if first else str(file),
            hint=f"vxsec sbom attest {file} --lockfile package-lock.json --signer file:ci.key",
        )
    statement, signed_by, source = chosen[0]
    from vxsec.formats.strict_json import dump_json

    document = dump_json(dict(statement.statement.predicate), indent=2) + b"\n"
    _require_match(artifact, document, where=source)
    if output is not None:
        write_atomic(output, document)
    return ExtractedSbom(
        document=document, signed_by=signed_by, source=source, path=str(output) if output is not None else None
    )


def load_bom(file: PathLike) -> tuple[bytes, Bom]:
    """The bytes of an SBOM file and what they say.

    Raises:
        UsageError: Unreadable.
        FormatError: Not an SBOM, or malformed.
        NothingToJudgeError: A format that is not read.
    """
    from vxsec.formats.cyclonedx import read_bom

    data = read_bounded(file, max_bytes=DEFAULT_LIMITS.sbom_bytes)
    return data, read_bom(data, where=str(file))


def find_bom(source: PathLike) -> Bom:
    """What an SBOM says; for an archive, the SBOM beside it, which must be about its bytes.

    Raises:
        UsageError: Unreadable, or no SBOM lies beside the archive.
        VerificationError: ``sbom.mismatch``.
        RefusedError: The archive or the SBOM is refused.
        NothingToJudgeError: A format that is not read.
    """
    text = os.fspath(source)
    if not text.endswith(_ARCHIVES):
        return load_bom(source)[1]
    artifact = require_artifact(source)
    data, bom = load_bom(sbom_path(source))
    _require_match(artifact, data, where=sbom_path(source))
    return bom


def sbom_beside(artifact: Artifact) -> bytes | None:
    """The SBOM beside an archive, for those it is published to; None where there is none.

    Raises:
        VerificationError: ``sbom.mismatch``: it is about other bytes.
        FormatError: It is malformed.
    """
    data = _sbom_for(artifact, None)
    if data is not None:
        _require_match(artifact, data, where=sbom_path(artifact.filename))
    return data


def sbom_path(file: PathLike) -> str:
    """Where the SBOM of an archive lies unless somebody says otherwise."""
    return f"{os.fspath(file)}.cdx.json"


def _build(
    artifact: Artifact,
    graph: DependencyGraph,
    *,
    output: PathLike | None,
    authors: tuple[str, ...],
    timestamp: datetime | None,
) -> BuiltSbom:
    from vxsec.formats.cyclonedx import write_bom
    from vxsec.inspection.licenses import stated_license
    from vxsec.sbom.build import build_bom, manifest_author

    stated = manifest_author(artifact.manifest)
    bom = build_bom(
        package=artifact.package,
        digests=artifact.digests,
        graph=graph,
        license=stated_license(artifact.manifest),
        authors=authors or ((stated,) if stated is not None else ()),
        timestamp=timestamp,
    )
    document = write_bom(bom)
    if output is not None:
        write_atomic(output, document)
    notes = []
    if timestamp is None:
        notes.append("it has no timestamp: set SOURCE_DATE_EPOCH, or make it inside a git repository")
    if graph.unresolved:
        shown = ", ".join(graph.unresolved[:_SHOWN])
        notes.append(f"the lockfile does not resolve {len(graph.unresolved)} of its dependencies: {shown}")
    return BuiltSbom(
        package=artifact.package,
        document=document,
        path=str(output) if output is not None else None,
        components=len(bom.components),
        notes=tuple(notes),
    )


def _source_date(project_dir: PathLike) -> datetime | None:
    """``SOURCE_DATE_EPOCH`` (reproducible-builds.org specification), else the time of the commit that is checked out."""
    text = os.environ.get("SOURCE_DATE_EPOCH")
    if text is None:
        from vxsec.host.process import run

        # Plumbing: it runs nothing that the repository's own configuration could name.
        argv = ["git", "-C", os.fspath(project_dir), "cat-file", "commit", "HEAD"]
        try:
            answer = run(argv, timeout=_GIT_SECONDS, max_bytes=DEFAULT_LIMITS.small_file_bytes)
        except UndecidedError:  # no git, or none that answers: then there is no commit to take the time from
            return None
        committed = _COMMITTED.search(answer.stdout) if answer.exit_code == 0 else None
        text = committed[1].decode() if committed is not None else None
        if not text:
            return None
    if not text.isascii() or not text.isdecimal() or int(text[:20]) > _MAX_EPOCH:
        raise UsageError(
            f"expected SOURCE_DATE_EPOCH to be seconds since 1970, found {text[:40]!r}",
            code="sbom.source-date-epoch",
            hint="SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)",
        )
    return datetime.fromtimestamp(int(text), tz=UTC)


def _sbom_for(artifact: Artifact, sbom: PathLike | None) -> bytes | None:
    if sbom is not None:
        return read_bounded(sbom, max_bytes=DEFAULT_LIMITS.sbom_bytes)
    return read_if_exists(sbom_path(artifact.filename), max_bytes=DEFAULT_LIMITS.sbom_bytes)


def _require_match(artifact: Artifact, data: bytes, *, where: str) -> None:
    """An SBOM about other bytes is never signed and never handed out.

    Raises:
        VerificationError: ``sbom.mismatch``.
    """
    from vxsec.formats.cyclonedx import read_bom
    from vxsec.sbom.compare import compare_with_package

    mismatches = compare_with_package(read_bom(data, where=where), artifact.package, artifact.digests)
    if mismatches:
        raise VerificationError(
            "; ".join(item.message for item in mismatches[:_SHOWN]),
            code="sbom.mismatch",
            where=where,
            hint="make it again from these bytes: vxsec sbom generate FILE.tgz --lockfile package-lock.json",
        )
