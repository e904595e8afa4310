"""Real keys and signatures by a real gpg, in a home that lives as long as a test needs it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = datetime.now(tz=UTC).replace(microsecond=0)
"""The machine's own time: Sequoia goes by it, so keys are made relative to it."""
MADE = NOW - timedelta(days=400)
SIGNED = NOW - timedelta(days=300)
DATA = b"the bytes of a tarball\n"
PASSPHRASE = "correct horse"  # of the one key that has one


class GpgHome:
    """A gpg home. Every command may run at another time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def gpg(
        self, *arguments: str, data: bytes = b"", at: datetime | None = None, check: bool = True, batch: bool = True
    ) -> subprocess.CompletedProcess[bytes]:
        argv = ["gpg", "--homedir", str(self.folder), "--no-tty", "--quiet", "--yes", "--pinentry-mode", "loopback"]
        argv += ["--batch"] if batch else ["--command-fd", "0", "--status-fd", "2"]
        if at is not None:
            argv += ["--faked-system-time", f"{int(at.timestamp())}!"]
        env = {"PATH": os.environ["PATH"], "LC_ALL": "C", "HOME": str(self.folder)}
        done = subprocess.run([*argv, *arguments], input=data, capture_output=True, env=env, check=False, timeout=60)
        assert not check or done.returncode == 0, done.stderr.decode()
        return done

    def make(
        self,
        name: str,
        algorithm: str = "ed25519",
        *,
        usage: str = "sign,cert",
        expire: str = "never",
        at: datetime = MADE,
        passphrase: str = "",
        options: tuple[str, ...] = (),
    ) -> str:
        """A new key; its fingerprint."""
        user_id = name if "@" in name else f"{name} <{name}@example.test>"
        asked = ["--passphrase", passphrase, "--quick-generate-key", user_id, algorithm, usage, expire]
        self.gpg(*options, *asked, at=at)
        return self.fingerprints(f"={user_id}")[0]

    def add_subkey(self, primary: str, algorithm: str, *, expire: str = "never", at: datetime = MADE) -> str:
        self.gpg("--passphrase", "", "--quick-add-key", primary, algorithm, "sign", expire, at=at)
        return self.fingerprints(primary)[-1]

    def fingerprints(self, key: str) -> list[str]:
        listed = self.gpg("--with-colons", "--with-subkey-fingerprint", "--list-keys", key).stdout.decode()
        return [line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr:")]

    def export(self, *keys: str) -> bytes:
        return b"".join(self.gpg("--export", key).stdout for key in keys)

    def sign(
        self,
        key: str,
        data: bytes = DATA,
        *,
        at: datetime = SIGNED,
        how: str = "--detach-sign",
        options: tuple[str, ...] = (),
    ) -> bytes:
        return self.gpg("--local-user", key, *options, "--output", "-", how, "-", data=data, at=at).stdout

    def revoke(self, key: str, reason: int, *, at: datetime) -> None:
        """Revoke a primary key; reasons as gpg's menu counts them: 0 none, 1 compromised, 2 superseded, 3 retired."""
        answers = f"y\n{reason}\n\ny\n".encode()
        made = self.gpg("--gen-revoke", key, data=answers, at=at, batch=False).stdout
        self.gpg("--import", data=made, at=at)

    def revoke_subkey(self, primary: str, reason: int, *, at: datetime) -> None:
        answers = f"key 1\nrevkey\ny\n{reason}\n\ny\nsave\n".encode()
        self.gpg("--edit-key", primary, data=answers, at=at, batch=False)


@contextmanager
def gpg_home() -> Iterator[GpgHome]:
    """A new home under a short path (a socket's path is bounded); its agent ends with it."""
    folder = Path(tempfile.mkdtemp(prefix="gk"))
    gpgconf = shutil.which("gpgconf") or "gpgconf"  # found now: a test may change the PATH
    try:
        yield GpgHome(folder)
    finally:
        subprocess.run([gpgconf, "--homedir", str(folder), "--kill", "all"], capture_output=True, check=False)
        shutil.rmtree(folder, ignore_errors=True)


@cache
def has_gpg() -> bool:
    return shutil.which("gpg") is not None and shutil.which("gpgconf") is not None
