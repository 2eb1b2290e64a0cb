"""What the provider tells to a look-up is told: it may have no chance to tell it to a sync."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone
from pytest_django import Settings

from dispatch.gateways import HandOff, Item, TryLaterError
from dispatch.gateways.mailgun import gateway
from mailgun_sync.models import MailgunEvent, SendingDomain
from messenger_logs.choices import Mode
from messenger_logs.models import Delivery
from messenger_logs.services.totals import recount
from sandbox.server import Sandbox
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient

pytestmark = pytest.mark.django_db


@pytest.fixture
def delivery() -> Delivery:
    message = make_message()
    made = make_delivery(make_recipient(message, person_id="77"), address="mai@example.com")
    recount(message_id=message.pk)
    return made


def handed(delivery: Delivery) -> HandOff:
    item = Item(delivery.pk, 1, delivery.address, "77", "Mai", {})
    at = timezone.now() - timedelta(minutes=40)
    return HandOff(key=uuid4(), message=delivery.message, mode=Mode.EMAIL, items=[item], handed_at=at)


def tell(mailgun: Sandbox, delivery: Delivery, hand_off: HandOff) -> None:
    mailgun.add(
        recipient=delivery.address,
        message_id=f"{hand_off.key}@{mailgun.domain}",
        user_variables={"message": str(delivery.message_id), "delivery": str(delivery.pk)},
    )


def look_up(hand_off: HandOff) -> list[bool]:
    """Return for each result whether the mail went out."""
    mail = gateway()
    assert mail
    answer = mail.look_up(hand_off)
    assert answer
    return [result.report is not None for result in answer.results]


def test_the_events_of_a_look_up_are_stored_and_settle_the_outcome(
    mailgun: Sandbox, domain: SendingDomain, delivery: Delivery
) -> None:
    hand_off = handed(delivery)
    tell(mailgun, delivery, hand_off)

    assert look_up(hand_off) == [True]

    # The provider dies and forgets; no sync will hear of this mail.
    assert MailgunEvent.objects.get().delivery == delivery
    delivery.refresh_from_db()
    assert delivery.email_outcome == "delivered"


def test_a_domain_that_is_not_synced_stores_nothing_and_hinders_nothing(mailgun: Sandbox, delivery: Delivery) -> None:
    hand_off = handed(delivery)
    tell(mailgun, delivery, hand_off)

    assert look_up(hand_off) == [True]

    assert not MailgunEvent.objects.exists()


def test_events_that_cannot_be_stored_do_not_hinder_the_look_up(
    mailgun: Sandbox, domain: SendingDomain, delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("mailgun_sync.signals.store_events", broken)
    hand_off = handed(delivery)
    tell(mailgun, delivery, hand_off)

    assert look_up(hand_off) == [True]


@pytest.mark.parametrize("status", [404, 410])
def test_when_the_events_api_is_gone_the_logs_api_is_asked(
    mailgun: Sandbox, domain: SendingDomain, delivery: Delivery, status: int
) -> None:
    hand_off = handed(delivery)
    at = hand_off.handed_at
    mailgun.add_many(120, at - timedelta(minutes=5), at)
    mailgun.add(
        timestamp=at + timedelta(seconds=1),
        recipient=delivery.address,
        message_id=f"{hand_off.key}@{mailgun.domain}",
        user_variables={"message": str(delivery.message_id), "delivery": str(delivery.pk)},
    )
    mailgun.events_api_gone = status

    assert look_up(hand_off) == [True]

    assert MailgunEvent.objects.count() == 121
    delivery.refresh_from_db()
    assert delivery.email_outcome == "delivered"


def test_mail_of_a_domain_that_mailgun_does_not_know_is_not_taken_for_missing(
    mailgun: Sandbox, domain: SendingDomain, delivery: Delivery, settings: Settings
) -> None:
    settings.MAILGUN_DOMAINS = ["mg.unknown.example"]

    with pytest.raises(TryLaterError):
        look_up(handed(delivery))
