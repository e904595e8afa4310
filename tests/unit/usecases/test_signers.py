"""What signers make is verified before anybody gets it, and options that nothing would use are refused."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from support.signing_kit import NOW, signer
from support.ssh_kit import SK_ED25519, make, signed_by
from support.witness_kit import OLD_LOG, TILES, Web
from vxsec.errors import ConfigurationError, UsageError, VerificationError
from vxsec.formats.sigstore_bundle import read_bundle, render_dsse_bundle
from vxsec.formats.sshsig import dearmor_sshsig
from vxsec.formats.statement import build_statement
from vxsec.model.attestation import INTOTO_PAYLOAD_TYPE, Subject
from vxsec.model.verification import Requirements
from vxsec.signing.ssh import SshSigner
from vxsec.signing.witness import WitnessedSigner
from vxsec.usecases import signers as under_test
from vxsec.usecases.signers import blob_checked, file_checked, open_signers, sign_checked
from vxsec.verification.sshsig import verify_sshsig

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from vxsec.testing.loopback import Reply

SHA256 = hashlib.sha256(b"a file").hexdigest()
PAYLOAD = build_statement(
    subjects=[Subject(name="a", digest={"sha256": SHA256})], predicate_type="https://example.test/type", predicate={}
)


# -- keys ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["ecdsa-p256", "ecdsa-p384", "ed25519", "rsa-3072"])
def test_what_a_key_signs_is_given_on(algorithm: str) -> None:
    key = signer("checked", algorithm)
    assert read_bundle(sign_checked(key, PAYLOAD), where="made").key_hint == key.hint
    if algorithm != "ed25519":
        assert read_bundle(blob_checked(key, SHA256), where="made").key_hint == key.hint


class _Broken:
    """A key that signs other bytes than it is given."""

    signs_digests = True

    def __init__(self) -> None:
        self._key = signer("broken")
        self.spki, self.hint, self.algorithm = self._key.spki, self._key.hint, self._key.algorithm

    def sign(self, data: bytes) -> bytes:
        return self._key.sign(data + b"!")

    def sign_digest(self, sha256: bytes) -> bytes:
        return self._key.sign_digest(hashlib.sha256(sha256).digest())


@pytest.mark.parametrize("what", ["statement", "blob"])
def test_what_does_not_verify_is_not_given_on(what: str) -> None:
    broken = _Broken()
    with pytest.raises(VerificationError, match="nothing was stored") as caught:
        sign_checked(broken, PAYLOAD) if what == "statement" else blob_checked(broken, SHA256)
    assert caught.value.code == "signature.invalid"


# -- SSH ----------------------------------------------------------------------------------------------------------------


def _ssh(make_blob: Callable[[bytes], bytes], kind: str = "ssh-ed25519", *, asks: bool = False) -> SshSigner:
    return SshSigner(make(kind).public, make_blob, asks=asks)


@pytest.mark.parametrize("kind", ["ssh-ed25519", SK_ED25519])
def test_what_an_agent_signs_is_given_on(kind: str) -> None:
    honest = _ssh(lambda data: signed_by(make(kind), data), kind)
    assert read_bundle(sign_checked(honest, PAYLOAD), where="made").key_hint == honest.hint
    armored = file_checked(honest, b"a file")
    verify_sshsig(dearmor_sshsig(armored, where="made"), b"a file", key=make(kind).public)


@pytest.mark.parametrize("kind", ["ssh-ed25519", SK_ED25519])
@pytest.mark.parametrize("what", ["statement", "file"])
def test_an_agent_that_signs_something_else_is_caught(kind: str, what: str) -> None:
    lying = _ssh(lambda data: signed_by(make(kind), data + b"!"), kind)
    with pytest.raises(VerificationError, match="nothing was stored") as caught:
        sign_checked(lying, PAYLOAD) if what == "statement" else file_checked(lying, b"a file")
    assert caught.value.code == "sshsig.invalid"


def test_whoever_has_to_touch_a_key_is_told_each_time() -> None:
    told: list[str] = []
    key = make(SK_ED25519)
    asking = _ssh(lambda data: signed_by(key, data), SK_ED25519, asks=True)
    sign_checked(asking, PAYLOAD, progress=told.append)
    file_checked(asking, b"a file", progress=told.append)
    assert told == [f"touch your key {key.public.fingerprint} to sign"] * 2
    sign_checked(_ssh(lambda data: signed_by(key, data), SK_ED25519), PAYLOAD, progress=told.append)
    sign_checked(signer("checked"), PAYLOAD, progress=told.append)
    assert len(told) == 2
    sign_checked(asking, PAYLOAD)  # nobody listens


def test_a_signer_that_nothing_can_check_is_a_defect() -> None:
    class Unknown(_Broken):
        suffix = ".unknown"

        def sign_file(self, data: bytes) -> bytes:
            return self.sign(data)

    with pytest.raises(TypeError, match="cannot be checked"):
        sign_checked(Unknown(), PAYLOAD)


# -- witnesses ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Web:
    """What every connection reaches; the clock says when it was started."""
    made = Web()
    monkeypatch.setattr("vxsec.usecases.connections.open_http", lambda: made)
    monkeypatch.setattr("vxsec.host.clock.utc_now", lambda: NOW)
    monkeypatch.setattr(under_test, "utc_now", lambda: NOW)
    return made


def _config(folder: Path, data: bytes) -> Path:
    path = folder / "config.json"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("logs", [((OLD_LOG, 1),), ((TILES, 2),)])
def test_a_key_with_witnesses_is_given_on(
    web: Web, keys: Path, tmp_path: Path, logs: tuple[tuple[str, int], ...]
) -> None:
    config = _config(tmp_path, web.document(logs=logs))
    (opened,) = open_signers(
        [f"file:{keys}/ci.pem"], password=None, trust_config=config, timestamp=True, log_entry=True
    )
    assert isinstance(opened, WitnessedSigner)
    for line in (sign_checked(opened, PAYLOAD), blob_checked(opened, SHA256)):
        bundle = read_bundle(line, where="made")
        assert (len(bundle.log_entries), len(bundle.timestamps)) == (1, 1)


def test_a_witness_that_lies_is_not_given_on(web: Web, keys: Path, tmp_path: Path) -> None:
    def turned(reply: Reply) -> Reply:
        return reply[0], reply[1][:-1] + bytes([reply[1][-1] ^ 1])

    config = _config(tmp_path, web.document())
    (opened,) = open_signers([f"file:{keys}/ci.pem"], password=None, trust_config=config, timestamp=True)
    web.edit = turned
    with pytest.raises(VerificationError, match="the Sigstore instance made does not verify") as caught:
        sign_checked(opened, PAYLOAD)
    assert caught.value.code == "timestamp.signature"


class _Forgetful:
    """A signer of bundles that leaves out what was asked for."""

    def __init__(self, web: Web) -> None:
        self._key = signer("forgetful")
        self.spki, self.hint = self._key.spki, self._key.hint
        self.trusted_root = web.config().trusted_root
        self.asked = Requirements(timestamps=1)

    def bundle_statement(self, payload: bytes) -> bytes:
        from vxsec.model.attestation import pae

        return render_dsse_bundle(
            INTOTO_PAYLOAD_TYPE, payload, self._key.sign(pae(INTOTO_PAYLOAD_TYPE, payload)), self.hint
        )

    def bundle_blob(self, sha256: bytes) -> bytes:
        raise AssertionError(sha256)


def test_a_missing_witness_is_not_given_on(web: Web) -> None:
    with pytest.raises(VerificationError) as caught:
        sign_checked(_Forgetful(web), PAYLOAD)
    assert caught.value.code == "timestamp.too-few"


OPTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "an instance that nothing uses": ({"trust_config": True}, "usage.options"),
    "a timestamp from nowhere": ({"timestamp": True}, "witness.no-instance"),
    "a log entry from nowhere": ({"log_entry": True}, "witness.no-instance"),
}


@pytest.mark.parametrize(("given", "code"), OPTIONS.values(), ids=OPTIONS.keys())
def test_options_that_make_no_sense(web: Web, keys: Path, tmp_path: Path, given: dict[str, Any], code: str) -> None:
    if given.pop("trust_config", False):
        given["trust_config"] = _config(tmp_path, web.document())
    with pytest.raises(UsageError) as caught:
        open_signers([f"file:{keys}/ci.pem"], password=None, **given)
    assert caught.value.code == code
    assert caught.value.hint


@pytest.mark.parametrize("uri", ["gpg:" + "A" * 40, "ssh:agent", "ssh:id_ed25519"])
def test_signatures_that_others_read_in_files_of_their_own_have_no_witnesses(
    web: Web, tmp_path: Path, uri: str
) -> None:
    with pytest.raises(UsageError) as caught:
        open_signers([uri], password=None, trust_config=_config(tmp_path, web.document()), timestamp=True)
    assert caught.value.code == "witness.signer"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"{", "trust-config.malformed"),
        (b'{"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1"}', "trust-config.media-type"),
    ],
)
def test_a_config_that_is_none_is_a_mistake_of_the_user(
    web: Web, keys: Path, tmp_path: Path, data: bytes, code: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        open_signers([f"file:{keys}/ci.pem"], password=None, trust_config=_config(tmp_path, data), timestamp=True)
    assert caught.value.code == code
    assert not web.sent


def test_a_trusted_root_that_cannot_be_read_is_told_before_anything_is_signed(
    web: Web, keys: Path, tmp_path: Path
) -> None:
    config = _config(tmp_path, web.document(root={"mediaType": "nonsense"}))
    with pytest.raises(ConfigurationError) as caught:
        open_signers([f"file:{keys}/ci.pem"], password=None, trust_config=config, timestamp=True)
    assert caught.value.code == "trusted-root.media-type"
    assert not web.sent
