"""Which signatures count toward a file: by signers given on the spot, or by a trust document."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from vxsec.errors import FormatError, UndecidedError, UsageError, VerificationError
from vxsec.host.files import read_bounded, read_if_exists
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.attestation import APPROVAL_PREDICATE, RELEASE_PREDICATE
from vxsec.model.quorum import Signer
from vxsec.model.report.verification import SignatureVerdict
from vxsec.model.verified import VerifiedStatement
from vxsec.usecases.inputs import registry_url_for
from vxsec.verification.bundle import subject_names, verify_bundle, verify_statement_subject
from vxsec.verification.checks import checks_of
from vxsec.verification.envelope import split_envelope

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from vxsec.formats.release_statement import ApprovalPredicate, ReleasePredicate
    from vxsec.model.artifact import Artifact
    from vxsec.model.attestation import Bundle, Envelope, RejectedSignature, Statement
    from vxsec.model.digest import Digests
    from vxsec.model.evidence import SignerFact
    from vxsec.model.package import PackageRef
    from vxsec.model.trust import TrustRoot
    from vxsec.model.verified import VerifiedBlob, VerifiedSignature
    from vxsec.usecases.signers_given import GivenSigners

    PathLike = str | os.PathLike[str]

__all__ = ["FileSubject", "GivenJudge", "Judge", "Judged", "TrustJudge", "rejected_verdict"]

_SHOWN = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSubject:
    """The file being judged: digests of its bytes, and the package in it where it is one."""

    path: str
    digests: Digests
    artifact: Artifact | None

    def read(self) -> bytes:
        """The bytes, for what cannot be checked from a digest (Ed25519, OpenPGP, SSH)."""
        if self.artifact is not None:
            return self.artifact.data
        return read_bounded(self.path, max_bytes=DEFAULT_LIMITS.archive_packed_bytes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One signature that was looked at; ``signer`` is there where it counts."""

    verdict: SignatureVerdict
    signer: Signer | None = None


class Judge(Protocol):
    """Which of the signatures count toward a subject."""

    threshold: int
    hint: str

    def judge_bundles(self, subject: FileSubject, bundles: Sequence[tuple[Bundle, str]]) -> Iterator[Judged]:
        """What becomes of each bundle, given with the file it was read from."""
        ...

    def judge_files(self, subject: FileSubject, signatures: Sequence[tuple[str, bytes]]) -> Iterator[Judged]:
        """What becomes of each signature that lies in a file of its own (``.asc``, ``.sshsig``)."""
        ...

    def split(self, envelope: Envelope) -> tuple[Bundle, ...]:
        """The signatures of a raw envelope that may count, each as a bundle of its own.

        Raises:
            VerificationError: There are none, or ``envelope.*``.
        """
        ...


class GivenJudge:
    """Signatures by signers that the caller names: each key, identity or fingerprint is its own holder."""

    def __init__(
        self,
        given: GivenSigners,
        *,
        now: datetime,
        threshold: int,
        predicate_type: str | None,
        expect: PackageRef | None,
        registry: str | None,
    ) -> None:
        self.given = given
        self.now = now
        self.threshold = threshold
        self.predicate_type = predicate_type
        self.expect = expect
        self.registry = registry_url_for("", trust=None, registry=registry) if registry is not None else None
        self.hint = (
            "ask the signer for the bundle, or see what the certificate says: vxsec doctor identity --bundle FILE"
            if given.identity is not None
            else "ask the signer for the bundle, or check that this is the right key"
        )

    def judge_bundles(self, subject: FileSubject, bundles: Sequence[tuple[Bundle, str]]) -> Iterator[Judged]:
        """As :meth:`Judge.judge_bundles`."""
        for bundle, source in bundles:
            evidence = hashlib.sha256(bundle.line).hexdigest()
            try:
                verified = self._verify(subject, bundle)
            except (VerificationError, FormatError, UndecidedError) as error:
                yield Judged(verdict=_refused(error, source=source, kind="bundle", evidence=evidence))
                continue
            signature = verified.signature
            holder, label = self._holder(signature)
            yield Judged(
                verdict=SignatureVerdict(
                    source=source,
                    kind="bundle",
                    counted=True,
                    code="verified",
                    message="the signature counts",
                    evidence=evidence,
                    signer=label,
                    predicate_type=verified.statement.predicate_type
                    if isinstance(verified, VerifiedStatement)
                    else None,
                    identity=signature.identity,
                    times=signature.times,
                    checks=signature.checks,
                ),
                signer=Signer(holder=holder, spki=signature.spki),
            )

    def judge_files(self, subject: FileSubject, signatures: Sequence[tuple[str, bytes]]) -> Iterator[Judged]:
        """As :meth:`Judge.judge_files`; each counts as a bare signature."""
        for source, data in signatures:
            kind = "openpgp" if source.endswith(".asc") else "sshsig"
            evidence = hashlib.sha256(data).hexdigest()
            try:
                self._require_bare()
                counted_by = self._verify_file(kind, data, subject)
            except (VerificationError, FormatError, UndecidedError) as error:
                yield Judged(verdict=_refused(error, source=source, kind=kind, evidence=evidence))
                continue
            label = self.given.names[counted_by]
            yield Judged(
                verdict=SignatureVerdict(
                    source=source,
                    kind=kind,
                    counted=True,
                    code="verified",
                    message="the signature counts",
                    evidence=evidence,
                    signer=label,
                ),
                signer=Signer(holder=counted_by.hex(), spki=counted_by),
            )

    def split(self, envelope: Envelope) -> tuple[Bundle, ...]:
        """As :meth:`Judge.split`."""
        names = {spki: check.hint for spki, check in self.given.detached.items()}
        return split_envelope(
            envelope, keys=[spki for spki in self.given.names if spki not in names], names=list(names.values())
        ).bundles

    def beside(self, subject: FileSubject) -> tuple[tuple[str, bytes], ...]:
        """The signature files beside the subject, of the kinds that a signer given here could have made."""
        kinds = ((".asc", self.given.fingerprints), (".sshsig", self.given.ssh))
        found = (
            (
                f"{subject.path}{suffix}",
                read_if_exists(f"{subject.path}{suffix}", max_bytes=DEFAULT_LIMITS.small_file_bytes),
            )
            for suffix, signers in kinds
            if signers
        )
        return tuple((path, data) for path, data in found if data is not None)

    def _holder(self, signature: VerifiedSignature) -> tuple[str, str]:
        """What a signature is counted by, and what it is called."""
        if signature.identity is None:
            return signature.spki.hex(), self.given.names[signature.spki]
        who = f"{signature.identity.subject} ({signature.identity.issuer})"
        return f"identity:{who}", who

    def _verify(self, subject: FileSubject, bundle: Bundle) -> VerifiedStatement | VerifiedBlob:
        from vxsec.verification.identity import require_identity

        verified = verify_bundle(
            bundle,
            keys=list(self.given.names),
            roots=self.given.roots,
            requirements=self.given.requirements,
            sha256=subject.digests.sha256,
            blob=subject.read,
            now=self.now,
            detached=self.given.detached,
        )
        if verified.signature.identity is not None:
            wanted, issuer = self.given.identity or ("", "")
            require_identity(verified.signature, subject=wanted, issuer=issuer)
        if isinstance(verified, VerifiedStatement):
            self._check_statement(subject, verified)
        else:
            self._require_bare()
        return verified

    def _verify_file(self, kind: str, data: bytes, subject: FileSubject) -> bytes:
        """Which signer made the signature; what it is counted by."""
        if kind == "sshsig":
            from vxsec.formats.sshsig import read_sshsig
            from vxsec.verification.sshsig import verify_sshsig

            named = read_sshsig(data, where="signature").public_key
            for key in self.given.ssh:
                if key.blob == named:
                    verify_sshsig(data, subject.read(), key=key)
                    return key.identity
            raise VerificationError(
                "signed with an SSH key that is none of those given", code="signature.untrusted-key"
            )
        from vxsec.usecases.openpgp import openpgp_port
        from vxsec.verification.openpgp import verify_openpgp

        verdict = verify_openpgp(
            data,
            subject.read(),
            certificates=self.given.keyring,
            allowed=self.given.fingerprints,
            run=openpgp_port(),
            now=self.now,
        )
        return verdict.spki

    def _require_bare(self) -> None:
        if self.predicate_type is not None or self.expect is not None:
            raise VerificationError("expected a statement, found a bare signature", code="statement.expected")

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
    """Statements by keys and identities of the trust document, in their role, for the right registry."""

    def __init__(
        self, trust: TrustRoot, *, now: datetime, threshold: int, predicate_type: str | None, registry: str | None
    ) -> None:
        self.trust = trust
        self.now = now
        self.threshold = threshold
        self.predicate_type = predicate_type or RELEASE_PREDICATE
        self.registry = registry
        self.hint = "sign it with: vxsec sign FILE --signer file:KEY, with a key of role machine in the trust document"

    def judge_bundles(self, subject: FileSubject, bundles: Sequence[tuple[Bundle, str]]) -> Iterator[Judged]:
        """As :meth:`Judge.judge_bundles`."""
        from vxsec.usecases.openpgp import trust_checks
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
            detached=trust_checks(self.trust, now=self.now),
        )
        kinds = {RELEASE_PREDICATE: "release", APPROVAL_PREDICATE: "approval"}
        for item in signatures.rejected:
            yield Judged(verdict=rejected_verdict(item))
        for fact in signatures.signers:
            if fact.statement == kinds.get(self.predicate_type):
                yield self._judge_fact(fact)

    def judge_files(self, subject: FileSubject, signatures: Sequence[tuple[str, bytes]]) -> Iterator[Judged]:
        """As :meth:`Judge.judge_files`: a bare signature never counts here."""
        del subject
        for source, data in signatures:
            error = VerificationError("expected a statement, found a bare signature", code="signature.bare")
            kind = "openpgp" if source.endswith(".asc") else "sshsig"
            yield Judged(verdict=_refused(error, source=source, kind=kind, evidence=hashlib.sha256(data).hexdigest()))

    def split(self, envelope: Envelope) -> tuple[Bundle, ...]:
        """As :meth:`Judge.split`."""
        from vxsec.usecases.openpgp import trust_checks

        checks = trust_checks(self.trust, now=self.now)
        plain = [key.spki for key in self.trust.keys if key.spki not in checks]
        return split_envelope(envelope, keys=plain, names=[check.hint for check in checks.values()]).bundles

    def _judge_fact(self, fact: SignerFact) -> Judged:
        try:
            if fact.expires is not None:
                _require_unexpired(fact.expires, self.now)
        except VerificationError as error:
            return Judged(verdict=_refused(error, source=fact.source, kind="bundle", evidence=fact.evidence))
        return Judged(
            verdict=SignatureVerdict(
                source=fact.source,
                kind="bundle",
                counted=True,
                code="verified",
                message="the signature counts",
                evidence=fact.evidence,
                signer=fact.holder,
                predicate_type=self.predicate_type,
                identity=fact.identity,
                times=fact.times,
                checks=fact.checks,
            ),
            signer=Signer(holder=fact.holder, spki=fact.spki, role=fact.role),
        )


def rejected_verdict(item: RejectedSignature) -> SignatureVerdict:
    """What is told of a signature that does not count."""
    return SignatureVerdict(
        source=item.source,
        kind="bundle",
        counted=False,
        code=item.code,
        message=item.message,
        evidence=item.evidence,
        checks=item.checks,
        undecided=item.undecided,
    )


def _refused(
    error: VerificationError | FormatError | UndecidedError, *, source: str, kind: str, evidence: str
) -> SignatureVerdict:
    return SignatureVerdict(
        source=source,
        kind=kind,
        counted=False,
        code=error.code,
        message=str(error),
        evidence=evidence,
        checks=checks_of(error) if isinstance(error, VerificationError) else (),
        undecided=isinstance(error, UndecidedError),
        hint=error.hint,
    )


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
