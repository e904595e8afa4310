"""A whole Sigstore instance on loopback, for as long as a test runs. See :class:`SigstoreInstance`."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Literal, Self, TypeAlias

from vxsec.model.trusted_root import CertificateAuthority as TrustedAuthority
from vxsec.model.trusted_root import TransparencyLog as TrustedLog
from vxsec.model.trusted_root import TrustedRoot, Window
from vxsec.testing.loopback import LoopbackServer
from vxsec.testing.sigstore import documents
from vxsec.testing.sigstore.authority import CertificateAuthority
from vxsec.testing.sigstore.ct_log import CtLog
from vxsec.testing.sigstore.fulcio import Fulcio
from vxsec.testing.sigstore.issuer import OidcIssuer
from vxsec.testing.sigstore.log import TransparencyLog
from vxsec.testing.sigstore.rekor_v1 import RekorV1
from vxsec.testing.sigstore.rekor_v2 import RekorV2
from vxsec.testing.sigstore.replies import RefusedRequestError
from vxsec.testing.sigstore.timestamp import TimestampAuthority

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from vxsec.testing.loopback import LoggedRequest, Reply
    from vxsec.testing.sigstore.keys import KeyKind
    from vxsec.testing.sigstore.replies import Clock

__all__ = ["ServiceName", "SigstoreInstance"]

ServiceName: TypeAlias = Literal["issuer", "fulcio", "rekor-v1", "rekor-v2", "timestamp"]
_NAMES: tuple[ServiceName, ...] = ("issuer", "fulcio", "rekor-v1", "rekor-v2", "timestamp")
_TIMESTAMP_PATH = "/api/v1/timestamp"
_STARTED_BEFORE = timedelta(hours=1)


def _now() -> datetime:
    return datetime.now(tz=UTC)


class SigstoreInstance:
    """OIDC issuer, Fulcio with a CT log, Rekor 1 and 2 and a timestamp authority, each on a free port of ``127.0.0.1``.

    Every key is made when it starts and gone when it stops. Its trusted root is marked as a rehearsal's, which vxsec
    refuses wherever a decision counts.

    ``failing`` names services that answer 503, ``requests`` is what arrived: (service, request). Both may be looked at and
    changed while it runs.

    Args:
        clock: Tells the time (aware); the machine's clock if not given.
        log_key: What Rekor 2 signs with.
    """

    issuer: OidcIssuer
    fulcio: Fulcio
    rekor_v1: RekorV1
    rekor_v2: RekorV2
    timestamp: TimestampAuthority

    def __init__(self, *, clock: Clock = _now, log_key: KeyKind = "ed25519") -> None:
        self._log_key = log_key
        self._clock = clock
        self._servers: dict[ServiceName, LoopbackServer] = {}
        self._lock = Lock()
        self.failing: set[ServiceName] = set()
        self.requests: list[tuple[ServiceName, LoggedRequest]] = []

    def __enter__(self) -> Self:
        for name in _NAMES:
            self._servers[name] = LoopbackServer(self._serve(name))
        self._started = self._clock().replace(microsecond=0) - _STARTED_BEFORE
        self.issuer = OidcIssuer(self.url("issuer"), clock=self._clock)
        self.fulcio = Fulcio(
            authority=CertificateAuthority(start=self._started),
            ct_log=CtLog(base_url=f"{self.url('fulcio')}/ct"),
            verify_token=self.issuer.verify,
            clock=self._clock,
        )
        first = TransparencyLog(generation=1, base_url=self.url("rekor-v1"), kind="ecdsa-p256")
        self.rekor_v1 = RekorV1(first, clock=self._clock)
        self.rekor_v2 = RekorV2(TransparencyLog(generation=2, base_url=self.url("rekor-v2"), kind=self._log_key))
        self.timestamp = TimestampAuthority(start=self._started, uri=self.url("timestamp") + _TIMESTAMP_PATH)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in self._servers.values():
            server.close()
        self._servers.clear()

    def url(self, name: ServiceName) -> str:
        """Where a service is reached, without a slash at the end."""
        return f"http://127.0.0.1:{self._servers[name].port}"

    def trusted_root(self) -> bytes:
        """``trusted_root.json``."""
        return json.dumps(documents.trusted_root(self._root())).encode()

    def signing_config(self, *, rekor: Literal[1, 2] = 2, timestamps: bool = True) -> bytes:
        """``signing_config.v0.2.json`` with one log, and with or without the timestamp authority.

        Without timestamps and with version 2, nothing says when a signature was made: such a bundle verifies nowhere.
        """
        return json.dumps(self._signing_config(rekor=rekor, timestamps=timestamps)).encode()

    def client_trust_config(self, *, rekor: Literal[1, 2] = 2, timestamps: bool = True) -> bytes:
        """Both documents in one, as ``python -m sigstore --trust-config FILE`` takes them."""
        signing = self._signing_config(rekor=rekor, timestamps=timestamps)
        return json.dumps(documents.client_trust_config(documents.trusted_root(self._root()), signing)).encode()

    def _signing_config(self, *, rekor: Literal[1, 2], timestamps: bool) -> dict[str, object]:
        return documents.signing_config(
            fulcio=self.url("fulcio"),
            issuer=self.url("issuer"),
            rekor=[(self.url("rekor-v1" if rekor == 1 else "rekor-v2"), rekor)],
            timestamps=[self.timestamp.uri] if timestamps else [],
            start=self._started,
        )

    def _root(self) -> TrustedRoot:
        window = Window(start=self._started)

        def log(found: TransparencyLog | CtLog) -> TrustedLog:
            return TrustedLog(base_url=found.base_url, spki=found.spki, log_id=found.log_id, window=window)

        def authority(uri: str, found: CertificateAuthority | TimestampAuthority) -> TrustedAuthority:
            return TrustedAuthority(uri=uri, chain=found.chain, window=window)

        return TrustedRoot(
            certificate_authorities=(authority(self.url("fulcio"), self.fulcio.authority),),
            logs=(log(self.rekor_v1.log), log(self.rekor_v2.log)),
            ct_logs=(log(self.fulcio.ct_log),),
            timestamp_authorities=(authority(self.timestamp.uri, self.timestamp),),
            source="loopback",
            sha256="",
            rehearsal=True,
        )

    def _serve(self, name: ServiceName) -> Callable[[LoggedRequest], Reply]:
        def answer(request: LoggedRequest) -> Reply:
            with self._lock:
                self.requests.append((name, request))
            try:
                return self._answer(name, request)
            except RefusedRequestError as error:
                return error.reply()

        return answer

    def _answer(self, name: ServiceName, request: LoggedRequest) -> Reply:
        if name in self.failing:
            raise RefusedRequestError("unavailable, as this rehearsal asks", status=503)
        if name == "issuer":
            return self.issuer.answer(request)
        if name == "fulcio":
            return self.fulcio.answer(request)
        if name == "rekor-v1":
            return self.rekor_v1.answer(request)
        if name == "rekor-v2":
            return self.rekor_v2.answer(request)
        if (request.method, request.path) != ("POST", _TIMESTAMP_PATH):
            raise RefusedRequestError("no such page", status=404)
        return self.timestamp.answer(request, at=self._clock())
