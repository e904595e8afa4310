"""OSV's public bucket on loopback: one export, with a date, that is not sent again where nothing is newer."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, cast

from support.osv_kit import FIXTURES, make_zip

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["EXPORT", "STAMP", "Bucket", "running"]

EXPORT = make_zip({path.name: path.read_bytes() for path in sorted((FIXTURES / "npm").glob("*.json"))})
STAMP = "Fri, 20 Nov 2026 09:00:00 GMT"


class Bucket(ThreadingHTTPServer):
    """Serves one export, says when it is from, and answers 304 where nothing is newer."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.body = EXPORT
        self.stamp: str | None = STAMP
        self.status = 200
        self.cut = 0
        self.requests: list[tuple[str, dict[str, str]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    """One request."""

    def do_GET(self) -> None:
        bucket = cast("Bucket", self.server)
        bucket.requests.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        if bucket.stamp is not None and self.headers.get("if-modified-since") == bucket.stamp:
            self.send_response(304)
            self.end_headers()
            return
        self.send_response(bucket.status)
        if bucket.stamp is not None:
            self.send_header("last-modified", bucket.stamp)
        self.send_header("content-length", str(len(bucket.body)))
        self.end_headers()
        self.wfile.write(bucket.body[: len(bucket.body) - bucket.cut])

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@contextmanager
def running(server: Bucket) -> Iterator[Bucket]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
