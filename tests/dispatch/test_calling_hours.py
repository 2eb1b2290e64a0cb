"""When calls are allowed, in any zone and on the nights of both clock changes."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from dispatch.delays import clock
from dispatch.services.calling_hours import calls_allowed, next_allowed

ZONES = ["America/Chicago", "America/Havana", "Australia/Lord_Howe", "Europe/Dublin", "Asia/Kolkata"]
# Before the clock changes of the zones.
NIGHTS = [
    datetime(2026, month, day, tzinfo=UTC) for month, day in [(3, 7), (3, 28), (4, 4), (10, 3), (10, 24), (10, 31)]
]


@given(
    zone=st.sampled_from(ZONES),
    day=st.sampled_from([NIGHTS[0], *NIGHTS]),
    since=st.timedeltas(timedelta(0), timedelta(days=2)) | st.timedeltas(timedelta(0), timedelta(days=365)),
    opens=st.times(max_value=time(11)),
    closes=st.times(min_value=time(12)),
)
def test_the_next_opening_is_to_come_and_is_one(
    settings: Settings, zone: str, day: datetime, since: timedelta, opens: time, closes: time
) -> None:
    at = day + since
    settings.VOICE_HOURS = (opens, closes)
    with timezone.override(ZoneInfo(zone)):
        allowed = next_allowed(at)
        assert calls_allowed(allowed)
    assert timedelta(0) <= allowed - at <= timedelta(hours=25)


@pytest.mark.parametrize(
    ("ahead", "text"),
    [
        (timedelta(hours=2), "10:00 PM"),
        (timedelta(hours=5), "1:00 AM tomorrow"),
        (timedelta(hours=27), "11:00 PM tomorrow"),
        (timedelta(hours=29), "11/22/2026 1:00 AM"),
    ],
)
def test_a_moment_to_come_says_its_day(ahead: timedelta, text: str) -> None:
    now = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
    with timezone.override(ZoneInfo("America/Chicago")):
        assert clock(now + ahead, now) == text
