"""One HTTP exchange over urllib3, with a deadline that holds whatever the other side does.

A socket timeout restarts with every byte, so a server that sends one byte a second would never end it. Here a watcher
thread closes the socket at the deadline, in whatever state the exchange is. Only the name lookup cannot be interrupted.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import time
import zlib
from threading import Event, Lock, Thread, local
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import unquote, urlsplit, urlunsplit

import urllib3
from urllib3 import exceptions as foreign
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from vxsec.errors import ConfigurationError, NetworkError
from vxsec.host.http_message import HttpResponse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from urllib3._base_connection import BaseHTTPConnection, BaseHTTPSConnection

    from vxsec.host.http_message import TlsOptions

__all__ = ["Transport"]

_CHUNK = 1 << 16
_POOLS = 32
_TRY_AGAIN = "check the URL and the network, then run the command again"
_current = local()

_PoolKey = tuple[bool, str | None, tuple[str, str] | None]


class _PlainConnection(HTTPConnection):
    """Tells the watcher which connection the running exchange uses."""

    def connect(self) -> None:
        _current.watch.connection = self
        super().connect()

    def putrequest(self, method: str, url: str, skip_host: bool = False, skip_accept_encoding: bool = False) -> None:
        _current.watch.connection = self
        super().putrequest(method, url, skip_host, skip_accept_encoding)


class _TlsConnection(HTTPSConnection):
    """Likewise."""

    def connect(self) -> None:
        _current.watch.connection = self
        super().connect()

    def putrequest(self, method: str, url: str, skip_host: bool = False, skip_accept_encoding: bool = False) -> None:
        _current.watch.connection = self
        super().putrequest(method, url, skip_host, skip_accept_encoding)


class _PlainPool(HTTPConnectionPool):
    ConnectionCls: type[BaseHTTPConnection] = _PlainConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls: type[BaseHTTPSConnection] = _TlsConnection

    def _validate_conn(self, conn: BaseHTTPConnection) -> None:
        """Connect early; the warning about unchecked certificates is left out: who asked for that named the URL."""
        HTTPConnectionPool._validate_conn(self, conn)  # noqa: SLF001 - the method that this one replaces
        if conn.is_closed:
            conn.connect()


class _Watch:
    """Ends an exchange at its deadline by shutting the socket down."""

    def __init__(self, deadline: float) -> None:
        self.connection: Any = None
        self.expired = False
        self._deadline = deadline
        self._done = Event()
        self._thread = Thread(target=self._run, name="vxsec-http-deadline", daemon=True)

    def __enter__(self) -> Self:
        _current.watch = self
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
        self.connection = None

    def _run(self) -> None:
        if self._done.wait(max(0.0, self._deadline - time.monotonic())):
            return
        self.expired = True
        while True:
            sock = getattr(self.connection, "sock", None)
            if isinstance(sock, socket.socket):
                # Not SSLSocket.shutdown: that drops the TLS state under the reading thread.
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)
            if self._done.wait(0.05):
                return


class Transport:
    """Connection pools, one set for each way of checking certificates and each proxy."""

    def __init__(self, *, connect_seconds: float, tls: TlsOptions, parallel: int) -> None:
        self._connect_seconds = connect_seconds
        self._tls = tls
        self._parallel = parallel
        self._managers: dict[_PoolKey, urllib3.PoolManager] = {}
        self._lock = Lock()

    def deadline(self, seconds: float) -> float:
        """The moment on the monotonic clock when an exchange that starts now must be over."""
        return time.monotonic() + seconds

    def exchange(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None,
        max_bytes: int,
        deadline: float,
        verify: bool,
        proxy: str | None,
        client_certificate: tuple[str, str] | None,
    ) -> HttpResponse:
        """Send one request and read the whole answer; a redirect is an answer.

        Raises:
            NetworkError: As ``HttpClient.request``.
            ConfigurationError: ``network.tls`` where a certificate file cannot be used.
        """
        manager = self._manager((verify, proxy, client_certificate))
        left = deadline - time.monotonic()
        if left <= 0:
            raise _timeout(url)
        with _Watch(deadline) as watch:
            try:
                response = manager.request(
                    method,
                    url,
                    headers={"accept-encoding": "gzip", "user-agent": "vxsec", **headers},
                    body=body,
                    timeout=urllib3.Timeout(connect=min(self._connect_seconds, left), read=left),
                    retries=False,
                    redirect=False,
                    preload_content=False,
                    decode_content=False,
                )
                try:
                    data = b"".join(_bounded(response, url, max_bytes))
                finally:
                    response.close()  # an answer read to its end has given its connection back already
                    response.release_conn()
            except (foreign.HTTPError, http.client.HTTPException, OSError, ValueError) as error:
                raise (_timeout(url) if watch.expired else _converted(error, url)) from error
            if watch.expired:  # what looks like the end of the body may be our own shutdown
                raise _timeout(url)
        names = {name.lower(): value for name, value in response.headers.items()}
        return HttpResponse(status=response.status, headers=names, body=data, url=url)

    def close(self) -> None:
        """Close idle connections."""
        with self._lock:
            for manager in self._managers.values():
                manager.clear()
            self._managers.clear()

    def _manager(self, key: _PoolKey) -> urllib3.PoolManager:
        with self._lock:
            if key not in self._managers:
                self._managers[key] = self._new_manager(*key)
            return self._managers[key]

    def _new_manager(
        self, verify: bool, proxy: str | None, client_certificate: tuple[str, str] | None
    ) -> urllib3.PoolManager:
        context = self._context(verify=verify, client_certificate=client_certificate)
        manager: urllib3.PoolManager
        if proxy is None:
            manager = urllib3.PoolManager(_POOLS, maxsize=self._parallel, ssl_context=context)
        else:
            plain_url, auth = _split_proxy(proxy)
            manager = urllib3.ProxyManager(
                plain_url, _POOLS, proxy_headers=auth, maxsize=self._parallel, ssl_context=context
            )
        manager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}
        return manager

    def _context(self, *, verify: bool, client_certificate: tuple[str, str] | None) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=self._tls.cafile, cadata=self._tls.ca)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            if not verify:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            if client_certificate:
                context.load_cert_chain(*client_certificate, password=_no_password)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not a certificate"
            raise ConfigurationError(
                f"cannot use the certificate files of .npmrc: {reason or 'not a certificate'}",
                code="network.tls",
                where=self._tls.cafile or (client_certificate or ("ca",))[0],
            ) from error
        return context


def _no_password() -> str:
    raise ValueError("an encrypted key is not supported")


def _split_proxy(proxy: str) -> tuple[str, Mapping[str, str]]:
    parts = urlsplit(proxy)
    user, at, host = parts.netloc.rpartition("@")
    auth = urllib3.make_headers(proxy_basic_auth=unquote(user)) if at else {}
    return urlunsplit((parts.scheme, host, "", "", "")), auth


def _bounded(response: urllib3.BaseHTTPResponse, url: str, max_bytes: int) -> Iterator[bytes]:
    """The body, decoded by ourselves so that neither its packed nor its unpacked size can exceed the bound."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"identity", "gzip", "x-gzip", ""}:
        raise NetworkError(f"content encoding {encoding[:40]!r} was not asked for", code="network.protocol", where=url)
    inflate = zlib.decompressobj(31) if encoding.endswith("gzip") else None
    packed = total = 0
    for chunk in response.stream(_CHUNK, decode_content=False):
        packed += len(chunk)
        try:
            piece = inflate.decompress(chunk, max_bytes - total + 1) if inflate else chunk
        except zlib.error as error:
            raise NetworkError("the answer is not the gzip it says", code="network.protocol", where=url) from error
        total += len(piece)
        if max(packed, total) > max_bytes:
            raise NetworkError(f"expected at most {max_bytes} bytes, found more", code="network.too-large", where=url)
        if inflate and inflate.unused_data:
            raise NetworkError("bytes after the end of the gzip", code="network.protocol", where=url)
        yield piece
    if inflate and packed and not inflate.eof:
        raise NetworkError("the gzip answer ends too early", code="network.protocol", where=url)


def _timeout(url: str) -> NetworkError:
    return NetworkError("no complete answer in time", code="network.timeout", where=url, hint=_TRY_AGAIN)


def _converted(error: Exception, url: str) -> NetworkError:
    """Say what went wrong without repeating foreign text, which may hold a proxy's password."""
    cause = _root_of(error)
    timed_out = isinstance(error, foreign.TimeoutError) and not isinstance(error, foreign.NewConnectionError)
    if timed_out or isinstance(cause, TimeoutError):
        return _timeout(url)
    if isinstance(cause, ssl.SSLError):
        reason = cause.verify_message if isinstance(cause, ssl.SSLCertVerificationError) else (cause.reason or "TLS")
        return NetworkError(
            f"no trusted TLS connection: {reason}",
            code="network.tls",
            where=url,
            hint="name the registry's certificate authority with cafile= in your user .npmrc",
        )
    if isinstance(cause, foreign.NameResolutionError | socket.gaierror):
        return NetworkError("the host name is not known", code="network.connect", where=url, hint=_TRY_AGAIN)
    if isinstance(error, foreign.ProxyError):
        return NetworkError("the proxy does not connect", code="network.connect", where=url, hint=_TRY_AGAIN)
    if isinstance(cause, foreign.NewConnectionError | OSError | http.client.RemoteDisconnected):
        reason = getattr(cause, "strerror", None) or "the connection was closed"
        return NetworkError(f"no connection: {reason}", code="network.connect", where=url, hint=_TRY_AGAIN)
    return NetworkError(
        f"the answer breaks the HTTP protocol ({type(cause).__name__})", code="network.protocol", where=url
    )


def _root_of(error: BaseException) -> BaseException:
    """The innermost exception: urllib3 carries it as an argument or as the cause."""
    for _ in range(8):
        inner = error.__cause__ or next((arg for arg in error.args if isinstance(arg, BaseException)), None)
        if inner is None:
            break
        error = inner
    return error
