"""Whoever a caller names as the signer, without a trust document: keys, an identity, OpenPGP fingerprints."""

from __future__ import annotations

import re
from dataclasses import field
from typing import TYPE_CHECKING

from vxsec.errors import ConfigurationError, FormatError, UsageError
from vxsec.host.files import read_bounded
from vxsec.limits import DEFAULT_LIMITS
from vxsec.usecases.inputs import load_public_key
from vxsec.values import dataclass

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from vxsec.model.ssh import SshPublicKey
    from vxsec.model.trusted_root import TrustedRoot
    from vxsec.model.verification import Requirements
    from vxsec.verification.detached import DetachedCheck

    PathLike = str | os.PathLike[str]

__all__ = ["GivenSigners", "load_signers", "load_trusted_roots"]

_SSH = re.compile(rb"\s*(?:ssh-|ecdsa-sha2-|sk-)")
_FINGERPRINT = re.compile(r"(?:[0-9A-F]{40}|[0-9A-F]{64})\Z")
_PUBLIC_GOOD = "public-good"
_SHOWN = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenSigners:
    """What may have signed.

    ``names`` gives each key's name in the report, by what the key is counted by; ``detached`` checks those that are no plain
    keys. ``identity`` is subject and issuer, judged under ``roots``.
    """

    names: Mapping[bytes, str]
    detached: Mapping[bytes, DetachedCheck] = field(default_factory=dict)
    ssh: tuple[SshPublicKey, ...] = ()
    fingerprints: tuple[str, ...] = ()
    keyring: bytes = b""
    identity: tuple[str, str] | None = None
    roots: tuple[TrustedRoot, ...] = ()
    requirements: Requirements | None = None


def load_signers(
    keys: Sequence[PathLike],
    *,
    identity: str | None,
    issuer: str | None,
    trusted_roots: Sequence[PathLike],
    gpg_keyring: PathLike | None,
    gpg_fingerprints: Sequence[str],
    requirements: Requirements | None,
    now: datetime,
    unsafe_rehearsal: bool = False,
) -> GivenSigners:
    """Load what was given.

    Args:
        keys: Public key files: PEM, DER, or a line of ``ssh-keygen``.
        identity: A certificate's subject, exact; with ``issuer``.
        issuer: Who vouches for it, exact.
        trusted_roots: Sigstore trusted roots (JSON, or JSON Lines of several), or ``public-good``, which is also what an
            identity is judged by where none is given: the copy inside the ``sigstore`` distribution.
        gpg_keyring: Exported OpenPGP keys.
        gpg_fingerprints: The primary keys of it that may have signed, in full.
        requirements: Evidence asked for beside a signature; what the trusted root offers where None.
        now: The time of judgement.
        unsafe_rehearsal: Accept a rehearsal root.

    Raises:
        UsageError: Half of an identity (``verify.identity``), half of OpenPGP's (``verify.gpg``), unreadable files.
        ConfigurationError: A file that is not what it is given as.
    """
    if (identity is None) != (issuer is None):
        raise UsageError(
            "an identity is a subject and the issuer that vouches for it, found one of the two",
            code="verify.identity",
            hint="give both --identity SUBJECT and --issuer URL",
        )
    if bool(gpg_fingerprints) != (gpg_keyring is not None):
        raise UsageError(
            "an OpenPGP signer is a keyring and the fingerprint in it, found one of the two",
            code="verify.gpg",
            hint="give both --gpg-keyring FILE (gpg --export KEY > FILE) and --gpg-fingerprint FINGERPRINT",
        )
    names: dict[bytes, str] = {}
    ssh: list[SshPublicKey] = []
    for path in reversed(keys):
        data = read_bounded(path, max_bytes=DEFAULT_LIMITS.small_file_bytes)
        if _SSH.match(data):
            ssh.append(_load_ssh(data, path))
            names[ssh[-1].identity] = str(path)
        else:
            names[load_public_key(path)] = str(path)
    fingerprints = tuple(_fingerprint(text) for text in gpg_fingerprints)
    keyring = read_bounded(gpg_keyring, max_bytes=DEFAULT_LIMITS.json_bytes) if gpg_keyring is not None else b""
    names |= {f"openpgp:{one}".encode(): one for one in fingerprints}
    wanted = trusted_roots or ((_PUBLIC_GOOD,) if identity is not None else ())
    return GivenSigners(
        names=names,
        detached=_detached(ssh, fingerprints, keyring, now),
        ssh=tuple(ssh),
        fingerprints=fingerprints,
        keyring=keyring,
        identity=(identity, issuer) if identity is not None and issuer is not None else None,
        roots=load_trusted_roots(wanted, unsafe_rehearsal=unsafe_rehearsal),
        requirements=requirements,
    )


def load_trusted_roots(sources: Sequence[PathLike], *, unsafe_rehearsal: bool = False) -> tuple[TrustedRoot, ...]:
    """Sigstore trusted roots from files, or ``public-good``.

    Raises:
        UsageError: Missing or unreadable.
        ConfigurationError: ``trusted-root.*``, or ``trust.rehearsal`` where one was made for a rehearsal.
    """
    if not sources:
        return ()
    from vxsec.formats.trusted_root import read_trusted_root

    found: list[TrustedRoot] = []
    for source in sources:
        data = _public_good() if source == _PUBLIC_GOOD else read_bounded(source, max_bytes=DEFAULT_LIMITS.json_bytes)
        try:
            found += read_trusted_root(data, where=str(source))
        except FormatError as error:
            raise ConfigurationError(error.message, code=error.code, where=error.where, hint=error.hint) from error
    for root in found:
        if root.rehearsal and not unsafe_rehearsal:
            raise ConfigurationError(
                "this trusted root was made for a rehearsal: anyone can sign under it",
                code="trust.rehearsal",
                where=root.source,
                hint="give the real one with --trusted-root FILE",
            )
    return tuple(found)


def _public_good() -> bytes:
    """The copy that the ``sigstore`` distribution carries; found without importing the library."""
    from importlib.util import find_spec

    spec = find_spec("sigstore")
    folders = spec.submodule_search_locations if spec is not None else None
    if not folders:
        raise UsageError(
            "the public-good trusted root is in the distribution sigstore, which is not installed",
            code="trusted-root.missing",
            hint="install it again: pip install vxsec",
        )
    folder = f"{folders[0]}/_store/https%3A%2F%2Ftuf-repo-cdn.sigstore.dev"
    return read_bounded(f"{folder}/trusted_root.json", max_bytes=DEFAULT_LIMITS.json_bytes)


def _load_ssh(data: bytes, path: PathLike) -> SshPublicKey:
    from vxsec.formats.ssh_key import parse_ssh_public_key

    try:
        return parse_ssh_public_key(data, where=str(path))
    except FormatError as error:
        raise ConfigurationError(error.message, code=error.code, where=error.where, hint=error.hint) from error


def _fingerprint(text: str) -> str:
    fingerprint = text.replace(" ", "").upper()
    if not _FINGERPRINT.match(fingerprint):
        raise UsageError(
            f"expected a whole fingerprint (40 or 64 hex digits), found {text[:_SHOWN]!r}",
            code="verify.gpg",
            hint="gpg --list-keys --with-colons prints it in the line fpr",
        )
    return fingerprint


def _detached(
    ssh: Sequence[SshPublicKey], fingerprints: Sequence[str], keyring: bytes, now: datetime
) -> dict[bytes, DetachedCheck]:
    if not ssh and not fingerprints:
        return {}
    from vxsec.usecases.openpgp import openpgp_port
    from vxsec.verification.detached import openpgp_check, ssh_check

    checks = {key.identity: ssh_check(key) for key in ssh}
    for one in fingerprints:
        checks[f"openpgp:{one}".encode()] = openpgp_check(one, keyring, openpgp=openpgp_port(), now=now)
    return checks
