"""The clock: UTC, whole seconds, as statements and decisions record them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from vxsec.host.clock import utc_now


def test_the_time_is_now_in_utc_to_the_second() -> None:
    before = datetime.now(tz=UTC) - timedelta(seconds=1)
    now = utc_now()
    assert before <= now <= datetime.now(tz=UTC)
    assert now.utcoffset() == timedelta(0)
    assert now.microsecond == 0
