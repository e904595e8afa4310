"""The services of a Sigstore instance that witness a key's signature, without sockets: an HTTP client that asks them directly."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from vxsec.errors import NetworkError
from vxsec.formats.signing_config import read_client_trust_config
from vxsec.host.http import HttpClient
from vxsec.host.http_message import HttpResponse
from vxsec.model.trusted_root import CertificateAuthority, TrustedRoot, Window
from vxsec.model.trusted_root import TransparencyLog as TrustedLog
from vxsec.testing.loopback import LoggedRequest
from vxsec.testing.sigstore.documents import SIGNING_CONFIG_TYPE, client_trust_config, timestamp_text, trusted_root
from vxsec.testing.sigstore.log import TransparencyLog
from vxsec.testing.sigstore.rekor_v1 import RekorV1
from vxsec.testing.sigstore.rekor_v2 import RekorV2
from vxsec.testing.sigstore.replies import RefusedRequestError
from vxsec.testing.sigstore.timestamp import TimestampAuthority

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from vxsec.model.signing_config import ClientTrustConfig
    from vxsec.testing.loopback import Reply

__all__ = ["NOW", "OLD_LOG", "OTHER_LOG", "OTHER_TSA", "TILES", "TSA", "Web"]

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
OLD_LOG, TILES, OTHER_LOG = (f"https://{name}.example.test" for name in ("rekor", "tiles", "other"))
TSA, OTHER_TSA = (f"https://{name}.example.test/api/v1/timestamp" for name in ("tsa", "other-tsa"))
_WINDOW = Window(start=NOW - timedelta(days=1))


class Web(HttpClient):
    """One log of Rekor 1 and two of Rekor 2, and two timestamp authorities, each with a key of its own.

    ``edit`` changes what any of them answers, ``down`` lists URLs where nothing answers, ``sent`` is what was asked.
    """

    def __init__(self) -> None:
        super().__init__()
        self.edit: Callable[[Reply], Reply] = lambda reply: reply
        self.down: set[str] = set()
        self.sent: list[LoggedRequest] = []
        self.asked: list[str] = []
        log = TransparencyLog(generation=1, base_url=OLD_LOG, kind="ecdsa-p256")
        self.logs: dict[str, RekorV1 | RekorV2] = {OLD_LOG: RekorV1(log, clock=lambda: NOW)}
        for url in (TILES, OTHER_LOG):
            self.logs[url] = RekorV2(TransparencyLog(generation=2, base_url=url, kind="ed25519"))
        self.authorities = {
            url: TimestampAuthority(start=_WINDOW.start, uri=url, name=url[8:13]) for url in (TSA, OTHER_TSA)
        }

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        max_bytes: int,
        **_unused: object,
    ) -> HttpResponse:
        """Ask the service of that host; what the real client refuses to send is refused here, too."""
        self._check_url(url)
        parts = urlsplit(url)
        base = f"{parts.scheme}://{parts.netloc}"
        request = LoggedRequest(method=method, path=parts.path, headers=headers or {}, body=body or b"", query="")
        self.sent.append(request)
        self.asked.append(base)
        if base in self.down or url in self.down:
            raise NetworkError("no connection", code="network.connect", where=url)
        try:
            reply: Reply = (
                self.authorities[url].answer(request, at=NOW)
                if url in self.authorities
                else self.logs[base].answer(request)
            )
        except RefusedRequestError as error:
            reply = error.reply()
        status, data, *more = self.edit(reply)
        assert len(data) <= max_bytes
        return HttpResponse(status=status, headers=dict(more[0]) if more else {}, body=data, url=url)

    def root(self, *, only: Sequence[str] = ()) -> dict[str, Any]:
        """The trusted root over all of them, or over those named."""
        return trusted_root(
            TrustedRoot(
                certificate_authorities=(),
                logs=tuple(
                    TrustedLog(base_url=url, spki=served.log.spki, log_id=served.log.log_id, window=_WINDOW)
                    for url, served in self.logs.items()
                    if not only or url in only
                ),
                ct_logs=(),
                timestamp_authorities=tuple(
                    CertificateAuthority(uri=url, chain=authority.chain, window=_WINDOW)
                    for url, authority in self.authorities.items()
                    if not only or url in only
                ),
                source="kit",
                sha256="",
                rehearsal=True,
            )
        )

    def document(
        self,
        *,
        logs: Sequence[tuple[str, int]] = ((TILES, 2),),
        authorities: Sequence[str] = (TSA,),
        log_selector: Mapping[str, object] | None = None,
        authority_selector: Mapping[str, object] | None = None,
        root: dict[str, Any] | None = None,
    ) -> bytes:
        """A client trust config whose services are of one operator each."""

        def service(url: str, version: int) -> dict[str, object]:
            valid = {"start": timestamp_text(_WINDOW.start)}
            return {"url": url, "majorApiVersion": version, "validFor": valid, "operator": urlsplit(url).netloc}

        signing: dict[str, object] = {
            "mediaType": SIGNING_CONFIG_TYPE,
            "rekorTlogUrls": [service(url, version) for url, version in logs],
            "rekorTlogConfig": log_selector or {"selector": "ANY"},
            "tsaUrls": [service(url, 1) for url in authorities],
            "tsaConfig": authority_selector or {"selector": "ANY"},
        }
        return json.dumps(client_trust_config(root or self.root(), signing)).encode()

    def config(self, **more: Any) -> ClientTrustConfig:
        """The same, read."""
        return read_client_trust_config(self.document(**more), where="trust config")
