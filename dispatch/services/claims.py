"""Taking deliveries in hand: in a short transaction that a cancel either goes before or waits for."""

from __future__ import annotations

import os
import socket
from collections.abc import Collection
from uuid import uuid4

from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from dispatch.choices import ClaimState
from dispatch.due import messages_due, not_left, reached_after_all
from dispatch.models import Claim
from messenger_logs.choices import DeliveryStatus, MessageStatus, Mode
from messenger_logs.models import Delivery, Redial, SentMessage

# Messages that are looked at for one claim: where all that one has left is locked by other workers, the next is tried.
_MESSAGES = 20


def worker_name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def claim_next(mode: Mode, *, batch: int) -> Claim | None:
    """Claim up to ``batch`` deliveries of the most urgent message that is due. None where nothing is."""
    for message_id in messages_due(mode, timezone.now()).values_list("pk", flat=True)[:_MESSAGES]:
        if claim := _claim(message_id, mode, batch):
            return claim
    return None


def lock_running(message_id: int) -> bool:
    """Within a transaction: whether a message runs, which it then does until the transaction ends.

    A cancel waits for that; once it is committed, the answer is False.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT 1 FROM {SentMessage._meta.db_table} WHERE id = %s AND status = %s FOR SHARE",  # noqa: S608
            [message_id, MessageStatus.IN_PROGRESS.value],
        )
        return cursor.fetchone() is not None


@transaction.atomic
def _claim(message_id: int, mode: Mode, batch: int) -> Claim | None:
    if not lock_running(message_id):
        return None
    key = uuid4()
    first_tries = _take_waiting(message_id, mode, batch)
    tries = first_tries + _take_redials(message_id, mode, batch - len(first_tries), key)
    if not tries:
        return None
    deliveries, attempts = zip(*tries, strict=True)
    return Claim.objects.create(
        key=key,
        message_id=message_id,
        mode=mode,
        deliveries=list(deliveries),
        attempts=list(attempts),
        worker=worker_name(),
    )


def _take_waiting(message_id: int, mode: Mode, batch: int) -> list[tuple[int, int]]:
    """Pending they were and pending they stay: the kept totals do not move."""
    rows = not_left(mode).filter(message=message_id).select_for_update(skip_locked=True, no_key=True)
    taken = list(rows.order_by("pk").values_list("pk", "attempt_count")[:batch])
    Delivery.objects.filter(pk__in=[pk for pk, _ in taken]).update(
        status=DeliveryStatus.IN_PROGRESS, code=None, detail=""
    )
    return [(pk, attempts + 1) for pk, attempts in taken]


def _take_redials(message_id: int, mode: Mode, batch: int, key: object) -> list[tuple[int, int]]:
    """Until the try is recorded, a delivery shows what it came to before."""
    due = Redial.objects.filter(message=message_id, mode=mode, claim__isnull=True, due_at__lte=timezone.now())
    rows = due.exclude(reached_after_all()).select_for_update(skip_locked=True, of=("self",))
    taken = list(rows.order_by("due_at").values_list("pk", "attempt")[:batch])
    Redial.objects.filter(pk__in=[pk for pk, _ in taken]).update(claim=key)
    return taken


def mark_handed(claim: Claim) -> bool:
    """Just before the provider is asked. False where somebody gave the claim back meanwhile."""
    return bool(
        Claim.objects.filter(pk=claim.pk, state=ClaimState.CLAIMED).update(state=ClaimState.HANDED, handed_at=Now())
    )


def release(claim: Claim, deliveries: Collection[int]) -> None:
    """Let deliveries of a claim, which have surely not left, wait again. Within the transaction that settles it."""
    redials = Redial.objects.filter(claim=claim.pk, delivery__in=deliveries)
    again = set(redials.values_list("pk", flat=True))
    Delivery.objects.filter(pk__in=set(deliveries) - again, status=DeliveryStatus.IN_PROGRESS).update(
        status=DeliveryStatus.WAITING
    )
    redials.update(claim=None)
