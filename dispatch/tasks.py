from __future__ import annotations

import time

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from core.queue import call_worker
from dispatch.due import messages_due, messages_to_restrict
from dispatch.services import calls
from dispatch.services.failures import noting_failures
from dispatch.services.rate_limit import may_go
from dispatch.services.recovery import recover
from dispatch.services.scheduling import start_due
from dispatch.services.sending import send_due
from dispatch.services.slots import slot
from messenger_logs.choices import PHONE, Mode

_POLL_SECONDS = 10
_RECOVER_SECONDS = 40
# Every task ends without help. These limits (in seconds) are for one that hangs all the same. They are longer than a
# turn with its last hand-off, which may be split for two minutes, and shorter than the default of STALE_CLAIM_SECONDS.
_SOFT_LIMIT, _LIMIT = 240, 270


@shared_task(soft_time_limit=_SOFT_LIMIT, time_limit=_LIMIT)
def tick() -> None:
    """Start due messages, and queue DISPATCH_AT_ONCE tasks for each mode that has something to hand over."""
    with noting_failures(*Mode):
        start_due()
        now = timezone.now()
        for mode in Mode:
            if messages_due(mode, now).exists() or (mode is Mode.VOICE and messages_to_restrict(now).exists()):
                for _ in range(settings.DISPATCH_AT_ONCE):
                    # The next tick queues again what no worker was free for.
                    call_worker(hand_over_due, mode.value, expires=settings.DISPATCH_SECONDS)


@shared_task(soft_time_limit=_SOFT_LIMIT, time_limit=_LIMIT)
def hand_over_due(mode: str) -> None:
    """Hand over due deliveries of a mode, for DISPATCH_SECONDS at most, if fewer than DISPATCH_AT_ONCE processes do.

    While there is more, the next turn follows behind what waits in the queue: the tick finds no free slot before that.
    """
    with noting_failures(Mode(mode)), slot(f"hand over {mode}", settings.DISPATCH_AT_ONCE) as free:
        handed = send_due(Mode(mode), until=time.monotonic() + settings.DISPATCH_SECONDS) if free else 0
    if handed and may_go(Mode(mode)) and messages_due(Mode(mode), timezone.now()).exists():
        call_worker(hand_over_due, mode, expires=settings.DISPATCH_SECONDS)


@shared_task(soft_time_limit=_SOFT_LIMIT, time_limit=_LIMIT)
def recover_claims() -> None:
    """Settle the claims of dead workers, and hand-offs without an answer."""
    with slot("recover") as free:
        if free:
            recover(until=time.monotonic() + _RECOVER_SECONDS)


@shared_task(soft_time_limit=_SOFT_LIMIT, time_limit=_LIMIT)
def poll_calls() -> None:
    """Fetch the results of calls. The next turn asks about the calls that this time is too short for."""
    for mode in PHONE:
        with slot(f"poll {mode}") as free:
            found = calls.poll(mode, until=time.monotonic() + _POLL_SECONDS) if free else 0
        if found and calls.due(mode).exists():
            call_worker(poll_calls, expires=_POLL_SECONDS)


@shared_task(soft_time_limit=_SOFT_LIMIT, time_limit=_LIMIT)
def hang_up_calls() -> None:
    """Hang up the live calls of canceled messages. No poll holds that up."""
    for mode in PHONE:
        with slot(f"hang up {mode}") as free:
            if free:
                calls.hang_up(mode, until=time.monotonic() + _POLL_SECONDS)
