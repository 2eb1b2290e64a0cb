"""The provider of calls does not answer. Everything else goes out, with real processes and over HTTP."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.utils import timezone

from dispatch.models import Claim, OpenCall
from messenger_logs.choices import Mode
from messenger_logs.models import SentMessage
from sandbox.server import Sandbox
from tests.dispatch.conftest import statuses
from tests.dispatch.processes import Celery
from tests.dispatch.processes import broker as broker
from tests.dispatch.processes import folder as folder
from tests.dispatch.stub import URL, Provider
from tests.valkey import Valkey
from tests.wait import PATIENCE, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

Due = Callable[..., SentMessage]
PROCESSES = 4


@pytest.fixture
def celery(folder: Path, broker: Valkey, provider: Provider, sandbox: Sandbox) -> Iterator[Celery]:
    """One worker with few processes, which serves all queues."""
    assert os.environ[URL] == provider.url
    voxology = {
        "VOXOLOGY_API_BASE": f"{sandbox.url}/v1",
        "VOXOLOGY_API_KEY": sandbox.api_key,
        "VOXOLOGY_CALLER_ID": "+16125550100",
        "VOXOLOGY_WEBHOOK_SECRET": "a-long-and-random-secret",
        "DISPATCH_AT_ONCE": "1",
        # Longer than the test.
        "PROVIDER_TIMEOUT_SECONDS": "600",
    }
    celery = Celery(folder, broker, voxology)
    yield celery
    celery.kill()


def test_a_provider_of_calls_that_does_not_answer_keeps_no_email_and_no_inbox_waiting(
    provider: Provider, sandbox: Sandbox, due_message: Due, celery: Celery
) -> None:
    placing, asking = sandbox.hold(path="Dials", times=None), sandbox.hold(path="History", times=None)
    calls, ringing = due_message(Mode.VOICE, 40), due_message(Mode.VOICE, 40)
    ring(ringing)
    celery.start(f"--concurrency={PROCESSES}")
    assert placing.held.wait(PATIENCE)
    assert asking.held.wait(PATIENCE)

    # Each round takes a tick at least, and each tick asks for more calls.
    for _ in range(2 * PROCESSES):
        goes_out_at_once(due_message(Mode.EMAIL, 3), due_message(Mode.INBOX, 3))
    assert statuses(calls) == {"waiting": 39, "in_progress": 1}, "the provider has not answered yet"
    assert Claim.objects.filter(message=calls).count() == 1
    sandbox.release()


def goes_out_at_once(*messages: SentMessage) -> None:
    wait_until(lambda: all(statuses(message) == {"sent": 3} for message in messages))


def ring(message: SentMessage) -> None:
    """Let all calls of a message ring, so that their results are asked for."""
    OpenCall.objects.bulk_create(
        OpenCall(delivery=row, attempt=1, message=message, mode=Mode.VOICE, provider_id=f"{row.pk}@1")
        for row in message.deliveries.all()
    )
    message.deliveries.update(status="in_progress", attempt_count=1)
    SentMessage.objects.filter(pk=message.pk).update(status="in_progress", dispatch_started_at=timezone.now())
