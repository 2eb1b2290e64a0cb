"""The totals of a message, kept beside it: counted anew here, moved by differences in status_reports.py."""

from __future__ import annotations

from django.db import connection, transaction
from django.db.models.functions import Now

from messenger_logs.models import Delivery, MessageModeTotals, MessageTotals, Recipient, SentMessage

# What a delivery counts as, in every statement that counts. The figures of a mode are sums of these.
COUNTED = "(NOT {row}.duplicate AND {row}.status NOT IN ('no_device', 'duplicate'))"
CONTACTED = "({row}.mode IN ('voice', 'text') AND ({row}.outcome = 'success' OR {row}.reached_before))"

# The figures of a mode, from a tally of the rows that count: n of them, with so many tries.
FIGURES = {
    "devices": "sum(n)",
    "attempts": "sum(tries)",
    "pending": "sum(n) FILTER (WHERE outcome = 'pending')",
    "received": "sum(n) FILTER (WHERE outcome = 'pending' AND status = 'vendor_received')",
    "success": "sum(n) FILTER (WHERE outcome = 'success')",
    "not_reached": "sum(n) FILTER (WHERE outcome = 'not_reached')",
    "error": "sum(n) FILTER (WHERE outcome = 'error')",
    "undelivered": "sum(n) FILTER (WHERE status = 'undelivered')",
    "canceled": "sum(n) FILTER (WHERE outcome = 'canceled')",
    "not_attempted": "sum(n) FILTER (WHERE outcome = 'not_attempted')",
    "opted_out": "sum(n) FILTER (WHERE status = 'opt_out')",
}
FIGURE_NAMES = ", ".join(FIGURES)
FIGURE_VALUES = ", ".join(f"coalesce({value}, 0) AS {name}" for name, value in FIGURES.items())

# Two queries that only read, and are written back by others: what writes is never spread over several processors.
_COUNT_MODES = f"""
WITH tally AS (
    SELECT d.mode, d.status, d.outcome, count(*) AS n, sum(d.attempts) AS tries, max(d.first_attempt_at) AS last_first
    FROM {Delivery._meta.db_table} AS d
    WHERE d.message_id = %(message)s AND {COUNTED.format(row="d")}
    GROUP BY 1, 2, 3
    UNION ALL
    SELECT unnest(modes), '', '', 0, 0, NULL FROM {SentMessage._meta.db_table} WHERE id = %(message)s
)
SELECT mode, {FIGURE_VALUES}, max(last_first) AS last_first_attempt_at FROM tally GROUP BY mode
"""  # noqa: S608  (table names only)

_COUNT_PEOPLE = f"""
WITH person AS (
    SELECT
        bool_or(d.status <> 'no_device') AS has_device,
        bool_or({CONTACTED.format(row="d")}) AS contacted
    FROM {Recipient._meta.db_table} AS r
    LEFT JOIN {Delivery._meta.db_table} AS d ON d.recipient_id = r.id AND d.message_id = %(message)s
    WHERE r.message_id = %(message)s
    GROUP BY r.person_id
)
SELECT count(*), count(*) FILTER (WHERE has_device IS NOT TRUE), count(*) FILTER (WHERE contacted) FROM person
"""  # noqa: S608  (table names only)

# Room in memory for everybody of a large message, and all processors for it; compiling takes longer than it saves.
_FOR_SPEED = """
SET LOCAL work_mem = '64MB';
SET LOCAL jit = off;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0
"""


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
    with connection.cursor() as cursor:
        cursor.execute(_FOR_SPEED)
        cursor.execute(_COUNT_MODES, {"message": message_id})
        names = ["mode", *FIGURES, "last_first_attempt_at"]
        modes = [MessageModeTotals(totals_id=message_id, **dict(zip(names, row, strict=True))) for row in cursor]
        # Of rows that just came the statistics know nothing: taken for a few, they would be joined each with each.
        cursor.execute("SET LOCAL enable_nestloop = off")
        cursor.execute(_COUNT_PEOPLE, {"message": message_id})
        recipients, no_device, contacted = cursor.fetchone()
        cursor.execute("SET LOCAL enable_nestloop TO DEFAULT")
    MessageModeTotals.objects.filter(totals=message_id).delete()
    MessageModeTotals.objects.bulk_create(modes)
    MessageTotals.objects.filter(pk=message_id).update(
        recipients=recipients, no_device=no_device, contacted_by_phone=contacted, as_of=Now()
    )
