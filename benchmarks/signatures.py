"""Checking signatures in a program that is already running, beside the libraries and programs that do it elsewhere."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.bench import Row
from benchmarks.signing import REFERENCE
from benchmarks.timing import Command, call_medians, medians

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.bench import Bench

    from vxsec.testing.sigstore.mint import Minted, SigstoreMaterial

__all__ = ["openpgp", "sigstore_library", "ssh"]

BATCH = 200
RATE = 700
"""Bundles a second that the goal asks for, on one core of the machine that ``REFERENCE`` is about."""


def sigstore_library(bench: Bench) -> Iterator[Row]:
    """One bundle with certificate, SCT and a Rekor v1 entry: other ones each time, and the same one, in one process."""
    from vxsec.testing.sigstore.mint import Entry, Recipe, SigstoreMaterial

    material = SigstoreMaterial()
    recipe = Recipe(entries=(Entry(log="v1"),), stamps=())
    batches = [[material.mint(recipe) for _ in range(BATCH)] for _ in range(bench.runs + 1)]
    ours, theirs = _our_verifier(material), _their_verifier(material)
    (bare,) = medians([bench.python("pass")], runs=bench.runs)
    goal = f">= {RATE}/s where Python takes {REFERENCE * 1000:.0f} ms"
    for what, turns in (("other", batches), ("the same", [batches[0][:1] * BATCH] * len(batches))):
        took = [
            seconds / BATCH for seconds in call_medians([_over(ours, turns), _over(theirs, turns)], runs=bench.runs)
        ]
        yield Row(
            what=f"library, {what} bundles, {1 / took[0]:.0f} a second", ours=took[0], peer="sigstore (Python), warm",
            theirs=took[1], goal=goal, met=1 / took[0] * bare / REFERENCE >= RATE,
        )  # fmt: skip


def openpgp(bench: Bench) -> Iterator[Row]:
    """One OpenPGP signature with ``pysequoia``, and with a gpg process of ours, beside plain ``gpg --verify``."""
    from vxsec.host.gnupg import run_gpg
    from vxsec.verification.openpgp import verify_openpgp
    from vxsec.verification.sequoia import sequoia_port

    if shutil.which("gpg") is None or find_spec("pysequoia") is None:
        print("OpenPGP: left out, needs gpg and pysequoia")
        return
    data, now = b"a file\n" * 3000, datetime.now(tz=UTC)
    with _gpg_home() as home:
        fingerprint, certificate, signature = _signed_by_gpg(home, data)
        peer = _gpg(home, "--verify", str(home / "file.sig"), str(home / "file"))
        few = max(1, bench.runs // 3)
        (theirs,) = medians([peer], runs=few)
        for name, port, bar, repeat in (
            ("pysequoia", sequoia_port(run_gpg), 0.001, 50),
            ("a gpg process", run_gpg, 1, 1),
        ):
            (ours,) = call_medians(
                [
                    lambda port=port: verify_openpgp(  # type: ignore[misc]  # the port of this turn
                        signature, data, certificates=certificate, allowed=[fingerprint], run=port, now=now
                    )
                ],
                runs=few,
                repeat=repeat,
            )
            yield Row(
                what=f"library, OpenPGP with {name}", ours=ours, peer="gpg --verify", theirs=theirs,
                goal="<= 1 ms" if repeat > 1 else "-", met=ours <= bar,
            )  # fmt: skip


def ssh(bench: Bench) -> Iterator[Row]:
    """One SSH signature (Ed25519), beside ``ssh-keygen -Y verify``."""
    from vxsec.formats.ssh_key import parse_ssh_public_key
    from vxsec.verification.sshsig import verify_sshsig

    if shutil.which("ssh-keygen") is None:
        print("SSH: left out, needs ssh-keygen")
        return
    folder, data = bench.folder / "ssh", b"a file\n" * 3000
    folder.mkdir(exist_ok=True)
    (folder / "file").write_bytes(data)
    for arguments in (
        ["-q", "-t", "ed25519", "-N", "", "-f", "key"],
        ["-q", "-Y", "sign", "-n", "vxsec", "-f", "key", "file"],
    ):
        subprocess.run(["ssh-keygen", *arguments], cwd=folder, check=True, capture_output=True)
    public, signature = (folder / "key.pub").read_bytes(), (folder / "file.sig").read_bytes()
    (folder / "allowed").write_bytes(b"ci " + public)
    key = parse_ssh_public_key(public, where="key.pub")
    peer = Command(
        arguments=[
            "/bin/sh", "-c", "exec ssh-keygen -Y verify -f allowed -I ci -n vxsec -s file.sig < file"
        ],
        folder=folder,
    )  # fmt: skip
    (theirs,) = medians([peer], runs=bench.runs)
    (ours,) = call_medians([lambda: verify_sshsig(signature, data, key=key)], runs=bench.runs, repeat=50)
    yield Row(
        what="library, SSH", ours=ours, peer="ssh-keygen -Y verify", theirs=theirs, goal="<= 1 ms", met=ours <= 0.001
    )


# -- what they need ----------------------------------------------------------------------------------------------------


def _over(verify: Callable[[Minted], object], turns: list[list[Minted]]) -> Callable[[], None]:
    """Each call verifies the next batch."""
    left = iter(turns)

    def run() -> None:
        for made in next(left):
            verify(made)

    return run


def _our_verifier(material: SigstoreMaterial) -> Callable[[Minted], object]:
    from vxsec.formats.sigstore_bundle import read_bundle
    from vxsec.formats.trusted_root import read_trusted_root
    from vxsec.testing.sigstore.mint import BLOB, IDENTITY, SIGNED_AT
    from vxsec.verification.bundle import verify_bundle
    from vxsec.verification.identity import require_identity

    roots = read_trusted_root(material.trusted_root(), where="root")
    digest = hashlib.sha256(BLOB).hexdigest()

    def verify(made: Minted) -> None:
        bundle = read_bundle(made.bundle, where="bundle")
        verified = verify_bundle(bundle, roots=roots, sha256=digest, now=SIGNED_AT)
        require_identity(verified.signature, subject=IDENTITY.subject, issuer=IDENTITY.issuer or "")

    return verify


def _their_verifier(material: SigstoreMaterial) -> Callable[[Minted], object]:
    from sigstore.models import Bundle, TrustedRoot
    from sigstore.verify import Verifier, policy
    from sigstore_models.trustroot.v1 import TrustedRoot as RawRoot

    from vxsec.testing.sigstore.mint import IDENTITY

    verifier = Verifier(trusted_root=TrustedRoot(RawRoot.from_json(material.trusted_root())))
    identity = policy.Identity(identity=IDENTITY.subject, issuer=IDENTITY.issuer)

    def verify(made: Minted) -> None:
        verifier.verify_artifact(made.blob, Bundle.from_json(made.bundle), identity)

    return verify


@contextmanager
def _gpg_home() -> Iterator[Path]:
    """Under a short path, because a socket's is bounded; its agent ends with it."""
    home = Path(tempfile.mkdtemp(prefix="gb"))
    try:
        yield home
    finally:
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], capture_output=True, check=False)
        shutil.rmtree(home, ignore_errors=True)


def _gpg(home: Path, *arguments: str) -> Command:
    quiet = ["gpg", "--homedir", str(home), "--batch", "--no-tty", "--quiet", "--yes", "--trust-model=always"]
    return Command(arguments=[*quiet, *arguments], environment={"PATH": os.environ["PATH"], "HOME": str(home)})


def _signed_by_gpg(home: Path, data: bytes) -> tuple[str, bytes, bytes]:
    """A new key's fingerprint and certificate, and its signature over ``data`` in ``file``."""
    (home / "file").write_bytes(data)
    made = _gpg(home, "--pinentry-mode=loopback", "--passphrase=", "--quick-generate-key", "ci@example.test", "ed25519")
    made.run()
    _gpg(
        home, "--pinentry-mode=loopback", "--output", str(home / "file.sig"), "--detach-sign", str(home / "file")
    ).run()
    _gpg(home, "--output", str(home / "key"), "--export").run()
    listed = subprocess.run(
        [*_gpg(home, "--with-colons", "--list-keys").arguments], capture_output=True, check=True, text=True
    ).stdout
    fingerprint = next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr:"))
    return fingerprint, (home / "key").read_bytes(), (home / "file.sig").read_bytes()
