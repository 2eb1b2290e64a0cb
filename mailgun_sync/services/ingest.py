"""Store provider events in the database: one statement for each page, in which PostgreSQL reads the JSON."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import DatabaseError, connection, transaction

from core.prepared import Prepared
from core.text import storable
from mailgun_sync.choices import EventKind
from mailgun_sync.client import ProviderEvent, reread, same_event
from mailgun_sync.models import ADDRESS_SLACK_DAYS, MailgunEvent, QuarantinedEvent, RecipientAddress, SourceCount
from mailgun_sync.services.links import (
    LINK_COLUMNS,
    LINK_VALUES,
    LINKS,
    link_columns_of,
    link_known,
    lost_of,
    strength_sql,
)
from mailgun_sync.services.outcomes import settle_outcomes
from mailgun_sync.services.remove_events import without_erased
from mailgun_sync.services.twins import settle_twins
from messenger_logs.models import Delivery
from messenger_logs.services.message_ids import bare_message_id_sql, without_signs_sql

DIFFERS = "An event of the same kind, id and time is stored already, and says something else."
_GIVEN_ID = without_signs_sql("coalesce(e #>> '{message,headers,message-id}', '')")
# The key is (domain, event, id, µs), because Mailgun's id is unique only within a day, and its test events share one id
# and time between kinds. An event without an id gets the hash of its canonical JSON, which is the text of jsonb.
#
# Timestamps are decimal seconds, as a number or as text. They go through numeric, because a float is sometimes off by a
# microsecond.
_STORE = f"""
WITH item AS MATERIALIZED (
    SELECT raw, coalesce(readable, raw)::jsonb AS e, variables::jsonb AS variables, mailbox, place
    FROM unnest(%(raw)s::text[], %(readable)s::text[], %(variables)s::text[], %(mailbox)s::text[])
        WITH ORDINALITY AS page (raw, readable, variables, mailbox, place)
), event AS MATERIALIZED (
    SELECT
        raw, mailbox, place, %(domain)s::bigint AS domain_id,
        left(e ->> 'event', 64) AS event,
        CASE WHEN e ->> 'id' <> '' AND length(e ->> 'id') <= 128 THEN e ->> 'id'
             ELSE encode(sha256(convert_to(e::text, 'UTF8')), 'hex') END AS event_id,
        'epoch'::timestamptz
            + round((e ->> 'timestamp')::numeric * 1000000)::bigint * interval '1 microsecond' AS occurred_at,
        recipient, coalesce(mailbox, lower(recipient)) AS canonical,
        left(coalesce(e #>> '{{message,headers,subject}}', ''), 1000) AS subject,
        left({bare_message_id_sql("given_id")}, 512) AS message_id,
        coalesce(e ->> 'severity', '') AS severity,
        coalesce(e ->> 'reason', '') AS reason,
        coalesce(e #>> '{{delivery-status,code}}', '') AS code,
        CASE WHEN e ->> 'event' IN ('{EventKind.ACCEPTED}', '{EventKind.DELIVERED}') THEN '' ELSE coalesce(
            nullif(e #>> '{{delivery-status,message}}', ''),
            nullif(e #>> '{{delivery-status,description}}', ''),
            nullif(e #>> '{{reject,reason}}', ''),
            nullif(e #>> '{{reject,description}}', ''),
            nullif(e #>> '{{error,message}}', ''),
            e ->> 'reason',
            '') END AS detail,
        coalesce(variables, e -> 'user-variables') AS variables
    FROM item
    CROSS JOIN LATERAL (
        SELECT
            {_GIVEN_ID} AS given_id,
            left(coalesce(e ->> 'recipient', e #>> '{{message,headers,to}}', e #>> '{{member,address}}', ''), 512)
                AS recipient
        OFFSET 0
    ) AS read
), linked AS MATERIALIZED (
    SELECT event.*, {LINK_VALUES} FROM event {LINKS}
), stored AS (
    INSERT INTO {MailgunEvent._meta.db_table} (
        domain_id, event, event_id, occurred_at, late_by, recipient, subject, message_id, severity, reason, code,
        detail, raw, {LINK_COLUMNS})
    SELECT
        %(domain)s, event, event_id, occurred_at,
        CASE WHEN occurred_at BETWEEN %(covered_from)s AND %(settled_through)s THEN now() - occurred_at END,
        recipient, subject, message_id, left(severity, 32), left(reason, 128),
        left(code, 32), left(detail, 2000), raw, {LINK_COLUMNS}
    FROM linked
    ORDER BY place
    ON CONFLICT (domain_id, event, event_id, occurred_at) DO NOTHING
    RETURNING late_by, delivery_id
), known AS MATERIALIZED (
    -- What the table, or an item before it, has under the key of an item. Most pages are new as a whole: then nobody
    -- looks. The limit keeps PostgreSQL on the index.
    SELECT
        stored.id, linked.occurred_at, linked.raw, coalesce(stored.raw, first_value(linked.raw) OVER same) AS known_raw,
        {link_columns_of("linked")},
        stored.delivery_id AS known_delivery_id,
        linked.delivery_id IS NOT NULL AND {strength_sql("linked.linked_by")}
            > coalesce(CASE WHEN stored.delivery_id IS NOT NULL THEN {strength_sql("stored.linked_by")} END, 0)
            AS is_better
    FROM linked LEFT JOIN LATERAL (
        SELECT stored.id, stored.raw, stored.delivery_id, stored.linked_by
        FROM {MailgunEvent._meta.db_table} AS stored
        WHERE stored.occurred_at = linked.occurred_at AND stored.event_id = linked.event_id
            AND stored.event = linked.event AND stored.domain_id = %(domain)s
        LIMIT 1
    ) AS stored ON true
    WHERE (SELECT count(*) FROM stored) < (SELECT count(*) FROM linked)
    WINDOW same AS (PARTITION BY linked.occurred_at, linked.event_id, linked.event ORDER BY linked.place)
), mended AS (
    -- An event without a delivery, or with one by a weaker key, that has one by now.
    UPDATE {MailgunEvent._meta.db_table} AS stored
    SET ({LINK_COLUMNS}) = ({link_columns_of("known")})
    FROM known
    WHERE stored.id = known.id AND stored.occurred_at = known.occurred_at AND known.raw = known_raw AND is_better
    RETURNING known_delivery_id, stored.delivery_id, stored.kind
), unsettled AS (
    -- An outcome that got lost is settled again at the next reading.
    SELECT delivery_id FROM stored
    UNION SELECT delivery_id FROM mended
    UNION
    SELECT d.id FROM known JOIN {Delivery._meta.db_table} AS d ON d.id = known_delivery_id WHERE d.email_outcome = ''
), addressed AS (
    -- Sorted, so that two pages at the same time cannot wait for each other. The last day of an address says when it
    -- may be forgotten. It moves rarely, so few pages write here.
    INSERT INTO {RecipientAddress._meta.db_table} AS kept (address, mailbox, last_event_on)
    SELECT recipient, left(coalesce(max(mailbox), ''), 512), max(day)
    FROM (SELECT recipient, mailbox, least(occurred_at, now())::date AS day FROM event) AS newest
    WHERE recipient <> '' AND NOT EXISTS (
        SELECT FROM {RecipientAddress._meta.db_table} AS same
        WHERE same.address = recipient AND same.last_event_on > day - {ADDRESS_SLACK_DAYS})
    GROUP BY recipient ORDER BY recipient
    ON CONFLICT (address) DO UPDATE SET last_event_on = greatest(kept.last_event_on, excluded.last_event_on)
)
SELECT count(*), count(late_by), coalesce(max(late_by), interval '0'),
    (SELECT array_agg(delivery_id) FROM unsettled WHERE delivery_id IS NOT NULL),
    -- Whether these say the same in other words, Python finds out. The id is of an event with a better link now.
    -- One without its text is final: people were taken out of it.
    (SELECT array_agg(ARRAY[raw, known_raw, CASE WHEN is_better THEN id::text END])
     FROM known WHERE raw <> known_raw AND known_raw <> ''),
    (SELECT array_agg(ARRAY[known_delivery_id::text, delivery_id::text, kind])
     FROM mended WHERE known_delivery_id <> delivery_id)
FROM stored
"""  # noqa: S608  (table names only)


_STORE_PAGE = Prepared(
    "store_page",
    _STORE,
    {
        "raw": "text[]",
        "readable": "text[]",
        "variables": "text[]",
        "mailbox": "text[]",
        "domain": "bigint",
        "covered_from": "timestamptz",
        "settled_through": "timestamptz",
    },
    few=None,  # it compares nothing with each other: most pages are new as a whole
)

Known = dict[str, int | datetime | None]


@dataclass(frozen=True, slots=True)
class StoreResult:
    """The counts of a page: events seen, new events, new in quarantine, new but late, and the longest delay.

    ``differs`` is the part of the quarantine that could be read, but contradicts a stored event with the same key.
    """

    seen: int = 0
    new: int = 0
    quarantined: int = 0
    differs: int = 0
    late: int = 0
    latest_by: timedelta = timedelta(0)

    def __add__(self, other: StoreResult) -> StoreResult:
        return StoreResult(
            self.seen + other.seen,
            self.new + other.new,
            self.quarantined + other.quarantined,
            self.differs + other.differs,
            self.late + other.late,
            max(self.latest_by, other.latest_by),
        )


@contextmanager
def page_transaction() -> Iterator[None]:
    """A transaction for a page, whose commit does not wait for the disk.

    The transaction that moves the cursor comes later and does wait, which writes the pages to the disk too. If the
    server crashes before that, the cursor has not moved, and the next run reads the pages again.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit TO off")
        yield


def store_events(
    *,
    domain_id: int,
    events: list[ProviderEvent],
    covered_from: datetime | None = None,
    settled_through: datetime | None = None,
) -> StoreResult:
    """Store the events that are not stored yet, and quarantine those that cannot be read. It is safe to repeat.

    We took the time from ``covered_from`` to ``settled_through`` as complete, so new events in it are marked as late.
    """
    events = without_erased(events)
    known: Known = {"domain": domain_id, "covered_from": covered_from, "settled_through": settled_through}
    readable = [event for event in events if not event.error]
    unreadable = [event for event in events if event.error]
    result = StoreResult(seen=len(unreadable))
    result = sum((_quarantine(domain_id, event.raw, event.error) for event in unreadable), result)
    try:
        with transaction.atomic():
            return result + _store(domain_id, readable, known)
    except DatabaseError as error:
        if not _is_about_the_data(error):
            raise
    # PostgreSQL cannot store one of them. Store each alone, so that the bad one does not stop the others.
    return sum((_store_alone(domain_id, event, known) for event in readable), result)


def _store(domain_id: int, events: list[ProviderEvent], known: Known) -> StoreResult:
    seen = len(events)
    events = settle_twins(domain_id=domain_id, events=events)
    with connection.cursor() as cursor:
        page: dict[str, list[str | None]] = {
            "raw": [event.raw for event in events],
            "readable": [event.readable for event in events],
            "variables": [event.variables for event in events],
            "mailbox": [event.mailbox for event in events],
        }
        _STORE_PAGE.execute(cursor, {**known, **page})
        new, late, latest_by, deliveries, others, moved = cursor.fetchone()
    if deliveries:
        lost = lost_of([(int(was), int(now), kind) for was, now, kind in moved or []])
        settle_outcomes(deliveries, lost=lost)
    result = StoreResult(seen=seen, new=new, late=late, latest_by=latest_by)
    return sum((_keep_other(domain_id, *other) for other in others or []), result)


def _keep_other(domain_id: int, raw: str, known_raw: str, weaker: str | None) -> StoreResult:
    """Keep what contradicts a stored event. What says the same in other words mends its link, if there is a better."""
    if same_event(raw, known_raw) or (
        SourceCount.objects.of_webhooks(domain_id).exists() and same_event(raw, known_raw, sources_differ=True)
    ):
        if weaker:
            link_known([int(weaker)])
        return StoreResult()
    kept = _quarantine(domain_id, raw, DIFFERS).quarantined
    return StoreResult(quarantined=kept, differs=kept)


def _store_alone(domain_id: int, event: ProviderEvent, known: Known) -> StoreResult:
    try:
        with transaction.atomic():
            return _store(domain_id, [event], known)
    except DatabaseError as error:
        if not _is_about_the_data(error):
            raise
        message = str(error).partition("\n")[0]
    return StoreResult(seen=1) + _quarantine(domain_id, event.raw, f"The database cannot take it: {message}.")


def _quarantine(domain_id: int, raw: str, error: str) -> StoreResult:
    """Keep an event as it came, as far as PostgreSQL can hold its text."""
    _, created = QuarantinedEvent.objects.get_or_create(
        domain_id=domain_id,
        digest=hashlib.sha256(raw.encode(errors="replace")).hexdigest(),
        defaults={"raw": storable(raw), "error": error},
    )
    return StoreResult(quarantined=int(created))


def _is_about_the_data(error: DatabaseError) -> bool:
    """Whether the event is the cause (SQLSTATE: bad data, constraint, limit), and not the connection or a lock."""
    return str(getattr(error.__cause__, "pgcode", None) or "")[:2] in {"22", "23", "54"}


def retry_quarantined(*, quarantined_id: int) -> bool:
    """Read a quarantined event again. True if it is stored now and has left the quarantine."""
    with transaction.atomic():
        quarantined = QuarantinedEvent.objects.select_for_update().filter(pk=quarantined_id).first()
        if quarantined is None:
            return True  # another request was quicker
        quarantined.delete()
        result = store_events(domain_id=quarantined.domain_id, events=[reread(quarantined.raw)])
        if result.quarantined:
            transaction.set_rollback(True)
    return not result.quarantined
