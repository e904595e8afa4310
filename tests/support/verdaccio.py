"""A real Verdaccio: installed by ``npm ci`` from the lockfile beside this file, started on a free loopback port."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from support.omissions import require_or_skip
from vxsec.testing import VerdaccioServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.node_tools import NodeTools

__all__ = ["Verdaccio", "install_verdaccio", "running_verdaccio", "verdaccio_command"]

Verdaccio = VerdaccioServer

_LOCKED = Path(__file__).with_name("verdaccio_npm")
_CHECKOUT = Path(__file__).parents[2]
# Read while importing: tests clear the VXSEC_ variables.
_CACHE = Path(os.environ.get("VXSEC_TEST_CACHE") or _CHECKOUT / ".cache")
_CONFIG = """\
storage: ./storage
auth: {htpasswd: {file: ./htpasswd, algorithm: bcrypt, max_users: 100}}
security: {api: {jwt: {sign: {expiresIn: 60d}, verify: {}}}}
uplinks: {}
packages:
  '@vextrus/*': {access: $authenticated, publish: $authenticated, unpublish: $authenticated}
  '@open/*':    {access: $all, publish: $authenticated, unpublish: $authenticated}
  '**':         {access: $authenticated, publish: nobody}
web: {enable: false}
middlewares: {audit: {enabled: false}}
log: {type: file, path: ./verdaccio.log, format: json, level: http}
max_body_size: 50mb
"""


def install_verdaccio(tools: NodeTools) -> Path:
    """The folder with Verdaccio's ``node_modules``, made once for each lockfile and kept in the cache."""
    lock = (_LOCKED / "package-lock.json").read_bytes() + (_LOCKED / "package.json").read_bytes()
    target = _CACHE / "verdaccio" / hashlib.sha256(lock).hexdigest()[:16]
    target.mkdir(parents=True, exist_ok=True)
    with (target / "install.lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not (target / "complete").exists():
            for name in ("package.json", "package-lock.json"):
                shutil.copyfile(_LOCKED / name, target / name)
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
                require_or_skip(f"Verdaccio cannot be installed: {words[0] if words else 'npm ci failed'}")
            (target / "complete").touch()
    return target


def verdaccio_command(tools: NodeTools) -> tuple[str, ...]:
    """What starts the pinned Verdaccio, installed first where it is not there yet."""
    return (*tools.node, str(install_verdaccio(tools) / "node_modules" / "verdaccio" / "bin" / "verdaccio"))


@contextmanager
def running_verdaccio(tools: NodeTools, folder: Path) -> Iterator[VerdaccioServer]:
    """Run a registry with empty storage in ``folder``; its own process is stopped at the end, and no other.

    ``@vextrus/*`` is read and published with the token, ``@open/*`` is read without.
    """
    with VerdaccioServer(verdaccio_command(tools), folder=folder, config=_CONFIG) as running:
        yield running
