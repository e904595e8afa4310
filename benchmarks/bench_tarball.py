"""Opening, hashing and listing a tarball, against openssl and gzip computing the same digests of the same file.

The peer is a shell that runs ``openssl dgst`` three times (SHA-1, SHA-256, SHA-512) on the file and ``gzip -dc`` into
``openssl dgst -sha512``: it hashes the unpacked bytes as one stream, lists nothing and checks nothing. Ours is stated
twice: the call alone, and a whole Python process that imports vxsec, reads the file and makes the call.
"""

from __future__ import annotations

import argparse
import gzip
import io
import shlex
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from benchmarks.timing import Command, medians

from vxsec.inspection.artifact import read_artifact
from vxsec.model.artifact import Artifact

if TYPE_CHECKING:
    from collections.abc import Sequence

FILES = 300
PACKED = 10_000_000
GOAL = 1.5
_PROCESS = """
import sys
from vxsec.inspection.artifact import read_artifact
with open(sys.argv[1], "rb") as source:
    artifact = read_artifact(source.read(), filename="bench.tgz")
assert len(artifact.files) == int(sys.argv[2])
"""


def make_tarball(*, incompressible: float) -> bytes:
    """About 10 MB of gzip with 300 files, the given part of them noise, the rest words that pack about 3 to 1."""
    random = Random(1)  # noqa: S311 - the same bytes every time, no secret
    noise = int(PACKED * incompressible) // FILES
    words = [random.randbytes(random.randrange(2, 9)).hex() for _ in range(2000)]
    members = io.BytesIO()
    for index in range(FILES - 1):
        text = " ".join(random.choices(words, k=(PACKED // FILES - noise) * 2 // 7)).encode()
        _add(members, f"package/lib/file-{index:03}.js", random.randbytes(noise) + text)
    _add(members, "package/package.json", b'{"name":"bench","version":"1.0.0"}')
    members.write(bytes(1024))
    return gzip.compress(members.getvalue(), mtime=0)


def _add(members: io.BytesIO, path: str, body: bytes) -> None:
    head = bytearray(512)
    head[0 : len(path)] = path.encode()
    head[100:136] = b"000644 \0" + b"0000000\0" * 2 + b"%011o\0" % len(body)
    head[136:157] = b"00000000000\0" + b" " * 8 + b"0"
    head[257:265] = b"ustar\x0000"
    head[148:156] = b"%06o\0 " % sum(head)
    members.write(bytes(head) + body + bytes(-len(body) % 512))


def in_process(data: bytes, *, runs: int) -> float:
    """Median seconds of the call alone, after one uncounted run."""
    taken = []
    for turn in range(runs + 1):
        begin = time.perf_counter()
        artifact = read_artifact(data, filename="bench.tgz")
        if turn:
            taken.append(time.perf_counter() - begin)
        if not isinstance(artifact, Artifact) or len(artifact.files) != FILES:
            raise RuntimeError(f"not the archive that was made: {artifact}")
    return statistics.median(taken)


def measure(label: str, data: bytes, *, runs: int) -> None:
    """Print one archive's figures."""
    with tempfile.TemporaryDirectory(prefix="vxsec-bench-") as folder:
        path = Path(folder, "bench.tgz")
        path.write_bytes(data)
        quoted = shlex.quote(str(path))
        digests = "; ".join(f"openssl dgst -{name} {quoted}" for name in ("sha1", "sha256", "sha512"))
        peer = Command(arguments=["/bin/sh", "-c", f"{digests}; gzip -dc {quoted} | openssl dgst -sha512"])
        whole = Command(arguments=[sys.executable, "-c", _PROCESS, str(path), str(FILES)])
        theirs, ours = medians([peer, whole], runs=runs)
    alone = in_process(data, runs=runs)
    unpacked = len(gzip.decompress(data))
    print(f"{label}: {len(data) / 1e6:.1f} MB packed, {unpacked / 1e6:.1f} MB unpacked, {FILES} files")
    print(f"  openssl three times, gzip -dc | openssl   {theirs * 1000:8.1f} ms  whole processes")
    for name, took in (("vxsec, the call alone", alone), ("vxsec, whole process", ours)):
        verdict = "met" if took <= GOAL * theirs else "MISSED"
        print(f"  {name:<41} {took * 1000:8.1f} ms  ratio {took / theirs:.2f}, goal {GOAL}: {verdict}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the ratios; the status says whether they could be measured, not whether the goal was met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15, help="counted runs of each command")
    options = parser.parse_args(arguments)
    missing = [name for name in ("openssl", "gzip") if shutil.which(name) is None]
    if missing:
        print(f"left out: no {' and no '.join(missing)} on the PATH")
        return 0
    measure("noise", make_tarball(incompressible=1.0), runs=options.runs)
    measure("mostly text", make_tarball(incompressible=0.2), runs=options.runs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
