"""A message that went to several families long ago, everything that is kept about one of them, and all figures."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from dispatch.models import Claim, InboxMessage
from mailgun_sync.client.events import reread
from mailgun_sync.models import SendingDomain
from mailgun_sync.services.ingest import store_events
from messenger_logs.models import (
    Delivery,
    DeviceAttempt,
    MessageModeTotals,
    MessageTotals,
    PersonReach,
    ReachTotals,
    Recipient,
    SentMessage,
)
from messenger_logs.services.consents import record_consent
from messenger_logs.services.derive_contacts import derive_contacts
from messenger_logs.services.replies import record_reply
from messenger_logs.services.totals import recount
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient, make_school
from tests.reports.messages import classic, figures, log_2_document

YEAR = timedelta(days=365)
PERSON, NAME, ADDRESS, NUMBER = "P-4711", "Xiong-Ågren, Pahoua", "pahoua.xiong@families.example", "+16515550199"
STUDENT, STUDENT_NUMBER = "Xiong, Tou", "S-0815"
# No row may have any of these; the last one is the number as people write it.
TRACES = [NAME, "Pahoua Xiong-Ågren", "pahoua", ADDRESS, NUMBER, "6515550199", "(651) 555-0199", "PAHOUA.XIONG"]


def a_message(*, ago: timedelta = 2 * YEAR, **fields: Any) -> SentMessage:
    """A message by all modes to the family, to a family that shares its number, and to others."""
    at = timezone.now() - ago
    given = {
        "modes": ["inbox", "email", "voice", "text"],
        "bodies": {"email": f"<p>Dear {NAME}, call {NUMBER}.</p>", "text": "Snow day."},
        "attachments": [{"name": "plan of Pahoua Xiong-Ågren.pdf", "size": 12}],
        "criteria": [["Recipients", f"{NAME} and others"]],
        "created_at": at,
        "dispatch_finished_at": at,
    }
    message = make_message(**(given | fields))
    the_family(message, at)
    others(message, at)
    recount(message_id=message.pk)
    return message


def the_family(message: SentMessage, at: datetime) -> None:
    mine = {"person_id": PERSON, "name": NAME, "language": "hmn", "student_school": make_school("Lake Middle")}
    first = make_recipient(
        message,
        student_name=STUDENT,
        student_number=STUDENT_NUMBER,
        merge_fields={"student.firstName": "Tou", "parent": NAME},
        **mine,
    )
    second = make_recipient(message, student_name="Xiong, Mai", student_number="S-0816", **mine)
    mail = make_delivery(
        first,
        address=ADDRESS,
        given_address=f"{NAME} <{ADDRESS.title()}>",
        email_outcome="failed-permanent",
        email_reason=f"550 5.1.1 <{ADDRESS}> no such user",
        email_outcome_at=at,
        provider_id="abc@mg.example.org",
        first_attempt_at=at,
        last_attempt_at=at,
        attempt_count=1,
    )
    make_delivery(second, address=ADDRESS, email_outcome="failed-permanent")
    call = make_delivery(first, mode="voice", address=NUMBER, first_attempt_at=at, last_attempt_at=at, attempt_count=2)
    make_delivery(first, mode="text", address=NUMBER, status="opt_out", detail="Opted out (651) 555-0199")
    box = make_delivery(first, mode="inbox")
    InboxMessage.objects.create(delivery=box, person_id=PERSON, body=f"Dear {NAME}", sender_name="Office")
    DeviceAttempt.objects.create(
        delivery=call, number=1, raw=json.dumps({"to": NUMBER}), provider_id="call-1", outcome="success", ended_at=at
    )
    Claim.objects.create(
        message=message,
        mode="voice",
        deliveries=[],
        attempts=[],
        state="settled",
        worker="w",
        settled_at=at,
        raw=f'{{"called": "{NUMBER}"}}',
    )
    store(event_of(mail, at, "e1"))


def others(message: SentMessage, at: datetime) -> None:
    neighbor = make_recipient(
        message,
        name="Neighbor, Nia",
        person_id="P-9",
        student_name="Neighbor, Bo",
        merge_fields={"friend": f"{NAME}, {NUMBER}"},
    )
    make_delivery(neighbor, email_outcome="delivered", email_outcome_at=at, attempt_count=1, first_attempt_at=at)
    make_delivery(neighbor, mode="voice", status="busy", attempt_count=3, first_attempt_at=at)
    make_delivery(make_recipient(message, name="Nobody, Ned"), address="")
    twin = make_recipient(message, name="Twin, Tia")
    shared = make_delivery(twin, mode="voice", address="+16125550123", attempt_count=1, first_attempt_at=at)
    make_delivery(make_recipient(message, name="Twin, Tom"), mode="voice", address=shared.address)


def event_of(delivery: Any, at: datetime, id: str, **fields: Any) -> str:
    event = {
        "event": "failed",
        "severity": "permanent",
        "id": id,
        "timestamp": at.timestamp(),
        "recipient": ADDRESS,
        "delivery-status": {"message": f"550 5.1.1 <{ADDRESS}> no such user {NAME}"},
        "message": {"headers": {"to": f"{NAME} <{ADDRESS}>", "message-id": "abc@mg.example.org"}},
        "user-variables": {"message": str(delivery.message_id), "delivery": str(delivery.pk), "person_id": PERSON},
    }
    return json.dumps(event | fields)


def store(*events: str) -> None:
    domain = SendingDomain.objects.get_or_create(name="mg.example.org")[0]
    store_events(domain_id=domain.pk, events=[reread(event) for event in events])


def a_reply(*, ago: timedelta = 2 * YEAR) -> None:
    at = timezone.now() - ago
    record_reply(number=NUMBER, text=f"This is {NAME}", at=at, taken_as="", raw=f'{{"from": "{NUMBER}"}}')


def a_stop(*, ago: timedelta = YEAR) -> None:
    record_consent(number=NUMBER, opted_out=True, at=timezone.now() - ago, raw=f'{{"from": "{NUMBER}"}}')


def contacts() -> None:
    from messenger_logs.services.derive_contacts import note_all_contacts

    list(note_all_contacts())
    derive_contacts()


def all_figures(message: SentMessage, *, again: bool = False) -> dict[str, Any]:
    """Every kept total of a message, the rows of whom it reached, and the figures of its report."""
    if again:
        recount(message_id=message.pk)
    pk = message.pk
    totals = MessageTotals.objects.filter(pk=pk).values("recipients", "no_device", "contacted_by_phone").get()
    modes = [without(row, "id") for row in MessageModeTotals.objects.filter(totals=pk).order_by("mode").values()]
    reach = ReachTotals.objects.filter(message=pk).order_by("school", "language", "mode").values()
    people = (
        PersonReach.objects.filter(message=pk).order_by("recipient").values("recipient", "reach", "school", "email")
    )
    report = log_2_document(message) if message.engine == "v2" else classic(message)
    return {
        "totals": totals,
        "modes": modes,
        "reach": [without(row, "id") for row in reach],
        "people": list(people),
        "report": figures(report),
    }


def without(row: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name}


def every_text() -> Iterator[tuple[str, str]]:
    """Yield all texts of the database, whatever the table: its column, and a row of it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns JOIN information_schema.tables"
            " USING (table_schema, table_name) WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
            " AND data_type IN ('text', 'character varying', 'json', 'jsonb', 'ARRAY', 'bytea', 'uuid')"
        )
        for table, column in cursor.fetchall():
            cursor.execute(f'SELECT "{column}"::text FROM "{table}" WHERE "{column}" IS NOT NULL')
            yield from ((f"{table}.{column}", text) for (text,) in cursor.fetchall())


def rows_of_the_family() -> dict[str, list[str]]:
    """All rows about the person, by table: what names the person, and what belongs to the person's rows."""
    recipients = set(Recipient.objects.filter(person_id=PERSON).values_list("pk", flat=True))
    deliveries = set(Delivery.objects.filter(recipient__in=recipients).values_list("pk", flat=True))
    own = {"messenger_logs_recipient": recipients, "messenger_logs_delivery": deliveries}
    found: dict[str, list[str]] = {}
    for table in every_table():
        with connection.cursor() as cursor:
            cursor.execute(f'SELECT to_jsonb(one)::text FROM "{table}" AS one')
            texts = [text for (text,) in cursor.fetchall()]
        for text in texts:
            row = json.loads(text)
            if table in own:
                mine = row["id"] in own[table]  # that of a neighbor may name the person, too
            else:
                named = any(trace.casefold() in text.casefold() for trace in (*TRACES, PERSON, STUDENT))
                mine = named or row.get("recipient_id") in recipients or row.get("delivery_id") in deliveries
            if mine:
                found.setdefault(table, []).append(text)
    return {table: sorted(rows) for table, rows in found.items()}


def every_table() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.tables"
            " WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
        )
        return [table for (table,) in cursor.fetchall()]


def traces(*wanted: str) -> set[str]:
    """The columns that have any of these texts."""
    return {
        column for column, text in every_text() for trace in wanted or TRACES if trace.casefold() in text.casefold()
    }
