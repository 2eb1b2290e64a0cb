from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from messenger_logs.choices import MessageStatus, Mode
from messenger_logs.models import Delivery, DeviceAttempt, SentMessage
from messenger_logs.services.status_reports import Reported, StatusReport, report_statuses
from messenger_logs.services.totals import recount
from messenger_logs.totals import Totals, totals_of
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient

pytestmark = pytest.mark.django_db
NUMBER = "+16125550101"
NOW = timezone.now() - timedelta(minutes=10)


@pytest.fixture
def message() -> SentMessage:
    return make_message(modes=[Mode.VOICE, Mode.TEXT], status=MessageStatus.WAITING)


def device(message: SentMessage, mode: Mode = Mode.TEXT, **fields: Any) -> Delivery:
    delivery = make_delivery(make_recipient(message), mode=mode, **({"status": "waiting"} | fields))
    recount(message_id=message.pk)
    return delivery


def report(delivery: Delivery, code: int | None = None, **fields: Any) -> Reported:
    said = StatusReport(delivery_id=delivery.pk, code=code, **fields)
    outcome = report_statuses(message_id=delivery.message_id, reports=[said])
    delivery.refresh_from_db()
    return outcome


def kept(message: SentMessage) -> Totals:
    return totals_of(message)


def test_undelivered_after_sent_takes_the_contact_back(message: SentMessage) -> None:
    text = device(message)
    report(text, -27)
    assert kept(message).contacted_by_phone == 1
    report(text, -40)
    assert kept(message).contacted_by_phone == 0
    assert text.status == "undelivered"


@pytest.mark.parametrize("late", [-39, -27])
def test_a_late_report_of_an_earlier_stage_changes_nothing(message: SentMessage, late: int) -> None:
    text = device(message)
    report(text, -28)
    report(text, late)
    assert text.status == "delivered"
    assert kept(message).modes[Mode.TEXT].success == 1


def test_a_report_said_twice_counts_once(message: SentMessage) -> None:
    text = device(message)
    assert report(text, -27, at=NOW).changed == 1
    again = report(text, -27, at=NOW)
    assert (again.taken, again.changed) == (1, 0)
    assert kept(message).modes[Mode.TEXT].attempts == 1


def test_the_last_attempt_decides_though_it_is_told_first(message: SentMessage) -> None:
    call = device(message, Mode.VOICE)
    report(call, 5, attempt=2, at=NOW)
    report(call, 1, attempt=1, at=NOW - timedelta(minutes=5))
    assert (call.status, call.detail, call.attempt_count) == ("not_confirmed", "Live person detected", 2)
    assert call.first_attempt_at == NOW - timedelta(minutes=5)
    assert call.last_attempt_at == NOW
    voice = kept(message).modes[Mode.VOICE]
    assert (voice.attempts, voice.success, voice.not_reached) == (2, 1, 0)


def test_who_was_reached_stays_reached_though_a_redial_reaches_nobody(message: SentMessage) -> None:
    call = device(message, Mode.VOICE)
    report(call, 6, attempt=1)
    report(call, 4, attempt=2)
    totals = kept(message)
    assert (totals.contacted_by_phone, totals.modes[Mode.VOICE].success, totals.modes[Mode.VOICE].error) == (1, 0, 1)


def test_a_code_that_is_not_in_the_table_is_no_call_status_and_kept(message: SentMessage) -> None:
    call = device(message, Mode.VOICE)
    assert report(call, 4711).refused == []
    assert (call.status, call.detail, call.code) == ("no_call_status", "code 4711", 4711)


def test_a_live_person_who_pressed_0_is_confirmed(message: SentMessage) -> None:
    call = device(message, Mode.VOICE)
    report(call, 5, status="confirmed")
    assert (call.status, call.detail, call.outcome) == ("confirmed", "Live person detected", "success")


def test_a_fax_that_answers_is_not_confirmed_and_no_contact(message: SentMessage) -> None:
    call = device(message, Mode.VOICE)
    report(call, 7)
    assert (call.status, call.outcome) == ("not_confirmed", "not_reached")
    assert kept(message).contacted_by_phone == 0


def test_whoever_shares_the_number_is_contacted_as_well(message: SentMessage) -> None:
    first = device(message, address=NUMBER)
    second = device(message, address=NUMBER)
    assert second.duplicate
    report(second, -28)
    first.refresh_from_db()
    assert (first.status, second.status) == ("delivered", "delivered")
    totals = kept(message)
    assert totals.contacted_by_phone == 2
    assert totals.modes[Mode.TEXT].devices == 1


def test_a_device_is_found_by_its_address_in_any_spelling(message: SentMessage) -> None:
    text = device(message, address=NUMBER)
    said = StatusReport(mode="text", address="(612) 555-0101", code=-28)
    assert report_statuses(message_id=message.pk, reports=[said]).taken == 1
    text.refresh_from_db()
    assert text.status == "delivered"


def test_an_opt_out_is_no_attempt(message: SentMessage) -> None:
    text = device(message)
    report(text, -33)
    totals = kept(message).modes[Mode.TEXT]
    assert (totals.attempts, totals.attempted, totals.opted_out) == (0, 0, 1)


def test_a_cancel_is_no_failure_and_gives_way_to_what_had_left(message: SentMessage) -> None:
    text = device(message)
    report(text, -35, status="canceled")
    totals = kept(message).modes[Mode.TEXT]
    assert (totals.canceled, totals.error, totals.attempted) == (1, 0, 0)
    report(text, -28)
    assert text.status == "delivered"


def test_an_imported_status_does_not_move_backwards(message: SentMessage) -> None:
    text = device(message, status="delivered", attempt_count=1, code=-28)
    report(text, -27)
    assert text.status == "delivered"


def test_answers_of_the_provider_are_kept_as_they_came(message: SentMessage) -> None:
    text = device(message)
    for raw, code in (('{"s": "sent"}', -27), ('{"s": "delivered"}', -28), ('{"s": "sent"}', -27)):
        report(text, code, raw=raw)
    assert DeviceAttempt.objects.get(delivery=text).raw.splitlines() == ['{"s": "sent"}', '{"s": "delivered"}']


BAD: list[tuple[dict[str, Any], str]] = [
    ({}, "Neither a code nor a status is given."),
    ({"status": "confirmed"}, "“Confirmed” cannot be reported of Text."),
    ({"status": "no_device"}, "“No Device” cannot be reported of Text."),
    ({"status": "abc"}, "There is no such status."),
    ({"code": 10**9}, "1000000000 is no code of the provider."),
    ({"code": 5, "attempt": 0}, "Attempts are numbered from 1."),
    ({"code": 5, "raw": "a\0b"}, "The raw has characters that cannot be stored."),
    ({"code": 5, "provider_id": "\ud800"}, "The provider_id has characters that cannot be stored."),
    ({"code": 5, "detail": "x" * 201}, "The provider's id or the detail is longer than 200 characters."),
    ({"code": 5, "at": datetime(2026, 1, 1)}, "The time does not say its time zone."),  # noqa: DTZ001
    ({"code": 5, "at": NOW + timedelta(days=9)}, "The time is in the future, or before the year 2000."),
    ({"code": 5, "delivery_id": 10**30}, "This message has no such delivery."),
    ({"code": 5, "delivery_id": None}, "Neither a delivery nor a mode with an address is named."),
    ({"code": 5, "delivery_id": None, "mode": "text", "address": "12"}, "The address is not a complete phone number."),
    ({"code": 5, "delivery_id": None, "mode": "text", "address": "+16125550199"}, "This message has no such device."),
]


@pytest.mark.parametrize(("fields", "words"), BAD)
def test_a_bad_report_is_refused_with_words_and_stops_no_good_one(
    message: SentMessage, fields: dict[str, Any], words: str
) -> None:
    bad, good = device(message), device(message)
    reports = [StatusReport(**({"delivery_id": bad.pk} | fields)), StatusReport(delivery_id=good.pk, code=-28)]
    outcome = report_statuses(message_id=message.pk, reports=reports)
    assert [(refused.index, refused.message) for refused in outcome.refused] == [(0, words)]
    assert (outcome.taken, outcome.changed) == (1, 1)
    good.refresh_from_db()
    assert good.status == "delivered"


def test_devices_of_another_message_and_people_without_one_are_refused(message: SentMessage) -> None:
    other = device(make_message(modes=[Mode.TEXT]))
    nothing = device(message, address="", status="no_device", outcome="not_attempted")
    reports = [StatusReport(delivery_id=delivery.pk, code=-28) for delivery in (other, nothing)]
    outcome = report_statuses(message_id=message.pk, reports=reports)
    assert [refused.message for refused in outcome.refused] == ["This message has no such device."] * 2


def test_a_message_that_was_never_counted_is_counted_then(message: SentMessage) -> None:
    text = make_delivery(make_recipient(message), mode=Mode.TEXT, status="waiting")
    make_delivery(make_recipient(message), mode=Mode.VOICE, status="failed")
    report(text, -28)
    totals = kept(message)
    assert (totals.recipients, totals.modes[Mode.TEXT].success, totals.modes[Mode.VOICE].error) == (2, 1, 1)


def status_of(message: SentMessage) -> str:
    message.refresh_from_db()
    return str(MessageStatus(message.status).label)


def test_a_message_is_in_progress_while_devices_wait_and_sent_when_all_were_handed_over(message: SentMessage) -> None:
    first, second = device(message), device(message, Mode.VOICE)
    report(first, -27)
    assert status_of(message) == "In-Progress"
    report(second, 0)
    assert status_of(message) == "Sent"
    report(first, -40)
    assert status_of(message) == "Sent", "the carrier failed, not the hand-off"


def test_a_message_of_which_one_mode_failed_wholly_is_an_error(message: SentMessage) -> None:
    report(device(message), -28)
    calls = [device(message, Mode.VOICE) for _ in range(2)]
    report(calls[0], -25)
    report(calls[1], -25)
    assert status_of(message) == "Error"
    report(calls[1], 5, attempt=2)
    assert status_of(message) == "Sent"


def test_a_message_whose_people_have_no_eligible_device_has_no_recipients(message: SentMessage) -> None:
    device(message, address="", status="no_device", outcome="not_attempted")
    report(device(message), -33)
    assert status_of(message) == "No Recipients"


@pytest.mark.parametrize("status", [MessageStatus.CANCELED, MessageStatus.CANCELED_IN_PROGRESS])
def test_a_canceled_message_stays_canceled(message: SentMessage, status: MessageStatus) -> None:
    SentMessage.objects.filter(pk=message.pk).update(status=status)
    report(device(message), -28)
    assert status_of(message) == status.label


def test_a_result_after_the_end_of_a_message_moves_its_end_and_an_earlier_one_does_not(message: SentMessage) -> None:
    call = device(message, Mode.VOICE)
    begun = NOW - timedelta(hours=1)
    SentMessage.objects.update(dispatch_started_at=begun, dispatch_finished_at=begun + timedelta(seconds=28))
    for minutes, expected in ((15, 15), (9, 15)):
        report(call, 5, at=begun + timedelta(minutes=minutes), attempt=minutes)
        message.refresh_from_db()
        assert totals_of(message).duration == timedelta(minutes=expected)
