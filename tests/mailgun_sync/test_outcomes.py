"""E-mail outcomes in the ledger: from the events in any order, and only from events that agree with our records."""

import json
import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from django.db import connection
from django.urls import reverse

from accounts.tools import Right, Tool
from mailgun_sync.client import read_page
from mailgun_sync.models import MailgunEvent, SendingDomain
from mailgun_sync.services.ingest import store_events
from mailgun_sync.services.outcomes import settle_between
from messenger_logs.choices import EMAIL_FAILURES, Mode
from messenger_logs.models import Delivery
from messenger_logs.services.status_reports import StatusReport, report_statuses
from messenger_logs.services.totals import recount
from messenger_logs.totals import totals_of
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient

pytestmark = pytest.mark.django_db

BEGIN = 1_700_000_000
LADDER = {
    "accepted": {"event": "accepted"},
    "failed-temporary": {"event": "failed", "severity": "temporary", "delivery-status": {"message": "452 full"}},
    "delivered": {"event": "delivered"},
    "failed-permanent": {"event": "failed", "severity": "permanent", "delivery-status": {"message": "550 unknown"}},
    "complained": {"event": "complained"},
}


@pytest.fixture
def sender(make_user):
    return make_user(Tool.MAILGUN_MESSAGE_LOG, Tool.SENT_MESSAGE_LOG, username="sender")


@pytest.fixture
def delivery(sender) -> Delivery:
    message = make_message(sender=sender, subject="Snow day")
    made = make_delivery(make_recipient(message, person_id="77"), address="Mai@example.com")
    recount(message_id=message.pk)
    return made


def tell(delivery: Delivery, kind: str, **fields: Any) -> str:
    """An event of this delivery, as JSON; `fields` replace what it says."""
    at = BEGIN + list(LADDER).index(kind) if kind in LADDER else BEGIN
    variables = {"sender": "sender", "message": str(delivery.message_id), "delivery": str(delivery.pk)}
    usual = {"id": kind, "timestamp": at, "recipient": delivery.address, "user-variables": variables}
    return json.dumps(LADDER.get(kind, {}) | usual | fields)


def store(*texts: str) -> None:
    events, _ = read_page(f'{{"items": [{", ".join(texts)}], "paging": {{}}}}')
    domain = SendingDomain.objects.get_or_create(name="mg.harrison.example")[0]
    store_events(domain_id=domain.pk, events=events or [])


def outcome(delivery: Delivery) -> tuple[str, str]:
    return Delivery.objects.values_list("email_outcome", "email_reason").get(pk=delivery.pk)


def test_an_event_is_linked_to_its_delivery_message_person_and_sender(delivery, sender):
    store(tell(delivery, "delivered", recipient="mai@EXAMPLE.com"))
    event = MailgunEvent.objects.get()
    assert (event.delivery, event.sent_message, event.sender, event.person_id) == (
        delivery,
        delivery.message,
        sender,
        "77",
    )
    assert outcome(delivery) == ("delivered", "")


@pytest.mark.slow
@pytest.mark.parametrize("number", range(1, len(LADDER) + 1))
def test_in_any_order_the_outcome_is_the_same(delivery, number):
    kinds = list(LADDER)[:number]
    orders = list(permutations(kinds))
    for order in random.Random(1).sample(orders, min(len(orders), 12)):
        MailgunEvent.objects.all().delete()
        Delivery.objects.filter(pk=delivery.pk).update(email_outcome="", email_reason="")
        for kind in order:
            store(tell(delivery, kind))
        assert outcome(delivery)[0] == kinds[-1], order


def test_a_delayed_bounce_takes_delivered_back_and_a_late_delivered_changes_nothing(delivery):
    store(tell(delivery, "delivered"), tell(delivery, "failed-permanent"))
    assert outcome(delivery) == ("failed-permanent", "550 unknown")
    store(tell(delivery, "delivered", id="late", timestamp=BEGIN + 900))
    assert outcome(delivery) == ("failed-permanent", "550 unknown")


def test_suppressed_is_told_apart_and_of_equals_the_newest_holds(delivery):
    suppressed = {"event": "failed", "severity": "permanent", "reason": "suppress-bounce"}
    store(tell(delivery, "suppressed", **suppressed))
    assert outcome(delivery) == ("suppressed", "suppress-bounce")
    store(tell(delivery, "failed-permanent", timestamp=BEGIN - 900))
    assert outcome(delivery)[0] == "suppressed"


def test_opens_and_unknown_kinds_are_linked_but_say_nothing_of_the_outcome(delivery):
    store(tell(delivery, "accepted"), tell(delivery, "opened", event="opened"), tell(delivery, "x", event="levitated"))
    assert outcome(delivery)[0] == "accepted"
    assert MailgunEvent.objects.filter(delivery=delivery).count() == 3


def test_a_duplicate_follows(delivery):
    duplicate = make_delivery(make_recipient(delivery.message), address=delivery.address)
    assert duplicate.duplicate
    store(tell(delivery, "failed-permanent"))
    assert outcome(duplicate) == outcome(delivery) == ("failed-permanent", "550 unknown")


@pytest.mark.parametrize(
    "forged",
    [
        {"delivery": "1"},
        {"message": "1"},
        {"delivery": "' OR 1=1"},
        {"delivery": "9" * 40},
        {"delivery": "-1", "message": "-1"},
    ],
)
def test_variables_that_do_not_agree_with_our_records_link_nothing(delivery, sender, forged):
    names = {"sender": "sender", "message": str(delivery.message_id), "delivery": str(delivery.pk)}
    store(tell(delivery, "failed-permanent", **{"user-variables": names | forged}))
    event = MailgunEvent.objects.get()
    assert (event.delivery, event.sent_message, event.sender) == (None, None, sender)
    assert outcome(delivery) == ("", "")


def test_an_event_of_another_address_links_nothing(delivery):
    store(tell(delivery, "failed-permanent", recipient="else@example.com"))
    assert MailgunEvent.objects.get().delivery is None
    assert outcome(delivery) == ("", "")


def test_the_sender_is_the_one_of_our_message_whatever_the_variables_say(delivery, make_user):
    stranger = make_user(Tool.MAILGUN_MESSAGE_LOG, username="stranger")
    names = {"sender": "stranger", "message": str(delivery.message_id), "delivery": str(delivery.pk)}
    store(tell(delivery, "delivered", **{"user-variables": names}))
    assert not MailgunEvent.objects.visible_to(stranger, Tool.MAILGUN_MESSAGE_LOG).exists()
    assert MailgunEvent.objects.get().sender == delivery.message.sender


def test_settling_a_time_again_mends_what_was_spoilt_and_then_changes_nothing(delivery):
    store(tell(delivery, "delivered"))
    Delivery.objects.filter(pk=delivery.pk).update(email_outcome="", email_reason="")
    first = datetime.fromtimestamp(BEGIN, UTC)
    assert settle_between(first - timedelta(days=1), first) == 0
    assert settle_between(first, first + timedelta(days=1)) == 1
    assert outcome(delivery)[0] == "delivered"
    assert settle_between(first, first + timedelta(days=1)) == 0


def test_an_outcome_that_got_lost_comes_back_with_the_next_reading(delivery):
    store(tell(delivery, "accepted"), tell(delivery, "failed-permanent"))
    Delivery.objects.filter(pk=delivery.pk).update(email_outcome="", email_reason="")

    store(tell(delivery, "accepted"))

    assert outcome(delivery) == ("failed-permanent", "550 unknown")


def test_an_event_that_came_before_its_record_is_linked_by_the_next_reading(delivery, sender):
    address = delivery.address
    Delivery.objects.filter(pk=delivery.pk).update(address="not.yet@example.com")
    texts = [tell(delivery, kind, recipient=address) for kind in ("accepted", "delivered")]
    store(*texts)
    assert outcome(delivery) == ("", "")
    Delivery.objects.filter(pk=delivery.pk).update(address=address)

    store(texts[0])

    linked = MailgunEvent.objects.get(event_id="accepted")
    assert (linked.delivery, linked.sent_message, linked.person_id) == (delivery, delivery.message, "77")
    assert outcome(delivery) == ("accepted", "")
    store(*texts)
    assert outcome(delivery) == ("delivered", "")


def test_a_forged_event_with_a_known_key_mends_nothing(delivery):
    Delivery.objects.filter(pk=delivery.pk).update(address="not.yet@example.com")
    store(tell(delivery, "delivered", recipient="mai@example.com"))
    store(tell(delivery, "delivered", recipient="not.yet@example.com"))
    assert MailgunEvent.objects.get().delivery is None


def test_expired_events_do_not_take_an_outcome_back(delivery):
    store(tell(delivery, "failed-permanent"))
    MailgunEvent.objects.all().delete()
    store(tell(delivery, "delivered"))
    assert outcome(delivery)[0] == "failed-permanent"


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_pages_that_are_stored_side_by_side_come_to_the_same_and_wait_for_nobody_forever(sender):
    messages = [make_message(sender=sender) for _ in range(3)]
    deliveries = [make_delivery(make_recipient(message)) for message in messages for _ in range(4)]
    for message in messages:
        recount(message_id=message.pk)
    texts = [tell(one, kind, id=f"{one.pk}-{kind}") for one in deliveries for kind in LADDER if kind != "complained"]
    random.Random(3).shuffle(texts)
    pages = [texts[at : at + 6] for at in range(0, len(texts), 6)]
    SendingDomain.objects.create(name="mg.harrison.example")

    def store_page(page: list[str]) -> None:
        try:
            store(*page)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(store_page, pages))
    assert {outcome(one)[0] for one in deliveries} == {"failed-permanent"}


def test_the_contradiction_is_flagged_on_the_message_page(delivery, sender, signed_in):
    store(tell(delivery, "failed-permanent"))
    address = reverse("web:sent_message_log_message_recipients", args=[delivery.message_id])
    html = signed_in(sender).get(address).content.decode()
    assert "Sent, but not delivered" in html
    assert "550 unknown" in html


@pytest.mark.slow
def test_the_subject_leads_to_the_message_for_those_who_may(delivery, sender, make_user, signed_in):
    now = datetime.now(UTC).timestamp()
    headers = {"headers": {"subject": "Snow day"}}
    store(tell(delivery, "delivered", timestamp=now, message=headers))
    page = reverse("web:sent_message_log_message", args=[delivery.message_id])
    assert f'<a href="{page}">Snow day</a>' in signed_in(sender).get("/messenger/mailgun-message-log/").content.decode()

    admin_log = "/messenger-administration/mailgun-message-log/"
    for rights, linked in [([Tool.ADMIN_SENT_MESSAGE_LOG], True), ([(Tool.SENT_MESSAGE_LOG, Right.READ)], False)]:
        reader = make_user(Tool.ADMIN_MAILGUN_MESSAGE_LOG, *rights)
        html = signed_in(reader).get(admin_log).content.decode()
        assert "Snow day" in html
        assert (reverse("web:admin_sent_message_log_message", args=[delivery.message_id]) in html) is linked
        assert page not in html


@pytest.mark.parametrize("order", list(permutations(["delivered", "failed-permanent", "complained"])))
def test_the_kept_totals_follow_what_the_provider_finally_says(delivery, order):
    store(*(tell(delivery, kind) for kind in ("accepted", "delivered")))
    for kind in order:
        store(tell(delivery, kind))
        totals = totals_of(delivery.message)
        email = totals.modes[Mode.EMAIL]
        refused = int(outcome(delivery)[0] in EMAIL_FAILURES)
        assert (totals.people.reached, totals.people.not_reached) == (1 - refused, refused)
        assert (email.success, email.error, email.undelivered) == (1 - refused, refused, refused)
    kept = totals_of(delivery.message).modes
    recount(message_id=delivery.message_id)
    assert totals_of(delivery.message).modes == kept


def test_a_report_about_a_refused_email_counts_it_once(delivery):
    store(tell(delivery, "failed-permanent"))
    report_statuses(message_id=delivery.message_id, reports=[StatusReport(delivery_id=delivery.pk, status="failed")])
    email = totals_of(delivery.message).modes[Mode.EMAIL]
    assert (email.success, email.error) == (0, 1)
