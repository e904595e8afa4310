"""PAX extended header records (POSIX.1-2001 pax) and GNU long names, where all readers agree on them.

node-tar splits the block at line feeds and drops what does not add up; tarfile follows the lengths and stops at the
first oddity. So every record must be canonical: a length without leading zeros, a key, a value without control
characters, UTF-8 throughout, no key twice, and nothing left over.

Reasons: ``archive.pax`` (syntax) ``archive.pax-record`` (a record that readers use differently) ``archive.long-name``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NoReturn

from vxsec.errors import TarballError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["parse_long_name", "parse_pax_global", "parse_pax_records"]

_LENGTH = re.compile(rb"([1-9][0-9]{0,6}) ")
_INTEGER = re.compile(r"[0-9]{1,15}")
_TIME = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?")
_ANY = re.compile(r"[^\x00-\x1f\x7f]*")
_VENDOR = re.compile(r"(?!GNU\.)[A-Z][A-Z0-9]*\.[!-<>-~]+")
"""Keys of other programs, which every reader skips; GNU's are sparse files, which none reads as another does."""
_KNOWN = {
    "path": _ANY,
    "size": _INTEGER,
    "mtime": _TIME,
    "atime": _TIME,
    "ctime": _TIME,
    "uid": _INTEGER,
    "gid": _INTEGER,
    "uname": _ANY,
    "gname": _ANY,
    "comment": _ANY,
}


def parse_pax_records(block: bytes) -> Mapping[str, str]:
    """Read the records that precede one member.

    Args:
        block: The body of a PAX header, without its padding.

    Raises:
        TarballError: ``archive.pax`` or ``archive.pax-record``.
    """
    records: dict[str, str] = {}
    at = 0
    while at < len(block):
        length = _LENGTH.match(block, at)
        if length is None:
            _stop("archive.pax", f"expected the length of a PAX record, found {block[at : at + 20]!r}")
        end = at + int(length[1])
        key, equals, value = _decoded(block[length.end() : end - 1]).partition("=")
        if block[end - 1 : end] != b"\n" or not equals:
            _stop("archive.pax", f"a PAX record whose length and content disagree: {block[at : at + 40]!r}")
        if key in records:
            _stop("archive.pax-record", f"two PAX records {key[:40]!r}")
        _check_record(key, value)
        records[key] = value
        at = end
    if not records:
        _stop("archive.pax", "a PAX header without records")
    return records


def parse_pax_global(block: bytes) -> None:
    """Check a PAX global header: only the comment that ``git archive`` writes, which changes no member.

    Raises:
        TarballError: ``archive.pax`` or ``archive.pax-record``.
    """
    others = sorted(set(parse_pax_records(block)) - {"comment"})
    if others:
        _stop("archive.pax-record", f"a PAX global header that sets {others[0][:40]!r} for every member")


def parse_long_name(block: bytes) -> bytes:
    """Read the name that precedes one member in GNU's form: the path and one NUL.

    Raises:
        TarballError: ``archive.long-name``.
    """
    name = block.removesuffix(b"\0")
    if not name or b"\0" in name:
        _stop("archive.long-name", f"a GNU long name that is empty or holds a NUL: {block[:40]!r}")
    return name


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise TarballError([("archive.pax", f"a PAX record that is not UTF-8: {raw[:40]!r}")]) from error


def _check_record(key: str, value: str) -> None:
    shape = _KNOWN.get(key) or (_ANY if _VENDOR.fullmatch(key) else None)
    if shape is None:
        _stop("archive.pax-record", f"a PAX record {key[:40]!r}, which not every reader takes the same way")
    # tarfile before 3.12 looks for this word anywhere in the block, values included.
    if not shape.fullmatch(value) or "hdrcharset=" in value:
        _stop("archive.pax-record", f"a PAX record {key[:40]!r} with a value not every reader takes: {value[:80]!r}")


def _stop(code: str, message: str) -> NoReturn:
    raise TarballError([(code, message)])
