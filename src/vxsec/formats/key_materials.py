"""What in a public key makes it one key, in whichever format it is written.

One secret key can be listed in many forms that look unlike each other: as PEM and as OpenPGP, in two OpenPGP certificates of
other dates, as a hardware key of two applications, as RSA of one modulus and two exponents. Whoever holds it can sign in all
of them, so the forms are compared by what they share: the modulus of RSA, one coordinate of a point (a point and its
negative belong to one secret).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, cast

from vxsec.errors import FormatError
from vxsec.model.quorum import Signer

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    from vxsec.model.evidence import SignerFact
    from vxsec.model.trust import TrustedKey, TrustRoot

__all__ = ["key_materials", "materials_of", "signer_of"]

_OPENPGP, _SSH = b"openpgp:", b"ssh:"
_COORDINATES = {"ecdsa-p256": 32, "ecdsa-p384": 48, "ecdsa-p521": 66}
_ED25519_BYTES = 32


def key_materials(key: TrustedKey) -> frozenset[bytes]:
    """What a key of a trust document is made of; two keys that have something of it in common count as one."""
    return materials_of(key.spki, certificate=key.certificate)


def signer_of(fact: SignerFact, trust: TrustRoot) -> Signer:
    """A fact of ``trust``, as it is counted: by its holder, and by what the key is made of."""
    key = next((key for key in trust.keys if key.spki == fact.spki), None)
    materials = materials_of(fact.spki) if key is None else key_materials(key)
    return Signer(holder=fact.holder, spki=fact.spki, role=fact.role, materials=materials)


@lru_cache(maxsize=1024)
def materials_of(counted_by: bytes, *, certificate: bytes = b"") -> frozenset[bytes]:
    """What a key is made of, by what it is counted by (``TrustedKey.spki``).

    Guarantees: never empty; equal for all forms of a plain or SSH key, and an OpenPGP certificate's has that of its primary
    key and of every subkey that may sign. What cannot be read is taken as it stands.

    Args:
        counted_by: Canonical DER, ``openpgp:`` and the fingerprint, or ``ssh:`` and the blob.
        certificate: For OpenPGP, the exported key, or a keyring that has it.
    """
    try:
        if counted_by.startswith(_OPENPGP):
            return frozenset({counted_by, *_of_certificate(counted_by.removeprefix(_OPENPGP), certificate)})
        if counted_by.startswith(_SSH):
            from vxsec.formats.ssh_key import parse_ssh_public_key

            return frozenset({_of_spki(parse_ssh_public_key(counted_by.removeprefix(_SSH)).verifying_spki)})
        return frozenset({_of_spki(counted_by)})
    except FormatError:
        return frozenset({counted_by})


def _of_certificate(fingerprint: bytes, data: bytes) -> list[bytes]:
    from vxsec.formats.openpgp_certificate import read_openpgp_certificates

    found = read_openpgp_certificates(data, where="public keys")
    return [
        key.material
        for one in found
        if one.fingerprint.encode("ascii") == fingerprint
        for key in one.keys
        if key.material and (key is one.primary or key.may_sign)
    ]


def _of_spki(spki: bytes) -> bytes:
    from vxsec.formats.public_key import key_algorithm, load_public_key  # not for whoever only counts what was verified

    algorithm = key_algorithm(spki)
    if size := _COORDINATES.get(algorithm):
        return f"{algorithm}:".encode() + spki[-2 * size : -size]
    if algorithm == "ed25519":
        raw = spki[-_ED25519_BYTES:]
        return b"ed25519:" + raw[:-1] + bytes([raw[-1] & 0x7F])
    modulus = cast("RSAPublicKey", load_public_key(spki)).public_numbers().n  # the one kind that is left
    return b"rsa:" + modulus.to_bytes((modulus.bit_length() + 7) // 8, "big")
