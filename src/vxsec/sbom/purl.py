"""Package URLs of any tool, taken apart; what ``PackageRef`` writes is stricter.

Source: package-url specification, "How to parse a purl string in its components". Read leniently where tools differ (an
unencoded ``@`` in front of an npm scope), because it is compared, never fetched.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from vxsec.model.package import PYPI

__all__ = ["Purl", "identity", "normal_name", "parse_purl"]

_PURL = re.compile(r"pkg:/{0,2}([A-Za-z][A-Za-z0-9.+-]*)/+([^?#\s]+)(?:\?[^#\s]*)?(?:#\S*)?\Z")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_DASHES = re.compile(r"[-_.]+")


@dataclass(frozen=True, slots=True)
class Purl:
    """``name`` has its namespace in front; qualifiers and subpath are left out."""

    type: str
    name: str
    version: str | None


def parse_purl(text: str) -> Purl | None:
    """Take ``text`` apart; None where it is no purl."""
    match = _PURL.match(text)
    if match is None or _BAD_ESCAPE.search(text):
        return None
    kind, path = match[1].lower(), match[2].strip("/")
    front, slash, last = path.rpartition("/")
    name, at, version = last.rpartition("@") if "@" in last[1:] else (last, "", "")
    if not name or (at and not version) or "" in front.split("/")[1:]:
        return None
    return Purl(kind, normal_name(kind, unquote(f"{front}{slash}{name}")), unquote(version) if at else None)


def identity(purl: str | None, name: str, version: str | None) -> tuple[str, str, str | None]:
    """What a component is, in a form in which two documents can be compared: from its purl, else from name and version."""
    parsed = parse_purl(purl) if purl is not None else None
    return ("", name, version) if parsed is None else (parsed.type, parsed.name, parsed.version)


def normal_name(kind: str, name: str) -> str:
    """A name in the form in which names of this purl type are compared (PyPA name normalization for Python)."""
    return _DASHES.sub("-", name).lower() if kind == PYPI else name
