"""The parts of the table of events: one for each month of UTC, made ahead, and dropped as a whole when it is over.

An event of a month without a part is in the part "other": its time is odd, or nobody made the month in time. What was
stored before there were parts is in one part, up to the month that its name says; it stays until all of it is over.

Only the owner of the tables can make and drop parts. The functions of the database that do it are the owner's. They
wait 0.05 seconds for a lock at most, so nobody waits longer behind them; where a reader of events takes longer, they
fail.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from core.timeouts import retry_when_busy
from mailgun_sync.models import MailgunEvent

AHEAD = 3
"""Months. Making one may fail on each day of them, before an event goes to the part "other"."""

_TABLE = MailgunEvent._meta.db_table
_NAME = re.compile(rf"{_TABLE}_(until_)?(\d{{4}})_(\d\d)")
# From this version on PostgreSQL can look at the table without its parts. Autovacuum looks at the parts alone.
_ANALYZE_ONLY_SINCE = 18_00_00


@dataclass(frozen=True, order=True)
class Month:
    """A part of the table: the events from ``begin`` up to ``end``. The oldest part may have no begin."""

    end: datetime
    begin: datetime | None
    name: str

    @classmethod
    def named(cls, name: str) -> Month | None:
        """Return the part with this name; None for one of another kind."""
        parts = _NAME.fullmatch(name)
        if parts is None:
            return None
        first = date(int(parts[2]), int(parts[3]), 1)
        return cls(_midnight(first), None, name) if parts[1] else cls(_midnight(_next(first)), _midnight(first), name)

    def condition(self) -> Q:
        """The events of the part, as a condition that lets PostgreSQL leave out the other parts."""
        return Q(occurred_at__lt=self.end) & (Q(occurred_at__gte=self.begin) if self.begin else Q())


def months() -> list[Month]:
    """Return the parts that there are, the oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_inherits JOIN pg_class AS c ON c.oid = inhrelid WHERE inhparent = %s::regclass",
            [_TABLE],
        )
        found = [Month.named(name) for (name,) in cursor.fetchall()]
    return sorted(month for month in found if month)


def make_months(*, since: datetime | None = None, now: datetime | None = None) -> int:
    """Make the months from ``since`` to AHEAD months after ``now``, if they are missing. Returns how many it made.

    Without ``since`` it begins with the oldest event that Mailgun still has. Each month is a transaction of its own,
    and two processes may do this at once. Raises OperationalError if others held the locks for too long.
    """
    now = now or timezone.now()
    since = since or now - timedelta(days=settings.MAILGUN_RETENTION_DAYS)
    return sum(retry_when_busy(_make, first) for first in _missing(since, now))


def missing_months(now: datetime) -> list[date]:
    """Return the first days of the months that have no part, though their events come now or within a month."""
    ahead = now + timedelta(days=31)
    return [first for first in _missing(now, now) if first <= _first(ahead)]


def _missing(since: datetime, now: datetime) -> list[date]:
    there = months()
    begins = {month.begin for month in there}
    earlier = max((month.end for month in there if month.begin is None), default=since)
    first, last = max(_first(since), _first(earlier)), _first(now)
    for _ in range(AHEAD):
        last = _next(last)
    missing = []
    while first <= last:
        if _midnight(first) not in begins:
            missing.append(first)
        first = _next(first)
    return missing


@transaction.atomic
def _make(first: date) -> bool:
    return bool(_call("SELECT mailgun_sync_make_month(%s)", first))


def drop_month(month: Month, *, keep: Q | None = None) -> int | None:
    """Drop a month that is over, with all its events. Returns how many; None if one of ``keep`` is among them.

    It needs a transaction. No event comes into the month from the look at its events on.
    """
    _call(f'LOCK TABLE "{month.name}" IN SHARE ROW EXCLUSIVE MODE')
    events = MailgunEvent.objects.filter(month.condition())
    if keep is not None and events.filter(keep).exists():
        return None
    number = events.count()
    _call("SELECT mailgun_sync_drop_month(%s)", month.name)
    return number


def months_before(moment: datetime) -> list[Month]:
    """Return the months that were over at a moment, the oldest first."""
    return [month for month in months() if month.end <= moment]


def analyze() -> None:
    """Let PostgreSQL look at how the values of all months spread. Joins are planned by that."""
    connection.ensure_connection()
    only = "ONLY " if connection.connection.server_version >= _ANALYZE_ONLY_SINCE else ""
    _call(f"ANALYZE {only}{_TABLE}")


def _call(sql: str, *values: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, values or None)
        return cursor.fetchone()[0] if cursor.description else None


def _first(moment: datetime) -> date:
    return moment.astimezone(UTC).date().replace(day=1)


def _next(first: date) -> date:
    return (first + timedelta(days=31)).replace(day=1)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
