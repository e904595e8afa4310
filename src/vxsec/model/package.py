"""What a package is called, and what its own manifest says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from vxsec.errors import FormatError

__all__ = ["Manifest", "PackageRef", "is_npm_name"]

_NAME = re.compile(r"(?:@[A-Za-z0-9~_.!'()*-]+/)?[A-Za-z0-9~_.!'()*-]+\Z")
_MAX_NAME = 214


def is_npm_name(name: str) -> bool:
    """Whether ``name`` can be an npm package name (validate-npm-package-name, the rules for old packages)."""
    if not _NAME.match(name) or len(name) > _MAX_NAME:
        return False
    scope, _, bare = name.rpartition("/")
    return (
        not bare.startswith((".", "_"))
        and not scope.startswith(("@.", "@_"))
        and bare not in {"node_modules", "favicon.ico"}
    )


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class PackageRef:
    """One version of one npm package."""

    name: str
    version: str

    @property
    def purl(self) -> str:
        """The package URL (purl specification, type npm): the scope is the percent-encoded namespace."""
        from urllib.parse import quote  # 4 ms, and most commands never write a purl

        scope, slash, bare = self.name.rpartition("/")
        prefix = quote(scope, safe="") + slash
        return f"pkg:npm/{prefix}{quote(bare, safe='')}@{quote(self.version, safe='')}"

    @classmethod
    def parse_purl(cls, purl: str) -> PackageRef:
        """Read back what :attr:`purl` writes.

        Raises:
            FormatError: ``purl.malformed``.
        """
        from urllib.parse import unquote

        body = purl.removeprefix("pkg:npm/")
        path, at, version = body.rpartition("@")
        ref = cls(name=unquote(path), version=unquote(version))
        if body == purl or not at or not is_npm_name(ref.name) or ref.purl != purl:
            raise FormatError(f"expected pkg:npm/NAME@VERSION, found {purl[:120]!r}", code="purl.malformed")
        return ref

    @classmethod
    def parse(cls, text: str) -> PackageRef:
        """Read ``NAME@VERSION``; the version is not judged here.

        Raises:
            FormatError: ``package.malformed``.
        """
        name, at, version = text.rpartition("@")
        if not at or not version or not is_npm_name(name):
            raise FormatError(f"expected NAME@VERSION, found {text[:120]!r}", code="package.malformed")
        return cls(name=name, version=version)

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A ``package.json`` as read from inside a tarball: the parsed document and its name and version."""

    package: PackageRef
    document: Mapping[str, object]

    def strings(self, field: str) -> dict[str, str]:
        """The string-to-string entries of a mapping field (``scripts``, ``dependencies`` …), others left out."""
        value = self.document.get(field)
        if not isinstance(value, Mapping):
            return {}
        return {str(key): item for key, item in value.items() if isinstance(item, str)}
