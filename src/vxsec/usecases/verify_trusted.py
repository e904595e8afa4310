"""Signatures by the keys and identities of a trust root."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from vxsec.errors import UsageError, VerificationError
from vxsec.formats.key_materials import signer_of
from vxsec.model.attestation import APPROVAL_PREDICATE, RELEASE_PREDICATE
from vxsec.model.report.verification import SignatureVerdict
from vxsec.usecases.inputs import registry_url_for
from vxsec.usecases.openpgp import trust_checks
from vxsec.usecases.verify_judges import FileSubject, Judged, refused_verdict, rejected_verdict, require_unexpired
from vxsec.verification.checks import Journal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from vxsec.model.attestation import Bundle
    from vxsec.model.evidence import SignerFact
    from vxsec.model.trust import TrustRoot
    from vxsec.model.verification import Requirements

__all__ = ["TrustJudge"]


class TrustJudge:
    """Statements by keys and identities of the trust document, in their role, for the right registry."""

    def __init__(
        self,
        trust: TrustRoot,
        *,
        now: datetime,
        threshold: int,
        predicate_type: str | None,
        registry: str | None,
        requirements: Requirements | None = None,
    ) -> None:
        self.trust = trust
        self._detached = trust_checks(trust, now=now)
        self.now = now
        self.threshold = threshold
        self.predicate_type = predicate_type or RELEASE_PREDICATE
        self.registry = registry
        self.requirements = requirements
        self.hint = "sign it with: vxsec sign FILE --signer file:KEY, with a key of role machine in the trust document"

    def judge_bundles(self, subject: FileSubject, bundles: Sequence[tuple[Bundle, str]]) -> Iterator[Judged]:
        """As :meth:`Judge.judge_bundles`."""
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
            detached=self._detached,
            requirements=self.requirements,
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
            yield Judged(
                verdict=refused_verdict(error, source=source, kind=kind, evidence=hashlib.sha256(data).hexdigest())
            )

    def candidates(self) -> tuple[list[bytes], list[str]]:
        """As :meth:`Judge.candidates`."""
        plain = [key.spki for key in self.trust.keys if key.spki not in self._detached]
        return plain, [check.hint for check in self._detached.values()]

    def _judge_fact(self, fact: SignerFact) -> Judged:
        journal = Journal(fact.checks)
        try:
            if fact.expires is not None:
                with journal.step("expiry", "to be used still"):
                    require_unexpired(fact.expires, self.now)
        except VerificationError as error:
            error.checks = journal.report()
            return Judged(verdict=refused_verdict(error, source=fact.source, kind="bundle", evidence=fact.evidence))
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
                checks=journal.report(),
            ),
            signer=signer_of(fact, self.trust),
        )
