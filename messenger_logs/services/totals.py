"""The totals of a message, kept beside it: counted anew here, moved by differences in status_reports.py."""

from __future__ import annotations

from django.db import connection, transaction

from messenger_logs.models import Delivery, MessageModeTotals, MessageTotals, Recipient, SentMessage

# What a delivery counts as, in every statement that counts. The figures of a mode are sums of these.
COUNTED = "(NOT {row}.duplicate AND {row}.status NOT IN ('no_device', 'duplicate'))"
CONTACTED = "({row}.mode IN ('voice', 'text') AND ({row}.outcome = 'success' OR {row}.reached_before))"

# The figures of a mode, each a sum over the rows that count (d) of what this says of one.
FIGURES = {
    "devices": "1",
    "attempts": "d.attempts",
    "pending": "(d.outcome = 'pending')::int",
    "success": "(d.outcome = 'success')::int",
    "not_reached": "(d.outcome = 'not_reached')::int",
    "error": "(d.outcome = 'error')::int",
    "undelivered": "(d.status = 'undelivered')::int",
    "canceled": "(d.outcome = 'canceled')::int",
    "not_attempted": "(d.outcome = 'not_attempted')::int",
    "opted_out": "(d.status = 'opt_out')::int",
}


def figures_by(sign: str) -> str:
    """The figures as SQL, of rows that are added or, with a sign of -1, taken away."""
    return ", ".join(f"sum({sign} * {figure}) AS {name}" for name, figure in FIGURES.items())


_COUNT_MODES = f"""
WITH counted AS (
    SELECT d.mode, {figures_by("1")}, max(d.first_attempt_at) AS last_first_attempt_at
    FROM {Delivery._meta.db_table} AS d
    WHERE d.message_id = %(message)s AND {COUNTED.format(row="d")}
    GROUP BY d.mode
), planned AS (
    SELECT DISTINCT unnest(modes) AS mode FROM {SentMessage._meta.db_table} WHERE id = %(message)s
)
INSERT INTO {MessageModeTotals._meta.db_table} (message_id, mode, {", ".join(FIGURES)}, last_first_attempt_at)
SELECT %(message)s, mode, {", ".join(f"coalesce({name}, 0)" for name in FIGURES)}, last_first_attempt_at
FROM counted FULL JOIN planned USING (mode)
"""  # noqa: S608  (table names only)

_COUNT_PEOPLE = f"""
WITH device AS (
    SELECT recipient_id, bool_or(d.status <> 'no_device') AS has, bool_or({CONTACTED.format(row="d")}) AS reached
    FROM {Delivery._meta.db_table} AS d
    WHERE d.message_id = %(message)s
    GROUP BY recipient_id
), person AS (
    SELECT bool_or(coalesce(has, false)) AS has, bool_or(coalesce(reached, false)) AS reached
    FROM {Recipient._meta.db_table} AS r LEFT JOIN device ON device.recipient_id = r.id
    WHERE r.message_id = %(message)s
    GROUP BY r.person_id
)
UPDATE {MessageTotals._meta.db_table} AS totals
SET recipients = counted.recipients, no_device = counted.no_device, contacted_by_phone = counted.reached, as_of = now()
FROM (
    SELECT count(*) AS recipients, count(*) FILTER (WHERE NOT has) AS no_device,
           count(*) FILTER (WHERE reached) AS reached
    FROM person
) AS counted
WHERE totals.message_id = %(message)s
"""  # noqa: S608  (table names only)


def lock_totals(*, message_id: int) -> bool:
    """Take the turnstile of a message: whoever changes what became of its deliveries takes it before anything else.

    One writer of a message at a time: that makes the differences exact, and no two writers can wait for each other.
    Within a transaction. Says whether the totals were there; if not, they are still to be counted.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {MessageTotals._meta.db_table} (message_id, recipients, no_device, contacted_by_phone)"  # noqa: S608
            " VALUES (%s, 0, 0, 0) ON CONFLICT (message_id) DO NOTHING",
            [message_id],
        )
        if cursor.rowcount:
            return False
    return MessageTotals.objects.select_for_update().filter(pk=message_id).exists()


@transaction.atomic
def recount(*, message_id: int) -> None:
    """Count a message anew, exactly, from its deliveries."""
    lock_totals(message_id=message_id)
    MessageModeTotals.objects.filter(totals=message_id).delete()
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_MODES, {"message": message_id})
        cursor.execute(_COUNT_PEOPLE, {"message": message_id})
