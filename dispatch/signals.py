from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from dispatch import delays
from dispatch.models import OpenCall
from dispatch.services.recording import lock_and_finish
from dispatch.tasks import hang_up_calls
from messenger_logs.models import Redial, SentMessage
from messenger_logs.signals import cancel_completed, delays_requested, message_canceled


@receiver(message_canceled)
def stop_open_attempts(message_id: int, **_: Any) -> None:
    """Delete the redials of a canceled message and hang up its live calls."""
    Redial.objects.filter(message=message_id, claim__isnull=True).delete()
    if OpenCall.objects.filter(message=message_id).update(hang_up=True):
        hang_up_calls.delay()


@receiver(cancel_completed)
def finish_canceled(message_id: int, **_: Any) -> None:
    """Finish a canceled message if nothing of it is open. Else the record of its last attempt does that."""
    lock_and_finish(message_id)


@receiver(delays_requested)
def answer_delays(message: SentMessage, **_: Any) -> list[str]:
    return delays.delay_reasons(message)
