from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import stamina
from django.utils import timezone
from pytest_django import Settings

from dispatch.gateways import HandOff, Item
from messenger_logs.choices import Mode
from messenger_logs.models import SentMessage
from sandbox.server import Sandbox

CALLER_ID = "+16125550100"
AT_ONCE = 8
SECRET = "a-long-and-random-secret"


@pytest.fixture(autouse=True)
def no_backoff() -> Iterator[None]:
    """Make retries without a delay. Their number stays the same."""
    with stamina.set_testing(True, attempts=100, cap=True):
        yield


@pytest.fixture
def provider(sandbox: Sandbox, settings: Settings) -> Sandbox:
    """The stand-in as this installation's Mailgun and Voxology, with quick phones."""
    settings.MAILGUN_API_BASE = sandbox.url
    settings.MAILGUN_API_KEY = settings.VOXOLOGY_API_KEY = sandbox.api_key
    settings.MAILGUN_DOMAINS = [sandbox.domain]
    settings.VOXOLOGY_API_BASE = f"{sandbox.url}/v1"
    settings.VOXOLOGY_CALLER_ID = settings.VOXOLOGY_TEXT_NUMBER = CALLER_ID
    settings.VOXOLOGY_WEBHOOK_SECRET = SECRET
    settings.PROVIDER_TIMEOUT_SECONDS = 1
    settings.DISPATCH_CONCURRENCY = AT_ONCE
    sandbox.phones.pace = 0.001
    return sandbox


def handed(message: SentMessage, *items: Item, mode: Mode = Mode.EMAIL, minutes_ago: float = 0) -> HandOff:
    at = timezone.now() - timedelta(minutes=minutes_ago)
    return HandOff(key=uuid4(), message=message, mode=mode, items=items, handed_at=at)


def item(number: int = 1, address: str = "", **merge_fields: Any) -> Item:
    """One attempt at a person; `student_firstName` stands for the field student.firstName."""
    return Item(
        delivery_id=number,
        attempt=1,
        address=address or f"family{number}@example.com",
        person_id=f"P{number}",
        name=f"Family {number}",
        merge_fields={name.replace("_", "."): value for name, value in merge_fields.items()},
    )
