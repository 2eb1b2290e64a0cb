from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Q
from django.dispatch import receiver

from core.queue import call_worker
from dispatch import delays
from dispatch.choices import ClaimState
from dispatch.models import Claim, InboxMessage, OpenCall
from dispatch.services.recording import lock_and_finish
from dispatch.tasks import hang_up_calls
from messenger_logs.models import Redial, SentMessage
from messenger_logs.signals import cancel_completed, delays_requested, message_canceled, people_removed


@receiver(message_canceled)
def stop_open_attempts(message_id: int, **_: Any) -> None:
    """Delete the redials of a canceled message that have not left, and hang up its live calls.

    A redial in a claim that is not handed over has not left, and does not leave after the cancel.
    """
    claimed = Claim.objects.filter(message=message_id, state=ClaimState.CLAIMED)
    not_left = Q(claim__isnull=True) | Q(claim__in=claimed.values("pk"))
    Redial.objects.filter(not_left, message=message_id).delete()
    if OpenCall.objects.filter(message=message_id).update(hang_up=True):
        call_worker(hang_up_calls)


@receiver(cancel_completed)
def finish_canceled(message_id: int, **_: Any) -> None:
    """Finish a canceled message if nothing of it is open. Else the record of its last attempt does that."""
    lock_and_finish(message_id)


@receiver(delays_requested)
def answer_delays(message: SentMessage, **_: Any) -> list[str]:
    """Return the sentences for the message's page: why a part of it does not go out now."""
    return delays.delay_reasons(message)


@receiver(people_removed)
def empty_inbox(deliveries: Sequence[int], **_: Any) -> None:
    """Take the copies of these deliveries out of the inboxes: their portal reads them by the person."""
    InboxMessage.objects.filter(delivery__in=deliveries).delete()
