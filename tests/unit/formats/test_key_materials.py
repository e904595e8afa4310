"""One secret key is one key in every form that it can be listed in, and two keys stay two."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import timedelta
from functools import cache
from itertools import combinations
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from support import ssh_kit
from support.openpgp_kit import MADE, Key, key, mpi, packet, stamp, subpacket
from support.policy_cases import make_signer, make_trust
from vxsec.errors import ConfigurationError
from vxsec.formats.key_materials import materials_of, signer_of
from vxsec.formats.openpgp_key import read_key_packet
from vxsec.formats.public_key import parse_public_key, render_public_key
from vxsec.formats.trust_document import parse_trust_document

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ED = key(7)
RAW = ED.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
P256, P521 = (ec.derive_private_key(2**200 + 7, curve) for curve in (ec.SECP256R1(), ec.SECP521R1()))
OIDS = {"secp256r1": "2a8648ce3d030107", "secp521r1": "2b81040023"}
_P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF


def spki(private: Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@cache
def modulus(exponent: int) -> rsa.RSAPublicKey:
    made = rsa.generate_private_key(65537, 2048) if exponent == 65537 else None
    numbers = made.public_key().public_numbers() if made else modulus(65537).public_numbers()
    return rsa.RSAPublicNumbers(exponent, numbers.n).public_key()


def rsa_spki(exponent: int) -> bytes:
    return modulus(exponent).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def number(value: int) -> bytes:
    return mpi(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def openpgp(algorithm: int, material: bytes) -> tuple[bytes, bytes]:
    """What a bare OpenPGP key is counted by, and the key."""
    body = b"\x04" + stamp(MADE) + bytes([algorithm]) + material
    fingerprint = read_key_packet(body, where="made here").fingerprint
    return b"openpgp:" + fingerprint.encode(), packet(6, body)


def of_key(one: Key, *rest: bytes) -> tuple[bytes, bytes]:
    return b"openpgp:" + one.fingerprint.encode(), one.certificate(*rest)


def on_curve(private: ec.EllipticCurvePrivateKey, encoding: PublicFormat) -> tuple[bytes, bytes]:
    oid = bytes.fromhex(OIDS[private.curve.name])
    point = private.public_key().public_bytes(Encoding.X962, encoding)
    return openpgp(19, bytes([len(oid)]) + oid + mpi(point))


def legacy(point: bytes) -> tuple[bytes, bytes]:
    return openpgp(22, b"\x09" + bytes.fromhex("2b06010401da470f01") + mpi(point))


def sk(application: bytes) -> tuple[bytes, bytes]:
    parts = (b"sk-ssh-ed25519@openssh.com", RAW, application)
    return b"ssh:" + b"".join(map(ssh_kit.string, parts)), b""


def _x_of_ed25519() -> bytes:
    """The other coordinate, for the form that states both (RFC 8032 section 5.1.3)."""
    prime = 2**255 - 19
    y = int.from_bytes(RAW, "little") & (2**255 - 1)
    square = (y * y - 1) * pow(-121665 * pow(121666, -1, prime) * y * y + 1, -1, prime)
    root = pow(square, (prime + 3) // 8, prime)
    x = root if (root * root - square) % prime == 0 else root * pow(2, (prime - 1) // 4, prime) % prime
    return (x if x % 2 == RAW[31] >> 7 else prime - x).to_bytes(32, "big")


BOTH = b"\x04" + _x_of_ed25519() + (int.from_bytes(RAW, "little") & (2**255 - 1)).to_bytes(32, "big")
NEGATIVE = RAW[:-1] + bytes([RAW[-1] ^ 0x80])
OTHER_SIGN = ec.EllipticCurvePublicNumbers(
    P256.public_key().public_numbers().x, _P - P256.public_key().public_numbers().y, ec.SECP256R1()
).public_key()

FORMS = {
    "Ed25519": {
        "PEM": (spki(ED.private), b""),
        "OpenPGP of version 4": of_key(ED),
        "OpenPGP, made a second later": of_key(replace(ED, created=MADE + timedelta(seconds=1))),
        "OpenPGP of version 6": of_key(replace(ED, version=6)),
        "OpenPGP, the point without its first octet": legacy(RAW),
        "OpenPGP, both coordinates": legacy(BOTH),
        "a subkey of another's": of_key(key(8), packet(14, ED.body), key(8).binding(ED)),
        "a hardware key": sk(b"ssh:"),
        "a hardware key of another application": sk(b"ssh:x"),
        "the negative point": (spki(ED.private)[:-32] + NEGATIVE, b""),
    },
    "ECDSA P-256": {
        "PEM": (spki(P256), b""),
        "OpenPGP": on_curve(P256, PublicFormat.UncompressedPoint),
        "OpenPGP, compressed": on_curve(P256, PublicFormat.CompressedPoint),
        "the negative point": (OTHER_SIGN.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo), b""),
    },
    "ECDSA P-521": {"PEM": (spki(P521), b""), "OpenPGP": on_curve(P521, PublicFormat.UncompressedPoint)},
    "RSA": {
        "PEM": (rsa_spki(65537), b""),
        "another exponent": (rsa_spki(65539), b""),
        "OpenPGP": openpgp(1, number(modulus(65537).public_numbers().n) + number(65537)),
        "OpenPGP, sign only, another exponent": openpgp(3, number(modulus(65537).public_numbers().n) + number(3)),
        "OpenPGP, with bytes behind": openpgp(1, number(modulus(65537).public_numbers().n) + number(3) + b"more"),
    },
    "DSA": {"OpenPGP": openpgp(17, number(23) + number(11) + number(4) + number(8))},
    "ECDSA on a curve without a name": {
        "OpenPGP": openpgp(19, b"\x01\x2a" + mpi(b"\x04" + b"xy")),
        "OpenPGP, compressed": openpgp(19, b"\x01\x2a" + mpi(b"\x02" + b"x")),
    },
    "ECDSA on another curve without a name": {"OpenPGP": openpgp(19, b"\x01\x2b" + mpi(b"\x04" + b"xy"))},
    "bytes that are no key": {"as they stand": (b"no key", b"")},
    "a hardware key that is none": {"as it stands": (b"ssh:none", b"")},
}


@pytest.mark.parametrize("forms", FORMS.values(), ids=FORMS.keys())
def test_every_form_of_one_key_shares_its_material(forms: dict[str, tuple[bytes, bytes]]) -> None:
    found = [materials_of(counted, certificate=certificate) for counted, certificate in forms.values()]
    assert all(one & other for one, other in combinations(found, 2))
    assert all(found)


def test_keys_of_different_secrets_share_nothing() -> None:
    found = [
        frozenset().union(*(materials_of(counted, certificate=certificate) for counted, certificate in forms.values()))
        for forms in FORMS.values()
    ]
    assert all(one.isdisjoint(other) for one, other in combinations(found, 2))


def test_a_certificate_is_its_primary_key_and_the_subkeys_that_may_sign() -> None:
    primary, signing, other, bare = key(8), ED, key(9), key(10)
    rest = (
        *(packet(14, signing.body), primary.binding(signing)),
        *(packet(14, other.body), primary.binding(other, extra=subpacket(27, b"\x20"))),
        *(packet(14, bare.body),),
        packet(14, b"\x04" + stamp(MADE) + b"\x10" + number(2**100)),
    )
    certificate = primary.certificate(*rest)
    counted = b"openpgp:" + primary.fingerprint.encode()
    signing_keys = (primary, signing, bare)
    expected = {counted}.union(*(materials_of(spki(one.private)) for one in signing_keys))
    assert materials_of(counted, certificate=certificate + key(11).certificate()) == expected
    assert materials_of(counted, certificate=b"none") == {counted}


# -- where it counts -----------------------------------------------------------------------------------------------------

LOADED = {
    "PEM and OpenPGP": ("PEM", "OpenPGP of version 4"),
    "two OpenPGP keys": ("OpenPGP of version 4", "OpenPGP, made a second later"),
    "OpenPGP, and its subkey as PEM": ("a subkey of another's", "PEM"),
    "two applications": ("a hardware key", "a hardware key of another application"),
    "PEM and hardware": ("PEM", "a hardware key"),
}


def _listed(counted: bytes, certificate: bytes) -> tuple[bytes, str]:
    """The file, and what stands beside it."""
    if certificate:
        return certificate, f", fingerprint: {counted.removeprefix(b'openpgp:').decode()}"
    if counted.startswith(b"ssh:"):
        blob = base64.b64encode(counted.removeprefix(b"ssh:"))
        return b"sk-ssh-ed25519@openssh.com " + blob + b"\n", ""
    return render_public_key(counted), ""


def _load(*forms: tuple[bytes, bytes]) -> None:
    window = 'from: "2020-01-01T00:00:00Z", until: "2035-01-01T00:00:00Z"'
    files = {f"k{at}": _listed(*form) for at, form in enumerate(forms)}
    keys = "".join(
        f"  - {{id: {name}, file: {name}, roles: [machine], {window}, holder: h-{name}{more}}}\n"
        for name, (_, more) in files.items()
    )
    holders = ", ".join(f"{{id: h-{name}, kind: machine}}" for name in files)
    text = f"apiVersion: vxsec/trust/v1\nkind: Identities\nkeys:\n{keys}holders: [{holders}]\n"
    parse_trust_document(text.encode(), source="t.yaml", load_key=lambda name: files[name][0])


@pytest.mark.parametrize(("first", "second"), LOADED.values(), ids=LOADED.keys())
def test_a_trust_document_lists_a_secret_once(first: str, second: str) -> None:
    forms = FORMS["Ed25519"]
    for order in ((first, second), (second, first)):
        with pytest.raises(ConfigurationError, match="key 'k1' is the same key as 'k0'") as caught:
            _load(*(forms[name] for name in order))
        assert caught.value.code == "trust.duplicate"


def test_a_trust_document_lists_a_modulus_once() -> None:
    with pytest.raises(ConfigurationError, match="the same key") as caught:
        _load((rsa_spki(65537), b""), (rsa_spki(65539), b""))
    assert caught.value.code == "trust.duplicate"


def test_a_subkey_that_does_not_sign_may_be_listed_by_itself() -> None:
    subkey = key(9)
    _load(of_key(key(8), packet(14, subkey.body), key(8).binding(subkey, extra=subpacket(27, b"\x20"))), of_key(subkey))


def test_a_fact_is_counted_by_what_its_key_is_made_of() -> None:
    counted, certificate = FORMS["Ed25519"]["OpenPGP of version 4"]
    trust = make_trust()
    listed = replace(trust, keys=(replace(trust.keys[0], spki=counted, certificate=certificate),))
    fact = make_signer(spki=counted)
    assert signer_of(fact, listed).materials > signer_of(fact, trust).materials == {counted}
    plain = parse_public_key(spki(ED.private), where="k")
    assert signer_of(make_signer(spki=plain), trust).materials < signer_of(fact, listed).materials
