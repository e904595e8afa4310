"""What cosign signs with a local key verifies here, what we sign verifies in cosign, and neither takes the other's forgery.

Most commands need no service: signing uses an empty signing configuration, verifying leaves the transparency log out. Keys
with witnesses (``TestWitnessed``) have theirs from an instance on loopback, and there cosign leaves nothing out.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from support.signing_kit import NOW, PACKAGE, REGISTRY
from vxsec.errors import ConfigurationError, FormatError, VerificationError
from vxsec.formats.cosign_key import decrypt_key, encrypt_key
from vxsec.formats.public_key import key_hint, parse_public_key, render_public_key
from vxsec.formats.release_statement import build_release_statement
from vxsec.formats.sigstore_bundle import read_bundle
from vxsec.formats.trusted_root import read_trusted_root
from vxsec.host.clock import utc_now
from vxsec.model.attestation import RELEASE_PREDICATE, STATEMENT_V01, Bundle
from vxsec.model.digest import digest_bytes
from vxsec.model.verification import Requirements
from vxsec.model.verified import VerifiedBlob, VerifiedSignature, VerifiedStatement
from vxsec.signing.key import KeySigner, generate_pkcs8
from vxsec.signing.signer import sign_blob, sign_statement
from vxsec.testing.sigstore import SigstoreInstance
from vxsec.usecases.signers import blob_checked, open_signers, sign_checked
from vxsec.verification.bundle import verify_bundle, verify_statement_subject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COSIGN = os.environ.get("VXSEC_COSIGN") or shutil.which("cosign")
CONFORMANCE = Path(__file__).parents[3] / "shared" / "conformance" / "sigstore"
PASSWORD = "correct horse"
DATA = b"the bytes of a tarball\n"
DIGESTS = digest_bytes(DATA)

UNREADABLE = {
    "bundle-unknown-version_fail": "bundle.media-type",
    "bundle-empty-certificate-chain_fail": "bundle.material",
    "bundle-malformed-json_fail": "bundle.malformed",
    "bundle-invalid-base64-signature_fail": "bundle.base64",
}

needs_cosign = [
    pytest.mark.cosign,
    pytest.mark.skipif(COSIGN is None, reason="cosign is not on PATH, and VXSEC_COSIGN does not name it"),
]


class _Cosign:
    """cosign in a folder of its own, with its home in it and no way to the network."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "file.tgz"
        self.file.write_bytes(DATA)
        self.run("signing-config", "create", "--out", "sc.json")
        self.run("generate-key-pair")
        (folder / "predicate.json").write_text('{"built": "here"}')

    def run(self, *arguments: str, expect: int | None = 0) -> subprocess.CompletedProcess[str]:
        assert COSIGN is not None
        environ = {
            "HOME": str(self.folder),
            "PATH": os.environ["PATH"],
            "COSIGN_PASSWORD": PASSWORD,
            "HTTPS_PROXY": "http://127.0.0.1:9",
        }
        done = subprocess.run(
            [COSIGN, *arguments], cwd=self.folder, env=environ, capture_output=True, text=True, timeout=120, check=False
        )
        if expect is not None:
            assert done.returncode == expect, done.stderr
        return done

    def read(self, name: str) -> bytes:
        return (self.folder / name).read_bytes()

    def sign_blob(self, key: str = "cosign.key") -> bytes:
        arguments = ("--key", key, "--signing-config", "sc.json", "--bundle", "out.json", "-y", "file.tgz")
        self.run("sign-blob", *arguments)
        return self.read("out.json")

    def attest_blob(self, kind: str, key: str = "cosign.key") -> bytes:
        arguments = ("--key", key, "--signing-config", "sc.json", "--bundle", "out.json", "-y", "file.tgz")
        self.run("attest-blob", "--predicate", "predicate.json", "--type", kind, *arguments)
        return self.read("out.json")

    def verify_blob(self, spki: bytes, bundle: bytes, *, file: str = "file.tgz") -> bool:
        return self._verify("verify-blob", spki, bundle, file)

    def verify_attestation(self, spki: bytes, bundle: bytes, kind: str, *, file: str = "file.tgz") -> bool:
        return self._verify("verify-blob-attestation", spki, bundle, "--type", kind, file)

    def _verify(self, command: str, spki: bytes, bundle: bytes, *rest: str) -> bool:
        (self.folder / "key.pub").write_bytes(render_public_key(spki))
        (self.folder / "bundle.json").write_bytes(bundle)
        arguments = ("--key", "key.pub", "--insecure-ignore-tlog", "--bundle", "bundle.json", *rest)
        return self.run(command, *arguments, expect=None).returncode == 0


@pytest.fixture(scope="module")
def cosign(tmp_path_factory: pytest.TempPathFactory) -> _Cosign:
    return _Cosign(tmp_path_factory.mktemp("cosign"))


@pytest.fixture(scope="module")
def instance() -> Iterator[SigstoreInstance]:
    with SigstoreInstance() as made:
        yield made


def _signer(algorithm: str) -> KeySigner:
    return KeySigner(generate_pkcs8(algorithm), where="test key")


def _release(signer: KeySigner) -> bytes:
    payload = build_release_statement(package=PACKAGE, digests=DIGESTS, registry=REGISTRY, created_at=NOW)
    return sign_statement(signer, payload)


def _code(bundle: Bundle, spki: bytes, sha256: str = DIGESTS.sha256) -> str:
    with pytest.raises(VerificationError) as caught:
        verify_bundle(bundle, keys=[spki], sha256=sha256)
    return caught.value.code


def _changed(line: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    document = json.loads(line)
    change(document)
    return json.dumps(document).encode()


def _turn_payload(document: dict[str, Any]) -> None:
    payload = document["dsseEnvelope"]["payload"]
    document["dsseEnvelope"]["payload"] = payload[:-8] + ("A" if payload[-8] != "A" else "B") + payload[-7:]


def _change_payload_type(document: dict[str, Any]) -> None:
    document["dsseEnvelope"]["payloadType"] = "text/plain"


# -- cosign to us -------------------------------------------------------------------------------------------------------


class TestFromCosign:
    pytestmark = needs_cosign

    def test_its_key_file_opens_here(self, cosign: _Cosign) -> None:
        pkcs8 = decrypt_key(cosign.read("cosign.key"), PASSWORD.encode(), where="cosign.key")
        assert KeySigner(pkcs8, where="cosign.key").spki == parse_public_key(cosign.read("cosign.pub"), where="pub")
        with pytest.raises(ConfigurationError) as caught:
            decrypt_key(cosign.read("cosign.key"), b"wrong", where="cosign.key")
        assert caught.value.code == "key.wrong-password"

    def test_its_blob_bundle_verifies_here(self, cosign: _Cosign) -> None:
        spki = parse_public_key(cosign.read("cosign.pub"), where="pub")
        bundle = read_bundle(cosign.sign_blob(), where="out.json")
        assert bundle.key_hint == key_hint(spki)
        assert verify_bundle(bundle, keys=[spki], sha256=DIGESTS.sha256) == VerifiedBlob(
            sha256=DIGESTS.sha256, signature=VerifiedSignature(spki=spki)
        )
        assert _code(bundle, spki, hashlib.sha256(b"other").hexdigest()) == "bundle.digest-mismatch"
        assert _code(bundle, _signer("ecdsa-p256").spki) == "signature.untrusted-key"

    @pytest.mark.parametrize("kind", ["custom", "https://example.test/type"])
    def test_its_attestation_verifies_here(self, cosign: _Cosign, kind: str) -> None:
        spki = parse_public_key(cosign.read("cosign.pub"), where="pub")
        line = cosign.attest_blob(kind)
        verified = verify_bundle(read_bundle(line, where="out.json"), keys=[spki])
        assert isinstance(verified, VerifiedStatement)
        assert verified.statement.statement_type == STATEMENT_V01
        assert verify_statement_subject(verified, digests=DIGESTS, package=PACKAGE).name == "file.tgz"
        with pytest.raises(VerificationError) as caught:
            verify_statement_subject(verified, digests=digest_bytes(b"other"))
        assert caught.value.code == "signature.subject-mismatch"
        turned = read_bundle(_changed(line, _turn_payload), where="turned")
        assert _code(turned, spki) == "signature.invalid"
        retyped = read_bundle(_changed(line, _change_payload_type), where="retyped")
        assert _code(retyped, spki) == "bundle.payload-type"

    @pytest.mark.parametrize("algorithm", ["ecdsa-p384", "rsa-3072"])
    def test_bundles_made_with_an_imported_key_verify_here(self, cosign: _Cosign, algorithm: str) -> None:
        pkcs8 = generate_pkcs8(algorithm)
        signer = KeySigner(pkcs8, where="k")
        (cosign.folder / "own.key").write_bytes(encrypt_key(pkcs8, PASSWORD.encode(), salt=b"s" * 32, nonce=b"n" * 24))
        blob = read_bundle(cosign.sign_blob("own.key"), where="out.json")
        found = verify_bundle(blob, keys=[signer.spki], sha256=DIGESTS.sha256, blob=lambda: DATA)
        assert found == VerifiedBlob(sha256=DIGESTS.sha256, signature=VerifiedSignature(spki=signer.spki))
        attestation = read_bundle(cosign.attest_blob("custom", "own.key"), where="out.json")
        assert verify_bundle(attestation, keys=[signer.spki]).spki == signer.spki

    def test_its_ed25519_blob_verifies_here_and_its_ed25519ph_attestation_nowhere(self, cosign: _Cosign) -> None:
        """cosign 3.1.3 refuses both of its own bundles; the blob's signature is pure Ed25519 over the file all the same."""
        pkcs8 = generate_pkcs8("ed25519")
        signer = KeySigner(pkcs8, where="k")
        (cosign.folder / "own.key").write_bytes(encrypt_key(pkcs8, PASSWORD.encode(), salt=b"s" * 32, nonce=b"n" * 24))
        blob = read_bundle(cosign.sign_blob("own.key"), where="out.json")
        found = verify_bundle(blob, keys=[signer.spki], sha256=DIGESTS.sha256, blob=lambda: DATA)
        assert found == VerifiedBlob(sha256=DIGESTS.sha256, signature=VerifiedSignature(spki=signer.spki))
        attestation = cosign.attest_blob("custom", "own.key")
        assert not cosign.verify_attestation(signer.spki, attestation, "custom")
        assert _code(read_bundle(attestation, where="out.json"), signer.spki) == "signature.invalid"


# -- us to cosign -------------------------------------------------------------------------------------------------------


class TestToCosign:
    pytestmark = needs_cosign

    def test_it_opens_our_key_file(self, cosign: _Cosign) -> None:
        pkcs8 = generate_pkcs8()
        (cosign.folder / "ours.key").write_bytes(encrypt_key(pkcs8, PASSWORD.encode(), salt=b"s" * 32, nonce=b"n" * 24))
        shown = cosign.run("public-key", "--key", "ours.key").stdout
        assert parse_public_key(shown.encode(), where="stdout") == KeySigner(pkcs8, where="k").spki
        assert render_public_key(KeySigner(pkcs8, where="k").spki) == shown.encode()

    @pytest.mark.parametrize("algorithm", ["ecdsa-p256", "ecdsa-p384", "rsa-3072"])
    def test_it_verifies_our_blob_bundle(self, cosign: _Cosign, algorithm: str) -> None:
        signer = _signer(algorithm)
        line = sign_blob(signer, sha256=bytes.fromhex(DIGESTS.sha256))
        assert cosign.verify_blob(signer.spki, line)
        assert not cosign.verify_blob(_signer(algorithm).spki, line)
        (cosign.folder / "other").write_bytes(b"other")
        assert not cosign.verify_blob(signer.spki, line, file="other")

    @pytest.mark.parametrize("algorithm", ["ecdsa-p256", "ecdsa-p384", "rsa-3072", "ed25519"])
    def test_it_verifies_our_release_statement(self, cosign: _Cosign, algorithm: str) -> None:
        signer = _signer(algorithm)
        line = _release(signer)
        assert cosign.verify_attestation(signer.spki, line, RELEASE_PREDICATE)
        assert not cosign.verify_attestation(signer.spki, line, "https://example.test/type")
        assert not cosign.verify_attestation(_signer(algorithm).spki, line, RELEASE_PREDICATE)
        (cosign.folder / "other").write_bytes(b"other")
        assert not cosign.verify_attestation(signer.spki, line, RELEASE_PREDICATE, file="other")

    @pytest.mark.parametrize("change", [_turn_payload, _change_payload_type], ids=["payload", "payload type"])
    def test_neither_takes_a_tampered_one(self, cosign: _Cosign, change: Callable[[dict[str, Any]], None]) -> None:
        signer = _signer("ecdsa-p256")
        tampered = _changed(_release(signer), change)
        assert not cosign.verify_attestation(signer.spki, tampered, RELEASE_PREDICATE)
        assert _code(read_bundle(tampered, where="t"), signer.spki) in {"signature.invalid", "bundle.payload-type"}


# -- keys with witnesses ------------------------------------------------------------------------------------------------


def _drop(*names: str) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        for name in names:
            del document["verificationMaterial"][name]

    return change


def _swap_entry(document: dict[str, Any]) -> None:
    (entry,) = document["verificationMaterial"]["tlogEntries"]
    entry["canonicalizedBody"] = entry["canonicalizedBody"][:-8] + "AAAAAAA="


def _turn_timestamp(document: dict[str, Any]) -> None:
    (stamp,) = document["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"]
    raw = bytearray(base64.b64decode(stamp["signedTimestamp"]))
    raw[-1] ^= 1
    stamp["signedTimestamp"] = base64.b64encode(raw).decode()


class TestWitnessed:
    """What we have logged and timestamped on loopback verifies in cosign, with the trusted root and nothing left out."""

    pytestmark = needs_cosign

    def _sign(
        self, cosign: _Cosign, instance: SigstoreInstance, algorithm: str, *, rekor: Literal[1, 2], blob: bool
    ) -> tuple[bytes, bytes]:
        """The key's public half, and the bundle."""
        pkcs8 = generate_pkcs8(algorithm)
        (cosign.folder / "witnessed.pem").write_bytes(
            b"-----BEGIN PRIVATE KEY-----\n%b\n-----END PRIVATE KEY-----\n" % base64.b64encode(pkcs8)
        )
        (cosign.folder / "config.json").write_bytes(instance.client_trust_config(rekor=rekor))
        (cosign.folder / "root.json").write_bytes(instance.trusted_root())
        (opened,) = open_signers(
            [f"file:{cosign.folder}/witnessed.pem"],
            password=None,
            trust_config=cosign.folder / "config.json",
            timestamp=True,
            log_entry=True,
        )
        if blob:
            return KeySigner(pkcs8, where="k").spki, blob_checked(opened, DIGESTS.sha256)
        payload = build_release_statement(package=PACKAGE, digests=DIGESTS, registry=REGISTRY, created_at=NOW)
        return KeySigner(pkcs8, where="k").spki, sign_checked(opened, payload)

    def _accepts(self, cosign: _Cosign, spki: bytes, line: bytes, *, blob: bool, file: str = "file.tgz") -> bool:
        (cosign.folder / "key.pub").write_bytes(render_public_key(spki))
        (cosign.folder / "bundle.json").write_bytes(line)
        command = ["verify-blob"] if blob else ["verify-blob-attestation", "--type", RELEASE_PREDICATE]
        given = (
            "--key",
            "key.pub",
            "--trusted-root",
            "root.json",
            "--use-signed-timestamps",
            "--bundle",
            "bundle.json",
        )
        return cosign.run(*command, *given, file, expect=None).returncode == 0

    @pytest.mark.parametrize(
        ("algorithm", "rekor", "blob"),
        [
            ("ecdsa-p256", 1, True),
            ("ecdsa-p256", 1, False),
            ("ecdsa-p256", 2, True),
            ("ecdsa-p256", 2, False),
            ("rsa-3072", 1, True),
            ("rsa-3072", 1, False),
            ("rsa-3072", 2, True),
            ("rsa-3072", 2, False),
            ("ecdsa-p384", 1, True),
            ("ecdsa-p384", 1, False),
            ("ed25519", 1, False),
        ],
    )
    def test_cosign_verifies_signature_log_entry_and_timestamp(
        self, cosign: _Cosign, instance: SigstoreInstance, algorithm: str, rekor: Literal[1, 2], blob: bool
    ) -> None:
        spki, line = self._sign(cosign, instance, algorithm, rekor=rekor, blob=blob)
        assert self._accepts(cosign, spki, line, blob=blob)
        assert not self._accepts(cosign, _signer(algorithm).spki, line, blob=blob)
        (cosign.folder / "other").write_bytes(b"other")
        assert not self._accepts(cosign, spki, line, blob=blob, file="other")

    @pytest.mark.parametrize("rekor", [1, 2])
    @pytest.mark.parametrize("blob", [True, False], ids=["blob", "statement"])
    @pytest.mark.parametrize(
        ("change", "code"),
        [
            pytest.param(_drop("tlogEntries"), "tlog.too-few", id="without its log entry"),
            pytest.param(_drop("timestampVerificationData"), "timestamp.too-few", id="without its timestamp"),
            pytest.param(_turn_timestamp, "timestamp.signature", id="with another timestamp"),
            pytest.param(_swap_entry, "tlog.", id="with another log entry"),
        ],
    )
    def test_neither_takes_it_with_a_witness_changed(
        self,
        cosign: _Cosign,
        instance: SigstoreInstance,
        rekor: Literal[1, 2],
        blob: bool,
        change: Callable[[dict[str, Any]], None],
        code: str,
    ) -> None:
        spki, line = self._sign(cosign, instance, "ecdsa-p256", rekor=rekor, blob=blob)
        changed = _changed(line, change)
        assert not self._accepts(cosign, spki, changed, blob=blob)
        with pytest.raises(VerificationError) as caught:
            verify_bundle(
                read_bundle(changed, where="changed"),
                keys=[spki],
                roots=read_trusted_root(instance.trusted_root(), where="root"),
                requirements=Requirements(log_entries=1, timestamps=1),
                sha256=DIGESTS.sha256,
                now=utc_now(),
            )
        assert caught.value.code.startswith(code)


# -- public conformance cases -------------------------------------------------------------------------------------------


@pytest.mark.shared
@pytest.mark.skipif(not CONFORMANCE.is_dir(), reason="the shared data does not lie beside the checkout")
class TestConformance:
    """The cases with a managed key, and no trusted root; ``tests/conformance`` runs the whole suite with its roots."""

    def test_the_happy_path_verifies(self) -> None:
        case = CONFORMANCE / "managed-key-happy-path"
        spki = parse_public_key((case / "key.pub").read_bytes(), where="key.pub")
        bundle = read_bundle((case / "bundle.sigstore.json").read_bytes(), where="bundle")
        sha256 = hashlib.sha256((CONFORMANCE / "a.txt").read_bytes()).hexdigest()
        assert verify_bundle(bundle, keys=[spki], sha256=sha256) == VerifiedBlob(
            sha256=sha256, signature=VerifiedSignature(spki=spki)
        )
        assert _code(bundle, spki, DIGESTS.sha256) == "bundle.digest-mismatch"

    def test_a_key_that_is_not_the_signers_does_not_verify(self) -> None:
        """``managed-key-no-key``: without the signer's key there is nothing to verify with."""
        case = CONFORMANCE / "managed-key-no-key_fail"
        bundle = read_bundle((case / "bundle.sigstore.json").read_bytes(), where="bundle")
        sha256 = hashlib.sha256((CONFORMANCE / "a.txt").read_bytes()).hexdigest()
        assert _code(bundle, _signer("ecdsa-p256").spki, sha256) == "signature.untrusted-key"

    @pytest.mark.parametrize(
        "case", sorted(CONFORMANCE.glob("*/bundle.sigstore.json")), ids=lambda path: path.parent.name
    )
    def test_certificates_are_refused_and_what_is_malformed_is_not_read(self, case: Path) -> None:
        name = case.parent.name
        if name in UNREADABLE:
            with pytest.raises(FormatError) as caught:
                read_bundle(case.read_bytes(), where=name)
            assert caught.value.code == UNREADABLE[name]
            return
        bundle = read_bundle(case.read_bytes(), where=name)
        assert bool(bundle.certificates) != name.startswith("managed-key")
        if bundle.certificates:
            assert _code(bundle, _signer("ecdsa-p256").spki) == "certificate.no-root"
