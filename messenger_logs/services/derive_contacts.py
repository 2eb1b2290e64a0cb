"""Derive the contacts to fix from all deliveries to their addresses, and the people behind them.

A contact is a result of the rows alone. So the order of the evidence does not matter, and a repetition changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connection, transaction

from core.timeouts import retry_when_busy
from messenger_logs.choices import ContactState, Mode
from messenger_logs.contact_problems import arrived_sql, problem_sql
from messenger_logs.models import ContactNews, ContactPerson, ContactToFix, Delivery, Recipient, SentMessage
from messenger_logs.removed import REMOVED

# Contacts that a transaction derives.
BATCH = 1_000
# Deliveries that a statement looks through when all contacts are derived again.
DELIVERIES_A_STEP = 100_000
# One process at a time derives. Two that read the same deliveries at different moments could store the older result.
LOCK = "SELECT pg_advisory_xact_lock(hashtext('messenger_logs.contacts'))"

_CONTACT, _PERSON, _NEWS = (model._meta.db_table for model in (ContactToFix, ContactPerson, ContactNews))
_DELIVERY = Delivery._meta.db_table

# A success of a contact that nobody has to fix is no news.
IS_NEWS = f"""
d.address <> '' AND d.mode <> '{Mode.INBOX}' AND d.given_address <> '{REMOVED}' AND (
    {problem_sql("d")} IS NOT NULL
    OR EXISTS (
        SELECT FROM {_CONTACT} AS kept
        WHERE kept.address = d.address AND kept.mode = d.mode AND kept.state <> '{ContactState.FIXED}'))
"""
_NOTE_BETWEEN = f"""
INSERT INTO {_NEWS} (mode, address)
SELECT DISTINCT d.mode, d.address FROM {_DELIVERY} AS d WHERE d.id BETWEEN %s AND %s AND {IS_NEWS}
"""  # noqa: S608  (table names only)
_NOTE_KEPT = f"INSERT INTO {_NEWS} (mode, address) SELECT mode, address FROM {_CONTACT} WHERE state = ANY(%s)"  # noqa: S608
_TAKE = f"DELETE FROM {_NEWS} WHERE id IN (SELECT id FROM {_NEWS} ORDER BY id LIMIT %s) RETURNING mode, address"  # noqa: S608

# Of several failures at the same moment any may say why; the order makes it always the same one.
_DERIVE = f"""
WITH wanted (mode, address) AS MATERIALIZED (
    SELECT DISTINCT * FROM unnest(%(modes)s::text[], %(addresses)s::text[])
), tried AS MATERIALIZED (
    SELECT d.mode, d.address, d.given_address, d.last_attempt_at, d.code,
        coalesce(d.last_attempt_at, message.created_at) AS at,
        coalesce(nullif(d.email_reason, ''), d.detail) AS reason,
        {problem_sql("d")} AS problem, {arrived_sql("d")} AS arrived
    FROM wanted
    JOIN {_DELIVERY} AS d USING (address, mode)
    JOIN {SentMessage._meta.db_table} AS message ON message.id = d.message_id
), placed AS (
    SELECT *, max(at) FILTER (WHERE problem IS NOT NULL) OVER (PARTITION BY address, mode) AS failed_at FROM tried
), told AS (
    SELECT *, max(at) FILTER (WHERE arrived AND at < failed_at) OVER (PARTITION BY address, mode) AS arrived_before
    FROM placed
), times AS (
    SELECT mode, address, failed_at, max(at) FILTER (WHERE arrived) AS succeeded_at,
        max(last_attempt_at) AS last_tried_at,
        min(at) FILTER (WHERE problem IS NOT NULL AND at > coalesce(arrived_before, '-infinity')) AS since
    FROM told GROUP BY mode, address, failed_at
), newest AS (
    SELECT DISTINCT ON (address, mode) mode, address, given_address, problem, reason, code
    FROM tried WHERE problem IS NOT NULL ORDER BY address, mode, at DESC, problem, reason, code, given_address
)
INSERT INTO {_CONTACT} AS contact (
    mode, address, given_address, problem, reason, code, since, failed_at, succeeded_at, last_tried_at)
SELECT wanted.mode, wanted.address, coalesce(newest.given_address, kept.given_address, ''),
    coalesce(nullif(kept.listed_as, ''), newest.problem, kept.problem),
    CASE WHEN kept.listed_as <> '' THEN kept.listed_reason ELSE coalesce(newest.reason, kept.reason) END,
    CASE WHEN kept.listed_as <> '' THEN NULL WHEN newest.problem IS NULL THEN kept.code ELSE newest.code END,
    coalesce(least(times.since, kept.listed_at), kept.since),
    times.failed_at, times.succeeded_at, times.last_tried_at
FROM wanted
LEFT JOIN times USING (address, mode)
LEFT JOIN newest USING (address, mode)
LEFT JOIN {_CONTACT} AS kept USING (address, mode)
WHERE newest.problem IS NOT NULL OR kept.id IS NOT NULL
ORDER BY wanted.address, wanted.mode
ON CONFLICT (address, mode) DO UPDATE SET
    given_address = excluded.given_address, problem = excluded.problem, reason = excluded.reason,
    code = excluded.code, since = excluded.since, failed_at = excluded.failed_at,
    succeeded_at = excluded.succeeded_at, last_tried_at = excluded.last_tried_at
"""  # noqa: S608  (table names only)

# What never failed, or only before its evidence was corrected, and nobody has touched; and what had people behind it,
# of whom no message names the address any more.
_FORGET = f"""
DELETE FROM {_CONTACT} AS contact
USING unnest(%(modes)s::text[], %(addresses)s::text[]) AS wanted (mode, address)
WHERE contact.address = wanted.address AND contact.mode = wanted.mode
    AND contact.failed_at IS NULL AND contact.listed_as = '' AND (
        contact.handled_as = ''
        OR EXISTS (SELECT FROM {_PERSON} AS person WHERE person.contact_id = contact.id)
            AND NOT EXISTS (SELECT FROM {_DELIVERY} AS d WHERE d.address = contact.address AND d.mode = contact.mode))
RETURNING contact.id
"""  # noqa: S608  (table names only)
_FORGET_PEOPLE = f"DELETE FROM {_PERSON} WHERE contact_id = ANY(%s)"  # noqa: S608

_KEY = ("contact_id", "sender_id", "person_id", "student_number", "student_name", "school_id")
_PERSON_KEY = ", ".join(_KEY)
_DERIVE_PEOPLE = f"""
WITH contact AS MATERIALIZED (
    SELECT kept.id, kept.address, kept.mode
    FROM unnest(%(modes)s::text[], %(addresses)s::text[]) AS wanted (mode, address)
    JOIN {_CONTACT} AS kept USING (address, mode)
), behind AS (
    SELECT contact.id AS contact_id, message.sender_id, recipient.person_id, recipient.student_number,
        recipient.student_name, coalesce(recipient.student_school_id, message.school_id) AS school_id,
        recipient.name, d.message_id, d.id
    FROM contact
    JOIN {_DELIVERY} AS d ON d.address = contact.address AND d.mode = contact.mode
    JOIN {SentMessage._meta.db_table} AS message ON message.id = d.message_id
    JOIN {Recipient._meta.db_table} AS recipient ON recipient.id = d.recipient_id
), people AS MATERIALIZED (
    -- With the name in the newest message.
    SELECT DISTINCT ON ({_PERSON_KEY}) {_PERSON_KEY}, name FROM behind
    ORDER BY {_PERSON_KEY}, message_id DESC, id DESC
), gone AS (
    DELETE FROM {_PERSON} AS person USING contact
    WHERE person.contact_id = contact.id AND NOT EXISTS (
        SELECT FROM people WHERE people.contact_id = person.contact_id
            AND people.person_id = person.person_id AND people.student_number = person.student_number
            AND people.student_name = person.student_name
            AND people.sender_id IS NOT DISTINCT FROM person.sender_id
            AND people.school_id IS NOT DISTINCT FROM person.school_id)
)
INSERT INTO {_PERSON} AS person ({_PERSON_KEY}, name) SELECT {_PERSON_KEY}, name FROM people
ON CONFLICT ({_PERSON_KEY}) DO UPDATE SET name = excluded.name WHERE person.name <> excluded.name
"""  # noqa: S608  (table names only)


def derive_contacts() -> int:
    """Derive the contacts of all addresses that were noted. Returns how many addresses these were."""
    total = 0
    while taken := retry_when_busy(_derive_next):
        total += taken
    return total


@transaction.atomic
def _derive_next() -> int:
    with connection.cursor() as cursor:
        cursor.execute(LOCK)
        cursor.execute(_TAKE, [BATCH])
        taken = cursor.fetchall()
        if taken:
            modes, addresses = zip(*sorted(set(taken)), strict=True)
            wanted = {"modes": list(modes), "addresses": list(addresses)}
            cursor.execute(_DERIVE, wanted)
            cursor.execute(_FORGET, wanted)
            forgotten = [pk for (pk,) in cursor.fetchall()]
            cursor.execute(_FORGET_PEOPLE, [forgotten])
            cursor.execute(_DERIVE_PEOPLE, wanted)
    return len(taken)


def note_all_contacts() -> Iterator[int]:
    """Note the addresses of all deliveries that show a problem, and all contacts. Yields the last delivery's id."""
    last = Delivery.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    with connection.cursor() as cursor:
        cursor.execute(_NOTE_KEPT, [list(ContactState)])
        for after in range(0, last, DELIVERIES_A_STEP):
            cursor.execute(_NOTE_BETWEEN, [after + 1, after + DELIVERIES_A_STEP])
            yield min(last, after + DELIVERIES_A_STEP)


def note_unfixed_contacts() -> None:
    """Note the contacts that are not fixed: the deliveries behind some of them may have gone meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute(_NOTE_KEPT, [[ContactState.OPEN, ContactState.TOLD]])
