"""What an extended header (PAX, GNU) says about the member after it, and whether the member's own header agrees.

A reader that does not know the extended header, or loses it, must not see another file: so the header's own name has to be
the same name, or that name cut as the known writers cut it.

node-tar decodes an extended header piece by piece as it arrives: where a piece ends inside a character beyond ASCII, a PAX
record is dropped and a GNU name changed. Where that happens whatever the network does (at every 16 KiB of unpacked data,
its inflater's piece) it is refused; where it depends on the download it is reported.

Reasons: ``archive.override``, and those of ``pax_records``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.formats.pax_records import parse_long_name, parse_pax_records
from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vxsec.formats.tar_header import Header

__all__ = ["PAX_GLOBAL", "Override", "check_override", "is_override", "parse_override"]

PAX_GLOBAL = b"g"
_PAX = b"x"
_LONG_NAME = b"L"
_DIRECTORY = b"5"
_PLACEHOLDER = b"PaxHeader"
"""What tar-stream (pnpm pack, yarn pack) writes as the name where the PAX record holds the real one."""
_NODE_PIECE = 16 * 1024
_TOP_BITS, _CONTINUATION = 0b1100_0000, 0b1000_0000  # of a byte inside a UTF-8 character
_SHOWN = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """The name and the size for the next member, None where not stated; ``at`` is where ``body`` began in the tar."""

    kind: bytes
    path: bytes | None
    size: int | None
    body: bytes
    at: int

    def is_fragile(self, header: Header) -> bool:
        """Whether npm can see another name where the download arrives in unlucky pieces."""
        if self.path is None or self.path.isascii():
            return False
        return self.kind == _LONG_NAME or self.path != header.path

    def is_split(self) -> bool:
        """Whether a character lies across the end of one of node-tar's own pieces."""
        first = -self.at % _NODE_PIECE
        return any(self.body[at] & _TOP_BITS == _CONTINUATION for at in range(first, len(self.body), _NODE_PIECE))


def is_override(header: Header) -> bool:
    """Whether ``header`` is not a member, but says something about the next one or all of them."""
    return header.kind in {_PAX, PAX_GLOBAL, _LONG_NAME}


def parse_override(kind: bytes, body: bytes, *, at: int) -> Override:
    """Read the body of a PAX or GNU header.

    Args:
        kind: ``x`` or ``L``.
        body: The records or the name, without padding.
        at: Offset of ``body`` in the unpacked archive, in bytes.

    Raises:
        TarballError: ``archive.pax``, ``archive.pax-record`` or ``archive.long-name``.
    """
    if kind == _LONG_NAME:
        return Override(kind=kind, path=parse_long_name(body), size=None, body=body, at=at)
    records = parse_pax_records(body)
    path, size = records.get("path"), records.get("size")
    return Override(
        kind=kind,
        path=None if path is None else path.encode("utf-8"),
        size=None if size is None else int(size),
        body=body,
        at=at,
    )


def check_override(override: Override, header: Header) -> Iterator[tuple[str, str]]:
    """Yield ``(code, message)`` where the extended header's name cannot stand."""
    path = override.path or b""
    if header.path != _PLACEHOLDER and not _is_cut(header, path):
        yield (
            "archive.override",
            f"the header says {header.path[:_SHOWN]!r}, its extended header {path[:_SHOWN]!r}",
        )
    if override.is_fragile(header) and override.is_split():
        yield "archive.override", f"npm reads another name than {path[:_SHOWN]!r}, which it cuts in two"


def _is_cut(header: Header, path: bytes) -> bool:
    """Whether the header's name is ``path`` cut to fit, as npm, GNU tar, Python and Go cut it.

    Python writes ``?`` for every character beyond ASCII, Go leaves them out; both before cutting.
    """
    forms = {path}
    if not path.isascii():
        text = path.decode("utf-8", "replace")
        forms |= {text.encode("ascii", "replace"), text.encode("ascii", "ignore")}
    if header.kind == _DIRECTORY:  # with or without the slash at the end
        forms |= {form.removesuffix(b"/") for form in forms} | {form + b"/" for form in forms}
    return header.path in forms or (header.cut and any(form.startswith(header.path) for form in forms))
