"""Exported public keys: whose they are, what they claim, and what of them a program is given."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from support.openpgp_kit import MADE, NOW, SIGNED, Key, key, mpi, old_packet, packet, stamp, subpacket
from vxsec.errors import FormatError
from vxsec.formats.openpgp_certificate import read_openpgp_certificates
from vxsec.formats.openpgp_key import read_key_packet
from vxsec.limits import Limits
from vxsec.model.openpgp import OpenPgpCertificate, openpgp_identity

if TYPE_CHECKING:
    from datetime import datetime

ALICE, BOB, SUB = key(1), key(2), key(3)
TRUST = b"\xb0\x02\x00\x03"
SUBKEY = packet(14, SUB.body)
EXPIRES = subpacket(9, (200 * 86400).to_bytes(4, "big"))


def read(data: bytes, limits: Limits | None = None) -> tuple[OpenPgpCertificate, ...]:
    return read_openpgp_certificates(data, where="keys.gpg", limits=limits or Limits())


def only(data: bytes) -> OpenPgpCertificate:
    (found,) = read(data)
    return found


def test_a_certificate_says_whose_it_is() -> None:
    found = only(ALICE.certificate(SUBKEY, ALICE.binding(SUB)))
    assert (found.fingerprint, found.primary.version, found.primary.algorithm) == (ALICE.fingerprint, 4, "ed25519")
    assert [one.fingerprint for one in found.subkeys] == [SUB.fingerprint]
    assert found.user_ids == ("key <key@example.test>",)
    assert [(claim.created_at, claim.expires_at, claim.can_sign) for claim in found.primary.claims] == [
        (MADE, None, True)
    ]
    assert [claim.can_sign for claim in found.subkeys[0].claims] == [True]
    assert found.primary.key_id == ALICE.fingerprint[-16:]
    assert openpgp_identity(found.fingerprint.lower()) == b"openpgp:" + ALICE.fingerprint.encode()


def test_a_key_of_version_6_has_a_fingerprint_of_64_digits() -> None:
    six = key(6, version=6)
    found = only(six.certificate())
    assert (len(found.fingerprint), found.primary.key_id) == (64, six.fingerprint[:16])


def test_several_certificates_are_read_in_their_order() -> None:
    assert [one.fingerprint for one in read(BOB.certificate() + ALICE.certificate())] == [
        BOB.fingerprint,
        ALICE.fingerprint,
    ]


def test_a_user_id_that_is_no_text_is_shown_cut_and_replaced() -> None:
    assert only(ALICE.certificate(name=b"\xff" + b"x" * 1000)).user_ids == ("\N{REPLACEMENT CHARACTER}" + "x" * 199,)


# -- claims and revocations --------------------------------------------------------------------------------------------


def test_an_end_is_counted_from_the_key() -> None:
    data = packet(6, ALICE.body) + packet(13, b"a") + ALICE.self_signature(user_id=b"a", extra=EXPIRES)
    (claim,) = only(data).primary.claims
    assert (claim.expires_at, claim.can_sign) == (MADE + timedelta(days=200), None)


def test_a_direct_signature_is_a_claim_too() -> None:
    area = subpacket(2, stamp(SIGNED)) + ALICE.issuer + subpacket(27, b"\x01")
    direct = packet(2, ALICE.signature(0x1F, ALICE.hashed, hashed=area))
    assert [claim.can_sign for claim in only(ALICE.certificate(direct=direct)).primary.claims] == [False, True]


@pytest.mark.parametrize(
    ("reason", "soft"),
    [
        pytest.param(None, False, id="no reason at all is hard"),
        pytest.param(0, False, id="no reason is hard"),
        pytest.param(1, True, id="superseded is soft"),
        pytest.param(2, False, id="compromised is hard"),
        pytest.param(3, True, id="retired is soft"),
        pytest.param(32, True, id="user id no longer valid is soft"),
        pytest.param(99, False, id="an unknown reason is hard"),
    ],
)
def test_a_revocation_is_read_wherever_it_stands(reason: int | None, soft: bool) -> None:
    revocation = ALICE.revocation(reason=reason, at=NOW)
    for data in (ALICE.certificate(direct=revocation), ALICE.certificate(SUBKEY, ALICE.binding(SUB), revocation)):
        found = only(data)
        assert [(one.created_at, one.soft) for one in found.primary.revocations] == [(NOW, soft)]
        assert revocation in found.body


def test_a_subkeys_revocation_is_the_subkeys() -> None:
    found = only(ALICE.certificate(SUBKEY, ALICE.revocation(reason=1, at=NOW, subkey=SUB), ALICE.binding(SUB)))
    assert [one.reason for one in found.subkeys[0].revocations] == [1]
    assert found.primary.revocations == ()


def test_a_subkeys_revocation_without_a_subkey_counts_for_the_primary() -> None:
    assert len(only(ALICE.certificate(ALICE.revocation(reason=1, at=NOW, subkey=SUB))).primary.revocations) == 1


def test_what_a_revoked_user_id_says_of_the_key_stays_a_claim() -> None:
    """The revocation is not verified: a forged one must not make an expiry unseen."""
    revoked = packet(2, ALICE.signature(0x30, b"whatever"))
    data = ALICE.certificate(revoked) + packet(13, b"b") + ALICE.self_signature(user_id=b"b", extra=EXPIRES)
    assert [claim.expires_at for claim in only(data).primary.claims] == [None, MADE + timedelta(days=200)]
    assert revoked in only(data).body


# -- what a program is given -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "extra",
    [
        pytest.param(TRUST, id="trust packets, which gpg believes"),
        pytest.param(packet(12, b"\x00\x03"), id="trust packets in the new format"),
        pytest.param(packet(10, b"PGP"), id="markers"),
        pytest.param(packet(21, b"junk"), id="padding"),
        pytest.param(packet(2, BOB.signature(0x10, b"")), id="other people's signatures"),
        pytest.param(packet(2, b"\x03rest"), id="signatures of version 3"),
        pytest.param(packet(2, ALICE.signature(0x18, b"")), id="a binding where there is no subkey"),
        pytest.param(packet(2, ALICE.signature(0x00, b"")), id="a signature over a file"),
        pytest.param(
            packet(2, ALICE.signature(0x13, b"", unhashed=b"", hashed=subpacket(2, bytes(4)))), id="by nobody"
        ),
    ],
)
def test_what_a_program_must_not_believe_is_left_out(extra: bytes) -> None:
    assert only(ALICE.certificate(extra)).body == ALICE.certificate()
    assert only(ALICE.certificate(extra)).primary == only(ALICE.certificate()).primary


def _last(extra: bytes = b"", *, at: datetime = SIGNED, kind: int = 0x13, number: int = 2) -> bytes:
    area = subpacket(2, stamp(at)) + ALICE.issuer + extra
    return packet(2, ALICE.signature(kind, b"", hashed=area, hash_algorithm=number))


RESTRICTED = {
    "SHA-1, newer": (ALICE.certificate(_last(EXPIRES)), 1),
    "SHA-1, as old": (ALICE.certificate(_last(EXPIRES, at=MADE)), 1),
    "SHA-1, older": (packet(6, ALICE.body) + packet(13, b"a") + _last(at=MADE) + _last(number=8), 0),
    "SHA-1, older than another of SHA-1": (ALICE.certificate(_last(EXPIRES), _last(at=NOW)), 1),
    "SHA-1, on another user id": (ALICE.certificate(packet(13, b"b"), _last(at=MADE), _last(EXPIRES)), 1),
    "a hash that is not known": (ALICE.certificate(_last(number=99)), 1),
    "SHA-1, on the key itself": (ALICE.certificate(direct=_last(kind=0x1F)), 1),
    "SHA-1, where it says nothing": (ALICE.certificate(_last(kind=0x1F)), 0),
    "SHA-1, by another": (ALICE.certificate(packet(2, BOB.signature(0x13, b"", hash_algorithm=2))), 0),
    "on a picture, which no program is shown": (ALICE.certificate(packet(17, b"jpeg"), _last(number=8)), 1),
    "on a picture, by another": (ALICE.certificate(packet(17, b"jpeg"), packet(2, BOB.signature(0x13, b""))), 0),
}


@pytest.mark.parametrize(("data", "count"), RESTRICTED.values(), ids=RESTRICTED.keys())
def test_what_was_said_last_and_weakly_restricts(data: bytes, count: int) -> None:
    found = only(data)
    assert len(found.primary.restrictions) == count
    assert len(found.primary.claims) == 1
    assert b"jpeg" not in found.body
    assert only(found.body).primary.restrictions == ()


def test_a_subkey_is_restricted_by_its_own_binding() -> None:
    weak = packet(
        2, ALICE.signature(0x18, b"", hashed=subpacket(2, stamp(NOW)) + ALICE.issuer + EXPIRES, hash_algorithm=2)
    )
    found = only(ALICE.certificate(SUBKEY, ALICE.binding(SUB), weak))
    assert (found.primary.restrictions, len(found.subkeys[0].restrictions)) == ((), 1)


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize(
    ("kind", "of_primary", "of_subkey"), [(0x20, 1, 0), (0x28, 0, 1), (0x30, 0, 0), (0x13, 0, 0), (0x18, 0, 0)]
)
def test_a_revocation_of_an_old_version_is_hard(version: int, kind: int, of_primary: int, of_subkey: int) -> None:
    old = packet(2, ALICE.old_signature(kind, b"", version=version))
    found = only(ALICE.certificate(SUBKEY, ALICE.binding(SUB), old))
    assert (len(found.primary.revocations), len(found.subkeys[0].revocations)) == (of_primary, of_subkey)
    for revocation in (*found.primary.revocations, *found.subkeys[0].revocations):
        assert (revocation.created_at, revocation.soft) == (SIGNED, False)
    assert (old in found.body) == (kind in {0x20, 0x28, 0x30})


def test_a_revocation_of_version_3_that_is_cut_short_still_refuses() -> None:
    assert len(only(ALICE.certificate(direct=packet(2, b"\x03\x05\x20"))).primary.revocations) == 1


def test_a_revocation_behind_a_picture_goes_with_it() -> None:
    found = only(ALICE.certificate(packet(17, b"jpeg"), packet(2, ALICE.signature(0x30, b""))))
    assert (found.body, found.primary.revocations) == (ALICE.certificate(), ())


def test_a_signature_named_by_the_old_key_id_is_the_keys_own() -> None:
    area = subpacket(2, stamp(MADE))
    data = packet(6, ALICE.body) + packet(13, b"a") + packet(2, ALICE.signature(0x13, b"", hashed=area))
    assert len(only(data).primary.claims) == 1
    assert len(only(data.replace(subpacket(16, ALICE.key_id), subpacket(16, BOB.key_id))).primary.claims) == 0


def test_a_key_of_which_only_sha1_speaks_claims_nothing() -> None:
    data = packet(6, ALICE.body) + packet(13, b"a") + ALICE.self_signature(user_id=b"a", hash_algorithm=2)
    assert only(data).primary.claims == ()


# -- refusals ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(b"", "openpgp.empty", id="nothing"),
        pytest.param(b"keys", "openpgp.armor", id="text"),
        pytest.param(packet(5, ALICE.body), "openpgp.secret-key", id="a secret key"),
        pytest.param(ALICE.certificate(packet(7, SUB.body)), "openpgp.secret-key", id="a secret subkey"),
        pytest.param(
            b"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nAAAA\n-----END PGP PRIVATE KEY BLOCK-----\n",
            "openpgp.secret-key",
            id="an armored secret key",
        ),
        pytest.param(ALICE.detached(), "openpgp.certificate", id="a signature"),
        pytest.param(packet(13, b"a") + ALICE.certificate(), "openpgp.certificate", id="a user id before the key"),
        pytest.param(ALICE.certificate(packet(11, b"data")), "openpgp.certificate", id="data among keys"),
        pytest.param(ALICE.certificate() * 2, "openpgp.duplicate-certificate", id="a key twice"),
        pytest.param(packet(6, b"\x03" + ALICE.body[1:]), "openpgp.key-version", id="a key of version 3"),
        pytest.param(packet(6, b"\x05" + ALICE.body[1:]), "openpgp.key-version", id="a key of version 5"),
        pytest.param(packet(6, b""), "openpgp.certificate", id="an empty key"),
        pytest.param(packet(6, ALICE.body[:8]), "openpgp.certificate", id="a key cut short"),
        pytest.param(
            packet(6, key(6, version=6).body + b"x"), "openpgp.certificate", id="a version 6 key of another length"
        ),
        pytest.param(ALICE.certificate()[:-1], "openpgp.packet", id="cut short"),
        pytest.param(ALICE.certificate(packet(2, b"\x05")), "openpgp.version", id="a signature of version 5"),
        pytest.param(ALICE.certificate(packet(2, b"\x04\x13")), "openpgp.packet", id="a signature cut short"),
    ],
)
def test_everything_else_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(FormatError) as caught:
        read(data)
    assert (caught.value.code, caught.value.where) == (code, "keys.gpg")
    assert caught.value.hint


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        pytest.param(Limits(openpgp_certificates_bytes=10), "openpgp.too-large", id="bytes"),
        pytest.param(Limits(openpgp_packets=3), "openpgp.too-large", id="packets"),
        pytest.param(Limits(openpgp_certificates=1), "openpgp.too-many-certificates", id="keys"),
    ],
)
def test_a_keyring_is_bounded(limits: Limits, code: str) -> None:
    with pytest.raises(FormatError) as caught:
        read(ALICE.certificate() + BOB.certificate(), limits)
    assert caught.value.code == code


# -- key packets -------------------------------------------------------------------------------------------------------


POINT = mpi(b"\x04" + bytes(64))


def body(number: int, material: bytes) -> bytes:
    return b"\x04" + stamp(MADE) + bytes([number]) + material


@pytest.mark.parametrize(
    ("data", "algorithm"),
    [
        pytest.param(body(1, mpi(b"\x80" + bytes(255)) + mpi(b"\x01\x00\x01")), "rsa-2048", id="RSA"),
        pytest.param(body(3, mpi(b"\x01" + bytes(127)) + mpi(b"\x03")), "rsa-1017", id="RSA of an odd length"),
        pytest.param(body(1, b"\x08\x00" + bytes(256)), "rsa-0", id="RSA that says more than it has"),
        pytest.param(body(17, mpi(b"\x80" + bytes(255))), "dsa-2048", id="DSA"),
        pytest.param(body(16, mpi(b"\x80" + bytes(255))), "elgamal-2048", id="ElGamal"),
        pytest.param(body(19, b"\x08" + bytes.fromhex("2a8648ce3d030107") + POINT), "ecdsa-p256", id="ECDSA"),
        pytest.param(
            body(19, b"\x05" + bytes.fromhex("2b8104000a") + POINT), "ecdsa-secp256k1", id="ECDSA on another curve"
        ),
        pytest.param(body(19, b"\x01\x2a" + POINT), "ecdsa-unknown", id="ECDSA on an unknown curve"),
        pytest.param(body(18, b"\x0a" + bytes.fromhex("2b060104019755010501")), "ecdh-curve25519", id="ECDH"),
        pytest.param(body(22, b"\x09" + bytes.fromhex("2b06010401da470f01") + POINT), "ed25519", id="EdDSA"),
        pytest.param(body(27, bytes(32)), "ed25519", id="Ed25519"),
        pytest.param(body(28, bytes(57)), "ed448", id="Ed448"),
        pytest.param(body(99, b""), "unknown-99", id="what is not known"),
    ],
)
def test_a_key_is_named_by_algorithm_and_size(data: bytes, algorithm: str) -> None:
    assert read_key_packet(data, where="k").algorithm == algorithm


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(body(1, b""), id="RSA without a modulus"),
        pytest.param(body(19, b"\x08" + bytes.fromhex("2a8648ce3d030107")), id="ECDSA without a point"),
        pytest.param(body(27, bytes(31)), id="Ed25519 of 31 bytes"),
    ],
)
def test_half_a_key_is_refused(data: bytes) -> None:
    with pytest.raises(FormatError) as caught:
        read_key_packet(data, where="k")
    assert caught.value.code == "openpgp.certificate"


def test_fingerprints_are_those_that_gpg_computes() -> None:
    """A key and its fingerprint as GnuPG 2.2.40 printed it."""
    raw = bytes.fromhex(
        "9833046b01d6d516092b06010401da470f01010740ef40b178eb7d9f9fe3674c1f6101"
        "09e08f7366b428be575ec4ef473a3cd762ac"
    )  # fmt: skip
    found = read_key_packet(raw[2:], where="k")
    assert found.fingerprint == "A910E42FB9A96C01EB583797343C8ABC4A6673BF"
    assert old_packet(6, raw[2:], 1) == raw


def test_the_kit_makes_different_keys() -> None:
    assert replace(ALICE, created=NOW).fingerprint != Key(ALICE.private).fingerprint
