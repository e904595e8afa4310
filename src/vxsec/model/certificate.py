"""X.509 certificates and signed certificate timestamps as values, as far as Sigstore's need to be understood.

Words are those of RFC 5280, RFC 6962 and of Fulcio's table of extensions.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

__all__ = ["AlternativeName", "Certificate", "SignedCertificateTimestamp"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlternativeName:
    """One subject alternative name.

    ``kind`` is ``email``, ``uri``, ``dns``, ``username`` (Fulcio's ``otherName``), or ``other`` with the element in hex.
    """

    kind: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedCertificateTimestamp:
    """That a log was shown the certificate (RFC 6962 section 3.2); ``version`` 0 is v1.

    ``timestamp_ms`` are milliseconds since 1970. ``hash_algorithm`` and ``signature_algorithm`` are TLS's numbers: 4 and 3
    are SHA-256 with ECDSA, 4 and 1 with RSA.
    """

    version: int
    log_id: bytes
    timestamp_ms: int
    extensions: bytes
    hash_algorithm: int
    signature_algorithm: int
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Certificate:
    """A certificate of version 3 as written; nothing in it is verified. Two are the same where their ``der`` is.

    ``tbs``, ``signature_algorithm`` (dotted) and ``signature`` are what its issuer signed and how. ``spki`` is the key in
    canonical DER, ``key_info`` the same as written: its SHA-256 is the issuer key hash of RFC 6962. ``subject`` and
    ``issuer`` are the DER of the names.
    """

    der: bytes
    tbs: bytes
    signature_algorithm: str
    signature: bytes
    serial: int
    subject: bytes
    issuer: bytes
    not_before: datetime
    not_after: datetime
    spki: bytes
    key_info: bytes
    is_ca: bool = False
    path_length: int | None = None
    """How many intermediates may follow, if that is limited."""
    has_key_usage: bool = False
    """Without the extension every use is allowed, and the two below are False."""
    digital_signature: bool = False
    cert_sign: bool = False
    extended_key_usages: tuple[str, ...] = ()
    """Dotted object identifiers; empty where there is no such extension."""
    subject_key_id: bytes | None = None
    authority_key_id: bytes | None = None
    alternative_names: tuple[AlternativeName, ...] = ()
    present: frozenset[str] = frozenset()
    """Every extension, dotted."""
    critical: frozenset[str] = frozenset()
    """The extensions marked critical, dotted."""
    unhandled_critical: tuple[str, ...] = ()
    """Those of them that are not understood here: a verifier must refuse the certificate (RFC 5280 section 4.2)."""
    oidc_issuer: str | None = None
    """Who vouched for the subject to Fulcio."""
    claims: Mapping[str, str] = field(default_factory=dict)
    """The other extensions of Fulcio by their names in camel case, such as ``sourceRepositoryURI``."""
    scts: tuple[SignedCertificateTimestamp, ...] = ()

    @property
    def self_issued(self) -> bool:
        """Whether issuer and subject are the same name, as in a root."""
        return self.subject == self.issuer
