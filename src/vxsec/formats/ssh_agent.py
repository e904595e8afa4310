"""The messages of an SSH agent that listing keys and signing need: draft-ietf-sshm-ssh-agent, sections 3.5 and 3.6."""

from __future__ import annotations

from vxsec.errors import FormatError
from vxsec.formats.ssh_wire import WireReader, wire_string

__all__ = ["LIST_KEYS", "AgentRefusedError", "read_keys", "read_signed", "request_signature"]

LIST_KEYS = b"\x0b"
"""SSH_AGENTC_REQUEST_IDENTITIES."""
_FAILURES = (5, 28)  # SSH_AGENT_FAILURE, SSH_AGENT_EXTENSION_FAILURE
_IDENTITIES_ANSWER = 12
_SIGN_REQUEST = 13
_SIGN_RESPONSE = 14
_RSA_SHA2_512 = 4
_MAX_KEYS = 1_000
_CODE = "ssh-agent.malformed"


class AgentRefusedError(FormatError):
    """The agent answered that it will not: it has not the key, is locked, or its user said no."""

    default_code = "ssh-agent.refused"


def read_keys(answer: bytes, *, where: str) -> tuple[bytes, ...]:
    """The public keys an agent holds, in wire form, as it lists them; certificates among them.

    Raises:
        AgentRefusedError: It does not list them.
        FormatError: ``ssh-agent.malformed``.
    """
    found = _read(answer, _IDENTITIES_ANSWER, where)
    count = found.uint32("number of keys")
    if count > _MAX_KEYS:
        raise found.wrong(f"expected at most {_MAX_KEYS} keys, found {count}")
    keys = []
    for _ in range(count):
        keys.append(found.string("key"))
        found.string("comment")
    found.end()
    return tuple(keys)


def request_signature(public_key: bytes, data: bytes) -> bytes:
    """SSH_AGENTC_SIGN_REQUEST for a key in wire form; RSA is to sign with SHA-512, other kinds have no choice."""
    flags = _RSA_SHA2_512.to_bytes(4, "big")
    return bytes([_SIGN_REQUEST]) + wire_string(public_key) + wire_string(data) + flags


def read_signed(answer: bytes, *, where: str) -> bytes:
    """The signature in wire form.

    Raises:
        AgentRefusedError: It did not sign.
        FormatError: ``ssh-agent.malformed``.
    """
    found = _read(answer, _SIGN_RESPONSE, where)
    signature = found.string("signature")
    found.end()
    return signature


def _read(answer: bytes, expected: int, where: str) -> WireReader:
    reader = WireReader(answer, where=where, code=_CODE)
    kind = reader.byte("kind of answer")
    if kind in _FAILURES:
        raise AgentRefusedError("the SSH agent refuses", where=where)
    if kind != expected:
        raise reader.wrong(f"expected an answer of kind {expected}, found {kind}")
    return reader
