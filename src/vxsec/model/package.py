"""What a package is called, and what its own manifest says."""

from __future__ import annotations

import re
from collections.abc import Mapping

from vxsec.errors import FormatError
from vxsec.values import dataclass

__all__ = ["NPM", "PYPI", "Manifest", "PackageRef", "is_npm_name", "is_pypi_name"]

NPM = "npm"
PYPI = "pypi"
"""Ecosystems as policies and purls write them (purl types)."""

_NAME = re.compile(r"(?:@[A-Za-z0-9~_.!'()*-]+/)?[A-Za-z0-9~_.!'()*-]+\Z")
_MAX_NAME = 214
_PYPI_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\Z")


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


def is_pypi_name(name: str) -> bool:
    """Whether ``name`` is a Python project name in its normal form (PyPA name normalization: lower case, single hyphens)."""
    return bool(_PYPI_NAME.match(name)) and "--" not in name and len(name) <= _MAX_NAME


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class PackageRef:
    """One version of one package. ``name`` is in its ecosystem's normal form, ``ecosystem`` its purl type."""

    name: str
    version: str
    ecosystem: str = NPM

    @property
    def purl(self) -> str:
        """The package URL (purl specification, types npm and pypi): an npm scope is the percent-encoded namespace."""
        from urllib.parse import quote  # 4 ms, and most commands never write a purl

        scope, slash, bare = self.name.rpartition("/")
        prefix = quote(scope, safe="") + slash
        return f"pkg:{self.ecosystem}/{prefix}{quote(bare, safe='')}@{quote(self.version, safe='')}"

    @classmethod
    def parse_purl(cls, purl: str) -> PackageRef:
        """Read back what :attr:`purl` writes.

        Raises:
            FormatError: ``purl.malformed``.
        """
        from urllib.parse import unquote

        ecosystem, _, body = purl.removeprefix("pkg:").partition("/")
        path, at, version = body.rpartition("@")
        ref = cls(name=unquote(path), version=unquote(version), ecosystem=ecosystem)
        is_name = {NPM: is_npm_name, PYPI: is_pypi_name}.get(ecosystem)
        if not at or not version or is_name is None or not is_name(ref.name) or ref.purl != purl:
            raise FormatError(
                f"expected pkg:npm/NAME@VERSION or pkg:pypi/NAME@VERSION, found {purl[:120]!r}", code="purl.malformed"
            )
        return ref

    @classmethod
    def parse(cls, text: str) -> PackageRef:
        """Read ``NAME@VERSION`` of an npm package; the version is not judged here.

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
    """What a package says of itself, from inside its archive: the parsed document, and its name and version.

    For npm the document is ``package.json``; for Python it is the core metadata, each field a string or a list of strings.
    """

    package: PackageRef
    document: Mapping[str, object]

    def strings(self, field: str) -> dict[str, str]:
        """The string-to-string entries of a mapping field (``scripts``, ``dependencies`` …), others left out."""
        value = self.document.get(field)
        if not isinstance(value, Mapping):
            return {}
        return {str(key): item for key, item in value.items() if isinstance(item, str)}
