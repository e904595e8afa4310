"""What must not be in a document that is handed out: paths and hosts of a machine, credentials.

Patterns are those of the strings themselves; a match is told by its kind and, for a credential, at most four characters.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["find_leaks"]

_SHOWN = 80
_HINT = re.compile(r"[/\\=]|-----|[A-Za-z0-9_-]{15}|[A-Za-z]:")
"""What every pattern below needs one of: most strings of a document have none, and are done with it."""
_CREDENTIAL = re.compile(
    r"\b(?:npm_[A-Za-z0-9]{30,}|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,}|glpat-[A-Za-z0-9_-]{20,}"
    r"|xox[abprs]-[A-Za-z0-9-]{10,}|(?:AKIA|ASIA)[A-Z0-9]{16}|pypi-[A-Za-z0-9_-]{40,}|sk_live_[A-Za-z0-9]{16,}"
    r"|eyJ[A-Za-z0-9_-]{8,300}\.eyJ[A-Za-z0-9_-]{8,300}\.[A-Za-z0-9_-]{8})"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----|_(?:authToken|auth|password)\s*=\s*[^\s$]"
)
_URL = re.compile(r"\b([A-Za-z][A-Za-z0-9+.-]{0,30})://([^\s/?#\"'<>\\]*)")
_FILE = re.compile(r"\bfile:(?:/|\.{1,2}[/\\]|[A-Za-z]:|~)", re.IGNORECASE)
_HOME = re.compile(
    r"(?<![A-Za-z0-9_.:/%@}*-])/(?:home|Users|root|tmp|private|var/folders|var/lib|var/www|builds?|workspaces?|github|__w"
    r"|mnt|media|opt|srv|data|Volumes|runner|app|usr/src|usr/local)/[^\s/]"
)
_WHOLE_PATH = re.compile(r"/(?!/)[^\s/]+/[^\s]*\Z")
_DRIVE = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]:(?:\\[^\\\s]|/(?!/)[^\s])")
_SHARE = re.compile(r"(?<!\\)\\\\[A-Za-z0-9._-]+\\[A-Za-z0-9$._-]")
_PRIVATE_NAMES = (
    ".local",
    ".localdomain",
    ".internal",
    ".intranet",
    ".lan",
    ".corp",
    ".home",
    ".localhost",
    ".home.arpa",
)
_HOST = re.compile(r"[a-z0-9_.:%-]+\Z")
_SHARED_USERS = frozenset({"", "git", "hg", "svn"})
_TOKEN_LENGTH = 20
_DEFAULT_PORTS = {"http": "80", "https": "443", "ssh": "22", "git+ssh": "22", "git": "9418"}


def find_leaks(text: str) -> Iterator[tuple[str, str]]:
    """Every kind of leak in ``text``, once each: ``credential``, ``path`` or ``host``, and a sentence.

    A percent-encoded text is looked at decoded, too: qualifiers of a purl carry URLs that way.
    """
    found: dict[str, str] = {}
    for form in (text, unquote(text)) if "%" in text else (text,):
        if _HINT.search(form):
            for kind, sentence in _leaks(form):
                found.setdefault(kind, sentence)
    yield from found.items()


def _leaks(text: str) -> Iterator[tuple[str, str]]:
    token = _CREDENTIAL.search(text)
    if token is not None:
        yield "credential", f"looks like a credential: {token[0][:4]!r}…"
    if _FILE.search(text):
        yield "path", "a file: URL"
    for pattern in (_HOME, _DRIVE, _SHARE):
        path = pattern.search(text)
        if path is not None:
            yield "path", f"an absolute path: {text[path.start() : path.start() + _SHOWN]!r}"
            break
    else:
        if _WHOLE_PATH.match(text):
            yield "path", f"an absolute path: {text[:_SHOWN]!r}"
    for scheme, authority in _URL.findall(text):
        yield from _url_leaks(scheme.lower(), authority)


def _url_leaks(scheme: str, authority: str) -> Iterator[tuple[str, str]]:
    user, at, address = authority.rpartition("@")
    host, port = _host_and_port(address)
    if at and (":" in user or len(user) >= _TOKEN_LENGTH):
        yield "credential", f"a URL with a password, for {host[:_SHOWN]!r}"
    elif at and user.lower() not in _SHARED_USERS:
        yield "host", f"a URL with a user name, for {host[:_SHOWN]!r}"
    if not _HOST.match(host):
        return
    if port.isdigit() and port != _DEFAULT_PORTS.get(scheme):
        yield "host", f"a host with a port: {f'{host}:{port}'[:_SHOWN]!r}"
    elif _is_private(host):
        yield "host", f"a host of a private network: {host[:_SHOWN]!r}"


def _host_and_port(address: str) -> tuple[str, str]:
    if address.startswith("["):
        host, _, rest = address[1:].partition("]")
        return host.lower(), rest.removeprefix(":")
    host, _, port = address.partition(":")
    return host.rstrip(".").lower(), port


def _is_private(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host.partition("%")[0]).is_global
    except ValueError:
        pass
    if host.replace(".", "").isdigit() or host.startswith("0x"):
        return True  # an address in disguise
    return "." not in host or host.endswith(_PRIVATE_NAMES)
