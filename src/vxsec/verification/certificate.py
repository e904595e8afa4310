"""The certificate that signed: whom it was issued to, by which authority of the trusted root, and which logs have it.

Identities are exact: a certificate without exactly one subject alternative name, or without an issuer of the identity, has
none and is refused. Intermediates that a bundle brings along are not looked at (``vxsec.verification.certificate_chain``).
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from vxsec.errors import VerificationError
from vxsec.formats.certificate import precertificate_tbs
from vxsec.formats.public_key import key_algorithm
from vxsec.formats.timestamps import render_time
from vxsec.model.verification import CertificateIdentity
from vxsec.verification.certificate_chain import (
    CODE_SIGNING,
    load_certificate,
    require_chain,
    require_issued,
    require_leaf,
    require_valid_at,
)
from vxsec.verification.keys import verify_hashed_signature

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vxsec.model.certificate import Certificate, SignedCertificateTimestamp
    from vxsec.model.trusted_root import CertificateAuthority, TransparencyLog

__all__ = [
    "IssuedCertificate",
    "SigningCertificate",
    "find_issuers",
    "read_signing_certificate",
    "require_issued_at",
    "verify_scts",
]

_NAMES = frozenset({"email", "uri", "username"})
_SCT_HEAD = b"\x00\x00"  # version 1, a certificate timestamp
_PRECERTIFICATE = b"\x00\x01"
_SHA256 = 4  # RFC 5246 section 7.4.1.4.1, as are the two below
_TLS_ALGORITHMS = {"ecdsa": 3, "rsa": 1}
_SHOWN = 120


class SigningCertificate(NamedTuple):
    """A leaf that may sign code, read; nobody vouches for it yet."""

    certificate: Certificate
    identity: CertificateIdentity

    @property
    def der(self) -> bytes:
        """The certificate as written."""
        return self.certificate.der

    @property
    def spki(self) -> bytes:
        """Its key, canonical DER."""
        return self.certificate.spki


class IssuedCertificate(NamedTuple):
    """A path to one authority of the trusted root: everything but the time holds."""

    authority: CertificateAuthority
    chain: tuple[Certificate, ...]


def read_signing_certificate(der: bytes) -> SigningCertificate:
    """Read the certificate of a bundle.

    Guarantees: it is an end entity's, for digital signatures and for signing code, with exactly one subject alternative
    name (e-mail, URI or user name) and the issuer of that identity, and nothing critical that is not understood.

    Raises:
        VerificationError: ``certificate.is-authority``, ``certificate.key-usage``, ``certificate.critical-extension``,
            ``certificate.name-constraints``, ``certificate.identity``, or a code of a malformed certificate.
    """
    certificate = load_certificate(der)
    require_leaf(certificate, CODE_SIGNING)
    return SigningCertificate(certificate, _identity_of(certificate))


def find_issuers(
    leaf: SigningCertificate, authorities: Sequence[CertificateAuthority]
) -> tuple[IssuedCertificate, ...]:
    """The authorities that issued the certificate, by signature, whatever the time; never an empty tuple.

    Several may have one name: the signature decides. One authority may be listed with several windows.

    Raises:
        VerificationError: ``certificate.untrusted``: none did. If one did whose own chain does not hold, its
            ``certificate.*`` code.
    """
    found: list[IssuedCertificate] = []
    broken: VerificationError | None = None
    for authority in authorities:
        if not authority.chain or not _is_issuer(leaf.certificate, authority.chain[0]):
            continue
        try:
            found.append(
                IssuedCertificate(authority, require_chain(leaf.certificate, authority.chain, purpose=CODE_SIGNING))
            )
        except VerificationError as error:
            broken = error
    if not found:
        raise broken or VerificationError(
            "expected a certificate issued by an authority of the trusted root, found one issued by another",
            code="certificate.untrusted",
            hint="name the trusted root of the Sigstore instance that the signer used",
        )
    return tuple(found)


def require_issued_at(issued: Sequence[IssuedCertificate], moments: Sequence[datetime]) -> IssuedCertificate:
    """The path that was valid, and whose authority was in its window, at every one of ``moments`` (aware).

    Raises:
        VerificationError: ``certificate.outside-validity``, ``certificate.chain-validity`` or
            ``certificate.authority-window``.
    """
    refused: VerificationError | None = None
    for path in issued:
        try:
            for moment in moments:
                require_valid_at(path.chain, moment)
                _require_window(path.authority, moment)
        except VerificationError as error:
            refused = refused or error
        else:
            return path
    raise refused or VerificationError("no authority to judge", code="certificate.untrusted")


def verify_scts(
    leaf: SigningCertificate,
    issued: IssuedCertificate,
    *,
    logs: Sequence[TransparencyLog],
    now: datetime,
    skew: timedelta,
) -> tuple[tuple[tuple[TransparencyLog, datetime], ...], VerificationError | None]:
    """The listed logs that have the certificate, each since when, and why a timestamp in it did not count.

    One of a log that is not listed, or made outside its window, does not count. One that names a listed log and does not
    verify is refused, because somebody made it up.

    Args:
        leaf: The certificate, with its timestamps.
        issued: Whose key is part of what is signed (RFC 6962 section 3.2).
        logs: Certificate transparency logs of the trusted root.
        now: The time of judgement, aware.
        skew: How far ahead of it a timestamp may lie.

    Raises:
        VerificationError: ``sct.signature``.
    """
    found: list[tuple[TransparencyLog, datetime]] = []
    reason: VerificationError | None = None
    for sct in leaf.certificate.scts:
        named = [log for log in logs if log.log_id == sct.log_id]
        if not named:
            reason = reason or VerificationError(
                "expected a timestamp of a certificate transparency log of the trusted root, found one of log "
                f"{sct.log_id.hex()[:_SHOWN]}",
                code="sct.unknown-log",
            )
            continue
        _verify_sct(sct, leaf.der, _issuer_key(issued), named[0].spki)
        try:
            found.append(_require_sct_window(sct, named, now, skew))
        except VerificationError as error:
            reason = reason or error
    return tuple(found), reason


def _identity_of(certificate: Certificate) -> CertificateIdentity:
    names = certificate.alternative_names
    if len(names) != 1 or names[0].kind not in _NAMES or not names[0].value:
        kinds = ", ".join(name.kind for name in names[:4]) or "none"
        raise VerificationError(
            f"expected exactly one e-mail, URI or user name in the certificate, found {kinds}",
            code="certificate.identity",
        )
    if not certificate.oidc_issuer:
        raise VerificationError(
            "expected who vouched for the identity (Fulcio's issuer extension), found none", code="certificate.identity"
        )
    return CertificateIdentity(subject=names[0].value, issuer=certificate.oidc_issuer, claims=dict(certificate.claims))


def _is_issuer(certificate: Certificate, issuer: bytes) -> bool:
    try:
        require_issued(certificate, load_certificate(issuer))
    except VerificationError:
        return False
    return True


def _require_window(authority: CertificateAuthority, moment: datetime) -> None:
    if not authority.window.contains(moment):
        raise VerificationError(
            f"expected a time in the window of authority {authority.uri[:_SHOWN]!r}, found {render_time(moment)}",
            code="certificate.authority-window",
        )


def _issuer_key(issued: IssuedCertificate) -> bytes:
    """The issuing key as its own certificate writes it; a leaf that the root lists itself has issued itself."""
    return issued.chain[min(1, len(issued.chain) - 1)].key_info


@lru_cache(maxsize=1024)
def _verify_sct(sct: SignedCertificateTimestamp, der: bytes, issuer_key: bytes, spki: bytes) -> None:
    """Remembered where it holds, as the certificate's own signature is: one certificate signs many files."""
    kind = key_algorithm(spki).partition("-")[0]
    expected = (0, _SHA256, _TLS_ALGORITHMS.get(kind))
    if (sct.version, sct.hash_algorithm, sct.signature_algorithm) != expected:
        raise VerificationError(
            "expected a timestamp of version 1 with SHA-256 and the log's kind of key", code="sct.signature"
        )
    tbs = precertificate_tbs(der)
    signed = b"".join(
        (
            _SCT_HEAD,
            sct.timestamp_ms.to_bytes(8, "big"),
            _PRECERTIFICATE,
            hashlib.sha256(issuer_key).digest(),
            len(tbs).to_bytes(3, "big"),
            tbs,
            len(sct.extensions).to_bytes(2, "big"),
            sct.extensions,
        )
    )
    try:
        verify_hashed_signature(spki, sct.signature, signed, hash_name="sha256")
    except VerificationError as error:
        raise VerificationError(
            "the signed certificate timestamp does not verify under the log's key", code="sct.signature"
        ) from error


def _require_sct_window(
    sct: SignedCertificateTimestamp, logs: Sequence[TransparencyLog], now: datetime, skew: timedelta
) -> tuple[TransparencyLog, datetime]:
    at = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=sct.timestamp_ms)
    if at - now > skew:
        raise VerificationError(f"expected a time before now, found {render_time(at)}", code="sct.in-future")
    for log in logs:
        if log.window.contains(at):
            return log, at
    raise VerificationError(
        f"expected a time in the window of log {logs[0].base_url[:_SHOWN]!r}, found {render_time(at)}",
        code="sct.log-window",
    )
