"""Give stored events the school that decides who may see them: that of their delivery. New events have it already."""

from __future__ import annotations

from django.db import connection

from core.timeouts import retry_when_busy
from mailgun_sync.models import MailgunEvent
from messenger_logs.models import Delivery

BATCH = 10_000

_FILL = f"""
UPDATE {MailgunEvent._meta.db_table} AS stored SET school_id = d.school_id FROM {Delivery._meta.db_table} AS d
WHERE stored.id BETWEEN %s AND %s AND stored.delivery_id = d.id AND stored.school_id IS DISTINCT FROM d.school_id
"""  # noqa: S608  (table names only)


def fill_schools() -> int:
    """Fill the column ``school`` of the events that have a delivery. Returns in how many rows.

    It works in batches, each in a transaction of its own. So it may run at any time, be stopped, and run again.
    """
    total, last = 0, 0
    while ids := list(MailgunEvent.objects.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:BATCH]):
        total += retry_when_busy(_fill_between, ids[0], ids[-1])
        last = ids[-1]
    return total


def _fill_between(first: int, last: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_FILL, [first, last])
        filled: int = cursor.rowcount
    return filled
