"""The command line's outer layer: help without importing commands, one-line errors, statuses that are never 0 by accident."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module

import click
import pytest

from vxsec import cli
from vxsec.cli import root as module
from vxsec.cli import run
from vxsec.cli.root import COMMANDS
from vxsec.errors import VxsecError


def test_every_command_is_where_the_table_says_and_has_its_name() -> None:
    for name, (home, text) in COMMANDS.items():
        command = import_module(home).command
        assert isinstance(command, click.Command)
        assert command.name == name
        assert text.endswith((".", "?"))


MISTYPED = {"gatee": "gate", "vreify": "verify", "publsh": "publish", "key": "keys", "Sign": "sign"}


@pytest.mark.parametrize(("typed", "meant"), MISTYPED.items())
def test_a_command_that_is_misspelt_gets_a_suggestion(
    capsys: pytest.CaptureFixture[str], typed: str, meant: str
) -> None:
    assert run([typed, "x.tgz"]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.splitlines()[0] == f"error[usage]: no such command '{typed}'; did you mean '{meant}'?"


@pytest.mark.parametrize("typed", ["frobnicate", "\x1b[2J", "."])
def test_a_command_like_none_gets_no_suggestion(capsys: pytest.CaptureFixture[str], typed: str) -> None:
    assert run([typed]) == 2
    shown = capsys.readouterr().err
    assert "did you mean" not in shown
    assert "\x1b" not in shown
    assert shown.splitlines()[-1] == "hint: see: vxsec --help"


@pytest.mark.parametrize("option", ["--frobnicate", "-x"])
def test_an_option_before_the_command_that_is_none(capsys: pytest.CaptureFixture[str], option: str) -> None:
    assert run([option]) == 2
    assert "error[usage]: " in capsys.readouterr().err


def test_a_command_that_looks_like_an_option_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--", "--gate"]) == 2
    assert "error[usage]: No such" in capsys.readouterr().err


def test_shells_can_list_the_commands() -> None:
    assert module.root.list_commands(click.Context(module.root)) == list(COMMANDS)


def test_help_names_every_command_and_every_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in COMMANDS)
    codes = shown.partition("Exit codes:")[2]
    assert set(re.findall(r"\d+", codes)) == {"0", "1", "2", "3", "4", "5", "10", "11", "130", "143"}


def test_a_stop_while_the_program_still_loads_is_a_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    class Loading:
        @property
        def root(self) -> object:
            raise cli._TerminatedError

    monkeypatch.setitem(sys.modules, "vxsec.cli.root", Loading())  # a stand-in for a module
    assert run(["--help"]) == 143


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert run([name, "--help"]) == 0
    assert "Usage: vxsec" in capsys.readouterr().out


def test_help_loads_no_command() -> None:
    script = (
        "import sys; from vxsec.cli import run; run(['--help']); "
        "print([name for name in sys.modules if name.startswith('vxsec.cli.') and name != 'vxsec.cli.root'])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


ERRORS: dict[str, tuple[BaseException, int, str]] = {
    "an error of vxsec": (
        VxsecError("no\x1b", code="a.b", hint="do\nthis"),
        1,
        "error[a.b]: no\\x1b\nhint: do\\x0athis\n",
    ),
    "an option that is wrong": (click.BadParameter("not a number"), 2, "error[usage]: "),
    "the system refuses": (PermissionError(13, "Permission denied"), 2, "error[file.unwritable]: "),
    "a defect": (ZeroDivisionError("secret"), 1, "error[internal]: a defect in vxsec: ZeroDivisionError\n"),
    "Ctrl-C": (KeyboardInterrupt(), 130, ""),
    "Ctrl-C at a question": (click.Abort(), 130, ""),
    "an exit that click asks for": (click.exceptions.Exit(7), 7, ""),
}


@pytest.mark.parametrize(("error", "status", "shown"), ERRORS.values(), ids=ERRORS.keys())
def test_whatever_a_command_raises_ends_in_a_status_and_at_most_two_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException, status: int, shown: str
) -> None:
    def raising(**_options: object) -> None:
        raise error

    monkeypatch.setattr(module.root, "main", raising)
    assert run([]) == status
    err = capsys.readouterr().err
    assert err.startswith(shown)
    assert len(err.splitlines()) <= 2
    assert "secret" not in err
    assert "Traceback" not in err


def test_a_defect_shows_where_when_asked_to(monkeypatch: pytest.MonkeyPatch) -> None:
    def raising(**_options: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(module.root, "main", raising)
    monkeypatch.setenv("VXSEC_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        run([])
