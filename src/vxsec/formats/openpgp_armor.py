"""ASCII armor (RFC 9580 section 6, RFC 4880 section 6), read strictly: whole blocks and nothing around them.

gpg passes over text before and after a block, and takes several kinds of block where one is asked for. What it would pass
over is refused here, so that a person and a program look at the same signature.
"""

from __future__ import annotations

import base64
import binascii
import re

from vxsec.errors import FormatError

__all__ = ["PUBLIC_KEY_BLOCK", "SIGNATURE", "read_armor"]

SIGNATURE = "SIGNATURE"
PUBLIC_KEY_BLOCK = "PUBLIC KEY BLOCK"

_BEGIN = re.compile(rb"-----BEGIN PGP ([A-Z ]{1,40})-----[ \t]*\Z")
_HEADER = re.compile(rb"[A-Za-z][A-Za-z0-9-]{0,40}: ?[^\x00-\x08\x0a-\x1f\x7f]{0,400}\Z")
_BASE64 = re.compile(rb"[A-Za-z0-9+/]{1,200}={0,2}[ \t]*\Z")
_CHECKSUM = re.compile(rb"=([A-Za-z0-9+/]{4})[ \t]*\Z")
_BINARY = 0x80  # the first bit of every packet; armor is ASCII
_CRC24_START = 0xB704CE
_CRC24_POLYNOMIAL = 0x1864CFB


def read_armor(data: bytes, *, kind: str, where: str, several: bool = False) -> bytes:
    """The packets in ``data``: as they are where it is binary, else those of its armor blocks.

    Args:
        data: Binary packets, or armor.
        kind: :data:`SIGNATURE` or :data:`PUBLIC_KEY_BLOCK`.
        where: What it is called in an error.
        several: Take several blocks, one behind the other.

    Raises:
        FormatError: ``openpgp.empty``, ``openpgp.not-detached`` (a signed message where a signature is expected),
            ``openpgp.secret-key``, ``openpgp.several-signatures`` or ``openpgp.armor``.
    """
    if not data.strip():
        raise FormatError("expected OpenPGP packets or armor, found nothing", code="openpgp.empty", where=where)
    if data[0] & _BINARY:
        return data
    lines = [line.rstrip(b" \t") for line in data.splitlines()]
    packets: list[bytes] = []
    at = 0
    while at < len(lines):
        if not lines[at]:
            at += 1
            continue
        if packets and not several:
            _refuse_more(lines[at], where)
        block, at = _read_block(lines, at, kind, where)
        packets.append(block)
    return b"".join(packets)


def _refuse_more(line: bytes, where: str) -> None:
    if _BEGIN.match(line):
        raise FormatError("expected one signature, found several", code="openpgp.several-signatures", where=where)
    raise FormatError("expected nothing behind the armor, found text", code="openpgp.armor", where=where)


def _read_block(lines: list[bytes], at: int, kind: str, where: str) -> tuple[bytes, int]:
    _check_begin(lines[at], kind, where)
    end = f"-----END PGP {kind}-----".encode("ascii")
    at += 1
    while at < len(lines) and lines[at]:
        if not _HEADER.match(lines[at]):
            raise FormatError("expected armor headers and an empty line", code="openpgp.armor", where=where)
        at += 1
    body: list[bytes] = []
    checksum: bytes | None = None
    for number in range(at + 1, len(lines)):
        line = lines[number]
        if line == end:
            return _decode(body, checksum, where), number + 1
        found = _CHECKSUM.match(line)
        if checksum is None and found:
            checksum = found[1]
        elif checksum is None and _BASE64.match(line):
            body.append(line)
        else:
            break
    raise FormatError(f"expected base64 lines up to {end.decode()}", code="openpgp.armor", where=where)


def _check_begin(line: bytes, kind: str, where: str) -> None:
    match = _BEGIN.match(line)
    found = match[1].decode("ascii") if match else "text"
    if found == kind:
        return
    if found in {"PRIVATE KEY BLOCK", "SECRET KEY BLOCK"}:
        raise FormatError(
            "expected public keys, found a private one",
            code="openpgp.secret-key",
            where=where,
            hint="export the public key: gpg --armor --export FINGERPRINT; and keep this file to yourself",
        )
    if kind == SIGNATURE and match:
        raise FormatError(
            f"expected a detached signature, found a PGP {found}", code="openpgp.not-detached", where=where
        )
    raise FormatError(f"expected -----BEGIN PGP {kind}-----, found {found}", code="openpgp.armor", where=where)


def _decode(body: list[bytes], checksum: bytes | None, where: str) -> bytes:
    text = b"".join(body)
    try:
        raw = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise FormatError("the armor is not base64", code="openpgp.armor", where=where) from error
    if not raw or base64.b64encode(raw) != text:
        raise FormatError("the armor is empty, or not base64 as it is written", code="openpgp.armor", where=where)
    if checksum is not None and base64.b64decode(checksum) != _crc24(raw):
        raise FormatError("the armor's checksum does not fit", code="openpgp.armor", where=where)
    return raw


def _crc24_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        value = byte << 16
        for _ in range(8):
            value = (value << 1) ^ (_CRC24_POLYNOMIAL if value & 0x800000 else 0)
        table.append(value & 0xFFFFFF)
    return tuple(table)


_CRC24_TABLE = _crc24_table()


def _crc24(data: bytes) -> bytes:
    value = _CRC24_START
    for byte in data:
        value = ((value << 8) & 0xFFFFFF) ^ _CRC24_TABLE[(value >> 16) ^ byte]
    return value.to_bytes(3, "big")
