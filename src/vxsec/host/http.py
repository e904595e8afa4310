"""HTTP as vxsec needs it: every exchange bounded in time, size and redirects, and no credential sent astray.

The transport underneath is urllib3, loaded with the first request. Nothing here knows what a registry is.
"""

from __future__ import annotations

import ipaddress
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from vxsec.errors import NetworkError, UsageError
from vxsec.host.http_message import HttpResponse, TlsOptions
from vxsec.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from vxsec.host.http_transport import Transport

__all__ = ["HttpClient", "is_loopback", "origin_of"]

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAX_URL = 8192


class HttpClient:
    """Sends requests; one instance may be used by many threads and keeps connections open.

    Args:
        limits: Seconds and redirects allowed.
        tls: Which authorities to trust.
        proxy_for: Gives the proxy URL for a URL, or None. Never asked about loopback.
        unsafe_http: URL prefixes (each with a final slash) that may be spoken to without TLS. Loopback always may.
        unsafe_tls: URL prefixes whose certificate is not checked.
    """

    def __init__(
        self,
        *,
        limits: Limits = DEFAULT_LIMITS,
        tls: TlsOptions | None = None,
        proxy_for: Callable[[str], str | None] | None = None,
        unsafe_http: Collection[str] = (),
        unsafe_tls: Collection[str] = (),
    ) -> None:
        self._limits = limits
        self._tls = tls or TlsOptions()
        self._proxy_for = proxy_for
        self._unsafe_http = tuple(unsafe_http)
        self._unsafe_tls = tuple(unsafe_tls)
        self._transport: Transport | None = None
        self._lock = Lock()

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        max_bytes: int,
        authorization_scope: str | None = None,
        client_certificate: tuple[str, str] | None = None,
    ) -> HttpResponse:
        """Do one exchange, redirects included, within ``limits.http_total_seconds``.

        Redirects are followed for GET only, never from https to http. ``Authorization`` goes along only to the same
        origin and, where ``authorization_scope`` is given, only to URLs below it; so does the client certificate.

        Args:
            method: ``GET`` or ``PUT``.
            url: An absolute http or https URL without user information.
            headers: Request headers; values are visible ASCII.
            body: What to send.
            max_bytes: Bound on the decoded body.
            authorization_scope: URL prefix that the credential belongs to.
            client_certificate: Certificate file and key file.

        Raises:
            UsageError: ``network.insecure-url`` for plain http to anything but loopback, ``network.url`` for a URL that
                cannot be used, ``network.header`` for a header value that is not visible ASCII.
            NetworkError: ``network.connect``, ``network.timeout``, ``network.too-large``, ``network.protocol``,
                ``network.redirect`` or ``network.tls``.
        """
        sent = {name.lower(): _checked_header(name, value) for name, value in (headers or {}).items()}
        transport = self._ready()
        deadline = transport.deadline(self._limits.http_total_seconds)
        target, certificate = url, client_certificate
        for _ in range(self._limits.http_redirects + 1):
            self._check_url(target)
            send = partial(
                transport.exchange,
                method,
                target,
                headers=sent,
                body=body,
                max_bytes=max_bytes,
                deadline=deadline,
                verify=not _covers(self._unsafe_tls, target),
                proxy=self._proxy(target),
                client_certificate=certificate,
            )
            response = _once_more(send) if method == "GET" else send()
            if response.status not in _REDIRECTS:
                return response
            target = self._checked_hop(_next_hop(method, response), url)
            if not _may_carry(url, target, authorization_scope):
                sent.pop("authorization", None)
                certificate = None
        raise NetworkError(
            f"expected at most {self._limits.http_redirects} redirects, found more", code="network.redirect", where=url
        )

    def _checked_hop(self, target: str, url: str) -> str:
        """Where a server sends us is its doing: what cannot be followed is the network's failure, not the user's."""
        try:
            self._check_url(target)
        except UsageError as error:
            raise NetworkError(
                f"a redirect that is not followed: {error.message}", code="network.redirect", where=url
            ) from error
        return target

    def close(self) -> None:
        """Close idle connections."""
        with self._lock:
            if self._transport is not None:
                self._transport.close()
                self._transport = None

    def _ready(self) -> Transport:
        with self._lock:
            if self._transport is None:
                from vxsec.host.http_transport import Transport  # here, because urllib3 costs 60 ms

                self._transport = Transport(
                    connect_seconds=self._limits.http_connect_seconds,
                    tls=self._tls,
                    parallel=self._limits.http_parallel,
                )
            return self._transport

    def _proxy(self, url: str) -> str | None:
        if self._proxy_for is None or is_loopback(urlsplit(url).hostname or ""):
            return None
        return self._proxy_for(url)

    def _check_url(self, url: str) -> None:
        if len(url) > _MAX_URL or not url.isascii() or not url.isprintable() or " " in url:
            raise UsageError(f"not a usable URL: {_shown(url)}", code="network.url")
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname, parts.port
        except ValueError as error:
            raise UsageError(f"not a usable URL: {_shown(url)}", code="network.url") from error
        if parts.scheme not in {"http", "https"} or not host or "@" in parts.netloc or "\\" in url:
            raise UsageError("expected an http or https URL without user information", code="network.url")
        if parts.scheme == "http" and not is_loopback(host) and not _covers(self._unsafe_http, url):
            raise UsageError(
                f"plain http to {host!r}: anyone on the way can read and change it",
                code="network.insecure-url",
                where=url[:200],
                hint=f"use https, or allow plain http to it: --unsafe-http http://{parts.netloc}/",
            )


def _shown(url: str) -> str:
    """What cannot be taken apart may hold a password anywhere."""
    return repr(url[:80]) if "@" not in url else "it has user information, or an @"


def _once_more(send: Callable[[], HttpResponse]) -> HttpResponse:
    """A server may close a kept connection in the very moment it is used again: a second try is a new one."""
    try:
        return send()
    except NetworkError as error:
        if error.code != "network.connect":
            raise
    return send()


def is_loopback(host: str) -> bool:
    """Whether ``host`` is ``localhost`` or a literal loopback address; names are not looked up."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def origin_of(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port, with the default port filled in (RFC 6454)."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _covers(prefixes: Collection[str], url: str) -> bool:
    return any(url.startswith(prefix if prefix.endswith("/") else prefix + "/") for prefix in prefixes)


def _may_carry(first: str, target: str, scope: str | None) -> bool:
    if origin_of(first) != origin_of(target):
        return False
    if scope is None:
        return True
    path = urlsplit(target).path
    dotted = any(segment in {".", ".."} for segment in path.lower().replace("%2e", ".").split("/"))
    return target.startswith(scope) and not dotted


def _next_hop(method: str, response: HttpResponse) -> str:
    location = response.headers.get("location")
    if method != "GET":
        raise NetworkError(
            f"the server redirects a {method} (status {response.status}); it is sent nowhere else",
            code="network.redirect",
            where=response.url,
            hint="put the registry's final URL into the configuration",
        )
    if not location:
        raise NetworkError("a redirect without a location", code="network.redirect", where=response.url)
    try:
        target = urljoin(response.url, location)
        origin = origin_of(target)
    except ValueError as error:
        raise NetworkError("a redirect to no URL", code="network.redirect", where=response.url) from error
    downgrade = response.url.startswith("https:") and origin[0] != "https"
    if downgrade or origin[0] not in {"http", "https"} or "@" in urlsplit(target).netloc:
        raise NetworkError(
            f"a redirect to {origin[0][:20]!r} on {origin[1][:80]!r}, which is not followed",
            code="network.redirect",
            where=response.url,
        )
    return target


def _checked_header(name: str, value: str) -> str:
    if not value.isascii() or not value.isprintable():
        raise UsageError(f"the value of header {name} is not visible ASCII", code="network.header")
    return value
