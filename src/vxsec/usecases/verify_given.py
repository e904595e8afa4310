"""Signatures by signers that the caller names on the spot."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from vxsec.errors import FormatError, UndecidedError, VerificationError
from vxsec.formats.key_materials import materials_of
from vxsec.host.files import read_if_exists
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.attestation import APPROVAL_PREDICATE, RELEASE_PREDICATE
from vxsec.model.quorum import Signer
from vxsec.model.report.verification import SignatureVerdict
from vxsec.model.verification import CheckStatus
from vxsec.model.verified import VerifiedStatement
from vxsec.usecases.inputs import registry_url_for
from vxsec.usecases.verify_judges import FileSubject, Judged, refused_verdict, require_unexpired
from vxsec.verification.bundle import subject_names, verify_bundle, verify_statement_subject
from vxsec.verification.checks import Journal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from vxsec.formats.release_statement import ApprovalPredicate, ReleasePredicate
    from vxsec.model.attestation import Bundle, Statement
    from vxsec.model.package import PackageRef
    from vxsec.model.verification import Check
    from vxsec.model.verified import VerifiedBlob, VerifiedSignature
    from vxsec.usecases.signers_given import GivenSigners

__all__ = ["GivenJudge"]


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
                verified, checks = self._verify(subject, bundle)
            except (VerificationError, FormatError, UndecidedError) as error:
                yield Judged(verdict=refused_verdict(error, source=source, kind="bundle", evidence=evidence))
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
                    checks=checks,
                ),
                signer=self._signer(holder, signature.spki),
            )

    def judge_files(self, subject: FileSubject, signatures: Sequence[tuple[str, bytes]]) -> Iterator[Judged]:
        """As :meth:`Judge.judge_files`; each counts as a bare signature."""
        for source, data in signatures:
            kind = "openpgp" if source.endswith(".asc") else "sshsig"
            evidence = hashlib.sha256(data).hexdigest()
            try:
                self._require_bare()
                self._require_nothing_beside()
                counted_by = self._verify_file(kind, data, subject)
            except (VerificationError, FormatError, UndecidedError) as error:
                yield Judged(verdict=refused_verdict(error, source=source, kind=kind, evidence=evidence))
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
                signer=self._signer(counted_by.hex(), counted_by),
            )

    def candidates(self) -> tuple[list[bytes], list[str]]:
        """As :meth:`Judge.candidates`."""
        plain = [spki for spki in self.given.names if spki not in self.given.detached]
        return plain, [check.hint for check in self.given.detached.values()]

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

    def _signer(self, holder: str, counted_by: bytes) -> Signer:
        """As it is counted: keys of one secret, given in two forms, are one."""
        return Signer(
            holder=holder, spki=counted_by, materials=materials_of(counted_by, certificate=self.given.keyring)
        )

    def _verify(
        self, subject: FileSubject, bundle: Bundle
    ) -> tuple[VerifiedStatement | VerifiedBlob, tuple[Check, ...]]:
        verified = verify_bundle(
            bundle,
            keys=list(self.given.names),
            roots=self.given.roots,
            requirements=self.given.requirements,
            sha256=subject.digests.sha256,
            blob=subject.content,
            now=self.now,
            detached=self.given.detached,
        )
        journal = Journal(verified.signature.checks)
        try:
            with journal.step("identity", "a signer that was given"):
                self._require_given(verified.signature)
            if isinstance(verified, VerifiedStatement):
                self._check_statement(subject, verified, journal)
            else:
                with journal.step("statement-type", "a bare signature counts here"):
                    self._require_bare()
        except VerificationError as error:
            error.checks = journal.report()
            raise
        if isinstance(verified, VerifiedStatement):
            return verified, (*journal.report(), *_checked_provenance(verified))
        return verified, journal.report()

    def _require_given(self, signature: VerifiedSignature) -> None:
        if signature.identity is None:
            return
        from vxsec.verification.identity import require_identity

        subject, issuer = self.given.identity or ("", "")
        require_identity(signature, subject=subject, issuer=issuer)

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
        """A bare signature says nothing of a type, a name or a registry, and counts only where none is asked for."""
        if self.predicate_type is not None or self.expect is not None or self.registry is not None:
            raise VerificationError("expected a statement, found a bare signature", code="statement.expected")

    def _require_nothing_beside(self) -> None:
        """A signature that lies in a file of its own has neither log entry nor timestamp beside it."""
        asked = self.given.requirements
        if asked is not None and asked.asks_for_more:
            code = "tlog.too-few" if asked.log_entries else "timestamp.too-few" if asked.timestamps else "sct.too-few"
            raise VerificationError("expected evidence beside the signature, and a file of its own has none", code=code)

    def _check_statement(self, subject: FileSubject, verified: VerifiedStatement, journal: Journal) -> None:
        statement = verified.statement
        with journal.step("statement-type", "of a type that counts"):
            if self.predicate_type is not None and statement.predicate_type != self.predicate_type:
                raise VerificationError(
                    f"expected a statement of type {self.predicate_type!r}, found {statement.predicate_type!r}",
                    code="statement.type",
                )
        with journal.step("subject", "these bytes, under this name", evidence=subject.digests.sha256):
            self._check_subject(subject, verified)
        with journal.step("predicate", "it reads, and is for this registry"):
            found = _own_predicate(statement)
            if self.registry is not None and (found is None or found.registry != self.registry):
                raise VerificationError(
                    f"expected a statement for {self.registry}, found one for {found.registry if found else 'none'!r}",
                    code="signature.registry-mismatch",
                )
        if found is not None and found.expires is not None:
            with journal.step("expiry", "to be used still"):
                require_unexpired(found.expires, self.now)

    def _check_subject(self, subject: FileSubject, verified: VerifiedStatement) -> None:
        package = subject.artifact.package if subject.artifact is not None else None
        signed = verify_statement_subject(verified, digests=subject.digests, package=package)
        # What the file itself holds was compared with --expect before: its ecosystem is the one meant.
        if self.expect is not None and not subject_names(signed, package or self.expect):
            raise VerificationError(
                f"expected a statement about {self.expect}, found one about {signed.name!r}",
                code="signature.subject-mismatch",
            )


def _checked_provenance(verified: VerifiedStatement) -> tuple[Check, ...]:
    """What a build says of itself, held against the certificate it signed with; a contradiction is no provenance."""
    from vxsec.formats.slsa_provenance import SLSA_PROVENANCE

    if verified.statement.predicate_type != SLSA_PROVENANCE:
        return ()
    from vxsec.verification.provenance import check_provenance

    checks = check_provenance(verified, builders={}).checks
    for check in checks:
        if check.status is CheckStatus.FAILED:
            error = VerificationError(check.message, code=check.code or "provenance.mismatch")
            error.checks = checks
            raise error
    return checks


def _own_predicate(statement: Statement) -> ReleasePredicate | ApprovalPredicate | None:
    """Vxsec's own predicates are read strictly even where only a key is trusted; others are the reader's business."""
    if statement.predicate_type not in {RELEASE_PREDICATE, APPROVAL_PREDICATE}:
        return None
    from vxsec.formats.release_statement import read_approval_predicate, read_release_predicate

    release = statement.predicate_type == RELEASE_PREDICATE
    return read_release_predicate(statement) if release else read_approval_predicate(statement)
