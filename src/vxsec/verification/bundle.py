"""Verifying one Sigstore bundle: with public keys, or with a certificate, transparency logs and timestamps.

The steps, with the same numbers in the code here and, from 7 on, in ``vxsec.verification.evidence``:

1. There is something to verify with: a key or a trusted root. Nothing never means "anything goes".
2. The bundle holds one kind of key material, one that something was given for. A certificate reads as a signer's for signing
   code, with exactly one identity.
3. Candidate keys are chosen: a certificate's own; else first those that the bundle's hint or key id names, then the others up
   to a bound. A hint is the signer's word and only orders the work; it alone selects OpenPGP and SSH keys.
4. What was signed is named: for a DSSE envelope the payload type is in-toto and the signature covers its pre-authentication
   encoding; for a bare signature the file's SHA-256 is known, and the digest the bundle states, if any, is the same.
5. The one signature verifies under one candidate.
6. Only then is the payload read. It is a statement of a version we read.

For a certificate, and for a key where trusted roots are given, what lies beside the signature is weighed under each root; one
root must satisfy all that follows, and what is asked for is counted under that one:

7. An authority of the root issued the certificate, by signature and by every rule that does not depend on the time; and the
   root may vouch for the issuer of the identity in it.
8. Each timestamp of a listed authority verifies, over the signature. Those of others do not count.
9. Each log entry is about this artifact, this signature and this key or certificate; each entry of a listed log verifies, by
   what its version demands: promise, inclusion proof, checkpoint; and the log was trusted when it was signed. Entries of other
   logs do not count. The same entry, or timestamp, twice is refused.
10. There is a trusted time, and at every trusted time the certificate and all above it were valid and the authority was
    trusted. All windows are closed intervals.
11. Certificate transparency: timestamps in the certificate by listed logs verify, each in its log's window.
12. As much of each kind is there as is asked for, every authority counted once. Where a caller says nothing a key needs none,
    and a certificate what :func:`~vxsec.verification.requirements.requirements_of` its root says.

Whether a statement is about a file is :func:`verify_statement_subject`; whether the identity is the one expected is
``vxsec.verification.identity``; whether the signer may say so is judged in ``vxsec.verification.release``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from vxsec.errors import UsageError, VerificationError
from vxsec.formats.public_key import key_hint
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.attestation import Bundle, Envelope, Statement
from vxsec.model.verification import Requirements
from vxsec.model.verified import VerifiedBlob, VerifiedSignature, VerifiedStatement
from vxsec.values import dataclass
from vxsec.verification.checks import Journal
from vxsec.verification.content import LoggedSignature, SignedEnvelope, SignedMessage
from vxsec.verification.requirements import requirements_of, weigh_nothing
from vxsec.verification.subject import subject_names, subject_states, verify_statement_subject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from vxsec.model.trusted_root import TrustedRoot
    from vxsec.verification.certificate import SigningCertificate
    from vxsec.verification.content import FileContent, SignedContent
    from vxsec.verification.detached import DetachedCheck
    from vxsec.verification.requirements import Evidence

__all__ = ["subject_names", "subject_states", "verify_bundle", "verify_statement_subject"]

_SHOWN = 160
_DETACHED_KINDS = ("openpgp:", "ssh:")
_DETACHED_KEYS = (b"openpgp:", b"ssh:")


def verify_bundle(
    bundle: Bundle,
    *,
    keys: Sequence[bytes] = (),
    roots: Sequence[TrustedRoot] = (),
    requirements: Requirements | None = None,
    sha256: str | None = None,
    blob: Callable[[], bytes] | FileContent | None = None,
    now: datetime | None = None,
    detached: Mapping[bytes, DetachedCheck] | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> VerifiedStatement | VerifiedBlob:
    """Verify ``bundle`` and return what it proves: a statement, or a bare signature over a file.

    Args:
        bundle: As read by ``vxsec.formats.sigstore_bundle``.
        keys: Public keys that may have signed it, canonical DER; those of OpenPGP and SSH keys by what they are counted by.
        roots: Trusted roots; each is tried, and one must satisfy everything.
        requirements: How much evidence is asked for beside the signature. Where it is None: of a key none, of a certificate
            what its trusted root lists (``requirements_of``).
        sha256: The file's SHA-256, lower-case hex; needed for bare signatures.
        blob: Gives the file's bytes; called only for a bare signature that SHA-256 alone cannot check (Ed25519, or over
            SHA-384 or SHA-512). For several bundles over one file give one ``FileContent``: it is then read and hashed once.
        now: The time of judgement, aware; needed for a certificate, and for log entries and timestamps that are looked at.
        detached: How signatures by OpenPGP and SSH keys are checked, by what the key is counted by.
        limits: Bounds on keys tried, on the statement and on everything beside it.

    Raises:
        UsageError: ``verify.no-keys``, or ``verify.no-time`` where ``now`` is needed.
        VerificationError: ``bundle.payload-type``, ``bundle.no-file``, ``bundle.digest-mismatch``, ``signature.no-key`` (made
            with a key, and none was given), ``certificate.no-root`` (made with a certificate, and no trusted root was given),
            ``signature.invalid`` (the key it names is ours, the signature is not good), ``signature.untrusted-key`` (no key
            given made it), ``signature.needs-file``, or a code of the families ``statement``, ``certificate``, ``timestamp``,
            ``tlog``, ``sct``, ``openpgp``, ``sshsig``. Its ``checks`` tell every step.
    """
    # 1. Something to verify with.
    detached = detached or {}
    if not keys and not roots and not detached:
        raise UsageError(
            "expected at least one key or trusted root to verify with, found none",
            code="verify.no-keys",
            hint="name keys with --key FILE.pub, or a trust document with --trust FILE",
        )
    journal = Journal()
    case = _Case(
        bundle=bundle,
        roots=tuple(roots),
        requirements=requirements,
        now=_require_now(bundle, roots, now),
        limits=limits,
        journal=journal,
    )
    try:
        # 2. and 3. Material and candidates.
        with journal.step("material", "one kind of key material, and something to verify it with"):
            signer = _choose(bundle, keys, roots, detached, limits)
        return _verify(case, signer, sha256=sha256, blob=blob)
    except VerificationError as error:
        error.checks = case.journal.report()
        raise


@dataclass(slots=True, kw_only=True)
class _Case:
    """What one verification works with; ``journal`` becomes that of the root that counts."""

    bundle: Bundle
    roots: tuple[TrustedRoot, ...]
    requirements: Requirements | None
    now: datetime | None
    limits: Limits
    journal: Journal


class _Signer(NamedTuple):
    """Who may have signed: a certificate, or keys; ``named`` come first, and ``detached`` are checked in their own way."""

    certificate: SigningCertificate | None
    named: tuple[bytes, ...]
    others: tuple[bytes, ...] = ()
    detached: Mapping[bytes, DetachedCheck] | None = None


def _require_now(bundle: Bundle, roots: Sequence[TrustedRoot], now: datetime | None) -> datetime | None:
    judged = roots and (bundle.certificates or bundle.log_entries or bundle.timestamps)
    if judged and (now is None or now.tzinfo is None):
        raise UsageError(
            "expected the time of judgement for certificates, log entries and timestamps, found none",
            code="verify.no-time",
        )
    return now


def _choose(
    bundle: Bundle,
    keys: Sequence[bytes],
    roots: Sequence[TrustedRoot],
    detached: Mapping[bytes, DetachedCheck],
    limits: Limits,
) -> _Signer:
    if bundle.certificates:
        if not roots:
            raise VerificationError(
                "signed with a certificate, and no trusted root was given to verify it with",
                code="certificate.no-root",
                hint="name the Sigstore instance's trusted root, or a trust document that does",
            )
        from vxsec.verification.certificate import read_signing_certificate

        leaf = read_signing_certificate(bundle.certificates[0])
        return _Signer(leaf, (leaf.spki,))
    if not keys and not detached:
        raise VerificationError(
            "signed with a key, and no key was given to verify it with",
            code="signature.no-key",
            hint="name the signer's public key with --key FILE.pub",
        )
    if bundle.key_hint is not None and bundle.key_hint.startswith(_DETACHED_KINDS):
        named = {key: check for key, check in detached.items() if check.hint == bundle.key_hint}
        return _Signer(None, tuple(named), detached=named)
    hints = set(_hints(bundle))
    distinct = [key for key in dict.fromkeys(keys) if not key.startswith(_DETACHED_KEYS)]
    ours = tuple(key for key in distinct if key_hint(key) in hints)
    others = tuple(key for key in distinct if key not in ours)
    return _Signer(None, ours, others if len(others) <= limits.keys_tried_per_bundle else ())


def _hints(bundle: Bundle) -> Iterator[str]:
    if bundle.key_hint:
        yield bundle.key_hint
    if isinstance(bundle.content, Envelope):
        yield from (signature.keyid for signature in bundle.content.signatures if signature.keyid)


def _verify(
    case: _Case, signer: _Signer, *, sha256: str | None, blob: Callable[[], bytes] | FileContent | None
) -> VerifiedStatement | VerifiedBlob:
    journal = case.journal
    # 4. What was signed.
    with journal.step("artifact", "what was signed is known", evidence=sha256):
        content: SignedContent = (
            SignedEnvelope.of(case.bundle.content)
            if isinstance(case.bundle.content, Envelope)
            else SignedMessage.of(case.bundle.content, sha256, blob)
        )
    # 5. The signature.
    with journal.step("signature", "it verifies under one candidate"):
        key = _first_that_verifies(signer, content)
    # 6. The payload.
    statement: Statement | None = None
    if isinstance(content, SignedEnvelope):
        with journal.step("payload", "it is a statement that we read", evidence=content.payload_sha256):
            statement = content.read_statement(case.limits)
    else:
        journal.skipped("payload", "a bare signature has none")
    # 7. to 12. What lies beside it.
    evidence = _weigh(
        case, signer.certificate, LoggedSignature(content.signature, _verifier(signer, key), content.digest)
    )
    signature = VerifiedSignature(
        spki=key,
        identity=evidence.identity,
        times=evidence.times,
        log_entries=evidence.log_entries,
        timestamps=evidence.timestamps,
        scts=evidence.scts,
        authorities=evidence.authorities,
        required=evidence.required,
        root=evidence.root,
        checks=case.journal.report(),
    )
    if statement is not None:
        return VerifiedStatement(statement=statement, signature=signature)
    return VerifiedBlob(sha256=sha256 or "", signature=signature)


def _verifier(signer: _Signer, key: bytes) -> bytes:
    return key if signer.certificate is None else signer.certificate.der


def _weigh(case: _Case, certificate: SigningCertificate | None, signed: LoggedSignature) -> Evidence:
    """The evidence under the first root that satisfies everything; where none does, the error of the one that came furthest."""
    if case.now is None or not case.roots:
        return weigh_nothing(case.requirements or Requirements(), case.journal)
    from vxsec.verification.evidence import EvidenceCase, weigh_evidence

    refused: VerificationError | None = None
    furthest, start = -1, case.journal
    for root in _vouching(case, certificate):
        attempt = start.fork()
        asked = requirements_of(root) if certificate is not None else Requirements()
        evidence_case = EvidenceCase(
            bundle=case.bundle,
            signed=signed,
            certificate=certificate,
            root=root,
            requirements=asked if case.requirements is None else case.requirements.filled(asked),
            now=case.now,
            limits=case.limits,
        )
        try:
            evidence = weigh_evidence(evidence_case, attempt)
        except VerificationError as error:
            if attempt.progress > furthest:
                refused, furthest, case.journal = error, attempt.progress, attempt
        else:
            case.journal = attempt
            return evidence
    raise refused or VerificationError("no trusted root was given", code="certificate.no-root")


def _vouching(case: _Case, certificate: SigningCertificate | None) -> list[TrustedRoot]:
    """The roots that may vouch for whoever the certificate was issued to, whatever else they issue."""
    if certificate is None:
        return list(case.roots)
    issuer = certificate.identity.issuer
    found = [root for root in case.roots if root.vouches_for(issuer)]
    if not found:
        with case.journal.step("certificate", ""):
            raise VerificationError(
                f"expected an identity of an issuer that a trusted root vouches for, found one of {issuer[:_SHOWN]!r}",
                code="identity.untrusted",
                hint="list the issuer under issuers: of the instance's trusted root in the trust document",
            )
    return found


def _first_that_verifies(signer: _Signer, content: SignedContent) -> bytes:
    unusual: VerificationError | None = None
    for key in (*signer.named, *signer.others):
        try:
            if signer.detached is None:
                content.verify(key)
            else:
                content.verify_detached(signer.detached[key].verify)
        except VerificationError as error:
            if error.code != "signature.invalid":
                unusual = unusual or error
        else:
            return key
    if unusual is not None:
        raise unusual
    if signer.named:
        raise VerificationError("the signature does not verify under the key it names", code="signature.invalid")
    raise VerificationError(
        "signed with a key that is none of those given",
        code="signature.untrusted-key",
        hint="add the signer's public key to the trust document, or sign with a key that is in it",
    )
