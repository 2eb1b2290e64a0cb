"""Find the delivery that an event belongs to, also of mail that others sent. The first of three keys that fits decides:

1. The user variables that we give to our own e-mails. Everybody who got an e-mail can read them, so we believe them
   only if our records agree: the delivery that they name must belong to the message that they name, and must go to the
   address of the event.
2. The Message-Id and the address.
3. The address, the subject and the time: the event occurred from 5 minutes before the hand-over to 72 hours after it,
   and the delivery has no other Message-Id. The time of the hand-over is that of the delivery, else of its message.

Two e-mails that fit by the same key are ambiguous: the event belongs to neither, and System Health counts it.

An event is about an e-mail of its own sending domain. A delivery names its domain where its Message-Id ends with one of
our sending domains: then the event must be of that domain, whatever the key. A record that comes from elsewhere seldom
does so. Without a better key, it names a domain by its reply-to address too, where that is of one of our sending
domains, or of the domain above or below one. Else the event may be of any sending domain of the district.

The result depends on what is stored, and not on what came first. So a delivery that comes later, or gets a Message-Id
later, may take an event from another one, or make it ambiguous. Our own mark is final, unless the Message-Id that comes
later is of another domain.

Of an event with a delivery, our records give the sender, the person and the school. Else its variables give the first
two, and the person id counts only together with a sender that is a user of this installation.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.db import connection, transaction
from django.db.models import CharField, Exists, F, Func, OuterRef, Q, Value

from accounts.models import User
from core.timeouts import retry_when_busy
from mailgun_sync.client import reread
from mailgun_sync.models import MailgunEvent, RecipientAddress, SendingDomain
from mailgun_sync.services.outcomes import RANKS, settle_outcomes
from messenger_logs.choices import DeliveryStatus, LinkedBy, Mode
from messenger_logs.models import Delivery, Recipient, SentMessage
from messenger_logs.services.message_ids import bare_message_id_sql, without_signs_sql

BATCH = 1_000
# The ids and times of events.
Rows = list[tuple[int, datetime]]
BEFORE, AFTER = timedelta(minutes=5), timedelta(hours=72)
_BEFORE, _AFTER = (f"interval '{limit.total_seconds():.0f} seconds'" for limit in (BEFORE, AFTER))

_EVENT, _DELIVERY, _MESSAGE = MailgunEvent._meta.db_table, Delivery._meta.db_table, SentMessage._meta.db_table
_DOMAIN, _ADDRESS = SendingDomain._meta.db_table, RecipientAddress._meta.db_table

# The canonical form of an address of events; there is an index of it.
_CANONICAL = "coalesce(nullif(kept.mailbox, ''), lower(kept.address))"

_IS_OF = "(domain.name = {other} OR domain.name LIKE '%%.' || {other} OR {other} LIKE '%%.' || domain.name)"
_REPLIES_TO = _IS_OF.format(other="lower(split_part(message.reply_to, '@', -1))")
_FITS_DOMAIN = f"""(
    message.reply_to = '' OR coalesce(
        (SELECT bool_or(domain.id = event.domain_id) FROM {_DOMAIN} AS domain WHERE {_REPLIES_TO}), true))
"""  # noqa: S608  (table names only)
_MAILED = f"d.mode = '{Mode.EMAIL}' AND d.status = '{DeliveryStatus.SENT}' AND NOT d.duplicate"

# Whether the Message-Id of delivery `d` says that another of our domains sent it than the one of the event.
_SENT_ELSEWHERE = f"""EXISTS (
    SELECT FROM {_DOMAIN} AS domain
    WHERE domain.name = split_part(d.provider_id, '@', -1) AND domain.id <> {{event}}.domain_id)
"""
_OF_OTHER_DOMAIN = _SENT_ELSEWHERE.format(event="event")

_FITS_ID = f"""
    FROM {_DELIVERY} AS d
    JOIN {_DELIVERY} AS counts
        ON counts.message_id = d.message_id AND counts.mode = d.mode AND counts.address = d.address
            AND NOT counts.duplicate AND counts.address <> ''
    WHERE event.message_id <> '' AND d.provider_id <> '' AND d.mode = '{Mode.EMAIL}'
        AND d.provider_id = event.message_id AND d.address = event.canonical
        AND NOT {_OF_OTHER_DOMAIN}
"""
_FITS_SUBJECT = f"""
    FROM (
        SELECT d.id, d.message_id, d.provider_id, true AS timed FROM {_DELIVERY} AS d
        WHERE {_MAILED} AND d.address = event.canonical
            AND d.last_attempt_at BETWEEN event.occurred_at - {_AFTER} AND event.occurred_at + {_BEFORE}
        UNION ALL
        SELECT d.id, d.message_id, d.provider_id, false FROM {_DELIVERY} AS d
        WHERE {_MAILED} AND d.address = event.canonical AND d.last_attempt_at IS NULL
    ) AS d
    JOIN {_MESSAGE} AS message ON message.id = d.message_id
    WHERE event.subject <> '' AND event.canonical <> ''
        AND message.subject = event.subject AND (event.message_id = '' OR strpos(d.provider_id, '@') = 0)
        AND (timed OR event.occurred_at BETWEEN
            coalesce(message.dispatch_started_at, message.email_start_at, message.scheduled_at) - {_BEFORE}
            AND coalesce(message.dispatch_finished_at, message.dispatch_started_at, message.email_start_at,
                         message.scheduled_at) + {_AFTER})
        AND {_FITS_DOMAIN} AND NOT {_OF_OTHER_DOMAIN}
"""  # noqa: S608  (table names only)

# To join to rows `event` with `recipient`, `canonical` (the address), `message_id` (bare), `subject`, `occurred_at`,
# `domain_id` and `variables` (jsonb). One row comes for each event. A duplicate stands for the row that counts.
#
# An address that was stored before addresses had a canonical form is like the event has it.
LINKS = f"""
LEFT JOIN {User._meta.db_table} AS named ON named.username = event.variables ->> 'sender'
LEFT JOIN LATERAL (
    SELECT d.id
    FROM {_DELIVERY} AS d
    WHERE d.id = CASE WHEN event.variables ->> 'delivery' ~ '^[0-9]{{1,18}}$'
                      THEN (event.variables ->> 'delivery')::bigint END
        AND d.message_id::text = event.variables ->> 'message' AND d.mode = '{Mode.EMAIL}'
        AND lower(d.address) IN (lower(event.recipient), event.canonical) AND NOT {_OF_OTHER_DOMAIN}
    LIMIT 1
) AS marked ON true
LEFT JOIN LATERAL (
    SELECT min(counts.id) AS id, max(counts.id) AS last {_FITS_ID} AND marked.id IS NULL
) AS by_id ON true
LEFT JOIN LATERAL (
    SELECT min(d.id) AS id, max(d.id) AS last {_FITS_SUBJECT} AND marked.id IS NULL AND by_id.id IS NULL
) AS by_subject ON true
LEFT JOIN LATERAL (
    SELECT d.id, d.message_id, d.school_id, message.sender_id, recipient.person_id
    FROM {_DELIVERY} AS d
    JOIN {_MESSAGE} AS message ON message.id = d.message_id
    JOIN {Recipient._meta.db_table} AS recipient ON recipient.id = d.recipient_id
    WHERE d.id = CASE WHEN marked.id IS NOT NULL THEN marked.id
                      WHEN by_id.id = by_id.last THEN by_id.id
                      WHEN by_subject.id = by_subject.last THEN by_subject.id END
    LIMIT 1
) AS ours ON true
"""  # noqa: S608  (table names only)

# The values of the linked columns.
LINK_VALUES = f"""
    CASE WHEN ours.id IS NULL THEN named.id ELSE ours.sender_id END AS sender_id,
    CASE WHEN ours.id IS NOT NULL THEN ours.person_id
         WHEN named.id IS NOT NULL THEN left(coalesce(event.variables ->> 'person_id', ''), 64)
         ELSE '' END AS person_id,
    ours.message_id AS sent_message_id, ours.id AS delivery_id, ours.school_id,
    CASE WHEN marked.id IS NOT NULL THEN '{LinkedBy.VARIABLES}'
         WHEN by_id.id = by_id.last THEN '{LinkedBy.MESSAGE_ID}'
         WHEN by_subject.id = by_subject.last THEN '{LinkedBy.SUBJECT}'
         WHEN coalesce(by_id.id, by_subject.id) IS NOT NULL THEN '{LinkedBy.AMBIGUOUS}'
         ELSE '' END AS linked_by
"""
_LINKED = ("sender_id", "person_id", "sent_message_id", "delivery_id", "school_id", "linked_by")
LINK_COLUMNS = ", ".join(_LINKED)
_STRENGTHS = ", ".join(f"'{key}'" for key in LinkedBy.values)


def link_columns_of(row: str) -> str:
    """The linked columns of a row of the statement, in the order of LINK_COLUMNS."""
    return ", ".join(f"{row}.{column}" for column in _LINKED)


def strength_sql(column: str) -> str:
    """The SQL of the strength of a key, as a number; NULL for none."""
    return f"array_position(ARRAY[{_STRENGTHS}]::text[], {column}::text)"


# The times of the events with these ids. PostgreSQL looks at no other month.
_BETWEEN = "{} BETWEEN %(first)s AND %(last)s"

# Events from before we stored the key: only our own mark linked them.
_MARK = f"""
UPDATE {_EVENT} SET linked_by = '{LinkedBy.VARIABLES}'
WHERE id = ANY(%(ids)s) AND {_BETWEEN.format("occurred_at")} AND delivery_id IS NOT NULL AND linked_by = ''
RETURNING delivery_id
"""  # noqa: S608  (table names only)

# The stored events with these ids, as LINKS needs them.
_STORED = f"""
    SELECT
        stored.id, stored.recipient, coalesce({_CANONICAL}, lower(stored.recipient)) AS canonical,
        {bare_message_id_sql(without_signs_sql("stored.message_id"))} AS message_id,
        stored.subject, stored.occurred_at, stored.domain_id, stored.delivery_id AS was, stored.linked_by AS was_by
    FROM {_EVENT} AS stored LEFT JOIN {_ADDRESS} AS kept ON kept.address = stored.recipient
    WHERE stored.id = ANY(%(ids)s) AND {_BETWEEN.format("stored.occurred_at")}
"""  # noqa: S608  (table names only)
# Our own mark is, where no Message-Id denies it, and so is an event that people were taken out of: it has no text.
_DENIED = f"""EXISTS (
    SELECT FROM {_DELIVERY} AS d WHERE d.id = stored.delivery_id AND {_SENT_ELSEWHERE.format(event="stored")})
"""
_NOT_FINAL = f"""
    (stored.linked_by <> '{LinkedBy.VARIABLES}' OR stored.delivery_id IS NULL OR {_DENIED}) AND stored.raw <> ''
"""
_LOCK = f"""
SELECT FROM {_EVENT} AS stored
WHERE stored.id = ANY(%(ids)s) AND {_BETWEEN.format("stored.occurred_at")} AND {_NOT_FINAL}
ORDER BY stored.id FOR NO KEY UPDATE
"""
_LINK_AGAIN = f"""
WITH given AS MATERIALIZED (
    {_STORED} AND {_NOT_FINAL}
), event AS MATERIALIZED (
    SELECT given.*, coalesce(item.variables::jsonb, item.e::jsonb -> 'user-variables') AS variables
    FROM given
    LEFT JOIN unnest(%(read)s::bigint[], %(readable)s::text[], %(variables)s::text[]) AS item (id, e, variables)
        USING (id)
), link AS (
    SELECT event.id, event.occurred_at, was, was_by, {LINK_VALUES} FROM event {LINKS}
)
UPDATE {_EVENT} AS stored
SET ({LINK_COLUMNS}) = ({link_columns_of("link")})
FROM link
WHERE stored.id = link.id AND stored.occurred_at = link.occurred_at AND (
    link.delivery_id IS DISTINCT FROM was OR link.linked_by IS DISTINCT FROM
    CASE WHEN was IS NULL AND was_by <> '{LinkedBy.AMBIGUOUS}' THEN '' ELSE was_by END)
RETURNING was, link.delivery_id, stored.kind
"""  # noqa: S608  (table names only)

# By the Message-Id, else by the subject: like LINKS.
_MAY_BELONG_TO = f"""
WITH event AS MATERIALIZED ({_STORED})
SELECT event.id, by_id.messages, by_subject.messages
FROM event
CROSS JOIN LATERAL (SELECT array_agg(DISTINCT counts.message_id) AS messages {_FITS_ID}) AS by_id
CROSS JOIN LATERAL (SELECT array_agg(DISTINCT d.message_id) AS messages {_FITS_SUBJECT}) AS by_subject
"""  # noqa: S608  (table names only)

# The events whose delivery may be another one, now that these deliveries are as they are.
_CONCERNED = f"""
WITH mail AS MATERIALIZED (
    SELECT d.id, d.address, d.provider_id, d.last_attempt_at, {_MAILED} AS mailed, message.subject,
        coalesce(message.dispatch_started_at, message.email_start_at, message.scheduled_at) AS began,
        coalesce(message.dispatch_finished_at, message.dispatch_started_at, message.email_start_at,
                 message.scheduled_at) AS ended
    FROM {_DELIVERY} AS d JOIN {_MESSAGE} AS message ON message.id = d.message_id
    WHERE d.id = ANY(%(deliveries)s) AND d.mode = '{Mode.EMAIL}' AND d.address <> ''
), known AS MATERIALIZED (
    SELECT mail.*, kept.address AS recipient FROM mail JOIN {_ADDRESS} AS kept ON {_CANONICAL} = mail.address
)
SELECT stored.id, stored.occurred_at
FROM known JOIN {_EVENT} AS stored
    ON stored.message_id = known.provider_id AND stored.recipient = known.recipient
        AND stored.linked_by <> '{LinkedBy.VARIABLES}' AND stored.message_id <> ''
WHERE strpos(known.provider_id, '@') > 0
UNION
SELECT stored.id, stored.occurred_at
FROM known JOIN {_EVENT} AS stored
    ON stored.recipient = known.recipient AND stored.linked_by IN ('', '{LinkedBy.SUBJECT}', '{LinkedBy.AMBIGUOUS}')
        AND stored.subject = known.subject AND stored.occurred_at BETWEEN
            coalesce(known.last_attempt_at, known.began) - {_BEFORE}
            AND coalesce(known.last_attempt_at, known.ended) + {_AFTER}
WHERE known.mailed
UNION
SELECT stored.id, stored.occurred_at
FROM known JOIN {_EVENT} AS stored
    ON stored.recipient = known.recipient AND stored.linked_by = '{LinkedBy.AMBIGUOUS}'
UNION
SELECT stored.id, stored.occurred_at
FROM mail JOIN {_EVENT} AS stored
    ON stored.delivery_id = mail.id AND (stored.linked_by IN ('{LinkedBy.MESSAGE_ID}', '{LinkedBy.SUBJECT}')
        OR stored.linked_by = '{LinkedBy.VARIABLES}' AND {_DENIED})
ORDER BY id
"""  # noqa: S608  (table names only)


def link_events() -> int:
    """Link all stored events again, and settle the outcomes of the deliveries concerned. Returns how many changed.

    It works in batches, each in a transaction of its own, and keeps nobody waiting for long. So it may run at any time,
    be stopped, and run again: after a migration, or after a change of how addresses are compared. A batch that meets a
    lock is tried again; raises OperationalError if that does not help.
    """
    total, last = 0, 0
    events = MailgunEvent.objects.order_by("pk").values_list("pk", "occurred_at")
    while rows := list(events.filter(pk__gt=last)[:BATCH]):
        total += retry_when_busy(_link, rows)
        last = rows[-1][0]
    return total


def link_known(ids: Collection[int]) -> int:
    """Do the same for some stored events, as many as a page has, in the transaction of the caller."""
    return _link(_rows(ids))


def link_deliveries(deliveries: Sequence[int]) -> int:
    """Link the events that came before these deliveries, or before what they are now. Returns how many links changed.

    The caller has stored the deliveries in its transaction, and holds the lock of their message.
    """
    if not MailgunEvent.objects.exists():
        return 0
    return sum(_link(rows) for rows in _batches(deliveries))


def _rows(ids: Collection[int]) -> Rows:
    return list(MailgunEvent.objects.filter(pk__in=ids).values_list("pk", "occurred_at"))


def _parameters(rows: Rows) -> dict[str, Any]:
    times = [at for _, at in rows]
    return {"ids": [pk for pk, _ in rows], "first": min(times, default=None), "last": max(times, default=None)}


def _batches(deliveries: Sequence[int]) -> Iterator[Rows]:
    """The events concerned, in batches. Reading 10,000 deliveries at a time keeps the memory flat."""
    for at in range(0, len(deliveries), 10 * BATCH):
        with connection.cursor() as cursor:
            cursor.execute(_CONCERNED, {"deliveries": list(deliveries[at : at + 10 * BATCH])})
            rows = iter(cursor.fetchall())
        while batch := list(islice(rows, BATCH)):
            yield batch


@transaction.atomic
def _link(rows: Rows) -> int:
    these = _parameters(rows)
    read = _read_variables(these)
    with connection.cursor() as cursor:
        cursor.execute(_MARK, these)
        marked = {delivery for (delivery,) in cursor.fetchall()}
        cursor.execute(_LOCK, these)
        # A second statement sees the deliveries that others stored while the first waited for the locks.
        cursor.execute(_LINK_AGAIN, {**these, **read})
        changed: list[tuple[int | None, int | None, str]] = cursor.fetchall()
    deliveries = marked | {delivery for _, delivery, _ in changed if delivery}
    if deliveries or changed:
        settle_outcomes(deliveries, lost=lost_of(changed))
    return len(changed)


def lost_of(changed: Collection[tuple[int | None, int | None, str]]) -> dict[int, int]:
    """Return the deliveries that lost events, each with the highest rank of these: rows are (was, is now, kind)."""
    lost: dict[int, int] = {}
    for was, now, kind in changed:
        if was and was != now:
            lost[was] = max(lost.get(was, 0), RANKS.get(kind, 0))  # type: ignore[call-overload]
    return lost


def _read_variables(these: dict[str, Any]) -> dict[str, list[Any]]:
    """Read the user variables of the events that may need them: they may have our mark, or may lose a delivery."""
    # The text is a quick way to leave out e-mails that others sent. JSON within JSON has backslashes before its quotes.
    needed = Q(delivery=None, raw__regex=r'delivery\\?"\s*:')
    needed |= Q(delivery__isnull=False, linked_by__in=[LinkedBy.MESSAGE_ID, LinkedBy.SUBJECT])
    sent_by = Func(F("delivery__provider_id"), Value("@"), Value(-1), function="split_part", output_field=CharField())
    elsewhere = SendingDomain.objects.filter(name=OuterRef("sent_by")).exclude(pk=OuterRef("domain"))
    needed |= Q(Exists(elsewhere), linked_by=LinkedBy.VARIABLES)
    within = Q(pk__in=these["ids"], occurred_at__range=(these["first"], these["last"]))
    events = MailgunEvent.objects.alias(sent_by=sent_by).filter(needed, within).values_list("pk", "raw")
    found = {pk: event for pk, raw in events if not (event := reread(raw)).error}
    return {
        "read": list(found),
        "readable": [event.readable or event.raw for event in found.values()],
        "variables": [event.variables for event in found.values()],
    }


def messages_that_fit(ids: Sequence[int]) -> dict[int, list[SentMessage]]:
    """Return the messages that each of these stored events may belong to, by the id of the event."""
    with connection.cursor() as cursor:
        cursor.execute(_MAY_BELONG_TO, _parameters(_rows(ids)))
        found: dict[int, list[int]] = {pk: by_id or by_subject or [] for pk, by_id, by_subject in cursor.fetchall()}
    messages = SentMessage.objects.defer("bodies", "criteria").in_bulk({pk for fits in found.values() for pk in fits})
    return {pk: [messages[one] for one in fits] for pk, fits in found.items()}
