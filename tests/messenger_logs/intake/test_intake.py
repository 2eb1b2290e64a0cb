"""One message from its dict to rows, and what it means."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts.models import User
from messenger_logs.choices import Mode
from messenger_logs.models import Calendar, Delivery, DeviceAttempt, Recipient, School, SentMessage
from messenger_logs.services.intake import add_message, add_recipients
from messenger_logs.totals import totals_of
from tests.messenger_logs.intake.conftest import device, message, only, recipient, rows

pytestmark = pytest.mark.django_db


# What a message holds


def test_a_message_keeps_every_field(make_user: Callable[..., User]) -> None:
    sender = make_user(username="dmatthews", first_name="Dexter", last_name="Matthews")
    given = message(
        sender="dmatthews",
        sender_name=None,
        school="Harrison High",
        calendars=[{"name": "2026-27 Harrison High", "school_year": "2026-27"}],
        scheduled_at="2026-11-21T08:00:00-06:00",
        listed_from="2026-11-21T07:00:00-06:00",
        email_start_at="2026-11-21T08:00:00Z",
        voice_start_at="2026-11-21T15:30:00+00:00",
        dispatch_started_at="2026-11-21T14:00:01Z",
        dispatch_finished_at="2026-11-21T14:20:00Z",
        schedule_id=77,
        modes=["voice", "email"],
        bodies={"email": "<p>Hello\n{{student.firstName}}</p>"},
        attachments=[{"name": "rules.pdf", "size": 48213}],
        criteria=[["Grade", "9"], ["Active students only", "Yes"]],
        reply_to="office@harrison.example",
        status="Error",
        drill=True,
    )

    taken = add_message(given)

    stored = only()
    assert stored.drill
    assert (taken.message_id, taken.created, taken.differs) == (stored.pk, True, ())
    assert (stored.external_id, stored.engine, stored.message_type) == ("one", "classic", "Behavior")
    assert (stored.subject, stored.schedule_id, stored.status) == ("Student Behavior", "77", "error")
    assert (stored.sender, stored.sender_name) == (sender, "Matthews, Dexter")
    assert stored.school == School.objects.get(name="Harrison High")
    assert list(stored.calendars.values_list("name", "school_year", "school__name")) == [
        ("2026-27 Harrison High", "2026-27", "Harrison High")
    ]
    assert stored.created_at == datetime(2026, 11, 20, 17, tzinfo=UTC)
    assert stored.scheduled_at == datetime(2026, 11, 21, 14, tzinfo=UTC)
    assert stored.listed_from == datetime(2026, 11, 21, 13, tzinfo=UTC)
    assert stored.email_start_at == datetime(2026, 11, 21, 8, tzinfo=UTC)
    assert stored.voice_start_at == datetime(2026, 11, 21, 15, 30, tzinfo=UTC)
    assert stored.dispatch_started_at == datetime(2026, 11, 21, 14, 0, 1, tzinfo=UTC)
    assert stored.dispatch_finished_at == datetime(2026, 11, 21, 14, 20, tzinfo=UTC)
    assert stored.modes == ["email", "voice"]
    assert stored.bodies == {"email": "<p>Hello\n{{student.firstName}}</p>"}
    assert stored.attachments == [{"name": "rules.pdf", "size": 48213}]
    assert stored.criteria == [["Grade", "9"], ["Active students only", "Yes"]]
    assert stored.reply_to == "office@harrison.example"


def test_without_other_times_a_message_is_due_and_listed_when_it_was_created() -> None:
    add_message(message())

    assert only().scheduled_at == only().listed_from == only().created_at


def test_a_sender_that_nobody_knows_stays_as_a_name_without_an_account() -> None:
    add_message(message("one", sender="long.gone", sender_name=""))
    add_message(message("two", sender="long.gone", sender_name="Gone, Long"))

    assert list(SentMessage.objects.order_by("pk").values_list("sender", "sender_name")) == [
        (None, "long.gone"),
        (None, "Gone, Long"),
    ]


def test_a_sender_is_found_in_any_case(make_user: Callable[..., User]) -> None:
    sender = make_user(username="DMatthews")

    add_message(message(sender="dmatthews"))

    assert only().sender == sender


def test_schools_and_calendars_are_made_once() -> None:
    calendars = [{"name": "2026-27", "school_year": "2026-27"}, {"name": "K", "school_year": "2026-27", "school": "B"}]

    add_message(message("one", school="A", calendars=calendars))
    add_message(message("two", school="A", calendars=calendars))

    assert list(School.objects.values_list("name", flat=True)) == ["A", "B"]
    assert Calendar.objects.count() == 2


def test_a_recipient_keeps_every_field() -> None:
    add_message(
        message(
            "one",
            recipient(
                "40211",
                name="Nguyễn,\tThị  Lan ",
                student_number=100482,
                student_name="Nguyễn, Minh",
                merge_fields={"student.firstName": 'Minh "M"\\N', "n": 3},
            ),
        )
    )

    stored = Recipient.objects.get()
    assert (stored.person_id, stored.name) == ("40211", "Nguyễn, Thị Lan")
    assert (stored.student_number, stored.student_name) == ("100482", "Nguyễn, Minh")
    assert stored.merge_fields == {"student.firstName": 'Minh "M"\\N', "n": "3"}
    assert stored.counted


@pytest.mark.parametrize("text", ["\\N", "\\.", '"', ",", "\\", "a\\tb", "'", "NULL", '""', "%s", "𝔘𝔫𝔦 🎒"])
def test_odd_texts_come_out_as_they_went_in(text: str) -> None:
    add_message(message("one", recipient(text, device(detail=text, provider_id=text), name=text), subject=text))

    assert only().subject == text
    assert list(Recipient.objects.values_list("person_id", "name", "student_name")) == [(text, text, "")]
    assert rows("detail", "provider_id", "email_reason", "code") == [(text, text, "", None)]


# What its devices came to


def test_a_device_keeps_its_attempts_and_is_what_the_last_one_was() -> None:
    attempts = [
        {"number": 2, "started_at": "2026-11-20T17:15:00Z", "ended_at": "2026-11-20T17:16:00Z", "code": 3},
        {"number": 1, "started_at": "2026-11-20T17:00:00Z", "code": 5, "provider_id": "call-1"},
    ]

    add_message(message("one", recipient("1", device("voice", "612 555 0143", attempts=attempts))))

    stored = Delivery.objects.get()
    assert (stored.address, stored.status, stored.detail) == ("+16125550143", "failed", "Connection error")
    assert (stored.outcome, stored.code, stored.attempt_count, stored.reached_earlier) == ("error", 3, 2, True)
    assert stored.first_attempt_at == datetime(2026, 11, 20, 17, 0, tzinfo=UTC)
    assert stored.last_attempt_at == datetime(2026, 11, 20, 17, 16, tzinfo=UTC)
    attempts = DeviceAttempt.objects.order_by("number").values_list(
        "number", "code", "status", "outcome", "provider_id"
    )
    assert list(attempts) == [(1, 5, "not_confirmed", "success", "call-1"), (2, 3, "failed", "error", "")]


@pytest.mark.parametrize(
    ("given", "status", "detail", "outcome"),
    [
        ({}, "waiting", "", "pending"),
        ({"status": "No-Answer"}, "no_answer", "", "not_reached"),
        ({"status": "no answer"}, "no_answer", "", "not_reached"),
        ({"status": "no_answer"}, "no_answer", "", "not_reached"),
        ({"status": "In-Progress"}, "in_progress", "", "pending"),
        ({"status": "Canceled"}, "canceled", "", "canceled"),
        ({"code": 6}, "not_confirmed", "Voicemail detected", "success"),
        ({"code": 7}, "not_confirmed", "Fax detected", "not_reached"),
        ({"code": 13}, "not_confirmed", "Answered - Unknown", "success"),
        ({"code": 8}, "not_confirmed", "Answered - Unknown", "not_reached"),
        ({"code": 5, "status": "Confirmed"}, "confirmed", "Live person detected", "success"),
        ({"code": -35, "status": "Canceled"}, "canceled", "", "canceled"),
        (
            {"status": "Not Confirmed", "detail": "Live person detected"},
            "not_confirmed",
            "Live person detected",
            "success",
        ),
        ({"status": "Not Confirmed", "detail": "Fax detected"}, "not_confirmed", "Fax detected", "not_reached"),
        ({"status": "Not Confirmed"}, "not_confirmed", "", "not_reached"),
        ({"code": 4711}, "no_call_status", "code 4711", "not_reached"),
        ({"code": -99}, "no_call_status", "code -99", "not_reached"),
    ],
)
def test_status_detail_and_outcome_follow_from_what_is_said(
    given: dict[str, Any], status: str, detail: str, outcome: str
) -> None:
    add_message(message("one", recipient("1", device("voice", **given))))

    assert rows("status", "detail", "outcome", "code") == [(status, detail, outcome, given.get("code"))]


def test_a_device_that_was_tried_has_an_attempt_even_where_none_is_listed() -> None:
    add_message(
        message(
            "one",
            recipient("1", device("email", "a@b.example", status="Sent", time="2026-11-20T17:00:00Z")),
            recipient("2", device("text", status="Opt Out")),
        )
    )

    assert rows("mode", "attempt_count") == [("email", 1), ("text", 0)]
    assert Delivery.objects.get(mode="email").last_attempt_at == datetime(2026, 11, 20, 17, tzinfo=UTC)


def test_without_a_status_the_message_comes_to_what_its_deliveries_came_to() -> None:
    add_message(message("sent", recipient("1", device("voice", code=5))))
    add_message(message("due", recipient("1", device("voice"))))
    add_message(message("nobody", recipient("1")))

    assert dict(SentMessage.objects.values_list("external_id", "status")) == {
        "sent": "sent",
        "due": "waiting",
        "nobody": "no_recipients",
    }


@pytest.mark.parametrize("said", ["Waiting", "In-Progress"])
@pytest.mark.parametrize(
    ("people", "status"),
    [
        ([], "no_recipients"),
        ([recipient("1")], "no_recipients"),
        ([recipient("1", device("text", status="Opt Out"))], "no_recipients"),
        ([recipient("1", device("voice", "555"))], "error"),
    ],
)
def test_what_has_nothing_to_send_here_does_not_wait_whatever_it_is_said_to_be(
    people: list[dict[str, Any]], status: str, said: str
) -> None:
    add_message(message("one", *people, status=said, sent_by="here"))
    assert only().status == status


@pytest.mark.parametrize("said", ["Waiting", "In-Progress"])
def test_a_status_holds_that_another_system_says_or_that_something_waits_for(said: str) -> None:
    add_message(message("elsewhere", status=said))
    add_message(message("here", recipient("1", device("voice")), status=said, sent_by="here"))
    assert [one.get_status_display() for one in SentMessage.objects.all()] == [said, said]


def test_a_message_without_any_people_has_no_recipients_until_some_are_added() -> None:
    add_message(message("one"))
    assert only().status == "no_recipients"
    add_recipients(only(), [recipient("1", device("voice"))])
    assert only().status == "waiting"


def test_a_number_that_one_row_says_is_canceled_and_another_one_delivered_counts_as_delivered() -> None:
    canceled, delivered = device("text", status="Canceled"), device("text", code=-28)
    add_message(message("one", recipient("1", canceled), recipient("2", delivered)))
    add_message(message("two", recipient("1", canceled), status="In-Progress"))
    two = SentMessage.objects.get(external_id="two")
    add_recipients(two, [recipient("2", delivered)])
    for stored in SentMessage.objects.all():
        totals = totals_of(stored).modes[Mode.TEXT]
        assert (totals.devices, totals.attempted, totals.success, totals.canceled) == (1, 1, 1, 0)
        rows_of = stored.deliveries.order_by("pk").values_list("status", "duplicate")
        assert list(rows_of) == [("canceled", True), ("delivered", False)]


def test_a_call_after_the_end_that_was_told_belongs_to_the_duration() -> None:
    times = {"dispatch_started_at": "2026-11-20T17:00:00Z", "dispatch_finished_at": "2026-11-20T17:00:28Z"}
    add_message(message("one", recipient("1", device("voice", code=5, time="2026-11-20T17:15:00Z")), **times))
    assert totals_of(only()).duration == timedelta(minutes=15)


# People and devices that come more than once


def test_a_recipient_without_devices_is_listed_as_no_device_for_each_mode_of_the_message() -> None:
    add_message(message("one", recipient("1"), modes=["voice", "text"]))

    assert rows("mode", "address", "status", "outcome", "attempt_count") == [
        ("voice", "", "no_device", "not_attempted", 0),
        ("text", "", "no_device", "not_attempted", 0),
    ]
    assert totals_of(only()).no_device == 1


def test_no_device_may_be_said_for_a_mode() -> None:
    add_message(
        message("one", recipient("1", device("voice"), {"mode": "text", "status": "No Device"})),
    )

    assert rows("mode", "address", "status") == [("voice", "+16125550143", "waiting"), ("text", "", "no_device")]
    assert totals_of(only()).no_device == 0


def test_an_inbox_without_an_address_is_the_person() -> None:
    add_message(message("one", recipient("40211", {"mode": "inbox", "status": "Sent"})))

    assert rows("address", "status") == [("40211", "sent")]


def test_a_person_in_it_for_two_students_counts_once() -> None:
    add_message(
        message(
            "one",
            recipient("1", device("inbox", ""), student_number="a"),
            recipient("1", device("inbox", ""), student_number="b"),
            recipient("2", device("inbox", "")),
        )
    )

    assert list(Recipient.objects.order_by("pk").values_list("person_id", "counted")) == [
        ("1", True),
        ("1", False),
        ("2", True),
    ]
    assert rows("address", "duplicate") == [("1", False), ("1", True), ("2", False)]
    assert totals_of(only()).recipients == 2


def test_the_same_address_later_in_the_message_is_a_duplicate_in_whatever_spelling() -> None:
    add_message(
        message(
            "one",
            recipient(
                "1", device("voice", "612-555-0143"), device("text", "612-555-0143"), device("email", "A@X.example")
            ),
            recipient("2", device("voice", "(612) 555 0143"), device("email", "A@x.EXAMPLE")),
            recipient("3", device("voice", "6125550143"), device("email", "a@x.example")),
        )
    )

    assert rows("mode", "address", "duplicate") == [
        ("voice", "+16125550143", False),
        ("text", "+16125550143", False),
        ("email", "a@x.example", False),
        ("voice", "+16125550143", True),
        ("email", "a@x.example", True),
        ("voice", "+16125550143", True),
        ("email", "a@x.example", True),
    ]


def test_a_duplicate_comes_to_what_the_first_one_came_to_unless_it_says_otherwise() -> None:
    add_message(
        message(
            "one",
            recipient("1", device(code=5, time="2026-11-20T17:00:00Z")),
            recipient("2", device()),
            recipient("3", device(status="Duplicate")),
            recipient("4", device(code=1)),
        )
    )

    assert rows("duplicate", "status", "outcome", "code") == [
        (False, "not_confirmed", "success", 5),
        (True, "not_confirmed", "success", 5),
        (True, "duplicate", "not_attempted", None),
        (True, "busy", "not_reached", 1),
    ]
    assert totals_of(only()).contacted_by_phone == 2


def test_what_the_provider_calls_a_duplicate_does_not_stand_in_for_the_call() -> None:
    add_message(message("one", recipient("1", device(code=-4)), recipient("2", device(code=5))))

    assert rows("duplicate", "status") == [(True, "duplicate"), (False, "not_confirmed")]


def test_the_same_recipient_again_adds_devices_and_the_same_device_again_is_one() -> None:
    add_message(
        message(
            "one",
            recipient("1", device("voice", code=-4), device("voice", "6125550143", code=5)),
            recipient("1", device("voice", code=1), device("text")),
            recipient("1"),
        )
    )

    assert Recipient.objects.count() == 1
    assert rows("mode", "code", "duplicate") == [("voice", 5, False), ("text", None, False)]
