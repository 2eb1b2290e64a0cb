"""The same event, from a source that tells less of it, is one event: a twin.

The Events API and JSON webhooks say when an event occurred to the microsecond. The Logs API cuts that to milliseconds.
A form post has whole seconds and no id. So the keys of the same event would differ. Here they become the same: what is
exact replaces what is not, in whatever order the two come.
"""

from __future__ import annotations

from typing import Any
from zlib import crc32

from django.db import connection

from mailgun_sync.choices import FORM_ID, Source
from mailgun_sync.client import ProviderEvent, same_event
from mailgun_sync.client.events import at_time
from mailgun_sync.models import MailgunEvent, SourceCount
from messenger_logs.services.message_ids import bare_message_id_sql, without_signs_sql

# The time of a form post is that of its signature, which Mailgun makes after the event.
SIGNED_AFTER = "interval '15 minutes'"
SIGNED_BEFORE = "interval '1 minute'"
_LOCK_CLASS = crc32(b"mailgun_sync.twins") - 2**31  # pg_advisory_xact_lock takes signed integers

_GIVEN_ID = without_signs_sql("coalesce(e #>> '{message,headers,message-id}', '')")
_ITEMS = f"""
WITH item AS MATERIALIZED (
    SELECT place::int, e ->> 'event' AS event, e ->> 'id' AS event_id, coalesce(e ->> 'severity', '') AS severity,
        left(coalesce(e ->> 'recipient', e #>> '{{message,headers,to}}', ''), 512) AS recipient,
        left({bare_message_id_sql("given_id")}, 512) AS message_id,
        'epoch'::timestamptz
            + round((e ->> 'timestamp')::numeric * 1000000)::bigint * interval '1 microsecond' AS occurred_at
    FROM unnest(%(texts)s::text[]) WITH ORDINALITY AS page (text, place), LATERAL (SELECT text::jsonb AS e) AS read,
        LATERAL (SELECT {_GIVEN_ID} AS given_id) AS bare
)
"""  # noqa: S608  (expressions only)
# The same id and kind in the same millisecond, whether Mailgun cuts or rounds. The time comes first in the key's index.
_SAME_MILLISECOND = f"""
{_ITEMS}
SELECT place, stored.id, stored.occurred_at, stored.raw, item.occurred_at
FROM item JOIN LATERAL (
    SELECT stored.id, stored.occurred_at, stored.raw FROM {MailgunEvent._meta.db_table} AS stored
    WHERE stored.occurred_at BETWEEN item.occurred_at - interval '1 millisecond'
                                 AND item.occurred_at + interval '1 millisecond'
        AND stored.event_id = item.event_id AND stored.event = item.event AND stored.domain_id = %(domain)s
    ORDER BY abs(extract(epoch FROM stored.occurred_at - item.occurred_at)) LIMIT 1
) AS stored ON stored.occurred_at <> item.occurred_at
"""  # noqa: S608  (table names only)
# A form post is about the mail, the address and the kind of an event, and is signed at about its time. Of several the
# nearest is meant: a mail may be opened often.
_OF_FORM = """
    stored.recipient = item.recipient AND stored.message_id = item.message_id AND item.message_id <> ''
        AND stored.event = item.event AND stored.severity = item.severity AND stored.domain_id = %(domain)s
"""
_FORM_POSTS = f"""
{_ITEMS}
SELECT place, stored.id, stored.occurred_at FROM item JOIN LATERAL (
    SELECT stored.id, stored.occurred_at FROM {MailgunEvent._meta.db_table} AS stored
    WHERE {_OF_FORM} AND stored.event_id LIKE '{FORM_ID}%%'
        AND stored.occurred_at BETWEEN item.occurred_at - {SIGNED_BEFORE} AND item.occurred_at + {SIGNED_AFTER}
    ORDER BY abs(extract(epoch FROM stored.occurred_at - item.occurred_at)) LIMIT 1
) AS stored ON true
"""  # noqa: S608  (table names only)
_KNOWN_EXACTLY = f"""
{_ITEMS}
SELECT place FROM item WHERE EXISTS (
    SELECT FROM {MailgunEvent._meta.db_table} AS stored
    WHERE {_OF_FORM} AND stored.event_id NOT LIKE '{FORM_ID}%%'
        AND stored.occurred_at BETWEEN item.occurred_at - {SIGNED_AFTER} AND item.occurred_at + {SIGNED_BEFORE}
)
"""  # noqa: S608  (table names only)


def settle_twins(*, domain_id: int, events: list[ProviderEvent]) -> list[ProviderEvent]:
    """Return the events that are still to be stored, with the times under which their twins are stored.

    A twin that is stored less exactly takes the time and the text of the exact event, or makes room for it. It needs a
    transaction, and holds a lock of the domain to its end: two twins that come at the same moment see each other.
    """
    inexact = not all(event.exact for event in events)
    _lock(domain_id, alone=inexact)
    if not inexact and not SourceCount.objects.inexact(domain_id).exists():
        return events
    events = _without_known_forms(domain_id, events)
    _make_room(domain_id, [event for event in events if event.wording != Source.FORM])
    return _at_stored_times(domain_id, events)


def _lock(domain_id: int, *, alone: bool) -> None:
    function = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s, %s)", [_LOCK_CLASS, domain_id])


def _without_known_forms(domain_id: int, events: list[ProviderEvent]) -> list[ProviderEvent]:
    """Leave out the form posts whose event is stored exactly."""
    forms = [event for event in events if event.wording == Source.FORM]
    known = {id(forms[place - 1]) for (place,) in _select(_KNOWN_EXACTLY, domain_id, forms)}
    return [event for event in events if id(event) not in known]


def _make_room(domain_id: int, events: list[ProviderEvent]) -> None:
    """Delete the form posts of these events. The events are stored in their place, in the same transaction."""
    forms = {pk: at for _, pk, at in _select(_FORM_POSTS, domain_id, events)}
    if forms:
        MailgunEvent.objects.filter(pk__in=forms, occurred_at__in=set(forms.values())).delete()


def _at_stored_times(domain_id: int, events: list[ProviderEvent]) -> list[ProviderEvent]:
    """Give twins within a millisecond one time: that of the exact one."""
    events = list(events)
    for place, pk, stored_at, stored_raw, occurred_at in _select(_SAME_MILLISECOND, domain_id, events):
        event = events[place - 1]
        if event.exact and same_event(event.raw, stored_raw):
            MailgunEvent.objects.filter(pk=pk, occurred_at=stored_at).update(occurred_at=occurred_at, raw=event.raw)
        else:
            events[place - 1] = at_time(event, stored_at)
    return events


def _select(sql: str, domain_id: int, events: list[ProviderEvent]) -> list[tuple[Any, ...]]:
    if not events:
        return []
    texts = [event.readable or event.raw for event in events]
    with connection.cursor() as cursor:
        cursor.execute(sql, {"domain": domain_id, "texts": texts})
        return list(cursor.fetchall())
