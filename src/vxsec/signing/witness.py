"""Witnesses of a key's signature: timestamps (RFC 3161) and entries in transparency logs (Rekor 1 and 2).

A key's signature is good without them; with them it has a time that the signer could not choose, or cannot be kept secret.
Where they are asked for they are there, or nothing is signed. Whoever calls verifies what came back: here it is only read.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from vxsec.errors import ConfigurationError, FormatError, UndecidedError, UsageError
from vxsec.formats import rekor_v1, rekor_v2
from vxsec.formats.sigstore_bundle import render_dsse_bundle, render_message_bundle
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.attestation import INTOTO_PAYLOAD_TYPE, pae
from vxsec.model.signing_config import ServiceSelector
from vxsec.model.verification import Requirements

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from typing import TypeVar

    from vxsec.host.http import HttpClient
    from vxsec.host.http_message import HttpResponse
    from vxsec.model.signing_config import ClientTrustConfig, Services, SigningService
    from vxsec.model.transparency import LogEntry
    from vxsec.signing.signer import DigestSigner

    T = TypeVar("T")

__all__ = ["WitnessedSigner"]

_TIMESTAMP_VERSIONS = (1,)
_TAKEN = frozenset({200, 201})
_CONFLICT = 409
_JSON = {"content-type": "application/json", "accept": "application/json"}
_QUERY = {"content-type": "application/timestamp-query", "accept": "application/timestamp-reply"}
_SHOWN = 200
_TRY_AGAIN = "try again; if it stays, ask whoever runs that Sigstore instance"


class _Signed(NamedTuple):
    """A signature, and what it is about: ``digest`` is the SHA-256 of the bytes that were signed."""

    signature: bytes
    digest: bytes
    payload: bytes | None


class WitnessedSigner:
    """A :class:`vxsec.signing.signer.BundleSigner` over one plain key, with witnesses of every signature it makes.

    The services are those of the signing config that are to be used now: as many as its selectors say. Their URLs are taken
    from there and nowhere else, and no redirect of what is sent is followed.

    Args:
        signer: The key.
        config: The instance.
        timestamp: Ask for timestamps.
        log_entry: Have the signature logged.
        http: Speaks to the instance.
        now: The current time, aware.
        limits: Bounds on answers.

    Raises:
        ConfigurationError: ``witness.no-service``: the signing config has none, or too few, to be used now.
        UsageError: ``witness.key``: no log of the instance takes signatures by such a key.
    """

    def __init__(
        self,
        signer: DigestSigner,
        *,
        config: ClientTrustConfig,
        timestamp: bool,
        log_entry: bool,
        http: HttpClient,
        now: datetime,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self._signer = signer
        self._config = config
        self._http = http
        self._limits = limits
        signing = config.signing
        self._authorities = _Choice.of(
            "timestamp authority", signing.timestamp_authorities, asked=timestamp, versions=_TIMESTAMP_VERSIONS, now=now
        )
        versions = (1, 2) if rekor_v2.is_loggable(signer.spki) else (1,)
        if log_entry and not signing.logs.usable(versions=versions, now=now):
            _require_takes_key(signer, signing.logs, now)
        self._logs = _Choice.of("transparency log", signing.logs, asked=log_entry, versions=versions, now=now)

    def __repr__(self) -> str:
        return f"WitnessedSigner({self._signer!r})"

    @property
    def spki(self) -> bytes:
        """The public key, canonical DER."""
        return self._signer.spki

    @property
    def hint(self) -> str:
        """What names the key in a bundle."""
        return self._signer.hint

    @property
    def algorithm(self) -> str:
        """The key's algorithm."""
        return self._signer.algorithm

    @property
    def trusted_root(self) -> bytes:
        """The instance's trusted root (JSON), which what was signed must verify under."""
        return self._config.trusted_root

    @property
    def asked(self) -> Requirements:
        """How many logs and timestamp authorities must be in the bundle."""
        return Requirements(log_entries=self._logs.wanted, timestamps=self._authorities.wanted)

    def bundle_statement(self, payload: bytes) -> bytes:
        """Sign an in-toto statement's bytes; the bundle as one line, without line end.

        Raises:
            UndecidedError: ``witness.refused``, ``witness.answer``, or a ``network.*`` code.
            ConfigurationError: ``network.url`` or ``network.insecure-url``: a URL of the signing config that is not used.
        """
        encoded = pae(INTOTO_PAYLOAD_TYPE, payload)
        signed = _Signed(self._signer.sign(encoded), hashlib.sha256(encoded).digest(), payload)
        entries, timestamps = self._witness(signed)
        return render_dsse_bundle(
            INTOTO_PAYLOAD_TYPE, payload, signed.signature, self.hint, log_entries=entries, timestamps=timestamps
        )

    def bundle_blob(self, sha256: bytes) -> bytes:
        """Sign the file whose SHA-256 (32 bytes) this is; the bundle as one line, without line end.

        Raises:
            UsageError: ``signer.blob-unsupported``.
            UndecidedError: As :meth:`bundle_statement`.
            ConfigurationError: Likewise.
        """
        signed = _Signed(self._signer.sign_digest(sha256), sha256, None)
        entries, timestamps = self._witness(signed)
        return render_message_bundle(sha256, signed.signature, self.hint, log_entries=entries, timestamps=timestamps)

    def _witness(self, signed: _Signed) -> tuple[list[LogEntry], list[bytes]]:
        """Timestamps first: an entry in a public log is for ever, and is not made for a signature that is thrown away."""
        timestamps = self._authorities.ask(lambda service: self._timestamp(service, signed.signature))
        entries = self._logs.ask(lambda service: self._log(service, signed))
        return entries, timestamps

    # -- timestamps -----------------------------------------------------------------------------------------------------

    def _timestamp(self, service: SigningService, signature: bytes) -> bytes:
        from rfc3161_client import TimestampRequestBuilder
        from rfc3161_client.base import HashAlgorithm

        builder = TimestampRequestBuilder().data(signature).hash_algorithm(HashAlgorithm.SHA256)
        query = builder.nonce(nonce=True).cert_request(cert_request=True).build()
        response = self._send("POST", service.url, _QUERY, query.as_bytes())
        if response.status not in _TAKEN:
            raise _refused(response)
        _require_answers(response, query.nonce)
        return response.body

    # -- log entries ----------------------------------------------------------------------------------------------------

    def _log(self, service: SigningService, signed: _Signed) -> LogEntry:
        base = service.url.rstrip("/")
        try:
            return (self._log_v1 if service.version == 1 else self._log_v2)(base, signed)
        except FormatError as error:
            raise _not_an_answer(base, error.message) from error

    def _log_v1(self, base: str, signed: _Signed) -> LogEntry:
        url, spki = f"{base}/api/v1/log/entries", self.spki
        if signed.payload is None:
            kind, body = (
                "hashedrekord",
                rekor_v1.render_hashedrekord(sha256=signed.digest, signature=signed.signature, spki=spki),
            )
        else:
            kind, body = (
                "dsse",
                rekor_v1.render_dsse(
                    payload_type=INTOTO_PAYLOAD_TYPE, payload=signed.payload, signature=signed.signature, spki=spki
                ),
            )
        response = self._send("POST", url, _JSON, body)
        if response.status == _CONFLICT:  # some keys sign the same bytes the same way, and the log has that already
            identifier = rekor_v1.entry_identifier(response.headers.get("location", ""))
            if identifier is None:
                raise _not_an_answer(url, "it has the entry already and does not say which it is")
            response = self._send("GET", f"{url}/{identifier}", _JSON, None)
        if response.status not in _TAKEN:
            raise _refused(response)
        return rekor_v1.read_created_entry(response.body, kind=kind, where=base, limits=self._limits)

    def _log_v2(self, base: str, signed: _Signed) -> LogEntry:
        body = rekor_v2.render_request(sha256=signed.digest, signature=signed.signature, spki=self.spki)
        response = self._send("POST", f"{base}/api/v2/log/entries", _JSON, body)
        if response.status not in _TAKEN:
            raise _refused(response)
        return rekor_v2.read_answer(response.body, where=base, limits=self._limits)

    def _send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> HttpResponse:
        try:
            return self._http.request(
                method, url, headers=headers, body=body, max_bytes=self._limits.witness_answer_bytes
            )
        except UsageError as error:
            raise ConfigurationError(
                error.message,
                code=error.code,
                where=url[:_SHOWN],
                hint="give the service an https URL in the signing config of the trust config",
            ) from error


class _Choice(NamedTuple):
    """The services of one kind to choose from, and how many of them to ask."""

    services: Sequence[SigningService]
    wanted: int

    @classmethod
    def of(cls, what: str, services: Services, *, asked: bool, versions: Sequence[int], now: datetime) -> _Choice:
        if not asked:
            return cls((), 0)
        found = services.usable(versions=versions, now=now)
        wanted = {ServiceSelector.ALL: len(found), ServiceSelector.ANY: 1, ServiceSelector.EXACT: services.count}
        count = wanted[services.selector]
        if not found or len(found) < count:
            raise ConfigurationError(
                f"expected at least {max(count, 1)} {what} to be used now in the signing config, found {len(found)}",
                code="witness.no-service",
                hint=f"leave the option out, or name an instance that has a {what} with --trust-config FILE",
            )
        return cls(found, count)

    def ask(self, send: Callable[[SigningService], T]) -> list[T]:
        """Ask one after the other until there are enough answers; another one is asked where one has none to give."""
        answers: list[T] = []
        for place, service in enumerate(self.services):
            if len(answers) == self.wanted:
                break
            try:
                answers.append(send(service))
            except UndecidedError:
                if len(answers) + len(self.services) - place - 1 < self.wanted:
                    raise
        return answers


def _require_takes_key(signer: DigestSigner, logs: Services, now: datetime) -> None:
    """Tell a log that is not there from one that does not take such keys."""
    if logs.usable(versions=(2,), now=now):
        raise UsageError(
            f"no log of this Sigstore instance takes signatures by a key of kind {signer.algorithm}",
            code="witness.key",
            hint="sign with an ECDSA P-256 key (vxsec keys generate PREFIX), or leave out --log-entry",
        )


def _require_answers(response: HttpResponse, nonce: int | None) -> None:
    """A granted timestamp, made for this very question.

    Raises:
        UndecidedError: ``witness.answer`` or ``witness.refused``.
    """
    from rfc3161_client import decode_timestamp_response

    try:
        decoded = decode_timestamp_response(response.body)
        status = decoded.status
        found = decoded.tst_info.nonce if status == 0 else None
    except (
        Exception
    ) as error:  # the library reads lazily and raises what it likes (KeyError for a tag): it is no answer
        raise _not_an_answer(response.url, "expected an RFC 3161 response") from error
    if status != 0:
        raise UndecidedError(
            f"expected a granted timestamp, found status {status}",
            code="witness.refused",
            where=response.url[:_SHOWN],
            hint=_TRY_AGAIN,
        )
    if found != nonce:
        raise _not_an_answer(response.url, "it is the answer to another question")


def _refused(response: HttpResponse) -> UndecidedError:
    said = response.body[:_SHOWN].decode("utf-8", "replace")
    return UndecidedError(
        f"the service did not take the signature: status {response.status}, {said!r}",
        code="witness.refused",
        where=response.url[:_SHOWN],
        hint=_TRY_AGAIN,
    )


def _not_an_answer(url: str, message: str) -> UndecidedError:
    return UndecidedError(
        f"the service did not answer as its protocol says: {message}",
        code="witness.answer",
        where=url[:_SHOWN],
        hint=_TRY_AGAIN,
    )
