"""Quiet hours: over midnight, and on the days on which the clock changes."""

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.quiet_hours import is_quiet

NIGHT, NOON = (time(22), time(6, 30)), (time(11), time(13))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# The district is in Chicago: UTC-6 in winter, UTC-5 in summer. The clock changes on 3/8/2026 and 11/1/2026.
@pytest.mark.parametrize(
    ("hours", "moment", "quiet"),
    [
        (NIGHT, "2026-06-10 02:59", False),
        (NIGHT, "2026-06-10 03:00", True),
        (NIGHT, "2026-06-10 05:30", True),  # after midnight
        (NIGHT, "2026-06-10 11:29", True),
        (NIGHT, "2026-06-10 11:30", False),
        (NOON, "2026-06-10 15:59", False),
        (NOON, "2026-06-10 16:00", True),
        (NOON, "2026-06-10 18:00", False),
        (NIGHT, "2026-01-10 04:00", True),  # winter
        (NIGHT, "2026-01-10 12:29", True),
        (NIGHT, "2026-01-10 12:30", False),
        # Spring leaves out 2 AM to 3 AM: the night begins in winter and ends in summer.
        (NIGHT, "2026-03-08 04:00", True),
        (NIGHT, "2026-03-08 11:29", True),
        (NIGHT, "2026-03-08 11:30", False),
        # A time that spring leaves out is as much later.
        ((time(22), time(2, 30)), "2026-03-08 08:29", True),
        ((time(22), time(2, 30)), "2026-03-08 08:30", False),
        # Autumn shows 1 AM to 2 AM twice. The hours end at the first, and do not come again.
        (NIGHT, "2026-11-01 03:00", True),
        (NIGHT, "2026-11-01 12:29", True),
        (NIGHT, "2026-11-01 12:30", False),
        ((time(22), time(1, 30)), "2026-11-01 06:29", True),
        ((time(22), time(1, 30)), "2026-11-01 06:30", False),
        ((time(22), time(1, 30)), "2026-11-01 07:15", False),  # 1:15 AM for the second time
        ((time(1, 15), time(1, 45)), "2026-11-01 06:20", True),
        ((time(1, 15), time(1, 45)), "2026-11-01 07:20", False),
    ],
)
def test_quiet_hours_begin_and_end_once_a_day(hours: tuple[time, time], moment: str, quiet: bool) -> None:
    assert is_quiet(utc(moment), *hours) is quiet


@pytest.mark.slow
@given(
    st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    st.integers(1, 1439),
    st.sampled_from([utc("2026-03-07 18:00"), utc("2026-06-10 18:00"), utc("2026-10-31 17:00")]),
)
def test_of_each_two_days_the_quiet_part_is_as_long_as_they_say(begin: time, minutes: int, since: datetime) -> None:
    end = (datetime.combine(since, begin) + timedelta(minutes=minutes)).time()
    step = timedelta(minutes=30)
    quiet = sum(is_quiet(since + number * step, begin, end) for number in range(2 * 48)) * step
    # One hour more or less where the clock changes meanwhile, and the two ends are between two steps.
    assert abs(quiet - 2 * timedelta(minutes=minutes)) <= timedelta(hours=1) + 4 * step
