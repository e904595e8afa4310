"""The HTTP port against real sockets: servers that drip, lie, redirect, compress and hang up."""

from __future__ import annotations

import contextlib
import gzip
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Self

import pytest

from vxsec.errors import ConfigurationError, NetworkError, UsageError
from vxsec.host.http import HttpClient
from vxsec.host.http_message import TlsOptions
from vxsec.limits import DEFAULT_LIMITS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

Answer = bytes | Sequence[bytes | float]
"""What a server sends: bytes, or pieces with pauses (seconds) between them."""

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Server:
    """Answers each connection's first request with the next answer and notes what was asked."""

    def __init__(self, answers: list[Answer], context: ssl.SSLContext | None = None) -> None:
        self.seen: list[bytes] = []
        self._answers = answers
        self._context = context
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def url(self) -> str:
        return f"http{'s' if self._context else ''}://127.0.0.1:{self.port}/"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes the waiting accept
        self._socket.close()
        self._thread.join(5)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            try:
                self._serve(connection)
            except OSError:
                pass
            finally:
                connection.close()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(5)
        if self._context:
            connection = self._context.wrap_socket(connection, server_side=True)
        data = b""
        while b"\r\n\r\n" not in data and (received := connection.recv(65536)):
            data += received
        self.seen.append(data)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        pieces: Sequence[bytes | float] = [answer] if isinstance(answer, bytes) else answer
        for piece in pieces:
            if isinstance(piece, bytes):
                connection.sendall(piece)
            elif self._stop.wait(piece):
                return
        if self._context:
            connection.close()


@contextmanager
def serving(*answers: Answer, context: ssl.SSLContext | None = None) -> Iterator[Server]:
    with Server(list(answers), context) as server:
        yield server


def client(seconds: float = 5.0, **options: object) -> HttpClient:
    limits = replace(DEFAULT_LIMITS, http_total_seconds=seconds, http_connect_seconds=1.0)
    return HttpClient(limits=limits, **options)  # type: ignore[arg-type]  # a test's shorthand


def reply(status: str, body: bytes = b"", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, f"content-length: {len(body)}", "connection: close", "", ""]).encode() + body


def test_an_answer_is_read_whole() -> None:
    with serving(reply("200 OK", b"hello", X_Thing="1")) as server:
        response = client().request("GET", server.url + "a%20b", headers={"Accept": "x/y"}, max_bytes=10)
    assert (response.status, response.body, response.headers["x-thing"]) == (200, b"hello", "1")
    assert server.seen[0].startswith(b"GET /a%20b HTTP/1.1\r\n")
    assert b"accept: x/y\r\n" in server.seen[0]


def test_gzip_is_decoded() -> None:
    with serving(reply("200 OK", gzip.compress(b"x" * 1000), content_encoding="gzip")) as server:
        assert client().request("GET", server.url, max_bytes=1000).body == b"x" * 1000


def test_chunks_are_joined() -> None:
    chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
    with serving(chunked) as server:
        assert client().request("GET", server.url, max_bytes=3).body == b"abc"


def test_a_connection_is_used_again() -> None:
    with serving([OK, 0.2, OK, 0.2]) as server:
        port = client()
        port.request("GET", server.url, max_bytes=10)
        port.request("GET", server.url, max_bytes=10)
    assert len(server.seen) == 1


def dripping(start: bytes) -> Answer:
    drops: list[bytes | float] = [b"x", 0.1]
    return [start, *(drops * 90)]


BOMB = gzip.compress(bytes(5_000_000))
BROKEN: dict[str, tuple[Answer, str]] = {
    "a length above the bound": (reply("200 OK", b"x" * 101), "network.too-large"),
    "endless bytes without a length": (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1000, "network.too-large"),
    "a gzip bomb": (reply("200 OK", BOMB, content_encoding="gzip"), "network.too-large"),
    "an encoding that was not asked for": (reply("200 OK", b"x", content_encoding="br"), "network.protocol"),
    "gzip that is none": (reply("200 OK", b"plain", content_encoding="gzip"), "network.protocol"),
    "gzip cut short": (reply("200 OK", gzip.compress(b"x" * 50)[:-4], content_encoding="gzip"), "network.protocol"),
    "bytes after the gzip": (reply("200 OK", gzip.compress(b"x") + b"y", content_encoding="gzip"), "network.protocol"),
    "fewer bytes than promised": (b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nshort", "network.protocol"),
    "a chunk with no number": (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", "network.protocol"),
    "no HTTP at all": (b"SSH-2.0-OpenSSH\r\n", "network.protocol"),
    "a hang-up before the answer": (b"", "network.connect"),
    "endless headers": (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 1000, "network.protocol"),
    "one byte at a time": (dripping(b"HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\n"), "network.timeout"),
    "headers one byte at a time": (dripping(b"HTTP/1.1 200 OK\r\n"), "network.timeout"),
    "an end that is only our own deadline": ([b"HTTP/1.1 200 OK\r\n\r\nx", 9.0], "network.timeout"),
    "no answer": ([9.0], "network.timeout"),
}


@pytest.mark.parametrize(("answer", "code"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_answer_has_its_code(answer: Answer, code: str) -> None:
    started = time.monotonic()
    with serving(answer) as server, pytest.raises(NetworkError) as caught:
        client(seconds=0.6).request("GET", server.url, max_bytes=100)
    assert caught.value.code == code
    assert time.monotonic() - started < 4


def test_nobody_listening_is_no_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with pytest.raises(NetworkError) as caught:
        client().request("GET", f"http://127.0.0.1:{port}/", max_bytes=1)
    assert caught.value.code == "network.connect"


@pytest.mark.parametrize(
    ("url", "code"),
    [
        pytest.param("http://registry.example.test/", "network.insecure-url", id="plain http to another host"),
        pytest.param("http://127.0.0.1.example.test/", "network.insecure-url", id="a host that looks like loopback"),
        pytest.param("http://localhost.example.test/", "network.insecure-url", id="a host that begins like localhost"),
        pytest.param("ftp://127.0.0.1/", "network.url", id="another scheme"),
        pytest.param("http://user:secret@127.0.0.1/", "network.url", id="a password in the URL"),
        pytest.param("http://127.0.0.1/\r\nx: y", "network.url", id="a line break"),
        pytest.param("http://127.0.0.1:x/", "network.url", id="a port that is no number"),
        pytest.param("http:///x", "network.url", id="no host"),
        pytest.param("http://127.0.0.1/" + "x" * 9000, "network.url", id="a very long URL"),
    ],
)
def test_a_url_that_must_not_be_used(url: str, code: str) -> None:
    with pytest.raises(UsageError) as caught:
        client().request("GET", url, max_bytes=1)
    assert caught.value.code == code
    assert "secret" not in str(caught.value)


def test_a_header_with_a_line_break_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        client().request("GET", "http://127.0.0.1/", headers={"authorization": "Bearer a\r\nb"}, max_bytes=1)
    assert caught.value.code == "network.header"
    assert "Bearer" not in str(caught.value)


# -- redirects ---------------------------------------------------------------------------------------------------------


def test_a_redirect_on_the_same_origin_keeps_the_credential_within_its_scope() -> None:
    with serving(reply("302 Found", location="/npm/b"), reply("302 Found", location="/other/c"), OK) as server:
        client().request(
            "GET",
            server.url + "npm/a",
            headers={"authorization": "Bearer t"},
            max_bytes=9,
            authorization_scope=server.url + "npm/",
        )
    assert [b"authorization: Bearer t" in request for request in server.seen] == [True, True, False]


@pytest.mark.parametrize("path", ["npm/../x", "npm/%2e%2E/x"])
def test_dots_do_not_keep_a_credential_in_scope(path: str) -> None:
    with serving(reply("302 Found", location="/" + path), OK) as server:
        client().request(
            "GET",
            server.url + "npm/a",
            headers={"authorization": "Bearer t"},
            max_bytes=9,
            authorization_scope=server.url + "npm/",
        )
    assert b"Bearer" not in server.seen[1]


def test_a_redirect_to_another_origin_drops_the_credential_for_good() -> None:
    with serving(OK) as other:
        back = reply("307 Temporary Redirect", location=other.url + "x")
        with serving(back) as server:
            response = client().request("GET", server.url, headers={"authorization": "Bearer t"}, max_bytes=9)
    assert response.url == other.url + "x"
    assert b"Bearer" in server.seen[0]
    assert b"Bearer" not in other.seen[0]


REDIRECTS: dict[str, tuple[str, bytes, str]] = {
    "a PUT is sent nowhere else": ("PUT", reply("307 Temporary Redirect", location="/x"), "network.redirect"),
    "a circle ends": ("GET", reply("302 Found", location="/"), "network.redirect"),
    "no location": ("GET", reply("302 Found"), "network.redirect"),
    "another scheme": ("GET", reply("302 Found", location="file:///etc/passwd"), "network.redirect"),
    "a password": ("GET", reply("302 Found", location="http://u:p@127.0.0.1/"), "network.redirect"),
    "a broken URL": ("GET", reply("302 Found", location="http://[::1/"), "network.redirect"),
    "plain http to another host": (
        "GET",
        reply("302 Found", location="http://a.example.test/"),
        "network.redirect",
    ),
}


@pytest.mark.parametrize(("method", "answer", "code"), REDIRECTS.values(), ids=REDIRECTS.keys())
def test_a_redirect_that_is_not_followed(method: str, answer: bytes, code: str) -> None:
    with serving(answer) as server, pytest.raises(NetworkError) as caught:  # the server's doing: 4, not the user's 2
        client().request(method, server.url, body=b"{}" if method == "PUT" else None, max_bytes=9)
    assert caught.value.code == code


# -- TLS and proxies ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is absent")
    folder = tmp_path_factory.mktemp("tls")
    target = folder / "both.pem"
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    )
    subprocess.run(
        [*command.split(), "-keyout", "key.pem", "-out", "cert.pem"], cwd=folder, check=True, capture_output=True
    )
    target.write_bytes((folder / "key.pem").read_bytes() + (folder / "cert.pem").read_bytes())
    return target


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_an_unknown_authority_is_refused(tls: ssl.SSLContext) -> None:
    with serving(OK, context=tls) as server, pytest.raises(NetworkError) as caught:
        client().request("GET", server.url, max_bytes=9)
    assert caught.value.code == "network.tls"
    assert caught.value.hint is not None


def test_a_named_authority_is_trusted(tls: ssl.SSLContext, certificate: Path) -> None:
    named: Callable[[], TlsOptions]
    for named in (
        lambda: TlsOptions(cafile=str(certificate.with_name("cert.pem"))),
        lambda: TlsOptions(ca=certificate.with_name("cert.pem").read_text()),
    ):
        with serving(OK, context=tls) as server:
            assert client(tls=named()).request("GET", server.url, max_bytes=9).body == b"ok"


def test_only_the_url_that_is_named_goes_unchecked(tls: ssl.SSLContext) -> None:
    with serving(OK, context=tls) as server:
        port = client(unsafe_tls=[server.url + "npm/"])
        assert port.request("GET", server.url + "npm/x", max_bytes=9).body == b"ok"
        with pytest.raises(NetworkError) as caught:
            port.request("GET", server.url + "npmx", max_bytes=9)
    assert caught.value.code == "network.tls"


def test_https_is_never_left_for_http(tls: ssl.SSLContext) -> None:
    with serving(OK) as plain, serving(reply("302 Found", location=plain.url), context=tls) as server:
        with pytest.raises(NetworkError) as caught:
            client(unsafe_tls=[server.url]).request("GET", server.url, max_bytes=9)
        assert caught.value.code == "network.redirect"
        assert plain.seen == []


@pytest.mark.parametrize("options", [TlsOptions(cafile="/nowhere/ca.pem"), TlsOptions(ca="no certificate")])
def test_certificates_that_cannot_be_read(options: TlsOptions) -> None:
    with pytest.raises(ConfigurationError) as caught:
        client(tls=options).request("GET", "https://127.0.0.1:9/", max_bytes=9)
    assert caught.value.code == "network.tls"


def test_a_client_certificate_is_shown(tls: ssl.SSLContext, certificate: Path) -> None:
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_verify_locations(certificate.with_name("cert.pem"))
    pair = str(certificate.with_name("cert.pem")), str(certificate.with_name("key.pem"))
    with serving(OK, context=tls) as server:
        port = client(unsafe_tls=[server.url])
        assert port.request("GET", server.url, max_bytes=9, client_certificate=pair).body == b"ok"
        with pytest.raises(NetworkError):
            port.request("GET", server.url, max_bytes=9)
    port.close()


def test_a_proxy_is_asked_for_what_is_not_loopback() -> None:
    with serving(reply("200 OK", b"from the proxy")) as proxy:
        address = f"http://user:p%40ss@127.0.0.1:{proxy.port}"
        port = client(proxy_for=lambda _: address, unsafe_http=["http://registry.example.test/"])
        assert port.request("GET", "http://registry.example.test/a", max_bytes=99).body == b"from the proxy"
    assert proxy.seen[0].startswith(b"GET http://registry.example.test/a HTTP/1.1")
    assert b"dXNlcjpwQHNz" in proxy.seen[0]  # user:p@ss


def test_a_proxy_that_refuses_is_named_without_its_password() -> None:
    with serving(reply("407 Proxy Authentication Required")) as proxy:
        port = client(proxy_for=lambda _: f"http://user:secret@127.0.0.1:{proxy.port}")
        with pytest.raises(NetworkError) as caught:
            port.request("GET", "https://registry.example.test/", max_bytes=9)
    assert caught.value.code == "network.connect"
    assert proxy.seen[0].startswith(b"CONNECT registry.example.test:443")
    assert "secret" not in f"{caught.value!s}{caught.value!r}{caught.value.hint}"


def test_loopback_is_never_proxied() -> None:
    with serving(OK) as server:
        port = client(proxy_for=lambda _: "http://127.0.0.1:9")
        assert port.request("GET", server.url, max_bytes=9).body == b"ok"
