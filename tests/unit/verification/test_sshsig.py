"""SSH signatures: made by the one key, for the one namespace, over the one message, by a person where hardware signs."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from support.ssh_kit import (
    CURVES,
    KINDS,
    ORDINARY,
    SK_ECDSA,
    SK_ED25519,
    Key,
    armored,
    blob_of,
    make,
    mpint,
    sign_wire,
    signed_by,
    sshsig,
    string,
)
from vxsec.errors import VerificationError
from vxsec.model.ssh import SshSignatureFacts
from vxsec.verification.keys import verify_hashed_signature
from vxsec.verification.sshsig import verify_sshsig, verify_sshsig_digests

MESSAGE = b"DSSEv1 28 application/vnd.in-toto+json 2 {}"
HARDWARE = (SK_ED25519, SK_ECDSA)
ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493


def _refused(signature: bytes, key: Key, message: bytes = MESSAGE, **options: object) -> str:
    with pytest.raises(VerificationError) as caught:
        verify_sshsig(signature, message, key=key.public, where="FILE.sshsig", **options)  # type: ignore[arg-type]  # one row, one option
    assert caught.value.where == "FILE.sshsig"
    return caught.value.code


@pytest.mark.parametrize("hash_name", ["sha256", "sha512"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_good_signature_of_every_kind_verifies(kind: str, hash_name: str) -> None:
    key = make(kind)
    blob = signed_by(key, MESSAGE, hash_name=hash_name, counter=41)
    facts = verify_sshsig(blob, MESSAGE, key=key.public)
    hardware = kind in HARDWARE
    assert facts == SshSignatureFacts(
        algorithm="rsa-sha2-512" if kind == "ssh-rsa" else kind,
        hash_name=hash_name,
        namespace="vxsec",
        user_present=True if hardware else None,
        user_verified=False if hardware else None,
        counter=41 if hardware else None,
    )
    assert verify_sshsig(armored(blob), MESSAGE, key=key.public) == facts


def test_rsa_with_sha_256_verifies_too() -> None:
    key = make("ssh-rsa")
    blob = signed_by(key, MESSAGE, algorithm="rsa-sha2-256")
    assert verify_sshsig(blob, MESSAGE, key=key.public).algorithm == "rsa-sha2-256"


@pytest.mark.parametrize("hash_name", ["sha256", "sha512"])
def test_a_files_digests_are_enough(hash_name: str) -> None:
    key = make("ssh-ed25519")
    blob = signed_by(key, MESSAGE, hash_name=hash_name)
    digests = {"sha256": hashlib.sha256(MESSAGE).digest(), "sha512": hashlib.sha512(MESSAGE).digest()}
    assert verify_sshsig_digests(blob, **digests, key=key.public) == verify_sshsig(blob, MESSAGE, key=key.public)  # type: ignore[arg-type]  # its values are bytes
    with pytest.raises(VerificationError) as caught:
        verify_sshsig_digests(blob, sha256=bytes(32), sha512=bytes(64), key=key.public)
    assert caught.value.code == "sshsig.invalid"
    with pytest.raises(ValueError, match="32 and 64"):
        verify_sshsig_digests(blob, sha256=b"", sha512=b"", key=key.public)


@pytest.mark.parametrize("kind", KINDS)
def test_other_bytes_are_refused(kind: str) -> None:
    key = make(kind)
    blob = signed_by(key, MESSAGE)
    for other in (b"", MESSAGE + b"\n", MESSAGE[:-1]):
        assert _refused(blob, key, other) == "sshsig.invalid"


@pytest.mark.parametrize("kind", KINDS)
def test_another_key_is_refused_before_anything_is_computed(kind: str) -> None:
    assert _refused(signed_by(make(kind, "other"), MESSAGE), make(kind)) == "sshsig.other-key"


@pytest.mark.parametrize("kind", KINDS)
def test_another_keys_signature_under_this_keys_name_is_refused(kind: str) -> None:
    forged = sshsig(public=blob_of(make(kind)), signature=sign_wire(make(kind, "other"), b"anything"))
    assert _refused(forged, make(kind)) == "sshsig.invalid"


@pytest.mark.parametrize("namespace", [b"file", b"git", b"vxsec2", b"VXSEC", b"vxse"])
def test_a_signature_for_another_purpose_is_refused(namespace: bytes) -> None:
    key = make("ssh-ed25519")
    assert _refused(signed_by(key, MESSAGE, namespace=namespace), key) == "sshsig.namespace"


def test_a_signature_for_another_purpose_renamed_is_refused() -> None:
    key = make("ssh-ed25519")
    data = b"SSHSIG" + b"".join(map(string, (b"git", b"", b"sha512", hashlib.sha512(MESSAGE).digest())))
    assert _refused(sshsig(public=blob_of(key), signature=sign_wire(key, data)), key) == "sshsig.invalid"


def test_the_namespace_asked_for_is_a_parameter() -> None:
    key = make("ssh-ed25519")
    assert (
        verify_sshsig(signed_by(key, b"m", namespace=b"git"), b"m", key=key.public, namespace="git").namespace == "git"
    )


@pytest.mark.parametrize("kind", ORDINARY)
def test_the_algorithm_of_another_kind_of_key_is_refused(kind: str) -> None:
    other = make("ssh-ed25519" if kind != "ssh-ed25519" else "ecdsa-sha2-nistp256")
    mixed = sshsig(public=blob_of(make(kind)), signature=sign_wire(other, b"anything"))
    assert _refused(mixed, make(kind)) == "sshsig.algorithm"


@pytest.mark.parametrize(("kind", "plain"), [(SK_ED25519, "ssh-ed25519"), (SK_ECDSA, "ecdsa-sha2-nistp256")])
def test_hardware_cannot_be_passed_off_as_an_ordinary_key(kind: str, plain: str) -> None:
    """The same private key in software would sign without anybody there."""
    soft = Key(plain, make(kind).private)
    data = b"SSHSIG" + b"".join(map(string, (b"vxsec", b"", b"sha512", hashlib.sha512(MESSAGE).digest())))
    assert (
        _refused(sshsig(public=blob_of(make(kind)), signature=sign_wire(soft, data)), make(kind)) == "sshsig.algorithm"
    )
    assert _refused(signed_by(soft, MESSAGE), make(kind)) == "sshsig.other-key"


@pytest.mark.parametrize("kind", HARDWARE)
@pytest.mark.parametrize("flags", [0x00, 0x04, 0x80, 0xFE])
def test_hardware_that_nobody_touched_is_refused(kind: str, flags: int) -> None:
    assert _refused(signed_by(make(kind), MESSAGE, flags=flags), make(kind)) == "sshsig.user-presence"


@pytest.mark.parametrize("kind", HARDWARE)
def test_a_pin_or_finger_can_be_required(kind: str) -> None:
    key = make(kind)
    assert _refused(signed_by(key, MESSAGE, flags=0x01), key, require_verified=True) == "sshsig.user-verification"
    facts = verify_sshsig(signed_by(key, MESSAGE, flags=0x05), MESSAGE, key=key.public, require_verified=True)
    assert facts.user_verified
    assert facts.user_present


def test_an_ordinary_key_cannot_show_that_anyone_was_there() -> None:
    key = make("ssh-ed25519")
    assert _refused(signed_by(key, MESSAGE), key, require_verified=True) == "sshsig.user-verification"


@pytest.mark.parametrize("kind", HARDWARE)
def test_flags_and_counter_are_signed(kind: str) -> None:
    key = make(kind)
    good = signed_by(key, MESSAGE, flags=0x01, counter=7)
    touched = bytearray(signed_by(key, MESSAGE, flags=0x00, counter=7))
    touched[-5] = 0x01
    counted = bytearray(good)
    counted[-1] ^= 1
    verified = bytearray(good)
    verified[-5] |= 0x04
    for forged in (touched, counted, verified):
        assert _refused(bytes(forged), key) == "sshsig.invalid"


@pytest.mark.parametrize("kind", HARDWARE)
def test_a_signature_for_another_application_is_refused(kind: str) -> None:
    elsewhere = Key(kind, make(kind).private, application="https://issuer.example.test")
    assert _refused(signed_by(elsewhere, MESSAGE), make(kind)) == "sshsig.other-key"
    data = b"SSHSIG" + b"".join(map(string, (b"vxsec", b"", b"sha512", hashlib.sha512(MESSAGE).digest())))
    assert (
        _refused(sshsig(public=blob_of(make(kind)), signature=sign_wire(elsewhere, data)), make(kind))
        == "sshsig.invalid"
    )


@pytest.mark.parametrize("kind", CURVES)
def test_numbers_out_of_the_curves_order_are_refused(kind: str) -> None:
    key, order = make(kind), CURVES[kind][0].group_order
    assert isinstance(key.private, ec.EllipticCurvePrivateKey)
    data = b"SSHSIG" + b"".join(map(string, (b"vxsec", b"", b"sha512", hashlib.sha512(MESSAGE).digest())))
    r, s = decode_dss_signature(key.private.sign(data, ec.ECDSA(CURVES[kind][1])))

    def blob(first: int, second: int) -> bytes:
        return sshsig(public=blob_of(key), signature=string(kind.encode()) + string(mpint(first) + mpint(second)))

    verify_sshsig(blob(r, s), MESSAGE, key=key.public)
    verify_sshsig(blob(r, order - s), MESSAGE, key=key.public)  # ECDSA has two; keys are counted, never signatures
    for first, second in ((order, s), (r, order), (r, order + 1), (s, r), (1, 1), (order - 1, order - 1)):
        assert _refused(blob(first, second), key) == "sshsig.invalid"
    for first, second in ((r + order, s), (r, s + order)):
        assert _refused(blob(first, second), key) in {"sshsig.invalid", "sshsig.malformed"}  # beyond the order's length


@pytest.mark.parametrize("kind", CURVES)
def test_another_hash_than_the_curves_own_is_refused(kind: str) -> None:
    key = make(kind)
    assert isinstance(key.private, ec.EllipticCurvePrivateKey)
    data = b"SSHSIG" + b"".join(map(string, (b"vxsec", b"", b"sha512", hashlib.sha512(MESSAGE).digest())))
    for other in {name: hashed for name, (_, hashed) in CURVES.items() if name != kind}.values():
        r, s = decode_dss_signature(key.private.sign(data, ec.ECDSA(other)))
        forged = sshsig(public=blob_of(key), signature=string(kind.encode()) + string(mpint(r) + mpint(s)))
        assert _refused(forged, key) == "sshsig.invalid"


def test_ed25519_with_s_beyond_the_order_is_refused() -> None:
    key = make("ssh-ed25519")
    good = signed_by(key, MESSAGE)
    s = int.from_bytes(good[-32:], "little") + ED25519_ORDER
    assert _refused(good[:-32] + s.to_bytes(32, "little"), key) == "sshsig.invalid"


def test_an_ed25519_signature_of_zeros_is_refused() -> None:
    key = make("ssh-ed25519")
    assert isinstance(key.private, ed25519.Ed25519PrivateKey)
    assert _refused(signed_by(key, MESSAGE)[:-64] + bytes(64), key) == "sshsig.invalid"


def test_rsa_that_states_the_other_hash_is_refused() -> None:
    key = make("ssh-rsa")
    good = signed_by(key, MESSAGE, algorithm="rsa-sha2-256")
    assert _refused(good.replace(b"rsa-sha2-256", b"rsa-sha2-512"), key) == "sshsig.invalid"


def test_rsa_with_sha_1_is_refused() -> None:
    key = make("ssh-rsa")
    assert _refused(signed_by(key, MESSAGE, algorithm="ssh-rsa"), key) == "sshsig.sha1"


@pytest.mark.parametrize("raw", [bytes(256), b"\xff" * 256, b"\0" * 256 + b"\1", b"\1" * 384], ids=range(4))
def test_rsa_of_another_length_or_value_is_refused(raw: bytes) -> None:
    key = make("ssh-rsa")
    forged = sshsig(public=blob_of(key), signature=string(b"rsa-sha2-512") + string(raw))
    assert _refused(forged, key) == "sshsig.invalid"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param(lambda b: b[:-1], "sshsig.malformed", id="truncated"),
        pytest.param(lambda b: b + b"\0", "sshsig.malformed", id="a byte behind"),
        pytest.param(lambda _: b"", "sshsig.malformed", id="nothing"),
        pytest.param(lambda b: armored(b) + b"x", "sshsig.malformed", id="junk behind the armor"),
        pytest.param(lambda b: b.replace(b"sha512", b"sha384"), "sshsig.hash", id="another hash"),
        pytest.param(lambda b: b.replace(b"sha512", b"sha256"), "sshsig.invalid", id="the other hash"),
        pytest.param(lambda b: b[:9] + b"\2" + b[10:], "sshsig.version", id="another version"),
    ],
)
def test_malformed_input_is_not_verified_and_keeps_its_reason(change: object, code: str) -> None:
    key = make("ssh-ed25519")
    assert callable(change)
    assert _refused(change(signed_by(key, MESSAGE)), key) == code


@pytest.mark.parametrize("kind", KINDS)
def test_no_single_bit_can_be_turned(kind: str) -> None:
    key = make(kind)
    good = signed_by(key, MESSAGE)
    step = 1 if kind in {"ssh-ed25519", SK_ED25519} else 7
    for at in range(0, 8 * len(good), step):
        turned = bytearray(good)
        turned[at // 8] ^= 1 << at % 8
        with pytest.raises(VerificationError):
            verify_sshsig(bytes(turned), MESSAGE, key=key.public)


def test_a_key_that_is_none_keeps_its_own_reason() -> None:
    key = make("ssh-ed25519")
    broken = replace(key.public, verifying_spki=b"nonsense")
    with pytest.raises(VerificationError) as caught:
        verify_sshsig(signed_by(key, MESSAGE), MESSAGE, key=broken)
    assert caught.value.code == "key.malformed"


def test_a_stated_hash_is_no_word_for_ed25519() -> None:
    key = make("ssh-ed25519")
    with pytest.raises(VerificationError) as caught:
        verify_hashed_signature(key.public.verifying_spki, bytes(64), b"", hash_name="sha512")
    assert caught.value.code == "signature.invalid"
