"""Verifying one detached OpenPGP signature: our verdict, from the packets and from what gpg reported of them.

gpg's exit status is no verdict: it is 0 for expired and revoked keys, SHA-1 signatures, keys of 1,024 bits, signatures dated
ahead and text signatures, by whatever key is in the keyring. The steps, with the same numbers in the code below:

1. At least one primary key is allowed, by its whole fingerprint.
2. The signature file is exactly one binary detached signature (``vxsec.formats.openpgp_packet``); only that packet goes on.
3. The key it names is in a certificate whose primary key is allowed; only that certificate goes on, without what gpg might
   believe for the wrong reason (``vxsec.formats.openpgp_certificate``).
4. The key that signed and its primary key are strong enough, bound with SHA-256 or better, and may sign. What their owner
   said last with a weaker hash restricts them and never helps.
5. It is dated: not ahead of the time of judgement, not before its key, not beyond its own end. The time of judgement is the
   earliest trusted time where there is one, else now; the signature's own date is a claim and only ever refuses.
6. No key is revoked. One that was only retired stays good for what it is known, by a trusted time, to have signed before.
7. The port verifies the signature and the certificate's own signatures at that time. It answered for exactly these bytes.
8. It reports one signature, as good, by the key, the primary key, at the time and with the algorithms of step 2 and 3, and
   no word of failure or word unknown.
"""

from __future__ import annotations

import re
from datetime import timedelta
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, Protocol

from vxsec.errors import FormatError, UsageError, VerificationError
from vxsec.formats.openpgp_certificate import read_openpgp_certificates
from vxsec.formats.openpgp_packet import read_detached_signature
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.openpgp import openpgp_identity, openpgp_inputs
from vxsec.values import dataclass
from vxsec.verification.gpg_report import expired_key, judge_gpg_report

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from vxsec.model.openpgp import GpgRun, OpenPgpCertificate, OpenPgpClaim, OpenPgpKey, OpenPgpSignature
    from vxsec.model.verification import TrustedTime

__all__ = ["ALGORITHMS", "GpgPort", "OpenPgpStanding", "OpenPgpVerdict", "verify_openpgp"]

_FINGERPRINT = re.compile(r"(?:[0-9A-F]{40}|[0-9A-F]{64})\Z")
_RSA = re.compile(r"rsa-([0-9]+)\Z")
_MIN_RSA_BITS, _MAX_RSA_BITS = 2048, 16384

ALGORITHMS = frozenset(
    {
        "ed25519",
        "ecdsa-p256",
        "ecdsa-p384",
        "ecdsa-p521",
        "ecdsa-brainpool-p256r1",
        "ecdsa-brainpool-p384r1",
        "ecdsa-brainpool-p512r1",
    }
)
"""Key algorithms that count, besides RSA of 2,048 to 16,384 bits."""


class GpgPort(Protocol):
    """Verifies one detached signature and reports as gpg does: ``vxsec.host.gnupg.run_gpg``, or what takes its place."""

    def __call__(self, signature: bytes, data: bytes, *, certificates: bytes, at: datetime) -> GpgRun:
        """Verify ``signature`` (one packet) over ``data`` with ``certificates`` (binary), as if it were ``at``."""


class OpenPgpStanding(StrEnum):
    """When the signature is good."""

    GOOD = "good"
    """Now."""
    VALID_THEN = "valid-then"
    """At the trusted time; the key has expired or was retired since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPgpVerdict:
    """A good signature by an allowed primary key; fingerprints are upper-case hex.

    ``created_at`` is the signer's own claim. ``judged_at`` is the trusted time, or now.
    """

    fingerprint: str
    signing_fingerprint: str
    created_at: datetime
    judged_at: datetime
    standing: OpenPgpStanding
    algorithm: str
    hash_algorithm: str
    program: str

    @property
    def spki(self) -> bytes:
        """What the key is counted by."""
        return openpgp_identity(self.fingerprint)


class _Signer(NamedTuple):
    """The certificate that may have signed, and which of its keys."""

    certificate: OpenPgpCertificate
    key: OpenPgpKey

    @property
    def keys(self) -> tuple[OpenPgpKey, ...]:
        """The primary key, and the key that signed where it is another one."""
        return tuple(dict.fromkeys((self.certificate.primary, self.key)))


def verify_openpgp(
    signature: bytes,
    data: bytes,
    *,
    certificates: bytes,
    allowed: Sequence[str],
    run: GpgPort,
    now: datetime,
    times: Sequence[TrustedTime] = (),
    limits: Limits = DEFAULT_LIMITS,
) -> OpenPgpVerdict:
    """Verify a detached signature (RFC 9580) and return who made it.

    Guarantees: exactly one binary detached signature over exactly ``data``, good, by a key whose primary key is one of
    ``allowed``, SHA-256 or better, RSA of at least 2,048 bits or a curve of :data:`ALGORITHMS`, neither expired nor revoked
    at the time of judgement.

    Args:
        signature: Armored or binary.
        data: The bytes it is said to cover.
        certificates: Exported public keys, armored or binary.
        allowed: Fingerprints of primary keys, 40 or 64 hex digits, in either case, with or without spaces.
        run: Who verifies.
        now: The time of judgement, aware.
        times: Trusted times of this very signature; the earliest is then the time of judgement. A signature whose own end
            has passed stays refused: the signer said that it ends.
        limits: Bounds on what is read, and the clock skew.

    Raises:
        UsageError: ``openpgp.no-fingerprint``, ``openpgp.fingerprint``.
        UndecidedError: ``gnupg.unsupported`` for a signature of version 6 that gpg does not know, and what ``run`` raises.
        VerificationError: What :func:`~vxsec.formats.openpgp_packet.read_detached_signature`,
            :func:`~vxsec.formats.openpgp_certificate.read_openpgp_certificates` and
            :func:`~vxsec.formats.gpg_status.read_gpg_status` raise, with the same codes; ``openpgp.no-certificate``,
            ``openpgp.unknown-key``, ``openpgp.not-allowed``, ``openpgp.subkey-fingerprint``, ``openpgp.ambiguous-key``,
            ``openpgp.weak-key``, ``openpgp.weak-binding``, ``openpgp.key-usage``, ``openpgp.dated-ahead``,
            ``openpgp.before-key``, ``openpgp.expired-signature``, ``openpgp.expired-key``, ``openpgp.revoked-hard``,
            ``openpgp.revoked-soft``, ``openpgp.bad-signature``, ``openpgp.not-checked``, ``openpgp.contradiction``.
    """
    # 1. The allow list.
    wanted = _allowed(allowed)
    try:
        # 2. The signature file.
        facts = read_detached_signature(signature, where="signature", limits=limits)
        # 3. The key.
        signer = _find_signer(facts, _read_certificates(certificates, limits), wanted)
    except FormatError as error:
        raise VerificationError(error.message, code=error.code, where=error.where, hint=error.hint) from error
    # 4. Its strength.
    for key in signer.keys:
        _check_key(key)
    restricted = any(claim.can_sign is False for claim in signer.key.restrictions)
    if restricted or all(claim.can_sign is False for claim in signer.key.claims):
        raise _refused(f"the key {signer.key.fingerprint} is not one for signing", "openpgp.key-usage")
    # 5. Dates.
    judged_at = min((time.at for time in times), default=now)
    _check_dates(facts, signer, judged_at, now, timedelta(seconds=limits.clock_skew_seconds))
    # 6. Revocation.
    retired = _check_revocations(signer, judged_at if times else None)
    _check_expiry(signer, judged_at, retired=retired)
    # 7. The signature.
    body = signer.certificate.body
    done = run(facts.packet, data, certificates=body, at=max(judged_at, facts.created_at))
    if done.inputs != openpgp_inputs(facts.packet, data, body):
        raise _refused("the answer is about other bytes than were asked about", "openpgp.contradiction")
    # 8. The report.
    judge_gpg_report(done, facts, signer.certificate, signer.key, retired=retired)
    return OpenPgpVerdict(
        fingerprint=signer.certificate.fingerprint,
        signing_fingerprint=signer.key.fingerprint,
        created_at=facts.created_at,
        judged_at=judged_at,
        standing=_standing(signer, now, retired=retired),
        algorithm=signer.key.algorithm,
        hash_algorithm=facts.hash_algorithm,
        program=done.argv[0],
    )


@lru_cache(maxsize=16)
def _read_certificates(data: bytes, limits: Limits) -> tuple[OpenPgpCertificate, ...]:
    """Read once per process: a keyring of a hundred keys takes longer than a verification."""
    return read_openpgp_certificates(data, where="public keys", limits=limits)


def _allowed(fingerprints: Sequence[str]) -> frozenset[str]:
    if not fingerprints:
        raise UsageError("expected at least one allowed fingerprint, found none", code="openpgp.no-fingerprint")
    wanted = frozenset(fingerprint.replace(" ", "").upper() for fingerprint in fingerprints)
    for fingerprint in wanted:
        if not _FINGERPRINT.match(fingerprint):
            raise UsageError(
                f"expected a whole fingerprint (40 or 64 hex digits), found {fingerprint[:80]!r}",
                code="openpgp.fingerprint",
            )
    return wanted


def _find_signer(
    facts: OpenPgpSignature, certificates: Sequence[OpenPgpCertificate], wanted: frozenset[str]
) -> _Signer:
    """The one allowed key that the signature names; a name selects, and step 8 holds the answer against it."""
    named = [_Signer(one, key) for one in certificates for key in one.keys if _is_named(key, facts)]
    usable = [signer for signer in named if signer.certificate.fingerprint in wanted]
    if len(usable) == 1:
        return usable[0]
    if usable:
        raise _refused(
            f"the key {usable[0].key.fingerprint} stands in the certificates more than once", "openpgp.ambiguous-key"
        )
    issuer = facts.issuer_fingerprint or ", ".join(facts.issuer_key_ids) or "nobody"
    if any(signer.key.fingerprint in wanted for signer in named):
        raise _refused(
            f"{issuer} is a subkey: allowed are primary keys",
            "openpgp.subkey-fingerprint",
            f"name the primary key, {named[0].certificate.fingerprint}, if its owner is whom you trust",
        )
    if named:
        raise _refused(
            f"signed by {named[0].certificate.fingerprint}, which is not an allowed key",
            "openpgp.not-allowed",
            "if its owner may sign this, add that fingerprint to the trust document; else do not use the file",
        )
    if not any(one.fingerprint in wanted for one in certificates):
        raise _refused(
            f"the allowed key {min(wanted)} is not among the public keys given",
            "openpgp.no-certificate",
            "give the public key as well: gpg --export FINGERPRINT",
        )
    raise _refused(
        f"signed by {issuer}, which is none of the public keys given",
        "openpgp.unknown-key",
        "if its owner may sign this, add the public key and its fingerprint to the trust document",
    )


def _is_named(key: OpenPgpKey, facts: OpenPgpSignature) -> bool:
    if facts.issuer_fingerprint is not None:
        return key.fingerprint == facts.issuer_fingerprint
    return key.key_id in facts.issuer_key_ids


def _check_key(key: OpenPgpKey) -> None:
    rsa = _RSA.match(key.algorithm)
    strong = _MIN_RSA_BITS <= int(rsa[1]) <= _MAX_RSA_BITS if rsa else key.algorithm in ALGORITHMS
    if not strong:
        raise _refused(
            f"expected Ed25519, ECDSA on a NIST or brainpool curve, or RSA of at least {_MIN_RSA_BITS} bits, found "
            f"{key.algorithm} ({key.fingerprint})",
            "openpgp.weak-key",
            "sign with another key: gpg --quick-generate-key 'NAME <MAIL>' ed25519 sign",
        )
    if not key.claims:
        raise _refused(
            f"nothing of SHA-256 or better binds the key {key.fingerprint}",
            "openpgp.weak-binding",
            "its owner signs it anew: gpg --cert-digest-algo SHA512 --quick-set-expire FINGERPRINT 2y (and the same with '*')",
        )


def _check_dates(facts: OpenPgpSignature, signer: _Signer, judged_at: datetime, now: datetime, skew: timedelta) -> None:
    made = facts.created_at.isoformat()
    if facts.created_at - judged_at > skew:  # a sum might lie behind the last year there is
        raise _refused(
            f"dated {made}, ahead of {judged_at.isoformat()}",
            "openpgp.dated-ahead",
            "set the clock of the machine that signed, and sign again",
        )
    if facts.created_at < signer.key.created_at:
        raise _refused(
            f"dated {made}, before its key was made ({signer.key.created_at.isoformat()})", "openpgp.before-key"
        )
    if facts.expires_at is not None and facts.expires_at <= now:
        raise _refused(
            f"the signature ended at {facts.expires_at.isoformat()}", "openpgp.expired-signature", "sign the file again"
        )


def _check_revocations(signer: _Signer, trusted: datetime | None) -> bool:
    """Whether a key was retired after the trusted time; a hard revocation, or one without trusted time, is refused.

    Revocations are believed as they stand, unverified: a forged one refuses what would be good, never the other way.
    """
    found = [(key, revocation) for key in signer.keys for revocation in key.revocations]
    for key, revocation in found:
        if not revocation.soft:
            raise _refused(
                f"the key {key.fingerprint} is revoked and may be in other hands",
                "openpgp.revoked-hard",
                "sign again with another key, and look into what this one signed",
            )
        if trusted is None or revocation.created_at is None or revocation.created_at <= trusted:
            raise _refused(
                f"the key {key.fingerprint} was retired, and no trusted time shows that it signed before",
                "openpgp.revoked-soft",
                "sign again with the key that took its place",
            )
    return bool(found)


def _check_expiry(signer: _Signer, at: datetime, *, retired: bool) -> None:
    """Refuse where every claim says so (for a retired key, where any does): step 7 decides between claims that differ.

    Restrictions are not shown to whoever decides there: any of them refuses.
    """
    for key in signer.keys:
        ended = [_has_ended(claim, at) for claim in key.claims]
        restricted = any(_has_ended(claim, at) for claim in key.restrictions)
        if restricted or all(ended) or (retired and any(ended)):
            raise expired_key(key)


def _standing(signer: _Signer, now: datetime, *, retired: bool) -> OpenPgpStanding:
    latest = [max(key.claims, key=lambda claim: claim.created_at) for key in signer.keys]
    restrictions = [claim for key in signer.keys for claim in key.restrictions]
    ended = any(_has_ended(claim, now) for claim in (*latest, *restrictions))
    return OpenPgpStanding.VALID_THEN if ended or retired else OpenPgpStanding.GOOD


def _has_ended(claim: OpenPgpClaim, at: datetime) -> bool:
    return claim.expires_at is not None and claim.expires_at <= at


def _refused(message: str, code: str, hint: str | None = None) -> VerificationError:
    return VerificationError(message, code=code, hint=hint)
