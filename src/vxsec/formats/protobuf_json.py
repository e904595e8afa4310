"""Protocol buffers' JSON form (ProtoJSON), as far as Sigstore's messages need it: bytes and 64-bit integers.

The rules are protobuf.dev's, minus what writers never use and readers differ on: only the standard base64 alphabet with its
padding, only decimal integers without sign or leading zeros.
"""

from __future__ import annotations

import binascii
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from vxsec.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vxsec.formats.strict_json import JsonNode

__all__ = ["MAX_INT64", "json_errors_as", "read_base64", "read_bytes", "read_count", "read_text"]

MAX_INT64 = 2**63 - 1
_DECIMAL = re.compile(r"(?:0|[1-9][0-9]{0,18})\Z")
_SHOWN = 40


@contextmanager
def json_errors_as(code: str, *, too_large: str | None = None) -> Iterator[None]:
    """Give errors of the JSON reader (``json.*``) and of times (``time.*``) the code of the format being read.

    Args:
        code: What malformed content is called.
        too_large: What ``json.too-large`` is called; ``code`` if not given.
    """
    try:
        yield
    except FormatError as error:
        if error.code.partition(".")[0] not in {"json", "time"}:
            raise
        named = (too_large or code) if error.code == "json.too-large" else code
        raise FormatError(error.message, code=named, where=error.where) from error


def read_base64(text: str, *, code: str, where: str) -> bytes:
    """Decode base64 (RFC 4648 section 4): the standard alphabet, with padding, nothing else, and not empty.

    Raises:
        FormatError: ``code``.
    """
    try:
        raw = binascii.a2b_base64(text, strict_mode=True)
    except (binascii.Error, ValueError) as error:
        raise FormatError("expected base64", code=code, where=where) from error
    if not raw:
        raise FormatError("expected some bytes, found none", code=code, where=where)
    return raw


def read_bytes(node: JsonNode, *, code: str, size: int | None = None, wrapped: bool = False) -> bytes:
    """A ``bytes`` field: base64, not empty.

    Args:
        node: The field.
        code: What something else is called.
        size: How many bytes exactly, where that is known.
        wrapped: Whether the text may span several lines, as Go and base64(1) have it.

    Raises:
        FormatError: ``code``, or ``json.type``.
    """
    text = node.string()
    if wrapped:
        text = text.replace("\r", "").replace("\n", "")
    raw = read_base64(text, code=code, where=node.where)
    if size is not None and len(raw) != size:
        raise FormatError(f"expected {size} bytes, found {len(raw)}", code=code, where=node.where)
    return raw


def read_count(node: JsonNode | None, *, code: str) -> int:
    """An ``int64`` field that counts something: a string or a number, never negative; an absent one is 0.

    Raises:
        FormatError: ``code``, or ``json.type``.
    """
    if node is None:
        return 0
    value = node.value
    if isinstance(value, str):
        if _DECIMAL.match(value) is None:
            raise FormatError(
                f"expected a number from 0 to 2^63-1, found {value[:_SHOWN]!r}", code=code, where=node.where
            )
        number = int(value)
    else:
        number = node.integer()
    if not 0 <= number <= MAX_INT64:
        raise FormatError(
            f"expected a number from 0 to 2^63-1, found {str(number)[:_SHOWN]}", code=code, where=node.where
        )
    return number


def read_text(node: JsonNode, *, code: str, longest: int) -> str:
    """A ``string`` field that is neither empty nor longer than ``longest`` characters.

    Raises:
        FormatError: ``code``, or ``json.type``.
    """
    text = node.string()
    if not 0 < len(text) <= longest:
        raise FormatError(
            f"expected 1 to {longest} characters, found {len(text)}: {text[:_SHOWN]!r}", code=code, where=node.where
        )
    return text
