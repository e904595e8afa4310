"""One question to an SSH agent over its socket; what question and answer mean is not known here."""

from __future__ import annotations

import socket
import time

from vxsec.errors import UndecidedError
from vxsec.limits import DEFAULT_LIMITS, Limits

__all__ = ["ask_agent"]

_LENGTH_BYTES = 4
_START = 'start one and give it the key: eval "$(ssh-agent)" && ssh-add KEYFILE'


def ask_agent(socket_path: str, message: bytes, *, timeout: float, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """Send one message and return the answer, both without their length (draft-ietf-sshm-ssh-agent section 3).

    Guarantees: it returns or raises within ``timeout``; an answer larger than ``limits.ssh_agent_bytes`` is never read.

    Args:
        socket_path: What ``SSH_AUTH_SOCK`` says.
        message: Kind and content.
        timeout: Seconds for everything together.
        limits: The bound on both messages.

    Raises:
        UndecidedError: ``ssh-agent.not-running`` where nothing listens, ``ssh-agent.timeout``, ``ssh-agent.broken`` where it
            hangs up or answers something else.
    """
    if len(message) > limits.ssh_agent_bytes:
        raise UndecidedError(
            f"expected at most {limits.ssh_agent_bytes} bytes to ask, found {len(message)}",
            code="ssh-agent.broken",
            where=socket_path,
            hint="sign something smaller",
        )
    deadline = time.monotonic() + timeout
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        try:
            _connect(connection, socket_path, timeout)
            connection.sendall(len(message).to_bytes(_LENGTH_BYTES, "big") + message)
            length = int.from_bytes(_receive(connection, _LENGTH_BYTES, socket_path, deadline), "big")
            if not 1 <= length <= limits.ssh_agent_bytes:
                raise _broken(
                    f"expected an answer of at most {limits.ssh_agent_bytes} bytes, found {length}", socket_path
                )
            return _receive(connection, length, socket_path, deadline)
        except TimeoutError as error:
            raise UndecidedError(
                f"the SSH agent did not answer within {timeout:g} seconds",
                code="ssh-agent.timeout",
                where=socket_path,
                hint="touch the hardware key or answer the agent's question in time, and run the same command again",
            ) from error
        except OSError as error:
            raise _broken(f"the SSH agent hung up: {error.strerror}", socket_path) from error


def _connect(connection: socket.socket, socket_path: str, timeout: float) -> None:
    connection.settimeout(timeout)
    try:
        connection.connect(socket_path)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UndecidedError(
            f"no SSH agent listens: {reason}", code="ssh-agent.not-running", where=socket_path, hint=_START
        ) from error


def _receive(connection: socket.socket, count: int, socket_path: str, deadline: float) -> bytes:
    data = bytearray()
    while len(data) < count:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        connection.settimeout(left)
        piece = connection.recv(count - len(data))
        if not piece:
            raise _broken("the SSH agent hung up without an answer", socket_path)
        data += piece
    return bytes(data)


def _broken(message: str, socket_path: str) -> UndecidedError:
    return UndecidedError(
        message, code="ssh-agent.broken", where=socket_path, hint="check the agent that SSH_AUTH_SOCK names: ssh-add -l"
    )
