"""What the bundles found for one package prove: who signed the release, who approved it, and why the rest does not count.

A bundle counts when every line holds; the first that does not is the reason it is rejected with:

1. It is a statement, and its signature verifies under a key of the trust document, or under a certificate of one of its
   Sigstore instances (``vxsec.verification.bundle``) whose identity the document lists.
2. The predicate type is a release or an approval.
3. A subject is this package by name, and these bytes by every strong digest stated.
4. The predicate reads; its registry is this package's registry; a release names this version.
5. The key or identity has the role the statement needs, and so has its holder: machines release, people approve.
6. It was in its window when it signed, and neither it nor the bytes are taken back (``vxsec.verification.standing``).

``expires`` is carried and not judged: it binds publish and promote, not install. Distinct persons and keys are counted by
``vxsec.model.quorum``.
"""

from __future__ import annotations

import hashlib
from enum import Enum, StrEnum, auto
from typing import TYPE_CHECKING

from vxsec.errors import FormatError, VerificationError, VxsecError
from vxsec.formats.release_statement import (
    ApprovalPredicate,
    ReleasePredicate,
    read_approval_predicate,
    read_release_predicate,
)
from vxsec.formats.statement import STRONG_DIGESTS, read_statement
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.attestation import APPROVAL_PREDICATE, RELEASE_PREDICATE, Bundle, Envelope, RejectedSignature
from vxsec.model.evidence import ApprovalEvidence, ApprovalFact, SignatureEvidence, SignerFact
from vxsec.model.sbom import CYCLONEDX_PREDICATE
from vxsec.model.scan import SCAN_PREDICATE
from vxsec.model.trust import HolderKind, Role
from vxsec.model.verified import VerifiedBlob, VerifiedStatement
from vxsec.values import dataclass
from vxsec.verification.bundle import subject_names, subject_states, verify_statement_subject
from vxsec.verification.checks import Journal
from vxsec.verification.standing import (
    rejected_signature,
    rejection,
    require_good,
    require_role,
    signatory_of,
    signer_fact,
    undecided_note,
    verify_by_trust,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from vxsec.model.attestation import Statement
    from vxsec.model.digest import Digests
    from vxsec.model.package import PackageRef
    from vxsec.model.trust import TrustRoot
    from vxsec.model.verification import Requirements
    from vxsec.verification.detached import DetachedChecks
    from vxsec.verification.standing import Signatory

__all__ = ["SourceKind", "derive_signatures"]

_SHOWN = 120


class SourceKind(StrEnum):
    """How a bundle came to be looked at."""

    GIVEN = "given"
    """For exactly this file: its sidecar, or ``--bundle``."""
    FOUND = "found"
    """By searching: an evidence folder, a registry."""


class _About(Enum):
    """Whose bytes a bundle speaks of, by its own words."""

    THESE_BYTES = auto()
    THIS_VERSION = auto()  # other bytes under this name and version
    OTHERS = auto()
    UNCLEAR = auto()
    NO_RELEASE = auto()  # an attested SBOM or scan: evidence of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """What every bundle is judged against."""

    package: PackageRef
    digests: Digests
    registry_url: str | None
    trust: TrustRoot
    detached: DetachedChecks
    requirements: Requirements | None
    now: datetime
    limits: Limits


def derive_signatures(
    bundles: Sequence[tuple[Bundle | RejectedSignature, str, SourceKind]],
    *,
    artifact_package: PackageRef,
    digests: Digests,
    registry_url: str | None,
    trust: TrustRoot,
    now: datetime,
    detached: DetachedChecks | None = None,
    requirements: Requirements | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> tuple[SignatureEvidence, ApprovalEvidence]:
    """Derive the signature and approval evidence of one package from everything found.

    Guarantees: every fact is a statement whose signature was checked here, by a key that may make it, about these bytes
    under this name for this registry. Everything else is listed with its reason and changes nothing else, except that
    bundles which a search found and which speak only of other packages are left out, as are attested SBOMs and scans
    (``verification.attested``). The result does not depend on how often a bundle occurs. What was given for the file
    comes first; beyond ``limits.bundles_per_subject`` nothing is looked at, and the evidence says that the search is
    incomplete.

    Args:
        bundles: Each with the file or registry version it was read from and how it was found.
        artifact_package: Name and version from the tarball's own manifest.
        digests: Of the tarball.
        registry_url: Normalised URL of the registry the package is for; None where no registry lists it, and then
            nothing counts.
        trust: Keys, holders, trusted roots, windows and revocations.
        now: The time of judgement, aware.
        detached: How signatures by OpenPGP and SSH keys are checked, by what the key is counted by; without it they do not
            count.
        requirements: Evidence asked for beside each signature; what the trusted root lists where None.
        limits: Bounds on bundles and keys.
    """
    case = _Case(
        package=artifact_package,
        digests=digests,
        registry_url=registry_url,
        trust=trust,
        detached=detached or {},
        requirements=requirements,
        now=now,
        limits=limits,
    )
    facts: dict[tuple[object, ...], SignerFact | ApprovalFact] = {}
    rejected: list[RejectedSignature] = []
    candidates, unreadable, foreign = _select(bundles, case)
    considered = candidates[: limits.bundles_per_subject]
    incomplete = None
    if len(candidates) > len(considered):
        incomplete = f"only {len(considered)} of {len(candidates)} bundles were looked at"
    for bundle, source in considered:
        try:
            fact = _derive_fact(bundle, source, case)
        except VxsecError as error:
            rejected.append(rejected_signature(error, bundle, source))
        else:
            facts.setdefault(_identity(fact), fact)
    rejected += unreadable
    incomplete = incomplete or undecided_note(rejected)
    approvals = tuple(fact for fact in facts.values() if isinstance(fact, ApprovalFact))
    signers = tuple(fact.signer if isinstance(fact, ApprovalFact) else fact for fact in facts.values())
    return (
        SignatureEvidence(signers=signers, rejected=tuple(rejected), foreign=foreign, incomplete=incomplete),
        ApprovalEvidence(approvals=approvals, foreign=foreign, incomplete=incomplete),
    )


def _select(
    bundles: Sequence[tuple[Bundle | RejectedSignature, str, SourceKind]], case: _Case
) -> tuple[list[tuple[Bundle, str]], list[RejectedSignature], bool]:
    """The distinct bundles to judge, given ones first, what could not be read, and whether something speaks of other bytes.

    What a search turned up about other packages is left out: a folder may hold the evidence of a whole workspace.
    """
    candidates: dict[bytes, tuple[Bundle, str]] = {}
    unreadable: list[RejectedSignature] = []
    foreign = False
    for item, source, kind in sorted(bundles, key=lambda one: one[2] is not SourceKind.GIVEN):
        if isinstance(item, RejectedSignature):
            unreadable.append(item)
            continue
        about = _about(item, case)
        if about is _About.NO_RELEASE:
            continue
        foreign = foreign or about is _About.THIS_VERSION or (about is _About.OTHERS and kind is SourceKind.GIVEN)
        if about is not _About.OTHERS or kind is SourceKind.GIVEN:
            candidates.setdefault(item.line, (item, source))
    return list(candidates.values()), unreadable, foreign


def _derive_fact(bundle: Bundle, source: str, case: _Case) -> SignerFact | ApprovalFact:
    """One bundle to one fact; the numbers are those at the top of this file."""
    # 1. Signature.
    verified = verify_by_trust(
        bundle,
        trust=case.trust,
        digests=case.digests,
        now=case.now,
        detached=case.detached,
        requirements=case.requirements,
        limits=case.limits,
    )
    journal = Journal(verified.signature.checks)
    try:
        found = _judge(verified, case, journal)
    except VerificationError as error:
        error.checks = journal.report()
        raise
    signer = signer_fact(
        found.statement,
        found.signatory,
        verified.signature,
        trust=case.trust,
        now=case.now,
        role=found.role,
        source=source,
        created_at=found.predicate.created_at,
        expires=found.predicate.expires,
        evidence=hashlib.sha256(bundle.line).hexdigest(),
        checks=journal.report(),
    )
    if isinstance(found.predicate, ReleasePredicate):
        return signer
    return ApprovalFact(
        signer=signer,
        policy_name=found.predicate.policy_name,
        policy_min_version=found.predicate.policy_min_version,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A statement that counts, and who made it in which role."""

    statement: str
    predicate: ReleasePredicate | ApprovalPredicate
    signatory: Signatory
    role: Role


def _judge(verified: VerifiedStatement | VerifiedBlob, case: _Case, journal: Journal) -> _Found:
    if isinstance(verified, VerifiedBlob):
        raise rejection("signature.bare", "a release or approval statement", "a bare signature over the file")
    kind = verified.statement.predicate_type
    release = kind == RELEASE_PREDICATE
    # 2. Type.
    with journal.step("statement-type", "a release or an approval"):
        if kind not in {RELEASE_PREDICATE, APPROVAL_PREDICATE}:
            expected = f"{RELEASE_PREDICATE} or {APPROVAL_PREDICATE}"
            raise rejection("statement.type", expected, repr(kind[:_SHOWN]))
    # 3. Subject.
    with journal.step("subject", "these bytes, under this name", evidence=case.digests.sha256):
        verify_statement_subject(verified, digests=case.digests, package=case.package)
    # 4. Predicate.
    with journal.step("predicate", "for this registry, and this version"):
        predicate = (read_release_predicate if release else read_approval_predicate)(verified.statement)
        _require_registry(predicate, case)
        if isinstance(predicate, ReleasePredicate) and predicate.version != case.package.version:
            raise rejection("statement.version", f"version {case.package.version!r}", repr(predicate.version[:_SHOWN]))
    # 5. Role.
    with journal.step("identity", "a signer of the trust root"):
        signatory = signatory_of(verified.signature, case.trust)
    role = Role.MACHINE if release else Role.HUMAN
    with journal.step("role", f"{role.value}: {signatory.holder.id}"):
        if release:
            require_role(signatory, Role.MACHINE, HolderKind.MACHINE, "a release")
        else:
            require_role(signatory, Role.HUMAN, HolderKind.PERSON, "an approval")
    # 6. Time and revocation.
    with journal.step("standing", "in its window, and nothing is taken back"):
        require_good(signatory, verified.signature, trust=case.trust, digests=case.digests, now=case.now)
    return _Found(statement="release" if release else "approval", predicate=predicate, signatory=signatory, role=role)


def _require_registry(predicate: ReleasePredicate | ApprovalPredicate, case: _Case) -> None:
    """Exact: both sides are normalised, and another spelling was not written by us."""
    if case.registry_url is None or predicate.registry != case.registry_url:
        expected = case.registry_url or "a registry of the trust document that lists this package"
        raise rejection("signature.registry-mismatch", expected, repr(predicate.registry[:_SHOWN]))


def _identity(fact: SignerFact | ApprovalFact) -> tuple[object, ...]:
    """What makes two facts one: everything but where they were read."""
    if isinstance(fact, ApprovalFact):
        return (*_identity(fact.signer), fact.policy_name, fact.policy_min_version)
    return fact.statement, fact.key_id, fact.created_at, fact.expires


def _about(bundle: Bundle, case: _Case) -> _About:
    """Whose bytes a bundle speaks of.

    Read without verifying: it decides which of two refusals is named, and what need not be looked at further; what counts
    is judged on the verified statement alone.
    """
    content = bundle.content
    if not isinstance(content, Envelope):
        if content.digest is None or content.digest_algorithm != "SHA2_256":
            return _About.UNCLEAR
        return _About.THESE_BYTES if content.digest == bytes.fromhex(case.digests.sha256) else _About.OTHERS
    try:
        statement = read_statement(content.payload, where="statement", limits=case.limits)
    except FormatError:
        return _About.UNCLEAR
    return _about_statement(statement, case)


def _about_statement(statement: Statement, case: _Case) -> _About:
    if statement.predicate_type.startswith((CYCLONEDX_PREDICATE, SCAN_PREDICATE)):
        return _About.NO_RELEASE
    if any(subject_states(subject, case.digests) for subject in statement.subjects):
        return _About.THESE_BYTES
    strong = [subject for subject in statement.subjects if not set(STRONG_DIGESTS).isdisjoint(subject.digest)]
    if any(subject_names(subject, case.package) for subject in strong):
        return _About.THIS_VERSION
    return _About.OTHERS if strong else _About.UNCLEAR
