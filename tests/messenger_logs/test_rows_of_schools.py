"""Whatever hangs on messages is shown and counted as a filter in plain Python has it, for any schools of a right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import timedelta
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import given

from accounts.models import User
from accounts.scopes import Scope
from accounts.tools import Right, Tool
from messenger_logs import migrations
from messenger_logs.choices import Mode
from messenger_logs.dashboard import dashboard_of
from messenger_logs.drills import compare
from messenger_logs.models import (
    ContactPerson,
    ContactToFix,
    Delivery,
    PersonReach,
    Recipient,
    Reply,
    ReplyPerson,
    SentMessage,
)
from messenger_logs.reach import People, people_of_many
from messenger_logs.reach_figures import Dimension, Which, breakdown, read_people, with_people
from messenger_logs.services.consents import record_consent
from messenger_logs.services.replies import record_reply
from messenger_logs.unreached import devices_of, students_of, with_details
from tests.examples import examples
from tests.messenger_logs.districts import (
    NAMES,
    address_of,
    districts,
    hold_for,
    make_district,
    school_of,
    scope_of,
    scopes,
    seen,
)
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient, make_school

pytestmark = pytest.mark.django_db

MakeUser = Callable[..., User]
Drawn = list[dict[str, Any]]
CONTACTS, OWN_CONTACTS = Tool.ADMIN_CONTACTS_TO_FIX, Tool.CONTACTS_TO_FIX
READ_AND_WRITE = [(tool, right) for tool in (CONTACTS, OWN_CONTACTS) for right in (Right.READ, Right.WRITE)]


@pytest.fixture
def principal(make_user: MakeUser) -> User:
    tools = [Tool.REPLIES, Tool.ADMIN_SENT_MESSAGE_LOG, Tool.SENT_MESSAGE_LOG]
    return make_user(*READ_AND_WRITE, *tools, username="principal")


def failing(school: str, place: int) -> dict[str, Any]:
    """A message of a school, with a number that fails for good."""
    usual = {"own": False, "days": 0, "drill": False, "language": ""}
    return {"school": school, "recipients": [(place, place, None, [(3, place)])], **usual}


def everything() -> list[Recipient]:
    return list(Recipient.objects.select_related("message").prefetch_related("deliveries"))


# Contacts to fix


@pytest.mark.slow
@examples(40)
@given(drawn=districts, names=scopes)
def test_contacts_are_shown_for_the_people_of_the_schools(
    principal: User, drawn: Drawn, names: frozenset[str] | None
) -> None:
    make_district(drawn, principal)
    user, scope = hold_for(principal, names), scope_of(names)
    behind: dict[int, set[tuple[Any, ...]]] = {pk: set() for pk in ContactToFix.objects.values_list("pk", flat=True)}
    own = set()
    for contact in ContactToFix.objects.all():
        for one in everything():
            if any((row.mode, row.address) == (contact.mode, contact.address) for row in one.deliveries.all()):
                own |= {contact.pk} if one.message.sender_id == user.pk else set()
                if seen(school_of(one), scope):
                    behind[contact.pk].add((one.person_id, one.student_name, school_of(one)))

    expected = {pk for pk, people in behind.items() if people or scope.everything}
    shown = ContactToFix.objects.visible_to(user, CONTACTS)
    assert {contact.pk for contact in shown} == expected
    assert {contact.pk for contact in ContactToFix.objects.changeable_by(user, CONTACTS)} == expected
    people = ContactPerson.objects.visible_to(user, CONTACTS).values_list(
        "contact", "person_id", "student_name", "school"
    )
    assert set(people) == {(pk, *person) for pk, found in behind.items() for person in found}
    assert {contact.pk for contact in ContactToFix.objects.visible_to(user, OWN_CONTACTS)} == own


def test_the_right_to_change_may_be_for_fewer_schools_than_the_right_to_read(make_user: MakeUser) -> None:
    user = make_user(CONTACTS)
    writers = make_user((CONTACTS, Right.WRITE))
    hold_for(writers, frozenset({"North"}))
    user.groups.add(*writers.groups.all())
    make_district([failing("North", 0), failing("South", 1)], writers)
    user = User.objects.get(pk=user.pk)

    assert ContactToFix.objects.visible_to(user, CONTACTS).count() == 2
    assert [one.address for one in ContactToFix.objects.changeable_by(user, CONTACTS)] == [address_of(Mode.VOICE, 0)]
    assert not ContactToFix.objects.changeable_by(user, OWN_CONTACTS)


# Replies


def newest_with_a_school(number: str) -> dict[str, tuple[int, set[int]]]:
    """For each person with the number: the newest message that names a school of theirs, and the schools there."""
    found: dict[str, tuple[int, set[int]]] = {}
    for one in everything():
        has_it = any(row.mode in (Mode.VOICE, Mode.TEXT) and row.address == number for row in one.deliveries.all())
        school = school_of(one)
        if has_it and school:
            newest, schools = found.get(one.person_id, (0, set()))
            if one.message_id >= newest:
                schools = schools | {school} if one.message_id == newest else {school}
                found[one.person_id] = (one.message_id, schools)
    return found


@pytest.mark.slow
@examples(40)
@given(drawn=districts, names=scopes)
def test_replies_are_of_the_schools_of_those_with_the_number(
    principal: User, drawn: Drawn, names: frozenset[str] | None
) -> None:
    make_district(drawn, principal)
    user, scope = hold_for(principal, names), scope_of(names)
    expected = {}
    for place in range(4):
        number = address_of(Mode.TEXT, place)
        reply = record_reply(number=number, text=str(place), at=timezone.now(), taken_as="", raw="{}")
        schools = newest_with_a_school(number)
        people = sorted(person for person, (_, of) in schools.items() if any(seen(one, scope) for one in of))
        if scope.everything:
            expected[reply.pk] = (reply.name, reply.person_id)
        elif people:
            named = "; ".join(f"Parent {person.removeprefix('person')}" for person in people)
            expected[reply.pk] = (named, people[0] if len(people) == 1 else "")

    found = Reply.objects.visible_to(user, Tool.REPLIES).with_people(scope)
    assert {reply.pk: (reply.people_named, reply.person_named) for reply in found} == expected


def test_replies_of_before_get_the_same_people() -> None:
    number = "+16125550143"
    for name, days in (("North", 9), ("South", 2)):
        at = timezone.now() - timedelta(days=days)
        parent = make_recipient(make_message(school=name, created_at=at), person_id="parent", name=f"Of {name}")
        make_delivery(parent, mode=Mode.TEXT, address=number)
        make_delivery(parent, mode=Mode.VOICE, address=number)
    kept = record_reply(number=number, text="", at=timezone.now(), taken_as="", raw="{}")
    before = Reply.objects.create(number=number, received_at=timezone.now())
    [migration] = [one for one in iter_modules(migrations.__path__) if one.name.endswith("_people_of_replies")]
    ReplyPerson.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute(import_module(f"{migrations.__name__}.{migration.name}").FILL)
    people = ReplyPerson.objects.order_by("reply").values_list("reply", "school__name", "person_id", "name")
    assert list(people) == [(reply.pk, "South", "parent", "Of South") for reply in (kept, before)]


def test_a_stop_belongs_to_the_school_of_the_family_too() -> None:
    parent = make_recipient(make_message(school=None), student_school=make_school("North"))
    make_delivery(parent, mode=Mode.TEXT, address="+16125550143")
    record_consent(number="+16125550143", opted_out=True, at=timezone.now(), raw="{}")
    stop = SentMessage.objects.latest("pk")
    assert [one.school_id for one in stop.recipients.all()] == [make_school("North").pk]


# Reach


def counts(people: Iterable[PersonReach], mode: str = "") -> People:
    kinds = Counter(getattr(one, mode or "reach") for one in people)
    return People(**{kind: number for kind, number in kinds.items() if kind})


@pytest.mark.slow
@examples(40)
@given(drawn=districts, names=scopes)
def test_figures_of_people_count_those_of_the_schools(
    principal: User, drawn: Drawn, names: frozenset[str] | None
) -> None:
    messages, scope = make_district(drawn, principal), scope_of(names)
    ids, which = [message.pk for message in messages], Which(scope=scope)
    of_schools = [one for one in PersonReach.objects.filter(message__in=ids) if seen(one.school_id, scope)]

    assert {one.pk for one in PersonReach.objects.in_scope(scope)} == {one.pk for one in of_schools}
    by_message = {pk: counts(one for one in of_schools if one.message_id == pk) for pk in ids}
    assert people_of_many(ids, scope) == {pk: people for pk, people in by_message.items() if people.total}
    listed = with_people(SentMessage.objects.filter(pk__in=ids), which)
    assert {message.pk: read_people(message) for message in listed} == by_message

    for by in Dimension:
        groups = breakdown(SentMessage.objects.filter(pk__in=ids), by, which)
        for mode in ("", *Mode.values):
            assert sum((group.by(mode) for group in groups), People()) == counts(of_schools, mode)
    schools = breakdown(SentMessage.objects.filter(pk__in=ids), Dimension.SCHOOL, which)
    assert {group.value for group in schools} == {one.school.name if one.school else None for one in of_schools}

    compared = compare(messages[-1], messages[0], scope)
    assert compared.total.now == by_message[ids[-1]]
    assert compared.total.before == by_message[ids[0]]
    assert {line.label for line in compared.schools} <= ({*NAMES, "School not known"} if names is None else {*names})


@pytest.mark.slow
@examples(40)
@given(drawn=districts, names=scopes)
def test_people_show_the_students_and_devices_of_the_schools(
    principal: User, drawn: Drawn, names: frozenset[str] | None
) -> None:
    make_district(drawn, principal)
    scope = scope_of(names)
    rows = everything()
    for person in with_details(PersonReach.objects.in_scope(scope), scope):
        own = [one for one in rows if one.message_id == person.message_id and seen(school_of(one), scope)]
        own = [one for one in own if one.person_id == person.recipient.person_id]
        assert set(students_of(person)) == {one.student_name for one in own}
        listed = {(row.mode, row.address) for one in own for row in one.deliveries.all()}
        assert len(devices_of(person)) == len(listed)


# Home


@pytest.mark.slow
@examples(40)
@given(drawn=districts, names=scopes)
def test_home_counts_own_messages_whole_and_of_others_the_rows_of_the_schools(
    principal: User, drawn: Drawn, names: frozenset[str] | None
) -> None:
    make_district(drawn, principal)
    user, scope = hold_for(principal, names), scope_of(names)
    messages = SentMessage.objects.in_logs_of(user)
    rows = [
        row
        for row in Delivery.objects.filter(message__in=messages).select_related("message", "recipient__message")
        if row.message.sender_id == user.pk or seen(school_of(row.recipient), scope)
    ]
    counted = [row for row in rows if not row.duplicate and row.status != "no_device"]
    tried = [row for row in counted if row.outcome not in ("canceled", "not_attempted")]
    refused = [row for row in counted if row.status == "sent" and row.email_outcome == "failed-permanent"]
    people = [
        one
        for one in PersonReach.objects.filter(message__in=messages).select_related("message")
        if one.message.sender_id == user.pk or seen(one.school_id, scope)
    ]

    found = dashboard_of(user)

    assert found.messages.total == messages.count()
    assert {mode.name: mode.total for mode in found.modes} == {
        mode.value: sum(row.mode == mode for row in tried) for mode in Mode
    }
    assert found.failures.total == sum(row.outcome == "error" for row in counted) + len(refused)
    everybody = found.everybody
    assert (everybody.total, everybody.reached) == (len(people), counts(people).reached)
    assert everybody.unreached == counts(people).unreached
    assert found.emails["failed"] == len(refused)
    assert found.emails["delivered"] == sum(row.email_outcome == "delivered" for row in counted)
    for series in found.series:
        assert sum(series.counts.values()) == series.total
    assert found.of_schools == (bool(names))


def test_home_tells_the_days_of_schools_apart(principal: User) -> None:
    for days, school in ((1, "North"), (2, "South")):
        message = make_message(school=None, created_at=timezone.now() - timedelta(days=days))
        make_delivery(make_recipient(message, student_school=make_school(school)), status="failed")
    user = hold_for(principal, frozenset({"North"}))
    failed = dashboard_of(user).failures.counts
    assert {day: number for day, number in failed.items() if number} == {
        timezone.localdate() - timedelta(days=1): 1,
    }


def test_without_any_school_nothing_is_seen(principal: User) -> None:
    make_district([failing("North", 0)], User.objects.create(username="somebody"))
    user = hold_for(principal, frozenset())
    assert user.scope_of(CONTACTS) == Scope.of([])
    assert not ContactToFix.objects.visible_to(user, CONTACTS)
    assert dashboard_of(user).messages.total == 0
