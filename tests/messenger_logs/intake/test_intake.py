"""One message from its dict to rows: what it means, what is refused, and that it may be repeated."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection

from accounts.models import User
from messenger_logs.models import Calendar, Delivery, DeviceAttempt, Recipient, School, SentMessage
from messenger_logs.services.intake import Added, IntakeError, add_message, add_recipients
from messenger_logs.totals import totals_of
from tests.messenger_logs.intake.conftest import device, message, recipient

pytestmark = pytest.mark.django_db


def only() -> SentMessage:
    return SentMessage.objects.get()


def rows(*columns: str) -> list[tuple[Any, ...]]:
    return list(Delivery.objects.order_by("pk").values_list(*columns))


def errors_of(data: object, **options: Any) -> list[tuple[int, str, str]]:
    with pytest.raises(IntakeError) as refused:
        add_message(data, **options)
    assert not SentMessage.objects.exists()
    assert not School.objects.exists()
    return [tuple(error) for error in refused.value.errors]


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
    )

    taken = add_message(given)

    stored = only()
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
    assert (stored.outcome, stored.code, stored.attempts, stored.reached_before) == ("error", 3, 2, True)
    assert stored.first_attempt_at == datetime(2026, 11, 20, 17, 0, tzinfo=UTC)
    assert stored.last_attempt_at == datetime(2026, 11, 20, 17, 16, tzinfo=UTC)
    tries = DeviceAttempt.objects.order_by("number").values_list("number", "code", "status", "outcome", "provider_id")
    assert list(tries) == [(1, 5, "not_confirmed", "success", "call-1"), (2, 3, "failed", "error", "")]


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
        ({"code": 5, "status": "Confirmed"}, "confirmed", "", "success"),
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

    assert rows("mode", "attempts") == [("email", 1), ("text", 0)]
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


# People and devices that come more than once


def test_a_recipient_without_devices_is_listed_as_no_device_for_each_mode_of_the_message() -> None:
    add_message(message("one", recipient("1"), modes=["voice", "text"]))

    assert rows("mode", "address", "status", "outcome", "attempts") == [
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
        ("email", "A@x.example", False),
        ("voice", "+16125550143", True),
        ("email", "A@x.example", True),
        ("voice", "+16125550143", True),
        ("email", "a@x.example", False),
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


# What is refused


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"external_id": None}, "external_id", "is missing"),
        ({"external_id": " "}, "external_id", "is missing"),
        ({"external_id": "x" * 201}, "external_id", "is longer than 200 characters"),
        ({"external_id": True}, "external_id", "is not text"),
        ({"engine": "shortwave"}, "engine", "is none of: Messenger, Messenger 2.0, Online Registration"),
        ({"engine": 1}, "engine", "is none of: Messenger, Messenger 2.0, Online Registration"),
        ({"message_type": ""}, "message_type", "is missing"),
        ({"message_type": "Messenger 2.0 - Emergency"}, "message_type", "is a type of the engine v2"),
        (
            {"engine": "v2"},
            "message_type",
            "is none of: Messenger 2.0 - General, Messenger 2.0 - Priority, Messenger 2.0 - Emergency,"
            " Text Opt In, Text Opt Out",
        ),
        ({"subject": ["a"]}, "subject", "is not text"),
        ({"subject": "x" * 1001}, "subject", "is longer than 1,000 characters"),
        ({"subject": "a\0b"}, "subject", "has a NUL character"),
        ({"subject": "a\ud800b"}, "subject", "has half of a surrogate pair, which is no character"),
        ({"sender_name": None}, "sender_name", "is missing, and so is sender"),
        ({"created_at": None}, "created_at", "is missing"),
        ({"created_at": "yesterday"}, "created_at", "is not a time such as 2026-11-20T10:05:00-06:00"),
        ({"created_at": 1700000000}, "created_at", "is not a time such as 2026-11-20T10:05:00-06:00"),
        (
            {"created_at": "2026-11-20T10:05:00"},
            "created_at",
            "does not say its offset from UTC, as in 2026-11-20T10:05:00-06:00",
        ),
        ({"created_at": "0001-01-01T00:00:00+14:00"}, "created_at", "is not in the years 2000 to 2100"),
        (
            {"dispatch_started_at": "2026-11-20T10:05:00Z", "dispatch_finished_at": "2026-11-20T10:04:00Z"},
            "dispatch_finished_at",
            "is before dispatch_started_at",
        ),
        ({"modes": []}, "modes", "is missing"),
        ({"modes": "voice"}, "modes", "is not a list"),
        ({"modes": ["fax"]}, "modes", "has one that is none of: inbox, email, voice, text"),
        ({"bodies": {"fax": "x"}}, "bodies.fax", "is none of: inbox, email, voice, text"),
        ({"bodies": {"voice": "a\0"}}, "bodies.voice", "has a NUL character"),
        ({"bodies": "x"}, "bodies", "is not a JSON object"),
        ({"attachments": [{"size": 1}]}, "attachments[0].name", "is missing"),
        ({"attachments": [{"name": "a", "size": "big"}]}, "attachments[0].size", "is not a whole number"),
        ({"attachments": ["a.pdf"]}, "attachments[0]", "is not a JSON object"),
        ({"criteria": [["a", "b"], ["c"]]}, "criteria[1]", "is not a pair of label and value"),
        (
            {"calendars": [{"name": "a", "school_year": "b"}]},
            "calendars[0].school",
            "is missing, and the message has none",
        ),
        ({"recipients": {}}, "recipients", "is not a list"),
        ({"recipient": []}, "recipient", "is not a field that is known here"),
        (
            {"status": "Lost"},
            "status",
            "is none of: Waiting, In-Progress, Sent, Error, Canceled, Canceled IP, No Recipients",
        ),
    ],
)
def test_a_message_that_is_wrong_is_refused_by_field(change: dict[str, Any], field: str, words: str) -> None:
    assert errors_of(message(school=None) | change, line=7) == [(7, field, words)]


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"person_id": ""}, "person_id", "is missing"),
        ({"person_id": "x" * 65}, "person_id", "is longer than 64 characters"),
        ({"name": None}, "name", "is missing"),
        ({"name": "a\0"}, "name", "has a NUL character"),
        ({"merge_fields": {"a": {"b": 1}}}, "merge_fields.a", "is not text"),
        ({"merge_fields": {"a": "\ud800"}}, "merge_fields.a", "has half of a surrogate pair, which is no character"),
        ({"devices": [5]}, "devices[0]", "is not a JSON object"),
        ({"devices": [{}]}, "devices[0].mode", "is missing"),
        ({"devices": [device("inbox")]}, "devices[0].mode", "is not one of the modes of the message"),
        ({"devices": [device("voice", "612-CALL")]}, "devices[0].address", "is a phone number without its area code"),
        ({"devices": [device("voice", "none")]}, "devices[0].address", "is not a phone number"),
        ({"devices": [device("email", "a.b")]}, "devices[0].address", "is not an e-mail address"),
        ({"devices": [device("voice", None)]}, "devices[0].address", "is missing, and the status is not No Device"),
        (
            {"devices": [device("voice", status="No Device")]},
            "devices[0].address",
            "is given, and the status is No Device",
        ),
        ({"devices": [device(code="5")]}, "devices[0].code", "is not a whole number"),
        ({"devices": [device(code=40_000)]}, "devices[0].code", "is not from -32,768 to 32,767"),
        ({"devices": [device(attempts=[{"number": 0}])]}, "devices[0].attempts[0].number", "is not from 1 to 32,767"),
        ({"devices": [device(attempts=[{}, {"number": 1}])]}, "devices[0].attempts", "has a number twice"),
        (
            {"devices": [device(attempts=[{"started_at": "2026-11-20T10:05Z", "ended_at": "2026-11-20T10:04Z"}])]},
            "devices[0].attempts[0].ended_at",
            "is before started_at",
        ),
        ({"devices": [device(adress="x")]}, "devices[0].adress", "is not a field that is known here"),
    ],
)
def test_a_recipient_that_is_wrong_refuses_the_message_by_field(change: dict[str, Any], field: str, words: str) -> None:
    given = message("one", recipient("1"), recipient("2") | change, modes=["email", "voice"])

    assert errors_of(given) == [(1, f"recipients[1].{field}", words)]


@pytest.mark.parametrize(
    ("mode", "status"), [("email", "Delivered"), ("voice", "Sent"), ("text", "Confirmed"), ("inbox", "Opt Out")]
)
def test_a_status_that_its_mode_cannot_have_is_refused(mode: str, status: str) -> None:
    (error,) = errors_of(message("one", recipient("1", device(mode, "612-555-0143@x.example", status=status))))[:1]

    assert error[1] == "recipients[0].devices[0].status"
    assert error[2].startswith("is none of: Waiting, In-Progress")


def test_everything_that_is_wrong_is_said_at_once_but_not_without_end() -> None:
    wrong = recipient("1", device("voice", "none"), device("email", "none"))

    assert len(errors_of(message("one", wrong, subject=[]))) == 3
    assert len(errors_of(message("one", *[wrong] * 100))) == 50


@pytest.mark.parametrize("data", [None, [], "text", 5])
def test_what_is_no_object_is_refused(data: object) -> None:
    assert errors_of(data) == [(1, "", "is not a JSON object")]


def test_bad_data_that_the_delivery_failed_of_is_kept_as_it_came() -> None:
    add_message(
        message(
            "one", recipient("1", device("voice", " 555-01 ", code=-2), device("email", "at home", status="Failed"))
        )
    )

    assert rows("address", "status") == [("555-01", "error"), ("at home", "failed")]


def test_words_never_repeat_a_value() -> None:
    secret = "Hassan, Amina 612"
    given = message(
        "one",
        recipient(secret * 9, device("voice", secret, status=secret), name=[secret], merge_fields={"a": [secret]}),
        created_at=secret,
        status=secret,
        modes=["voice", secret],
    )

    assert "Hassan" not in str(errors_of(given))


# Once, however often it comes


def test_the_same_message_again_is_one_message_and_says_so() -> None:
    given = message("one", recipient("1", device()), recipient("2"), school="Harrison High")

    first, second = add_message(given), add_message(given)

    assert (first.created, first.added) == (True, Added(recipients=2, deliveries=5))
    assert (second.created, second.added, second.differs) == (False, Added(), ())
    assert second.message_id == first.message_id
    assert (SentMessage.objects.count(), Recipient.objects.count(), Delivery.objects.count()) == (1, 2, 5)


def test_the_same_message_with_newer_statuses_is_no_other_message_and_changes_nothing() -> None:
    add_message(message("one", recipient("1", device())))

    again = add_message(message("one", recipient("1", device(code=5)), status="Sent"))

    assert again.differs == ()
    assert rows("status") == [("waiting",)]


def test_another_message_under_the_same_external_id_keeps_the_first_and_says_how_it_differs() -> None:
    add_message(message("one", recipient("1", device())))
    before = list(SentMessage.objects.values())

    other = add_message(
        message(
            "one",
            recipient("1", device(address="612-555-0199")),
            subject="Library Hours",
            school="Elsewhere",
            sender_name="Somebody",
        )
    )

    assert not other.created
    assert other.differs == ("subject", "sender_name", "school", "recipients")
    assert list(SentMessage.objects.values()) == before
    assert rows("address") == [("+16125550143",)]
    assert not School.objects.exists()


def test_a_message_that_was_refused_can_come_again_mended() -> None:
    errors_of(message("one", recipient("1", device(address="none"))))

    assert add_message(message("one", recipient("1", device()))).created


# Recipients for a message that exists


def test_recipients_are_appended_with_their_devices() -> None:
    add_message(message("one", recipient("1", device(code=5))))

    added = add_recipients(
        only(),
        [
            recipient("1", device("text"), student_number="b"),
            recipient("2", device()),
            recipient("3", device("email", "a@x.example")),
            recipient("4"),
        ],
    )

    assert added == Added(recipients=4, deliveries=7)
    assert list(Recipient.objects.order_by("pk").values_list("person_id", "counted")) == [
        ("1", True),
        ("1", False),
        ("2", True),
        ("3", True),
        ("4", True),
    ]
    assert rows("mode", "address", "duplicate", "status")[:4] == [
        ("voice", "+16125550143", False, "not_confirmed"),
        ("text", "+16125550143", False, "waiting"),
        ("voice", "+16125550143", True, "not_confirmed"),
        ("email", "a@x.example", False, "waiting"),
    ]
    totals = totals_of(only())
    assert (totals.recipients, totals.no_device) == (4, 1)


def test_appending_again_adds_nothing() -> None:
    add_message(message("one"))
    given = [recipient("1", device()), recipient("2"), recipient("3", {"mode": "inbox"})]

    add_recipients(only(), given)
    before = rows("pk", "recipient", "mode", "address", "status")

    assert add_recipients(only(), given) == Added()
    assert add_recipients(only(), [recipient("1")]) == Added(), "it has a device already"
    assert rows("pk", "recipient", "mode", "address", "status") == before


def test_a_device_that_comes_later_takes_the_place_of_no_device() -> None:
    add_message(message("one", recipient("1"), modes=["voice", "text"]))

    add_recipients(only(), [recipient("1", device("voice"))])

    assert sorted(rows("mode", "status")) == [("text", "no_device"), ("voice", "waiting")]
    assert totals_of(only()).no_device == 0


def test_recipients_that_are_wrong_are_refused_together_by_line() -> None:
    add_message(message("one"))
    given = [recipient("1"), 5, recipient("2", device(address="none"))]

    with pytest.raises(IntakeError) as refused:
        add_recipients(only(), given, first_line=11)

    assert [tuple(error) for error in refused.value.errors] == [
        (12, "", "is not a JSON object"),
        (13, "devices[0].address", "is not a phone number"),
    ]
    assert not Recipient.objects.exists()


@pytest.mark.parametrize("status", ["Canceled", "Canceled IP"])
def test_a_canceled_message_takes_no_more_recipients(status: str) -> None:
    add_message(message("one", status=status))

    with pytest.raises(IntakeError, match="was canceled"):
        add_recipients(only(), [recipient("1", device())])

    assert not Recipient.objects.exists()


# At the same moment, and in bulk


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    start, results = threading.Barrier(len(calls)), []

    def run(call: Callable[[], Any]) -> None:
        start.wait()
        try:
            results.append(call())
        except BaseException as error:
            results.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.django_db(transaction=True)
def test_the_same_message_from_many_at_once_is_one_message() -> None:
    given = message("one", *[recipient(str(n), device(address=f"+1612555{n:04}")) for n in range(300)], school="A")

    results = at_once(*[lambda: add_message(given)] * 4)

    assert sorted(result.created for result in results) == [False, False, False, True]
    assert {result.differs for result in results} == {()}
    assert (SentMessage.objects.count(), Delivery.objects.count()) == (1, 300)


@pytest.mark.django_db(transaction=True)
def test_recipients_appended_by_many_at_once_are_each_there_once() -> None:
    add_message(message("one"))
    stored = only()
    parts = [[recipient(str(n), device(address=f"+1612555{n:04}")) for n in range(at, at + 60)] for at in (0, 30, 60)]

    results = at_once(*[lambda part=part: add_recipients(stored, part) for part in parts])

    assert sum(result.recipients for result in results) == Recipient.objects.count() == 120
    assert totals_of(only()).recipients == 120


def test_a_message_with_a_hundred_thousand_deliveries() -> None:
    people = [
        recipient(
            str(n), device("email", f"p{n}@mail.example", status="Sent"), device("voice", f"+1612{n:07}", code=n % 7)
        )
        for n in range(2_000_000, 2_050_000)
    ]

    taken = add_message(message("one", *people))

    assert taken.added == Added(recipients=50_000, deliveries=100_000)
    assert totals_of(only()).recipients == 50_000


def test_queries_do_not_grow_with_recipients(django_assert_max_num_queries: Any) -> None:
    people = [recipient(str(n), device(address=f"+1612555{n:04}", code=5)) for n in range(2000)]
    with django_assert_max_num_queries(40):
        add_message(message("one", *people[:1000]))
    with django_assert_max_num_queries(40):
        add_recipients(only(), people)
