"""A real Verdaccio: installed by ``npm ci`` from the lockfile beside this file, started on a free loopback port."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from support.locked_npm import install_locked
from vxsec.testing import VerdaccioServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.node_tools import NodeTools

__all__ = ["Verdaccio", "install_verdaccio", "running_verdaccio", "verdaccio_command"]

Verdaccio = VerdaccioServer

_LOCKED = Path(__file__).with_name("verdaccio_npm")
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
    return install_locked(tools, _LOCKED, name="Verdaccio")


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
