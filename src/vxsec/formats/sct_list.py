"""Signed certificate timestamps in a certificate: the TLS structures of RFC 6962 section 3.3, read strictly.

Read here and not by cryptography, because what a log signed includes the extensions (static CT logs put a leaf's index
there).
"""

from __future__ import annotations

from vxsec.errors import FormatError
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.certificate import SignedCertificateTimestamp

__all__ = ["read_sct_list"]

_V1 = 0
_LOG_ID_BYTES = 32
_HASHES, _SIGNATURES = range(1, 7), range(1, 4)  # RFC 5246 section 7.4.1.4.1, without none and anonymous
_LATEST_MS = 253_402_300_799_999
"""The end of the year 9999."""


def read_sct_list(
    data: bytes, *, where: str, limits: Limits = DEFAULT_LIMITS
) -> tuple[SignedCertificateTimestamp, ...]:
    """Read a ``SignedCertificateTimestampList``: at least one, all of v1, and nothing behind any of them.

    Raises:
        FormatError: ``sct.malformed`` or ``sct.too-many``.
    """
    outer = _Reader(data, where)
    items = _Reader(outer.vector(), where)
    outer.done()
    found = []
    while items.left:
        found.append(_read_sct(_Reader(items.vector(), where)))
        if len(found) > limits.scts_per_certificate:
            raise FormatError(
                f"expected at most {limits.scts_per_certificate} certificate timestamps, found more",
                code="sct.too-many",
                where=where,
            )
    if not found:
        raise outer.malformed("expected at least one certificate timestamp, found none")
    return tuple(found)


def _read_sct(reader: _Reader) -> SignedCertificateTimestamp:
    version = reader.number(1)
    if version != _V1:
        raise reader.malformed(f"expected a certificate timestamp of v1, found version {version + 1}")
    sct = SignedCertificateTimestamp(
        version=version,
        log_id=reader.take(_LOG_ID_BYTES),
        timestamp_ms=reader.number(8),
        extensions=reader.vector(),
        hash_algorithm=reader.number(1),
        signature_algorithm=reader.number(1),
        signature=reader.vector(),
    )
    reader.done()
    if sct.hash_algorithm not in _HASHES or sct.signature_algorithm not in _SIGNATURES:
        raise reader.malformed(
            f"expected the numbers of a hash and a signature, found {sct.hash_algorithm} and {sct.signature_algorithm}"
        )
    if sct.timestamp_ms > _LATEST_MS:
        raise reader.malformed(f"expected a time before the year 10000, found {sct.timestamp_ms} ms")
    return sct


class _Reader:
    """Reads numbers and vectors one after the other."""

    def __init__(self, data: bytes, where: str) -> None:
        self._data = data
        self._position = 0
        self._where = where

    @property
    def left(self) -> int:
        return len(self._data) - self._position

    def take(self, size: int) -> bytes:
        if size > self.left:
            raise self.malformed(f"expected {size} more bytes, found {self.left}")
        self._position += size
        return self._data[self._position - size : self._position]

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def vector(self) -> bytes:
        """Bytes behind their length in two bytes."""
        return self.take(self.number(2))

    def done(self) -> None:
        if self.left:
            raise self.malformed(f"expected the end, found {self.left} more bytes")

    def malformed(self, message: str) -> FormatError:
        return FormatError(message, code="sct.malformed", where=self._where)
