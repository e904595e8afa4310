"""A real Verdaccio: installed by ``npm ci`` from the lockfile beside this file, started on a free loopback port."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from support.omissions import require_or_skip

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.node_tools import NodeTools

__all__ = ["Verdaccio", "install_verdaccio", "running_verdaccio"]

_LOCKED = Path(__file__).with_name("verdaccio_npm")
_CHECKOUT = Path(__file__).parents[2]
# Read while importing: tests clear the VXSEC_ variables.
_CACHE = Path(os.environ.get("VXSEC_TEST_CACHE") or _CHECKOUT / ".cache")
_START_SECONDS = 60.0
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdaccio:
    """A running registry. ``@vextrus/*`` is read and published with the token, ``@open/*`` is read without."""

    url: str
    folder: Path
    pid: int
    token: str = field(repr=False)

    def npmrc(self, *scopes: str) -> str:
        """The text of an ``.npmrc`` for ``scopes``, or for everything."""
        keys = [f"{scope}:registry" for scope in scopes] or ["registry"]
        lines = [f"{key}={self.url}" for key in keys]
        return "\n".join([*lines, f"{self.url.removeprefix('http:')}:_authToken={self.token}", ""])


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


@contextmanager
def running_verdaccio(tools: NodeTools, folder: Path) -> Iterator[Verdaccio]:
    """Run a registry with empty storage in ``folder``; its own process is stopped at the end, and no other."""
    installed = install_verdaccio(tools)
    (folder / "config.yaml").write_text(_CONFIG, encoding="utf-8")
    port = _free_port()
    command = [
        *tools.node,
        str(installed / "node_modules" / "verdaccio" / "bin" / "verdaccio"),
        "--config",
        "config.yaml",
        "--listen",
        f"127.0.0.1:{port}",
    ]
    environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(folder), "NODE_ENV": "production"}
    with (folder / "output.txt").open("wb") as output:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=output)
        try:
            url = f"http://127.0.0.1:{port}/"
            _wait(url, process, folder)
            yield Verdaccio(url=url, folder=folder, pid=process.pid, token=_first_user(url))
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(timeout=10)


def _wait(url: str, process: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with _DIRECT.open(f"{url}-/ping", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    said = (folder / "output.txt").read_text(encoding="utf-8", errors="replace")[-2000:]
    raise AssertionError(f"Verdaccio did not start:\n{said}")


def _first_user(url: str) -> str:
    body = json.dumps({"name": "ci", "password": "rehearsal-password"}).encode()
    request = urllib.request.Request(  # noqa: S310 - loopback
        f"{url}-/user/org.couchdb.user:ci", data=body, method="PUT", headers={"content-type": "application/json"}
    )
    with _DIRECT.open(request, timeout=10) as answer:
        return str(json.load(answer)["token"])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
