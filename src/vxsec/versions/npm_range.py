"""npm version ranges, read as npm's own ``semver`` package reads them.

Ranges follow node-semver 7 without ``loose``, and without ``includePrerelease`` unless asked: that is how npm installs, and
how ``npm audit`` looks for vulnerable versions. The steps of a range keep the order of node-semver's ``classes/range.js``,
because the order is what decides odd ranges.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from vxsec.errors import FormatError
from vxsec.values import dataclass
from vxsec.versions.npm import BUILD, BUILD_IDENTIFIER, FULL, MAX_IDENTIFIER, MAX_LENGTH, NUMBER, PRERELEASE, NpmVersion

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["is_range", "satisfies"]

_SHOWN = 80

_X = rf"({NUMBER}|x|X|\*)"
_X_RANGE = rf"[v=\s]*{_X}(?:\.{_X}(?:\.{_X}(?:{PRERELEASE})?(?:{BUILD})?)?)?"
_LOOSE_PRE_IDENTIFIER = rf"(?:[0-9]*[a-zA-Z-][a-zA-Z0-9-]{{0,{MAX_IDENTIFIER}}}|[0-9]+)"
_LOOSE = (
    rf"[v=\s]*[0-9]+\.[0-9]+\.[0-9]+(?:-?{_LOOSE_PRE_IDENTIFIER}(?:\.{_LOOSE_PRE_IDENTIFIER})*)?"
    rf"(?:\+{BUILD_IDENTIFIER}(?:\.{BUILD_IDENTIFIER})*)?"
)
_OPERATOR = r"((?:<|>)?=?)"

# Compiled when first needed: that takes longer than loading everything else that reads a lockfile.
_SPACE = r"\s+"
_BUILD = r"\+[a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)*"
_HYPHEN = rf"\s?({_X_RANGE})\s-\s({_X_RANGE})\s?"
_TRIM_COMPARATOR = rf"(\s?){_OPERATOR}\s?({_LOOSE}|{_X_RANGE})"
_TRIM_TILDE = r"(\s?)~>?\s"
_TRIM_CARET = r"(\s?)\^\s"
_CARET = rf"\^{_X_RANGE}"
_TILDE = rf"~>?{_X_RANGE}"
_ANY_X_RANGE = rf"{_OPERATOR}\s?{_X_RANGE}"
_STAR = r"[<>]?=?\s?\*"
_COMPARATOR = rf"{_OPERATOR}\s?v?({FULL})"

_COMMON_WORD = r"(?:[\^~]|[<>]=?|=)?(?:0|[1-9][0-9]{0,8})(?:\.(?:0|[1-9][0-9]{0,8})){0,2}"
_COMMON = rf"{_COMMON_WORD}(?: {_COMMON_WORD})*"
_RE_COMMON = re.compile(rf"{_COMMON}(?: ?\|\| ?{_COMMON})*", re.ASCII)
"""What nearly every manifest states, known as a range without taking it apart."""

_NOTHING = "<0.0.0-0"  # no version is lower than 0.0.0-0


def is_range(text: str) -> bool:
    """Whether ``text`` is a version range; tags, URLs, ``npm:`` and ``workspace:`` forms are not."""
    if len(text) <= MAX_LENGTH and _RE_COMMON.fullmatch(text):
        return True
    try:
        _parse_range(text, False)
    except FormatError:
        return False
    return True


def satisfies(version: str, range_: str, *, include_prerelease: bool = False) -> bool:
    """Whether npm would install ``version`` for ``range_`` (node-semver README, "Ranges").

    A pre-release satisfies only where a comparator of the same major.minor.patch has a pre-release too, unless
    ``include_prerelease`` is set (node-semver's ``includePrerelease``): then it is a version like any other.

    Raises:
        FormatError: ``version.malformed`` or ``range.malformed``. A range with characters outside ASCII is malformed.
    """
    parsed = NpmVersion.parse(version)
    alternatives = _parse_range(range_, include_prerelease)
    return any(alternative.admits(parsed, include_prerelease) for alternative in alternatives)


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

    def admits(self, version: NpmVersion, include_prerelease: bool) -> bool:
        if not all(comparator.admits(version) for comparator in self.comparators):
            return False
        return (include_prerelease or not version.is_prerelease) or any(
            comparator.version.is_prerelease and comparator.version.triple == version.triple
            for comparator in self.comparators
        )


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII)


@lru_cache(maxsize=4096)
def _parse_range(text: str, pre: bool) -> tuple[_Alternative, ...]:
    if len(text) > MAX_LENGTH or not text.isascii():
        raise _malformed_range(text)
    collapsed = _compiled(_SPACE).sub(" ", text).strip(" ")
    alternatives = tuple(_parse_alternative(part.strip(" "), text, pre) for part in collapsed.split("||"))
    # One alternative that admits every release makes the whole range exactly that (classes/range.js, constructor).
    return next(((item,) for item in alternatives if not item.comparators), alternatives)


def _parse_alternative(part: str, text: str, pre: bool) -> _Alternative:
    part = _compiled(_BUILD).sub("", part)
    hyphen = _compiled(_HYPHEN).fullmatch(part)
    if hyphen:
        part = _desugar_hyphen(hyphen, pre)
    part = _compiled(_TRIM_COMPARATOR).sub(r"\1\2\3", part)
    part = _compiled(_TRIM_TILDE).sub(r"\1~", part)
    part = _compiled(_TRIM_CARET).sub(r"\1^", part)
    pieces = [piece for word in part.split(" ") for piece in _desugar(word, pre).split(" ")]
    return _Alternative(comparators=tuple(_parse_comparators(pieces, text, pre)))


def _parse_comparators(pieces: list[str], text: str, pre: bool) -> Iterator[_Comparator]:
    lowest = ">=0.0.0-0" if pre else ">=0.0.0"  # npm reads the lowest version there is as "any"
    for piece in pieces:
        if piece in {"", lowest}:
            continue
        match = _compiled(_COMPARATOR).fullmatch(piece)
        if match is None:
            raise _malformed_range(text)
        try:
            yield _Comparator(operator=match[1], version=NpmVersion.parse(match[2]))
        except FormatError as error:
            raise _malformed_range(text) from error


def _desugar(word: str, pre: bool) -> str:
    """One word of a range as plain comparators separated by spaces."""
    if match := _compiled(_CARET).fullmatch(word):
        return _desugar_caret(*match.group(1, 2, 3, 4), pre=pre)
    if match := _compiled(_TILDE).fullmatch(word):
        return _desugar_tilde(*match.group(1, 2, 3, 4))
    if match := _compiled(_ANY_X_RANGE).fullmatch(word):
        word = _desugar_x_range(word, *match.group(1, 2, 3, 4), pre=pre)
    return _compiled(_STAR).sub("", word, count=1)


def _is_x(component: str | None) -> bool:
    return component in {None, "", "x", "X", "*"}


def _next(component: str) -> int:
    return int(component) + 1


def _lowest(pre: bool) -> str:
    """What is written behind a version to mean it and all its pre-releases."""
    return "-0" if pre else ""


def _desugar_caret(major: str, minor: str, patch: str, prerelease: str | None, *, pre: bool) -> str:
    if _is_x(major):
        return ""
    if _is_x(minor):
        return f">={major}.0.0{_lowest(pre)} <{_next(major)}.0.0-0"
    if _is_x(patch):
        upper = f"{major}.{_next(minor)}.0-0" if major == "0" else f"{_next(major)}.0.0-0"
        return f">={major}.{minor}.0{_lowest(pre)} <{upper}"
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


def _desugar_x_range(word: str, operator: str, major: str, minor: str, patch: str, *, pre: bool) -> str:
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
        ">": f">={upper}{_lowest(pre)}",
        ">=": f">={lower}{_lowest(pre)}",
    }.get(operator, f">={lower}{_lowest(pre)} <{upper}-0")


def _desugar_hyphen(match: re.Match[str], pre: bool) -> str:
    lower, low_major, low_minor, low_patch, low_prerelease = match.group(1, 2, 3, 4, 5)
    upper, major, minor, patch, prerelease = match.group(7, 8, 9, 10, 11)
    if _is_x(low_major):
        lower = ""
    elif _is_x(low_minor):
        lower = f">={low_major}.0.0{_lowest(pre)}"
    elif _is_x(low_patch):
        lower = f">={low_major}.{low_minor}.0{_lowest(pre)}"
    else:
        lower = f">={lower}" if low_prerelease else f">={lower}{_lowest(pre)}"
    if _is_x(major):
        upper = ""
    elif _is_x(minor):
        upper = f"<{_next(major)}.0.0-0"
    elif _is_x(patch):
        upper = f"<{major}.{_next(minor)}.0-0"
    elif prerelease:
        upper = f"<={major}.{minor}.{patch}-{prerelease}"
    elif pre:
        upper = f"<{major}.{minor}.{_next(patch)}-0"
    else:
        upper = f"<={upper}"
    return f"{lower} {upper}".strip(" ")


def _dash(prerelease: str | None) -> str:
    return f"-{prerelease}" if prerelease else ""


def _malformed_range(text: str) -> FormatError:
    return FormatError(f"expected a version range like ^1.2.3, found {text[:_SHOWN]!r}", code="range.malformed")
