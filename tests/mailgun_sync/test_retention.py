"""Events older than the retention are deleted, and soon after them the addresses that no other event has."""

from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillWaitingError
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connections, transaction
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from mailgun_sync.client import reread
from mailgun_sync.models import ADDRESS_SLACK_DAYS, MailgunEvent, RecipientAddress, SendingDomain
from mailgun_sync.services.ingest import store_events
from mailgun_sync.services.retention import delete_expired
from tests.examples import examples

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


def test_an_address_goes_soon_after_its_last_event(domain: SendingDomain) -> None:
    store(domain, days_ago=410, recipient="gone@example.com")
    store(domain, days_ago=410, recipient="both@example.com", key="old")
    store(domain, days_ago=1, recipient="both@example.com", key="new")
    assert addresses() == ["both@example.com", "gone@example.com"]

    delete_expired()

    assert addresses() == ["both@example.com"]


@pytest.mark.slow
@given(ages=st.lists(st.integers(0, 30) | st.integers(385, 430), min_size=1, max_size=12))
@examples(40)
def test_an_address_is_there_as_long_as_its_events_and_a_week_longer_at_most(
    domain: SendingDomain, ages: list[int]
) -> None:
    MailgunEvent.objects.all().delete()
    RecipientAddress.objects.all().delete()
    for number, age in enumerate(ages):
        store(domain, days_ago=age, recipient="mai@example.com", key=str(number))

    delete_expired(batch=5)

    if MailgunEvent.objects.exists():
        assert addresses() == ["mai@example.com"]
    elif min(ages) > 400 + ADDRESS_SLACK_DAYS + 2:
        assert addresses() == []


def test_an_event_from_the_future_keeps_its_address_no_longer_than_one_of_today(domain: SendingDomain) -> None:
    store(domain, days_ago=-3000, recipient="mai@example.com")

    assert RecipientAddress.objects.get().last_event_on == datetime.now(UTC).date()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_neither_a_sync_nor_the_retention_waits_for_the_other(domain: SendingDomain) -> None:
    store(domain, days_ago=420, recipient="mai@example.com", key="old")
    store(domain, days_ago=420, recipient="lia@example.com", key="older")

    def tidy() -> None:
        try:
            delete_expired()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        store(domain, days_ago=1, recipient="tou@example.com", key="new")
        pool.submit(tidy).result(timeout=30)
        assert addresses() == ["tou@example.com"]

    assert addresses() == ["tou@example.com"]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_an_address_stays_whose_event_is_just_being_stored(domain: SendingDomain) -> None:
    store(domain, days_ago=420, recipient="mai@example.com", key="old")

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


def test_most_pages_write_no_address(domain: SendingDomain) -> None:
    store(domain, days_ago=3, recipient="mai@example.com", key="first")
    [before] = written()
    for number in range(5):
        store(domain, days_ago=number % 3, recipient="mai@example.com", key=str(number))
    assert [before] == written()


def written() -> list[tuple[str, str]]:
    """The version and the lock of each address: both change when somebody writes or locks the row."""
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT ctid::text, xmax::text FROM mailgun_sync_recipientaddress")
        return list(cursor.fetchall())
