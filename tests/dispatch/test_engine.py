"""What goes out when, in which order, how often, and what it comes to."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time, timedelta

import pytest
import time_machine
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from dispatch import tasks
from dispatch.gateways import gateway_for
from dispatch.models import Claim, InboxMessage, OpenCall
from dispatch.services import calls, recording
from dispatch.services.claims import claim_next
from dispatch.services.rate_limit import may_go, spend
from dispatch.services.recording import record_reports
from dispatch.services.retry import in_doubt, retry_deliveries
from dispatch.services.scheduling import start_due
from dispatch.services.sending import hand_over, send_due
from messenger_logs.choices import Mode
from messenger_logs.models import Delivery, DeviceAttempt, Redial, SentMessage, TextConsent
from messenger_logs.services.cancel import cancel_message
from messenger_logs.services.complete_cancel import complete_cancel, stopped_and_left
from messenger_logs.services.intake import add_recipients
from messenger_logs.services.status_reports import StatusReport
from messenger_logs.totals import totals_of
from tests.dispatch.conftest import dispatch_all, status_of, statuses
from tests.dispatch.stub import Provider, RingingGateway, StubGateway, email_gateway

pytestmark = pytest.mark.django_db

Due = Callable[..., SentMessage]
# A Friday in the district, which is six hours behind.
EVENING, NIGHT, MORNING = (datetime(2026, 11, 21, hour, 30, tzinfo=UTC) for hour in (2, 4, 15))


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(EVENING, tick=False) as clock:
        yield clock


@pytest.fixture
def hours(settings) -> None:
    settings.TIME_ZONE = "America/Chicago"
    settings.VOICE_HOURS = (time(8), time(21))


def test_a_message_goes_from_waiting_to_sent(provider: Provider, due_message: Due) -> None:
    message = due_message(Mode.EMAIL, 7)
    assert start_due() == 1
    assert status_of(message) == "in_progress"

    assert send_due(Mode.EMAIL) == 7

    message.refresh_from_db()
    assert message.status == "sent"
    assert message.dispatch_started_at < message.dispatch_finished_at
    assert totals_of(message).modes[Mode.EMAIL].success == 7
    assert {attempt.number for attempt in DeviceAttempt.objects.all()} == {1}


def test_what_is_not_due_or_is_not_ours_stays(provider: Provider, due_message: Due) -> None:
    soon = timezone.now() + timedelta(minutes=5)
    later = due_message(Mode.EMAIL, 2, scheduled_at=soon)
    elsewhere = due_message(Mode.EMAIL, 2, dispatched_here=False)
    canceled = due_message(Mode.EMAIL, 2, status="canceled")

    assert dispatch_all() == 0

    for message in (later, elsewhere, canceled):
        assert statuses(message) == {"waiting": 2}


def test_each_kind_of_mode_has_its_own_start(provider: Provider, due_message: Due) -> None:
    now = timezone.now()
    message = due_message(
        Mode.EMAIL, 3, email_start_at=now + timedelta(hours=1), voice_start_at=now - timedelta(minutes=1)
    )
    assert dispatch_all() == 0
    SentMessage.objects.update(email_start_at=now - timedelta(seconds=1), scheduled_at=now + timedelta(hours=2))
    assert dispatch_all() == 3
    assert statuses(message) == {"sent": 3}


def test_emergencies_go_before_priority_before_all_others(provider: Provider, due_message: Due) -> None:
    kinds = [
        {"message_type": "Message Builder"},
        {"message_type": "Messenger 2.0 - General", "engine": "v2"},
        {"message_type": "Messenger 2.0 - Priority", "engine": "v2"},
        {"message_type": "Messenger 2.0 - Emergency", "engine": "v2"},
    ]
    ids = [due_message(Mode.EMAIL, 4, **kind).pk for kind in kinds]

    dispatch_all(Mode.EMAIL)

    messages = dict(Delivery.objects.values_list("pk", "message"))
    order = list(dict.fromkeys(messages[item["delivery"]] for item in provider.received))
    assert order == [ids[3], ids[2], ids[0], ids[1]]


def test_a_duplicate_goes_out_once_and_follows_its_first_row(provider: Provider, due_message: Due) -> None:
    message = due_message(Mode.VOICE, 2)
    first = message.deliveries.order_by("pk")[0]
    other = message.recipients.create(person_id="other", name="Other", counted=True)
    Delivery.objects.create(message=message, recipient=other, mode="voice", address=first.address, duplicate=True)

    assert dispatch_all() == 2

    assert statuses(message) == {"not_confirmed": 3}


def test_calls_at_night_are_restricted_and_made_in_the_morning(
    provider: Provider, due_message: Due, hours: None, clock
) -> None:
    clock.move_to(NIGHT)
    message = due_message(Mode.VOICE, 4)

    assert dispatch_all() == 0

    held = message.deliveries.values_list("status", "detail", "code", "attempt_count").distinct().get()
    assert held == ("restricted", "Recipient restrictions", -9, 0)
    assert status_of(message) == "in_progress"
    clock.move_to(MORNING)
    assert dispatch_all() == 4
    assert statuses(message) == {"not_confirmed": 4}
    assert message.deliveries.values_list("attempt_count", "code").distinct().get() == (1, 5)
    assert status_of(message) == "sent"


def test_an_emergency_calls_at_night(provider: Provider, due_message: Due, hours: None, clock) -> None:
    clock.move_to(NIGHT)
    due_message(Mode.VOICE, 4, message_type="Messenger 2.0 - Emergency", engine="v2")
    assert dispatch_all() == 4


def test_a_cancel_at_night_stops_the_calls_that_are_held(
    provider: Provider, due_message: Due, hours: None, clock, make_user: Callable[..., User]
) -> None:
    clock.move_to(NIGHT)
    message = due_message(Mode.VOICE, 4)
    dispatch_all()

    answer = cancel_message(message_id=message.pk, by=make_user())
    assert (answer.figures.stopped, answer.figures.left) == (4, 0)
    complete_cancel(message_id=message.pk)

    clock.move_to(MORNING)
    assert dispatch_all() == 0
    assert statuses(message) == {"canceled": 4}


def test_a_busy_line_is_tried_again_after_a_while_up_to_so_many_times(
    provider: Provider, due_message: Due, monkeypatch, clock, settings
) -> None:
    monkeypatch.setattr(StubGateway, "codes", {1: 1, 2: 0, 3: 1, 4: 5})
    message = due_message(Mode.VOICE, 1)

    assert dispatch_all() == 1
    assert statuses(message) == {"busy": 1}
    assert status_of(message) == "in_progress", "somebody is to be tried again"
    clock.shift(timedelta(minutes=settings.REDIAL_MINUTES))
    assert dispatch_all() == 1
    assert statuses(message) == {"no_answer": 1}
    clock.shift(timedelta(minutes=settings.REDIAL_MINUTES))
    assert dispatch_all() == 1
    clock.shift(timedelta(days=1))

    assert dispatch_all() == 0, "three tries are enough"
    assert statuses(message) == {"busy": 1}
    assert status_of(message) == "sent"
    assert list(DeviceAttempt.objects.order_by("number").values_list("number", "code")) == [(1, 1), (2, 0), (3, 1)]
    assert totals_of(message).modes[Mode.VOICE].attempts == 3


def test_what_is_told_late_or_again_of_a_try_asks_for_no_other(
    provider: Provider, due_message: Due, monkeypatch, clock, settings
) -> None:
    monkeypatch.setattr(StubGateway, "codes", {1: 1, 2: 3})
    message = due_message(Mode.VOICE, 1)
    pk = message.deliveries.get().pk
    dispatch_all()
    busy = StatusReport(delivery_id=pk, attempt=1, code=1, at=timezone.now())
    record_reports(message.pk, Mode.VOICE, [busy])
    clock.shift(timedelta(minutes=settings.REDIAL_MINUTES))
    dispatch_all()

    record_reports(message.pk, Mode.VOICE, [busy])
    clock.shift(timedelta(days=1))
    dispatch_all()

    assert dict(provider.attempts) == {(pk, 1): 1, (pk, 2): 1}
    assert statuses(message) == {"failed": 1}
    assert not Redial.objects.exists()


def test_a_text_that_fails_after_its_message_had_gone_is_tried_again(
    provider: Provider, due_message: Due, monkeypatch, clock, settings
) -> None:
    monkeypatch.setattr(StubGateway, "codes", {1: -39, 2: -27})
    message = due_message(Mode.TEXT, 1)
    pk = message.deliveries.get().pk
    dispatch_all()
    assert status_of(message) == "sent"

    record_reports(message.pk, Mode.TEXT, [StatusReport(delivery_id=pk, attempt=1, code=-30, at=timezone.now())])
    assert status_of(message) == "in_progress"
    assert finished_at(message) is None
    clock.shift(timedelta(minutes=settings.REDIAL_MINUTES))
    dispatch_all()

    assert dict(provider.attempts) == {(pk, 1): 1, (pk, 2): 1}
    assert statuses(message) == {"sent": 1}
    assert status_of(message) == "sent"
    assert finished_at(message)


def test_recipients_that_come_when_the_first_ones_had_gone_get_it_as_well(provider: Provider, due_message: Due) -> None:
    message = due_message(Mode.EMAIL, 3)
    dispatch_all()
    assert status_of(message) == "sent"

    late = {"person_id": "late", "name": "Late", "devices": [{"mode": "email", "address": "late@example.com"}]}
    add_recipients(message, [late])

    assert status_of(message) == "in_progress"
    assert dispatch_all() == 1
    assert statuses(message) == {"sent": 4}
    assert set(provider.attempts.values()) == {1}
    assert status_of(message) == "sent"


def test_a_redial_waits_for_the_morning(provider: Provider, due_message: Due, monkeypatch, hours: None, clock) -> None:
    monkeypatch.setattr(StubGateway, "codes", {1: 1})
    clock.move_to(EVENING + timedelta(minutes=25))  # 8:55 PM
    due_message(Mode.VOICE, 1)
    assert dispatch_all() == 1
    assert timezone.localtime(Redial.objects.get().due_at).strftime("%d %H:%M") == "21 08:00"


@pytest.mark.parametrize(("code", "again"), [(3, False), (6, False), (9, False), (17, False), (-9, True), (10, True)])
def test_only_some_codes_are_tried_again(
    provider: Provider, due_message: Due, monkeypatch, code: int, again: bool
) -> None:
    monkeypatch.setattr(StubGateway, "codes", {1: code})
    due_message(Mode.VOICE, 1)
    dispatch_all()
    assert Redial.objects.exists() == again


def test_a_voicemail_is_called_again_where_the_district_wants_it(
    provider: Provider, due_message: Due, monkeypatch, settings
) -> None:
    settings.REDIAL_ANSWERING_MACHINES = True
    monkeypatch.setattr(StubGateway, "codes", {1: 6})
    due_message(Mode.VOICE, 1)
    dispatch_all()
    assert Redial.objects.get().attempt == 2


def test_nobody_is_tried_again_after_a_cancel(
    provider: Provider, due_message: Due, monkeypatch, clock, make_user: Callable[..., User]
) -> None:
    monkeypatch.setattr(StubGateway, "codes", {1: 1})
    message = due_message(Mode.VOICE, 2)
    dispatch_all()
    cancel_message(message_id=message.pk, by=make_user())
    complete_cancel(message_id=message.pk)
    clock.shift(timedelta(days=1))

    assert dispatch_all() == 0
    assert statuses(message) == {"busy": 2}, "what it came to stays"
    figures = stopped_and_left(message.pk)
    assert (figures.stopped, figures.left) == (0, 2)


def test_who_sent_stop_gets_no_text(provider: Provider, due_message: Due) -> None:
    message = due_message(Mode.TEXT, 4)
    first = message.deliveries.order_by("pk")[0]
    TextConsent.objects.create(number=first.address, opted_out=True, changed_at=timezone.now())

    dispatch_all()

    first.refresh_from_db()
    assert (first.status, first.code, first.outcome, first.attempt_count) == ("opt_out", -33, "not_attempted", 0)
    assert provider.deliveries == set(message.deliveries.exclude(pk=first.pk).values_list("pk", flat=True))
    assert statuses(message) == {"opt_out": 1, "sent": 3}
    assert totals_of(message).modes[Mode.TEXT].opted_out == 1


def test_who_sent_stop_gets_no_text_by_an_extension_either(provider: Provider, due_message: Due) -> None:
    message = due_message(Mode.TEXT, 1)
    number = message.deliveries.get().address
    message.deliveries.update(address=f"{number};ext=45")
    TextConsent.objects.create(number=number, opted_out=True, changed_at=timezone.now())
    dispatch_all()
    assert statuses(message) == {"opt_out": 1}
    assert not provider.received


@pytest.fixture
def ringing(provider: Provider, settings, monkeypatch) -> type[RingingGateway]:
    settings.GATEWAYS = settings.GATEWAYS | {"voice": "tests.dispatch.stub.ringing_gateway"}
    monkeypatch.setattr(RingingGateway, "ends", {})
    monkeypatch.setattr(RingingGateway, "hung_up", [])
    return RingingGateway


def test_a_call_that_rings_is_followed_to_its_end(ringing: type[RingingGateway], due_message: Due, clock) -> None:
    message = due_message(Mode.VOICE, 2)
    dispatch_all()
    one, other = message.deliveries.order_by("pk")
    assert statuses(message) == {"in_progress": 2}

    ringing.ends[one.pk] = 5
    assert calls.poll(Mode.VOICE) == 1
    assert statuses(message) == {"not_confirmed": 1, "in_progress": 1}
    assert status_of(message) == "in_progress"
    ringing.ends[other.pk] = 7
    assert calls.poll(Mode.VOICE) == 0, "it was asked about just now"
    clock.shift(timedelta(seconds=10))
    assert calls.poll(Mode.VOICE) == 1
    assert status_of(message) == "sent"
    assert not OpenCall.objects.exists()


def test_a_call_that_never_ends_is_given_up(ringing: type[RingingGateway], due_message: Due, clock, settings) -> None:
    message = due_message(Mode.VOICE, 1)
    dispatch_all()
    OpenCall.objects.update(placed_at=timezone.now() - timedelta(hours=settings.CALL_RESULT_HOURS, seconds=1))

    calls.poll(Mode.VOICE)

    assert message.deliveries.values_list("status", "detail").get() == ("vendor_received", "Status unknown")
    assert status_of(message) == "sent"


def test_a_cancel_hangs_up_live_calls(
    ringing: type[RingingGateway], due_message: Due, make_user: Callable[..., User], monkeypatch, clock
) -> None:
    monkeypatch.setattr(tasks.hang_up_calls, "delay", tasks.hang_up_calls)
    message = due_message(Mode.VOICE, 2)
    dispatch_all()
    one, other = message.deliveries.order_by("pk")
    cancel_message(message_id=message.pk, by=make_user())
    complete_cancel(message_id=message.pk)

    assert sorted(ringing.hung_up) == [one.pk, other.pk]
    ringing.ends.update({one.pk: -35, other.pk: 5})
    clock.shift(timedelta(seconds=10))
    calls.poll(Mode.VOICE)
    assert statuses(message) == {"canceled": 1, "not_confirmed": 1}
    assert status_of(message) == "canceled_ip"


def finished_at(message: SentMessage) -> datetime | None:
    return SentMessage.objects.values_list("dispatch_finished_at", flat=True).get(pk=message.pk)


def test_a_call_that_is_recorded_while_its_message_is_canceled_is_hung_up(
    ringing: type[RingingGateway], due_message: Due, make_user: Callable[..., User], monkeypatch
) -> None:
    message = due_message(Mode.VOICE, 1)
    start_due()
    store = recording._store

    def cancel_right_after(*args) -> None:
        store(*args)
        # As one that hung up before this was committed: it saw no call.
        cancel_message(message_id=message.pk, by=make_user())
        SentMessage.objects.update(cancel_completed_at=timezone.now())

    monkeypatch.setattr(recording, "_store", cancel_right_after)
    send_due(Mode.VOICE)

    calls.hang_up(Mode.VOICE)
    assert ringing.hung_up == [message.deliveries.get().pk]


def test_a_canceled_message_ends_when_nothing_of_it_is_under_way(
    ringing: type[RingingGateway], due_message: Due, make_user: Callable[..., User], monkeypatch, clock
) -> None:
    monkeypatch.setattr(tasks.hang_up_calls, "delay", tasks.hang_up_calls)
    message = due_message(Mode.VOICE, 5)
    start_due()
    claim = claim_next(Mode.VOICE, batch=1)
    assert claim
    hand_over(claim, ringing(Mode.VOICE))
    cancel_message(message_id=message.pk, by=make_user())
    complete_cancel(message_id=message.pk)
    assert finished_at(message) is None, "a call is live"

    ringing.ends.update(dict.fromkeys(message.deliveries.values_list("pk", flat=True), -35))
    clock.shift(timedelta(seconds=10))
    calls.poll(Mode.VOICE)

    assert statuses(message) == {"canceled": 5}
    assert finished_at(message)


def test_a_canceled_message_of_which_nothing_was_under_way_ends_with_its_cancel(
    provider: Provider, due_message: Due, make_user: Callable[..., User]
) -> None:
    waiting, begun = due_message(Mode.VOICE, 2), due_message(Mode.EMAIL, 9)
    SentMessage.objects.filter(pk=waiting.pk).update(scheduled_at=timezone.now() + timedelta(days=1))
    start_due()
    claim = claim_next(Mode.EMAIL, batch=3)
    assert claim
    hand_over(claim, email_gateway())
    for message in (waiting, begun):
        cancel_message(message_id=message.pk, by=make_user())
        complete_cancel(message_id=message.pk)
    begun.refresh_from_db()
    assert begun.dispatch_finished_at >= begun.cancel_completed_at
    assert finished_at(waiting) is None, "it never began"


def test_a_canceled_message_ends_when_its_last_claim_is_settled(
    provider: Provider, due_message: Due, make_user: Callable[..., User]
) -> None:
    message = due_message(Mode.EMAIL, 9)
    start_due()
    claim = claim_next(Mode.EMAIL, batch=3)
    assert claim
    cancel_message(message_id=message.pk, by=make_user())
    complete_cancel(message_id=message.pk)
    assert finished_at(message) is None
    hand_over(claim, email_gateway())
    assert statuses(message) == {"sent": 3, "canceled": 6}
    assert finished_at(message)


def test_what_is_in_doubt_is_sent_again_only_by_a_person(
    provider: Provider, due_message: Due, make_user: Callable[..., User], monkeypatch
) -> None:
    message = due_message(Mode.VOICE, 2)
    start_due()
    provider.after.append(_no_answer)
    dispatch_all()
    assert set(in_doubt(message)) == set(message.deliveries.all())
    assert status_of(message) == "sent"

    ids = list(message.deliveries.values_list("pk", flat=True))
    assert retry_deliveries(message_id=message.pk, deliveries=ids[:1], by=make_user()) == 1
    assert retry_deliveries(message_id=message.pk, deliveries=ids[:1], by=make_user()) == 0, "it is on its way already"
    assert status_of(message) == "in_progress"

    assert dispatch_all() == 1
    assert dict(provider.attempts) == {(ids[0], 1): 1, (ids[1], 1): 1, (ids[0], 2): 1}
    assert statuses(message) == {"not_confirmed": 1, "vendor_received": 1}
    assert status_of(message) == "sent"


def test_nothing_of_a_canceled_message_is_sent_again(
    provider: Provider, due_message: Due, make_user: Callable[..., User]
) -> None:
    message = due_message(Mode.VOICE, 4)
    start_due()
    provider.after.append(_no_answer)
    send_due(Mode.VOICE)
    cancel_message(message_id=message.pk, by=make_user())
    dispatch_all()
    ids = list(message.deliveries.values_list("pk", flat=True))
    assert retry_deliveries(message_id=message.pk, deliveries=ids, by=make_user()) == 0
    assert status_of(message) == "canceled_ip"


def _no_answer(request: object) -> None:
    raise ConnectionAbortedError


def test_everything_due_goes_out_once_after_an_hour_without_beat_or_broker(
    provider: Provider, due_message: Due, clock, monkeypatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(tasks.hand_over_due, "apply_async", lambda args, **_: asked.append(args[0]))
    soon = timezone.now() + timedelta(minutes=10)
    messages = [due_message(Mode.EMAIL, 4), due_message(Mode.TEXT, 4, scheduled_at=soon)]
    clock.shift(timedelta(hours=1))

    # Every tick that was missed comes at once, and so do the tasks that each asked for.
    for _ in range(5):
        tasks.tick()
    assert set(asked) == {"email", "text"}
    for mode in asked:
        tasks.hand_over_due(mode)

    assert set(provider.attempts.values()) == {1}
    assert [statuses(message) for message in messages] == [{"sent": 4}, {"sent": 4}]


def test_a_broker_that_is_away_stops_nothing_that_was_begun(provider: Provider, due_message: Due, monkeypatch) -> None:
    def away(*args: object, **named: object) -> None:
        raise ConnectionError("no broker")

    monkeypatch.setattr(tasks.hand_over_due, "apply_async", away)
    message = due_message(Mode.EMAIL, 4)
    with pytest.raises(ConnectionError):
        tasks.tick()
    assert status_of(message) == "in_progress"
    monkeypatch.setattr(tasks.hand_over_due, "apply_async", lambda args, **_: tasks.hand_over_due(*args))
    tasks.tick()
    assert statuses(message) == {"sent": 4}
    assert set(provider.attempts.values()) == {1}


def test_the_command_does_it_without_either(provider: Provider, due_message: Due, capsys) -> None:
    message = due_message(Mode.INBOX, 3, subject="Hello", bodies={"inbox": "<p>Dear {{student.firstName}}</p>"})
    message.recipients.update(merge_fields={"student.firstName": "<Mai>"})
    call_command("dispatch", "--once")
    assert statuses(message) == {"sent": 3}
    assert set(InboxMessage.objects.values_list("subject", "body")) == {("Hello", "<p>Dear &lt;Mai&gt;</p>")}
    assert "3 handed over." in capsys.readouterr().out


def test_with_the_command_no_mode_waits_for_all_of_another(monkeypatch, capsys) -> None:
    left = {Mode.EMAIL: [1000, 500], Mode.VOICE: [1]}
    asked = []

    def some_of_it(mode: Mode, *, until: float) -> int:
        asked.append(mode)
        return left[mode].pop(0) if left.get(mode) else 0

    monkeypatch.setattr("dispatch.management.commands.dispatch.send_due", some_of_it)
    call_command("dispatch", "--once")
    assert asked == [*Mode] * 3
    assert "1,501 handed over." in capsys.readouterr().out


def test_a_mode_without_a_gateway_waits(due_message: Due, settings) -> None:
    settings.GATEWAYS = {"inbox": "dispatch.gateways.inbox.gateway"}
    message = due_message(Mode.VOICE, 2)
    start_due()
    assert gateway_for(Mode.VOICE) is None
    assert send_due(Mode.VOICE) == 0
    assert statuses(message) == {"waiting": 2}


def test_a_mode_goes_no_faster_than_its_pace(provider: Provider, due_message: Due, settings) -> None:
    settings.ITEMS_A_MINUTE = {"email": 6}
    message = due_message(Mode.EMAIL, 9)
    assert dispatch_all(Mode.EMAIL) == 3, "a batch, and then the debt is to be paid"
    assert statuses(message) == {"sent": 3, "waiting": 6}
    assert may_go(Mode.VOICE)
    assert not may_go(Mode.EMAIL)
    spend(Mode.EMAIL, -3)
    assert may_go(Mode.EMAIL)


def test_claims_cost_the_same_number_of_queries_however_many_they_hold(
    provider: Provider, due_message: Due, monkeypatch
) -> None:
    counts = []
    for devices in (3, 30):
        monkeypatch.setattr(StubGateway, "batch", devices)
        due_message(Mode.EMAIL, devices)
        start_due()
        with CaptureQueriesContext(connection) as captured:
            send_due(Mode.EMAIL)
        counts.append(len(captured))
    assert counts[0] == counts[1]
    assert not Claim.objects.exclude(state="settled").exists()
