"""What beat starts: as often on the days of a clock change as on other days, in every zone."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from celery.schedules import crontab
from django.conf import settings

from config.celery import app
from config.schedules import daily, hourly, sundays

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ZONES = [
    "America/Chicago",
    "America/St_Johns",  # half an hour apart
    "America/Havana",  # changes at midnight
    "Europe/Dublin",  # winter is the exception in the tables
    "Australia/Lord_Howe",  # half an hour of summer time
    "Pacific/Apia",  # the next day begins there first
    "Asia/Kolkata",  # no summer time
    "America/Phoenix",
]
CHANGES = [datetime(2026, 3, 7, tzinfo=UTC), datetime(2026, 10, 31, tzinfo=UTC), datetime(2026, 4, 4, tzinfo=UTC)]
CRONTABS = {
    name: entry["schedule"]
    for name, entry in settings.CELERY_BEAT_SCHEDULE.items()
    if isinstance(entry["schedule"], crontab)
}


def starts(schedule: crontab, begin: datetime, length: timedelta) -> Iterator[datetime]:
    """Yield when beat starts a task: it sleeps for as long as the schedule says, and five minutes at most."""
    moment, last = begin, begin - timedelta(minutes=1)
    schedule = crontab(
        minute=schedule._orig_minute, hour=schedule._orig_hour, day_of_week=schedule._orig_day_of_week, app=app
    )
    schedule.nowfun = lambda: moment
    while moment < begin + length:
        due, seconds = schedule.is_due(last)
        if due:
            yield moment
            last = moment
        moment += min(timedelta(seconds=seconds), timedelta(minutes=5))


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", [name for name in CRONTABS if "sweep-retention" not in name])
def test_a_clock_change_neither_skips_nor_repeats_a_task(name: str, change: datetime) -> None:
    found = list(starts(CRONTABS[name], change, 3 * DAY))

    each = HOUR / len(CRONTABS[name].minute) if len(CRONTABS[name].hour) == 24 else DAY
    assert {later - earlier for earlier, later in pairwise(found)} == {each}
    assert len(found) == 3 * DAY / each


def test_there_are_schedules_by_the_hour_and_by_the_day() -> None:
    assert {len(schedule.hour) for schedule in CRONTABS.values()} == {1, 24}
    assert app.conf.timezone == "UTC", "a zone with summer time skips an hour in autumn"


@pytest.mark.slow
@pytest.mark.parametrize("zone", ZONES)
def test_the_hours_are_those_of_the_zone(zone: str) -> None:
    """In winter exactly; where summer has its own time, that much later."""
    for change in CHANGES:
        for found in starts(daily(2, 20, zone=zone), change, 3 * DAY):
            local = found.astimezone(ZoneInfo(zone))
            assert local.hour * 60 + local.minute in (140, 170, 200)
    (sunday,) = starts(sundays(3, 20, zone=zone), datetime(2026, 11, 4, tzinfo=UTC), 7 * DAY)
    assert sunday.astimezone(ZoneInfo(zone)).isoweekday() == 7
    assert sunday.astimezone(ZoneInfo(zone)).hour in (3, 4)


@pytest.mark.parametrize("zone", [zone for zone in ZONES if zone != "Australia/Lord_Howe"])
def test_a_full_hour_is_one_of_the_zone(zone: str) -> None:
    found = list(starts(hourly([0, 45], zone=zone), CHANGES[1], 2 * DAY))

    assert {moment.astimezone(ZoneInfo(zone)).minute for moment in found} == {0, 45}
    assert len(found) == 2 * 48
