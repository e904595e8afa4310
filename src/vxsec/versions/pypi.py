"""Python versions and project names, as PyPA specifies them; versions are compared by the ``packaging`` library.

Older projects have versions that the specification does not define (``0.1-bulbasaur``). They have no order: they are equal
to themselves, and to nothing else.
"""

from __future__ import annotations

import re
from functools import lru_cache

from packaging.version import InvalidVersion, Version

from vxsec.errors import FormatError

__all__ = ["Version", "is_version", "normalise_name", "parse_version", "without_local"]

_MAX_LENGTH = 256
_SHOWN = 80
_SEPARATORS = re.compile(r"[-_.]+")
_UPPER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


def normalise_name(name: str) -> str:
    """The normal form of a project name (PyPA "Names and normalization", once PEP 503): lower case, single hyphens.

    Letters outside ASCII stay as they are: no project has them, and folding would make a look-alike the real thing.
    """
    return _SEPARATORS.sub("-", name).translate(_UPPER)


@lru_cache(maxsize=8192)
def parse_version(text: str) -> Version:
    """Read one version (PyPA "Version specifiers", once PEP 440), in normal form or not.

    Raises:
        FormatError: ``version.malformed``.
    """
    if len(text) > _MAX_LENGTH or not text.isascii():
        raise _malformed(text)
    try:
        return Version(text)
    except InvalidVersion as error:
        raise _malformed(text) from error


def is_version(text: str) -> bool:
    """Whether ``text`` is a version as :func:`parse_version` reads it."""
    try:
        parse_version(text)
    except FormatError:
        return False
    return True


def without_local(version: Version) -> Version:
    """The public part: ``2.1.0`` of ``2.1.0+cu118``, of which the local part says who built it."""
    return parse_version(version.public) if version.local is not None else version


def _malformed(text: str) -> FormatError:
    return FormatError(f"expected a version like 1.2.3, found {text[:_SHOWN]!r}", code="version.malformed")
