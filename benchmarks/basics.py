"""Starting up and gating: what every call pays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.bench import Row
from benchmarks.timing import medians

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.bench import Bench

__all__ = ["BARE", "gate_four", "help_text", "import_alone"]

BARE = "python -c pass"


def help_text(bench: Bench) -> Iterator[Row]:
    """``vxsec --help``."""
    peers = {BARE: bench.python("pass")}
    yield from bench.compare("vxsec --help", bench.vxsec("--help"), peers, within=0.1, goal="<= 100 ms")


def import_alone(bench: Bench) -> Iterator[Row]:
    """``import vxsec``."""
    own, bare = bench.python("import vxsec"), bench.python("pass")
    ours, theirs = medians([own, bare], runs=bench.runs)
    yield Row(
        what="import vxsec", ours=ours, memory=own.peak(), peer=BARE, theirs=theirs, peer_memory=bare.peak(),
        goal="<= 50 ms over bare Python", met=ours - theirs <= 0.05,
    )  # fmt: skip


def gate_four(bench: Bench) -> Iterator[Row]:
    """``vxsec gate`` of four packages, against a registry on the loopback address that has none of them."""
    names = sorted(path.name for path in bench.folder.glob("*.tgz"))
    own = bench.vxsec("gate", *names, "--policy", "vxsec:minimal", "--trust", "trust.yaml")
    yield from bench.compare("vxsec gate, four packages", own, {BARE: bench.python("pass")}, within=1, goal="<= 1 s")
