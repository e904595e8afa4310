"""Signing with SSH keys: from a file, through an agent, or by a touch of security hardware.

A file's key signs in this process. An agent signs what it is given and keeps its keys to itself. A hardware key
(``sk-``) signs through the agent that holds it, else through ``ssh-keygen``, which talks to the device. All make the same: an
SSHSIG blob in the namespace ``vxsec``, over the message's SHA-512 (PROTOCOL.sshsig of OpenSSH).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from vxsec.errors import ConfigurationError, FormatError, UndecidedError, UsageError
from vxsec.formats.ssh_key import parse_ssh_public_key
from vxsec.formats.ssh_private_key import is_private_key, read_private_head
from vxsec.formats.sshsig import armor_sshsig, build_sshsig, read_sshsig, signed_data
from vxsec.model.ssh import SSHSIG_NAMESPACE
from vxsec.signing.ssh_agent import agent_keys, agent_sign
from vxsec.signing.ssh_file import open_private_key, sign_by_keygen

if TYPE_CHECKING:
    from collections.abc import Callable

    from vxsec.model.ssh import SshPublicKey
    from vxsec.signing.inputs import SignerInputs

__all__ = ["SshSigner", "open_ssh"]

_HASH = "sha512"
_USER_PRESENT = 0x01
_MISSING = "file.missing"


class SshSigner:
    """A :class:`vxsec.signing.signer.FileSigner` over one SSH key.

    Args:
        key: The public key.
        make: Makes the SSHSIG blob over the message it is given.
        asks: Whether a person has to do something (touch the key) while it signs.
    """

    def __init__(self, key: SshPublicKey, make: Callable[[bytes], bytes], *, asks: bool = False) -> None:
        self._key = key
        self._make = make
        self._asks = asks

    def __repr__(self) -> str:
        return f"SshSigner({self._key.fingerprint})"

    @property
    def key(self) -> SshPublicKey:
        """The public key."""
        return self._key

    @property
    def spki(self) -> bytes:
        """What the key is counted by: canonical DER, or ``ssh:`` and the blob of a hardware key."""
        return self._key.identity

    @property
    def hint(self) -> str:
        """``ssh:SHA256:…``, the fingerprint as ``ssh-keygen -l`` prints it."""
        return self._key.hint

    @property
    def algorithm(self) -> str:
        """SSH's own name of the key's kind."""
        return self._key.kind

    @property
    def suffix(self) -> str:
        """``.sshsig``."""
        return ".sshsig"

    @property
    def needs_touch(self) -> bool:
        """Whether someone has to touch a hardware key for each signature."""
        return self._asks

    def sign(self, data: bytes) -> bytes:
        """The bare SSHSIG blob over ``data``.

        Raises:
            UndecidedError: ``ssh-agent.refused``, ``ssh-agent.timeout``, ``ssh-agent.broken``, ``ssh-agent.not-running``,
                ``ssh-keygen.failed``, ``ssh-keygen.timeout``, ``process.missing``.
            ConfigurationError: ``sshsig.user-presence`` for a hardware key that signs without being touched.
        """
        blob = self._make(data)
        try:
            made = read_sshsig(blob, where=self._key.fingerprint)
        except FormatError as error:
            raise _broken(error.message, self._key) from error
        if made.public_key != self._key.blob:
            raise _broken("it signed with another key", self._key)
        if made.flags is not None and not made.flags & _USER_PRESENT:
            raise ConfigurationError(
                "this hardware key signs without being touched, and such signatures are never counted",
                code="sshsig.user-presence",
                where=self._key.fingerprint,
                hint="make the key again without -O no-touch-required",
            )
        return blob

    def sign_file(self, data: bytes) -> bytes:
        """The armored signature over a file's bytes, which ``ssh-keygen -Y verify -n vxsec`` reads."""
        return armor_sshsig(self.sign(data))


def open_ssh(rest: str, inputs: SignerInputs) -> SshSigner:
    """Open what stands behind ``ssh:``.

    Args:
        rest: ``agent`` (the one key an agent holds), ``agent:SHA256:…``, or a path: a private key file, or a ``.pub`` file
            whose key an agent holds. An encrypted file is not unlocked where an agent holds its key.
        inputs: Files, environment and password.

    Raises:
        UsageError: ``ssh-agent.no-key``, ``ssh-agent.several-keys``, ``file.missing``.
        ConfigurationError: ``key.malformed``, ``key.unsupported``, ``key.ssh-certificate``, ``key.wrong-password``,
            ``key.needs-agent`` for an encrypted file that this installation cannot open.
        UndecidedError: ``ssh-agent.not-running``, ``ssh-agent.refused``, ``ssh-agent.timeout``, ``ssh-agent.broken``.
    """
    if rest == "agent" or rest.startswith("agent:"):
        return _from_agent(_chosen(rest.removeprefix("agent").removeprefix(":"), inputs), inputs)
    try:
        data = inputs.read_file(rest)
    except UsageError as error:
        if error.code != _MISSING or rest.endswith(".pub"):
            raise
        try:
            data = inputs.read_file(f"{rest}.pub")
        except UsageError:
            raise error from None
    return _from_private_file(rest, data, inputs) if is_private_key(data) else _from_public_file(rest, data, inputs)


def _from_private_file(path: str, data: bytes, inputs: SignerInputs) -> SshSigner:
    head = read_private_head(data, where=path)
    key = head.public
    if (head.encrypted or key.hardware) and _is_held(key, inputs):
        return _from_agent(key, inputs)
    if key.hardware:
        return SshSigner(key, lambda message: sign_by_keygen(path, message, environ=inputs.environ), asks=True)
    sign = open_private_key(data, inputs.password() if head.encrypted else None, key=key, where=path)
    return SshSigner(key, lambda message: _wrap(key, message, sign))


def _from_public_file(path: str, data: bytes, inputs: SignerInputs) -> SshSigner:
    try:
        key = parse_ssh_public_key(data, where=path)
    except FormatError as error:
        raise ConfigurationError(error.message, code=error.code, where=path, hint=error.hint) from error
    if key not in agent_keys(inputs.environ):
        raise UsageError(
            f"the SSH agent does not hold the key {key.fingerprint}",
            code="ssh-agent.no-key",
            where=path,
            hint="give it to the agent with ssh-add KEYFILE, or name the private key file",
        )
    return _from_agent(key, inputs)


def _from_agent(key: SshPublicKey, inputs: SignerInputs) -> SshSigner:
    return SshSigner(
        key,
        lambda message: _wrap(key, message, lambda data: agent_sign(key, data, inputs.environ)),
        asks=key.hardware,
    )


def _chosen(fingerprint: str, inputs: SignerInputs) -> SshPublicKey:
    """The agent's key of this fingerprint, or its only one."""
    held = agent_keys(inputs.environ)
    found = [key for key in held if fingerprint in {"", key.fingerprint}]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(f"{key.fingerprint} ({key.kind})" for key in held) or "none that vxsec signs with"
    if found:
        raise UsageError(
            f"the SSH agent holds several keys: {listed}",
            code="ssh-agent.several-keys",
            hint="name one: --signer ssh:agent:SHA256:…",
        )
    raise UsageError(
        f"expected the key {fingerprint[:80] or 'to sign with'} in the SSH agent, found {listed}",
        code="ssh-agent.no-key",
        hint="give the key to the agent: ssh-add KEYFILE",
    )


def _is_held(key: SshPublicKey, inputs: SignerInputs) -> bool:
    """Whether an agent holds the key; where none is there, or none answers, it does not."""
    try:
        return key in agent_keys(inputs.environ)
    except UndecidedError:
        return False


def _wrap(key: SshPublicKey, message: bytes, sign: Callable[[bytes], bytes]) -> bytes:
    signature = sign(signed_data(SSHSIG_NAMESPACE, _HASH, hashlib.new(_HASH, message).digest()))
    return build_sshsig(public_key=key.blob, namespace=SSHSIG_NAMESPACE, hash_name=_HASH, signature=signature)


def _broken(message: str, key: SshPublicKey) -> UndecidedError:
    return UndecidedError(
        f"what the signer gave back is no SSH signature by this key: {message}",
        code="ssh-agent.broken",
        where=key.fingerprint,
        hint="check the agent that SSH_AUTH_SOCK names: ssh-add -l",
    )
