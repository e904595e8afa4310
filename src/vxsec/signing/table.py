"""Signers by URI scheme: a literal table, so that no other installed package can add one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from vxsec.errors import ConfigurationError, FormatError, UsageError
from vxsec.model.verification import Requirements
from vxsec.signing.inputs import SignerInputs
from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable

    from vxsec.host.http import HttpClient
    from vxsec.signing.signer import AnySigner, DigestSigner

__all__ = ["SIGNERS", "SignerKind", "open_signer"]

_SCHEME = re.compile(r"([a-z][a-z0-9+-]*):(.*)\Z", re.DOTALL)
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_PLANNED = ("pkcs11", "awskms", "gcpkms", "azurekms", "hashivault")
_SHOWN = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerKind:
    """One scheme: how it is written, and how what follows the colon is opened."""

    scheme: str
    usage: str
    open: Callable[[str, SignerInputs], AnySigner]
    bare: bool = False
    """Whether nothing need follow the colon."""


def open_signer(
    uri: str,
    *,
    read_file: Callable[[str], bytes],
    environ: Callable[[str], str | None],
    password: Callable[[], bytes],
    stored_password: Callable[[], bytes | None] = lambda: None,
    trust_config: bytes | None = None,
    asked: Requirements | None = None,
    http: Callable[[], HttpClient] | None = None,
) -> AnySigner:
    """Open the signer that ``uri`` names; its key is unlocked here, once, and never again while it is used.

    Args:
        uri: ``file:PATH`` (a bare path means the same), ``env:NAME``, ``gpg:FINGERPRINT``, ``ssh:KEYFILE``, ``ssh:agent`` or
            ``keyless:…``.
        read_file: Reads a file, bounded; raises ``UsageError`` where it cannot.
        environ: Looks up one environment variable.
        password: Called at most once, and only for an encrypted key.
        stored_password: The password where asking is another program's business (gpg's agent), else None.
        trust_config: The Sigstore instance for ``keyless:`` (the public-good one where None), and for what is asked for.
        asked: Timestamps and log entries to get for each signature; keys need ``trust_config`` and ``http`` for them.
        http: Speaks to that instance.

    Raises:
        UsageError: ``signer.unknown``, ``signer.not-supported``, ``signer.env-missing``, ``witness.no-instance``,
            ``witness.signer`` or ``witness.key``.
        ConfigurationError: ``key.malformed``, ``key.wrong-password``, ``key.unsupported``, ``witness.no-service`` or a
            ``trust-config.*`` code.
    """
    inputs = SignerInputs(
        read_file=read_file,
        environ=environ,
        password=password,
        stored_password=stored_password,
        trust_config=trust_config,
        asked=asked or Requirements(),
        http=http,
    )
    match = _SCHEME.match(uri)
    scheme, rest = (match[1], match[2]) if match else ("file", uri)
    kind = next((kind for kind in SIGNERS if kind.scheme == scheme), None)
    if kind is None:
        raise _unknown(scheme)
    if not rest and not kind.bare:
        raise UsageError(f"expected {kind.usage}, found {uri[:_SHOWN]!r}", code="signer.unknown")
    return kind.open(rest, inputs)


def _open_file(path: str, inputs: SignerInputs) -> AnySigner:
    return _open_key(inputs.read_file(path), path, inputs)


def _open_env(name: str, inputs: SignerInputs) -> AnySigner:
    name = name.removeprefix("//")  # cosign writes env://NAME
    value = inputs.environ(name) if _ENV_NAME.match(name) else None
    if not value:
        raise UsageError(
            f"expected a private key in the environment variable {name[:_SHOWN]!r}, found none",
            code="signer.env-missing",
        )
    return _open_key(value.encode("utf-8", "surrogateescape"), f"env:{name}", inputs)


def _open_key(data: bytes, where: str, inputs: SignerInputs) -> AnySigner:
    from vxsec.formats.cosign_key import decrypt_key, is_encrypted
    from vxsec.signing.key import KeySigner

    password = inputs.password() if is_encrypted(data, where=where) else b""
    key = KeySigner(decrypt_key(data, password, where=where), where=where)
    return key if inputs.asked == Requirements() else _witnessed(key, inputs)


def _witnessed(key: DigestSigner, inputs: SignerInputs) -> AnySigner:
    if inputs.trust_config is None or inputs.http is None:
        raise UsageError(
            "timestamps and log entries come from a Sigstore instance, and none was given",
            code="witness.no-instance",
            hint="name it with --trust-config FILE",
        )
    from vxsec.formats.signing_config import read_client_trust_config
    from vxsec.formats.trusted_root import read_trusted_root
    from vxsec.host.clock import utc_now
    from vxsec.signing.witness import WitnessedSigner

    try:
        config = read_client_trust_config(inputs.trust_config, where="trust config")
        read_trusted_root(
            config.trusted_root, where="trust config"
        )  # what is made must verify under it: before signing
    except FormatError as error:
        raise ConfigurationError(error.message, code=error.code, where=error.where, hint=error.hint) from error
    return WitnessedSigner(
        key,
        config=config,
        timestamp=bool(inputs.asked.timestamps),
        log_entry=bool(inputs.asked.log_entries),
        http=inputs.http(),
        now=utc_now(),
    )


def _require_unwitnessed(inputs: SignerInputs, kind: str) -> None:
    if inputs.asked != Requirements():
        raise UsageError(
            f"an {kind} signature has no place for timestamps and log entries that other tools would read",
            code="witness.signer",
            hint="leave out --timestamp and --log-entry, or sign with file:KEY or keyless:",
        )


def _open_gpg(fingerprint: str, inputs: SignerInputs) -> AnySigner:
    from vxsec.signing.gpg import GpgSigner

    _require_unwitnessed(inputs, "OpenPGP")
    password = inputs.stored_password()
    return GpgSigner(fingerprint, passphrase=None if password is None else password.decode("utf-8", "surrogateescape"))


def _open_ssh(rest: str, inputs: SignerInputs) -> AnySigner:
    from vxsec.signing.ssh import open_ssh

    _require_unwitnessed(inputs, "SSH")
    return open_ssh(rest, inputs)


def _open_keyless(rest: str, inputs: SignerInputs) -> AnySigner:
    from vxsec.signing.keyless import open_keyless

    return open_keyless(
        rest,
        read_file=inputs.read_file,
        environ=inputs.environ,
        trust_config=inputs.trust_config,
        asked=inputs.asked,
    )


def _unknown(scheme: str) -> UsageError:
    known = ", ".join(kind.usage for kind in SIGNERS)
    if scheme in _PLANNED:
        return UsageError(
            f"signers of kind {scheme}: are not supported by this version",
            code="signer.not-supported",
            hint=f"use {known}",
        )
    return UsageError(
        f"expected {known}, found a signer of kind {scheme[:_SHOWN]!r}",
        code="signer.unknown",
        hint="write a path with a colon in it as file:PATH",
    )


SIGNERS: tuple[SignerKind, ...] = (
    SignerKind(scheme="file", usage="file:PATH", open=_open_file),
    SignerKind(scheme="env", usage="env:NAME", open=_open_env),
    SignerKind(scheme="gpg", usage="gpg:FINGERPRINT", open=_open_gpg),
    SignerKind(scheme="ssh", usage="ssh:KEYFILE or ssh:agent", open=_open_ssh),
    SignerKind(scheme="keyless", usage="keyless:ambient", open=_open_keyless, bare=True),
)
"""Every kind of signer this version has."""
