"""The head of an OpenSSH private key file (PROTOCOL.key of OpenSSH): which key it holds, and whether it needs a password.

The public key stands in it unencrypted. Whoever opens the file compares it with what was inside.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING

from vxsec.errors import ConfigurationError, FormatError
from vxsec.formats.ssh_key import parse_ssh_public_key
from vxsec.formats.ssh_wire import WireReader
from vxsec.values import dataclass

if TYPE_CHECKING:
    from vxsec.model.ssh import SshPublicKey

__all__ = ["SshPrivateHead", "is_private_key", "read_private_head"]

_MAGIC = b"openssh-key-v1\0"
_PEM = re.compile(rb"\s*-----BEGIN OPENSSH PRIVATE KEY-----\s([A-Za-z0-9+/=\s]+)-----END OPENSSH PRIVATE KEY-----\s*\Z")
_MAX_BYTES = 64 * 1024
_MAX_ROUNDS = 1024  # some ten seconds; ssh-keygen writes 16 or 24
_CODE = "key.malformed"


@dataclass(frozen=True, slots=True, kw_only=True)
class SshPrivateHead:
    """The key a file holds, and whether a password opens it."""

    public: SshPublicKey
    encrypted: bool


def is_private_key(data: bytes) -> bool:
    """Whether a file is, by its first words, a private key of any kind."""
    return b"PRIVATE KEY-----" in data[:200]


def read_private_head(data: bytes, *, where: str) -> SshPrivateHead:
    """Read what an OpenSSH private key file says without its password.

    Raises:
        ConfigurationError: ``key.malformed``; ``key.unsupported`` for a kind or size of key that is not allowed.
    """
    match = _PEM.match(data) if len(data) <= _MAX_BYTES else None
    if match is None:
        raise ConfigurationError(
            "expected an OpenSSH private key (BEGIN OPENSSH PRIVATE KEY)",
            code=_CODE,
            where=where,
            hint="convert an older form with: ssh-keygen -p -f FILE",
        )
    try:
        return _read(base64.b64decode(b"".join(match[1].split()), validate=True), where)
    except binascii.Error as error:
        raise ConfigurationError("the key is not base64", code=_CODE, where=where) from error
    except FormatError as error:
        raise ConfigurationError(error.message, code=error.code, where=where, hint=error.hint) from error


def _read(body: bytes, where: str) -> SshPrivateHead:
    reader = WireReader(body, where=where, code=_CODE)
    if reader.take(len(_MAGIC), "magic") != _MAGIC:
        raise reader.wrong("expected an OpenSSH private key, found something else in the PEM block")
    cipher, kdf = reader.text("cipher"), reader.text("key derivation")
    options = WireReader(reader.string("options"), where=where, code=_CODE)
    if kdf == "bcrypt":
        options.string("salt")
        rounds = options.uint32("rounds")
        if not 1 <= rounds <= _MAX_ROUNDS:
            raise reader.wrong(f"expected 1 to {_MAX_ROUNDS} rounds, found {rounds}")
    elif kdf != "none":
        raise reader.wrong(f"expected the key derivation bcrypt, found {kdf[:40]!r}")
    options.end()
    if (cipher == "none") != (kdf == "none"):
        raise reader.wrong("expected both cipher and key derivation, or none")
    count = reader.uint32("number of keys")
    if count != 1:
        raise reader.wrong(f"expected one key, found {count}")
    public = parse_ssh_public_key(reader.string("public key"), where=where)
    reader.string("private key")
    # An authenticated cipher keeps its tag behind the last field, so that there is no end to check.
    return SshPrivateHead(public=public, encrypted=cipher != "none")
