"""Remove names and addresses from a message, and nothing that a figure counts.

Rows stay, with their results. A token stands for a person and for a device, so that rows of the same one still belong
together, and a recount finds what it found before.
"""

from __future__ import annotations

from collections.abc import Collection

from django.db import connection

from messenger_logs.models import (
    ContactNews,
    ContactToFix,
    Delivery,
    DeviceAttempt,
    PersonReach,
    Recipient,
    SentMessage,
)
from messenger_logs.removed import REMOVED, TOKEN, plain_sql
from messenger_logs.services.reach import FILED_UNDER
from messenger_logs.signals import people_removed

_RECIPIENT, _DELIVERY, _ATTEMPT = (model._meta.db_table for model in (Recipient, Delivery, DeviceAttempt))

# The devices of these people. Rows of other people at the same device belong to it, except those that stay.
_DEVICES = f"""
WITH mine AS MATERIALIZED (
    SELECT d.mode, d.address
    FROM {_RECIPIENT} AS r JOIN {_DELIVERY} AS d ON d.recipient_id = r.id
    WHERE r.message_id = %(message)s AND r.person_id = ANY(%(people)s) AND d.address <> ''
    GROUP BY 1, 2
)
SELECT d.id, d.mode, d.address, r.person_id
FROM mine
CROSS JOIN LATERAL (
    SELECT d.id, d.mode, d.address, d.recipient_id FROM {_DELIVERY} AS d
    WHERE d.message_id = %(message)s AND d.mode = mine.mode AND d.address = mine.address
        AND NOT d.duplicate AND d.address <> ''
    UNION ALL
    SELECT d.id, d.mode, d.address, d.recipient_id FROM {_DELIVERY} AS d
    WHERE d.message_id = %(message)s AND d.mode = mine.mode AND d.address = mine.address AND d.duplicate
) AS d
JOIN {_RECIPIENT} AS r ON r.id = d.recipient_id
"""  # noqa: S608  (table names only)

# What is derived of a contact to fix follows. It takes the address as it was.
_NOTE = f"""
INSERT INTO {ContactNews._meta.db_table} (mode, address)
SELECT contact.mode, contact.address
FROM unnest(%(modes)s::text[], %(addresses)s::text[]) AS gone (mode, address)
JOIN {ContactToFix._meta.db_table} AS contact USING (mode, address)
"""  # noqa: S608  (table names only)

_REMOVE_DEVICES = f"""
UPDATE {_DELIVERY} AS d
SET address = '{TOKEN}' || gone.token, given_address = '{REMOVED}', provider_id = '',
    detail = {plain_sql("d.detail", name="r.name")}, email_reason = {plain_sql("d.email_reason", name="r.name")}
FROM unnest(%(deliveries)s::bigint[], %(tokens)s::bigint[]) AS gone (id, token), {_RECIPIENT} AS r
WHERE d.id = gone.id AND r.id = d.recipient_id
"""  # noqa: S608  (table names only)
_REMOVE_ATTEMPTS = f"""
UPDATE {_ATTEMPT} AS attempt SET raw = '', provider_id = '', detail = {plain_sql("attempt.detail")}
WHERE attempt.delivery_id = ANY(%(deliveries)s)
    AND (attempt.raw, attempt.provider_id, attempt.detail) IS DISTINCT FROM ('', '', {plain_sql("attempt.detail")})
"""  # noqa: S608  (table names only)

# One person may have several rows, for several students. Only a second one needs a number to stay another row.
_REMOVE_PEOPLE = f"""
WITH gone AS MATERIALIZED (
    SELECT id, min(id) OVER (PARTITION BY person_id) AS first FROM {_RECIPIENT}
    WHERE message_id = %(message)s AND person_id = ANY(%(people)s) AND NOT removed
)
UPDATE {_RECIPIENT} AS r
SET removed = true, person_id = '{TOKEN}' || gone.first, name = '{REMOVED}', merge_fields = '{{}}',
    student_number = CASE WHEN r.id = gone.first OR r.student_name = '' AND r.student_number = '' THEN ''
                          ELSE '{TOKEN}' || r.id END,
    student_name = CASE WHEN r.student_name = '' AND r.student_number = '' THEN '' ELSE '{REMOVED}' END
FROM gone WHERE r.id = gone.id
RETURNING r.id
"""  # noqa: S608  (table names only)
_FILE_ANEW = f"""
UPDATE {PersonReach._meta.db_table} AS kept SET filed_under = {FILED_UNDER}
FROM {_RECIPIENT} AS r, {PersonReach._meta.db_table} AS reach
LEFT JOIN messenger_logs_school AS school ON school.id = reach.school_id
WHERE r.id = ANY(%(rows)s) AND reach.recipient_id = r.id AND kept.recipient_id = r.id
"""  # noqa: S608  (table names only)


def remove_people(*, message_id: int, people: Collection[str], staying: Collection[str] | None) -> int:
    """Remove the names and addresses of the people with these person ids. Returns how many rows of recipients changed.

    Rows of other people at the same devices lose the address too, but for those of the people ``staying``; None stands
    for all others. The caller holds the message's lock, and the message has ended.
    """
    given: dict[str, int | list[str]] = {"message": message_id, "people": sorted(people)}
    with connection.cursor() as cursor:
        cursor.execute(_DEVICES, given)
        deliveries = _remove_devices(cursor.fetchall(), set(people), staying)
        people_removed.send(SentMessage, message_id=message_id, deliveries=deliveries)
        cursor.execute(_REMOVE_PEOPLE, given)
        rows = [pk for (pk,) in cursor.fetchall()]
        cursor.execute(_FILE_ANEW, {"rows": rows})
    return len(rows)


def _remove_devices(
    rows: Collection[tuple[int, str, str, str]], people: set[str], staying: Collection[str] | None
) -> list[int]:
    """Remove the addresses of deliveries: rows of id, mode, address and person id. Returns the ids."""
    tokens: dict[tuple[str, str], int] = {}
    for pk, mode, address, _ in rows:
        tokens[mode, address] = min(pk, tokens.get((mode, address), pk))
    gone = {
        pk: tokens[mode, address]
        for pk, mode, address, person in rows
        if person in people or (staying is not None and person not in staying)
    }
    modes, addresses = zip(*tokens, strict=True) if tokens else ((), ())
    given = {"deliveries": list(gone), "tokens": list(gone.values())}
    with connection.cursor() as cursor:
        cursor.execute(_NOTE, {"modes": list(modes), "addresses": list(addresses)})
        cursor.execute(_REMOVE_DEVICES, given)
        cursor.execute(_REMOVE_ATTEMPTS, given)
    return list(gone)
