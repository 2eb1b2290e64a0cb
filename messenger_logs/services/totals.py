"""The kept totals of a message. This module counts them from the rows; evidence.py adds the differences."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from django.db import connection, transaction

from messenger_logs.choices import EMAIL_FIGURES, NOT_TRIED, DeliveryStatus, Outcome, sql_list
from messenger_logs.models import Delivery, MessageModeTotals, MessageTotals, Recipient, SentMessage
from messenger_logs.services.conditions import contacted_sql
from messenger_logs.services.reach import recount_reach

_UNCOUNTED = sql_list([DeliveryStatus.NO_DEVICE, DeliveryStatus.DUPLICATE])
_NOT_TRIED = sql_list(NOT_TRIED)


def counted_sql(row: str) -> str:
    """The condition under which a delivery counts; ``row`` is its alias in the statement."""
    return f"(NOT {row}.duplicate AND {row}.status NOT IN ({_UNCOUNTED}))"


def _sum(**values: str) -> str:
    """The SQL of a figure: how many rows of the tally have these values in these columns."""
    condition = " AND ".join(f"{column} = '{value}'" for column, value in values.items())
    return f"sum(n) FILTER (WHERE {condition})"


def _sum_mailed(outcomes: Iterable[str]) -> str:
    """The SQL of a figure: how many e-mails were handed over, and have one of these results."""
    words = ", ".join(f"'{outcome}'" for outcome in sorted(outcomes))
    return f"sum(n) FILTER (WHERE status = '{DeliveryStatus.SENT}' AND email_outcome IN ({words}))"


# The figures of what the e-mail provider finally said. Only rows of e-mails have a result of it.
MAIL_FIGURES = {name: _sum_mailed(outcomes) for name, outcomes in EMAIL_FIGURES.items()}
# The figures of a mode, as sums over a tally: each line of it stands for n rows that count, and for their attempts.
# "begun" says whether they had any attempt.
FIGURES = {
    "devices": "sum(n)",
    "attempts": "sum(attempts)",
    "pending": _sum(outcome=Outcome.PENDING),
    "received": _sum(outcome=Outcome.PENDING, status=DeliveryStatus.VENDOR_RECEIVED),
    "success": _sum(outcome=Outcome.SUCCESS),
    "not_reached": _sum(outcome=Outcome.NOT_REACHED),
    "error": _sum(outcome=Outcome.ERROR),
    "undelivered": _sum(status=DeliveryStatus.UNDELIVERED),
    "canceled": _sum(outcome=Outcome.CANCELED),
    "canceled_begun": f"sum(n) FILTER (WHERE outcome = '{Outcome.CANCELED}' AND begun)",
    "not_attempted": _sum(outcome=Outcome.NOT_ATTEMPTED),
    "untried": f"sum(n) FILTER (WHERE outcome IN ('{Outcome.NOT_ATTEMPTED}', '{Outcome.ERROR}') AND NOT begun)",
    "opted_out": _sum(status=DeliveryStatus.OPT_OUT),
    **MAIL_FIGURES,
}
FIGURE_NAMES = ", ".join(FIGURES)
FIGURE_VALUES = ", ".join(f"coalesce({value}, 0) AS {name}" for name, value in FIGURES.items())


def _certainty_sql(row: str) -> str:
    """How much a row says about its device: that it was tried, and that it was reached."""
    return f"({row}.status NOT IN ({_NOT_TRIED}), {row}.outcome = '{Outcome.SUCCESS}')"


# Rows that came as duplicates, but say more than the row that counts: that one says canceled, and this one delivered.
_SAY_MORE = f"""
SELECT DISTINCT ON (counted.id) counted.id, d.id
FROM {Delivery._meta.db_table} AS d
JOIN {Delivery._meta.db_table} AS counted
    ON counted.message_id = d.message_id AND counted.mode = d.mode AND counted.address = d.address
        AND NOT counted.duplicate AND counted.address <> ''
WHERE d.message_id = ANY(%(messages)s) AND d.duplicate AND d.status NOT IN ({_NOT_TRIED})
    AND counted.outcome <> '{Outcome.PENDING}' AND {_certainty_sql("d")} > {_certainty_sql("counted")}
ORDER BY counted.id, {_certainty_sql("d")} DESC, d.id
"""  # noqa: S608  (table names only)

# These queries only read, and other statements write the results: PostgreSQL never writes with several processors.
_COUNT_MODES = f"""
WITH tally AS (
    SELECT
        d.message_id, d.mode, d.status, d.outcome, d.email_outcome, d.attempt_count > 0 AS begun, count(*) AS n,
        sum(d.attempt_count) AS attempts
    FROM {Delivery._meta.db_table} AS d
    WHERE d.message_id = ANY(%(messages)s) AND {counted_sql("d")}
    GROUP BY 1, 2, 3, 4, 5, 6
    UNION ALL
    SELECT id, unnest(modes), '', '', '', false, 0, 0 FROM {SentMessage._meta.db_table} WHERE id = ANY(%(messages)s)
)
SELECT message_id, mode, {FIGURE_VALUES} FROM tally GROUP BY 1, 2
"""  # noqa: S608  (table names only)

# Nearly everybody is in a message once. So the id of a row stands for the person. The statement looks up the person id
# only for people with a second row, for another student.
_AGAIN = f"""
    SELECT again.id, first.id AS counted_id
    FROM {Recipient._meta.db_table} AS again
    JOIN {Recipient._meta.db_table} AS first USING (message_id, person_id)
    WHERE message_id = ANY(%(messages)s) AND first.counted AND NOT again.counted
"""  # noqa: S608  (table names only)
_COUNT_PEOPLE = f"""
WITH again AS ({_AGAIN}), person AS (
    SELECT
        d.message_id, bool_or(d.status <> '{DeliveryStatus.NO_DEVICE}') AS has_device,
        bool_or({contacted_sql("d")}) AS contacted
    FROM {Delivery._meta.db_table} AS d LEFT JOIN again ON again.id = d.recipient_id
    WHERE d.message_id = ANY(%(messages)s)
    GROUP BY d.message_id, coalesce(again.counted_id, d.recipient_id)
), listed AS (
    SELECT
        message_id, count(*) AS people, count(*) FILTER (WHERE has_device) AS with_device,
        count(*) FILTER (WHERE contacted) AS contacted
    FROM person GROUP BY message_id
), recipient AS (
    SELECT message_id, count(*) AS people
    FROM {Recipient._meta.db_table} WHERE message_id = ANY(%(messages)s) AND counted GROUP BY message_id
)
SELECT
    message_id, recipient.people, recipient.people - coalesce(listed.with_device, 0), coalesce(listed.contacted, 0),
    recipient.people > coalesce(listed.people, 0)
FROM recipient LEFT JOIN listed USING (message_id)
"""  # noqa: S608  (table names only)

# When the last person was first tried in each mode. Further numbers of a person do not count, redials neither.
_LAST_FIRST_ATTEMPTS = f"""
WITH again AS ({_AGAIN}), person AS (
    SELECT d.message_id, d.mode, min(d.first_attempt_at) AS first_attempt_at
    FROM {Delivery._meta.db_table} AS d LEFT JOIN again ON again.id = d.recipient_id
    WHERE d.message_id = ANY(%(messages)s) AND d.first_attempt_at IS NOT NULL
    GROUP BY d.message_id, d.mode, coalesce(again.counted_id, d.recipient_id)
)
SELECT message_id, mode, max(first_attempt_at) FROM person GROUP BY 1, 2
"""  # noqa: S608  (table names only)

# A person without a row for any device gets rows that say so. Then every list and report has the person.
_SAY_NO_DEVICE = f"""
INSERT INTO {Delivery._meta.db_table} (
    message_id, recipient_id, mode, address, duplicate, status, detail, outcome, attempt_count, provider_id,
    email_outcome, email_reason)
SELECT
    message.id, r.id, mode, '', false, '{DeliveryStatus.NO_DEVICE}', '', '{Outcome.NOT_ATTEMPTED}', 0, '', '', ''
FROM {Recipient._meta.db_table} AS r
JOIN {SentMessage._meta.db_table} AS message ON message.id = r.message_id
CROSS JOIN unnest(message.modes) AS mode
WHERE message.id = ANY(%(messages)s)
    AND NOT EXISTS (SELECT FROM {Delivery._meta.db_table} AS d WHERE d.recipient_id = r.id)
"""  # noqa: S608  (table names only)

# Enough memory for all people of a large message, and all processors. Compiling takes longer than it saves.
_FOR_SPEED = """
SET LOCAL work_mem = '64MB';
SET LOCAL jit = off;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0
"""


def lock_totals(*, message_id: int) -> bool:
    """Take the message's lock, within a transaction. Returns whether the totals exist; if not, count them.

    A writer of a message's deliveries takes the lock before anything else. So a message has one writer at a time: the
    differences are exact, and no two writers can wait for each other.
    """
    return not _lock_totals([message_id])


def _lock_totals(message_ids: Collection[int]) -> int:
    """Take the locks always in the same order, against deadlocks. Returns how many totals did not exist."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {MessageTotals._meta.db_table} (message_id, recipients, no_device, contacted_by_phone)"
            " SELECT unnest(%s::bigint[]), 0, 0, 0 ON CONFLICT (message_id) DO NOTHING",
            [sorted(message_ids)],
        )
        new: int = cursor.rowcount
    if new < len(message_ids):
        list(MessageTotals.objects.select_for_update().filter(pk__in=message_ids).order_by("pk").values_list("pk"))
    return new


def _let_count_instead(pairs: Sequence[tuple[int, int]]) -> None:
    """Let the second row of each pair count, and make the first one the duplicate. Never do both count."""
    if pairs:
        Delivery.objects.filter(pk__in=[counted for counted, _ in pairs]).update(duplicate=True)
        Delivery.objects.filter(pk__in=[pk for _, pk in pairs]).update(duplicate=False)


def recount(*, message_id: int) -> None:
    """Count the totals of a message from its deliveries."""
    recount_all(message_ids=[message_id])


@transaction.atomic
def recount_all(*, message_ids: Collection[int]) -> None:
    """Count the totals of many messages, with as many statements as for one.

    Of the rows of one device, the one that says most counts. A person without any delivery gets a No Device row for
    each mode.
    """
    _lock_totals(message_ids)
    parameters = {"messages": sorted(message_ids)}
    with connection.cursor() as cursor:
        cursor.execute(_FOR_SPEED)
        cursor.execute(_SAY_MORE, parameters)
        _let_count_instead(cursor.fetchall())
        cursor.execute(_COUNT_MODES, parameters)
        names = ["totals_id", "mode", *FIGURES]
        modes = [MessageModeTotals(**dict(zip(names, row, strict=True))) for row in cursor]
        # The statistics do not know rows that just came: PostgreSQL would expect few, and join each with each.
        cursor.execute("SET LOCAL enable_nestloop = off")
        cursor.execute(_COUNT_PEOPLE, parameters)
        people = cursor.fetchall()
        cursor.execute(_LAST_FIRST_ATTEMPTS, parameters)
        last_first = {(pk, mode): moment for pk, mode, moment in cursor}
        cursor.execute("SET LOCAL enable_nestloop TO DEFAULT")
        if unlisted := [pk for pk, *_, some_unlisted in people if some_unlisted]:
            cursor.execute(_SAY_NO_DEVICE, {"messages": unlisted})
    for mode in modes:
        mode.last_first_attempt_at = last_first.get((mode.totals_id, mode.mode))
    MessageModeTotals.objects.filter(totals__in=message_ids).delete()
    MessageModeTotals.objects.bulk_create(modes)
    found = {pk: figures for pk, *figures, _ in people}
    MessageTotals.objects.bulk_create(
        [
            MessageTotals(message_id=pk, recipients=recipients, no_device=no_device, contacted_by_phone=contacted)
            for pk in message_ids
            for recipients, no_device, contacted in [found.get(pk, (0, 0, 0))]
        ],
        update_conflicts=True,
        unique_fields=["message"],
        update_fields=["recipients", "no_device", "contacted_by_phone", "as_of"],
    )
    recount_reach(message_ids=message_ids)
