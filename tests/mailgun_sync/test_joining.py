"""Events belong to e-mails that others sent, too: by Message-Id and address, else by address, subject and time."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.services import issue_token
from accounts.tools import Tool
from listings.registry import registry
from mailgun_sync.client import reread
from mailgun_sync.models import MailgunEvent, SendingDomain
from mailgun_sync.services.ingest import store_events
from mailgun_sync.services.links import AFTER, BEFORE, link_events, messages_that_fit
from mailgun_sync.services.retention import delete_expired
from messenger_logs.choices import LinkedBy, Mode
from messenger_logs.models import Delivery, SentMessage
from messenger_logs.services.intake import add_message, add_recipients
from messenger_logs.services.message_ids import bare_message_id, bare_message_id_sql, make_ids_bare, without_signs_sql
from messenger_logs.services.status_reports import StatusReport, report_statuses
from messenger_logs.services.totals import recount
from messenger_logs.totals import totals_of
from tests.listings.letter_log import Shown
from web.message_urls import message_url

pytestmark = pytest.mark.django_db

AT = datetime(2026, 11, 20, 16, 0, tzinfo=UTC)
HERE, THERE = "mg.harrison.example", "mg.north.example"
ID = "20261120.77@campus.example"


@pytest.fixture(autouse=True)
def domains() -> None:
    for name in (HERE, THERE):
        SendingDomain.objects.create(name=name)


def message(name: str = "m", *devices: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A message of another system, as it comes in; without devices, an e-mail to Mai that was sent at AT."""
    mailed = [
        {"mode": "email", "status": "sent"} | device
        for device in devices or ({"address": "mai@example.com", "time": AT.isoformat()},)
    ]
    return {
        "external_id": name,
        "engine": "classic",
        "message_type": "Behavior",
        "subject": "Snow day",
        "sender_name": "Office",
        "created_at": AT.isoformat(),
        "modes": ["email"],
        "recipients": [
            {"person_id": str(number), "name": f"Parent {number}", "devices": [device]}
            for number, device in enumerate(mailed)
        ],
    } | fields


def add(*arguments: Any, **fields: Any) -> Delivery:
    """Store such a message. Returns its first delivery."""
    added = add_message(message(*arguments, **fields))
    return Delivery.objects.filter(message=added.message_id).earliest("pk")


def store(kind: str = "delivered", *, domain: str = HERE, **fields: Any) -> MailgunEvent:
    """Store an event about the e-mail to Mai; `message_id` and `subject` stand in its headers."""
    at = fields.pop("at", AT + timedelta(minutes=1))
    headers = {"message-id": fields.pop("message_id", ""), "subject": fields.pop("subject", "Snow day")}
    failed = {"event": "failed", "severity": "permanent", "delivery-status": {"message": "550 unknown"}}
    event = {
        "event": kind,
        "id": f"{kind}-{MailgunEvent.objects.count()}",
        "timestamp": at.timestamp(),
        "recipient": "mai@example.com",
        "message": {"headers": headers},
    } | (failed if kind == "failed" else {})
    given = reread(json.dumps(event | fields))
    store_events(domain_id=SendingDomain.objects.get(name=domain).pk, events=[given])
    return MailgunEvent.objects.latest("pk")


def mark(delivery: Delivery) -> dict[str, str]:
    """The user variables that we give to our own e-mails."""
    return {"message": str(delivery.message_id), "delivery": str(delivery.pk)}


def outcome(delivery: Delivery) -> tuple[str, str]:
    delivery.refresh_from_db()
    return delivery.email_outcome, delivery.email_linked_by


def counts(delivery: Delivery) -> dict[str, int]:
    """The kept figures of the e-mails of its message; they are those of a recount."""
    kept = totals_of(delivery.message).modes[Mode.EMAIL]
    recount(message_id=delivery.message_id)
    assert totals_of(delivery.message).modes[Mode.EMAIL] == kept
    return {name: getattr(kept, name) for name in ("delivered", "failed", "suppressed", "complained", "not_known")}


# Message-Ids


@pytest.mark.parametrize(
    ("given", "bare"),
    [
        ("abc@Mail.Example", "abc@mail.example"),
        ("<abc@mail.example>", "abc@mail.example"),
        (" <abc@mail.example>\r\n", "abc@mail.example"),
        ('"<abc@mail.example>"', "abc@mail.example"),
        ("Message-ID: <abc@mail.example>", "abc@mail.example"),
        ('<"abc"@mail.example>', "abc@mail.example"),
        ("<ABC\r\n @MAIL.example>", "ABC@mail.example"),
        ("a@b@Mail.Example", "a@b@mail.example"),
        ("Job-7710", "Job-7710"),
        ("", ""),
    ],
)
def test_a_message_id_has_one_form_in_python_and_in_the_database(given, bare):
    assert bare_message_id(given) == bare
    assert bare_message_id(bare) == bare
    if not given.startswith("Message-ID"):
        with connection.cursor() as cursor:
            once = f"(SELECT {without_signs_sql('%s::text')} AS once OFFSET 0)"
            cursor.execute(f"SELECT {bare_message_id_sql('once')} FROM {once} AS given", [given])
            assert cursor.fetchone() == (bare,)


@pytest.mark.parametrize("given", [f"<{ID}>", ID.upper().replace("CAMPUS", "campus"), f'Message-Id: "{ID}"'])
@pytest.mark.parametrize("first", ["event", "message"])
def test_an_imported_message_id_joins_in_any_spelling_and_in_either_order(given, first):
    device = {"address": "Mai@Example.com", "provider_id": given}
    if first == "event":
        store("delivered", message_id=ID)
        delivery = add("m", device)
    else:
        delivery = add("m", device)
        store("delivered", message_id=ID)
    assert outcome(delivery) == ("delivered", LinkedBy.MESSAGE_ID)
    assert delivery.provider_id == ID
    assert counts(delivery) == {"delivered": 1, "failed": 0, "suppressed": 0, "complained": 0, "not_known": 0}
    event = MailgunEvent.objects.get()
    assert (event.sent_message_id, event.person_id) == (delivery.message_id, "0")


def test_the_id_of_the_last_attempt_counts_where_the_device_has_none():
    attempts = [{"number": 1, "provider_id": "<old@campus.example>"}, {"number": 2, "provider_id": f"<{ID}>"}]
    delivery = add("m", {"address": "mai@example.com", "attempts": attempts})
    store(message_id=ID, subject="Re: something else")
    assert outcome(delivery) == ("delivered", LinkedBy.MESSAGE_ID)


def test_a_status_report_that_brings_the_message_id_finds_the_earlier_event():
    delivery = add("m", {"address": "mai@example.com", "status": "in_progress"}, subject="Not that of the event")
    store("failed", message_id=ID)
    assert outcome(delivery) == ("", "")
    report = StatusReport(mode="email", address="mai@example.com", status="sent", at=AT, provider_id=f"<{ID}>")
    report_statuses(message_id=delivery.message_id, reports=[report])
    assert outcome(delivery) == ("failed-permanent", LinkedBy.MESSAGE_ID)
    assert counts(delivery)["failed"] == 1
    assert totals_of(delivery.message).modes[Mode.EMAIL].refused == 1


def test_a_later_report_without_the_message_id_does_not_take_it_away():
    delivery = add("m", {"address": "mai@example.com", "provider_id": ID})
    later = StatusReport(mode="email", address="mai@example.com", status="sent", at=AT + timedelta(hours=1))
    report_statuses(message_id=delivery.message_id, reports=[later])
    store(message_id=ID)
    assert outcome(delivery) == ("delivered", LinkedBy.MESSAGE_ID)


def test_recipients_that_are_added_later_find_their_events():
    add()
    store("failed", recipient="tou@example.com", message_id=ID)
    device = {"mode": "email", "address": "tou@example.com", "status": "sent", "provider_id": ID}
    stored = SentMessage.objects.get()
    add_recipients(stored, [{"person_id": "9", "name": "Tou", "devices": [device]}])
    added = Delivery.objects.get(address="tou@example.com")
    assert outcome(added) == ("failed-permanent", LinkedBy.MESSAGE_ID)


def test_stored_ids_of_an_old_database_become_bare():
    delivery = add("m", {"address": "mai@example.com", "provider_id": ID})
    Delivery.objects.update(provider_id=f"<{ID}>".replace("campus", "Campus"))
    assert make_ids_bare() == 1
    delivery.refresh_from_db()
    assert delivery.provider_id == ID
    assert make_ids_bare() == 0


# Address, subject and time


@pytest.mark.parametrize("timed", [True, False])
@pytest.mark.parametrize("first", ["event", "message"])
@pytest.mark.parametrize(
    ("after", "joins"),
    [
        (-BEFORE - timedelta(seconds=1), False),
        (-BEFORE, True),
        (timedelta(0), True),
        (AFTER, True),
        (AFTER + timedelta(seconds=1), False),
    ],
)
def test_without_a_message_id_the_time_since_the_hand_over_decides(timed, first, after, joins):
    device = {"address": "mai@example.com"} | ({"time": AT.isoformat()} if timed else {})
    created = AT - timedelta(days=9 if timed else 0)
    if first == "event":
        store(at=AT + after, message_id=ID)
    delivery = add("m", device, created_at=created.isoformat())
    if first == "message":
        store(at=AT + after, message_id=ID)
    assert outcome(delivery) == (("delivered", LinkedBy.SUBJECT) if joins else ("", ""))


@pytest.mark.parametrize(
    ("device", "event"),
    [
        ({}, {"subject": "Snow day!"}),
        ({}, {"recipient": "maia@example.com"}),
        ({"status": "error"}, {}),
        ({"status": "opt_out"}, {}),
        ({"status": "canceled"}, {}),
        ({"provider_id": "other@campus.example"}, {"message_id": ID}),
    ],
)
@pytest.mark.parametrize("first", ["event", "message"])
def test_what_differs_or_did_not_leave_joins_nothing(device, event, first):
    device = {"address": "mai@example.com", "time": AT.isoformat()} | device
    if first == "event":
        store(**event)
    delivery = add("m", device)
    if first == "message":
        store(**event)
    assert outcome(delivery) == ("", "")


def test_an_id_that_is_no_message_id_does_not_keep_the_subject_from_joining():
    delivery = add("m", {"address": "mai@example.com", "time": AT.isoformat(), "provider_id": "Job-7710"})
    store(message_id=ID)
    assert outcome(delivery) == ("delivered", LinkedBy.SUBJECT)


@pytest.mark.parametrize("order", ["eab", "aeb", "abe"])
def test_two_that_fit_are_ambiguous_whatever_came_first(order):
    for step in order:
        if step == "e":
            store("failed", message_id=ID)
        else:
            add(step)
    event = MailgunEvent.objects.get()
    assert (event.delivery, event.sent_message, event.linked_by) == (None, None, LinkedBy.AMBIGUOUS)
    assert list(MailgunEvent.objects.ambiguous()) == [event]
    assert not Delivery.objects.exclude(email_outcome="").exists()
    for delivery in Delivery.objects.all():
        assert counts(delivery)["not_known"] == 1


def test_two_messages_with_one_message_id_are_ambiguous_too():
    for name in "ab":
        add(name, {"address": "mai@example.com", "provider_id": ID})
    assert store(message_id=ID).linked_by == LinkedBy.AMBIGUOUS


def test_an_ambiguous_event_joins_when_the_other_e_mail_gets_its_message_id():
    first, second = add("a"), add("b")
    event = store("failed", message_id=ID)
    report = StatusReport(mode="email", address="mai@example.com", status="sent", at=AT, provider_id="x@campus.example")
    report_statuses(message_id=second.message_id, reports=[report])
    event.refresh_from_db()
    assert event.delivery == first
    assert outcome(first) == ("failed-permanent", LinkedBy.SUBJECT)
    assert outcome(second) == ("", "")


@pytest.mark.slow
def test_the_list_of_ambiguous_events_says_what_each_may_belong_to(make_user):
    first, second = add("a"), add("b")
    event = store("failed", message_id=ID)
    add("c", {"address": "mai@example.com", "time": AT.isoformat()}, subject="Another")
    assert {one.pk for one in messages_that_fit([event.pk])[event.pk]} == {first.message_id, second.message_id}

    reader = make_user(Tool.MAILGUN_SYNC, Tool.ADMIN_SENT_MESSAGE_LOG)
    listing = registry["ambiguous_events"].open(reader, {"created_from": "2026-11-01", "created_to": "2026-11-30"})
    listing.fetch()
    assert len(listing.table.rows) == 1
    assert listing.table.body.count("/messenger-administration/sent-message-log/") == 2

    client = Client(headers={"Authorization": f"Token {issue_token(user=reader)[0]}"})
    days = {"created_from": "2026-11-01", "created_to": "2026-11-30"}
    [found] = client.get(reverse("api:ambiguous_events"), days).json()["results"]
    assert (found["id"], found["may_belong_to"]) == (event.pk, [first.message_id, second.message_id])
    search = reverse("api:ambiguous_event_search")
    for text, number in (("mai@", 1), ("bao@", 0)):
        answer = client.post(search, days | {"recipient": text}, content_type="application/json")
        assert len(answer.json()["results"]) == number


@pytest.mark.slow
def test_system_health_counts_as_many_ambiguous_events_as_the_list_behind_the_number_has(
    make_user, signed_in, settings
):
    settings.MAILGUN_API_KEY, settings.MAILGUN_DOMAINS = "key", [HERE, THERE]
    now = timezone.now()
    for days in (40, 2):
        at = now - timedelta(days=days)
        for name in "ab":
            device = {"address": "mai@example.com", "time": at.isoformat()}
            add(f"{name}{days}", device, created_at=at.isoformat())
        assert store("failed", at=at, message_id=ID).linked_by == LinkedBy.AMBIGUOUS
    client = signed_in(make_user(Tool.MAILGUN_SYNC))

    health = client.get(reverse("web:system_health")).text

    link = re.search(r'<a href="([^"]+)">2 events</a> fit several e-mails', health)
    assert link
    assert client.get(link[1]).text.count('data-label="May Belong To"') == 2


@pytest.mark.parametrize(
    ("device", "event", "words"),
    [
        ({"provider_id": ID}, {"message_id": ID}, "Found by Message-Id and address."),
        ({"time": AT.isoformat()}, {}, "Found by address, subject and time."),
        ({"time": AT.isoformat()}, None, ""),
    ],
)
def test_the_list_of_recipients_says_how_the_event_was_found(make_user, signed_in, device, event, words):
    delivery = add("m", {"address": "mai@example.com"} | device)
    store("delivered", **({"user-variables": mark(delivery)} if event is None else event))
    tool = Tool.ADMIN_SENT_MESSAGE_LOG
    address = message_url(tool, delivery.message_id, "recipients")
    page = Shown(signed_in(make_user(tool)).get(address))
    assert page.column(8) == [f"✓ Delivered {words}".strip()]


# A better key


@pytest.mark.slow
@pytest.mark.parametrize("first", ["accepted", "delivered"])
def test_a_better_key_takes_the_event_and_the_old_delivery_is_derived_again(first):
    old = add("old")
    store(first, message_id="other@campus.example", at=AT)
    store("failed", message_id=ID)
    assert outcome(old) == ("failed-permanent", LinkedBy.SUBJECT)

    new = add("new", {"address": "mai@example.com", "provider_id": f"<{ID}>"}, subject="Whatever it says")

    assert outcome(new) == ("failed-permanent", LinkedBy.MESSAGE_ID)
    assert outcome(old) == (first, LinkedBy.SUBJECT), "what is left decides"
    assert old.email_reason == ""
    assert counts(old)["failed"] == 0
    assert counts(new)["failed"] == 1


def test_the_same_event_read_again_finds_the_better_key():
    old = add("old")
    store("failed", id="x", message_id=ID)
    assert outcome(old) == ("failed-permanent", LinkedBy.SUBJECT)
    new = add("new", {"address": "mai@example.com"}, created_at=(AT - timedelta(days=30)).isoformat())
    Delivery.objects.filter(pk=new.pk).update(provider_id=ID)

    store("failed", id="x", message_id=ID)

    assert MailgunEvent.objects.get().delivery == new
    assert outcome(new) == ("failed-permanent", LinkedBy.MESSAGE_ID)
    assert outcome(old) == ("", "")


def test_our_own_mark_is_final():
    own = add("own")
    event = store("failed", message_id=ID, **{"user-variables": mark(own)})
    assert (event.delivery, event.linked_by) == (own, LinkedBy.VARIABLES)

    other = add("other", {"address": "mai@example.com", "provider_id": ID})
    link_events()

    event.refresh_from_db()
    assert event.delivery == own
    assert outcome(own) == ("failed-permanent", LinkedBy.VARIABLES)
    assert outcome(other) == ("", "")


@pytest.mark.slow
def test_events_that_retention_deleted_leave_their_outcome():
    old = add("old")
    store("failed", message_id=ID)
    assert delete_expired(now=AT + timedelta(days=1000)) == 1
    store("accepted", message_id="other@campus.example", at=AT)
    add("new", {"address": "mai@example.com", "provider_id": "<other@campus.example>"}, subject="Whatever it says")
    link_events()
    assert outcome(old) == ("failed-permanent", LinkedBy.SUBJECT), "what it lost had not decided"
    assert counts(old)["failed"] == 1


def test_an_event_that_loses_its_delivery_has_the_sender_of_its_variables_again(make_user):
    user = make_user(username="dmatthews")
    add("a")
    event = store("failed", message_id=ID, **{"user-variables": {"sender": "dmatthews", "person_id": "7"}})
    assert (event.sender, event.person_id) == (None, "0"), "the sender of the record has no account"
    add("b")
    event.refresh_from_db()
    assert (event.linked_by, event.sender, event.person_id) == (LinkedBy.AMBIGUOUS, user, "7")


# Domains


@pytest.mark.parametrize("first", ["event", "message"])
@pytest.mark.parametrize(
    ("fields", "device", "domain", "joins"),
    [
        ({}, {"provider_id": f"1@{HERE}"}, HERE, True),
        ({}, {"provider_id": f"1@{HERE}"}, THERE, False),
        ({}, {"provider_id": "1@campus.example"}, THERE, True),
        ({"reply_to": "office@harrison.example"}, {}, HERE, True),
        ({"reply_to": "office@harrison.example"}, {}, THERE, False),
        ({"reply_to": "office@mg.harrison.example"}, {}, THERE, False),
        ({"reply_to": "someone@gmail.example"}, {}, THERE, True),
        ({}, {}, THERE, True),
    ],
)
def test_an_event_of_another_sending_domain_joins_nothing(first, fields, device, domain, joins):
    device = {"address": "mai@example.com", "time": AT.isoformat()} | device
    told = {"message_id": device.get("provider_id", ID), "domain": domain}
    if first == "event":
        store(**told)
    delivery = add("m", device, **fields)
    if first == "message":
        store(**told)
    assert (outcome(delivery)[0] == "delivered") is joins


@pytest.mark.parametrize("id", [ID, ""])
@pytest.mark.parametrize("domain", [HERE, THERE])
def test_our_own_mark_joins_no_e_mail_that_another_of_our_domains_sent(domain, id):
    delivery = add("m", {"address": "mai@example.com", "time": AT.isoformat(), "provider_id": f"1@{HERE}"})
    event = store("failed", message_id=id, domain=domain, **{"user-variables": mark(delivery)})
    assert event.linked_by == (LinkedBy.VARIABLES if domain == HERE else "")
    assert (event.delivery == delivery) is (domain == HERE)
    assert outcome(delivery)[0] == ("failed-permanent" if domain == HERE else "")
    assert counts(delivery)["failed"] == (domain == HERE)


@pytest.mark.parametrize("domain", [HERE, THERE])
def test_our_own_mark_goes_when_the_message_id_that_comes_later_is_of_another_domain(domain, make_user):
    user = make_user(username="dmatthews")
    delivery = add("m", {"address": "mai@example.com", "status": "in_progress"})
    event = store("failed", domain=domain, **{"user-variables": mark(delivery) | {"sender": "dmatthews"}})
    assert outcome(delivery) == ("failed-permanent", LinkedBy.VARIABLES)

    report = StatusReport(mode="email", address="mai@example.com", status="sent", at=AT, provider_id=f"<1@{HERE}>")
    report_statuses(message_id=delivery.message_id, reports=[report])

    event.refresh_from_db()
    stays = domain == HERE
    assert (event.delivery, event.linked_by) == ((delivery, LinkedBy.VARIABLES) if stays else (None, ""))
    assert event.sender == (None if stays else user), "without a delivery, its variables say the sender"
    assert outcome(delivery)[0] == ("failed-permanent" if stays else "")
    assert counts(delivery)["failed"] == stays
    assert link_events() == 0


# Duplicates, and old databases


def test_the_event_of_a_duplicate_is_one_of_the_device_that_counts():
    devices = [{"address": "mai@example.com", "provider_id": f"{number}@campus.example"} for number in range(2)]
    delivery = add("m", *devices)
    event = store("failed", message_id="1@campus.example")
    assert event.delivery == delivery
    assert set(Delivery.objects.values_list("email_outcome", "email_linked_by")) == {("failed-permanent", "message_id")}
    assert counts(delivery)["failed"] == 1


@pytest.mark.slow
def test_an_old_database_is_joined_by_the_command_and_a_second_run_changes_nothing():
    first, second = add("a", {"address": "mai@example.com", "provider_id": ID}), add("b", subject="Bus 14")
    store("failed", message_id=ID)
    store("delivered", subject="Bus 14")
    MailgunEvent.objects.update(delivery=None, sent_message=None, linked_by="")
    Delivery.objects.update(email_outcome="", email_linked_by="", email_reason="", email_outcome_at=None)
    for delivery in (first, second):
        recount(message_id=delivery.message_id)

    assert link_events() == 2

    assert outcome(first) == ("failed-permanent", LinkedBy.MESSAGE_ID)
    assert outcome(second) == ("delivered", LinkedBy.SUBJECT)
    assert counts(first)["failed"] == counts(second)["delivered"] == 1
    assert link_events() == 0


def test_links_from_before_the_key_was_stored_are_our_own_mark():
    own = add("own")
    store("failed", **{"user-variables": mark(own)})
    MailgunEvent.objects.update(linked_by="")
    Delivery.objects.update(email_linked_by="")

    assert link_events() == 0

    assert MailgunEvent.objects.get().linked_by == LinkedBy.VARIABLES
    assert outcome(own) == ("failed-permanent", LinkedBy.VARIABLES)


@pytest.mark.slow
def test_the_statements_of_an_import_do_not_grow_with_its_events():
    asked = []
    for count in (2, 40):
        addresses = [f"p{number}.of{count}@example.com" for number in range(count)]
        for address in addresses:
            store("delivered", recipient=address, message_id=f"{address}@campus.example")
        devices = [{"address": address, "provider_id": f"{address}@campus.example"} for address in addresses]
        with CaptureQueriesContext(connection) as queries:
            delivery = add(f"m{count}", *devices)
        assert counts(delivery)["delivered"] == count
        asked.append(len(queries))
    assert asked[0] == asked[1]
