from __future__ import annotations

import time

from celery import shared_task

from core.queue import call_worker
from retention.models import Erasure
from retention.services import aging, erasing

# A task gives its worker back after this time (in seconds), and is queued again while there is more.
_TURN = 15 * 60
_SOFT_LIMIT, _LIMIT = 25 * 60, 30 * 60


@shared_task(soft_time_limit=_SOFT_LIMIT, time_limit=_LIMIT)
def retain() -> None:
    """Let go what its period is over for, and go on with erasures that waited. Beat starts it every night."""
    for erasure_id in erasing.open_erasures():
        call_worker(erase, erasure_id)
    _, ended = aging.retain(until=time.monotonic() + _TURN)
    if not ended:
        call_worker(go_on)


@shared_task(soft_time_limit=_SOFT_LIMIT, time_limit=_LIMIT)
def go_on() -> None:
    """Go on with what the turn before had no time for."""
    _, ended = aging.retain(until=time.monotonic() + _TURN)
    if not ended:
        call_worker(go_on)


@shared_task(soft_time_limit=_SOFT_LIMIT, time_limit=_LIMIT)
def erase(erasure_id: int) -> None:
    """Erase a person, as far as nothing holds it up. What waits for something is tried again the next night."""
    erasing.erase_person(erasure_id=erasure_id, until=time.monotonic() + _TURN)
    if Erasure.objects.filter(pk=erasure_id, finished_at=None, stays={}).exists():
        call_worker(erase, erasure_id)
