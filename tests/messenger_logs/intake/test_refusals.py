"""What is refused, and the words that say so."""

from __future__ import annotations

from typing import Any

import pytest

from messenger_logs.models import School, SentMessage
from messenger_logs.services import message_format
from messenger_logs.services.intake import IntakeError, add_message
from tests.messenger_logs.intake.conftest import device, message, recipient, rows

pytestmark = pytest.mark.django_db


def errors_of(data: object, **options: Any) -> list[tuple[int, str, str]]:
    with pytest.raises(IntakeError) as refused:
        add_message(data, **options)
    assert not SentMessage.objects.exists()
    assert not School.objects.exists()
    return [tuple(error) for error in refused.value.errors]


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
        (
            {"sent_by": "here", "attachments": [{"name": "menu.pdf", "size": 10}]},
            "attachments",
            "cannot go out from here: only their names are taken in",
        ),
        (
            {"sent_by": "here", "recipients": [recipient("1", device(status="In-Progress"))]},
            "recipients",
            "have a device that is In-Progress, which nobody here would bring to its end",
        ),
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
    wrong = recipient("1", device("voice", code="none"), device("email", code="none"))

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

    assert rows("given_address", "status") == [("555-01", "error"), ("at home", "failed")]


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


def test_a_message_that_was_refused_can_come_again_mended() -> None:
    errors_of(message("one", recipient("1", device(code="none"))))

    assert add_message(message("one", recipient("1", device()))).created


def test_what_only_the_database_finds_is_a_refusal_as_well_and_repeats_no_value(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(message_format._LINES, "subject", 5000)

    assert errors_of(message(subject="Hassan " * 200), line=3) == [(3, "", "cannot be stored: SQLSTATE 22001")]
