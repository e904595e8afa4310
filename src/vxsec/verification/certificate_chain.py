"""X.509 chains of the trusted root: what holds whatever the time (verified once and kept), and what depends on it.

Only the chains that the trusted root lists count; certificates that come with a signature are never part of a path, except
the one that signed. The path building of ``cryptography`` is for web servers (it wants a host name, and knows no other
purpose) and importing it costs more than all of this.

Source: RFC 5280 sections 4.2 and 6.1, without policies and name constraints: a certificate that makes an extension critical
that is not understood is refused. Names are compared byte by byte.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from vxsec.errors import FormatError, VerificationError
from vxsec.formats.certificate import read_certificate
from vxsec.formats.public_key import key_algorithm
from vxsec.formats.timestamps import render_time
from vxsec.verification.keys import verify_hashed_signature, verify_signature

if TYPE_CHECKING:
    from datetime import datetime

    from vxsec.model.certificate import Certificate

__all__ = [
    "CODE_SIGNING",
    "TIME_STAMPING",
    "load_certificate",
    "require_chain",
    "require_issued",
    "require_leaf",
    "require_valid_at",
]

CODE_SIGNING = "1.3.6.1.5.5.7.3.3"
TIME_STAMPING = "1.3.6.1.5.5.7.3.8"

_ANY_PURPOSE = "2.5.29.37.0"
_EXTENDED_KEY_USAGE = "2.5.29.37"
_NAME_CONSTRAINTS = "2.5.29.30"
_PURPOSES = {CODE_SIGNING: "codeSigning", TIME_STAMPING: "timeStamping"}
# The kind of key and the hash of each signature algorithm that is taken; weaker hashes and RSA-PSS are not there.
_ALGORITHMS = {
    "1.2.840.10045.4.3.2": ("ecdsa", "sha256"),
    "1.2.840.10045.4.3.3": ("ecdsa", "sha384"),
    "1.2.840.10045.4.3.4": ("ecdsa", "sha512"),
    "1.2.840.113549.1.1.11": ("rsa", "sha256"),
    "1.2.840.113549.1.1.12": ("rsa", "sha384"),
    "1.2.840.113549.1.1.13": ("rsa", "sha512"),
    "1.3.101.112": ("ed25519", ""),
}


def load_certificate(der: bytes, *, where: str = "certificate") -> Certificate:
    """Read one certificate.

    Raises:
        VerificationError: The code of the ``FormatError`` that ``read_certificate`` raises.
    """
    try:
        return read_certificate(der, where=where)
    except FormatError as error:
        raise VerificationError(error.message, code=error.code, where=error.where) from error


def require_issued(certificate: Certificate, issuer: Certificate) -> None:
    """``issuer`` is named as the issuer of ``certificate`` and signed it, with SHA-256 or better, or Ed25519.

    Raises:
        VerificationError: ``certificate.chain``.
    """
    if certificate.issuer != issuer.subject:
        raise VerificationError("issued under another name than the authority's", code="certificate.chain")
    _require_signed(issuer.spki, certificate.signature_algorithm, certificate.signature, certificate.tbs)


@lru_cache(maxsize=1024)
def _require_signed(spki: bytes, algorithm: str, signature: bytes, tbs: bytes) -> None:
    """Remembered where it holds: one certificate signs many files, and Fulcio's authorities use P-384, which is slow."""
    kind, hash_name = _ALGORITHMS.get(algorithm, ("", ""))
    if not kind or not key_algorithm(spki).startswith(kind):
        raise VerificationError(
            f"expected a certificate signed with SHA-256 or better by the issuer's kind of key, found {algorithm}",
            code="certificate.chain",
        )
    try:
        if kind == "ed25519":
            verify_signature(spki, signature, tbs)
        else:
            verify_hashed_signature(spki, signature, tbs, hash_name=hash_name)
    except VerificationError as error:
        raise VerificationError(
            "the certificate's signature does not verify under its issuer's key", code="certificate.chain"
        ) from error


def require_chain(leaf: Certificate, authority: tuple[bytes, ...], *, purpose: str) -> tuple[Certificate, ...]:
    """The path from ``leaf`` up to the last certificate of the authority's chain, everything but its time verified.

    Args:
        leaf: The certificate that signed; it may be the first of the chain itself.
        authority: The chain in DER, the issuing certificate first, the root last.
        purpose: The extended key usage that the leaf must have, and authorities may be limited to.

    Raises:
        VerificationError: ``certificate.chain``, ``certificate.authority`` (not allowed to issue), ``certificate.key-usage``,
            ``certificate.is-authority``, ``certificate.critical-extension``, ``certificate.name-constraints``, or a code of a
            malformed certificate.
    """
    if not authority:
        raise VerificationError("expected an authority with a certificate, found none", code="certificate.chain")
    chain = _verified_authority(authority[1:] if leaf.der == authority[0] else authority, purpose)
    if chain:
        require_issued(leaf, chain[0])
    require_leaf(leaf, purpose)
    return (leaf, *chain)


def require_leaf(leaf: Certificate, purpose: str) -> None:
    """The certificate is an end entity's for ``purpose``: it may sign, and it may not issue.

    For timestamping the purpose must be the only one, and critical (RFC 3161 section 2.3), and no key usage is needed.

    Raises:
        VerificationError: ``certificate.key-usage``, ``certificate.is-authority``, ``certificate.critical-extension`` or
            ``certificate.name-constraints``.
    """
    _require_understood(leaf)
    if leaf.is_ca or leaf.cert_sign:
        raise VerificationError(
            "expected a signer's certificate, found an authority's", code="certificate.is-authority"
        )
    stamping = purpose == TIME_STAMPING
    if not leaf.digital_signature and not (stamping and not leaf.has_key_usage):
        raise VerificationError("expected a key for digital signatures", code="certificate.key-usage")
    purposes = leaf.extended_key_usages
    right = purposes == (purpose,) and _EXTENDED_KEY_USAGE in leaf.critical if stamping else purpose in purposes
    if not right:
        raise VerificationError(
            f"expected the extended key usage {_PURPOSES[purpose]}, found {', '.join(purposes[:4]) or 'none'}",
            code="certificate.key-usage",
        )


def require_valid_at(chain: tuple[Certificate, ...], moment: datetime) -> None:
    """Every certificate was valid at ``moment`` (aware), both ends included.

    Raises:
        VerificationError: ``certificate.outside-validity`` for the first, ``certificate.chain-validity`` for another.
    """
    for place, certificate in enumerate(chain):
        if not certificate.not_before <= moment <= certificate.not_after:
            raise VerificationError(
                f"expected {'an authority' if place else 'a certificate'} valid at {render_time(moment)}, found one from "
                f"{render_time(certificate.not_before)} to {render_time(certificate.not_after)}",
                code="certificate.chain-validity" if place else "certificate.outside-validity",
            )


@lru_cache(maxsize=64)
def _verified_authority(chain: tuple[bytes, ...], purpose: str) -> tuple[Certificate, ...]:
    loaded = tuple(
        load_certificate(der, where=f"authority's certificate {place}") for place, der in enumerate(chain, 1)
    )
    for place, certificate in enumerate(loaded):
        _require_authority(certificate, below=place, purpose=purpose)
        if place + 1 < len(loaded):
            require_issued(certificate, loaded[place + 1])
        elif certificate.self_issued:
            require_issued(certificate, certificate)
    return loaded


def _require_authority(certificate: Certificate, *, below: int, purpose: str) -> None:
    """It may issue: ``below`` is how many authorities stand between it and the leaf."""
    _require_understood(certificate)
    if not certificate.is_ca:
        raise _unfit("that is no certificate authority")
    if certificate.path_length is not None and certificate.path_length < below:
        raise _unfit(f"that allows {certificate.path_length} below it, not {below}")
    if certificate.has_key_usage and not certificate.cert_sign:
        raise _unfit("without a key for certificates")
    purposes = certificate.extended_key_usages
    if purposes and not {purpose, _ANY_PURPOSE}.intersection(purposes):
        raise _unfit(f"that does not issue for {_PURPOSES[purpose]}")


def _require_understood(certificate: Certificate) -> None:
    if certificate.unhandled_critical:
        raise VerificationError(
            f"a critical extension that is not understood: {certificate.unhandled_critical[0]}",
            code="certificate.critical-extension",
        )
    if _NAME_CONSTRAINTS in certificate.present:
        # RFC 5280 section 4.2.1.10 has them critical. Where they are not, passing over them would widen what was limited.
        raise VerificationError(
            "expected a certificate without name constraints, which are not understood here, found some",
            code="certificate.name-constraints",
        )


def _unfit(found: str) -> VerificationError:
    return VerificationError(f"expected an authority, found one {found}", code="certificate.authority")
