"""A task that runs over its time limit is cut off in a real worker, which goes on with the next one."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

import pytest
from celery import Celery as CeleryApp

from dispatch.choices import ClaimState
from dispatch.models import Claim, Pace
from dispatch.services.scheduling import start_due
from messenger_logs.choices import Mode
from messenger_logs.models import SentMessage
from tests.dispatch.conftest import statuses
from tests.dispatch.processes import Celery
from tests.dispatch.processes import broker as broker
from tests.dispatch.processes import folder as folder
from tests.dispatch.stub import URL, Provider, Request
from tests.valkey import Valkey
from tests.wait import PATIENCE, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

Due = Callable[..., SentMessage]
HandOver = Callable[..., None]


@pytest.fixture
def worker(folder: Path, broker: Valkey, provider: Provider) -> Iterator[Celery]:
    """A worker with one process, and no beat: it does what the test asks for, one after the other."""
    assert os.environ[URL] == provider.url
    worker = Celery(folder, broker, {"STALE_CLAIM_SECONDS": "3"})
    worker.run("worker", "--concurrency=1")
    yield worker
    worker.kill()


@pytest.fixture
def hand_over(broker: Valkey) -> HandOver:
    """Ask for a turn at a mode, with time limits for this turn."""
    app = CeleryApp(broker=broker.url.replace("unix://", "redis+socket://"))

    def hand_over(mode: Mode, **limits: int) -> None:
        app.send_task("dispatch.tasks.hand_over_due", [mode.value], queue="dispatch", **limits)

    return hand_over


@pytest.fixture
def silent(provider: Provider) -> Iterator[Event]:
    """The provider takes the first request, accepts nothing, and does not answer before the event."""
    over = Event()

    def hang(request: Request) -> None:
        over.wait(PATIENCE)
        raise ConnectionAbortedError

    provider.before = [hang]
    yield over
    over.set()


def test_a_turn_over_its_soft_limit_leaves_its_claim_to_be_looked_up_and_the_worker_goes_on(
    provider: Provider, due_message: Due, worker: Celery, hand_over: HandOver, silent: Event
) -> None:
    email, inbox = due_message(Mode.EMAIL, 1), due_message(Mode.INBOX, 2)
    start_due()
    hand_over(Mode.EMAIL, soft_time_limit=1, time_limit=60)
    hand_over(Mode.INBOX)

    wait_until(lambda: statuses(inbox) == {"sent": 2})

    assert not silent.is_set(), "the provider has not answered yet"
    claim = Claim.objects.get(message=email)
    assert claim.state == ClaimState.HANDED
    assert claim.look_up_at is not None
    assert Pace.objects.get(mode=Mode.EMAIL).words == "The provider did not answer in time."
    assert statuses(email) == {"in_progress": 1}


def test_a_turn_over_its_hard_limit_loses_its_process_and_the_worker_goes_on(
    provider: Provider, due_message: Due, worker: Celery, hand_over: HandOver, silent: Event
) -> None:
    email, inbox = due_message(Mode.EMAIL, 1), due_message(Mode.INBOX, 2)
    start_due()
    hand_over(Mode.EMAIL, soft_time_limit=1, time_limit=2)  # its last seconds are more
    hand_over(Mode.INBOX)

    wait_until(lambda: statuses(inbox) == {"sent": 2})

    assert not silent.is_set(), "the provider has not answered yet"
    log = (worker.folder / "worker.log").read_text()
    assert "Hard time limit (2s) exceeded for dispatch.tasks.hand_over_due" in log
    assert statuses(email) == {"in_progress": 1}
    silent.set()
    worker.start_beat()
    wait_until(lambda: statuses(email) == {"sent": 1})
    assert set(provider.attempts.values()) == {1}, "what nobody had is sent once"
