"""The detectors of credentials: ``detect-secrets`` asked about short pieces of text, and patterns that it lacks."""

from __future__ import annotations

import importlib
import re
from functools import cache
from typing import TYPE_CHECKING, Protocol, cast

from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["DETECTORS", "LibraryDetector", "PatternDetector", "is_placeholder"]

_AROUND = 256
"""How much of the line before and behind a candidate the library sees, in bytes: a token is told by the host before it."""
_ASKED = 5_000
"""Questions per file; a file made of more candidates is stopped by all of them, not let pass."""
_BASE64 = rb"[A-Za-z0-9+/=]"
_LINE_END = rb"[\"']?,?(?:\\{1,4}[nr]|[\r\n])++[ \t]{0,20}[\"']?"
_KEY_BODY = re.compile(
    rb"%(a)s{40}|%(a)s{16,100}+%(b)s%(a)s{16}|(?:%(a)s{8,100}+%(b)s){4}" % {b"a": _BASE64, b"b": _LINE_END}
)
"""Text of a key, in one line or in short ones; the line ends may be written as in JSON."""
_KEY_REACH = 400
"""A key's text follows its first line within a few headers; in code that only handles keys none follows."""
_WORD = re.compile(rb"[A-Za-z0-9]\Z")
_ESCAPE = re.compile(rb"(?:\\[abefnrtv]|\\[0-7]{1,3}|(?:%|\\x)[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|%u[0-9A-Fa-f]{4})\Z")
_ESCAPE_REACH = 6
"""A letter or digit before a value is none of its word where it ends an escape: ``\\n``, ``%3D``, ``\\x3d``, ``\\u003d``."""
_PLACEHOLDER = re.compile(
    r"""example | changeme | placeholder | redacted | x{4} | \.{3} | \*{3} | [<>{}|\\]  # a word or a mark of documentation
    | %(?:[sv](?![0-9a-z])|\() | \A%\w+%\Z | \A\$+\w+\Z                              # a variable: %s, %NAME%, $NAME
    | \A(?:(?:your|my|the|some|an?|user|db|proxy|npm|auth|access|api|old|new|super|secret)[-_]?){0,4}
      (?:pass(?:word|wd)?|pwd?|token|secret|key|credential)s?(?:[-_]?here)?[0-9]{0,3}\Z  # the name of what stands there
    """,
    re.IGNORECASE | re.VERBOSE,
)
_PLACEHOLDERS = frozenset({"admin", "bar", "dummy", "foo", "root", "test", "user"})


class _Plugin(Protocol):
    def analyze_string(self, string: str) -> Iterator[str]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PatternDetector:
    """A pattern of ours, linear: its group is the value.

    Without a group the value is all that matches, and it must not be the rest of a longer word. ``key_body`` asks for the text
    of a key behind it.
    """

    name: str
    pattern: re.Pattern[bytes]
    key_body: bool = False

    def find(self, data: bytes) -> Iterator[tuple[int, str]]:
        """See ``SecretDetector``."""
        for match in self.pattern.finditer(data):
            value = match[match.re.groups].decode("latin-1")
            place = match.start()
            if is_placeholder(value) or (not match.re.groups and _is_inside_word(data, place)):
                continue
            if not self.key_body or _KEY_BODY.search(data, match.end(), match.end() + _KEY_REACH):
                yield place, value


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryDetector:
    """One plugin of ``detect-secrets``, which judges the line around each match of a pattern that is wider than its own."""

    module: str
    plugin: str
    wider: PatternDetector

    @property
    def name(self) -> str:
        """See ``SecretDetector``."""
        return self.wider.name

    def find(self, data: bytes) -> Iterator[tuple[int, str]]:
        """See ``SecretDetector``."""
        for asked, (place, value) in enumerate(self.wider.find(data)):
            first = max(0, place - _AROUND)
            last = place + len(value) + 2 * _AROUND
            begins = data.rfind(b"\n", first, place) + 1 or first
            ends = data.find(b"\n", place, last)
            if asked >= _ASKED or self._confirms(data[begins : ends if ends >= 0 else last].decode("latin-1")):
                yield place, value

    def _confirms(self, text: str) -> bool:
        try:
            return any(True for _ in _load(self.module, self.plugin).analyze_string(text))
        except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError):
            return True  # a library that stumbles over a candidate has not said that it is none


@cache
def _load(module: str, plugin: str) -> _Plugin:
    found = getattr(importlib.import_module(f"detect_secrets.plugins.{module}"), plugin)
    return cast("_Plugin", found())


def _is_inside_word(data: bytes, place: int) -> bool:
    before = data[max(0, place - _ESCAPE_REACH) : place]
    return _WORD.search(before) is not None and _ESCAPE.search(before) is None


def is_placeholder(value: str) -> bool:
    """Whether a value is one that documentation uses: ``<token>``, ``${TOKEN}``, ``password``, ``AKIAIOSFODNN7EXAMPLE``."""
    return value.lower() in _PLACEHOLDERS or len(set(value)) == 1 or _PLACEHOLDER.search(value) is not None


def _own(name: str, pattern: bytes, *, key_body: bool = False) -> PatternDetector:
    return PatternDetector(name=name, pattern=re.compile(pattern), key_body=key_body)


def _library(name: str, module: str, plugin: str, wider: bytes) -> LibraryDetector:
    return LibraryDetector(module=module, plugin=plugin, wider=_own(name, wider))


DETECTORS: tuple[LibraryDetector | PatternDetector, ...] = (
    _library("artifactory", "artifactory", "ArtifactoryDetector", rb"AKCp[A-Za-z0-9]{40,100}"),
    _library("aws", "aws", "AWSKeyDetector", rb"A(?:3T[A-Z0-9]|BIA|KIA|SIA)[0-9A-Z]{16}(?![A-Za-z0-9])"),
    _library("aws", "aws", "AWSKeyDetector", rb"[\"']([0-9A-Za-z/+]{40})[\"']"),
    _library(
        "azure-storage",
        "azure_storage_key",
        "AzureStorageKeyDetector",
        rb"AccountKey=([A-Za-z0-9+/=]{88})(?![A-Za-z0-9])",
    ),
    _library("basic-auth", "basic_auth", "BasicAuthDetector", rb"://[^\s/:@]{1,100}:([^\s/:@]{1,100})@"),
    _own("basic-auth", rb"://[\w.~!$*%+=-]{1,100}:((?=[^@]{0,99}[A-Za-z0-9])[\w.~!$*%^+=-]{3,100})@[A-Za-z0-9\[]"),
    _library("github", "github_token", "GitHubTokenDetector", rb"gh[oprsu]_[A-Za-z0-9_]{36,100}"),
    _own("github", rb"github_pat_[A-Za-z0-9_]{82}"),
    _library("gitlab", "gitlab_token", "GitLabTokenDetector", rb"(?:gl[a-z]{2,5}-|GR1348941)[A-Za-z0-9_-]{20,200}"),
    _library(
        "jwt",
        "jwt",
        "JwtTokenDetector",
        rb"eyJ(?:(?<![A-Za-z0-9_-]eyJ)|(?<=\\[nrt]eyJ)|(?<=%[0-9A-Fa-f]{2}eyJ)|(?<=\\x[0-9A-Fa-f]{2}eyJ)"
        rb"|(?<=\\u[0-9A-Fa-f]{4}eyJ))[A-Za-z0-9_-]{8,2000}={0,2}\.eyJ[A-Za-z0-9_=-]{4,8000}(?:\.[A-Za-z0-9_=-]{0,1000})?",
    ),
    _own("npm", rb"npm_[A-Za-z0-9]{36}(?![A-Za-z0-9])"),
    _own("npm", rb"/:_(?:authToken|auth|password)[ \t]{0,10}=[ \t]{0,10}\\{0,3}[\"']?([^\s\"'\\]{8,500})"),
    _own(
        "npm",
        rb"_(?:(?<![^\r\n]_)|(?<=\\[nr]_)|(?<=\xef\xbb\xbf_))(?:authToken|auth|password)[ \t]{0,10}=[ \t]{0,10}\\{0,3}[\"']?"
        rb"((?=[A-Za-z+/=._~%-]{0,499}[0-9])[A-Za-z0-9+/=._~%-]{12,500})[\"']?[ \t]{0,10}(?:[\r\n\"'`\\]|\Z)",
    ),
    _library("openai", "openai", "OpenAIDetector", rb"sk-[A-Za-z0-9_-]{20,200}T3BlbkFJ[A-Za-z0-9]{20}"),
    _own("private-key", rb"-----BEGIN ((?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY)(?: BLOCK)?-----", key_body=True),
    _own("private-key", rb"PuTTY-User-Key-File-[0-9]", key_body=True),
    _library("pypi", "pypi_token", "PypiTokenDetector", rb"pypi-Ag[A-Za-z0-9_-]{80,300}"),
    _library("sendgrid", "sendgrid", "SendGridDetector", rb"SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"),
    _library("slack", "slack", "SlackDetector", rb"xox[abopsr]-[0-9A-Za-z-]{10,200}"),
    _library("slack", "slack", "SlackDetector", rb"https://hooks\.slack\.com/services/(T[0-9A-Za-z_/]{10,200})"),
    _library("stripe", "stripe", "StripeDetector", rb"[rs]k_live_[0-9A-Za-z]{24}"),
)
"""Ordered by name. No pattern repeats without a bound but where what follows cannot be what repeats."""
