"""Several files changed as one: old or new, never a mixture, whatever happens on the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from vxsec.errors import UsageError
from vxsec.host import file_set
from vxsec.host.file_set import PENDING, create_folder, finish_pending, read_member, replace_members

if TYPE_CHECKING:
    from pathlib import Path

OLD = {"a/one": b"old one", "b/two": b"old two", "last": b"old"}
NEW = {"a/one": b"new one", "a/three": b"new three", "last": b"new"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the old files."""
    create_folder(tmp_path / "set", OLD)
    return tmp_path / "set"


def read(folder: Path) -> dict[str, bytes]:
    """What a reader sees."""
    names = sorted({*OLD, *NEW})
    found = {name: read_member(folder, name, max_bytes=1000) for name in names}
    return {name: data for name, data in found.items() if data is not None}


def test_a_folder_appears_with_all_its_files(folder: Path) -> None:
    assert read(folder) == OLD
    assert sorted(path.name for path in folder.parent.iterdir()) == ["set"]
    assert folder.stat().st_mode & 0o777 == 0o755


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    create_folder(tmp_path / "set", OLD)
    assert read(tmp_path / "set") == OLD


@pytest.mark.parametrize("kind", ["a file", "a folder with a file", "a folder that fills while it is made"])
def test_what_is_there_is_kept(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "set"
    if kind == "a file":
        target.write_bytes(b"kept")
    elif kind == "a folder with a file":
        target.mkdir()
        (target / "kept").write_bytes(b"kept")
    else:
        stage = file_set._stage

        def slowly(*arguments: object) -> Path:
            staged = stage(*arguments)  # type: ignore[arg-type]  # handed on as they came
            target.mkdir()
            (target / "kept").write_bytes(b"kept")
            return staged

        monkeypatch.setattr(file_set, "_stage", slowly)
    with pytest.raises(UsageError) as caught:
        create_folder(target, OLD)
    assert caught.value.code == "file.exists"
    assert (target if target.is_file() else target / "kept").read_bytes() == b"kept"
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_files_are_replaced_and_nothing_is_left_over(folder: Path) -> None:
    (folder / ".staged-dead").mkdir()
    replace_members(folder, NEW, last="last")
    assert read(folder) == OLD | NEW
    assert (folder / "a/three").read_bytes() == b"new three"
    assert sorted(path.name for path in folder.iterdir()) == ["a", "b", "last"]
    assert finish_pending(folder, last="last") is False


def test_a_reader_sees_a_change_that_was_made_and_not_moved_yet(folder: Path) -> None:
    (folder / PENDING / "a").mkdir(parents=True)
    (folder / PENDING / "a/one").write_bytes(b"new one")
    assert read(folder) == OLD | {"a/one": b"new one"}
    assert finish_pending(folder, last="last") is True
    assert (folder / "a/one").read_bytes() == b"new one"
    assert not (folder / PENDING).exists()


def test_the_next_writer_finishes_what_was_left_first(folder: Path) -> None:
    (folder / PENDING).mkdir()
    (folder / PENDING / "last").write_bytes(b"left")
    replace_members(folder, {"a/one": b"newer"}, last="last")
    assert read(folder) == OLD | {"a/one": b"newer", "last": b"left"}


def test_where_it_cannot_be_written_nothing_changes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UsageError, match="No space left") as caught:
        replace_members(folder, NEW, last="last")
    assert caught.value.code == "file.unwritable"
    with pytest.raises(UsageError, match="No space left") as caught:
        create_folder(folder.parent / "other", NEW)
    assert caught.value.code == "file.unwritable"
    assert read(folder) == OLD
    assert sorted(path.name for path in folder.iterdir()) == ["a", "b", "last"]
    assert [path.name for path in folder.parent.iterdir()] == ["set"]


def test_an_interrupted_change_leaves_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        replace_members(folder, NEW, last="last")
    assert read(folder) == OLD
    assert sorted(path.name for path in folder.iterdir()) == ["a", "b", "last"]


@pytest.mark.parametrize("step", ["the renaming to .pending", "the moving into place"])
def test_a_system_that_refuses_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    def refuse(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "rename" if "renaming" in step else "replace", refuse)
    with pytest.raises(UsageError) as caught:
        replace_members(folder, NEW, last="last")
    assert caught.value.code == "file.unwritable"
    monkeypatch.undo()
    assert read(folder) == (OLD if "renaming" in step else OLD | NEW)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        create_folder(tmp_path / "none" / "set", OLD)
    assert caught.value.code == "file.unwritable"


@pytest.mark.unprivileged
def test_a_folder_that_may_not_be_written_stays_as_it_is(folder: Path) -> None:
    folder.chmod(0o555)
    with pytest.raises(UsageError) as caught:
        replace_members(folder, NEW, last="last")
    folder.chmod(0o755)
    assert caught.value.code == "file.unwritable"
    assert read(folder) == OLD


PROGRAM = """
import itertools, pathlib, sys
from vxsec.host.file_set import replace_members
print("ready", flush=True)
for number in itertools.count(1):
    data = str(number).encode()
    replace_members(sys.argv[1], {f"{name}/file": data for name in "abcdefgh"}, last="h/file")
"""


def test_a_killed_writer_leaves_one_state_and_no_mixture(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    create_folder(folder, {f"{name}/file": b"0" for name in "abcdefgh"})
    for round_number in range(12):
        process = subprocess.Popen([sys.executable, "-c", PROGRAM, str(folder)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.003 * round_number)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        states = {read_member(folder, f"{name}/file", max_bytes=100) for name in "abcdefgh"}
        assert len(states) == 1, states
