"""Signals, full disks, closed pipes, odd surroundings: the documented code, one line, and no file half written."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import vxsec
from support.shop import PASSWORD
from vxsec.formats.sigstore_bundle import read_bundle_lines
from vxsec.model.attestation import Bundle

if TYPE_CHECKING:
    from e2e.conftest import Program
    from support.shop import Shop

PROGRAM = str(Path(sys.executable).with_name("vxsec"))
# A run in the background ignores SIGINT and hands that down; the program is to be met as at a terminal.
AS_AT_A_TERMINAL = (
    "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
)
REGISTRY = "https://registry.example.test/"


def start(shop: Shop, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", AS_AT_A_TERMINAL, PROGRAM, *map(str, arguments)],
        cwd=shop.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["SIGINT", "SIGTERM"])
def test_a_signal_ends_it_quietly(shop: Shop, number: signal.Signals, status: int) -> None:
    path = shop.pack("kernel")
    os.mkfifo(shop.folder / "password.fifo")  # waits for a writer that never comes
    process = start(
        shop,
        "sign",
        path,
        "--signer",
        f"file:{shop.keys / 'ci.key'}",
        "--registry",
        REGISTRY,
        "--password-file",
        "password.fifo",
    )
    time.sleep(1.0)
    process.send_signal(number)
    try:
        out, err = process.communicate(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
    assert process.returncode == status, err
    assert "Traceback" not in out + err


def test_a_password_through_a_pipe(shop: Shop) -> None:
    path = shop.pack("kernel")
    script = f'{PROGRAM} sign {path} --signer file:{shop.keys / "ci.key"} --registry {REGISTRY} --password-file <(printf %s "$PW")'
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=shop.folder,
        env={**os.environ, "PW": PASSWORD.decode()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert vxsec.verify([path], keys=[shop.keys / "ci.pub"]).exit_status == 0


def test_a_kill_leaves_the_old_sidecar_or_the_new_one(shop: Shop) -> None:
    path = shop.pack("kernel")
    shop.sign(path)
    sidecar = shop.folder / f"{path.name}.sigstore.jsonl"
    before = sidecar.read_bytes()
    for wait in (0.02, 0.05, 0.08, 0.1, 0.12, 0.15, 0.2, 0.3):
        process = start(shop, "sign", path, "--signer", shop.uri("ci2"), "--registry", REGISTRY)
        time.sleep(wait)
        process.kill()
        process.communicate(timeout=20)
        found = read_bundle_lines(sidecar.read_bytes(), where="sidecar")
        assert sidecar.read_bytes().startswith(before)
        assert all(isinstance(item, Bundle) for item in found)


def fill(path: Path) -> None:
    """Write until the file system is full."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    with contextlib.suppress(OSError):
        while os.write(descriptor, b"x" * 4096):
            pass
    os.close(descriptor)


@pytest.mark.privileged
def test_a_full_disk_keeps_what_was_there(shop: Shop, program: Program) -> None:
    small = shop.folder / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(small)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("no small file system can be mounted here")
    try:
        path = small / "kernel.tgz"
        path.write_bytes(shop.pack("kernel").read_bytes())
        vxsec.sign([path], signers=[shop.uri("ci")], trust=shop.trust)
        sidecar = Path(f"{path}.sigstore.jsonl")
        before = sidecar.read_bytes()
        log = small / "log.jsonl"
        kept = b'{"kept": true}'.ljust(4095) + b"\n"  # a whole page: the next byte needs a new one
        log.write_bytes(kept)
        fill(small / "filler")
        signed = program("sign", path, "--signer", shop.uri("ci2"), "--registry", REGISTRY, cwd=shop.folder)
        assert (signed.status, "error[file.unwritable]" in signed.err) == (2, True)
        assert sidecar.read_bytes() == before
        gated = program("gate", path, "--policy", "vxsec:minimal", "--trust", shop.trust, "--log", log, cwd=shop.folder)
        assert (gated.status, "error[log.write-failed]" in gated.err) == (4, True)
        assert log.read_bytes() == kept
        made = program("keys", "generate", small / "new", "--password-file", shop.folder / "password", cwd=shop.folder)
        assert made.status == 2
        assert sorted(item.name for item in small.iterdir()) == ["filler", "kernel.tgz", sidecar.name, "log.jsonl"]
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_a_result_that_cannot_be_written_is_not_a_pass(shop: Shop) -> None:
    path = shop.pack("kernel")
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(
            [PROGRAM, "inspect", path], stdout=full, stderr=subprocess.PIPE, cwd=shop.folder, text=True, check=False
        )
    assert done.returncode == 2
    assert "error[file.unwritable]" in done.stderr


def test_a_reader_that_went_away_does_not_change_the_verdict(shop: Shop) -> None:
    path = shop.pack("kernel")
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [PROGRAM, "inspect", path], stdout=writer, stderr=subprocess.PIPE, cwd=shop.folder, text=True, check=False
    )
    os.close(writer)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_publish_says_5_when_its_result_cannot_be_written(shop: Shop) -> None:
    path = shop.pack("kernel")
    policy = shop.policy("{id: a, use: archive.safe}")
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(
            [PROGRAM, "publish", path, "--policy", policy, "--trust", shop.trust],
            stdout=full, stderr=subprocess.PIPE, cwd=shop.folder, text=True, check=False,
        )  # fmt: skip
        quiet = subprocess.run(
            [PROGRAM, "publish", path, "--policy", policy, "--trust", shop.trust],
            stdout=subprocess.PIPE, stderr=full, cwd=shop.folder, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 5
    assert "published" in done.stderr
    assert quiet.returncode == 0  # nobody reads progress: the work goes on


def test_many_signers_at_once_lose_nothing(shop: Shop) -> None:
    path = shop.pack("kernel")
    names = ("ci", "ci2", "alice", "bob", "mallory")
    running = [start(shop, "sign", path, "--signer", shop.uri(name), "--registry", REGISTRY) for name in names * 2]
    for process in running:
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
    found = read_bundle_lines((shop.folder / f"{path.name}.sigstore.jsonl").read_bytes(), where="sidecar")
    assert len(found) == 10
    assert sorted(item.name for item in shop.folder.glob(".*lock*")) == []


def test_odd_surroundings(shop: Shop, program: Program) -> None:
    path = shop.pack("kernel")
    shop.sign(path)
    bare = {"PATH": os.defpath, "LANG": "C", "LC_ALL": "C"}
    assert program("verify", path, "--key", shop.keys / "ci.pub", cwd=shop.folder, env=bare).status == 0
    gated = program(
        "gate",
        path,
        "--policy",
        "vxsec:minimal",
        "--trust",
        shop.trust,
        cwd=shop.folder,
        env={**bare, "HOME": "/nonexistent"},
    )
    assert gated.status == 0, gated.err
    strange = os.fsencode(str(shop.folder)) + b"/\xff\xfe.tgz"
    Path(os.fsdecode(strange)).write_bytes(path.read_bytes())
    done = subprocess.run(
        [os.fsencode(PROGRAM), b"inspect", strange], cwd=shop.folder, env=bare, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("umask", [0o000, 0o777], ids=["umask 000", "umask 777"])
def test_a_key_is_never_wider_than_its_owner(shop: Shop, umask: int) -> None:
    old = os.umask(umask)
    try:
        pair = vxsec.generate_key(shop.folder / "new", password=b"")
    finally:
        os.umask(old)
    assert stat.S_IMODE(Path(pair.private).stat().st_mode) == 0o600
    assert stat.S_IMODE(Path(pair.public).stat().st_mode) == 0o644


def test_inputs_that_are_no_files(shop: Shop, program: Program) -> None:
    os.mkfifo(shop.folder / "fifo.tgz")
    (shop.folder / "folder.tgz").mkdir()
    for name in ("fifo.tgz", "folder.tgz", "/dev/zero"):
        answer = program("verify", name, "--key", shop.keys / "ci.pub", cwd=shop.folder)
        assert (answer.status, "error[file.unreadable]" in answer.err) == (2, True), answer.err
    answer = program(
        "sign", "x", "--signer", shop.uri("ci"), "--registry", REGISTRY, "--password-file", shop.folder, cwd=shop.folder
    )
    assert answer.status == 2
