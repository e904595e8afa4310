"""Single values of an identities document: what each may be, and the error that says where it is not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

from vxsec.errors import ConfigurationError, FormatError
from vxsec.formats.timestamps import parse_time

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from enum import StrEnum

    from vxsec.formats.strict_yaml import DocumentNode

    E = TypeVar("E", bound=StrEnum)

__all__ = ["SHOWN", "is_id", "listed", "new_id", "read_text", "read_time", "read_word", "trust_error"]

SHOWN = 120
"""How much of a wrong value an error shows, in characters."""

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}\Z")


def is_id(text: str) -> bool:
    """Whether ``text`` may be an id or a label."""
    return _ID.match(text) is not None


def new_id(node: DocumentNode, taken: Iterable[str]) -> str:
    """An id that is not taken yet.

    Raises:
        ConfigurationError: ``trust.id`` or ``trust.duplicate``.
    """
    identifier = node.string()
    if not is_id(identifier):
        raise trust_error(node, "trust.id", f"expected letters, digits and ._@+-, found {identifier[:SHOWN]!r}")
    if identifier in taken:
        raise trust_error(node, "trust.duplicate", f"id {identifier!r} is used twice")
    return identifier


def read_word(node: DocumentNode, words: type[E], code: str) -> E:
    """One of a closed list of words.

    Raises:
        ConfigurationError: ``code``.
    """
    try:
        return words(node.string())
    except ValueError as error:
        raise trust_error(node, code, f"expected one of {listed(words)}, found {node.string()[:SHOWN]!r}") from error


def read_time(node: DocumentNode) -> datetime:
    """An RFC 3339 time.

    Raises:
        ConfigurationError: ``trust.time``.
    """
    try:
        return parse_time(node.string(), where=node.where)
    except FormatError as error:
        raise ConfigurationError(error.message, code="trust.time", where=node.where, hint=error.hint) from error


def read_text(node: DocumentNode) -> str:
    """Text that is not empty.

    Raises:
        ConfigurationError: ``trust.id``.
    """
    text = node.string()
    if not text:
        raise trust_error(node, "trust.id", "expected text, found an empty string")
    return text


def listed(words: Iterable[str]) -> str:
    """Words for a message, at most ten."""
    return ", ".join(list(words)[:10]) or "none"


def trust_error(node: DocumentNode, code: str, message: str) -> ConfigurationError:
    """The error at a node."""
    return ConfigurationError(message, code=code, where=node.where)
