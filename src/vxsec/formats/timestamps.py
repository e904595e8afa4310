"""Points in time as text: RFC 3339, read strictly, always UTC."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

from vxsec.errors import FormatError

__all__ = ["full_time", "parse_time", "render_time"]

_RFC3339 = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?(Z|[+-][0-9]{2}:[0-9]{2})\Z"
)
_SHOWN = 40


def parse_time(text: str, *, where: str) -> datetime:
    """Read one RFC 3339 time (section 5.6) with a stated offset.

    Guarantees: the result is aware and in UTC. Fractions below a microsecond are cut off. Lower-case letters, a blank
    instead of ``T``, a missing offset and leap seconds are refused, because readers differ on them.

    Args:
        text: The time as written.
        where: The field it stands in, for the error.

    Raises:
        FormatError: ``time.malformed``.
    """
    match = _RFC3339.match(text)
    if match is None:
        raise _malformed(text, where)
    moment, fraction, offset = match.groups()
    digits = (fraction or "")[:6].ljust(6, "0")
    try:
        return datetime.fromisoformat(f"{moment}.{digits}{'+00:00' if offset == 'Z' else offset}").astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _malformed(text, where) from error


def render_time(moment: datetime) -> str:
    """Write ``moment`` (aware) as RFC 3339 in UTC, cut to whole seconds: ``2026-11-01T00:00:00Z``."""
    if moment.tzinfo is None:
        raise ValueError("a time without an offset cannot be written as UTC")
    return moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def _malformed(text: str, where: str) -> FormatError:
    return FormatError(
        f"expected an RFC 3339 time such as 2026-11-01T00:00:00Z, found {text[:_SHOWN]!r}",
        code="time.malformed",
        where=where,
        hint=f"write it in full, in quotes: {full_time(text)}",
    )


def full_time(text: str) -> str:
    """The quoted form to write in place of ``text``: its own date where it begins with one."""
    try:
        day = date.fromisoformat(text[:10])
    except ValueError:
        day = date(2026, 11, 21)
    return f'"{day.isoformat()}T00:00:00Z"'
