"""Is this file what it claims, signed by whom it should be?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.errors import RefusedError, UsageError, VerificationError
from vxsec.formats.sigstore_bundle import read_bundle_lines
from vxsec.host.files import hash_file, read_bounded
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.attestation import RejectedSignature
from vxsec.model.quorum import count_quorum
from vxsec.model.report.verification import FileVerdict, VerifyReport
from vxsec.usecases.inputs import open_artifact, parse_expect, read_sidecars, refusal, same_package
from vxsec.usecases.verify_judges import FileSubject, Judge, KeyJudge, TrustJudge

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from datetime import datetime

    from vxsec.model.attestation import Bundle
    from vxsec.model.package import PackageRef

    PathLike = str | os.PathLike[str]

__all__ = ["verify"]

_PACKAGE_SUFFIXES = (".tgz", ".whl")
_SDIST_SUFFIX = ".tar.gz"
_NO_PACKAGE = "archive.no-manifest"


def verify(
    files: Sequence[PathLike],
    *,
    keys: Sequence[PathLike] = (),
    trust: PathLike | None = None,
    bundles: Sequence[PathLike] = (),
    threshold: int = 1,
    predicate_type: str | None = None,
    expect: str | None = None,
    registry: str | None = None,
    at: datetime | None = None,
    now: datetime | None = None,
    unsafe_rehearsal: bool = False,
) -> VerifyReport:
    """Verify each file against keys, or against a trust document.

    With ``keys``, any statement about the file's bytes or bare signature over them counts, unless ``predicate_type`` is
    given; vxsec's own statements count until they expire. With ``trust``, one valid release statement by a machine is
    asked for, and bare signatures never count.

    Guarantees: a file is ``verified`` only if at least ``threshold`` distinct keys (or holders) signed statements about
    its exact bytes; a ``.tgz`` or wheel whose archive is refused never is. Whatever goes wrong with one signature only keeps that
    signature from counting.

    Args:
        files: Paths, at least one.
        keys: Public key files (PEM or DER).
        trust: An identities document.
        bundles: Bundle files (``.sigstore.json`` or ``.jsonl``); the sidecars of each file if empty.
        threshold: How many distinct signers, at least 1.
        predicate_type: Only statements of this type count.
        expect: ``NAME@VERSION`` that the manifest and the subject of every counted statement must say.
        registry: URL or label of the registry a release must be for; with ``trust``, its registry for that name.
        at: Judge as of this time; marks the report.
        now: The current time; the clock if not given.
        unsafe_rehearsal: Accept a rehearsal trust root.

    Raises:
        UsageError: No files; neither keys nor trust, or both; a threshold above 1 without ``predicate_type``;
            unreadable files.
        ConfigurationError: A malformed trust document, or a key file that is not a public key.
    """
    from vxsec.host.clock import utc_now

    if not files:
        raise UsageError(
            "expected at least one file",
            code="usage.no-files",
            hint="give FILE.tgz, or the packages of a project with --lockfile package-lock.json",
        )
    if bool(keys) == (trust is not None):
        found = "both" if keys else "neither"
        raise UsageError(
            f"expected either keys or a trust document, found {found}",
            code="verify.no-trust",
            hint="add --key KEY.pub, or --trust FILE",
        )
    if threshold < 1:
        raise UsageError(f"expected a threshold of at least 1, found {threshold}", code="verify.threshold")
    if threshold > 1 and predicate_type is None:
        raise UsageError(
            "a threshold above 1 counts statements of one type, and none was given",
            code="verify.threshold-type",
            hint="add --type urn:vxsec:release:v1",
        )
    wanted = parse_expect(expect) if expect is not None else None
    given = [(str(path), read_bounded(path, max_bytes=DEFAULT_LIMITS.bundle_file_bytes)) for path in bundles]
    moment = at or now or utc_now()
    rehearsal = False
    judge: Judge
    if trust is None:
        judge = KeyJudge(
            keys, now=moment, threshold=threshold, predicate_type=predicate_type, expect=wanted, registry=registry
        )
    else:
        from vxsec.usecases.inputs import load_trust

        root = load_trust(trust, unsafe_rehearsal=unsafe_rehearsal)
        rehearsal = root.rehearsal
        judge = TrustJudge(root, now=moment, threshold=threshold, predicate_type=predicate_type, registry=registry)
    verdicts = tuple(_verify_one(file, judge, given or read_sidecars(file), wanted) for file in files)
    return VerifyReport(files=verdicts, as_of=at, rehearsal=rehearsal)


def _verify_one(
    file: PathLike, judge: Judge, sidecars: Sequence[tuple[str, bytes]], expect: PackageRef | None
) -> FileVerdict:
    path = str(file)
    sha256, sha512 = "", ""
    try:
        subject = _open_subject(path, strict=expect is not None or isinstance(judge, TrustJudge))
        sha256, sha512 = subject.digests.sha256, subject.digests.sha512
        _check_expected(subject, expect)
        bundles, unread = _read_bundles(sidecars)
        counted, rejected = judge.count(subject, bundles)
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
    rejected = [*unread, *rejected]
    quorum = count_quorum([one.signer for one in counted])
    verified = quorum.count >= judge.threshold
    code, message, hint = "verified", f"{quorum.count} of {judge.threshold} required signers", None
    if not verified:
        code, message = _explain(quorum.count, judge.threshold, rejected, found=bool(sidecars))
        hint = judge.hint
    return FileVerdict(
        file=path,
        sha256=sha256,
        sha512=sha512,
        verified=verified,
        code=code,
        message=message,
        signed_by=tuple(sorted({one.label for one in counted})),
        predicate_types=tuple(sorted({one.predicate_type for one in counted if one.predicate_type})),
        rejected=tuple(rejected),
        hint=hint,
    )


def _check_expected(subject: FileSubject, expect: PackageRef | None) -> None:
    if expect is not None and subject.artifact is not None and not same_package(expect, subject.artifact.package):
        raise VerificationError(f"expected {expect}, found {subject.artifact.package}", code="manifest.unexpected")


def _open_subject(path: str, *, strict: bool) -> FileSubject:
    """Read the file; a ``.tgz`` or a wheel strictly, because what installs from it is what its archive says.

    An archive that holds no package (a chart, say) is sound, and judged as any other file, unless ``strict``. So is a
    ``.tar.gz`` that is no source distribution.
    """
    from vxsec.model.artifact import Artifact

    if not strict and not path.endswith(_PACKAGE_SUFFIXES):
        digests = hash_file(path, max_bytes=DEFAULT_LIMITS.blob_bytes)
        sdist = None
        if path.endswith(_SDIST_SUFFIX) and digests.size <= DEFAULT_LIMITS.archive_packed_bytes:
            sdist = open_artifact(path)
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
        for item in read_bundle_lines(data, where=source):
            if isinstance(item, RejectedSignature):
                unread.append(item)
            elif item.line not in seen:
                seen.add(item.line)
                bundles.append((item, source))
    return bundles, unread


def _explain(count: int, threshold: int, rejected: Sequence[RejectedSignature], *, found: bool) -> tuple[str, str]:
    if not found:
        return "signature.none", "no signature found: neither --bundle nor a .sigstore.jsonl beside the file"
    if count == 0 and rejected:
        first = rejected[0]
        more = f" (and {len(rejected) - 1} more)" if len(rejected) > 1 else ""
        return first.code, f"{first.message}{more}"
    if count == 0:
        return "signature.none", "the bundle files hold no signature"
    return "signature.threshold", f"expected {threshold} distinct signers, found {count}"
