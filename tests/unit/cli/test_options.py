"""Options that mean the same everywhere: where a password comes from, times with a zone, options that would be ignored."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click
import pytest

from vxsec.cli import run
from vxsec.cli.options import password_source, refuse_options, require_password
from vxsec.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


class _Terminal:
    @staticmethod
    def isatty() -> bool:
        return True


@pytest.mark.parametrize("data", [b"secret\n", b"secret\r\n", b"secret"], ids=["LF", "CR LF", "no line end"])
def test_a_password_file_holds_one_line_and_is_read_once(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "password"
    path.write_bytes(data)
    ask = password_source(str(path), None)
    assert ask is not None
    assert ask() == b"secret"
    path.unlink()
    assert ask() == b"secret"


def test_a_password_may_come_from_the_environment_whatever_its_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "PW", os.fsdecode(b"\xff secret "))
    ask = password_source(None, "PW")
    assert ask is not None
    assert ask() == b"\xff secret "


def test_at_a_terminal_the_password_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, object]] = []

    def prompt(text: str, **how: object) -> str:
        asked.append((text, how["confirmation_prompt"]))
        assert how["hide_input"] is True
        return "geheim \u00fc"

    monkeypatch.setattr(sys, "stdin", _Terminal())
    monkeypatch.setattr(click, "prompt", prompt)
    for confirm in (False, True):
        ask = password_source(None, None, confirm=confirm)
        assert ask is not None
        assert ask() == "geheim \u00fc".encode()
    assert asked == [("Password of the key", False), ("Password of the new key", True)]


def test_without_a_terminal_there_is_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_Terminal, "isatty", staticmethod(lambda: False))
    monkeypatch.setattr(sys, "stdin", _Terminal())
    assert password_source(None, None) is None


@pytest.mark.parametrize(("file", "env"), [("f", "PW"), (None, "NOT_SET_ANYWHERE")], ids=["both", "not set"])
def test_refuses_two_sources_and_one_that_is_not_there(file: str | None, env: str) -> None:
    with pytest.raises(UsageError) as caught:
        password_source(file, env)
    assert caught.value.code == "usage.password"


def test_a_new_keys_password_is_not_empty() -> None:
    assert require_password(b"x") == b"x"
    with pytest.raises(UsageError) as caught:
        require_password(b"")
    assert caught.value.code == "usage.password"


def test_an_option_that_would_be_ignored_is_an_error() -> None:
    refuse_options({"--a": None, "--b": (), "--c": False, "--d": ""}, "needs --e")
    with pytest.raises(UsageError) as caught:
        refuse_options({"--a": None, "--b": ("x",), "--c": True}, "needs --e")
    assert (caught.value.code, caught.value.message) == ("usage.options", "--b needs --e")


@pytest.mark.parametrize("time", ["2026-01-01", "yesterday", "2026-01-01T00:00:00", "2026-13-01T00:00:00Z"])
def test_refuses_a_time_that_is_none_or_has_no_zone(capsys: pytest.CaptureFixture[str], time: str) -> None:
    assert run(["verify", "x.tgz", "--key", "k.pub", "--at", time]) == 2
    assert "error[usage]: " in capsys.readouterr().err
