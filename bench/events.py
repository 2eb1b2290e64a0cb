"""Makes Mailgun events for measurements, with the shape and size of real ones: as JSON, or by SQL into the table."""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from accounts.models import User
from mailgun_sync.models import MailgunEvent, RecipientAddress, SendingDomain

FIRST = ["maria", "jose", "fatima", "ahmed", "linh", "pao", "chue", "wei", "olga", "emma", "noah", "ana"]
LAST = ["garcia", "nguyen", "vang", "xiong", "mohamed", "ali", "lopez", "lee", "smith", "johnson", "pham"]
HOSTS = ["example.com", "example.org", "example.net", "mail.example.com"]
SUBJECTS = [
    "Attendance notice",
    "School closed tomorrow",
    "Lunch balance is low",
    "Conference sign-up opens Monday",
    "Missing assignments this week",
    "Bus 14 runs late",
    "Picture day is Thursday",
    "Library books are due",
]
DOMAIN = "mg.harrison.example"
FAMILIES = 60_000
SENDERS = 50
FAILED_EVERY = 20
_TABLES = f"{MailgunEvent._meta.db_table}, {RecipientAddress._meta.db_table}"

# The values that differ between events, in the order of the arguments of SQL's format().
_MARKS = ("event", "id", "timestamp", "recipient", "subject", "message_id", "sender", "person_id", "said", "more")


@dataclass(frozen=True)
class District:
    """The domain and the senders of the events."""

    domain: SendingDomain
    senders: list[User]


def make_district() -> District:
    domain, _ = SendingDomain.objects.get_or_create(name=DOMAIN)
    names = [f"staff{number}" for number in range(SENDERS)]
    User.objects.bulk_create([User(username=name) for name in names], ignore_conflicts=True)
    return District(domain, list(User.objects.filter(username__in=names).order_by("pk")))


def recipient(family: int) -> str:
    first, last = FIRST[family % len(FIRST)], LAST[family % len(LAST)]
    return f"{first}.{last}{family}@{HOSTS[family % len(HOSTS)]}"


_FLAGS = {"is-routed": False, "is-authenticated": True, "is-system-test": False, "is-test-mode": False}
_STORAGE = {
    "url": f"https://storage-us-west1.api.example/v3/domains/{DOMAIN}/messages/{'Q' * 60}",
    "region": "us-west1",
    "key": "Q" * 60,
    "env": "production",
}


def _template(mark: Callable[[str], str]) -> str:
    """Return an event as JSON, with `mark(name)` in the places of the values that differ."""
    event = {
        "event": mark("event"),
        "id": mark("id"),
        "timestamp": "<timestamp>",
        "log-level": "info",
        "envelope": {
            "transport": "smtp",
            "sender": f"office@{DOMAIN}",
            "sending-ip": "192.0.2.7",
            "targets": mark("recipient"),
        },
        "flags": _FLAGS,
        "delivery-status": {
            "tls": True,
            "mx-host": "mx.example.com",
            "code": 250,
            "description": "",
            "session-seconds": 0.43,
            "utf8": True,
            "attempt-no": 1,
            "message": mark("said"),
            "certificate-verified": True,
        },
        "message": {
            "headers": {
                "to": mark("recipient"),
                "message-id": mark("message_id"),
                "from": f"Harrison School District <office@{DOMAIN}>",
                "subject": mark("subject"),
            },
            "attachments": [],
            "size": 4821,
        },
        "storage": _STORAGE,
        "recipient": mark("recipient"),
        "recipient-domain": "example.com",
        "tags": ["messenger"],
        "user-variables": {"sender": mark("sender"), "person_id": mark("person_id")},
        "<more>": "",
    }
    text = json.dumps(event)
    return text.replace('"<timestamp>"', mark("timestamp")).replace(', "<more>": ""', mark("more"))


_FOR_PYTHON = _template(lambda name: f"%({name})s")
_FOR_SQL = _template(lambda name: f"%{_MARKS.index(name) + 1}$s")


def events(count: int, *, times: Callable[[int], float], seed: int = 1) -> Iterator[tuple[str, float, str]]:
    """Yield `count` events as id, epoch seconds and JSON text. `times` gives the time of the nth event."""
    chance = random.Random(seed)
    for number in range(count):
        failed = number % FAILED_EVERY == 0
        family = chance.randrange(FAMILIES)
        to = recipient(family)
        key = f"{chance.getrandbits(88):022x}"
        timestamp = round(times(number), 6)
        text = _FOR_PYTHON % {
            "event": "failed" if failed else ("accepted", "delivered")[number % 2],
            "id": key,
            "timestamp": timestamp,
            "recipient": to,
            "subject": f"{chance.choice(SUBJECTS)} ({chance.randrange(500)})",
            "message_id": f"{seed}.{number // 200:08x}@{DOMAIN}",
            "sender": f"staff{chance.randrange(SENDERS)}",
            "person_id": 100_000 + family,
            "said": f"550 5.1.1 <{to}>: user unknown" if failed else "OK",
            "more": ', "severity": "permanent", "reason": "bounce"' if failed else "",
        }
        yield key, timestamp, text


def evenly(count: int, begin: datetime, end: datetime) -> Callable[[int], float]:
    """Return a function that gives the nth of `count` times, evenly from `begin` (included) to `end` (not included)."""
    first, step = begin.timestamp(), (end - begin).total_seconds() / count
    return lambda number: first + step * number


def as_pages(texts: Sequence[str], size: int = 300) -> list[str]:
    """Return the events as pages, in the format of the provider's answers."""
    return [
        '{"items":[' + ",".join(texts[at : at + size]) + '],"paging":{"next":"https://api.example/v3/events/next"}}'
        for at in range(0, len(texts), size)
    ]


_FILL = f"""
INSERT INTO {MailgunEvent._meta.db_table} (
    domain_id, event, event_id, occurred_at, first_seen_at, recipient, subject, message_id, severity, reason, code,
    detail, sender_id, person_id, raw)
SELECT
    %(domain)s, event, event_id, occurred_at, occurred_at, recipient, subject, message_id,
    CASE WHEN failed THEN 'permanent' ELSE '' END, CASE WHEN failed THEN 'bounce' ELSE '' END, '250',
    CASE WHEN failed THEN said ELSE '' END, %(first_sender)s + sender, 100000 + family,
    format(%(template)s, event, event_id, round(extract(epoch FROM occurred_at), 6), recipient, subject, message_id,
           'staff' || sender, 100000 + family, said,
           CASE WHEN failed THEN ', "severity": "permanent", "reason": "bounce"' ELSE '' END)
FROM (
    SELECT
        *, n %% {FAILED_EVERY} = 0 AS failed,
        CASE WHEN n %% {FAILED_EVERY} = 0 THEN 'failed' WHEN n %% 2 = 0 THEN 'accepted' ELSE 'delivered' END AS event,
        CASE WHEN n %% {FAILED_EVERY} = 0 THEN format('550 5.1.1 <%%s>: user unknown', recipient) ELSE 'OK' END AS said
    FROM (
        SELECT
            n, family, sender, left(md5('fill' || n), 22) AS event_id,
            %(begin)s + (%(end)s - %(begin)s) * (n::float8 / %(rows)s) AS occurred_at,
            (%(first)s::text[])[family %% {len(FIRST)} + 1] || '.' || (%(last)s::text[])[family %% {len(LAST)} + 1]
                || family || '@' || (%(hosts)s::text[])[family %% {len(HOSTS)} + 1] AS recipient,
            (%(subjects)s::text[])[subject %% {len(SUBJECTS)} + 1] || ' (' || subject / {len(SUBJECTS)} || ')'
                AS subject,
            'fill.' || to_hex(n / 200) || '@{DOMAIN}' AS message_id
        FROM (
            SELECT
                n, floor(random() * {FAMILIES})::int AS family, floor(random() * {SENDERS})::int AS sender,
                floor(random() * 500 * {len(SUBJECTS)})::int AS subject
            FROM generate_series(0, %(rows)s - 1) AS n
            OFFSET 0
        ) AS drawn
    ) AS made
) AS told
"""


def fill(district: District, *, rows: int, begin: datetime, end: datetime) -> None:
    """Insert `rows` events by SQL, evenly from `begin` to `end`. The indexes are built afterwards."""
    with _without_indexes(), transaction.atomic(), connection.cursor() as cursor:
        # The foreign keys are right by construction; a check of millions of them would take long.
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("SELECT setseed(0.5)")
        cursor.execute(
            _FILL,
            {
                "domain": district.domain.pk,
                "first_sender": district.senders[0].pk,
                "template": _FOR_SQL,
                "begin": begin,
                "end": end,
                "rows": rows,
                "first": FIRST,
                "last": LAST,
                "hosts": HOSTS,
                "subjects": SUBJECTS,
            },
        )
        cursor.execute(
            f"INSERT INTO {RecipientAddress._meta.db_table} (address)"
            f" SELECT DISTINCT recipient FROM {MailgunEvent._meta.db_table} ON CONFLICT DO NOTHING"
        )
    vacuum()


@contextmanager
def _without_indexes() -> Iterator[None]:
    meta = MailgunEvent._meta
    with connection.schema_editor() as editor:
        for index in meta.indexes:
            editor.remove_index(MailgunEvent, index)
        for constraint in meta.constraints:
            editor.remove_constraint(MailgunEvent, constraint)
    yield
    with connection.schema_editor() as editor:
        for constraint in meta.constraints:
            editor.add_constraint(MailgunEvent, constraint)
        for index in meta.indexes:
            editor.add_index(MailgunEvent, index)


def vacuum() -> None:
    """Vacuum and analyze now, so that autovacuum does not disturb a measurement later."""
    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM ANALYZE {_TABLES}")


def empty() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {_TABLES}")
