"""Whether the licence a package states is an SPDX expression, without loading the licence list for the usual ones."""

from __future__ import annotations

import re
from functools import lru_cache

from vxsec.formats.cyclonedx_writer import COMMON_LICENSES
from vxsec.formats.spdx_license import is_license_expression

__all__ = ["is_expression"]

_FLAT = re.compile(r"\(([^()]*)\)\Z|([^()]*)\Z")
_OPERATOR = re.compile(r" (?:AND|OR) ")


@lru_cache(maxsize=4096)
def is_expression(text: str) -> bool:
    """Whether ``text`` is a valid SPDX licence expression (SPDX specification 2.3, annex D).

    The library that knows the whole list costs 50 ms, so ``MIT`` and ``(MIT OR CC0-1.0)`` are known without it.
    """
    flat = _FLAT.match(text)
    if flat is not None and COMMON_LICENSES.issuperset(_OPERATOR.split(flat[1] or flat[2] or "")):
        return True
    try:
        return is_license_expression(text)
    except (AssertionError, LookupError):  # the parser's own defects, for nonsense such as "()"
        return False
