"""Days and hours of the district's zone: in every zone, on the days of both clock changes too."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from core.dates import moment_of, start_of, time_text

ZONES = [
    "America/Chicago",
    "America/Anchorage",
    "America/Phoenix",
    "America/St_Johns",
    "America/Havana",  # both changes are at midnight
    "America/Asuncion",
    "Europe/Dublin",
    "Africa/Cairo",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
    "Pacific/Kiritimati",
    "UTC",
]
INSTANT = timedelta(microseconds=1)


@pytest.mark.parametrize("zone", ZONES)
def test_a_day_begins_at_its_first_moment_and_ends_where_the_next_one_begins(zone: str) -> None:
    with timezone.override(ZoneInfo(zone)):
        lengths = set()
        for number in range(366):
            day = date(2026, 1, 1) + timedelta(days=number)
            start, end = start_of(day).astimezone(UTC), start_of(day + timedelta(days=1)).astimezone(UTC)
            assert timezone.localdate(start) == timezone.localdate(end - INSTANT) == day
            assert timezone.localdate(start - INSTANT) < day
            lengths.add(end - start)
    assert timedelta(days=1) in lengths
    assert max(lengths) - min(lengths) <= timedelta(hours=2)


@given(
    zone=st.sampled_from(ZONES),
    day=st.dates(date(2026, 1, 1), date(2026, 12, 31)),
    at=st.times(),
    later=st.timedeltas(timedelta(days=-2), timedelta(days=2)),
)
def test_a_time_of_a_day_is_shown_by_the_districts_clock(zone: str, day: date, at: time, later: timedelta) -> None:
    with timezone.override(ZoneInfo(zone)):
        moment = moment_of(day, at, after=start_of(day) + later)
        local = timezone.localtime(moment)
        late = local.replace(tzinfo=None) - datetime.combine(day, at)
    # Only a time that spring leaves out is later: by as much as the clock goes forward.
    assert late in (timedelta(0), timedelta(minutes=30), timedelta(hours=1))


def test_a_time_that_comes_twice_is_the_next_one() -> None:
    with timezone.override(ZoneInfo("America/Chicago")):
        night, half_past = date(2026, 11, 1), time(1, 30)
        first, second = datetime(2026, 11, 1, 6, 30, tzinfo=UTC), datetime(2026, 11, 1, 7, 30, tzinfo=UTC)
        assert moment_of(night, half_past, after=first - timedelta(hours=1)) == first
        assert moment_of(night, half_past, after=first) == first
        assert moment_of(night, half_past, after=first + INSTANT) == second


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 11, 21, 1, 0, tzinfo=UTC), "11/20/2026 7:00 PM"),
        (datetime(2026, 11, 1, 6, 30, tzinfo=UTC), "11/01/2026 1:30 AM"),
        (datetime(2026, 11, 1, 7, 30, tzinfo=UTC), "11/01/2026 1:30 AM"),
        (datetime(2026, 3, 8, 8, 0, tzinfo=UTC), "03/08/2026 3:00 AM"),
    ],
)
def test_a_time_is_written_in_the_districts_zone(moment: datetime, text: str) -> None:
    with timezone.override(ZoneInfo("America/Chicago")):
        assert time_text(moment) == text
