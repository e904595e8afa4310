"""Raw DSSE envelopes: which keys signed, counted once each, in bounded work."""

from __future__ import annotations

import base64
import hashlib
import itertools
from typing import TYPE_CHECKING

import pytest

from support.signing_kit import DIGESTS, NOW, PACKAGE, REGISTRY, signer
from vxsec.errors import UsageError, VerificationError
from vxsec.formats.public_key import key_hint
from vxsec.formats.release_statement import build_release_statement
from vxsec.limits import Limits
from vxsec.model.attestation import INTOTO_PAYLOAD_TYPE, Envelope, EnvelopeSignature, pae
from vxsec.model.quorum import Signer, count_quorum
from vxsec.verification.bundle import verify_statement_subject
from vxsec.verification.detached import DetachedCheck
from vxsec.verification.envelope import key_names, split_envelope, verify_envelope
from vxsec.verification.keys import verify_signature

if TYPE_CHECKING:
    from vxsec.signing.key import KeySigner

PAYLOAD = build_release_statement(package=PACKAGE, digests=DIGESTS, registry=REGISTRY, created_at=NOW, expires=None)
SIGNED = pae(INTOTO_PAYLOAD_TYPE, PAYLOAD)
A, B, C = signer("a"), signer("b"), signer("c")
ED, RSA, P384 = signer("ed", "ed25519"), signer("rsa", "rsa-3072"), signer("p384", "ecdsa-p384")


def by(key: KeySigner, keyid: str = "", data: bytes = SIGNED) -> EnvelopeSignature:
    return EnvelopeSignature(keyid=keyid, sig=key.sign(data))


def envelope(*signatures: EnvelopeSignature, payload: bytes = PAYLOAD, kind: str = INTOTO_PAYLOAD_TYPE) -> Envelope:
    return Envelope(payload_type=kind, payload=payload, signatures=signatures)


def spkis(found: Envelope, *keys: KeySigner, limits: Limits | None = None) -> list[bytes]:
    verified = verify_envelope(found, keys=[key.spki for key in keys], limits=limits or Limits())
    return [one.spki for one in verified]


def test_each_key_that_signed_is_told_once_and_all_hold_the_same_statement() -> None:
    verified = verify_envelope(envelope(by(A), by(B), by(C)), keys=[B.spki, A.spki])
    assert [one.spki for one in verified] == [B.spki, A.spki]
    assert verified[0].statement is verified[1].statement
    assert verify_statement_subject(verified[0], digests=DIGESTS, package=PACKAGE).name == PACKAGE.purl


def test_the_checks_say_what_was_looked_at() -> None:
    (one,) = verify_envelope(envelope(by(A)), keys=[A.spki])
    assert [(check.id, check.status.value, check.code) for check in one.signature.checks] == [
        ("envelope.payload-type", "passed", None),
        ("envelope.signature", "passed", None),
        ("envelope.search", "passed", None),
    ]
    assert one.signature.checks[1].evidence == hashlib.sha256(PAYLOAD).hexdigest()


@pytest.mark.parametrize("key", [A, ED, RSA, P384], ids=["P-256", "Ed25519", "RSA", "P-384"])
def test_every_kind_of_key_is_found_among_the_others(key: KeySigner) -> None:
    assert spkis(envelope(by(B), by(ED), by(RSA), by(P384), by(A)), key) == [key.spki]


@pytest.mark.parametrize("name", [*key_names(A.spki), "release-key-1", ""], ids=["cosign", "hex", "npm", "own", "none"])
def test_a_key_id_of_any_form_leads_to_its_key(name: str) -> None:
    assert spkis(envelope(by(A, name)), A, B) == [A.spki]


def test_one_key_that_signed_twice_is_one_key() -> None:
    assert spkis(envelope(by(A), by(A), by(A, key_hint(A.spki))), A, A) == [A.spki]


def test_thresholds_count_persons_and_not_their_keys() -> None:
    holders = {A.spki: "alice", B.spki: "alice", C.spki: "bob"}
    verified = verify_envelope(envelope(by(A), by(B), by(C)), keys=list(holders))
    assert count_quorum(Signer(holder=holders[one.spki], spki=one.spki) for one in verified).count == 2


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))), ids=str)
def test_the_order_of_signatures_changes_nothing(order: tuple[int, ...]) -> None:
    signatures = [by(A, key_hint(A.spki)), by(B), by(C, "junk"), EnvelopeSignature(keyid="", sig=b"junk")]
    assert spkis(envelope(*[signatures[place] for place in order]), A, B) == [A.spki, B.spki]


OTHER = b"other bytes"
REFUSED = {
    "a payload type of nobody": (envelope(by(A), kind="text/plain"), "envelope.payload-type"),
    "a payload type in capitals": (envelope(by(A), kind=INTOTO_PAYLOAD_TYPE.upper()), "envelope.payload-type"),
    "a signature by a stranger": (envelope(by(C)), "signature.untrusted-key"),
    "a stranger under our key id": (envelope(by(C, key_hint(A.spki))), "signature.invalid"),
    "our signature under another's key id": (envelope(by(A, key_hint(B.spki))), "signature.invalid"),
    "our signature over other bytes, named": (envelope(by(A, key_hint(A.spki), OTHER)), "signature.invalid"),
    "our signature over other bytes, nameless": (envelope(by(A, data=OTHER)), "signature.untrusted-key"),
    "a signature over the payload without its type": (envelope(by(A, data=PAYLOAD)), "signature.untrusted-key"),
    "an empty signature": (envelope(EnvelopeSignature(keyid="", sig=b"")), "signature.untrusted-key"),
    "bytes after a signature": (
        envelope(EnvelopeSignature(keyid=key_hint(A.spki), sig=A.sign(SIGNED) + b"\0")),
        "signature.invalid",
    ),
    "a signed payload that is no statement": (
        envelope(by(A, data=pae(INTOTO_PAYLOAD_TYPE, b"{}")), payload=b"{}"),
        "statement.malformed",
    ),
    "an empty payload, signed": (
        envelope(by(A, data=pae(INTOTO_PAYLOAD_TYPE, b"")), payload=b""),
        "statement.malformed",
    ),
}


@pytest.mark.parametrize(("found", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses(found: Envelope, code: str) -> None:
    with pytest.raises(VerificationError) as caught:
        spkis(found, A, B)
    assert caught.value.code == code


def test_no_keys_are_never_all_keys() -> None:
    with pytest.raises(UsageError) as caught:
        verify_envelope(envelope(by(A)), keys=[])
    assert caught.value.code == "verify.no-keys"
    with pytest.raises(UsageError):
        split_envelope(envelope(by(A)), keys=[])


@pytest.mark.parametrize(
    ("spki", "code"),
    [
        pytest.param(A.spki[:27] + b"\x01" * 64, "key.malformed", id="a point that is on no curve"),
        pytest.param(b"not a key", "key.malformed", id="bytes that are no key"),
    ],
)
def test_a_key_that_is_none_is_an_error_and_not_a_miss(spki: bytes, code: str) -> None:
    with pytest.raises(VerificationError) as caught:
        verify_envelope(envelope(by(A)), keys=[A.spki, spki])
    assert caught.value.code == code


# -- junk ---------------------------------------------------------------------------------------------------------------

FEW = Limits(envelope_checks=4, envelope_detached_checks=2)
STRANGERS = tuple(by(C, data=SIGNED + bytes([n])) for n in range(8))  # well-formed, and by nobody given


def _under(name: str, signatures: tuple[EnvelopeSignature, ...] = STRANGERS) -> tuple[EnvelopeSignature, ...]:
    return tuple(EnvelopeSignature(keyid=name, sig=one.sig) for one in signatures)


def test_a_named_signature_is_found_behind_any_number_of_nameless_ones() -> None:
    (one,) = verify_envelope(envelope(*STRANGERS, by(A, key_hint(A.spki))), keys=[A.spki], limits=FEW)
    assert (one.spki, one.signature.checks[2].code) == (A.spki, None)


def test_what_cannot_be_a_signature_costs_no_check() -> None:
    junk = [EnvelopeSignature(keyid="", sig=bytes([n % 256]) * 71) for n in range(1000)]
    junk += [EnvelopeSignature(keyid="", sig=b"\x30\x81" + bytes(70)), EnvelopeSignature(keyid="", sig=b"\x30")]
    assert spkis(envelope(*junk, by(A)), A, limits=FEW) == [A.spki]


def test_a_signature_written_many_times_costs_one_check() -> None:
    assert spkis(envelope(*STRANGERS[:1] * 50, by(A)), A, limits=FEW) == [A.spki]


def test_junk_that_names_one_key_does_not_starve_another() -> None:
    found = envelope(*_under(key_hint(A.spki)), by(B, key_hint(B.spki)), by(ED))
    verified = verify_envelope(found, keys=[A.spki, B.spki, ED.spki], limits=FEW)
    assert [one.spki for one in verified] == [B.spki, ED.spki]
    assert {one.signature.checks[2].code for one in verified} == {"envelope.too-many"}


TOO_MANY = {
    "well-formed junk before a nameless signature": (envelope(*STRANGERS, by(A)), [A]),
    "well-formed junk under our own name": (envelope(*_under(key_hint(A.spki)), by(A, key_hint(A.spki))), [A]),
    "more keys than checks": (envelope(*STRANGERS), [A, B, *(signer(f"k{n}") for n in range(4))]),
}


@pytest.mark.parametrize(("found", "keys"), TOO_MANY.values(), ids=TOO_MANY.keys())
def test_a_search_that_the_bound_ended_says_so(found: Envelope, keys: list[KeySigner]) -> None:
    with pytest.raises(VerificationError) as caught:
        spkis(found, *keys, limits=FEW)
    assert caught.value.code == "envelope.too-many"


@pytest.mark.parametrize("key", [A, ED, RSA, P384, signer("rsa4", "rsa-4096")], ids=lambda key: key.algorithm)
def test_every_real_signature_passes_the_look_at_its_first_bytes(key: KeySigner) -> None:
    for number in range(25):
        payload = PAYLOAD + b" " * number
        found = envelope(by(key, data=pae(INTOTO_PAYLOAD_TYPE, payload)), payload=payload)
        assert spkis(found, key) == [key.spki]


def test_a_p521_signature_with_its_long_length_is_found() -> None:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = ec.generate_private_key(ec.SECP521R1())
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    sig = key.sign(SIGNED, ec.ECDSA(SHA256()))
    assert sig[1] == 0x81
    (one,) = verify_envelope(envelope(EnvelopeSignature(keyid="", sig=sig)), keys=[spki])
    assert one.spki == spki


# -- keys that are checked elsewhere ------------------------------------------------------------------------------------


def _check(signature: bytes, signed: bytes) -> None:
    """Stands for OpenPGP or SSH: a real digest comparison, so that a wrong message or signature is refused."""
    if signature != hashlib.sha256(signed).digest():
        raise VerificationError("not good", code="openpgp.bad")


PGP = {b"openpgp:AB": DetachedCheck("openpgp:AB", _check)}
GOOD = EnvelopeSignature(keyid="openpgp:AB", sig=hashlib.sha256(SIGNED).digest())
BAD = EnvelopeSignature(keyid="openpgp:AB", sig=b"bad")


def test_a_detached_key_counts_beside_a_plain_one() -> None:
    verified = verify_envelope(envelope(BAD, GOOD, by(A), GOOD), keys=[A.spki], detached=PGP)
    assert [one.spki for one in verified] == [A.spki, b"openpgp:AB"]


def test_an_ssh_key_that_is_also_given_as_pem_counts_once() -> None:
    def never(signature: bytes, signed: bytes) -> None:
        raise AssertionError((signature, signed))

    also = EnvelopeSignature(keyid="ssh:SHA256:x", sig=GOOD.sig)
    verified = verify_envelope(
        envelope(by(A), also), keys=[A.spki], detached={A.spki: DetachedCheck("ssh:SHA256:x", never)}
    )
    assert [one.spki for one in verified] == [A.spki]


def test_a_second_signature_of_a_detached_key_that_verified_is_not_looked_at() -> None:
    calls: list[bytes] = []

    def counted(signature: bytes, signed: bytes) -> None:
        calls.append(signature)
        _check(signature, signed)

    verify_envelope(envelope(GOOD, BAD), keys=[], detached={b"x": DetachedCheck("openpgp:AB", counted)})
    assert calls == [GOOD.sig]


DETACHED_REFUSED = {
    "a bad signature": (envelope(BAD), "openpgp.bad"),
    "a good signature without its name": (
        envelope(EnvelopeSignature(keyid="", sig=GOOD.sig)),
        "signature.untrusted-key",
    ),
    "a name in small letters": (
        envelope(EnvelopeSignature(keyid="openpgp:ab", sig=GOOD.sig)),
        "signature.untrusted-key",
    ),
    "a good signature behind too much junk": (
        envelope(*(EnvelopeSignature(keyid="openpgp:AB", sig=bytes([n])) for n in range(3)), GOOD),
        "openpgp.bad",
    ),
}


@pytest.mark.parametrize(("found", "code"), DETACHED_REFUSED.values(), ids=DETACHED_REFUSED.keys())
def test_refuses_detached(found: Envelope, code: str) -> None:
    with pytest.raises(VerificationError) as caught:
        verify_envelope(found, keys=[], detached=PGP, limits=FEW)
    assert caught.value.code == code


# -- as bundles ---------------------------------------------------------------------------------------------------------


def test_an_envelope_is_split_into_a_bundle_for_each_key_that_verifies() -> None:
    split = split_envelope(envelope(*STRANGERS, by(A), by(B, "x"), GOOD), keys=[A.spki, B.spki], names=["openpgp:AB"])
    assert split.complete
    assert [bundle.key_hint for bundle in split.bundles] == [key_hint(A.spki), key_hint(B.spki), "openpgp:AB"]
    for bundle, key in zip(split.bundles, (A, B), strict=False):
        assert isinstance(bundle.content, Envelope)
        assert bundle.content.payload == PAYLOAD
        verify_signature(key.spki, bundle.content.signatures[0].sig, SIGNED)


def test_what_is_checked_elsewhere_is_handed_on_unverified_and_bounded() -> None:
    junk = [EnvelopeSignature(keyid="openpgp:AB", sig=bytes([n])) for n in range(5)]
    empty = EnvelopeSignature(keyid="openpgp:AB", sig=b"")
    split = split_envelope(envelope(empty, *junk), keys=[], names=["openpgp:AB"], limits=FEW)
    assert (len(split.bundles), split.complete) == (2, False)


SPLIT_REFUSED = {
    "strangers": (envelope(*STRANGERS), "signature.untrusted-key"),
    "another payload type": (envelope(by(A), kind="x"), "envelope.payload-type"),
    "an empty payload, signed": (envelope(by(A, data=pae(INTOTO_PAYLOAD_TYPE, b"")), payload=b""), "bundle.base64"),
}


@pytest.mark.parametrize(("found", "code"), SPLIT_REFUSED.values(), ids=SPLIT_REFUSED.keys())
def test_refuses_to_split(found: Envelope, code: str) -> None:
    with pytest.raises(VerificationError) as caught:
        split_envelope(found, keys=[A.spki])
    assert caught.value.code == code


NPM_KEY = base64.b64decode(
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE1Olb3zMAFFxXKHiIkQO5cJ3Yhl5i6UPp+IhuteBJbuHcA5UogKo0EWtlWwW6KSaKoTNEYL7JlCQiVnkhBktUgg=="
)  # the public registry's own key, whose id is known


def test_key_names_are_those_of_other_tools() -> None:
    digest = hashlib.sha256(NPM_KEY).digest()
    cosign, own_hex = base64.b64encode(digest).decode(), digest.hex()
    assert key_names(NPM_KEY) == (cosign, own_hex, "SHA256:jl3bwswu80PjjokCgh0o2w5c2U4LhQAE57gj9cz1kzA")
    assert len(key_names(ED.spki)) == 2
