"""Calls: the allowed hours, results that come later, and cancels."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from dispatch import tasks
from dispatch.gateways import Answer, HandOff
from dispatch.models import OpenCall
from dispatch.services import calls, recording
from dispatch.services.claims import claim_next
from dispatch.services.scheduling import start_due
from dispatch.services.sending import hand_over, send_due
from messenger_logs.cancel_figures import cancel_figures
from messenger_logs.choices import Mode
from messenger_logs.models import SentMessage
from messenger_logs.services.cancel import cancel_message
from messenger_logs.services.complete_cancel import complete_cancel
from messenger_logs.services.status_reports import StatusReport
from tests.dispatch.conftest import MORNING, NIGHT, dispatch_all, finished_at, status_of, statuses
from tests.dispatch.stub import Provider, RingingGateway, StubGateway, email_gateway, in_the_database
from tests.queue import do_at_once

pytestmark = pytest.mark.django_db

Due = Callable[..., SentMessage]


@pytest.mark.slow
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


@pytest.mark.slow
def test_an_emergency_calls_at_night(provider: Provider, due_message: Due, hours: None, clock) -> None:
    clock.move_to(NIGHT)
    due_message(Mode.VOICE, 4, message_type="Messenger 2.0 - Emergency", engine="v2")
    assert dispatch_all() == 4


@pytest.mark.slow
def test_a_cancel_at_night_stops_the_calls_that_are_held(
    provider: Provider, due_message: Due, hours: None, clock, make_user: Callable[..., User]
) -> None:
    clock.move_to(NIGHT)
    message = due_message(Mode.VOICE, 4)
    dispatch_all()

    answer = cancel_message(message_id=message.pk, by=make_user())
    assert (answer.figures.never_started, answer.figures.left) == (4, 0)
    complete_cancel(message_id=message.pk)

    clock.move_to(MORNING)
    assert dispatch_all() == 0
    assert statuses(message) == {"canceled": 4}


@pytest.fixture
def ringing(provider: Provider, settings, monkeypatch) -> type[RingingGateway]:
    settings.GATEWAYS = settings.GATEWAYS | {"voice": "tests.dispatch.stub.ringing_gateway"}
    monkeypatch.setattr(RingingGateway, "ends", {})
    monkeypatch.setattr(RingingGateway, "hung_up", [])
    return RingingGateway


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_call_that_never_ends_is_given_up(ringing: type[RingingGateway], due_message: Due, clock, settings) -> None:
    message = due_message(Mode.VOICE, 1)
    dispatch_all()
    OpenCall.objects.update(placed_at=timezone.now() - timedelta(hours=settings.CALL_RESULT_HOURS, seconds=1))

    calls.poll(Mode.VOICE)

    assert message.deliveries.values_list("status", "detail").get() == ("vendor_received", "Status unknown")
    assert status_of(message) == "sent"


@pytest.mark.slow
def test_a_cancel_hangs_up_live_calls(
    ringing: type[RingingGateway], due_message: Due, make_user: Callable[..., User], monkeypatch, clock
) -> None:
    do_at_once(monkeypatch, tasks.hang_up_calls)
    message = due_message(Mode.VOICE, 2)
    dispatch_all()
    one, other = message.deliveries.order_by("pk")
    cancel_message(message_id=message.pk, by=make_user())
    complete_cancel(message_id=message.pk)

    assert sorted(ringing.hung_up) == [one.pk, other.pk]
    assert cancel_figures(message.pk).by_name == {"left": 2, "hung_up": 0, "never_started": 0, "not_tried": 0}
    assert not_complete(message)
    ringing.ends.update({one.pk: -35, other.pk: 5})
    clock.shift(timedelta(seconds=10))
    calls.poll(Mode.VOICE)
    assert statuses(message) == {"canceled": 1, "not_confirmed": 1}
    assert status_of(message) == "canceled_ip"
    assert cancel_figures(message.pk).by_name == {"left": 1, "hung_up": 1, "never_started": 0, "not_tried": 0}
    message.refresh_from_db()
    assert message.cancel_completed_at == message.dispatch_finished_at, "complete means complete"


@pytest.mark.slow
def test_what_a_provider_says_after_a_cancel_is_complete_moves_no_figure(
    ringing: type[RingingGateway], due_message: Due, make_user: Callable[..., User], clock
) -> None:
    message = due_message(Mode.VOICE, 2)
    dispatch_all()
    cancel_message(message_id=message.pk, by=make_user())
    complete_cancel(message_id=message.pk)
    one, other = message.deliveries.order_by("pk")
    ringing.ends.update({one.pk: -35, other.pk: 5})
    clock.shift(timedelta(seconds=10))
    calls.poll(Mode.VOICE)
    final = cancel_figures(message.pk)

    late = [StatusReport(delivery_id=other.pk, attempt=2, code=-35, at=timezone.now())]
    recording.record_reports(message.pk, Mode.VOICE, late)
    assert cancel_figures(message.pk) == final


def not_complete(message: SentMessage) -> bool:
    return SentMessage.objects.filter(pk=message.pk, cancel_completed_at=None).exists()


@pytest.mark.slow
def test_a_call_that_is_recorded_while_its_message_is_canceled_is_hung_up(
    ringing: type[RingingGateway], due_message: Due, make_user: Callable[..., User], monkeypatch
) -> None:
    message = due_message(Mode.VOICE, 1)
    start_due()
    store = recording._store

    def cancel_right_after(*args) -> None:
        store(*args)
        # This cancel committed before the call was recorded, so it saw no call to hang up.
        cancel_message(message_id=message.pk, by=make_user())
        SentMessage.objects.update(cancel_completed_at=timezone.now())

    monkeypatch.setattr(recording, "_store", cancel_right_after)
    send_due(Mode.VOICE)

    calls.hang_up(Mode.VOICE)
    assert ringing.hung_up == [message.deliveries.get().pk]


@pytest.mark.slow
def test_a_canceled_message_ends_when_nothing_of_it_is_under_way(
    ringing: type[RingingGateway], due_message: Due, make_user: Callable[..., User], monkeypatch, clock
) -> None:
    do_at_once(monkeypatch, tasks.hang_up_calls)
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


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_canceled_message_ends_when_its_last_hand_over_is_settled(
    provider: Provider, due_message: Due, make_user: Callable[..., User]
) -> None:
    message = due_message(Mode.EMAIL, 9)
    start_due()
    claim = claim_next(Mode.EMAIL, batch=3)
    assert claim

    class CanceledMeanwhile(StubGateway):
        async def hand_off(self, hand_off: HandOff) -> Answer:
            answer = await super().hand_off(hand_off)
            await in_the_database(cancel)
            return answer

    def cancel() -> None:
        cancel_message(message_id=message.pk, by=make_user())
        complete_cancel(message_id=message.pk)
        assert finished_at(message) is None

    hand_over(claim, CanceledMeanwhile(Mode.EMAIL))
    assert statuses(message) == {"sent": 3, "canceled": 6}
    assert finished_at(message)
