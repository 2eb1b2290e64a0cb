"""Give stored events the school that decides who may see them: that of their delivery. New events have it already."""

from __future__ import annotations

from datetime import datetime

from django.db import connection

from core.timeouts import retry_when_busy
from mailgun_sync.models import MailgunEvent
from messenger_logs.models import Delivery

BATCH = 10_000

_FILL = f"""
UPDATE {MailgunEvent._meta.db_table} AS stored SET school_id = d.school_id FROM {Delivery._meta.db_table} AS d
WHERE stored.id BETWEEN %s AND %s AND stored.occurred_at BETWEEN %s AND %s
    AND stored.delivery_id = d.id AND stored.school_id IS DISTINCT FROM d.school_id
"""  # noqa: S608  (table names only)


def fill_schools() -> int:
    """Fill the column ``school`` of the events that have a delivery. Returns in how many rows.

    It works in batches, each in a transaction of its own. So it may run at any time, be stopped, and run again.
    """
    total, last = 0, 0
    events = MailgunEvent.objects.order_by("pk").values_list("pk", "occurred_at")
    while rows := list(events.filter(pk__gt=last)[:BATCH]):
        times = [at for _, at in rows]
        total += retry_when_busy(_fill_between, rows[0][0], rows[-1][0], min(times), max(times))
        last = rows[-1][0]
    return total


def _fill_between(first: int, last: int, since: datetime, until: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_FILL, [first, last, since, until])
        filled: int = cursor.rowcount
    return filled
