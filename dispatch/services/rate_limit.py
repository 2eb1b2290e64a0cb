"""The pace of each mode, over all workers: items a minute, requests on the way, and a pause that a provider asks for.

Requests on the way: a provider that has too much to do gets half as many, and a little more each second.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.db.models import Q
from django.utils import timezone

from dispatch.models import Pace
from messenger_logs.choices import Mode

# After a quiet time, the items of so many seconds may go out at once.
_BURST = timedelta(seconds=10)
# After this time, a mode that was slowed down to nothing has all its requests on the way again.
_RECOVERS = timedelta(minutes=2)
_CLOCKS_MAY_DIFFER_BY = timedelta(minutes=5)

# A clock that was put back takes nothing out of the bucket.
_PASSED = "greatest(0, extract(epoch FROM clock_timestamp() - pace.as_of))"
_FILLED = f"least(%(burst)s, pace.room + %(rate)s * {_PASSED})"
_MAY_GO = f"SELECT {_FILLED} > 0 FROM {Pace._meta.db_table} AS pace WHERE mode = %(mode)s"  # noqa: S608
_SPEND = f"""
INSERT INTO {Pace._meta.db_table} AS pace (mode, room, as_of, words)
VALUES (%(mode)s, %(burst)s - %(items)s, clock_timestamp(), '')
ON CONFLICT (mode) DO UPDATE SET room = {_FILLED} - %(items)s, as_of = clock_timestamp()
"""  # noqa: S608  (table names only)
# As long as there is room, a whole batch may go.
_TAKE = f"""
WITH found AS (
    SELECT mode, {_FILLED} AS room FROM {Pace._meta.db_table} AS pace WHERE mode = %(mode)s FOR UPDATE
), taken AS (
    SELECT mode, room, CASE WHEN room > 0 THEN least(%(items)s, ceil(room / %(batch)s) * %(batch)s) ELSE 0 END AS items
    FROM found
)
UPDATE {Pace._meta.db_table} AS pace SET room = taken.room - taken.items, as_of = clock_timestamp()
FROM taken WHERE pace.mode = taken.mode
RETURNING taken.items
"""  # noqa: S608  (table names only)


def may_go(mode: Mode) -> bool:
    """Whether a worker may claim deliveries of a mode now: no pause, and no debt."""
    if Pace.objects.paused(timezone.now()).filter(mode=mode).exists():
        return False
    rate = _rate(mode)
    if not rate:
        return True
    with connection.cursor() as cursor:
        cursor.execute(_MAY_GO, {"mode": mode.value, **rate})
        row = cursor.fetchone()
    return row is None or bool(row[0])


def spend(mode: Mode, items: int) -> None:
    """Take items from the bucket. A large batch leaves a debt, and the mode rests until time has paid it."""
    rate = _rate(mode)
    if rate:
        with connection.cursor() as cursor:
            cursor.execute(_SPEND, {"mode": mode.value, "items": items, **rate})


def take(mode: Mode, items: int, *, batch: int) -> int:
    """Take up to so many items from the bucket, for requests of ``batch`` items each. Returns how many may go.

    No two workers take the same room. What does not go is given back: ``spend`` takes a negative number too.
    """
    rate = _rate(mode)
    if not rate:
        return items
    spend(mode, 0)
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, {"mode": mode.value, "items": items, "batch": batch, **rate})
        return int(cursor.fetchone()[0])


def at_once(mode: Mode, most: int) -> int:
    """Return how many requests of one worker may be on the way now: ``most``, and fewer after `slow_down`."""
    pace = Pace.objects.filter(mode=mode).only("at_once", "slowed_at").first()
    return at_once_of(pace, most, timezone.now()) if pace else most


def slow_down(mode: Mode, *, most: int, words: str, since: datetime) -> bool:
    """Halve the number of requests on the way, because of an answer to a request of ``since``. ``words`` say why.

    Only the first of the requests that were on the way together counts. Returns False if there was one already and no
    more: then only a pause helps.
    """
    Pace.objects.get_or_create(mode=mode)
    now = timezone.now()
    allowed = at_once(mode, most)
    first = Pace.objects.filter(Q(slowed_at=None) | Q(slowed_at__lte=since) | _in_the_future(now), mode=mode)
    slowed = first.update(at_once=max(1, allowed // 2), slowed_at=now, slowed_words=words[:500])
    return allowed > 1 or not slowed


def at_once_of(pace: Pace, most: int, now: datetime) -> int:
    """Return the same for a row in memory."""
    if pace.at_once is None or pace.slowed_at is None or pace.slowed_at > now + _CLOCKS_MAY_DIFFER_BY:
        return most
    grown = most * max(now - pace.slowed_at, timedelta(0)) / _RECOVERS
    return max(1, min(most, pace.at_once + int(grown)))


def _in_the_future(now: datetime) -> Q:
    return Q(slowed_at__gt=now + _CLOCKS_MAY_DIFFER_BY)


def pause(mode: Mode, *, after: timedelta, words: str) -> None:
    """Pause a mode for ``after``, because of its provider. ``words`` say why, for people. A longer pause stays."""
    until = timezone.now() + after
    Pace.objects.get_or_create(mode=mode)
    longer = Pace.objects.paused(until).filter(mode=mode)
    Pace.objects.filter(mode=mode).exclude(pk__in=longer.values("pk")).update(paused_until=until, words=words[:500])


def _rate(mode: Mode) -> dict[str, float]:
    """Return items a second, and how many may go at once; empty without a limit."""
    a_minute: int = settings.ITEMS_A_MINUTE.get(mode.value, 0)
    return {"rate": a_minute / 60, "burst": max(1.0, a_minute / 60 * _BURST.total_seconds())} if a_minute else {}
