"""Names inside an archive: which ones every reader and file system takes as the same file.

A path is refused where npm rewrites or drops it (node-tar strips roots and drives, splits at backslashes and drops what is
too long or too deep), where a terminal would show something else, and where two members meet on a file system that folds
case (Windows, macOS), Unicode forms (macOS), invisible characters (HFS+) or dots and spaces at the end (Windows).

Reasons: ``archive.path-encoding`` ``archive.path-empty`` ``archive.path-absolute`` ``archive.path-traversal``
``archive.path-dot`` ``archive.path-backslash`` ``archive.path-drive`` ``archive.path-control`` ``archive.path-bidi``
``archive.path-long`` ``archive.path-depth`` ``archive.duplicate`` ``archive.collision`` ``archive.file-and-directory``
``archive.gitignore``.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from vxsec.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["NameTable", "check_path", "fold_path", "is_manifest_alias"]

_MAX_SEGMENT = 255
"""NAME_MAX on Linux; npm silently leaves out what the file system refuses."""
_MAX_DEPTH = 1000
"""node-tar drops members deeper than 1,024 levels."""
_MAX_FOLDS = 8
_SHOWN = 120
_DOTS = frozenset({".", ".."})
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]")
_BIDI = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_INVISIBLE = re.compile(r"[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
_SHORT_MANIFEST = re.compile(r"packag~[0-9]\.jso", re.IGNORECASE)
_MANIFEST = "package.json"


def check_path(path: str, *, limits: Limits = DEFAULT_LIMITS) -> Iterator[tuple[str, str]]:
    """Yield ``(code, message)`` for everything wrong with one member's path.

    Args:
        path: The path, its top directory included, without the slash at the end of a directory.
        limits: ``archive_path_bytes``.
    """
    shown = repr(path[:_SHOWN])
    size = len(path.encode("utf-8"))
    if size > limits.archive_path_bytes:
        yield "archive.path-long", f"a path of {size} bytes: {shown}"
    if _CONTROL.search(path):
        yield "archive.path-control", f"control characters in {shown}"
    if _BIDI.search(path):
        yield "archive.path-bidi", f"marks that change the reading direction in {shown}"
    if "\\" in path:
        yield "archive.path-backslash", f"a backslash in {shown}"
    if ":" in path:
        yield "archive.path-drive", f"a colon (a drive or stream on Windows) in {shown}"
    if path.startswith("/"):
        yield "archive.path-absolute", f"an absolute path: {shown}"
    segments = path.removeprefix("/").split("/")
    if ".." in segments:
        yield "archive.path-traversal", f"a path that climbs: {shown}"
    if "." in segments:
        yield "archive.path-dot", f"a '.' segment in {shown}"
    if "" in segments:
        yield "archive.path-empty", f"an empty segment in {shown}"
    if len(segments) > _MAX_DEPTH:
        yield "archive.path-depth", f"{len(segments)} levels deep: {shown}"
    if size > _MAX_SEGMENT and any(len(segment.encode("utf-8")) > _MAX_SEGMENT for segment in segments):
        yield "archive.path-long", f"a name of more than {_MAX_SEGMENT} bytes in {shown}"


def fold_path(path: str) -> str:
    """The form in which two paths are equal where some file system takes them as one file."""
    folded = path.lower() if path.isascii() else _fold_unicode(path)
    if "./" in folded or " /" in folded or folded.endswith((".", " ")):
        folded = "/".join(segment.rstrip(". ") for segment in folded.split("/"))
    return path if folded == path else folded  # one object for the usual case: there may be 100,000


def _fold_unicode(text: str) -> str:
    """Compatibility form, one case, nothing invisible; repeated until nothing changes, for each step can undo another."""
    for _ in range(_MAX_FOLDS):  # pragma: no branch - two or three rounds are enough for every known text
        visible = "".join(char for char in _INVISIBLE.sub("", text) if unicodedata.category(char) != "Cf")
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", visible).upper().casefold())
        if folded == text:
            break
        text = folded
    return text


def is_manifest_alias(path: str) -> bool:
    """Whether ``path`` (relative to the top directory) is another spelling of the top-level package.json."""
    return path != _MANIFEST and (fold_path(path) == _MANIFEST or _SHORT_MANIFEST.fullmatch(path) is not None)


class NameTable:
    """Every name seen so far, in its folded form, so that no two members are one file anywhere."""

    def __init__(self) -> None:
        self._spelling: dict[str, str] = {}
        self._files: set[str] = set()
        self._directories: set[str] = set()  # those that a member names itself
        self._parents: set[str] = set()  # exact spellings already entered

    @property
    def directories(self) -> int:
        """How many directories the members lie in."""
        return len(self._parents)

    def add(self, path: str, *, directory: bool) -> Iterator[tuple[str, str]]:
        """Enter a member and yield ``(code, message)`` for every earlier one it meets."""
        yield from self._enter_parents(path)
        key = fold_path(path)
        shown = repr(path[:_SHOWN])
        known = self._spelling.setdefault(key, path)
        same, other = (self._directories, self._files) if directory else (self._files, self._directories)
        if known != path:
            yield "archive.collision", f"{known[:_SHOWN]!r} and {shown} are one name on some file systems"
        elif key in same:
            yield "archive.duplicate", f"two members named {shown}"
        elif key in other or (not directory and path in self._parents):
            yield "archive.file-and-directory", f"{shown} is both a file and a directory"
        same.add(key)
        if not directory:
            yield from self._check_gitignore(path)

    def _enter_parents(self, path: str) -> Iterator[tuple[str, str]]:
        parent = path.rpartition("/")[0]
        while parent and parent not in self._parents:
            self._parents.add(parent)
            key = fold_path(parent)
            known = self._spelling.setdefault(key, parent)
            if known != parent:
                yield (
                    "archive.collision",
                    f"{known[:_SHOWN]!r} and {parent[:_SHOWN]!r} are one name on some file systems",
                )
            if key in self._files:
                yield "archive.file-and-directory", f"{parent[:_SHOWN]!r} is both a file and a directory"
            parent = parent.rpartition("/")[0]

    def _check_gitignore(self, path: str) -> Iterator[tuple[str, str]]:
        """Npm writes ``.gitignore`` as ``.npmignore``, so that of the two only one arrives."""
        folder, slash, name = path.rpartition("/")
        other = {".gitignore": ".npmignore", ".npmignore": ".gitignore"}.get(name.lower())
        if other and fold_path(folder + slash + other) in self._files:
            yield (
                "archive.gitignore",
                f"both .gitignore and .npmignore in {folder[:_SHOWN]!r}: npm installs one of them",
            )
