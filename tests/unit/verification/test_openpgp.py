"""Our verdict over one OpenPGP signature; gpg is a port that reports what the row says. Real gpg: tests/integration."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from support.openpgp_kit import DATA, MADE, NOW, SIGNED, Key, Scripted, key, mpi, packet, stamp, subpacket, valid_line
from vxsec.errors import UndecidedError, UsageError, VerificationError
from vxsec.limits import Limits
from vxsec.model.verification import TimeSource, TrustedTime
from vxsec.verification.openpgp import OpenPgpStanding, OpenPgpVerdict, verify_openpgp

ALICE, BOB, SUB, SIX = key(1), key(2), key(3), key(6, version=6)
GOOD = ("NEWSIG", "GOODSIG A alice", valid_line(ALICE))
EXPIRES = subpacket(9, (200 * 86400).to_bytes(4, "big")) + subpacket(27, b"\x03")
DAY = timedelta(days=1)


@dataclass
class Ask:
    """One question; every row changes a little of a good one."""

    signature: bytes = ALICE.detached()
    data: bytes = DATA
    certificates: bytes = ALICE.certificate()
    allowed: tuple[str, ...] = (ALICE.fingerprint,)
    port: Scripted = field(default_factory=lambda: Scripted(*GOOD))
    times: tuple[datetime, ...] = ()
    limits: Limits = field(default_factory=Limits)
    now: datetime = NOW

    def verdict(self) -> OpenPgpVerdict:
        times = [TrustedTime(source=TimeSource.LOG, at=at, authority="https://log.example.test") for at in self.times]
        return verify_openpgp(
            self.signature,
            self.data,
            certificates=self.certificates,
            allowed=self.allowed,
            run=self.port,
            now=self.now,
            times=times,
            limits=self.limits,
        )

    def refused(self) -> str:
        with pytest.raises(VerificationError) as caught:
            self.verdict()
        assert caught.value.hint
        return caught.value.code


def reports(*lines: str, **changed: Any) -> Ask:
    return Ask(port=Scripted(*lines, **changed))


def weakly(extra: bytes) -> bytes:
    """A newer self-signature, with SHA-1."""
    area = subpacket(2, stamp(SIGNED)) + ALICE.issuer + extra
    return packet(2, ALICE.signature(0x13, b"", hashed=area, hash_algorithm=2))


def with_claims(extra: bytes, *more: bytes, direct: bytes = b"") -> bytes:
    return (
        packet(6, ALICE.body)
        + direct
        + packet(13, b"a")
        + ALICE.self_signature(user_id=b"a", extra=extra)
        + b"".join(more)
    )


def rsa(bits: int) -> bytes:
    """A certificate whose primary key is RSA of that size and did not sign anything: Alice speaks for herself only."""
    return b"\x04" + stamp(MADE) + b"\x01" + mpi(b"\x80" + bytes(bits // 8 - 1)) + mpi(b"\x01\x00\x01")


# -- good --------------------------------------------------------------------------------------------------------------


def test_a_good_signature_names_who_made_it() -> None:
    ask = Ask()
    verdict = ask.verdict()
    assert (verdict.fingerprint, verdict.signing_fingerprint) == (ALICE.fingerprint, ALICE.fingerprint)
    assert (verdict.created_at, verdict.judged_at, verdict.standing) == (SIGNED, NOW, OpenPgpStanding.GOOD)
    assert (verdict.algorithm, verdict.hash_algorithm, verdict.program) == ("ed25519", "SHA256", "gpg")
    assert verdict.spki == b"openpgp:" + ALICE.fingerprint.encode()


def test_gpg_gets_the_packet_alone_and_only_the_certificate_that_may_have_signed() -> None:
    ask = Ask(certificates=BOB.certificate() + ALICE.certificate(b"\xb0\x02\x00\x03"))
    ask.verdict()
    assert ask.port.asked == [(ALICE.detached(), DATA, ALICE.certificate(), NOW)]


def test_a_subkey_counts_for_its_primary_key() -> None:
    certificate = ALICE.certificate(packet(14, SUB.body), ALICE.binding(SUB))
    ask = Ask(
        signature=SUB.detached(),
        certificates=certificate,
        port=Scripted("NEWSIG", "GOODSIG A alice", valid_line(SUB, ALICE)),
    )
    assert (ask.verdict().fingerprint, ask.verdict().signing_fingerprint) == (ALICE.fingerprint, SUB.fingerprint)


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(ALICE.fingerprint.lower(), id="in small letters"),
        pytest.param(
            " ".join(ALICE.fingerprint[at : at + 4] for at in range(0, 40, 4)), id="in groups as gpg prints it"
        ),
    ],
)
def test_a_fingerprint_may_be_written(written: str) -> None:
    assert Ask(allowed=(BOB.fingerprint, written)).verdict().fingerprint == ALICE.fingerprint


def test_a_signature_that_names_only_the_key_id_is_held_against_what_gpg_says() -> None:
    named = ALICE.detached(hashed=subpacket(2, stamp(SIGNED)))
    assert Ask(signature=named).verdict().fingerprint == ALICE.fingerprint
    assert (
        Ask(signature=named, port=Scripted("NEWSIG", "GOODSIG A x", valid_line(BOB))).refused()
        == "openpgp.contradiction"
    )


def test_a_trusted_time_is_the_time_of_judgement_and_gpgs_clock() -> None:
    ask = Ask(certificates=with_claims(EXPIRES), times=(SIGNED + 2 * DAY, SIGNED + DAY))
    assert (ask.verdict().standing, ask.verdict().judged_at) == (OpenPgpStanding.VALID_THEN, SIGNED + DAY)
    assert ask.port.asked[0][3] == SIGNED + DAY


def test_a_restriction_is_judged_at_the_trusted_time() -> None:
    ask = Ask(certificates=ALICE.certificate(weakly(EXPIRES)), times=(SIGNED,))
    assert ask.verdict().standing is OpenPgpStanding.VALID_THEN


def test_gpgs_clock_is_never_before_a_signature_that_the_skew_allows() -> None:
    at = NOW + timedelta(minutes=4)
    ask = Ask(signature=ALICE.detached(at=at), port=Scripted("NEWSIG", "GOODSIG A x", valid_line(ALICE, at=at)))
    ask.verdict()
    assert ask.port.asked[0][3] == at


def test_the_last_moment_there_is_can_be_the_time_of_judgement() -> None:
    assert Ask(now=datetime.max.replace(tzinfo=UTC)).verdict().standing is OpenPgpStanding.GOOD
    assert Ask(now=datetime.min.replace(tzinfo=UTC)).refused() == "openpgp.dated-ahead"


def test_a_retired_key_stays_good_for_what_it_signed_before() -> None:
    retired = ALICE.certificate(direct=ALICE.revocation(reason=1, at=NOW - DAY))
    for word in ("REVKEYSIG", "GOODSIG"):
        ask = Ask(
            certificates=retired,
            times=(SIGNED,),
            port=Scripted("NEWSIG", f"{word} A x", "KEYREVOKED", valid_line(ALICE)),
        )
        assert ask.verdict().standing is OpenPgpStanding.VALID_THEN


# -- usage -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("allowed", "code"),
    [
        pytest.param((), "openpgp.no-fingerprint", id="nobody"),
        pytest.param(("",), "openpgp.fingerprint", id="nothing"),
        pytest.param((ALICE.fingerprint[-16:],), "openpgp.fingerprint", id="a long key id"),
        pytest.param((ALICE.fingerprint, ALICE.fingerprint[-8:]), "openpgp.fingerprint", id="a short key id"),
        pytest.param((f"{ALICE.fingerprint}!",), "openpgp.fingerprint", id="gpg's mark for a very key"),
        pytest.param(("alice@example.test",), "openpgp.fingerprint", id="an address"),
    ],
)
def test_only_whole_fingerprints_allow(allowed: tuple[str, ...], code: str) -> None:
    with pytest.raises(UsageError) as caught:
        Ask(allowed=allowed).verdict()
    assert caught.value.code == code
    assert caught.value.hint


# -- refused before gpg is asked ---------------------------------------------------------------------------------------

AS_SUBKEY = ALICE.certificate(packet(14, SUB.body), ALICE.binding(SUB))
SHA1_BOUND = packet(6, ALICE.body) + packet(13, b"a") + ALICE.self_signature(user_id=b"a", hash_algorithm=2)
SMALL_PRIMARY = packet(6, rsa(1024)) + packet(13, b"a") + packet(14, SUB.body)
ADOPTED = BOB.certificate(packet(14, SUB.body), BOB.binding(SUB))


@pytest.mark.parametrize(
    ("ask", "code"),
    [
        pytest.param(Ask(signature=b"x"), "openpgp.armor", id="no signature"),
        pytest.param(Ask(signature=ALICE.detached() * 2), "openpgp.several-signatures", id="two signatures"),
        pytest.param(Ask(limits=Limits(openpgp_signature_bytes=9)), "openpgp.too-large", id="a large signature"),
        pytest.param(Ask(certificates=b""), "openpgp.empty", id="no public keys"),
        pytest.param(Ask(certificates=packet(5, ALICE.body)), "openpgp.secret-key", id="a secret key"),
        pytest.param(Ask(certificates=BOB.certificate()), "openpgp.no-certificate", id="not the allowed key"),
        pytest.param(Ask(signature=BOB.detached()), "openpgp.unknown-key", id="by an unknown key"),
        pytest.param(
            Ask(signature=ALICE.detached(hashed=subpacket(2, stamp(SIGNED)), unhashed=b"")),
            "openpgp.unknown-key",
            id="by nobody",
        ),
        pytest.param(
            Ask(signature=BOB.detached(), certificates=BOB.certificate() + ALICE.certificate()),
            "openpgp.not-allowed",
            id="by another key of the keyring",
        ),
        pytest.param(
            Ask(signature=SUB.detached(), certificates=AS_SUBKEY, allowed=(SUB.fingerprint,)),
            "openpgp.subkey-fingerprint",
            id="the subkey is allowed, not its primary key",
        ),
        pytest.param(
            Ask(
                signature=SUB.detached(), certificates=AS_SUBKEY + ADOPTED, allowed=(ALICE.fingerprint, BOB.fingerprint)
            ),
            "openpgp.ambiguous-key",
            id="one subkey in two certificates",
        ),
        pytest.param(Ask(certificates=SHA1_BOUND), "openpgp.weak-binding", id="bound with SHA-1"),
        pytest.param(Ask(certificates=packet(6, ALICE.body)), "openpgp.weak-binding", id="bound by nothing"),
        pytest.param(
            Ask(certificates=with_claims(subpacket(27, b"\x01"))), "openpgp.key-usage", id="a key that only certifies"
        ),
        pytest.param(
            Ask(certificates=ALICE.certificate(weakly(subpacket(27, b"\x01")))),
            "openpgp.key-usage",
            id="a key that its owner says with SHA-1 only certifies",
        ),
        pytest.param(
            Ask(certificates=ALICE.certificate(weakly(EXPIRES))),
            "openpgp.expired-key",
            id="a key that its owner ended with SHA-1",
        ),
        pytest.param(
            Ask(certificates=ALICE.certificate(direct=packet(2, ALICE.old_signature(0x20, b""))), times=(SIGNED,)),
            "openpgp.revoked-hard",
            id="revoked by a signature of version 3",
        ),
        pytest.param(Ask(signature=ALICE.detached(at=NOW + DAY)), "openpgp.dated-ahead", id="dated a day ahead"),
        pytest.param(
            Ask(times=(SIGNED - DAY,)), "openpgp.dated-ahead", id="dated after the trusted time at which it existed"
        ),
        pytest.param(Ask(signature=ALICE.detached(at=MADE - DAY)), "openpgp.before-key", id="dated before its key"),
        pytest.param(
            Ask(
                signature=ALICE.detached(hashed=subpacket(2, stamp(SIGNED)) + subpacket(3, b"\x00\x00\x00\x09")),
                times=(SIGNED,),
            ),
            "openpgp.expired-signature",
            id="a signature that has ended, even with a trusted time",
        ),
        pytest.param(Ask(certificates=with_claims(EXPIRES)), "openpgp.expired-key", id="an expired key"),
        pytest.param(
            Ask(certificates=with_claims(EXPIRES), times=(NOW - DAY,)),
            "openpgp.expired-key",
            id="expired at the trusted time",
        ),
        *(
            pytest.param(
                Ask(certificates=ALICE.certificate(direct=ALICE.revocation(reason=reason, at=NOW - DAY)), times=times),
                f"openpgp.revoked-{'soft' if reason == 1 else 'hard'}",
                id=f"revoked, reason {reason}, {'a trusted time ' + name if times else 'no trusted time'}",
            )
            for reason in (None, 0, 1, 2)
            for times, name in (((), ""), ((NOW - DAY,), "of the revocation"), ((NOW,), "after"), ((SIGNED,), "before"))
            if not (reason == 1 and name == "before")
        ),
        pytest.param(
            Ask(
                certificates=with_claims(
                    EXPIRES,
                    packet(13, b"b"),
                    ALICE.self_signature(user_id=b"b"),
                    direct=ALICE.revocation(reason=1, at=NOW - DAY),
                ),
                times=(NOW - 2 * DAY,),
            ),
            "openpgp.expired-key",
            id="a retired key of which one claim says that it had expired",
        ),
    ],
)
def test_it_is_refused_before_gpg_is_asked(ask: Ask, code: str) -> None:
    assert ask.refused() == code
    assert ask.port.asked == []


@pytest.mark.parametrize(
    ("algorithm", "material"),
    [
        pytest.param("rsa-1024", rsa(1024), id="RSA of 1,024 bits"),
        pytest.param("rsa-2040", rsa(2040), id="RSA of 2,040 bits"),
        pytest.param("rsa-32768", rsa(32768), id="RSA of 32,768 bits, which takes seconds"),
        pytest.param("dsa-2048", b"\x04" + stamp(MADE) + b"\x11" + mpi(b"\x80" + bytes(255)), id="DSA"),
        pytest.param(
            "ecdsa-secp256k1",
            b"\x04" + stamp(MADE) + b"\x13\x05" + bytes.fromhex("2b8104000a") + mpi(b"\x04" + bytes(64)),
            id="secp256k1",
        ),
        pytest.param(
            "ed448", b"\x04" + stamp(MADE) + b"\x1c" + bytes(57), id="Ed448, which no release of gpg 2.2 knows"
        ),
    ],
)
def test_weak_and_unusual_keys_are_refused(algorithm: str, material: bytes) -> None:
    from vxsec.formats.openpgp_key import read_key_packet

    fingerprint = read_key_packet(material, where="k").fingerprint
    issuer = subpacket(33, b"\x04" + bytes.fromhex(fingerprint))
    ask = Ask(
        signature=ALICE.detached(hashed=subpacket(2, stamp(SIGNED)) + issuer),
        certificates=packet(6, material),
        allowed=(fingerprint,),
    )
    assert ask.refused() == "openpgp.weak-key"
    with pytest.raises(VerificationError, match=algorithm):
        ask.verdict()


def test_a_weak_primary_key_makes_its_strong_subkey_weak() -> None:
    from vxsec.formats.openpgp_key import read_key_packet

    primary = read_key_packet(rsa(1024), where="k").fingerprint
    assert Ask(signature=SUB.detached(), certificates=SMALL_PRIMARY, allowed=(primary,)).refused() == "openpgp.weak-key"


# -- what gpg reports --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ask", "code"),
    [
        pytest.param(reports("NEWSIG", "BADSIG A x", exit_code=1), "openpgp.bad-signature", id="bad"),
        pytest.param(
            reports("NEWSIG", "BADSIG A x", exit_code=0), "openpgp.bad-signature", id="bad, with exit status 0"
        ),
        pytest.param(reports("NEWSIG", "EXPSIG A x", valid_line(ALICE)), "openpgp.expired-signature", id="ended"),
        pytest.param(
            reports("NEWSIG", "EXPKEYSIG A x", valid_line(ALICE)), "openpgp.expired-key", id="by an expired key"
        ),
        pytest.param(
            reports("NEWSIG", "REVKEYSIG A x", valid_line(ALICE)), "openpgp.revoked-hard", id="by a revoked key"
        ),
        pytest.param(
            reports("NEWSIG", "ERRSIG A 22 8 00 1 9 X", "NO_PUBKEY A"), "openpgp.unknown-key", id="key not taken"
        ),
        pytest.param(reports("NEWSIG", "ERRSIG A 22 8 00 1 6 X"), "openpgp.bad-signature", id="key not bound"),
        pytest.param(reports("NEWSIG", "ERRSIG A 22 8 00 1 4 X"), "openpgp.not-checked", id="unknown algorithm"),
        pytest.param(reports("NEWSIG", "ERRSIG A"), "openpgp.not-checked", id="no reason"),
        pytest.param(reports(), "openpgp.not-checked", id="nothing, with exit status 0"),
        pytest.param(reports("NODATA 4", exit_code=2), "openpgp.not-checked", id="no signature found"),
        pytest.param(reports("NEWSIG"), "openpgp.not-checked", id="a signature without verdict"),
        pytest.param(reports("NEWSIG", valid_line(ALICE)), "openpgp.not-checked", id="VALIDSIG alone"),
        pytest.param(reports("NEWSIG", "GOODSIG A x"), "openpgp.not-checked", id="GOODSIG alone"),
        pytest.param(reports(*GOOD, *GOOD), "openpgp.not-checked", id="two good signatures"),
        pytest.param(reports(*GOOD, "NEWSIG", "BADSIG A x"), "openpgp.not-checked", id="good and bad"),
        pytest.param(reports("NEWSIG", "BADSIG A x", *GOOD), "openpgp.not-checked", id="bad and good"),
        pytest.param(reports(*GOOD, "BADSIG A x"), "openpgp.not-checked", id="good and bad in one frame"),
        pytest.param(reports(*GOOD, "NODATA 1"), "openpgp.not-checked", id="good, and a word of failure"),
        pytest.param(reports(*GOOD, "PLAINTEXT 62 0 x"), "openpgp.not-checked", id="good, and a message"),
        pytest.param(reports(*GOOD, exit_code=2), "openpgp.not-checked", id="good, and exit status 2"),
        pytest.param(reports(*GOOD, exit_code=-9), "openpgp.not-checked", id="good, and killed"),
        pytest.param(reports(*GOOD, "FROM_THE_FUTURE"), "openpgp.status", id="good, and a word that is not known"),
        pytest.param(reports(raw=b"gpg: Good signature from alice\n"), "openpgp.status", id="words for people"),
        pytest.param(reports("NEWSIG", "GOODSIG A x", valid_line(BOB)), "openpgp.contradiction", id="by another key"),
        pytest.param(
            reports("NEWSIG", "GOODSIG A x", valid_line(ALICE, BOB)),
            "openpgp.contradiction",
            id="by another primary key",
        ),
        pytest.param(
            reports("NEWSIG", "GOODSIG A x", valid_line(ALICE, at=SIGNED + DAY)),
            "openpgp.contradiction",
            id="of another time",
        ),
        pytest.param(
            reports("NEWSIG", "GOODSIG A x", valid_line(ALICE, hash=2)), "openpgp.contradiction", id="with SHA-1"
        ),
        pytest.param(
            reports("NEWSIG", "GOODSIG A x", valid_line(ALICE, kind="01")), "openpgp.contradiction", id="over a text"
        ),
        pytest.param(
            reports("NEWSIG", "GOODSIG A x", valid_line(ALICE, version=3)), "openpgp.contradiction", id="version 3"
        ),
        pytest.param(
            reports("NEWSIG", "GOODSIG A x", valid_line(ALICE, key=1)), "openpgp.contradiction", id="with RSA"
        ),
        pytest.param(reports(*GOOD, inputs="00"), "openpgp.contradiction", id="about other bytes"),
    ],
)
def test_only_one_good_signature_of_what_was_asked_counts(ask: Ask, code: str) -> None:
    assert ask.refused() == code
    assert len(ask.port.asked) == 1


def test_a_revoked_word_that_no_revocation_explains_is_hard_even_with_a_trusted_time() -> None:
    ask = Ask(times=(SIGNED,), port=Scripted("NEWSIG", "REVKEYSIG A x", valid_line(ALICE)))
    assert ask.refused() == "openpgp.revoked-hard"


@pytest.mark.parametrize(
    "lines",
    [pytest.param((), id="silent"), pytest.param(("NEWSIG", "ERRSIG A 27 8 00 1 4 X"), id="cannot check it")],
)
def test_a_gpg_that_does_not_know_version_6_leaves_it_undecided(lines: tuple[str, ...]) -> None:
    ask = Ask(
        signature=SIX.detached(),
        certificates=SIX.certificate(),
        allowed=(SIX.fingerprint,),
        port=Scripted(*lines, exit_code=2),
    )
    with pytest.raises(UndecidedError) as caught:
        ask.verdict()
    assert (caught.value.code, caught.value.exit_status) == ("gnupg.unsupported", 4)


def test_a_good_version_6_signature_is_good_where_the_port_knows_it() -> None:
    line = valid_line(SIX, version=6, key=27)
    ask = Ask(
        signature=SIX.detached(),
        certificates=SIX.certificate(),
        allowed=(SIX.fingerprint,),
        port=Scripted("NEWSIG", "GOODSIG A x", line),
    )
    assert ask.verdict().fingerprint == SIX.fingerprint


def test_the_same_key_made_at_another_time_is_another_key() -> None:
    twin = Key(ALICE.private, created=MADE + DAY)
    assert Ask(certificates=twin.certificate(), allowed=(twin.fingerprint,)).refused() == "openpgp.unknown-key"
