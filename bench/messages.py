"""Makes messages with people and devices for measurements: as JSON for the intake, or by SQL into the tables."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, models, transaction

from accounts.models import User
from bench.events import SENDERS, SUBJECTS, make_district
from demo import names
from messenger_logs.models import Delivery, PersonReach, ReachTotals, Recipient, School, SentMessage

FAMILIES = 60_000
"""The number of people who get the ordinary messages. The large message goes to more people."""
DAYS = 400
KINDS = ["Message Builder", "Attendance", "Behavior", "Missing Assignment", "Grades", "Food Service"]
_PAIRS = [pair for community in names.COMMUNITIES for pair in names.pairs(community.given)]
_FAMILY_PAIRS = [pair for community in names.COMMUNITIES for pair in names.pairs(community.family)]
_MODELS: list[type[models.Model]] = [SentMessage, Recipient, Delivery]
_DERIVED: list[type[models.Model]] = [PersonReach, ReachTotals]

_MESSAGES = f"""
INSERT INTO {SentMessage._meta.db_table} (
    id, engine, message_type, status, subject, sender_id, sender_name, school_id, schedule_id, created_at,
    scheduled_at, listed_from, dispatch_started_at, modes, bodies, attachments, criteria, reply_to, canceled_by_name)
SELECT
    n + 1, engine, CASE engine WHEN 'v2' THEN 'Messenger 2.0 - General' ELSE (%(kinds)s::text[])[n %% 6 + 1] END,
    CASE WHEN n = %(messages)s - 1 THEN 'in_progress' ELSE 'sent' END,
    (%(subjects)s::text[])[n %% 8 + 1] || ' (' || n / 8 || ')',
    %(first_sender)s + n %% {SENDERS}, 'Staff ' || n %% {SENDERS}, %(first_school)s + n %% 8, '', created, created,
    created, created, '{{email,text}}', jsonb_build_object('email', repeat('What the office writes. ', 40)), '[]',
    '[["Deliver To", "Student Messenger Contacts"]]', 'office@harrison.example', ''
FROM (
    SELECT
        n, CASE n %% 10 WHEN 8 THEN 'v2' WHEN 9 THEN 'olr' ELSE 'classic' END AS engine,
        %(begin)s + (%(end)s - %(begin)s) * (n::float8 / %(messages)s) AS created
    FROM generate_series(0, %(messages)s - 1) AS n
) AS made
"""

# The large message is the last one. Its recipients come last, and each is a different person.
_RECIPIENTS = f"""
INSERT INTO {Recipient._meta.db_table} (
    id, message_id, person_id, name, student_number, student_name, merge_fields, counted, language, student_school_id,
    school_id)
SELECT
    n + 1, message, 100000 + person,
    (%(family)s::text[])[family] || ', ' || (%(given)s::text[])[person %% %(givens)s + 1],
    500000 + person, (%(family)s::text[])[family] || ', ' || (%(given)s::text[])[person / 7 %% %(givens)s + 1],
    '{{}}', true, (ARRAY['en', 'en', 'en', 'en', 'es', 'hmn'])[person %% 6 + 1], school, school
FROM (
    SELECT
        *, person / %(givens)s %% %(families)s + 1 AS family,
        -- A message of a school is about its students; the large one about those of all schools.
        %(first_school)s + CASE WHEN message < %(messages)s THEN message - 1 ELSE person END %% 8 AS school
    FROM (
        SELECT
            n, CASE WHEN n < %(ordinary)s THEN n / %(each)s + 1 ELSE %(messages)s END AS message,
            CASE
                WHEN n < %(ordinary)s
                THEN (hashint4(n / %(each)s) & 2147483647) %% {FAMILIES} + n %% %(each)s
                ELSE n - %(ordinary)s
            END AS person
        FROM generate_series(0, %(recipients)s - 1) AS n
    ) AS drawn
) AS known
"""

_DELIVERIES = f"""
INSERT INTO {Delivery._meta.db_table} (
    message_id, recipient_id, mode, address, duplicate, status, detail, outcome, code, attempt_count,
    first_attempt_at, last_attempt_at, provider_id, email_outcome, email_reason, school_id)
SELECT
    message_id, r.id, told.mode, address, false, told.status, told.detail, told.outcome, told.code,
    (told.outcome NOT IN ('pending', 'not_attempted'))::int, tried, tried, '',
    CASE WHEN told.mode = 'email' THEN 'delivered' ELSE '' END, '', school_id
FROM (
    SELECT r.id, r.message_id, r.school_id, person_id::int - 100000 AS person, m.status, m.created_at AS tried
    FROM {Recipient._meta.db_table} AS r JOIN {SentMessage._meta.db_table} AS m ON m.id = r.message_id
    ORDER BY r.id
) AS r
CROSS JOIN LATERAL (VALUES
    ('email', 'parent' || person || '@' || CASE person %% 3 WHEN 0 THEN 'example.com' ELSE 'example.org' END),
    ('text', '+1' || 2000000000 + person * 17)
) AS device (mode, address)
JOIN (VALUES
    ('email', 0, 99, 'sent', '', 'success', -29),
    ('text', 0, 84, 'delivered', 'Delivered to recipient', 'success', -28),
    ('text', 85, 89, 'undelivered', 'Carrier or vendor issue', 'error', -40),
    ('text', 90, 94, 'failed', 'Carrier or vendor issue', 'error', -30),
    ('text', 95, 99, 'opt_out', '', 'not_attempted', -33),
    ('text', 100, 100, 'waiting', '', 'pending', NULL)
) AS told (mode, low, high, status, detail, outcome, code)
    ON told.mode = device.mode AND
        CASE WHEN r.status = 'in_progress' AND r.id %% 4 = 0 AND device.mode = 'text' THEN 100 ELSE r.id %% 100 END
        BETWEEN low AND high
"""


def fill(*, messages: int, deliveries: int, large: int, end: datetime) -> None:
    """Fill the empty tables. The last message has `large` of the deliveries; the others share the rest evenly.

    Everybody gets an e-mail and a text. The indexes are built afterwards.
    """
    make_district()
    School.objects.bulk_create([School(name=name) for name in names.SCHOOLS])
    each = max(1, (deliveries - large) // 2 // (messages - 1))
    given: dict[str, Any] = {
        "messages": messages,
        "each": each,
        "ordinary": each * (messages - 1),
        "recipients": each * (messages - 1) + large // 2,
        "first_sender": User.objects.earliest("pk").pk,
        "first_school": School.objects.earliest("pk").pk,
        "begin": end - timedelta(days=DAYS),
        "end": end,
        "kinds": KINDS,
        "subjects": SUBJECTS,
        "given": [shown for shown, _ in _PAIRS],
        "givens": len(_PAIRS),
        "family": [shown for shown, _ in _FAMILY_PAIRS],
        "families": len(_FAMILY_PAIRS),
    }
    with _without_indexes(), transaction.atomic(), connection.cursor() as cursor:
        # Foreign keys and schools are right by construction; checks and triggers for millions of them would take long.
        cursor.execute("SET LOCAL session_replication_role = replica")
        for statement in (_MESSAGES, _RECIPIENTS, _DELIVERIES):
            cursor.execute(statement, given)
        for model in (SentMessage, Recipient):
            table = model._meta.db_table
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))")
    vacuum()


@contextmanager
def _without_indexes() -> Iterator[None]:
    with connection.schema_editor() as editor:
        for model in _MODELS:
            for index in model._meta.indexes:
                editor.remove_index(model, index)
            for constraint in model._meta.constraints:
                editor.remove_constraint(model, constraint)
    yield
    with connection.schema_editor() as editor:
        editor.execute("SET LOCAL maintenance_work_mem = '512MB'")
        for model in _MODELS:
            for constraint in model._meta.constraints:
                editor.add_constraint(model, constraint)
            for index in model._meta.indexes:
                editor.add_index(model, index)


def vacuum() -> None:
    """Vacuum and analyze now, so that autovacuum does not disturb a measurement later."""
    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM ANALYZE {', '.join(model._meta.db_table for model in [*_MODELS, *_DERIVED])}")


def as_json(number: int, *, recipients: int, at: datetime) -> dict[str, Any]:
    """Return a finished message by e-mail and text, in the format of docs/import.md."""
    people = range(number * recipients, (number + 1) * recipients)
    return {
        "external_id": f"bench-{number}",
        "engine": "classic",
        "message_type": "Attendance",
        "subject": f"Attendance notice ({number})",
        "sender": f"staff{number % SENDERS}",
        "school": names.SCHOOLS[number % len(names.SCHOOLS)],
        "created_at": at.isoformat(),
        "modes": ["email", "text"],
        "bodies": {"email": "What the office writes. " * 40},
        "recipients": [_recipient(person % FAMILIES, at.isoformat()) for person in people],
    }


def _recipient(person: int, at: str) -> dict[str, Any]:
    given, family = _PAIRS[person % len(_PAIRS)][0], _FAMILY_PAIRS[person % len(_FAMILY_PAIRS)][0]
    return {
        "person_id": 100_000 + person,
        "name": f"{family}, {given}",
        "student_number": 500_000 + person,
        "student_name": f"{family}, {given}",
        "devices": [
            {"mode": "email", "address": f"parent{person}@Example.com", "code": -29, "time": at},
            {"mode": "text", "address": f"({200 + person % 700}) 555-{person % 10_000:04}", "code": -28, "time": at},
        ],
    }
