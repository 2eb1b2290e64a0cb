"""Beat and the broker are away for an hour: nothing is lost, and everything due goes out once when they return.

The tests kill a real worker, a real beat and their own broker, and judge by what the provider received. They do not
wait for the hour: they move the due time of the messages an hour back.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db.models import Max
from django.utils import timezone

from config.celery import app
from dispatch.models import Claim
from messenger_logs.choices import Mode
from messenger_logs.models import Delivery, SentMessage
from tests.dispatch.conftest import statuses
from tests.dispatch.processes import Celery
from tests.dispatch.processes import broker as broker
from tests.dispatch.processes import folder as folder
from tests.dispatch.stub import URL, Provider, Request
from tests.examples import some
from tests.valkey import Valkey, kill
from tests.wait import PATIENCE, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

Due = Callable[..., SentMessage]
# More than two workers can hand over in the second that their tasks go on without a broker.
MANY, SECONDS_A_REQUEST = 150, 0.1


@pytest.fixture
def celery(folder: Path, broker: Valkey, provider: Provider) -> Iterator[Celery]:
    assert os.environ[URL] == provider.url
    celery = Celery(folder, broker)
    celery.start("--concurrency=2")
    yield celery
    celery.kill()


def become_due(*messages: SentMessage) -> None:
    """Move the due time of messages to an hour ago."""
    then = timezone.now() - timedelta(hours=1)
    SentMessage.objects.filter(pk__in=[message.pk for message in messages]).update(scheduled_at=then)


def finished() -> bool:
    open_claims = Claim.objects.exclude(state="settled")
    return not (SentMessage.objects.filter(dispatch_finished_at=None).exists() or open_claims.exists())


def assert_each_went_out_once(provider: Provider) -> None:
    carried = Delivery.objects.exclude(mode=Mode.INBOX)
    assert provider.deliveries == set(carried.values_list("pk", flat=True)), "nothing is lost"
    assert set(provider.attempts.values()) == {1}, "nothing goes out twice"
    assert set(SentMessage.objects.values_list("status", flat=True)) == {"sent"}
    assert set(Delivery.objects.values_list("outcome", flat=True)) == {"success"}
    assert Delivery.objects.aggregate(most=Max("attempt_count"))["most"] == 1


@pytest.fixture
def later(due_message: Due) -> list[SentMessage]:
    """Make a message of each mode that is due later."""
    tomorrow = timezone.now() + timedelta(days=1)
    return [due_message(mode, 7, scheduled_at=tomorrow) for mode in Mode]


@pytest.mark.thorough
def test_what_becomes_due_without_beat_goes_out_once_when_it_returns(
    provider: Provider, due_message: Due, later: list[SentMessage], celery: Celery
) -> None:
    first = due_message(Mode.TEXT, 4)
    wait_until(lambda: statuses(first) == {"sent": 4})

    kill(celery.beat)
    become_due(*later)
    celery.start_beat()

    wait_until(finished)
    assert_each_went_out_once(provider)


@pytest.mark.parametrize("with_its_data", some([False, True]), ids=lambda has: "with its data" if has else "without")
def test_a_broker_that_dies_in_the_middle_of_a_message_loses_and_repeats_nothing(
    provider: Provider, due_message: Due, later: list[SentMessage], broker: Valkey, celery: Celery, with_its_data: bool
) -> None:
    dead = threading.Event()

    def slow(request: Request) -> None:
        time.sleep(SECONDS_A_REQUEST)
        # Requests that are under way get their answer only after the broker is gone.
        if len(provider.deliveries) > MANY / 10:
            dead.wait(PATIENCE)

    provider.after += [slow] * MANY
    running = due_message(Mode.EMAIL, MANY)
    wait_until(lambda: len(provider.deliveries) > MANY / 10)

    broker.kill()
    dead.set()
    become_due(*later)
    # Tasks that were running go on until their time is up. A request that got no answer in time is looked up later.
    wait_until(lambda: not Claim.objects.exclude(state="settled").filter(look_up_at=None).exists())
    assert 0 < len(provider.deliveries) < MANY, "it was in the middle"
    if not with_its_data:
        broker.forget()
    broker.start()

    wait_until(finished)
    assert statuses(running) == {"sent": MANY}
    assert_each_went_out_once(provider)


def test_a_worker_waits_for_its_broker_however_long_that_is_away() -> None:
    assert app.conf.broker_connection_max_retries is None
