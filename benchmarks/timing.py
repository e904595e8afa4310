"""Whole-process timing: interleaved runs, medians, peak memory, nothing else."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

__all__ = ["Command", "call_medians", "medians"]

# A process inherits its parent's peak when it is started, so a small one starts it: about 10 MB is the floor.
_LAUNCHER = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
print(os.waitstatus_to_exitcode(status), usage.ru_maxrss)
"""


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

    def peak(self) -> float:
        """Run once more and return the peak resident memory in MB: its own, or that of its largest child."""
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", _LAUNCHER, *self.arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            check=True,
        )
        status, kilobytes = map(int, done.stdout.split())
        if status != self.expect:
            raise RuntimeError(f"{self.arguments[:4]}: expected status {self.expect}, found {status}")
        return kilobytes / 1000 * (1 if sys.platform != "darwin" else 0.001)


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


def call_medians(functions: Sequence[Callable[[], object]], *, runs: int, repeat: int = 1) -> list[float]:
    """Median time of one call of each function in seconds; they take turns of ``repeat`` calls, and the first is not counted."""
    taken: list[list[float]] = [[] for _ in functions]
    for turn in range(runs + 1):
        for times, function in zip(taken, functions, strict=True):
            begin = time.perf_counter()
            for _ in range(repeat):
                function()
            if turn > 0:
                times.append((time.perf_counter() - begin) / repeat)
    return [statistics.median(times) for times in taken]
