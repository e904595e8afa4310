"""Files: what is read is whole and bounded, what is written is whole or not there, and a log line is one line."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from vxsec.errors import LogWriteError, UsageError
from vxsec.host.files import (
    append_line_locked,
    hash_file,
    list_files,
    locked_folder,
    read_bounded,
    read_if_exists,
    read_secret,
    write_atomic,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    Read = Callable[[str | Path], object]

READERS: dict[str, Read] = {
    "read_bounded": lambda path: read_bounded(path, max_bytes=8),
    "read_secret": lambda path: read_secret(path, max_bytes=8),
    "hash_file": lambda path: hash_file(path, max_bytes=8),
    "read_if_exists": lambda path: read_if_exists(path, max_bytes=8),
}
every_reader = pytest.mark.parametrize("read", READERS.values(), ids=READERS.keys())


# -- reading -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 7, 8], ids=lambda size: f"{size} bytes")
def test_reads_up_to_the_bound(tmp_path: Path, size: int) -> None:
    path, data = tmp_path / "file", os.urandom(size)
    path.write_bytes(data)
    assert read_bounded(path, max_bytes=8) == data
    assert read_secret(path, max_bytes=8) == data
    assert read_if_exists(path, max_bytes=8) == data
    digests = hash_file(path, max_bytes=8)
    assert (digests.sha1, digests.size) == (hashlib.sha1(data, usedforsecurity=False).hexdigest(), size)
    assert (digests.sha256, digests.sha512) == (hashlib.sha256(data).hexdigest(), hashlib.sha512(data).hexdigest())


def test_a_large_file_is_read_in_pieces_and_whole(tmp_path: Path) -> None:
    path, data = tmp_path / "file", os.urandom(1 << 20) * 17
    path.write_bytes(data)
    assert read_bounded(path, max_bytes=len(data)) == data
    assert hash_file(path, max_bytes=len(data)).sha512 == hashlib.sha512(data).hexdigest()


def refusal(read: Read, path: str | Path) -> UsageError:
    with pytest.raises(UsageError) as caught:
        read(path)
    assert caught.value.where == str(path)
    return caught.value


@every_reader
def test_refuses_one_byte_more_than_the_bound(tmp_path: Path, read: Read) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"9 letters")
    assert refusal(read, path).code == "file.too-large"


@every_reader
def test_refuses_a_folder(tmp_path: Path, read: Read) -> None:
    assert refusal(read, tmp_path).code == "file.unreadable"


@every_reader
def test_refuses_a_name_that_no_file_can_have(read: Read) -> None:
    error = refusal(read, "a\0b")
    assert (error.code, error.message) == ("file.unreadable", "cannot read: not a file name")


@every_reader
def test_refuses_a_name_too_long_for_the_system(read: Read) -> None:
    assert refusal(read, "x" * 5000).code == "file.unreadable"


@pytest.mark.parametrize("read", [READERS["read_bounded"], READERS["read_secret"], READERS["hash_file"]])
def test_refuses_what_is_not_there(tmp_path: Path, read: Read) -> None:
    assert refusal(read, tmp_path / "gone").code == "file.missing"


def test_what_is_not_there_may_be_none(tmp_path: Path) -> None:
    assert read_if_exists(tmp_path / "gone", max_bytes=8) is None


@pytest.mark.unprivileged
@every_reader
def test_refuses_what_may_not_be_read(tmp_path: Path, read: Read) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"")
    path.chmod(0)
    assert refusal(read, path).code == "file.unreadable"


@pytest.mark.parametrize("read", [READERS["read_bounded"], READERS["hash_file"]], ids=["read_bounded", "hash_file"])
def test_does_not_wait_for_a_pipe_or_read_a_device(tmp_path: Path, read: Read) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    assert refusal(read, fifo).message == "expected a regular file"
    assert refusal(read, "/dev/zero").message == "expected a regular file"


def test_a_secret_may_come_through_a_pipe() -> None:
    reader, writer = os.pipe()
    os.write(writer, b"secret")
    os.close(writer)
    try:
        assert read_secret(f"/dev/fd/{reader}", max_bytes=8) == b"secret"
    finally:
        os.close(reader)


def test_a_secret_that_is_too_long_is_not_in_the_message(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_bytes(b"correct horse battery staple")
    assert "horse" not in str(refusal(READERS["read_secret"], path))


@pytest.mark.parametrize("read", [READERS["read_bounded"], READERS["hash_file"]], ids=["read_bounded", "hash_file"])
def test_a_disk_that_fails_halfway_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: Read) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"data")

    def failing(_descriptor: int, _size: int) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "read", failing)
    error = refusal(read, path)
    assert (error.code, error.message) == ("file.unreadable", "cannot read: Input/output error")


def test_lists_regular_files_by_name(tmp_path: Path) -> None:
    for name in ("b", "a", "c"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "fifo")
    assert list_files(tmp_path) == [str(tmp_path / name) for name in ("a", "b", "c")]


@pytest.mark.parametrize("name", ["gone", "file"])
def test_lists_nothing_that_is_no_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UsageError) as caught:
        list_files(tmp_path / name)
    assert caught.value.code == "file.missing"


# -- writing -------------------------------------------------------------------------------------------------------------


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("umask", [0o000, 0o077, 0o777], ids=oct)
def test_writes_with_exactly_the_mode_asked_for(tmp_path: Path, umask: int) -> None:
    old = os.umask(umask)
    try:
        write_atomic(tmp_path / "open", b"1")
        write_atomic(tmp_path / "secret", b"2", mode=0o600)
    finally:
        os.umask(old)
    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("open", "secret")] == [0o644, 0o600]
    assert names(tmp_path) == ["open", "secret"]


def test_replaces_a_file_and_writes_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    target, link = tmp_path / "folder" / "target", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to(target)
    write_atomic(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_writes_to_a_device_or_pipe_and_leaves_it_one(tmp_path: Path) -> None:
    link = tmp_path / "null"
    link.symlink_to(os.devnull)
    write_atomic(link, b"x" * 100_000)
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)
    assert link.is_symlink()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(UsageError) as caught:
        write_atomic(pipe, b"nobody reads")
    assert caught.value.code == "file.unwritable"
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_atomic(pipe, b"data")
        assert os.read(reader, 100) == b"data"
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    read_end, write_end = os.pipe()
    with os.fdopen(read_end, "rb") as stream:
        write_atomic(f"/dev/fd/{write_end}", b"result")
        os.close(write_end)
        assert stream.read() == b"result"


def test_what_may_not_be_replaced_is_not_written_to_either(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(UsageError) as caught:
        write_atomic(pipe, b"key", overwrite=False)
    assert caught.value.code == "file.exists"


def test_keeps_what_is_there_where_it_may_not_overwrite(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomic(path, b"first", overwrite=False)
    with pytest.raises(UsageError) as caught:
        write_atomic(path, b"second", overwrite=False)
    assert caught.value.code == "file.exists"
    assert path.read_bytes() == b"first"
    assert names(tmp_path) == ["file"]


def test_refuses_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        write_atomic(tmp_path / "gone" / "file", b"")
    assert caught.value.code == "file.unwritable"


def test_refuses_to_replace_a_folder(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(UsageError) as caught:
        write_atomic(tmp_path / "folder", b"")
    assert caught.value.code == "file.unwritable"
    assert names(tmp_path) == ["folder"]


@pytest.mark.parametrize("call", ["fsync", "fchmod", "replace"])
def test_a_failure_keeps_the_old_file_and_leaves_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, call, _full)
    with pytest.raises(UsageError) as caught:
        write_atomic(path, b"new")
    monkeypatch.undo()
    assert (caught.value.code, caught.value.message) == ("file.unwritable", "cannot write: No space left on device")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def _full(*_arguments: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_an_interrupt_keeps_the_old_file_and_leaves_no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def interrupted(_descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_atomic(path, b"new")
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


# -- the log -------------------------------------------------------------------------------------------------------------

WRITER = """
import sys
from vxsec.host.files import append_line_locked
for number in range(25):
    append_line_locked(sys.argv[1], f"{sys.argv[2]}:{number}:".encode() + sys.argv[2].encode() * 9000)
"""


def test_four_writers_at_once_lose_no_line_and_mix_none(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, log, name]) for name in "abcd"]
    assert [writer.wait(timeout=60) for writer in writers] == [0] * 4
    lines = log.read_bytes().split(b"\n")
    assert lines.pop() == b""
    found: dict[str, list[int]] = {}
    for line in lines:
        name, number, rest = line.decode().split(":")
        assert rest == name * 9000
        found.setdefault(name, []).append(int(number))
    assert found == {name: list(range(25)) for name in "abcd"}


def test_the_log_is_made_for_its_owner_and_group(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    append_line_locked(log, b"one")
    append_line_locked(log, b"two")
    assert log.read_bytes() == b"one\ntwo\n"
    assert stat.S_IMODE(log.stat().st_mode) & 0o027 == 0


def test_a_line_torn_by_a_crash_is_closed_first(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_bytes(b'{"whole": true}\n{"torn": ')
    append_line_locked(log, b'{"next": true}')
    assert log.read_bytes() == b'{"whole": true}\n{"torn": \n{"next": true}\n'


def test_lines_of_a_killed_writer_are_whole_or_torn_at_the_end_only(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    endless = WRITER.replace("range(25)", "range(10**9)")
    writer = subprocess.Popen([sys.executable, "-c", endless, log, "k"])
    while not (log.exists() and log.stat().st_size > 50_000):
        assert writer.poll() is None
    writer.kill()
    writer.wait(timeout=60)
    append_line_locked(log, b"after")
    *lines, last, end = log.read_bytes().split(b"\n")
    assert (last, end) == (b"after", b"")
    assert all(line.endswith(b"k" * 9000) for line in lines[:-1])


def log_refusal(log: Path) -> LogWriteError:
    with pytest.raises(LogWriteError) as caught:
        append_line_locked(log, b"more")
    assert (caught.value.code, caught.value.where) == ("log.write-failed", str(log))
    return caught.value


@pytest.mark.parametrize("call", ["fsync", "pread"])
def test_a_log_that_may_not_be_on_disk_keeps_its_old_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    log = tmp_path / "log.jsonl"
    log.write_bytes(b"kept\n")
    monkeypatch.setattr(os, call, _full)
    assert log_refusal(log).message == "cannot write the log: No space left on device"
    assert log.read_bytes() == b"kept\n"


def test_a_log_line_written_in_part_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "log.jsonl"
    log.write_bytes(b"kept\ntorn")
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, data[:3]))
    assert "No space left" in log_refusal(log).message
    assert log.read_bytes() == b"kept\ntorn"


def test_a_log_that_cannot_even_be_taken_back_is_still_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "log.jsonl"
    monkeypatch.setattr(os, "fsync", _full)
    monkeypatch.setattr(os, "ftruncate", _full)
    assert "No space left" in log_refusal(log).message


def test_refuses_a_log_that_is_a_folder_or_in_none(tmp_path: Path) -> None:
    assert log_refusal(tmp_path).message == "cannot open the log: Is a directory"
    assert "No such file" in log_refusal(tmp_path / "gone" / "log.jsonl").message


def test_a_device_without_room_is_refused() -> None:
    assert "No space left" in log_refusal(Path("/dev/full")).message


# -- a folder held -------------------------------------------------------------------------------------------------------

COUNTER = """
import sys
from pathlib import Path
from vxsec.host.files import locked_folder, write_atomic
path = Path(sys.argv[1])
for _ in range(25):
    with locked_folder(path.parent):
        write_atomic(path, str(int(path.read_text()) + 1).encode())
"""


def test_four_that_change_one_file_lose_no_change(tmp_path: Path) -> None:
    path = tmp_path / "counter"
    path.write_text("0", encoding="ascii")
    writers = [subprocess.Popen([sys.executable, "-c", COUNTER, path]) for _ in range(4)]
    assert [writer.wait(timeout=60) for writer in writers] == [0] * 4
    assert path.read_text(encoding="ascii") == "100"


@pytest.mark.parametrize("name", ["gone", "file"])
def test_refuses_to_hold_what_is_no_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UsageError) as caught, locked_folder(tmp_path / name):
        pass
    assert caught.value.code == "file.unreadable"


def test_whoever_holds_a_lock_for_ever_stops_nobody_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "log.jsonl"
    log.write_bytes(b"kept\n")
    times = iter(range(0, 10_000, 7))
    monkeypatch.setattr(time, "monotonic", lambda: float(next(times)))
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    holder, other = os.open(tmp_path, os.O_RDONLY), os.open(log, os.O_RDONLY)
    try:
        fcntl.flock(holder, fcntl.LOCK_EX)
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(UsageError) as caught, locked_folder(tmp_path):
            pass
        assert caught.value.code == "file.locked"
        log_refusal(log)
    finally:
        os.close(holder)
        os.close(other)
    assert log.read_bytes() == b"kept\n"
    append_line_locked(log, b"free again")
