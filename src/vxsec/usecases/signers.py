"""The signers that a command was given, and what they make, checked before anything is stored."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from vxsec.errors import UsageError, VerificationError
from vxsec.formats.sigstore_bundle import read_bundle
from vxsec.host.clock import utc_now
from vxsec.host.files import read_bounded
from vxsec.limits import DEFAULT_LIMITS
from vxsec.signing.signer import BundleSigner, sign_blob, sign_statement
from vxsec.signing.table import open_signer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vxsec.signing.signer import AnySigner

    Password = bytes | Callable[[], bytes] | None
    PathLike = str | os.PathLike[str]

__all__ = ["AskPassword", "blob_checked", "identity_of", "open_signers", "sign_checked"]


class AskPassword:
    """A password that a person is asked for when it is needed, in contrast to one that was named beforehand."""

    def __init__(self, ask: Callable[[], bytes]) -> None:
        self._ask = ask

    def __call__(self) -> bytes:
        """Ask."""
        return self._ask()


def open_signers(uris: Sequence[str], *, password: Password, trust_config: PathLike | None = None) -> list[AnySigner]:
    """Open every signer; an encrypted key is unlocked once.

    Args:
        uris: As ``signing.table.open_signer`` takes them.
        password: Of the encrypted key files, or a function that asks for it.
        trust_config: Sigstore's client trust config for ``keyless:``; the public-good instance where None.

    Raises:
        UsageError: ``sign.no-password`` where an encrypted key is given without one; as ``signing.table.open_signer``.
        ConfigurationError: ``key.wrong-password``, ``key.malformed``.
    """
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

    config = read(str(trust_config)) if trust_config is not None else None
    return [
        open_signer(
            uri,
            read_file=read,
            environ=os.environ.get,
            password=ask,
            stored_password=stored,
            trust_config=config,
        )
        for uri in uris
    ]


def sign_checked(signer: AnySigner, payload: bytes) -> bytes:
    """Sign a statement; what a Sigstore instance had a part in is verified by our own verifier first.

    Raises:
        VerificationError: What was made does not verify: no timestamp where there must be one, say.
        UndecidedError: The instance did not sign.
    """
    line = sign_statement(signer, payload)
    _check(signer, line, sha256=None)
    return line


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


def identity_of(line: bytes) -> tuple[str, str]:
    """Subject and issuer of the certificate in a bundle that was just made.

    Raises:
        FormatError: There is none.
    """
    from vxsec.formats.certificate import read_certificate

    certificate = read_certificate(read_bundle(line, where="bundle").certificates[0], where="certificate")
    return certificate.alternative_names[0].value, certificate.oidc_issuer or ""


def _check(signer: AnySigner, line: bytes, *, sha256: str | None) -> None:
    if not isinstance(signer, BundleSigner):
        return
    from vxsec.formats.trusted_root import read_trusted_root
    from vxsec.verification.bundle import verify_bundle

    roots = read_trusted_root(signer.trusted_root, where="trusted root")
    try:
        verify_bundle(read_bundle(line, where="bundle"), roots=roots, sha256=sha256, now=utc_now())
    except VerificationError as error:
        raise VerificationError(
            f"what the Sigstore instance made does not verify, so nothing was stored: {error.message}",
            code=error.code,
            hint="try again; where it keeps happening, compare the instance's trusted root and signing config",
        ) from error
