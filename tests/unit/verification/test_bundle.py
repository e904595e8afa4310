"""Verifying bundles: the numbered steps, each with what it refuses."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from support.signing_kit import DIGESTS, NOW, OTHER_DIGESTS, PACKAGE, TARBALL, edited, flipped, release, signed, signer
from support.ssh_kit import SK_ED25519, make, public_line, signed_by
from vxsec.errors import UsageError, VerificationError
from vxsec.formats.public_key import key_hint
from vxsec.formats.release_statement import build_release_statement
from vxsec.formats.sigstore_bundle import read_bundle, render_message_bundle
from vxsec.formats.ssh_key import parse_ssh_public_key
from vxsec.formats.statement import build_statement
from vxsec.limits import Limits
from vxsec.model.attestation import Bundle, Envelope, EnvelopeSignature, Subject, pae
from vxsec.model.package import PackageRef
from vxsec.model.verified import VerifiedBlob, VerifiedSignature, VerifiedStatement
from vxsec.signing.signer import sign_blob
from vxsec.verification.bundle import verify_bundle, verify_statement_subject
from vxsec.verification.detached import ssh_check

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vxsec.model.ssh import SshPublicKey

CI, OTHER = signer("ci"), signer("other")
SHA256 = hashlib.sha256(TARBALL).digest()
HEX = SHA256.hex()


def _code(bundle: Bundle, *keys: bytes, sha256: str | None = HEX, limits: Limits | None = None) -> str:
    with pytest.raises(VerificationError) as caught:
        verify_bundle(bundle, keys=keys or (CI.spki,), sha256=sha256, limits=limits or Limits())
    return caught.value.code


def _blob(key: bytes = CI.spki, *, digest: bytes = SHA256, signature: bytes | None = None) -> Bundle:
    line = render_message_bundle(digest, signature or CI.sign_digest(SHA256), key_hint(key))
    return read_bundle(line, where="b")


@pytest.mark.parametrize("algorithm", ["ecdsa-p256", "ecdsa-p384", "ed25519", "rsa-3072"])
def test_a_statement_verifies_under_its_key(algorithm: str) -> None:
    key = signer("k", algorithm)
    verified = verify_bundle(release(key), keys=[OTHER.spki, key.spki])
    assert isinstance(verified, VerifiedStatement)
    assert verified.spki == key.spki
    assert verified.statement.subjects[0].name == PACKAGE.purl


def test_a_bare_signature_verifies_from_the_digest() -> None:
    bundle = read_bundle(sign_blob(CI, sha256=SHA256), where="b")
    assert verify_bundle(bundle, keys=[CI.spki], sha256=HEX) == VerifiedBlob(
        sha256=HEX, signature=VerifiedSignature(spki=CI.spki)
    )


def test_a_bare_ed25519_signature_verifies_from_the_bytes() -> None:
    key = signer("k", "ed25519")
    bundle = _blob(key.spki, signature=key.sign(TARBALL))
    found = verify_bundle(bundle, keys=[CI.spki, key.spki], sha256=HEX, blob=lambda: TARBALL)
    assert found == VerifiedBlob(sha256=HEX, signature=VerifiedSignature(spki=key.spki))
    with pytest.raises(VerificationError) as caught:
        verify_bundle(bundle, keys=[key.spki], sha256=HEX, blob=lambda: b"changed meanwhile")
    assert caught.value.code == "bundle.digest-mismatch"
    assert _code(bundle, key.spki) == "signature.needs-file"


def test_no_keys_never_means_anything_goes() -> None:
    with pytest.raises(UsageError, match="at least one key") as caught:
        verify_bundle(release(CI), keys=[])
    assert caught.value.code == "verify.no-keys"


@pytest.mark.parametrize("hint", ["", "model-signing style", key_hint(OTHER.spki)])
def test_a_hint_is_never_trust_and_a_wrong_one_never_hides_a_good_key(hint: str) -> None:
    document = json.loads(release(CI).line)
    document["verificationMaterial"]["publicKey"]["hint"] = hint
    bundle = read_bundle(json.dumps(document).encode(), where="b")
    verified = verify_bundle(bundle, keys=[OTHER.spki, CI.spki])
    assert verified.spki == CI.spki


def test_among_many_keys_only_the_named_one_is_tried() -> None:
    keys = [signer(f"k{number}").spki for number in range(4)]
    few = Limits(keys_tried_per_bundle=3)
    assert verify_bundle(release(CI), keys=[*keys, CI.spki], limits=few).spki == CI.spki
    assert _code(edited(release(CI), hint="unknown"), *keys, CI.spki, limits=few) == "signature.untrusted-key"


def test_the_key_id_of_a_signature_names_a_key_too() -> None:
    bundle = edited(release(CI), hint="unknown")
    assert isinstance(bundle.content, Envelope)
    signatures = [{"sig": base64.b64encode(bundle.content.signatures[0].sig).decode(), "keyid": key_hint(CI.spki)}]
    named = edited(bundle, signatures=signatures)
    keys = [OTHER.spki, CI.spki]
    assert verify_bundle(named, keys=keys, limits=Limits(keys_tried_per_bundle=0)).spki == CI.spki


def _certificate() -> Bundle:
    document = json.loads(release(CI).line)
    document["verificationMaterial"] = {"certificate": {"rawBytes": "AA=="}}
    return read_bundle(json.dumps(document).encode(), where="b")


def _two_signatures() -> Bundle:
    """Cannot be read, only made: the verifier does not rely on the reader."""
    good = release(CI)
    content = good.content
    assert isinstance(content, Envelope)
    twice = Envelope(
        payload_type=content.payload_type,
        payload=content.payload,
        signatures=(*content.signatures, EnvelopeSignature(keyid="", sig=b"x")),
    )
    return Bundle(media_type=good.media_type, content=twice, key_hint=good.key_hint, line=good.line)


REFUSED = {
    "a certificate": (_certificate(), "certificate.no-root"),
    "another payload type": (edited(release(CI), payloadType="text/plain"), "bundle.payload-type"),
    "a payload type in other letters": (
        edited(release(CI), payloadType="application/vnd.in-toto+JSON"),
        "bundle.payload-type",
    ),
    "two signatures": (_two_signatures(), "bundle.signature-count"),
    "one bit of the payload turned": (flipped(release(CI)), "signature.invalid"),
    "a signature of the payload without its encoding": (
        edited(release(CI), sig=base64.b64encode(CI.sign(b"payload")).decode()),
        "signature.invalid",
    ),
    "a bare signature passed off as an envelope's": (
        edited(release(CI), sig=base64.b64encode(CI.sign_digest(SHA256)).decode()),
        "signature.invalid",
    ),
    "another key": (release(OTHER), "signature.untrusted-key"),
    "another key that claims to be ours": (edited(release(OTHER), hint=key_hint(CI.spki)), "signature.invalid"),
    "a payload that is no statement": (signed(CI, b"hello"), "statement.malformed"),
    "a statement without subjects": (
        signed(CI, b'{"_type":"https://in-toto.io/Statement/v1","subject":[],"predicateType":"x"}'),
        "statement.subjects",
    ),
    "a statement of another version": (
        signed(CI, b'{"_type":"https://in-toto.io/Statement/v9","subject":[],"predicateType":"x"}'),
        "statement.unsupported",
    ),
    "a bare signature over another file": (
        _blob(digest=bytes(32), signature=CI.sign_digest(bytes(32))),
        "bundle.digest-mismatch",
    ),
    "a stated digest that is not the file's": (_blob(digest=bytes(32)), "bundle.digest-mismatch"),
    "a stated digest that is the file's, another signature": (
        _blob(signature=CI.sign_digest(bytes(32))),
        "signature.invalid",
    ),
    "a bare signature that is noise": (_blob(signature=b"noise"), "signature.invalid"),
}


@pytest.mark.parametrize(("bundle", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses(bundle: Bundle, code: str) -> None:
    assert _code(bundle) == code


def _stating(algorithm: str, digest: bytes, signature: bytes, key: bytes) -> Bundle:
    document = json.loads(_blob(key, signature=signature).line)
    stated = {"algorithm": algorithm, "digest": base64.b64encode(digest).decode()}
    document["messageSignature"]["messageDigest"] = stated
    return read_bundle(json.dumps(document).encode(), where="b")


def test_a_digest_by_an_algorithm_we_do_not_know_is_not_believed() -> None:
    bundle = _stating("SHA3_256", SHA256, CI.sign(TARBALL), CI.spki)
    assert _code(bundle) == "bundle.digest-mismatch"


@pytest.mark.parametrize(
    ("algorithm", "curve", "chosen"),
    [("SHA2_384", ec.SECP384R1(), hashes.SHA384()), ("SHA2_512", ec.SECP521R1(), hashes.SHA512())],
    ids=["P-384", "P-521"],
)
def test_a_bare_signature_over_a_longer_hash_verifies_from_the_bytes(
    algorithm: str, curve: ec.EllipticCurve, chosen: hashes.SHA384 | hashes.SHA512
) -> None:
    key = ec.generate_private_key(curve)
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    digest = hashlib.new(chosen.name, TARBALL).digest()
    bundle = _stating(algorithm, digest, key.sign(TARBALL, ec.ECDSA(chosen)), spki)
    assert verify_bundle(bundle, keys=[spki], sha256=HEX, blob=lambda: TARBALL) == VerifiedBlob(
        sha256=HEX, signature=VerifiedSignature(spki=spki)
    )
    assert _code(bundle, spki) == "signature.needs-file"
    other = _stating(algorithm, bytes(len(digest)), key.sign(TARBALL, ec.ECDSA(chosen)), spki)
    with pytest.raises(VerificationError) as caught:
        verify_bundle(other, keys=[spki], sha256=HEX, blob=lambda: TARBALL)
    assert caught.value.code == "bundle.digest-mismatch"


def test_a_bare_signature_without_a_stated_digest_is_checked_against_the_file() -> None:
    document = json.loads(_blob().line)
    del document["messageSignature"]["messageDigest"]
    bundle = read_bundle(json.dumps(document).encode(), where="b")
    assert isinstance(verify_bundle(bundle, keys=[CI.spki], sha256=HEX), VerifiedBlob)
    assert _code(bundle, sha256=OTHER_DIGESTS.sha256) == "signature.invalid"


def test_a_bare_signature_needs_a_file() -> None:
    assert _code(_blob(), sha256=None) == "bundle.no-file"


# -- subjects -----------------------------------------------------------------------------------------------------------

ELSE = OTHER_DIGESTS
GOOD: Mapping[str, str] = {"sha256": DIGESTS.sha256, "sha512": DIGESTS.sha512}


def _verified(*subjects: Subject, own: bool = False) -> VerifiedStatement:
    if own:
        payload = build_release_statement(
            package=PackageRef.parse_purl(subjects[0].name or ""),
            digests=DIGESTS,
            registry="https://registry.example.test/",
            created_at=NOW,
        )
    else:
        payload = build_statement(subjects=subjects, predicate_type="https://example.test/t", predicate={})
    verified = verify_bundle(signed(CI, payload), keys=[CI.spki])
    assert isinstance(verified, VerifiedStatement)
    return verified


def _subject(digest: Mapping[str, str], name: str | None = "kernel-1.2.3.tgz") -> Subject:
    return Subject(name=name, digest=digest)


ABOUT_US = {
    "both digests": _subject(GOOD),
    "sha256 alone": _subject({"sha256": DIGESTS.sha256}),
    "sha512 alone": _subject({"sha512": DIGESTS.sha512}),
    "a weak digest beside a strong one": _subject({"sha1": "0" * 40, "sha256": DIGESTS.sha256}),
    "no name": _subject(GOOD, None),
    "our purl": _subject(GOOD, PACKAGE.purl),
    "our purl, less escaped": _subject(GOOD, "pkg:npm/@vextrus/kernel@1.2.3"),
}
NOT_ABOUT_US = {
    "other bytes": _subject({"sha256": ELSE.sha256, "sha512": ELSE.sha512}),
    "sha256 ours, sha512 not": _subject({"sha256": DIGESTS.sha256, "sha512": ELSE.sha512}),
    "sha512 ours, sha256 not": _subject({"sha256": ELSE.sha256, "sha512": DIGESTS.sha512}),
    "only SHA-1": _subject({"sha1": DIGESTS.sha1}),
    "the purl of another package": _subject(GOOD, "pkg:npm/left-pad@1.2.3"),
    "the purl of another version": _subject(GOOD, "pkg:npm/%40vextrus/kernel@1.2.4"),
    "our purl with a qualifier": _subject(GOOD, PACKAGE.purl + "?arch=x"),
    "a purl without version": _subject(GOOD, "pkg:npm/%40vextrus/kernel"),
}


@pytest.mark.parametrize("subject", ABOUT_US.values(), ids=ABOUT_US.keys())
def test_a_statement_is_about_us(subject: Subject) -> None:
    assert verify_statement_subject(_verified(subject), digests=DIGESTS, package=PACKAGE) == subject


@pytest.mark.parametrize("subject", NOT_ABOUT_US.values(), ids=NOT_ABOUT_US.keys())
def test_a_statement_is_not_about_us(subject: Subject) -> None:
    with pytest.raises(VerificationError) as caught:
        verify_statement_subject(_verified(subject), digests=DIGESTS, package=PACKAGE)
    assert caught.value.code == "signature.subject-mismatch"


def test_the_right_subject_is_found_among_several() -> None:
    good = _subject(GOOD, PACKAGE.purl)
    verified = _verified(_subject({"sha256": ELSE.sha256}), _subject(GOOD, "pkg:npm/x@1.0.0"), good)
    assert verify_statement_subject(verified, digests=DIGESTS, package=PACKAGE) == good


def test_our_own_statement_needs_our_purl_exactly() -> None:
    verified = _verified(_subject(GOOD, "pkg:npm/x@1.0.0"), own=True)
    with pytest.raises(VerificationError, match="expected the signed name") as caught:
        verify_statement_subject(verified, digests=DIGESTS, package=PACKAGE)
    assert caught.value.code == "signature.subject-mismatch"
    assert verify_statement_subject(verified, digests=DIGESTS).name == "pkg:npm/x@1.0.0"


# -- OpenPGP and SSH keys -----------------------------------------------------------------------------------------------


def _by_ssh(name: str, kind: str = "ssh-ed25519") -> tuple[SshPublicKey, Bundle]:
    """A statement signed with an SSH key."""
    key = make(kind, name)
    public = parse_ssh_public_key(public_line(key).encode(), where=name)
    bundle = release(CI)
    content = bundle.content
    assert isinstance(content, Envelope)
    blob = signed_by(key, pae(content.payload_type, content.payload))
    return public, edited(bundle, hint=public.hint, sig=base64.b64encode(blob).decode())


@pytest.mark.parametrize("kind", ["ssh-ed25519", SK_ED25519])
def test_an_ssh_key_is_selected_by_its_hint_alone(kind: str) -> None:
    public, bundle = _by_ssh("maintainer", kind)
    other, _ = _by_ssh("other")
    detached = {item.identity: ssh_check(item) for item in (other, public)}
    keys = [CI.spki, *detached]
    assert verify_bundle(bundle, keys=keys, detached=detached).spki == public.identity
    assert verify_bundle(bundle, detached=detached).spki == public.identity
    refused = {
        other.hint: "sshsig.other-key",
        "ssh:SHA256:unknown": "signature.untrusted-key",
        "openpgp:" + "A" * 40: "signature.untrusted-key",
        key_hint(CI.spki): "signature.invalid",
    }
    for hint, code in refused.items():
        with pytest.raises(VerificationError) as caught:
            verify_bundle(edited(bundle, hint=hint), keys=keys, detached=detached)
        assert caught.value.code == code


def test_keys_of_other_formats_are_never_tried_as_plain_ones() -> None:
    public, _ = _by_ssh("maintainer", SK_ED25519)
    keys = [public.identity, b"openpgp:" + b"A" * 40, CI.spki]
    assert verify_bundle(edited(release(CI), hint="unknown"), keys=keys).spki == CI.spki
    with pytest.raises(VerificationError) as caught:
        verify_bundle(release(OTHER), keys=keys)
    assert caught.value.code == "signature.untrusted-key"


def test_a_bare_signature_by_an_ssh_key_needs_the_file() -> None:
    key = make("ssh-ed25519", "maintainer")
    public = parse_ssh_public_key(public_line(key).encode(), where="maintainer")
    document = json.loads(_blob(signature=signed_by(key, TARBALL)).line)
    document["verificationMaterial"]["publicKey"]["hint"] = public.hint
    bundle = read_bundle(json.dumps(document).encode(), where="b")
    detached = {public.identity: ssh_check(public)}
    assert verify_bundle(bundle, detached=detached, sha256=HEX, blob=lambda: TARBALL).spki == public.identity
    with pytest.raises(VerificationError) as caught:
        verify_bundle(bundle, detached=detached, sha256=HEX)
    assert caught.value.code == "signature.needs-file"


@pytest.mark.parametrize("curve", [ec.SECP384R1(), ec.SECP521R1()], ids=["P-384", "P-521"])
def test_a_bare_signature_over_a_hash_that_nobody_states(curve: ec.EllipticCurve) -> None:
    key = ec.generate_private_key(curve)
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    own = hashes.SHA384() if curve.name == "secp384r1" else hashes.SHA512()
    for chosen in (hashes.SHA256(), own):
        document = json.loads(_blob(spki, signature=key.sign(TARBALL, ec.ECDSA(chosen))).line)
        del document["messageSignature"]["messageDigest"]
        bundle = read_bundle(json.dumps(document).encode(), where="b")
        assert verify_bundle(bundle, keys=[spki], sha256=HEX, blob=lambda: TARBALL).spki == spki
        with pytest.raises(VerificationError) as caught:
            verify_bundle(bundle, keys=[spki], sha256=hashlib.sha256(b"other").hexdigest(), blob=lambda: b"other")
        assert caught.value.code == "signature.invalid"
