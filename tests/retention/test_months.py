"""Months of events that are over go as a whole, and what is held stays."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError, transaction
from hypothesis import given
from hypothesis import strategies as st

from mailgun_sync.models import MailgunEvent, SendingDomain
from mailgun_sync.services.months import Month, make_months, months
from retention.choices import HoldKind
from retention.models import Hold
from retention.services import aging
from tests.examples import examples

pytestmark = pytest.mark.django_db

NOW = datetime.now(UTC)
# EVENT_RETENTION_DAYS
LIMIT = NOW - timedelta(days=400)


@pytest.fixture
def domain(db: None) -> SendingDomain:
    return SendingDomain.objects.create(name="mg.harrison.example")


@pytest.fixture
def old_months(domain: SendingDomain) -> list[Month]:
    """The months that were over before the period, and the one in which it begins."""
    make_months(since=LIMIT - timedelta(days=95), now=LIMIT)
    return [month for month in months() if month.begin and month.begin <= LIMIT]


def store(domain: SendingDomain, *moments: datetime, person: str = "") -> None:
    MailgunEvent.objects.bulk_create(
        MailgunEvent(
            domain=domain,
            event="delivered",
            event_id=f"{moment.isoformat()} {person}",
            occurred_at=moment,
            person_id=person,
        )
        for moment in moments
    )


def hold(first: datetime, last: datetime) -> Hold:
    days = {"first_day": first.date(), "last_day": last.date()}
    return Hold.objects.create(kind=HoldKind.PERIOD, reason="A case", set_by_name="Somebody", **days)


def retain() -> int:
    # A run of all tests takes longer than an event is from the limit.
    gone, ended = aging.retain(now=NOW, pause=False)
    assert ended
    return gone["events"]


def middle(month: Month) -> datetime:
    assert month.begin
    return month.begin + (month.end - month.begin) / 2


def test_months_that_are_over_are_dropped_and_the_rest_is_deleted_in_steps(
    domain: SendingDomain, old_months: list[Month]
) -> None:
    *over, current = old_months
    assert len(over) >= 2
    young = LIMIT + timedelta(hours=1)
    store(domain, *(middle(month) for month in over), LIMIT - timedelta(seconds=1), young, NOW)
    assert retain() == len(over) + 1
    assert set(MailgunEvent.objects.values_list("occurred_at", flat=True)) == {young, NOW}
    assert [month for month in old_months if month in months()] == [current]
    assert retain() == 0


def test_a_month_with_a_held_event_stays_with_that_alone_until_the_hold_is_lifted(
    domain: SendingDomain, old_months: list[Month]
) -> None:
    first, second, *_ = old_months
    held = middle(first)
    store(domain, held, held + timedelta(days=5), middle(second))
    case = hold(held, held)
    assert retain() == 2
    assert list(MailgunEvent.objects.values_list("occurred_at", flat=True)) == [held]
    assert first in months()
    assert second not in months()

    Hold.objects.filter(pk=case.pk).update(lifted_at=NOW)
    assert retain() == 1
    assert first not in months()


def test_where_a_month_cannot_be_dropped_its_events_are_deleted_in_steps(
    domain: SendingDomain, old_months: list[Month], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where somebody reads events for a long time."""

    def is_busy(*args: object, **options: object) -> None:
        with transaction.atomic(), aging.connection.cursor() as cursor:
            cursor.execute("DO $$ BEGIN RAISE 'busy' USING ERRCODE = 'lock_not_available'; END $$")

    store(domain, middle(old_months[0]))
    monkeypatch.setattr(aging, "drop_month", is_busy)
    with pytest.raises(OperationalError):
        is_busy()
    assert retain() == 1
    assert old_months[0] in months()


ages = st.integers(-40, -2) | st.integers(2, 100)


@pytest.mark.slow
@given(
    stored=st.lists(ages, max_size=10, unique=True),
    held=st.lists(st.tuples(ages, st.integers(0, 40)), max_size=2),
)
@examples(40)
def test_what_stays_is_what_is_young_or_held(
    domain: SendingDomain, old_months: list[Month], stored: list[int], held: list[tuple[int, int]]
) -> None:
    """Ages are days beyond the period."""
    with transaction.atomic():
        # At noon in the middle of the district's day, so that no event is near the edge of a held one.
        at = {age: (LIMIT - timedelta(days=age)).replace(hour=18, minute=30) for age in stored}
        store(domain, *at.values())
        for age, days in held:
            last = (LIMIT - timedelta(days=age)).replace(hour=18)
            hold(last - timedelta(days=days), last)
        retain()
        stays = {age for age in stored if at[age] > LIMIT or any(one <= age <= one + more for one, more in held)}
        assert set(MailgunEvent.objects.values_list("occurred_at", flat=True)) == {at[age] for age in stays}
        transaction.set_rollback(True)
