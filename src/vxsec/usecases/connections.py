"""Connections to what is no registry: the proxies of the environment are used, and no ``.npmrc``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from vxsec.formats.npmrc import merge_npmrc
from vxsec.host.http import HttpClient
from vxsec.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["open_http"]

_PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY")


def open_http(*, limits: Limits = DEFAULT_LIMITS, unsafe_http: Collection[str] = ()) -> HttpClient:
    """A client; nothing is connected to yet.

    Args:
        limits: Seconds and redirects allowed.
        unsafe_http: URL prefixes that may be spoken to without TLS.
    """
    proxies = {name: value for name in _PROXIES if (value := os.environ.get(name.lower()) or os.environ.get(name))}
    return HttpClient(limits=limits, proxy_for=merge_npmrc([], proxies=proxies).proxy_for, unsafe_http=unsafe_http)
