"""The disk of the database is full while a real worker hands over: nothing is lost or doubled, and it goes on."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dispatch.models import Claim
from messenger_logs.choices import Mode
from messenger_logs.models import Delivery, DeviceAttempt, SentMessage
from tests.dispatch.processes import Celery
from tests.dispatch.processes import broker as broker
from tests.dispatch.processes import folder as folder
from tests.dispatch.stub import Provider
from tests.dispatch.test_outage import assert_each_went_out_once, finished
from tests.full_disk import small_disk
from tests.valkey import Valkey
from tests.wait import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

Due = Callable[..., SentMessage]


@pytest.fixture
def worker(folder: Path, broker: Valkey, provider: Provider) -> Iterator[Celery]:
    worker = Celery(folder, broker, {"STALE_CLAIM_SECONDS": "3"})
    worker.start("--concurrency=2")
    yield worker
    worker.kill()


def said_full(worker: Celery) -> bool:
    return "No space left on device" in (worker.folder / "worker.log").read_text(errors="replace")


@pytest.mark.thorough
def test_what_cannot_be_claimed_goes_out_when_there_is_room(
    provider: Provider, due_message: Due, worker: Celery
) -> None:
    with small_disk("dispatch_claim") as disk:
        disk.fill()
        due_message(Mode.EMAIL, 6)
        wait_until(lambda: said_full(worker))
        assert not provider.received, "nothing leaves that nobody can note"

        disk.make_room()
        wait_until(finished)
        assert_each_went_out_once(provider)
        Claim.objects.all().delete()


def test_an_answer_that_cannot_be_noted_is_asked_for_again_and_nobody_is_called_twice(
    provider: Provider, due_message: Due, worker: Celery
) -> None:
    with small_disk("messenger_logs_deviceattempt") as disk:
        disk.fill()
        message = due_message(Mode.VOICE, 2)
        wait_until(lambda: said_full(worker))

        disk.make_room()
        wait_until(finished)
        assert provider.deliveries == set(Delivery.objects.values_list("pk", flat=True)), "nothing is lost"
        assert set(provider.attempts.values()) == {1}, "nobody is called twice"
        assert not message.deliveries.filter(status="waiting").exists()
        DeviceAttempt.objects.all().delete()
