"""A Python wheel, read strictly: its files, its metadata, and a RECORD that accounts for every byte.

PyPA binary distribution format (PEP 427, Wheel-Version 1.x) over :mod:`vxsec.formats.zip_archive`. Installers unpack by the
zip's directory, mostly without reading RECORD; here every file must be listed in it with its right size and hash, and nothing
may be listed that is not there. The file's name is not believed: METADATA and the name of the ``.dist-info`` folder say which
package it is, and must agree.

Reasons beyond the container's own (``zip.*``):

==========================  ==========================================================================================
``wheel.too-large``         more bytes or members than the limit
``wheel.path``              a name that file systems or installers change
``wheel.collision``         two names that are one file on some file system or once installed, or a file and a folder of one name
``wheel.dist-info``         no ``.dist-info`` folder, several, or one named for another release
``wheel.data``              a ``.data`` folder of another release, or a part of it that no installer knows
``wheel.missing``           no METADATA, WHEEL or RECORD
``wheel.metadata``          METADATA that is malformed
``wheel.format``            a WHEEL file that is malformed or of another format version
``wheel.record``            a RECORD that is malformed
``wheel.record-duplicate``  a file listed twice
``wheel.unlisted``          a file that RECORD does not list
``wheel.absent``            a file that RECORD lists and the archive does not hold
``wheel.hash``              a file whose hash or size is not what RECORD says, or that RECORD lists without them
==========================  ==========================================================================================
"""

from __future__ import annotations

import base64
import csv
import hashlib
import re
from types import MappingProxyType
from typing import TYPE_CHECKING

from vxsec.errors import FormatError, TarballError
from vxsec.formats.archive_path import NameTable, check_path
from vxsec.formats.core_metadata import names_release, read_core_metadata, read_header_block
from vxsec.formats.zip_archive import open_zip
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.artifact import FileEntry
from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from vxsec.formats.zip_archive import ZipArchive
    from vxsec.model.package import Manifest

__all__ = ["INSTALL_SCHEMES", "Wheel", "read_wheel_file"]

INSTALL_SCHEMES = ("purelib", "platlib", "headers", "scripts", "data")
"""Parts of a ``.data`` folder, each installed to a place of its own."""
_MODULES = ("purelib", "platlib")
_DIST_INFO, _DATA = ".dist-info", ".data"
_REQUIRED = ("METADATA", "WHEEL", "RECORD")
_UNLISTED = ("RECORD", "RECORD.jws", "RECORD.p7s")
_HASH = re.compile(r"(sha256|sha384|sha512)=([A-Za-z0-9_-]+)\Z")
_SIZE = re.compile(r"(?:0|[1-9][0-9]{0,18})\Z")
_WHEEL_VERSION = re.compile(r"1\.[0-9]{1,3}\Z")
_RECORD_FIELDS = 3
_PERMISSIONS, _USUAL_MODE = 0o777, 0o644
_MAX_REASONS = 100
_SHOWN = 120
_NPM_ONLY = "archive.gitignore"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wheel:
    """What every installer sees. ``files`` are in archive order, every one of them; ``kept`` the bytes that were asked for."""

    manifest: Manifest
    dist_info: str
    data_folder: str | None
    files: tuple[FileEntry, ...]
    unpacked_size: int
    kept: Mapping[str, bytes]


def read_wheel_file(
    data: bytes, *, limits: Limits = DEFAULT_LIMITS, keep: Callable[[str, int], bool] | None = None
) -> Wheel:
    """Read ``data`` and refuse what two installers could see differently.

    Args:
        data: The whole ``.whl``.
        limits: The ``archive_…`` bounds and ``manifest_bytes``.
        keep: Given a file's path and size in bytes, says whether to return its bytes.

    Raises:
        TarballError: With every reason found, where it was safe to go on reading; else those up to the one that was not.
    """
    reader = _Reader(limits, keep)
    try:
        return reader.run(data)
    except FormatError as error:
        raise TarballError([*reader.reasons, (error.code, str(error))]) from error


class _Reader:
    """Reads the members once; what is wrong with one of them is noted, what makes the rest meaningless is raised."""

    def __init__(self, limits: Limits, keep: Callable[[str, int], bool] | None) -> None:
        self.reasons: list[tuple[str, str]] = []
        self._limits = limits
        self._keep = keep
        self._files: list[FileEntry] = []
        self._hashes: dict[str, dict[str, bytes]] = {}
        self._own: dict[str, bytes] = {}
        self._kept: dict[str, bytes] = {}

    def run(self, data: bytes) -> Wheel:
        archive = self._open(data)
        self._check_names(archive)
        self._raise_if_any()
        dist_info = self._dist_info(archive)
        self._read(archive, dist_info)
        manifest = self._metadata(dist_info)
        data_folder = self._data_folder(manifest)
        self._check_installed(data_folder)
        self._check_wheel_file(dist_info)
        self._check_record(dist_info)
        self._raise_if_any()
        return Wheel(
            manifest=manifest,
            dist_info=dist_info,
            data_folder=data_folder,
            files=tuple(self._files),
            unpacked_size=sum(file.size for file in self._files),
            kept=MappingProxyType(self._kept),
        )

    def _open(self, data: bytes) -> ZipArchive:
        limits = self._limits
        if len(data) > limits.archive_packed_bytes:
            raise _error("too-large", f"expected at most {limits.archive_packed_bytes} bytes, found {len(data)}")
        archive = open_zip(data, where="wheel", limits=limits, max_unpacked_bytes=limits.archive_unpacked_bytes)
        if len(archive.entries) > limits.archive_members:
            raise _error("too-large", f"more than {limits.archive_members} members")
        return archive

    def _check_names(self, archive: ZipArchive) -> None:
        names = NameTable()
        for entry in archive.entries:
            path = entry.name.removesuffix("/")
            problems = [("wheel.path", message) for _, message in check_path(path, limits=self._limits)]
            if not problems:
                met = names.add(path, directory=entry.directory)
                problems = [("wheel.collision", message) for code, message in met if code != _NPM_ONLY]
            self._note(problems)
            if names.directories > self._limits.archive_members:
                raise _error("too-large", f"more than {self._limits.archive_members} folders")

    def _dist_info(self, archive: ZipArchive) -> str:
        tops = {name for name, slash, _ in (entry.name.partition("/") for entry in archive.entries) if slash}
        found = sorted(name for name in tops if name.lower().endswith(_DIST_INFO))
        if len(found) != 1:
            shown = ", ".join(found[:3])[:_SHOWN] or "none"
            raise _error("dist-info", f"expected one {_DIST_INFO} folder, found {shown}")
        return found[0]

    def _read(self, archive: ZipArchive, dist_info: str) -> None:
        """Hash every file once; hold only what was asked for and what says what the wheel is."""
        own = {f"{dist_info}/{name}": name for name in _REQUIRED}
        for entry, content in archive.members():
            if entry.name in own:
                self._own[own[entry.name]] = content
            if self._keep is not None and self._keep(entry.name, entry.size):
                self._kept[entry.name] = content
            hashes = {
                algorithm: hashlib.new(algorithm, content).digest() for algorithm in ("sha256", "sha384", "sha512")
            }
            self._hashes[entry.name] = hashes
            mode = entry.mode & _PERMISSIONS or _USUAL_MODE
            digest = hashes["sha512"].hex()
            self._files.append(FileEntry(path=entry.name, mode=mode, size=entry.size, sha512=digest))
        for name in _REQUIRED:
            if name not in self._own:
                raise _error("missing", f"no {name} in {dist_info!r}")

    def _metadata(self, dist_info: str) -> Manifest:
        try:
            manifest = read_core_metadata(self._own["METADATA"], where="METADATA", limits=self._limits)
        except FormatError as error:
            raise _error("metadata", str(error)) from error
        if not names_release(dist_info.removesuffix(_DIST_INFO), manifest.package):
            self._note([("wheel.dist-info", f"the folder {dist_info!r} is not named for {manifest.package}")])
        return manifest

    def _data_folder(self, manifest: Manifest) -> str | None:
        """The folder whose parts are installed elsewhere; one of another release would be installed as code by some."""
        found = sorted({top for top in (file.path.partition("/")[0] for file in self._files) if top.endswith(_DATA)})
        for folder in found:
            if not names_release(folder.removesuffix(_DATA), manifest.package) or len(found) > 1:
                self._note([("wheel.data", f"the folder {folder[:_SHOWN]!r} is not named for {manifest.package}")])
        for file in self._files:
            top, _, rest = file.path.partition("/")
            part, slash, _ = rest.partition("/")
            if top in found and (part not in INSTALL_SCHEMES or not slash):
                self._note([("wheel.data", f"{file.path[:_SHOWN]!r} is in no part that installers know")])
        return found[0] if found else None

    def _check_installed(self, data_folder: str | None) -> None:
        """What a data folder adds to the modules must not replace one, nor pretend to be another package."""
        if data_folder is None:
            return
        modules = tuple(f"{data_folder}/{scheme}/" for scheme in _MODULES)  # as long as each other
        names = NameTable()
        for file in self._files:
            moved = file.path.startswith(modules)
            path = file.path[len(modules[0]) :] if moved else file.path
            met = names.add(path, directory=False)
            self._note(("wheel.collision", f"installed: {message}") for code, message in met if code != _NPM_ONLY)
            if moved and path.partition("/")[0].lower().endswith(_DIST_INFO):
                self._note([("wheel.dist-info", f"{file.path[:_SHOWN]!r} would be installed as another package's")])

    def _check_wheel_file(self, dist_info: str) -> None:
        try:
            fields, _ = read_header_block(self._own["WHEEL"], where=f"{dist_info}/WHEEL", limits=self._limits)
        except FormatError as error:
            self._note([("wheel.format", str(error))])
            return
        versions = [value for name, value in fields if name.lower() == "wheel-version"]
        if len(versions) != 1 or not _WHEEL_VERSION.match(versions[0]):
            self._note([("wheel.format", f"expected one Wheel-Version of 1.x, found {', '.join(versions)[:_SHOWN]!r}")])
        pure = [value for name, value in fields if name.lower() == "root-is-purelib"]
        if len(pure) != 1 or pure[0].lower() not in {"true", "false"}:
            self._note([("wheel.format", f"expected one Root-Is-Purelib, found {', '.join(pure)[:_SHOWN]!r}")])

    def _check_record(self, dist_info: str) -> None:
        unlisted = {f"{dist_info}/{name}" for name in _UNLISTED}
        sizes = {file.path: file.size for file in self._files}
        seen: set[str] = set()
        for path, stated, size in self._record_rows():
            if path in seen:
                self._note([("wheel.record-duplicate", f"RECORD lists {path[:_SHOWN]!r} twice")])
            seen.add(path)
            if path not in sizes:
                self._note([("wheel.absent", f"RECORD lists {path[:_SHOWN]!r}, which is not there")])
            elif path not in unlisted or stated or size:
                self._check_row(path, stated, size, sizes[path])
        self._note(
            ("wheel.unlisted", f"{path[:_SHOWN]!r} is not in RECORD") for path in sizes if path not in seen | unlisted
        )

    def _check_row(self, path: str, stated: str, size: str, actual: int) -> None:
        found = _HASH.match(stated)
        if found is None or not _SIZE.match(size):
            self._note([("wheel.hash", f"RECORD lists {path[:_SHOWN]!r} without a SHA-256 (or longer) and a size")])
            return
        algorithm, expected = found[1], found[2]
        digest = base64.urlsafe_b64encode(self._hashes[path][algorithm]).rstrip(b"=").decode("ascii")
        if expected != digest or int(size) != actual:
            self._note([("wheel.hash", f"{path[:_SHOWN]!r} is not what RECORD says")])

    def _record_rows(self) -> Iterable[tuple[str, str, str]]:
        """The rows of RECORD (RFC 4180, UTF-8). Quotes may stand around a path, nothing else is special."""
        raw = self._own["RECORD"]
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise _error("record", f"RECORD is not UTF-8 at byte {error.start}") from error
        if len(raw) > self._limits.archive_header_bytes * 64 or "\0" in text:
            raise _error("record", "RECORD is too large, or holds a zero byte")
        rows: list[tuple[str, str, str]] = []
        try:
            for row in csv.reader(text.replace("\r\n", "\n").split("\n"), strict=True):
                if len(row) == _RECORD_FIELDS:
                    rows.append((row[0], row[1], row[2]))
                elif row:
                    raise _error("record", f"expected PATH,HASH,SIZE, found {','.join(row)[:_SHOWN]!r}")
        except csv.Error as error:
            raise _error("record", f"RECORD is not CSV: {error}") from error
        return rows

    def _note(self, reasons: Iterable[tuple[str, str]]) -> None:
        for reason in reasons:
            self.reasons.append(reason)
            if len(self.reasons) >= _MAX_REASONS:
                self._raise_if_any()

    def _raise_if_any(self) -> None:
        if self.reasons:
            raise TarballError(self.reasons)


def _error(reason: str, message: str) -> FormatError:
    return FormatError(message, code=f"wheel.{reason}")
