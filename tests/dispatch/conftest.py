import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time, timedelta

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from dispatch.gateways import gateway_for
from dispatch.models import Claim
from dispatch.services.recovery import recover
from dispatch.services.scheduling import start_due
from dispatch.services.sending import send_due
from messenger_logs.choices import MessageStatus, Mode
from messenger_logs.models import Delivery, Recipient, SentMessage
from messenger_logs.services.totals import recount
from tests.dispatch.stub import URL, Provider
from tests.messenger_logs.factories import make_message

# A Friday in the district, which is six hours behind.
EVENING, NIGHT, MORNING = (datetime(2026, 11, 21, hour, 30, tzinfo=UTC) for hour in (2, 4, 15))


def database_url() -> str:
    return f"{os.environ['DATABASE_URL'].rpartition('/')[0]}/{connection.settings_dict['NAME']}"


@pytest.fixture
def provider(monkeypatch, settings) -> Iterator[Provider]:
    provider = Provider()
    monkeypatch.setenv(URL, provider.url)
    settings.GATEWAYS = {mode: f"tests.dispatch.stub.{mode}_gateway" for mode in ("email", "voice", "text")} | {
        "inbox": "dispatch.gateways.inbox.gateway"
    }
    settings.VOICE_HOURS = (time(0, 0), time(23, 59, 59, 999999))
    settings.STALE_CLAIM_SECONDS = 0
    yield provider
    provider.close()


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(EVENING, tick=False) as clock:
        yield clock


@pytest.fixture
def hours(settings) -> None:
    settings.TIME_ZONE = "America/Chicago"
    settings.VOICE_HOURS = (time(8), time(21))


@pytest.fixture
def due_message(db) -> Callable[..., SentMessage]:
    """A message of this installation that is due, with a number of devices of a mode."""

    def make(mode: Mode, devices: int = 10, **fields) -> SentMessage:
        message = make_message(
            **{
                "status": MessageStatus.WAITING,
                "modes": [mode],
                "dispatched_here": True,
                "scheduled_at": timezone.now() - timedelta(minutes=1),
                "school": None,
            }
            | fields
        )
        people = Recipient.objects.bulk_create(
            Recipient(message=message, person_id=str(number), name=f"Parent, {number}", counted=True)
            for number in range(devices)
        )
        Delivery.objects.bulk_create(
            Delivery(message=message, recipient=person, mode=mode, address=_address(mode, number))
            for number, person in enumerate(people)
        )
        recount(message_id=message.pk)
        return message

    return make


def _address(mode: Mode, number: int) -> str:
    return {Mode.EMAIL: f"p{number}@example.com", Mode.INBOX: f"{number}"}.get(mode, f"+1763555{number:04}")


def dispatch_all(*modes: Mode) -> int:
    """Work as the dispatcher does, turn by turn, until a turn changes nothing. Returns how many were handed over."""
    handed = 0
    for _ in range(10):
        settled = recover()
        began = start_due()
        now = sum(send_due(mode) for mode in modes or Mode if gateway_for(mode))
        handed += now
        if not (settled or began or now or Claim.objects.exclude(state="settled").exists()):
            break
    return handed


def statuses(message: SentMessage) -> dict[str, int]:
    """Count the deliveries by status."""
    counted: dict[str, int] = {}
    for status in Delivery.objects.filter(message=message).values_list("status", flat=True):
        counted[status] = counted.get(status, 0) + 1
    return counted


def status_of(message: SentMessage) -> str:
    return SentMessage.objects.values_list("status", flat=True).get(pk=message.pk)


def finished_at(message: SentMessage) -> datetime | None:
    return SentMessage.objects.values_list("dispatch_finished_at", flat=True).get(pk=message.pk)
