from __future__ import annotations

import time

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from alerts.services import looking, sending
from alerts.services.retention import delete_old
from core.queue import call_worker
from health.troubles import all_troubles

# Seconds. A turn, its last message included, ends before SILENT_AFTER of sending.py is over.
_TURN = 60
_SOFT_LIMIT, _LIMIT = 240, 270


@shared_task(soft_time_limit=_SOFT_LIMIT, time_limit=_LIMIT)
def look() -> None:
    """Fire and clear alerts, and queue a task for each channel that has something to send."""
    now = timezone.now()
    looking.look(now=now, troubles=all_troubles)
    sending.settle_old(now=now)
    for channel_id in sending.channels_with_work(now):
        # The next look queues again what no worker was free for.
        call_worker(send, channel_id, expires=settings.ALERT_LOOK_SECONDS)


@shared_task(soft_time_limit=_SOFT_LIMIT, time_limit=_LIMIT)
def send(channel_id: int) -> None:
    """Send what is due for a channel. What is left, the next look finds."""
    sending.send_due(channel_id=channel_id, until=time.monotonic() + _TURN)


@shared_task
def delete_expired() -> None:
    delete_old(now=timezone.now())
