"""Start messages when they are due, and mark calls that are due at night as restricted."""

from __future__ import annotations

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from dispatch.due import messages_to_restrict, messages_to_start, unclaimed
from dispatch.services.claims import lock_running
from messenger_logs.choices import DeliveryStatus, MessageStatus, Mode
from messenger_logs.models import Delivery
from messenger_logs.services.totals import lock_totals, recount
from messenger_logs.statuses import code_of

RESTRICTED_HOURS = -9
_BATCH = 10_000


def start_due() -> int:
    """Start every message that is due. Returns how many started."""
    return messages_to_start(timezone.now()).update(
        status=MessageStatus.IN_PROGRESS, dispatch_started_at=Now(), dispatch_finished_at=None
    )


def restrict_calls() -> int:
    """Mark calls that are due outside of the allowed hours as Restricted. Returns how many it marked.

    They stay pending, because nothing was tried: the dispatcher takes them when the hours begin, a cancel stops them.
    """
    return sum(_restrict(pk) for pk in messages_to_restrict(timezone.now()).values_list("pk", flat=True))


def _restrict(message_id: int) -> int:
    code = code_of(RESTRICTED_HOURS, Mode.VOICE)
    marked = 0
    while True:
        with transaction.atomic():
            # Duplicates change as well; else only a holder of the message's lock changes them.
            if not lock_totals(message_id=message_id):
                recount(message_id=message_id)
            if not lock_running(message_id):
                return marked
            waiting = unclaimed(Mode.VOICE).filter(message=message_id, status=DeliveryStatus.WAITING)
            batch = list(
                waiting.select_for_update(skip_locked=True, no_key=True)
                .order_by("pk")
                .values_list("pk", "address")[:_BATCH]
            )
            # The duplicates show the same status.
            addresses = [address for _, address in batch]
            same = Delivery.objects.filter(message=message_id, mode=Mode.VOICE, address__in=addresses)
            same.filter(status=DeliveryStatus.WAITING).update(
                status=DeliveryStatus.RESTRICTED, code=code.number, detail=code.detail
            )
        marked += len(batch)
        if len(batch) < _BATCH:
            return marked
