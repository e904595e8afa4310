"""The licence that Python metadata states, in the most exact of the three ways it can.

``License-Expression`` is an SPDX expression (PEP 639). Before it there were a free text and the trove classifiers, of which
some name exactly one SPDX licence and some do not ("BSD License", "Apache Software License": no version). What is not exact
is handed on as the text it is, so that a policy can refuse it or name it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["stated_license"]

_PREFIX = "License ::"
_EXACT = {
    "BSD Zero Clause License (0BSD)": "0BSD",
    "GNU Affero General Public License v3": "AGPL-3.0-only",
    "GNU Affero General Public License v3 or later (AGPLv3+)": "AGPL-3.0-or-later",
    "GNU General Public License v2 (GPLv2)": "GPL-2.0-only",
    "GNU General Public License v2 or later (GPLv2+)": "GPL-2.0-or-later",
    "GNU General Public License v3 (GPLv3)": "GPL-3.0-only",
    "GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
    "GNU Lesser General Public License v2 (LGPLv2)": "LGPL-2.0-only",
    "GNU Lesser General Public License v2 or later (LGPLv2+)": "LGPL-2.0-or-later",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "MIT No Attribution License (MIT-0)": "MIT-0",
    "Mozilla Public License 1.1 (MPL 1.1)": "MPL-1.1",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
    "Universal Permissive License (UPL)": "UPL-1.0",
    "zlib/libpng License": "Zlib",
}
"""Classifiers that mean one SPDX licence and no other."""
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*-[0-9]+(?:\.[0-9]+)*(?:-Clause|-only|-or-later)?\Z")
_KNOWN = frozenset(_EXACT.values()) | {"PSF-2.0", "Zlib", "CC0-1.0", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0"}
_NOTHING = frozenset({"", "unknown", "none", "null", "n/a"})
_LONGEST = 120
"""Some put the whole licence into the field; a text is a name only where it is short."""


def stated_license(expression: str | None, text: str | None, classifiers: Sequence[str]) -> str | None:
    """The licence as an SPDX expression where one is stated exactly, else the text as found; None where nothing is stated.

    Args:
        expression: ``License-Expression``.
        text: ``License``.
        classifiers: Every trove classifier, licences or not.
    """
    if expression is not None and expression.strip():
        return expression.strip()
    named = _name(text)
    stated = [item.rpartition("::")[2].strip() for item in classifiers if item.startswith(_PREFIX)]
    exact = sorted({_EXACT[item] for item in stated if item in _EXACT})
    if named is not None and (named in _KNOWN or _IDENTIFIER.match(named)):
        return named
    if len(exact) == 1 and len(stated) == 1:
        return exact[0]
    return named or (", ".join(stated)[:_LONGEST] or None)


def _name(text: str | None) -> str | None:
    name = (text or "").strip()
    return name if name.lower() not in _NOTHING and len(name) <= _LONGEST and "\n" not in name else None
