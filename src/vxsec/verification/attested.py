"""Statements that carry evidence (an SBOM, a scan): which of those found were made by a machine of the trust document.

A bundle counts when every line holds; the first that does not is the reason it is rejected with:

1. It is a statement, and its signature verifies under a key of the trust document, or a certificate of one of its Sigstore
   instances whose identity it lists (``vxsec.verification.bundle``).
2. The predicate type is the one asked for, or a version of it (``TYPE/…``).
3. A subject is these bytes by every strong digest stated, and this package where it is named by a purl.
4. The key or identity has the role ``machine``, and so has its holder; it was in its window, and nothing is taken back.

What the predicate then says is read by whoever asked: here only its maker is established.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.errors import FormatError, VxsecError
from vxsec.formats.statement import read_statement
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.attestation import Bundle, Envelope, RejectedSignature
from vxsec.model.trust import HolderKind, Role
from vxsec.model.verified import VerifiedBlob, VerifiedStatement
from vxsec.values import dataclass
from vxsec.verification.bundle import verify_bundle, verify_statement_subject
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
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from vxsec.model.digest import Digests
    from vxsec.model.evidence import SignerFact
    from vxsec.model.package import PackageRef
    from vxsec.model.trust import TrustRoot
    from vxsec.verification.detached import DetachedChecks

__all__ = ["Attested", "derive_attested", "derive_attested_by_keys"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attested:
    """One verified statement about the bytes, and the machine that made it."""

    statement: VerifiedStatement
    signer: SignerFact


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """What every bundle is judged against."""

    predicate_type: str
    package: PackageRef
    digests: Digests
    trust: TrustRoot
    now: datetime
    detached: DetachedChecks
    limits: Limits


def derive_attested(
    bundles: Iterable[tuple[Bundle | RejectedSignature, str]],
    *,
    predicate_type: str,
    package: PackageRef,
    digests: Digests,
    trust: TrustRoot,
    now: datetime,
    detached: DetachedChecks | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> tuple[tuple[Attested, ...], tuple[RejectedSignature, ...], str | None]:
    """The statements of one type that machines of the trust document made about these bytes.

    Guarantees: each bundle counts once, however often it occurs; at most ``limits.bundles_per_subject`` of that type are
    looked at, and the third value is a sentence where there were more.

    Args:
        bundles: Each with the file or registry version it was read from.
        predicate_type: A URI; versions of it (``URI/…``) count too.
        package: Name and version from the archive's own manifest.
        digests: Of the archive.
        trust: Keys, holders, windows and revocations.
        now: The time of judgement, aware.
        detached: As in :func:`vxsec.verification.release.derive_signatures`.
        limits: Bounds on bundles and keys.

    Returns:
        Those that count, those of that type that do not with the reason, and what is incomplete.
    """
    case = _Case(
        predicate_type=predicate_type,
        package=package,
        digests=digests,
        trust=trust,
        now=now,
        detached=detached or {},
        limits=limits,
    )
    candidates: dict[bytes, tuple[Bundle, str]] = {}
    for item, source in bundles:
        if isinstance(item, Bundle) and _claims(item, predicate_type, limits):
            candidates.setdefault(item.line, (item, source))
    considered = list(candidates.values())[: limits.bundles_per_subject]
    incomplete = None
    if len(candidates) > len(considered):
        incomplete = f"only {len(considered)} of {len(candidates)} attestations were looked at"
    found: list[Attested] = []
    rejected: list[RejectedSignature] = []
    for bundle, source in considered:
        try:
            found.append(_derive(bundle, source, case))
        except VxsecError as error:
            rejected.append(rejected_signature(error, bundle, source))
    return tuple(found), tuple(rejected), incomplete or undecided_note(rejected)


def derive_attested_by_keys(
    bundles: Iterable[tuple[Bundle | RejectedSignature, str]],
    *,
    predicate_type: str,
    package: PackageRef,
    digests: Digests,
    keys: Sequence[bytes],
    limits: Limits = DEFAULT_LIMITS,
) -> tuple[tuple[tuple[VerifiedStatement, str], ...], tuple[RejectedSignature, ...]]:
    """As :func:`derive_attested`, where any of ``keys`` (canonical DER) may have made the statement, at any time.

    Returns:
        Those that count with their source, and those of that type that do not with the reason.
    """
    found: list[tuple[VerifiedStatement, str]] = []
    rejected: list[RejectedSignature] = []
    claiming = [
        (item, source) for item, source in bundles if isinstance(item, Bundle) and _claims(item, predicate_type, limits)
    ]
    for bundle, source in claiming[: limits.bundles_per_subject]:
        try:
            verified = verify_bundle(bundle, keys=tuple(keys), sha256=digests.sha256, limits=limits)
            if isinstance(verified, VerifiedBlob) or not _is_type(verified.statement.predicate_type, predicate_type):
                raise rejection("statement.type", predicate_type, "something else")
            verify_statement_subject(verified, digests=digests, package=package)
        except VxsecError as error:
            rejected.append(rejected_signature(error, bundle, source))
        else:
            found.append((verified, source))
    return tuple(found), tuple(rejected)


def _derive(bundle: Bundle, source: str, case: _Case) -> Attested:
    """One bundle; the numbers are those at the top of this file."""
    # 1. Signature.
    verified = verify_by_trust(
        bundle,
        trust=case.trust,
        digests=case.digests,
        now=case.now,
        detached=case.detached,
        limits=case.limits,
    )
    # 2. Type.
    if isinstance(verified, VerifiedBlob) or not _is_type(verified.statement.predicate_type, case.predicate_type):
        raise rejection("statement.type", case.predicate_type, "something else")
    # 3. Subject.
    verify_statement_subject(verified, digests=case.digests, package=case.package)
    # 4. Role, time and revocation.
    signatory = signatory_of(verified.signature, case.trust)
    require_role(signatory, Role.MACHINE, HolderKind.MACHINE, "an attestation")
    require_good(signatory, verified.signature, trust=case.trust, digests=case.digests, now=case.now)
    fact = signer_fact(
        case.predicate_type,
        signatory,
        verified.signature,
        trust=case.trust,
        now=case.now,
        role=Role.MACHINE,
        source=source,
    )
    return Attested(statement=verified, signer=fact)


def _claims(bundle: Bundle, predicate_type: str, limits: Limits) -> bool:
    """Whether the bundle says it is of that type; read without verifying, to leave out what nobody asked for."""
    if not isinstance(bundle.content, Envelope):
        return False
    try:
        statement = read_statement(bundle.content.payload, where="statement", limits=limits)
    except FormatError:
        return False
    return _is_type(statement.predicate_type, predicate_type)


def _is_type(found: str, wanted: str) -> bool:
    return found == wanted or found.startswith(f"{wanted}/")
