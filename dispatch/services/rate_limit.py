"""The pace of each mode, over all workers: a number of items a minute, and a pause when a provider asks for one."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.utils import timezone

from dispatch.models import Pace
from messenger_logs.choices import Mode

# After a quiet time, the items of so many seconds may go out at once.
_BURST = timedelta(seconds=10)

# A clock that was put back takes nothing out of the bucket.
_PASSED = "greatest(0, extract(epoch FROM clock_timestamp() - pace.as_of))"
_FILLED = f"least(%(burst)s, pace.room + %(rate)s * {_PASSED})"
_MAY_GO = f"SELECT {_FILLED} > 0 FROM {Pace._meta.db_table} AS pace WHERE mode = %(mode)s"  # noqa: S608
_SPEND = f"""
INSERT INTO {Pace._meta.db_table} AS pace (mode, room, as_of, words)
VALUES (%(mode)s, %(burst)s - %(items)s, clock_timestamp(), '')
ON CONFLICT (mode) DO UPDATE SET room = {_FILLED} - %(items)s, as_of = clock_timestamp()
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
