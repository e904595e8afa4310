"""Keys and signatures of the SSH agent that ``SSH_AUTH_SOCK`` names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.errors import FormatError, UndecidedError
from vxsec.formats.ssh_agent import LIST_KEYS, AgentRefusedError, read_keys, read_signed, request_signature
from vxsec.formats.ssh_key import parse_ssh_public_key
from vxsec.host.ssh_agent import ask_agent
from vxsec.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from vxsec.model.ssh import SshPublicKey

__all__ = ["agent_keys", "agent_sign"]

_VARIABLE = "SSH_AUTH_SOCK"


def agent_keys(environ: Callable[[str], str | None], *, limits: Limits = DEFAULT_LIMITS) -> tuple[SshPublicKey, ...]:
    """The keys an agent holds and vxsec signs with, each once; certificates and other kinds are left out.

    Args:
        environ: Looks up one environment variable.
        limits: Bounds on time and size.

    Raises:
        UndecidedError: ``ssh-agent.not-running``, ``ssh-agent.timeout``, ``ssh-agent.broken``, ``ssh-agent.refused``.
    """
    path = _socket(environ)
    answer = ask_agent(path, LIST_KEYS, timeout=limits.ssh_agent_seconds, limits=limits)
    try:
        blobs = read_keys(answer, where=path)
    except FormatError as error:
        raise _undecided(error, path, "unlock it (ssh-add -X), or check it with: ssh-add -l") from error
    keys: dict[bytes, SshPublicKey] = {}
    for blob in blobs:
        try:
            keys[blob] = parse_ssh_public_key(blob, where=path)
        except FormatError:  # a certificate, DSA, or a kind to come: not ours to judge
            continue
    return tuple(keys.values())


def agent_sign(
    key: SshPublicKey, data: bytes, environ: Callable[[str], str | None], *, limits: Limits = DEFAULT_LIMITS
) -> bytes:
    """An agent's signature over ``data`` in SSH's wire form; RSA signs with SHA-512.

    Raises:
        UndecidedError: As :func:`agent_keys`; ``ssh-agent.refused`` also where nobody touched the key or said yes.
    """
    path = _socket(environ)
    answer = ask_agent(path, request_signature(key.blob, data), timeout=limits.ssh_touch_seconds, limits=limits)
    try:
        return read_signed(answer, where=path)
    except FormatError as error:
        step = "touch the hardware key when it blinks" if key.hardware else "say yes where the agent asks"
        raise _undecided(error, path, f"{step}, and check that it still holds the key: ssh-add -l") from error


def _socket(environ: Callable[[str], str | None]) -> str:
    path = environ(_VARIABLE)
    if not path:
        raise UndecidedError(
            f"no SSH agent is running: {_VARIABLE} is not set",
            code="ssh-agent.not-running",
            hint='start one and give it the key: eval "$(ssh-agent)" && ssh-add KEYFILE',
        )
    return path


def _undecided(error: FormatError, path: str, refused_hint: str) -> UndecidedError:
    if isinstance(error, AgentRefusedError):
        return UndecidedError(error.message, code="ssh-agent.refused", where=path, hint=refused_hint)
    return UndecidedError(
        f"the SSH agent's answer cannot be read: {error.message}",
        code="ssh-agent.broken",
        where=path,
        hint="check the agent that SSH_AUTH_SOCK names: ssh-add -l",
    )
