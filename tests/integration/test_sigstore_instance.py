"""The unmodified clients sign against the loopback instance over HTTP, and their own verifiers accept what they signed."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

import pytest
import urllib3
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sigstore._internal.fulcio.client import FulcioClientError
from sigstore._internal.rekor import RekorClientError
from sigstore.dsse import Statement
from sigstore.errors import Error as SigstoreError
from sigstore.models import Bundle, ClientTrustConfig
from sigstore.oidc import IdentityToken, detect_credential
from sigstore.sign import SigningContext
from sigstore.verify import Verifier
from sigstore.verify import policy as policies

from vxsec.formats.sigstore_bundle import read_bundle
from vxsec.formats.trusted_root import read_trusted_root
from vxsec.host.clock import utc_now
from vxsec.testing.sigstore import SigstoreInstance
from vxsec.testing.sigstore.mint import BLOB, STATEMENT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from vxsec.testing.sigstore.instance import ServiceName

COSIGN = os.environ.get("VXSEC_COSIGN") or shutil.which("cosign")
PERSON = "alice@example.test"
WORKFLOW = "https://github.com/vextrus/mono/.github/workflows/release.yml@refs/heads/main"
Rekor = Literal[1, 2]
both_logs = pytest.mark.parametrize("rekor", [1, 2], ids=["Rekor 1", "Rekor 2"])

needs_cosign = [
    pytest.mark.cosign,
    pytest.mark.skipif(COSIGN is None, reason="cosign is not on PATH, and VXSEC_COSIGN does not name it"),
]


@pytest.fixture(scope="module", name="instance")
def _instance() -> Iterator[SigstoreInstance]:
    with SigstoreInstance() as running:
        yield running


@pytest.fixture(autouse=True)
def _nothing_fails(instance: SigstoreInstance) -> Iterator[None]:
    yield
    instance.failing.clear()


def config(instance: SigstoreInstance, rekor: Rekor = 2, *, timestamps: bool = True) -> ClientTrustConfig:
    return ClientTrustConfig.from_json(instance.client_trust_config(rekor=rekor, timestamps=timestamps).decode())


def sign(instance: SigstoreInstance, rekor: Rekor = 2, *, token: str | None = None, timestamps: bool = True) -> Bundle:
    identity = IdentityToken(token or instance.issuer.token(subject=PERSON))
    context = SigningContext.from_trust_config(config(instance, rekor, timestamps=timestamps))
    with context.signer(identity) as signer:
        return signer.sign_artifact(BLOB)


def from_person(instance: SigstoreInstance) -> policies.Identity:
    return policies.Identity(identity=PERSON, issuer=instance.issuer.url)


# -- sigstore-python ---------------------------------------------------------------------------------------------------


@both_logs
def test_sigstore_python_signs_a_file_and_verifies_it(instance: SigstoreInstance, rekor: Rekor) -> None:
    bundle = Bundle.from_json(sign(instance, rekor).to_json())
    Verifier(trusted_root=config(instance).trusted_root).verify_artifact(BLOB, bundle, from_person(instance))


@both_logs
def test_sigstore_python_signs_a_statement_and_verifies_it(instance: SigstoreInstance, rekor: Rekor) -> None:
    statement = Statement(STATEMENT)
    identity = IdentityToken(instance.issuer.token(subject=PERSON))
    with SigningContext.from_trust_config(config(instance, rekor)).signer(identity) as signer:
        bundle = signer.sign_dsse(statement)
    verifier = Verifier(trusted_root=config(instance).trusted_root)
    kind, payload = verifier.verify_dsse(Bundle.from_json(bundle.to_json()), from_person(instance))
    assert kind == "application/vnd.in-toto+json"
    assert payload == STATEMENT


def test_what_it_makes_is_a_bundle_that_we_read_too(instance: SigstoreInstance) -> None:
    bundle = read_bundle(sign(instance).to_json().encode(), where="signed here")
    assert (len(bundle.certificates), len(bundle.log_entries), len(bundle.timestamps)) == (1, 1, 1)


def test_rekor_1_alone_says_when_and_without_it_a_timestamp_must(instance: SigstoreInstance) -> None:
    bundle = sign(instance, 1, timestamps=False)
    Verifier(trusted_root=config(instance).trusted_root).verify_artifact(BLOB, bundle, from_person(instance))
    with pytest.raises(SigstoreError, match="signed timestamp"):
        sign(instance, 2, timestamps=False)


def test_rekor_2_may_sign_with_ecdsa() -> None:
    with SigstoreInstance(log_key="ecdsa-p256") as instance:
        bundle = sign(instance)
        Verifier(trusted_root=config(instance).trusted_root).verify_artifact(BLOB, bundle, from_person(instance))


def test_the_documents_also_stand_alone(instance: SigstoreInstance) -> None:
    both = json.loads(instance.client_trust_config(rekor=1, timestamps=False))
    assert json.loads(instance.trusted_root()) == both["trustedRoot"]
    assert json.loads(instance.signing_config(rekor=1, timestamps=False)) == both["signingConfig"]
    assert both["signingConfig"]["rekorTlogUrls"][0]["url"] == instance.url("rekor-v1")


def test_another_identity_is_refused(instance: SigstoreInstance) -> None:
    mallory = policies.Identity(identity="mallory@example.test", issuer=instance.issuer.url)
    with pytest.raises(SigstoreError, match="do not match"):
        Verifier(trusted_root=config(instance).trusted_root).verify_artifact(BLOB, sign(instance), mallory)


def test_another_run_has_other_keys(instance: SigstoreInstance) -> None:
    bundle = sign(instance)
    with SigstoreInstance() as other, pytest.raises(SigstoreError, match="not enough sources of verified time"):
        Verifier(trusted_root=config(other).trusted_root).verify_artifact(BLOB, bundle, from_person(instance))


def test_the_trusted_root_is_marked_as_a_rehearsals(instance: SigstoreInstance) -> None:
    (root,) = read_trusted_root(instance.trusted_root(), where="trusted_root.json")
    assert root.rehearsal
    assert (len(root.certificate_authorities), len(root.logs), len(root.ct_logs), len(root.timestamp_authorities)) == (
        1, 2, 1, 1,
    )  # fmt: skip


# -- whom a certificate is for -----------------------------------------------------------------------------------------


def test_a_workflow_gets_its_token_and_its_claims_are_in_the_certificate(
    instance: SigstoreInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in instance.issuer.workflow_environment().items():
        monkeypatch.setenv(name, value)
    token = detect_credential()
    assert token is not None
    bundle = sign(instance, token=token)
    claims = policies.AllOf(
        [
            policies.Identity(identity=WORKFLOW, issuer=instance.issuer.url),
            policies.OIDCIssuerV2(instance.issuer.url),
            policies.OIDCSourceRepositoryURI("https://github.com/vextrus/mono"),
            policies.OIDCSourceRepositoryDigest("8f1cf2d0a0b1c2d3e4f5061728394a5b6c7d8e9f"),
            policies.OIDCBuildConfigURI(WORKFLOW),
            policies.OIDCBuildSignerURI(WORKFLOW),
            policies.OIDCRunnerEnvironment("github-hosted"),
            policies.OIDCBuildTrigger("push"),
            policies.OIDCRunInvocationURI("https://github.com/vextrus/mono/actions/runs/3003/attempts/1"),
            policies.OIDCSourceRepositoryVisibility("private"),
            policies.GitHubWorkflowRepository("vextrus/mono"),
            policies.GitHubWorkflowRef("refs/heads/main"),
            policies.GitHubWorkflowName("Release"),
        ]
    )
    Verifier(trusted_root=config(instance).trusted_root).verify_artifact(BLOB, bundle, claims)


def test_a_runner_with_another_secret_gets_no_token(
    instance: SigstoreInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in instance.issuer.workflow_environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "guessed")
    with pytest.raises(SigstoreError, match="401"):
        detect_credential()


# -- the command line --------------------------------------------------------------------------------------------------


def _cli(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sigstore", "--trust-config", "trust.json", *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "COLUMNS": "400", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture(name="folder")
def _folder(tmp_path: Path, instance: SigstoreInstance) -> Path:
    (tmp_path / "trust.json").write_bytes(instance.client_trust_config())
    (tmp_path / "file").write_bytes(BLOB)
    return tmp_path


def test_the_command_line_signs_with_a_token_and_verifies(instance: SigstoreInstance, folder: Path) -> None:
    token = instance.issuer.token(subject=PERSON)
    signed = _cli(folder, "sign", "--identity-token", token, "--bundle", "file.json", "file")
    assert signed.returncode == 0, signed.stderr
    who = ("--cert-identity", PERSON, "--cert-oidc-issuer", instance.issuer.url)
    verified = _cli(folder, "verify", "identity", "--bundle", "file.json", *who, "file")
    assert verified.returncode == 0, verified.stderr
    (folder / "file").write_bytes(b"other bytes")
    assert _cli(folder, "verify", "identity", "--bundle", "file.json", *who, "file").returncode == 1


def test_the_command_line_signs_with_a_browser(instance: SigstoreInstance, folder: Path) -> None:
    browser = folder / "browser.py"
    browser.write_text("import sys, urllib.request\nurllib.request.urlopen(sys.argv[1], timeout=30).read()\n")
    signed = _cli(folder, "sign", "--bundle", "file.json", "file", BROWSER=f"{sys.executable} {browser} %s")
    assert signed.returncode == 0, signed.stderr
    bundle = Bundle.from_json((folder / "file.json").read_bytes())
    Verifier(trusted_root=config(instance).trusted_root).verify_artifact(BLOB, bundle, from_person(instance))


# -- refusals ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        pytest.param(
            {"issued_at": utc_now() - timedelta(hours=1)}, "malformed or missing claims", id="an expired token"
        ),
        pytest.param({"audience": "npm"}, "malformed or missing claims", id="a token for another audience"),
    ],
)
def test_the_client_itself_refuses(instance: SigstoreInstance, changes: dict[str, Any], match: str) -> None:
    with pytest.raises(SigstoreError, match=match):
        IdentityToken(instance.issuer.token(subject=PERSON, **changes))


def test_a_token_that_the_issuer_did_not_sign_gets_no_certificate(instance: SigstoreInstance) -> None:
    with pytest.raises(FulcioClientError) as caught:
        sign(instance, token=instance.issuer.token(subject=PERSON, unsigned=True))
    assert "401 Client Error" in str(caught.value.__cause__)


@pytest.mark.parametrize(
    ("name", "error"), [("fulcio", FulcioClientError), ("rekor-v2", RekorClientError)], ids=["Fulcio", "Rekor"]
)
def test_a_service_that_fails_stops_the_client(
    instance: SigstoreInstance, name: ServiceName, error: type[Exception]
) -> None:
    instance.failing.add(name)
    with pytest.raises(error):
        sign(instance)


def test_a_failing_timestamp_authority_is_only_a_warning_to_the_client(instance: SigstoreInstance) -> None:
    instance.failing.add("timestamp")
    with pytest.raises(SigstoreError, match="signed timestamp"):
        sign(instance, 2)
    bundle = sign(instance, 1)
    assert bundle.verification_material.timestamp_verification_data is None


# -- the servers by themselves -----------------------------------------------------------------------------------------


def _post(instance: SigstoreInstance, name: ServiceName, path: str, body: bytes, **headers: str) -> tuple[int, bytes]:
    answer = urllib3.request("POST", instance.url(name) + path, body=body, headers=headers, retries=False)
    return answer.status, answer.data


def test_an_entry_is_taken_once_by_rekor_1(instance: SigstoreInstance) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    spec = {
        "data": {"hash": {"algorithm": "sha256", "value": _sha256(BLOB).hex()}},
        "signature": {"content": _base64(key.sign(BLOB, ec.ECDSA(SHA256()))), "publicKey": {"content": _base64(pem)}},
    }
    body = json.dumps({"kind": "hashedrekord", "apiVersion": "0.0.1", "spec": spec}).encode()
    status, first = _post(instance, "rekor-v1", "/api/v1/log/entries", body)
    assert status == 201
    (uuid,) = json.loads(first)
    status, again = _post(instance, "rekor-v1", "/api/v1/log/entries", body)
    assert status == 409
    assert uuid in json.loads(again)["message"]
    found = urllib3.request("GET", f"{instance.url('rekor-v1')}/api/v1/log/entries/{uuid}")
    assert found.json() == json.loads(first)


def test_requests_are_kept_in_order(instance: SigstoreInstance) -> None:
    before = len(instance.requests)
    sign(instance)
    assert [name for name, _ in instance.requests[before:]] == ["fulcio", "timestamp", "rekor-v2"]


def test_a_page_that_is_not_there_is_404_everywhere(instance: SigstoreInstance) -> None:
    names: tuple[ServiceName, ...] = ("issuer", "fulcio", "rekor-v1", "rekor-v2", "timestamp")
    answers = [urllib3.request("GET", instance.url(name) + "/nowhere", retries=False).status for name in names]
    assert answers == [404] * 5


def test_it_listens_on_loopback_only(instance: SigstoreInstance) -> None:
    assert instance.url("fulcio").startswith("http://127.0.0.1:")


def test_nothing_answers_after_it() -> None:
    with SigstoreInstance() as running:
        url = running.url("rekor-v2")
    with pytest.raises(urllib3.exceptions.HTTPError):
        urllib3.request("GET", url, retries=False, timeout=2)


def test_a_signing_request_that_proves_nothing_is_refused(instance: SigstoreInstance) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, SHA256())
    der = bytearray(request.public_bytes(Encoding.DER))
    der[-1] ^= 1
    pem = x509.load_der_x509_csr(bytes(der)).public_bytes(Encoding.PEM)
    status, said = _post(
        instance,
        "fulcio",
        "/api/v2/signingCert",
        json.dumps({"certificateSigningRequest": _base64(pem)}).encode(),
        Authorization=f"Bearer {instance.issuer.token(subject=PERSON)}",
    )
    assert (status, "could not be verified" in json.loads(said)["message"]) == (400, True)


# -- cosign ------------------------------------------------------------------------------------------------------------


class _Cosign:
    def __init__(self, folder: Path, instance: SigstoreInstance, rekor: Rekor) -> None:
        self.folder = folder
        (folder / "root.json").write_bytes(instance.trusted_root())
        (folder / "signing.json").write_bytes(instance.signing_config(rekor=rekor))
        (folder / "file").write_bytes(BLOB)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        assert COSIGN is not None
        return subprocess.run(
            [COSIGN, *arguments],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder), "COSIGN_YES": "true", "COSIGN_PASSWORD": ""},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def sign(self, bundle: str, *arguments: str, command: str = "sign-blob", last: tuple[str, ...] = ("file",)) -> None:
        done = self.run(
            command, "--bundle", bundle, "--signing-config", "signing.json", "--trusted-root", "root.json",
            *arguments, *last,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    def verify(self, bundle: str, *arguments: str, command: str = "verify-blob") -> subprocess.CompletedProcess[str]:
        return self.run(command, "--bundle", bundle, "--trusted-root", "root.json", *arguments, "file")


class TestCosign:
    """cosign signs against the instance too, and verifies what it and sigstore-python signed."""

    pytestmark = needs_cosign

    @both_logs
    def test_it_signs_a_file_and_verifies_it(self, instance: SigstoreInstance, tmp_path: Path, rekor: Rekor) -> None:
        cosign = _Cosign(tmp_path, instance, rekor)
        who = ("--certificate-identity", PERSON, "--certificate-oidc-issuer", instance.issuer.url)
        cosign.sign("file.json", "--identity-token", instance.issuer.token(subject=PERSON))
        assert cosign.verify("file.json", *who).returncode == 0
        (tmp_path / "file").write_bytes(b"other bytes")
        assert cosign.verify("file.json", *who).returncode != 0

    @both_logs
    def test_it_verifies_what_sigstore_python_signed(
        self, instance: SigstoreInstance, tmp_path: Path, rekor: Rekor
    ) -> None:
        cosign = _Cosign(tmp_path, instance, rekor)
        (tmp_path / "file.json").write_text(sign(instance, rekor).to_json())
        who = ("--certificate-identity", PERSON, "--certificate-oidc-issuer", instance.issuer.url)
        assert cosign.verify("file.json", *who).returncode == 0

    def test_it_signs_a_statement_that_sigstore_python_verifies(
        self, instance: SigstoreInstance, tmp_path: Path
    ) -> None:
        cosign = _Cosign(tmp_path, instance, 2)
        statement = {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": "file", "digest": {"sha256": _sha256(BLOB).hex()}}],
            "predicateType": "https://slsa.dev/provenance/v1",
            "predicate": {},
        }
        (tmp_path / "statement.json").write_text(json.dumps(statement))
        token = ("--identity-token", instance.issuer.workflow_token())
        cosign.sign("file.json", "--statement", "statement.json", *token, command="attest-blob", last=())
        bundle = Bundle.from_json((tmp_path / "file.json").read_bytes())
        identity = policies.Identity(identity=WORKFLOW, issuer=instance.issuer.url)
        _, payload = Verifier(trusted_root=config(instance).trusted_root).verify_dsse(bundle, identity)
        assert json.loads(payload) == statement

    def test_it_logs_and_timestamps_a_signature_by_key(self, instance: SigstoreInstance, tmp_path: Path) -> None:
        cosign = _Cosign(tmp_path, instance, 2)
        assert cosign.run("generate-key-pair").returncode == 0
        cosign.sign("file.json", "--key", "cosign.key")
        assert cosign.verify("file.json", "--key", "cosign.pub").returncode == 0
        bundle = read_bundle((tmp_path / "file.json").read_bytes(), where="by cosign")
        assert (len(bundle.certificates), len(bundle.log_entries), len(bundle.timestamps)) == (0, 1, 1)


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
