"""A file read at places."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from vxsec.errors import UsageError
from vxsec.host.random_access import opened_file

if TYPE_CHECKING:
    from pathlib import Path


def test_pieces_come_from_their_places(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"0123456789")
    with opened_file(tmp_path / "file") as file:
        assert file.size == 10
        assert [file.read(0, 3), file.read(8, 9), file.read(10, 1), file.read(99, 1), file.read(3, 0)] == [
            b"012", b"89", b"", b"", b"",
        ]  # fmt: skip


def test_what_comes_in_several_pieces_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"0123456789")
    real = os.pread
    monkeypatch.setattr(os, "pread", lambda descriptor, length, offset: real(descriptor, min(length, 3), offset))
    with opened_file(tmp_path / "file") as file:
        assert file.read(1, 8) == b"12345678"


def test_a_failing_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"x")

    def fail(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    with opened_file(tmp_path / "file") as file:
        monkeypatch.setattr(os, "pread", fail)
        with pytest.raises(UsageError, match="Input/output error") as caught:
            file.read(0, 1)
    assert caught.value.code == "file.unreadable"


@pytest.mark.parametrize(
    ("name", "code"),
    [("gone", "file.missing"), (".", "file.unreadable"), ("pipe", "file.unreadable"), ("a\0b", "file.unreadable"), ("x" * 300, "file.unreadable")],
)  # fmt: skip
def test_what_is_no_file_is_refused(tmp_path: Path, name: str, code: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError) as caught, opened_file(tmp_path / name):
        pass
    assert caught.value.code == code
