"""Which messages go out, in which order, how often, and with which result."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dispatch.gateways import gateway_for
from dispatch.models import Claim
from dispatch.services.rate_limit import may_go, spend
from dispatch.services.scheduling import start_due
from dispatch.services.sending import send_due
from messenger_logs.choices import Mode
from messenger_logs.models import Delivery, DeviceAttempt, SentMessage, TextConsent
from messenger_logs.services.intake import add_recipients
from messenger_logs.totals import totals_of
from tests.dispatch.conftest import dispatch_all, status_of, statuses
from tests.dispatch.stub import Provider, StubGateway

pytestmark = pytest.mark.django_db

Due = Callable[..., SentMessage]


@pytest.mark.slow
def test_a_message_goes_from_waiting_to_sent(provider: Provider, due_message: Due) -> None:
    message = due_message(Mode.EMAIL, 7)
    assert start_due() == 1
    assert status_of(message) == "in_progress"

    assert send_due(Mode.EMAIL) == 7

    message.refresh_from_db()
    assert message.status == "sent"
    assert message.dispatch_started_at < message.dispatch_finished_at
    assert totals_of(message).modes[Mode.EMAIL].success == 7
    assert {attempt.number for attempt in DeviceAttempt.objects.all()} == {1}


def test_what_is_not_due_or_is_not_ours_stays(provider: Provider, due_message: Due) -> None:
    soon = timezone.now() + timedelta(minutes=5)
    later = due_message(Mode.EMAIL, 2, scheduled_at=soon)
    elsewhere = due_message(Mode.EMAIL, 2, dispatched_here=False)
    canceled = due_message(Mode.EMAIL, 2, status="canceled")

    assert dispatch_all() == 0

    for message in (later, elsewhere, canceled):
        assert statuses(message) == {"waiting": 2}


@pytest.mark.slow
def test_each_kind_of_mode_has_its_own_start(provider: Provider, due_message: Due) -> None:
    now = timezone.now()
    message = due_message(
        Mode.EMAIL, 3, email_start_at=now + timedelta(hours=1), voice_start_at=now - timedelta(minutes=1)
    )
    assert dispatch_all() == 0
    SentMessage.objects.update(email_start_at=now - timedelta(seconds=1), scheduled_at=now + timedelta(hours=2))
    assert dispatch_all() == 3
    assert statuses(message) == {"sent": 3}


@pytest.mark.slow
def test_emergencies_go_before_priority_before_all_others(provider: Provider, due_message: Due) -> None:
    kinds = [
        {"message_type": "Message Builder"},
        {"message_type": "Messenger 2.0 - General", "engine": "v2"},
        {"message_type": "Messenger 2.0 - Priority", "engine": "v2"},
        {"message_type": "Messenger 2.0 - Emergency", "engine": "v2"},
    ]
    ids = [due_message(Mode.EMAIL, 4, **kind).pk for kind in kinds]

    dispatch_all(Mode.EMAIL)

    messages = dict(Delivery.objects.values_list("pk", "message"))
    order = list(dict.fromkeys(messages[item["delivery"]] for item in provider.received))
    assert order == [ids[3], ids[2], ids[0], ids[1]]


@pytest.mark.slow
def test_a_duplicate_goes_out_once_and_follows_its_first_row(provider: Provider, due_message: Due) -> None:
    message = due_message(Mode.VOICE, 2)
    first = message.deliveries.order_by("pk")[0]
    other = message.recipients.create(person_id="other", name="Other", counted=True)
    Delivery.objects.create(message=message, recipient=other, mode="voice", address=first.address, duplicate=True)

    assert dispatch_all() == 2

    assert statuses(message) == {"not_confirmed": 3}


@pytest.mark.slow
def test_recipients_that_come_when_the_first_ones_had_gone_get_it_as_well(provider: Provider, due_message: Due) -> None:
    message = due_message(Mode.EMAIL, 3)
    dispatch_all()
    assert status_of(message) == "sent"

    late = {"person_id": "late", "name": "Late", "devices": [{"mode": "email", "address": "late@example.com"}]}
    add_recipients(message, [late])

    assert status_of(message) == "in_progress"
    assert dispatch_all() == 1
    assert statuses(message) == {"sent": 4}
    assert set(provider.attempts.values()) == {1}
    assert status_of(message) == "sent"


@pytest.mark.slow
def test_who_sent_stop_gets_no_text(provider: Provider, due_message: Due) -> None:
    message = due_message(Mode.TEXT, 4)
    first = message.deliveries.order_by("pk")[0]
    TextConsent.objects.create(number=first.address, opted_out=True, said_at=timezone.now())

    dispatch_all()

    first.refresh_from_db()
    assert (first.status, first.code, first.outcome, first.attempt_count) == ("opt_out", -33, "not_attempted", 0)
    assert provider.deliveries == set(message.deliveries.exclude(pk=first.pk).values_list("pk", flat=True))
    assert statuses(message) == {"opt_out": 1, "sent": 3}
    assert totals_of(message).modes[Mode.TEXT].opted_out == 1


@pytest.mark.slow
def test_who_sent_stop_gets_no_text_by_an_extension_either(provider: Provider, due_message: Due) -> None:
    message = due_message(Mode.TEXT, 1)
    number = message.deliveries.get().address
    message.deliveries.update(address=f"{number};ext=45")
    TextConsent.objects.create(number=number, opted_out=True, said_at=timezone.now())
    dispatch_all()
    assert statuses(message) == {"opt_out": 1}
    assert not provider.received


def test_a_mode_without_a_gateway_waits(due_message: Due, settings) -> None:
    settings.GATEWAYS = {"inbox": "dispatch.gateways.inbox.gateway"}
    message = due_message(Mode.VOICE, 2)
    start_due()
    assert gateway_for(Mode.VOICE) is None
    assert send_due(Mode.VOICE) == 0
    assert statuses(message) == {"waiting": 2}


def test_a_mode_goes_no_faster_than_its_pace(provider: Provider, due_message: Due, settings) -> None:
    settings.ITEMS_A_MINUTE = {"email": 6}
    message = due_message(Mode.EMAIL, 9)
    assert dispatch_all(Mode.EMAIL) == 3, "a batch, and then the debt is to be paid"
    assert statuses(message) == {"sent": 3, "waiting": 6}
    assert may_go(Mode.VOICE)
    assert not may_go(Mode.EMAIL)
    spend(Mode.EMAIL, -3)
    assert may_go(Mode.EMAIL)


@pytest.mark.slow
def test_claims_cost_the_same_number_of_queries_however_many_they_hold(
    provider: Provider, due_message: Due, monkeypatch
) -> None:
    counts = []
    for devices in (3, 30):
        monkeypatch.setattr(StubGateway, "batch", devices)
        due_message(Mode.EMAIL, devices)
        start_due()
        with CaptureQueriesContext(connection) as captured:
            send_due(Mode.EMAIL)
        counts.append(len(captured))
    assert counts[0] == counts[1]
    assert not Claim.objects.exclude(state="settled").exists()
