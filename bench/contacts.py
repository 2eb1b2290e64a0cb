"""bin/bench contacts measures contacts to fix: a message that fails everywhere, and a whole list of suppressions."""

import argparse
from collections.abc import Callable

from django.db import connection
from django.test.utils import override_settings

from bench.databases import own_database
from bench.measure import print_table, seconds
from mailgun_sync.models import SendingDomain
from mailgun_sync.services.suppressions import read_suppressions
from messenger_logs.choices import Engine, MessageStatus
from messenger_logs.models import ContactNews, ContactToFix, Delivery, SentMessage
from messenger_logs.services.contacts import note_contacts
from messenger_logs.services.derive_contacts import derive_contacts
from sandbox.server import Sandbox

GOAL = 120.0
"""Seconds that 100,000 suppressions may take."""

# One message after the other to the same families. All arrive but those of the last.
_FILL = """
WITH message AS (
    INSERT INTO messenger_logs_sentmessage (
        engine, message_type, status, subject, sender_name, schedule_id, created_at, scheduled_at, listed_from, modes,
        bodies, attachments, criteria, reply_to, canceled_by_name)
    SELECT %(engine)s, 'Attendance', %(status)s, 'Snow day', 'Office', '', at, at, at, '{email}', '{}', '[]', '[]',
        '', ''
    FROM generate_series(1, %(messages)s) AS n CROSS JOIN LATERAL (SELECT now() - n * interval '1 day' AS at) AS day
    RETURNING id, created_at
), recipient AS (
    INSERT INTO messenger_logs_recipient (
        message_id, person_id, name, student_number, student_name, merge_fields, counted)
    SELECT message.id, n, 'Vang, Mai', '', 'Vang, Lia', '{}', true FROM message, generate_series(1, %(families)s) AS n
    RETURNING id, message_id, person_id
)
INSERT INTO messenger_logs_delivery (
    message_id, recipient_id, mode, address, duplicate, status, detail, outcome, attempt_count, last_attempt_at,
    provider_id, email_outcome, email_reason)
SELECT message.id, recipient.id, 'email', 'family' || person_id || '@example.com', false, 'sent', '', 'success', 1,
    created_at, '',
    CASE WHEN message.created_at = (SELECT max(created_at) FROM message) THEN 'failed-permanent' ELSE 'delivered' END,
    '550 5.1.1 nobody'
FROM recipient JOIN message ON message.id = recipient.message_id
"""


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser("bin/bench contacts", description=__doc__)
    parser.add_argument("--families", type=int, default=100_000)
    parser.add_argument("--messages", type=int, default=10, help="to each family")
    parser.add_argument("--suppressions", type=int, default=100_000)
    options = parser.parse_args(arguments)
    with own_database("contacts"):
        failing = fill(options.families, options.messages)
        rows = [
            row("a message that fails everywhere: noting it", lambda: note_contacts(deliveries=failing)),
            row("the same: deriving its contacts", derive_contacts),
            row("all contacts again", derive_again),
        ]
        assert ContactToFix.objects.count() == options.families
        with Sandbox() as sandbox, override_settings(**settings_of(sandbox)):
            entries = ({"address": f"old{number}@example.com"} for number in range(options.suppressions))
            sandbox.suppress("bounces", *entries)
            domain = SendingDomain.objects.create(name=sandbox.domain)
            rows.append(row("reading suppressions", lambda: read_suppressions(domain_id=domain.pk)))
            rows.append(row("deriving their contacts", derive_contacts))
    print_table(
        f"{options.families:,} failures, {options.suppressions:,} suppressions",
        ["what", "seconds", f"ratio to {GOAL:.0f} s"],
        rows,
    )


def fill(families: int, messages: int) -> list[int]:
    """Make the messages, and return the ids of the deliveries that fail."""
    given: dict[str, int | str] = {
        "families": families,
        "messages": messages,
        "engine": Engine.CLASSIC,
        "status": MessageStatus.SENT,
    }
    with connection.cursor() as cursor:
        cursor.execute(_FILL, given)
        cursor.execute("ANALYZE")
    last = SentMessage.objects.latest("created_at")
    return list(Delivery.objects.filter(message=last).values_list("pk", flat=True))


def settings_of(sandbox: Sandbox) -> dict[str, object]:
    return {"MAILGUN_API_BASE": sandbox.url, "MAILGUN_API_KEY": sandbox.api_key, "MAILGUN_DOMAINS": [sandbox.domain]}


def derive_again() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {ContactNews._meta.db_table} (mode, address)"
            f" SELECT mode, address FROM {ContactToFix._meta.db_table}"
        )
    derive_contacts()


def row(what: str, action: Callable[[], object]) -> list[str]:
    took = seconds(action)
    return [what, f"{took:.2f}", f"{took / GOAL:.3f}"]


if __name__ == "__main__":
    main()
