"""Events older than the retention are deleted, together with the addresses that no other event has."""

from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillWaitingError
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connections, transaction
from pytest_django import Settings

from mailgun_sync.client import reread
from mailgun_sync.models import MailgunEvent, RecipientAddress, SendingDomain
from mailgun_sync.services.ingest import store_events
from mailgun_sync.services.retention import delete_expired

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def keep_400_days(settings: Settings) -> None:
    settings.EVENT_RETENTION_DAYS = 400


@pytest.fixture
def domain(db: None) -> SendingDomain:
    return SendingDomain.objects.create(name="mg.harrison.example")


def store(domain: SendingDomain, *, days_ago: int, recipient: str, key: str = "one") -> None:
    at = (datetime.now(UTC) - timedelta(days=days_ago)).timestamp()
    event = f'{{"event": "delivered", "id": "{key}", "timestamp": {at}, "recipient": "{recipient}"}}'
    store_events(domain_id=domain.pk, events=[reread(event)])


def addresses() -> list[str]:
    return list(RecipientAddress.objects.order_by("address").values_list("address", flat=True))


def test_events_older_than_the_retention_are_deleted(domain: SendingDomain) -> None:
    for number in range(25):
        store(domain, days_ago=389 + number, recipient="mai@example.com", key=str(number))

    assert delete_expired(batch=5) == 14

    assert MailgunEvent.objects.count() == 11
    oldest = MailgunEvent.objects.earliest("occurred_at")
    assert oldest.occurred_at > datetime.now(UTC) - timedelta(days=400, minutes=1)


def test_an_address_goes_with_its_last_event(domain: SendingDomain) -> None:
    store(domain, days_ago=401, recipient="gone@example.com")
    store(domain, days_ago=401, recipient="both@example.com", key="old")
    store(domain, days_ago=1, recipient="both@example.com", key="new")
    assert addresses() == ["both@example.com", "gone@example.com"]

    delete_expired()

    assert addresses() == ["both@example.com"]


@pytest.mark.django_db(transaction=True)
def test_an_address_stays_whose_event_is_just_being_stored(domain: SendingDomain) -> None:
    store(domain, days_ago=401, recipient="mai@example.com", key="old")

    def tidy() -> None:
        try:
            delete_expired()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            store(domain, days_ago=0, recipient="mai@example.com", key="new")
            tidying = pool.submit(tidy)
            with pytest.raises(StillWaitingError):
                tidying.result(timeout=1)
        tidying.result(timeout=30)

    assert MailgunEvent.objects.count() == 1
    assert addresses() == ["mai@example.com"]
