"""Verifying one Sigstore bundle with public keys.

The steps, with the same numbers in the code below:

1. There is at least one key to verify with. No keys never means "anything goes".
2. The bundle holds key material. Certificates are not verified by this version, so they are refused, not skipped.
3. Candidate keys are chosen: first those that the bundle's hint or key id names, then the others up to a bound. A hint is
   the signer's word and only orders the work.
4. What was signed is named: for a DSSE envelope the payload type is in-toto and the signature covers its pre-authentication
   encoding; for a bare signature the file's SHA-256 is known, and the digest the bundle states, if any, is the same.
5. The one signature verifies under one candidate.
6. Only then is the payload read. It is a statement of a version we read.

Whether the statement is about this file is :func:`verify_statement_subject`; whether the signer may say so is judged in
``vxsec.verification.release``. Transparency-log entries and timestamps are not looked at, and nothing is concluded from them.
"""

from __future__ import annotations

import hashlib
from functools import cache, partial
from typing import TYPE_CHECKING

from vxsec.errors import FormatError, UsageError, VerificationError
from vxsec.formats.public_key import key_algorithm, key_hint
from vxsec.formats.statement import STRONG_DIGESTS, read_statement
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.attestation import (
    APPROVAL_PREDICATE,
    INTOTO_PAYLOAD_TYPE,
    RELEASE_PREDICATE,
    Bundle,
    Envelope,
    MessageSignature,
    Statement,
    Subject,
    pae,
)
from vxsec.model.scan import SCAN_PREDICATE
from vxsec.model.verified import VerifiedBlob, VerifiedSignature, VerifiedStatement
from vxsec.verification.keys import verify_digest_signature, verify_signature

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from vxsec.model.digest import Digests
    from vxsec.model.package import PackageRef

__all__ = ["subject_names", "subject_states", "verify_bundle", "verify_statement_subject"]

_OWN_PREDICATES = frozenset({RELEASE_PREDICATE, APPROVAL_PREDICATE, SCAN_PREDICATE})
_PURL = "pkg:"
_LONG_HASHES = {"SHA2_384": hashlib.sha384, "SHA2_512": hashlib.sha512}  # cosign signs so with P-384 and P-521
_SHOWN = 120


def verify_bundle(
    bundle: Bundle,
    *,
    keys: Sequence[bytes],
    sha256: str | None = None,
    blob: Callable[[], bytes] | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> VerifiedStatement | VerifiedBlob:
    """Verify ``bundle`` and return what it proves: a statement, or a bare signature over a file.

    Args:
        bundle: As read by ``vxsec.formats.sigstore_bundle``.
        keys: Public keys that may have signed it, canonical DER.
        sha256: The file's SHA-256, lower-case hex; needed for bare signatures.
        blob: Gives the file's bytes; called only for a bare signature that SHA-256 alone cannot check (Ed25519, or over
            SHA-384 or SHA-512).
        limits: Bounds on keys tried and on the statement.

    Raises:
        UsageError: ``verify.no-keys``.
        VerificationError: ``bundle.certificate-unsupported``, ``bundle.payload-type``, ``bundle.no-file``,
            ``bundle.digest-mismatch``, ``signature.invalid`` (the key it names is ours, the signature is not good),
            ``signature.untrusted-key`` (no key given made it), ``signature.needs-bytes``, or a ``statement.*`` code.
    """
    # 1. Keys.
    if not keys:
        raise UsageError(
            "expected at least one key to verify with, found none",
            code="verify.no-keys",
            hint="name keys with --key FILE.pub, or a trust document with --trust FILE",
        )
    # 2. Material.
    if bundle.certificates:
        raise VerificationError(
            "signed with a certificate, which this version does not verify",
            code="bundle.certificate-unsupported",
            hint="this version verifies bundles signed with a key: vxsec sign FILE --signer file:KEY",
        )
    # 3. Candidates.
    named, others = _candidates(bundle, keys, limits)
    if isinstance(bundle.content, Envelope):
        return _verify_envelope(bundle.content, named, others, limits)
    return _verify_message(bundle.content, named, others, sha256=sha256, blob=blob)


def verify_statement_subject(
    verified: VerifiedStatement, *, digests: Digests, package: PackageRef | None = None
) -> Subject:
    """The subject of ``verified`` that is the file with these digests.

    Guarantees: at least one of SHA-256 and SHA-512 is stated, and every one stated is the file's. With ``package`` the
    subject's name must be that package's purl where the statement is one of ours, or the name is a purl.

    Raises:
        VerificationError: ``signature.subject-mismatch``.
    """
    statement = verified.statement
    same_bytes = [subject for subject in statement.subjects if subject_states(subject, digests)]
    for subject in same_bytes:
        if package is None or _name_agrees(subject, statement, package):
            return subject
    if same_bytes:
        names = ", ".join(repr((subject.name or "")[:_SHOWN]) for subject in same_bytes[:3])
        raise VerificationError(
            f"expected the signed name to be {package.purl if package else ''!r}, found {names}",
            code="signature.subject-mismatch",
        )
    raise VerificationError(
        f"expected a statement about sha256 {digests.sha256}, found one about other bytes",
        code="signature.subject-mismatch",
        hint="sign the file again, or restore the file that was signed",
    )


def subject_states(subject: Subject, digests: Digests) -> bool:
    """Whether ``subject`` is these bytes: a strong digest is stated, and every strong one stated agrees."""
    stated = [(name, subject.digest[name]) for name in STRONG_DIGESTS if name in subject.digest]
    ours = {"sha256": digests.sha256, "sha512": digests.sha512}
    return bool(stated) and all(ours[name] == value for name, value in stated)


def subject_names(subject: Subject, package: PackageRef) -> bool:
    """Whether the subject's name is a purl of ``package``; escapes that purl writers do or leave out make no difference."""
    from urllib.parse import unquote  # 4 ms, and most statements never come here

    body = (subject.name or "").removeprefix(f"{_PURL}{package.ecosystem}/")
    path, at, version = body.rpartition("@")
    return (
        body != subject.name
        and at == "@"
        and not {"?", "#"} & set(body)
        and (unquote(path), unquote(version)) == (package.name, package.version)
    )


def _name_agrees(subject: Subject, statement: Statement, package: PackageRef) -> bool:
    if statement.predicate_type in _OWN_PREDICATES:
        return subject.name == package.purl
    return not (subject.name or "").startswith(_PURL) or subject_names(subject, package)


def _candidates(bundle: Bundle, keys: Sequence[bytes], limits: Limits) -> tuple[list[bytes], list[bytes]]:
    """Distinct keys: those the bundle names, and a bounded number of the others."""
    hints = set(_hints(bundle))
    distinct = list(dict.fromkeys(keys))
    named = [spki for spki in distinct if key_hint(spki) in hints]
    others = [spki for spki in distinct if spki not in named]
    return named, others if len(others) <= limits.keys_tried_per_bundle else []


def _hints(bundle: Bundle) -> Iterator[str]:
    if bundle.key_hint:
        yield bundle.key_hint
    if isinstance(bundle.content, Envelope):
        yield from (signature.keyid for signature in bundle.content.signatures if signature.keyid)


def _verify_envelope(envelope: Envelope, named: list[bytes], others: list[bytes], limits: Limits) -> VerifiedStatement:
    # 4. What was signed.
    if envelope.payload_type != INTOTO_PAYLOAD_TYPE:
        raise VerificationError(
            f"expected payload type {INTOTO_PAYLOAD_TYPE}, found {envelope.payload_type[:_SHOWN]!r}",
            code="bundle.payload-type",
        )
    if len(envelope.signatures) != 1:
        raise VerificationError(
            f"expected exactly one signature, found {len(envelope.signatures)}", code="bundle.signature-count"
        )
    signature = envelope.signatures[0].sig
    signed = pae(envelope.payload_type, envelope.payload)
    # 5. The signature.
    spki = _first_that_verifies(named, others, lambda key: verify_signature(key, signature, signed))
    # 6. The payload.
    try:
        statement = read_statement(envelope.payload, where="statement", limits=limits)
    except FormatError as error:
        raise VerificationError(error.message, code=error.code, where=error.where) from error
    return VerifiedStatement(statement=statement, signature=VerifiedSignature(spki=spki))


def _verify_message(
    message: MessageSignature,
    named: list[bytes],
    others: list[bytes],
    *,
    sha256: str | None,
    blob: Callable[[], bytes] | None,
) -> VerifiedBlob:
    # 4. What was signed.
    if sha256 is None:
        raise VerificationError("a bare signature, and no file to check it against", code="bundle.no-file")
    digest = bytes.fromhex(sha256)
    read = cache(partial(_read_blob, blob, digest))
    if message.digest is not None:
        _check_stated_digest(message.digest_algorithm, message.digest, digest, read)
    # 5. The signature.
    whole = message.digest_algorithm in _LONG_HASHES
    spki = _first_that_verifies(
        named, others, lambda key: _check_message(key, message.signature, digest, read, whole=whole)
    )
    return VerifiedBlob(sha256=sha256, signature=VerifiedSignature(spki=spki))


def _check_stated_digest(algorithm: str | None, stated: bytes, sha256: bytes, read: Callable[[], bytes]) -> None:
    ours = {"SHA2_256": sha256}.get(algorithm or "", b"")
    if algorithm in _LONG_HASHES:
        ours = _LONG_HASHES[algorithm](read()).digest()
    if stated != ours:
        raise VerificationError(
            f"expected a signature over a file with sha256 {sha256.hex()}, found one over "
            f"{str(algorithm)[:_SHOWN]!r} {stated.hex()[:_SHOWN]}",
            code="bundle.digest-mismatch",
        )


def _check_message(spki: bytes, signature: bytes, sha256: bytes, read: Callable[[], bytes], *, whole: bool) -> None:
    if whole or key_algorithm(spki) == "ed25519":
        verify_signature(spki, signature, read())
    else:
        verify_digest_signature(spki, signature, sha256)


def _read_blob(blob: Callable[[], bytes] | None, sha256: bytes) -> bytes:
    if blob is None:
        raise VerificationError("this signature cannot be checked from a SHA-256", code="signature.needs-bytes")
    data = blob()
    if hashlib.sha256(data).digest() != sha256:
        raise VerificationError("the file changed while it was read", code="bundle.digest-mismatch")
    return data


def _first_that_verifies(named: list[bytes], others: list[bytes], check: Callable[[bytes], None]) -> bytes:
    unusual: VerificationError | None = None
    for spki in (*named, *others):
        try:
            check(spki)
        except VerificationError as error:
            if error.code != "signature.invalid":
                unusual = unusual or error
        else:
            return spki
    if unusual is not None:
        raise unusual
    if named:
        raise VerificationError("the signature does not verify under the key it names", code="signature.invalid")
    raise VerificationError(
        "signed with a key that is none of those given",
        code="signature.untrusted-key",
        hint="add the signer's public key to the trust document, or sign with a key that is in it",
    )
