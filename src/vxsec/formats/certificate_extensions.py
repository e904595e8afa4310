"""The extensions of an X.509 certificate (RFC 5280 section 4.2, RFC 6962, and Fulcio's table of object identifiers)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypedDict

from vxsec.errors import FormatError
from vxsec.formats.der import (
    BIT_STRING,
    BOOLEAN,
    INTEGER,
    OBJECT_IDENTIFIER,
    OCTET_STRING,
    SEQUENCE,
    UTF8_STRING,
    read_only,
)
from vxsec.formats.sct_list import read_sct_list
from vxsec.model.certificate import AlternativeName

if TYPE_CHECKING:
    from collections.abc import Callable

    from vxsec.formats.der import DerElement
    from vxsec.limits import Limits
    from vxsec.model.certificate import SignedCertificateTimestamp

__all__ = ["SCT_LIST", "ExtensionValues", "read_extensions"]

SCT_LIST = "1.3.6.1.4.1.11129.2.4.2"
_BASIC_CONSTRAINTS, _KEY_USAGE, _EXTENDED_KEY_USAGE = "2.5.29.19", "2.5.29.15", "2.5.29.37"
_ALTERNATIVE_NAMES, _SUBJECT_KEY_ID, _AUTHORITY_KEY_ID = "2.5.29.17", "2.5.29.14", "2.5.29.35"
_FULCIO = "1.3.6.1.4.1.57264.1."
_ISSUER_V1, _USERNAME, _ISSUER_V2 = f"{_FULCIO}1", f"{_FULCIO}7", f"{_FULCIO}8"
_CLAIMS_V1 = {
    f"{_FULCIO}2": "githubWorkflowTrigger",
    f"{_FULCIO}3": "githubWorkflowSHA",
    f"{_FULCIO}4": "githubWorkflowName",
    f"{_FULCIO}5": "githubWorkflowRepository",
    f"{_FULCIO}6": "githubWorkflowRef",
}
"""Deprecated; their values are the text itself, not a DER string."""
_CLAIMS_V2 = {
    f"{_FULCIO}9": "buildSignerURI",
    f"{_FULCIO}10": "buildSignerDigest",
    f"{_FULCIO}11": "runnerEnvironment",
    f"{_FULCIO}12": "sourceRepositoryURI",
    f"{_FULCIO}13": "sourceRepositoryDigest",
    f"{_FULCIO}14": "sourceRepositoryRef",
    f"{_FULCIO}15": "sourceRepositoryIdentifier",
    f"{_FULCIO}16": "sourceRepositoryOwnerURI",
    f"{_FULCIO}17": "sourceRepositoryOwnerIdentifier",
    f"{_FULCIO}18": "buildConfigURI",
    f"{_FULCIO}19": "buildConfigDigest",
    f"{_FULCIO}20": "buildTrigger",
    f"{_FULCIO}21": "runInvocationURI",
    f"{_FULCIO}22": "sourceRepositoryVisibilityAtSigning",
    f"{_FULCIO}23": "deploymentEnvironment",
    f"{_FULCIO}24": "tokenSubject",
}
_DIGITAL_SIGNATURE, _CERT_SIGN = 0, 5
_OTHER_NAME, _EXPLICIT = 0xA0, 0xA0
_NAME_KINDS = {0x81: "email", 0x82: "dns", 0x86: "uri"}
_OTHER_KINDS = frozenset({_OTHER_NAME, 0xA3, 0xA4, 0xA5, 0x87, 0x88})
_KEY_ID_TAGS = (0x80, 0xA1, 0x82)
"""The key's identifier; the issuer's name and serial number, which are not looked at."""
_MOST_NAMES = 100
_UNUSED_BITS = tuple(bytes([count]) for count in range(8))
_KEY_USAGE_BYTES = 2


class ExtensionValues(TypedDict, total=False):
    """The fields of ``Certificate`` that come from extensions."""

    is_ca: bool
    path_length: int | None
    has_key_usage: bool
    digital_signature: bool
    cert_sign: bool
    extended_key_usages: tuple[str, ...]
    subject_key_id: bytes | None
    authority_key_id: bytes | None
    alternative_names: tuple[AlternativeName, ...]
    present: frozenset[str]
    critical: frozenset[str]
    unhandled_critical: tuple[str, ...]
    oidc_issuer: str | None
    claims: dict[str, str]
    scts: tuple[SignedCertificateTimestamp, ...]


class _Extension(NamedTuple):
    critical: bool
    value: bytes


def read_extensions(element: DerElement, limits: Limits) -> ExtensionValues:
    """Read ``Extensions``, each at most once.

    Raises:
        FormatError: ``der.malformed``, ``certificate.malformed``, ``certificate.duplicate-extension``,
            ``certificate.issuer-mismatch``, ``sct.malformed`` or ``sct.too-many``.
    """
    found = _split(element)
    values = ExtensionValues(
        present=frozenset(found),
        critical=frozenset(oid for oid, item in found.items() if item.critical),
        unhandled_critical=tuple(oid for oid, item in found.items() if item.critical and oid not in _UNDERSTOOD),
        oidc_issuer=_read_issuer(found),
        claims=_read_claims(found),
    )
    for oid, reader in _READERS.items():
        if oid in found:
            values.update(reader(found[oid].value))
    if SCT_LIST in found:
        scts = read_only(found[SCT_LIST].value, OCTET_STRING).content
        values["scts"] = read_sct_list(scts, where="certificate timestamps", limits=limits)
    return values


def _split(element: DerElement) -> dict[str, _Extension]:
    reader = element.inside()
    found: dict[str, _Extension] = {}
    while not reader.at_end:
        item = reader.next(SEQUENCE).inside()
        oid = item.next(OBJECT_IDENTIFIER).oid()
        flag = item.optional(BOOLEAN)
        value = item.next(OCTET_STRING).content
        item.done()
        if flag is not None and not flag.boolean():
            raise _malformed("expected a critical flag only where it is true (X.690 section 11.5)")
        if oid in found:
            raise FormatError(
                f"expected every extension once, found {oid} again", code="certificate.duplicate-extension"
            )
        found[oid] = _Extension(critical=flag is not None, value=value)
    if not found:
        raise _malformed("expected at least one extension, found none")
    return found


def _read_issuer(found: dict[str, _Extension]) -> str | None:
    issuers = [_plain_text(found[_ISSUER_V1])] if _ISSUER_V1 in found else []
    issuers += [_der_text(found[_ISSUER_V2])] if _ISSUER_V2 in found else []
    if len(set(issuers)) > 1:
        raise FormatError(
            f"expected one issuer, found {issuers[0][:80]!r} and {issuers[1][:80]!r}",
            code="certificate.issuer-mismatch",
        )
    return issuers[0] if issuers else None


def _read_claims(found: dict[str, _Extension]) -> dict[str, str]:
    claims = {name: _plain_text(found[oid]) for oid, name in _CLAIMS_V1.items() if oid in found}
    return claims | {name: _der_text(found[oid]) for oid, name in _CLAIMS_V2.items() if oid in found}


def _plain_text(extension: _Extension) -> str:
    try:
        return extension.value.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _malformed("expected text in UTF-8") from error


def _der_text(extension: _Extension) -> str:
    return read_only(extension.value, UTF8_STRING).text()


def _basic_constraints(value: bytes) -> ExtensionValues:
    reader = read_only(value, SEQUENCE).inside()
    flag, limit = reader.optional(BOOLEAN), reader.optional(INTEGER)
    reader.done()
    if flag is not None and not flag.boolean():
        raise _malformed("expected cA only where it is true (X.690 section 11.5)")
    length = None if limit is None else limit.integer()
    if length is not None and (length < 0 or flag is None):
        raise _malformed("expected a path length only of an authority, and not negative")
    return {"is_ca": flag is not None, "path_length": length}


def _key_usage(value: bytes) -> ExtensionValues:
    content = read_only(value, BIT_STRING).content
    unused, raw = content[:1], content[1:]
    if unused not in _UNUSED_BITS or not 0 < len(raw) <= _KEY_USAGE_BYTES:
        raise _malformed("expected key usages as a list of named bits")
    # A list of named bits ends with one that is set (X.690 section 11.2.2), and what is behind it is not used.
    number = int.from_bytes(raw, "big")
    if number & -number != 1 << unused[0]:
        raise _malformed("expected key usages that end with one that is set")
    bits = f"{number:0{8 * len(raw)}b}".ljust(16, "0")
    return {
        "has_key_usage": True,
        "digital_signature": bits[_DIGITAL_SIGNATURE] == "1",
        "cert_sign": bits[_CERT_SIGN] == "1",
    }


def _extended_key_usage(value: bytes) -> ExtensionValues:
    reader = read_only(value, SEQUENCE).inside()
    usages = []
    while not reader.at_end:
        usages.append(reader.next(OBJECT_IDENTIFIER).oid())
    if not usages:
        raise _malformed("expected at least one extended key usage, found none")
    return {"extended_key_usages": tuple(usages)}


def _subject_key_id(value: bytes) -> ExtensionValues:
    return {"subject_key_id": read_only(value, OCTET_STRING).content}


def _authority_key_id(value: bytes) -> ExtensionValues:
    reader = read_only(value, SEQUENCE).inside()
    found, issuer, serial = (reader.optional(tag) for tag in _KEY_ID_TAGS)
    reader.done()
    if (issuer is None) != (serial is None):
        raise _malformed("expected an issuer together with a serial number")
    return {"authority_key_id": None if found is None else found.content}


def _alternative_names(value: bytes) -> ExtensionValues:
    reader = read_only(value, SEQUENCE).inside()
    names = []
    while not reader.at_end:
        names.append(_read_name(reader.next()))
    if not 0 < len(names) <= _MOST_NAMES:
        raise _malformed(f"expected 1 to {_MOST_NAMES} alternative names, found {len(names)}")
    return {"alternative_names": tuple(names)}


def _read_name(element: DerElement) -> AlternativeName:
    kind = _NAME_KINDS.get(element.tag)
    if kind is not None:
        if not element.content or not element.content.isascii():
            raise _malformed(f"expected a name in ASCII, found {element.content[:80]!r}")
        return AlternativeName(kind=kind, value=element.content.decode("ascii"))
    if element.tag not in _OTHER_KINDS:
        raise _malformed(f"expected a kind of name, found tag {element.tag:#04x}")
    if element.tag == _OTHER_NAME:
        reader = element.inside()
        oid, held = reader.next(OBJECT_IDENTIFIER).oid(), reader.next(_EXPLICIT)
        reader.done()
        if oid == _USERNAME:
            name = read_only(held.content, UTF8_STRING).text()
            if not name:
                raise _malformed("expected a user name, found none")
            return AlternativeName(kind="username", value=name)
    return AlternativeName(kind="other", value=element.whole.hex())


_READERS: dict[str, Callable[[bytes], ExtensionValues]] = {
    _BASIC_CONSTRAINTS: _basic_constraints,
    _KEY_USAGE: _key_usage,
    _EXTENDED_KEY_USAGE: _extended_key_usage,
    _ALTERNATIVE_NAMES: _alternative_names,
    _SUBJECT_KEY_ID: _subject_key_id,
    _AUTHORITY_KEY_ID: _authority_key_id,
}
_UNDERSTOOD = frozenset({SCT_LIST, _ISSUER_V1, _ISSUER_V2, *_CLAIMS_V1, *_CLAIMS_V2, *_READERS})


def _malformed(message: str) -> FormatError:
    return FormatError(message, code="certificate.malformed")
