"""Where npm would take a package from, judged by the text of ``resolved`` alone (npm-package-arg, hosted-git-info)."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache

__all__ = ["SourceKind", "is_pinned_commit", "source_kind"]

# https URLs of these hosts are cloned by npm, not downloaded, and a clone is not checked against the integrity.
_GIT_HOSTS = frozenset({"github.com", "gist.github.com", "gitlab.com", "bitbucket.org", "git.sr.ht"})
_GIT_SCHEMES = ("git+", "git:", "git@", "ssh:", "github:", "gitlab:", "bitbucket:", "gist:", "sourcehut:")
_SHORTCUT = re.compile(r"[A-Za-z0-9_-]+/[A-Za-z0-9._-]+(?:#.*)?\Z")
_URL = re.compile(r"https?://[!-~]+\Z", re.IGNORECASE)
_PLAIN_URL = re.compile(r"https?://([a-z0-9.-]+)(?::[0-9]{1,5})?(?:/[!-[\]-~]*)?\Z", re.IGNORECASE)
"""Without user, IPv6 address or backslash: there is only one host to be read."""
_COMMIT = re.compile(r"#(?:[0-9a-f]{40}|[0-9a-f]{64})\Z")


class SourceKind(StrEnum):
    """What ``resolved`` points at."""

    REGISTRY = "registry"
    """Absent: npm asks the configured registry for the name and version. Ordinary."""
    HTTP = "http"
    """An http(s) URL: a registry's tarball, or any other download."""
    GIT = "git"
    FILE = "file"
    UNKNOWN = "unknown"
    """Nothing npm writes, or a URL two readers could take for two different hosts."""


@lru_cache(maxsize=4096)
def source_kind(resolved: str | None) -> SourceKind:
    """Classify ``resolved``; anything unusual is :attr:`SourceKind.UNKNOWN`, never a registry."""
    if resolved is None:
        return SourceKind.REGISTRY
    lower = resolved.lower()
    if lower.startswith(_GIT_SCHEMES):
        return SourceKind.GIT
    if lower.startswith(("file:", "./", "../", "/")):
        return SourceKind.FILE
    if lower.startswith(("http:", "https:")):
        return _http_kind(resolved)
    return SourceKind.GIT if _SHORTCUT.match(resolved) else SourceKind.UNKNOWN


def is_pinned_commit(resolved: str) -> bool:
    """Whether a git source names a whole commit hash rather than a branch or tag."""
    return _COMMIT.search(resolved) is not None


def _http_kind(resolved: str) -> SourceKind:
    plain = _PLAIN_URL.match(resolved)
    host = plain[1].lower() if plain is not None else _host(resolved)
    if not host:
        return SourceKind.UNKNOWN
    return SourceKind.GIT if host.rstrip(".").removeprefix("www.") in _GIT_HOSTS else SourceKind.HTTP


def _host(resolved: str) -> str | None:
    """The host of an unusual URL; None for what two readers could read differently."""
    from urllib.parse import urlsplit

    if not _URL.match(resolved) or "\\" in resolved:
        return None
    try:
        return urlsplit(resolved).hostname
    except ValueError:
        return None
