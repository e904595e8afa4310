"""Git addresses the way npm rewrites them before it publishes (its package ``hosted-git-info``).

``user/repo``, ``github:user/repo``, ``git@github.com:user/repo.git`` and the like become one spelling, so that a registry's
copy of a manifest can be compared with the tarball's.
"""

from __future__ import annotations

import re
from urllib.parse import SplitResult, quote, unquote, urlsplit

from vxsec.values import dataclass

__all__ = ["HostedGit", "parse_hosted_git"]

_PROTOCOLS = {
    "git+ssh": "sshurl",
    "ssh": "sshurl",
    "git+https": "https",
    "git": "git",
    "http": "http",
    "https": "https",
    "git+http": "git+http",
}
_DOMAINS = {
    "github.com": ("github", {"git", "http", "git+ssh", "git+https", "ssh", "https"}),
    "bitbucket.org": ("bitbucket", {"git+ssh", "git+https", "ssh", "https"}),
    "gitlab.com": ("gitlab", {"git+ssh", "git+https", "ssh", "https"}),
    "gist.github.com": ("gist", {"git", "git+ssh", "git+https", "ssh", "https"}),
    "git.sr.ht": ("sourcehut", {"git+ssh", "https"}),
}
_DOMAIN_OF = {host: domain for domain, (host, _) in _DOMAINS.items()}
_USER_PROJECT = ("user", "project")
_PAGES = {"github": {"-"}, "gitlab": {"-"}, "bitbucket": {"get"}, "gist": {"raw"}, "sourcehut": {"archive"}}
"""What the third part of a path is where it is a page or a download, not a repository."""
_WITH_GIT_URL = frozenset({"github", "gist"})
_BAD_HOST = re.compile(r"[\s<>^|%\\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class HostedGit:
    """A repository on a known host. ``form`` is how it was written: shortcut, sshurl, https or git."""

    host: str
    user: str | None
    project: str
    committish: str
    auth: str
    form: str

    @property
    def https(self) -> str:
        """``git+https://…``, the form npm gives to a shortcut in ``repository``."""
        if self.host == "sourcehut":
            return f"https://{self._place}{self._hash}"
        auth = f"{self.auth}@" if self.auth and self.host != "gist" else ""
        return f"git+https://{auth}{self._place}.git{self._hash}"

    @property
    def docs(self) -> str:
        """What npm puts into ``homepage``."""
        if self.host == "gist":
            return f"https://{self._place}" + (f"/{self._tree}" if self.committish else "")
        tree = "src" if self.host == "bitbucket" else "tree"
        return f"https://{self._place}" + (f"/{tree}/{self._tree}" if self.committish else "") + "#readme"

    @property
    def bugs(self) -> str | None:
        """What npm puts into ``bugs.url``."""
        if self.host == "sourcehut":
            return None
        return f"https://{self._place}" + ("" if self.host == "gist" else "/issues")

    def __str__(self) -> str:
        """The one spelling npm writes for this form."""
        if self.form == "shortcut":
            name = self.project if self.host == "gist" else f"{self._owner}/{self.project}"
            return f"{self.host}:{name}{self._hash}"
        if self.form == "https":
            return self.https
        if self.form == "git" and self.host in _WITH_GIT_URL:
            auth = f"{self.auth}@" if self.auth and self.host != "gist" else ""
            return f"git://{auth}{self._place}.git{self._hash}"
        return f"git+ssh://git@{self._place}.git{self._hash}"

    @property
    def _place(self) -> str:
        owner = "" if self.host == "gist" else f"{self._owner}/"
        return f"{_DOMAIN_OF[self.host]}/{owner}{self.project}"

    @property
    def _owner(self) -> str:
        return self.user or "null"  # the word that npm writes

    @property
    def _tree(self) -> str:
        return quote(self.committish, safe="!~*'()")

    @property
    def _hash(self) -> str:
        return f"#{self.committish}" if self.committish else ""


def parse_hosted_git(text: str) -> HostedGit | None:
    """Read an address; None where it is no repository on a host that npm knows (a range, a path, another URL)."""
    if not text:
        return None
    written = f"github:{text}" if _is_shorthand(text) else text
    written = _with_protocol(written)
    parts = _split(written) or _split(_corrected(written))
    if parts is None:
        return None
    if parts.scheme in _DOMAIN_OF:
        return _shortcut(parts)
    hostname = _hostname(parts)
    host, protocols = _DOMAINS.get(hostname.removeprefix("www."), ("", set[str]()))
    if parts.scheme not in protocols:
        return None
    found = _extract(host, parts)
    if found is None:
        return None
    user, project, committish = found
    return HostedGit(
        host=host,
        user=unquote(user) if user else None,
        project=unquote(project),
        committish=unquote(committish),
        auth="" if parts.scheme in {"ssh", "git+ssh"} else parts.netloc.rpartition("@")[0],
        form=_PROTOCOLS[parts.scheme],
    )


def _shortcut(parts: SplitResult) -> HostedGit | None:
    path = parts.path.removeprefix("/")
    path = path.partition("@")[2] if "@" in path else path
    user, _, project = path.rpartition("/")
    return HostedGit(
        host=parts.scheme,
        user=unquote(user) or None,
        project=unquote(project).removesuffix(".git"),
        committish=unquote(parts.fragment),
        auth="",
        form="shortcut",
    )


def _extract(host: str, parts: SplitResult) -> tuple[str | None, str, str] | None:
    pieces = parts.path.split("/")[1:]
    if host == "gitlab":
        *owner, project = pieces or [""]
        page = "/-/" in parts.path[1:] or "/archive.tar.gz" in parts.path[1:]
        pieces, kind = ["/".join(owner), project], "-" if page else ""
    else:
        kind = pieces[2] if len(pieces) > len(_USER_PROJECT) else ""
    user, project = [*pieces, "", ""][:2]
    if host == "gist" and not project:
        user, project = "", user
    project = project.removesuffix(".git")
    if kind in _PAGES[host] or (host == "github" and kind not in {"", "tree"}) or not project:
        return None
    if not user and host != "gist":
        return None
    committish = parts.fragment
    if host == "github" and kind:
        committish = pieces[3] if len(pieces) > len(_USER_PROJECT) + 1 else "undefined"  # the word that npm writes
    return user or None, project, committish


def _is_shorthand(text: str) -> bool:
    """``user/repo``, with anything after ``#``: what npm takes for GitHub."""
    end = text.find("#")
    slash = text.find("/")
    space = re.search(r"\s", text)
    places = (text.find("/", slash + 1), text.find(":"), text.find("@"), space.start() if space else -1)
    return (
        slash > 0
        and all(place == -1 or -1 < end < place for place in places)
        and not text.startswith(".")
        and not (text[:end] if end >= 0 else text).endswith("/")
    )


def _with_protocol(text: str) -> str:
    colon = text.find(":")
    scheme = text[:colon] if colon >= 0 else ""
    if scheme in _PROTOCOLS or scheme in _DOMAIN_OF or (colon >= 0 and text[colon : colon + 3] == "://"):
        return text
    at = text.find("@")
    if at >= 0:
        return f"git+ssh://{text}" if at > colon else text
    return f"{text[: colon + 1]}//{text[colon + 1 :]}"


def _corrected(text: str) -> str:
    """``git@host:user/repo`` with the last colon before ``#`` turned into a slash, and a scheme where there is none."""
    before, hash_, after = text.partition("#")
    if before.rfind(":") > before.rfind("@"):
        colon = before.rfind(":")
        before = f"{before[:colon]}/{before[colon + 1 :]}"
    corrected = before + hash_ + after
    return corrected if ":" in before or "//" in corrected else f"git+ssh://{corrected}"


def _split(text: str) -> SplitResult | None:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return None
    if not parts.scheme or _BAD_HOST.search(parts.netloc.rpartition("@")[2]):
        return None
    return parts


def _hostname(parts: SplitResult) -> str:
    """Lower case for http and https only, as the URL standard has it for its special schemes."""
    host = parts.netloc.rpartition("@")[2].partition(":")[0]
    return host.lower() if parts.scheme in {"http", "https"} else host
