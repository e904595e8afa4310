"""Digests of bytes, and npm's way of writing them (Subresource Integrity)."""

from __future__ import annotations

import base64
import binascii
import hashlib

from vxsec.errors import FormatError
from vxsec.values import dataclass

__all__ = ["Digests", "Integrity", "digest_bytes"]

_SRI_STRENGTH = {"sha512": 3, "sha384": 2, "sha256": 1, "sha1": 0, "md5": -1}
_SRI_LENGTH = {"sha512": 64, "sha384": 48, "sha256": 32, "sha1": 20, "md5": 16}


@dataclass(frozen=True, slots=True, kw_only=True)
class Digests:
    """Lower-case hexadecimal digests of the same bytes, and their number."""

    sha1: str
    sha256: str
    sha512: str
    size: int

    @property
    def integrity(self) -> str:
        """The SHA-512 as npm writes it: ``sha512-<base64>``."""
        return "sha512-" + base64.b64encode(bytes.fromhex(self.sha512)).decode("ascii")


def digest_bytes(data: bytes | memoryview) -> Digests:
    """Hash ``data`` three ways.

    SHA-1 is computed only because registries still state it; nothing in vxsec accepts it as proof.
    """
    return Digests(
        sha1=hashlib.sha1(data, usedforsecurity=False).hexdigest(),
        sha256=hashlib.sha256(data).hexdigest(),
        sha512=hashlib.sha512(data).hexdigest(),
        size=len(data),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Integrity:
    """A Subresource Integrity string, read strictly (W3C SRI section 3.5; npm's ``ssri``).

    ``entries`` are ``(algorithm, lower-case hex digest)``. The strongest algorithm present decides. npm takes several
    values of that algorithm as alternatives, so that one text can pin two different files; such a text never matches here.
    """

    entries: tuple[tuple[str, str], ...]

    @classmethod
    def parse(cls, text: str) -> Integrity:
        """Parse ``text``.

        Raises:
            FormatError: ``integrity.malformed`` for an unknown algorithm, bad base64, a digest of the wrong length or
                no entry at all.
        """
        entries: list[tuple[str, str]] = []
        for word in text.split():
            algorithm, dash, rest = word.partition("-")
            encoded = rest.partition("?")[0]
            if not dash or algorithm not in _SRI_STRENGTH:
                raise FormatError(f"expected ALGORITHM-BASE64, found {word[:80]!r}", code="integrity.malformed")
            try:
                raw = base64.b64decode(encoded, validate=True)
            except (binascii.Error, ValueError) as error:
                raise FormatError(f"not base64: {word[:80]!r}", code="integrity.malformed") from error
            if len(raw) != _SRI_LENGTH[algorithm]:
                raise FormatError(
                    f"expected {_SRI_LENGTH[algorithm]} bytes of {algorithm}, found {len(raw)}",
                    code="integrity.malformed",
                )
            entries.append((algorithm, raw.hex()))
        if not entries:
            raise FormatError("expected an integrity value, found none", code="integrity.malformed")
        return cls(entries=tuple(entries))

    @property
    def strongest(self) -> str:
        """The algorithm that decides."""
        return max((name for name, _ in self.entries), key=_SRI_STRENGTH.__getitem__)

    @property
    def is_weak(self) -> bool:
        """True where nothing stronger than SHA-1 is stated."""
        return _SRI_STRENGTH[self.strongest] <= 0

    @property
    def deciding(self) -> frozenset[str]:
        """The distinct values of the strongest algorithm."""
        return frozenset(value for name, value in self.entries if name == self.strongest)

    @property
    def is_ambiguous(self) -> bool:
        """True where an installer would take either of several files."""
        return len(self.deciding) > 1

    def matches(self, digests: Digests) -> bool:
        """Whether exactly these bytes are stated; a weak, uncomputed or ambiguous integrity never matches."""
        computed = {"sha512": digests.sha512, "sha256": digests.sha256}.get(self.strongest)
        return computed is not None and self.deciding == {computed}
