"""Signing with an identity: a key that lives for one command, and a certificate that says whose it is.

``sigstore`` does the talking (OIDC, Fulcio, timestamp authorities, Rekor); it is imported here only, and only when something
is signed. What it made is verified by whoever called, with our own verifier: it logs a timestamp that could not be had and
goes on, and a bundle without a time is worth nothing. It also waits for ever for a service that never answers, and repeats
what a service says: so it works in a thread with a deadline, and what looks like a token is cut out of its errors.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from vxsec.errors import ConfigurationError, FormatError, UsageError
from vxsec.formats.strict_json import dump_json, read_json
from vxsec.host.http import is_loopback
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.verification import Requirements
from vxsec.signing.foreign import run_foreign

if TYPE_CHECKING:
    from collections.abc import Callable

    from sigstore.models import Bundle, ClientTrustConfig
    from sigstore.oidc import IdentityToken
    from sigstore.sign import Signer as SigstoreSigner

__all__ = ["KeylessSigner", "open_keyless"]

_USAGE = "keyless:ambient, keyless:browser, keyless:token:FILE or keyless:env:NAME"
_SHOWN = 300
_SERVICES = ("caUrls", "oidcUrls", "rekorTlogUrls", "tsaUrls")


class KeylessSigner:
    """A :class:`vxsec.signing.signer.BundleSigner` over one identity token.

    The certificate is asked for when the first signature is made, and serves until it expires.

    Args:
        token: The OpenID Connect token; never shown.
        trust_config: Sigstore's client trust config (JSON) of the instance to sign with.
        asked: What the bundle must have beside what every certificate needs.
        limits: Seconds that the instance may take.

    Raises:
        UsageError: ``keyless.token``: not a token for Sigstore, or expired.
        ConfigurationError: ``keyless.trust-config`` or ``keyless.insecure-url``.
        UndecidedError: ``keyless.failed`` or ``keyless.timeout``: the public-good instance could not be reached.
    """

    def __init__(
        self,
        token: str,
        *,
        trust_config: bytes | None,
        asked: Requirements | None = None,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self._asked = asked or Requirements()
        self._seconds = limits.keyless_seconds
        self._config, self._trusted_root = _open_config(trust_config, self._seconds)
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
            UndecidedError: ``keyless.failed``: the instance could not be reached, or refused; ``keyless.timeout``.
        """
        from sigstore.dsse import Statement

        return run_foreign(self._seconds, lambda: _line(self._open().sign_dsse(Statement(payload))))

    def bundle_blob(self, sha256: bytes) -> bytes:
        """Sign the file whose SHA-256 (32 bytes) this is; the bundle as one line, without line end.

        Raises:
            UndecidedError: ``keyless.failed`` or ``keyless.timeout``.
        """
        from sigstore.hashes import Hashed
        from sigstore_models.common.v1 import HashAlgorithm

        hashed = Hashed(digest=sha256, algorithm=HashAlgorithm.SHA2_256)
        return run_foreign(self._seconds, lambda: _line(self._open().sign_artifact(hashed)))

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
    limits: Limits = DEFAULT_LIMITS,
) -> KeylessSigner:
    """Open what follows ``keyless:`` in a signer's URI.

    Args:
        rest: ``ambient`` (what the CI system offers; also where nothing follows), ``browser``, ``token:FILE`` or ``env:NAME``.
        read_file: Reads a file, bounded.
        environ: Looks up one environment variable.
        trust_config: The instance; the public-good one where None.
        asked: As :class:`KeylessSigner` takes it.
        limits: Seconds that the instance, the CI system and a person at a browser may take.

    Raises:
        UsageError: ``signer.unknown``, ``signer.env-missing``, ``keyless.token``, ``keyless.no-identity`` or
            ``keyless.no-browser``.
        ConfigurationError: ``keyless.trust-config`` or ``keyless.insecure-url``.
        UndecidedError: ``keyless.failed`` or ``keyless.timeout``.
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
        token = _ambient(limits)
    elif rest == "browser":
        token = _browser(trust_config, limits)
    else:
        raise UsageError(f"expected {_USAGE}, found keyless:{rest[:_SHOWN]!r}", code="signer.unknown")
    return KeylessSigner(token, trust_config=trust_config, asked=asked, limits=limits)


def _open_config(data: bytes | None, seconds: float) -> tuple[ClientTrustConfig, bytes]:
    """The client's configuration, and the trusted root in it."""
    from sigstore.models import ClientTrustConfig

    if data is None:
        config = run_foreign(seconds, ClientTrustConfig.production)
        used = config._inner.trusted_root  # noqa: SLF001 - there is no public way from a config to its JSON
        return config, used.to_json().encode()
    try:
        document = read_json(data, where="trust config")
        root = document["trustedRoot"].mapping()
        config = ClientTrustConfig.from_json(data.decode("utf-8"))
        urls = [
            service["url"].string()
            for name in _SERVICES
            if (listed := document["signingConfig"].get(name)) is not None
            for service in listed.items()
        ]
    except (FormatError, ValueError) as error:
        raise ConfigurationError(
            f"expected a Sigstore client trust config (clienttrustconfig v0.1): {str(error)[:_SHOWN]}",
            code="keyless.trust-config",
            hint="it holds the instance's trusted root and its signing config, as one JSON document",
        ) from error
    for url in urls:
        _require_secure(url)
    return config, dump_json(root)


def _require_secure(url: str) -> None:
    """The token is sent there: whoever has it can sign as its subject."""
    try:
        parts = urlsplit(url)
        secure = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
    except ValueError:
        secure = False
    if not secure:
        raise ConfigurationError(
            f"expected an https URL, found {url[:_SHOWN]!r}: over plain http anyone on the way can read the identity token",
            code="keyless.insecure-url",
            hint="give every service of the signing config an https URL",
        )


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


def _ambient(limits: Limits) -> str:
    found = run_foreign(limits.keyless_seconds, _detect)
    if not found:
        raise UsageError(
            "no identity found: this is no CI system that offers one",
            code="keyless.no-identity",
            hint="sign with --signer keyless:browser, keyless:token:FILE, or a key: file:KEY",
        )
    return found


def _detect() -> str | None:
    from id import GitHubOidcPermissionCredentialError
    from sigstore.oidc import IdentityError, detect_credential

    try:
        return detect_credential()
    except IdentityError as error:
        if not isinstance(error.__cause__, GitHubOidcPermissionCredentialError):
            raise
        raise UsageError(
            "GitHub Actions offers an identity, and this job may not have it",
            code="keyless.no-identity",
            hint="the job needs permissions: id-token: write (a pull request from a fork has none)",
        ) from error


def _browser(trust_config: bytes | None, limits: Limits) -> str:
    from sigstore.oidc import Issuer

    if not _someone_is_there():
        raise UsageError(
            "there is neither a browser here nor a terminal to show its address in",
            code="keyless.no-browser",
            hint="run it where there is one, or sign with keyless:ambient, keyless:token:FILE or keyless:env:NAME",
        )
    config, _ = _open_config(trust_config, limits.keyless_seconds)
    return run_foreign(
        limits.keyless_browser_seconds,
        lambda: str(Issuer(config.signing_config.get_oidc_url()).identity_token()),
    )


def _someone_is_there() -> bool:
    import webbrowser

    if sys.stdin is not None and sys.stdin.isatty():
        return True
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True


def _line(bundle: Bundle) -> bytes:
    return dump_json(read_json(bundle.to_json().encode(), where="bundle").value)
