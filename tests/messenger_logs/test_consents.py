"""STOP and START from a family's phone."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from django.db import connection

from accounts.tools import Right, Tool
from messenger_logs.choices import Mode
from messenger_logs.models import DeviceAttempt, SentMessage, TextConsent
from messenger_logs.services.consents import record_consent
from messenger_logs.totals import totals_of
from tests.messenger_logs.factories import make_delivery, make_message, make_recipient, make_school

pytestmark = pytest.mark.django_db

NUMBER = "+16125550143"
AT = datetime(2026, 11, 20, 16, 0, tzinfo=UTC)
LOG = Tool.SENT_MESSAGE_LOG_2


def stop(number: str = NUMBER, *, at: datetime = AT) -> bool:
    return record_consent(number=number, opted_out=True, at=at, raw='{"text": "STOP"}')


def start(number: str = NUMBER, *, at: datetime = AT + timedelta(hours=1)) -> bool:
    return record_consent(number=number, opted_out=False, at=at, raw='{"text": "START"}')


def consent_messages() -> list[str]:
    return list(SentMessage.objects.filter(message_type__startswith="Text Opt").values_list("message_type", flat=True))


def test_stop_and_start_are_kept_and_told():
    assert stop()
    assert TextConsent.objects.get(number=NUMBER).opted_out
    assert start()
    consent = TextConsent.objects.get(number=NUMBER)
    assert (consent.opted_out, consent.said_at) == (False, AT + timedelta(hours=1))
    assert consent_messages() == ["Text Opt Out", "Text Opt In"]


def test_the_same_again_changes_nothing():
    assert stop()
    assert not stop()
    assert not stop(at=AT + timedelta(minutes=5))
    assert consent_messages() == ["Text Opt Out"]


def test_what_comes_late_does_not_undo_what_came_after_it():
    assert start()
    assert not stop()
    assert not TextConsent.objects.get(number=NUMBER).opted_out
    assert consent_messages() == ["Text Opt In"]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_what_was_said_last_counts_in_whatever_order_it_comes(order: tuple[int, ...]):
    said = [(0, stop), (10, stop), (5, start)]
    for minutes, say in (said[place] for place in order):
        say(at=AT + timedelta(minutes=minutes))
    consent = TextConsent.objects.get(number=NUMBER)
    assert (consent.opted_out, consent.said_at) == (True, AT + timedelta(minutes=10))


def test_of_one_moment_a_stop_counts():
    for say in (start, stop, start):
        say(at=AT)
    assert TextConsent.objects.get(number=NUMBER).opted_out


def test_the_message_names_the_people_behind_the_number():
    earlier = make_message(modes=[Mode.TEXT])
    for person, name in [("7", "Vang, Pa"), ("8", "Vang, Chue")]:
        make_delivery(make_recipient(earlier, person_id=person, name=name), mode=Mode.TEXT, address=NUMBER)
    make_delivery(make_recipient(earlier, name="Olson, Liv"), mode=Mode.TEXT, address="+16125550199")
    stop()

    message = SentMessage.objects.get(message_type="Text Opt Out")
    assert set(message.recipients.values_list("person_id", "name")) == {("7", "Vang, Pa"), ("8", "Vang, Chue")}
    assert set(message.deliveries.values_list("address", "status")) == {(NUMBER, "opt_out")}
    text = totals_of(message).modes[Mode.TEXT]
    assert (text.devices, text.opted_out, text.attempts) == (1, 1, 0)
    assert DeviceAttempt.objects.get().raw == '{"text": "STOP"}'


def test_the_message_is_about_the_students_of_the_same_schools():
    earlier = make_message(modes=[Mode.TEXT], school=None)
    for school in (make_school("North"), None):
        make_delivery(make_recipient(earlier, student_school=school), mode=Mode.TEXT, address=NUMBER)
    stop()
    message = SentMessage.objects.get(message_type="Text Opt Out")
    assert set(message.deliveries.values_list("school__name", flat=True)) == {"North", None}


def test_a_number_that_nobody_has_is_recorded_all_the_same():
    assert stop()
    message = SentMessage.objects.get(message_type="Text Opt Out")
    assert message.recipients.get().name == "Number not on record"


def test_it_is_shown_to_those_with_the_right_on_opt_ins_and_everybodys_messages(make_user):
    stop()
    message = SentMessage.objects.get(message_type="Text Opt Out")
    everybodys = (LOG, Right.ALL_MESSAGES)
    for rights, sees in [
        ([LOG, everybodys, (LOG, Right.TYPE_TEXT_OPT)], True),
        ([LOG, everybodys, (LOG, Right.TYPE_GENERAL)], False),
        ([LOG, (LOG, Right.MY_MESSAGES), (LOG, Right.TYPE_TEXT_OPT)], False),
    ]:
        visible = SentMessage.objects.visible_to(make_user(*rights), LOG)
        assert visible.filter(pk=message.pk).exists() is sees


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_told_by_several_at_once_it_is_recorded_once():
    def tell(_: int) -> bool:
        try:
            return stop()
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as several:
        changed = list(several.map(tell, range(12)))
    assert changed.count(True) == 1
    assert consent_messages() == ["Text Opt Out"]
