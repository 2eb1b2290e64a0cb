"""Provider events into the database: one statement a page, taken apart by PostgreSQL itself."""

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

# The key, (domain, event, id, µs), is Mailgun's own: an id is unique within a day only, and test events share one id
# and time between kinds. An event without an id gets the hash of its canonical JSON, which is what jsonb's text is.
#
# Timestamps are decimal seconds: through numeric, since a float is off by a microsecond at times.
#
# User variables can be read by whoever got the mail, so they are believed only as far as our own records agree. A
# delivery that they name must be of the message that they name and go to the address of the event; whose message it
# is, and to whom it went, our records say then. Else a sender that is not one of our users takes the person id along.
_STORE = f"""
WITH item AS MATERIALIZED (
    SELECT raw, coalesce(readable, raw)::jsonb AS e, variables::jsonb AS variables
    FROM unnest(%(raw)s::text[], %(readable)s::text[], %(variables)s::text[]) AS page (raw, readable, variables)
), derived AS (
    SELECT
        raw,
        e ->> 'event' AS event,
        CASE WHEN e ->> 'id' <> '' AND length(e ->> 'id') <= 128 THEN e ->> 'id'
             ELSE encode(sha256(convert_to(e::text, 'UTF8')), 'hex') END AS event_id,
        'epoch'::timestamptz
            + round((e -> 'timestamp')::numeric * 1000000)::bigint * interval '1 microsecond' AS occurred_at,
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
            AND lower(d.address) IN (lower(derived.recipient), lower(substring(derived.recipient FROM '<([^<>]+)>')))
        LIMIT 1
    ) AS ours ON true
    ON CONFLICT (domain_id, event, event_id, occurred_at) DO NOTHING
    RETURNING late_by, delivery_id
), addressed AS (
    -- In order, so that pages stored side by side cannot wait for each other.
    INSERT INTO {RecipientAddress._meta.db_table} (address)
    SELECT DISTINCT recipient FROM derived WHERE recipient <> '' ORDER BY recipient
    ON CONFLICT DO NOTHING
)
SELECT count(*), count(late_by), coalesce(max(late_by), interval '0'),
    array_agg(DISTINCT delivery_id) FILTER (WHERE delivery_id IS NOT NULL)
FROM stored
"""  # noqa: S608  (table names only)


Known = dict[str, int | datetime | None]


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a page: events it had, events that were new, new in quarantine, new but late, and how late."""

    seen: int = 0
    new: int = 0
    quarantined: int = 0
    late: int = 0
    latest_by: timedelta = timedelta(0)

    def __add__(self, other: Stored) -> Stored:
        return Stored(
            self.seen + other.seen,
            self.new + other.new,
            self.quarantined + other.quarantined,
            self.late + other.late,
            max(self.latest_by, other.latest_by),
        )


@contextmanager
def page_transaction() -> Iterator[None]:
    """A transaction for a page, whose commit does not wait for the disk.

    Whoever moves the cursor commits after it in the usual way, which takes the pages to the disk too; should the server
    crash before, the cursor has not moved, and the pages are read again.
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
) -> Stored:
    """Store the events that are not here yet; safe to repeat. What cannot be read goes to quarantine.

    New events that occurred from ``covered_from`` to ``settled_through`` were believed to be here already: they are
    marked as late.
    """
    known: Known = {"domain": domain_id, "covered_from": covered_from, "settled_through": settled_through}
    sound = [event for event in events if not event.problem]
    outcome = sum((_quarantine(domain_id, event.raw, event.problem) for event in events if event.problem), Stored())
    try:
        with transaction.atomic():
            return outcome + _store(sound, known)
    except DatabaseError as error:
        if not _is_about_the_data(error):
            raise
    # One of them is more than PostgreSQL can take: find it, so that it does not stop the others.
    return sum((_store_alone(domain_id, event, known) for event in sound), outcome)


def _store(events: list[ProviderEvent], known: Known) -> Stored:
    with connection.cursor() as cursor:
        page: dict[str, list[str | None]] = {
            "raw": [event.raw for event in events],
            "readable": [event.readable for event in events],
            "variables": [event.variables for event in events],
        }
        cursor.execute(_STORE, {**known, **page})
        new, late, latest_by, deliveries = cursor.fetchone()
    if deliveries:
        settle_outcomes(deliveries)
    return Stored(seen=len(events), new=new, late=late, latest_by=latest_by)


def _store_alone(domain_id: int, event: ProviderEvent, known: Known) -> Stored:
    try:
        with transaction.atomic():
            return _store([event], known)
    except DatabaseError as error:
        if not _is_about_the_data(error):
            raise
        words = str(error).partition("\n")[0]
    return _quarantine(domain_id, event.raw, f"The database cannot take it: {words}.")


def _quarantine(domain_id: int, raw: str, error: str) -> Stored:
    _, created = QuarantinedEvent.objects.get_or_create(
        domain_id=domain_id, digest=hashlib.sha256(raw.encode()).hexdigest(), defaults={"raw": raw, "error": error}
    )
    return Stored(seen=1, quarantined=int(created))


def _is_about_the_data(error: DatabaseError) -> bool:
    """Whether the event is at fault (SQLSTATE: bad data, constraint, limit), and not the connection or a lock."""
    return str(getattr(error.__cause__, "pgcode", None) or "")[:2] in {"22", "23", "54"}


def retry_quarantined(*, quarantined_id: int) -> bool:
    """Read a quarantined event again. True where it could be stored, and so left the quarantine."""
    with transaction.atomic():
        held = QuarantinedEvent.objects.select_for_update().filter(pk=quarantined_id).first()
        if held is None:
            return True  # somebody was quicker
        held.delete()
        outcome = store_events(domain_id=held.domain_id, events=[reread(held.raw)])
        if outcome.quarantined:
            transaction.set_rollback(True)
    return not outcome.quarantined
