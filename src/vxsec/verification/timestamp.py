"""RFC 3161 timestamps: that a listed authority saw this signature, and when.

1. The response parses, is granted, and has one signer, whom issuer and serial number name.
2. That signer is an authority of the trusted root: the first certificate of its chain, or, where the chain begins with a
   certificate authority, one that it issued and the response carries. Others prove nothing and are no reason to refuse,
   even where they are not DER and so cannot be read.
3. The imprint is SHA-256 or better, and it is of the signature's bytes.
4. The signer's certificate is for timestamping and nothing else (RFC 3161 section 2.3), its chain holds, and every certificate
   of it was valid at the stated time.
5. The signature verifies (CMS, by ``rfc3161-client``).
6. The stated time is in the authority's window, both ends included, and not ahead of now.
"""

from __future__ import annotations

import hashlib
import warnings
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from vxsec.errors import FormatError, VerificationError
from vxsec.formats.der import INTEGER, SEQUENCE, read_only, render_der
from vxsec.formats.timestamps import render_time
from vxsec.model.verification import TimeSource, TrustedTime
from vxsec.verification.certificate_chain import (
    TIME_STAMPING,
    load_certificate,
    require_chain,
    require_issued,
    require_valid_at,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cryptography.x509 import Certificate as X509Certificate
    from rfc3161_client.tsp import TimeStampResponse

    from vxsec.limits import Limits
    from vxsec.model.certificate import Certificate
    from vxsec.model.trusted_root import CertificateAuthority

__all__ = ["VerifiedTimestamp", "verify_timestamp"]

# Of the imprint and of the signature: SHA-256, SHA-384, SHA-512.
_HASHES = {
    "2.16.840.1.101.3.4.2.1": hashlib.sha256,
    "2.16.840.1.101.3.4.2.2": hashlib.sha384,
    "2.16.840.1.101.3.4.2.3": hashlib.sha512,
}
_TST_INFO = bytes.fromhex("060b2a864886f70d0109100104")  # id-ct-TSTInfo, which every timestamp token names
_SHOWN = 120
_QUIET = Lock()
"""Filters of warnings are the process's own: of two threads that set and restore them at once, one keeps the other's."""


class VerifiedTimestamp(NamedTuple):
    """A time, and by whom: the authority is counted by ``name`` (its URI, or else its own root's key) and by ``key``."""

    time: TrustedTime
    name: str
    key: bytes


def verify_timestamp(
    response: bytes,
    signature: bytes,
    *,
    authorities: Sequence[CertificateAuthority],
    now: datetime,
    limits: Limits,
) -> VerifiedTimestamp:
    """Verify one response over the bytes of ``signature``; the numbers are those at the top of this file.

    Raises:
        VerificationError: ``timestamp.untrusted`` (by nobody listed), ``timestamp.malformed``, ``timestamp.not-granted``,
            ``timestamp.algorithm``, ``timestamp.imprint``, ``timestamp.certificate``, ``timestamp.certificate-validity``,
            ``timestamp.signature``, ``timestamp.authority-window`` or ``timestamp.in-future``.
    """
    # 1. The response.
    try:
        token = _decode(response, limits)
    except VerificationError as error:
        if _is_signed_by_none(response, authorities):
            raise _untrusted("another") from error
        raise
    # 2. The signer.
    signers = [(authority, leaf) for authority in authorities if (leaf := _signer(token, authority)) is not None]
    if not signers:
        raise _untrusted(repr(token.issuer_text[:_SHOWN]))
    # 3. The imprint.
    _check_imprint(token, signature)
    # An authority may be listed with several windows; the first under which all holds is the one.
    for authority, leaf in signers[:-1]:
        try:
            return _verify_under(token, authority, leaf, now, limits)
        except VerificationError:
            continue
    return _verify_under(token, *signers[-1], now, limits)


class _Token(NamedTuple):
    """What is used of a response."""

    response: TimeStampResponse
    at: datetime
    issuer: bytes
    issuer_text: str
    serial: int
    hash_name: str
    imprint: bytes
    embedded: tuple[bytes, ...]


@contextmanager
def _quiet() -> Iterator[None]:
    """Some certificates make cryptography print warnings, whenever it loads or looks at one."""
    with _QUIET, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _decode(response: bytes, limits: Limits) -> _Token:
    # The library reads lazily, and raises what it likes (KeyError for a name with an odd tag): whatever it is, refused.
    try:
        with _quiet():
            return _read(response, limits)
    except VerificationError:
        raise
    except Exception as error:
        raise _malformed("expected an RFC 3161 response") from error


def _read(response: bytes, limits: Limits) -> _Token:
    from rfc3161_client import decode_timestamp_response

    decoded = decode_timestamp_response(response)
    if decoded.status != 0:
        raise VerificationError(
            f"expected a granted timestamp, found status {decoded.status}", code="timestamp.not-granted"
        )
    signed, info = decoded.signed_data, decoded.tst_info
    signer_infos = list(signed.signer_infos)
    if len(signer_infos) != 1:
        raise _malformed(f"expected one signer, found {len(signer_infos)}")
    if len(signed.certificates) > limits.certificates_per_bundle:
        raise _malformed(f"expected at most {limits.certificates_per_bundle} certificates")
    weak = [oid.dotted_string for oid in signed.digest_algorithms if oid.dotted_string not in _HASHES]
    if weak:
        raise _weak(", ".join(weak))
    return _Token(
        response=decoded,
        at=info.gen_time,
        issuer=signer_infos[0].issuer.public_bytes(),
        issuer_text=signer_infos[0].issuer.rfc4514_string(),
        serial=signer_infos[0].serial_number,
        hash_name=info.message_imprint.hash_algorithm.dotted_string,
        imprint=info.message_imprint.message,
        embedded=tuple(signed.certificates),
    )


def _is_signed_by_none(response: bytes, authorities: Sequence[CertificateAuthority]) -> bool:
    """Whether something that cannot be read is still a timestamp, whole, and names no listed authority as its signer.

    Some authorities do not write DER (FreeTSA leaves its certificates unsorted). What a listed one wrote holds its name and
    serial number as the certificate has them, or the name of the certificate authority that issued the signer's.
    """
    if _TST_INFO not in response or not _is_one_sequence(response):
        return False
    named = [first for authority in authorities if (first := _first(authority)) is not None]
    return not any(
        first.issuer + _integer(first.serial) in response or (first.is_ca and first.subject in response)
        for first in named
    )


def _is_one_sequence(data: bytes) -> bool:
    try:
        read_only(data, SEQUENCE)
    except FormatError:
        return False
    return True


def _integer(number: int) -> bytes:
    return render_der(INTEGER, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def _signer(token: _Token, authority: CertificateAuthority) -> Certificate | None:
    """The certificate of ``authority`` that the response says signed it."""
    first = _first(authority)
    if first is None or _is_named(first, token):
        return first
    if first.subject != token.issuer:
        return None
    for der in token.embedded:
        try:
            leaf = load_certificate(der)
            if _is_named(leaf, token):
                require_issued(leaf, first)
                return leaf
        except VerificationError:
            continue
    return None


def _first(authority: CertificateAuthority) -> Certificate | None:
    """The first certificate listed; None where there is none that can be read, which then vouches for nothing."""
    try:
        return load_certificate(authority.chain[0]) if authority.chain else None
    except VerificationError:
        return None


def _is_named(certificate: Certificate, token: _Token) -> bool:
    return (certificate.serial, certificate.issuer) == (token.serial, token.issuer)


def _check_imprint(token: _Token, signature: bytes) -> None:
    chosen = _HASHES.get(token.hash_name)
    if chosen is None:
        raise _weak(token.hash_name)
    if token.imprint != chosen(signature).digest():
        raise VerificationError("the timestamp is of another signature", code="timestamp.imprint")


def _verify_under(
    token: _Token, authority: CertificateAuthority, leaf: Certificate, now: datetime, limits: Limits
) -> VerifiedTimestamp:
    # 4. The certificates.
    try:
        chain = require_chain(leaf, authority.chain, purpose=TIME_STAMPING)
    except VerificationError as error:
        raise VerificationError(error.message, code="timestamp.certificate") from error
    try:
        require_valid_at(chain, token.at)
    except VerificationError as error:
        raise VerificationError(error.message, code="timestamp.certificate-validity") from error
    # 5. The signature.
    _verify_cms(token, chain)
    # 6. The time.
    if not authority.window.contains(token.at):
        raise VerificationError(
            f"expected a time in the window of authority {authority.uri!r}, found {render_time(token.at)}",
            code="timestamp.authority-window",
        )
    if token.at - now > timedelta(seconds=limits.clock_skew_seconds):
        raise VerificationError(f"expected a time up to now, found {render_time(token.at)}", code="timestamp.in-future")
    time = TrustedTime(source=TimeSource.TIMESTAMP, at=token.at, authority=authority.uri)
    return VerifiedTimestamp(time, authority.uri or f"key:{chain[-1].spki.hex()}", leaf.spki)


def _verify_cms(token: _Token, chain: tuple[Certificate, ...]) -> None:
    from rfc3161_client.verify import VerifierBuilder

    # As in _decode; it loads every certificate that came along.
    try:
        with _quiet():
            loaded = [_load(certificate.der) for certificate in chain]
            builder = VerifierBuilder(tsa_certificate=loaded[0], intermediates=loaded[1:-1], roots=loaded[-1:])
            builder.build().verify(token.response, token.imprint)
    except Exception as error:
        raise VerificationError(
            "the timestamp does not verify under the authority's certificate", code="timestamp.signature"
        ) from error


@lru_cache(maxsize=64)
def _load(der: bytes) -> X509Certificate:
    """As ``rfc3161-client`` takes it."""
    from cryptography.x509 import load_der_x509_certificate

    return load_der_x509_certificate(der)


def _untrusted(by: str) -> VerificationError:
    return VerificationError(
        f"expected a timestamp by an authority of the trusted root, found one by {by}", code="timestamp.untrusted"
    )


def _malformed(message: str) -> VerificationError:
    return VerificationError(message, code="timestamp.malformed")


def _weak(found: str) -> VerificationError:
    return VerificationError(f"expected SHA-256, SHA-384 or SHA-512, found {found}", code="timestamp.algorithm")
