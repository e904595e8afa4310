"""Certificates as Fulcio makes them, checked with cryptography's own path validation and an SCT check written here."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder, Store, VerificationError

from vxsec.formats.certificate import read_certificate
from vxsec.testing.sigstore.authority import CertificateAuthority, LeafShape, no_scts
from vxsec.testing.sigstore.ct_log import CtLog
from vxsec.testing.sigstore.identity import EXTENSIONS, GITHUB_CLAIMS, Identity, identity_of
from vxsec.testing.sigstore.keys import make_key

START = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
AUTHORITY = CertificateAuthority(start=START - timedelta(days=1))
KEY = make_key().public_key()
EMAIL = Identity(subject="ci@example.test", issuer="https://issuer.example.test")


def issue(identity: Identity = EMAIL, *, ct_log: CtLog | None = None, shape: LeafShape | None = None) -> bytes:
    def scts(tbs: bytes, issuer_spki: bytes) -> list[bytes]:
        return [] if ct_log is None else [ct_log.sign(tbs, issuer_spki=issuer_spki, at=START)]

    return AUTHORITY.issue(
        KEY, identity=identity, start=START, end=START + timedelta(minutes=10), scts=scts, shape=shape
    )


def validate(der: bytes, at: datetime = START) -> None:
    leaf = ExtensionPolicy.webpki_defaults_ee().may_be_present(x509.ExtendedKeyUsage, Criticality.NON_CRITICAL, None)
    ca = ExtensionPolicy.webpki_defaults_ca().may_be_present(x509.ExtendedKeyUsage, Criticality.NON_CRITICAL, None)
    intermediate, root = (x509.load_der_x509_certificate(item) for item in AUTHORITY.chain)
    builder = PolicyBuilder().store(Store([root])).time(at).extension_policies(ca_policy=ca, ee_policy=leaf)
    builder.build_client_verifier().verify(x509.load_der_x509_certificate(der), [intermediate])


def test_a_leaf_is_valid_under_the_root_for_ten_minutes() -> None:
    validate(issue())
    with pytest.raises(VerificationError):
        validate(issue(), START + timedelta(minutes=11))


def test_a_leaf_looks_like_fulcios() -> None:
    found = x509.load_der_x509_certificate(issue())
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert found.subject == x509.Name([])
    assert names.critical
    assert names.value.get_values_for_type(x509.RFC822Name) == ["ci@example.test"]
    assert list(found.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
        ExtendedKeyUsageOID.CODE_SIGNING
    ]
    assert found.extensions.get_extension_for_class(x509.KeyUsage).value.digital_signature
    found.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)


@pytest.mark.parametrize("kind", ["ecdsa-p256", "rsa-2048"])
def test_the_ct_timestamp_is_over_the_certificate_without_it(kind: str) -> None:
    log = CtLog(kind="rsa-2048" if kind == "rsa-2048" else "ecdsa-p256")
    found = x509.load_der_x509_certificate(issue(ct_log=log))
    (sct,) = found.extensions.get_extension_for_class(x509.PrecertificateSignedCertificateTimestamps).value
    tbs = found.tbs_precertificate_bytes
    issuer = hashlib.sha256(AUTHORITY.spki).digest()
    moment = int(START.timestamp() * 1000).to_bytes(8, "big")
    signed = b"\x00\x00" + moment + b"\x00\x01" + issuer + len(tbs).to_bytes(3, "big") + tbs + b"\x00\x00"
    assert sct.log_id == log.log_id
    key = load_der_public_key(log.spki)
    if isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(sct.signature, signed, ec.ECDSA(SHA256()))
    else:
        from cryptography.hazmat.primitives.asymmetric import padding

        assert isinstance(key, rsa.RSAPublicKey)
        key.verify(sct.signature, signed, padding.PKCS1v15(), SHA256())


def test_without_timestamps_the_extension_is_absent() -> None:
    found = x509.load_der_x509_certificate(
        AUTHORITY.issue(KEY, identity=EMAIL, start=START, end=START + timedelta(minutes=1), scts=no_scts)
    )
    with pytest.raises(x509.ExtensionNotFound):
        found.extensions.get_extension_for_class(x509.PrecertificateSignedCertificateTimestamps)


@pytest.mark.parametrize(
    "shape",
    [
        pytest.param(LeafShape(broken_signature=True), id="its signature is broken"),
        pytest.param(LeafShape(unknown_critical_extension=True), id="it has an unknown critical extension"),
        pytest.param(LeafShape(alternative_name=False), id="it names nobody"),
        pytest.param(LeafShape(ca=True), id="it is an authority"),
        pytest.param(LeafShape(critical_name=False), id="its subject is empty and its name not critical"),
    ],
)
def test_a_leaf_with_a_defect_is_not_valid(shape: LeafShape) -> None:
    with pytest.raises(VerificationError):
        validate(issue(shape=shape))


@pytest.mark.parametrize(
    ("shape", "missing"),
    [
        pytest.param(LeafShape(code_signing=False), "code_signing", id="it may not sign code"),
        pytest.param(LeafShape(digital_signature=False), "digital_signature", id="it may not sign data"),
    ],
)
def test_a_leaf_may_be_valid_and_of_no_use(shape: LeafShape, missing: str) -> None:
    found = x509.load_der_x509_certificate(issue(shape=shape))
    usages = found.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    present = {
        "code_signing": ExtendedKeyUsageOID.CODE_SIGNING in usages,
        "digital_signature": found.extensions.get_extension_for_class(x509.KeyUsage).value.digital_signature,
    }
    assert [name for name, there in present.items() if not there] == [missing]


def test_names_of_every_kind_and_a_subject() -> None:
    names = [
        Identity(subject="https://ci.example.test/job", issuer="https://issuer.example.test", kind="uri"),
        Identity(subject="alice!example.test", issuer="https://issuer.example.test", kind="username"),
    ]
    uri, user = (x509.load_der_x509_certificate(issue(name)).extensions for name in names)
    assert uri.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(
        x509.UniformResourceIdentifier
    ) == ["https://ci.example.test/job"]
    (other,) = user.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.OtherName)
    assert (other.type_id.dotted_string, other.value) == ("1.3.6.1.4.1.57264.1.7", b"\x0c\x12alice!example.test")
    named = x509.load_der_x509_certificate(issue(shape=LeafShape(subject="somebody", second_name="b@example.test")))
    assert named.subject.rfc4514_string() == "CN=somebody"
    assert len(list(named.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)) == 2


# -- from claims to extensions -----------------------------------------------------------------------------------------

WORKFLOW = {"iss": "https://issuer.example.test", "sub": "repo:vextrus/mono:ref:refs/heads/main", **GITHUB_CLAIMS}


def test_a_workflows_claims_are_in_the_certificate_as_we_read_it() -> None:
    identity = identity_of({**WORKFLOW, "environment": "production"})
    found = read_certificate(issue(identity), where="leaf")
    assert identity.subject == "https://github.com/vextrus/mono/.github/workflows/release.yml@refs/heads/main"
    assert identity.claims.keys() == EXTENSIONS.keys()
    assert dict(found.claims) == dict(identity.claims)


def test_claims_that_are_missing_make_no_extensions() -> None:
    identity = identity_of({"iss": "i", "job_workflow_ref": "a/b/.github/workflows/c.yml@refs/heads/main"})
    assert sorted(identity.claims) == ["buildSignerURI"]


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        pytest.param({"sub": "x", "email": "a@b.test", "email_verified": True}, ("a@b.test", "email"), id="an e-mail"),
        pytest.param({"sub": "spiffe://a/b"}, ("spiffe://a/b", "uri"), id="a URI"),
        pytest.param({"sub": "alice"}, ("alice", "username"), id="a user name"),
    ],
)
def test_who_a_token_names(claims: dict[str, object], expected: tuple[str, str]) -> None:
    found = identity_of({"iss": "https://issuer.example.test", **claims})
    assert (found.subject, found.kind) == expected


@pytest.mark.parametrize(
    ("claims", "match"),
    [
        pytest.param({"sub": "x", "email": "a@b.test"}, "not", id="an e-mail that nobody verified"),
        pytest.param({"sub": "x", "email": "a@b.test", "email_verified": "true"}, "not", id="verified only by word"),
        pytest.param({}, "names a subject", id="nobody"),
    ],
)
def test_a_token_that_names_nobody_is_refused(claims: dict[str, object], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        identity_of({"iss": "https://issuer.example.test", **claims})
