"""What the texts for people share: colour by meaning, plurals, how much of a list is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Paint = Callable[[str, str], str]

__all__ = ["SHOWN_FAILURES", "count", "plain", "schema_name"]

SHOWN_FAILURES = 50
"""How many problems a text lists before it says how many more there are; JSON lists all."""


def plain(text: str, _style: str) -> str:
    """A ``paint`` that adds nothing."""
    return text


def count(number: int, singular: str, plural: str | None = None) -> str:
    """A number with its noun."""
    return f"{number} {singular if number == 1 else plural or singular + 's'}"


def schema_name(kind: str) -> str:
    """The identifier of a report's JSON Schema; nothing is ever fetched from it."""
    return f"urn:vxsec:schema:{kind}:v1"
