"""Sign release statements, bare blobs and any other statement; append the bundles beside the files."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from vxsec.errors import ConfigurationError, FormatError, UsageError
from vxsec.formats.release_statement import build_release_statement
from vxsec.formats.sigstore_bundle import read_bundle_lines
from vxsec.formats.statement import build_statement
from vxsec.formats.strict_json import read_json
from vxsec.host.clock import utc_now
from vxsec.host.files import hash_file, locked_folder, read_bounded, read_if_exists, write_atomic
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.artifact import Artifact
from vxsec.model.attestation import APPROVAL_PREDICATE, RELEASE_PREDICATE, Subject
from vxsec.model.report.signing import SignedFile
from vxsec.model.scan import SCAN_PREDICATE
from vxsec.model.trust import HolderKind, Role
from vxsec.signing.signer import BundleSigner, FileSigner
from vxsec.usecases.inputs import open_artifact, registry_url_for, require_artifact
from vxsec.usecases.signers import (
    blob_checked,
    file_checked,
    identity_of,
    open_signers,
    refuse_look_alike,
    sign_checked,
)
from vxsec.usecases.trust_source import load_trust
from vxsec.values import dataclass

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from vxsec.model.digest import Digests
    from vxsec.model.trust import TrustRoot
    from vxsec.signing.signer import AnySigner
    from vxsec.usecases.signers import Password, Progress
    from vxsec.usecases.trust_source import Trust

    PathLike = str | os.PathLike[str]

__all__ = [
    "append_bundle",
    "attest",
    "attest_subjects",
    "require_signing",
    "sign",
    "subject_of",
    "why_not_counted",
]


def sign(
    files: Sequence[PathLike],
    *,
    signers: Sequence[str],
    trust: Trust | None = None,
    registry: str | None = None,
    expires: datetime | None = None,
    blob: bool = False,
    bundle: PathLike | None = None,
    password: Password = None,
    trust_config: PathLike | None = None,
    timestamp: bool = False,
    log_entry: bool = False,
    now: datetime | None = None,
    progress: Progress | None = None,
    unsafe_rehearsal: bool = False,
) -> tuple[SignedFile, ...]:
    """Sign each file with each signer.

    Without ``blob`` each file is a package tarball and what is signed is a release statement
    (``urn:vxsec:release:v1``): name, version, digests and the registry it is for. With ``blob`` it is a bare signature
    over any file, which never counts toward publishing.

    Guarantees: nothing is signed unless every file can be signed; what was made verifies, with the timestamps and log
    entries that were asked for, before anything is stored; each bundle holds exactly one signature and is appended to
    ``FILE.sigstore.jsonl``, or written alone to ``bundle``.

    Args:
        files: Paths, at least one.
        signers: Signer URIs (``file:PATH``, ``gpg:FINGERPRINT``, ``keyless:ambient`` …), at least one.
        trust: The trust document, to find the registry of each name.
        registry: A registry's URL, or its label in the trust document.
        expires: A claim in the statement: not to be published or promoted after this time.
        blob: Make bare signatures.
        bundle: Write the one bundle here instead; only for one file and one signer.
        password: Of the encrypted key files, or a function that asks for it.
        trust_config: Sigstore's client trust config for ``keyless:`` (the public-good instance where None), and for what
            keys get with ``timestamp`` and ``log_entry``.
        timestamp: Each bundle must have a signed timestamp (RFC 3161).
        log_entry: Each bundle must have an entry in a transparency log.
        now: The time recorded as ``createdAt``; the clock if not given.
        progress: Told where someone has to do something, such as touching a key.
        unsafe_rehearsal: Accept a rehearsal trust root.

    Raises:
        UsageError: No files, no signers, an unknown registry, an unreadable file or key.
        ConfigurationError: A malformed key or trust document, or a wrong password.
        RefusedError: A file is not a tarball that vxsec accepts.
    """
    require_signing(files, signers, bundle)
    if blob and (trust is not None or registry is not None or expires is not None):
        raise UsageError(
            "a bare signature says nothing about a registry or a time",
            code="usage.options",
            hint="leave out blob to sign a release statement, or leave out trust, registry and expires",
        )
    opened = open_signers(
        signers, password=password, trust_config=trust_config, timestamp=timestamp, log_entry=log_entry
    )
    if blob:
        return _sign_blobs(files, opened, bundle, progress)
    root = load_trust(trust, now=now, unsafe_rehearsal=unsafe_rehearsal) if trust is not None else None
    created = now or utc_now()
    statements, beside = [], []
    for file in files:
        artifact = require_artifact(file)
        url = registry_url_for(
            artifact.package.name, trust=root, registry=registry, ecosystem=artifact.package.ecosystem
        )
        payload = build_release_statement(
            package=artifact.package, digests=artifact.digests, registry=url, created_at=created, expires=expires
        )
        statements.append((str(file), artifact.package.purl, payload))
        # What gpg --verify and ssh-keygen -Y verify read, for the signers that have it.
        beside += [
            (f"{file}{one.suffix}", file_checked(one, artifact.data, progress=progress))
            for one in opened
            if isinstance(one, FileSigner)
        ]
    signed = _sign_all(statements, RELEASE_PREDICATE, opened, bundle, progress)
    for path, data in beside:
        write_atomic(path, data)
    return tuple(
        replace(stored, note=why_not_counted(root, made.signer, made.line, Role.MACHINE) if root is not None else None)
        for made, stored in signed
    )


def attest(
    files: Sequence[PathLike],
    *,
    predicate_type: str,
    predicate: PathLike | bytes,
    signers: Sequence[str],
    bundle: PathLike | None = None,
    password: Password = None,
    trust_config: PathLike | None = None,
    timestamp: bool = False,
    log_entry: bool = False,
    progress: Progress | None = None,
) -> tuple[SignedFile, ...]:
    """Sign an in-toto statement (v1) with any predicate about each file.

    The subject of a package tarball is named by its purl, any other file by its base name; both carry SHA-256 and
    SHA-512. The types of vxsec's own statements are refused: those are made by ``sign``, ``approve`` and ``scan``, which
    fill them with what they checked.

    Args:
        files: Paths, at least one.
        predicate_type: A URI.
        predicate: A JSON object, as a path or as bytes.
        signers: Signer URIs, at least one.
        bundle: As in :func:`sign`.
        password: As in :func:`sign`.
        trust_config: As in :func:`sign`.
        timestamp: As in :func:`sign`.
        log_entry: As in :func:`sign`.
        progress: As in :func:`sign`.

    Raises:
        UsageError: As :func:`sign`, or ``attest.reserved-type``.
        ConfigurationError: The predicate is not a JSON object; as :func:`sign`.
    """
    require_signing(files, signers, bundle)
    if predicate_type in {RELEASE_PREDICATE, APPROVAL_PREDICATE, SCAN_PREDICATE}:
        raise UsageError(
            f"{predicate_type} is made by vxsec itself",
            code="attest.reserved-type",
            hint="it is what vxsec sign, vxsec approve and vxsec scan --attest write, filled with what they checked",
        )
    if ":" not in predicate_type:
        raise UsageError(
            f"expected a URI as predicate type, found {predicate_type!r}",
            code="attest.type",
            hint="for example --type https://cyclonedx.org/bom",
        )
    data = predicate if isinstance(predicate, bytes) else read_bounded(predicate, max_bytes=DEFAULT_LIMITS.json_bytes)
    where = "predicate" if isinstance(predicate, bytes) else str(predicate)
    try:
        content = read_json(data, where=where).mapping()
    except FormatError as error:
        raise ConfigurationError(
            error.message, code=error.code, where=error.where, hint="write the predicate as one JSON object"
        ) from error
    opened = open_signers(
        signers, password=password, trust_config=trust_config, timestamp=timestamp, log_entry=log_entry
    )
    statements = [(str(file), _subject_of(file), content) for file in files]
    return attest_subjects(statements, predicate_type=predicate_type, signers=opened, bundle=bundle, progress=progress)


def attest_subjects(
    statements: Sequence[tuple[str, Subject, Mapping[str, object]]],
    *,
    predicate_type: str,
    signers: Sequence[AnySigner],
    bundle: PathLike | None = None,
    progress: Progress | None = None,
) -> tuple[SignedFile, ...]:
    """Sign a statement for each file and append it beside the file; everything is signed before anything is stored.

    Args:
        statements: The file to write beside, the subject as whoever read the bytes gives it, and the predicate.
        predicate_type: A URI.
        signers: Opened, at least one.
        bundle: As in :func:`sign`.
        progress: As in :func:`sign`.

    Raises:
        FormatError: ``statement.malformed``: the predicate holds what cannot be written.
        UsageError: A bundle cannot be written.
    """
    payloads = [
        (
            file,
            subject.name or file,
            build_statement(subjects=[subject], predicate_type=predicate_type, predicate=content),
        )
        for file, subject, content in statements
    ]
    return tuple(stored for _, stored in _sign_all(payloads, predicate_type, signers, bundle, progress))


def subject_of(name: str, digests: Digests) -> Subject:
    """A subject by its SHA-256 and SHA-512."""
    return Subject(name=name, digest={"sha256": digests.sha256, "sha512": digests.sha512})


def why_not_counted(root: TrustRoot, signer: AnySigner, line: bytes, role: Role) -> str | None:
    """Why a bundle just made will not count with that trust document, as a sentence; None where it may."""
    kind = HolderKind.MACHINE if role is Role.MACHINE else HolderKind.PERSON
    if isinstance(signer, BundleSigner) and signer.spki is None:
        subject, issuer = identity_of(line)
        found = root.identity(subject, issuer)
        if found is None:
            return f"it will not count: {subject} of {issuer} is not in {root.source}"
        holder, identity = found
        name, roles, holds = holder.id, identity.roles, holder.kind
    else:
        key = next((key for key in root.keys if key.spki == signer.spki), None)
        if key is None:
            return f"it will not count: this key is not in {root.source}"
        name, roles, holds = key.id, key.roles, key.holder.kind
    if role not in roles or holds is not kind:
        told = ", ".join(roles) or "none"
        return f"it will not count: {root.source} gives {name} the role {told}, and a {kind.value}'s is asked for"
    return None


def append_bundle(file: PathLike, line: bytes) -> str:
    """Append one bundle to ``FILE.sigstore.jsonl``, keeping every line that is there; returns the path.

    Guarantees: the file is replaced whole or not at all; a line that is already there is not written again.

    Raises:
        UsageError: The file cannot be read or written.
    """
    path = f"{file}.sigstore.jsonl"
    with locked_folder(Path(path).parent):  # two signers at once keep both lines
        old = read_if_exists(path, max_bytes=DEFAULT_LIMITS.bundle_file_bytes) or b""
        lines = [known for known in old.splitlines() if known.strip()]
        if line not in lines:
            read_bundle_lines(line, where=path)  # what we write, we can read
            write_atomic(path, b"\n".join([*lines, line]) + b"\n")
    return path


def require_signing(files: Sequence[PathLike], signers: Sequence[str], bundle: PathLike | None) -> None:
    """Files, signers, and one place for each bundle.

    Raises:
        UsageError: ``usage.no-files``, ``usage.no-signers`` or ``usage.bundle``.
    """
    if not files:
        raise UsageError("expected at least one file", code="usage.no-files")
    if not signers:
        raise UsageError("expected at least one signer", code="usage.no-signers", hint="add --signer file:KEY")
    if bundle is not None and len(files) * len(signers) > 1:
        raise UsageError(
            "--bundle takes exactly one signature, and several would be made",
            code="usage.bundle",
            hint="leave --bundle out: each file gets its own .sigstore.jsonl",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """A bundle that is signed but not stored yet."""

    file: str
    subject: str
    predicate_type: str | None
    signer: AnySigner
    line: bytes
    suffix: str | None = None
    """Of the file that ``line`` is the whole of, where it is no bundle."""


def _sign_blobs(
    files: Sequence[PathLike], signers: Sequence[AnySigner], bundle: PathLike | None, progress: Progress | None
) -> tuple[SignedFile, ...]:
    """A bare signature over each file: a bundle, or where the signer's own tools read a file of their own, that file."""
    made = []
    for file in files:
        sha256 = hash_file(file, max_bytes=DEFAULT_LIMITS.blob_bytes, head=refuse_look_alike).sha256
        for one in signers:
            if isinstance(one, FileSigner):
                line, suffix = file_checked(one, _file_bytes(file, sha256), progress=progress), one.suffix
            else:
                line, suffix = blob_checked(one, sha256), None
            made.append(
                _Made(
                    file=str(file),
                    subject=f"sha256:{sha256}",
                    predicate_type=None,
                    signer=one,
                    line=line,
                    suffix=suffix,
                )
            )
    return tuple(_store(one, bundle) for one in made)


def _file_bytes(file: PathLike, sha256: str) -> bytes:
    data = read_bounded(file, max_bytes=DEFAULT_LIMITS.archive_packed_bytes)
    if hashlib.sha256(data).hexdigest() != sha256:
        raise UsageError("the file changed while it was read", code="file.changed", where=str(file))
    return data


def _sign_all(
    payloads: Sequence[tuple[str, str, bytes]],
    predicate_type: str,
    signers: Sequence[AnySigner],
    bundle: PathLike | None,
    progress: Progress | None,
) -> tuple[tuple[_Made, SignedFile], ...]:
    """Sign everything, and only then store anything."""
    made = [
        _Made(
            file=file,
            subject=subject,
            predicate_type=predicate_type,
            signer=one,
            line=sign_checked(one, payload, progress=progress),
        )
        for file, subject, payload in payloads
        for one in signers
    ]
    return tuple((one, _store(one, bundle)) for one in made)


def _store(made: _Made, bundle: PathLike | None) -> SignedFile:
    if made.suffix is not None:
        path = str(bundle) if bundle is not None else f"{made.file}{made.suffix}"
        write_atomic(path, made.line)
    elif bundle is None:
        path = append_bundle(made.file, made.line)
    else:
        path = str(bundle)
        write_atomic(path, made.line + b"\n")
    return SignedFile(
        file=made.file,
        subject=made.subject,
        predicate_type=made.predicate_type,
        key_hint=made.signer.hint,
        bundle=path,
    )


def _subject_of(file: PathLike) -> Subject:
    """A package's purl, else the base name, and the digests of the very bytes that said so."""
    if str(file).endswith((".tgz", ".tar.gz", ".whl")):
        artifact = open_artifact(file)
        name = artifact.package.purl if isinstance(artifact, Artifact) else Path(file).name
        return subject_of(name, artifact.digests)
    return subject_of(Path(file).name, hash_file(file, max_bytes=DEFAULT_LIMITS.blob_bytes))
