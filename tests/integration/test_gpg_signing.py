"""Signing with a real gpg: what it makes is what others accept, and nothing else is let out."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.gpg_kit import DATA, NOW, PASSPHRASE, GpgHome, gpg_home, has_gpg
from vxsec.errors import ConfigurationError, UndecidedError, UsageError, VerificationError
from vxsec.formats.openpgp_packet import read_detached_signature
from vxsec.formats.sigstore_bundle import read_bundle
from vxsec.host.clock import utc_now
from vxsec.host.gnupg import run_gpg
from vxsec.model.attestation import INTOTO_PAYLOAD_TYPE, Envelope, pae
from vxsec.signing.gpg import GpgSigner
from vxsec.signing.signer import DigestSigner, FileSigner, sign_statement
from vxsec.verification.openpgp import verify_openpgp

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(not has_gpg(), reason="needs gpg")


@pytest.fixture(scope="module")
def keys() -> Iterator[dict[str, str]]:
    """A home with keys of every kind; ``home`` is its folder."""
    with gpg_home() as home:
        made = {"home": str(home.folder), "alice": home.make("alice")}
        for algorithm in ("rsa3072", "nistp256", "nistp384", "nistp521"):
            made[algorithm] = home.make(f"key-{algorithm}", algorithm)
        made["subkey"] = home.add_subkey(made["nistp256"], "ed25519")
        made["only-certifies"] = home.make("only-certifies", usage="cert")
        made["locked"] = home.make("locked", passphrase=PASSPHRASE)
        made["expired"] = home.make("expired", expire="10d")
        home.gpg("--import", data=_public_of_another())
        made["public-only"] = home.fingerprints("=public <public@example.test>")[0]
        yield made


def _public_of_another() -> bytes:
    with gpg_home() as other:
        return other.export(other.make("public"))


@pytest.fixture
def configured(keys: dict[str, str]) -> Iterator[Path]:
    """The home's gpg.conf, to be written by a test."""
    file = Path(keys["home"]) / "gpg.conf"
    yield file
    file.unlink(missing_ok=True)


def signer(keys: dict[str, str], name: str, **given: str) -> GpgSigner:
    return GpgSigner(keys[name], home=keys["home"], **given)


@pytest.mark.parametrize("name", ["alice", "rsa3072", "nistp256", "nistp384", "nistp521"])
def test_what_is_signed_verifies_here_and_in_plain_gpg(keys: dict[str, str], name: str, tmp_path: Path) -> None:
    ours = signer(keys, name)
    assert isinstance(ours, FileSigner)
    assert not isinstance(ours, DigestSigner)
    assert (ours.spki, ours.hint) == (f"openpgp:{keys[name]}".encode(), f"openpgp:{keys[name]}")
    assert (ours.algorithm, ours.suffix, repr(ours)) == ("openpgp", ".asc", f"GpgSigner({keys[name]})")
    made = ours.sign_file(DATA)
    assert made.startswith(b"-----BEGIN PGP SIGNATURE-----")
    for signature in (made, ours.sign(DATA)):
        verdict = verify_openpgp(
            signature, DATA, certificates=ours.certificate, allowed=[keys[name]], run=run_gpg, now=utc_now()
        )
        assert (verdict.fingerprint, verdict.hash_algorithm) == (keys[name], "SHA512")
    (tmp_path / "f").write_bytes(DATA)
    (tmp_path / "f.asc").write_bytes(made)
    done = GpgHome(Path(keys["home"])).gpg("--status-fd", "1", "--verify", str(tmp_path / "f.asc"), str(tmp_path / "f"))
    assert b"GOODSIG" in done.stdout


def test_a_statement_is_signed_over_its_pre_authentication_encoding(keys: dict[str, str]) -> None:
    ours = signer(keys, "alice")
    payload = b'{"_type":"https://in-toto.io/Statement/v1"}'
    bundle = read_bundle(sign_statement(ours, payload), where="made here")
    assert bundle.key_hint == ours.hint
    assert isinstance(bundle.content, Envelope)
    verify_openpgp(
        bundle.content.signatures[0].sig,
        pae(INTOTO_PAYLOAD_TYPE, payload),
        certificates=ours.certificate,
        allowed=[keys["alice"]],
        run=run_gpg,
        now=utc_now(),
    )


def test_a_subkey_that_is_named_signs_and_its_primary_key_counts(keys: dict[str, str]) -> None:
    ours = signer(keys, "subkey")
    assert ours.hint == f"openpgp:{keys['nistp256']}"
    assert read_detached_signature(ours.sign(DATA), where="s").issuer_fingerprint == keys["subkey"]


def test_an_empty_file_and_a_large_one_are_signed(keys: dict[str, str]) -> None:
    ours = signer(keys, "alice")
    for data in (b"", bytes(5_000_000)):
        assert read_detached_signature(ours.sign_file(data), where="s").issuer_fingerprint == keys["alice"]


@pytest.mark.parametrize(
    "written",
    [
        pytest.param("alice@example.test", id="an address"),
        pytest.param("ABCD1234", id="a short id"),
        pytest.param("0xABCD1234ABCD1234", id="a long id"),
        pytest.param("", id="nothing"),
        pytest.param("--output=/etc/passwd", id="an option"),
        pytest.param("A" * 39 + "\n", id="a line end"),
    ],
)
def test_only_a_whole_fingerprint_names_a_key(keys: dict[str, str], written: str) -> None:
    with pytest.raises(UsageError) as caught:
        GpgSigner(written, home=keys["home"])
    assert caught.value.code == "signer.gpg-fingerprint"
    assert "gpg --list-secret-keys" in str(caught.value.hint)


@pytest.mark.parametrize("name", [pytest.param("public-only", id="only public"), pytest.param(None, id="unknown")])
def test_a_key_that_gpg_cannot_sign_with_is_refused_at_once(keys: dict[str, str], name: str | None) -> None:
    with pytest.raises(ConfigurationError) as caught:
        GpgSigner(keys[name] if name else "A" * 40, home=keys["home"])
    assert caught.value.code == "gnupg.no-secret-key"


@pytest.mark.parametrize(
    ("name", "given"),
    [
        pytest.param("only-certifies", {}, id="a key that only certifies"),
        pytest.param("expired", {}, id="an expired key"),
        pytest.param("locked", {"passphrase": "wrong"}, id="a wrong passphrase"),
        pytest.param("locked", {"passphrase": "two\nlines"}, id="a passphrase of two lines"),
    ],
)
def test_a_signature_that_gpg_does_not_make_is_undecided(
    keys: dict[str, str], name: str, given: dict[str, str]
) -> None:
    with pytest.raises(UndecidedError) as caught:
        signer(keys, name, **given).sign(DATA)
    assert (caught.value.code, caught.value.exit_status) == ("gnupg.sign-failed", 4)
    assert not any(secret in str(caught.value) for secret in given.values())


def test_a_passphrase_goes_through_a_pipe_and_never_into_an_argument(
    keys: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpg = GpgHome(Path(keys["home"]))
    real = subprocess.run(["sh", "-c", "command -v gpg"], capture_output=True, text=True, check=True).stdout.strip()
    (tmp_path / "gpg").write_text(
        f'#!/bin/sh\necho "$@" >> {tmp_path}/argv\nenv >> {tmp_path}/argv\nexec {real} "$@"\n'
    )
    (tmp_path / "gpg").chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    subprocess.run(["gpgconf", "--homedir", keys["home"], "--kill", "gpg-agent"], check=False)
    ours = signer(keys, "locked", passphrase=PASSPHRASE)
    assert ours.sign(DATA)
    text = (tmp_path / "argv").read_text()
    assert "--passphrase-fd" in text
    assert PASSPHRASE not in text
    assert PASSPHRASE not in repr(ours)
    assert gpg.folder.is_dir()


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("textmode", id="text mode"),
        pytest.param("local-user {rsa3072}", id="another signer beside it"),
        pytest.param("sig-notation !x@example.test=y", id="a critical notation"),
    ],
)
def test_what_gpg_conf_adds_is_noticed_before_anyone_gets_it(keys: dict[str, str], configured: Path, line: str) -> None:
    ours = signer(keys, "alice")
    configured.write_text(line.format(**keys) + "\n")
    with pytest.raises(VerificationError) as caught:
        ours.sign_file(DATA)
    assert caught.value.code == "gnupg.self-check"


def test_a_weak_digest_in_gpg_conf_does_not_count(keys: dict[str, str], configured: Path) -> None:
    configured.write_text("digest-algo SHA1\npersonal-digest-preferences SHA1\n")
    assert read_detached_signature(signer(keys, "alice").sign(DATA), where="s").hash_algorithm == "SHA512"


def test_without_gpg_signing_is_undecided(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UndecidedError) as caught:
        GpgSigner("A" * 40)
    assert (caught.value.code, caught.value.exit_status) == ("gnupg.missing", 4)


@pytest.mark.parametrize(
    "script",
    [
        pytest.param("exit 2", id="fails"),
        pytest.param("echo nonsense", id="says nonsense"),
        pytest.param("#", id="is silent"),
    ],
)
def test_a_gpg_that_is_none_is_undecided(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    (tmp_path / "gpg").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "gpg").chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/bin")
    with pytest.raises(UndecidedError) as caught:
        GpgSigner("A" * 40)
    assert caught.value.code == "gnupg.sign-failed"


def test_the_keys_here_are_of_now(keys: dict[str, str]) -> None:
    made = read_detached_signature(signer(keys, "alice").sign(DATA), where="s").created_at
    assert (made - NOW).total_seconds() < 3600
