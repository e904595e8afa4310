"""Keyless signing against a Sigstore instance on loopback: where the identity comes from, and that it never comes out."""

from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import sys
import time
import traceback
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import vxsec
from vxsec.errors import ConfigurationError, UndecidedError, UsageError, VerificationError
from vxsec.formats.certificate import read_certificate
from vxsec.formats.sigstore_bundle import read_bundle, read_bundle_lines
from vxsec.formats.trusted_root import read_trusted_root
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.attestation import Bundle
from vxsec.signing.keyless import KeylessSigner, open_keyless
from vxsec.testing.artifacts import pack
from vxsec.testing.loopback import LoopbackServer
from vxsec.testing.sigstore import SigstoreInstance

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vxsec.testing.loopback import LoggedRequest, Reply

REGISTRY = "https://registry.example.test/"
AMBIENT = ("GITHUB_", "ACTIONS_", "CI", "GITLAB", "SIGSTORE_", "BUILDKITE", "CIRCLE", "GOOGLE_")
PROGRAM = Path(sys.executable).with_name("vxsec")
EMAIL = "alice@example.test"
QUICK = replace(DEFAULT_LIMITS, keyless_seconds=1.0, keyless_browser_seconds=1.0)


@pytest.fixture
def instance() -> Iterator[SigstoreInstance]:
    with SigstoreInstance() as made:
        yield made


@pytest.fixture(autouse=True)
def _no_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(AMBIENT)]:
        monkeypatch.delenv(name)


@pytest.fixture
def config(instance: SigstoreInstance, tmp_path: Path) -> Path:
    path = tmp_path / "config.json"
    path.write_bytes(instance.client_trust_config())
    return path


def _tarballs(folder: Path, count: int = 1) -> list[Path]:
    paths = []
    for number in range(count):
        path = folder / f"kernel-1.0.{number}.tgz"
        path.write_bytes(pack({"name": "@acme/kernel", "version": f"1.0.{number}"}))
        paths.append(path)
    return paths


def _bundles(path: Path) -> list[Bundle]:
    found = read_bundle_lines(Path(f"{path}.sigstore.jsonl").read_bytes(), where=path.name)
    return [bundle for bundle in found if isinstance(bundle, Bundle)]


def _open(
    rest: str,
    instance: SigstoreInstance,
    *,
    files: Mapping[str, str] | None = None,
    environ: Mapping[str, str] | None = None,
    **more: Any,
) -> KeylessSigner:
    def read(path: str) -> bytes:
        return (files or {})[path].encode()

    config = more.pop("trust_config", None) or instance.client_trust_config()
    return open_keyless(rest, read_file=read, environ=(environ or {}).get, trust_config=config, **more)


# -- where the identity comes from --------------------------------------------------------------------------------------


def test_github_actions_gives_the_identity(
    instance: SigstoreInstance, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in instance.issuer.workflow_environment().items():
        monkeypatch.setenv(name, value)
    (path,) = _tarballs(tmp_path)
    (signed,) = vxsec.sign([path], signers=["keyless:ambient"], registry=REGISTRY, trust_config=config)
    assert signed.bundle == f"{path}.sigstore.jsonl"
    (bundle,) = _bundles(path)
    certificate = read_certificate(bundle.certificates[0], where="leaf")
    assert certificate.oidc_issuer == instance.issuer.url
    assert certificate.alternative_names[0].value.endswith(instance.issuer.workflow["job_workflow_ref"])
    (tmp_path / "root.json").write_bytes(instance.trusted_root())
    report = vxsec.verify(
        [path],
        identity=certificate.alternative_names[0].value,
        issuer=instance.issuer.url,
        trusted_roots=[tmp_path / "root.json"],
        unsafe_rehearsal=True,
    )
    assert report.exit_status == 0


@pytest.mark.parametrize("rest", ["", "ambient"])
def test_a_job_without_the_permission_is_told_so(
    instance: SigstoreInstance, monkeypatch: pytest.MonkeyPatch, rest: str
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    with pytest.raises(UsageError) as caught:
        _open(rest, instance)
    assert caught.value.code == "keyless.no-identity"
    assert "id-token: write" in str(caught.value.hint)


@pytest.mark.parametrize("how", ["another secret", "the issuer is down", "nobody listens"])
def test_a_ci_system_that_does_not_answer_is_undecided(
    instance: SigstoreInstance, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    environment = instance.issuer.workflow_environment()
    if how == "another secret":
        environment["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] = "guessed"
    elif how == "the issuer is down":
        instance.failing.add("issuer")
    else:
        environment["ACTIONS_ID_TOKEN_REQUEST_URL"] = f"http://127.0.0.1:{_closed_port()}/"
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UndecidedError) as caught:
        _open("ambient", instance)
    assert caught.value.code == "keyless.failed"
    assert environment["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] not in _all_text(caught.value)


def test_a_token_comes_from_a_file_or_a_variable(instance: SigstoreInstance) -> None:
    token = instance.issuer.token(subject=EMAIL)
    for signer in (
        _open("token:path/to/token", instance, files={"path/to/token": f"{token}\n"}),
        _open("env:TOKEN", instance, environ={"TOKEN": f" {token}\n"}),
    ):
        assert (signer.hint, signer.spki) == (EMAIL, None)
        assert repr(signer) == f"KeylessSigner({EMAIL})"


WRONG: dict[str, tuple[str, str]] = {
    "an empty variable": ("env:EMPTY", "signer.env-missing"),
    "a variable that is not set": ("env:OTHER", "signer.env-missing"),
    "a variable without a name": ("env:", "signer.unknown"),
    "a token without a file": ("token:", "signer.unknown"),
    "an unknown way": ("device", "signer.unknown"),
    "no token": ("env:NONSENSE", "keyless.token"),
    "an expired token": ("env:EXPIRED", "keyless.token"),
    "a token of bytes": ("env:BYTES", "keyless.token"),
    "a token for somebody else": ("env:OTHER_AUDIENCE", "keyless.token"),
}


@pytest.mark.parametrize(("rest", "code"), WRONG.values(), ids=WRONG.keys())
def test_what_is_no_identity_is_refused(instance: SigstoreInstance, rest: str, code: str) -> None:
    issuer = instance.issuer
    environ = {
        "EMPTY": "",
        "NONSENSE": "nonsense",
        "BYTES": "\udcff.\udcfe.\udcfd",
        "EXPIRED": issuer.token(lifetime=timedelta(seconds=-60)),
        "OTHER_AUDIENCE": issuer.token(audience="another"),
    }
    with pytest.raises(UsageError) as caught:
        _open(rest, instance, environ=environ)
    assert caught.value.code == code
    assert caught.value.hint
    assert not any(name == "fulcio" for name, _ in instance.requests)


# -- the browser --------------------------------------------------------------------------------------------------------

BROWSER = (
    "import sys, urllib.request; "
    "[print(urllib.request.urlopen(sys.argv[1], timeout=20).status, file=open(sys.argv[2], 'w'))]"
)


def test_a_person_logs_in_at_the_browser(instance: SigstoreInstance, config: Path, tmp_path: Path) -> None:
    (path,) = _tarballs(tmp_path)
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{BROWSER}" "$1" {tmp_path}/seen\n', encoding="utf-8")
    browser.chmod(0o755)
    done = _vxsec(
        "sign",
        path,
        "--blob",
        "--signer",
        "keyless:browser",
        "--trust-config",
        config,
        env={"BROWSER": f"{browser} %s"},
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "seen").read_text().strip() == "200"
    (bundle,) = _bundles(path)
    certificate = read_certificate(bundle.certificates[0], where="leaf")
    assert certificate.alternative_names[0].value == instance.issuer.person
    assert "eyJ" not in done.stdout + done.stderr


def test_without_a_browser_and_a_terminal_nobody_waits(
    instance: SigstoreInstance, config: Path, tmp_path: Path
) -> None:
    (path,) = _tarballs(tmp_path)
    (tmp_path / "bin").mkdir()
    env = {"PATH": str(tmp_path / "bin"), "TERM": "", "DISPLAY": "", "BROWSER": ""}
    done = _vxsec("sign", path, "--blob", "--signer", "keyless:browser", "--trust-config", config, env=env)
    assert done.returncode == 2
    assert "error[keyless.no-browser]" in done.stderr
    assert not instance.requests


def test_a_person_who_never_comes_is_not_waited_for(
    instance: SigstoreInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webbrowser.get", lambda: None)
    monkeypatch.setattr("webbrowser.open", lambda _: True)
    started = time.monotonic()
    with pytest.raises(UndecidedError) as caught:
        _open("browser", instance, limits=QUICK)
    assert caught.value.code == "keyless.timeout"
    assert time.monotonic() - started < 10


# -- one certificate for several files ----------------------------------------------------------------------------------


def test_several_files_are_signed_with_one_certificate(
    instance: SigstoreInstance, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", instance.issuer.token(subject=EMAIL))
    paths = _tarballs(tmp_path, 3)
    vxsec.sign(paths, signers=["keyless:env:TOKEN"], registry=REGISTRY, trust_config=config)
    bundles = [bundle for path in paths for bundle in _bundles(path)]
    assert len(bundles) == 3
    assert len({bundle.certificates for bundle in bundles}) == 1
    assert sum(name == "fulcio" and request.method == "POST" for name, request in instance.requests) == 1
    assert sum(name == "timestamp" for name, _ in instance.requests) == 3


# -- what is asked for beside -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rekor", [1, 2])
def test_a_timestamp_that_was_asked_for_must_be_there(
    instance: SigstoreInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rekor: int
) -> None:
    monkeypatch.setenv("TOKEN", instance.issuer.token(subject=EMAIL))
    (path,) = _tarballs(tmp_path)
    config = tmp_path / "config.json"

    def sign(**config_of: Any) -> None:
        config.write_bytes(instance.client_trust_config(rekor=rekor, **config_of))  # type: ignore[arg-type] # 1 or 2
        vxsec.sign(
            [path], signers=["keyless:env:TOKEN"], blob=True, trust_config=config, timestamp=True, log_entry=True
        )

    sign()
    with pytest.raises((VerificationError, UndecidedError)) as caught:
        sign(timestamps=False)
    assert caught.value.code == ("timestamp.too-few" if rekor == 1 else "keyless.failed")
    instance.failing.add("timestamp")
    with pytest.raises((VerificationError, UndecidedError)):
        sign()
    assert len(_bundles(path)) == 1


# -- an instance that does not answer -----------------------------------------------------------------------------------


@pytest.mark.parametrize("silent", ["fulcio", "rekor-v2", "timestamp"])
def test_a_service_that_never_answers_is_not_waited_for(instance: SigstoreInstance, silent: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        document = json.loads(instance.client_trust_config())
        name = {"fulcio": "caUrls", "rekor-v2": "rekorTlogUrls", "timestamp": "tsaUrls"}[silent]
        document["signingConfig"][name][0]["url"] = f"http://127.0.0.1:{listener.getsockname()[1]}"
        signer = _open(
            "env:TOKEN",
            instance,
            environ={"TOKEN": instance.issuer.token()},
            trust_config=json.dumps(document).encode(),
            limits=QUICK,
        )
        started = time.monotonic()
        with pytest.raises(UndecidedError) as caught:
            signer.bundle_blob(b"d" * 32)
    assert caught.value.code == "keyless.timeout"
    assert time.monotonic() - started < 5


def test_the_public_instance_that_cannot_be_reached_is_told_soon(instance: SigstoreInstance, tmp_path: Path) -> None:
    (path,) = _tarballs(tmp_path)
    (tmp_path / "token").write_text(instance.issuer.token(), encoding="ascii")
    proxy = f"http://127.0.0.1:{_closed_port()}"
    env = {"HTTPS_PROXY": proxy, "https_proxy": proxy, "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "data")}
    started = time.monotonic()
    done = _vxsec("sign", path, "--blob", "--signer", "keyless:token:token", env=env)
    assert done.returncode == 4
    assert "error[keyless.failed]" in done.stderr
    assert time.monotonic() - started < 30
    assert not Path(f"{path}.sigstore.jsonl").exists()


def test_without_a_config_the_public_instance_signs(
    instance: SigstoreInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its configuration comes from its TUF repository; here the loopback instance's stands in for that."""
    from sigstore.models import ClientTrustConfig

    public = ClientTrustConfig.from_json(instance.client_trust_config().decode())
    monkeypatch.setattr(ClientTrustConfig, "production", lambda: public)
    signer = KeylessSigner(instance.issuer.token(subject=EMAIL), trust_config=None)
    (root,) = read_trusted_root(signer.trusted_root, where="root")
    bundle = read_bundle(signer.bundle_blob(b"d" * 32), where="made")
    assert {entry.log_id for entry in bundle.log_entries} <= {log.log_id for log in root.logs}


PLAIN = ["caUrls", "oidcUrls", "rekorTlogUrls", "tsaUrls"]


@pytest.mark.parametrize("name", PLAIN)
def test_a_token_is_not_sent_over_plain_http(instance: SigstoreInstance, name: str) -> None:
    document = json.loads(instance.client_trust_config())
    document["signingConfig"][name][0]["url"] = "http://sigstore.example.test"
    with pytest.raises(ConfigurationError) as caught:
        _open(
            "env:TOKEN",
            instance,
            environ={"TOKEN": instance.issuer.token()},
            trust_config=json.dumps(document).encode(),
        )
    assert caught.value.code == "keyless.insecure-url"


@pytest.mark.parametrize("url", ["http://[::1", "ftp://127.0.0.1", "127.0.0.1:80"])
def test_a_url_that_is_none_is_not_used(instance: SigstoreInstance, url: str) -> None:
    document = json.loads(instance.client_trust_config())
    document["signingConfig"]["tsaUrls"][0]["url"] = url
    with pytest.raises(ConfigurationError) as caught:
        KeylessSigner(instance.issuer.token(), trust_config=json.dumps(document).encode())
    assert caught.value.code == "keyless.insecure-url"


@pytest.mark.parametrize("data", [b"{", b"{}", b'{"trustedRoot": {}}', b"\xff"])
def test_a_config_that_is_none_is_a_mistake_of_the_user(instance: SigstoreInstance, data: bytes) -> None:
    with pytest.raises(ConfigurationError) as caught:
        _open("env:TOKEN", instance, environ={"TOKEN": instance.issuer.token()}, trust_config=data)
    assert caught.value.code == "keyless.trust-config"


# -- the token never comes out ------------------------------------------------------------------------------------------


def _echo(request: LoggedRequest) -> Reply:
    """A service that repeats everything it was told."""
    said = " ".join([*request.headers.values(), request.body.decode("utf-8", "replace")])
    return 400, json.dumps({"code": 3, "message": said}).encode()


@pytest.mark.parametrize("kind", ["caUrls", "rekorTlogUrls"])
def test_a_service_that_repeats_what_it_was_told_is_not_repeated(
    instance: SigstoreInstance, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], kind: str
) -> None:
    token = instance.issuer.token(subject=EMAIL)
    server = LoopbackServer(_echo)
    document = json.loads(instance.client_trust_config())
    document["signingConfig"][kind][0]["url"] = f"http://127.0.0.1:{server.port}"
    signer = _open("env:TOKEN", instance, environ={"TOKEN": token}, trust_config=json.dumps(document).encode())
    try:
        with caplog.at_level(logging.DEBUG), pytest.raises(UndecidedError) as caught:
            signer.bundle_blob(b"d" * 32)
    finally:
        server.close()
    assert caught.value.code == "keyless.failed"
    captured = capfd.readouterr()
    _require_absent(token, _all_text(caught.value), caplog.text, captured.out, captured.err)


def test_the_token_is_in_no_log_when_everything_goes_well(
    instance: SigstoreInstance, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    token = instance.issuer.token(subject=EMAIL)
    with caplog.at_level(logging.DEBUG):
        signer = _open("env:TOKEN", instance, environ={"TOKEN": token})
        line = signer.bundle_blob(b"d" * 32)
    captured = capfd.readouterr()
    assert caplog.text
    _require_absent(token, caplog.text, captured.out, captured.err, line.decode(), repr(signer))
    assert read_bundle(line, where="made").certificates


@pytest.mark.parametrize("how", ["good", "fulcio", "rekor-v2", "timestamp", "expired", "malformed"])
def test_the_command_never_shows_the_token(instance: SigstoreInstance, config: Path, tmp_path: Path, how: str) -> None:
    (path,) = _tarballs(tmp_path)
    lifetime = timedelta(seconds=-60 if how == "expired" else 600)
    token = instance.issuer.token(subject=EMAIL, lifetime=lifetime)
    if how == "malformed":
        token = token.replace(".", "!")
    elif how not in {"good", "expired"}:
        instance.failing.add(how)  # type: ignore[arg-type] # the name of a service
    (tmp_path / "token").write_text(token, encoding="ascii")
    done = _vxsec(
        "sign", path, "--blob", "--verbose", "--signer", "keyless:token:token", "--trust-config", config, cwd=tmp_path
    )
    assert (done.returncode == 0) == (how == "good")
    assert "Traceback" not in done.stderr
    _require_absent(token, done.stdout, done.stderr)


def _require_absent(token: str, *texts: str) -> None:
    """Neither the token nor any part of it that would be of use."""
    parts = [part for part in token.replace("!", ".").split(".")[1:] if part]
    for text in texts:
        for part in parts:
            assert part[:40] not in text


def _all_text(error: BaseException) -> str:
    return "".join([str(error), repr(error), *traceback.format_exception(error)])


def _closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _vxsec(
    *arguments: object, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    folder = cwd or Path(str(arguments[1])).parent
    return subprocess.run(
        [str(PROGRAM), *map(str, arguments)],
        cwd=folder,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )
