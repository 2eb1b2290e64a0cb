from __future__ import annotations

import time

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from dispatch.due import messages_due, messages_to_restrict
from dispatch.services import calls, retention
from dispatch.services.recovery import recover
from dispatch.services.scheduling import start_due
from dispatch.services.sending import send_due
from messenger_logs.choices import PHONE, Mode

_POLL_SECONDS = 10


@shared_task
def tick() -> None:
    """Start due messages, and queue DISPATCH_AT_ONCE tasks for each mode that has something to hand over."""
    start_due()
    now = timezone.now()
    for mode in Mode:
        if messages_due(mode, now).exists() or (mode is Mode.VOICE and messages_to_restrict(now).exists()):
            for _ in range(settings.DISPATCH_AT_ONCE):
                # The next tick queues again what no worker was free for.
                hand_over_due.apply_async((mode.value,), expires=settings.DISPATCH_SECONDS)


@shared_task
def hand_over_due(mode: str) -> None:
    send_due(Mode(mode), until=time.monotonic() + settings.DISPATCH_SECONDS)


@shared_task
def recover_claims() -> None:
    recover()


@shared_task
def poll_calls() -> None:
    hang_up_calls()
    for mode in PHONE:
        # The next task asks about the calls that this time is too short for.
        calls.poll(mode, until=time.monotonic() + _POLL_SECONDS)


@shared_task
def hang_up_calls() -> None:
    for mode in PHONE:
        calls.hang_up(mode)


@shared_task
def delete_expired() -> None:
    retention.delete_expired()
