"""The order of Semantic Versioning for the bounds that advisories state, which are written more loosely than versions.

Bounds are written by people: with a leading ``v``, with one component or five. They are ordered as OSV's own tools order
them: missing components are zero, and numbers after the third do not count, nor does build metadata.
"""

from __future__ import annotations

import re
from functools import lru_cache

from vxsec.errors import FormatError

__all__ = ["SemverKey", "semver_key"]

SemverKey = tuple[int, int, int, bool, tuple[tuple[int, int, str], ...]]
"""Compares as precedence does (SemVer 2.0.0 section 11)."""

_MAX_LENGTH = 256
_SHOWN = 80
_BOUND = re.compile(
    r"v?([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?(?:\.[0-9]+)*(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]*)?",
    re.ASCII,
)


@lru_cache(maxsize=16384)
def semver_key(text: str) -> SemverKey:
    """The place of ``text`` in the order; equal keys are one version.

    Raises:
        FormatError: ``version.malformed``.
    """
    match = _BOUND.fullmatch(text) if len(text) <= _MAX_LENGTH else None
    if match is None:
        raise FormatError(f"expected a version like 1.2.3, found {text[:_SHOWN]!r}", code="version.malformed")
    major, minor, patch, prerelease = match.groups()
    identifiers = tuple(
        (0, int(word), "") if word.isdigit() else (1, 0, word) for word in (prerelease.split(".") if prerelease else ())
    )
    return (int(major), int(minor or 0), int(patch or 0), not identifiers, identifiers)
