"""A certificate authority that issues what Fulcio issues: short-lived certificates for identities, with a CT timestamp inside.

The chain is a root and an intermediate that may only sign code. A leaf has an empty subject, a critical alternative name,
the authority's key identifier and Fulcio's own extensions (Sigstore "Certificate" specification, Fulcio
``docs/certificate-specification.md``).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from vxsec.testing.sigstore.ct_log import sct_extension
from vxsec.testing.sigstore.der import utf8_string
from vxsec.testing.sigstore.identity import FULCIO_ARC
from vxsec.testing.sigstore.keys import spki_of
from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from vxsec.testing.sigstore.identity import Identity
    from vxsec.testing.sigstore.keys import PublicKey

__all__ = [
    "AUTHORITY_LIFETIME",
    "CERTIFICATE_LIFETIME",
    "ORGANIZATION",
    "CertificateAuthority",
    "LeafShape",
    "MakeScts",
    "build_ca_certificate",
    "key_usage",
    "no_scts",
]

CERTIFICATE_LIFETIME = timedelta(minutes=10)
"""How long a certificate for an identity is valid, as Fulcio's."""
AUTHORITY_LIFETIME = timedelta(days=3650)
ORGANIZATION = "vxsec rehearsal"
_SCT_LIST = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
_USERNAME = x509.ObjectIdentifier(f"{FULCIO_ARC}.7")

MakeScts: TypeAlias = "Callable[[bytes, bytes], Sequence[bytes]]"
"""From the TBSCertificate without timestamps, and the issuer's key (DER), to the timestamps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeafShape:
    """How a leaf certificate is made; every default is what Fulcio does, every other value is a defect."""

    ca: bool = False
    digital_signature: bool = True
    code_signing: bool = True
    alternative_name: bool = True
    second_name: str | None = None
    """An e-mail address beside the identity's name."""
    critical_name: bool = True
    issuer_extensions: bool = True
    subject: str | None = None
    unknown_critical_extension: bool = False
    broken_signature: bool = False


class CertificateAuthority:
    """A root and an intermediate with keys of their own; ``chain`` is DER, the intermediate first.

    Args:
        start: Both certificates are valid from here (aware).
        end: Until when; ten years after ``start`` if not given.
        name: Tells two authorities apart; part of the certificates' names.
    """

    def __init__(self, *, start: datetime, end: datetime | None = None, name: str = "sigstore") -> None:
        end = end or start + AUTHORITY_LIFETIME
        root_key, self._key = ec.generate_private_key(ec.SECP384R1()), ec.generate_private_key(ec.SECP256R1())
        root = build_ca_certificate(f"{name} root", root_key.public_key(), start=start, end=end, path_length=1).sign(
            root_key, SHA384()
        )
        self._certificate = build_ca_certificate(
            f"{name} intermediate",
            self._key.public_key(),
            start=start,
            end=end,
            path_length=0,
            issuer=root,
            usage=ExtendedKeyUsageOID.CODE_SIGNING,
        ).sign(root_key, SHA384())
        self.chain = tuple(item.public_bytes(Encoding.DER) for item in (self._certificate, root))
        self.spki = spki_of(self._key)

    def issue(
        self,
        key: PublicKey,
        *,
        identity: Identity,
        start: datetime,
        end: datetime,
        scts: MakeScts,
        shape: LeafShape | None = None,
    ) -> bytes:
        """A leaf certificate in DER.

        The authority first signs the certificate without timestamps; what a CT log signs is its TBSCertificate (RFC 6962
        section 3.2). Then it signs the same again with the timestamps added as the last extension.
        """
        shape = shape or LeafShape()
        builder = self._leaf(key, identity=identity, start=start, end=end, shape=shape)
        precertificate = builder.sign(self._key, SHA256())
        timestamps = scts(precertificate.tbs_certificate_bytes, self.spki)
        certificate = precertificate
        if timestamps:
            extension = x509.UnrecognizedExtension(_SCT_LIST, sct_extension(timestamps))
            certificate = builder.add_extension(extension, critical=False).sign(self._key, SHA256())
        der = certificate.public_bytes(Encoding.DER)
        return der[:-1] + bytes([der[-1] ^ 1]) if shape.broken_signature else der

    def _leaf(
        self, key: PublicKey, *, identity: Identity, start: datetime, end: datetime, shape: LeafShape
    ) -> x509.CertificateBuilder:
        subject = [] if shape.subject is None else [x509.NameAttribute(NameOID.COMMON_NAME, shape.subject)]
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name(subject))
            .issuer_name(self._certificate.subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(end)
            .add_extension(key_usage(digital_signature=shape.digital_signature, ca=shape.ca), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(_authority_key(self._certificate), critical=False)
        )
        usage = ExtendedKeyUsageOID.CODE_SIGNING if shape.code_signing else ExtendedKeyUsageOID.CLIENT_AUTH
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        if shape.ca:
            builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        if shape.alternative_name:
            names = [_general_name(identity)]
            if shape.second_name is not None:
                names.append(x509.RFC822Name(shape.second_name))
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=shape.critical_name)
        for dotted, value in identity.extensions() if shape.issuer_extensions else ():
            builder = builder.add_extension(
                x509.UnrecognizedExtension(x509.ObjectIdentifier(dotted), value), critical=False
            )
        if shape.unknown_critical_extension:
            unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.999.1"), b"\x05\x00")
            builder = builder.add_extension(unknown, critical=True)
        return builder


def no_scts(_tbs: bytes, _issuer_spki: bytes) -> Sequence[bytes]:
    """No timestamps: a certificate that no log saw."""
    return ()


def build_ca_certificate(
    name: str,
    key: ec.EllipticCurvePublicKey,
    *,
    start: datetime,
    end: datetime,
    path_length: int | None,
    issuer: x509.Certificate | None = None,
    usage: x509.ObjectIdentifier | None = None,
) -> x509.CertificateBuilder:
    """An authority's certificate, not yet signed; without ``issuer`` it is its own."""
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANIZATION),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(key_usage(digital_signature=False, ca=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )
    if issuer is not None:
        builder = builder.add_extension(_authority_key(issuer), critical=False)
    if usage is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    return builder


def key_usage(*, digital_signature: bool, ca: bool) -> x509.KeyUsage:
    """What a key may be used for: to sign data, to sign certificates."""
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=ca,
        crl_sign=ca,
        content_commitment=not (digital_signature or ca),  # some bit must be set
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _authority_key(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    found = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(found)


def _general_name(identity: Identity) -> x509.GeneralName:
    if identity.kind == "email":
        return x509.RFC822Name(identity.subject)
    if identity.kind == "uri":
        return x509.UniformResourceIdentifier(identity.subject)
    return x509.OtherName(_USERNAME, utf8_string(identity.subject))
