"""OpenPGP packets and signature packets (RFC 9580 sections 4 and 5.2, RFC 4880), and the one detached signature of a file.

A detached signature file is exactly one signature packet of version 4 or 6 and type 0x00 (binary document) with SHA-256,
SHA-384 or SHA-512, and not one byte more. Programs differ on everything else: which of two signatures counts, what a text
signature covers, what may follow. So everything else is refused before any of them is asked.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from vxsec.errors import FormatError
from vxsec.formats.openpgp_armor import SIGNATURE, read_armor
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.openpgp import OpenPgpSignature
from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "HASH_NAMES",
    "Packet",
    "Reader",
    "SignaturePacket",
    "at_time",
    "iter_packets",
    "read_detached_signature",
    "read_signature_packet",
]

HASH_NAMES = {8: "SHA256", 9: "SHA384", 10: "SHA512"}
"""The hashes that count, by OpenPGP's number; gpg's ``--digest-algo`` takes the names."""

_TAG_SIGNATURE = 2
_BINARY_DOCUMENT = 0x00
_KNOWN_CRITICAL = frozenset(
    {2, 3, 16, 28, 33}
)  # times, issuer, signer's user id: what is understood here or by everyone
_MPIS = {1: 1, 3: 1, 17: 2, 19: 2, 22: 2}  # multiprecision integers of a signature, by key algorithm
_OCTETS = {27: 64, 28: 114}  # Ed25519, Ed448
_SALTS = {8: 16, 9: 24, 10: 32}  # version 6 (RFC 9580 section 9.5)
_V6 = 6


class Packet(NamedTuple):
    """One packet: its type, and what its header frames; ``raw`` with the header."""

    tag: int
    body: bytes
    raw: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SignaturePacket:
    """A signature packet of version 4 or 6 as it is written.

    Everything but ``issuer_key_ids`` and ``rest`` (the algorithm's own part, with the salt) comes from the signed part.
    """

    version: int
    kind: int
    key_algorithm: int
    hash_algorithm: int
    created_at: datetime | None
    expires_after: int
    key_expires_after: int
    key_flags: int | None
    revocation_reason: int | None
    issuer_fingerprint: str | None
    issuer_key_ids: tuple[str, ...]
    critical: tuple[int, ...]
    rest: bytes


class Reader:
    """Takes bytes off the front of ``data``; running out of them is a :class:`FormatError` with ``code``."""

    def __init__(self, data: bytes, *, code: str, where: str) -> None:
        self._data = data
        self._at = 0
        self._code = code
        self._where = where

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    @property
    def at(self) -> int:
        """How many bytes are taken."""
        return self._at

    def take(self, count: int) -> bytes:
        """The next ``count`` bytes."""
        piece = self._data[self._at : self._at + count]
        if len(piece) < count:
            raise self.error(f"expected {count} more bytes, found {len(piece)}")
        self._at += count
        return piece

    def number(self, count: int) -> int:
        """The next ``count`` bytes as a number, big-endian."""
        return int.from_bytes(self.take(count), "big")

    def mpi(self) -> int:
        """A multiprecision integer (RFC 9580 section 3.2)."""
        bits = self.number(2)
        value = int.from_bytes(self.take((bits + 7) // 8), "big")
        if value.bit_length() > bits:
            raise self.error(f"expected a number of {bits} bits, found one of {value.bit_length()}")
        return value

    def rest(self) -> bytes:
        """Everything that is left."""
        return self.take(len(self._data) - self._at)

    def error(self, message: str) -> FormatError:
        """An error of this reader's code and place."""
        return FormatError(message, code=self._code, where=self._where)


def at_time(seconds: int) -> datetime:
    """A moment from OpenPGP's seconds since 1970, which end in 2106."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)


def iter_packets(data: bytes, *, where: str) -> Iterator[Packet]:
    """The packets in ``data``, both header formats; partial and indeterminate lengths are refused.

    Raises:
        FormatError: ``openpgp.packet``.
    """
    reader = Reader(data, code="openpgp.packet", where=where)
    while reader:
        start = reader.at
        tag, length = _read_header(reader)
        body = reader.take(length)
        yield Packet(tag, body, data[start : reader.at])


def read_detached_signature(data: bytes, *, where: str, limits: Limits = DEFAULT_LIMITS) -> OpenPgpSignature:
    """Read a detached signature, armored or binary.

    Guarantees: exactly one signature packet, version 4 or 6, over a binary document, SHA-256, SHA-384 or SHA-512, no unknown
    critical subpacket, no byte behind the signature's own. Nothing is verified.

    Args:
        data: The file.
        where: What it is called in an error.
        limits: Bound on its size.

    Raises:
        FormatError: ``openpgp.empty``, ``openpgp.too-large``, ``openpgp.armor``, ``openpgp.packet``,
            ``openpgp.not-detached``, ``openpgp.several-signatures``, ``openpgp.trailing-bytes``, ``openpgp.version``,
            ``openpgp.signature-type``, ``openpgp.hash``, ``openpgp.algorithm``, ``openpgp.subpacket`` or
            ``openpgp.critical-subpacket``.
    """
    if len(data) > limits.openpgp_signature_bytes:
        raise FormatError(
            f"expected at most {limits.openpgp_signature_bytes} bytes, found {len(data)}",
            code="openpgp.too-large",
            where=where,
        )
    packet = _only_packet(read_armor(data, kind=SIGNATURE, where=where), where)
    signature = read_signature_packet(packet.body, where=where)
    _check_signature(signature, where)
    if signature.created_at is None:
        raise FormatError("a signature without its time in the signed part", code="openpgp.subpacket", where=where)
    expires_at = None
    if signature.expires_after:
        expires_at = signature.created_at + timedelta(seconds=signature.expires_after)
    return OpenPgpSignature(
        packet=packet.raw,
        version=signature.version,
        key_algorithm=signature.key_algorithm,
        hash_algorithm=HASH_NAMES[signature.hash_algorithm],
        created_at=signature.created_at,
        expires_at=expires_at,
        issuer_fingerprint=signature.issuer_fingerprint,
        issuer_key_ids=signature.issuer_key_ids,
    )


def read_signature_packet(body: bytes, *, where: str) -> SignaturePacket:
    """Read a signature packet's body.

    Raises:
        FormatError: ``openpgp.version`` for other versions than 4 and 6, ``openpgp.packet``, ``openpgp.subpacket``.
    """
    reader = Reader(body, code="openpgp.packet", where=where)
    version = reader.number(1)
    if version not in {4, _V6}:
        raise FormatError(
            f"expected a signature of version 4 or 6, found {version}", code="openpgp.version", where=where
        )
    kind, key_algorithm, hash_algorithm = reader.number(1), reader.number(1), reader.number(1)
    size = 4 if version == _V6 else 2
    signed = list(_subpackets(reader.take(reader.number(size)), where))
    unsigned = list(_subpackets(reader.take(reader.number(size)), where))
    reader.take(2)  # the left half of the digest: a quick check that proves nothing
    facts = _Facts(signed, where)
    key_ids = [part.hex().upper() for number, _, part in (*signed, *unsigned) if number == 16 and len(part) == 8]  # noqa: PLR2004 - issuer key id
    return SignaturePacket(
        version=version,
        kind=kind,
        key_algorithm=key_algorithm,
        hash_algorithm=hash_algorithm,
        created_at=facts.moment(2),
        expires_after=facts.seconds(3),
        key_expires_after=facts.seconds(9),
        key_flags=facts.first_byte(27),
        revocation_reason=facts.first_byte(29),
        issuer_fingerprint=facts.fingerprint(33),
        issuer_key_ids=tuple(dict.fromkeys(key_ids)),
        critical=tuple(number for number, critical, _ in (*signed, *unsigned) if critical),
        rest=reader.rest(),
    )


class _Facts:
    """What the signed subpackets say, each at most once."""

    def __init__(self, subpackets: list[tuple[int, bool, bytes]], where: str) -> None:
        self._where = where
        self._found: dict[int, bytes] = {}
        for number, _, part in subpackets:
            if number in {2, 3, 9, 27, 29, 33} and number in self._found:
                raise self._error(f"subpacket {number} twice: readers differ on which counts")
            self._found[number] = part

    def seconds(self, number: int) -> int:
        part = self._found.get(number, bytes(4))
        if len(part) != 4:  # noqa: PLR2004 - a number of four octets
            raise self._error(f"expected four octets in subpacket {number}, found {len(part)}")
        return int.from_bytes(part, "big")

    def moment(self, number: int) -> datetime | None:
        return at_time(self.seconds(number)) if number in self._found else None

    def first_byte(self, number: int) -> int | None:
        part = self._found.get(number)
        if part is None:
            return None
        if not part:
            raise self._error(f"expected something in subpacket {number}, found nothing")
        return part[0]

    def fingerprint(self, number: int) -> str | None:
        part = self._found.get(number)
        if part is None:
            return None
        if (part[:1], len(part)) not in {(b"\x04", 21), (b"\x06", 33)}:
            raise self._error("expected the fingerprint of a key of version 4 or 6")
        return part[1:].hex().upper()

    def _error(self, message: str) -> FormatError:
        return FormatError(message, code="openpgp.subpacket", where=self._where)


def _subpackets(area: bytes, where: str) -> Iterator[tuple[int, bool, bytes]]:
    """Type, whether it is critical, and content (RFC 9580 section 5.2.3.7)."""
    reader = Reader(area, code="openpgp.subpacket", where=where)
    while reader:
        length = reader.number(1)
        if 192 <= length < 255:  # noqa: PLR2004 - two octets
            length = ((length - 192) << 8) + reader.number(1) + 192
        elif length == 255:  # noqa: PLR2004 - five octets
            length = reader.number(4)
        if not length:
            raise reader.error("an empty subpacket")
        kind = reader.number(1)
        yield kind & 0x7F, bool(kind & 0x80), reader.take(length - 1)


def _read_header(reader: Reader) -> tuple[int, int]:
    """The tag and the length of the body (RFC 9580 section 4.2)."""
    first = reader.number(1)
    if not first & 0x80:
        raise reader.error("expected a packet, found something else")
    if not first & 0x40:  # the old format
        kind = first & 0x03
        if kind == 3:  # noqa: PLR2004 - indeterminate
            raise reader.error("a packet of indeterminate length")
        return _tag(first), reader.number(1 << kind)
    length = reader.number(1)
    if 192 <= length < 224:  # noqa: PLR2004 - two octets
        length = ((length - 192) << 8) + reader.number(1) + 192
    elif length == 255:  # noqa: PLR2004 - five octets
        length = reader.number(4)
    elif length >= 224:  # noqa: PLR2004 - a partial length
        raise reader.error("a packet in parts")
    return _tag(first), length


def _tag(first: int) -> int:
    """The type of a packet, from its first byte in either format."""
    return first & 0x3F if first & 0x40 else (first >> 2) & 0x0F


def _only_packet(data: bytes, where: str) -> Packet:
    tag = _tag(data[0])  # first: a signed message comes in packets without a length
    if tag != _TAG_SIGNATURE:
        raise FormatError(
            f"expected a detached signature, found a packet of type {tag}",
            code="openpgp.not-detached",
            where=where,
            hint="make one: gpg --armor --detach-sign FILE",
        )
    packets = iter_packets(data, where=where)
    packet = next(packets)
    if len(packet.raw) == len(data):
        return packet
    try:
        following = next(packets)
    except FormatError as error:
        raise _trailing(len(data) - len(packet.raw), where) from error
    if following.tag == _TAG_SIGNATURE:
        raise FormatError(
            "expected one signature, found several: programs differ on which counts",
            code="openpgp.several-signatures",
            where=where,
        )
    raise _trailing(len(data) - len(packet.raw), where)


def _check_signature(signature: SignaturePacket, where: str) -> None:
    if signature.kind != _BINARY_DOCUMENT:
        raise FormatError(
            f"expected a signature over a binary document (type 0x00), found type 0x{signature.kind:02x}",
            code="openpgp.signature-type",
            where=where,
            hint="sign without --textmode: a text signature does not cover line ends",
        )
    if signature.hash_algorithm not in HASH_NAMES:
        raise FormatError(
            f"expected SHA-256, SHA-384 or SHA-512, found hash {signature.hash_algorithm} of RFC 9580 section 9.5",
            code="openpgp.hash",
            where=where,
            hint="sign again with: gpg --digest-algo SHA512 --armor --detach-sign FILE",
        )
    strange = sorted(set(signature.critical) - _KNOWN_CRITICAL)
    if strange:
        raise FormatError(
            f"a critical subpacket of type {strange[0]}, which is not understood here",
            code="openpgp.critical-subpacket",
            where=where,
        )
    _check_rest(signature, where)


def _check_rest(signature: SignaturePacket, where: str) -> None:
    """The algorithm's own part ends where the packet ends."""
    reader = Reader(signature.rest, code="openpgp.packet", where=where)
    if signature.version == _V6 and len(reader.take(reader.number(1))) != _SALTS[signature.hash_algorithm]:
        raise FormatError("a salt of another length than the hash has", code="openpgp.packet", where=where)
    if signature.key_algorithm in _OCTETS:
        reader.take(_OCTETS[signature.key_algorithm])
    elif signature.key_algorithm in _MPIS:
        for _ in range(_MPIS[signature.key_algorithm]):
            reader.mpi()
    else:
        raise FormatError(
            f"expected RSA, ECDSA or EdDSA, found key algorithm {signature.key_algorithm} of RFC 9580 section 9.1",
            code="openpgp.algorithm",
            where=where,
        )
    if reader:
        raise _trailing(len(reader.rest()), where)


def _trailing(count: int, where: str) -> FormatError:
    return FormatError(
        f"expected nothing behind the signature, found {count} bytes", code="openpgp.trailing-bytes", where=where
    )
