"""A timestamp authority (RFC 3161): its certificates, and responses that say when some bytes existed.

A response is CMS SignedData over a TSTInfo (RFC 5652 section 5, RFC 5816 for the digest of the signing certificate).
"""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING, Literal, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from vxsec.testing.sigstore.authority import AUTHORITY_LIFETIME, ORGANIZATION, build_ca_certificate, key_usage
from vxsec.testing.sigstore.der import (
    boolean,
    explicit,
    generalized_time,
    implicit,
    integer,
    object_identifier,
    octet_string,
    read,
    read_all,
    sequence,
    set_of,
)
from vxsec.testing.sigstore.keys import HashName, digest, sign
from vxsec.testing.sigstore.replies import RefusedRequestError
from vxsec.values import dataclass

if TYPE_CHECKING:
    from datetime import datetime

    from vxsec.testing.loopback import LoggedRequest

__all__ = ["Embedded", "TimestampAuthority", "TimestampQuery", "parse_timestamp_query"]

Embedded: TypeAlias = Literal["none", "leaf", "chain"]

_POLICY = "2.999.57264.1"  # an example arc
_SIGNED_DATA = "1.2.840.113549.1.7.2"
_TST_INFO = "1.2.840.113549.1.9.16.1.4"
_CONTENT_TYPE = "1.2.840.113549.1.9.3"
_MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
_SIGNING_TIME = "1.2.840.113549.1.9.5"
_SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"
_ECDSA_SHA256 = "1.2.840.10045.4.3.2"
_HASHES: dict[HashName, str] = {
    "sha256": "2.16.840.1.101.3.4.2.1",
    "sha384": "2.16.840.1.101.3.4.2.2",
    "sha512": "2.16.840.1.101.3.4.2.3",
}
_INTEGER, _BOOLEAN = 0x02, 0x01


@dataclass(frozen=True, slots=True, kw_only=True)
class TimestampQuery:
    """What a client asks for: a digest, a number to find in the answer, and whether it wants the certificates."""

    digest: bytes
    algorithm: HashName
    nonce: int | None = None
    certificates: bool = False


def parse_timestamp_query(data: bytes) -> TimestampQuery:
    """Read a TimeStampReq (RFC 3161 section 2.4.1).

    Raises:
        ValueError: It is none, or asks for a digest other than SHA-256, SHA-384 and SHA-512.
    """
    outer, rest = read(data)
    _version, imprint, *options = read_all(outer.content)
    algorithm, value = read_all(imprint.content)
    named = read_all(algorithm.content)[0].encoded
    known = {object_identifier(dotted): name for name, dotted in _HASHES.items()}
    if rest or named not in known:
        raise ValueError("expected a timestamp query over SHA-256, SHA-384 or SHA-512")
    numbers = [int.from_bytes(item.content, "big") for item in options if item.tag == _INTEGER]
    return TimestampQuery(
        digest=value.content,
        algorithm=known[named],
        nonce=numbers[0] if numbers else None,
        certificates=any(item.encoded == boolean(value=True) for item in options if item.tag == _BOOLEAN),
    )


class TimestampAuthority:
    """A root and a leaf that may only sign timestamps; ``chain`` is DER, the leaf first.

    Args:
        start: Both certificates are valid from here (aware).
        end: Until when; ten years after ``start`` if not given.
        uri: Where it is reached.
        name: Tells two authorities apart; part of the certificates' names.
        leaf_end: Until when the leaf is valid, where it ends before the root.
        usage: False for a leaf that is not meant for timestamps.
    """

    def __init__(
        self,
        *,
        start: datetime,
        end: datetime | None = None,
        uri: str = "https://tsa.example.test/api/v1/timestamp",
        name: str = "tsa",
        leaf_end: datetime | None = None,
        usage: bool = True,
    ) -> None:
        self.uri = uri
        end = end or start + AUTHORITY_LIFETIME
        root_key, self._key = ec.generate_private_key(ec.SECP384R1()), ec.generate_private_key(ec.SECP256R1())
        root = build_ca_certificate(f"{name} root", root_key.public_key(), start=start, end=end, path_length=0).sign(
            root_key, SHA384()
        )
        self._certificate = _leaf(
            self._key.public_key(), name=name, start=start, end=leaf_end or end, root=root, usage=usage
        ).sign(root_key, SHA384())
        self.chain = tuple(item.public_bytes(Encoding.DER) for item in (self._certificate, root))

    def answer(self, request: LoggedRequest, *, at: datetime) -> tuple[int, bytes, dict[str, str]]:
        """Serve one request; the answer embeds the leaf's certificate where the query wants it (RFC 3161 section 3.4)."""
        try:
            query = parse_timestamp_query(request.body)
        except (ValueError, IndexError) as error:
            raise RefusedRequestError(f"expected a timestamp query: {error}") from error
        made = self._response(query, at=at, embedded="leaf" if query.certificates else "none", broken=False)
        return 201, made, {"content-type": "application/timestamp-reply"}

    def stamp(
        self,
        data: bytes,
        *,
        at: datetime,
        algorithm: HashName = "sha256",
        embedded: Embedded = "leaf",
        broken_signature: bool = False,
    ) -> bytes:
        """A TimeStampResp over the digest of ``data``."""
        query = TimestampQuery(digest=digest(data, algorithm), algorithm=algorithm)
        return self._response(query, at=at, embedded=embedded, broken=broken_signature)

    def _response(self, query: TimestampQuery, *, at: datetime, embedded: Embedded, broken: bool) -> bytes:
        info = sequence(
            integer(1),
            object_identifier(_POLICY),
            sequence(_algorithm(_HASHES[query.algorithm]), octet_string(query.digest)),
            integer(secrets.randbits(63)),
            generalized_time(at),
            *([] if query.nonce is None else [integer(query.nonce)]),
        )
        certificates = {"none": (), "leaf": self.chain[:1], "chain": self.chain}[embedded]
        signed_data = sequence(
            integer(3),
            set_of(_algorithm(_HASHES["sha256"])),
            sequence(object_identifier(_TST_INFO), explicit(0, octet_string(info))),
            *([implicit(0, set_of(*certificates))] if certificates else []),
            set_of(self._signer_info(info, at=at, broken=broken)),
        )
        token = sequence(object_identifier(_SIGNED_DATA), explicit(0, signed_data))
        return sequence(sequence(integer(0)), token)

    def _signer_info(self, info: bytes, *, at: datetime, broken: bool) -> bytes:
        certificate = sequence(sequence(sequence(octet_string(hashlib.sha256(self.chain[0]).digest()))))
        attributes = set_of(
            _attribute(_CONTENT_TYPE, object_identifier(_TST_INFO)),
            _attribute(_SIGNING_TIME, generalized_time(at)),
            _attribute(_MESSAGE_DIGEST, octet_string(hashlib.sha256(info).digest())),
            _attribute(_SIGNING_CERTIFICATE_V2, certificate),
        )
        signature = sign(self._key, attributes + (b"\x00" if broken else b""))
        return sequence(
            integer(1),
            sequence(self._certificate.issuer.public_bytes(), integer(self._certificate.serial_number)),
            _algorithm(_HASHES["sha256"]),
            implicit(0, attributes),
            _algorithm(_ECDSA_SHA256),
            octet_string(signature),
        )


def _leaf(
    key: ec.EllipticCurvePublicKey, *, name: str, start: datetime, end: datetime, root: x509.Certificate, usage: bool
) -> x509.CertificateBuilder:
    subject = [
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANIZATION),
        x509.NameAttribute(NameOID.COMMON_NAME, name),
    ]
    issuer_key = root.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    purpose = ExtendedKeyUsageOID.TIME_STAMPING if usage else ExtendedKeyUsageOID.CODE_SIGNING
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name(subject))
        .issuer_name(root.subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(key_usage(digital_signature=True, ca=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=True)  # RFC 3161 section 2.3
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer_key), critical=False)
    )


def _algorithm(dotted: str) -> bytes:
    return sequence(object_identifier(dotted))


def _attribute(dotted: str, value: bytes) -> bytes:
    return sequence(object_identifier(dotted), set_of(value))
