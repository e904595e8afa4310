"""Verifying a raw DSSE envelope: which of the keys given signed its payload.

The steps, with the same numbers in the code below:

1. There is at least one key to verify with. No keys never means "anything goes".
2. The payload type is in-toto; the signatures cover the payload's pre-authentication encoding (DSSE v1.0, ``protocol.md``).
3. For each key the candidates are chosen: first the signatures whose key id names it, then those whose key id names no key
   given. A key id is the signer's word and only orders the work. What cannot be a signature of the key's algorithm by its
   first bytes and its length is passed over.
4. The signatures are checked, at most ``limits.envelope_checks`` for all keys together, shared out so that junk aimed at one
   key cannot starve another. A search that the bound ended says so, in ``checks`` or as ``envelope.too-many``.
5. Only then, and once, is the payload read: a statement of a version that we read.

A key counts once however many of its signatures are there. Distinct persons are counted by ``vxsec.model.quorum``; whether
the statement is about a file is ``vxsec.verification.bundle.verify_statement_subject``.
"""

from __future__ import annotations

import hashlib
from dataclasses import field
from typing import TYPE_CHECKING

from vxsec.errors import FormatError, UsageError, VerificationError
from vxsec.formats.npm_keys import is_npm_key, npm_key_id
from vxsec.formats.public_key import key_algorithm, key_hint, load_public_key
from vxsec.formats.sigstore_bundle import read_bundle, render_dsse_bundle
from vxsec.formats.statement import read_statement
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.attestation import INTOTO_PAYLOAD_TYPE, Envelope, pae
from vxsec.model.verification import Check, CheckStatus
from vxsec.model.verified import VerifiedSignature, VerifiedStatement
from vxsec.values import dataclass
from vxsec.verification.keys import verify_signature

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vxsec.model.attestation import Bundle, EnvelopeSignature, Statement
    from vxsec.verification.detached import DetachedChecks

__all__ = ["SplitEnvelope", "key_names", "split_envelope", "verify_envelope"]

_SHOWN = 120
_DER_SEQUENCE, _DER_INTEGER, _DER_LONG = 0x30, 0x02, 0x81
_ED25519_BYTES = 64
_ECDSA_MAX_BYTES = {"ecdsa-p256": 72, "ecdsa-p384": 104, "ecdsa-p521": 139}
_ECDSA_MIN_BYTES = 8


def verify_envelope(
    envelope: Envelope,
    *,
    keys: Sequence[bytes],
    detached: DetachedChecks | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> tuple[VerifiedStatement, ...]:
    """Verify ``envelope``: one value for each distinct key that signed it, never an empty tuple.

    Guarantees: every value holds the same statement, read once from the bytes that were signed; no key is in two of them.
    The result does not depend on the order of the signatures unless the bound ended the search.

    Args:
        envelope: As read by ``vxsec.formats.dsse_envelope``.
        keys: Public keys that may have signed it, canonical DER.
        detached: OpenPGP and SSH keys that may have signed it; only signatures whose key id is exactly the key's hint
            (``openpgp:FINGERPRINT``, ``ssh:SHA256:…``) are tried.
        limits: Bounds on checks and on the statement.

    Raises:
        UsageError: ``verify.no-keys``.
        VerificationError: ``envelope.payload-type``; ``signature.invalid`` (a signature names a key given and is not good),
            ``signature.untrusted-key`` (no key given made any); ``envelope.too-many`` (the bound ended the search before one
            was found); ``key.*``, or a ``statement.*`` code. What a detached check raises is raised where nothing else
            verified.
    """
    search = _open_search(envelope, any_key=bool(keys or detached), limits=limits)
    # 3. and 4. Candidates and their checks.
    search.plain(envelope.signatures, list(dict.fromkeys(keys)))
    search.detached(envelope.signatures, detached or {})
    if not search.found:
        raise search.reason()
    # 5. The payload.
    statement = _read_payload(envelope.payload, limits)
    checks = search.checks(envelope.payload)
    return tuple(
        VerifiedStatement(statement=statement, signature=VerifiedSignature(spki=spki, checks=checks))
        for spki in search.in_order(keys)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitEnvelope:
    """An envelope as bundles with one signature each; ``complete`` is False where the bound ended the search."""

    bundles: tuple[Bundle, ...]
    complete: bool


def split_envelope(
    envelope: Envelope, *, keys: Sequence[bytes], names: Sequence[str] = (), limits: Limits = DEFAULT_LIMITS
) -> SplitEnvelope:
    """Take the signatures that matter out of an envelope, as bundles: DSSE says that several envelopes are the same.

    Guarantees: one bundle for each key that verifies, and at most ``limits.envelope_detached_checks`` for each name, which
    are *not* verified here. Whoever counts them verifies each bundle again.

    Args:
        envelope: As read by ``vxsec.formats.dsse_envelope``.
        keys: Public keys that may have signed it, canonical DER.
        names: Exact key ids of keys whose signatures are checked elsewhere (``openpgp:…``, ``ssh:…``).
        limits: Bounds on checks.

    Raises:
        UsageError: ``verify.no-keys``.
        VerificationError: As :func:`verify_envelope`, with ``bundle.*`` in place of ``statement.*``.
    """
    search = _open_search(envelope, any_key=bool(keys or names), limits=limits)
    search.plain(envelope.signatures, list(dict.fromkeys(keys)))
    pairs = [(key_hint(spki), search.found[spki]) for spki in search.in_order(keys)]
    pairs += search.named_by(envelope.signatures, names)
    if not pairs:
        raise search.reason()
    lines = [render_dsse_bundle(envelope.payload_type, envelope.payload, sig, hint) for hint, sig in pairs]
    try:
        bundles = tuple(read_bundle(line, where="envelope", limits=limits) for line in lines)
    except FormatError as error:  # an empty payload, or one beyond what a bundle may hold
        raise VerificationError(error.message, code=error.code, where=error.where) from error
    return SplitEnvelope(bundles=bundles, complete=not search.exhausted)


def key_names(spki: bytes) -> tuple[str, ...]:
    """How tools name a key in ``keyid``, for a canonical key.

    cosign writes base64 of the SHA-256 of the DER, others the same in hex; npm has ids of its own for its P-256 keys.
    """
    names = key_hint(spki), hashlib.sha256(spki).hexdigest()
    return (*names, npm_key_id(spki)) if is_npm_key(spki) else names


@dataclass(slots=True, kw_only=True)
class _Search:
    """One search through an envelope's signatures, and what came of it."""

    signed: bytes
    limits: Limits
    found: dict[bytes, bytes] = field(default_factory=dict)
    """The signature that verified, by what its key is counted by."""
    exhausted: bool = False
    named: bool = False
    unusual: VerificationError | None = None

    def plain(self, signatures: Sequence[EnvelopeSignature], keys: list[bytes]) -> None:
        """Try the keys, those with the fewest candidates first: what they leave of the budget is the others'."""
        ordered = sorted(self._candidates(signatures, keys).items(), key=lambda item: len(item[1]))
        budget = self.limits.envelope_checks
        for place, (spki, candidates) in enumerate(ordered):
            share = budget // (len(ordered) - place)
            tried = 0
            for signature in candidates[:share]:
                tried += 1
                if self._is_good(spki, signature):
                    self.found[spki] = signature
                    break
            else:
                self.exhausted = self.exhausted or len(candidates) > share
            budget -= tried

    def detached(self, signatures: Sequence[EnvelopeSignature], checks: DetachedChecks) -> None:
        """Try the keys that are checked elsewhere, a few signatures each."""
        named = self.named_by(signatures, [check.hint for check in checks.values()])
        for spki, check in checks.items():
            for name, signature in named:
                if name != check.hint or spki in self.found:
                    continue
                try:
                    check.verify(signature, self.signed)
                    self.found[spki] = signature
                except VerificationError as error:
                    self.unusual = self.unusual or error

    def named_by(self, signatures: Sequence[EnvelopeSignature], names: Sequence[str]) -> list[tuple[str, bytes]]:
        """The distinct signatures that each name stands beside, a few each."""
        named: dict[str, dict[bytes, None]] = {name: {} for name in names}
        for one in signatures:
            kept = named.get(one.keyid)
            if kept is None or not one.sig or one.sig in kept:
                continue
            if len(kept) == self.limits.envelope_detached_checks:
                self.exhausted = True
            else:
                kept[one.sig] = None
        return [(name, signature) for name, kept in named.items() for signature in kept]

    def reason(self) -> VerificationError:
        """Why nothing was found."""
        if self.unusual is not None:
            return self.unusual
        if self.exhausted:
            return VerificationError(
                f"no signature by a key given among the {self.limits.envelope_checks} that were checked, and there are more",
                code="envelope.too-many",
                hint="keep the signatures of the keys you trust, or let key ids name them",
            )
        if self.named:
            return VerificationError("the signature does not verify under the key it names", code="signature.invalid")
        return VerificationError(
            "signed with keys that are none of those given",
            code="signature.untrusted-key",
            hint="add the signer's public key to the trust document, or sign with a key that is in it",
        )

    def checks(self, payload: bytes) -> tuple[Check, ...]:
        """What was looked at, in the order of the steps."""
        evidence = hashlib.sha256(payload).hexdigest()
        search = Check(id="envelope.search", status=CheckStatus.PASSED, message="every signature was considered")
        if self.exhausted:
            search = Check(
                id="envelope.search",
                status=CheckStatus.NOT_RUN,
                message=f"more signatures than the {self.limits.envelope_checks} that are checked",
                code="envelope.too-many",
            )
        return (
            Check(id="envelope.payload-type", status=CheckStatus.PASSED, message=INTOTO_PAYLOAD_TYPE),
            Check(
                id="envelope.signature",
                status=CheckStatus.PASSED,
                message="a signature over the payload verifies under this key",
                evidence=evidence,
            ),
            search,
        )

    def in_order(self, keys: Sequence[bytes]) -> list[bytes]:
        """The keys found, as they were given."""
        return list(dict.fromkeys([spki for spki in keys if spki in self.found] + list(self.found)))

    def _candidates(self, signatures: Sequence[EnvelopeSignature], keys: list[bytes]) -> dict[bytes, list[bytes]]:
        """For each key the distinct signatures worth a check; one more than can be checked shows that there are more."""
        algorithms = {spki: _algorithm(spki) for spki in keys}
        owners = {name: spki for spki in keys for name in key_names(spki)}
        named: dict[bytes, dict[bytes, None]] = {spki: {} for spki in keys}
        nameless: dict[str, dict[bytes, None]] = {algorithm: {} for algorithm in algorithms.values()}
        most = self.limits.envelope_checks + 1
        for one in signatures:
            owner = owners.get(one.keyid)
            if owner is not None:
                self.named = True
                _keep(named[owner], one.sig, algorithms[owner], most)
                continue
            for algorithm, kept in nameless.items():
                _keep(kept, one.sig, algorithm, most)
        return {spki: list(named[spki] | nameless[algorithms[spki]]) for spki in keys}

    def _is_good(self, spki: bytes, signature: bytes) -> bool:
        try:
            verify_signature(spki, signature, self.signed)
        except VerificationError:  # the key itself loaded before
            return False
        return True


def _open_search(envelope: Envelope, *, any_key: bool, limits: Limits) -> _Search:
    # 1. Keys.
    if not any_key:
        raise UsageError(
            "expected at least one key to verify with, found none",
            code="verify.no-keys",
            hint="name keys with --key FILE.pub, or a trust document with --trust FILE",
        )
    # 2. What was signed.
    if envelope.payload_type != INTOTO_PAYLOAD_TYPE:
        raise VerificationError(
            f"expected payload type {INTOTO_PAYLOAD_TYPE}, found {envelope.payload_type[:_SHOWN]!r}",
            code="envelope.payload-type",
        )
    return _Search(signed=pae(envelope.payload_type, envelope.payload), limits=limits)


def _keep(kept: dict[bytes, None], signature: bytes, algorithm: str, most: int) -> None:
    if len(kept) < most and _may_be(signature, algorithm):
        kept[signature] = None


def _may_be(signature: bytes, algorithm: str) -> bool:
    """Whether bytes of this length and with this start can be a signature; all that OpenSSL would accept can."""
    if algorithm == "ed25519":
        return len(signature) == _ED25519_BYTES
    most = _ECDSA_MAX_BYTES.get(algorithm)
    if most is None:
        return len(signature) == (int(algorithm.removeprefix("rsa-")) + 7) // 8
    if not _ECDSA_MIN_BYTES <= len(signature) <= most or signature[0] != _DER_SEQUENCE:
        return False
    start = 3 if signature[1] == _DER_LONG else 2
    return signature[start - 1] == len(signature) - start and signature[start] == _DER_INTEGER


def _algorithm(spki: bytes) -> str:
    try:
        load_public_key(spki)
        return key_algorithm(spki)
    except FormatError as error:
        raise VerificationError(error.message, code=error.code) from error


def _read_payload(payload: bytes, limits: Limits) -> Statement:
    try:
        return read_statement(payload, where="statement", limits=limits)
    except FormatError as error:
        raise VerificationError(error.message, code=error.code, where=error.where) from error
