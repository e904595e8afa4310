"""SSH private key files: opened here, or, for a key that lives in hardware, handed to ``ssh-keygen``."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_private_key

from vxsec.errors import ConfigurationError, FormatError, UndecidedError, UsageError
from vxsec.formats.ssh_key import parse_ssh_public_key
from vxsec.formats.sshsig import dearmor_sshsig, ssh_signature_of
from vxsec.host.files import read_if_exists, write_atomic
from vxsec.host.process import run
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.ssh import SSHSIG_NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Callable

    from vxsec.model.ssh import SshPublicKey

__all__ = ["open_private_key", "sign_by_keygen"]

_Private: TypeAlias = EllipticCurvePrivateKey | Ed25519PrivateKey | RSAPrivateKey
_HASHES = {"secp256r1": SHA256(), "secp384r1": SHA384(), "secp521r1": SHA512()}
_ASKING = (
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "XDG_RUNTIME_DIR",
    "SSH_ASKPASS",
    "SSH_ASKPASS_REQUIRE",
    "SSH_SK_PROVIDER",
    "HOME",
)
"""What ssh-keygen needs to ask for a hardware key's PIN, and to find the library that talks to the key."""
_STEPS = {
    "process.missing": (
        "process.missing",
        "install OpenSSH (Debian: openssh-client), or give the key to an agent: ssh-add KEYFILE",
    ),
    "process.timeout": ("ssh-keygen.timeout", "run the same command again and touch the key when it blinks"),
}
_SHOWN = 200


def open_private_key(data: bytes, password: bytes | None, *, key: SshPublicKey, where: str) -> Callable[[bytes], bytes]:
    """Open an OpenSSH private key file; the answer signs bytes, in SSH's wire form.

    Args:
        data: The file's bytes, whose head was read (``vxsec.formats.ssh_private_key``).
        password: None for a file without one.
        key: The public key its head names; what is inside must be that key.
        where: What the file is called in an error.

    Raises:
        ConfigurationError: ``key.wrong-password``, ``key.malformed``, ``key.unsupported``; ``key.needs-agent`` for an
            encrypted file where the distribution ``bcrypt`` is not installed.
    """
    private = _load(data, password, where)
    if not isinstance(private, _Private) or _public(private, where) != key:
        raise ConfigurationError(
            "the private key does not belong to the public key in the same file", code="key.malformed", where=where
        )
    return lambda message: _sign(private, key, message)


def sign_by_keygen(
    path: str, message: bytes, *, environ: Callable[[str], str | None], limits: Limits = DEFAULT_LIMITS
) -> bytes:
    """Let ``ssh-keygen`` sign with the hardware key that the file at ``path`` stands for; the SSHSIG blob.

    Someone touches the key meanwhile. The private key never leaves the device.

    Args:
        path: The private key file, which holds a handle and no secret.
        message: What is signed.
        environ: Looks up the variables with which a PIN is asked for.
        limits: Bounds on time and size.

    Raises:
        UndecidedError: ``process.missing``, ``ssh-keygen.timeout``, ``ssh-keygen.failed``.
    """
    env = {name: value for name in _ASKING if (value := environ(name))}
    with tempfile.TemporaryDirectory(prefix="vxsec-ssh-") as folder:
        copy = f"{folder}/message"
        write_atomic(copy, message, mode=0o600)
        _run_keygen(path, copy, env, limits)
        try:
            return dearmor_sshsig(read_if_exists(f"{copy}.sig", max_bytes=limits.sshsig_bytes) or b"", where=path)
        except (FormatError, UsageError) as error:
            raise _failed(f"ssh-keygen wrote no SSH signature: {error.message}", path) from error


def _load(data: bytes, password: bytes | None, where: str) -> object:
    try:
        return load_ssh_private_key(data, password)
    except UnsupportedAlgorithm as error:
        if password is None:
            raise ConfigurationError("a kind of key that is not known", code="key.unsupported", where=where) from error
        raise ConfigurationError(
            f"this installation cannot open the encrypted file: {error}",
            code="key.needs-agent",
            where=where,
            hint="give the key to an agent (ssh-add FILE) and run the same command again, or install bcrypt beside vxsec",
        ) from error
    except (ValueError, TypeError) as error:
        if password is None:
            raise ConfigurationError("not an OpenSSH private key", code="key.malformed", where=where) from error
        raise ConfigurationError(
            "the password does not open this key",
            code="key.wrong-password",
            where=where,
            hint="give it with --password-file FILE or --password-env NAME",
        ) from error


def _public(private: _Private, where: str) -> SshPublicKey:
    return parse_ssh_public_key(private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH), where=where)


def _sign(private: _Private, key: SshPublicKey, message: bytes) -> bytes:
    if isinstance(private, Ed25519PrivateKey):
        return ssh_signature_of(key.kind, private.sign(message))
    if isinstance(private, EllipticCurvePrivateKey):
        return ssh_signature_of(key.kind, private.sign(message, ECDSA(_HASHES[private.curve.name])))
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

    return ssh_signature_of("rsa-sha2-512", private.sign(message, PKCS1v15(), SHA512()))


def _run_keygen(path: str, file: str, env: dict[str, str], limits: Limits) -> None:
    argv = ["ssh-keygen", "-Y", "sign", "-n", SSHSIG_NAMESPACE, "-f", path, file]
    try:
        done = run(argv, timeout=limits.ssh_touch_seconds, max_bytes=limits.sshsig_bytes, env=env)
    except UndecidedError as error:
        code, hint = _STEPS.get(error.code, (error.code, error.hint))
        raise UndecidedError(error.message, code=code, where=path, hint=hint) from error
    if done.exit_code != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or ["nothing"]
        raise _failed(f"ssh-keygen did not sign and said: {said[0][:_SHOWN]!r}", path)


def _failed(message: str, path: str) -> UndecidedError:
    return UndecidedError(
        message,
        code="ssh-keygen.failed",
        where=path,
        hint="plug the key in and touch it when it blinks; a key with a PIN asks through SSH_ASKPASS or an agent",
    )
