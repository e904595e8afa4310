"""Starting up, gating, verifying: what every call pays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.bench import Row
from benchmarks.timing import Command, medians

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.bench import Bench

__all__ = ["gate_four", "help_text", "import_alone", "verify_many", "verify_one"]

MANY, MANY_WITH_COSIGN = 1000, 20
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


def verify_one(bench: Bench) -> Iterator[Row]:
    """Cold ``verify`` of one key-signed file."""
    _sign_many(bench)
    peers = {
        BARE: bench.python("pass"),
        "python importing click and EC": bench.python(
            "import click; from cryptography.hazmat.primitives.asymmetric import ec; "
            "from cryptography.hazmat.primitives.serialization import load_pem_public_key"
        ),
    }
    if bench.cosign:
        peers["cosign verify-blob"] = _cosign(bench, "many/0000.bin")
    own = bench.vxsec("verify", "many/0000.bin", "--key", "ci.pub")
    yield from bench.compare("vxsec verify, one key-signed file, cold", own, peers, within=0.1, goal="<= 100 ms")


def verify_many(bench: Bench) -> Iterator[Row]:
    """A thousand key-signed files in one call, against cosign once per file."""
    own = bench.vxsec("verify", *_sign_many(bench), "--key", "ci.pub")
    few = max(1, bench.runs // 5)
    what, goal = f"vxsec verify, {MANY} key-signed files in one call", "at least 15 times faster"
    (ours,) = medians([own], runs=few)
    if not bench.cosign:
        print(f"{what}: {ours * 1000:.1f} ms, {own.peak():.0f} MB (no cosign on the PATH to compare with)")
        return
    each = [_cosign(bench, name) for name in _many()[:MANY_WITH_COSIGN]]
    theirs = sum(medians(each, runs=few)) / len(each) * MANY
    yield Row(
        what=what, ours=ours, memory=own.peak(), peer=f"cosign, from {MANY_WITH_COSIGN} files", theirs=theirs,
        peer_memory=each[0].peak(), goal=goal, met=theirs >= 15 * ours,
    )  # fmt: skip


def _many() -> list[str]:
    return [f"many/{number:04}.bin" for number in range(MANY)]


def _sign_many(bench: Bench) -> list[str]:
    """A thousand files, each with its bundle beside it; made once."""
    files = _many()
    if not (bench.folder / "many").exists():
        (bench.folder / "many").mkdir()
        for number, name in enumerate(files):
            (bench.folder / name).write_bytes(b"%d\n" % number * 1000)
        bench.vxsec("sign", "--blob", *files, "--signer", "file:ci.key", "--password-env", "BENCH_PASSWORD").run()
    return files


def _cosign(bench: Bench, name: str) -> Command:
    """The only offline call cosign has for "this key signed this file"; it takes one bundle, not a line of several."""
    bundle = bench.folder / f"{name}.sigstore.json"
    if not bundle.exists():
        lines = (bench.folder / f"{name}.sigstore.jsonl").read_bytes().splitlines()
        bundle.write_bytes(lines[0])
    options = ["--key", "ci.pub", "--bundle", str(bundle), "--insecure-ignore-tlog=true"]
    return Command(arguments=[str(bench.cosign), "verify-blob", *options, name], folder=bench.folder)
