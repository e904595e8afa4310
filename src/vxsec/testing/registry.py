"""A small npm registry on the loopback interface, for tests of release tooling.

It takes publishes, serves what was published, checks about as much as Verdaccio does (the SHA-1, one attachment, no
second publish of a version), and can be told to lie, to fail, to sign like npm's registry, and to go back in time. It is
no registry to keep anything in.

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
from datetime import UTC, datetime, timedelta
from threading import RLock
from typing import TYPE_CHECKING, Self

from vxsec.errors import UsageError
from vxsec.testing.contract import Document, Snapshot, npmrc_lines, tarball_filename
from vxsec.testing.loopback import LoggedRequest, LoopbackServer

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from vxsec.testing.registry_keys import RegistryKey

__all__ = ["LoggedRequest", "RegistrySimulator"]

_CREATED = 201
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(slots=True, kw_only=True)
class _Fault:
    method: str
    prefix: str
    status: int | None  # None: close the connection without an answer
    times: int


@dataclass(slots=True, kw_only=True)
class _State:
    """What a snapshot remembers."""

    packuments: dict[str, Document] = field(default_factory=dict)
    tarballs: dict[tuple[str, str], bytes] = field(default_factory=dict)
    views: dict[str, tuple[Callable[[Document], Document], ...]] = field(default_factory=dict)
    keys: tuple[RegistryKey, ...] = ()
    keys_document: bytes | None = None

    def copy(self) -> _State:
        """Nothing done to one is seen in the other."""
        return _State(
            packuments=deepcopy(self.packuments),
            tarballs=dict(self.tarballs),
            views=dict(self.views),
            keys=self.keys,
            keys_document=self.keys_document,
        )


class RegistrySimulator:
    """An npm registry on ``127.0.0.1``, on a free port, for as long as the ``with`` block runs.

    Args:
        token: The one token accepted.
        authenticated_reads: Also ask for the token when reading; a registry that hides private packages answers 404
            without it where ``hide_unauthenticated`` is set, else 401.
        hide_unauthenticated: Answer 404 instead of 401.
        path: Where the registry lives on its host, for example ``/npm/``.
        signs: Sign each accepted version like npm's registry, and serve the keys at ``-/npm/v1/keys``; otherwise that
            address is 404, as on most private registries.
    """

    def __init__(
        self,
        *,
        token: str = "rehearsal-token",  # noqa: S107 - opens nothing but this simulator
        authenticated_reads: bool = False,
        hide_unauthenticated: bool = False,
        path: str = "/",
        signs: bool = False,
    ) -> None:
        self.token = token
        self.authenticated_reads = authenticated_reads
        self.hide_unauthenticated = hide_unauthenticated
        self.requests: list[LoggedRequest] = []
        self._path = path
        self._state = _State()
        self._snapshots: list[_State] = []
        self._faults: list[_Fault] = []
        self._lock = RLock()
        self._server: LoopbackServer | None = None
        if signs:
            from vxsec.testing.registry_keys import make_key

            self._state.keys = (make_key(),)

    def __enter__(self) -> Self:
        self._server = LoopbackServer(self._answer)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        self._server = None

    # -- what a client needs -----------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """The registry's URL, with its final slash; there is one inside the ``with`` block only."""
        if self._server is None:
            raise RuntimeError("the registry simulator is not running: use it in a with statement")
        return f"http://127.0.0.1:{self._server.port}{self._path}"

    def npmrc(self, *scopes: str) -> str:
        """The text of an ``.npmrc`` that uses this registry: for ``scopes``, or for everything where none is given."""
        return npmrc_lines(self.url, self.token, scopes)

    # -- what a test looks at ----------------------------------------------------------------------------------------

    def dump(self) -> dict[str, Document]:
        """A copy of every stored packument by name, untampered."""
        with self._lock:
            return deepcopy(self._state.packuments)

    def packument(self, name: str) -> Document | None:
        """A copy of the stored packument, untampered, or None."""
        with self._lock:
            return deepcopy(self._state.packuments.get(name))

    def tarball(self, name: str, version: str) -> bytes:
        """The stored bytes of one version."""
        with self._lock:
            return self._state.tarballs[name, tarball_filename(name, version)]

    # -- what a test changes -----------------------------------------------------------------------------------------

    def tamper_tarball(self, name: str, version: str, data: bytes) -> None:
        """Serve other bytes for a version, leaving the packument as it is."""
        with self._lock:
            self._state.tarballs[name, tarball_filename(name, version)] = data

    def tamper_packument(self, name: str, change: Callable[[Document], Document]) -> None:
        """From now on serve ``change(packument)``, on top of earlier changes; what is stored stays."""
        with self._lock:
            self._state.views[name] = (*self._state.views.get(name, ()), change)

    def snapshot(self) -> Snapshot:
        """Remember everything stored, the keys and every tampering; not the requests and not the faults to come."""
        with self._lock:
            self._snapshots.append(self._state.copy())
            return Snapshot(owner=self.url, number=len(self._snapshots) - 1)

    def rewind(self, to: Snapshot) -> None:
        """Be as at that moment again, as often as asked: what was published since is gone, expired keys sign again.

        A client that remembers nothing cannot tell this from a registry to which nothing newer was ever published:
        that is the rollback (and, done over and over, the freeze) attack.

        Raises:
            UsageError: ``registry.snapshot``: the snapshot is another registry's.
        """
        with self._lock:
            if to.owner != self.url or to.number >= len(self._snapshots):
                raise UsageError(
                    f"expected a snapshot of {self.url}, found one of {to.owner}",
                    code="registry.snapshot",
                    hint="give what snapshot() of the same registry returned",
                )
            self._state = self._snapshots[to.number].copy()

    def rotate_keys(self) -> str:
        """Expire the key that signs now, and sign new versions with a fresh one; returns the fresh one's id.

        What the old key signed stays good: its expiry lies behind the time of every version that it signed.

        Raises:
            UsageError: ``registry.unsigned``: this registry does not sign.
        """
        from vxsec.testing.registry_keys import make_key

        with self._lock:
            if not self._state.keys:
                raise UsageError(
                    "this registry does not sign", code="registry.unsigned", hint="make it with signs=True"
                )
            *older, current = self._state.keys
            fresh = make_key()
            self._state.keys = (*older, current.expire(_time(_now() + _MILLISECOND)), fresh)
            return fresh.keyid

    def serve_keys(self, document: bytes | None) -> None:
        """Answer ``-/npm/v1/keys`` with these bytes from now on, whether or not this registry signs; None: as before."""
        with self._lock:
            self._state.keys_document = document

    def fail_next(self, method: str, path_prefix: str, status: int, *, times: int = 1) -> None:
        """Answer the next ``times`` matching requests with ``status`` and do nothing."""
        with self._lock:
            self._faults.append(_Fault(method=method, prefix=path_prefix, status=status, times=times))

    def drop_connection(self, method: str, path_prefix: str, *, times: int = 1) -> None:
        """Close the connection on the next ``times`` matching requests without an answer."""
        with self._lock:
            self._faults.append(_Fault(method=method, prefix=path_prefix, status=None, times=times))

    def publish(self, body: bytes) -> tuple[int, str]:
        """Take a publish document as ``PUT /<name>`` would; returns status and message."""
        try:
            document = json.loads(body)
            return self._publish(document)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return 400, f"unsupported registry call ({type(error).__name__})"

    def _publish(self, document: Document) -> tuple[int, str]:
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
            self._complete_dist(name, version, manifest["dist"], data)
            stored["versions"][version] = manifest
            stored["dist-tags"].update(document["dist-tags"])
            if "latest" not in stored["dist-tags"]:  # as Verdaccio does
                stored["dist-tags"]["latest"] = version
            stored["time"][version] = stored["time"]["modified"] = _time(_now())
            self._state.packuments[name] = stored
            self._state.tarballs[name, tarball_filename(name, version)] = data
        return _CREATED, "package published"

    def _complete_dist(self, name: str, version: str, dist: Document, data: bytes) -> None:
        """The tarball's address; where this registry signs, the integrity that it computed itself, and its signature."""
        dist["tarball"] = f"{self.url}{name}/-/{tarball_filename(name, version)}"
        if self._state.keys:
            dist["integrity"] = f"sha512-{base64.b64encode(hashlib.sha512(data).digest()).decode()}"
            dist["signatures"] = [self._state.keys[-1].sign(name, version, dist["integrity"])]

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
        if path.startswith("-/"):
            return self._answer_service(path, known=known)
        if not known and (request.method != "GET" or self.authenticated_reads):
            hidden = self.hide_unauthenticated and request.method == "GET"
            return (404, _error("not found")) if hidden else (401, _error("authorization required"))
        if request.method == "PUT":
            status, message = self.publish(request.body)
            return status, json.dumps({"ok" if status == _CREATED else "error": message}).encode()
        return self._read(path)

    def _answer_service(self, path: str, *, known: bool) -> tuple[int, bytes]:
        if path == "-/ping":
            return 200, b"{}"
        if path == "-/whoami":
            return (200, b'{"username":"rehearsal"}') if known else (401, _error("authorization required"))
        if path == "-/npm/v1/keys" and self._state.keys_document is not None:
            return 200, self._state.keys_document
        if path == "-/npm/v1/keys" and self._state.keys:
            from vxsec.testing.registry_keys import keys_document

            return 200, json.dumps(keys_document(self._state.keys)).encode()
        return 404, _error("not found")

    def _read(self, path: str) -> tuple[int, bytes]:
        name, rest = _split(path)
        with self._lock:
            document = deepcopy(self._state.packuments.get(name))
            if document is None:
                return 404, _error("no such package available")
            if rest.startswith("-/"):
                data = self._state.tarballs.get((name, rest[2:]))
                return (200, data) if data is not None else (404, _error("no such file available"))
            views = self._state.views.get(name, ())
        for view in views:
            document = view(document)
        if not rest:
            return 200, json.dumps(document).encode()
        version = document["dist-tags"].get(rest, rest)
        found = document["versions"].get(version)
        return (200, json.dumps(found).encode()) if found else (404, _error(f"version not found: {rest}"))

    def _take_fault(self, request: LoggedRequest) -> _Fault | None:
        for fault in self._faults:
            if fault.times > 0 and fault.method == request.method and request.path.startswith(fault.prefix):
                fault.times -= 1
                return fault
        return None


def _split(path: str) -> tuple[str, str]:
    """``@scope/name/rest`` or ``name/rest`` as name and rest."""
    depth = 2 if path.startswith("@") else 1
    parts = path.split("/", depth)
    return "/".join(parts[:depth]), parts[depth] if len(parts) > depth else ""


def _error(message: str) -> bytes:
    return json.dumps({"error": message}).encode()


def _now() -> datetime:
    return datetime.now(tz=UTC)


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
