"""``make bench``: what vxsec costs, as ratios against named peers in the same run.

Never part of the tests: a loaded machine is not a defect. Each figure is the median of interleaved whole-process runs. A
peer that is not on the PATH is named as missing, and its row is left out.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.timing import Command, medians

import vxsec
from vxsec.testing import RegistrySimulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

PYTHON = sys.executable
VXSEC = str(Path(PYTHON).with_name("vxsec"))
PACKAGES = Path(vxsec.__path__[0], "demo", "packages")
MANY, MANY_WITH_COSIGN = 1000, 20

TRUST = """\
apiVersion: vxsec/trust/v1
kind: Identities
keys: [{id: ci, file: ci.pub, roles: [machine], from: "2020-01-01T00:00:00Z", until: "2120-01-01T00:00:00Z", holder: ci}]
holders: [{id: ci, kind: machine}]
registries: {internal: {url: "REGISTRY", scopes: ["@vextrus"]}}
"""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table; times in seconds. ``goal`` is what was promised, ``met`` whether this run kept it."""

    what: str
    ours: float
    peer: str
    theirs: float
    goal: str
    met: bool

    def __str__(self) -> str:
        ratio = self.ours / self.theirs
        verdict = "yes" if self.met else "NO"
        return (
            f"{self.what:<46} {self.ours * 1000:>9.1f}  {self.theirs * 1000:>9.1f}  {ratio:>7.2f}  "
            f"{self.peer:<34} {self.goal:<28} {verdict}"
        )


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What every measurement shares."""

    folder: Path
    runs: int
    cosign: str | None
    registry: RegistrySimulator

    def vxsec(self, *arguments: str) -> Command:
        """A vxsec command in the working folder."""
        environment = {**os.environ, "BENCH_PASSWORD": "benchmark", "NO_COLOR": "1"}
        return Command(arguments=[VXSEC, *arguments], folder=self.folder, environment=environment)

    def python(self, program: str) -> Command:
        """A bare Python with one program."""
        return Command(arguments=[PYTHON, "-c", program], folder=self.folder)


def prepare(bench: Bench) -> None:
    """A key, a trust document, four signed packages and a thousand signed files."""
    (bench.folder / "trust.yaml").write_text(TRUST.replace("REGISTRY", bench.registry.url), encoding="utf-8")
    (bench.folder / ".npmrc").write_text(bench.registry.npmrc("@vextrus"), encoding="utf-8")
    bench.vxsec("keys", "generate", "ci", "--password-env", "BENCH_PASSWORD").run()
    names = []
    for tarball in sorted(PACKAGES.glob("*.tgz")):
        shutil.copy(tarball, bench.folder)
        names.append(tarball.name)
    signing = ("--signer", "file:ci.key", "--password-env", "BENCH_PASSWORD")
    bench.vxsec("sign", *names, *signing, "--registry", bench.registry.url).run()
    files = _many(bench)
    for number, name in enumerate(files):
        (bench.folder / name).write_bytes(b"%d\n" % number * 1000)
    bench.vxsec("sign", "--blob", *files, *signing).run()


def _many(bench: Bench) -> list[str]:
    (bench.folder / "many").mkdir(exist_ok=True)
    return [f"many/{number:04}.bin" for number in range(MANY)]


def help_text(bench: Bench) -> Iterator[Row]:
    """``vxsec --help``."""
    ours, bare = medians([bench.vxsec("--help"), bench.python("pass")], runs=bench.runs)
    yield Row(what="vxsec --help", ours=ours, peer="python -c pass", theirs=bare, goal="<= 100 ms", met=ours <= 0.1)


def import_alone(bench: Bench) -> Iterator[Row]:
    """``import vxsec``."""
    ours, bare = medians([bench.python("import vxsec"), bench.python("pass")], runs=bench.runs)
    met = ours - bare <= 0.05
    yield Row(
        what="import vxsec", ours=ours, peer="python -c pass", theirs=bare, goal="<= 50 ms over bare Python", met=met
    )


def gate_four(bench: Bench) -> Iterator[Row]:
    """``vxsec gate`` of four packages, against a registry on the loopback address that has none of them."""
    names = sorted(path.name for path in bench.folder.glob("*.tgz"))
    policy = ("--policy", "vxsec:minimal", "--trust", "trust.yaml")
    ours, bare = medians([bench.vxsec("gate", *names, *policy), bench.python("pass")], runs=bench.runs)
    yield Row(
        what="vxsec gate, four packages", ours=ours, peer="python -c pass", theirs=bare, goal="<= 1 s", met=ours <= 1
    )


def verify_one(bench: Bench) -> Iterator[Row]:
    """Cold ``verify`` of one key-signed file."""
    what, goal = "vxsec verify, one key-signed file, cold", "<= 100 ms"
    peers = {
        "python -c pass": bench.python("pass"),
        "python importing click and EC": bench.python(
            "import click; from cryptography.hazmat.primitives.asymmetric import ec; "
            "from cryptography.hazmat.primitives.serialization import load_pem_public_key"
        ),
    }
    if bench.cosign:
        peers["cosign verify-blob"] = _cosign(bench, "many/0000.bin")
    own = bench.vxsec("verify", "many/0000.bin", "--key", "ci.pub")
    ours, *theirs = medians([own, *peers.values()], runs=bench.runs)
    for peer, took in zip(peers, theirs, strict=True):
        yield Row(what=what, ours=ours, peer=peer, theirs=took, goal=goal, met=ours <= 0.1)


def verify_many(bench: Bench) -> Iterator[Row]:
    """A thousand key-signed files in one call, against cosign once per file."""
    few = max(1, bench.runs // 5)
    if not bench.cosign:
        (ours,) = medians([bench.vxsec("verify", *_many(bench), "--key", "ci.pub")], runs=few)
        print(f"vxsec verify, {MANY} files in one call: {ours * 1000:.1f} ms (no cosign on the PATH to compare with)")
        return
    (ours,) = medians([bench.vxsec("verify", *_many(bench), "--key", "ci.pub")], runs=few)
    each = [_cosign(bench, name) for name in _many(bench)[:MANY_WITH_COSIGN]]
    theirs = sum(medians(each, runs=few)) / len(each) * MANY
    yield Row(
        what=f"vxsec verify, {MANY} key-signed files in one call",
        ours=ours,
        peer=f"cosign, from {MANY_WITH_COSIGN} files",
        theirs=theirs,
        goal="at least 15 times faster",
        met=theirs >= 15 * ours,
    )


def _cosign(bench: Bench, name: str) -> Command:
    """The only offline call cosign has for "this key signed this file"; it takes one bundle, not a line of several."""
    bundle = bench.folder / f"{name}.sigstore.json"
    if not bundle.exists():
        lines = (bench.folder / f"{name}.sigstore.jsonl").read_bytes().splitlines()
        bundle.write_bytes(lines[0])
    options = ["--key", "ci.pub", "--bundle", str(bundle), "--insecure-ignore-tlog=true"]
    return Command(arguments=[str(bench.cosign), "verify-blob", *options, name], folder=bench.folder)


MEASUREMENTS: tuple[Callable[[Bench], Iterator[Row]], ...] = (
    help_text,
    import_alone,
    gate_four,
    verify_one,
    verify_many,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; the status says whether it could be measured, not whether the goals were met."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=15, help="counted runs of each command")
    names = [measurement.__name__ for measurement in MEASUREMENTS]
    parser.add_argument("only", nargs="*", metavar="NAME", help=f"measure only these of {', '.join(names)}")
    options = parser.parse_args(arguments)
    cosign = shutil.which("cosign")
    print(
        f"vxsec {vxsec.__version__}, Python {platform.python_version()}, {os.cpu_count()} cores, median of {options.runs}"
    )
    print(f"load {os.getloadavg()[0]:.1f}; cosign: {cosign or 'not on the PATH, its rows are left out'}\n")
    print(f"{'':<46} {'ours ms':>9}  {'peer ms':>9}  {'ratio':>7}  {'peer':<34} {'goal':<28} met")
    with tempfile.TemporaryDirectory(prefix="vxsec-bench-") as folder, RegistrySimulator() as registry:
        bench = Bench(folder=Path(folder), runs=options.runs, cosign=cosign, registry=registry)
        prepare(bench)
        for measurement in MEASUREMENTS:
            if options.only and measurement.__name__ not in options.only:
                continue
            for row in measurement(bench):
                print(row, flush=True)
    if not options.only and find_spec("benchmarks.bench_tarball"):
        print("\nreading a tarball:", flush=True)
        return subprocess.run([PYTHON, "-m", "benchmarks.bench_tarball"], check=False).returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
