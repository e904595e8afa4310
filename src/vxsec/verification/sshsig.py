"""SSH signatures: one blob, one key, one namespace (PROTOCOL.sshsig and PROTOCOL.u2f of OpenSSH).

1. The blob is read strictly (``vxsec.formats.sshsig``).
2. It names exactly the key that is asked for, byte by byte.
3. It was made for the namespace that is asked for: a signature for git or for a login proves nothing here.
4. Its algorithm is one of that kind of key.
5. A hardware key was touched by someone, and that someone gave a PIN or a finger where it is required.
6. The signature verifies, with the one hash that the algorithm states (RFC 5656 section 6.2.1, RFC 8332 section 3).

Allowed signers, validity and roles are not looked at here: they are judged by the trust document.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from vxsec.errors import FormatError, VerificationError
from vxsec.formats.sshsig import SSHSIG_HASHES, read_sshsig, signed_data
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.ssh import SSHSIG_NAMESPACE, SshSignatureFacts
from vxsec.verification.keys import verify_hashed_signature, verify_signature

if TYPE_CHECKING:
    from vxsec.model.ssh import SshPublicKey, SshSignature

__all__ = ["verify_sshsig", "verify_sshsig_digests"]

_USER_PRESENT = 0x01
_USER_VERIFIED = 0x04
_HASHES = {
    "ecdsa-sha2-nistp256": "sha256",
    "ecdsa-sha2-nistp384": "sha384",
    "ecdsa-sha2-nistp521": "sha512",
    "rsa-sha2-256": "sha256",
    "rsa-sha2-512": "sha512",
    "sk-ecdsa-sha2-nistp256@openssh.com": "sha256",
}
"""The hash of each algorithm that takes one; Ed25519 takes none."""


def verify_sshsig(
    signature: bytes,
    data: bytes,
    *,
    key: SshPublicKey,
    namespace: str = SSHSIG_NAMESPACE,
    require_verified: bool = False,
    where: str = "SSH signature",
    limits: Limits = DEFAULT_LIMITS,
) -> SshSignatureFacts:
    """Return what an SSH signature over ``data`` says, if it was made with ``key`` for ``namespace``.

    Guarantees: a hardware key's signature is returned only if someone touched the key.

    Args:
        signature: Armored, or the bare blob.
        data: The bytes that were signed.
        key: The one key that may have signed.
        namespace: What the signature must have been made for.
        require_verified: Require of a hardware key that it asked for a PIN or a finger; an ordinary key cannot show that
            and is refused.
        where: What the signature is called in an error.
        limits: The bound on its size.

    Raises:
        VerificationError: ``sshsig.other-key``, ``sshsig.namespace``, ``sshsig.algorithm``, ``sshsig.user-presence``,
            ``sshsig.user-verification``, ``sshsig.invalid``; what is malformed as
            :func:`vxsec.formats.sshsig.read_sshsig`; ``key.malformed`` and ``key.unsupported`` for the key itself.
    """
    found = _read(signature, where, limits)
    digest = hashlib.new(found.hash_name, data).digest()
    return _verify(found, digest, key=key, namespace=namespace, require_verified=require_verified, where=where)


def verify_sshsig_digests(
    signature: bytes,
    *,
    sha256: bytes,
    sha512: bytes,
    key: SshPublicKey,
    namespace: str = SSHSIG_NAMESPACE,
    require_verified: bool = False,
    where: str = "SSH signature",
    limits: Limits = DEFAULT_LIMITS,
) -> SshSignatureFacts:
    """As :func:`verify_sshsig`, for a file that is not held in memory: ``sha256`` and ``sha512`` are its raw digests."""
    found = _read(signature, where, limits)
    digest = {"sha256": sha256, "sha512": sha512}[found.hash_name]
    if len(digest) != SSHSIG_HASHES[found.hash_name]:
        raise ValueError("expected raw digests of 32 and 64 bytes")
    return _verify(found, digest, key=key, namespace=namespace, require_verified=require_verified, where=where)


def _read(signature: bytes, where: str, limits: Limits) -> SshSignature:
    try:
        return read_sshsig(signature, where=where, limits=limits)
    except FormatError as error:
        raise VerificationError(error.message, code=error.code, where=error.where, hint=error.hint) from error


def _verify(
    found: SshSignature, digest: bytes, *, key: SshPublicKey, namespace: str, require_verified: bool, where: str
) -> SshSignatureFacts:
    if found.public_key != key.blob:
        raise VerificationError(
            f"expected a signature by {key.fingerprint}, found one by another key",
            code="sshsig.other-key",
            where=where,
            hint="give the public key of the one who signed",
        )
    if found.namespace != namespace:
        raise VerificationError(
            f"expected a signature for the namespace {namespace!r}, found {found.namespace[:40]!r}",
            code="sshsig.namespace",
            where=where,
            hint=f"ask the signer to sign for it: ssh-keygen -Y sign -n {namespace} -f KEY FILE",
        )
    _check_algorithm(found, key, where)
    _check_person(found, key, require_verified=require_verified, where=where)
    _check_signature(found, signed_data(namespace, found.hash_name, digest), key, where)
    flags = found.flags
    return SshSignatureFacts(
        algorithm=found.algorithm,
        hash_name=found.hash_name,
        namespace=found.namespace,
        user_present=None if flags is None else bool(flags & _USER_PRESENT),
        user_verified=None if flags is None else bool(flags & _USER_VERIFIED),
        counter=found.counter,
    )


def _check_algorithm(found: SshSignature, key: SshPublicKey, where: str) -> None:
    allowed = ("rsa-sha2-256", "rsa-sha2-512") if key.kind == "ssh-rsa" else (key.kind,)
    if found.algorithm not in allowed:
        raise VerificationError(
            f"expected {' or '.join(allowed)} of a key of kind {key.kind}, found {found.algorithm}",
            code="sshsig.algorithm",
            where=where,
        )


def _check_person(found: SshSignature, key: SshPublicKey, *, require_verified: bool, where: str) -> None:
    flags = found.flags or 0
    if key.hardware and not flags & _USER_PRESENT:
        raise VerificationError(
            "nobody touched the hardware key while it signed",
            code="sshsig.user-presence",
            where=where,
            hint="make the key again without -O no-touch-required, and sign with that",
        )
    if require_verified and not flags & _USER_VERIFIED:
        raise VerificationError(
            "the key did not ask for a PIN or a finger",
            code="sshsig.user-verification",
            where=where,
            hint="make a hardware key that asks: ssh-keygen -t ed25519-sk -O verify-required",
        )


def _check_signature(found: SshSignature, data: bytes, key: SshPublicKey, where: str) -> None:
    if key.application is not None:
        # What the hardware signs: the application it was made for, what happened at the key, and the data's digest.
        application = hashlib.sha256(key.application.encode("ascii")).digest()
        happened = (found.flags or 0).to_bytes(1, "big") + (found.counter or 0).to_bytes(4, "big")
        data = application + happened + hashlib.sha256(data).digest()
    hash_name = _HASHES.get(found.algorithm)
    try:
        if hash_name is None:
            verify_signature(key.verifying_spki, found.raw, data)
        else:
            verify_hashed_signature(key.verifying_spki, found.raw, data, hash_name=hash_name)
    except VerificationError as error:
        if error.code != "signature.invalid":
            raise
        raise VerificationError(
            "the signature does not verify under this key: other bytes were signed, or the signature was changed",
            code="sshsig.invalid",
            where=where,
        ) from error
