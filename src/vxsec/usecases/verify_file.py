"""Is this file what it claims, signed by whom it should be?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.errors import RefusedError, UndecidedError, UsageError, VerificationError
from vxsec.formats.bundle_documents import read_bundle_document
from vxsec.host.files import hash_file, read_bounded
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.attestation import RejectedSignature
from vxsec.model.decision import TrustRef
from vxsec.model.quorum import count_quorum
from vxsec.model.report.verification import FileVerdict, VerifyReport
from vxsec.usecases.inputs import open_artifact, parse_expect, read_sidecars, refusal, same_package
from vxsec.usecases.verify_given import GivenJudge
from vxsec.usecases.verify_judges import FileSubject, Judge, Judged, rejected_verdict
from vxsec.values import dataclass

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from vxsec.model.attestation import Bundle
    from vxsec.model.package import PackageRef
    from vxsec.model.report.verification import SignatureVerdict
    from vxsec.model.verification import Requirements
    from vxsec.usecases.trust_source import Trust

    PathLike = str | os.PathLike[str]

__all__ = ["verify"]

_PACKAGE_SUFFIXES = (".tgz", ".whl")
_SDIST_SUFFIX = ".tar.gz"
_NO_PACKAGE = "archive.no-manifest"


def verify(
    files: Sequence[PathLike],
    *,
    keys: Sequence[PathLike] = (),
    identity: str | None = None,
    issuer: str | None = None,
    trusted_roots: Sequence[PathLike] = (),
    requirements: Requirements | None = None,
    gpg_keyring: PathLike | None = None,
    gpg_fingerprints: Sequence[str] = (),
    trust: Trust | None = None,
    bundles: Sequence[PathLike] = (),
    envelopes: Sequence[PathLike] = (),
    signatures: Sequence[PathLike] = (),
    threshold: int = 1,
    predicate_type: str | None = None,
    expect: str | None = None,
    registry: str | None = None,
    at: datetime | None = None,
    now: datetime | None = None,
    unsafe_rehearsal: bool = False,
) -> VerifyReport:
    """Verify each file against signers given here (keys, an identity, OpenPGP fingerprints), or against a trust document.

    With signers given, any statement about the file's bytes or bare signature over them counts, unless ``predicate_type``
    is given; vxsec's own statements count until they expire. With ``trust``, one valid release statement by a machine is
    asked for, and bare signatures never count.

    Guarantees: a file is ``verified`` only if at least ``threshold`` distinct keys, identities (or holders) signed
    statements about its exact bytes; a ``.tgz`` or wheel whose archive is refused never is. Whatever goes wrong with one
    signature only keeps that signature from counting. No connection is opened, whatever a file says.

    Args:
        files: Paths, at least one.
        keys: Public key files (PEM, DER, or a line of ``ssh-keygen``).
        identity: A certificate's subject, exact; with ``issuer``.
        issuer: Who vouches for ``identity``, exact.
        trusted_roots: Sigstore trusted roots; the public-good one where an identity is given and no root.
        requirements: How much evidence beside a signature is asked for; what the trusted root offers where None.
        gpg_keyring: Exported OpenPGP keys.
        gpg_fingerprints: Primary fingerprints in it that may have signed.
        trust: An identities document, a trust repository, or the one-file export of one.
        bundles: Bundle files (``.sigstore.json`` or ``.jsonl``); the sidecars of each file if empty.
        envelopes: Raw DSSE envelopes, with any number of signatures.
        signatures: OpenPGP (``.asc``) or SSH (``.sshsig``) signatures over the file; the sidecars if empty.
        threshold: How many distinct signers, at least 1.
        predicate_type: Only statements of this type count.
        expect: ``NAME@VERSION`` that the manifest and the subject of every counted statement must say.
        registry: URL or label of the registry a release must be for; with ``trust``, its registry for that name.
        at: Judge as of this time; marks the report.
        now: The current time; the clock if not given.
        unsafe_rehearsal: Accept a rehearsal trust root.

    Raises:
        UsageError: No files; neither signers nor trust, or both; a threshold above 1 without ``predicate_type``;
            unreadable files.
        ConfigurationError: A malformed trust document, or a file that is not the key or root it is given as.
        UndecidedError: Too few signatures count, and one could not be judged: ``gnupg.missing``, say.
    """
    from vxsec.host.clock import utc_now

    if not files:
        raise UsageError(
            "expected at least one file",
            code="usage.no-files",
            hint="give FILE.tgz, or the packages of a project with --lockfile package-lock.json",
        )
    given = (
        bool(keys) or identity is not None or issuer is not None or bool(gpg_fingerprints) or gpg_keyring is not None
    )
    if given == (trust is not None):
        raise UsageError(
            f"expected either signers or a trust document, found {'both' if given else 'neither'}",
            code="verify.no-trust",
            hint="add --key KEY.pub, or --identity SUBJECT --issuer URL, or --trust FILE",
        )
    if trust is not None and trusted_roots:
        raise UsageError(
            "a trust document names its trusted roots itself",
            code="usage.options",
            hint="leave --trusted-root out, or list it under trustedRoots: in the trust document",
        )
    if threshold < 1:
        raise UsageError(f"expected a threshold of at least 1, found {threshold}", code="verify.threshold")
    if threshold > 1 and predicate_type is None:
        raise UsageError(
            "a threshold above 1 counts statements of one type, and none was given",
            code="verify.threshold-type",
            hint="add --type urn:vxsec:release:v1",
        )
    moment = at or now or utc_now()
    wanted = parse_expect(expect) if expect is not None else None
    sources = _Sources(
        bundles=_read_given(bundles),
        envelopes=tuple(envelopes),
        signatures=_read_given(signatures),
        sidecars=not (bundles or envelopes or signatures),
    )
    rehearsal = False
    reference: TrustRef | None = None
    judge: Judge
    if trust is None:
        from vxsec.usecases.signers_given import load_signers

        signers = load_signers(
            keys,
            identity=identity,
            issuer=issuer,
            trusted_roots=trusted_roots,
            gpg_keyring=gpg_keyring,
            gpg_fingerprints=gpg_fingerprints,
            requirements=requirements,
            now=moment,
            unsafe_rehearsal=unsafe_rehearsal,
        )
        rehearsal = any(root.rehearsal for root in signers.roots)
        judge = GivenJudge(
            signers, now=moment, threshold=threshold, predicate_type=predicate_type, expect=wanted, registry=registry
        )
    else:
        from vxsec.usecases.trust_source import load_trust
        from vxsec.usecases.verify_trusted import TrustJudge

        root = load_trust(trust, now=moment, as_of=at is not None, unsafe_rehearsal=unsafe_rehearsal)
        rehearsal = root.rehearsal
        reference = TrustRef(source=root.source, sha256=root.sha256, signed=root.signed)
        judge = TrustJudge(
            root,
            now=moment,
            threshold=threshold,
            predicate_type=predicate_type,
            registry=registry,
            requirements=requirements,
        )
    verdicts = tuple(_verify_one(file, judge, sources, wanted) for file in files)
    return VerifyReport(files=verdicts, as_of=at, rehearsal=rehearsal, trust=reference)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sources:
    """Where signatures come from: the files given, or those beside each file."""

    bundles: tuple[tuple[str, bytes], ...]
    envelopes: tuple[PathLike, ...]
    signatures: tuple[tuple[str, bytes], ...]
    sidecars: bool


def _read_given(paths: Sequence[PathLike]) -> tuple[tuple[str, bytes], ...]:
    return tuple((str(path), read_bounded(path, max_bytes=DEFAULT_LIMITS.bundle_file_bytes)) for path in paths)


def _verify_one(file: PathLike, judge: Judge, sources: _Sources, expect: PackageRef | None) -> FileVerdict:
    path = str(file)
    sha256, sha512 = "", ""
    try:
        subject = _open_subject(path, strict=expect is not None or not isinstance(judge, GivenJudge))
        sha256, sha512 = subject.digests.sha256, subject.digests.sha512
        _check_expected(subject, expect)
        judged = list(_judge_all(subject, judge, sources))
    except (VerificationError, RefusedError) as error:
        return FileVerdict(
            file=path,
            sha256=sha256,
            sha512=sha512,
            verified=False,
            code=error.code,
            message=error.message,
            hint=error.hint,
        )
    verdicts = tuple(one.verdict for one in judged)
    rejected = [one for one in verdicts if not one.counted]
    counted = [one for one in verdicts if one.counted]
    quorum = count_quorum([one.signer for one in judged if one.signer is not None])
    verified = quorum.count >= judge.threshold
    code, message, hint = "verified", f"{quorum.count} of {judge.threshold} required signers", None
    if not verified:
        _require_decided(verdicts)
        code, message = _explain(quorum.count, judge.threshold, rejected, found=bool(judged))
        hint = judge.hint
    return FileVerdict(
        file=path,
        sha256=sha256,
        sha512=sha512,
        verified=verified,
        code=code,
        message=message,
        signed_by=tuple(sorted({one.signer for one in counted if one.signer})),
        predicate_types=tuple(sorted({one.predicate_type for one in counted if one.predicate_type})),
        rejected=tuple(RejectedSignature(code=one.code, message=one.message, source=one.source) for one in rejected),
        signatures=verdicts,
        hint=hint,
    )


def _judge_all(subject: FileSubject, judge: Judge, sources: _Sources) -> Iterator[Judged]:
    """Every signature given, or lying beside the file, and what becomes of it."""
    bundles = sources.bundles or (read_sidecars(subject.path) if sources.sidecars else ())
    read, unread = _read_bundles(bundles)
    for item in unread:
        yield Judged(verdict=rejected_verdict(item))
    if sources.envelopes:
        from vxsec.usecases.verify_envelope import read_envelopes

        keys, names = judge.candidates()
        found = read_envelopes(sources.envelopes, keys=keys, names=names)
        read += found.bundles
        for item in found.rejected:
            yield Judged(verdict=rejected_verdict(item))
    yield from judge.judge_bundles(subject, read)
    files = sources.signatures
    if sources.sidecars and isinstance(judge, GivenJudge):
        files = judge.beside(subject)
    yield from judge.judge_files(subject, files)


def _check_expected(subject: FileSubject, expect: PackageRef | None) -> None:
    if expect is not None and subject.artifact is not None and not same_package(expect, subject.artifact.package):
        raise VerificationError(f"expected {expect}, found {subject.artifact.package}", code="manifest.unexpected")


def _open_subject(path: str, *, strict: bool) -> FileSubject:
    """Read the file; a ``.tgz`` or a wheel strictly, because what installs from it is what its archive says.

    An archive that holds no package (a chart, say) is sound, and judged as any other file, unless ``strict``. So is a
    ``.tar.gz`` that is no source distribution.
    """
    if not strict and not path.endswith((*_PACKAGE_SUFFIXES, _SDIST_SUFFIX)):
        return FileSubject(path=path, digests=hash_file(path, max_bytes=DEFAULT_LIMITS.blob_bytes), artifact=None)
    from vxsec.model.artifact import Artifact

    if not strict and path.endswith(_SDIST_SUFFIX):
        digests = hash_file(path, max_bytes=DEFAULT_LIMITS.blob_bytes)
        sdist = open_artifact(path) if digests.size <= DEFAULT_LIMITS.archive_packed_bytes else None
        if isinstance(sdist, Artifact) and sdist.digests == digests:
            return FileSubject(path=path, digests=digests, artifact=sdist)
        return FileSubject(path=path, digests=digests, artifact=None)
    artifact = open_artifact(path)
    if not isinstance(artifact, Artifact):
        if not strict and all(reason.code == _NO_PACKAGE for reason in artifact.reasons):
            return FileSubject(path=path, digests=artifact.digests, artifact=None)
        raise refusal(artifact)
    return FileSubject(path=path, digests=artifact.digests, artifact=artifact)


def _read_bundles(sources: Sequence[tuple[str, bytes]]) -> tuple[list[tuple[Bundle, str]], list[RejectedSignature]]:
    bundles: list[tuple[Bundle, str]] = []
    unread: list[RejectedSignature] = []
    seen: set[bytes] = set()
    for source, data in sources:
        for item in read_bundle_document(data, where=source):
            if isinstance(item, RejectedSignature):
                unread.append(item)
            elif item.line not in seen:
                seen.add(item.line)
                bundles.append((item, source))
    return bundles, unread


def _require_decided(verdicts: Sequence[SignatureVerdict]) -> None:
    """Too few count, and one could not be judged: that is no answer.

    Raises:
        UndecidedError: With the reason, such as ``gnupg.missing``.
    """
    for one in verdicts:
        if one.undecided:
            raise UndecidedError(one.message, code=one.code, where=one.source, hint=one.hint)


def _explain(count: int, threshold: int, rejected: Sequence[SignatureVerdict], *, found: bool) -> tuple[str, str]:
    if not found:
        return "signature.none", "no signature found: none given, and no .sigstore.jsonl beside the file"
    if count == 0 and rejected:
        first = rejected[0]
        more = f" (and {len(rejected) - 1} more)" if len(rejected) > 1 else ""
        return first.code, f"{first.message}{more}"
    if count == 0:
        return "signature.none", "the bundle files hold no signature"
    return "signature.threshold", f"expected {threshold} distinct signers, found {count}"
