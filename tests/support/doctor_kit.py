"""A machine with a home, a project and programs of its own, for ``vxsec doctor`` to look at."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

__all__ = ["FIXTURES", "PLANTED", "Machine", "install"]

FIXTURES = Path(__file__).parents[2] / "fixtures" / "doctor"
PLANTED = "s3cr3t"
"""Part of every token and password in the fixtures and tests, in any case."""
_PROGRAMS = {"node": "v22.1.0", "npm": "11.6.0", "gpg": "gpg (GnuPG) 2.4.4", "git": ""}


@dataclass(slots=True)
class Machine:
    """Folders of one test; the current folder is the project's."""

    home: Path
    project: Path
    programs: Path

    def program(self, name: str, script: str) -> Path:
        """Put a shell script on the PATH."""
        path = self.programs / name
        path.unlink(missing_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)
        return path

    def lay(self, folder: Path, *, remove: list[str] | None = None) -> None:
        """Put a fixture's files where they belong."""
        for path in sorted(folder.iterdir()):
            match path.name:
                case "case.toml":
                    continue
                case "user.npmrc":
                    target = self.home / ".npmrc"
                case "project.npmrc":
                    target = self.project / ".npmrc"
                case name:
                    target = self.project / name
            shutil.copyfile(path, target)
            target.chmod(0o600)
        for name in remove or ():
            (self.project / name).unlink()


def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A healthy machine, from ``fixtures/doctor/healthy``; its git is the real one."""
    machine = Machine(tmp_path / "home", tmp_path / "project", tmp_path / "bin")
    for folder in (machine.home, machine.project, machine.programs):
        folder.mkdir()
    git = shutil.which("git")
    for name, said in _PROGRAMS.items():
        if name == "git" and git is not None:
            (machine.programs / name).symlink_to(git)
        else:
            machine.program(name, f"echo '{said}'")
    machine.lay(FIXTURES / "healthy")
    for name in (
        "NPM_CONFIG_USERCONFIG",
        "npm_config_userconfig",
        "HTTPS_PROXY",
        "HTTP_PROXY",
        "https_proxy",
        "http_proxy",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(machine.home))
    monkeypatch.setenv("PATH", str(machine.programs))
    monkeypatch.setenv("NPM_TOKEN", f"npm_{PLANTED}{PLANTED}{PLANTED}{PLANTED}")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    monkeypatch.chdir(machine.project)
    return machine
