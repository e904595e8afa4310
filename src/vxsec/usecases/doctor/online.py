"""``doctor --online``: is each own registry there, does it take the credential, and what time is it there?"""

from __future__ import annotations

from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from vxsec.errors import FormatError, UndecidedError, VxsecError
from vxsec.formats.strict_json import parse_json
from vxsec.formats.timestamps import render_time
from vxsec.host.clock import utc_now
from vxsec.host.http import HttpClient
from vxsec.host.http_message import TlsOptions
from vxsec.model.package import NPM
from vxsec.model.report.doctor import Area
from vxsec.usecases.doctor.notes import Notes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime

    from vxsec.formats.npmrc import Credentials, NpmConfig
    from vxsec.host.http_message import HttpResponse
    from vxsec.model.report.doctor import DoctorFinding
    from vxsec.model.trust import TrustRoot

__all__ = ["ask_registries", "compare_clocks"]

_NOTES = Notes(Area.REGISTRIES)
_CLOCK = Notes(Area.CLOCK)
_ROOM = 64 * 1024
_DRIFT = timedelta(minutes=5)
_OK, _UNAUTHORISED, _FORBIDDEN, _NOT_FOUND = 200, 401, 403, 404
_SHOWN = 60


def ask_registries(
    trust: TrustRoot, config: NpmConfig, *, unsafe_http: Collection[str], unsafe_tls: Collection[str]
) -> Iterator[DoctorFinding]:
    """Two GET requests to each own npm registry: ``-/ping`` and ``-/whoami``; a credential goes only where it belongs."""
    try:
        http = HttpClient(
            tls=TlsOptions(cafile=config.cafile, ca=config.ca),
            proxy_for=config.proxy_for,
            unsafe_http=unsafe_http,
            unsafe_tls=unsafe_tls,
        )
    except VxsecError as error:
        yield _NOTES.error("registry-unreachable", error, expected="settings to connect with")
        return
    try:
        for registry in trust.registries:
            if registry.ecosystem == NPM:
                yield from _ask(registry.url, config, http)
    finally:
        http.close()


def _ask(url: str, config: NpmConfig, http: HttpClient) -> Iterator[DoctorFinding]:
    try:
        credentials = config.credentials_for(url)
        ping = _get(http, f"{url}-/ping", credentials)
        whoami = _get(http, f"{url}-/whoami", credentials)
    except UndecidedError as error:
        yield _NOTES.unknown(
            "registry-unreachable",
            f"{url} did not answer: {error.message}",
            expected="a registry that answers",
            fix=error.hint or "check the registry's URL and the proxy, then try again",
        )
        return
    except VxsecError as error:
        yield _NOTES.error("registry-unreachable", error, expected="a registry that may be asked")
        return
    yield from compare_clocks(ping.headers.get("date"), now=utc_now(), source=url)
    if ping.status == _OK:
        yield _NOTES.ok("registry-answers", f"{url} answers")
    elif ping.status == _NOT_FOUND and whoami.status == _NOT_FOUND:
        yield _NOTES.problem(
            "registry-not-found",
            f"{url} answers 404 to -/ping and to -/whoami",
            expected="an npm registry at this very path",
            fix="look up the registry's URL, path included, and write it in the trust document and in .npmrc",
        )
        return
    elif ping.status not in {_NOT_FOUND, _UNAUTHORISED, _FORBIDDEN}:
        yield _NOTES.unknown(
            "registry-failed",
            f"{url}-/ping answers with status {ping.status}",
            expected="200",
            fix="try again; if it stays, look into the registry's log",
        )
    yield _judge_whoami(url, whoami, credentials)


def _get(http: HttpClient, url: str, credentials: Credentials | None) -> HttpResponse:
    headers = {"accept": "application/json"}
    certificate = None
    if credentials is not None and credentials.authorization is not None:
        headers["authorization"] = credentials.authorization
    if credentials is not None and credentials.certfile is not None and credentials.keyfile is not None:
        certificate = (credentials.certfile, credentials.keyfile)
    return http.request(
        "GET",
        url,
        headers=headers,
        max_bytes=_ROOM,
        authorization_scope=f"{urlsplit(url).scheme}:{credentials.scope}" if credentials is not None else None,
        client_certificate=certificate,
    )


def _judge_whoami(url: str, answer: HttpResponse, credentials: Credentials | None) -> DoctorFinding:
    name = _username(answer)
    if answer.status == _OK and name is not None:
        return _NOTES.ok("token-accepted", f"{url} knows us as {name[:_SHOWN]!r}")
    if answer.status in {_OK, _UNAUTHORISED, _FORBIDDEN}:
        if credentials is None:
            return _NOTES.ok("anonymous", f"{url} does not know us: no credential was sent")
        return _NOTES.problem(
            "token-refused",
            f"{url} does not accept the credential (status {answer.status})",
            expected="a credential that is valid: it was revoked, has expired, or is for another registry",
            fix=f"log in again: npm login --registry={url}",
        )
    if answer.status == _NOT_FOUND:
        return _NOTES.warning(
            "whoami-missing",
            f"{url} answers 404 to -/whoami: it has no such page, or hides it without a credential",
            expected="the name of the account",
            fix=f"try what it is needed for: npm view PACKAGE --registry={url}",
        )
    return _NOTES.unknown(
        "registry-failed",
        f"{url}-/whoami answers with status {answer.status}",
        expected="200",
        fix="try again; if it stays, look into the registry's log",
    )


def _username(answer: HttpResponse) -> str | None:
    try:
        document = parse_json(answer.body, where=answer.url)
    except FormatError:
        return None
    name = document.get("username") if isinstance(document, dict) else None
    return name if isinstance(name, str) and name else None


def compare_clocks(header: str | None, *, now: datetime, source: str) -> Iterator[DoctorFinding]:
    """Hold this machine's clock against an HTTP ``Date`` (RFC 9110 section 6.6.1); one that cannot be read says nothing."""
    try:
        there = parsedate_to_datetime(header or "")
        there = there.astimezone(UTC) if there.tzinfo is not None else there.replace(tzinfo=UTC)
    except (ValueError, TypeError, OverflowError):
        return
    off = now - there
    if abs(off) <= _DRIFT:
        yield _CLOCK.ok("clock-agrees", f"this machine's clock agrees with {source}")
        return
    yield _CLOCK.problem(
        "clock-off",
        f"this machine's clock says {render_time(now)}, and {source} says {render_time(there)}",
        expected="at most 5 minutes between them: one of the two is wrong",
        fix="set the clock, and keep it by NTP: timedatectl set-ntp true",
    )
