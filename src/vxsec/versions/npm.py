"""npm versions and ranges, read as npm's own ``semver`` package reads them.

Versions are Semantic Versioning 2.0.0, strictly: no leading ``v``, no white space, no leading zeros. Ranges follow
node-semver 7 without ``loose`` and without ``includePrerelease``, which is how npm installs. The steps of a range keep
the order of node-semver's ``classes/range.js``, because the order is what decides odd ranges.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache, total_ordering
from typing import TYPE_CHECKING

from vxsec.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["MAX_LENGTH", "NpmVersion", "is_range", "is_version", "satisfies"]

MAX_LENGTH = 256
"""Characters in a version or a range: node-semver's own bound on versions."""
_MAX_COMPONENT = 2**53 - 1
_MAX_IDENTIFIER = 250  # node-semver's MAX_SAFE_BUILD_LENGTH
_SHOWN = 80

_NUMBER = r"0|[1-9][0-9]*"
_PRE_IDENTIFIER = rf"(?:[0-9]*[a-zA-Z-][a-zA-Z0-9-]{{0,{_MAX_IDENTIFIER}}}|{_NUMBER})"
_PRERELEASE = rf"-({_PRE_IDENTIFIER}(?:\.{_PRE_IDENTIFIER})*)"
_BUILD_IDENTIFIER = rf"[a-zA-Z0-9-]{{1,{_MAX_IDENTIFIER}}}"
_BUILD = rf"\+({_BUILD_IDENTIFIER}(?:\.{_BUILD_IDENTIFIER})*)"
_FULL = rf"({_NUMBER})\.({_NUMBER})\.({_NUMBER})(?:{_PRERELEASE})?(?:{_BUILD})?"
_X = rf"({_NUMBER}|x|X|\*)"
_X_RANGE = rf"[v=\s]*{_X}(?:\.{_X}(?:\.{_X}(?:{_PRERELEASE})?(?:{_BUILD})?)?)?"
_LOOSE_PRE_IDENTIFIER = rf"(?:[0-9]*[a-zA-Z-][a-zA-Z0-9-]{{0,{_MAX_IDENTIFIER}}}|[0-9]+)"
_LOOSE = (
    rf"[v=\s]*[0-9]+\.[0-9]+\.[0-9]+(?:-?{_LOOSE_PRE_IDENTIFIER}(?:\.{_LOOSE_PRE_IDENTIFIER})*)?"
    rf"(?:\+{_BUILD_IDENTIFIER}(?:\.{_BUILD_IDENTIFIER})*)?"
)
_OPERATOR = r"((?:<|>)?=?)"

_RE_VERSION = re.compile(_FULL, re.ASCII)
_RE_SPACE = re.compile(r"\s+", re.ASCII)
_RE_BUILD = re.compile(r"\+[a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)*", re.ASCII)
_RE_HYPHEN = re.compile(rf"\s?({_X_RANGE})\s-\s({_X_RANGE})\s?", re.ASCII)
_RE_TRIM_COMPARATOR = re.compile(rf"(\s?){_OPERATOR}\s?({_LOOSE}|{_X_RANGE})", re.ASCII)
_RE_TRIM_TILDE = re.compile(r"(\s?)~>?\s", re.ASCII)
_RE_TRIM_CARET = re.compile(r"(\s?)\^\s", re.ASCII)
_RE_CARET = re.compile(rf"\^{_X_RANGE}", re.ASCII)
_RE_TILDE = re.compile(rf"~>?{_X_RANGE}", re.ASCII)
_RE_X_RANGE = re.compile(rf"{_OPERATOR}\s?{_X_RANGE}", re.ASCII)
_RE_STAR = re.compile(r"[<>]?=?\s?\*", re.ASCII)
_RE_COMPARATOR = re.compile(rf"{_OPERATOR}\s?v?({_FULL})", re.ASCII)

_NOTHING = "<0.0.0-0"  # no version is lower than 0.0.0-0


@total_ordering
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NpmVersion:
    """One version. Order and equality are precedence (SemVer 2.0.0 section 11): build metadata does not count.

    Numeric pre-release identifiers compare as whole numbers, also above 2**53, where node-semver rounds.
    """

    major: int
    minor: int
    patch: int
    prerelease: tuple[str, ...] = ()
    build: tuple[str, ...] = field(default=())

    @classmethod
    def parse(cls, text: str) -> NpmVersion:
        """Parse ``text`` strictly (SemVer 2.0.0 section 2, 9, 10; length and component bounds of node-semver).

        Raises:
            FormatError: ``version.malformed``.
        """
        match = _RE_VERSION.fullmatch(text) if len(text) <= MAX_LENGTH else None
        if match is None:
            raise _malformed_version(text)
        major, minor, patch = int(match[1]), int(match[2]), int(match[3])
        if max(major, minor, patch) > _MAX_COMPONENT:
            raise _malformed_version(text)
        return cls(
            major=major, minor=minor, patch=patch, prerelease=_identifiers(match[4]), build=_identifiers(match[5])
        )

    @property
    def is_prerelease(self) -> bool:
        """Whether it has a pre-release part."""
        return bool(self.prerelease)

    @property
    def triple(self) -> tuple[int, int, int]:
        """Major, minor, patch."""
        return (self.major, self.minor, self.patch)

    def __str__(self) -> str:
        text = f"{self.major}.{self.minor}.{self.patch}"
        text += f"-{'.'.join(self.prerelease)}" if self.prerelease else ""
        return text + (f"+{'.'.join(self.build)}" if self.build else "")

    def __eq__(self, other: object) -> bool:
        return self._key() == other._key() if isinstance(other, NpmVersion) else NotImplemented

    def __lt__(self, other: object) -> bool:
        return self._key() < other._key() if isinstance(other, NpmVersion) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[int, int, int, bool, tuple[tuple[int, int, str], ...]]:
        identifiers = tuple((0, int(word), "") if word.isdigit() else (1, 0, word) for word in self.prerelease)
        return (*self.triple, not identifiers, identifiers)


def is_version(text: str) -> bool:
    """Whether ``text`` is a version as :meth:`NpmVersion.parse` reads it."""
    try:
        NpmVersion.parse(text)
    except FormatError:
        return False
    return True


def is_range(text: str) -> bool:
    """Whether ``text`` is a version range; tags, URLs, ``npm:`` and ``workspace:`` forms are not."""
    try:
        _parse_range(text)
    except FormatError:
        return False
    return True


def satisfies(version: str, range_: str) -> bool:
    """Whether npm would install ``version`` for ``range_`` (node-semver README, "Ranges").

    A pre-release satisfies only where a comparator of the same major.minor.patch has a pre-release too.

    Raises:
        FormatError: ``version.malformed`` or ``range.malformed``. A range with characters outside ASCII is malformed.
    """
    parsed = NpmVersion.parse(version)
    return any(alternative.admits(parsed) for alternative in _parse_range(range_))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Comparator:
    operator: str
    version: NpmVersion

    def admits(self, version: NpmVersion) -> bool:
        match self.operator:
            case "<":
                return version < self.version
            case "<=":
                return version <= self.version
            case ">":
                return version > self.version
            case ">=":
                return version >= self.version
            case _:
                return version == self.version


@dataclass(frozen=True, slots=True, kw_only=True)
class _Alternative:
    """Comparators that all must hold; none means any release."""

    comparators: tuple[_Comparator, ...]

    def admits(self, version: NpmVersion) -> bool:
        if not all(comparator.admits(version) for comparator in self.comparators):
            return False
        return not version.is_prerelease or any(
            comparator.version.is_prerelease and comparator.version.triple == version.triple
            for comparator in self.comparators
        )


@lru_cache(maxsize=4096)
def _parse_range(text: str) -> tuple[_Alternative, ...]:
    if len(text) > MAX_LENGTH or not text.isascii():
        raise _malformed_range(text)
    collapsed = _RE_SPACE.sub(" ", text).strip(" ")
    alternatives = tuple(_parse_alternative(part.strip(" "), text) for part in collapsed.split("||"))
    # One alternative that admits every release makes the whole range exactly that (classes/range.js, constructor).
    return next(((item,) for item in alternatives if not item.comparators), alternatives)


def _parse_alternative(part: str, text: str) -> _Alternative:
    part = _RE_BUILD.sub("", part)
    hyphen = _RE_HYPHEN.fullmatch(part)
    if hyphen:
        part = _desugar_hyphen(hyphen)
    part = _RE_TRIM_COMPARATOR.sub(r"\1\2\3", part)
    part = _RE_TRIM_TILDE.sub(r"\1~", part)
    part = _RE_TRIM_CARET.sub(r"\1^", part)
    pieces = [piece for word in part.split(" ") for piece in _desugar(word).split(" ")]
    return _Alternative(comparators=tuple(_parse_comparators(pieces, text)))


def _parse_comparators(pieces: list[str], text: str) -> Iterator[_Comparator]:
    for piece in pieces:
        if piece in {"", ">=0.0.0"}:  # npm reads >=0.0.0 as "any"
            continue
        match = _RE_COMPARATOR.fullmatch(piece)
        if match is None:
            raise _malformed_range(text)
        try:
            yield _Comparator(operator=match[1], version=NpmVersion.parse(match[2]))
        except FormatError as error:
            raise _malformed_range(text) from error


def _desugar(word: str) -> str:
    """One word of a range as plain comparators separated by spaces."""
    if match := _RE_CARET.fullmatch(word):
        return _desugar_caret(*match.group(1, 2, 3, 4))
    if match := _RE_TILDE.fullmatch(word):
        return _desugar_tilde(*match.group(1, 2, 3, 4))
    if match := _RE_X_RANGE.fullmatch(word):
        word = _desugar_x_range(word, *match.group(1, 2, 3, 4))
    return _RE_STAR.sub("", word, count=1)


def _is_x(component: str | None) -> bool:
    return component in {None, "", "x", "X", "*"}


def _next(component: str) -> int:
    return int(component) + 1


def _desugar_caret(major: str, minor: str, patch: str, prerelease: str | None) -> str:
    if _is_x(major):
        return ""
    if _is_x(minor):
        return f">={major}.0.0 <{_next(major)}.0.0-0"
    if _is_x(patch):
        upper = f"{major}.{_next(minor)}.0-0" if major == "0" else f"{_next(major)}.0.0-0"
        return f">={major}.{minor}.0 <{upper}"
    if major != "0":
        upper = f"{_next(major)}.0.0-0"
    elif minor != "0":
        upper = f"{major}.{_next(minor)}.0-0"
    else:
        upper = f"{major}.{minor}.{_next(patch)}-0"
    return f">={major}.{minor}.{patch}{_dash(prerelease)} <{upper}"


def _desugar_tilde(major: str, minor: str, patch: str, prerelease: str | None) -> str:
    if _is_x(major):
        return ""
    if _is_x(minor):
        return f">={major}.0.0 <{_next(major)}.0.0-0"
    lower = f"{major}.{minor}.0" if _is_x(patch) else f"{major}.{minor}.{patch}{_dash(prerelease)}"
    return f">={lower} <{major}.{_next(minor)}.0-0"


def _desugar_x_range(word: str, operator: str, major: str, minor: str, patch: str) -> str:
    out_of_order = (_is_x(major) and not _is_x(minor)) or (_is_x(minor) and bool(patch) and not _is_x(patch))
    if out_of_order or not (_is_x(major) or _is_x(minor) or _is_x(patch)):
        return word
    if _is_x(major):
        return _NOTHING if operator in {"<", ">"} else "*"
    whole_major = _is_x(minor)
    lower = f"{major}.0.0" if whole_major else f"{major}.{minor}.0"
    upper = f"{_next(major)}.0.0" if whole_major else f"{major}.{_next(minor)}.0"
    return {
        "<": f"<{lower}-0",
        "<=": f"<{upper}-0",
        ">": f">={upper}",
        ">=": f">={lower}",
    }.get(operator, f">={lower} <{upper}-0")


def _desugar_hyphen(match: re.Match[str]) -> str:
    lower, low_major, low_minor, low_patch = match.group(1, 2, 3, 4)
    upper, major, minor, patch, prerelease = match.group(7, 8, 9, 10, 11)
    if _is_x(low_major):
        lower = ""
    elif _is_x(low_minor):
        lower = f">={low_major}.0.0"
    elif _is_x(low_patch):
        lower = f">={low_major}.{low_minor}.0"
    else:
        lower = f">={lower}"
    if _is_x(major):
        upper = ""
    elif _is_x(minor):
        upper = f"<{_next(major)}.0.0-0"
    elif _is_x(patch):
        upper = f"<{major}.{_next(minor)}.0-0"
    elif prerelease:
        upper = f"<={major}.{minor}.{patch}-{prerelease}"
    else:
        upper = f"<={upper}"
    return f"{lower} {upper}".strip(" ")


def _dash(prerelease: str | None) -> str:
    return f"-{prerelease}" if prerelease else ""


def _identifiers(text: str | None) -> tuple[str, ...]:
    return tuple(text.split(".")) if text else ()


def _malformed_version(text: str) -> FormatError:
    return FormatError(f"expected a version like 1.2.3, found {text[:_SHOWN]!r}", code="version.malformed")


def _malformed_range(text: str) -> FormatError:
    return FormatError(f"expected a version range like ^1.2.3, found {text[:_SHOWN]!r}", code="range.malformed")
