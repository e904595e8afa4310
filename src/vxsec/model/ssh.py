"""SSH public keys and SSH signatures as values."""

from __future__ import annotations

import base64
import hashlib

from vxsec.values import dataclass

__all__ = ["SSHSIG_NAMESPACE", "SshPublicKey", "SshSignature", "SshSignatureFacts"]

SSHSIG_NAMESPACE = "vxsec"
"""The namespace of every SSH signature that vxsec makes or counts: one made for git or a login is never one of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SshPublicKey:
    """One SSH public key; only ``vxsec.formats.ssh_key`` makes one.

    ``kind`` is SSH's own name of the key type, ``blob`` the key in SSH's wire form, ``verifying_spki`` the canonical DER of
    the key that the signature itself is checked with. ``application`` is there for keys in security hardware (``sk-``).
    """

    kind: str
    blob: bytes
    verifying_spki: bytes
    application: str | None = None

    @property
    def spki(self) -> bytes | None:
        """Canonical DER SubjectPublicKeyInfo of an ordinary key; None for a hardware key, which signs more than the data."""
        return None if self.hardware else self.verifying_spki

    @property
    def hardware(self) -> bool:
        """Whether the key lives in security hardware that a person touches."""
        return self.application is not None

    @property
    def fingerprint(self) -> str:
        """``SHA256:`` and the unpadded base64 of the blob's SHA-256, as ``ssh-keygen -l`` prints it."""
        digest = base64.b64encode(hashlib.sha256(self.blob).digest())
        return "SHA256:" + digest.decode("ascii").rstrip("=")

    @property
    def hint(self) -> str:
        """What names the key in a bundle; it selects a candidate and is never trust."""
        return f"ssh:{self.fingerprint}"

    @property
    def identity(self) -> bytes:
        """What the key is counted by.

        An ordinary key is its SubjectPublicKeyInfo, so that it is one key in whichever format it is listed; a hardware key
        is ``ssh:`` and its blob.
        """
        return b"ssh:" + self.blob if self.hardware else self.verifying_spki


@dataclass(frozen=True, slots=True, kw_only=True)
class SshSignature:
    """One SSHSIG blob as it was read (PROTOCOL.sshsig section 2); nothing in it is verified.

    ``public_key`` is the key it names, in wire form. ``algorithm`` is the signature's own (``rsa-sha2-512`` for a key of
    kind ``ssh-rsa``). ``raw`` is what cryptography takes: DER for ECDSA. Hardware keys add ``flags`` and ``counter``.
    """

    public_key: bytes
    namespace: str
    hash_name: str
    algorithm: str
    raw: bytes
    flags: int | None = None
    counter: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SshSignatureFacts:
    """What a verified SSH signature says.

    For a hardware key ``user_present`` (someone touched it), ``user_verified`` (by PIN or finger) and the ``counter``;
    None for an ordinary one, which says nothing about a person.
    """

    algorithm: str
    hash_name: str
    namespace: str
    user_present: bool | None = None
    user_verified: bool | None = None
    counter: int | None = None
