"""npm versions, read as npm's own ``semver`` package reads them.

Versions are Semantic Versioning 2.0.0, strictly: no leading ``v``, no white space, no leading zeros. Ranges, which most
commands never need, are in ``vxsec.versions.npm_range``.
"""

from __future__ import annotations

import re
from dataclasses import field
from functools import total_ordering

from vxsec.errors import FormatError
from vxsec.values import dataclass

__all__ = [
    "BUILD",
    "BUILD_IDENTIFIER",
    "FULL",
    "MAX_IDENTIFIER",
    "MAX_LENGTH",
    "NUMBER",
    "PRERELEASE",
    "NpmVersion",
    "is_version",
]

MAX_LENGTH = 256
"""Characters in a version or a range: node-semver's own bound on versions."""
_MAX_COMPONENT = 2**53 - 1
MAX_IDENTIFIER = 250  # node-semver's MAX_SAFE_BUILD_LENGTH
_SHOWN = 80

NUMBER = r"0|[1-9][0-9]*"
_PRE_IDENTIFIER = rf"(?:[0-9]*[a-zA-Z-][a-zA-Z0-9-]{{0,{MAX_IDENTIFIER}}}|{NUMBER})"
PRERELEASE = rf"-({_PRE_IDENTIFIER}(?:\.{_PRE_IDENTIFIER})*)"
BUILD_IDENTIFIER = rf"[a-zA-Z0-9-]{{1,{MAX_IDENTIFIER}}}"
BUILD = rf"\+({BUILD_IDENTIFIER}(?:\.{BUILD_IDENTIFIER})*)"
FULL = rf"({NUMBER})\.({NUMBER})\.({NUMBER})(?:{PRERELEASE})?(?:{BUILD})?"

_RE_VERSION = re.compile(FULL, re.ASCII)
_RE_COMMON = re.compile(r"(?:0|[1-9][0-9]{0,8})(?:\.(?:0|[1-9][0-9]{0,8})){2}", re.ASCII)
"""Nearly every version there is, known as one without being taken apart."""


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
    if _RE_COMMON.fullmatch(text):
        return True
    try:
        NpmVersion.parse(text)
    except FormatError:
        return False
    return True


def _identifiers(text: str | None) -> tuple[str, ...]:
    return tuple(text.split(".")) if text else ()


def _malformed_version(text: str) -> FormatError:
    return FormatError(f"expected a version like 1.2.3, found {text[:_SHOWN]!r}", code="version.malformed")
