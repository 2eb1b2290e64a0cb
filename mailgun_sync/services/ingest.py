"""Store provider events in the database: one statement for each page, in which PostgreSQL reads the JSON."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import DatabaseError, connection, transaction

from accounts.models import User
from mailgun_sync.choices import EventKind
from mailgun_sync.client import ProviderEvent, reread
from mailgun_sync.models import MailgunEvent, QuarantinedEvent, RecipientAddress
from mailgun_sync.services.outcomes import settle_outcomes
from messenger_logs.choices import Mode
from messenger_logs.models import Delivery, Recipient, SentMessage

# The key is (domain, event, id, µs), because Mailgun's id is unique only within a day, and its test events share one id
# and time between kinds. An event without an id gets the hash of its canonical JSON, which is the text of jsonb.
#
# Timestamps are decimal seconds, as a number or as text. They go through numeric, because a float is sometimes off by a
# microsecond.
#
# Everybody who got the mail can read its user variables, so we believe them only if our records agree: the delivery
# that they name must belong to the message that they name, and must go to the address of the event. Then our records
# give the sender and the person. Else the variables give them, and the person id counts only together with a sender
# that is a user of this installation.
_STORE = f"""
WITH item AS MATERIALIZED (
    SELECT raw, coalesce(readable, raw)::jsonb AS e, variables::jsonb AS variables, mailbox
    FROM unnest(%(raw)s::text[], %(readable)s::text[], %(variables)s::text[], %(mailbox)s::text[])
        AS page (raw, readable, variables, mailbox)
), derived AS (
    SELECT
        raw,
        mailbox,
        e ->> 'event' AS event,
        CASE WHEN e ->> 'id' <> '' AND length(e ->> 'id') <= 128 THEN e ->> 'id'
             ELSE encode(sha256(convert_to(e::text, 'UTF8')), 'hex') END AS event_id,
        'epoch'::timestamptz
            + round((e ->> 'timestamp')::numeric * 1000000)::bigint * interval '1 microsecond' AS occurred_at,
        left(coalesce(e ->> 'recipient', e #>> '{{message,headers,to}}', e #>> '{{member,address}}', ''), 512)
            AS recipient,
        coalesce(e #>> '{{message,headers,subject}}', '') AS subject,
        coalesce(e #>> '{{message,headers,message-id}}', '') AS message_id,
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
), stored AS (
    INSERT INTO {MailgunEvent._meta.db_table} (
        domain_id, event, event_id, occurred_at, late_by, recipient, subject, message_id, severity, reason, code,
        detail, sender_id, person_id, sent_message_id, delivery_id, raw)
    SELECT
        %(domain)s, left(event, 64), event_id, occurred_at,
        CASE WHEN occurred_at BETWEEN %(covered_from)s AND %(settled_through)s THEN now() - occurred_at END,
        recipient, left(subject, 1000), left(message_id, 512), left(severity, 32), left(reason, 128),
        left(code, 32), left(detail, 2000), CASE WHEN ours.id IS NULL THEN sender.id ELSE ours.sender_id END,
        CASE WHEN ours.id IS NOT NULL THEN ours.person_id
             WHEN sender.id IS NOT NULL THEN left(coalesce(variables ->> 'person_id', ''), 64) ELSE '' END,
        ours.sent_message_id, ours.id, raw
    FROM derived
    LEFT JOIN {User._meta.db_table} AS sender ON sender.username = variables ->> 'sender'
    LEFT JOIN LATERAL (
        SELECT d.id, d.message_id AS sent_message_id, message.sender_id, recipient.person_id
        FROM {Delivery._meta.db_table} AS d
        JOIN {SentMessage._meta.db_table} AS message ON message.id = d.message_id
        JOIN {Recipient._meta.db_table} AS recipient ON recipient.id = d.recipient_id
        WHERE d.id = CASE WHEN variables ->> 'delivery' ~ '^[0-9]{{1,18}}$' THEN (variables ->> 'delivery')::bigint END
            AND d.message_id::text = variables ->> 'message' AND d.mode = '{Mode.EMAIL}'
            AND lower(d.address) = coalesce(derived.mailbox, lower(derived.recipient))
        LIMIT 1
    ) AS ours ON true
    ON CONFLICT (domain_id, event, event_id, occurred_at) DO NOTHING
    RETURNING late_by, delivery_id
), addressed AS (
    -- Sorted, so that two pages at the same time cannot wait for each other.
    INSERT INTO {RecipientAddress._meta.db_table} (address, mailbox)
    SELECT DISTINCT ON (recipient) recipient, left(coalesce(mailbox, ''), 512)
    FROM derived WHERE recipient <> '' ORDER BY recipient
    ON CONFLICT DO NOTHING
)
SELECT count(*), count(late_by), coalesce(max(late_by), interval '0'),
    array_agg(DISTINCT delivery_id) FILTER (WHERE delivery_id IS NOT NULL)
FROM stored
"""  # noqa: S608  (table names only)


Known = dict[str, int | datetime | None]


@dataclass(frozen=True, slots=True)
class StoreResult:
    """The counts of a page: events seen, new events, new in quarantine, new but late, and the longest delay."""

    seen: int = 0
    new: int = 0
    quarantined: int = 0
    late: int = 0
    latest_by: timedelta = timedelta(0)

    def __add__(self, other: StoreResult) -> StoreResult:
        return StoreResult(
            self.seen + other.seen,
            self.new + other.new,
            self.quarantined + other.quarantined,
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
    known: Known = {"domain": domain_id, "covered_from": covered_from, "settled_through": settled_through}
    readable = [event for event in events if not event.error]
    result = sum((_quarantine(domain_id, event.raw, event.error) for event in events if event.error), StoreResult())
    try:
        with transaction.atomic():
            return result + _store(readable, known)
    except DatabaseError as error:
        if not _is_about_the_data(error):
            raise
    # PostgreSQL cannot store one of them. Store each alone, so that the bad one does not stop the others.
    return sum((_store_alone(domain_id, event, known) for event in readable), result)


def _store(events: list[ProviderEvent], known: Known) -> StoreResult:
    with connection.cursor() as cursor:
        page: dict[str, list[str | None]] = {
            "raw": [event.raw for event in events],
            "readable": [event.readable for event in events],
            "variables": [event.variables for event in events],
            "mailbox": [event.mailbox for event in events],
        }
        cursor.execute(_STORE, {**known, **page})
        new, late, latest_by, deliveries = cursor.fetchone()
    if deliveries:
        settle_outcomes(deliveries)
    return StoreResult(seen=len(events), new=new, late=late, latest_by=latest_by)


def _store_alone(domain_id: int, event: ProviderEvent, known: Known) -> StoreResult:
    try:
        with transaction.atomic():
            return _store([event], known)
    except DatabaseError as error:
        if not _is_about_the_data(error):
            raise
        message = str(error).partition("\n")[0]
    return _quarantine(domain_id, event.raw, f"The database cannot take it: {message}.")


def _quarantine(domain_id: int, raw: str, error: str) -> StoreResult:
    _, created = QuarantinedEvent.objects.get_or_create(
        domain_id=domain_id, digest=hashlib.sha256(raw.encode()).hexdigest(), defaults={"raw": raw, "error": error}
    )
    return StoreResult(seen=1, quarantined=int(created))


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
