"""Take people out of events, and keep what is counted: the kind, the reason, the time, the message."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import datetime

from django.db import connection
from django.db.models import F, QuerySet, Value
from django.db.models.functions import Coalesce, Lower, NullIf

from mailgun_sync.client import ProviderEvent
from mailgun_sync.client.events import recipient_of
from mailgun_sync.models import MailgunEvent, RecipientAddress
from messenger_logs.models import Delivery, Recipient
from messenger_logs.removed import REMOVED
from messenger_logs.services.addresses import mailbox
from messenger_logs.services.erased import anybody_erased, erased_among

_IN_JSON = re.compile(r"""[^\s<>(),;:"'{}\[\]\\]+@[^\s<>(),;:"'{}\[\]\\]+""")


# An event without its JSON is final: it keeps its link and outcome, and no reading of it again changes it.
_REMOVE = f"""
UPDATE {MailgunEvent._meta.db_table} AS event
SET recipient = '{REMOVED}', person_id = '{REMOVED}', message_id = '', raw = '', detail = mailgun_reason(%s)
"""  # noqa: S608  (table names only)
_NAMELESS = f"replace(event.detail, r.name, '{REMOVED}')"
_REMOVE_OF = f"""
{_REMOVE % _NAMELESS}
FROM {Delivery._meta.db_table} AS d JOIN {Recipient._meta.db_table} AS r ON r.id = d.recipient_id
WHERE event.delivery_id = ANY(%s) AND d.id = event.delivery_id AND event.raw <> ''
"""
_REMOVE_THESE = f"""
{_REMOVE % "event.detail"}
WHERE event.id = ANY(%s)
    AND event.occurred_at BETWEEN coalesce(%s::timestamptz, '-infinity') AND coalesce(%s::timestamptz, 'infinity')
"""


def remove_events_of(deliveries: Sequence[int]) -> None:
    """Take the people out of the events of these deliveries, in the transaction of the caller."""
    with connection.cursor() as cursor:
        cursor.execute(_REMOVE_OF, [list(deliveries)])


def remove_events(ids: Collection[int], *, since: datetime | None = None, until: datetime | None = None) -> int:
    """Do the same for the events with these ids, all of which are of this time. Returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(_REMOVE_THESE, [list(ids), since, until])
        return int(cursor.rowcount)


def addresses_as_they_came(mailboxes: Collection[str]) -> QuerySet[RecipientAddress]:
    """The addresses of events that are these in their canonical form."""
    canonical = Coalesce(NullIf(F("mailbox"), Value("")), Lower("address"))
    return RecipientAddress.objects.alias(canonical=canonical).filter(canonical__in=mailboxes)


def without_erased(events: list[ProviderEvent]) -> list[ProviderEvent]:
    """Return the events without those about an erased address, and without erased addresses in the others.

    What is stored later must not bring an address back.
    """
    if not events or not anybody_erased():
        return events
    found = [_addresses_in(event.raw) for event in events]
    erased = erased_among({canonical for named in found for canonical in named.values()})
    if not erased:
        return events
    texts = ({text for text, canonical in named.items() if canonical in erased} for named in found)
    kept = (_without(event, gone) for event, gone in zip(events, texts, strict=True))
    return [event for event in kept if event is not None]


def _without(event: ProviderEvent, texts: Collection[str]) -> ProviderEvent | None:
    """Return the event without these texts; None if it is about one of them, or cannot be read."""
    if not texts:
        return event
    if event.error or recipient_of(event.raw) in texts:
        return None
    return event._replace(raw=_replaced(event.raw, texts), readable=event.readable and _replaced(event.readable, texts))


def _replaced(text: str, texts: Collection[str]) -> str:
    for gone in texts:
        text = text.replace(gone, REMOVED)
    return text


def _addresses_in(raw: str) -> dict[str, str]:
    """Return the addresses in a text that may be JSON, each with its canonical form."""
    return {text: mailbox(text) for text in _IN_JSON.findall(raw)}
