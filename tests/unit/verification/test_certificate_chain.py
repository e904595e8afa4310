"""Chains: what an authority and a leaf must be, with certificates made here that break one rule each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID as Purpose
from cryptography.x509.oid import NameOID

from vxsec.errors import VerificationError
from vxsec.verification.certificate_chain import (
    CODE_SIGNING,
    TIME_STAMPING,
    load_certificate,
    require_chain,
    require_issued,
    require_valid_at,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

NOW = datetime(2026, 11, 21, tzinfo=UTC)
DAY = timedelta(days=1)

_Hash = SHA256 | SHA384 | SHA512
_Private = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


class _Made(NamedTuple):
    certificate: x509.Certificate
    key: _Private

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _make(
    name: str,
    issuer: _Made | None = None,
    *,
    key: _Private | None = None,
    ca: bool | None = True,
    path_length: int | None = None,
    sign_certificates: bool = True,
    usage: bool = True,
    purposes: Sequence[x509.ObjectIdentifier] = (),
    critical: bool = False,
    unknown: bool = False,
    only: bool | None = None,
    algorithm: _Hash | None = SHA256(),  # noqa: B008 - a value without state
    pss: bool = False,
    issued_under: str | None = None,
) -> _Made:
    key = key or ec.generate_private_key(ec.SECP256R1())
    signer = issuer.key if issuer else key
    issuer_name = _name(issued_under) if issued_under else issuer.certificate.subject if issuer else _name(name)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(issuer_name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + DAY)
    )
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=path_length), critical=True)
    if usage:
        builder = builder.add_extension(_usage(sign_certificates=sign_certificates), critical=True)
    if purposes:
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=critical)
    if unknown:
        extension = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.999.1"), b"\x05\x00")
        builder = builder.add_extension(extension, critical=True)
    if only is not None:
        constraints = x509.NameConstraints([x509.RFC822Name("other.example.test")], None)
        builder = builder.add_extension(constraints, critical=only)
    if pss:
        return _Made(builder.sign(signer, algorithm, rsa_padding=padding.PSS(padding.MGF1(SHA256()), 32)), key)
    return _Made(builder.sign(signer, algorithm), key)


def _usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not sign_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=sign_certificates,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _leaf(issuer: _Made, **changes: object) -> _Made:
    values: dict[str, object] = {"ca": None, "sign_certificates": False, "purposes": [Purpose.CODE_SIGNING]}
    return _make("leaf", issuer, **(values | changes))  # type: ignore[arg-type]  # a table of changes


def _code(leaf: _Made, *chain: _Made, purpose: str = CODE_SIGNING) -> str:
    with pytest.raises(VerificationError) as caught:
        require_chain(load_certificate(leaf.der), tuple(item.der for item in chain), purpose=purpose)
    return caught.value.code


def _accept(leaf: _Made, *chain: _Made, purpose: str = CODE_SIGNING) -> None:
    found = require_chain(load_certificate(leaf.der), tuple(item.der for item in chain), purpose=purpose)
    expected = chain if leaf in chain else (leaf, *chain)
    assert [item.der for item in found] == [item.der for item in expected]


ROOT = _make("root")
MIDDLE = _make("middle", ROOT, path_length=0, purposes=[Purpose.CODE_SIGNING])


def test_a_leaf_under_an_intermediate_and_a_root() -> None:
    _accept(_leaf(MIDDLE), MIDDLE, ROOT)


def test_the_chain_may_end_below_a_root() -> None:
    _accept(_leaf(MIDDLE), MIDDLE)


def test_an_authority_without_key_usage_or_for_any_purpose() -> None:
    free = _make("free", ROOT, usage=False, purposes=[Purpose.ANY_EXTENDED_KEY_USAGE])
    _accept(_leaf(free), free, ROOT)


def test_a_leaf_for_more_than_code() -> None:
    _accept(_leaf(ROOT, purposes=[Purpose.EMAIL_PROTECTION, Purpose.CODE_SIGNING]), ROOT)


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (ec.generate_private_key(ec.SECP384R1()), SHA384()),
        (ec.generate_private_key(ec.SECP521R1()), SHA512()),
        (rsa.generate_private_key(65537, 2048), SHA256()),
        (ed25519.Ed25519PrivateKey.generate(), None),
    ],
    ids=["P-384", "P-521", "RSA", "Ed25519"],
)
def test_authorities_of_every_kind_of_key(key: _Private, algorithm: _Hash | None) -> None:
    root = _make("root", key=key, algorithm=algorithm)
    _accept(_leaf(root, algorithm=algorithm), root)


def test_a_stamping_certificate_that_the_root_lists_itself() -> None:
    leaf = _leaf(ROOT, purposes=[Purpose.TIME_STAMPING], critical=True)
    _accept(leaf, leaf, ROOT, purpose=TIME_STAMPING)
    _accept(leaf, ROOT, purpose=TIME_STAMPING)
    alone = _leaf(ROOT, purposes=[Purpose.TIME_STAMPING], critical=True, usage=False)
    _accept(alone, ROOT, purpose=TIME_STAMPING)


def test_a_stamping_certificate_that_signed_itself_and_is_listed() -> None:
    own = _make("own", ca=None, sign_certificates=False, purposes=[Purpose.TIME_STAMPING], critical=True)
    _accept(own, own, purpose=TIME_STAMPING)


_IMPOSTOR = _make("root")
_SHORT = _make("short", ROOT, path_length=0)
_RSA_ROOT = _make("rsa", key=rsa.generate_private_key(65537, 2048))

REFUSED = {
    "no authority": (_leaf(ROOT), (), "certificate.chain"),
    "another authority of the same name": (_leaf(_IMPOSTOR), (ROOT,), "certificate.chain"),
    "an authority of another name": (_leaf(ROOT, issued_under="toor"), (ROOT,), "certificate.chain"),
    "a chain in the wrong order": (_leaf(MIDDLE), (ROOT, MIDDLE), "certificate.chain"),
    "a chain that is broken further up": (_leaf(MIDDLE), (MIDDLE, _IMPOSTOR), "certificate.chain"),
    "a root that did not sign itself": (
        _leaf(MIDDLE),
        (MIDDLE, _make("root", _IMPOSTOR, key=ROOT.key)),
        "certificate.chain",
    ),
    "an authority that is none": (
        _leaf(_make("ca", ROOT, ca=False)),
        (_make("ca", ROOT, ca=False), ROOT),
        "certificate.authority",
    ),
    "a certificate signed with RSA-PSS": (
        _leaf(_RSA_ROOT, pss=True),
        (_RSA_ROOT,),
        "certificate.chain",
    ),
    "a leaf that may issue": (_leaf(ROOT, sign_certificates=True), (ROOT,), "certificate.is-authority"),
    "a leaf that is an authority": (_leaf(ROOT, ca=True), (ROOT,), "certificate.is-authority"),
    "a leaf without key usage": (_leaf(ROOT, usage=False), (ROOT,), "certificate.key-usage"),
    "a leaf without purposes": (_leaf(ROOT, purposes=[]), (ROOT,), "certificate.key-usage"),
    "a leaf for servers": (_leaf(ROOT, purposes=[Purpose.SERVER_AUTH]), (ROOT,), "certificate.key-usage"),
    "a leaf for any purpose": (
        _leaf(ROOT, purposes=[Purpose.ANY_EXTENDED_KEY_USAGE]),
        (ROOT,),
        "certificate.key-usage",
    ),
    "a leaf with something critical": (_leaf(ROOT, unknown=True), (ROOT,), "certificate.critical-extension"),
}


@pytest.mark.parametrize(("leaf", "chain", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses(leaf: _Made, chain: tuple[_Made, ...], code: str) -> None:
    assert _code(leaf, *chain) == code


AUTHORITIES = {
    "without basic constraints": {"ca": None},
    "that may not sign certificates": {"sign_certificates": False},
    "for stamping time": {"purposes": [Purpose.TIME_STAMPING]},
    "that allows fewer below it": {"path_length": 0},
}


@pytest.mark.parametrize("changes", AUTHORITIES.values(), ids=AUTHORITIES.keys())
def test_refuses_an_authority(changes: dict[str, object]) -> None:
    root = _make("r", **changes)  # type: ignore[arg-type]  # a table of changes
    middle = _make("m", root)
    assert _code(_leaf(middle), middle, root) == "certificate.authority"


def test_refuses_an_authority_with_something_critical() -> None:
    root = _make("r", unknown=True)
    assert _code(_leaf(root), root) == "certificate.critical-extension"


CONSTRAINED = {
    "the leaf": lambda only: (_leaf(ROOT, only=only), ROOT),
    "an intermediate": lambda only: _under(_make("m", ROOT, only=only), ROOT),
    "the root": lambda only: _under(_make("r", only=only)),
}


def _under(*chain: _Made) -> tuple[_Made, ...]:
    return _leaf(chain[0]), *chain


@pytest.mark.parametrize(
    ("critical", "code"),
    [(True, "certificate.critical-extension"), (False, "certificate.name-constraints")],
    ids=["critical", "not critical"],
)
@pytest.mark.parametrize("made", CONSTRAINED.values(), ids=CONSTRAINED.keys())
def test_refuses_name_constraints_anywhere(
    made: Callable[[bool], tuple[_Made, ...]], critical: bool, code: str
) -> None:
    assert _code(*made(critical)) == code


STAMPING = {
    "not critical": {"purposes": [Purpose.TIME_STAMPING]},
    "for code as well": {"purposes": [Purpose.TIME_STAMPING, Purpose.CODE_SIGNING], "critical": True},
    "for code": {"critical": True},
}


@pytest.mark.parametrize("changes", STAMPING.values(), ids=STAMPING.keys())
def test_refuses_a_stamping_certificate(changes: dict[str, object]) -> None:
    assert _code(_leaf(ROOT, **changes), ROOT, purpose=TIME_STAMPING) == "certificate.key-usage"


def test_validity_is_a_closed_interval_for_every_certificate() -> None:
    chain = tuple(load_certificate(item.der) for item in (_leaf(ROOT), ROOT))
    for moment in (NOW - DAY, NOW, NOW + DAY):
        require_valid_at(chain, moment)
    for moment in (NOW - DAY - timedelta(microseconds=1), NOW + DAY + timedelta(seconds=1)):
        with pytest.raises(VerificationError) as caught:
            require_valid_at(chain, moment)
        assert caught.value.code == "certificate.outside-validity"


def test_a_turned_bit_anywhere_in_what_was_signed_is_seen() -> None:
    leaf = _leaf(ROOT)
    issuer = load_certificate(ROOT.der)
    require_issued(load_certificate(leaf.der), issuer)
    broken = bytearray(leaf.der)
    place = leaf.der.index(b"leaf")
    broken[place] ^= 1
    with pytest.raises(VerificationError) as caught:
        require_issued(load_certificate(bytes(broken)), issuer)
    assert caught.value.code == "certificate.chain"


@pytest.mark.parametrize("der", [b"", b"noise", b"0\x00", ROOT.der[:-1], ROOT.der + b"\x00"])
def test_refuses_what_is_no_certificate(der: bytes) -> None:
    with pytest.raises(VerificationError) as caught:
        load_certificate(der)
    assert caught.value.code == "certificate.malformed"
