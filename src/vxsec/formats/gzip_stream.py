"""One gzip member (RFC 1952), inflated in bounded pieces.

zlib itself reads the header, as it does for npm: the method, reserved flags, the header checksum where there is one, the
CRC-32 and the length are all checked by it. What comes after the first member is refused: some readers go on with a
second member, others stop, others complain.

Reasons: ``archive.too-large`` ``archive.not-gzip`` ``archive.gzip`` ``archive.gzip-trailing`` ``archive.truncated``
``archive.ratio``.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from vxsec.errors import TarballError
from vxsec.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["InflatedBytes", "gunzip"]

_STEP = 64 * 1024
"""Compressed bytes per piece: what npm reads from its cache at once."""
_MAX_PIECE = 1024 * 1024
_MAGIC = b"\x1f\x8b"
_GZIP_WINDOW = 31  # zlib: 15 bits of window, plus 16 for "gzip only"
_NODE_TAR_RATIO = 1000
"""node-tar 7.5.17 and later give up above this ratio of bytes out to bytes in so far."""


def gunzip(data: bytes, *, limits: Limits = DEFAULT_LIMITS) -> Iterator[bytes]:
    """Yield what ``data`` holds, in pieces of at most 1 MiB; the last piece is out only after every check has passed.

    Args:
        data: The whole file.
        limits: ``archive_packed_bytes``, ``archive_unpacked_bytes``, ``archive_ratio`` and ``archive_ratio_from``.

    Raises:
        TarballError: One of the reasons in the module's docstring.
    """
    if len(data) > limits.archive_packed_bytes:
        raise _refusal("archive.too-large", f"expected at most {limits.archive_packed_bytes} bytes, found {len(data)}")
    if not data.startswith(_MAGIC):
        raise _refusal(
            "archive.not-gzip", f"expected gzip, found a file that starts with {data[:4].hex() or 'nothing'}"
        )
    engine = zlib.decompressobj(wbits=_GZIP_WINDOW)
    source = memoryview(data)
    unpacked = 0
    for start in range(0, len(data), _STEP):
        pending: bytes | memoryview = source[start : start + _STEP]
        read = min(start + _STEP, len(data))
        while True:
            piece = _inflate(engine, pending)
            pending = engine.unconsumed_tail
            unpacked += len(piece)
            _check_bounds(unpacked, read=read, packed=len(data), limits=limits)
            if engine.eof:
                rest = len(engine.unused_data) + len(data) - read
                if rest:
                    raise _refusal("archive.gzip-trailing", f"{rest} bytes after the end of the gzip data")
                if piece:
                    yield piece
                return
            if piece:
                yield piece
            if not pending and len(piece) < _MAX_PIECE:
                break
    raise _refusal("archive.truncated", "the gzip data ends before its end mark")


class InflatedBytes:
    """What a gzip file holds, taken a number of bytes at a time; at most one piece of 1 MiB is held."""

    def __init__(self, data: bytes, *, limits: Limits = DEFAULT_LIMITS) -> None:
        self.offset = 0
        """Bytes taken so far."""
        self._chunks = gunzip(data, limits=limits)
        self._view = memoryview(b"")

    def at_end(self) -> bool:
        """Whether nothing is left; the gzip data has then passed all its checks."""
        if not self._view:
            self._view = memoryview(next(self._chunks, b""))
        return not self._view

    def pieces(self, size: int) -> Iterator[memoryview]:
        """The next ``size`` bytes, without copying them.

        Raises:
            TarballError: ``archive.truncated``, or a reason of :func:`gunzip`.
        """
        while size:
            if self.at_end():
                raise _refusal("archive.truncated", f"the archive ends {size} bytes early")
            piece, self._view = self._view[:size], self._view[size:]
            size -= len(piece)
            self.offset += len(piece)
            yield piece

    def rest(self) -> Iterator[memoryview]:
        """Everything that is left."""
        while not self.at_end():
            piece, self._view = self._view, memoryview(b"")
            self.offset += len(piece)
            yield piece


def _inflate(engine: zlib._Decompress, pending: bytes | memoryview) -> bytes:
    try:
        return engine.decompress(pending, _MAX_PIECE)
    except zlib.error as error:
        raise _refusal("archive.gzip", f"damaged gzip data: {error}") from error


def _check_bounds(unpacked: int, *, read: int, packed: int, limits: Limits) -> None:
    if unpacked > limits.archive_unpacked_bytes:
        raise _refusal("archive.too-large", f"unpacks to more than {limits.archive_unpacked_bytes} bytes")
    if unpacked > limits.archive_ratio_from and unpacked > limits.archive_ratio * packed:
        raise _refusal("archive.ratio", f"unpacks to more than {limits.archive_ratio} times its size")
    if unpacked > _NODE_TAR_RATIO * read:
        raise _refusal("archive.ratio", f"unpacks to more than {_NODE_TAR_RATIO} times its size, where npm gives up")


def _refusal(code: str, message: str) -> TarballError:
    return TarballError([(code, message)])
