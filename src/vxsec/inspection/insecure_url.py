"""Addresses from which nothing should be installed, whoever states them."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

__all__ = ["insecure_url"]


def insecure_url(url: str) -> str | None:
    """Why no registry should be reached by this URL, or None."""
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    if "@" in parts.netloc:
        return "a URL with a user name or password"
    address = _address(host)
    if host == "localhost" or (address is not None and address.is_loopback):
        return None
    if parts.scheme.lower() != "https":
        return "plain http"
    return "a bare IP address instead of a host name" if address is not None else None


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        numeric = host.replace(".", "").isdigit() or host.rpartition(".")[2].startswith("0x")
        return ipaddress.IPv4Address(0) if numeric else None  # 127.1, 2130706433: addresses in disguise
