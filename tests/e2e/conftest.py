"""A shop to publish from, and the command line in the same process or as the installed program."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from support.shop import Shop, make_database, make_keys
from vxsec.cli import run
from vxsec.testing import RegistrySimulator

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command gave."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)


class Vxsec:
    """Runs ``vxsec`` in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: object) -> Answer:
        """Run one command."""
        self._capsys.readouterr()
        status = run([str(argument) for argument in arguments])
        captured = self._capsys.readouterr()
        assert "Traceback" not in captured.out + captured.err
        return Answer(status, captured.out, captured.err)


class Program:
    """Runs the installed console script as a process of its own."""

    path = Path(sys.executable).with_name("vxsec")

    def __call__(
        self, *arguments: object, cwd: Path, env: Mapping[str, str] | None = None, stdin: str | None = None
    ) -> Answer:
        """Run one command."""
        done = subprocess.run(
            [str(self.path), *map(str, arguments)],
            cwd=cwd,
            env=dict(env) if env is not None else None,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert "Traceback" not in done.stdout + done.stderr
        return Answer(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def vxsec_run(capsys: pytest.CaptureFixture[str]) -> Vxsec:
    """The command line, in this process."""
    return Vxsec(capsys)


@pytest.fixture
def program() -> Program:
    """The installed program."""
    return Program()


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key pairs, made once per run."""
    folder = tmp_path_factory.mktemp("keys")
    make_keys(folder)
    return folder


@pytest.fixture(scope="session")
def advisories(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small advisory database, made once per run."""
    folder = tmp_path_factory.mktemp("advisories")
    make_database(folder)
    return folder


@pytest.fixture
def shop(tmp_path: Path, keys: Path, advisories: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """A fresh shop with its own registry; the current folder is the shop's, the home is empty, the database is there."""
    home = tmp_path / "home"
    home.mkdir()
    folder = tmp_path / "shop"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("VXSEC_DB", str(advisories))
    monkeypatch.delenv("NPM_CONFIG_USERCONFIG", raising=False)
    monkeypatch.delenv("npm_config_userconfig", raising=False)
    monkeypatch.chdir(folder)
    with RegistrySimulator() as registry:
        yield Shop(folder, keys, registry)
