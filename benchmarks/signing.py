"""``vxsec verify`` as a process: with a key, with an identity, of a thousand files, under a trust repository."""

from __future__ import annotations

import hashlib
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.basics import BARE
from benchmarks.bench import Row
from benchmarks.timing import Command, medians

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from benchmarks.bench import Bench

__all__ = ["verify_key", "verify_keyless", "verify_many", "verify_trusted"]

MANY, MANY_WITH_COSIGN = 1000, 40
REFERENCE = 0.011
"""Seconds that bare Python takes on the machine the goals are for: elsewhere they are scaled by what it takes there."""
MEMORY = 45  # MB
CONFORMANCE = Path(__file__).parents[2] / "shared" / "conformance" / "sigstore"
SUBJECT = (
    "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon"
    "/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main"
)
ISSUER = "https://token.actions.githubusercontent.com"
_UPDATE = """
import pathlib, sys
from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient import FetcherInterface, Updater, UpdaterConfig

class Folder(FetcherInterface):
    def _fetch(self, url):
        path = pathlib.Path(sys.argv[1], url.removeprefix("file:///"))
        if not path.exists():
            raise DownloadHTTPError("not found", 404)
        yield path.read_bytes()

root = pathlib.Path(sys.argv[1], "metadata", "1.root.json").read_bytes()
config = UpdaterConfig(prefix_targets_with_hash=False)
client = Updater(sys.argv[2], "file:///metadata/", sys.argv[2], "file:///targets/", Folder(), config, bootstrap=root)
client.refresh()
for name in ("identities/identities.yaml", "revocations/revocations.yaml"):
    client.download_target(client.get_targetinfo(name))
"""


def verify_key(bench: Bench) -> Iterator[Row]:
    """Cold ``verify`` of one file that is signed with a key."""
    _sign_many(bench)
    peers = {
        BARE: bench.python("pass"),
        "python importing click and EC": bench.python(
            "import click; from cryptography.hazmat.primitives.asymmetric import ec; "
            "from cryptography.hazmat.primitives.serialization import load_pem_public_key"
        ),
    }
    if bench.cosign:
        peers["cosign verify-blob --key"] = _cosign(bench, "many/0000.bin")
    own = bench.vxsec("verify", "many/0000.bin", "--key", "ci.pub")
    yield from _against(bench, "vxsec verify, a key, cold", own, peers, within=0.09)


def verify_keyless(bench: Bench) -> Iterator[Row]:
    """Cold ``verify`` of one file that an identity of the public-good instance signed (Rekor v1, no timestamp)."""
    what, root = "vxsec verify, an identity, cold", _public_good()
    case = CONFORMANCE / "happy-path-v0.3"
    if root is None or not case.exists():
        print(f"{what}: left out, no bundle of the public-good instance beside the checkout")
        return
    shutil.copy(CONFORMANCE / "a.txt", bench.folder / "a.txt")
    shutil.copy(case / "bundle.sigstore.json", bench.folder / "a.json")
    peers = {
        BARE: bench.python("pass"),
        "sigstore verify identity": Command(
            arguments=[
                sys.executable, "-m", "sigstore", "verify", "identity", "--offline", "--bundle", "a.json",
                "--cert-identity", SUBJECT, "--cert-oidc-issuer", ISSUER, "a.txt",
            ],
            folder=bench.folder,
        ),
    }  # fmt: skip
    if bench.cosign:
        peers["cosign verify-blob"] = Command(
            arguments=[
                bench.cosign, "verify-blob", "--bundle", "a.json", "--trusted-root", str(root),
                "--certificate-identity", SUBJECT, "--certificate-oidc-issuer", ISSUER, "a.txt",
            ],
            folder=bench.folder,
        )  # fmt: skip
    own = bench.vxsec(
        "verify", "a.txt", "--bundle", "a.json", "--trusted-root", str(root), "--identity", SUBJECT, "--issuer", ISSUER
    )
    yield from _against(bench, what, own, peers, within=0.13)


def verify_many(bench: Bench) -> Iterator[Row]:
    """A thousand key-signed files in one call, against cosign once per file."""
    own = bench.vxsec("verify", *_sign_many(bench), "--key", "ci.pub")
    few = max(1, bench.runs // 5)
    what, goal = f"vxsec verify, {MANY} files in one call", "15 times faster, <= 45 MB"
    (ours,) = medians([own], runs=few)
    memory = own.peak()
    if not bench.cosign:
        print(f"{what}: {ours * 1000:.1f} ms, {memory:.0f} MB (no cosign on the PATH to compare with)")
        return
    each = [_cosign(bench, name) for name in _many()[:MANY_WITH_COSIGN]]
    theirs = sum(medians(each, runs=1)) / len(each) * MANY
    yield Row(
        what=what, ours=ours, memory=memory, peer=f"cosign, from {MANY_WITH_COSIGN} files", theirs=theirs,
        peer_memory=each[0].peak(), goal=goal, met=theirs >= 15 * ours and memory <= MEMORY,
    )  # fmt: skip


def verify_trusted(bench: Bench) -> Iterator[Row]:
    """Cold ``verify`` under a trust repository, walked from its first root, beside python-tuf's client walking it alone."""
    repository = bench.folder / "trust"
    root_sha256 = _make_repository(bench, repository)
    name = next(path.name for path in sorted(bench.folder.glob("vextrus-*.tgz")))
    own = bench.vxsec("verify", name, "--trust", str(repository), "--trust-root", root_sha256)
    peers = {
        "vxsec verify, identities document": bench.vxsec("verify", name, "--trust", "trust.yaml"),
        "python-tuf Updater, two targets": _updater(bench, repository),
    }
    few = max(1, bench.runs // 2)
    yield from bench.compare("vxsec verify, a trust repository, cold", own, peers, within=0.3, goal="-", runs=few)


# -- what they need ----------------------------------------------------------------------------------------------------


def _against(bench: Bench, what: str, own: Command, peers: Mapping[str, Command], *, within: float) -> Iterator[Row]:
    """A row for each peer; bare Python is the first of them, and scales the goal."""
    ours, *theirs = medians([own, *peers.values()], runs=bench.runs)
    memory = own.peak()
    met = ours <= within / REFERENCE * theirs[0] and memory <= MEMORY
    goal = f"<= {within / REFERENCE:.1f} x Python, <= {MEMORY} MB"
    for (peer, command), took in zip(peers.items(), theirs, strict=True):
        yield Row(
            what=what, ours=ours, memory=memory, peer=peer, theirs=took, peer_memory=command.peak(), goal=goal, met=met
        )


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


def _public_good() -> Path | None:
    """The trusted root inside the ``sigstore`` distribution."""
    spec = find_spec("sigstore")
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / "_store" / "https%3A%2F%2Ftuf-repo-cdn.sigstore.dev" / "trusted_root.json"
    return path if path.exists() else None


def _make_repository(bench: Bench, folder: Path) -> str:
    """A trust repository over the identities document of the benchmark; the digest of its first root."""
    if not folder.exists():
        password = ("--password-env", "BENCH_PASSWORD")
        bench.vxsec("keys", "generate", "root", *password).run()
        bench.vxsec(
            "trust", "init", "trust", "--identities", "trust.yaml", "--root-key", "file:root.key", *password
        ).run()
    return hashlib.sha256((folder / "metadata" / "1.root.json").read_bytes()).hexdigest()


def _updater(bench: Bench, repository: Path) -> Command:
    cache = bench.folder / "tuf-cache"
    cache.mkdir(exist_ok=True)
    return bench.python(_UPDATE, str(repository), str(cache))
