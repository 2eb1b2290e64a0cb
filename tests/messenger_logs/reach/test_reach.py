"""Whom a message reached: one case of each rule."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from messenger_logs.choices import Mode
from messenger_logs.languages import language_name, normalized_language
from messenger_logs.models import PersonReach, ReachTotals
from messenger_logs.services.intake import add_message, add_recipients
from messenger_logs.services.reach import settle_reach
from messenger_logs.services.repair import repair_messages
from messenger_logs.services.totals import recount
from messenger_logs.totals import totals_of
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient

pytestmark = pytest.mark.django_db

AT = datetime(2026, 11, 20, 16, 0, tzinfo=UTC)
LATER = AT + timedelta(minutes=5)


def email(**fields: Any) -> dict[str, Any]:
    return {"mode": "email", **fields}


@pytest.mark.parametrize(
    ("devices", "reach"),
    [
        ([{"mode": "inbox", "status": "sent"}], "reached"),
        ([{"mode": "inbox", "status": "failed"}], "not_reached"),
        ([email(status="sent")], "unconfirmed"),
        ([email(status="sent", email_outcome="accepted")], "unconfirmed"),
        ([email(status="sent", email_outcome="failed-temporary")], "unconfirmed"),
        ([email(status="sent", email_outcome="delivered")], "reached"),
        ([email(status="sent", email_outcome="complained")], "reached"),
        ([email(status="sent", email_outcome="failed-permanent")], "not_reached"),
        ([email(status="sent", email_outcome="suppressed")], "not_reached"),
        ([email(status="no_call_status")], "not_reached"),
        # We lost the provider's answer; its own word is better.
        ([email(status="no_call_status", email_outcome="delivered")], "reached"),
        ([email(status="opt_out")], "not_reached"),
        ([email(status="waiting")], "not_reached"),
        ([email(status="canceled")], "canceled"),
        ([email(address="")], "no_device"),
        ([], "no_device"),
        ([{"mode": "voice", "status": "confirmed"}], "reached"),
        ([{"mode": "voice", "status": "busy"}], "not_reached"),
        ([{"mode": "voice", "status": "busy", "reached_earlier": True}], "reached"),
        ([{"mode": "voice", "status": "vendor_received"}], "not_reached"),
        ([{"mode": "text", "status": "vendor_received"}], "unconfirmed"),
        ([{"mode": "text", "status": "sent"}], "reached"),
        ([{"mode": "text", "status": "undelivered"}], "not_reached"),
        # The best device decides.
        ([email(status="sent"), {"mode": "voice", "status": "confirmed"}], "reached"),
        ([email(status="sent"), {"mode": "voice", "status": "busy"}], "unconfirmed"),
        ([email(status="canceled"), {"mode": "voice", "status": "busy"}], "not_reached"),
        ([email(status="canceled"), {"mode": "voice", "address": ""}], "canceled"),
        ([email(address=""), {"mode": "text", "status": "opt_out"}], "not_reached"),
    ],
)
def test_a_person_is_what_the_best_device_says(devices: list[dict[str, Any]], reach: str) -> None:
    message = make_message(modes=list(Mode))
    parent = make_recipient(message)
    for device in devices:
        make_delivery(parent, **device)
    recount(message_id=message.pk)

    person = PersonReach.objects.get(recipient=parent)
    assert person.reach == reach
    without = {mode.value for mode in Mode} - {device["mode"] for device in devices}
    assert {getattr(person, mode) for mode in without} <= {"no_device"}
    assert totals_of(message).people.by_kind[reach] == 1


def test_a_mode_that_the_message_does_not_use_has_no_people() -> None:
    message = make_message(modes=["email"])
    make_delivery(make_recipient(message))
    recount(message_id=message.pk)
    assert {row.mode for row in ReachTotals.objects.filter(message=message)} == {"", "email"}


def test_a_person_of_two_students_is_one_and_is_of_the_school_of_the_counted_row() -> None:
    message = make_message(modes=["voice"])
    first = make_recipient(message, person_id="7", language="es")
    second = make_recipient(message, person_id="7", student_school=message.school)
    make_delivery(first, mode="voice", status="busy")
    make_delivery(second, mode="voice", status="confirmed", address="+16125550199", last_attempt_at=AT)
    recount(message_id=message.pk)

    person = PersonReach.objects.get()
    assert (person.recipient, person.reach, person.reached_at) == (first, "reached", AT)
    assert (person.school, person.language) == (message.school, "es")


def test_the_person_of_a_duplicate_is_reached_where_the_shared_device_was() -> None:
    message = make_message(modes=["email"])
    mother, father = make_recipient(message), make_recipient(message)
    shared = make_delivery(mother, address="home@example.com")
    copy = make_delivery(father, address="home@example.com", status="duplicate")
    assert copy.duplicate
    recount(message_id=message.pk)
    assert totals_of(message).people.unconfirmed == 2

    message.deliveries.filter(pk=shared.pk).update(email_outcome="delivered", email_outcome_at=LATER)
    settle_reach(message_id=message.pk, deliveries=[shared.pk])
    assert totals_of(message).people.reached == 2
    assert {row.reached_at for row in PersonReach.objects.filter(message=message)} == {LATER}


def test_a_message_from_before_people_were_counted_is_counted_by_its_next_change_and_by_recount() -> None:
    changed, repaired = make_message(), make_message()
    deliveries = [make_delivery(make_recipient(message)) for message in (changed, repaired) for _ in range(2)]
    for message in (changed, repaired):
        recount(message_id=message.pk)
    PersonReach.objects.all().delete()
    ReachTotals.objects.all().delete()
    assert totals_of(changed).people is None

    settle_reach(message_id=changed.pk, deliveries=[deliveries[0].pk])
    repair_messages(message_ids=[repaired.pk])
    for message in (changed, repaired):
        assert totals_of(message).people.unconfirmed == 2


def test_recipients_take_a_language_and_the_school_of_the_student() -> None:
    device = {"mode": "email", "address": "mai@example.com", "status": "Sent"}
    person = {"person_id": 7, "name": "Vang, Pa", "student_name": "Vang, Mai", "devices": [device]}
    given = {
        "external_id": "x",
        "engine": "classic",
        "message_type": "Message Builder",
        "sender_name": "Office",
        "created_at": "2026-11-20T10:00:00-06:00",
        "modes": ["email"],
        "recipients": [person | {"language": "ES_mx", "student_school": "New School"}],
    }
    message_id = add_message(given).message_id
    row = PersonReach.objects.select_related("school", "recipient__student_school").get(message=message_id)
    assert (row.language, row.school.name, row.recipient.student_school) == ("es-MX", "New School", row.school)

    other = person | {"person_id": 8, "language": "hmong", "student_school": "Another School", "devices": []}
    add_recipients(row.message, [other, person | {"language": "fr"}])
    assert {(one.language, one.school.name, one.reach) for one in PersonReach.objects.filter(message=message_id)} == {
        ("es-MX", "New School", "unconfirmed"),
        ("Hmong", "Another School", "no_device"),
    }, "a recipient that is here stays as it is"


@pytest.mark.parametrize(
    ("given", "stored", "shown"),
    [
        ("es", "es", "Spanish"),
        ("ES_mx", "es-MX", "Spanish (es-MX)"),
        ("ZH-hans-cn", "zh-Hans-CN", "Chinese (zh-Hans-CN)"),
        ("HMN", "hmn", "Hmong"),
        ("so", "so", "Somali"),
        ("qaa", "qaa", "qaa"),
        ("SPANISH", "Spanish", "Spanish"),
        ("  haitian   creole ", "Haitian Creole", "Haitian Creole"),
        ("Other (see note)", "Other (see note)", "Other (see note)"),
        ("español", "Español", "Español"),
        ("", "", ""),
    ],
)
def test_a_language_is_a_tag_or_a_name(given: str, stored: str, shown: str) -> None:
    assert normalized_language(given) == stored
    assert normalized_language(stored) == stored
    assert language_name(stored) == shown
