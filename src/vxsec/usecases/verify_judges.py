"""Which signatures count toward a file: by given keys, or by a trust document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from vxsec.errors import FormatError, UsageError, VerificationError
from vxsec.host.files import read_bounded
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.attestation import APPROVAL_PREDICATE, RELEASE_PREDICATE, RejectedSignature
from vxsec.model.quorum import Signer
from vxsec.model.verified import VerifiedStatement
from vxsec.usecases.inputs import load_public_key, registry_url_for
from vxsec.verification.bundle import subject_names, verify_bundle, verify_statement_subject

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from datetime import datetime

    from vxsec.formats.release_statement import ApprovalPredicate, ReleasePredicate
    from vxsec.model.artifact import Artifact
    from vxsec.model.attestation import Bundle, Statement
    from vxsec.model.digest import Digests
    from vxsec.model.package import PackageRef
    from vxsec.model.trust import TrustRoot

    PathLike = str | os.PathLike[str]

__all__ = ["Counted", "FileSubject", "Judge", "KeyJudge", "TrustJudge"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSubject:
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
class Counted:
    """One signature that counts."""

    signer: Signer
    label: str
    predicate_type: str | None


class Judge(Protocol):
    """Which of the bundles count toward a subject."""

    threshold: int
    hint: str

    def count(
        self, subject: FileSubject, bundles: Sequence[tuple[Bundle, str]]
    ) -> tuple[list[Counted], list[RejectedSignature]]:
        """Those that count, and why each other one does not."""
        ...


class KeyJudge:
    """Signatures by given keys: each key is its own holder."""

    def __init__(
        self,
        keys: Sequence[PathLike],
        *,
        now: datetime,
        threshold: int,
        predicate_type: str | None,
        expect: PackageRef | None,
        registry: str | None,
    ) -> None:
        self.now = now
        self.names = {load_public_key(key): str(key) for key in reversed(keys)}
        self.keys = list(self.names)
        self.threshold = threshold
        self.predicate_type = predicate_type
        self.expect = expect
        self.registry = registry_url_for("", trust=None, registry=registry) if registry is not None else None
        self.hint = "ask the signer for the bundle, or check that this is the right key"

    def count(
        self, subject: FileSubject, bundles: Sequence[tuple[Bundle, str]]
    ) -> tuple[list[Counted], list[RejectedSignature]]:
        """As :meth:`Judge.count`."""
        counted: list[Counted] = []
        rejected: list[RejectedSignature] = []
        for bundle, source in bundles:
            try:
                counted.append(self._check(subject, bundle))
            except (VerificationError, FormatError) as error:
                rejected.append(RejectedSignature(code=error.code, message=str(error), source=source))
        return counted, rejected

    def _check(self, subject: FileSubject, bundle: Bundle) -> Counted:
        verified = verify_bundle(bundle, keys=self.keys, sha256=subject.digests.sha256, blob=subject.read)
        predicate = None
        if isinstance(verified, VerifiedStatement):
            predicate = verified.statement.predicate_type
            self._check_statement(subject, verified)
        elif self.predicate_type is not None or self.expect is not None:
            raise VerificationError("expected a statement, found a bare signature", code="statement.expected")
        return Counted(
            signer=Signer(holder=verified.spki.hex(), spki=verified.spki),
            label=self.names[verified.spki],
            predicate_type=predicate,
        )

    def _check_statement(self, subject: FileSubject, verified: VerifiedStatement) -> None:
        statement = verified.statement
        if self.predicate_type is not None and statement.predicate_type != self.predicate_type:
            raise VerificationError(
                f"expected a statement of type {self.predicate_type!r}, found {statement.predicate_type!r}",
                code="statement.type",
            )
        package = subject.artifact.package if subject.artifact is not None else None
        signed = verify_statement_subject(verified, digests=subject.digests, package=package)
        # What the file itself holds was compared with --expect before: its ecosystem is the one meant.
        if self.expect is not None and not subject_names(signed, package or self.expect):
            raise VerificationError(
                f"expected a statement about {self.expect}, found one about {signed.name!r}",
                code="signature.subject-mismatch",
            )
        found = _own_predicate(statement)
        if self.registry is not None and (found is None or found.registry != self.registry):
            raise VerificationError(
                f"expected a statement for {self.registry}, found one for {found.registry if found else 'none'!r}",
                code="signature.registry-mismatch",
            )
        if found is not None and found.expires is not None:
            _require_unexpired(found.expires, self.now)


class TrustJudge:
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
        self, subject: FileSubject, bundles: Sequence[tuple[Bundle, str]]
    ) -> tuple[list[Counted], list[RejectedSignature]]:
        """As :meth:`Judge.count`."""
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
            registry_url=registry_url_for(
                package.name, trust=self.trust, registry=self.registry, ecosystem=package.ecosystem
            ),
            trust=self.trust,
            now=self.now,
        )
        kinds = {RELEASE_PREDICATE: "release", APPROVAL_PREDICATE: "approval"}
        rejected = list(signatures.rejected)
        counted: list[Counted] = []
        for fact in signatures.signers:
            if fact.statement != kinds.get(self.predicate_type):
                continue
            try:
                if fact.expires is not None:
                    _require_unexpired(fact.expires, self.now)
            except VerificationError as error:
                rejected.append(RejectedSignature(code=error.code, message=error.message, source=fact.source))
                continue
            signer = Signer(holder=fact.holder, spki=fact.spki, role=fact.role)
            counted.append(Counted(signer=signer, label=fact.holder, predicate_type=self.predicate_type))
        return counted, rejected


def _own_predicate(statement: Statement) -> ReleasePredicate | ApprovalPredicate | None:
    """Vxsec's own predicates are read strictly even where only a key is trusted; others are the reader's business."""
    if statement.predicate_type not in {RELEASE_PREDICATE, APPROVAL_PREDICATE}:
        return None
    from vxsec.formats.release_statement import read_approval_predicate, read_release_predicate

    release = statement.predicate_type == RELEASE_PREDICATE
    return read_release_predicate(statement) if release else read_approval_predicate(statement)


def _require_unexpired(expires: datetime, now: datetime) -> None:
    """A statement that has expired verifies only as of a time before (``--at``); installing does not judge it."""
    if now >= expires:
        raise VerificationError(
            f"the statement was to be used before {expires.isoformat()}",
            code="statement.expired",
            hint="ask for a new one, or judge as of then with --at",
        )
