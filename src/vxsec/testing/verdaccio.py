"""A real Verdaccio on the loopback interface, with nothing in it, for as long as a ``with`` block runs.

The same attacks as on the simulator, by writing into the storage folder that Verdaccio reads on every request.

Example::

    with VerdaccioServer() as registry:              # `verdaccio` on the PATH
        (project / ".npmrc").write_text(registry.npmrc("@team"))
        ...
        registry.tamper_tarball("@team/a", "1.0.0", b"other bytes")
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Self

from vxsec.errors import UsageError
from vxsec.testing.contract import Document, Snapshot, npmrc_lines, tarball_filename

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

__all__ = ["VerdaccioServer"]

_INSTALL = "install it (npm install --global verdaccio), or name the command that starts it"
_CONFIG = """\
storage: ./storage
auth: {htpasswd: {file: ./htpasswd, algorithm: bcrypt, max_users: 100}}
security: {api: {jwt: {sign: {expiresIn: 60d}, verify: {}}}}
uplinks: {}
packages:
  '**': {access: $all, publish: $authenticated, unpublish: $authenticated}
web: {enable: false}
middlewares: {audit: {enabled: false}}
log: {type: file, path: ./verdaccio.log, format: json, level: http}
max_body_size: 50mb
"""
_USER = "ci"
_PAUSE_SECONDS = 0.05
_REQUEST_SECONDS = 10.0
_STOP_SECONDS = 10.0
_SHOWN = 2000
_TOO_OLD = re.compile(r"requires at least Node\.js \S+.*")
_CREATED = 201


class VerdaccioServer:
    """Verdaccio on ``127.0.0.1``, on a free port; one user, no uplinks, so that it needs no connection.

    It runs in a process group of its own, which is stopped by its id; no other process is touched.

    Args:
        command: What starts Verdaccio: a command line, or its words.
        folder: An existing folder for configuration, storage and logs, which is left there; else a temporary one.
        config: Verdaccio's configuration (YAML), whose storage must be ``./storage``; by default everybody reads and the
            one user publishes.
        start_seconds: How long it may take until it answers.
    """

    def __init__(
        self,
        command: str | Sequence[str] = "verdaccio",
        *,
        folder: Path | None = None,
        config: str = _CONFIG,
        start_seconds: float = 60.0,
    ) -> None:
        self._command = tuple(shlex.split(command) if isinstance(command, str) else command)
        self._temporary = folder is None
        self._folder = folder
        self._config = config
        self._start_seconds = start_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0
        self._snapshots = 0
        self.token = ""

    def __enter__(self) -> Self:
        """Start it and make the user.

        Raises:
            UsageError: ``verdaccio.missing``, ``verdaccio.node-too-old`` or ``verdaccio.no-answer``.
        """
        if not self._command or shutil.which(self._command[0]) is None:
            name = self._command[0] if self._command else ""
            raise UsageError(f"cannot start Verdaccio: no program {name!r}", code="verdaccio.missing", hint=_INSTALL)
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="vxsec-verdaccio-"))
        try:
            self._start(self._folder)
            self.token = self._make_user()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    # -- what a client needs -----------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """The registry's URL, with its final slash."""
        return f"http://127.0.0.1:{self._port}/"

    @property
    def folder(self) -> Path:
        """Where its configuration, storage and logs lie; there is one inside the ``with`` block only."""
        if self._process is None or self._folder is None:
            raise RuntimeError("Verdaccio is not running: use it in a with statement")
        return self._folder

    @property
    def pid(self) -> int | None:
        """The id of its process, which is that of its group; None where it does not run."""
        return None if self._process is None else self._process.pid

    def npmrc(self, *scopes: str) -> str:
        """The text of an ``.npmrc`` that uses this registry: for ``scopes``, or for everything where none is given."""
        return npmrc_lines(self.url, self.token, scopes)

    # -- its storage, read and attacked ------------------------------------------------------------------------------

    @property
    def storage(self) -> Path:
        """The storage folder: ``NAME/package.json`` and the tarballs beside it."""
        return self.folder / "storage"

    def packument(self, name: str) -> Document | None:
        """The packument as it is stored, or None."""
        path = self.storage / name / "package.json"
        if not path.exists():
            return None
        document: Document = json.loads(path.read_bytes())
        return document

    def tarball_path(self, name: str, version: str) -> Path:
        """Where one version's bytes are stored."""
        return self.storage / name / tarball_filename(name, version)

    def tamper_tarball(self, name: str, version: str, data: bytes) -> None:
        """Serve other bytes for a version, leaving the packument as it is."""
        _replace(self.tarball_path(name, version), data)

    def tamper_packument(self, name: str, change: Callable[[Document], Document]) -> None:
        """Store, and so serve, ``change(packument)``.

        Raises:
            KeyError: There is no such package.
        """
        document = self.packument(name)
        if document is None:
            raise KeyError(name)
        _replace(self.storage / name / "package.json", json.dumps(change(document)).encode())

    def snapshot(self) -> Snapshot:
        """Remember everything stored."""
        number = self._snapshots
        shutil.copytree(self.storage, self._moment(number))
        self._snapshots += 1
        return Snapshot(owner=self.url, number=number)

    def rewind(self, to: Snapshot) -> None:
        """Have exactly that in the storage again, as often as asked.

        Raises:
            UsageError: ``registry.snapshot``: the snapshot is another registry's.
        """
        if to.owner != self.url or to.number >= self._snapshots:
            raise UsageError(
                f"expected a snapshot of {self.url}, found one of {to.owner}",
                code="registry.snapshot",
                hint="give what snapshot() of the same registry returned",
            )
        shutil.rmtree(self.storage)
        shutil.copytree(self._moment(to.number), self.storage)

    def _moment(self, number: int) -> Path:
        return self.folder / f"snapshot-{number}"

    # -- starting and stopping ---------------------------------------------------------------------------------------

    def _start(self, folder: Path) -> None:
        (folder / "config.yaml").write_text(self._config, encoding="utf-8")
        (folder / "storage").mkdir(exist_ok=True)
        self._port = _free_port()
        # The home folder is where version managers look for the node that their shims start; Verdaccio itself, told
        # which configuration to use, neither reads nor writes there.
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": os.environ.get("HOME", str(folder)),
            "NODE_ENV": "production",
        }
        with (folder / "output.txt").open("wb") as output:
            self._process = subprocess.Popen(  # noqa: S603 - the command its caller named
                [*self._command, "--config", "config.yaml", "--listen", f"127.0.0.1:{self._port}"],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._wait(self._process, folder)

    def _wait(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        deadline = time.monotonic() + self._start_seconds
        while time.monotonic() < deadline and process.poll() is None:
            with suppress(OSError, HTTPException):
                if self._request("GET", "/-/ping")[0] < 500:  # noqa: PLR2004 - any answer of its own will do
                    return
            time.sleep(_PAUSE_SECONDS)
        said = (folder / "output.txt").read_text(encoding="utf-8", errors="replace")
        if found := _TOO_OLD.search(said):
            raise UsageError(
                f"cannot start Verdaccio: it {found[0].strip().rstrip(',')}",
                code="verdaccio.node-too-old",
                hint="install a newer Node.js and put it first on the PATH",
            )
        how = f"ended with status {process.returncode}" if process.poll() is not None else "does not answer"
        words = " ".join(said[-_SHOWN:].split()) or "it said nothing"
        raise UsageError(
            f"cannot start Verdaccio: it {how} within {self._start_seconds:g} s; {words}",
            code="verdaccio.no-answer",
            hint=_INSTALL,
        )

    def _make_user(self) -> str:
        body = json.dumps({"name": _USER, "password": secrets.token_urlsafe(16)}).encode()
        status, answer = self._request("PUT", f"/-/user/org.couchdb.user:{_USER}", body)
        if status != _CREATED:
            raise UsageError(
                f"cannot make a user at Verdaccio: status {status}", code="verdaccio.no-answer", hint=_INSTALL
            )
        return str(json.loads(answer)["token"])

    def _request(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=_REQUEST_SECONDS)
        try:
            connection.request(method, path, body=body, headers={"content-type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.poll() is None:  # once it is reaped, its id may be anybody's
            for number in (signal.SIGTERM, signal.SIGKILL):
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, number)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=_STOP_SECONDS)
                    break
        if self._temporary and self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None


def _replace(path: Path, data: bytes) -> None:
    """Write beside and rename, so that Verdaccio never reads half a file."""
    beside = path.with_name(f"{path.name}.new")
    beside.write_bytes(data)
    beside.replace(path)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
