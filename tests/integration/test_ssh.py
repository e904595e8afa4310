"""Both directions with OpenSSH: what it signs we verify, what we sign it verifies, what one refuses the other does too."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.ssh_kit import KINDS, ORDINARY, make, public_line
from support.ssh_matrix import CASES, MESSAGE, ROWS, Row, render_matrix
from vxsec.errors import ConfigurationError, UndecidedError, UsageError, VerificationError, VxsecError
from vxsec.formats.ssh_key import parse_ssh_public_key
from vxsec.host.files import read_bounded
from vxsec.signing.inputs import SignerInputs
from vxsec.signing.ssh import open_ssh
from vxsec.verification.sshsig import verify_sshsig

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vxsec.model.ssh import SshPublicKey

pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="OpenSSH (openssh-client) is not installed")

TYPES = {
    "ssh-ed25519": ["-t", "ed25519"],
    "ecdsa-sha2-nistp256": ["-t", "ecdsa", "-b", "256"],
    "ecdsa-sha2-nistp384": ["-t", "ecdsa", "-b", "384"],
    "ecdsa-sha2-nistp521": ["-t", "ecdsa", "-b", "521"],
    "ssh-rsa": ["-t", "rsa", "-b", "2048"],
}


def _run(*argv: str, stdin: bytes = b"", env: dict[str, str] | None = None) -> subprocess.CompletedProcess[bytes]:
    surroundings = {"PATH": os.environ["PATH"], **(env or {})}
    return subprocess.run(argv, input=stdin, capture_output=True, env=surroundings, timeout=60, check=False)


def _generate(folder: Path, kind: str, password: str = "") -> Path:
    path = folder / kind
    done = _run("ssh-keygen", "-q", "-N", password, "-C", "alice@example.test", "-f", str(path), *TYPES[kind])
    assert done.returncode == 0, done.stderr
    return path


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One key file of each ordinary kind, made by ssh-keygen."""
    folder = tmp_path_factory.mktemp("keys")
    return {kind: _generate(folder, kind) for kind in TYPES}


def _public(path: Path) -> SshPublicKey:
    return parse_ssh_public_key(Path(f"{path}.pub").read_bytes(), where=str(path))


def _inputs(environ: dict[str, str] | None = None, password: bytes | None = None) -> SignerInputs:
    def ask() -> bytes:
        assert password is not None, "no password is needed"
        return password

    return SignerInputs(
        read_file=lambda path: read_bounded(path, max_bytes=1 << 20), environ=(environ or {}).get, password=ask
    )


def _accepts(folder: Path, line: str, signature: bytes, message: bytes = MESSAGE, namespace: str = "vxsec") -> bool:
    """Whether ``ssh-keygen -Y verify`` does."""
    allowed, given = folder / "allowed_signers", folder / "given.sshsig"
    allowed.write_text(f"alice@example.test {line}")
    given.write_bytes(signature)
    done = _run(
        "ssh-keygen", "-Y", "verify", "-f", str(allowed), "-I", "alice@example.test", "-n", namespace, "-s", str(given),
        stdin=message,
    )  # fmt: skip
    assert (b"Good" in done.stdout) == (done.returncode == 0)
    return done.returncode == 0


# -- what ssh-keygen signs ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hash_name", ["sha256", "sha512"])
@pytest.mark.parametrize("kind", TYPES)
def test_what_ssh_keygen_signs_verifies(kind: str, hash_name: str, keys: dict[str, Path], tmp_path: Path) -> None:
    file = tmp_path / "kernel-1.2.3.tgz"
    file.write_bytes(MESSAGE)
    done = _run(
        "ssh-keygen", "-Y", "sign", "-n", "vxsec", "-O", f"hashalg={hash_name}", "-f", str(keys[kind]), str(file)
    )
    assert done.returncode == 0, done.stderr
    signature = Path(f"{file}.sig").read_bytes()
    facts = verify_sshsig(signature, MESSAGE, key=_public(keys[kind]))
    assert facts.hash_name == hash_name
    for other, code in ((MESSAGE + b"!", "sshsig.invalid"), (b"", "sshsig.invalid")):
        with pytest.raises(VerificationError) as caught:
            verify_sshsig(signature, other, key=_public(keys[kind]))
        assert caught.value.code == code


def test_what_ssh_keygen_signs_for_git_is_refused(keys: dict[str, Path]) -> None:
    path = keys["ssh-ed25519"]
    done = _run("ssh-keygen", "-Y", "sign", "-n", "git", "-f", str(path), stdin=MESSAGE)
    with pytest.raises(VerificationError) as caught:
        verify_sshsig(done.stdout, MESSAGE, key=_public(path))
    assert caught.value.code == "sshsig.namespace"


@pytest.mark.parametrize("kind", KINDS)
def test_the_fingerprint_is_what_ssh_keygen_prints(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "key.pub"
    file.write_text(public_line(make(kind)))
    done = _run("ssh-keygen", "-l", "-f", str(file))
    assert done.stdout.split()[1].decode() == make(kind).public.fingerprint


# -- what we sign ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", TYPES)
def test_what_a_key_file_signs_here_ssh_keygen_verifies(kind: str, keys: dict[str, Path], tmp_path: Path) -> None:
    signer = open_ssh(str(keys[kind]), _inputs())
    public = _public(keys[kind])
    assert (signer.algorithm, signer.hint, signer.spki) == (kind, public.hint, public.identity)
    signature = signer.sign_file(MESSAGE)
    line = Path(f"{keys[kind]}.pub").read_text()
    assert _accepts(tmp_path, line, signature)
    assert not _accepts(tmp_path, line, signature, message=MESSAGE + b"!")
    assert not _accepts(tmp_path, line, signature, namespace="file")
    assert not _accepts(tmp_path, public_line(make(kind)), signature)
    verify_sshsig(signer.sign(MESSAGE), MESSAGE, key=public)


def test_an_encrypted_file_is_opened_with_its_password(tmp_path: Path) -> None:
    pytest.importorskip("bcrypt", reason="the distribution bcrypt is not installed")
    path = _generate(tmp_path, "ssh-ed25519", password="correct horse")
    signer = open_ssh(str(path), _inputs(password=b"correct horse"))
    verify_sshsig(signer.sign(MESSAGE), MESSAGE, key=_public(path))
    for wrong in (b"wrong", b""):
        with pytest.raises(ConfigurationError) as caught:
            open_ssh(str(path), _inputs(password=wrong))
        assert caught.value.code == "key.wrong-password"


def test_an_encrypted_file_that_cannot_be_opened_here_points_to_the_agent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import cryptography.hazmat.primitives.serialization.ssh as library
    from cryptography.exceptions import UnsupportedAlgorithm

    def missing(*_: object, **__: object) -> bytes:
        raise UnsupportedAlgorithm("Need bcrypt module")

    monkeypatch.setattr(library, "_bcrypt_kdf", missing)
    path = _generate(tmp_path, "ssh-ed25519", password="correct horse")
    with pytest.raises(ConfigurationError) as caught:
        open_ssh(str(path), _inputs(password=b"correct horse"))
    assert caught.value.code == "key.needs-agent"
    assert "ssh-add" in (caught.value.hint or "")


def test_a_key_file_without_its_pub_file_signs_too(keys: dict[str, Path], tmp_path: Path) -> None:
    alone = tmp_path / "alone"
    alone.write_bytes(keys["ssh-ed25519"].read_bytes())
    verify_sshsig(open_ssh(str(alone), _inputs()).sign(MESSAGE), MESSAGE, key=_public(keys["ssh-ed25519"]))


# -- through an agent --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Agent:
    """A real ssh-agent."""

    environ: dict[str, str]

    def add(self, path: Path, *options: str) -> None:
        done = _run("ssh-add", "-q", *options, str(path), env=self.environ)
        assert done.returncode == 0, done.stderr


@pytest.fixture
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    socket_path = tmp_path_factory.mktemp("agent") / "s"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket_path)], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()  # it prints the socket's path when it listens
        yield Agent({"SSH_AUTH_SOCK": str(socket_path)})
    finally:
        process.terminate()
        process.communicate(timeout=10)


@pytest.mark.parametrize("kind", TYPES)
def test_the_agents_one_key_signs(kind: str, keys: dict[str, Path], agent: Agent, tmp_path: Path) -> None:
    agent.add(keys[kind])
    public = _public(keys[kind])
    for uri in ("agent", f"agent:{public.fingerprint}", f"{keys[kind]}.pub"):
        signer = open_ssh(uri, _inputs(agent.environ))
        assert signer.algorithm == kind
        assert not signer.needs_touch
        facts = verify_sshsig(signer.sign(MESSAGE), MESSAGE, key=public)
        assert facts.hash_name == "sha512"
        assert _accepts(tmp_path, Path(f"{keys[kind]}.pub").read_text(), signer.sign_file(MESSAGE))


def test_a_pub_file_whose_private_half_is_only_in_the_agent(
    keys: dict[str, Path], agent: Agent, tmp_path: Path
) -> None:
    agent.add(keys["ssh-ed25519"])
    (tmp_path / "work.pub").write_bytes(Path(f"{keys['ssh-ed25519']}.pub").read_bytes())
    signer = open_ssh(str(tmp_path / "work"), _inputs(agent.environ))
    verify_sshsig(signer.sign(MESSAGE), MESSAGE, key=_public(keys["ssh-ed25519"]))


def test_an_encrypted_file_needs_no_password_where_the_agent_holds_its_key(
    keys: dict[str, Path], agent: Agent, tmp_path: Path
) -> None:
    agent.add(keys["ssh-ed25519"])
    encrypted = tmp_path / "encrypted"
    encrypted.write_bytes(keys["ssh-ed25519"].read_bytes())
    encrypted.chmod(0o600)
    done = _run("ssh-keygen", "-q", "-p", "-P", "", "-N", "correct horse", "-f", str(encrypted))
    assert done.returncode == 0, done.stderr
    signer = open_ssh(str(encrypted), _inputs(agent.environ))
    verify_sshsig(signer.sign(MESSAGE), MESSAGE, key=_public(keys["ssh-ed25519"]))


def _error(expected: type[VxsecError], uri: str, environ: dict[str, str] | None = None) -> VxsecError:
    with pytest.raises(expected) as caught:
        open_ssh(uri, _inputs(environ))
    assert caught.value.hint
    return caught.value


def test_an_agent_with_several_keys_asks_which(keys: dict[str, Path], agent: Agent) -> None:
    agent.add(keys["ssh-ed25519"])
    agent.add(keys["ssh-rsa"])
    error = _error(UsageError, "agent", agent.environ)
    assert error.code == "ssh-agent.several-keys"
    assert _public(keys["ssh-rsa"]).fingerprint in error.message


def test_an_agent_without_the_key_says_so(keys: dict[str, Path], agent: Agent) -> None:
    assert _error(UsageError, "agent", agent.environ).code == "ssh-agent.no-key"
    assert _error(UsageError, f"{keys['ssh-rsa']}.pub", agent.environ).code == "ssh-agent.no-key"
    agent.add(keys["ssh-ed25519"])
    assert _error(UsageError, "agent:SHA256:nothing", agent.environ).code == "ssh-agent.no-key"


def test_without_an_agent_it_says_how_to_start_one(keys: dict[str, Path], tmp_path: Path) -> None:
    for environ in ({}, {"SSH_AUTH_SOCK": ""}, {"SSH_AUTH_SOCK": str(tmp_path / "gone")}):
        for uri in ("agent", "agent:SHA256:x", f"{keys['ssh-rsa']}.pub"):
            error = _error(UndecidedError, uri, environ)
            assert error.code == "ssh-agent.not-running"
            assert "ssh-add" in (error.hint or "")


def test_an_agent_that_was_locked_or_lost_the_key_meanwhile_refuses(keys: dict[str, Path], agent: Agent) -> None:
    agent.add(keys["ssh-ed25519"])
    signer = open_ssh("agent", _inputs(agent.environ))
    assert _run("ssh-add", "-q", "-D", env=agent.environ).returncode == 0
    with pytest.raises(UndecidedError) as caught:
        signer.sign(MESSAGE)
    assert caught.value.code == "ssh-agent.refused"


def test_a_key_that_asks_before_it_signs_and_gets_no_answer_refuses(keys: dict[str, Path], agent: Agent) -> None:
    agent.add(keys["ssh-ed25519"], "-c")
    with pytest.raises(UndecidedError) as caught:
        open_ssh("agent", _inputs(agent.environ)).sign(MESSAGE)
    assert caught.value.code == "ssh-agent.refused"


def test_a_certificate_in_the_agent_is_left_out(keys: dict[str, Path], agent: Agent, tmp_path: Path) -> None:
    user = _generate(tmp_path, "ssh-ed25519")
    done = _run("ssh-keygen", "-q", "-s", str(keys["ecdsa-sha2-nistp256"]), "-I", "alice", f"{user}.pub")
    assert done.returncode == 0, done.stderr
    agent.add(user)  # adds the certificate beside it
    assert _run("ssh-add", "-l", env=agent.environ).stdout.count(b"\n") == 2
    verify_sshsig(open_ssh("agent", _inputs(agent.environ)).sign(MESSAGE), MESSAGE, key=_public(user))


# -- the matrix --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("row", "kind"), CASES, ids=[f"{row.name} - {kind}" for row, kind in CASES])
def test_the_matrix(row: Row, kind: str, tmp_path: Path) -> None:
    key = make(kind)
    signature = row.make(key)
    assert _accepts(tmp_path, public_line(key), signature) == row.theirs
    if row.ours is None:
        verify_sshsig(signature, MESSAGE, key=key.public)
        return
    with pytest.raises(VerificationError) as caught:
        verify_sshsig(signature, MESSAGE, key=key.public)
    assert caught.value.code == row.ours


def test_where_we_differ_from_ssh_keygen_we_refuse() -> None:
    assert all(row.theirs for row in ROWS if row.ours is None)
    assert {row.name for row in ROWS if row.theirs and row.ours} == {
        "text behind the armor",
        "something in the reserved field",
        "nobody touched",
    }
    assert {kind for _, kind in CASES} == set(KINDS)
    assert len(render_matrix().splitlines()) == 2 + len(ROWS)
    assert set(ORDINARY) == set(TYPES)
