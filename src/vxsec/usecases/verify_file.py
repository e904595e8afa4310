"""Is this file what it claims, signed by whom it should be?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from vxsec.errors import FormatError, RefusedError, UsageError, VerificationError
from vxsec.formats.sigstore_bundle import read_bundle_lines
from vxsec.host.files import hash_file, read_bounded
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.attestation import APPROVAL_PREDICATE, RELEASE_PREDICATE, RejectedSignature
from vxsec.model.quorum import Signer, count_quorum
from vxsec.model.report.verification import FileVerdict, VerifyReport
from vxsec.model.verified import VerifiedStatement
from vxsec.usecases.inputs import load_public_key, read_sidecars, registry_url_for, require_artifact
from vxsec.verification.bundle import subject_names, verify_bundle, verify_statement_subject

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from datetime import datetime

    from vxsec.model.artifact import Artifact
    from vxsec.model.attestation import Bundle
    from vxsec.model.digest import Digests
    from vxsec.model.trust import TrustRoot

    PathLike = str | os.PathLike[str]

__all__ = ["verify"]

_PACKAGE_SUFFIX = ".tgz"


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
    given. With ``trust``, one valid release statement by a machine is asked for, and bare signatures never count.

    Guarantees: a file is ``verified`` only if at least ``threshold`` distinct keys (or holders) signed statements about
    its exact bytes; a ``.tgz`` whose archive is refused never is. Whatever goes wrong with one signature only keeps that
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
        raise UsageError("expected at least one file", code="usage.no-files")
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
    given = [(str(path), read_bounded(path, max_bytes=DEFAULT_LIMITS.bundle_file_bytes)) for path in bundles]
    judge: _Judge
    if trust is None:
        judge = _KeyJudge(keys, threshold=threshold, predicate_type=predicate_type, expect=expect, registry=registry)
    else:
        from vxsec.usecases.inputs import load_trust

        root = load_trust(trust, unsafe_rehearsal=unsafe_rehearsal)
        judge = _TrustJudge(
            root, now=at or now or utc_now(), threshold=threshold, predicate_type=predicate_type, registry=registry
        )
    verdicts = tuple(_verify_one(file, judge, given or read_sidecars(file), expect) for file in files)
    return VerifyReport(files=verdicts, as_of=at, rehearsal=unsafe_rehearsal)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Subject:
    """The file being judged: digests of its bytes, and the package in it where it is one."""

    path: str
    digests: Digests
    artifact: Artifact | None

    def read(self) -> bytes:
        """The bytes, for the one algorithm that cannot sign a digest (Ed25519)."""
        if self.artifact is not None:
            return self.artifact.data
        return read_bounded(self.path, max_bytes=DEFAULT_LIMITS.archive_packed_bytes)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counted:
    """One signature that counts."""

    signer: Signer
    label: str
    predicate_type: str | None


class _Judge(Protocol):
    """Which of the bundles count toward a subject."""

    threshold: int
    hint: str

    def count(
        self, subject: _Subject, bundles: Sequence[tuple[Bundle, str]]
    ) -> tuple[list[_Counted], list[RejectedSignature]]:
        """Those that count, and why each other one does not."""
        ...


class _KeyJudge:
    """Signatures by given keys: each key is its own holder."""

    def __init__(
        self,
        keys: Sequence[PathLike],
        *,
        threshold: int,
        predicate_type: str | None,
        expect: str | None,
        registry: str | None,
    ) -> None:
        self.keys = [load_public_key(key) for key in keys]
        self.threshold = threshold
        self.predicate_type = predicate_type
        self.expect = expect
        self.registry = registry_url_for("", trust=None, registry=registry) if registry is not None else None
        self.hint = "ask the signer for the bundle, or check that this is the right key"

    def count(
        self, subject: _Subject, bundles: Sequence[tuple[Bundle, str]]
    ) -> tuple[list[_Counted], list[RejectedSignature]]:
        counted: list[_Counted] = []
        rejected: list[RejectedSignature] = []
        for bundle, source in bundles:
            try:
                counted.append(self._check(subject, bundle))
            except (VerificationError, FormatError) as error:
                rejected.append(RejectedSignature(code=error.code, message=str(error), source=source))
        return counted, rejected

    def _check(self, subject: _Subject, bundle: Bundle) -> _Counted:
        from vxsec.formats.public_key import key_hint

        verified = verify_bundle(bundle, keys=self.keys, sha256=subject.digests.sha256, blob=subject.read)
        predicate = None
        if isinstance(verified, VerifiedStatement):
            predicate = verified.statement.predicate_type
            self._check_statement(subject, verified)
        elif self.predicate_type is not None or self.expect is not None:
            raise VerificationError("expected a statement, found a bare signature", code="statement.expected")
        return _Counted(
            signer=Signer(holder=verified.spki.hex(), spki=verified.spki),
            label=key_hint(verified.spki),
            predicate_type=predicate,
        )

    def _check_statement(self, subject: _Subject, verified: VerifiedStatement) -> None:
        statement = verified.statement
        if self.predicate_type is not None and statement.predicate_type != self.predicate_type:
            raise VerificationError(
                f"expected a statement of type {self.predicate_type!r}, found {statement.predicate_type!r}",
                code="statement.type",
            )
        from vxsec.model.package import PackageRef

        package = subject.artifact.package if subject.artifact is not None else None
        signed = verify_statement_subject(verified, digests=subject.digests, package=package)
        if self.expect is not None and not subject_names(signed, PackageRef.parse(self.expect)):
            raise VerificationError(
                f"expected a statement about {self.expect}, found one about {signed.name!r}",
                code="signature.subject-mismatch",
            )
        if self.registry is not None and statement.predicate.get("registry") != self.registry:
            raise VerificationError(
                f"expected a statement for {self.registry}, found one for {statement.predicate.get('registry')!r}",
                code="signature.registry-mismatch",
            )


class _TrustJudge:
    """Statements by keys of the trust document, in their role, for the right registry."""

    def __init__(
        self, trust: TrustRoot, *, now: datetime, threshold: int, predicate_type: str | None, registry: str | None
    ) -> None:
        self.trust = trust
        self.now = now
        self.threshold = threshold
        self.predicate_type = predicate_type or RELEASE_PREDICATE
        self.registry = registry
        self.hint = "sign it with: vxsec sign FILE --signer file:KEY, with a key of role machine in the trust document"

    def count(
        self, subject: _Subject, bundles: Sequence[tuple[Bundle, str]]
    ) -> tuple[list[_Counted], list[RejectedSignature]]:
        from vxsec.usecases.inputs import registry_url_for
        from vxsec.verification.release import SourceKind, derive_signatures

        if subject.artifact is None:
            raise UsageError(
                "a trust document judges package tarballs only",
                where=subject.path,
                hint="verify other files with --key",
            )
        package = subject.artifact.package
        signatures, _ = derive_signatures(
            [(bundle, source, SourceKind.GIVEN) for bundle, source in bundles],
            artifact_package=package,
            digests=subject.artifact.digests,
            registry_url=registry_url_for(package.name, trust=self.trust, registry=self.registry),
            trust=self.trust,
            now=self.now,
        )
        kinds = {RELEASE_PREDICATE: "release", APPROVAL_PREDICATE: "approval"}
        counted = [
            _Counted(
                signer=Signer(holder=s.holder, spki=s.spki, role=s.role),
                label=s.holder,
                predicate_type=self.predicate_type,
            )
            for s in signatures.signers
            if s.statement == kinds.get(self.predicate_type)
        ]
        return counted, list(signatures.rejected)


def _verify_one(
    file: PathLike, judge: _Judge, sidecars: Sequence[tuple[str, bytes]], expect: str | None
) -> FileVerdict:
    path = str(file)
    sha256, sha512 = "", ""
    try:
        subject = _open_subject(path, strict=expect is not None or isinstance(judge, _TrustJudge))
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


def _check_expected(subject: _Subject, expect: str | None) -> None:
    if expect is not None and subject.artifact is not None and str(subject.artifact.package) != expect:
        raise VerificationError(f"expected {expect}, found {subject.artifact.package}", code="manifest.unexpected")


def _open_subject(path: str, *, strict: bool) -> _Subject:
    """Read the file; a ``.tgz`` strictly, because what installs from it is what its archive says."""
    if not strict and not path.endswith(_PACKAGE_SUFFIX):
        return _Subject(path=path, digests=hash_file(path, max_bytes=DEFAULT_LIMITS.blob_bytes), artifact=None)
    artifact = require_artifact(path)
    return _Subject(path=path, digests=artifact.digests, artifact=artifact)


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
