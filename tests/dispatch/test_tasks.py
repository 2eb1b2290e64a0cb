"""The dispatcher as Celery runs it, and as a command."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from dispatch import tasks
from dispatch.models import InboxMessage, OpenCall
from dispatch.services.claims import claim_next
from dispatch.services.scheduling import start_due
from dispatch.services.sending import hand_over
from messenger_logs.choices import Mode
from messenger_logs.models import SentMessage
from tests.dispatch.conftest import status_of, statuses
from tests.dispatch.stub import Provider, StubGateway
from tests.queue import do_at_once, note_queued, refuse_all

pytestmark = pytest.mark.django_db

Due = Callable[..., SentMessage]


@pytest.mark.slow
def test_everything_due_goes_out_once_after_an_hour_without_beat_or_broker(
    provider: Provider, due_message: Due, clock, monkeypatch
) -> None:
    asked = note_queued(monkeypatch, tasks.hand_over_due)
    soon = timezone.now() + timedelta(minutes=10)
    messages = [due_message(Mode.EMAIL, 4), due_message(Mode.TEXT, 4, scheduled_at=soon)]
    clock.shift(timedelta(hours=1))

    # All missed ticks run at once, and so do the tasks that they queue.
    for _ in range(5):
        tasks.tick()
    assert set(asked) == {"email", "text"}
    for mode in asked:
        tasks.hand_over_due(mode)

    assert set(provider.attempts.values()) == {1}
    assert [statuses(message) for message in messages] == [{"sent": 4}, {"sent": 4}]


@pytest.mark.slow
def test_a_broker_that_is_away_stops_nothing_that_was_begun(provider: Provider, due_message: Due, monkeypatch) -> None:
    refuse_all(monkeypatch, tasks.hand_over_due)
    message = due_message(Mode.EMAIL, 4)
    tasks.tick()
    assert status_of(message) == "in_progress"
    do_at_once(monkeypatch, tasks.hand_over_due)
    tasks.tick()
    assert statuses(message) == {"sent": 4}
    assert set(provider.attempts.values()) == {1}


@pytest.mark.slow
def test_a_turn_that_ends_before_its_work_asks_for_the_next_one(
    provider: Provider, due_message: Due, monkeypatch
) -> None:
    """A tick that comes while the slots are taken asks in vain, so the work would rest until the tick after it."""
    asked = note_queued(monkeypatch, tasks.hand_over_due)

    def one_claim(mode: Mode, *, until: float) -> int:
        claim = claim_next(mode, batch=3)
        return hand_over(claim, StubGateway(mode)) if claim else 0

    monkeypatch.setattr(tasks, "send_due", one_claim)
    message = due_message(Mode.EMAIL, 6)
    start_due()
    tasks.hand_over_due("email")
    assert asked == ["email"]
    tasks.hand_over_due("email")
    assert asked == ["email"], "nothing is left"
    assert statuses(message) == {"sent": 6}


def test_a_poll_that_ends_before_its_work_asks_for_the_next_one(
    provider: Provider, due_message: Due, settings, monkeypatch
) -> None:
    asked = note_queued(monkeypatch, tasks.poll_calls)
    monkeypatch.setattr(tasks.calls, "poll", lambda mode, *, until: int(mode is Mode.VOICE))
    message = due_message(Mode.VOICE, 1)
    call = OpenCall.objects.create(delivery=message.deliveries.get(), attempt=1, message=message, mode=Mode.VOICE)
    tasks.poll_calls()
    assert len(asked) == 1
    call.delete()
    tasks.poll_calls()
    assert len(asked) == 1


@pytest.mark.slow
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
