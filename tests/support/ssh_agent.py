"""An SSH agent in this process: hardware keys are emulated in it, and it can answer whatever a test wants."""

from __future__ import annotations

import contextlib
import socket
import struct
import tempfile
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from support.ssh_kit import Key, blob_of, sign_wire, string

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["HardwareAgent", "framed", "serving"]


@dataclass
class HardwareAgent:
    """Answers as ssh-agent does; ``touched`` is whether someone touches the key when it blinks."""

    keys: tuple[Key, ...]
    touched: bool = True
    flags: int = 1
    counter: int = 0
    seen: list[bytes] = field(default_factory=list)

    def __call__(self, message: bytes) -> bytes:
        if message == b"\x0b":
            listed = b"".join(string(blob_of(key)) + string(b"comment") for key in self.keys)
            return framed(b"\x0c" + struct.pack(">I", len(self.keys)) + listed)
        blob, rest = _take(message[1:])
        data, _ = _take(rest)
        self.seen.append(data)
        found = [key for key in self.keys if blob_of(key) == blob]
        if message[:1] != b"\x0d" or not found or not self.touched:
            return framed(b"\x05")
        self.counter += 1
        return framed(b"\x0e" + string(sign_wire(found[0], data, flags=self.flags, counter=self.counter)))


def framed(answer: bytes) -> bytes:
    """An answer with its length."""
    return struct.pack(">I", len(answer)) + answer


@contextlib.contextmanager
def serving(answer: Callable[[bytes], bytes | None], *, listens: bool = True) -> Iterator[str]:
    """Serve raw answers on a socket and give its path; None leaves the client waiting until it gives up.

    One that does not listen hangs up without having read what it is asked.
    """
    with (
        tempfile.TemporaryDirectory(prefix="vxsec-agent-") as folder,
        socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener,
    ):
        path = f"{folder}/s"
        listener.bind(path)
        listener.listen()
        thread = threading.Thread(target=_serve, args=(listener, answer, listens))
        thread.start()
        try:
            yield path
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _serve(listener: socket.socket, answer: Callable[[bytes], bytes | None], listens: bool) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:  # shut down
            return
        with connection, contextlib.suppress(ConnectionError):
            if not listens:
                connection.recv(1)
                continue
            (length,) = struct.unpack(">I", connection.recv(4, socket.MSG_WAITALL))
            message = connection.recv(length, socket.MSG_WAITALL)
            given = answer(message)
            if given is None:
                connection.recv(1)  # until the client hangs up
            else:
                connection.sendall(given)


def _take(data: bytes) -> tuple[bytes, bytes]:
    (length,) = struct.unpack(">I", data[:4])
    return data[4 : 4 + length], data[4 + length :]
