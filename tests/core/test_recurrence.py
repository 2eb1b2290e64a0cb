"""Times that come again, against plain Python that looks at every half hour of two years."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise, takewhile
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from core.recurrence import LONGEST, Every, Recurrence
from tests.examples import examples

BEGIN, END = datetime(2025, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
# One with an hour of summer time, one with half an hour, one without, and one whose midnight spring leaves out.
ZONES = ["America/Chicago", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Cairo"]
recurrences = st.builds(
    Recurrence,
    st.sampled_from(Every),
    st.one_of(st.sampled_from([0, 1, 2, 3]), st.integers(0, 23)),
    weekday=st.integers(0, 6),
    day=st.one_of(st.sampled_from([1, 28, 29, 30, 31]), st.integers(1, 31)),
)


@cache
def quarters(zone: str) -> list[tuple[datetime, datetime]]:
    """Every quarter of an hour of the two years, with what the clock shows."""
    number = int((END - BEGIN) / timedelta(minutes=15))
    moments = (BEGIN + timedelta(minutes=15 * each) for each in range(number))
    return [(moment, moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)) for moment in moments]


def fits(recurrence: Recurrence, day: date) -> bool:
    last = monthrange(day.year, day.month)[1]
    return {
        Every.DAY: True,
        Every.WEEK: day.isoweekday() - 1 == recurrence.weekday,
        Every.MONTH: day.day == recurrence.day or (day.day == last and recurrence.day > last),
    }[recurrence.every]


def expected(recurrence: Recurrence, zone: str) -> list[datetime]:
    """Of each day that fits, the first moment at which the clock shows the hour, or has gone past it."""
    found: dict[date, datetime] = {}
    for moment, shown in quarters(zone):
        day = shown.date()
        if day not in found and shown.time() >= time(recurrence.hour) and fits(recurrence, day):
            found[day] = moment
    return [moment for moment in found.values() if moment > BEGIN + timedelta(days=1)]


@pytest.mark.slow
@pytest.mark.parametrize("zone", ZONES)
@examples(30)
@given(recurrence=recurrences)
def test_each_day_that_fits_has_one_time_and_the_clock_changes_too(zone: str, recurrence: Recurrence) -> None:
    with timezone.override(zone):
        wanted = expected(recurrence, zone)
        times = list(takewhile(lambda at: at < END, recurrence.after(BEGIN + timedelta(days=1))))
    assert times == wanted
    assert all(later - earlier <= LONGEST for earlier, later in pairwise(times))


@pytest.mark.parametrize(
    ("day", "hour", "utc"),
    [
        (date(2026, 3, 8), 2, "08:00"),  # spring leaves 2 AM out, so it is 3 AM
        (date(2026, 3, 8), 3, "08:00"),
        (date(2026, 11, 1), 1, "06:00"),  # autumn has 1 AM twice: the first
        (date(2026, 11, 2), 1, "07:00"),
        (date(2026, 7, 1), 6, "11:00"),
    ],
)
def test_an_hour_that_is_not_there_or_comes_twice_is_one_time(day: date, hour: int, utc: str) -> None:
    with timezone.override("America/Chicago"):
        recurrence = Recurrence(Every.DAY, hour)
        times = list(recurrence.missed(recurrence.on(day), recurrence.on(day + timedelta(days=1))))
    assert next(f"{at:%H:%M}" for at in times) == utc
    assert len(times) == 2


@given(
    recurrence=recurrences,
    begin=st.datetimes(datetime(2025, 6, 1), datetime(2026, 6, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    away=st.timedeltas(timedelta(0), timedelta(days=90)),
)
def test_what_was_missed_is_each_time_from_the_first_to_now(
    recurrence: Recurrence, begin: datetime, away: timedelta
) -> None:
    with timezone.override("America/Chicago"):
        first = recurrence.next_after(begin)
        now = first + away
        times = recurrence.missed(first, now)
        assert times == [first, *takewhile(lambda at: at <= now, recurrence.after(first))]
        assert recurrence.next_after(now) > now
        assert recurrence.missed(first, first - timedelta(seconds=1)) == []


def test_it_says_when_as_people_do() -> None:
    assert str(Recurrence(Every.DAY, 0)) == "every day at 12:00 AM"
    assert str(Recurrence(Every.WEEK, 18, weekday=4)) == "every Friday at 6:00 PM"
    assert str(Recurrence(Every.MONTH, 12, day=31)) == "on day 31 of every month at 12:00 PM"
