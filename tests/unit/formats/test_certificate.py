"""Certificates: every field as written, one reading only, and the same reading as cryptography's."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import example, given
from hypothesis import strategies as st

from support.certificate_kit import (
    CRITICAL,
    FULCIO,
    ISSUER,
    SAN,
    SCT_LIST,
    URI,
    alternative_names,
    certificate,
    extension,
    fulcio,
    leaf_extensions,
    oid,
    sct,
    sct_list,
    sequence,
    utf8,
)
from support.signing_kit import signer
from vxsec.errors import FormatError
from vxsec.formats.certificate import precertificate_tbs, read_certificate
from vxsec.formats.der import read_only, render_der
from vxsec.limits import Limits
from vxsec.model.certificate import AlternativeName, Certificate

FLAG = render_der(0x01, b"\xff")
BASIC, USAGE, EXTENDED = "2.5.29.19", "2.5.29.15", "2.5.29.37"
LEAF = certificate()


def _read(*extensions: bytes, **fields: Any) -> Certificate:
    return read_certificate(certificate(extensions=extensions or None, **fields), where="c")


def test_a_leaf_is_read_whole() -> None:
    found = _read()
    assert (found.der, found.serial, found.signature) == (LEAF, 1, b"signature")
    assert found.tbs in LEAF
    assert found.signature_algorithm == "1.2.840.10045.4.3.2"
    assert (found.not_before, found.not_after) == (
        datetime(2026, 11, 21, 12, 0, tzinfo=UTC),
        datetime(2026, 11, 21, 12, 10, tzinfo=UTC),
    )
    assert found.spki == found.key_info == signer("leaf").spki
    assert (found.is_ca, found.path_length, found.self_issued) == (False, None, False)
    assert (found.has_key_usage, found.digital_signature, found.cert_sign) == (True, True, False)
    assert found.extended_key_usages == ("1.3.6.1.5.5.7.3.3",)
    assert (found.subject_key_id, found.authority_key_id) == (b"subject key id", b"authority key id")
    assert found.alternative_names == (AlternativeName(kind="uri", value=URI),)
    assert found.critical == {USAGE, SAN}
    assert found.unhandled_critical == ()
    assert found.oidc_issuer == ISSUER
    assert found.claims == {
        "githubWorkflowTrigger": "push",
        "sourceRepositoryURI": "https://git.example.test/mono",
    }
    assert [item.timestamp_ms for item in found.scts] == [1_768_517_364_925]


def test_an_authority_is_read() -> None:
    found = _read(
        extension(BASIC, sequence(FLAG, render_der(0x02, b"\x01")), critical=CRITICAL),
        extension(USAGE, render_der(0x03, b"\x01\x06"), critical=CRITICAL),
    )
    assert (found.is_ca, found.path_length) == (True, 1)
    assert (found.has_key_usage, found.digital_signature, found.cert_sign) == (True, False, True)
    assert (found.oidc_issuer, found.claims, found.scts, found.alternative_names) == (None, {}, (), ())


def test_a_name_may_have_several_attributes_in_one_part() -> None:
    attribute = sequence(render_der(0x06, b"\x55\x04\x03"), utf8("x"))
    subject = sequence(render_der(0x31, attribute * 2))
    assert _read(subject=subject).subject == subject


def test_no_key_usage_is_told_apart_from_none_allowed() -> None:
    found = _read(extension(BASIC, sequence(), critical=CRITICAL))
    assert (found.has_key_usage, found.digital_signature, found.is_ca) == (False, False, False)


def test_a_key_usage_of_two_bytes_has_its_first_bits_where_they_belong() -> None:
    found = _read(extension(USAGE, render_der(0x03, b"\x07\x84\x80")))
    assert (found.digital_signature, found.cert_sign) == (True, True)


def test_every_kind_of_name_keeps_its_kind() -> None:
    username = render_der(
        0xA0, render_der(0x06, oid("1.3.6.1.4.1.57264.1.7")) + render_der(0xA0, utf8("user!issuer.example.test"))
    )
    other = render_der(0xA0, render_der(0x06, oid("1.2.3")) + render_der(0xA0, utf8("x")))
    found = _read(
        alternative_names(
            render_der(0x81, b"a@example.test"),
            render_der(0x82, b"host.example.test"),
            username,
            other,
            render_der(0x87, b"\x7f\x00\x00\x01"),
        )
    )
    assert found.alternative_names == (
        AlternativeName(kind="email", value="a@example.test"),
        AlternativeName(kind="dns", value="host.example.test"),
        AlternativeName(kind="username", value="user!issuer.example.test"),
        AlternativeName(kind="other", value=other.hex()),
        AlternativeName(kind="other", value="87047f000001"),
    )


@pytest.mark.parametrize(
    ("extensions", "issuer"),
    [
        pytest.param([fulcio(1, b"https://one.test")], "https://one.test", id="the old one alone"),
        pytest.param([fulcio(8, utf8("https://two.test"))], "https://two.test", id="the new one alone"),
        pytest.param([fulcio(3, b"abc")], None, id="none"),
    ],
)
def test_the_issuer_is_told_by_either_extension(extensions: list[bytes], issuer: str | None) -> None:
    assert _read(*extensions).oidc_issuer == issuer


def test_every_claim_of_fulcios_table_has_its_name() -> None:
    deprecated = [fulcio(number, str(number).encode()) for number in range(2, 7)]
    current = [fulcio(number, utf8(str(number))) for number in range(9, 25)]
    assert dict(_read(*deprecated, *current).claims) == {
        "githubWorkflowTrigger": "2",
        "githubWorkflowSHA": "3",
        "githubWorkflowName": "4",
        "githubWorkflowRepository": "5",
        "githubWorkflowRef": "6",
        "buildSignerURI": "9",
        "buildSignerDigest": "10",
        "runnerEnvironment": "11",
        "sourceRepositoryURI": "12",
        "sourceRepositoryDigest": "13",
        "sourceRepositoryRef": "14",
        "sourceRepositoryIdentifier": "15",
        "sourceRepositoryOwnerURI": "16",
        "sourceRepositoryOwnerIdentifier": "17",
        "buildConfigURI": "18",
        "buildConfigDigest": "19",
        "buildTrigger": "20",
        "runInvocationURI": "21",
        "sourceRepositoryVisibilityAtSigning": "22",
        "deploymentEnvironment": "23",
        "tokenSubject": "24",
    }


@pytest.mark.parametrize(
    "dotted",
    ["2.5.29.30", "2.5.29.36", "1.3.6.1.4.1.11129.2.4.3", SCT_LIST, "1.3.6.1.4.1.57264.1.99", "1.2.3"],
    ids=["name constraints", "policy constraints", "a precertificate's poison", "timestamps", "a new claim", "unknown"],
)
def test_a_critical_extension_that_is_not_understood_is_named(dotted: str) -> None:
    value = render_der(0x04, sct_list(sct())) if dotted == SCT_LIST else b"\x05\x00"
    found = _read(fulcio(2, b"push"), extension(dotted, value, critical=CRITICAL))
    assert found.unhandled_critical == (() if dotted == SCT_LIST else (dotted,))
    assert dotted in found.critical


def test_a_compressed_key_is_one_key_but_its_bytes_as_written_are_kept() -> None:
    public = ec.derive_private_key(7, ec.SECP256R1()).public_key()
    compressed = bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200") + public.public_bytes(
        Encoding.X962, PublicFormat.CompressedPoint
    )
    found = _read(key_info=compressed)
    assert found.key_info == compressed
    assert found.spki == public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _names(*names: bytes) -> bytes:
    return certificate(extensions=[alternative_names(*names)])


def _one(dotted: str, value: bytes) -> bytes:
    return certificate(extensions=[extension(dotted, value)])


RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
PKCS1_DER = RSA.public_bytes(Encoding.DER, PublicFormat.PKCS1)
ALGORITHM = sequence(render_der(0x06, oid("1.2.840.10045.4.3.3")))
TIMES = [render_der(0x17, b"261121120000Z")] * 2
REFUSED = {
    "nothing": (b"", "certificate.malformed"),
    "PEM": (b"-----BEGIN CERTIFICATE-----", "certificate.malformed"),
    "a byte behind it": (LEAF + b"\x00", "certificate.malformed"),
    "a byte missing": (LEAF[:-1], "certificate.malformed"),
    "something behind the signature": (certificate(after_tbs=b"\x05\x00"), "certificate.malformed"),
    "version 1": (certificate(version=b""), "certificate.version"),
    "version 1 written out": (certificate(version=b"\xa0\x03\x02\x01\x00"), "certificate.version"),
    "version 2": (certificate(version=b"\xa0\x03\x02\x01\x01"), "certificate.version"),
    "version 4": (certificate(version=b"\xa0\x03\x02\x01\x03"), "certificate.version"),
    "two versions": (certificate(version=b"\xa0\x06\x02\x01\x02\x02\x01\x02"), "certificate.malformed"),
    "a negative serial": (certificate(serial=b"\x80"), "certificate.serial"),
    "a serial of 21 bytes": (certificate(serial=b"\x01" * 21), "certificate.serial"),
    "a serial with leading zeros": (certificate(serial=b"\x00\x01"), "certificate.malformed"),
    "two signature algorithms": (certificate(inner_algorithm=ALGORITHM), "certificate.malformed"),
    "three times": (certificate(validity=[*TIMES, TIMES[0]]), "certificate.malformed"),
    "one time": (certificate(validity=TIMES[:1]), "certificate.malformed"),
    "an end before the start": (
        certificate(validity=[TIMES[0], render_der(0x17, b"261121115959Z")]),
        "certificate.malformed",
    ),
    "a name that is no sequence": (certificate(subject=utf8("x")), "certificate.malformed"),
    "a name with an empty part": (certificate(subject=sequence(render_der(0x31, b""))), "certificate.malformed"),
    "a name that is cut off": (certificate(issuer=sequence(b"\x31\x05")), "certificate.malformed"),
    "a name with more in it": (
        certificate(issuer=sequence(render_der(0x31, sequence(render_der(0x06, b"\x2a"), utf8("x"), utf8("y"))))),
        "certificate.malformed",
    ),
    "an algorithm with two parameters": (
        certificate(algorithm=sequence(render_der(0x06, b"\x2a"), b"\x05\x00\x05\x00")),
        "certificate.malformed",
    ),
    "no extensions": (certificate(extensions_field=b""), "certificate.malformed"),
    "an empty list of extensions": (
        certificate(extensions_field=render_der(0xA3, sequence())),
        "certificate.malformed",
    ),
    "two lists of extensions": (
        certificate(extensions_field=render_der(0xA3, sequence(*leaf_extensions()) + sequence(*leaf_extensions()))),
        "certificate.malformed",
    ),
    "something behind the extensions": (
        certificate(extensions_field=render_der(0xA3, sequence(*leaf_extensions())) + b"\x05\x00"),
        "certificate.malformed",
    ),
    "a duplicate extension": (
        certificate(extensions=[*leaf_extensions(), fulcio(8, utf8(ISSUER))]),
        "certificate.duplicate-extension",
    ),
    "a duplicate extension that is not understood": (
        certificate(extensions=[extension("1.2.3", b"a"), extension("1.2.3", b"b")]),
        "certificate.duplicate-extension",
    ),
    "a critical flag of false": (
        certificate(extensions=[extension("1.2.3", b"", critical=b"\x01\x01\x00")]),
        "certificate.malformed",
    ),
    "a critical flag of 01": (
        certificate(extensions=[extension("1.2.3", b"", critical=b"\x01\x01\x01")]),
        "certificate.malformed",
    ),
    "an extension with more in it": (
        certificate(extensions=[sequence(render_der(0x06, oid("1.2.3")), b"\x04\x00\x05\x00")]),
        "certificate.malformed",
    ),
    "an authority's flag of false": (_one(BASIC, sequence(b"\x01\x01\x00")), "certificate.malformed"),
    "a negative path length": (_one(BASIC, sequence(FLAG, b"\x02\x01\xff")), "certificate.malformed"),
    "a path length without an authority": (_one(BASIC, sequence(b"\x02\x01\x00")), "certificate.malformed"),
    "more in the basic constraints": (_one(BASIC, sequence(FLAG, b"\x05\x00")), "certificate.malformed"),
    "an empty key usage": (_one(USAGE, b"\x03\x01\x00"), "certificate.malformed"),
    "a key usage without its first byte": (_one(USAGE, b"\x03\x00"), "certificate.malformed"),
    "a key usage with eight unused bits": (_one(USAGE, b"\x03\x02\x08\x80"), "certificate.malformed"),
    "a key usage that does not end with a set bit": (_one(USAGE, b"\x03\x02\x06\x80"), "certificate.malformed"),
    "a key usage with unused bits that are set": (_one(USAGE, b"\x03\x02\x07\xc0"), "certificate.malformed"),
    "a key usage of no bits": (_one(USAGE, b"\x03\x02\x00\x00"), "certificate.malformed"),
    "a key usage of three bytes": (_one(USAGE, b"\x03\x04\x07\x80\x80\x80"), "certificate.malformed"),
    "an empty extended key usage": (_one(EXTENDED, sequence()), "certificate.malformed"),
    "an extended key usage that is a text": (_one(EXTENDED, sequence(utf8("x"))), "certificate.malformed"),
    "no alternative name": (_names(), "certificate.malformed"),
    "a hundred and one alternative names": (_names(*[render_der(0x82, b"x")] * 101), "certificate.malformed"),
    "an empty alternative name": (_names(render_der(0x86, b"")), "certificate.malformed"),
    "an alternative name that is not ASCII": (_names(render_der(0x81, "ä@x".encode())), "certificate.malformed"),
    "an empty user name": (
        _names(render_der(0xA0, render_der(0x06, oid("1.3.6.1.4.1.57264.1.7")) + render_der(0xA0, utf8("")))),
        "certificate.malformed",
    ),
    "a name of no kind": (_names(render_der(0x83, b"x")), "certificate.malformed"),
    "an authority's identifier that is no part of one": (
        _one("2.5.29.35", sequence(render_der(0x83, b"x"))),
        "certificate.malformed",
    ),
    "an authority's serial number without its issuer": (
        _one("2.5.29.35", sequence(render_der(0x80, b"x"), render_der(0x82, b"\x01"))),
        "certificate.malformed",
    ),
    "more behind a user name": (
        _names(
            render_der(0xA0, render_der(0x06, oid("1.3.6.1.4.1.57264.1.7")) + render_der(0xA0, utf8("x")) + utf8("y"))
        ),
        "certificate.malformed",
    ),
    "two issuers": (
        certificate(extensions=[fulcio(1, b"https://one.test"), fulcio(8, utf8("https://two.test"))]),
        "certificate.issuer-mismatch",
    ),
    "an old issuer that is a DER string": (
        certificate(extensions=[fulcio(1, utf8(ISSUER)), fulcio(8, utf8(ISSUER))]),
        "certificate.issuer-mismatch",
    ),
    "a new issuer that is plain text": (certificate(extensions=[fulcio(8, ISSUER.encode())]), "certificate.malformed"),
    "a new issuer of another type": (
        certificate(extensions=[fulcio(8, render_der(0x16, b"x"))]),
        "certificate.malformed",
    ),
    "a new issuer with bytes behind it": (
        certificate(extensions=[fulcio(8, utf8(ISSUER) + b"\x00")]),
        "certificate.malformed",
    ),
    "an old claim that is not UTF-8": (certificate(extensions=[fulcio(2, b"\xff")]), "certificate.malformed"),
    "a claim that is not UTF-8": (
        certificate(extensions=[fulcio(9, render_der(0x0C, b"\xff"))]),
        "certificate.malformed",
    ),
    "timestamps that are no string of bytes": (_one(SCT_LIST, sct_list(sct())), "certificate.malformed"),
    "timestamps cut off": (_one(SCT_LIST, render_der(0x04, sct_list(sct())[:-1])), "sct.malformed"),
    "a key on an unknown curve": (
        certificate(key_info=bytes.fromhex("3036301006072a8648ce3d020106052b8104000a032200") + b"\x02" * 33),
        "certificate.key",
    ),
    "a key in PKCS#1": (certificate(key_info=PKCS1_DER), "certificate.key"),
    "a key that is no key": (certificate(key_info=sequence()), "certificate.key"),
    "a key of small order": (
        certificate(key_info=bytes.fromhex("302a300506032b6570032100") + bytes(32)),
        "certificate.key",
    ),
}


@pytest.mark.parametrize(("der", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses(der: bytes, code: str) -> None:
    with pytest.raises(FormatError) as caught:
        read_certificate(der, where="c")
    assert (caught.value.code, caught.value.where) == (code, "c")


def test_more_bytes_or_timestamps_than_allowed_are_refused() -> None:
    with pytest.raises(FormatError) as caught:
        read_certificate(LEAF, where="c", limits=Limits(certificate_bytes=len(LEAF) - 1))
    assert caught.value.code == "certificate.too-large"
    with pytest.raises(FormatError) as caught:
        read_certificate(LEAF, where="c", limits=Limits(scts_per_certificate=0))
    assert caught.value.code == "sct.too-many"


# -- what logs sign ----------------------------------------------------------------------------------------------------


def test_a_precertificate_is_the_certificate_without_its_timestamps() -> None:
    without = [item for item in leaf_extensions() if oid(SCT_LIST) not in item]
    expected = read_certificate(certificate(extensions=without), where="c").tbs
    assert precertificate_tbs(LEAF) == expected
    assert precertificate_tbs(certificate(extensions=without)) == expected


def test_a_precertificate_without_any_other_extension_has_none() -> None:
    alone = certificate(extensions=[extension(SCT_LIST, render_der(0x04, sct_list(sct())))])
    assert precertificate_tbs(alone) in certificate(extensions_field=b"")


@pytest.mark.parametrize(
    "der", [b"", b"\x30\x00", LEAF[:-1], certificate(extensions_field=b"\xa3\x02\x30\x00\xa3\x02\x30\x00")]
)
def test_a_precertificate_of_something_else_is_refused(der: bytes) -> None:
    with pytest.raises(FormatError) as caught:
        precertificate_tbs(der)
    assert caught.value.code == "certificate.malformed"


# -- the same reading as cryptography's --------------------------------------------------------------------------------


def _library_certificate(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "leaf")]))
        .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "root")]))
        .public_key(key.public_key())
        .serial_number(2**159 - 1)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=10_000))
        .add_extension(x509.BasicConstraints(ca=True, path_length=3), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier(b"authority", None, None), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.RFC822Name("a@example.test")]), critical=True)
    )
    return builder.sign(key, SHA256()).public_bytes(Encoding.DER)


READ = {BASIC, USAGE, EXTENDED, SAN, SCT_LIST, "2.5.29.14", "2.5.29.35"} | {f"{FULCIO}.{n}" for n in range(1, 25)}


def _identifiers(der: bytes) -> set[str]:
    """The extensions of a certificate that was read."""
    fields = read_only(der, 0x30).inside().next().inside()
    while fields.peek() != 0xA3:
        fields.next()
    items = fields.next().inside().next().inside()
    found = set()
    while not items.at_end:
        found.add(items.next().inside().next().oid())
    return found


def _agrees(der: bytes) -> None:
    """What we accept, cryptography accepts, and sees the same in it."""
    ours = read_certificate(der, where="c")
    theirs = x509.load_der_x509_certificate(der)
    assert (ours.tbs, ours.signature) == (theirs.tbs_certificate_bytes, theirs.signature)
    assert ours.signature_algorithm == theirs.signature_algorithm_oid.dotted_string
    assert (ours.not_before, ours.not_after) == (theirs.not_valid_before_utc, theirs.not_valid_after_utc)
    assert ours.serial == theirs.serial_number
    assert ours.spki == theirs.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if not _identifiers(der) <= READ:
        return  # what we do not read, cryptography may refuse
    assert ours.critical == {item.oid.dotted_string for item in theirs.extensions if item.critical}
    for item in theirs.extensions:
        match item.value:
            case x509.BasicConstraints(ca=ca, path_length=length):
                assert (ours.is_ca, ours.path_length) == (ca, length)
            case x509.KeyUsage(digital_signature=signs, key_cert_sign=certifies):
                assert (ours.digital_signature, ours.cert_sign) == (signs, certifies)
            case x509.ExtendedKeyUsage() as usages:
                assert ours.extended_key_usages == tuple(usage.dotted_string for usage in usages)
            case x509.SubjectKeyIdentifier(digest=digest):
                assert ours.subject_key_id == digest
            case x509.AuthorityKeyIdentifier(key_identifier=identifier):
                assert ours.authority_key_id == identifier
            case x509.SubjectAlternativeName() as names:
                assert len(ours.alternative_names) == len(names)
            case x509.PrecertificateSignedCertificateTimestamps() as scts:
                assert [(one.log_id, one.extensions, one.signature) for one in ours.scts] == [
                    (one.log_id, one.extension_bytes, one.signature) for one in scts
                ]
                assert precertificate_tbs(der) == theirs.tbs_precertificate_bytes
            case _:
                pass


LIBRARY = [
    LEAF,
    _library_certificate(ec.generate_private_key(ec.SECP384R1())),
    _library_certificate(rsa.generate_private_key(public_exponent=65537, key_size=2048)),
]


@pytest.mark.parametrize("der", LIBRARY, ids=["hand-made", "elliptic", "rsa"])
def test_a_certificate_of_cryptographys_is_read_as_cryptography_reads_it(der: bytes) -> None:
    _agrees(der)


@given(st.sampled_from(LIBRARY), st.integers(0, 2000), st.integers(0, 255))
@example(LIBRARY[0], 0, 0x30)
def test_of_a_certificate_with_one_byte_changed_nothing_else_is_read_than_by_cryptography(
    der: bytes, place: int, value: int
) -> None:
    mutated = bytearray(der)
    mutated[place % len(der)] = value
    with contextlib.suppress(FormatError):
        _agrees(bytes(mutated))


@given(st.integers(0, len(LEAF) - 1), st.binary(max_size=3), st.integers(0, 3))
def test_nothing_but_a_format_error_escapes(place: int, inserted: bytes, dropped: int) -> None:
    mutated = LEAF[:place] + inserted + LEAF[place + dropped :]
    with contextlib.suppress(FormatError):
        read_certificate(mutated, where="c")
    with contextlib.suppress(FormatError):
        precertificate_tbs(mutated)
