"""What every measurement shares: a working folder, the commands, and one line of the table."""

from __future__ import annotations

import compileall
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.timing import Command, medians

import vxsec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from benchmarks.peers import NpmTools

    from vxsec.testing import RegistrySimulator

__all__ = ["HEAD", "PACKAGES", "PYTHON", "Bench", "Row", "prepare"]

PYTHON = sys.executable
VXSEC = str(Path(PYTHON).with_name("vxsec"))
PACKAGES = Path(vxsec.__path__[0], "demo", "packages")
TRUST = """\
apiVersion: vxsec/trust/v1
kind: Identities
keys: [{id: ci, file: ci.pub, roles: [machine], from: "2020-01-01T00:00:00Z", until: "2120-01-01T00:00:00Z", holder: ci}]
holders: [{id: ci, kind: machine}]
registries: {internal: {url: "REGISTRY", scopes: ["@vextrus"]}}
"""
HEAD = f"{'':<46} {'ours ms':>9} {'MB':>6}  {'peer ms':>9} {'MB':>6}  {'ratio':>7}  {'peer':<34} {'goal':<28} met"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table; times in seconds, peak memory in MB. ``met`` is whether this run kept the goal."""

    what: str
    ours: float
    goal: str
    met: bool
    memory: float | None = None
    peer: str = "-"
    theirs: float | None = None
    peer_memory: float | None = None

    def __str__(self) -> str:
        peer = f"{self.theirs * 1000:>9.1f}" if self.theirs else f"{'-':>9}"
        ratio = f"{self.ours / self.theirs:>7.2f}" if self.theirs else f"{'-':>7}"
        return (
            f"{self.what:<46} {self.ours * 1000:>9.1f} {_megabytes(self.memory)}  {peer} {_megabytes(self.peer_memory)}  "
            f"{ratio}  {self.peer:<34} {self.goal:<28} {'yes' if self.met else 'NO'}"
        )


def _megabytes(value: float | None) -> str:
    return f"{value:>6.0f}" if value else f"{'-':>6}"


@dataclass(frozen=True, kw_only=True)
class Bench:
    """The working folder, how often to measure, and the peers that were found."""

    folder: Path
    runs: int
    registry: RegistrySimulator
    cosign: str | None
    npm: NpmTools | None
    cyclonedx: Path | None

    @property
    def environment(self) -> dict[str, str]:
        """For our own commands."""
        return {**os.environ, "BENCH_PASSWORD": "benchmark", "NO_COLOR": "1"}

    def vxsec(self, *arguments: str, folder: Path | None = None) -> Command:
        """A vxsec command in the working folder, or in another."""
        return Command(arguments=[VXSEC, *arguments], folder=folder or self.folder, environment=self.environment)

    def shell(self, *commands: str) -> Command:
        """Commands one after the other, each a process, in the working folder; ``vxsec`` is ours."""
        environment = {**self.environment, "PATH": f"{Path(VXSEC).parent}{os.pathsep}{os.environ['PATH']}"}
        return Command(arguments=["/bin/sh", "-ec", "\n".join(commands)], folder=self.folder, environment=environment)

    def python(self, program: str, *arguments: str) -> Command:
        """A bare Python with one program."""
        return Command(arguments=[PYTHON, "-c", program, *arguments], folder=self.folder)

    def compare(
        self,
        what: str,
        own: Command,
        peers: Mapping[str, Command],
        *,
        within: float,
        goal: str,
        runs: int | None = None,
    ) -> Iterator[Row]:
        """One row for each peer, or one without: our command must take at most ``within`` seconds."""
        ours, *theirs = medians([own, *peers.values()], runs=runs or self.runs)
        shared = {"what": what, "ours": ours, "goal": goal, "met": ours <= within, "memory": own.peak()}
        if not peers:
            yield Row(**shared)  # type: ignore[arg-type]  # the fields of a row, by name
        for (peer, command), took in zip(peers.items(), theirs, strict=True):
            yield Row(**shared, peer=peer, theirs=took, peer_memory=command.peak())  # type: ignore[arg-type]  # likewise


def prepare(bench: Bench) -> None:
    """A key, a trust document, an ``.npmrc`` and four signed packages."""
    compileall.compile_dir(vxsec.__path__[0], quiet=2)  # as whoever installs it does
    (bench.folder / "trust.yaml").write_text(TRUST.replace("REGISTRY", bench.registry.url), encoding="utf-8")
    (bench.folder / ".npmrc").write_text(bench.registry.npmrc("@vextrus"), encoding="utf-8")
    bench.vxsec("keys", "generate", "ci", "--password-env", "BENCH_PASSWORD").run()
    names = []
    for tarball in sorted(PACKAGES.glob("*.tgz")):
        shutil.copy(tarball, bench.folder)
        names.append(tarball.name)
    signing = ("--signer", "file:ci.key", "--password-env", "BENCH_PASSWORD")
    bench.vxsec("sign", *names, *signing, "--registry", bench.registry.url).run()
