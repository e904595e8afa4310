"""Real pnpm, two generations of it: installed by ``npm ci`` from the lockfile beside this file, pointed at loopback only."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from support.locked_npm import install_locked
from support.omissions import require_or_skip

if TYPE_CHECKING:
    from support.node_tools import NodeTools

__all__ = ["PNPM_GENERATIONS", "Pnpm", "install_pnpm"]

PNPM_GENERATIONS = ("pnpm-11", "pnpm-12")
"""The last one written in JavaScript, and the first one that is not: two verifiers that share nothing."""

_LOCKED = Path(__file__).with_name("pnpm_npm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pnpm:
    """One generation, and the environment it runs in: its own home, store and cache."""

    command: tuple[str, ...]
    environment: dict[str, str]

    def run(self, *arguments: str, cwd: Path, seconds: float = 120.0) -> subprocess.CompletedProcess[str]:
        """Run pnpm; the caller looks at the return code."""
        return subprocess.run(
            [*self.command, *arguments],
            cwd=cwd,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
        )

    def audit_signatures(self, cwd: Path) -> tuple[int, dict[str, Any]]:
        """Exit status and answer of ``pnpm audit signatures --json``; an empty answer where it printed no JSON."""
        done = self.run("audit", "signatures", "--json", cwd=cwd)
        try:
            answer = json.loads(done.stdout)
        except ValueError:
            answer = {}
        return done.returncode, answer if isinstance(answer, dict) else {}


def install_pnpm(tools: NodeTools, generation: str, home: Path) -> Pnpm:
    """The pinned pnpm of that generation, installed first where it is not there yet."""
    command = _command(tools, generation)
    environment = tools.environment(home) | {"XDG_DATA_HOME": str(home / "data"), "XDG_CACHE_HOME": str(home / "cache")}
    pnpm = Pnpm(command=command, environment=environment)
    if pnpm.run("--version", cwd=home).returncode != 0:
        require_or_skip(f"{generation} does not run on this machine")
    return pnpm


def _command(tools: NodeTools, generation: str) -> tuple[str, ...]:
    modules = install_locked(tools, _LOCKED, name="pnpm") / "node_modules"
    if generation == "pnpm-11":
        return (*tools.node, str(modules / "pnpm" / "bin" / "pnpm.mjs"))
    programs = list(modules.glob("@pnpm/exe.*/pnpm"))
    if not programs:
        require_or_skip(f"{generation} is pinned for Linux on x64 and arm64 only")
    return (str(programs[0]),)
