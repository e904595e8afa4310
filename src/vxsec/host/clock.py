"""The one place that reads the clock."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["utc_now"]


def utc_now() -> datetime:
    """The current time, UTC, to the second: what statements and decisions record."""
    return datetime.now(tz=UTC).replace(microsecond=0)
