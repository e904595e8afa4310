"""Sign statements that carry SBOMs, and get the SBOM out of one again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.errors import UsageError, VerificationError
from vxsec.host.files import read_bounded, write_atomic
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.report.sbom import ExtractedSbom
from vxsec.model.sbom import CYCLONEDX_PREDICATE
from vxsec.usecases.inputs import load_public_key, read_sidecars, require_artifact
from vxsec.usecases.openpgp import trust_checks
from vxsec.usecases.sbom.build import build_sbom
from vxsec.usecases.sbom.files import require_match, sbom_bytes, sbom_path
from vxsec.usecases.trust_source import load_trust

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from vxsec.model.report.signing import SignedFile
    from vxsec.usecases.trust_source import Trust

    Password = bytes | Callable[[], bytes] | None
    PathLike = str | os.PathLike[str]

__all__ = ["attest_sbom", "extract_sbom"]


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
    trust_config: PathLike | None = None,
    project_dir: PathLike = ".",
    note: Callable[[str], None] | None = None,
) -> tuple[SignedFile, ...]:
    """Sign an in-toto statement that carries the SBOM of each archive, and append it to ``FILE.sigstore.jsonl``.

    The SBOM is ``sbom``; else, where anything is said about how to make one (``lockfile``, ``authors``, ``timestamp``), one
    made now; else ``FILE.cdx.json`` beside the file; else one made now. Guarantees: nothing is signed unless every SBOM
    agrees with the bytes it is about.

    Args:
        files: Archives, at least one; exactly one with ``sbom``.
        signers: Signer URIs, at least one.
        sbom: The SBOM of the one file.
        lockfile: As in :func:`build_sbom`.
        authors: As in :func:`build_sbom`.
        timestamp: As in :func:`build_sbom`.
        bundle: Write the one bundle here instead.
        password: Of the encrypted key files, or a function that asks for it.
        trust_config: Sigstore's client trust config for ``keyless:``; the public-good instance where None.
        project_dir: As in :func:`build_sbom`.
        note: Told each note of an SBOM made now, with the name of its file, before anything is signed.

    Raises:
        UsageError: As :func:`build_sbom` and ``usecases.sign.attest``.
        VerificationError: ``sbom.mismatch``: an SBOM is about other bytes.
        RefusedError: An archive or SBOM that is refused.
    """
    from vxsec.formats.cyclonedx import bom_of, parse_bom_document
    from vxsec.usecases.sign import attest_subjects, require_signing, subject_of
    from vxsec.usecases.signers import open_signers

    require_signing(files, signers, bundle)
    if sbom is not None and (lockfile is not None or authors or timestamp is not None):
        raise UsageError(
            "an SBOM that is given is taken as it is",
            code="usage.options",
            hint="leave out --sbom, or --lockfile, --author and --timestamp",
        )
    if sbom is not None and len(files) != 1:
        raise UsageError(
            f"--sbom names the SBOM of one file, found {len(files)}",
            code="usage.options",
            hint="leave it out: each FILE.cdx.json beside its file is found",
        )
    made_now = lockfile is not None or bool(authors) or timestamp is not None
    statements = []
    for file in files:
        artifact = require_artifact(file)
        data = None if sbom is None and made_now else sbom_bytes(artifact, sbom)
        if data is None:
            made = build_sbom(file, lockfile=lockfile, authors=authors, timestamp=timestamp, project_dir=project_dir)
            data = made.document
            if note is not None:
                for text in made.notes:
                    note(f"{file}: {text}")
        where = str(sbom or sbom_path(file))
        document = parse_bom_document(data, where=where)
        require_match(artifact, bom_of(document, where=where), where=where)
        # The digests of the bytes that were read and compared, not of what the file holds by now.
        statements.append((str(file), subject_of(artifact.package.purl, artifact.digests), document))
    opened = open_signers(signers, password=password, trust_config=trust_config)
    return attest_subjects(statements, predicate_type=CYCLONEDX_PREDICATE, signers=opened, bundle=bundle, progress=note)


def extract_sbom(
    file: PathLike,
    *,
    keys: Sequence[PathLike] = (),
    trust: Trust | None = None,
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
    from vxsec.formats.bundle_documents import read_bundle_document
    from vxsec.host.clock import utc_now
    from vxsec.verification.attested import derive_attested, derive_attested_by_keys

    artifact = require_artifact(file)
    given = [(str(path), read_bounded(path, max_bytes=DEFAULT_LIMITS.bundle_file_bytes)) for path in bundles]
    sourced = [
        (item, source)
        for source, data in given or read_sidecars(file)
        for item in read_bundle_document(data, where=source)
    ]
    if trust is not None:
        moment = now or utc_now()
        root = load_trust(trust, now=moment, unsafe_rehearsal=unsafe_rehearsal)
        found, rejected, _ = derive_attested(
            sourced,
            predicate_type=CYCLONEDX_PREDICATE,
            package=artifact.package,
            digests=artifact.digests,
            trust=root,
            now=moment,
            detached=trust_checks(root, now=moment),
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
    from vxsec.formats.cyclonedx import bom_of
    from vxsec.formats.strict_json import dump_json

    statement, signed_by, source = chosen[-1]  # bundles are appended: the last is the newest
    predicate = dict(statement.statement.predicate)
    require_match(artifact, bom_of(predicate, where=source), where=source)
    document = dump_json(predicate, indent=2) + b"\n"
    if output is not None:
        write_atomic(output, document)
    return ExtractedSbom(
        document=document, signed_by=signed_by, source=source, path=str(output) if output is not None else None
    )
