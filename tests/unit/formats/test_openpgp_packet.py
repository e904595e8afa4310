"""A detached signature file is one signature packet and nothing else."""

from __future__ import annotations

import base64

import pytest

from support.openpgp_kit import DATA, MADE, SIGNED, Key, key, mpi, old_packet, packet, stamp, subpacket
from vxsec.errors import FormatError
from vxsec.formats.openpgp_armor import PUBLIC_KEY_BLOCK, SIGNATURE, read_armor
from vxsec.formats.openpgp_packet import iter_packets, read_detached_signature
from vxsec.limits import Limits

ALICE = key(1)
BODY = ALICE.signature(0x00, DATA)
GOOD = packet(2, BODY)
TIME = subpacket(2, stamp(SIGNED))


def armored(
    data: bytes = GOOD, *, kind: str = "SIGNATURE", headers: str = "", checksum: str = "", end: str = ""
) -> bytes:
    text = base64.b64encode(data).decode()
    lines = [text[start : start + 64] for start in range(0, len(text), 64)]
    parts = [f"-----BEGIN PGP {kind}-----", *headers.splitlines(), "", *lines]
    return "\n".join([*parts, *([checksum] if checksum else []), end or f"-----END PGP {kind}-----", ""]).encode()


def signed(*, hashed: bytes | None = None, unhashed: bytes | None = None, by: Key = ALICE) -> bytes:
    return by.detached(hashed=hashed, unhashed=unhashed)


def refused(data: bytes, limits: Limits | None = None) -> str:
    with pytest.raises(FormatError) as caught:
        read_detached_signature(data, where="f.asc", limits=limits or Limits())
    assert caught.value.where == "f.asc"
    assert caught.value.hint
    return caught.value.code


# -- what is read ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(GOOD, id="binary, new header, five octets of length"),
        pytest.param(b"\xc2" + bytes([len(BODY)]) + BODY, id="binary, new header, one octet of length"),
        pytest.param(old_packet(2, BODY, 1), id="binary, old header, one octet of length"),
        pytest.param(old_packet(2, BODY, 2), id="binary, old header, two octets of length"),
        pytest.param(old_packet(2, BODY, 4), id="binary, old header, four octets of length"),
        pytest.param(armored(), id="armored without headers and checksum"),
        pytest.param(armored(headers="Version: GnuPG v2\nComment: é".encode().decode()), id="armored with headers"),
        pytest.param(armored().replace(b"\n", b"\r\n"), id="armored with Windows line ends"),
        pytest.param(b"\n \n" + armored() + b"\n\n", id="armored with empty lines around it"),
    ],
)
def test_one_signature_is_read_in_every_form(data: bytes) -> None:
    found = read_detached_signature(data, where="f.asc")
    assert found.packet.endswith(BODY)
    assert (found.version, found.key_algorithm, found.hash_algorithm) == (4, 22, "SHA256")
    assert (found.created_at, found.expires_at) == (SIGNED, None)
    assert (found.issuer_fingerprint, found.issuer_key_ids) == (ALICE.fingerprint, (ALICE.fingerprint[-16:],))


def test_two_octets_of_length_in_a_new_header() -> None:
    body = ALICE.signature(0x00, DATA, unhashed=subpacket(16, ALICE.key_id) + subpacket(100, bytes(120)))
    length = len(body) - 192
    data = bytes([0xC2, 192 + (length >> 8), length & 0xFF]) + body
    assert read_detached_signature(data, where="f").packet == data


def test_long_subpackets_and_an_end_are_read() -> None:
    two = bytes([192, 8, 100]) + bytes(199)
    five = bytes([255, 0, 0, 0, 11, 101]) + bytes(10)
    found = read_detached_signature(
        signed(hashed=TIME + two + five + subpacket(3, (86400).to_bytes(4, "big"))), where="f"
    )
    assert found.expires_at is not None
    assert (found.expires_at - found.created_at).days == 1
    assert found.issuer_fingerprint is None


def test_version_6_has_longer_areas_and_a_salt() -> None:
    six = key(6, version=6)
    found = read_detached_signature(six.detached(), where="f")
    assert (found.version, found.issuer_fingerprint) == (6, six.fingerprint)
    assert len(six.fingerprint) == 64


def test_an_issuer_in_the_unsigned_part_names_but_is_no_fact() -> None:
    found = read_detached_signature(signed(hashed=TIME, unhashed=ALICE.issuer + subpacket(2, stamp(MADE))), where="f")
    assert (found.issuer_fingerprint, found.issuer_key_ids, found.created_at) == (None, (), SIGNED)


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(b"", "openpgp.empty", id="nothing"),
        pytest.param(b" \n\n", "openpgp.empty", id="white space"),
        pytest.param(b"hello", "openpgp.armor", id="text"),
        pytest.param(b"hello\n" + armored(), "openpgp.armor", id="text before the armor"),
        pytest.param(armored() + b"hello\n", "openpgp.armor", id="text behind the armor"),
        pytest.param(armored() + armored(), "openpgp.several-signatures", id="two armors"),
        pytest.param(armored(GOOD + GOOD), "openpgp.several-signatures", id="two signatures in one armor"),
        pytest.param(armored(kind="MESSAGE"), "openpgp.not-detached", id="a message"),
        pytest.param(armored(kind="SIGNED MESSAGE"), "openpgp.not-detached", id="a clear-signed message"),
        pytest.param(armored(kind="PRIVATE KEY BLOCK"), "openpgp.secret-key", id="a private key"),
        pytest.param(armored(end="-----END PGP MESSAGE-----"), "openpgp.armor", id="an end of another kind"),
        pytest.param(armored()[:-30], "openpgp.armor", id="no end"),
        pytest.param(armored(headers="no header"), "openpgp.armor", id="no empty line behind the headers"),
        pytest.param(armored(headers="Comment: \x1b[2J"), "openpgp.armor", id="control characters in a header"),
        pytest.param(armored(checksum="=AAAA"), "openpgp.armor", id="a wrong checksum"),
        pytest.param(armored(checksum="=AAAA\n=AAAA"), "openpgp.armor", id="two checksums"),
        pytest.param(armored(checksum="A==="), "openpgp.armor", id="not base64"),
        pytest.param(armored(checksum="A"), "openpgp.armor", id="base64 of no whole byte"),
        pytest.param(
            b"-----BEGIN PGP SIGNATURE-----\n\n-----END PGP SIGNATURE-----\n", "openpgp.armor", id="empty armor"
        ),
        pytest.param(
            armored(b"\xc2\x01\x04").replace(b"wgEE", b"wgE="), "openpgp.packet", id="a packet without its body"
        ),
        pytest.param(armored(b"hello"), "openpgp.not-detached", id="armor around text"),
        pytest.param(b"\xc2\xe1" + BODY, "openpgp.packet", id="a packet in parts"),
        pytest.param(b"\x8b" + BODY, "openpgp.packet", id="a packet of indeterminate length"),
        pytest.param(b"\xa3" + BODY, "openpgp.not-detached", id="compressed data of indeterminate length"),
        pytest.param(GOOD[:-1], "openpgp.packet", id="cut short"),
        pytest.param(b"\xc2", "openpgp.packet", id="a header cut short"),
        pytest.param(GOOD + b"x", "openpgp.trailing-bytes", id="a byte behind the packet"),
        pytest.param(GOOD + packet(13, b"alice"), "openpgp.trailing-bytes", id="another packet behind it"),
        pytest.param(packet(13, b"alice") + GOOD, "openpgp.not-detached", id="another packet before it"),
        pytest.param(packet(10, b"PGP") + GOOD, "openpgp.not-detached", id="a marker before it"),
        pytest.param(
            ALICE.detached(trailing=b"x"), "openpgp.trailing-bytes", id="a byte behind the signature in its packet"
        ),
        pytest.param(packet(2, b"\x03" + BODY[1:]), "openpgp.version", id="version 3"),
        pytest.param(packet(2, b"\x05" + BODY[1:]), "openpgp.version", id="version 5"),
        pytest.param(packet(2, b""), "openpgp.packet", id="an empty packet"),
        pytest.param(packet(2, ALICE.signature(0x01, DATA)), "openpgp.signature-type", id="over a text"),
        pytest.param(packet(2, ALICE.signature(0x13, DATA)), "openpgp.signature-type", id="over a user id"),
        pytest.param(ALICE.detached(hash_algorithm=2), "openpgp.hash", id="SHA-1"),
        pytest.param(ALICE.detached(hash_algorithm=11), "openpgp.hash", id="SHA-224"),
        pytest.param(ALICE.detached(hash_algorithm=99), "openpgp.hash", id="an unknown hash"),
        pytest.param(ALICE.detached(algorithm=16), "openpgp.algorithm", id="ElGamal"),
        pytest.param(ALICE.detached(algorithm=99), "openpgp.algorithm", id="an unknown key algorithm"),
        pytest.param(signed(hashed=ALICE.issuer), "openpgp.subpacket", id="no time"),
        pytest.param(signed(hashed=TIME + TIME), "openpgp.subpacket", id="two times"),
        pytest.param(signed(hashed=TIME + ALICE.issuer * 2), "openpgp.subpacket", id="two issuers"),
        pytest.param(signed(hashed=subpacket(2, b"\x01")), "openpgp.subpacket", id="a time of one octet"),
        pytest.param(
            signed(hashed=TIME + subpacket(33, b"\x04" + bytes(32))), "openpgp.subpacket", id="a mixed fingerprint"
        ),
        pytest.param(signed(hashed=TIME + subpacket(27, b"")), "openpgp.subpacket", id="flags without any"),
        pytest.param(signed(hashed=TIME + b"\x00"), "openpgp.subpacket", id="an empty subpacket"),
        pytest.param(signed(hashed=TIME + b"\x09\x21"), "openpgp.subpacket", id="a subpacket cut short"),
        pytest.param(signed(hashed=TIME, unhashed=b"\x00"), "openpgp.subpacket", id="an empty unsigned subpacket"),
        pytest.param(
            signed(hashed=TIME + subpacket(99, b"", critical=True)),
            "openpgp.critical-subpacket",
            id="an unknown critical",
        ),
        pytest.param(
            signed(hashed=TIME, unhashed=subpacket(20, b"", critical=True)),
            "openpgp.critical-subpacket",
            id="a critical notation in the unsigned part",
        ),
        pytest.param(
            packet(2, BODY[: -len(mpi(b"\xff" * 32))] + b"\x00\x01\xff"),
            "openpgp.packet",
            id="a number longer than it says",
        ),
    ],
)
def test_everything_else_is_refused(data: bytes, code: str) -> None:
    assert refused(data) == code


def test_a_salt_of_another_length_than_the_hash_has_is_refused() -> None:
    six = key(6, version=6).signature(0x00, DATA)
    assert refused(packet(2, six[:-81] + b"\x08" + bytes(8) + six[-64:])) == "openpgp.packet"


def test_a_large_file_is_refused_before_it_is_read() -> None:
    assert refused(bytes(1000), Limits(openpgp_signature_bytes=999)) == "openpgp.too-large"


def test_several_armor_blocks_are_one_keyring_where_that_is_asked_for() -> None:
    one, two = packet(13, b"one"), packet(13, b"two")
    text = armored(one, kind="PUBLIC KEY BLOCK") + b"\n" + armored(two, kind="PUBLIC KEY BLOCK")
    assert read_armor(text, kind=PUBLIC_KEY_BLOCK, where="f", several=True) == one + two
    with pytest.raises(FormatError, match="expected -----BEGIN PGP PUBLIC KEY BLOCK-----, found SIGNATURE"):
        read_armor(armored(), kind=PUBLIC_KEY_BLOCK, where="f")


BY_GPG = b"""-----BEGIN PGP SIGNATURE-----

iHUEABYKAB0WIQSpEOQvualsAetYN5c0PIq8SmZzvwUCawHZowAKCRA0PIq8SmZz
vyWNAP9l3nTySG+bOwIEYGshck9NPuxPNVBmLiS9az4oRgTkZAEAiSPwbMF/8Kr/
QXcwtY3hhUuyBWceoY/WEe0lEtuefgg=
=7XQB
-----END PGP SIGNATURE-----
"""


def test_the_armor_that_gpg_writes_is_read_with_its_checksum() -> None:
    found = read_detached_signature(BY_GPG, where="f.asc")
    assert found.hash_algorithm == "SHA512"
    assert found.packet == read_armor(BY_GPG, kind=SIGNATURE, where="f.asc")
    assert refused(BY_GPG.replace(b"=7XQB", b"=7XQC")) == "openpgp.armor"


def test_packets_keep_their_bytes() -> None:
    parts = [packet(6, b"a"), old_packet(13, b"bc", 1), packet(2, b"")]
    assert [(found.tag, found.body) for found in iter_packets(b"".join(parts), where="f")] == [
        (6, b"a"),
        (13, b"bc"),
        (2, b""),
    ]
    assert b"".join(found.raw for found in iter_packets(b"".join(parts), where="f")) == b"".join(parts)
