"""A gzip-compressed tar, read strictly, once, in bounded memory: nothing is written to disk, nothing is executed.

The promise: what is accepted here, npm (node-tar with one level stripped) and Python's tarfile see as exactly the same
files and bytes. So everything is refused that ``npm pack`` never writes and that two readers could see differently.
Accepted though unusual: long names by PAX or GNU headers, another single top directory, directory members, empty files,
Unicode names, gzip's optional fields, zero padding after the end mark.

One thing cannot be promised, and is reported as ``archive.unicode-override``: node-tar decodes an extended header piece by
piece as it arrives, and takes the member's own short name where a piece ends inside a character of the long one.

Reasons (the names' own ones are in ``archive_path``, the container's in ``gzip_stream``, the headers' in ``tar_header``
and ``pax_records``):

============================  ====================================================================================
``archive.link``              a symbolic or hard link
``archive.device``            a device or FIFO
``archive.sparse``            a sparse file
``archive.type``              any other kind of member
``archive.size``              a size that is not octal, is larger than the limit, or disagrees with the PAX record
``archive.override``          a PAX or GNU name that disagrees with the header, comes twice or stands before no member
``archive.header-bytes``      more PAX and GNU headers than the limit
``archive.members``           more members than the limit
``archive.path-encoding``     a name that is not UTF-8
``archive.no-top-directory``  a file beside the top directory
``archive.top-directories``   more than one top directory
``archive.manifest-alias``    another spelling of the top-level package.json
``archive.padding``           bytes other than zero between a body and the next header
``archive.truncated``         the data ends inside a header or body
``archive.end-mark``          no end mark (two blocks of zeros)
``archive.after-end``         a member after a block of zeros, or anything but zeros after the end mark
``archive.end-padding``       more zeros after the end mark than the limit
``archive.empty``             no file at all
============================  ====================================================================================

Findings, all low: ``archive.top-directory`` (it is not ``package``), ``archive.world-writable``, ``archive.renamed`` (npm
installs a ``.gitignore`` as ``.npmignore``), ``archive.unicode-override``.
"""

from __future__ import annotations

import hashlib
from types import MappingProxyType
from typing import TYPE_CHECKING

from vxsec.errors import TarballError
from vxsec.formats.archive_path import NameTable, check_path, is_manifest_alias
from vxsec.formats.gzip_stream import InflatedBytes
from vxsec.formats.pax_records import parse_pax_global
from vxsec.formats.tar_header import BLOCK, Header, parse_header
from vxsec.formats.tar_override import PAX_GLOBAL, Override, check_override, is_override, parse_override
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.artifact import FileEntry
from vxsec.model.finding import Finding, Severity
from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

__all__ = ["Tarball", "read_tarball"]

_OLD_FILE = b"\0"
_FILE = frozenset({b"0", _OLD_FILE})
_DIRECTORY = b"5"
_REFUSED_KINDS = {
    b"1": ("archive.link", "a hard link"),
    b"2": ("archive.link", "a symbolic link"),
    b"K": ("archive.link", "a long link name"),
    b"3": ("archive.device", "a character device"),
    b"4": ("archive.device", "a block device"),
    b"6": ("archive.device", "a FIFO"),
    b"S": ("archive.sparse", "a sparse file"),
}
_MAX_REASONS = 100
"""Enough to see what is wrong; an archive of a hundred thousand bad names must not fill a log."""
_MAX_OVERRIDE = 1024 * 1024
"""node-tar skips larger extended headers, and then sees other names."""
_ZERO = bytes(BLOCK)
_WORLD_WRITABLE = 0o002
_USUAL_ROOT = "package"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tarball:
    """What every reader sees in the archive.

    ``root`` is the one top directory; ``files`` are in archive order with paths relative to it; ``unpacked_size`` is the sum
    of their sizes in bytes; ``kept`` holds the bytes of the files that were asked for.
    """

    root: str
    files: tuple[FileEntry, ...]
    unpacked_size: int
    findings: tuple[Finding, ...]
    kept: Mapping[str, bytes]


def read_tarball(
    data: bytes, *, limits: Limits = DEFAULT_LIMITS, keep: Callable[[str, int], bool] | None = None
) -> Tarball:
    """Read ``data`` and refuse what any other reader could see differently.

    Args:
        data: The whole ``.tgz``.
        limits: The ``archive_…`` bounds.
        keep: Given a file's path (relative to the top directory) and size in bytes, says whether to return its bytes.

    Raises:
        TarballError: With every reason found, where it was safe to go on reading; else those up to the one that was not.
    """
    reader = _Reader(InflatedBytes(data, limits=limits), limits=limits, keep=keep)
    try:
        reader.run()
    except TarballError as error:
        raise TarballError([*reader.reasons, *error.reasons]) from error
    if reader.reasons:
        raise TarballError(reader.reasons)
    return reader.result()


class _Reader:
    """Walks the members in order; what is wrong with one of them is noted, what breaks the walk is raised."""

    def __init__(self, unpacked: InflatedBytes, *, limits: Limits, keep: Callable[[str, int], bool] | None) -> None:
        self.reasons: list[tuple[str, str]] = []
        self._bytes = unpacked
        self._limits = limits
        self._keep = keep
        self._names = NameTable()
        self._roots: list[str] = []
        self._files: list[FileEntry] = []
        self._kept: dict[str, bytes] = {}
        self._members = 0
        self._override_bytes = 0
        self._pending: Override | None = None
        self._fragile: list[str] = []

    def run(self) -> None:
        while (block := self._block()) != _ZERO:
            if block is None:
                raise _refusal("archive.end-mark", "the archive ends without its end mark")
            self._members += 1
            if self._members > self._limits.archive_members:
                raise _refusal("archive.members", f"more than {self._limits.archive_members} members")
            header = parse_header(block)
            if is_override(header):
                self._read_override(header)
            elif header.kind in _FILE or header.kind == _DIRECTORY:
                self._read_member(header)
            else:
                self._refuse_kind(header)
        if self._pending is not None:
            self._note([("archive.override", "an extended header before no member")])
        self._check_end()
        if not self._files:
            self._note([("archive.empty", "an archive without files")])

    def result(self) -> Tarball:
        return Tarball(
            root=self._roots[0],
            files=tuple(self._files),
            unpacked_size=sum(file.size for file in self._files),
            findings=tuple(self._findings()),
            kept=MappingProxyType(self._kept),
        )

    def _read_override(self, header: Header) -> None:
        size = header.size
        self._override_bytes += size
        if size > _MAX_OVERRIDE or self._override_bytes > self._limits.archive_header_bytes:
            raise _refusal(
                "archive.header-bytes", f"more than {self._limits.archive_header_bytes} bytes of PAX and GNU headers"
            )
        if self._pending is not None:
            raise _refusal("archive.override", "two extended headers before one member")
        at = self._bytes.offset
        body = b"".join(self._bytes.pieces(size))
        self._skip_padding(size, "an extended header")
        if header.kind == PAX_GLOBAL:
            if self._members != 1:
                raise _refusal("archive.override", "a PAX global header that is not the first member")
            parse_pax_global(body)
        else:
            self._pending = parse_override(header.kind, body, at=at)

    def _read_member(self, header: Header) -> None:
        override, self._pending = self._pending, None
        if override and override.size not in {None, header.size}:
            raise _refusal("archive.size", f"size {header.size} in a header, {override.size} in its PAX record")
        if header.size > self._limits.archive_unpacked_bytes:
            raise _refusal("archive.size", f"a member of {header.size} bytes")
        if header.kind == _OLD_FILE and header.path.endswith(b"/"):
            raise _refusal("archive.type", f"a directory in the form of a file: {header.path[:120]!r}")
        directory = header.kind == _DIRECTORY
        if directory and header.size:
            raise _refusal(
                "archive.size", "a directory with a body, which some readers skip and others read as headers"
            )
        raw = header.path
        if override and override.path is not None:
            raw = override.path
            self._note(check_override(override, header))
            if override.is_fragile(header):
                self._fragile.append(raw[:120].decode("utf-8", "replace"))
        path = self._accept_path(raw.removesuffix(b"/") if directory else raw, directory=directory)
        if not directory:
            self._read_file(header, path)

    def _read_file(self, header: Header, path: str | None) -> None:
        """Hash a body; ``path`` is None where the name was refused and only the walk goes on."""
        hasher = hashlib.sha512()
        wanted: bytearray | None = None
        if path is not None and self._keep is not None and self._keep(path, header.size):
            wanted = bytearray()
        for piece in self._bytes.pieces(header.size):
            hasher.update(piece)
            if wanted is not None:
                wanted += piece
        self._skip_padding(header.size, repr(path))
        if path is None:
            return
        self._files.append(FileEntry(path=path, mode=header.mode, size=header.size, sha512=hasher.hexdigest()))
        if wanted is not None:
            self._kept[path] = bytes(wanted)

    def _refuse_kind(self, header: Header) -> None:
        """Note the kind; go on only where no reader could take the next block as anything but a header."""
        code, what = _REFUSED_KINDS.get(header.kind, ("archive.type", f"a member of type {header.kind!r}"))
        reason = (code, f"{what}: {header.path[:120]!r}")
        if header.size or header.kind == b"K":
            raise TarballError([reason])
        self._pending = None
        self._note([reason])

    def _accept_path(self, raw: bytes, *, directory: bool) -> str | None:
        """Check a name by itself and against the others; return it relative to the top directory, None if refused."""
        try:
            path = raw.decode("utf-8")
        except UnicodeDecodeError:
            self._note([("archive.path-encoding", f"a name that is not UTF-8: {raw[:120]!r}")])
            return None
        problems = list(check_path(path, limits=self._limits))
        if problems:
            self._note(problems)
            return None
        root, slash, relative = path.partition("/")
        if not slash and not directory:
            self._note([("archive.no-top-directory", f"{path[:120]!r} lies beside the top directory")])
            return None
        if root not in self._roots:
            self._roots.append(root)
            if len(self._roots) > 1:
                self._note([("archive.top-directories", f"top directories {self._roots[0]!r} and {root[:120]!r}")])
        if is_manifest_alias(relative):
            self._note([("archive.manifest-alias", f"{path[:120]!r} is another spelling of package.json")])
        self._note(self._names.add(path, directory=directory))
        if self._names.directories > self._limits.archive_members:
            raise _refusal("archive.members", f"more than {self._limits.archive_members} directories")
        return relative

    def _block(self) -> bytes | None:
        """The next 512 bytes; None at the end of the data."""
        return None if self._bytes.at_end() else b"".join(self._bytes.pieces(BLOCK))

    def _skip_padding(self, size: int, what: str) -> None:
        if b"".join(self._bytes.pieces(-size % BLOCK)).strip(b"\0"):
            self._note([("archive.padding", f"bytes other than zero after {what[:120]}")])

    def _check_end(self) -> None:
        """Two blocks of zeros end an archive; tarfile stops at one, npm at two, so nothing may follow either."""
        second = self._block()
        if second is None:
            raise _refusal("archive.end-mark", "the archive ends with one block of zeros instead of two")
        if second != _ZERO:
            raise _refusal("archive.after-end", "a member after a block of zeros")
        padding = 0
        for piece in self._bytes.rest():
            padding += len(piece)
            if bytes(piece).strip(b"\0"):
                raise _refusal("archive.after-end", "bytes other than zero after the end mark")
            if padding > self._limits.archive_end_padding_bytes:
                raise _refusal(
                    "archive.end-padding",
                    f"more than {self._limits.archive_end_padding_bytes} zeros after the end mark",
                )

    def _note(self, reasons: Iterable[tuple[str, str]]) -> None:
        self.reasons.extend(reasons)
        if len(self.reasons) >= _MAX_REASONS:
            last = self.reasons.pop()
            raise TarballError([last])

    def _findings(self) -> Iterator[Finding]:
        root = self._roots[0]
        if root != _USUAL_ROOT:
            yield _finding("archive.top-directory", f"the top directory is {root!r}, not {_USUAL_ROOT!r}", root)
        writable = [file.path for file in self._files if file.mode & _WORLD_WRITABLE]
        if writable:
            yield _finding("archive.world-writable", f"{len(writable)} files are writable by everyone", writable[0])
        renamed = [file.path for file in self._files if file.path.rpartition("/")[2] == ".gitignore"]
        if renamed:
            yield _finding("archive.renamed", "npm installs .gitignore as .npmignore", renamed[0])
        if self._fragile:
            yield _finding(
                "archive.unicode-override",
                "a name beyond ASCII that only an extended header holds: npm may misread it as the download arrives in pieces",
                self._fragile[0],
            )


def _finding(code: str, message: str, where: str) -> Finding:
    return Finding(code=code, severity=Severity.LOW, message=message, where=where)


def _refusal(code: str, message: str) -> TarballError:
    return TarballError([(code, message)])
