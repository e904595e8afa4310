"""A loopback HTTP server that hands every request to one function, in a thread of its own."""

from __future__ import annotations

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, cast
from urllib.parse import unquote, urlsplit

from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Answer", "LoggedRequest", "LoopbackServer", "Reply"]

_POLL_SECONDS = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedRequest:
    """One request as it arrived; ``path`` is percent-decoded, ``headers`` have lower-case names, ``query`` is as it was sent."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    query: str = ""


Reply: TypeAlias = "tuple[int, bytes] | tuple[int, bytes, Mapping[str, str]]"
"""Status, body, and headers beside the usual ones (lower-case names)."""
Answer: TypeAlias = "Callable[[LoggedRequest], Reply | None]"
"""What is answered to a request; None to close the connection without an answer."""


class LoopbackServer:
    """Serves ``answer`` on ``127.0.0.1``, on a free port, until :meth:`close`."""

    def __init__(self, answer: Answer) -> None:
        self._server = _Server(answer)
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": _POLL_SECONDS}, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    def close(self) -> None:
        """Stop listening and wait for the thread."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as the base class has them
        """A client that went away, or was killed, is no news; anything else is a defect of the one who answers."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


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
        target = urlsplit(self.path)
        request = LoggedRequest(
            method=self.command,
            path=unquote(target.path),
            query=target.query,
            headers={name.lower(): value for name, value in self.headers.items()},
            body=body,
        )
        answer = cast("_Server", self.server).answer(request)
        if answer is None:
            self.close_connection = True
            return
        status, data, *more = answer
        kind = "application/json" if data[:1] in {b"{", b"["} else "application/octet-stream"
        headers = {"content-type": kind, "content-length": str(len(data))} | (dict(more[0]) if more else {})
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing: the one who answers keeps the log."""
