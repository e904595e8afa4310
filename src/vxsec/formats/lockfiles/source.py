"""Where npm would take a package from, judged by the text of ``resolved`` alone (npm-package-arg, hosted-git-info)."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache

__all__ = ["SourceKind", "is_pinned_commit", "is_registry_tarball", "source_kind"]

# https URLs of these hosts are cloned by npm, not downloaded, and a clone is not checked against the integrity.
_GIT_HOSTS = frozenset({"github.com", "gist.github.com", "gitlab.com", "bitbucket.org", "git.sr.ht"})
_GIT_SCHEMES = ("git+", "git:", "git@", "ssh:", "github:", "gitlab:", "bitbucket:", "gist:", "sourcehut:")
_SHORTCUT = re.compile(r"[A-Za-z0-9_-]+/[A-Za-z0-9._-]+(?:#.*)?\Z")
_URL = re.compile(r"https?://[!-~]+\Z", re.IGNORECASE)
_PLAIN_URL = re.compile(r"https?://([a-z0-9.-]+)(?::[0-9]{1,5})?(?:/[!-[\]-~]*)?\Z", re.IGNORECASE)
"""Without user, IPv6 address or backslash: there is only one host to be read."""
_PLAIN_PREFIX = re.compile(r"https?://[A-Za-z0-9.:-]+(?:/[A-Za-z0-9_][A-Za-z0-9._~-]*)*\Z")
"""A registry's address without escapes, dots alone, scopes and dashes alone."""
_READABLE = re.compile(r"[^\x00-\x20\x7f\\%]+\Z")
"""A path after its escapes were read once: with nothing in it that another reader takes for an escape or a separator."""
_HEX = re.compile(r"[0-9a-f]+\Z")
_GITLAB_FILE = re.compile(
    r"https://[^/]+(?:/[A-Za-z0-9@_-][A-Za-z0-9@._-]*)*/-/(?:@[A-Za-z0-9_-][A-Za-z0-9._-]*/)?[A-Za-z0-9_-][A-Za-z0-9._-]*\.tgz\Z"
)
"""npm downloads what has ``/-/`` in its path (hosted-git-info, ``hosts.js``): GitLab's own registry."""
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


@lru_cache(maxsize=4096)
def is_registry_tarball(resolved: str, name: str, version: str) -> bool:
    """Whether this http(s) URL is one by which a registry serves exactly this package in this version.

    Guaranteed: a URL by which a known kind of registry serves another package or version is none. The host is not judged.
    Accepted are the paths that npm, Verdaccio, Nexus, CodeArtifact, Azure (``NAME/-/FILE``), GitLab, Artifactory and Google
    (``NAME/-/@SCOPE/FILE``), Gitea (``NAME/-/VERSION/FILE``), GitHub (``download/NAME/VERSION/HASH``) and cnpm
    (``NAME/download/FILE``, ``NAME/VERSION/FILE``) make, where ``FILE`` is the name without its scope, ``-``, the version
    and ``.tgz``.
    """
    ordinary = f"/{name}/-/{name.rpartition('/')[2]}-{version}.tgz"
    if resolved.endswith(ordinary) and _PLAIN_PREFIX.match(resolved[: -len(ordinary)]):
        return True
    from urllib.parse import unquote, urlsplit

    try:
        path = unquote(urlsplit(resolved).path, errors="strict")
    except ValueError:
        return False
    segments = path.split("/")[1:] or [""]
    if not _READABLE.match(path) or not {"", ".", ".."}.isdisjoint(segments):
        return False
    tails = _tails(name, version)
    if (build := version.partition("+"))[1]:  # a registry drops what is behind "+"
        tails += _tails(name, build[0])
    if "-" in segments[:-1]:
        tails = [tail for tail in tails if "-" in tail]
    if any(_ends_with(segments, tail, scoped=name.startswith("@")) for tail in tails):
        return True
    download = ["download", *name.split("/"), version]
    return bool(_HEX.match(segments[-1])) and "-" not in segments and segments[-len(download) - 1 : -1] == download


def _tails(name: str, version: str) -> list[list[str]]:
    """The ends of a path by which registries serve a package, the package's name first."""
    folder = name.split("/")
    file = f"{folder[-1]}-{version}.tgz"
    scoped = [*folder[:-1], file]
    between = (
        ["-", file],
        ["-", *scoped],
        ["-", version, file],
        ["download", file],
        ["download", *scoped],
        [version, file],
    )
    return [[*folder, *rest] for rest in between]


def _ends_with(segments: list[str], tail: list[str], *, scoped: bool) -> bool:
    """And the name does not go on to the left with a scope, and no other package is named there."""
    if segments[-len(tail) :] != tail:
        return False
    before = segments[: -len(tail)]
    return "-" not in before and (scoped or not before or not before[-1].startswith("@"))


def _http_kind(resolved: str) -> SourceKind:
    plain = _PLAIN_URL.match(resolved)
    host = plain[1].lower() if plain is not None else _host(resolved)
    if not host:
        return SourceKind.UNKNOWN
    host = host.rstrip(".").removeprefix("www.")
    if host == "gitlab.com" and _GITLAB_FILE.match(resolved):
        return SourceKind.HTTP
    return SourceKind.GIT if host in _GIT_HOSTS else SourceKind.HTTP


def _host(resolved: str) -> str | None:
    """The host of an unusual URL; None for what two readers could read differently."""
    from urllib.parse import urlsplit

    if not _URL.match(resolved) or "\\" in resolved:
        return None
    try:
        return urlsplit(resolved).hostname
    except ValueError:
        return None
