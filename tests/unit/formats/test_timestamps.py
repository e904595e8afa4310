"""RFC 3339 times: one meaning or a refusal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vxsec.errors import FormatError
from vxsec.formats.timestamps import parse_time, render_time

ACCEPTED = {
    "Zulu": ("2026-11-01T00:00:00Z", datetime(2026, 11, 1, tzinfo=UTC)),
    "an offset east": ("2026-11-01T01:30:00+01:30", datetime(2026, 11, 1, tzinfo=UTC)),
    "an offset west across midnight": ("2026-10-31T23:00:00-01:00", datetime(2026, 11, 1, tzinfo=UTC)),
    "a fraction of one digit": ("2026-11-01T00:00:00.5Z", datetime(2026, 11, 1, 0, 0, 0, 500_000, tzinfo=UTC)),
    "nanoseconds, cut": ("2026-11-01T00:00:00.123456789Z", datetime(2026, 11, 1, 0, 0, 0, 123_456, tzinfo=UTC)),
    "a leap day": ("2028-02-29T00:00:00Z", datetime(2028, 2, 29, tzinfo=UTC)),
}
REFUSED = {
    "no offset": "2026-11-01T00:00:00",
    "a date alone": "2026-11-01",
    "a blank instead of T": "2026-11-01 00:00:00Z",
    "lower-case letters": "2026-11-01t00:00:00z",
    "a leap second": "2016-12-31T23:59:60Z",
    "hour 24": "2026-11-01T24:00:00Z",
    "a day that is not": "2026-02-29T00:00:00Z",
    "month 0": "2026-00-01T00:00:00Z",
    "an offset of 99 hours": "2026-11-01T00:00:00+99:00",
    "an offset without colon": "2026-11-01T00:00:00+0100",
    "before the first year in UTC": "0001-01-01T00:00:00+23:59",
    "after the last year in UTC": "9999-12-31T23:59:59-23:59",
    "year 0": "0000-01-01T00:00:00Z",
    "Arabic digits": "٢٠٢٦-11-01T00:00:00Z",
    "a line end": "2026-11-01T00:00:00Z\n",
    "ten digits of fraction": "2026-11-01T00:00:00.1234567890Z",
    "an empty fraction": "2026-11-01T00:00:00.Z",
    "seconds since 1970": "1793491200",
    "nothing": "",
}


@pytest.mark.parametrize(("text", "moment"), ACCEPTED.values(), ids=ACCEPTED.keys())
def test_reads(text: str, moment: datetime) -> None:
    parsed = parse_time(text, where="field")
    assert parsed == moment
    assert parsed.tzinfo is UTC


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED.keys())
def test_refuses(text: str) -> None:
    with pytest.raises(FormatError, match="expected an RFC 3339 time") as caught:
        parse_time(text, where="field")
    assert (caught.value.code, caught.value.where) == ("time.malformed", "field")


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30), timezones=st.just(UTC)))  # noqa: DTZ001
def test_what_is_written_is_read_back_to_the_second(moment: datetime) -> None:
    assert parse_time(render_time(moment), where="x") == moment.replace(microsecond=0)


def test_writes_another_zone_in_utc() -> None:
    assert render_time(datetime(2026, 11, 1, 1, tzinfo=timezone(timedelta(hours=1)))) == "2026-11-01T00:00:00Z"


def test_does_not_guess_the_zone_of_a_naive_time() -> None:
    with pytest.raises(ValueError, match="without an offset"):
        render_time(datetime(2026, 11, 1))  # noqa: DTZ001


@given(st.text())
def test_only_our_error_escapes(text: str) -> None:
    try:
        parse_time(text, where="x")
    except FormatError as error:
        assert error.code == "time.malformed"  # noqa: PT017
