"""What a verified SLSA provenance statement is worth: its words against its signer's certificate.

A predicate is whatever its signer wrote; the certificate holds what the issuer knew of the build that asked for it (Fulcio,
``docs/oid-info.md``). Each field that both speak of is compared; what only the predicate says stays a claim. The checks:

1. ``provenance.predicate``: the statement reads as provenance v1.
2. ``provenance.certificate``: a certificate with claims about a build signed it. A bare key vouches for nothing but itself.
3. ``provenance.build-type``: the build type is one whose members are known; of others nothing can be compared.
4. ``provenance.repository``, ``.ref``, ``.commit``, ``.workflow``, ``.trigger``, ``.runner``, ``.repository-id``,
   ``.owner-id``, ``.invocation`` and ``.builder``: predicate and certificate agree.
5. ``provenance.level``: the builder, named by the certificate, is in the trust root's table, which alone says its level.
6. ``provenance.separation``: who verifies is not who built.

Each passes, fails or is not run with the reason; nothing is left out, so that the absence of a word is seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.errors import FormatError
from vxsec.formats.slsa_provenance import read_provenance_predicate, workflow_source
from vxsec.model.verification import Check, CheckStatus
from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vxsec.formats.slsa_provenance import Provenance, WorkflowSource
    from vxsec.model.verification import CertificateIdentity
    from vxsec.model.verified import VerifiedStatement

__all__ = ["PROVENANCE_CHECKS", "ProvenanceVerdict", "check_provenance"]

_COMPARED = {
    "provenance.repository": "sourceRepositoryURI",
    "provenance.ref": "sourceRepositoryRef",
    "provenance.commit": "sourceRepositoryDigest",
    "provenance.workflow": "buildConfigURI",
    "provenance.trigger": "buildTrigger",
    "provenance.runner": "runnerEnvironment",
    "provenance.repository-id": "sourceRepositoryIdentifier",
    "provenance.owner-id": "sourceRepositoryOwnerIdentifier",
    "provenance.invocation": "runInvocationURI",
    "provenance.builder": "buildSignerURI",
}
"""The checks that compare, and the claim of the certificate that decides each."""
PROVENANCE_CHECKS = (
    "provenance.predicate",
    "provenance.certificate",
    "provenance.build-type",
    *_COMPARED,
    "provenance.level",
    "provenance.separation",
)
_NPM_BUILDER = "https://github.com/actions/runner/"
_SHOWN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenanceVerdict:
    """What the certificate proves of a build, and every check in the order of :data:`PROVENANCE_CHECKS`.

    ``claims`` are the certificate's alone; ``builder`` is who built, by the certificate; ``level`` its SLSA build level in the
    trust root's table, None where it is not there. ``provenance`` is what the predicate says, None where it cannot be read.
    """

    checks: tuple[Check, ...]
    claims: Mapping[str, str]
    builder: str | None
    level: int | None
    provenance: Provenance | None

    @property
    def agrees(self) -> bool:
        """Whether the predicate was read, a certificate speaks of the build, and no check failed.

        Repository and commit must be stated, and agree: a predicate that names no commit may be of any.
        """
        needed = {"provenance.predicate", "provenance.certificate", "provenance.build-type", "provenance.repository"}
        needed |= {"provenance.commit"} if self.claims.get(_COMPARED["provenance.commit"]) else set()
        passed = {check.id for check in self.checks if check.status is CheckStatus.PASSED}
        return needed <= passed and all(check.status is not CheckStatus.FAILED for check in self.checks)


def check_provenance(
    verified: VerifiedStatement, *, builders: Mapping[str, int], verifier: str | None = None
) -> ProvenanceVerdict:
    """Check a provenance statement whose signature verifies against the certificate that signed it.

    Args:
        verified: The statement; whether it is about a file is ``verification.bundle.verify_statement_subject``.
        builders: The trust root's table: SLSA build level by the certificate's build signer or its subject (the lower one
            where both are there). Who may issue such a certificate is ``verification.identity``'s question.
        verifier: Who will act on the answer (the subject of its own certificate), so that nobody vouches for itself.
    """
    identity = verified.signature.identity
    claims = dict(identity.claims) if identity is not None else {}
    builder = _builder(identity)
    checks: dict[str, Check] = {}
    provenance = _read(verified, checks)
    source = _source(provenance, checks)
    said = _said(provenance, source)
    checks["provenance.certificate"] = _certificate(identity)
    for identifier, claim in _COMPARED.items():
        checks[identifier] = _compare(identifier, claim, said.get(identifier), claims.get(claim))
    if provenance is not None and provenance.builder_id.startswith(_NPM_BUILDER):
        checks["provenance.builder"] = _npm_builder(provenance.builder_id, claims.get("runnerEnvironment"))
    names = {builder, identity.subject} if identity is not None else set()
    level = min((builders[name] for name in names if name is not None and name in builders), default=None)
    checks["provenance.level"] = _level(builder, level, builders)
    checks["provenance.separation"] = _separation(verifier, builder, identity)
    ordered = tuple(checks[identifier] for identifier in PROVENANCE_CHECKS)
    return ProvenanceVerdict(checks=ordered, claims=claims, builder=builder, level=level, provenance=provenance)


def _builder(identity: CertificateIdentity | None) -> str | None:
    """Who built: the build's signer where the certificate names one (a reusable workflow, say), else its subject."""
    return None if identity is None else identity.claims.get("buildSignerURI") or identity.subject


def _read(verified: VerifiedStatement, checks: dict[str, Check]) -> Provenance | None:
    identifier = "provenance.predicate"
    try:
        provenance = read_provenance_predicate(verified.statement)
    except FormatError as error:
        checks[identifier] = Check(
            id=identifier, status=CheckStatus.FAILED, message=str(error)[:_SHOWN], code=error.code
        )
        return None
    checks[identifier] = _passed(identifier, "a provenance predicate v1")
    return provenance


def _source(provenance: Provenance | None, checks: dict[str, Check]) -> WorkflowSource | None:
    identifier = "provenance.build-type"
    if provenance is None:
        checks[identifier] = _not_run(identifier, "the predicate was not read", code="provenance.not-stated")
        return None
    try:
        source = workflow_source(provenance)
    except FormatError as error:
        checks[identifier] = Check(
            id=identifier, status=CheckStatus.FAILED, message=str(error)[:_SHOWN], code=error.code
        )
        return None
    if source is None:
        message = f"of {provenance.build_type[:_SHOWN]!r} nothing can be compared"
        checks[identifier] = _not_run(identifier, message, code="provenance.build-type")
    else:
        checks[identifier] = _passed(identifier, provenance.build_type)
    return source


def _said(provenance: Provenance | None, source: WorkflowSource | None) -> dict[str, str | None]:
    if provenance is None:
        return {}
    said = {"provenance.builder": provenance.builder_id, "provenance.invocation": provenance.invocation_id}
    if source is None:
        return said
    return said | {
        "provenance.repository": source.repository,
        "provenance.ref": source.ref,
        "provenance.commit": source.commit,
        "provenance.workflow": source.workflow_uri,
        "provenance.trigger": source.event,
        "provenance.runner": source.runner,
        "provenance.repository-id": source.repository_id,
        "provenance.owner-id": source.owner_id,
    }


def _certificate(identity: CertificateIdentity | None) -> Check:
    identifier = "provenance.certificate"
    if identity is None:
        return _not_run(
            identifier, "signed with a bare key, which says nothing of a build", code="provenance.no-certificate"
        )
    if not any(claim in identity.claims for claim in _COMPARED.values()):
        return _not_run(identifier, "a certificate that says nothing of a build", code="provenance.no-claims")
    return _passed(identifier, f"issued to {identity.subject[:_SHOWN]!r} by {identity.issuer[:_SHOWN]!r}")


def _compare(identifier: str, claim: str, said: str | None, claimed: str | None) -> Check:
    if not claimed:
        return _not_run(identifier, f"the certificate has no {claim}", code="provenance.no-claim")
    if said is None:
        return _not_run(identifier, f"the predicate does not say what {claim} does", code="provenance.not-stated")
    if said != claimed:
        message = f"expected {claim} {claimed[:_SHOWN]!r}, found {said[:_SHOWN]!r} in the predicate"
        return Check(id=identifier, status=CheckStatus.FAILED, message=message, code="provenance.mismatch")
    return _passed(identifier, f"{claim} {claimed[:_SHOWN]!r}")


def _npm_builder(stated: str, runner: str | None) -> Check:
    """For npm, which names the kind of runner in place of the workflow: the certificate says that, too."""
    said = stated.removeprefix(_NPM_BUILDER)
    return _compare("provenance.builder", "runnerEnvironment", said, runner)


def _level(builder: str | None, level: int | None, builders: Mapping[str, int]) -> Check:
    identifier = "provenance.level"
    if builder is None or not builders:
        why = "nobody is known to have built it" if builder is None else "the trust root has no table of builders"
        return _not_run(identifier, why, code="provenance.no-builder")
    if level is None:
        message = f"{builder[:_SHOWN]!r} is not in the trust root's table of builders"
        return Check(id=identifier, status=CheckStatus.FAILED, message=message, code="provenance.unknown-builder")
    return _passed(identifier, f"SLSA build level {level}, by the trust root")


def _separation(verifier: str | None, builder: str | None, identity: CertificateIdentity | None) -> Check:
    identifier = "provenance.separation"
    if verifier is None or identity is None:
        return _not_run(identifier, "verifier or builder is not known", code="provenance.no-verifier")
    if verifier in {builder, identity.subject}:
        message = f"{verifier[:_SHOWN]!r} built it, and would verify its own work"
        return Check(id=identifier, status=CheckStatus.FAILED, message=message, code="provenance.self-verified")
    return _passed(identifier, "verifier and builder are different")


def _passed(identifier: str, message: str) -> Check:
    return Check(id=identifier, status=CheckStatus.PASSED, message=message)


def _not_run(identifier: str, message: str, *, code: str) -> Check:
    return Check(id=identifier, status=CheckStatus.NOT_RUN, message=message, code=code)
