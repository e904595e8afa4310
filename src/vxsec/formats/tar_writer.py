"""Write a gzip tar that every reader sees alike, and that is the same bytes for the same files.

Plain ustar headers (POSIX.1-1988), no times, no owners, members in the order of their names with ``package.json`` first,
as ``npm pack`` writes it.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

from vxsec.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["write_tarball"]

_BLOCK = 512
_NAME_BYTES = 100
_MODE = 0o644
_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
"""No name, no time, best compression, unknown system (RFC 1952 section 2.3)."""


def write_tarball(files: Mapping[str, bytes], *, root: str = "package") -> bytes:
    """Pack ``files`` (path below ``root`` to bytes) with mode 0644.

    Raises:
        UsageError: ``archive.path-too-long`` for a path over 100 bytes, which a plain header cannot hold.
    """
    names = sorted(files, key=lambda name: (name != "package.json", name))
    tar = bytearray()
    for name in names:
        data = files[name]
        tar += _header(f"{root}/{name}", len(data)) + data + bytes(-len(data) % _BLOCK)
    tar += bytes(2 * _BLOCK)
    packer = zlib.compressobj(level=9, wbits=-zlib.MAX_WBITS)
    body = packer.compress(tar) + packer.flush()
    trailer = zlib.crc32(tar).to_bytes(4, "little") + (len(tar) & 0xFFFFFFFF).to_bytes(4, "little")
    return _GZIP_HEADER + body + trailer


def _header(path: str, size: int) -> bytes:
    name = path.encode("utf-8")
    if len(name) > _NAME_BYTES:
        raise UsageError(
            f"expected a path of at most {_NAME_BYTES} bytes, found {path!r}", code="archive.path-too-long"
        )
    zero, mode = b"%07o\0" % 0, b"%07o\0" % _MODE
    sizes = (b"%011o\0" % size, b"%011o\0" % 0)
    fields = (name, mode, zero, zero, *sizes, b" " * 8, b"0", b"", b"ustar\0", b"00", b"", b"", zero, zero, b"")
    header = struct.pack("100s8s8s8s12s12s8sc100s6s2s32s32s8s8s167s", *fields)
    return header[:148] + b"%06o\0 " % sum(header) + header[156:]
