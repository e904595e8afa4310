"""Registry signatures as npm's registry makes them: "this registry accepted these bytes as this version".

ECDSA P-256 with SHA-256 over ``NAME@VERSION:INTEGRITY``, DER in base64, in ``dist.signatures``; the public keys are served
by ``GET -/npm/v1/keys`` (npm documentation "About ECDSA registry signatures"; pacote ``lib/registry.js`` verifies them).
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import field, replace
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["RegistryKey", "key_id", "keys_document", "make_key"]

_KEY_TYPE = "ecdsa-sha2-nistp256"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryKey:
    """One key of a registry; ``expires`` is RFC 3339, or None for the one that signs now."""

    keyid: str
    spki: bytes
    expires: str | None
    private: ec.EllipticCurvePrivateKey = field(repr=False)

    def sign(self, name: str, version: str, integrity: str) -> dict[str, str]:
        """One element of ``dist.signatures``."""
        signature = self.private.sign(f"{name}@{version}:{integrity}".encode(), ec.ECDSA(SHA256()))
        return {"keyid": self.keyid, "sig": base64.b64encode(signature).decode()}

    def expire(self, when: str) -> RegistryKey:
        """The same key, good only for what was published before ``when`` (RFC 3339)."""
        return replace(self, expires=when)


def make_key() -> RegistryKey:
    """A fresh key."""
    private = ec.generate_private_key(ec.SECP256R1())
    public = private.public_key()
    spki = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return RegistryKey(keyid=key_id(public), spki=spki, expires=None, private=private)


def key_id(public: ec.EllipticCurvePublicKey) -> str:
    """The id that npm gives a key: the fingerprint that ``ssh-keygen -l`` prints of it (RFC 4253 6.6, RFC 5656 3.1), unpadded.

    npm's documentation says "SHA256 of the public key" only; the ids of the public registry's two keys are this, and
    not the digest of the SPKI that stands beside them.
    """
    line = public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    digest = hashlib.sha256(base64.b64decode(line.split()[1])).digest()
    return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


def keys_document(keys: Sequence[RegistryKey]) -> dict[str, list[dict[str, str | None]]]:
    """The answer to ``GET -/npm/v1/keys``, oldest key first."""
    return {
        "keys": [
            {
                "expires": key.expires,
                "keyid": key.keyid,
                "keytype": _KEY_TYPE,
                "scheme": _KEY_TYPE,
                "key": base64.b64encode(key.spki).decode(),
            }
            for key in keys
        ]
    }
