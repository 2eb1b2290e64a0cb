"""Whatever happens to a message: the kept people are those that plain Python counts, and each figure lists them."""

from collections import Counter
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from listings.filters import as_query
from messenger_logs.choices import Mode, Reach
from messenger_logs.models import Delivery, PersonReach, ReachTotals, Recipient, SentMessage
from messenger_logs.querysets import FINAL_OUTCOME
from messenger_logs.reach import people_in_parts, people_of_many, reached_times
from messenger_logs.reach_figures import UNKNOWN
from messenger_logs.services.cancel import cancel_message
from messenger_logs.services.complete_cancel import complete_cancel
from messenger_logs.services.reach import settle_reach
from messenger_logs.services.status_reports import report_statuses
from messenger_logs.services.totals import lock_totals, recount
from messenger_logs.totals import totals_of
from tests.examples import examples
from tests.messenger_logs.factories import make_school
from tests.messenger_logs.reach import plain
from tests.messenger_logs.totals.random_messages import START, RandomMessage
from web.listings.recipients import RecipientFilters

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

EMAIL_OUTCOMES = [
    "accepted",
    "delivered",
    "failed-temporary",
    "failed-permanent",
    "suppressed",
    "rejected",
    "complained",
]


class Story:
    """A message, and the things that may happen to it."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.source = RandomMessage(random)
        self.message = self.source.message
        schools = [None, make_school("North").pk, make_school("South").pk]
        if random.random() < 0.5:
            self.message.school = None
            self.message.save()
        for recipient in self.message.recipients.order_by("pk"):
            recipient.student_school_id = random.choice(schools)
            recipient.language = random.choice(["", "es", "Hmong"])
            recipient.save()
        recount(message_id=self.message.pk)

    def go_on(self) -> None:
        self.random.choice([self.report, self.report, self.say_outcome, self.say_outcome, self.cancel, self.recount])()

    def report(self) -> None:
        reports = self.source.reports(self.random.randint(1, 8))
        assert report_statuses(message_id=self.message.pk, reports=reports).refused == []

    def say_outcome(self) -> None:
        """As the sync of the provider's events does it: all rows of an address, and one of them is named."""
        emails = self.message.deliveries.filter(mode=Mode.EMAIL).exclude(address="")
        if counted := list(emails.filter(duplicate=False).order_by("pk")):
            first = self.random.choice(counted)
            lock_totals(message_id=self.message.pk)
            at = START + timedelta(minutes=self.random.randint(0, 60))
            outcome = self.random.choice(EMAIL_OUTCOMES)
            emails.filter(address=first.address).update(email_outcome=outcome, email_outcome_at=at)
            settle_reach(message_id=self.message.pk, deliveries=[first.pk])

    def cancel(self) -> None:
        by, _ = User.objects.get_or_create(username="stopper")
        cancel_message(message_id=self.message.pk, by=by)
        complete_cancel(message_id=self.message.pk, batch=3)

    def recount(self) -> None:
        recount(message_id=self.message.pk)


def kept_counts(message: SentMessage) -> plain.Counts:
    rows = ReachTotals.objects.filter(message=message)
    counts = {
        (row.school_id, row.language, row.mode): Counter({kind.value: getattr(row, kind) for kind in Reach})
        for row in rows
    }
    return {key: +count for key, count in counts.items() if +count}


def kept_people(message: SentMessage) -> dict[str, dict[str, Any]]:
    return {
        row.recipient.person_id: {
            "school": row.school_id,
            "language": row.language,
            "": row.reach,
            **{mode: getattr(row, mode) for mode in message.modes},
            "at": row.reached_at,
        }
        for row in PersonReach.objects.filter(message=message).select_related("recipient")
    }


def check(message: SentMessage) -> None:
    assert kept_people(message) == plain.people(message)
    assert kept_counts(message) == plain.counts(message)
    recipients = len({recipient.person_id for recipient in message.recipients.all()})
    totals = totals_of(message)
    assert totals.people is not None
    assert totals.people.total == totals.recipients == recipients
    assert totals.people.no_device == totals.no_device
    parts = people_in_parts(message.pk)
    assert list(parts.by_mode) == list(Mode)
    assert {people.total for people in parts.by_mode.values()} == {recipients}
    assert sum(one.people.total for one in parts.by_school) == recipients


@examples(40)
@given(random=st.randoms(use_true_random=False), steps=st.integers(0, 12))
def test_the_five_kinds_are_what_plain_python_counts_whatever_happens(random: Random, steps: int) -> None:
    story = Story(random)
    check(story.message)
    for _ in range(steps):
        story.go_on()
        check(story.message)

    before = kept_people(story.message)
    story.recount()
    assert kept_people(story.message) == before
    check(story.message)


@examples(10)
@given(random=st.randoms(use_true_random=False))
def test_each_figure_lists_as_many_people_as_it_says(random: Random) -> None:
    story = Story(random)
    for _ in range(5):
        story.go_on()
    message = story.message
    figures = {(kind.value, ""): number for kind, number in people_of_many([message.pk])[message.pk].by_kind.items()}
    parts = people_in_parts(message.pk)
    for mode, people in parts.by_mode.items():
        figures |= {(f"{mode.value}-{kind.value}", ""): number for kind, number in people.by_kind.items()}
    for one in parts.by_school:
        figures |= {(kind.value, one.name or UNKNOWN): number for kind, number in one.people.by_kind.items()}
    # Each list takes a while, so each message shows some of its figures.
    for reach, school in random.sample(sorted(figures), 8):
        filters = {"reach": reach} | ({"school": school} if school else {})
        assert listed(message, **filters) == figures[reach, school], (reach, school)


def listed(message: SentMessage, **filters: str) -> int:
    deliveries = Delivery.objects.filter(message=message).annotate(final_outcome=FINAL_OUTCOME)
    found = RecipientFilters(as_query(filters), queryset=deliveries, user=None)
    assert not found.error_messages
    people = list(found.qs.values_list("recipient__person_id", flat=True))
    assert len(people) == len(set(people)), "each person has one row"
    return len(people)


@examples(20)
@given(minutes=st.lists(st.none() | st.integers(0, 500), min_size=1, max_size=120))
def test_a_part_of_the_people_was_reached_when_so_many_of_all_were(minutes: list[int | None]) -> None:
    message = RandomMessage(Random(1)).message
    PersonReach.objects.filter(message=message).delete()
    people = Recipient.objects.bulk_create(
        Recipient(message=message, person_id=f"of-all-{place}", name="Parent", counted=True)
        for place in range(len(minutes))
    )
    PersonReach.objects.bulk_create(
        PersonReach(
            recipient=recipient,
            message=message,
            reach=Reach.NOT_REACHED if minute is None else Reach.REACHED,
            reached_at=None if minute is None else START + timedelta(minutes=minute),
        )
        for recipient, minute in zip(people, minutes, strict=True)
    )

    times = sorted(minute for minute in minutes if minute is not None)
    expected = {}
    for percent in (50, 90, 99):
        enough = [minute for minute in times if 100 * sum(one <= minute for one in times) >= percent * len(minutes)]
        if enough:
            expected[percent] = START + timedelta(minutes=enough[0])
    assert reached_times(message.pk) == expected
