"""``make bench``: what vxsec costs, as ratios against named peers in the same run.

Never part of the tests: a loaded machine is not a defect. Each time is the median of interleaved whole-process runs, each
memory the peak of one more run. A peer that cannot be had is named as missing, and its row is left out.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import basics, dependencies, signatures, signing
from benchmarks.bench import HEAD, PYTHON, Bench, prepare
from benchmarks.peers import find_npm, install_cyclonedx

import vxsec
from vxsec.testing import RegistrySimulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from benchmarks.bench import Row

MEASUREMENTS: tuple[Callable[[Bench], Iterator[Row]], ...] = (
    basics.help_text,
    basics.import_alone,
    basics.gate_four,
    signing.verify_key,
    signing.verify_keyless,
    signing.verify_many,
    signing.verify_trusted,
    signatures.sigstore_library,
    signatures.openpgp,
    signatures.ssh,
    dependencies.index_build,
    dependencies.scan_thousand,
    dependencies.scan_many,
    dependencies.sbom_thousand,
    dependencies.four_packages,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; the status says whether it could be measured, not whether the goals were met."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=15, help="counted runs of each command")
    names = [measurement.__name__ for measurement in MEASUREMENTS]
    parser.add_argument("only", nargs="*", metavar="NAME", help=f"measure only these of {', '.join(names)}")
    options = parser.parse_args(arguments)
    if unknown := set(options.only) - set(names):
        parser.error(f"no measurement {', '.join(sorted(unknown))}")
    npm = find_npm()
    with tempfile.TemporaryDirectory(prefix="vxsec-bench-") as folder, RegistrySimulator() as registry:
        bench = Bench(
            folder=Path(folder),
            runs=options.runs,
            registry=registry,
            cosign=shutil.which("cosign"),
            npm=npm,
            cyclonedx=install_cyclonedx(npm) if npm is not None else None,
        )
        _print_head(bench)
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


def _print_head(bench: Bench) -> None:
    machine = f"Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    print(f"vxsec {vxsec.__version__}, {machine}, median of {bench.runs} (a third of that for what takes long)")
    peers = {"cosign": bench.cosign, "npm": bench.npm, "cyclonedx-npm": bench.cyclonedx}
    missing = [name for name, found in peers.items() if found is None]
    print(f"left out: {', '.join(missing) or 'no peer'}\n")
    print(HEAD, flush=True)


if __name__ == "__main__":
    sys.exit(main())
