"""The provider of calls does not answer. Everything else goes out, with real processes and over HTTP."""

import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.tools import Tool
from devtools.run import DISPATCHERS
from dispatch.choices import ModeState
from dispatch.models import Claim, OpenCall
from dispatch.status import mode_statuses
from messenger_logs.choices import Mode
from messenger_logs.models import SentMessage
from sandbox.server import Sandbox
from tests.dispatch.conftest import statuses
from tests.dispatch.processes import Celery
from tests.dispatch.processes import broker as broker
from tests.dispatch.processes import folder as folder
from tests.dispatch.stub import URL, Provider, Request
from tests.valkey import Valkey
from tests.wait import PATIENCE, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

Due = Callable[..., SentMessage]
AT_ONCE = 2
"""The default of DISPATCH_AT_ONCE."""


@pytest.fixture
def celery(folder: Path, broker: Valkey, provider: Provider, sandbox: Sandbox) -> Iterator[Celery]:
    """The dispatcher of the demo, which serves all queues here."""
    assert os.environ[URL] == provider.url
    voxology = {
        "VOXOLOGY_API_BASE": f"{sandbox.url}/v1",
        "VOXOLOGY_API_KEY": sandbox.api_key,
        "VOXOLOGY_CALLER_ID": "+16125550100",
        "VOXOLOGY_WEBHOOK_SECRET": "a-long-and-random-secret",
        # Longer than the test.
        "PROVIDER_TIMEOUT_SECONDS": "600",
        "DISPATCH_CONCURRENCY": "1",
    }
    celery = Celery(folder, broker, voxology)
    yield celery
    celery.kill()


@pytest.fixture
def held(sandbox: Sandbox, due_message: Due, celery: Celery) -> Iterator[list[SentMessage]]:
    """Messages whose calls and texts the provider does not answer: it holds as many requests as it can get."""
    holds = [sandbox.hold(path=path, times=None) for path in ("Dials", "History", "/Messages")]
    messages, ringing = [due_message(Mode.VOICE, 40), due_message(Mode.TEXT, 40)], due_message(Mode.VOICE, 40)
    ring(ringing)
    celery.start(f"--concurrency={DISPATCHERS}")
    for hold in holds:
        assert hold.held.wait(PATIENCE)
    for message in messages:
        wait_until(lambda message=message: statuses(message) == {"waiting": 40 - AT_ONCE, "in_progress": AT_ONCE})
    yield messages
    sandbox.release()


@pytest.mark.thorough
def test_a_provider_of_calls_that_does_not_answer_keeps_no_email_and_no_inbox_waiting(
    held: list[SentMessage], due_message: Due, make_user: Callable[..., User], signed_in: Callable[[User], Client]
) -> None:
    # Each round takes a tick at least, and each tick asks for more calls.
    for _ in range(DISPATCHERS):
        goes_out_at_once(due_message(Mode.EMAIL, 3), due_message(Mode.INBOX, 3))
    for message in held:
        assert statuses(message) == {"waiting": 40 - AT_ONCE, "in_progress": AT_ONCE}, "nothing has been answered yet"
        assert Claim.objects.filter(message=message).count() == AT_ONCE

    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        states = {status.mode: status.state for status in mode_statuses(timezone.now())}
        page = signed_in(make_user(Tool.MAILGUN_SYNC)).get(reverse("web:system_health")).content.decode()
    assert [states[mode] for mode in (Mode.VOICE, Mode.TEXT)] == [ModeState.HANGS, ModeState.HANGS]
    assert "Results of calls come late" in page
    assert "No answer came to what was claimed" in page


def test_with_all_providers_slow_the_inbox_is_served(
    provider: Provider, held: list[SentMessage], due_message: Due
) -> None:
    over = Event()

    def hang(request: Request) -> None:
        over.wait(PATIENCE)

    provider.before = [hang] * 1000
    due_message(Mode.EMAIL, 300)
    wait_until(lambda: provider.requests >= AT_ONCE)
    for _ in range(DISPATCHERS):
        goes_out_at_once(due_message(Mode.INBOX, 3))
    over.set()


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
