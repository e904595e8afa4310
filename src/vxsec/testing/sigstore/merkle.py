"""The Merkle tree of a transparency log (RFC 6962 section 2.1)."""

from __future__ import annotations

import hashlib

__all__ = ["MerkleTree", "leaf_hash"]


def leaf_hash(body: bytes) -> bytes:
    """The hash of one leaf."""
    return hashlib.sha256(b"\x00" + body).digest()


class MerkleTree:
    """Leaves that are only ever added; subtrees that are full are hashed once."""

    def __init__(self) -> None:
        self._leaves: list[bytes] = []
        self._full: dict[tuple[int, int], bytes] = {}

    def copy(self) -> MerkleTree:
        """The same leaves in a tree that grows by itself."""
        other = MerkleTree()
        other._leaves = list(self._leaves)
        return other

    @property
    def size(self) -> int:
        """How many leaves it has."""
        return len(self._leaves)

    def append(self, body: bytes) -> int:
        """Add a leaf and return its index."""
        self._leaves.append(leaf_hash(body))
        return len(self._leaves) - 1

    def root(self, size: int | None = None) -> bytes:
        """The root hash over the first ``size`` leaves, of which there must be one."""
        return self._hash(0, self.size if size is None else size)

    def proof(self, index: int, size: int | None = None) -> tuple[bytes, ...]:
        """The audit path of leaf ``index`` in the tree of the first ``size`` leaves, lowest hash first."""
        return tuple(self._path(index, 0, self.size if size is None else size))

    def _path(self, index: int, start: int, end: int) -> list[bytes]:
        if end - start == 1:
            return []
        middle = start + _split(end - start)
        if index < middle:
            return [*self._path(index, start, middle), self._hash(middle, end)]
        return [*self._path(index, middle, end), self._hash(start, middle)]

    def _hash(self, start: int, end: int) -> bytes:
        count = end - start
        if count == 1:
            return self._leaves[start]
        known = self._full.get((start, end))
        if known is not None:
            return known
        middle = start + _split(count)
        value = hashlib.sha256(b"\x01" + self._hash(start, middle) + self._hash(middle, end)).digest()
        if count & (count - 1) == 0:
            self._full[start, end] = value
        return value


def _split(count: int) -> int:
    """The largest power of two below ``count``."""
    return 1 << (count - 1).bit_length() - 1
