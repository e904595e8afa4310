"""Exported OpenPGP public keys (RFC 9580 section 10.1): whose they are, and what a program may be given of them.

Every signature in a certificate is read as a claim; gpg or Sequoia checks them. What is handed on to those is made here,
and leaves out what a program might believe for the wrong reason: trust packets, in which gpg keeps that it already checked
a signature, signatures with SHA-1 and MD5, and other people's certifications. Revocations always stay, those of version 3
too. What its owner said of a key with SHA-1, and last, is kept as a restriction: whoever takes back what was signed before
may do so with an old program.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from vxsec.errors import FormatError
from vxsec.formats.openpgp_armor import PUBLIC_KEY_BLOCK, read_armor
from vxsec.formats.openpgp_key import read_key_packet
from vxsec.formats.openpgp_packet import HASH_NAMES, Packet, at_time, iter_packets, read_signature_packet
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.openpgp import OpenPgpCertificate, OpenPgpClaim, OpenPgpKey, OpenPgpRevocation

if TYPE_CHECKING:
    from datetime import datetime

    from vxsec.formats.openpgp_key import KeyPacket
    from vxsec.formats.openpgp_packet import SignaturePacket

__all__ = ["read_openpgp_certificates"]

_SIGNATURE, _SECRET_KEY, _PUBLIC_KEY, _SECRET_SUBKEY = 2, 5, 6, 7
_TRUST, _USER_ID, _PUBLIC_SUBKEY, _USER_ATTRIBUTE = 12, 13, 14, 17
_LEFT_OUT = frozenset({10, _TRUST, 21})  # marker and padding mean nothing
_CERTIFICATIONS = frozenset({0x10, 0x11, 0x12, 0x13})
_BINDING, _DIRECT, _KEY_REVOKED, _SUBKEY_REVOKED, _USER_ID_REVOKED = 0x18, 0x1F, 0x20, 0x28, 0x30
_REVOCATIONS = frozenset({_KEY_REVOKED, _SUBKEY_REVOKED, _USER_ID_REVOKED})
_REVOCATION_OCTETS = frozenset(bytes([kind]) for kind in _REVOCATIONS)
_MAY_SIGN = 0x02
_SHOWN_USER_ID = 200


def read_openpgp_certificates(
    data: bytes, *, where: str, limits: Limits = DEFAULT_LIMITS
) -> tuple[OpenPgpCertificate, ...]:
    """Read exported public keys, binary or armored (several armor blocks behind each other too).

    Guarantees: at least one certificate; no secret key; every primary fingerprint once. Fingerprints are computed from the
    keys. Nothing else is verified.

    Args:
        data: The file, as ``gpg --export`` writes it.
        where: What it is called in an error.
        limits: Bounds on its size, its packets and its certificates.

    Raises:
        FormatError: ``openpgp.empty``, ``openpgp.too-large``, ``openpgp.armor``, ``openpgp.packet``, ``openpgp.subpacket``,
            ``openpgp.certificate``, ``openpgp.key-version``, ``openpgp.secret-key``, ``openpgp.too-many-certificates`` or
            ``openpgp.duplicate-certificate``.
    """
    if len(data) > limits.openpgp_certificates_bytes:
        raise FormatError(
            f"expected at most {limits.openpgp_certificates_bytes} bytes, found {len(data)}",
            code="openpgp.too-large",
            where=where,
            hint="export only the keys you need: gpg --export FINGERPRINT",
        )
    found: list[_Draft] = []
    packets = read_armor(data, kind=PUBLIC_KEY_BLOCK, where=where, several=True)
    for count, packet in enumerate(iter_packets(packets, where=where)):
        if count >= limits.openpgp_packets:
            raise FormatError(f"more than {limits.openpgp_packets} packets", code="openpgp.too-large", where=where)
        if packet.tag == _PUBLIC_KEY:
            found.append(_Draft(packet, where))
            if len(found) > limits.openpgp_certificates:
                raise FormatError(
                    f"expected at most {limits.openpgp_certificates} public keys, found more",
                    code="openpgp.too-many-certificates",
                    where=where,
                    hint="export only the keys you need: gpg --export FINGERPRINT",
                )
        elif not found:
            raise _unexpected(packet, where)
        else:
            found[-1].add(packet)
    certificates = tuple(draft.finish() for draft in found)
    fingerprints = [certificate.fingerprint for certificate in certificates]
    for fingerprint in fingerprints:
        if fingerprints.count(fingerprint) > 1:
            raise FormatError(
                f"the key {fingerprint} twice: it is not said which holds",
                code="openpgp.duplicate-certificate",
                where=where,
            )
    return certificates


@dataclass(slots=True)
class _Holder:
    """A primary key, user id or subkey while its signatures are read."""

    key: KeyPacket | None
    claims: list[OpenPgpClaim] = field(default_factory=list)
    weak: list[OpenPgpClaim] = field(default_factory=list)

    def restrictions(self) -> list[OpenPgpClaim]:
        """The weak claims that nothing newer takes the place of."""
        newest = max((claim.created_at for claim in (*self.claims, *self.weak)), default=None)
        return [claim for claim in self.weak if claim.created_at == newest]


class _Draft:
    """One certificate while its packets are read."""

    def __init__(self, packet: Packet, where: str) -> None:
        self._where = where
        self._primary = read_key_packet(packet.body, where=where)
        self._holders = [_Holder(self._primary)]
        self._revocations: dict[str, list[OpenPgpRevocation]] = {}
        self._user_ids: list[str] = []
        self._attribute = False
        self._body = [packet.raw]

    def add(self, packet: Packet) -> None:
        """Take the next packet."""
        if packet.tag in _LEFT_OUT:
            return
        if packet.tag == _SIGNATURE:
            self._add_signature(packet)
            return
        self._attribute = packet.tag == _USER_ATTRIBUTE
        if self._attribute:
            self._holders.append(_Holder(None))
            return
        if packet.tag == _USER_ID:
            self._user_ids.append(packet.body[:_SHOWN_USER_ID].decode("utf-8", "replace"))
            self._holders.append(_Holder(None))
        elif packet.tag == _PUBLIC_SUBKEY:
            self._holders.append(_Holder(read_key_packet(packet.body, where=self._where)))
        else:
            raise _unexpected(packet, self._where)
        self._body.append(packet.raw)

    def _add_signature(self, packet: Packet) -> None:
        if packet.body[:1] in {b"\x02", b"\x03"}:  # of the 1990s: other people's, or without anything to say of a key
            kind, made = packet.body[2:3], packet.body[3:7]
            if kind not in _REVOCATION_OCTETS:
                return
            self._add_revocation(kind[0], at_time(int.from_bytes(made, "big")), None)
        elif (signature := read_signature_packet(packet.body, where=self._where)).kind in _REVOCATIONS:
            self._add_revocation(signature.kind, signature.created_at, signature.revocation_reason)
        elif not self._is_own(signature) or not self._is_in_place(signature):
            return
        elif self._attribute or signature.hash_algorithm not in HASH_NAMES:
            self._holders[-1].weak.append(self._claim(signature))
            return
        else:
            self._holders[-1].claims.append(self._claim(signature))
        if not self._attribute:
            self._body.append(packet.raw)

    def _is_own(self, signature: SignaturePacket) -> bool:
        fingerprint = self._primary.fingerprint
        if signature.issuer_fingerprint is not None:
            return signature.issuer_fingerprint == fingerprint
        return _key_id(self._primary) in signature.issuer_key_ids

    def _is_in_place(self, signature: SignaturePacket) -> bool:
        holder = self._holders[-1]
        if holder is self._holders[0]:
            return signature.kind == _DIRECT
        return signature.kind == _BINDING if holder.key else signature.kind in _CERTIFICATIONS

    def _add_revocation(self, kind: int, created_at: datetime | None, reason: int | None) -> None:
        if kind == _USER_ID_REVOKED:  # unverified: what the user id's signature says of the key stays a claim
            return
        key = self._holders[-1].key if kind == _SUBKEY_REVOKED else None
        revocation = OpenPgpRevocation(created_at=created_at, reason=reason)
        self._revocations.setdefault((key or self._primary).fingerprint, []).append(revocation)

    def _claim(self, signature: SignaturePacket) -> OpenPgpClaim:
        key = self._holders[-1].key or self._primary
        after, flags = signature.key_expires_after, signature.key_flags
        return OpenPgpClaim(
            created_at=signature.created_at or key.created_at,
            expires_at=key.created_at + timedelta(seconds=after) if after else None,
            can_sign=None if flags is None else bool(flags & _MAY_SIGN),
        )

    def finish(self) -> OpenPgpCertificate:
        """The certificate, when all its packets were taken."""
        named = [holder for holder in self._holders[1:] if holder.key is None]
        subkeys = tuple(self._key(holder.key, [holder]) for holder in self._holders[1:] if holder.key)
        return OpenPgpCertificate(
            primary=self._key(self._primary, [self._holders[0], *named]),
            subkeys=subkeys,
            user_ids=tuple(self._user_ids),
            body=b"".join(self._body),
        )

    def _key(self, key: KeyPacket, holders: list[_Holder]) -> OpenPgpKey:
        return OpenPgpKey(
            fingerprint=key.fingerprint,
            version=key.version,
            algorithm=key.algorithm,
            created_at=key.created_at,
            claims=tuple(claim for holder in holders for claim in holder.claims),
            revocations=tuple(self._revocations.get(key.fingerprint, ())),
            restrictions=tuple(claim for holder in holders for claim in holder.restrictions()),
            material=key.material,
        )


def _key_id(key: KeyPacket) -> str:
    return key.fingerprint[-16:] if key.version == 4 else key.fingerprint[:16]  # noqa: PLR2004 - the version


def _unexpected(packet: Packet, where: str) -> FormatError:
    if packet.tag in {_SECRET_KEY, _SECRET_SUBKEY}:
        return FormatError(
            "expected public keys, found a private one",
            code="openpgp.secret-key",
            where=where,
            hint="export the public key: gpg --armor --export FINGERPRINT; and keep this file to yourself",
        )
    return FormatError(
        f"expected exported public keys, found a packet of type {packet.tag} in its place",
        code="openpgp.certificate",
        where=where,
        hint="export the key again: gpg --armor --export FINGERPRINT",
    )
