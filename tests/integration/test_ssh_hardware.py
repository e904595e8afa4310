"""Hardware keys, emulated behind a real socket and behind a program called ssh-keygen, and agents that misbehave."""

from __future__ import annotations

import json
import os
import shutil
import struct
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from support.ssh_agent import HardwareAgent, framed, serving
from support.ssh_kit import SK_ECDSA, SK_ED25519, armored, hardware_file, make, private_file, public_line, signed_by
from vxsec.errors import ConfigurationError, UndecidedError
from vxsec.host.files import read_bounded
from vxsec.host.ssh_agent import ask_agent
from vxsec.limits import DEFAULT_LIMITS
from vxsec.signing.inputs import SignerInputs
from vxsec.signing.ssh import open_ssh
from vxsec.signing.ssh_agent import agent_keys, agent_sign
from vxsec.signing.ssh_file import sign_by_keygen
from vxsec.verification.sshsig import verify_sshsig

if TYPE_CHECKING:
    from pathlib import Path

    from vxsec.signing.ssh import SshSigner

MESSAGE = b"DSSEv1 28 application/vnd.in-toto+json 2 {}"
HARDWARE = (SK_ED25519, SK_ECDSA)
IMPATIENT = replace(DEFAULT_LIMITS, ssh_agent_seconds=0.2, ssh_touch_seconds=0.2)


def _no_password() -> bytes:
    raise AssertionError("no password is needed")


def _open(uri: str, **environ: str) -> SshSigner:
    inputs = SignerInputs(
        read_file=lambda path: read_bounded(path, max_bytes=1 << 20), environ=environ.get, password=_no_password
    )
    return open_ssh(uri, inputs)


# -- through an agent --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", HARDWARE)
def test_a_touch_signs_through_the_agent(kind: str, tmp_path: Path) -> None:
    key = make(kind)
    (tmp_path / "id_sk").write_bytes(hardware_file(key))
    (tmp_path / "id_sk.pub").write_text(public_line(key))
    hardware = HardwareAgent((make("ssh-ed25519"), key))
    with serving(hardware) as path:
        for uri in (f"agent:{key.public.fingerprint}", str(tmp_path / "id_sk"), str(tmp_path / "id_sk.pub")):
            signer = _open(uri, SSH_AUTH_SOCK=path)
            assert signer.needs_touch
            assert signer.spki == b"ssh:" + key.public.blob
            facts = verify_sshsig(signer.sign(MESSAGE), MESSAGE, key=key.public)
            assert (facts.user_present, facts.counter) == (True, hardware.counter)
    assert all(data.startswith(b"SSHSIG") for data in hardware.seen)


def test_nobody_touches() -> None:
    with serving(HardwareAgent((make(SK_ED25519),), touched=False)) as path:
        signer = _open("agent", SSH_AUTH_SOCK=path)
        with pytest.raises(UndecidedError) as caught:
            signer.sign(MESSAGE)
    assert caught.value.code == "ssh-agent.refused"
    assert "touch" in (caught.value.hint or "")


def test_a_key_made_to_sign_untouched_is_refused() -> None:
    with serving(HardwareAgent((make(SK_ED25519),), flags=0)) as path:
        signer = _open("agent", SSH_AUTH_SOCK=path)
        with pytest.raises(ConfigurationError) as caught:
            signer.sign(MESSAGE)
    assert caught.value.code == "sshsig.user-presence"


def test_an_agent_that_signs_with_another_key_is_caught() -> None:
    """It signs, but what it signs does not verify: whoever verifies sees that, whatever the agent says."""
    honest, other = make("ssh-ed25519"), HardwareAgent((make("ssh-ed25519", "other"),))

    def answer(message: bytes) -> bytes:
        if message == b"\x0b":
            return HardwareAgent((honest,))(message)
        return other(message.replace(honest.public.blob, other.keys[0].public.blob))

    with serving(answer) as path:
        signature = _open("agent", SSH_AUTH_SOCK=path).sign(MESSAGE)
    with pytest.raises(Exception, match="does not verify"):
        verify_sshsig(signature, MESSAGE, key=honest.public)


# -- agents that misbehave ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        pytest.param(b"", "ssh-agent.broken", id="it hangs up"),
        pytest.param(b"\0\0", "ssh-agent.broken", id="it hangs up in the middle of a length"),
        pytest.param(b"\0\0\0\5\x0c\0", "ssh-agent.broken", id="it hangs up in the middle of an answer"),
        pytest.param(struct.pack(">I", 0), "ssh-agent.broken", id="an answer of no bytes"),
        pytest.param(struct.pack(">I", 262_145), "ssh-agent.broken", id="an answer that is too large"),
        pytest.param(b"HTTP/1.1 400 Bad Request\r\n\r\n", "ssh-agent.broken", id="another kind of server"),
        pytest.param(framed(b"\x06"), "ssh-agent.broken", id="an answer to another question"),
        pytest.param(framed(b"\x0c\xff\xff\xff\xff"), "ssh-agent.broken", id="more keys than there are"),
        pytest.param(framed(b"\x0e\0\0\0\xff"), "ssh-agent.broken", id="a signature beyond the end"),
        pytest.param(framed(b"\x05"), "ssh-agent.refused", id="no"),
        pytest.param(None, "ssh-agent.timeout", id="silence"),
        pytest.param(b"\0\0\1\0" + b"\x0c" * 9, "ssh-agent.broken", id="an answer that ends early"),
    ],
)
def test_an_agent_that_misbehaves_is_an_error_with_its_reason(answer: bytes | None, code: str) -> None:
    key = make("ssh-ed25519").public
    with serving(lambda _: answer) as path:
        environ = {"SSH_AUTH_SOCK": path}.get
        for ask in (
            lambda: agent_keys(environ, limits=IMPATIENT),
            lambda: agent_sign(key, b"data", environ, limits=IMPATIENT),
        ):
            with pytest.raises(UndecidedError) as caught:
                ask()
            assert caught.value.code == code
            assert caught.value.hint


def test_an_agent_that_sends_a_byte_now_and_then_is_given_up() -> None:
    with serving(lambda _: b"\0") as path, pytest.raises(UndecidedError):
        ask_agent(path, b"\x0b", timeout=0.0)


def test_an_agent_that_hangs_up_without_listening_is_an_error() -> None:
    with serving(lambda _: b"", listens=False) as path, pytest.raises(UndecidedError) as caught:
        ask_agent(path, bytes(262_144), timeout=5)
    assert caught.value.code == "ssh-agent.broken"


def test_a_question_that_is_too_large_is_not_asked() -> None:
    with pytest.raises(UndecidedError) as caught:
        ask_agent("/nowhere", bytes(262_145), timeout=1)
    assert caught.value.code == "ssh-agent.broken"


@pytest.mark.parametrize("path", ["/" + "x" * 200, "nul\0", "/etc/passwd", "/nowhere/s"])
def test_a_path_that_is_no_socket_is_no_agent(path: str) -> None:
    with pytest.raises(UndecidedError) as caught:
        ask_agent(path, b"\x0b", timeout=1)
    assert caught.value.code == "ssh-agent.not-running"


# -- through ssh-keygen ------------------------------------------------------------------------------------------------


def _program(folder: Path, body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program called ssh-keygen, in the place of the real one."""
    program = folder / "ssh-keygen"
    program.write_text(f"#!{sys.executable}\nimport os, pathlib, sys, time\n{body}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


@pytest.mark.parametrize("kind", HARDWARE)
def test_without_an_agent_ssh_keygen_talks_to_the_key(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = make(kind)
    handle, prepared, log = tmp_path / "id_sk", tmp_path / "prepared", tmp_path / "log"
    handle.write_bytes(hardware_file(key))
    prepared.write_bytes(armored(signed_by(key, MESSAGE)))
    body = (
        f"pathlib.Path({str(log)!r}).write_text(__import__('json').dumps("
        "{'argv': sys.argv[1:-1], 'env': sorted(os.environ), 'message': pathlib.Path(sys.argv[-1]).read_text()}))\n"
        f"pathlib.Path(sys.argv[-1] + '.sig').write_bytes(pathlib.Path({str(prepared)!r}).read_bytes())"
    )
    _program(tmp_path, body, monkeypatch)
    for environ in ({}, {"SSH_AUTH_SOCK": str(tmp_path / "gone")}):
        signer = _open(str(handle), **environ, SSH_ASKPASS="/usr/bin/ask", SECRET="x")
        assert signer.needs_touch
        facts = verify_sshsig(signer.sign(MESSAGE), MESSAGE, key=key.public)
        assert facts.user_present
        seen = json.loads(log.read_text())
        assert seen["argv"] == ["-Y", "sign", "-n", "vxsec", "-f", str(handle)]
        assert seen["message"] == MESSAGE.decode()
        assert {"SSH_ASKPASS", "PATH"} <= set(seen["env"])
        assert not {"SECRET", "SSH_AUTH_SOCK"} & set(seen["env"])


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        pytest.param(
            "sys.stderr.write('a\\nCouldn\\'t sign message: device not found\\n'); sys.exit(255)",
            "ssh-keygen.failed",
            "device not found",
            id="the key is not plugged in",
        ),
        pytest.param("sys.exit(1)", "ssh-keygen.failed", "nothing", id="it fails without a word"),
        pytest.param("time.sleep(60)", "ssh-keygen.timeout", "did not end in time", id="nobody touches the key"),
        pytest.param(
            "pathlib.Path(sys.argv[-1] + '.sig').write_text('junk')",
            "ssh-keygen.failed",
            "no SSH signature",
            id="it writes something else",
        ),
        pytest.param("print('x' * 100_000)", "process.too-large", "output", id="it does not stop talking"),
        pytest.param("pass", "ssh-keygen.failed", "no SSH signature", id="it writes nothing"),
    ],
)
def test_ssh_keygen_that_does_not_sign_is_an_error_with_its_reason(
    body: str, code: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _program(tmp_path, body, monkeypatch)
    patient = replace(DEFAULT_LIMITS, ssh_touch_seconds=1.0 if code == "ssh-keygen.timeout" else 30.0)
    with pytest.raises(UndecidedError) as caught:
        sign_by_keygen(str(tmp_path / "id_sk"), MESSAGE, environ=lambda _: None, limits=patient)
    assert caught.value.code == code
    assert says in caught.value.message
    assert caught.value.hint


def test_without_openssh_the_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UndecidedError) as caught:
        sign_by_keygen("id_sk", MESSAGE, environ=lambda _: None)
    assert caught.value.code == "process.missing"
    assert "openssh-client" in (caught.value.hint or "")


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="OpenSSH (openssh-client) is not installed")
def test_the_real_ssh_keygen_is_asked_in_words_it_understands(tmp_path: Path) -> None:
    """With an ordinary key's file: no hardware is here."""
    key = make("ssh-ed25519")
    file = tmp_path / "-id ed25519"
    file.write_bytes(private_file(key))
    file.chmod(0o600)
    blob = sign_by_keygen(str(file), MESSAGE, environ=os.environ.get)
    assert verify_sshsig(blob, MESSAGE, key=key.public).hash_name == "sha512"


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="OpenSSH (openssh-client) is not installed")
def test_the_real_ssh_keygen_without_hardware_says_so(tmp_path: Path) -> None:
    handle = tmp_path / "id_sk"
    handle.write_bytes(hardware_file(make(SK_ED25519)))
    handle.chmod(0o600)
    with pytest.raises(UndecidedError) as caught:
        _open(str(handle)).sign(MESSAGE)
    assert caught.value.code == "ssh-keygen.failed"
