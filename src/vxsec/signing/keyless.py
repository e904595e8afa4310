"""Signing with an identity: a key that lives for one command, and a certificate that says whose it is.

``sigstore`` does the talking (OIDC, Fulcio, timestamp authorities, Rekor); it is imported here only, and only when something
is signed. What it made is verified by whoever called, with our own verifier: it logs a timestamp that could not be had and
goes on, and a bundle without a time is worth nothing.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from vxsec.errors import ConfigurationError, FormatError, UndecidedError, UsageError
from vxsec.formats.strict_json import dump_json, read_json
from vxsec.model.verification import Requirements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sigstore.models import Bundle, ClientTrustConfig
    from sigstore.oidc import IdentityToken
    from sigstore.sign import Signer as SigstoreSigner

__all__ = ["KeylessSigner", "open_keyless"]

_USAGE = "keyless:ambient, keyless:browser, keyless:token:FILE or keyless:env:NAME"
_NETWORK_HINT = "check the connection to the Sigstore instance, or name another one with --trust-config FILE"
_SHOWN = 300


class KeylessSigner:
    """A :class:`vxsec.signing.signer.BundleSigner` over one identity token.

    The certificate is asked for when the first signature is made, and serves until it expires.

    Args:
        token: The OpenID Connect token; never shown.
        trust_config: Sigstore's client trust config (JSON) of the instance to sign with.
        asked: What the bundle must have beside what every certificate needs.

    Raises:
        UsageError: ``keyless.token``: not a token for Sigstore, or expired.
        ConfigurationError: ``keyless.trust-config``.
    """

    def __init__(self, token: str, *, trust_config: bytes | None, asked: Requirements | None = None) -> None:
        self._asked = asked or Requirements()
        self._config, self._trusted_root = _open_config(trust_config)
        self._token = _open_token(token)
        self._signer: SigstoreSigner | None = None

    def __repr__(self) -> str:
        return f"KeylessSigner({self.hint})"

    @property
    def spki(self) -> None:
        """None: the key is of no interest, the certificate says who signed."""
        return

    @property
    def asked(self) -> Requirements:
        """What was asked for beside what every certificate needs."""
        return self._asked

    @property
    def hint(self) -> str:
        """The token's subject; what counts is what the certificate says."""
        return self._token.identity

    @property
    def trusted_root(self) -> bytes:
        """The instance's trusted root (JSON), which what was signed must verify under."""
        return self._trusted_root

    def bundle_statement(self, payload: bytes) -> bytes:
        """Sign an in-toto statement's bytes; the bundle as one line, without line end.

        Raises:
            UndecidedError: ``keyless.failed``: the instance could not be reached, or refused.
        """
        from sigstore.dsse import Statement

        with _foreign_errors():
            return _line(self._open().sign_dsse(Statement(payload)))

    def bundle_blob(self, sha256: bytes) -> bytes:
        """Sign the file whose SHA-256 (32 bytes) this is; the bundle as one line, without line end.

        Raises:
            UndecidedError: ``keyless.failed``.
        """
        from sigstore.hashes import Hashed
        from sigstore_models.common.v1 import HashAlgorithm

        with _foreign_errors():
            return _line(self._open().sign_artifact(Hashed(digest=sha256, algorithm=HashAlgorithm.SHA2_256)))

    def _open(self) -> SigstoreSigner:
        if self._signer is None:
            from sigstore.sign import Signer, SigningContext

            self._signer = Signer(self._token, SigningContext.from_trust_config(self._config))
        return self._signer


def open_keyless(
    rest: str,
    *,
    read_file: Callable[[str], bytes],
    environ: Callable[[str], str | None],
    trust_config: bytes | None,
    asked: Requirements | None = None,
) -> KeylessSigner:
    """Open what follows ``keyless:`` in a signer's URI.

    Args:
        rest: ``ambient`` (what the CI system offers; also where nothing follows), ``browser``, ``token:FILE`` or ``env:NAME``.
        read_file: Reads a file, bounded.
        environ: Looks up one environment variable.
        trust_config: The instance; the public-good one where None.
        asked: As :class:`KeylessSigner` takes it.

    Raises:
        UsageError: ``signer.unknown``, ``signer.env-missing``, ``keyless.token`` or ``keyless.no-identity``.
        ConfigurationError: ``keyless.trust-config``.
        UndecidedError: ``keyless.failed``.
    """
    how, _, name = rest.partition(":")
    if how == "token" and name:
        token = read_file(name).decode("ascii", "replace").strip()
    elif how == "env" and name:
        found = environ(name)
        if not found:
            raise UsageError(
                f"expected an identity token in the environment variable {name[:_SHOWN]!r}, found none",
                code="signer.env-missing",
            )
        token = found.strip()
    elif rest in {"", "ambient"}:
        token = _ambient()
    elif rest == "browser":
        token = _browser(trust_config)
    else:
        raise UsageError(f"expected {_USAGE}, found keyless:{rest[:_SHOWN]!r}", code="signer.unknown")
    return KeylessSigner(token, trust_config=trust_config, asked=asked)


def _open_config(data: bytes | None) -> tuple[ClientTrustConfig, bytes]:
    """The client's configuration, and the trusted root in it."""
    from sigstore.models import ClientTrustConfig

    if data is None:
        with _foreign_errors():
            config = ClientTrustConfig.production()
            used = config._inner.trusted_root  # noqa: SLF001 - there is no public way from a config to its JSON
            return config, used.to_json().encode()
    try:
        root = read_json(data, where="trust config")["trustedRoot"].mapping()
        return ClientTrustConfig.from_json(data.decode("utf-8")), dump_json(root)
    except (FormatError, ValueError) as error:
        raise ConfigurationError(
            f"expected a Sigstore client trust config (clienttrustconfig v0.1): {str(error)[:_SHOWN]}",
            code="keyless.trust-config",
            hint="it holds the instance's trusted root and its signing config, as one JSON document",
        ) from error


def _open_token(raw: str) -> IdentityToken:
    from sigstore.oidc import IdentityError, IdentityToken

    try:
        return IdentityToken(raw)
    except IdentityError as error:
        raise UsageError(
            "this is not an identity token for Sigstore, or it has expired",
            code="keyless.token",
            hint="ask for a new one with the audience sigstore; it lives for minutes only",
        ) from error


def _ambient() -> str:
    from sigstore.oidc import IdentityError, detect_credential

    try:
        found = detect_credential()
    except IdentityError as error:
        raise UsageError(
            "the CI system offers an identity but did not give it",
            code="keyless.no-identity",
            hint="in GitHub Actions the job needs permissions: id-token: write (a pull request from a fork has none)",
        ) from error
    if not found:
        raise UsageError(
            "no identity found: this is no CI system that offers one",
            code="keyless.no-identity",
            hint="sign with --signer keyless:browser, keyless:token:FILE, or a key: file:KEY",
        )
    return found


def _browser(trust_config: bytes | None) -> str:
    from sigstore.oidc import Issuer

    config, _ = _open_config(trust_config)
    with _foreign_errors():
        return str(Issuer(config.signing_config.get_oidc_url()).identity_token())


def _line(bundle: Bundle) -> bytes:
    return dump_json(read_json(bundle.to_json().encode(), where="bundle").value)


@contextmanager
def _foreign_errors() -> Iterator[None]:
    """Whatever ``sigstore`` raises, as an answer that could not be had.

    Its errors are of no one family (its own, requests', pydantic's, tuf's), so everything is taken for one.
    """
    try:
        yield
    except Exception as error:
        told = " ".join(f"{error} {error.__cause__ or ''}".split())[:_SHOWN]
        raise UndecidedError(
            f"the Sigstore instance did not sign: {type(error).__name__}: {told}",
            code="keyless.failed",
            hint=_NETWORK_HINT,
        ) from error
