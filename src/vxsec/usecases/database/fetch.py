"""Fetches an export of advisories over HTTP."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import TYPE_CHECKING

from vxsec.errors import NetworkError
from vxsec.formats.timestamps import render_time
from vxsec.limits import DEFAULT_LIMITS
from vxsec.usecases.connections import open_http

if TYPE_CHECKING:
    from collections.abc import Collection

    from vxsec.host.http_message import HttpResponse

__all__ = ["fetch_export", "last_modified"]


def fetch_export(url: str, *, since: datetime | None, unsafe_http: Collection[str]) -> HttpResponse:
    """Ask for an export; with ``since``, only if it is newer. The proxies of the environment are used, no ``.npmrc``.

    Raises:
        UsageError, NetworkError: As ``HttpClient.request``.
    """
    limits = replace(DEFAULT_LIMITS, http_total_seconds=DEFAULT_LIMITS.database_download_seconds)
    client = open_http(limits=limits, unsafe_http=unsafe_http)
    headers = {"accept": "application/zip"}
    if since is not None:
        headers["if-modified-since"] = format_datetime(since.astimezone(UTC), usegmt=True)
    try:
        return client.request("GET", url, headers=headers, max_bytes=DEFAULT_LIMITS.database_download_bytes)
    finally:
        client.close()


def last_modified(response: HttpResponse, now: datetime) -> datetime | None:
    """When the export was made; None where the server does not say, or not so that it can be read.

    Raises:
        NetworkError: ``network.future``.
    """
    try:
        moment = parsedate_to_datetime(response.headers.get("last-modified", "")).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    if moment - now > timedelta(seconds=DEFAULT_LIMITS.clock_skew_seconds):
        raise NetworkError(
            f"the export says that it was made at {render_time(moment)}, which is still to come",
            code="network.future",
            where=response.url,
            hint="check this machine's clock",
        )
    return min(moment, now)
