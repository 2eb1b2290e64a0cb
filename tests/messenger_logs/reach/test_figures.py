"""The figures of many messages: from the kept totals, and equal to a count of the people."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from messenger_logs.choices import Mode, Reach
from messenger_logs.drills import compare, drill_before
from messenger_logs.models import PersonReach, ReachTotals, SentMessage
from messenger_logs.reach import People
from messenger_logs.reach_figures import UNKNOWN, Dimension, Which, all_of, breakdown, read_people, with_people
from messenger_logs.services.reach import recount_reach
from tests.examples import examples
from tests.messenger_logs.factories import make_message
from tests.messenger_logs.reach.people import BUSY, LEFT, REACHED, counted, person, snow_day

pytestmark = pytest.mark.django_db

DEVICES = [REACHED, BUSY, LEFT]


def some_messages(random: Random) -> list[SentMessage]:
    schools = ["", "North", "South"]
    messages = []
    for number in range(random.randint(1, 4)):
        at = datetime(2026, 11, 2, 3, tzinfo=UTC) + timedelta(days=random.randint(0, 20))
        kind = random.choice(["Attendance", "Behavior"])
        message = make_message(message_type=kind, created_at=at, school=None, modes=["email", "voice"])
        for each in range(random.randint(0, 4)):
            devices = random.sample(DEVICES, random.randint(0, 2))
            language = random.choice(["", "es", "hmn"])
            person(message, f"P{number}{each}", *devices[:1], school=random.choice(schools), language=language)
        messages.append(counted(message))
    return messages


def group_of(row: PersonReach, by: Dimension) -> Any:
    message = row.message
    monday = timezone.localtime(message.scheduled_at).date()
    return {
        Dimension.SCHOOL: row.school.name if row.school else None,
        Dimension.TYPE: message.message_type,
        Dimension.LANGUAGE: row.language,
        Dimension.WEEK: monday - timedelta(days=monday.weekday()),
    }[by]


@pytest.mark.slow
@examples(30)
@given(random=st.randoms(use_true_random=False), by=st.sampled_from(Dimension), school=st.sampled_from(["", UNKNOWN]))
def test_groups_count_what_the_people_are(random: Random, by: Dimension, school: str) -> None:
    messages = SentMessage.objects.filter(pk__in=[message.pk for message in some_messages(random)])
    people = PersonReach.objects.filter(message__in=messages).select_related("message", "school")
    people = people.filter(school=None) if school else people
    expected: dict[Any, dict[str, Counter[str]]] = {}
    for row in people:
        modes = expected.setdefault(group_of(row, by), {mode: Counter() for mode in ("", *Mode)})
        for mode in ("", *Mode):
            modes[mode][getattr(row, mode or "reach")] += 1

    found = breakdown(messages, by, Which(school=school))
    values = {group.value.date() if by is Dimension.WEEK else group.value: group for group in found}
    assert values.keys() == expected.keys()
    for value, group in values.items():
        for mode in ("", "email", "voice"):
            assert group.by(mode).by_kind == {kind: expected[value][mode][kind] for kind in Reach}
    assert all_of(found).people.total == len(people)


def test_a_message_has_its_people_for_a_school_a_language_and_a_mode() -> None:
    message = snow_day()

    def of(**which: str) -> People | None:
        found = with_people(SentMessage.objects.filter(pk=message.pk), Which(**which)).first()
        return read_people(found) if found else None

    assert of() == People(reached=1, unconfirmed=1, not_reached=2, canceled=1, no_device=1)
    assert of(school="South") == People(not_reached=2)
    assert of(language="es") == People(reached=1, not_reached=1)
    assert of(mode="voice", language="es") == People(reached=1, not_reached=1)
    assert of(school=UNKNOWN) == People(canceled=1)
    assert of(language="fr") is None
    make_message()
    assert with_people(SentMessage.objects.all()).count() == 2, "a message without people has none, and is listed"


def test_a_canceled_person_is_no_failure() -> None:
    assert People(reached=3, canceled=5, not_reached=1).percent_reached == 75
    assert People(canceled=5).percent_reached is None
    assert People(reached=199, not_reached=1).percent_reached == 99


def test_the_figures_are_read_from_the_totals_alone() -> None:
    message = snow_day()
    PersonReach.objects.filter(message=message).delete()
    [group] = breakdown(SentMessage.objects.all(), Dimension.TYPE)
    assert group.people.total == 6
    ReachTotals.objects.all().delete()
    assert breakdown(SentMessage.objects.all(), Dimension.TYPE) == []
    recount_reach(message_ids=[message.pk])
    assert breakdown(SentMessage.objects.all(), Dimension.TYPE) == [group]


def test_a_drill_stands_beside_the_one_before_it_school_by_school() -> None:
    now = timezone.now()
    first, second = (snow_day(drill=True, created_at=now - timedelta(days=days)) for days in (30, 2))
    person(second, "New, N", REACHED, school="South")
    counted(second)
    drills = SentMessage.objects.all()
    make_message(created_at=now - timedelta(days=1))
    assert drill_before(second, drills) == first
    assert drill_before(first, drills) is None

    found = compare(second, first)
    lines = [(line.label, line.before.percent_reached, line.now.percent_reached, line.change) for line in found.lines]
    assert lines == [
        ("North", 33, 33, 0),
        ("South", 0, 33, 33),
        ("School not known", None, None, None),
        ("All", 20, 33, 13),
    ]
    assert compare(first, None).total.change is None


def test_of_two_drills_of_one_moment_the_first_is_the_one_before() -> None:
    now = timezone.now()
    first, second = (make_message(drill=True, created_at=now) for _ in range(2))
    assert drill_before(second, SentMessage.objects.all()) == first
    assert drill_before(first, SentMessage.objects.all()) is None
