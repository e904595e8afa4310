"""Whole-process timing: interleaved runs, medians, nothing else."""

from __future__ import annotations

import statistics
import subprocess
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["Command", "medians"]


@dataclass(frozen=True, kw_only=True)
class Command:
    """One process to time; ``expect`` is the exit status that makes a run count."""

    arguments: Sequence[str]
    folder: Path | None = None
    environment: Mapping[str, str] | None = field(default=None, repr=False)
    expect: int = 0

    def run(self) -> float:
        """Run once and return its wall time in seconds; a wrong exit status is no measurement."""
        begin = time.perf_counter()
        done = subprocess.run(
            self.arguments,
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        took = time.perf_counter() - begin
        if done.returncode != self.expect:
            said = (done.stdout + done.stderr).decode("utf-8", "replace")[-2000:]
            raise RuntimeError(f"{self.arguments[:4]}: expected status {self.expect}, found {done.returncode}\n{said}")
        return took


def medians(commands: Sequence[Command], *, runs: int) -> list[float]:
    """Median wall time of each command in seconds.

    The commands take turns, so that a machine that becomes slower meanwhile slows all of them; one warm-up turn is not
    counted.
    """
    taken: list[list[float]] = [[] for _ in commands]
    for turn in range(runs + 1):
        for times, command in zip(taken, commands, strict=True):
            took = command.run()
            if turn > 0:
                times.append(took)
    return [statistics.median(times) for times in taken]
