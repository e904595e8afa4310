"""Addresses without what opens them: text that is shown or kept never holds a URL's user, password or query."""

from __future__ import annotations

import re

__all__ = ["HIDDEN", "redact_urls"]

HIDDEN = "***"
_WORD = re.compile(r"\S++")
_PART = re.compile(r"([/\\]*+)([^/\\?#]++)")
"""Where an address is cut: after slashes of either kind, ``?`` and ``#``. Possessive, so that no text costs more than once."""
_QUERY = re.compile(r"\?[^#]++")
_NO_PASSWORD = frozenset({"", "git"})
_ALIASES = ("npm:", "workspace:")
_SLASHES = 2
_SCP_HOST = re.compile(r"(?:[^:.]*+\.[^:]*+|github|gitlab|bitbucket|gist|sourcehut):", re.IGNORECASE)
"""Behind ``user@``, as git and the shortcuts of npm write it."""


def redact_urls(text: str) -> str:
    """``text`` with ``***`` for the user information and the query of every URL in it, in time linear in ``text``.

    Read as the widest reader would (WHATWG URL): ``https:user:password@host``, backslashes for slashes,
    ``user:password@host`` and ``token@host.example:path`` are found, too. Other text stays letter for letter:
    ``@scope/name``, ``name@1.0.0``, ``npm:name@^1`` and the ``git@`` of git's own addresses. Call it before a text is cut: a
    password whose ``@`` was cut off is not seen.
    """
    return _WORD.sub(_without_secrets, text) if "@" in text or "?" in text else text


def _without_secrets(word: re.Match[str]) -> str:
    text = word[0]
    if ":" not in text and not text.startswith(("//", "\\\\")):
        return text
    return _QUERY.sub(f"?{HIDDEN}", _PART.sub(_without_user, text))


def _without_user(part: re.Match[str]) -> str:
    slashes, text = part[1], part[2]
    before, at, host = text.rpartition("@")
    if not at or (not slashes and text.lower().lstrip("\"'(").startswith(_ALIASES)):
        return part[0]
    scheme, colon, user = before.partition(":") if not slashes else ("", "", before)
    if slashes:
        known = len(slashes) >= _SLASHES or ":" in before or part.string[part.start() - 1 : part.start()] == ":"
    else:
        known = bool(colon)
        if not known and _SCP_HOST.match(host):
            known, user, scheme = True, before, ""
    if not known or user.lower() in _NO_PASSWORD:
        return part[0]
    return f"{slashes}{scheme}{colon}{HIDDEN}@{host}"
