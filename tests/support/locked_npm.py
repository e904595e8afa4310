"""npm packages that tests run, installed by ``npm ci`` from a lockfile beside the tests, once for each lockfile."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from support.omissions import require_or_skip

if TYPE_CHECKING:
    from support.node_tools import NodeTools

__all__ = ["install_locked"]

_CHECKOUT = Path(__file__).parents[2]
# Read while importing: tests clear the VXSEC_ variables.
_CACHE = Path(os.environ.get("VXSEC_TEST_CACHE") or _CHECKOUT / ".cache")


def install_locked(tools: NodeTools, locked: Path, *, name: str) -> Path:
    """The folder with the ``node_modules`` of ``locked``, kept in the cache; the test is left out where npm cannot make it.

    Args:
        tools: Node and npm.
        locked: The folder with ``package.json`` and ``package-lock.json``.
        name: What is installed: the cache's folder, and the word in the reason.
    """
    lock = (locked / "package-lock.json").read_bytes() + (locked / "package.json").read_bytes()
    target = _CACHE / name.lower() / hashlib.sha256(lock).hexdigest()[:16]
    target.mkdir(parents=True, exist_ok=True)
    with (target / "install.lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not (target / "complete").exists():
            for file in ("package.json", "package-lock.json"):
                shutil.copyfile(locked / file, target / file)
            environment = {
                **os.environ,  # the machine's own npm settings say where packages come from
                "PATH": f"{Path(tools.node[0]).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
                "npm_config_update_notifier": "false",
            }
            done = subprocess.run(
                [*tools.npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
                cwd=target,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
                timeout=600,
            )
            if done.returncode != 0:
                words = (done.stderr or done.stdout).strip().splitlines()
                require_or_skip(f"{name} cannot be installed: {words[0] if words else 'npm ci failed'}")
            (target / "complete").touch()
    return target
