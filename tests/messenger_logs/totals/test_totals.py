from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from messenger_logs.choices import Mode
from messenger_logs.models import SentMessage
from messenger_logs.services.totals import recount, recount_all
from messenger_logs.totals import totals_of, totals_of_many
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient

pytestmark = pytest.mark.django_db
NUMBER = "+16125550101"


@pytest.fixture
def message() -> SentMessage:
    return make_message(modes=[Mode.VOICE, Mode.TEXT])


def test_a_person_in_the_message_for_two_students_is_one_recipient(message: SentMessage) -> None:
    for student in ("1", "2"):
        make_recipient(message, person_id="mai", student_number=student)
    recount(message_id=message.pk)
    assert totals_of(message).recipients == 1


def test_no_device_counts_people_without_any_device_and_nobody_who_has_one(message: SentMessage) -> None:
    nothing = make_recipient(message)
    make_delivery(nothing, mode=Mode.VOICE, address="")
    make_delivery(nothing, mode=Mode.TEXT, address="")
    half = make_recipient(message)
    make_delivery(half, mode=Mode.VOICE, address="")
    make_delivery(half, mode=Mode.TEXT)
    make_recipient(message)
    recount(message_id=message.pk)
    totals = totals_of(message)
    assert totals.no_device == 2
    assert totals.modes[Mode.VOICE].devices == 0
    assert totals.modes[Mode.TEXT].devices == 1


def test_somebody_without_any_row_is_told_to_have_no_device_for_each_mode(message: SentMessage) -> None:
    nobody = make_recipient(message)
    make_delivery(make_recipient(message), mode=Mode.TEXT)
    recount(message_id=message.pk)
    assert {(row.mode, row.status) for row in nobody.deliveries.all()} == {
        (Mode.VOICE, "no_device"),
        (Mode.TEXT, "no_device"),
    }
    before = totals_of(message)
    recount(message_id=message.pk)
    after = totals_of(message)
    assert (before.recipients, before.no_device) == (after.recipients, after.no_device) == (2, 1)
    assert before.modes == after.modes


@pytest.mark.slow
def test_many_messages_are_counted_as_one_by_one_in_as_many_statements_as_one(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    messages = [make_message(modes=[Mode.VOICE, Mode.TEXT]) for _ in range(4)]
    for number, message in enumerate(messages):
        for person in range(number):
            recipient = make_recipient(message, person_id=f"p{person}")
            again = make_recipient(message, person_id=f"p{person}", student_number="2")
            make_delivery(recipient, mode=Mode.VOICE, status="busy")
            make_delivery(again, mode=Mode.TEXT, status="delivered" if person else "failed")
    recount_all(message_ids=[message.pk for message in messages])
    with django_assert_max_num_queries(30) as one:
        recount_all(message_ids=[messages[1].pk])
    with django_assert_max_num_queries(30) as many:
        recount_all(message_ids=[message.pk for message in messages])
    assert len(many) == len(one)
    together = {pk: replace(totals, as_of=None) for pk, totals in totals_of_many(messages).items()}
    for message in messages:
        recount(message_id=message.pk)
    alone = {pk: replace(totals, as_of=None) for pk, totals in totals_of_many(messages).items()}
    assert together == alone
    assert [totals.recipients for totals in together.values()] == [0, 1, 2, 3]
    assert [totals.contacted_by_phone for totals in together.values()] == [0, 0, 1, 2]


def test_an_address_that_two_people_share_is_counted_once_whatever_became_of_it(message: SentMessage) -> None:
    for _ in range(2):
        make_delivery(make_recipient(message), mode=Mode.VOICE, address=NUMBER, status="failed")
    recount(message_id=message.pk)
    totals = totals_of(message)
    assert totals.modes[Mode.VOICE].devices == 1
    assert totals.modes[Mode.VOICE].error == 1


def test_both_who_share_a_number_that_was_reached_are_contacted_by_phone(message: SentMessage) -> None:
    for _ in range(2):
        make_delivery(make_recipient(message), mode=Mode.TEXT, address=NUMBER, status="delivered")
    make_delivery(make_recipient(message), mode=Mode.VOICE, status="busy")
    recount(message_id=message.pk)
    totals = totals_of(message)
    assert totals.contacted_by_phone == 2
    assert totals.not_contacted_by_phone == 1


def test_an_email_or_an_inbox_contacts_nobody_by_phone() -> None:
    message = make_message(modes=[Mode.INBOX, Mode.EMAIL])
    person = make_recipient(message)
    make_delivery(person, mode=Mode.INBOX)
    make_delivery(person, mode=Mode.EMAIL)
    recount(message_id=message.pk)
    assert totals_of(message).contacted_by_phone == 0


def test_voice_attempted_leaves_out_canceled_and_text_attempted_opted_out_as_well(message: SentMessage) -> None:
    for status in ("failed", "canceled"):
        make_delivery(make_recipient(message), mode=Mode.VOICE, status=status)
    for status in ("delivered", "canceled", "opt_out", "not_eligible"):
        make_delivery(make_recipient(message), mode=Mode.TEXT, status=status)
    recount(message_id=message.pk)
    modes = totals_of(message).modes
    assert (modes[Mode.VOICE].devices, modes[Mode.VOICE].attempted) == (2, 1)
    assert (modes[Mode.TEXT].devices, modes[Mode.TEXT].attempted) == (4, 2)
    assert modes[Mode.TEXT].opted_out == 1


def test_attempts_count_redials_and_a_busy_line_is_neither_success_nor_error(message: SentMessage) -> None:
    make_delivery(make_recipient(message), mode=Mode.VOICE, status="busy", attempt_count=3)
    make_delivery(make_recipient(message), mode=Mode.VOICE, status="confirmed", attempt_count=1)
    recount(message_id=message.pk)
    voice = totals_of(message).modes[Mode.VOICE]
    assert (voice.attempts, voice.success, voice.error, voice.not_reached) == (4, 1, 0, 1)


def test_progress_is_the_share_of_devices_that_wait_for_nothing_more(message: SentMessage) -> None:
    for status in ("waiting", "in_progress", "sent", "failed"):
        make_delivery(make_recipient(message), mode=Mode.TEXT, status=status)
    recount(message_id=message.pk)
    assert totals_of(message).modes[Mode.TEXT].progress == 0.5
    assert totals_of(message).modes[Mode.VOICE].progress == 1.0


def test_durations_run_from_the_start_of_the_dispatch() -> None:
    start = timezone.now() - timedelta(hours=1)
    message = make_message(
        modes=[Mode.VOICE], dispatch_started_at=start, dispatch_finished_at=start + timedelta(minutes=9)
    )
    for minutes in (1, 4):
        make_delivery(
            make_recipient(message),
            mode=Mode.VOICE,
            first_attempt_at=start + timedelta(minutes=minutes),
            attempt_count=1,
        )
    recount(message_id=message.pk)
    totals = totals_of(message)
    assert totals.modes[Mode.VOICE].first_attempt_duration == timedelta(minutes=4)
    assert totals.duration == timedelta(minutes=9)


def test_the_totals_of_many_messages_take_two_queries(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    messages = [make_message(modes=[Mode.TEXT]) for _ in range(5)]
    for message in messages[:4]:
        make_delivery(make_recipient(message), mode=Mode.TEXT)
        recount(message_id=message.pk)
    with django_assert_num_queries(2):
        found = totals_of_many(messages)
    assert [found[message.pk].recipients for message in messages] == [1, 1, 1, 1, 0]
    assert found[messages[4].pk].as_of is None
