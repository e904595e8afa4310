"""What a signer is, and the bundles made with one.

There are two shapes. A :class:`Signer` holds one private key and gives bare signatures; the bundle around them is made
here. A :class:`BundleSigner` (keyless, or a key with witnesses) gets certificate, log entries and timestamps while it signs,
and gives the whole bundle. What a user names with a URI is either (``vxsec.signing.table``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias, runtime_checkable

from vxsec.errors import UsageError
from vxsec.formats.sigstore_bundle import render_dsse_bundle, render_message_bundle
from vxsec.model.attestation import INTOTO_PAYLOAD_TYPE, pae

if TYPE_CHECKING:
    from vxsec.model.verification import Requirements

__all__ = [
    "AnySigner",
    "BundleSigner",
    "DigestSigner",
    "FileSigner",
    "Signer",
    "TouchSigner",
    "sign_blob",
    "sign_statement",
]


class Signer(Protocol):
    """One private key, wherever it lives, ready to sign: whatever has to be unlocked was unlocked once.

    Every kind passes the same contract suite.
    """

    @property
    def spki(self) -> bytes:
        """What the key is counted by: canonical DER SubjectPublicKeyInfo, else ``openpgp:FINGERPRINT`` or ``ssh:`` and the key.

        See :class:`vxsec.model.trust.TrustedKey`.
        """

    @property
    def hint(self) -> str:
        """What names the key in a bundle; it selects a candidate and is never trust."""

    @property
    def algorithm(self) -> str:
        """The key's algorithm as :func:`vxsec.formats.public_key.key_algorithm` names it, ``openpgp``, or SSH's own name."""

    def sign(self, data: bytes) -> bytes:
        """Sign ``data``: a bare signature, an OpenPGP packet, or an SSHSIG blob."""


@runtime_checkable
class DigestSigner(Signer, Protocol):
    """A signer that makes what cosign makes: SHA-256 with ECDSA (DER) and RSA PKCS#1 v1.5, pure Ed25519."""

    @property
    def signs_digests(self) -> bool:
        """Whether :meth:`sign_digest` works; pure Ed25519 must see the whole message."""

    def sign_digest(self, sha256: bytes) -> bytes:
        """Sign the file whose SHA-256 (32 bytes) this is, so that large files need not be held in memory.

        Raises:
            UsageError: ``signer.blob-unsupported`` where :attr:`signs_digests` is False.
        """


@runtime_checkable
class FileSigner(Signer, Protocol):
    """A signer that other tools verify by a file of its own beside the signed one (``FILE.asc``, ``FILE.sshsig``)."""

    @property
    def suffix(self) -> str:
        """What that file's name ends in, with its dot."""

    def sign_file(self, data: bytes) -> bytes:
        """Sign a file's bytes for that tool, armored."""


@runtime_checkable
class TouchSigner(Signer, Protocol):
    """A signer that may wait for a person."""

    @property
    def needs_touch(self) -> bool:
        """Whether someone has to touch a hardware key for each signature."""


@runtime_checkable
class BundleSigner(Protocol):
    """A signer that makes the whole bundle itself."""

    @property
    def spki(self) -> bytes | None:
        """What the key is counted by, as :attr:`Signer.spki`; None where a certificate says who signed."""

    @property
    def hint(self) -> str:
        """Who signs, in reports."""

    @property
    def asked(self) -> Requirements:
        """How much evidence must be in the bundle, beside what a certificate needs anyway."""

    @property
    def trusted_root(self) -> bytes:
        """The trusted root (JSON) that what was signed must verify under, before anything is stored."""

    def bundle_statement(self, payload: bytes) -> bytes:
        """Sign an in-toto statement's bytes; the bundle as one line, without line end."""

    def bundle_blob(self, sha256: bytes) -> bytes:
        """Sign the file whose SHA-256 (32 bytes) this is; the bundle as one line, without line end."""


AnySigner: TypeAlias = Signer | BundleSigner


def sign_statement(signer: AnySigner, payload: bytes) -> bytes:
    """Sign an in-toto statement's bytes and return the bundle as one line, without line end."""
    if isinstance(signer, BundleSigner):
        return signer.bundle_statement(payload)
    signature = signer.sign(pae(INTOTO_PAYLOAD_TYPE, payload))
    return render_dsse_bundle(INTOTO_PAYLOAD_TYPE, payload, signature, signer.hint)


def sign_blob(signer: AnySigner, *, sha256: bytes) -> bytes:
    """Make a bare signature over a file, given its SHA-256 (32 bytes); one line, without line end.

    Such a signature never counts toward publishing.

    Raises:
        UsageError: ``signer.blob-unsupported`` for a signer that must see the whole file: Ed25519, OpenPGP and SSH keys.
    """
    if isinstance(signer, BundleSigner):
        return signer.bundle_blob(sha256)
    if not isinstance(signer, DigestSigner):
        raise UsageError(f"a key of kind {signer.algorithm} cannot sign a digest", code="signer.blob-unsupported")
    return render_message_bundle(sha256, signer.sign_digest(sha256), signer.hint)
