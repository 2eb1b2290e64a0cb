"""The words about a message that did not simply go out: what happened, and what to do."""

from datetime import UTC, datetime
from typing import Any

import pytest

from accounts.scopes import ALL_SCHOOLS, Scope
from messenger_logs.choices import MessageStatus, Mode
from messenger_logs.delivery_summary import DeliverySummary
from messenger_logs.models import SentMessage
from messenger_logs.services.totals import recount
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient, make_school
from web.what_happened import Addresses, WhatHappened, what_happened

pytestmark = pytest.mark.django_db

ROWS, SHEET = "/recipients/", "/call-sheet/"
MORNING, NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC), datetime(2026, 11, 20, 18, 0, tzinfo=UTC)


def told(message: SentMessage, *, health: str = "/health/", scope: Scope = ALL_SCHOOLS) -> WhatHappened | None:
    recount(message_id=message.pk)
    return what_happened(DeliverySummary.of(message), Addresses(ROWS, SHEET, "#criteria", health, scope))


def texts(message: SentMessage, **given: Any) -> tuple[list[str], list[str]]:
    found = told(message, **given)
    assert found
    return [fact.text for fact in found.happened], [fact.text for fact in found.to_do]


@pytest.mark.parametrize("status", [MessageStatus.SENT, MessageStatus.IN_PROGRESS])
def test_of_a_message_that_went_out_the_figures_say_enough(status: MessageStatus) -> None:
    assert told(make_message(status=status)) is None


@pytest.mark.parametrize("status", [one for one in MessageStatus if one not in {"sent", "in_progress"}])
def test_every_other_status_says_what_happened_without_any_recipient(status: MessageStatus) -> None:
    found = told(make_message(status=status))
    assert found
    assert found.happened
    assert found.status.word == status.label
    assert all(text.endswith((".", ":")) for facts in (found.happened, found.to_do) for text in (f.text for f in facts))


def test_a_message_that_waits_says_when_each_mode_begins_and_for_whom() -> None:
    modes = [Mode.EMAIL, Mode.VOICE, Mode.TEXT]
    message = make_message(
        status="waiting", modes=modes, scheduled_at=MORNING, email_start_at=MORNING, voice_start_at=NOON
    )
    for mode in (Mode.EMAIL, Mode.VOICE, Mode.VOICE):
        make_delivery(make_recipient(message), mode=mode, status="waiting")
    found = told(message)
    assert found
    assert [(fact.text, fact.link) for fact in found.happened] == [
        ("Nothing has gone out yet.", ""),
        ("Email begins on 11/20/2026 6:00 AM.", "1 device"),
        ("Voice begins on 11/20/2026 12:00 PM.", "2 devices"),
        ("Text begins on 11/20/2026 12:00 PM.", "0 devices"),
    ]
    assert found.happened[2].url == "/recipients/?figure=eligible&mode=voice"


def test_the_reasons_of_an_error_are_those_of_the_schools_that_one_sees() -> None:
    message = make_message(status="error", school=None)
    schools = [make_school(name) for name in ("North", "South")]
    for school in schools:
        family = make_recipient(message, student_school=school)
        make_delivery(family, status="failed", detail=f"No mailbox {school.name.lower()}@example.com")
    for own, other in (schools, reversed(schools)):
        happened, _ = texts(message, scope=Scope.of([own.pk]))
        assert f"{own.name.lower()}@example.com" in happened[0]
        assert f"{other.name.lower()}@example.com" not in happened[0]


def test_an_error_names_the_mode_its_reasons_and_what_to_do() -> None:
    message = make_message(status="error", modes=[Mode.EMAIL, Mode.INBOX])
    for detail in ("Dispatch error", "Dispatch error", "System error"):
        make_delivery(make_recipient(message), status="failed", detail=detail)
    make_delivery(make_recipient(message), mode=Mode.INBOX)
    happened, to_do = texts(message)
    assert happened == ["Email: nothing could be handed over. The reason: Dispatch error; System error."]
    assert to_do == [
        "See whether the provider works now.",
        "Then make the message again, in the system that made it, for the people who did not get it.",
        "If it is urgent, call them now.",
    ]
    assert texts(message, health="")[1] == to_do[1:], "without the right there is no link to System Health"


def test_a_cancel_names_the_person_or_says_that_another_system_did_it() -> None:
    canceled = {"canceled_by_name": "Vang, Mai", "cancel_asked_at": NOON}
    before = make_message(status="canceled", **canceled)
    assert texts(before)[0] == ["Vang, Mai canceled it before it began. Nobody got it."]
    assert texts(make_message(status="canceled"))[0][0].startswith("The system that sends it canceled it")
    begun = make_message(status="canceled_ip", **canceled)
    make_delivery(make_recipient(begun), email_outcome="delivered")
    make_delivery(make_recipient(begun), status="canceled")
    happened, to_do = texts(begun)
    assert happened == ["Vang, Mai canceled it while it went out. It had reached 1 person by then."]
    assert to_do[0] == "If it was wrong, send a correction to the people who got it."


def test_no_recipients_tells_an_empty_message_from_one_without_devices() -> None:
    nobody = make_message(status="no_recipients")
    assert texts(nobody)[0] == ["Nobody got it: the message has no recipients."]
    found = told(nobody)
    assert found
    assert found.to_do[0].url == "#criteria"
    no_device = make_message(status="no_recipients", modes=[Mode.VOICE, Mode.TEXT])
    make_recipient(no_device)
    assert texts(no_device)[0] == ["Nobody got it: none of its recipients has a device for Voice, Text."]
