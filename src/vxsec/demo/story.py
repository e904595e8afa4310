"""Release four packages to a loopback registry, install them, attack them, kill a publish: the whole story in seconds.

Everything here is what a user of the library could write: the facade, and ``vxsec.testing``. Each attack names what must
refuse it; an attack that passes makes the demo fail.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from vxsec.demo.attacks import run_attacks
from vxsec.demo.killed import tell_killed_publish
from vxsec.demo.release import tell_release
from vxsec.demo.scorecard import scorecard
from vxsec.demo.stage import PASSWORD, Stage
from vxsec.errors import UsageError
from vxsec.testing import RegistrySimulator, VerdaccioServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vxsec.demo.stage import Say
    from vxsec.testing import Registry

__all__ = ["REGISTRIES", "run_demo"]

REGISTRIES = ("simulator", "verdaccio")
_NEXT = (
    ("vxsec init --keys --person YOU", "write a policy and a trust document into your repository"),
    ("vxsec inspect package-lock.json", "is the lockfile you have sound and honest?"),
    ("docs/tutorial/first-gated-publish.md", "the first minutes with your own packages"),
)


def run_demo(
    say: Say,
    *,
    registry: str = "simulator",
    verdaccio: str = "verdaccio",
    keep: str | os.PathLike[str] | None = None,
) -> int:
    """Tell the story; returns 0 if everything honest passed and every attack was refused as named, else 1.

    Needs nothing but the installed package: no network, no npm. The keys and the trust root are made for this run.

    Args:
        say: Takes each line and its style.
        registry: ``simulator``, or ``verdaccio`` for a real one on the loopback interface.
        verdaccio: The command that starts Verdaccio.
        keep: Make the workspace here, in a folder that is new or empty, and leave it; else a temporary one.

    Raises:
        UsageError: ``demo.folder``: ``keep`` is in use; ``verdaccio.*``: it cannot be started.
    """
    with ExitStack() as stack:
        folder = _workspace(keep, stack)
        server: Registry
        if registry == "verdaccio":
            server = stack.enter_context(VerdaccioServer(verdaccio))
        else:
            server = stack.enter_context(RegistrySimulator())
        stack.enter_context(_own_npm_settings(folder))
        stage = Stage(folder=folder, registry=server, say=say)
        status = _tell(stage)
    if keep is not None:
        say("", "plain")
        say(f"The workspace is left in {folder} (the keys' password is {PASSWORD.decode()}).", "plain")
    return status


@contextmanager
def _own_npm_settings(folder: Path) -> Iterator[None]:
    """The user's ``.npmrc`` has no part in the story: its proxies, tokens and registries are for other things."""
    name = "NPM_CONFIG_USERCONFIG"
    before = os.environ.get(name)
    settings = folder / "user.npmrc"
    settings.touch()
    os.environ[name] = str(settings)
    try:
        yield
    finally:
        del os.environ[name]
        if before is not None:
            os.environ[name] = before


def _workspace(keep: str | os.PathLike[str] | None, stack: ExitStack) -> Path:
    if keep is None:
        return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vxsec-demo-")))
    folder = Path(keep).absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        used = any(folder.iterdir())
    except OSError as error:
        raise UsageError(
            f"cannot make the workspace: {error.strerror}",
            code="demo.folder",
            where=str(keep),
            hint="give --keep a folder that is new or empty",
        ) from error
    if used:
        raise UsageError(
            "expected a folder that is new or empty, found one with files",
            code="demo.folder",
            where=str(keep),
            hint="give --keep another folder",
        )
    return folder


def _tell(stage: Stage) -> int:
    if not tell_release(stage):
        stage.say("FAILED: the honest release did not pass", "bad")
        return 1
    attacks = run_attacks(stage)
    finished = tell_killed_publish(stage)
    if not finished:
        stage.say("FAILED: the killed publish was not finished as it should be", "bad")
    stage.say("", "plain")
    for line, style in scorecard(attacks):
        stage.say(line, style)
    stage.say("", "plain")
    stage.say("Where to look next:", "plain")
    for what, why in _NEXT:
        stage.say(f"   {what:<38}  {why}", "plain")
    return 0 if finished and all(attack.refused for attack in attacks) else 1
