"""Registry signatures: made by real keys, over the asked name and version and the bytes at hand, or refused."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from support.signing_kit import DIGESTS, NOW, OTHER_DIGESTS, signer, trust_root, trusted
from vxsec.errors import VerificationError
from vxsec.formats.npm_keys import npm_key_id
from vxsec.model.npm import NpmClaim, NpmKey, NpmSignature
from vxsec.model.trust import KeyKind, KeyRevocation, RevocationReason, Role
from vxsec.model.verification import TimeSource, TrustedTime
from vxsec.testing.registry_keys import make_key
from vxsec.verification.npm_signature import (
    bounded_by_trust,
    every_registry_key,
    registry_keys,
    signed_message,
    verify_npm_signatures,
)

if TYPE_CHECKING:
    from vxsec.model.trust import TrustRoot
    from vxsec.testing.registry_keys import RegistryKey
    from vxsec.verification.npm_signature import NpmVerdict

NAME, VERSION = "@vextrus/kernel", "1.2.3"
DAY = timedelta(days=1)
CURRENT, OLD, STRANGER = make_key(), make_key(), make_key()


def key(made: RegistryKey = CURRENT, **change: Any) -> NpmKey:
    return replace(NpmKey(keyid=made.keyid, spki=made.spki, expires=None), **change)


def sign(
    made: RegistryKey = CURRENT, name: str = NAME, version: str = VERSION, integrity: str = DIGESTS.integrity
) -> NpmSignature:
    return NpmSignature(**made.sign(name, version, integrity))


def verify(*signatures: NpmSignature, keys: tuple[NpmKey, ...] | None = None, **change: Any) -> NpmVerdict:
    asked: dict[str, Any] = {"name": NAME, "version": VERSION, "integrity": DIGESTS.integrity, "now": NOW, **change}
    return verify_npm_signatures(signatures=signatures, keys=(key(),) if keys is None else keys, **asked)


def at(moment: Any) -> TrustedTime:
    return TrustedTime(source=TimeSource.TIMESTAMP, at=moment, authority="https://tsa.example.test")


# -- accepted ----------------------------------------------------------------------------------------------------------


def test_a_signature_by_the_registrys_key_is_verified() -> None:
    verdict = verify(sign())
    assert verdict.value.keys == (key(),)
    assert (verdict.value.name, verdict.value.version) == (NAME, VERSION)
    assert verdict.value.integrity == DIGESTS.integrity
    assert verdict.findings == ()


def test_two_keys_of_a_rotation_both_count_and_one_signature_twice_counts_once() -> None:
    verdict = verify(sign(OLD), sign(), sign(), sign(), keys=(key(), key(OLD)))
    assert verdict.value.keys == (key(OLD), key())


def test_an_unknown_key_beside_a_known_one_is_a_finding() -> None:
    verdict = verify(sign(STRANGER), sign())
    assert verdict.value.keys == (key(),)
    assert [(item.code, item.where) for item in verdict.findings] == [("npm.unknown-key", "dist.signatures")]
    assert STRANGER.keyid in verdict.findings[0].message


def test_junk_by_unknown_keys_by_the_hundred_thousand_is_one_short_finding() -> None:
    junk = [NpmSignature(keyid=f"junk-{number}", sig="A" * 100) for number in range(100_000)]
    verdict = verify(*junk, sign())
    assert len(verdict.findings) == 1
    assert len(verdict.findings[0].message) < 400
    assert "99995 more" in verdict.findings[0].message


@pytest.mark.parametrize(
    "keyid",
    [
        CURRENT.keyid,
        CURRENT.keyid + "=",
        "SHA256:" + base64.b64encode(hashlib.sha256(CURRENT.spki).digest()).decode(),
        "ours-2026",
    ],
    ids=["npm's id", "npm's id with its padding", "the digest of the DER", "what the keys document calls it"],
)
def test_a_key_is_selected_by_whatever_registries_call_it(keyid: str) -> None:
    document = "ours-2026" if keyid == "ours-2026" else CURRENT.keyid
    assert verify(replace(sign(), keyid=keyid), keys=(key(keyid=document),)).value.keys


def test_an_id_that_two_keys_share_selects_both_and_the_right_one_is_named() -> None:
    keys = (key(STRANGER, keyid="shared"), key(keyid="shared"))
    assert verify(replace(sign(), keyid="shared"), keys=keys).value.keys == (keys[1],)


def test_an_expired_key_beside_a_good_one_is_a_finding() -> None:
    verdict = verify(sign(OLD), sign(), keys=(key(OLD, expires=NOW - DAY), key()))
    assert verdict.value.keys == (key(),)
    assert [(item.code, item.where) for item in verdict.findings] == [("key.expired", OLD.keyid)]


@pytest.mark.parametrize(
    ("change", "times"),
    [
        pytest.param({"expires": NOW - DAY}, [NOW - 2 * DAY], id="signed before the key expired"),
        pytest.param({"expires": NOW - DAY}, [NOW - 2 * DAY, NOW - 3 * DAY], id="at every time that is known"),
        pytest.param({"valid_from": NOW - 3 * DAY, "expires": NOW - DAY}, [NOW - 2 * DAY], id="inside the window"),
        pytest.param(
            {"revocations": (KeyRevocation(key="r", reason=RevocationReason.COMPROMISED, since=NOW - DAY),)},
            [NOW - 2 * DAY],
            id="signed before the key was stolen",
        ),
        pytest.param(
            {"revocations": (KeyRevocation(key="r", reason=RevocationReason.SUPERSEDED, since=NOW - DAY),)},
            [NOW - 2 * DAY],
            id="signed before the key was replaced",
        ),
        pytest.param(
            {"revocations": (KeyRevocation(key="r", reason=RevocationReason.SUPERSEDED, since=NOW + DAY),)},
            [],
            id="the key will be replaced tomorrow",
        ),
    ],
)
def test_a_key_is_judged_when_it_signed(change: dict[str, Any], times: list[Any]) -> None:
    assert verify(sign(), keys=(key(**change),), times=[at(time) for time in times]).value.keys


# -- refused -----------------------------------------------------------------------------------------------------------

REPLAYED = NpmClaim(name="@vextrus/other", version="9.9.9", integrity=OTHER_DIGESTS.integrity)


def _flipped(signature: NpmSignature) -> NpmSignature:
    raw = bytearray(base64.b64decode(signature.sig))
    raw[-1] ^= 1
    return replace(signature, sig=base64.b64encode(raw).decode())


def _revoked(reason: RevocationReason, since: Any) -> tuple[NpmKey, ...]:
    return (key(revocations=(KeyRevocation(key="r", reason=reason, since=since),)),)


REFUSED: dict[str, tuple[list[NpmSignature], dict[str, Any], str]] = {
    "no signature": ([], {}, "npm.unsigned"),
    "no key": ([sign()], {"keys": ()}, "npm.no-keys"),
    "a key that is not known": ([sign(STRANGER)], {}, "npm.unknown-key"),
    "a stranger's signature under the id of the registry's key": (
        [replace(sign(STRANGER), keyid=CURRENT.keyid)],
        {},
        "npm.signature-invalid",
    ),
    "one bit turned": ([_flipped(sign())], {}, "npm.signature-invalid"),
    "a bad signature beside a good one": ([sign(), _flipped(sign())], {}, "npm.signature-invalid"),
    "a bad signature by an expired key beside a good one": (
        [sign(), _flipped(sign(OLD))],
        {"keys": (key(), key(OLD, expires=NOW - DAY))},
        "npm.signature-invalid",
    ),
    "the signature of another package": ([sign(name="@vextrus/other")], {}, "npm.signature-invalid"),
    "the signature of another package, by its own packument": (
        [sign(name=REPLAYED.name, version=REPLAYED.version, integrity=REPLAYED.integrity)],
        {"claims": [REPLAYED]},
        "npm.signature-replayed",
    ),
    "the signature of another version, which the packument lists": (
        [sign(version="1.2.2")],
        {"claims": [NpmClaim(name=NAME, version="1.2.2", integrity=DIGESTS.integrity)]},
        "npm.signature-replayed",
    ),
    "a signature over other bytes of this version": (
        [sign(integrity=OTHER_DIGESTS.integrity)],
        {"claims": [NpmClaim(name=NAME, version=VERSION, integrity=OTHER_DIGESTS.integrity)]},
        "npm.other-bytes",
    ),
    "a claim that explains nothing": ([_flipped(sign())], {"claims": [REPLAYED]}, "npm.signature-invalid"),
    "a claim that no text can hold": (
        [_flipped(sign())],
        {"claims": [NpmClaim(name="\ud800", version="", integrity="")]},
        "npm.signature-invalid",
    ),
    "no base64": ([replace(sign(), sig="?")], {}, "npm.signature-malformed"),
    "base64 in letters that are none": ([replace(sign(), sig="é")], {}, "npm.signature-malformed"),
    "base64 with a line end": ([replace(sign(), sig=sign().sig + "\n")], {}, "npm.signature-malformed"),
    "an empty signature": ([replace(sign(), sig="")], {}, "npm.signature-malformed"),
    "a signature of a megabyte": ([replace(sign(), sig="AAAA" * 250_000)], {}, "npm.signature-malformed"),
    "raw r and s in place of DER": (
        [replace(sign(), sig=base64.b64encode(b"\x01" * 64).decode())],
        {},
        "npm.signature-invalid",
    ),
    "r and s of zero": (
        [replace(sign(), sig=base64.b64encode(encode_dss_signature(0, 0)).decode())],
        {},
        "npm.signature-invalid",
    ),
    "bytes behind the DER": (
        [replace(sign(), sig=base64.b64encode(base64.b64decode(sign().sig) + b"\x00").decode())],
        {},
        "npm.signature-invalid",
    ),
    "an expired key": ([sign()], {"keys": (key(expires=NOW),)}, "key.expired"),
    "an expired key, dated back by nobody trusted": (
        [sign()],
        {"keys": (key(expires=NOW - DAY),), "times": [at(NOW - DAY)]},
        "key.expired",
    ),
    "an expired key, with one time behind its window": (
        [sign()],
        {"keys": (key(expires=NOW - DAY),), "times": [at(NOW - 2 * DAY), at(NOW)]},
        "key.expired",
    ),
    "a key that signs from tomorrow on": ([sign()], {"keys": (key(valid_from=NOW + DAY),)}, "key.not-yet-valid"),
    "a signature older than its key": (
        [sign()],
        {"keys": (key(valid_from=NOW - DAY),), "times": [at(NOW), at(NOW - 2 * DAY)]},
        "key.not-yet-valid",
    ),
    "a stolen key": ([sign()], {"keys": _revoked(RevocationReason.COMPROMISED, NOW - DAY)}, "key.revoked"),
    "a stolen key, noticed tomorrow": (
        [sign()],
        {"keys": _revoked(RevocationReason.COMPROMISED, NOW + DAY)},
        "key.revoked",
    ),
    "a stolen key, signed after the theft": (
        [sign()],
        {"keys": _revoked(RevocationReason.COMPROMISED, NOW - DAY), "times": [at(NOW)]},
        "key.revoked",
    ),
    "a replaced key": ([sign()], {"keys": _revoked(RevocationReason.SUPERSEDED, NOW - DAY)}, "key.revoked"),
    "a replaced key, signed after": (
        [sign()],
        {"keys": _revoked(RevocationReason.SUPERSEDED, NOW - DAY), "times": [at(NOW - DAY)]},
        "key.revoked",
    ),
    "a name with a colon": ([sign()], {"name": "a:b"}, "npm.request-malformed"),
    "a name with a version in it": ([sign()], {"name": "a@1.0.0:sha512-x"}, "npm.request-malformed"),
    "a version that is a tag": ([sign()], {"version": "latest"}, "npm.request-malformed"),
    "SHA-1": ([sign()], {"integrity": "sha1-" + "A" * 27 + "="}, "npm.request-malformed"),
    "two digests": (
        [sign()],
        {"integrity": f"{DIGESTS.integrity} {DIGESTS.integrity}"},
        "npm.request-malformed",
    ),
}


@pytest.mark.parametrize(("signatures", "change", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses(signatures: list[NpmSignature], change: dict[str, Any], code: str) -> None:
    with pytest.raises(VerificationError) as caught:
        verify(*signatures, **change)
    assert caught.value.code == code
    assert len(caught.value.message) < 600


def test_more_signatures_by_a_known_key_than_any_registry_makes_are_refused_unchecked() -> None:
    many = [sign() for _ in range(33)]
    assert len(set(many)) == 33  # ECDSA signatures of one message differ
    with pytest.raises(VerificationError) as caught:
        verify(*many)
    assert caught.value.code == "npm.too-many-signatures"


def test_the_other_spelling_of_a_signature_is_no_second_key() -> None:
    signature = sign()
    r, s = decode_dss_signature(base64.b64decode(signature.sig))
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    twin = replace(signature, sig=base64.b64encode(encode_dss_signature(r, order - s)).decode())
    assert verify(signature, twin).value.keys == (key(),)


def test_a_key_that_cannot_be_loaded_is_no_unverified_signature() -> None:
    broken = key(spki=CURRENT.spki[:-1] + bytes([CURRENT.spki[-1] ^ 1]))
    with pytest.raises(VerificationError) as caught:
        verify(sign(), keys=(broken,))
    assert caught.value.code == "key.malformed"


# -- keys of a trust root ----------------------------------------------------------------------------------------------


def test_the_registrys_keys_of_a_trust_root_are_those_with_that_role_that_npm_verifies() -> None:
    registry = trusted(signer("registry"), identifier="registry-2026", roles=(Role.REGISTRY,))
    root = trust_root(
        registry,
        trusted(signer("ci"), identifier="ci"),
        trusted(signer("edwards", "ed25519"), identifier="ed", roles=(Role.REGISTRY,)),
        replace(
            trusted(signer("gpg"), identifier="gpg", roles=(Role.REGISTRY,)),
            kind=KeyKind.OPENPGP,
            spki=b"openpgp:" + b"A" * 40,
        ),
        key_revocations=(
            KeyRevocation(key="registry-2026", reason=RevocationReason.SUPERSEDED, since=NOW + DAY),
            KeyRevocation(key="ci", reason=RevocationReason.COMPROMISED, since=NOW),
        ),
    )
    (found,) = registry_keys(root, None)
    assert found == NpmKey(
        keyid=npm_key_id(registry.spki),
        spki=registry.spki,
        expires=registry.valid_until,
        valid_from=registry.valid_from,
        label="registry-2026",
        revocations=(root.key_revocations[0],),
    )
    assert found.name == "registry-2026"
    sig = signer("registry").sign(signed_message(NAME, VERSION, DIGESTS.integrity))
    signature = NpmSignature(keyid=found.keyid, sig=base64.b64encode(sig).decode())
    assert verify(signature, keys=(found,)).value.keys == (found,)
    machine = signer("ci").sign(signed_message(NAME, VERSION, DIGESTS.integrity))
    with pytest.raises(VerificationError) as caught:
        verify(NpmSignature(keyid=npm_key_id(signer("ci").spki), sig=base64.b64encode(machine).decode()), keys=(found,))
    assert caught.value.code == "npm.unknown-key"


def _of_two_registries(*, internal: tuple[str, ...] = (), staging: tuple[str, ...] = ()) -> TrustRoot:
    keys = [trusted(signer(name), identifier=name, roles=(Role.REGISTRY,)) for name in ("prod", "stage", "free")]
    root = trust_root(*keys)
    first = replace(root.registries[0], label="internal", keys=internal)
    second = replace(first, label="staging", url="https://staging.example.test/", keys=staging)
    return replace(root, registries=(first, second))


OWN = {
    "each of two that name theirs": ({"internal": ("prod",), "staging": ("stage",)}, ["prod"], ["stage"], ["free"]),
    "one names its keys, the other has what is left": (
        {"staging": ("stage",)},
        ["prod", "free"],
        ["stage"],
        ["prod", "free"],
    ),
    "nobody names any": ({}, ["prod", "stage", "free"], ["prod", "stage", "free"], ["prod", "stage", "free"]),
    "both name one": ({"internal": ("prod",), "staging": ("prod",)}, ["prod"], ["prod"], ["stage", "free"]),
}


@pytest.mark.parametrize(("named", "internal", "staging", "unknown"), OWN.values(), ids=OWN.keys())
def test_a_registry_is_signed_for_by_its_own_keys(
    named: dict[str, tuple[str, ...]], internal: list[str], staging: list[str], unknown: list[str]
) -> None:
    root = _of_two_registries(**named)
    found = [[key.label for key in registry_keys(root, one)] for one in (*root.registries, None)]
    assert found == [internal, staging, unknown]
    assert [key.label for key in every_registry_key(root)] == ["prod", "stage", "free"]


def test_a_key_of_another_registry_is_not_known() -> None:
    root = _of_two_registries(internal=("prod",), staging=("stage",))
    sig = signer("stage").sign(signed_message(NAME, VERSION, DIGESTS.integrity))
    signature = NpmSignature(keyid=npm_key_id(signer("stage").spki), sig=base64.b64encode(sig).decode())
    assert verify(signature, keys=registry_keys(root, root.registries[1])).value.keys[0].label == "stage"
    with pytest.raises(VerificationError) as caught:
        verify(signature, keys=registry_keys(root, root.registries[0]))
    assert caught.value.code == "npm.unknown-key"


def test_a_key_given_by_somebody_else_stays_in_the_bounds_of_the_trust_root() -> None:
    listed = trusted(signer("ci"), identifier="ci")
    taken = KeyRevocation(key="ci", reason=RevocationReason.COMPROMISED, since=NOW)
    root = trust_root(listed, key_revocations=(taken,))
    given = NpmKey(keyid="k", spki=signer("ci").spki, expires=None)
    stranger = NpmKey(keyid="s", spki=signer("stranger").spki, expires=NOW)
    found, other = bounded_by_trust([given, stranger], root)
    assert (found.keyid, found.name, found.revocations) == ("k", "ci", (taken,))
    assert (found.valid_from, found.expires) == (listed.valid_from, listed.valid_until)
    assert other == stranger
    narrow = replace(given, expires=listed.valid_until - DAY, valid_from=listed.valid_from + DAY)
    (found,) = bounded_by_trust([narrow], root)
    assert (found.valid_from, found.expires) == (narrow.valid_from, narrow.expires)
