"""What the ledger tells: a message of which something is gone has rows again that may be too old."""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from messenger_logs.signals import deliveries_stored
from retention.models import AgedMessage


@receiver(deliveries_stored)
def look_again(*, message_id: int, **kwargs: Any) -> None:
    """Let the next night look at the message again: people were added, or a provider reported late."""
    AgedMessage.objects.filter(pk=message_id).update(people_at=None, raw_at=None)
