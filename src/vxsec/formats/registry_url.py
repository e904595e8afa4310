"""The one spelling of a registry's URL, so that two documents that mean the same registry compare equal."""

from __future__ import annotations

import ipaddress
import re
from typing import NoReturn
from urllib.parse import SplitResult, urlsplit

from vxsec.errors import ConfigurationError

__all__ = ["is_under", "normalise_registry_url"]

_VISIBLE = re.compile(r"[!-~]+\Z")
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\Z")
_MAX_HOST = 253
_PATH = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*\Z")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_ENCODED_TRICK = re.compile(r"%(?:2e|5c|00|25)", re.IGNORECASE)
_ENCODED_SLASH = re.compile(r"%2f", re.IGNORECASE)
_SCOPED = re.compile(r"/@[^/%]+%2f[^/%]+/", re.IGNORECASE)
_DEFAULT_PORTS = {"http": 80, "https": 443}


def normalise_registry_url(url: str) -> str:
    """Give the one spelling of ``url``: lower-case scheme and host, no default port, exactly one trailing slash.

    Percent-escapes of ordinary characters are undone and the others written in capitals (RFC 3986 section 6.2.2).
    Anything that two URL readers could take for two different hosts or paths is refused instead of repaired:
    user information, query, fragment, backslashes, control or non-ASCII characters, ``.`` and ``..`` segments, encoded
    slashes, empty segments, and addresses such as ``127.1``.

    Raises:
        ConfigurationError: ``registry.url``.
    """
    if not _VISIBLE.match(url) or "\\" in url:
        _refuse(url, "a URL of visible ASCII characters without backslashes")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _refusal(url, "a URL with a host and an optional port") from error
    if parts.scheme not in _DEFAULT_PORTS or not parts.netloc:
        _refuse(url, "https://HOST[:PORT]/[PATH/]")
    if "@" in parts.netloc:
        _refuse(url, "no user name or password in the URL; put credentials into .npmrc", shown=False)
    if "?" in url or "#" in url:
        _refuse(url, "no query and no fragment")
    host = _host(url, parts)
    suffix = "" if port in {None, _DEFAULT_PORTS[parts.scheme]} else f":{port}"
    return f"{parts.scheme}://{host}{suffix}{_path(url, parts.path)}"


def _host(url: str, parts: SplitResult) -> str:
    host = parts.hostname or ""
    if parts.netloc.startswith("["):
        if "%" in host:
            _refuse(url, "an IPv6 address without a zone")
        try:
            return f"[{ipaddress.IPv6Address(host).compressed}]"
        except ValueError as error:
            raise _refusal(url, "an IPv6 address between the brackets") from error
    if len(host) > _MAX_HOST or not _HOST.match(host):
        _refuse(url, "a host name (for other scripts in its xn-- form) without a final dot")
    if host.rpartition(".")[2].isdigit() or host.rpartition(".")[2].startswith("0x"):
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError as error:
            raise _refusal(url, "an IPv4 address as four decimal numbers") from error
    return host


def _path(url: str, path: str) -> str:
    if not _PATH.match(path):
        _refuse(url, "a path of URL characters and %XX escapes")
    plain = _ESCAPE.sub(_unescape, path).strip("/")
    segments = plain.split("/") if plain else []
    if any(segment in {"", ".", ".."} for segment in segments):
        _refuse(url, "a path without empty, '.' or '..' segments")
    if "%2F" in plain or "%5C" in plain or "%00" in plain:
        _refuse(url, "a path without encoded slashes")
    return "/" + "".join(segment + "/" for segment in segments)


def _unescape(match: re.Match[str]) -> str:
    char = chr(int(match[1], 16))
    return char if char in _UNRESERVED else match[0].upper()


def _refuse(url: str, expected: str, *, shown: bool = True) -> NoReturn:
    raise _refusal(url, expected, shown=shown)


def _refusal(url: str, expected: str, *, shown: bool = True) -> ConfigurationError:
    found = f", found {url[:120]!r}" if shown and "@" not in url else ""
    return ConfigurationError(
        f"registry URL: expected {expected}{found}",
        code="registry.url",
        hint="write it as https://registry.example.test/",
    )


def is_under(url: str, registry_url: str) -> bool:
    """Whether ``url`` is fetched from the registry at ``registry_url``: same origin, and a path below its path.

    False for whatever two URL readers could see differently: user information, backslashes, control characters, ``.``
    and ``..`` segments, encoded dots or slashes (the ``%2f`` between scope and name excepted), an odd host.
    """
    if _ENCODED_TRICK.search(url) or "//" in url.partition("://")[2]:
        return False
    try:
        base = normalise_registry_url(registry_url)
        found = normalise_registry_url(_SCOPED.sub(_plain_scope, url))
    except ConfigurationError:
        return False
    return found.startswith(base) and found != base


def _plain_scope(match: re.Match[str]) -> str:
    return _ENCODED_SLASH.sub("/", match[0])
