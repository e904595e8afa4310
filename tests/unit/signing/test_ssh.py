"""SSH signers over files: what they sign verifies, and what cannot sign says why. Agents are in the integration tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from support.ssh_kit import (
    ORDINARY,
    SK_ED25519,
    blob_of,
    hardware_file,
    make,
    private_body,
    private_file,
    public_line,
    signed_by,
)
from vxsec.errors import ConfigurationError, UndecidedError, UsageError, VxsecError
from vxsec.formats.sigstore_bundle import read_bundle
from vxsec.model.attestation import Envelope, pae
from vxsec.signing.inputs import SignerInputs
from vxsec.signing.signer import DigestSigner, FileSigner, sign_blob, sign_statement
from vxsec.signing.ssh import SshSigner, open_ssh
from vxsec.signing.ssh_file import open_private_key
from vxsec.verification.sshsig import verify_sshsig

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DATA = b"some bytes"
ED = make("ssh-ed25519")


def _open(files: Mapping[str, bytes], name: str = "k", password: bytes | None = None) -> SshSigner:
    def read(path: str) -> bytes:
        if path not in files:
            raise UsageError("no such file", code="file.missing", where=path)
        return files[path]

    def ask() -> bytes:
        assert password is not None, "no password is needed"
        return password

    return open_ssh(name, SignerInputs(read_file=read, environ=lambda _: None, password=ask))


def _refused(
    expected: type[VxsecError], files: Mapping[str, bytes], name: str = "k", password: bytes = b""
) -> VxsecError:
    with pytest.raises(expected) as caught:
        _open(files, name, password)
    return caught.value


@pytest.mark.parametrize("kind", ORDINARY)
def test_the_signer_contract(kind: str) -> None:
    key = make(kind)
    signer = _open({"k": private_file(key)})
    assert (signer.algorithm, signer.spki, signer.hint) == (kind, key.public.identity, key.public.hint)
    assert signer.key == key.public
    assert isinstance(signer, FileSigner)
    assert not isinstance(signer, DigestSigner)
    assert not signer.needs_touch
    assert signer.suffix == ".sshsig"
    verify_sshsig(signer.sign(DATA), DATA, key=key.public)
    verify_sshsig(signer.sign_file(DATA), DATA, key=key.public)
    assert signer.sign_file(DATA).startswith(b"-----BEGIN SSH SIGNATURE-----\n")
    assert key.public.fingerprint in repr(signer)


def test_a_statement_is_signed_over_its_pre_authentication_encoding() -> None:
    signer = _open({"k": private_file(ED)})
    bundle = read_bundle(sign_statement(signer, b"{}"), where="b")
    assert bundle.key_hint == ED.public.hint
    assert isinstance(bundle.content, Envelope)
    verify_sshsig(bundle.content.signatures[0].sig, pae("application/vnd.in-toto+json", b"{}"), key=ED.public)


def test_a_bare_blob_is_not_signed_by_its_digest() -> None:
    with pytest.raises(UsageError) as caught:
        sign_blob(_open({"k": private_file(ED)}), sha256=bytes(32))
    assert caught.value.code == "signer.blob-unsupported"


def _secret(name: str) -> bytes:
    """The private part of another key's file, behind our public key."""
    import base64

    body = base64.b64decode(b"".join(private_file(make("ssh-ed25519", name)).split(b"\n")[1:-2]))
    at = body.index(blob_of(make("ssh-ed25519", name)))
    length = len(blob_of(ED))
    return body[at + length + 4 :]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(b"", "key.malformed", id="nothing"),
        pytest.param(b"junk", "key.malformed", id="junk"),
        pytest.param(private_body(blob_of(ED)), "key.malformed", id="a head without its key"),
        pytest.param(
            private_body(blob_of(ED), secret=_secret("other")), "key.malformed", id="another key behind the head"
        ),
        pytest.param(private_file(make("ssh-rsa", "small", 1024)), "key.unsupported", id="RSA of 1024 bits"),
        pytest.param(b"-----BEGIN PRIVATE KEY-----\nAA\n-----END PRIVATE KEY-----\n", "key.malformed", id="PKCS#8"),
        pytest.param(b"ssh-dss AAAAB3NzaC1kc3M=", "key.unsupported", id="a DSA key's .pub file"),
        pytest.param(
            b"ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29t",
            "key.ssh-certificate",
            id="a certificate",
        ),
    ],
)
def test_a_file_that_holds_no_usable_key_is_refused(data: bytes, code: str) -> None:
    assert _refused(ConfigurationError, {"k": data}).code == code


def test_a_missing_file_is_named_and_not_its_pub_file() -> None:
    for name in ("k", "k.pub"):
        error = _refused(UsageError, {}, name)
        assert (error.code, error.where) == ("file.missing", name)


def test_an_encrypted_file_is_asked_for_its_password_once_and_only_then() -> None:
    pytest.importorskip("bcrypt", reason="the distribution bcrypt is not installed")
    data = ED.private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, BestAvailableEncryption(b"pw"))
    verify_sshsig(_open({"k": data}, password=b"pw").sign(DATA), DATA, key=ED.public)
    assert _refused(ConfigurationError, {"k": data}, password=b"wrong").code == "key.wrong-password"


def test_without_an_agent_a_pub_file_cannot_sign() -> None:
    error = _refused(UndecidedError, {"k.pub": public_line(ED).encode()})
    assert error.code == "ssh-agent.not-running"


def test_another_key_than_the_head_names_is_refused() -> None:
    """The library compares both as well; this holds if it ever stops."""
    with pytest.raises(ConfigurationError) as caught:
        open_private_key(private_file(ED), None, key=make("ssh-ed25519", "other").public, where="k")
    assert caught.value.code == "key.malformed"


def test_a_hardware_keys_handle_is_no_private_key() -> None:
    with pytest.raises(ConfigurationError) as caught:
        open_private_key(hardware_file(make(SK_ED25519)), None, key=make(SK_ED25519).public, where="k")
    assert caught.value.code in {"key.unsupported", "key.malformed"}


def _signer(make_blob: Callable[[bytes], bytes], kind: str = "ssh-ed25519") -> SshSigner:
    return SshSigner(make(kind).public, make_blob)


@pytest.mark.parametrize(
    "make_blob",
    [
        pytest.param(lambda _: b"", id="nothing"),
        pytest.param(lambda _: b"SSHSIG junk", id="junk"),
        pytest.param(lambda data: signed_by(make("ssh-ed25519", "other"), data), id="another key's signature"),
    ],
)
def test_what_is_no_signature_by_the_key_never_leaves_the_signer(make_blob: Callable[[bytes], bytes]) -> None:
    with pytest.raises(UndecidedError) as caught:
        _signer(make_blob).sign(DATA)
    assert caught.value.code == "ssh-agent.broken"


def test_hardware_that_signs_untouched_is_refused_when_it_signs() -> None:
    key = make(SK_ED25519)
    with pytest.raises(ConfigurationError) as caught:
        _signer(lambda data: signed_by(key, data, flags=0), SK_ED25519).sign(DATA)
    assert caught.value.code == "sshsig.user-presence"
