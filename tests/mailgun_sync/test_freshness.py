"""When the next sync comes, by whatever clock it is asked."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from celery.schedules import crontab
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from config.celery import app
from config.schedules import hourly
from mailgun_sync.freshness import next_sync, when

MINUTE = timedelta(minutes=1)
ZONES = ["America/Chicago", "America/St_Johns", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe", "UTC"]
# Around both clock changes of the United States and of Europe, and around an evening whose day in UTC is the next one.
DAYS = [datetime(2026, month, day, tzinfo=UTC) for month, day in [(3, 8), (3, 29), (10, 25), (11, 1), (11, 21)]]


def starts(schedule: crontab, moment: datetime) -> bool:
    """Whether beat starts a sync at this minute, if it started one a minute ago."""
    asked = crontab(minute=schedule._orig_minute, app=app, nowfun=lambda: moment)
    return bool(asked.is_due(moment - MINUTE).is_due)


@given(
    zone=st.sampled_from(ZONES),
    minutes=st.sets(st.integers(0, 59), min_size=1, max_size=5) | st.just(set(range(60))),
    day=st.sampled_from(DAYS),
    since=st.timedeltas(timedelta(0), timedelta(hours=30)),
)
def test_the_next_sync_is_the_first_minute_at_which_beat_starts_one(
    settings: Settings, zone: str, minutes: set[int], day: datetime, since: timedelta
) -> None:
    now = day + since
    settings.MAILGUN_SYNC_TIMES = hourly(minutes, zone=zone)
    with timezone.override(ZoneInfo(zone)):
        found = next_sync(now)
        assert next_sync(now.astimezone(ZoneInfo(zone))) == found
    minute = now.replace(second=0, microsecond=0) + MINUTE
    while not starts(settings.MAILGUN_SYNC_TIMES, minute):
        minute += MINUTE
    assert found == minute
    assert timedelta(0) < found - now <= timedelta(hours=1)


@pytest.mark.parametrize("hour", range(24))
def test_with_a_sync_each_minute_the_next_one_is_always_a_minute_away(settings: Settings, hour: int) -> None:
    settings.MAILGUN_SYNC_TIMES = hourly(range(60), zone="America/Chicago")
    now = datetime(2026, 11, 21, hour, 30, 20, tzinfo=UTC)

    assert next_sync(now) == now + timedelta(seconds=40)


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 11, 21, 1, 0, tzinfo=UTC), "7:00 PM"),
        (datetime(2026, 11, 21, 5, 59, tzinfo=UTC), "11:59 PM"),
        (datetime(2026, 11, 21, 6, 0, tzinfo=UTC), "11/21/2026 12:00 AM"),
        (datetime(2026, 11, 20, 5, 0, tzinfo=UTC), "11/19/2026 11:00 PM"),
    ],
)
def test_today_is_the_districts_day(moment: datetime, text: str) -> None:
    with timezone.override(ZoneInfo("America/Chicago")):
        assert when(moment, now=datetime(2026, 11, 21, 2, 0, tzinfo=UTC)) == text
