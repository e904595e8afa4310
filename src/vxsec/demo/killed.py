"""A publish that is killed in the middle: what is live is known exactly, and running it again finishes it."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from vxsec.demo.stage import EVIDENCE, opened
from vxsec.model.report.publication import PublishState

if TYPE_CHECKING:
    from pathlib import Path

    from vxsec.demo.stage import Stage

__all__ = ["tell_killed_publish"]

_VERSION = "1.1.0"
_NAMES = ("contracts", "distributed-transactions", "kernel", "utils")
_LIVE_BEFORE = 2
_SECONDS = 60.0


def tell_killed_publish(stage: Stage) -> bool:
    """Four new versions, two of them live when the publisher is killed; True if the second run completes exactly them."""
    stage.act("A publish of four new versions is killed (kill -9) between two requests")
    tarballs = [stage.pack(name, _VERSION, {}) for name in _NAMES]
    lockfile = stage.write_lockfile(tarballs, name="next/package-lock.json")
    stage.release(tarballs, lockfile)
    if not _kill_while_publishing(stage, tarballs, lockfile):
        stage.tell("the publisher could not be killed where it should be", "bad")
        return False
    stage.tell("killed; what the registry holds now:", "plain")
    left = stage.publish(tarballs, lockfile=lockfile, dry_run=True)
    for package in left.packages:
        stage.tell(f"{'live' if package.live else 'not live'}  {package.package}", "good" if package.live else "warn")
    stage.act("The same command again finishes it, and publishes nothing twice")
    again = stage.publish(tarballs, lockfile=lockfile)
    for package in again.packages:
        stage.tell(f"{package.state.value}  {package.package}", "good")
    return all(
        (
            sum(package.live for package in left.packages) == _LIVE_BEFORE,
            again.exit_status == 0,
            {package.package for package in again.packages if package.state is PublishState.ALREADY_LIVE}
            == {package.package for package in left.packages if package.live},
            _once_each(stage, tarballs),
        )
    )


def _kill_while_publishing(stage: Stage, tarballs: list[Path], lockfile: Path) -> bool:
    """Let a process of its own publish step by step; kill it when it is about to send the third package."""
    command = [sys.executable, "-P", "-m", "vxsec.demo.publisher", stage.folder, lockfile, *tarballs]
    process = subprocess.Popen(  # noqa: S603 - this very Python, running our own module
        list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        if process.stdin is None or process.stdout is None:
            raise TypeError("both were asked for")
        sent = 0
        for step in process.stdout:
            if ": publishing " in step:
                if sent == _LIVE_BEFORE:
                    process.kill()
                    break
                sent += 1
            with suppress(BrokenPipeError):
                process.stdin.write("\n")
                process.stdin.flush()
        process.wait(timeout=_SECONDS)
    return process.returncode < 0


def _once_each(stage: Stage, tarballs: list[Path]) -> bool:
    """Each version is there with the bytes meant, and its evidence was sent once."""
    listed = (stage.registry.packument(EVIDENCE) or {"versions": {}})["versions"]
    for path in tarballs:
        artifact = opened(path)
        stored = (stage.registry.packument(artifact.package.name) or {"versions": {}})["versions"]
        version = stored.get(artifact.package.version)
        if version is None or version["dist"]["integrity"] != artifact.digests.integrity:
            return False
        if sum(artifact.digests.sha256 in name for name in listed) != 1:
            return False
    stage.tell(f"{len(tarballs)} versions, {len(tarballs)} pieces of evidence, each there once", "good")
    return True
