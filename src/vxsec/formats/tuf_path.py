"""Paths of targets: which names a role of the trust repository may speak about, and how a pattern matches one.

A path is made of plain names, so that it is the same file on every system and leads out of no folder.
"""

from __future__ import annotations

import re

__all__ = ["is_role_path", "is_role_pattern", "matches", "role_patterns"]

_NAME = re.compile(r"[A-Za-z0-9_@+][A-Za-z0-9._@+-]{0,127}\Z")
_MAX_DEPTH = 4


def is_role_path(path: str, role: str) -> bool:
    """Whether ``path`` is a plain name, or a few, below the folder of ``role``: letters, digits and ``._@+-``."""
    folder, *names = path.split("/")
    return folder == role and 0 < len(names) < _MAX_DEPTH and all(_NAME.match(name) for name in names)


def is_role_pattern(pattern: str, role: str) -> bool:
    """Whether everything that ``pattern`` matches lies below the folder of ``role``."""
    folder, slash, _ = pattern.partition("/")
    return folder == role and slash == "/" and not set(role) & set("*?[")


def matches(path: str, pattern: str) -> bool:
    """Whether a delegation's pattern covers ``path``: part by part, with shell wildcards (TUF specification, section 4.5)."""
    from fnmatch import fnmatchcase

    names, patterns = path.split("/"), pattern.split("/")
    return len(names) == len(patterns) and all(map(fnmatchcase, names, patterns))


def role_patterns(role: str) -> tuple[str, ...]:
    """The patterns that cover every path of ``role``."""
    return tuple("/".join([role, *["*"] * depth]) for depth in range(1, _MAX_DEPTH))
