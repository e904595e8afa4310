"""The public sigstore-conformance cases: right by path and by digest, and for the reason that each case states."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Literal

import pytest

from support.sigstore_client import public_root, verify
from vxsec.errors import VxsecError
from vxsec.testing.sigstore import SigstoreInstance
from vxsec.testing.sigstore.mint import BLOB, STATEMENT

SHARED = Path(__file__).parents[3] / "shared" / "conformance" / "sigstore"
CLIENT = Path(__file__).parent / "sigstore-client"
IDENTITY = (
    "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/"
    "extremely-dangerous-oidc-beacon.yml@refs/heads/main"
)
ISSUER = "https://token.actions.githubusercontent.com"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not SHARED.exists(), reason="the data folder beside the checkout is absent"),
]

ACCEPTED = (
    "bundle-with-sct-with-extensions",
    "happy-path-intoto-in-dsse-v3",
    "happy-path-v0.1",
    "happy-path-v0.3",
    "happy-path-v0.3-new-mediaType",
    "intoto-with-custom-trust-root",
    "managed-key-happy-path",
    "rekor2-checkpoint-cosigned",
    "rekor2-checkpoint-two-sigs-cosigned",
    "rekor2-checkpoint-two-sigs-from-origin",
    "rekor2-dsse-happy-path",
    "rekor2-happy-path",
    "rekor2-timestamp-with-embedded-cert",
    "rekor2-timestamp-without-embedded-cert",
    "trust-root-tlog-validity-end-inclusive",
)
REFUSED = {
    "bundle-empty-certificate-chain_fail": "bundle.material",
    "bundle-from-wrong-instance_fail": "certificate.untrusted",
    "bundle-invalid-base64-signature_fail": "bundle.base64",
    "bundle-malformed-json_fail": "bundle.malformed",
    "bundle-unknown-version_fail": "bundle.media-type",
    "checkpoint-bad-keyhint_fail": "tlog.checkpoint-key",
    "dsse-invalid-sig_fail": "signature.invalid",
    "dsse-mismatch-envelope_fail": "tlog.artifact-mismatch",
    "intoto-expired-certificate_fail": "certificate.outside-validity",
    "intoto-missing-inclusion-proof_fail": "tlog.no-proof",
    "intoto-tsa-timestamp-outside-cert-validity_fail": "certificate.outside-validity",
    "invalid-checkpoint-signature_fail": "tlog.checkpoint-signature",
    "invalid-ct-key_fail": "sct.unknown-log",
    "invalid-inclusion-proof_fail": "tlog.inclusion-proof",
    "managed-key-no-key_fail": "signature.no-key",
    "rekor2-checkpoint-missing-log-signature_fail": "tlog.checkpoint",
    "rekor2-checkpoint-missing-origin_fail": "tlog.checkpoint",
    "rekor2-checkpoint-missing-root-hash_fail": "tlog.checkpoint",
    "rekor2-checkpoint-no-matching-signature_fail": "tlog.checkpoint-origin",
    "rekor2-dsse-invalid-sig_fail": "signature.invalid",
    "rekor2-dsse-mismatch-sig_fail": "tlog.signature-mismatch",
    "rekor2-no-inclusion-proof_fail": "tlog.no-proof",
    "rekor2-timestamp-outside-trust-root-tsa-validity_fail": "timestamp.authority-window",
    "rekor2-timestamp-outside-tsa-cert-validity_fail": "timestamp.certificate-validity",
    "rekor2-timestamp-untrusted-tsa-with-embedded-cert_fail": "timestamp.untrusted",
    "rekor2-timestamp-with-incorrect-time_fail": "certificate.outside-validity",
    "set-invalid-signature_fail": "tlog.set-signature",
    "signature-mismatch_fail": "signature.invalid",
    "wrong-hashedrekord-artifact_fail": "tlog.artifact-mismatch",
    "wrong-hashedrekord-entry_fail": "tlog.artifact-mismatch",
    "wrong-material_fail": "bundle.digest-mismatch",
}


def _artifact(case: str, by: str) -> str:
    own = SHARED / case / "artifact"
    path = own if own.exists() else SHARED / "a.txt"
    return str(path) if by == "path" else f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


def _verify(case: str, by: str) -> None:
    folder = SHARED / case
    root, key = folder / "trusted_root.json", folder / "key.pub"
    by_key = key.exists()
    verify(
        bundle=(folder / "bundle.sigstore.json").read_bytes(),
        root=root.read_bytes() if root.exists() else public_root(),
        file=_artifact(case, by),
        key=key.read_bytes() if by_key else None,
        identity=None if by_key else IDENTITY,
        issuer=None if by_key else ISSUER,
    )


def test_every_case_is_in_one_of_the_tables() -> None:
    assert {path.name for path in SHARED.iterdir() if path.is_dir()} == {*ACCEPTED, *REFUSED}
    assert all(name.endswith("_fail") for name in REFUSED)
    assert not any(name.endswith("_fail") for name in ACCEPTED)


@pytest.mark.parametrize("by", ["path", "digest"])
@pytest.mark.parametrize("case", ACCEPTED)
def test_accepts(case: str, by: str) -> None:
    _verify(case, by)


@pytest.mark.parametrize("by", ["path", "digest"])
@pytest.mark.parametrize("case", REFUSED)
def test_refuses_for_the_reason_stated(case: str, by: str) -> None:
    with pytest.raises(VxsecError) as caught:
        _verify(case, by)
    assert caught.value.code == REFUSED[case]
    assert caught.value.exit_status == 10


# -- through the client that the suite starts ---------------------------------------------------------------------------


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(CLIENT), *arguments], capture_output=True, text=True, check=False, timeout=60
    )


def _options(case: str) -> list[str]:
    root = SHARED / case / "trusted_root.json"
    chosen = ["--trusted-root", str(root)] if root.exists() else []
    return ["--bundle", str(SHARED / case / "bundle.sigstore.json"), *chosen]


KEYLESS = ("--certificate-identity", IDENTITY, "--certificate-oidc-issuer", ISSUER)
KEY = ("--key", str(SHARED / "managed-key-happy-path" / "key.pub"))
RUNS = {
    "keyless, by path": ("happy-path-v0.3", KEYLESS, "path", 0, ""),
    "keyless, by digest, own root": ("rekor2-happy-path", KEYLESS, "digest", 0, ""),
    "a key": ("managed-key-happy-path", KEY, "digest", 0, ""),
    "a broken signature": ("signature-mismatch_fail", KEYLESS, "path", 10, "signature.invalid"),
    "another identity": (
        "happy-path-v0.3",
        ("--certificate-identity", IDENTITY.replace("main", "dev"), "--certificate-oidc-issuer", ISSUER),
        "path",
        10,
        "identity.subject-mismatch",
    ),
    "another issuer": (
        "happy-path-v0.3",
        ("--certificate-identity", IDENTITY, "--certificate-oidc-issuer", "https://issuer.example.test"),
        "path",
        10,
        "identity.issuer-mismatch",
    ),
    "a key where a certificate signed": ("happy-path-v0.3", KEY, "path", 10, "signature.untrusted-key"),
    "a key and an identity": ("managed-key-happy-path", (*KEY, *KEYLESS), "path", 2, "usage.identity"),
    "neither": ("happy-path-v0.3", (), "path", 2, "usage.identity"),
}


@pytest.mark.parametrize(("case", "who", "by", "status", "code"), RUNS.values(), ids=RUNS.keys())
def test_the_client_answers_by_exit_status(case: str, who: tuple[str, ...], by: str, status: int, code: str) -> None:
    done = _run("verify-bundle", *_options(case), *who, _artifact(case, by))
    assert done.returncode == status, done.stderr
    assert done.stderr == "" if status == 0 else f"error[{code}]" in done.stderr


def test_the_client_uses_the_staging_root_where_told() -> None:
    case = "bundle-from-wrong-instance_fail"
    assert _run("verify-bundle", "--staging", *_options(case), *KEYLESS, _artifact(case, "path")).returncode == 0


@pytest.mark.parametrize("rekor", [1, 2])
@pytest.mark.parametrize("what", ["a file", "a statement"])
def test_the_client_signs_against_an_instance(tmp_path: Path, rekor: Literal[1, 2], what: str) -> None:
    content = STATEMENT if what == "a statement" else BLOB
    (tmp_path / "file").write_bytes(content)
    (tmp_path / "subject").write_bytes(BLOB)
    with SigstoreInstance() as instance:
        (tmp_path / "root.json").write_bytes(instance.trusted_root())
        (tmp_path / "config.json").write_bytes(instance.signing_config(rekor=rekor))
        token = instance.issuer.token(subject="someone@example.test")
        signing = ["sign-bundle", *(["--in-toto"] if what == "a statement" else []), "--identity-token", token]
        files = ["--bundle", str(tmp_path / "b.json"), "--trusted-root", str(tmp_path / "root.json")]
        done = _run(*signing, *files, "--signing-config", str(tmp_path / "config.json"), str(tmp_path / "file"))
        assert done.returncode == 0, done.stderr
        assert token not in done.stdout + done.stderr
        who = ["--certificate-identity", "someone@example.test", "--certificate-oidc-issuer", instance.issuer.url]
        verified = tmp_path / ("subject" if what == "a statement" else "file")
        assert _run("verify-bundle", *files, *who, str(verified)).returncode == 0
        other = ["--certificate-identity", "nobody@example.test", "--certificate-oidc-issuer", instance.issuer.url]
        assert _run("verify-bundle", *files, *other, str(verified)).returncode == 10


def test_the_client_needs_both_halves_of_an_instance(tmp_path: Path) -> None:
    (tmp_path / "root.json").write_bytes(b"{}")
    options = ["--bundle", str(tmp_path / "b"), "--trusted-root", str(tmp_path / "root.json")]
    done = _run("sign-bundle", "--identity-token", "x", *options, str(tmp_path / "root.json"))
    assert (done.returncode, "signing config" in done.stderr) == (2, True)


def test_the_client_runs_with_any_python() -> None:
    case = "happy-path-v0.1"
    line = [str(CLIENT), "verify-bundle", *_options(case), *KEYLESS, _artifact(case, "path")]
    assert subprocess.run(line, capture_output=True, check=False, timeout=60).returncode == 0
