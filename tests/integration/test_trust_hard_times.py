"""A trust repository under kill -9, a full disk and a read-only folder: what was trusted stays trusted, byte for byte."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.trust_kit import IDENTITIES, write_keys
from vxsec.errors import UsageError
from vxsec.host.file_set import PENDING
from vxsec.usecases.trust.check import check_trust_repository
from vxsec.usecases.trust.init import init_trust
from vxsec.usecases.trust.load import load_trust_repository
from vxsec.usecases.trust.revoke import revoke_trust
from vxsec.usecases.trust.rotate import refresh_trust, rotate_trust

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BOTH = ["file:alice.pem", "file:bob.pem"]

PROGRAM = """
import sys
from vxsec.usecases.trust.add import add_trust
from vxsec.usecases.trust.init import init_trust
from vxsec.usecases.trust.revoke import revoke_trust
from vxsec.usecases.trust.rotate import rotate_trust
import vxsec.formats.tuf_writer, tuf.api.metadata, tuf.api.serialization.json

both = ["file:alice.pem", "file:bob.pem"]
print("ready", flush=True)
sys.stdin.readline()
match sys.argv[1]:
    case "init":
        init_trust("new", identities="trust.yaml", root_keys=both)
    case "rotate":
        rotate_trust("trust", role="timestamp", add=["carol.pub"], signers=both, root_sha256=sys.argv[2])
    case "add":
        add_trust("trust", ["other.yaml"], role="identities", signers=both, root_sha256=sys.argv[2])
"""


@pytest.fixture
def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A repository in ``trust``, in the current folder; the digest of its first root."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    write_keys(tmp_path, "alice", "bob", "carol", "ci")
    Path("trust.yaml").write_bytes(IDENTITIES)
    Path("other.yaml").write_bytes(IDENTITIES.replace(b"@acme", b"@other"))
    return init_trust("trust", identities="trust.yaml", root_keys=BOTH).first_root_sha256


def contents(path: str) -> dict[str, bytes]:
    return {
        str(item.relative_to(path)): item.read_bytes()
        for item in sorted(Path(path).rglob("*"))
        if item.is_file() and not any(part.startswith(".") for part in item.relative_to(path).parts)
    }


def kill_after(command: str, seconds: float, digest: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, command, digest],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    process.stdout.readline()
    process.stdin.write(b"\n")
    process.stdin.flush()
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=20)


MOMENTS = [0.0, 0.02, 0.04, 0.06, 0.1]


def test_a_killed_init_leaves_no_repository_or_a_whole_one(team: str) -> None:
    for seconds in MOMENTS:
        kill_after("init", seconds, team)
        if Path("new").exists():
            check_trust_repository("new")
            Path("new").rename(f"new-{seconds}")


@pytest.mark.parametrize("command", ["rotate", "add"])
def test_a_killed_change_leaves_the_old_bytes_or_the_new_state(team: str, command: str) -> None:
    old = contents("trust")
    unchanged = made = 0
    for seconds in MOMENTS:
        kill_after(command, seconds, team)
        loaded = load_trust_repository("trust", now=datetime.now(UTC), root_sha256=team)
        assert contents("trust")["metadata/1.root.json"] == old["metadata/1.root.json"]
        if loaded.verified.roles["timestamp"].version == 1:
            assert contents("trust") == old
            assert loaded.identities == IDENTITIES
            unchanged += 1
        else:
            made += 1
            break
    assert unchanged + made > 0
    refresh_trust("trust", signers=["file:alice.pem"], root_sha256=team)
    assert not (Path("trust") / PENDING).exists()
    assert [path.name for path in Path("trust").iterdir() if path.name.startswith(".")] == []


def test_a_change_that_was_made_and_not_moved_is_read_and_finished(team: str) -> None:
    """The kill comes between the moment of the change and the moving of its files."""
    root = Path("trust/metadata/1.root.json").read_bytes()
    # Earlier calls finish what was left before, and there is nothing: only the one after the renaming dies.
    die = "f._finish = lambda folder, *_: os._exit(9) if '.pending' in os.listdir(folder) else False"
    program = PROGRAM.replace("print(", f"import vxsec.host.file_set as f, os\n{die}\nprint(", 1)
    done = subprocess.run(
        [sys.executable, "-c", program, "add", team], input="\n", capture_output=True, text=True, check=False
    )
    assert done.returncode == 9, done.stderr
    assert (Path("trust") / PENDING).is_dir()
    loaded = load_trust_repository("trust", now=datetime.now(UTC), root_sha256=team)
    assert b"@other" in loaded.identities
    assert b"@acme" in Path("trust/targets/identities/identities.yaml").read_bytes()
    refresh_trust("trust", signers=["file:bob.pem"], root_sha256=team)
    assert b"@other" in Path("trust/targets/identities/identities.yaml").read_bytes()
    assert Path("trust/metadata/1.root.json").read_bytes() == root
    assert check_trust_repository("trust", root_sha256=team).exit_status == 0


@pytest.mark.unprivileged
def test_a_folder_that_may_only_be_read_is_read_and_not_changed(team: str) -> None:
    old = contents("trust")
    Path("trust").chmod(0o555)
    try:
        load_trust_repository("trust", now=datetime.now(UTC), root_sha256=team)
        with pytest.raises(UsageError) as caught:
            revoke_trust("trust", key="ci-key", reason="compromised", signers=["file:alice.pem"], root_sha256=team)
        assert caught.value.code == "file.unwritable"
    finally:
        Path("trust").chmod(0o755)
    assert contents("trust") == old


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few pages."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("no small file system can be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.privileged
def test_a_full_disk_keeps_what_was_there(team: str, small_disk: Path) -> None:
    del team
    digest = init_trust(small_disk / "trust", identities="trust.yaml", root_keys=BOTH).first_root_sha256
    old = contents(str(small_disk / "trust"))
    descriptor = os.open(small_disk / "filler", os.O_WRONLY | os.O_CREAT)
    try:
        while os.write(descriptor, b"x" * 4096):
            pass
    except OSError:
        os.close(descriptor)
    changes: list[Callable[[], object]] = [
        lambda: rotate_trust(small_disk / "trust", role="root", add=["carol.pub"], signers=BOTH, root_sha256=digest),
        lambda: revoke_trust(
            small_disk / "trust", key="ci-key", reason="compromised", signers=["file:alice.pem"], root_sha256=digest
        ),
        lambda: init_trust(small_disk / "other", identities="trust.yaml", root_keys=BOTH),
    ]
    for change in changes:
        with pytest.raises(UsageError) as caught:
            change()
        assert caught.value.code == "file.unwritable"
    assert contents(str(small_disk / "trust")) == old
    assert sorted(path.name for path in small_disk.iterdir()) == ["filler", "trust"]
    load_trust_repository(small_disk / "trust", now=datetime.now(UTC), root_sha256=digest)
