"""Whether whoever signed may say what was said: its role, its window, and that nobody took it back.

Time is trusted or it is now. Where the signature has trusted times (a transparency log, a timestamp authority), a window is
judged at each of them, and a revocation at the earliest: a signature that is shown to be older than the day something was
superseded or stolen stays good. Without one everything is judged now, and what was compromised is never good, because
nothing shows that a signature is older than the theft. What a log or timestamp authority said after it was taken back is no
trusted time, and no evidence: it is not counted, and what was asked for must be there without it. A certificate of an
authority that was taken back is judged as a key is.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from vxsec.errors import UndecidedError, VerificationError
from vxsec.formats.public_key import key_algorithm
from vxsec.formats.timestamps import render_time
from vxsec.model.attestation import RejectedSignature
from vxsec.model.evidence import SignerFact
from vxsec.model.trust import KeyKind, RevocationReason
from vxsec.model.verification import AuthorityKind
from vxsec.values import dataclass
from vxsec.verification.authorities import count_authorities
from vxsec.verification.bundle import verify_bundle
from vxsec.verification.checks import checks_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from vxsec.errors import VxsecError
    from vxsec.limits import Limits
    from vxsec.model.attestation import Bundle
    from vxsec.model.digest import Digests
    from vxsec.model.trust import Holder, HolderKind, Role, TrustedKey, TrustRoot
    from vxsec.model.verification import Check, Requirements, TrustedTime
    from vxsec.model.verified import VerifiedBlob, VerifiedSignature, VerifiedStatement
    from vxsec.verification.detached import DetachedChecks

__all__ = [
    "Signatory",
    "rejected_signature",
    "rejection",
    "require_good",
    "require_role",
    "signatory_of",
    "signer_fact",
    "undecided_note",
    "verify_by_trust",
]

_SHOWN = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Signatory:
    """A key or a certificate identity of the trust document, and its holder: what a verified signature was made with.

    ``id`` names it in messages; exactly one of ``key_id`` and ``identity`` (subject and issuer) is there.
    """

    id: str
    holder: Holder
    roles: tuple[Role, ...]
    algorithm: str
    valid_from: datetime | None
    valid_until: datetime | None
    key_id: str | None = None
    identity: tuple[str, str] | None = None


def verify_by_trust(
    bundle: Bundle,
    *,
    trust: TrustRoot,
    digests: Digests,
    now: datetime,
    detached: DetachedChecks,
    requirements: Requirements | None = None,
    limits: Limits,
) -> VerifiedStatement | VerifiedBlob:
    """Verify a bundle by the keys of a trust root, or by a certificate of one of its Sigstore instances.

    Raises:
        UsageError: As :func:`vxsec.verification.bundle.verify_bundle`.
        VerificationError: Likewise.
    """
    return verify_bundle(
        bundle,
        keys=[key.spki for key in trust.keys],
        roots=trust.trusted_roots,
        requirements=requirements,
        sha256=digests.sha256,
        now=now,
        detached=detached,
        limits=limits,
    )


def signatory_of(signature: VerifiedSignature, trust: TrustRoot) -> Signatory:
    """Who in the trust document made a verified signature.

    Raises:
        VerificationError: ``identity.untrusted``: no holder has the certificate's identity, or the Sigstore instance that
            issued the certificate does not vouch for the identity's issuer.
    """
    if signature.identity is None:
        key = next(key for key in trust.keys if key.spki == signature.spki)
        return Signatory(
            id=f"key {key.id!r}",
            holder=key.holder,
            roles=key.roles,
            algorithm=_algorithm(key),
            valid_from=key.valid_from,
            valid_until=key.valid_until,
            key_id=key.id,
        )
    subject, issuer = signature.identity.subject, signature.identity.issuer
    found = trust.identity(subject, issuer)
    vouched = any(root.sha256 == signature.root and root.vouches_for(issuer) for root in trust.trusted_roots)
    if found is None or not vouched:
        raise rejection(
            "identity.untrusted",
            "an identity of the trust document",
            f"{subject[:_SHOWN]!r} of issuer {issuer[:_SHOWN]!r}",
        )
    holder, identity = found
    return Signatory(
        id=f"identity {subject[:_SHOWN]!r}",
        holder=holder,
        roles=identity.roles,
        algorithm=key_algorithm(signature.spki),
        valid_from=identity.valid_from,
        valid_until=identity.valid_until,
        identity=(subject, issuer),
    )


def signer_fact(
    statement: str,
    signatory: Signatory,
    signature: VerifiedSignature,
    *,
    trust: TrustRoot,
    now: datetime,
    role: Role,
    source: str,
    created_at: datetime | None = None,
    expires: datetime | None = None,
    evidence: str = "",
    checks: tuple[Check, ...] = (),
) -> SignerFact:
    """What a signature that counts states about whoever made it.

    Args:
        statement: ``release``, ``approval``, or a predicate type.
        signatory: Who.
        signature: How it was verified.
        trust: What is taken back: a log or timestamp authority in it is not counted.
        now: The time of judgement, aware.
        role: The role it counts in.
        source: The file or registry version it was read from.
        created_at: The signer's claim.
        expires: The signer's claim.
        evidence: SHA-256 (hex) of the bundle.
        checks: What was checked, as it is told.
    """
    left = _what_is_left(signature, trust, now)
    return SignerFact(
        statement=statement,
        holder=signatory.holder.id,
        role=role,
        key_id=signatory.key_id or signature.spki.hex(),
        spki=signature.spki,
        algorithm=signatory.algorithm,
        created_at=created_at,
        expires=expires,
        source=source,
        identity=signature.identity,
        times=left.times,
        log_entries=left.log_entries,
        timestamps=left.timestamps,
        scts=left.scts,
        evidence=evidence,
        checks=checks or signature.checks,
    )


def require_role(signatory: Signatory, role: Role, kind: HolderKind, what: str) -> None:
    """The signatory has the role that ``what`` needs, and so has its holder.

    Raises:
        VerificationError: ``signature.role``.
    """
    if role not in signatory.roles or signatory.holder.kind is not kind:
        raise rejection(
            "signature.role",
            f"{what} by a signer of role {role.value}, held by a {kind.value}",
            f"{signatory.id} with {', '.join(signatory.roles) or 'no role'}, held by a {signatory.holder.kind.value}",
        )


def require_good(
    signatory: Signatory, signature: VerifiedSignature, *, trust: TrustRoot, digests: Digests, now: datetime
) -> None:
    """The signatory was in its window when it signed, and neither it nor the bytes are taken back.

    Raises:
        VerificationError: ``key.not-yet-valid``, ``key.expired``, ``key.revoked``, ``identity.revoked``,
            ``digest.revoked``, ``certificate.distrusted`` (issued by an authority that was taken back) or
            ``tlog.distrusted`` (without what was taken back there is too little evidence, or for a certificate no time).
    """
    left = _what_is_left(signature, trust, now)
    times = [time.at for time in left.times]
    if signature.identity is not None and not times:
        raise rejection(
            "tlog.distrusted", "a time from a log or timestamp authority in good standing", "none that is left"
        )
    _require_enough(left, signature.required)
    for moment in times or [now]:
        _require_window(signatory, moment)
    earliest = min(times) if times else None
    _require_issuer(signature, earliest, trust, now)
    for revoked in trust.key_revocations:
        if revoked.key == signatory.key_id and _is_void(revoked.reason, revoked.since, earliest, now):
            raise _revoked("key.revoked", signatory.id, revoked.reason, revoked.since)
    for taken in trust.identity_revocations:
        if (taken.subject, taken.issuer) == signatory.identity and _is_void(taken.reason, taken.since, earliest, now):
            raise _revoked("identity.revoked", signatory.id, taken.reason, taken.since)
    for digest in trust.digest_revocations:
        if digest.sha512 == digests.sha512 and _is_void(digest.reason, digest.since, None, now):
            raise _revoked("digest.revoked", "bytes", digest.reason, digest.since)


def rejection(code: str, expected: str, found: str) -> VerificationError:
    """Why one signature does not count."""
    return VerificationError(f"expected {expected}, found {found}", code=code)


def rejected_signature(error: VxsecError, bundle: Bundle, source: str) -> RejectedSignature:
    """What is told of a bundle that does not count, and whether that is because it could not be judged."""
    return RejectedSignature(
        code=error.code,
        message=error.message,
        source=source,
        evidence=hashlib.sha256(bundle.line).hexdigest(),
        checks=checks_of(error) if isinstance(error, VerificationError) else (),
        undecided=isinstance(error, UndecidedError),
    )


def undecided_note(rejected: Iterable[RejectedSignature]) -> str | None:
    """A sentence where something could not be judged, so that the search counts as unfinished."""
    left = [item for item in rejected if item.undecided]
    return f"{len(left)} could not be judged: {left[0].message} [{left[0].code}]" if left else None


def _require_window(signatory: Signatory, moment: datetime) -> None:
    judged = f"a judgement at {render_time(moment)}"
    if signatory.valid_from is not None and moment < signatory.valid_from:
        raise rejection("key.not-yet-valid", f"{signatory.id} from {render_time(signatory.valid_from)} on", judged)
    if signatory.valid_until is not None and moment >= signatory.valid_until:
        raise rejection("key.expired", f"{signatory.id} before {render_time(signatory.valid_until)}", judged)


class _Left(NamedTuple):
    """The evidence beside a signature without what was taken back."""

    times: tuple[TrustedTime, ...]
    log_entries: int
    timestamps: int
    scts: int


def _what_is_left(signature: VerifiedSignature, trust: TrustRoot, now: datetime) -> _Left:
    """An entry whose log states no time is as old as the signature is shown to be."""
    times = tuple(time for time in signature.times if _is_believed(time.authority, time.at, trust, now))
    moment = min((time.at for time in times), default=now)
    kept = [one for one in signature.authorities if _is_believed(one.uri, one.at or moment, trust, now)]
    return _Left(
        times=times,
        log_entries=count_authorities(kept, AuthorityKind.LOG),
        timestamps=count_authorities(kept, AuthorityKind.TIMESTAMP),
        scts=count_authorities(kept, AuthorityKind.CERTIFICATE_LOG),
    )


def _is_believed(uri: str, at: datetime, trust: TrustRoot, now: datetime) -> bool:
    """A compromised authority may have said anything, whatever time it states; a superseded one only until then."""
    return not any(
        taken.uri == uri
        and (taken.reason is RevocationReason.COMPROMISED or (at >= taken.since and now >= taken.since))
        for taken in trust.log_revocations
    )


def _require_enough(left: _Left, asked: Requirements) -> None:
    for what, found, wanted in (
        ("entries of logs", left.log_entries, asked.log_entries),
        ("timestamps by authorities", left.timestamps, asked.timestamps),
        ("the certificate in logs", left.scts, asked.scts),
    ):
        if found < (wanted or 0):
            raise rejection("tlog.distrusted", f"{what} in good standing, at least {wanted}", str(found))


def _require_issuer(signature: VerifiedSignature, earliest: datetime | None, trust: TrustRoot, now: datetime) -> None:
    issuers = {one.uri for one in signature.authorities if one.kind is AuthorityKind.CERTIFICATE}
    for taken in trust.log_revocations:
        if taken.uri in issuers and _is_void(taken.reason, taken.since, earliest, now):
            what = f"a certificate authority {taken.uri[:_SHOWN]!r}"
            raise _revoked("certificate.distrusted", what, taken.reason, taken.since)


def _is_void(reason: RevocationReason, since: datetime, earliest: datetime | None, now: datetime) -> bool:
    """Not where a trusted time is older than ``since``; without one, from then on, and for what was compromised always."""
    if earliest is not None:
        return earliest >= since
    return reason is RevocationReason.COMPROMISED or now >= since


def _revoked(code: str, what: str, reason: RevocationReason, since: datetime) -> VerificationError:
    return rejection(code, f"{what} in good standing", f"{reason.value} since {render_time(since)}")


def _algorithm(key: TrustedKey) -> str:
    if key.kind is KeyKind.OPENPGP:
        return "openpgp"
    if key.kind is KeyKind.SSH and key.ssh is not None:
        return key.ssh.kind
    return key_algorithm(key.spki)
