"""A small npm registry on the loopback interface, for tests of release tooling.

It takes publishes, serves what was published, checks about as much as Verdaccio does (the SHA-1, one attachment, no
second publish of a version), and can be told to lie or to fail. It is no registry to keep anything in.

Example::

    with RegistrySimulator() as registry:
        (project / ".npmrc").write_text(registry.npmrc())
        ...                                      # npm publish, vxsec publish, npm install
        registry.tamper_tarball("@team/a", "1.0.0", b"other bytes")
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import RLock, Thread
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

__all__ = ["LoggedRequest", "RegistrySimulator"]

_CREATED = 201

_Document = dict[str, Any]
"""A packument or publish document as JSON gives it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedRequest:
    """One request as it arrived; ``path`` is percent-decoded, ``headers`` have lower-case names."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True, kw_only=True)
class _Fault:
    method: str
    prefix: str
    status: int | None  # None: close the connection without an answer
    times: int


@dataclass(slots=True)
class _State:
    packuments: dict[str, _Document] = field(default_factory=dict)
    tarballs: dict[tuple[str, str], bytes] = field(default_factory=dict)
    views: dict[str, Callable[[_Document], _Document]] = field(default_factory=dict)
    faults: list[_Fault] = field(default_factory=list)


class RegistrySimulator:
    """An npm registry on ``127.0.0.1``, on a free port, for as long as the ``with`` block runs.

    Args:
        token: The one token accepted.
        authenticated_reads: Also ask for the token when reading; a registry that hides private packages answers 404
            without it where ``hide_unauthenticated`` is set, else 401.
        hide_unauthenticated: Answer 404 instead of 401.
        path: Where the registry lives on its host, for example ``/npm/``.
    """

    def __init__(
        self,
        *,
        token: str = "rehearsal-token",  # noqa: S107 - opens nothing but this simulator
        authenticated_reads: bool = False,
        hide_unauthenticated: bool = False,
        path: str = "/",
    ) -> None:
        self.token = token
        self.authenticated_reads = authenticated_reads
        self.hide_unauthenticated = hide_unauthenticated
        self.requests: list[LoggedRequest] = []
        self._path = path
        self._state = _State()
        self._lock = RLock()
        self._server: _Server | None = None
        self._thread: Thread | None = None

    def __enter__(self) -> Self:
        self._server = _Server(self)
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
        self._server = self._thread = None

    # -- what a client needs -----------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """The registry's URL, with its final slash; there is one inside the ``with`` block only."""
        if self._server is None:
            raise RuntimeError("the registry simulator is not running: use it in a with statement")
        return f"http://127.0.0.1:{self._server.server_address[1]}{self._path}"

    def npmrc(self, *scopes: str) -> str:
        """The text of an ``.npmrc`` that uses this registry: for ``scopes``, or for everything where none is given."""
        keys = [f"{scope}:registry" for scope in scopes] or ["registry"]
        lines = [f"{key}={self.url}" for key in keys]
        return "\n".join([*lines, f"{self.url.removeprefix('http:')}:_authToken={self.token}", ""])

    # -- what a test looks at ----------------------------------------------------------------------------------------

    def dump(self) -> dict[str, _Document]:
        """A copy of every stored packument by name, untampered."""
        with self._lock:
            return deepcopy(self._state.packuments)

    def tarball(self, name: str, version: str) -> bytes:
        """The stored bytes of one version."""
        with self._lock:
            return self._state.tarballs[name, _filename(name, version)]

    # -- what a test changes -----------------------------------------------------------------------------------------

    def tamper_tarball(self, name: str, version: str, data: bytes) -> None:
        """Serve other bytes for a version, leaving the packument as it is."""
        with self._lock:
            self._state.tarballs[name, _filename(name, version)] = data

    def tamper_packument(self, name: str, change: Callable[[_Document], _Document]) -> None:
        """From now on serve ``change(packument)``; what is stored stays."""
        with self._lock:
            self._state.views[name] = change

    def fail_next(self, method: str, path_prefix: str, status: int, *, times: int = 1) -> None:
        """Answer the next ``times`` matching requests with ``status`` and do nothing."""
        with self._lock:
            self._state.faults.append(_Fault(method=method, prefix=path_prefix, status=status, times=times))

    def drop_connection(self, method: str, path_prefix: str, *, times: int = 1) -> None:
        """Close the connection on the next ``times`` matching requests without an answer."""
        with self._lock:
            self._state.faults.append(_Fault(method=method, prefix=path_prefix, status=None, times=times))

    def publish(self, body: bytes) -> tuple[int, str]:
        """Take a publish document as ``PUT /<name>`` would; returns status and message."""
        try:
            document = json.loads(body)
            return self._publish(document)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return 400, f"unsupported registry call ({type(error).__name__})"

    def _publish(self, document: _Document) -> tuple[int, str]:
        name, attachments = document["name"], document["_attachments"]
        if len(attachments) != 1 or len(document["versions"]) != 1:
            return 400, "unsupported registry call"
        ((version, manifest),) = document["versions"].items()
        (attachment,) = attachments.values()
        try:
            data = base64.b64decode(attachment["data"], validate=True)
        except binascii.Error:
            return 400, "attachment is not base64"
        with self._lock:
            stored = self._state.packuments.get(name) or {"name": name, "versions": {}, "dist-tags": {}, "time": {}}
            if version in stored["versions"]:
                return 409, "this package is already present"
            if hashlib.sha1(data, usedforsecurity=False).hexdigest() != manifest["dist"]["shasum"]:
                return 400, "shasum error"
            manifest["dist"]["tarball"] = f"{self.url}{name}/-/{_filename(name, version)}"
            stored["versions"][version] = manifest
            stored["dist-tags"].update(document["dist-tags"])
            if "latest" not in stored["dist-tags"]:  # as Verdaccio does
                stored["dist-tags"]["latest"] = version
            stored["time"][version] = stored["time"]["modified"] = _now()
            self._state.packuments[name] = stored
            self._state.tarballs[name, _filename(name, version)] = data
        return _CREATED, "package published"

    # -- answering ---------------------------------------------------------------------------------------------------

    def _answer(self, request: LoggedRequest) -> tuple[int, bytes] | None:
        """Status and body; None to close the connection."""
        with self._lock:
            self.requests.append(request)
            fault = self._take_fault(request)
        if fault:
            return None if fault.status is None else (fault.status, _error("injected failure"))
        if not request.path.startswith(self._path):
            return 404, _error("not found")
        path = request.path[len(self._path) :]
        known = request.headers.get("authorization") == f"Bearer {self.token}"
        if path in {"-/ping", "-/whoami"}:
            return (200, b"{}") if path == "-/ping" else self._whoami(known=known)
        if not known and (request.method != "GET" or self.authenticated_reads):
            hidden = self.hide_unauthenticated and request.method == "GET"
            return (404, _error("not found")) if hidden else (401, _error("authorization required"))
        if request.method == "PUT":
            status, message = self.publish(request.body)
            return status, json.dumps({"ok" if status == _CREATED else "error": message}).encode()
        return self._read(path)

    def _whoami(self, *, known: bool) -> tuple[int, bytes]:
        return (200, b'{"username":"rehearsal"}') if known else (401, _error("authorization required"))

    def _read(self, path: str) -> tuple[int, bytes]:
        name, _, rest = _split(path)
        with self._lock:
            document = deepcopy(self._state.packuments.get(name))
            if document is None:
                return 404, _error("no such package available")
            if rest.startswith("-/"):
                data = self._state.tarballs.get((name, rest[2:]))
                return (200, data) if data is not None else (404, _error("no such file available"))
            view = self._state.views.get(name)
        document = view(document) if view else document
        if not rest:
            return 200, json.dumps(document).encode()
        version = document["dist-tags"].get(rest, rest)
        found = document["versions"].get(version)
        return (200, json.dumps(found).encode()) if found else (404, _error(f"version not found: {rest}"))

    def _take_fault(self, request: LoggedRequest) -> _Fault | None:
        for fault in self._state.faults:
            if fault.times > 0 and fault.method == request.method and request.path.startswith(fault.prefix):
                fault.times -= 1
                return fault
        return None


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, simulator: RegistrySimulator) -> None:
        self.simulator = simulator
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body leave in two writes; without this the second waits 40 ms
    timeout: ClassVar[float | None] = 30  # seconds

    def do_GET(self) -> None:
        self._handle()

    def do_PUT(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def do_DELETE(self) -> None:
        self._handle()

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        request = LoggedRequest(
            method=self.command,
            path=unquote(urlsplit(self.path).path),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=body,
        )
        answer = cast("_Server", self.server).simulator._answer(request)  # noqa: SLF001 - one machine, two classes
        if answer is None:
            self.close_connection = True
            return
        status, data = answer
        self.send_response(status)
        self.send_header("content-type", "application/json" if data[:1] in {b"{", b"["} else "application/octet-stream")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing: ``requests`` is the log."""


def _split(path: str) -> tuple[str, str, str]:
    """``@scope/name/rest`` or ``name/rest`` as name, slash, rest."""
    parts = path.split("/", 2 if path.startswith("@") else 1)
    depth = 2 if path.startswith("@") else 1
    return "/".join(parts[:depth]), "/", parts[depth] if len(parts) > depth else ""


def _filename(name: str, version: str) -> str:
    return f"{name.rpartition('/')[2]}-{version}.tgz"


def _error(message: str) -> bytes:
    return json.dumps({"error": message}).encode()


def _now() -> str:
    return datetime.now(tz=UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
