"""Derive the outcome of an e-mail from its events: in any order, and as often as needed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from itertools import islice

from django.db import connection, transaction

from core.prepared import Prepared
from mailgun_sync.choices import EventKind
from mailgun_sync.models import MailgunEvent
from messenger_logs.choices import Mode
from messenger_logs.models import Delivery, MessageModeTotals, MessageTotals
from messenger_logs.services.contacts import note_contacts
from messenger_logs.services.reach import settle_reach_of_many
from messenger_logs.services.totals import MAIL_FIGURES

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
# The events that a delivery lost because a better key gave them to another one: the highest rank of each delivery.
Lost = Mapping[int, int]

# A writer of a message's deliveries takes the message's lock first (messenger_logs/services/totals.py); of several
# messages in the order of their ids, so that no two wait for each other.
_LOCK = f"""
SELECT FROM {MessageTotals._meta.db_table}
WHERE message_id IN (SELECT message_id FROM {Delivery._meta.db_table} WHERE id = ANY(%(deliveries)s))
ORDER BY message_id FOR UPDATE
"""  # noqa: S608  (table names only)

_ROW = "d.id, d.message_id, d.address, d.duplicate, d.status, d.email_outcome, d.email_reason"
_MAIL_COUNTS = ", ".join(f"coalesce({value}, 0) AS {name}" for name, value in MAIL_FIGURES.items())

# All rows of a device follow its events: duplicates got no e-mail of their own. Among events of one rank the newest
# decides, and of those with one time any fixed order. An outcome goes forward only, because retention deletes events;
# back it goes only where the events that decided it turned out to be of another e-mail.
_SETTLE = f"""
WITH rank (kind, rank) AS MATERIALIZED (
    SELECT * FROM unnest(%(kinds)s::text[], %(ranks)s::int[])
), asked AS MATERIALIZED (
    -- The limit keeps PostgreSQL on the index, also while it takes the table for an empty one.
    SELECT d.message_id, d.address, max(lost.rank) AS lost
    FROM unnest(%(deliveries)s::bigint[]) AS given (id)
    CROSS JOIN LATERAL (
        SELECT d.id, d.message_id, d.address FROM {Delivery._meta.db_table} AS d
        WHERE d.id = given.id AND d.mode = '{Mode.EMAIL}' LIMIT 1
    ) AS d
    LEFT JOIN unnest(%(lost)s::bigint[], %(lost_ranks)s::int[]) AS lost (id, rank) ON lost.id = d.id
    GROUP BY 1, 2
), device AS MATERIALIZED (
    SELECT d.*, asked.lost
    FROM asked CROSS JOIN LATERAL (
        SELECT {_ROW}, d.email_linked_by, d.email_outcome_at FROM {Delivery._meta.db_table} AS d
        WHERE d.message_id = asked.message_id AND d.mode = '{Mode.EMAIL}' AND d.address = asked.address
            AND NOT d.duplicate AND d.address <> ''
        UNION ALL
        SELECT {_ROW}, d.email_linked_by, d.email_outcome_at FROM {Delivery._meta.db_table} AS d
        WHERE d.message_id = asked.message_id AND d.mode = '{Mode.EMAIL}' AND d.address = asked.address AND d.duplicate
    ) AS d
), event AS MATERIALIZED (
    SELECT device.message_id, device.address, kind, rank, detail, linked_by, occurred_at, event_id
    FROM device
    JOIN {MailgunEvent._meta.db_table} AS stored ON stored.delivery_id = device.id
    JOIN rank USING (kind)
), best AS (
    SELECT DISTINCT ON (message_id, address) * FROM event
    ORDER BY message_id, address, rank DESC, occurred_at DESC, event_id DESC, kind DESC, detail DESC
), arrived AS (
    SELECT message_id, address, min(occurred_at) AS at
    FROM event WHERE kind = '{EventKind.DELIVERED}' GROUP BY 1, 2
), target AS MATERIALIZED (
    SELECT
        device.id, device.status, device.duplicate, device.email_outcome AS was,
        coalesce(best.kind, '') AS kind, coalesce(best.detail, '') AS detail,
        coalesce(best.linked_by, '') AS linked_by,
        CASE WHEN best.kind IN ('{EventKind.DELIVERED}', '{EventKind.COMPLAINED}')
             THEN coalesce(arrived.at, best.occurred_at) ELSE best.occurred_at END AS at
    FROM device
    LEFT JOIN best USING (message_id, address)
    LEFT JOIN arrived USING (message_id, address)
    LEFT JOIN rank AS now ON now.kind = device.email_outcome
    WHERE best.rank >= coalesce(now.rank, 0) OR now.rank <= device.lost
), changed AS (
    UPDATE {Delivery._meta.db_table} AS d
    SET email_outcome = target.kind, email_reason = target.detail, email_linked_by = target.linked_by,
        email_outcome_at = target.at
    FROM target
    WHERE d.id = target.id AND (d.email_outcome, d.email_reason, d.email_linked_by, d.email_outcome_at)
        IS DISTINCT FROM (target.kind, target.detail, target.linked_by, target.at)
    RETURNING d.id, d.message_id, d.status, d.duplicate, target.was, target.kind
), moved AS (
    SELECT message_id, {_MAIL_COUNTS}
    FROM (
        SELECT message_id, status, kind AS email_outcome, 1 AS n FROM changed WHERE NOT duplicate
        UNION ALL
        SELECT message_id, status, was, -1 FROM changed WHERE NOT duplicate
    ) AS tally
    GROUP BY message_id
), modes AS (
    UPDATE {MessageModeTotals._meta.db_table} AS kept
    SET {", ".join(f"{name} = kept.{name} + moved.{name}" for name in MAIL_FIGURES)}
    FROM moved WHERE kept.message_id = moved.message_id AND kept.mode = '{Mode.EMAIL}'
)
SELECT message_id, id FROM changed
"""  # noqa: S608  (table names only)
_SETTLE_DEVICES = Prepared(
    "settle_outcomes",
    _SETTLE,
    {"deliveries": "bigint[]", "lost": "bigint[]", "lost_ranks": "int[]", "kinds": "text[]", "ranks": "int[]"},
)


@transaction.atomic
def settle_outcomes(deliveries: Collection[int], *, lost: Lost | None = None) -> int:
    """Set the e-mail outcomes of these deliveries from their events. Returns how many rows changed.

    An outcome goes backwards only for a delivery in ``lost``, and only where what it lost had decided it.
    """
    lost = lost or {}
    every = iter(dict.fromkeys([*deliveries, *lost]))
    changed = 0
    while batch := list(islice(every, 10 * BATCH)):
        changed += _settle(batch, {pk: lost[pk] for pk in batch if pk in lost})
    return changed


def _settle(deliveries: list[int], lost: Lost) -> int:
    parameters: dict[str, list[int] | list[str]] = {
        "deliveries": deliveries,
        "lost": list(lost),
        "lost_ranks": list(lost.values()),
        "kinds": [kind.value for kind in RANKS],
        "ranks": list(RANKS.values()),
    }
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, parameters)
        # A second statement sees what others stored while the first waited for the locks.
        _SETTLE_DEVICES.execute(cursor, parameters)
        changed: list[tuple[int, int]] = cursor.fetchall()
    messages = {message for message, _ in changed}
    settle_reach_of_many(message_ids=messages, deliveries=[delivery for _, delivery in changed])
    note_contacts(deliveries=deliveries)
    return len(changed)


def settle_between(begin: datetime, end: datetime) -> int:
    """Set the outcomes of all e-mails with events from ``begin`` up to ``end``. It repairs rows after a mistake.

    Returns how many rows changed.
    """
    events = MailgunEvent.objects.filter(occurred_at__gte=begin, occurred_at__lt=end, delivery__isnull=False)
    deliveries = list(events.values_list("delivery_id", flat=True).distinct())
    return sum(settle_outcomes(deliveries[at : at + BATCH]) for at in range(0, len(deliveries), BATCH))
