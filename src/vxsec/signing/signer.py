"""What a signer is, and the bundles made with one."""

from __future__ import annotations

from typing import Protocol

from vxsec.formats.public_key import key_hint
from vxsec.formats.sigstore_bundle import render_dsse_bundle, render_message_bundle
from vxsec.model.attestation import INTOTO_PAYLOAD_TYPE, pae

__all__ = ["Signer", "sign_blob", "sign_statement"]


class Signer(Protocol):
    """One private key, wherever it lives, ready to sign: whatever has to be unlocked was unlocked once.

    Every kind passes the same contract suite. Signatures are what cosign makes for the same key: SHA-256 with ECDSA (DER)
    and RSA PKCS#1 v1.5, pure Ed25519.
    """

    @property
    def spki(self) -> bytes:
        """The public key, canonical DER SubjectPublicKeyInfo."""

    @property
    def algorithm(self) -> str:
        """The key's algorithm as :func:`vxsec.formats.public_key.key_algorithm` names it."""

    @property
    def signs_digests(self) -> bool:
        """Whether :meth:`sign_digest` works; pure Ed25519 must see the whole message."""

    def sign(self, data: bytes) -> bytes:
        """Sign ``data``."""

    def sign_digest(self, sha256: bytes) -> bytes:
        """Sign the file whose SHA-256 (32 bytes) this is, so that large files need not be held in memory.

        Raises:
            UsageError: ``signer.blob-unsupported`` where :attr:`signs_digests` is False.
        """


def sign_statement(signer: Signer, payload: bytes) -> bytes:
    """Sign an in-toto statement's bytes and return the bundle as one line, without line end."""
    signature = signer.sign(pae(INTOTO_PAYLOAD_TYPE, payload))
    return render_dsse_bundle(INTOTO_PAYLOAD_TYPE, payload, signature, key_hint(signer.spki))


def sign_blob(signer: Signer, *, sha256: bytes) -> bytes:
    """Make a bare signature over a file, given its SHA-256 (32 bytes); one line, without line end.

    Such a signature never counts toward publishing.

    Raises:
        UsageError: ``signer.blob-unsupported`` for an Ed25519 key.
    """
    return render_message_bundle(sha256, signer.sign_digest(sha256), key_hint(signer.spki))
