"""Schedules in UTC. They run as often on the days of a clock change as on other days.

Celery's crontab counts the hours of its zone, so it would leave out the second 1 AM of autumn, and what is due in the
hour that spring leaves out. So Celery works in UTC, and these functions turn the district's hours into those of UTC.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from celery.schedules import crontab

_A_SUNDAY = datetime(2023, 1, 1)  # noqa: DTZ001  (the hour of any zone)


def hourly(minutes: Iterable[int], *, zone: str) -> crontab:
    """Return a schedule at these minutes of each hour in a zone, which may be half an hour apart from UTC."""
    times = (_in_utc(timedelta(minutes=minute), zone) for minute in minutes)
    return crontab(minute=",".join(str(minute) for minute in sorted({time.minute for time in times})))


def daily(hour: int, minute: int, *, zone: str) -> crontab:
    """Return a schedule at this time of each day in a zone; where summer has its own time, an hour later in summer."""
    time = _in_utc(timedelta(hours=hour, minutes=minute), zone)
    return crontab(hour=str(time.hour), minute=str(time.minute))


def sundays(hour: int, minute: int, *, zone: str) -> crontab:
    """Return a schedule at this time of each Sunday in a zone, like `daily`."""
    time = _in_utc(timedelta(hours=hour, minutes=minute), zone)
    return crontab(day_of_week=str(time.isoweekday() % 7), hour=str(time.hour), minute=str(time.minute))


def _in_utc(time: timedelta, zone: str) -> datetime:
    """Return the moment of UTC for a time of a Sunday without summer time."""
    seasons = (datetime(2023, month, 1, tzinfo=UTC).astimezone(ZoneInfo(zone)).utcoffset() for month in (1, 7))
    return (_A_SUNDAY + time - min(offset for offset in seasons if offset is not None)).replace(tzinfo=UTC)
