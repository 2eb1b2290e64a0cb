"""How fast each mode may go, over all workers: so many items a minute, and a pause where a provider asks for it."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.db.models import Q
from django.utils import timezone

from dispatch.models import Pace
from messenger_logs.choices import Mode

# What may go out at once after a quiet time.
_BURST = timedelta(seconds=10)

_FILLED = "least(%(burst)s, pace.room + %(rate)s * extract(epoch FROM clock_timestamp() - pace.as_of))"
_MAY_GO = f"SELECT {_FILLED} > 0 FROM {Pace._meta.db_table} AS pace WHERE mode = %(mode)s"  # noqa: S608
_SPEND = f"""
INSERT INTO {Pace._meta.db_table} AS pace (mode, room, as_of, words)
VALUES (%(mode)s, %(burst)s - %(items)s, clock_timestamp(), '')
ON CONFLICT (mode) DO UPDATE SET room = {_FILLED} - %(items)s, as_of = clock_timestamp()
"""  # noqa: S608  (table names only)


def may_go(mode: Mode) -> bool:
    """Whether something of a mode may be claimed now."""
    if Pace.objects.filter(mode=mode, paused_until__gt=timezone.now()).exists():
        return False
    rate = _rate(mode)
    if not rate:
        return True
    with connection.cursor() as cursor:
        cursor.execute(_MAY_GO, {"mode": mode.value, **rate})
        row = cursor.fetchone()
    return row is None or bool(row[0])


def spend(mode: Mode, items: int) -> None:
    """Take items off what may go. A large batch leaves a debt, and the mode rests until it is paid."""
    rate = _rate(mode)
    if rate:
        with connection.cursor() as cursor:
            cursor.execute(_SPEND, {"mode": mode.value, "items": items, **rate})


def pause(mode: Mode, *, after: timedelta, words: str) -> None:
    """Nothing of a mode goes out for so long: its provider said so. A longer pause stays."""
    until = timezone.now() + after
    Pace.objects.get_or_create(mode=mode)
    earlier = Q(paused_until__isnull=True) | Q(paused_until__lt=until)
    Pace.objects.filter(earlier, mode=mode).update(paused_until=until, words=words[:500])


def _rate(mode: Mode) -> dict[str, float]:
    """Items a second, and how many may go at once; empty where there is no limit."""
    a_minute: int = settings.ITEMS_A_MINUTE.get(mode.value, 0)
    return {"rate": a_minute / 60, "burst": max(1.0, a_minute / 60 * _BURST.total_seconds())} if a_minute else {}
