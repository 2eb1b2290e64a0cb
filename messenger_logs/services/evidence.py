"""Evidence about deliveries, weighed in the database: attempts, deliveries and totals change in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from django.db import connection, transaction

from core.prepared import Prepared
from messenger_logs.choices import NOT_TRIED, DeliveryStatus, Outcome
from messenger_logs.models import Delivery, DeviceAttempt, MessageModeTotals, MessageTotals, Recipient, SentMessage
from messenger_logs.removed import REMOVED
from messenger_logs.services.complete_cancel import keep_canceled_rows
from messenger_logs.services.conditions import contacted_sql
from messenger_logs.services.contacts import note_contacts
from messenger_logs.services.message_status import extend_dispatch, settle_status
from messenger_logs.services.reach import settle_reach
from messenger_logs.services.totals import (
    FIGURE_NAMES,
    FIGURE_VALUES,
    FIGURES,
    counted_sql,
    lock_totals,
    recount,
)
from messenger_logs.signals import deliveries_stored
from messenger_logs.statuses import RANKS


@dataclass(frozen=True, slots=True)
class Evidence:
    """One report about an attempt. The fields have the names of the columns."""

    delivery_id: int
    number: int
    code: int | None
    status: str
    detail: str
    outcome: str
    rank: int
    made: bool
    ended_at: datetime | None
    provider_id: str
    raw: str


# The best evidence comes first. The last columns only give equal evidence a fixed order.
_BEST_FIRST = f"""
    rank DESC, (outcome = '{Outcome.SUCCESS}') DESC, ended_at DESC NULLS LAST, code DESC NULLS LAST,
    status, detail, provider_id
"""

# A delivery may have a status that none of its attempts has: it came with one, or somebody set one later. That is
# evidence too. An error without an attempt is none: we said it ourselves, of an address that seemed to be of no use.
_KEEP_STATUS = f"""
INSERT INTO {DeviceAttempt._meta.db_table} AS attempt (
    delivery_id, number, started_at, ended_at, code, status, detail, outcome, rank, made, provider_id, raw)
SELECT
    d.id, CASE WHEN known.made THEN greatest(d.attempt_count, 1) ELSE d.attempt_count + 1 END, d.first_attempt_at,
    d.last_attempt_at, d.code, d.status, d.detail, d.outcome, known.rank, known.made, d.provider_id, ''
FROM {Delivery._meta.db_table} AS d
JOIN unnest(%(statuses)s::text[], %(ranks)s::int[], %(tried)s::bool[]) AS known (status, rank, made) USING (status)
WHERE d.id = ANY(%(deliveries)s) AND known.rank > 0
    AND NOT (d.status = '{DeliveryStatus.ERROR}' AND d.attempt_count = 0) AND NOT EXISTS (
    SELECT FROM {DeviceAttempt._meta.db_table} AS same WHERE same.delivery_id = d.id AND same.status = d.status)
ON CONFLICT (delivery_id, number) DO UPDATE SET
    code = excluded.code, status = excluded.status, detail = excluded.detail, outcome = excluded.outcome,
    rank = excluded.rank, made = excluded.made, provider_id = excluded.provider_id
WHERE attempt.rank < excluded.rank
"""  # noqa: S608  (table names only)
_KEEP_STATUSES = Prepared(
    "keep_statuses",
    _KEEP_STATUS,
    {"deliveries": "bigint[]", "statuses": "text[]", "ranks": "int[]", "tried": "bool[]"},
)

_STORE = f"""
WITH report AS MATERIALIZED (
    SELECT * FROM unnest(
        %(delivery_id)s::bigint[], %(number)s::smallint[], %(code)s::smallint[], %(status)s::text[],
        %(detail)s::text[], %(outcome)s::text[], %(rank)s::smallint[], %(made)s::bool[],
        %(ended_at)s::timestamptz[], %(provider_id)s::text[], %(raw)s::text[]
    ) AS r (delivery_id, number, code, status, detail, outcome, rank, made, ended_at, provider_id, raw)
), kept AS MATERIALIZED (
    SELECT attempt.*
    FROM {DeviceAttempt._meta.db_table} AS attempt
    JOIN (SELECT DISTINCT delivery_id, number FROM report) AS touched USING (delivery_id, number)
), evidence AS (
    SELECT delivery_id, number, code, status, detail, outcome, rank, made,
           CASE WHEN made THEN ended_at END AS started_at, ended_at, provider_id
    FROM report
    UNION ALL
    SELECT delivery_id, number, code, status, detail, outcome, rank, made, started_at, ended_at, provider_id FROM kept
), best AS (
    SELECT DISTINCT ON (delivery_id, number) * FROM evidence ORDER BY delivery_id, number, {_BEST_FIRST}
), whole AS (
    -- A later report without the provider's id does not take it away.
    SELECT
        delivery_id, number, bool_or(made) AS made, min(started_at) AS started_at, max(provider_id) AS provider_id
    FROM evidence GROUP BY 1, 2
), news AS (
    SELECT report.delivery_id, report.number, string_agg(DISTINCT report.raw, E'\\n') AS raw
    FROM report LEFT JOIN kept USING (delivery_id, number)
    WHERE report.raw <> '' AND strpos(coalesce(kept.raw, ''), report.raw) = 0
        -- A late report must not bring back the number of a person whose data are removed.
        AND NOT EXISTS (
            SELECT FROM {Delivery._meta.db_table} AS d
            WHERE d.id = report.delivery_id AND d.given_address = '{REMOVED}')
    GROUP BY 1, 2
)
INSERT INTO {DeviceAttempt._meta.db_table} AS attempt (
    delivery_id, number, started_at, ended_at, code, status, detail, outcome, rank, made, provider_id, raw)
SELECT
    delivery_id, number, whole.started_at, best.ended_at, best.code, best.status, best.detail, best.outcome,
    best.rank, whole.made, coalesce(nullif(best.provider_id, ''), whole.provider_id),
    concat_ws(E'\\n', nullif(kept.raw, ''), news.raw)
FROM best
JOIN whole USING (delivery_id, number)
LEFT JOIN kept USING (delivery_id, number)
LEFT JOIN news USING (delivery_id, number)
ON CONFLICT (delivery_id, number) DO UPDATE SET
    started_at = excluded.started_at, ended_at = excluded.ended_at, code = excluded.code, status = excluded.status,
    detail = excluded.detail, outcome = excluded.outcome, rank = excluded.rank, made = excluded.made,
    provider_id = excluded.provider_id, raw = excluded.raw
WHERE (attempt.started_at, attempt.ended_at, attempt.code, attempt.status, attempt.detail, attempt.outcome,
       attempt.rank, attempt.made, attempt.provider_id, attempt.raw)
    IS DISTINCT FROM
      (excluded.started_at, excluded.ended_at, excluded.code, excluded.status, excluded.detail, excluded.outcome,
       excluded.rank, excluded.made, excluded.provider_id, excluded.raw)
RETURNING delivery_id
"""  # noqa: S608  (table names only)
_STORE_REPORTS = Prepared(
    "store_reports",
    _STORE,
    {
        "delivery_id": "bigint[]",
        "number": "smallint[]",
        "code": "smallint[]",
        "status": "text[]",
        "detail": "text[]",
        "outcome": "text[]",
        "rank": "smallint[]",
        "made": "bool[]",
        "ended_at": "timestamptz[]",
        "provider_id": "text[]",
        "raw": "text[]",
    },
)

_COLUMNS = (
    "d.id, d.recipient_id, d.mode, d.duplicate, d.status, d.outcome, d.reached_earlier, d.attempt_count,"
    " d.first_attempt_at, d.email_outcome"
)

# One statement reads the rows as they were before it, so it can compare them with the rows that it changes.
_DERIVE = f"""
WITH attempt AS MATERIALIZED (
    SELECT * FROM {DeviceAttempt._meta.db_table} WHERE delivery_id = ANY(%(deliveries)s) AND rank > 0
), last AS (
    SELECT DISTINCT ON (delivery_id) *
    FROM attempt ORDER BY delivery_id, (status = '{DeliveryStatus.DUPLICATE}'), number DESC
), result AS MATERIALIZED (
    SELECT
        delivery_id, last.status, last.detail, last.outcome, last.code, last.ended_at, last.provider_id,
        coalesce(max(attempt.number) FILTER (WHERE attempt.made), 0) AS attempt_count,
        min(attempt.started_at) AS first_attempt_at, max(attempt.ended_at) AS last_report_at,
        bool_or(attempt.outcome = '{Outcome.SUCCESS}' AND attempt.number < last.number) AS reached_earlier
    FROM last JOIN attempt USING (delivery_id)
    GROUP BY delivery_id, last.status, last.detail, last.outcome, last.code, last.ended_at, last.provider_id
), target AS MATERIALIZED (
    SELECT delivery_id AS origin_id, delivery_id AS id FROM result
    UNION ALL
    SELECT origin.id, d.id
    FROM {Delivery._meta.db_table} AS origin
    JOIN {Delivery._meta.db_table} AS d
        ON d.message_id = %(message)s AND d.mode = origin.mode AND d.address = origin.address AND d.duplicate
    WHERE origin.id = ANY(%(deliveries)s)
), before AS MATERIALIZED (
    SELECT {_COLUMNS} FROM target JOIN {Delivery._meta.db_table} AS d USING (id)
), after AS (
    UPDATE {Delivery._meta.db_table} AS d
    SET status = result.status, detail = result.detail, outcome = result.outcome, code = result.code,
        attempt_count = greatest(d.attempt_count, result.attempt_count), reached_earlier = result.reached_earlier,
        first_attempt_at = least(d.first_attempt_at, result.first_attempt_at),
        last_attempt_at = coalesce(result.ended_at, result.last_report_at),
        provider_id = result.provider_id
    FROM target JOIN result ON result.delivery_id = target.origin_id
    WHERE d.id = target.id
    RETURNING {_COLUMNS}
), tried AS (
    SELECT DISTINCT recipient.person_id, after.mode
    FROM before JOIN after USING (id) JOIN {Recipient._meta.db_table} AS recipient ON recipient.id = after.recipient_id
    WHERE before.first_attempt_at IS DISTINCT FROM after.first_attempt_at
), first AS (
    SELECT
        tried.mode, min(d.first_attempt_at) AS was, min(coalesce(after.first_attempt_at, d.first_attempt_at)) AS became
    FROM tried
    -- The offset keeps PostgreSQL on the indexes, as below.
    CROSS JOIN LATERAL (
        SELECT d.id, d.first_attempt_at
        FROM {Recipient._meta.db_table} AS recipient
        JOIN {Delivery._meta.db_table} AS d ON d.recipient_id = recipient.id
        WHERE recipient.message_id = %(message)s AND recipient.person_id = tried.person_id AND d.mode = tried.mode
        OFFSET 0
    ) AS d
    LEFT JOIN after ON after.id = d.id
    GROUP BY tried.person_id, tried.mode
), moved AS (
    SELECT mode, {FIGURE_VALUES}, max(last_first) AS last_first_attempt_at
    FROM (
        SELECT mode, status, outcome, email_outcome, attempt_count > 0 AS begun, 1 AS n,
            attempt_count::int AS attempts, NULL::timestamptz AS last_first
        FROM after AS d WHERE {counted_sql("d")}
        UNION ALL
        SELECT mode, status, outcome, email_outcome, attempt_count > 0, -1, -attempt_count::int, NULL
        FROM before AS d WHERE {counted_sql("d")}
        UNION ALL
        SELECT mode, '', '', '', false, 0, 0, became FROM first
    ) AS tally
    GROUP BY mode
), modes AS (
    INSERT INTO {MessageModeTotals._meta.db_table} AS kept (message_id, mode, {FIGURE_NAMES}, last_first_attempt_at)
    SELECT %(message)s, mode, {FIGURE_NAMES}, last_first_attempt_at FROM moved
    ON CONFLICT (message_id, mode) DO UPDATE SET
        {", ".join(f"{name} = kept.{name} + excluded.{name}" for name in FIGURES)},
        last_first_attempt_at = greatest(kept.last_first_attempt_at, excluded.last_first_attempt_at)
), person AS (
    SELECT DISTINCT recipient.person_id
    FROM before JOIN after USING (id) JOIN {Recipient._meta.db_table} AS recipient ON recipient.id = after.recipient_id
    WHERE {contacted_sql("before")} <> {contacted_sql("after")}
), contact AS (
    SELECT
        bool_or({contacted_sql("d")})::int AS was,
        bool_or(CASE WHEN after.id IS NULL THEN {contacted_sql("d")}
                     ELSE {contacted_sql("after")} END)::int AS became
    FROM person
    -- The offset keeps PostgreSQL on the indexes: without it, a large batch reads the whole message.
    CROSS JOIN LATERAL (
        SELECT d.id, d.mode, d.outcome, d.reached_earlier
        FROM {Recipient._meta.db_table} AS recipient
        JOIN {Delivery._meta.db_table} AS d ON d.recipient_id = recipient.id
        WHERE recipient.message_id = %(message)s AND recipient.person_id = person.person_id
        OFFSET 0
    ) AS d
    LEFT JOIN after ON after.id = d.id
    GROUP BY person.person_id
), people AS (
    UPDATE {MessageTotals._meta.db_table}
    SET contacted_by_phone = contacted_by_phone + (SELECT coalesce(sum(became - was), 0) FROM contact), as_of = now()
    WHERE message_id = %(message)s
)
SELECT DISTINCT kept.mode
FROM first JOIN {MessageModeTotals._meta.db_table} AS kept ON kept.message_id = %(message)s AND kept.mode = first.mode
WHERE first.became < first.was AND first.was >= kept.last_first_attempt_at
"""  # noqa: S608  (table names only)
_DERIVE_DELIVERIES = Prepared("derive_deliveries", _DERIVE, {"message": "bigint", "deliveries": "bigint[]"})

# A report may give an earlier start to the person who seemed to be the last one. That is rare, so only then we look.
_LAST_FIRST_ATTEMPT = f"""
UPDATE {MessageModeTotals._meta.db_table} AS kept
SET last_first_attempt_at = (
    SELECT max(person.first_attempt_at) FROM (
        SELECT min(d.first_attempt_at) AS first_attempt_at
        FROM {Delivery._meta.db_table} AS d JOIN {Recipient._meta.db_table} AS r ON r.id = d.recipient_id
        WHERE d.message_id = kept.message_id AND d.mode = kept.mode
        GROUP BY r.person_id) AS person)
WHERE kept.message_id = %(message)s AND kept.mode = ANY(%(modes)s)
"""  # noqa: S608  (table names only)


@transaction.atomic
def store_evidence(*, message_id: int, evidence: Sequence[Evidence]) -> int:
    """Store evidence, and update deliveries, totals and the message's status. Returns how many devices changed.

    The deliveries belong to this message, and they count. Evidence that is known already changes nothing.
    """
    counted = lock_totals(message_id=message_id)
    with connection.cursor() as cursor:
        _KEEP_STATUSES.execute(
            cursor,
            {
                "deliveries": list({one.delivery_id for one in evidence}),
                "statuses": [status.value for status in RANKS],
                "ranks": list(RANKS.values()),
                "tried": [status not in NOT_TRIED for status in RANKS],
            },
        )
        columns = {column.name: [getattr(one, column.name) for one in evidence] for column in fields(Evidence)}
        _STORE_REPORTS.execute(cursor, columns)
        changed = list({delivery for (delivery,) in cursor.fetchall()})
        if not changed:
            return 0
        keep_canceled_rows(message_id=message_id, deliveries=changed)
        _DERIVE_DELIVERIES.execute(cursor, {"message": message_id, "deliveries": changed})
        if modes := [mode for (mode,) in cursor.fetchall()]:
            cursor.execute(_LAST_FIRST_ATTEMPT, {"message": message_id, "modes": modes})
    if not counted:
        recount(message_id=message_id)
    settle_reach(message_id=message_id, deliveries=changed)
    note_contacts(deliveries=changed)
    settle_status(message_id=message_id)
    if ended := [one.ended_at for one in evidence if one.made and one.ended_at]:
        extend_dispatch(message_id=message_id, until=max(ended))
    deliveries_stored.send(SentMessage, message_id=message_id, deliveries=changed)
    return len(changed)
