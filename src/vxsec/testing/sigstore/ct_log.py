"""A certificate transparency log, as far as Sigstore needs one: it signs timestamps of certificates (RFC 6962 section 3.2)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from vxsec.testing.sigstore.der import octet_string
from vxsec.testing.sigstore.keys import KeyKind, make_key, sign, spki_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

__all__ = ["CtLog", "sct_extension"]

_V1 = b"\x00"
_CERTIFICATE_TIMESTAMP = b"\x00"
_PRECERTIFICATE_ENTRY = (1).to_bytes(2, "big")
_SHA256 = 4  # RFC 5246 section 7.4.1.4.1
_RSA, _ECDSA = 1, 3


class CtLog:
    """A log with a key of its own; its id is the digest of that key."""

    def __init__(self, *, base_url: str = "https://ctfe.example.test/rehearsal", kind: KeyKind = "ecdsa-p256") -> None:
        self.base_url = base_url
        self._key = make_key(kind)
        self._scheme = _RSA if kind.startswith("rsa") else _ECDSA
        self.spki = spki_of(self._key)
        self.log_id = hashlib.sha256(self.spki).digest()

    def sign(self, tbs: bytes, *, issuer_spki: bytes, at: datetime, extensions: bytes = b"") -> bytes:
        """One signed certificate timestamp for a precertificate.

        Args:
            tbs: The TBSCertificate without the extension that will hold the timestamp.
            issuer_spki: The issuing authority's key, DER.
            at: When the log says it saw it; kept to the millisecond.
            extensions: ``CtExtensions``, bytes that the signature covers.
        """
        moment = int(at.timestamp() * 1000).to_bytes(8, "big")
        entry = hashlib.sha256(issuer_spki).digest() + _sized(3, tbs)
        added = _sized(2, extensions)
        signed = _V1 + _CERTIFICATE_TIMESTAMP + moment + _PRECERTIFICATE_ENTRY + entry + added
        signature = bytes([_SHA256, self._scheme]) + _sized(2, sign(self._key, signed, "sha256"))
        return _V1 + self.log_id + moment + added + signature


def sct_extension(timestamps: Sequence[bytes]) -> bytes:
    """The value of a certificate's extension that holds these timestamps (RFC 6962 section 3.3)."""
    return octet_string(_sized(2, b"".join(_sized(2, timestamp) for timestamp in timestamps)))


def _sized(width: int, content: bytes) -> bytes:
    return len(content).to_bytes(width, "big") + content
