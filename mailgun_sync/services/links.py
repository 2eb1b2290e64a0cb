"""Link events to what we sent: to the delivery, its message, its sender and the person.

Everybody who got an e-mail can read its user variables, so we believe them only if our records agree: the delivery that
they name must belong to the message that they name, and must go to the address of the event. Then our records give the
sender and the person. Else the variables give them, and the person id counts only together with a sender that is a user
of this installation.
"""

from __future__ import annotations

from collections.abc import Collection

from django.db import connection, transaction
from django.db.models import QuerySet

from accounts.models import User
from core.timeouts import retry_when_busy
from mailgun_sync.client import reread
from mailgun_sync.models import MailgunEvent
from mailgun_sync.services.outcomes import settle_outcomes
from messenger_logs.choices import Mode
from messenger_logs.models import Delivery, Recipient, SentMessage

BATCH = 1_000

# An address that was stored before addresses had a canonical form is like the event has it.
#
# To join to rows `event` with `recipient`, `mailbox` and `variables` (jsonb). At most one row comes for each event.
LINKS = f"""
LEFT JOIN {User._meta.db_table} AS named ON named.username = event.variables ->> 'sender'
LEFT JOIN LATERAL (
    SELECT d.id, d.message_id, message.sender_id, recipient.person_id
    FROM {Delivery._meta.db_table} AS d
    JOIN {SentMessage._meta.db_table} AS message ON message.id = d.message_id
    JOIN {Recipient._meta.db_table} AS recipient ON recipient.id = d.recipient_id
    WHERE d.id = CASE WHEN event.variables ->> 'delivery' ~ '^[0-9]{{1,18}}$'
                      THEN (event.variables ->> 'delivery')::bigint END
        AND d.message_id::text = event.variables ->> 'message' AND d.mode = '{Mode.EMAIL}'
        AND lower(d.address) IN (lower(event.recipient), event.mailbox)
    LIMIT 1
) AS ours ON true
"""  # noqa: S608  (table names only)

# The linked columns, in the order of LINK_COLUMNS.
LINK_VALUES = """
    CASE WHEN ours.id IS NULL THEN named.id ELSE ours.sender_id END AS sender_id,
    CASE WHEN ours.id IS NOT NULL THEN ours.person_id
         WHEN named.id IS NOT NULL THEN left(coalesce(event.variables ->> 'person_id', ''), 64)
         ELSE '' END AS person_id,
    ours.message_id AS sent_message_id, ours.id AS delivery_id
"""
LINK_COLUMNS = "sender_id, person_id, sent_message_id, delivery_id"

_LINK_AGAIN = f"""
WITH event AS MATERIALIZED (
    SELECT
        stored.id, stored.recipient, item.mailbox,
        coalesce(item.variables::jsonb, item.e::jsonb -> 'user-variables') AS variables
    FROM unnest(%(ids)s::bigint[], %(readable)s::text[], %(variables)s::text[], %(mailbox)s::text[])
        AS item (id, e, variables, mailbox)
    JOIN {MailgunEvent._meta.db_table} AS stored USING (id)
), link AS (
    SELECT event.id, {LINK_VALUES} FROM event {LINKS}
)
UPDATE {MailgunEvent._meta.db_table} AS stored
SET ({LINK_COLUMNS}) = (link.sender_id, link.person_id, link.sent_message_id, link.delivery_id)
FROM link
WHERE stored.id = link.id AND link.delivery_id IS NOT NULL
RETURNING link.delivery_id
"""  # noqa: S608  (table names only)


def link_events() -> int:
    """Link the events that name a delivery and have none, and settle the outcomes of these. Returns how many it linked.

    It works in batches, each in a transaction of its own, and keeps nobody waiting for long. So it may run at any time,
    be stopped, and run again: after a migration, or after a change of how addresses are compared. A batch that meets a
    lock is tried again; raises OperationalError if that does not help.
    """
    total, last = 0, 0
    while ids := list(MailgunEvent.objects.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:BATCH]):
        total += retry_when_busy(_link, MailgunEvent.objects.filter(pk__range=(ids[0], ids[-1])))
        last = ids[-1]
    return total


def link_known(ids: Collection[int]) -> int:
    """Do the same for some stored events, as many as a page has, in the transaction of the caller."""
    return _link(MailgunEvent.objects.filter(pk__in=ids))


@transaction.atomic
def _link(events: QuerySet[MailgunEvent]) -> int:
    # The text is a quick way to leave out e-mails that others sent. JSON within JSON has backslashes before its quotes.
    unlinked = events.filter(delivery=None, raw__regex=r'delivery\\?"\s*:')
    read = {pk: reread(raw) for pk, raw in unlinked.values_list("pk", "raw")}
    readable = {pk: event for pk, event in read.items() if not event.error}
    with connection.cursor() as cursor:
        cursor.execute(
            _LINK_AGAIN,
            {
                "ids": list(readable),
                "readable": [event.readable or event.raw for event in readable.values()],
                "variables": [event.variables for event in readable.values()],
                "mailbox": [event.mailbox for event in readable.values()],
            },
        )
        linked = [delivery for (delivery,) in cursor.fetchall()]
    if linked:
        settle_outcomes(set(linked))
    return len(linked)
