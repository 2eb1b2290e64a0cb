"""The clock of a host is put forward and back while messages go out: nothing is lost, doubled, or left waiting."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from dispatch.models import OpenCall, Pace
from dispatch.services import calls
from dispatch.services.rate_limit import may_go, pause, spend
from dispatch.services.recovery import recover
from messenger_logs.choices import Mode
from messenger_logs.models import SentMessage
from tests.dispatch.processes import Celery
from tests.dispatch.processes import broker as broker
from tests.dispatch.processes import folder as folder
from tests.dispatch.stub import Provider
from tests.dispatch.test_outage import assert_each_went_out_once, finished
from tests.valkey import Valkey
from tests.wait import PATIENCE, wait_until

Due = Callable[..., SentMessage]
DAY = timedelta(days=1)


@pytest.fixture
def stepping(folder: Path, broker: Valkey, provider: Provider) -> Iterator[Celery]:
    celery = Celery(folder, broker, {"CLOCK_STEPS": "yes", "STALE_CLAIM_SECONDS": "3"})
    celery.start("--concurrency=2")
    yield celery
    celery.kill()


@pytest.mark.thorough
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_messages_of_all_modes_go_out_once(provider: Provider, due_message: Due, stepping: Celery) -> None:
    for mode in Mode:
        due_message(mode, 12)

    # Where beat's clock is behind the worker's, its tasks are over before they begin: a third of them.
    wait_until(finished, seconds=3 * PATIENCE)

    assert_each_went_out_once(provider)


@pytest.mark.django_db
def test_a_pause_that_was_set_while_the_clock_was_ahead_ends_with_the_mistake(time_machine) -> None:
    now = timezone.now()
    time_machine.move_to(now + DAY)
    pause(Mode.TEXT, after=timedelta(minutes=1), words="Too many requests.")
    assert not may_go(Mode.TEXT)
    time_machine.move_to(now)
    assert may_go(Mode.TEXT)
    pause(Mode.TEXT, after=timedelta(minutes=1), words="Too many requests.")
    assert not may_go(Mode.TEXT), "a right pause takes the place of the wrong one"


@pytest.mark.django_db
def test_a_clock_that_is_put_back_takes_nothing_out_of_the_bucket(settings) -> None:
    settings.ITEMS_A_MINUTE = {"text": 60}
    spend(Mode.TEXT, 1)
    Pace.objects.update(as_of=timezone.now() + DAY)
    assert may_go(Mode.TEXT)


@pytest.mark.django_db
def test_calls_are_polled_although_the_clock_was_ahead_when_they_were(due_message: Due, provider: Provider) -> None:
    message = due_message(Mode.VOICE, 1)
    OpenCall.objects.create(
        delivery=message.deliveries.get(), attempt=1, message=message, mode=Mode.VOICE, poll_at=timezone.now() + DAY
    )
    assert calls.due(Mode.VOICE).count() == 1


@pytest.mark.django_db
def test_claims_are_not_called_old_just_after_the_clock_was_put(settings, monkeypatch, time_machine) -> None:
    settings.STALE_CLAIM_SECONDS = 60
    asked: list[object] = []
    monkeypatch.setattr("dispatch.services.recovery._stale", lambda state: asked.append(state) or [])
    now = timezone.now()
    time_machine.move_to(now)
    recover()
    asked.clear()
    time_machine.move_to(now + DAY)
    recover()
    assert asked == []
