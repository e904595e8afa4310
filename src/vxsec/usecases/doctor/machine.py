"""``doctor`` on the machine: the programs that are there, and the clock."""

from __future__ import annotations

import os
import platform
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from vxsec._version import __version__
from vxsec.errors import UndecidedError
from vxsec.formats.timestamps import render_time
from vxsec.host.process import find_program, run
from vxsec.model.report.doctor import Area
from vxsec.usecases.doctor.notes import Notes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from vxsec.model.report.doctor import DoctorFinding

__all__ = ["check_clock", "check_programs", "newest_change"]

_PROGRAMS = Notes(Area.PROGRAMS)
_CLOCK = Notes(Area.CLOCK)

_SECONDS = 20.0  # npm starts slowly on a loaded machine
_ROOM = 64 * 1024
_VERSION = re.compile(r"(?<![0-9.])([0-9]{1,4})\.[0-9]{1,4}(?:\.[0-9]{1,4})?(?![0-9])")
_OLDEST_NODE, _OLDEST_NPM, _BLOCKING_NPM = 20, 10, 12

_NOT_BEFORE = datetime(2026, 11, 1, tzinfo=UTC)
"""This program was not written yet: a clock that shows an earlier time is wrong."""
_SLACK = timedelta(days=1)

_MISSING = {
    "node": (
        "node-missing",
        "Node.js, for npm; vxsec itself needs none",
        "install Node.js 20 or newer from your system",
    ),
    "npm": ("npm-missing", "npm, to pack and install; vxsec itself needs none", "install npm: it comes with Node.js"),
    "gpg": (
        "gpg-missing",
        "GnuPG, where signatures are made or checked with it",
        "install the package gnupg (Fedora: gnupg2): apt-get install gnupg",
    ),
    "git": (
        "git-missing",
        "git, to see which secrets are committed",
        "install the package git: apt-get install git",
    ),
}


def check_programs() -> Iterator[DoctorFinding]:
    """Python and vxsec; node, npm, gpg and git where they are, with their versions."""
    yield _PROGRAMS.ok("vxsec", f"vxsec {__version__} on Python {platform.python_version()}")
    for name in _MISSING:
        yield _check_program(name)


def _check_program(name: str) -> DoctorFinding:
    path = find_program(name)
    if path is None:
        code, expected, fix = _MISSING[name]
        return _PROGRAMS.warning(code, f"no {name} on the PATH", expected=expected, fix=fix)
    # npm reads settings wherever it stands; none of them may decide what its version is.
    surroundings = {"npm_config_userconfig": os.devnull, "npm_config_logs_max": "0", "NO_UPDATE_NOTIFIER": "1"}
    try:
        done = run([path, "--version"], timeout=_SECONDS, max_bytes=_ROOM, env=surroundings, cwd="/")
        found = _VERSION.search(done.stdout.decode("utf-8", "replace")[:1000]) if done.exit_code == 0 else None
        said = f"exit status {done.exit_code}"
    except UndecidedError as error:
        found, said = None, error.message
    if found is None:
        return _PROGRAMS.warning(
            "program-broken",
            f"{name} does not tell its version ({said})",
            expected="a program that runs",
            fix=f"run it by hand, or install it again: {path} --version",
            where=path,
        )
    return _judge_version(name, found[0], int(found[1]), path)


def _judge_version(name: str, version: str, major: int, path: str) -> DoctorFinding:
    if name == "node" and major < _OLDEST_NODE:
        return _PROGRAMS.warning(
            "node-old",
            f"Node.js {version}",
            expected=f"{_OLDEST_NODE} or newer",
            fix=f"install Node.js {_OLDEST_NODE} or newer: older ones get no security fixes",
            where=path,
        )
    if name == "npm" and major < _OLDEST_NPM:
        return _PROGRAMS.warning(
            "npm-old",
            f"npm {version}",
            expected=f"{_OLDEST_NPM} or newer",
            fix=f"npm install --global npm@{_OLDEST_NPM}",
            where=path,
        )
    note = ""
    if name == "npm" and major >= _BLOCKING_NPM:
        note = "; it runs install scripts of dependencies only where allow-scripts names them"
    return _PROGRAMS.ok(name, f"{name} {version}{note}", where=path)


def newest_change(paths: Iterable[str | os.PathLike[str]]) -> tuple[str, datetime] | None:
    """The path that was changed last, and when; None where none of them is there."""
    found: list[tuple[datetime, str]] = []
    for path in paths:
        try:
            changed = datetime.fromtimestamp(Path(path).stat().st_mtime, tz=UTC)
        except (OSError, ValueError, OverflowError):
            continue
        found.append((changed.replace(microsecond=0), str(path)))
    return max(found)[::-1] if found else None


def check_clock(*, now: datetime, newest: tuple[str, datetime] | None) -> DoctorFinding:
    """Whether the clock is behind what it cannot be behind: this program, and the files of the project."""
    fix = "set the clock, and keep it by NTP: timedatectl set-ntp true"
    if now < _NOT_BEFORE:
        return _CLOCK.problem(
            "clock-early",
            f"this machine's clock says {render_time(now)}",
            expected=f"a time after this vxsec was made ({render_time(_NOT_BEFORE)})",
            fix=fix,
        )
    if newest is not None and newest[1] - now > _SLACK:
        return _CLOCK.problem(
            "clock-behind",
            f"this machine's clock says {render_time(now)}, and the file was changed at {render_time(newest[1])}",
            expected="a clock that is not more than a day behind the files it sees",
            fix=fix,
            where=newest[0],
        )
    return _CLOCK.ok("clock", f"the clock says {render_time(now)}; nothing here is from later")
