"""Only calls that the provider was asked about are given up. The others keep their place for the next turn."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from dispatch.models import OpenCall
from dispatch.services import calls
from messenger_logs.choices import Mode
from messenger_logs.models import SentMessage
from messenger_logs.services.cancel import cancel_message
from messenger_logs.services.complete_cancel import complete_cancel
from sandbox.server import Sandbox
from tests.dispatch.conftest import statuses
from tests.dispatch.gateways.conftest import AT_ONCE

pytestmark = pytest.mark.django_db

Due = Callable[..., SentMessage]


def ringing(message: SentMessage, *, hours_ago: float) -> datetime:
    """Let all calls of a message ring since then; Voxology does not know them any more. Returns when they are due."""
    at = timezone.now()
    OpenCall.objects.bulk_create(
        OpenCall(
            delivery=row,
            attempt=1,
            message=message,
            mode=Mode.VOICE,
            provider_id=f"{row.pk}@1",
            placed_at=at - timedelta(hours=hours_ago, seconds=1),
            poll_at=at,
        )
        for row in message.deliveries.all()
    )
    message.deliveries.update(status="in_progress", attempt_count=1)
    SentMessage.objects.filter(pk=message.pk).update(status="in_progress", dispatch_started_at=at)
    return at


@pytest.mark.slow
def test_calls_for_which_the_time_of_a_turn_is_too_short_are_asked_about_first_in_the_next(
    provider: Sandbox, due_message: Due, settings: Settings
) -> None:
    message = due_message(Mode.VOICE, 3 * AT_ONCE)
    due_at = ringing(message, hours_ago=settings.CALL_RESULT_HOURS)
    provider.latency = 0.2
    calls.poll(Mode.VOICE, until=time.monotonic() + 0.3)
    asked = len(provider.requests)
    assert AT_ONCE <= asked < 3 * AT_ONCE
    assert statuses(message) == {"vendor_received": asked, "in_progress": 3 * AT_ONCE - asked}
    assert set(OpenCall.objects.values_list("poll_at", flat=True)) == {due_at}
    assert OpenCall.objects.count() == 3 * AT_ONCE - asked

    calls.poll(Mode.VOICE)
    assert len(provider.requests) == 3 * AT_ONCE
    assert statuses(message) == {"vendor_received": 3 * AT_ONCE}


@pytest.mark.slow
def test_an_error_gives_up_no_call_that_nobody_asked_about(
    provider: Sandbox, due_message: Due, settings: Settings
) -> None:
    message = due_message(Mode.VOICE, 3 * AT_ONCE)
    ringing(message, hours_ago=settings.CALL_RESULT_HOURS)
    failing = OpenCall.objects.earliest("pk")
    provider.fail(503, times=None, path=failing.provider_id.partition("@")[0] + "%40")
    provider.fail(503, times=None, path=failing.provider_id)
    for _ in range(10):
        calls.poll(Mode.VOICE)
    assert statuses(message) == {"vendor_received": 3 * AT_ONCE - 1, "in_progress": 1}
    assert OpenCall.objects.get() == failing


@pytest.mark.parametrize("what", [503, 500, 403, "lost"])
def test_a_call_that_cannot_be_asked_about_is_given_up_after_the_hours_of_looking_up_so_that_its_cancel_completes(
    provider: Sandbox, due_message: Due, make_user: Callable[..., User], settings: Settings, what: int | str
) -> None:
    message = due_message(Mode.VOICE, 1)
    ringing(message, hours_ago=settings.LOOK_UP_HOURS - 1)
    cancel_message(message_id=message.pk, by=make_user())
    complete_cancel(message_id=message.pk)
    provider.fail(what, times=None)
    calls.poll(Mode.VOICE)
    assert statuses(message) == {"in_progress": 1}

    OpenCall.objects.update(placed_at=timezone.now() - timedelta(hours=settings.LOOK_UP_HOURS, seconds=1))
    OpenCall.objects.update(poll_at=timezone.now())
    calls.poll(Mode.VOICE)
    assert statuses(message) == {"vendor_received": 1}
    message.refresh_from_db()
    assert message.cancel_completed_at
    assert not OpenCall.objects.exists()
