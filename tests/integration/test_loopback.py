"""The test kit's HTTP server: quiet about clients that go away, loud about its own defects."""

from __future__ import annotations

import socket
import struct
import threading
from typing import TYPE_CHECKING

from vxsec.testing.loopback import LoggedRequest, LoopbackServer

if TYPE_CHECKING:
    import pytest

REQUEST = b"GET /a%20b HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"


def ask(server: LoopbackServer, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(data)
        said = b""
        while part := connection.recv(1 << 16):
            said += part
        return said


def test_a_request_arrives_decoded_and_is_answered() -> None:
    seen: list[LoggedRequest] = []

    def answer(request: LoggedRequest) -> tuple[int, bytes]:
        seen.append(request)
        return 200, b"[]"

    server = LoopbackServer(answer)
    try:
        said = ask(server, REQUEST)
    finally:
        server.close()
    assert (seen[0].method, seen[0].path, seen[0].headers["host"]) == ("GET", "/a b", "x")
    assert b"content-type: application/json" in said
    assert said.endswith(b"\r\n\r\n[]")


def test_an_answer_may_have_headers_and_a_request_a_query() -> None:
    seen: list[LoggedRequest] = []

    def answer(request: LoggedRequest) -> tuple[int, bytes, dict[str, str]]:
        seen.append(request)
        return 302, b"", {"location": "http://127.0.0.1/", "content-type": "text/plain"}

    server = LoopbackServer(answer)
    try:
        said = ask(server, b"GET /a?b=%20c&d HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    finally:
        server.close()
    assert (seen[0].path, seen[0].query) == ("/a", "b=%20c&d")
    assert said.startswith(b"HTTP/1.1 302 ")
    assert b"location: http://127.0.0.1/\r\n" in said
    assert said.count(b"content-type:") == 1
    assert b"content-type: text/plain\r\n" in said


def test_a_client_that_is_killed_is_no_news(capfd: pytest.CaptureFixture[str]) -> None:
    gone, reset = threading.Event(), threading.Event()

    def answer(_request: LoggedRequest) -> tuple[int, bytes]:
        gone.set()
        reset.wait(5)
        return 200, bytes(1 << 22)  # more than the kernel takes at once: writing meets the reset

    server = LoopbackServer(answer)
    try:
        connection = socket.create_connection(("127.0.0.1", server.port), timeout=5)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.sendall(REQUEST)
        assert gone.wait(5)
        connection.close()
        reset.set()
        assert ask(server, REQUEST)  # it goes on answering
    finally:
        server.close()
    assert capfd.readouterr().err == ""


def test_its_own_defects_are_shown(capfd: pytest.CaptureFixture[str]) -> None:
    def answer(_request: LoggedRequest) -> tuple[int, bytes]:
        raise ValueError("a defect")

    server = LoopbackServer(answer)
    try:
        assert ask(server, REQUEST) == b""
    finally:
        server.close()
    assert "ValueError: a defect" in capfd.readouterr().err
