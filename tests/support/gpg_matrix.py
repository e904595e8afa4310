"""The matrix of OpenPGP signatures: what gpg, python-gnupg, Sequoia and vxsec make of each; everything is made in the run."""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import tempfile
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from support import openpgp_kit
from support.gpg_kit import DATA, MADE, NOW, SIGNED, GpgHome, gpg_home
from support.openpgp_kit import packet, stamp, subpacket
from vxsec.errors import VxsecError
from vxsec.host.gnupg import run_gpg
from vxsec.model.verification import TimeSource, TrustedTime
from vxsec.verification.openpgp import verify_openpgp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vxsec.verification.openpgp import GpgPort

GOOD, THEN = "good", "valid-then"
HAS_SEQUOIA = importlib.util.find_spec("pysequoia") is not None
DAY = timedelta(days=1)
REVOKED = NOW - 50 * DAY
OWNER, OWNED = (replace(openpgp_kit.key(seed), created=MADE) for seed in (21, 22))
OWNER_NAME = b"key <key@example.test>"
OWNER_NAMED = OWNER.hashed + b"\xb4" + len(OWNER_NAME).to_bytes(4, "big") + OWNER_NAME
SIGNS = subpacket(27, b"\x03")
ENDS = subpacket(9, (200 * 86400).to_bytes(4, "big")) + SIGNS
NOT_ONE, SUPERSEDED, RETIRED, COMPROMISED = 0, 2, 3, 1  # gpg's menu of reasons


@dataclass(frozen=True, kw_only=True)
class Case:
    """One signature, asked about in one way, and the answer: ``good``, ``valid-then``, or a reason code."""

    name: str
    expect: str
    signature: bytes
    certificates: bytes
    allowed: tuple[str, ...]
    data: bytes = DATA
    trusted: datetime | None = None

    @property
    def times(self) -> tuple[TrustedTime, ...]:
        if self.trusted is None:
            return ()
        return (TrustedTime(source=TimeSource.TIMESTAMP, at=self.trusted, authority="https://tsa.example.test"),)


def ours(case: Case, port: GpgPort) -> str:
    """Our verdict through one port."""
    try:
        verdict = verify_openpgp(
            case.signature,
            case.data,
            certificates=case.certificates,
            allowed=case.allowed,
            run=port,
            now=NOW,
            times=case.times,
        )
    except VxsecError as error:
        return error.code
    assert verdict.fingerprint in case.allowed
    return verdict.standing.value


def _first() -> bytes:
    """The owner's key, said with SHA-256 to end after 200 days."""
    return packet(6, OWNER.body) + packet(13, OWNER_NAME) + _said(ENDS, at=MADE, sha1=False)


@cache
def gpg_cases() -> tuple[Case, ...]:
    with gpg_home() as home:
        return tuple(
            case
            for part in (_good, _weak, _over, _revoked, _old, _restricted, _shapes, _who, _injected)
            for case in part(home)
        )


def _simple(home: GpgHome, name: str, expect: str, key: str, **changed: Any) -> Case:
    """A case about ``key``: its signature over the data, its public key, itself allowed, but for what is given."""
    if "signature" not in changed:
        changed["signature"] = home.sign(key)
    return Case(name=name, expect=expect, **({"certificates": home.export(key), "allowed": (key,)} | changed))


def _good(home: GpgHome) -> Iterator[Case]:
    for algorithm in ("ed25519", "rsa3072", "nistp256", "nistp384", "nistp521", "brainpoolP256r1"):
        key = home.make(f"good-{algorithm}", algorithm)
        expect = GOOD
        signature = home.sign(key, options=("--digest-algo", "SHA512"))
        yield _simple(home, f"{algorithm}: good", expect, key, signature=signature)
        yield _simple(home, f"{algorithm}: good signature, other file", "openpgp.bad-signature", key, data=b"other")
    key = home.make("alice")
    subkey = home.add_subkey(key, "nistp256/ecdsa")
    yield _simple(home, "a signing subkey", GOOD, key)
    yield _simple(
        home,
        "the subkey's fingerprint is allowed, not the primary's",
        "openpgp.subkey-fingerprint",
        key,
        allowed=(subkey,),
    )
    only = home.make("carol", "ed25519", usage="cert")
    home.add_subkey(only, "ed25519")
    yield _simple(home, "a primary key that only certifies, and its subkey", GOOD, only)
    yield _simple(home, "armored", GOOD, key, signature=home.sign(key, options=("--armor",)))
    yield _simple(home, "an empty file", GOOD, key, signature=home.sign(key, b""), data=b"")
    yield _simple(home, "an empty file, signature over another", "openpgp.bad-signature", key, data=b"")


def _weak(home: GpgHome) -> Iterator[Case]:
    key = home.make("weak-hash")
    for digest in ("SHA1", "MD5", "RIPEMD160", "SHA224"):
        signature = home.sign(key, options=("--digest-algo", digest, "--allow-weak-digest-algos"))
        yield _simple(home, f"{digest} signature", "openpgp.hash", key, signature=signature)
    for algorithm in ("rsa1024", "dsa2048", "secp256k1"):
        yield _simple(home, f"{algorithm} key", "openpgp.weak-key", home.make(f"weak-{algorithm}", algorithm))
    weak = home.make("weak-primary", "rsa1024")
    home.add_subkey(weak, "ed25519")
    yield _simple(home, "strong subkey of an RSA-1024 primary", "openpgp.weak-key", weak)
    sha1 = home.make("sha1-bound", options=("--cert-digest-algo", "SHA1"))
    yield _simple(home, "key bound to its user id with SHA-1", "openpgp.weak-binding", sha1)


def _over(home: GpgHome) -> Iterator[Case]:
    key = home.make("short-lived", expire="200d")
    yield _simple(home, "key expired, signed while valid", "openpgp.expired-key", key)
    yield _simple(home, "key expired, trusted time while valid", THEN, key, trusted=SIGNED + DAY)
    yield _simple(home, "key expired, trusted time later", "openpgp.expired-key", key, trusted=NOW - 100 * DAY)
    yield _simple(home, "trusted time before the signature's own", "openpgp.dated-ahead", key, trusted=SIGNED - DAY)
    late = home.sign(key, at=NOW - 100 * DAY, options=("--faked-system-time", f"{int(SIGNED.timestamp())}!"))
    yield _simple(home, "key expired, backdated into its life", "openpgp.expired-key", key, signature=late)
    longer = home.make("prolonged", expire="200d")
    signed = home.sign(longer)
    home.gpg("--quick-set-expire", longer, "3y", at=MADE + 150 * DAY)
    yield _simple(home, "key prolonged since", GOOD, longer, signature=signed)
    subkey = home.make("subkey-expired")
    home.add_subkey(subkey, "ed25519", expire="200d")
    yield _simple(home, "signing subkey expired", "openpgp.expired-key", subkey)
    yield _simple(home, "signing subkey expired, trusted time while valid", THEN, subkey, trusted=SIGNED)
    short = home.sign(key, options=("--default-sig-expire", "10d"))
    lasting = home.make("lasting")
    yield _simple(home, "key and signature expired", "openpgp.expired-signature", key, signature=short)
    short = home.sign(lasting, options=("--default-sig-expire", "10d"))
    yield _simple(home, "signature expired", "openpgp.expired-signature", lasting, signature=short)
    yield _simple(
        home,
        "signature expired, trusted time before",
        "openpgp.expired-signature",
        lasting,
        signature=short,
        trusted=SIGNED,
    )
    long = home.sign(lasting, options=("--default-sig-expire", "3y"))
    yield _simple(home, "signature with an end to come", GOOD, lasting, signature=long)
    ahead = home.sign(lasting, at=NOW + 30 * DAY)
    yield _simple(home, "dated a month ahead", "openpgp.dated-ahead", lasting, signature=ahead)
    unborn = home.make("unborn", at=NOW + 10 * DAY)
    ahead = home.sign(unborn, at=NOW + 11 * DAY)
    yield _simple(home, "key from the future", "openpgp.dated-ahead", unborn, signature=ahead)
    before = home.sign(lasting, at=MADE - DAY, options=("--ignore-time-conflict",))
    yield _simple(home, "dated before its key", "openpgp.before-key", lasting, signature=before)


def _revoked(home: GpgHome) -> Iterator[Case]:
    for reason, word in ((COMPROMISED, "compromised"), (NOT_ONE, "without reason")):
        key = home.make(f"revoked-{reason}")
        signature = home.sign(key)
        home.revoke(key, reason, at=REVOKED)
        for name, trusted in (("", None), (", trusted time before", SIGNED)):
            yield _simple(
                home, f"key revoked, {word}{name}", "openpgp.revoked-hard", key, signature=signature, trusted=trusted
            )
    for reason, word in ((SUPERSEDED, "superseded"), (RETIRED, "no longer used")):
        key = home.make(f"revoked-{reason}")
        signature = home.sign(key)
        home.revoke(key, reason, at=REVOKED)
        for name, trusted, expect in (
            ("", None, "openpgp.revoked-soft"),
            (", trusted time before", REVOKED - DAY, THEN),
            (", trusted time after", REVOKED + DAY, "openpgp.revoked-soft"),
        ):
            yield _simple(home, f"key revoked, {word}{name}", expect, key, signature=signature, trusted=trusted)
        other = {"data": b"other", "trusted": REVOKED - DAY, "signature": signature}
        yield _simple(home, f"key revoked, {word}, and another file", "openpgp.bad-signature", key, **other)
    for reason, expect, then in (
        (COMPROMISED, "openpgp.revoked-hard", "openpgp.revoked-hard"),
        (SUPERSEDED, "openpgp.revoked-soft", THEN),
    ):
        key = home.make(f"subkey-revoked-{reason}")
        home.add_subkey(key, "ed25519")
        signature = home.sign(key)
        home.revoke_subkey(key, reason, at=REVOKED)
        yield _simple(home, f"signing subkey revoked, reason {reason}", expect, key, signature=signature)
        yield _simple(
            home,
            f"signing subkey revoked, reason {reason}, trusted time before",
            then,
            key,
            signature=signature,
            trusted=SIGNED,
        )
    key = home.make("short-lived-and-retired", expire="200d")
    signature = home.sign(key)
    home.revoke(key, RETIRED, at=MADE + 150 * DAY)
    yield _simple(
        home, "key retired, then expired, trusted time before", THEN, key, signature=signature, trusted=SIGNED
    )


def _by_hand(name: str, expect: str, certificate: bytes, signer: openpgp_kit.Key = OWNER, **more: Any) -> Case:
    signature = signer.detached(at=SIGNED)
    allowed = (OWNER.fingerprint,)
    return Case(name=name, expect=expect, signature=signature, certificates=certificate, allowed=allowed, **more)


def _said(
    extra: bytes, *, at: datetime = REVOKED, kind: int = 0x13, over: bytes = OWNER_NAMED, sha1: bool = True
) -> bytes:
    """What the owner says of the key, at some time and with some hash."""
    area = subpacket(2, stamp(at)) + OWNER.issuer + extra
    return packet(2, OWNER.signature(kind, over, hashed=area, hash_algorithm=2 if sha1 else 8))


def _old(_: GpgHome) -> Iterator[Case]:
    """Signatures of version 2 and 3, made by hand because gpg no longer makes them."""
    bound = (packet(14, OWNED.body), OWNER.binding(OWNED))
    for version in (2, 3):
        old = packet(2, OWNER.old_signature(0x20, OWNER.hashed, at=REVOKED, version=version))
        for told, trusted in (("", None), (", trusted time before", SIGNED)):
            yield _by_hand(
                f"key revoked, signature of version {version}{told}",
                "openpgp.revoked-hard",
                OWNER.certificate(direct=old),
                trusted=trusted,
            )
    old = packet(2, OWNER.old_signature(0x28, OWNER.hashed + OWNED.hashed, at=REVOKED))
    name = "signing subkey revoked, signature of version 3"
    yield _by_hand(name, "openpgp.revoked-hard", OWNER.certificate(*bound, old), OWNED)
    yield _by_hand("another subkey revoked, signature of version 3", GOOD, OWNER.certificate(*bound, old))
    # Version 3 covers a user id without its header (RFC 4880 section 5.2.4).
    old = packet(2, OWNER.old_signature(0x30, OWNER.hashed + OWNER_NAME, at=REVOKED))
    yield _by_hand("user id revoked, signature of version 3", GOOD, OWNER.certificate(old))
    new = packet(2, OWNER.signature(0x30, OWNER_NAMED, at=REVOKED))
    yield _by_hand("user id revoked", GOOD, OWNER.certificate(new))
    third = packet(2, openpgp_kit.key(23).old_signature(0x10, OWNER.hashed + OWNER_NAME))
    yield _by_hand("another person's certification of version 3", GOOD, OWNER.certificate(third))
    over = OWNER.hashed + b"\xb4" + (1).to_bytes(4, "big") + b"b"
    longer = subpacket(9, (3 * 365 * 86400).to_bytes(4, "big")) + SIGNS
    prolonged = _first() + packet(13, b"b") + _said(longer, at=SIGNED, over=over, sha1=False)
    yield _by_hand("user id that prolongs the key", GOOD, prolonged)
    old = packet(2, OWNER.old_signature(0x30, OWNER.hashed + b"b", at=REVOKED))
    name = "user id that prolongs the key, and revoked, signature of version 3"
    yield _by_hand(name, "openpgp.expired-key", prolonged + old)


def _restricted(_: GpgHome) -> Iterator[Case]:
    """What an owner says last of a key, with SHA-1: it may take back, and never help."""
    expired, since = "openpgp.expired-key", OWNER.certificate(_said(ENDS))
    yield _by_hand("key ended since with SHA-1", expired, since)
    yield _by_hand("key ended since with SHA-1, trusted time before", THEN, since, trusted=SIGNED)
    itself = OWNER.certificate(direct=_said(ENDS, kind=0x1F, over=OWNER.hashed))
    yield _by_hand("key ended since with SHA-1, on itself", expired, itself)
    certifies = OWNER.certificate(_said(subpacket(27, b"\x01")))
    yield _by_hand("key only to certify since with SHA-1", "openpgp.key-usage", certifies)
    weak = _said(ENDS, kind=0x18, over=OWNER.hashed + OWNED.hashed)
    bound = OWNER.certificate(packet(14, OWNED.body), OWNER.binding(OWNED), weak)
    yield _by_hand("signing subkey ended since with SHA-1", expired, bound, OWNED)
    start = packet(6, OWNER.body) + packet(13, OWNER_NAME)
    anew = start + _said(ENDS, at=MADE) + _said(SIGNS, sha1=False)
    yield _by_hand("key ended with SHA-1, prolonged since with SHA-256", GOOD, anew)
    yield _by_hand("key ended with SHA-256, prolonged since with SHA-1", expired, _first() + _said(SIGNS))


def _shapes(home: GpgHome) -> Iterator[Case]:
    key = home.make("shapes")
    good, bad = home.sign(key), home.sign(key, b"other")
    armored = home.sign(key, options=("--armor",))
    for name, signature, expect in (
        ("two signatures, both good", good + good, "openpgp.several-signatures"),
        ("two signatures, good and bad", good + bad, "openpgp.several-signatures"),
        ("two signatures, bad and good", bad + good, "openpgp.several-signatures"),
        ("two armored signatures", armored + armored, "openpgp.several-signatures"),
        ("junk behind the packet", good + b"junk", "openpgp.trailing-bytes"),
        ("a literal packet behind the packet", good + b"\xcb\x06b\x00" + bytes(4), "openpgp.trailing-bytes"),
        ("junk behind the signature in its packet", _padded(good), "openpgp.trailing-bytes"),
        ("text before the armor", b"hello\n" + armored, "openpgp.armor"),
        ("text behind the armor", armored + b"hello\n", "openpgp.armor"),
        ("cut short", good[:-3], "openpgp.packet"),
        ("nothing", b"", "openpgp.empty"),
        ("the file itself", DATA, "openpgp.armor"),
        ("text mode", home.sign(key, options=("--textmode",)), "openpgp.signature-type"),
        ("clear-signed", home.sign(key, how="--clear-sign"), "openpgp.not-detached"),
        ("inline signed", home.sign(key, how="--sign"), "openpgp.not-detached"),
        ("inline signed, armored", home.sign(key, how="--sign", options=("--armor",)), "openpgp.not-detached"),
        ("a public key", home.export(key), "openpgp.not-detached"),
        ("a flipped bit", good[:-1] + bytes([good[-1] ^ 1]), "openpgp.bad-signature"),
        (
            "an unknown critical notation",
            home.sign(key, options=("--sig-notation", "!x@example.test=y")),
            "openpgp.critical-subpacket",
        ),
    ):
        yield _simple(home, name, expect, key, signature=signature)
    with_url = home.sign(
        key, options=("--sig-policy-url", "https://policy.example.test/", "--sender", "shapes@example.test")
    )
    yield _simple(home, "a policy address and the signer's user id", GOOD, key, signature=with_url)


def _padded(signature: bytes) -> bytes:
    assert signature[0] == 0x88
    return bytes([0x88, signature[1] + 4]) + signature[2:] + b"junk"


def _who(home: GpgHome) -> Iterator[Case]:
    alice, bob, mallory = home.make("anne"), home.make("bert"), home.make("mallory")
    both = home.export(alice, bob)
    yield _simple(home, "keyring of two, signed by the one allowed", GOOD, alice, certificates=both)
    yield _simple(home, "keyring of two, both allowed", GOOD, bob, certificates=both, allowed=(alice, bob))
    yield _simple(
        home, "keyring of two, signed by the other", "openpgp.not-allowed", bob, certificates=both, allowed=(alice,)
    )
    yield _simple(home, "key not in the keyring", "openpgp.unknown-key", mallory, certificates=both, allowed=(alice,))
    yield _simple(
        home, "allowed key not in the keyring", "openpgp.no-certificate", alice, certificates=home.export(bob)
    )
    yield _simple(home, "keyring with a key twice", "openpgp.duplicate-certificate", alice, certificates=both + both)
    secret = home.gpg("--passphrase", "", "--export-secret-keys", alice).stdout
    yield _simple(home, "keyring with a secret key", "openpgp.secret-key", alice, certificates=secret)
    yield _simple(home, "keyring that is a signature", "openpgp.certificate", alice, certificates=home.sign(alice))
    yield from _stolen(home, alice, bob)


def _stolen(home: GpgHome, alice: str, bob: str) -> Iterator[Case]:
    """A subkey put under a certificate whose owner never bound it."""
    home.add_subkey(bob, "ed25519", at=MADE + DAY)
    home.add_subkey(alice, "nistp256/ecdsa")
    own, other = packets(home.export(alice)), packets(home.export(bob))
    grafted = [*own[:-2], other[-2], own[-1]]
    believed = [*grafted, b"\xb0\x02\x00\x03"]  # a trust packet: checked before, and good
    for name, forged in (("", grafted), (", with gpg's own mark that it was checked", believed)):
        yield _simple(
            home,
            f"another person's subkey grafted{name}",
            "openpgp.bad-signature",
            alice,
            signature=home.sign(bob),
            certificates=b"".join(forged),
        )
    yield _simple(
        home,
        "one subkey in two certificates",
        "openpgp.ambiguous-key",
        alice,
        signature=home.sign(bob),
        certificates=b"".join(grafted) + home.export(bob),
        allowed=(alice, bob),
    )


def packets(certificate: bytes) -> list[bytes]:
    from vxsec.formats.openpgp_packet import iter_packets

    return [packet.raw for packet in iter_packets(certificate, where="made here")]


def _injected(home: GpgHome) -> Iterator[Case]:
    """Text of the signer that looks like a status line, or like somebody else."""
    alice = home.make("ann")
    valid = f"VALIDSIG {alice} 2026-01-01 1 0 4 0 22 8 00 {alice}"
    for name in (
        f"[GNUPG:] {valid}",
        f"x\n[GNUPG:] NEWSIG\n[GNUPG:] GOODSIG {alice[-16:]} ann\n[GNUPG:] {valid}",
        "é%0a\x1b[2J",
    ):
        forger = home.make(f"{name} <forger@example.test>", options=("--allow-freeform-uid",))
        keys = home.export(alice, forger)
        shown = name.encode("unicode_escape").decode()[:16]
        yield _simple(home, f"user id {shown}", "openpgp.not-allowed", forger, certificates=keys, allowed=(alice,))
        yield _simple(home, f"user id {shown}, its owner allowed", GOOD, forger)
        home.gpg("--delete-secret-and-public-key", forger)
    forger = home.make("forger")
    for text in (f"%0a[GNUPG:] {valid}", f"\\n[GNUPG:] {valid}", "%" * 60):
        signature = home.sign(forger, options=("--sig-notation", f"x@example.test={text}"))
        yield _simple(home, f"notation {text[:16]}", GOOD, forger, signature=signature)
        yield _simple(
            home, f"notation {text[:16]}, another allowed", "openpgp.not-allowed", forger,
            signature=signature, certificates=home.export(alice, forger), allowed=(alice,),
        )  # fmt: skip


# -- what the others say -----------------------------------------------------------------------------------------------


def plain_gpg(case: Case) -> str:
    """Exit status of ``gpg --verify`` in a home into which the keys were imported."""
    with gpg_home() as home:
        home.gpg("--import", data=case.certificates, check=False)
        signature, data = home.folder / "s", home.folder / "d"
        signature.write_bytes(case.signature)
        data.write_bytes(case.data)
        return f"exit {home.gpg('--verify', str(signature), str(data), check=False).returncode}"


def python_gnupg(case: Case) -> str:
    import gnupg

    with gpg_home() as home:
        gpg = gnupg.GPG(gnupghome=str(home.folder))
        gpg.import_keys(case.certificates)
        with tempfile.NamedTemporaryFile() as signature:
            signature.write(case.signature)
            signature.flush()
            return "valid" if gpg.verify_data(signature.name, case.data).valid else "not valid"


def plain_sequoia(case: Case) -> str:
    if not HAS_SEQUOIA:
        return "-"
    library: Any = importlib.import_module("pysequoia")
    try:
        known = library.Cert.split_bytes(case.certificates)
        library.verify(bytes=case.data, store=lambda _: known, signature=library.Sig.from_bytes(case.signature))
    except Exception:  # noqa: BLE001 - it raises what it likes
        return "refuses"
    return "accepts"


def matrix_markdown() -> str:
    """The table for the documents: the four side by side."""
    version = subprocess.run(["gpg", "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]
    lines = [
        f"{version}",
        "",
        "| case | `gpg --verify` | python-gnupg | pysequoia | vxsec |",
        "| --- | --- | --- | --- | --- |",
    ]
    for case in gpg_cases():
        name = case.name.replace("|", "\\|").replace("`", "")
        verdict = ours(case, run_gpg)
        cells = (
            name,
            plain_gpg(case),
            python_gnupg(case),
            plain_sequoia(case),
            f"`{verdict}`" if "." in verdict else f"**{verdict}**",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    Path("/dev/stdout").write_text(matrix_markdown(), encoding="utf-8")
