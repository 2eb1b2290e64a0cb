"""The people of a message with their students, devices and reasons."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from messenger_logs.choices import Reach
from messenger_logs.models import Delivery, PersonReach, SentMessage
from messenger_logs.unreached import (
    devices_of,
    earlier_numbers_of,
    numbers_of,
    people_with,
    students_of,
    with_details,
    with_earlier_numbers,
)
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient
from tests.messenger_logs.reach.people import BOUNCED, BUSY, LEFT, REACHED, counted, person, snow_day

pytestmark = pytest.mark.django_db


def details(message: SentMessage, name: str) -> PersonReach:
    return with_details(PersonReach.objects.filter(message=message)).get(recipient__name=name)


def test_the_unreached_are_those_not_reached_and_those_without_a_device_by_school_and_student() -> None:
    message = snow_day()
    people = people_with().filter(message=message).order_by("filed_under")
    assert [row.recipient.name for row in people] == ["Nothing, N", "Bounced, A", "Busy, B"]
    by_email = people_with([Reach.NOT_REACHED], mode="email").filter(message=message)
    assert {row.recipient.name for row in by_email} == {"Bounced, A", "Busy, B"}


def test_each_device_says_why() -> None:
    message = make_message(modes=["email", "voice", "text"])
    parent = make_recipient(message, name="Vang, Pa")
    make_delivery(parent, mode="voice", status="busy", address="+16125550100")
    make_delivery(parent, mode="text", status="undelivered", address="+16125550100")
    make_delivery(parent, mode="email", address="")
    counted(message)
    assert [str(one) for one in devices_of(details(message, "Vang, Pa"))] == [
        "Email: No e-mail address on record for such messages.",
        "Voice (612) 555-0100: The line was busy.",
        "Text (612) 555-0100: The carrier could not bring the text to the phone; it may be a landline.",
    ]
    assert numbers_of(details(message, "Vang, Pa")) == ["(612) 555-0100"]


@pytest.mark.parametrize(
    ("device", "why"),
    [
        ({"mode": "text", "status": "waiting"}, "Delivery to this device has not begun."),
        (LEFT, "Handed over: to the inbox, the e-mail provider, or the phone carrier."),
        (REACHED, "Someone answered and pressed 0 to confirm."),
    ],
)
def test_a_device_without_a_reason_says_what_its_status_means(device: dict[str, str], why: str) -> None:
    message = make_message(modes=["email", "voice", "text"])
    person(message, "Vang, Pa", device)
    [found] = devices_of(details(counted(message), "Vang, Pa"))
    assert found.why == why


def test_a_person_of_two_students_is_one_with_both_and_each_device_once() -> None:
    message = make_message(modes=["email", "voice"])
    first = make_recipient(message, person_id="7", name="Vang, Pa", student_name="Vang, Mai", student_number="4711")
    second = make_recipient(message, person_id="7", name="Vang, Pa", student_name="Vang, Tou")
    for recipient in (first, second):
        make_delivery(recipient, **BUSY, address="+16125550100")
    make_delivery(second, **BOUNCED, address="pa@example.com")
    row = details(counted(message), "Vang, Pa")
    assert students_of(row) == ["Vang, Mai (4711)", "Vang, Tou"]
    assert [(one.mode, one.device) for one in devices_of(row)] == [
        ("email", "pa@example.com"),
        ("voice", "(612) 555-0100"),
    ]


def test_numbers_of_earlier_messages_come_from_those_that_are_given_the_newest_first() -> None:
    now = timezone.now()
    old, hidden, message = (
        make_message(modes=["email", "voice"], created_at=now - timedelta(days=d)) for d in (9, 5, 1)
    )
    for earlier, number in ((old, "+16125550101"), (hidden, "+16125550102")):
        person(earlier, "Vang, Pa", BUSY | {"address": number}, person_id="7")
    person(message, "Vang, Pa", BOUNCED, person_id="7")
    counted(message)

    shown = Delivery.objects.filter(message=old)
    [row] = with_earlier_numbers(with_details(people_with().filter(message=message)), shown)
    assert earlier_numbers_of(row) == ["(612) 555-0101"]
    [row] = with_earlier_numbers(with_details(people_with().filter(message=message)), Delivery.objects.all())
    assert earlier_numbers_of(row) == ["(612) 555-0102", "(612) 555-0101"]


def test_the_order_follows_a_school_and_a_name_that_are_counted_again() -> None:
    message = make_message(modes=["email"])
    last = person(message, "Young, Y", BOUNCED, school="A school")
    person(message, "Adams, A", BOUNCED, school="B school")
    people = people_with().filter(message=counted(message)).order_by("filed_under")
    assert people[0].recipient == last
    last.student_school = None
    last.student_name = "Åberg"
    last.save()
    people = people_with().filter(message=counted(message)).order_by("filed_under")
    assert [row.filed_under.split("\n")[:2] for row in people] == [
        ["B SCHOOL", "ADAMS, A'S CHILD"],
        ["HARRISON HIGH", "ABERG"],
    ]
