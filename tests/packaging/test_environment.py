"""How a fresh machine is met: which interpreter is taken, and what is said where there is none."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from support.distributions import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

# What each made-up interpreter answers to the three questions that .ci/environment asks, and to being called.
MISSING_VENV = """\
case "$2" in
*ensurepip*) exit 1 ;;
*version_info*print* | *print*version_info*) echo 3.12 ;;
*) exit 0 ;;
esac
"""
TOO_OLD = "exit 1"
SHIM = "echo 'shim: command not found' >&2; exit 127"
WORKING = """\
case "$1 $2" in
"-m venv") mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; cp "$0" "$3/bin/pip"; echo "made $3" >>"$MADE_BY" ;;
"-m pip") echo "pip $*" >>"$MADE_BY"; [ "$3" != --version ] || echo 'pip 23.2 from somewhere' ;;
-c*) case "$2" in *stdin*) exit 1 ;; esac ;;
esac
exit 0
"""


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A machine with a shell and nothing else."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in ("rm", "mkdir", "cp"):
        found = shutil.which(tool)
        assert found is not None
        (folder / tool).symlink_to(found)
    return folder


def _add(machine: Path, name: str, body: str) -> None:
    (machine / name).write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    (machine / name).chmod(0o755)


def _run(machine: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", str(CHECKOUT / ".ci" / "environment"), str(machine.parent / "made"), *arguments],
        env={"PATH": str(machine), "MADE_BY": str(machine.parent / "record"), **variables},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def _record(machine: Path) -> str:
    return (machine.parent / "record").read_text(encoding="utf-8")


def test_a_machine_without_python_is_told_so_in_one_line(machine: Path) -> None:
    done = _run(machine, ".")
    assert done.returncode == 2
    assert done.stderr == "error: expected Python 3.11 or newer on the PATH, found none (set PYTHON=/path/to/python3)\n"


def test_a_python_that_is_too_old_counts_as_none(machine: Path) -> None:
    _add(machine, "python3", TOO_OLD)
    assert "found none" in _run(machine, ".").stderr


def test_where_venv_is_a_package_of_its_own_the_package_is_named_in_one_line(machine: Path) -> None:
    _add(machine, "python3.12", MISSING_VENV)
    done = _run(machine, ".")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "apt-get install python3.12-venv" in done.stderr


def test_an_interpreter_that_can_make_environments_is_taken_before_a_newer_one_that_cannot(machine: Path) -> None:
    _add(machine, "python3.14", SHIM)
    _add(machine, "python3.12", MISSING_VENV)
    _add(machine, "python3.11", WORKING)
    done = _run(machine, ".")
    assert done.returncode == 0, done.stderr
    assert "made " in _record(machine)


def test_a_pip_that_knows_no_dependency_groups_is_upgraded_first(machine: Path) -> None:
    _add(machine, "python3", WORKING)
    assert _run(machine, ".", "--group", "dev").returncode == 0
    installs = [line for line in _record(machine).splitlines() if "install" in line]
    assert ["--upgrade pip>=25.1" in line for line in installs] == [True, False]
    assert installs[-1].endswith(". --group dev")


def test_the_users_own_pip_configuration_is_left_alone() -> None:
    script = (CHECKOUT / ".ci" / "environment").read_text(encoding="utf-8") + (CHECKOUT / "Makefile").read_text(
        encoding="utf-8"
    )
    overriding = (
        r"--(extra-)?index-url|--find-links|--no-index|--cert|--trusted-host|--isolated|PIP_(INDEX|FIND|CERT|CONFIG)"
    )
    assert re.search(overriding, script) is None


def test_every_target_of_the_makefile_is_in_its_help() -> None:
    text = (CHECKOUT / "Makefile").read_text(encoding="utf-8")
    declared = re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    assert declared is not None
    make = shutil.which("make")
    if make is None:
        pytest.skip("no make on the PATH")
    shown = subprocess.run(
        [make, "help"], cwd=CHECKOUT, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=True
    )
    assert set(re.findall(r"^  make ([\w-]+)", shown.stdout, re.MULTILINE)) == set(declared[1].split())
