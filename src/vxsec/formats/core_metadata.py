"""Python core metadata (the files METADATA and PKG-INFO), read strictly: name, version and every field.

The format is a block of RFC 822 headers and an optional body, the description (PyPA core metadata specification, versions
1.0 to 2.x). Readers differ on a field that stands twice, on control characters and on what a line is, so those are refused.

Refusals: ``metadata.too-large`` ``metadata.encoding`` ``metadata.malformed`` ``metadata.duplicate`` ``metadata.version``
``metadata.name`` ``metadata.release``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from vxsec.errors import FormatError
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.package import PYPI, Manifest, PackageRef, is_pypi_name

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["names_release", "normalise_pypi_name", "read_core_metadata", "read_header_block", "read_release"]

_SEVERAL = frozenset({
    "Classifier", "Dynamic", "Import-Name", "Import-Namespace", "License-File", "Obsoletes", "Obsoletes-Dist", "Platform",
    "Project-URL", "Provides", "Provides-Dist", "Provides-Extra", "Requires", "Requires-Dist", "Requires-External",
    "Supported-Platform",
})  # fmt: skip  # a list of words, not of lines
"""Fields that the specification lets stand more than once."""
_ONCE = frozenset({
    "Author", "Author-email", "Description", "Description-Content-Type", "Download-URL", "Home-page", "Keywords", "License",
    "License-Expression", "Maintainer", "Maintainer-email", "Metadata-Version", "Name", "Requires-Python", "Summary",
    "Version",
})  # fmt: skip  # a list of words, not of lines
_SPELLING = {name.lower(): name for name in (*_SEVERAL, *_ONCE)}
_FIELD = re.compile(r"([A-Za-z][A-Za-z0-9-]{0,63}):[ \t]*(.*)\Z", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029]")
"""Also what some readers take as the end of a line; a tab is none of them, and line feeds are gone by then."""
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\Z")
_DASHES = re.compile(r"[-_.]+")
_FORMAT_VERSION = re.compile(r"[12]\.[0-9]{1,3}\Z")
_MAX_FIELDS = 10_000
_SHOWN = 120


def read_core_metadata(data: bytes, *, where: str, limits: Limits = DEFAULT_LIMITS) -> Manifest:
    """Read METADATA or PKG-INFO.

    Guarantees: the document holds every field under its specified spelling, as a string, or as a list of strings where
    the field may repeat (and where this version does not know it); a body is the field ``Description``. The package's name
    is in its normal form; its version is spelt as stated and is one that Python defines.

    Args:
        data: The file.
        where: What it is called in an error.
        limits: ``manifest_bytes``.

    Raises:
        FormatError: One of the codes in the module's docstring.
    """
    document: dict[str, object] = {}
    fields, body = read_header_block(data, where=where, limits=limits)
    for name, value in fields:
        spelling = _SPELLING.get(name.lower())
        if spelling in _ONCE:
            if spelling in document:
                raise FormatError(f"the field {spelling} stands twice", code="metadata.duplicate", where=where)
            document[spelling] = value
        else:
            listed = document.setdefault(spelling or name.lower(), [])
            if isinstance(listed, list):  # pragma: no branch - no name is in both sets
                listed.append(value)
    if body.strip():
        if "Description" in document:
            raise FormatError("a Description field and a body", code="metadata.duplicate", where=where)
        document["Description"] = body
    stated = _text(document, "Metadata-Version", where)
    if not _FORMAT_VERSION.match(stated):
        raise FormatError(
            f"expected a Metadata-Version of 1.x or 2.x, found {stated[:_SHOWN]!r}",
            code="metadata.version",
            where=where,
        )
    package = PackageRef(
        name=normalise_pypi_name(_text(document, "Name", where), where=where),
        version=read_release(_text(document, "Version", where), where=where),
        ecosystem=PYPI,
    )
    return Manifest(package=package, document=document)


def normalise_pypi_name(name: str, *, where: str) -> str:
    """A project's name in its normal form: lower case, single hyphens (PyPA name normalization).

    Raises:
        FormatError: ``metadata.name``.
    """
    normal = _DASHES.sub("-", name).lower()
    if not _NAME.match(name) or not is_pypi_name(normal):
        raise FormatError(
            f"expected the name of a Python project, found {name[:_SHOWN]!r}", code="metadata.name", where=where
        )
    return normal


def read_release(version: str, *, where: str) -> str:
    """``version`` itself, if Python defines it (PyPA version specifiers).

    Raises:
        FormatError: ``metadata.release``.
    """
    from packaging.version import InvalidVersion, Version

    try:
        if version.isascii() and version == version.strip() and len(version) <= _SHOWN:
            Version(version)
            return version
    except InvalidVersion:
        pass
    raise FormatError(
        f"expected a version that Python defines, found {version[:_SHOWN]!r}", code="metadata.release", where=where
    )


def names_release(stem: str, package: PackageRef) -> bool:
    """Whether ``NAME-VERSION`` names ``package``, in any spelling that normalises to it."""
    from packaging.version import InvalidVersion, Version

    name, dash, version = stem.rpartition("-")
    if not dash:
        return False
    try:
        same_name = normalise_pypi_name(name, where=stem) == package.name
        return same_name and Version(version.replace("_", "-")) == Version(package.version)
    except (FormatError, InvalidVersion):
        return False


def read_header_block(
    data: bytes, *, where: str, limits: Limits = DEFAULT_LIMITS
) -> tuple[tuple[tuple[str, str], ...], str]:
    """The fields (name as spelt, value) in file order, and the body behind the first empty line.

    A continued line keeps its line feed and its text; the blank that marks it is removed.

    Raises:
        FormatError: ``metadata.too-large``, ``metadata.encoding`` or ``metadata.malformed``.
    """
    if len(data) > limits.manifest_bytes:
        raise FormatError(
            f"expected at most {limits.manifest_bytes} bytes, found {len(data)}", code="metadata.too-large", where=where
        )
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FormatError(f"not UTF-8 at byte {error.start}", code="metadata.encoding", where=where) from error
    text = text.replace("\r\n", "\n")
    header, _, body = text.partition("\n\n") if not text.startswith("\n") else ("", "", text)
    if "\r" in body:
        raise _malformed("a carriage return by itself", where)
    return tuple(_fields(header.removesuffix("\n"), where)), body


def _fields(header: str, where: str) -> Iterator[tuple[str, str]]:
    pending: tuple[str, list[str]] | None = None
    for number, line in enumerate(header.split("\n"), start=1):
        at = f"{where}:{number}"
        if _CONTROL.search(line):
            raise _malformed("a control character", at)
        if line.startswith((" ", "\t")):
            if pending is None:
                raise _malformed("a continued line before any field", at)
            pending[1].append(line[1:])
            continue
        if pending is not None:
            yield pending[0], "\n".join(pending[1])
        if number > _MAX_FIELDS:
            raise _malformed(f"more than {_MAX_FIELDS} lines", at)
        found = _FIELD.match(line)
        if found is None:
            raise _malformed(f"expected NAME: VALUE, found {line[:_SHOWN]!r}", at)
        pending = found[1], [found[2].rstrip(" \t")]
    if pending is not None:  # pragma: no branch - a header has at least one line, and that is a field
        yield pending[0], "\n".join(pending[1])


def _text(document: dict[str, object], field: str, where: str) -> str:
    value = document.get(field)
    if not isinstance(value, str) or not value:
        raise FormatError(f"expected a field {field}, found none", code="metadata.malformed", where=where)
    return value


def _malformed(message: str, where: str) -> FormatError:
    return FormatError(message, code="metadata.malformed", where=where)
