"""Derive the outcome of an e-mail that we sent from its events: in any order, and as often as needed."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import connection, transaction

from mailgun_sync.choices import EventKind
from mailgun_sync.models import MailgunEvent
from messenger_logs.choices import Mode
from messenger_logs.models import Delivery, MessageTotals
from messenger_logs.services.contacts import note_contacts
from messenger_logs.services.totals import recount_refused

# The event with the highest rank decides. A delayed bounce outranks "delivered"; a person who complains got the mail.
RANKS = {
    EventKind.ACCEPTED: 1,
    EventKind.FAILED_TEMPORARILY: 2,
    EventKind.DELIVERED: 3,
    EventKind.REJECTED: 4,
    EventKind.SUPPRESSED: 4,
    EventKind.FAILED_PERMANENTLY: 4,
    EventKind.COMPLAINED: 5,
}
BATCH = 1_000

# A writer of a message's deliveries takes the message's lock first (messenger_logs/services/totals.py); of several
# messages in the order of their ids, so that no two wait for each other.
_LOCK = f"""
SELECT FROM {MessageTotals._meta.db_table}
WHERE message_id IN (SELECT message_id FROM {Delivery._meta.db_table} WHERE id = ANY(%(deliveries)s))
ORDER BY message_id FOR UPDATE
"""  # noqa: S608  (table names only)

# Among events of one rank the newest decides. Duplicates got no e-mail of their own: they follow their first row.
_SETTLE = f"""
WITH rank (kind, rank) AS MATERIALIZED (
    SELECT * FROM unnest(%(kinds)s::text[], %(ranks)s::int[])
), best AS MATERIALIZED (
    SELECT DISTINCT ON (delivery_id) delivery_id, kind, rank, detail
    FROM {MailgunEvent._meta.db_table} JOIN rank USING (kind)
    WHERE delivery_id = ANY(%(deliveries)s)
    ORDER BY delivery_id, rank DESC, occurred_at DESC, id DESC
), target AS (
    SELECT delivery_id AS id, kind, rank, detail FROM best
    UNION
    SELECT d.id, kind, rank, best.detail
    FROM best
    JOIN {Delivery._meta.db_table} AS origin ON origin.id = best.delivery_id
    JOIN {Delivery._meta.db_table} AS d
        ON d.message_id = origin.message_id AND d.mode = '{Mode.EMAIL}' AND d.address = origin.address AND d.duplicate
)
UPDATE {Delivery._meta.db_table} AS d SET email_outcome = target.kind, email_reason = target.detail
FROM target
WHERE d.id = target.id AND (d.email_outcome, d.email_reason) IS DISTINCT FROM (target.kind, target.detail)
    AND target.rank >= coalesce((SELECT rank.rank FROM rank WHERE rank.kind = d.email_outcome), 0)
RETURNING d.message_id
"""  # noqa: S608  (table names only)


@transaction.atomic
def settle_outcomes(deliveries: Collection[int]) -> int:
    """Set the e-mail outcomes of these deliveries from their events, never backwards. Returns how many rows changed."""
    parameters: dict[str, list[int] | list[str]] = {
        "deliveries": list(deliveries),
        "kinds": [kind.value for kind in RANKS],
        "ranks": list(RANKS.values()),
    }
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, parameters)
        # A second statement sees what others stored while the first waited for the locks.
        cursor.execute(_SETTLE, parameters)
        changed = {message for (message,) in cursor}
        count = int(cursor.rowcount)
    recount_refused(message_ids=changed)
    note_contacts(deliveries=deliveries)
    return count


def settle_between(begin: datetime, end: datetime) -> int:
    """Set the outcomes of all e-mails with events from ``begin`` up to ``end``. It repairs rows after a mistake.

    Returns how many rows changed.
    """
    events = MailgunEvent.objects.filter(occurred_at__gte=begin, occurred_at__lt=end, delivery__isnull=False)
    deliveries = list(events.values_list("delivery_id", flat=True).distinct())
    return sum(settle_outcomes(deliveries[at : at + BATCH]) for at in range(0, len(deliveries), BATCH))
