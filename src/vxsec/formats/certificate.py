"""X.509 certificates (RFC 5280) as Sigstore uses them: Fulcio's leaves, and the authorities above them.

What cannot be understood in one way is refused: duplicate extensions, other encodings than DER, versions before 3. An
extension that is not understood is listed if it is critical, so that a verifier refuses the certificate.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from vxsec.errors import FormatError
from vxsec.formats.certificate_extensions import SCT_LIST, read_extensions
from vxsec.formats.der import (
    BIT_STRING,
    INTEGER,
    OBJECT_IDENTIFIER,
    SEQUENCE,
    SET,
    Der,
    read_only,
    render_der,
)
from vxsec.formats.public_key import parse_public_key
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.certificate import Certificate

if TYPE_CHECKING:
    from datetime import datetime

    from vxsec.formats.der import DerElement

__all__ = ["precertificate_tbs", "read_certificate"]

_VERSION, _EXTENSIONS = 0xA0, 0xA3
_UNIQUE_IDS = (0x81, 0x82)
_V3 = 2
_SERIAL_BYTES = 20


def read_certificate(der: bytes, *, where: str, limits: Limits = DEFAULT_LIMITS) -> Certificate:
    """Read one certificate.

    Guarantees: DER of version 3 with every extension at most once, a serial number of at most 20 bytes that is not
    negative, and a key of a kind that is verified here. Where both issuers of Fulcio's are there, they agree. Nothing is
    verified: neither its signature, nor its times, nor what it may be used for.

    Args:
        der: The whole certificate.
        where: What it is called in an error.
        limits: Bounds on its size and on the timestamps in it.

    Raises:
        FormatError: ``certificate.malformed``, ``certificate.version``, ``certificate.serial``,
            ``certificate.duplicate-extension``, ``certificate.key`` (not of a kind verified here, or malformed),
            ``certificate.issuer-mismatch``, ``certificate.too-large``, ``sct.malformed`` or ``sct.too-many``.
    """
    if len(der) > limits.certificate_bytes:
        raise FormatError(
            f"expected at most {limits.certificate_bytes} bytes, found {len(der)}",
            code="certificate.too-large",
            where=where,
        )
    try:
        return _read(der, limits)
    except FormatError as error:
        code = "certificate.malformed" if error.code == "der.malformed" else error.code
        raise FormatError(error.message, code=code, where=where) from error


def precertificate_tbs(der: bytes) -> bytes:
    """What logs sign of a certificate (RFC 6962 section 3.2): its ``TBSCertificate`` without the list of timestamps.

    Raises:
        FormatError: ``certificate.malformed``.
    """
    try:
        tbs = read_only(der, SEQUENCE).inside().next(SEQUENCE)
        fields = tbs.inside()
        before = b""
        while fields.peek() not in {None, _EXTENSIONS}:
            before += fields.next().whole
        items = read_only(fields.next(_EXTENSIONS).content, SEQUENCE).inside() if not fields.at_end else Der(b"")
        fields.done()
        kept = b""
        while not items.at_end:
            item = items.next(SEQUENCE)
            if item.inside().next(OBJECT_IDENTIFIER).oid() != SCT_LIST:
                kept += item.whole
    except FormatError as error:
        raise FormatError(error.message, code="certificate.malformed") from error
    after = render_der(_EXTENSIONS, render_der(SEQUENCE, kept)) if kept else b""
    return render_der(SEQUENCE, before + after)


@lru_cache(maxsize=256)
def _read(der: bytes, limits: Limits) -> Certificate:
    """Kept, because the same authorities stand above many signers."""
    outer = read_only(der, SEQUENCE).inside()
    tbs, algorithm, signature = outer.next(SEQUENCE), outer.next(SEQUENCE), outer.next(BIT_STRING)
    outer.done()
    fields = tbs.inside()
    _check_version(fields)
    serial = _read_serial(fields.next(INTEGER))
    if fields.next(SEQUENCE).whole != algorithm.whole:
        raise _malformed("expected the same signature algorithm inside and outside")
    issuer = _read_name(fields.next(SEQUENCE))
    not_before, not_after = _read_validity(fields.next(SEQUENCE))
    subject, key_info = _read_name(fields.next(SEQUENCE)), fields.next(SEQUENCE).whole
    for tag in _UNIQUE_IDS:
        fields.optional(tag)
    extensions = fields.next(_EXTENSIONS).inside()
    fields.done()
    values = read_extensions(extensions.next(SEQUENCE), limits)
    extensions.done()
    return Certificate(
        der=der,
        tbs=tbs.whole,
        signature_algorithm=_read_algorithm(algorithm),
        signature=signature.bits(),
        serial=serial,
        subject=subject,
        issuer=issuer,
        not_before=not_before,
        not_after=not_after,
        spki=_read_key(key_info),
        key_info=key_info,
        **values,
    )


def _check_version(fields: Der) -> None:
    explicit = fields.optional(_VERSION)
    version = 0 if explicit is None else read_only(explicit.content, INTEGER).integer()
    if version != _V3:
        raise FormatError(f"expected a certificate of version 3, found {version + 1}", code="certificate.version")


def _read_serial(element: DerElement) -> int:
    serial = element.integer()
    if serial < 0 or len(element.content) > _SERIAL_BYTES:
        raise FormatError(
            f"expected a serial number of at most {_SERIAL_BYTES} bytes that is not negative, "
            f"found {len(element.content)} bytes{' and a minus' if serial < 0 else ''}",
            code="certificate.serial",
        )
    return serial


def _read_algorithm(element: DerElement) -> str:
    """The identifier; parameters are whatever the algorithm has, one element."""
    fields = element.inside()
    identifier = fields.next(OBJECT_IDENTIFIER).oid()
    if not fields.at_end:
        fields.next()
    fields.done()
    return identifier


def _read_name(element: DerElement) -> bytes:
    """A name as written; its values are compared, not read."""
    names = element.inside()
    while not names.at_end:
        attributes = names.next(SET).inside()
        while True:
            attribute = attributes.next(SEQUENCE).inside()
            attribute.next(OBJECT_IDENTIFIER).oid()
            attribute.next()
            attribute.done()
            if attributes.at_end:
                break
    return element.whole


def _read_validity(element: DerElement) -> tuple[datetime, datetime]:
    validity = element.inside()
    not_before, not_after = validity.next().time(), validity.next().time()
    validity.done()
    if not_after < not_before:
        raise _malformed("expected a certificate that does not end before it starts")
    return not_before, not_after


def _read_key(key_info: bytes) -> bytes:
    try:
        read_only(key_info, SEQUENCE).inside().next(SEQUENCE)  # cryptography would read a bare RSAPublicKey, too
        return parse_public_key(key_info, where="key")
    except FormatError as error:
        raise FormatError(error.message, code="certificate.key") from error


def _malformed(message: str) -> FormatError:
    return FormatError(message, code="certificate.malformed")
