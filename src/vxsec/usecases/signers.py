"""The signers that a command was given, and what they make, checked before anything is stored."""

from __future__ import annotations

import os
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from vxsec.errors import UsageError, VerificationError
from vxsec.formats.sigstore_bundle import read_bundle
from vxsec.host.clock import utc_now
from vxsec.host.files import read_bounded
from vxsec.limits import DEFAULT_LIMITS
from vxsec.model.verification import Requirements
from vxsec.signing.signer import BundleSigner, FileSigner, TouchSigner, sign_blob, sign_statement
from vxsec.signing.table import open_signer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from vxsec.host.http import HttpClient
    from vxsec.signing.signer import AnySigner, Signer
    from vxsec.verification.detached import DetachedCheck

    Progress = Callable[[str], None]
    Password = bytes | Callable[[], bytes] | None
    PathLike = str | os.PathLike[str]

__all__ = [
    "AskPassword",
    "blob_checked",
    "file_checked",
    "identity_of",
    "open_signers",
    "refuse_look_alike",
    "sign_checked",
]

_KEYLESS = "keyless"
_LOOK_ALIKES = (
    b"DSSEv1 ",
    b"SSHSIG",
    *(f'{{"_type":"{role}"'.encode() for role in ("root", "timestamp", "snapshot", "targets", "mirrors")),
)


class AskPassword:
    """A password that a person is asked for when it is needed, in contrast to one that was named beforehand."""

    def __init__(self, ask: Callable[[], bytes]) -> None:
        self._ask = ask

    def __call__(self) -> bytes:
        """Ask."""
        return self._ask()


def open_signers(
    uris: Sequence[str],
    *,
    password: Password,
    trust_config: PathLike | None = None,
    timestamp: bool = False,
    log_entry: bool = False,
) -> list[AnySigner]:
    """Open every signer; an encrypted key is unlocked once.

    Args:
        uris: As ``signing.table.open_signer`` takes them.
        password: Of the encrypted key files, or a function that asks for it.
        trust_config: Sigstore's client trust config for ``keyless:`` (the public-good instance where None), and for witnesses.
        timestamp: Every bundle must have a timestamp; keys get it from the instance of ``trust_config``.
        log_entry: Likewise, an entry in a transparency log.

    Raises:
        UsageError: ``sign.no-password`` where an encrypted key is given without one; ``usage.options`` for a ``trust_config``
            that nothing would use; as ``signing.table.open_signer``.
        ConfigurationError: As ``signing.table.open_signer``.
    """
    if trust_config is not None and not (timestamp or log_entry or any(_is_keyless(uri) for uri in uris)):
        raise UsageError(
            "--trust-config names a Sigstore instance, and nothing here would use one",
            code="usage.options",
            hint="add --timestamp or --log-entry, sign with --signer keyless:, or leave --trust-config out",
        )
    known: list[bytes] = [password] if isinstance(password, bytes) else []

    def ask() -> bytes:
        if not known:
            if password is None or isinstance(password, bytes):
                raise UsageError(
                    "the key is encrypted and no password was given",
                    code="sign.no-password",
                    hint="add --password-file FILE or --password-env NAME",
                )
            known.append(password())
        return known[0]

    def stored() -> bytes | None:
        return None if password is None or isinstance(password, AskPassword) else ask()

    def read(path: str) -> bytes:
        return read_bounded(path, max_bytes=DEFAULT_LIMITS.small_file_bytes)

    @cache
    def http() -> HttpClient:
        from vxsec.usecases.connections import open_http

        return open_http()

    config = read(str(trust_config)) if trust_config is not None else None
    return [
        open_signer(
            uri,
            read_file=read,
            environ=os.environ.get,
            password=ask,
            stored_password=stored,
            trust_config=config,
            asked=Requirements(log_entries=int(log_entry), timestamps=int(timestamp)),
            http=http,
        )
        for uri in uris
    ]


def sign_checked(signer: AnySigner, payload: bytes, *, progress: Progress | None = None) -> bytes:
    """Sign a statement; what was made is verified by our own verifier before anybody gets it.

    Args:
        signer: Opened.
        payload: The statement's bytes.
        progress: Told where someone has to do something.

    Raises:
        VerificationError: What was made does not verify: no timestamp where there must be one, say.
        UndecidedError: The instance, or the program that holds the key, did not sign.
    """
    _announce(signer, progress)
    line = sign_statement(signer, payload)
    _check(signer, line, sha256=None)
    return line


def file_checked(signer: FileSigner, data: bytes, *, progress: Progress | None = None) -> bytes:
    """Sign a file for the signer's own tools, checked as in :func:`sign_checked`; armored.

    Raises:
        VerificationError: As :func:`sign_checked`.
        UndecidedError: Likewise.
    """
    _announce(signer, progress)
    armored = signer.sign_file(data)
    with _nothing_stored(signer):
        for check in _detached(signer).values():
            check.verify(_unarmored(signer, armored), data)
    return armored


def blob_checked(signer: AnySigner, sha256: str) -> bytes:
    """Make a bare signature over the file with this SHA-256 (hex), checked as in :func:`sign_checked`.

    Raises:
        UsageError: ``signer.blob-unsupported``.
        VerificationError: As :func:`sign_checked`.
        UndecidedError: Likewise.
    """
    line = sign_blob(signer, sha256=bytes.fromhex(sha256))
    _check(signer, line, sha256=sha256)
    return line


def refuse_look_alike(head: bytes) -> None:
    """A file that begins as what a statement's signature covers is not signed as a file: it would be that statement's signature.

    One key signs files and statements, and a signature says nothing of what was meant; only the first bytes tell them apart
    (DSSE's pre-authentication encoding, SSHSIG's preamble, TUF's canonical metadata).

    Args:
        head: The first bytes of the file.

    Raises:
        UsageError: ``sign.look-alike``.
    """
    if head.startswith(_LOOK_ALIKES):
        raise UsageError(
            "this file is written as what a statement's signature covers: signing it would sign that statement",
            code="sign.look-alike",
            hint="do not sign it for others; a release is signed without --blob, another statement with vxsec attest",
        )


def identity_of(line: bytes) -> tuple[str, str]:
    """Subject and issuer of the certificate in a bundle that was just made.

    Raises:
        FormatError: There is none.
    """
    from vxsec.formats.certificate import read_certificate

    certificate = read_certificate(read_bundle(line, where="bundle").certificates[0], where="certificate")
    return certificate.alternative_names[0].value, certificate.oidc_issuer or ""


def _is_keyless(uri: str) -> bool:
    return uri == _KEYLESS or uri.startswith(f"{_KEYLESS}:")


def _announce(signer: AnySigner, progress: Progress | None) -> None:
    if progress is not None and isinstance(signer, TouchSigner) and signer.needs_touch:
        progress(f"touch your key {signer.hint.removeprefix('ssh:')} to sign")


def _check(signer: AnySigner, line: bytes, *, sha256: str | None) -> None:
    from vxsec.verification.bundle import verify_bundle

    with _nothing_stored(signer):
        bundle = read_bundle(line, where="bundle")
        if not isinstance(signer, BundleSigner):
            detached = _detached(signer)
            verify_bundle(bundle, keys=() if detached else (signer.spki,), detached=detached, sha256=sha256)
            return
        from vxsec.formats.trusted_root import read_trusted_root

        asked = signer.asked
        roots = read_trusted_root(signer.trusted_root, where="trusted root")
        if signer.spki is None:
            # At least what the root lists; a certificate's own is never given up for what was asked for.
            asked = Requirements(log_entries=asked.log_entries or None, timestamps=asked.timestamps, scts=None)
        keys = () if signer.spki is None else (signer.spki,)
        verify_bundle(bundle, keys=keys, roots=roots, requirements=asked, sha256=sha256, now=utc_now())


@contextmanager
def _nothing_stored(signer: AnySigner) -> Iterator[None]:
    by = "the Sigstore instance" if isinstance(signer, BundleSigner) else f"the key {signer.hint}"
    try:
        yield
    except VerificationError as error:
        raise VerificationError(
            f"what {by} made does not verify, so nothing was stored: {error.message}",
            code=error.code,
            hint="try again; where it keeps happening, compare the instance's trusted root and signing config"
            if isinstance(signer, BundleSigner)
            else error.hint,
        ) from error


def _detached(signer: Signer) -> dict[bytes, DetachedCheck]:
    """How signatures of a key that gpg or SSH holds are checked; empty for others."""
    if not isinstance(signer, FileSigner):
        return {}
    from vxsec.signing.gpg import GpgSigner
    from vxsec.signing.ssh import SshSigner
    from vxsec.verification.detached import openpgp_check, ssh_check

    if isinstance(signer, SshSigner):
        return {signer.spki: ssh_check(signer.key)}
    if isinstance(signer, GpgSigner):
        from vxsec.usecases.openpgp import openpgp_port

        fingerprint = signer.hint.removeprefix("openpgp:")
        now = utc_now()
        return {signer.spki: openpgp_check(fingerprint, signer.certificate, openpgp=openpgp_port(), now=now)}
    raise TypeError(f"a signer of a kind that cannot be checked: {type(signer).__name__}")


def _unarmored(signer: FileSigner, armored: bytes) -> bytes:
    if signer.suffix == ".asc":
        from vxsec.formats.openpgp_armor import SIGNATURE, read_armor

        return read_armor(armored, kind=SIGNATURE, where="gpg")
    from vxsec.formats.sshsig import dearmor_sshsig

    return dearmor_sshsig(armored, where="ssh")
