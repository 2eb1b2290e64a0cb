from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from dispatch import held_up
from dispatch.models import OpenCall
from dispatch.tasks import hang_up_calls
from messenger_logs.models import Redial, SentMessage
from messenger_logs.signals import message_canceled, what_holds_up


@receiver(message_canceled)
def end_what_is_open(message_id: int, **_: Any) -> None:
    """Nobody of a canceled message is tried again, and its live calls are hung up."""
    Redial.objects.filter(message=message_id, claim__isnull=True).delete()
    if OpenCall.objects.filter(message=message_id).update(hang_up=True):
        hang_up_calls.delay()


@receiver(what_holds_up)
def say_why_it_waits(message: SentMessage, **_: Any) -> list[str]:
    return held_up.reasons(message)
