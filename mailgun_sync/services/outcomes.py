"""What became of an e-mail of ours, from the set of its events: in any order, and as often as one asks."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import connection, transaction

from mailgun_sync.choices import EventKind
from mailgun_sync.models import MailgunEvent
from messenger_logs.choices import Mode
from messenger_logs.models import Delivery, MessageTotals

# The highest tells. A delayed bounce takes a "delivered" back, and whoever complains has got it.
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

# Of events that say as much the newest holds. Duplicates got no e-mail of their own: they follow.
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
"""  # noqa: S608  (table names only)


@transaction.atomic
def settle_outcomes(deliveries: Collection[int]) -> int:
    """Let the e-mail outcomes of these deliveries follow their events, never backwards. How many rows it changed."""
    given: dict[str, list[int] | list[str]] = {
        "deliveries": list(deliveries),
        "kinds": [kind.value for kind in RANKS],
        "ranks": list(RANKS.values()),
    }
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, given)
        # A statement of its own: it sees what others stored while this waited.
        cursor.execute(_SETTLE, given)
        return int(cursor.rowcount)


def settle_between(begin: datetime, end: datetime) -> int:
    """The same for all e-mails with events that occurred from ``begin`` up to ``end``: after a mistake was mended."""
    told = MailgunEvent.objects.filter(occurred_at__gte=begin, occurred_at__lt=end, delivery__isnull=False)
    found = list(told.values_list("delivery_id", flat=True).distinct())
    return sum(settle_outcomes(found[at : at + BATCH]) for at in range(0, len(found), BATCH))
