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
from vxsec.host.file_set import (
    PENDING,
    create_folder,
    finish_pending,
    list_members,
    read_member,
    replace_members,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OLD = {"a/one": b"old one", "b/two": b"old two", "last": b"old"}
MEMBER = {"a/one", "a/three", "b/two", "last"}.__contains__
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

        def slowly(*arguments: object) -> str:
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
    replace_members(folder, NEW, last="last", member=MEMBER)
    assert read(folder) == OLD | NEW
    assert (folder / "a/three").read_bytes() == b"new three"
    assert sorted(path.name for path in folder.iterdir()) == ["a", "b", "last"]
    assert finish_pending(folder, last="last", member=MEMBER) is False


def test_a_reader_sees_a_change_that_was_made_and_not_moved_yet(folder: Path) -> None:
    (folder / PENDING / "a").mkdir(parents=True)
    (folder / PENDING / "a/one").write_bytes(b"new one")
    assert read(folder) == OLD | {"a/one": b"new one"}
    assert finish_pending(folder, last="last", member=MEMBER) is True
    assert (folder / "a/one").read_bytes() == b"new one"
    assert not (folder / PENDING).exists()


def test_the_next_writer_finishes_what_was_left_first(folder: Path) -> None:
    (folder / PENDING).mkdir()
    (folder / PENDING / "last").write_bytes(b"left")
    replace_members(folder, {"a/one": b"newer"}, last="last", member=MEMBER)
    assert read(folder) == OLD | {"a/one": b"newer", "last": b"left"}


def test_where_it_cannot_be_written_nothing_changes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UsageError, match="No space left") as caught:
        replace_members(folder, NEW, last="last", member=MEMBER)
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
        replace_members(folder, NEW, last="last", member=MEMBER)
    assert read(folder) == OLD
    assert sorted(path.name for path in folder.iterdir()) == ["a", "b", "last"]


@pytest.mark.parametrize("step", ["the renaming to .pending", "the moving into place"])
def test_a_system_that_refuses_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    def refuse(*_: object, **_more: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "rename" if "renaming" in step else "replace", refuse)
    with pytest.raises(UsageError) as caught:
        replace_members(folder, NEW, last="last", member=MEMBER)
    assert caught.value.code == "file.unwritable"
    if "renaming" in step:
        with pytest.raises(UsageError) as caught:
            create_folder(folder.parent / "other", NEW)
        assert caught.value.code == "file.unwritable"
        assert [path.name for path in folder.parent.iterdir()] == ["set"]
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
        replace_members(folder, NEW, last="last", member=MEMBER)
    folder.chmod(0o755)
    assert caught.value.code == "file.unwritable"
    assert read(folder) == OLD


# -- what came with a checkout -------------------------------------------------------------------------------------------


def _link_pending(folder: Path, outside: Path) -> None:
    (folder / PENDING).symlink_to(outside)


def _link_inside_pending(folder: Path, outside: Path) -> None:
    (folder / PENDING).mkdir()
    (folder / PENDING / "a").symlink_to(outside)


def _link_a_pending_file(folder: Path, outside: Path) -> None:
    (folder / PENDING).mkdir()
    (folder / PENDING / "last").symlink_to(outside / "one")


def _link_a_folder(folder: Path, outside: Path) -> None:
    (folder / "a").rename(folder.parent / "moved")
    (folder / "a").symlink_to(outside)
    (folder / PENDING / "a").mkdir(parents=True)
    (folder / PENDING / "a/one").write_bytes(b"attack")


def _foreign_name(folder: Path, outside: Path) -> None:
    del outside
    (folder / PENDING / "a").mkdir(parents=True)
    (folder / PENDING / "a/one").write_bytes(b"attack")
    (folder / PENDING / "a/authorized_keys").write_bytes(b"attack")


def _too_deep(folder: Path, outside: Path) -> None:
    del outside
    (folder / PENDING / "/".join("abcdefghijkl")).mkdir(parents=True)


def _pipe(folder: Path, outside: Path) -> None:
    del outside
    (folder / PENDING).mkdir()
    os.mkfifo(folder / PENDING / "last")


def _no_folder(folder: Path, outside: Path) -> None:
    del outside
    (folder / PENDING).write_bytes(b"")


PLANTED: dict[str, tuple[Callable[[Path, Path], None], str]] = {
    "the left change is a link to somebody's files": (_link_pending, "file.link"),
    "a folder of the left change is a link": (_link_inside_pending, "file.link"),
    "a file of the left change is a link": (_link_a_pending_file, "file.link"),
    "a folder that files would be moved to is a link": (_link_a_folder, "file.link"),
    "a file of the left change has no name of the folder": (_foreign_name, "file.unknown"),
    "the left change is deep": (_too_deep, "file.link"),
    "a file of the left change is a pipe": (_pipe, "file.link"),
    "the left change is a file": (_no_folder, "file.link"),
}


@pytest.mark.parametrize(("plant", "code"), PLANTED.values(), ids=PLANTED.keys())
def test_what_was_planted_moves_nothing_in_or_out(
    folder: Path, tmp_path: Path, plant: Callable[[Path, Path], None], code: str
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "one").write_bytes(b"private")
    plant(folder, outside)
    for write in (
        lambda: finish_pending(folder, last="last", member=MEMBER),
        lambda: replace_members(folder, {"a/one": b"new"}, last="last", member=MEMBER),
    ):
        with pytest.raises(UsageError) as caught:
            write()
        assert caught.value.code == code
        assert caught.value.hint
    assert {path.name: path.read_bytes() for path in outside.iterdir()} == {"one": b"private"}
    assert (folder / "b/two").read_bytes() == b"old two"
    assert (folder / "last").read_bytes() == b"old"
    assert [path.name for path in folder.iterdir() if path.name.startswith(".staged-")] == []


@pytest.mark.parametrize("place", ["a/one", "a", ".pending", ".pending/a"])
def test_no_reader_follows_a_link_out_of_the_folder(folder: Path, tmp_path: Path, place: str) -> None:
    outside = tmp_path / "outside"
    (outside / "a").mkdir(parents=True)
    (outside / "one").write_bytes(b"private")
    (outside / "a/one").write_bytes(b"private")
    if (folder / place).exists():
        (folder / place).rename(tmp_path / "moved")
    (folder / place).parent.mkdir(exist_ok=True)
    (folder / place).symlink_to(outside / "one" if place == "a/one" else outside)
    with pytest.raises(UsageError) as caught:
        read_member(folder, "a/one", max_bytes=100)
    assert caught.value.code == "file.link"


def test_the_folder_itself_may_be_reached_through_a_link(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    assert read(tmp_path / "link") == OLD
    replace_members(tmp_path / "link", NEW, last="last", member=MEMBER)
    assert read(folder) == OLD | NEW


READ_REFUSED: dict[str, tuple[str, int, str]] = {
    "a folder": ("a", 100, "file.unreadable"),
    "more than was asked for": ("a/one", 3, "file.too-large"),
    "a name that is none": ("a/\0", 100, "file.unreadable"),
    "a name that no file can have": ("a/" + "x" * 300, 100, "file.unreadable"),
    "a file where a folder is named": ("last/one", 100, "file.link"),
}


@pytest.mark.parametrize(("name", "most", "code"), READ_REFUSED.values(), ids=READ_REFUSED.keys())
def test_reading_refuses(folder: Path, name: str, most: int, code: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_member(folder, name, max_bytes=most)
    assert caught.value.code == code


def test_a_folder_that_is_none_is_told(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path / "a\0b"):
        with pytest.raises(UsageError) as caught:
            read_member(path, "a/one", max_bytes=1)
        assert caught.value.code == "file.unreadable"


def test_members_are_listed_with_their_folders(folder: Path) -> None:
    assert list_members(folder, "a") == ["one"]
    assert list_members(folder, "none/at/all") == []
    (folder / "a" / "link").symlink_to("/etc/passwd")
    with pytest.raises(UsageError) as caught:
        list_members(folder, "a")
    assert caught.value.code == "file.link"


def test_what_is_checked_under_the_lock_ends_the_change(folder: Path) -> None:
    def changed() -> None:
        raise UsageError("changed", code="test.changed")

    with pytest.raises(UsageError, match="changed"):
        replace_members(folder, NEW, last="last", member=MEMBER, check=changed)
    assert read(folder) == OLD
    assert sorted(path.name for path in folder.iterdir()) == ["a", "b", "last"]


PROGRAM = """
import itertools, pathlib, sys
from vxsec.host.file_set import replace_members
print("ready", flush=True)
for number in itertools.count(1):
    data = str(number).encode()
    replace_members(sys.argv[1], {f"{name}/file": data for name in "abcdefgh"}, last="h/file", member=lambda name: name.endswith("/file"))
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
