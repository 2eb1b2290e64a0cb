"""Claim deliveries in a short transaction. A cancel comes either before it, or waits for it."""

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

# The number of messages that one call looks at: other workers may have locked all deliveries of a message.
_MESSAGES = 20


def worker_name() -> str:
    """Return host and process id of this worker, for people."""
    return f"{socket.gethostname()}:{os.getpid()}"


def claim_next(mode: Mode, *, batch: int) -> Claim | None:
    """Claim up to ``batch`` deliveries of the most urgent due message. None when nothing is due."""
    for message_id in messages_due(mode, timezone.now()).values_list("pk", flat=True)[:_MESSAGES]:
        if claim := _claim(message_id, mode, batch):
            return claim
    return None


def lock_running(message_id: int) -> bool:
    """Whether a message runs; if so, it keeps running until the caller's transaction ends.

    A cancel waits for that transaction. After a cancel has committed, the answer is False.
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
    first = _take_waiting(message_id, mode, batch)
    taken = first + _take_redials(message_id, mode, batch - len(first), key)
    if not taken:
        return None
    deliveries, attempts = zip(*taken, strict=True)
    return Claim.objects.create(
        key=key,
        message_id=message_id,
        mode=mode,
        deliveries=list(deliveries),
        attempts=list(attempts),
        worker=worker_name(),
    )


def _take_waiting(message_id: int, mode: Mode, batch: int) -> list[tuple[int, int]]:
    """Take waiting deliveries: pairs of id and attempt number. They stay pending, so the totals do not change."""
    rows = not_left(mode).filter(message=message_id).select_for_update(skip_locked=True, no_key=True)
    taken = list(rows.order_by("pk").values_list("pk", "attempt_count")[:batch])
    Delivery.objects.filter(pk__in=[pk for pk, _ in taken]).update(
        status=DeliveryStatus.IN_PROGRESS, code=None, detail=""
    )
    return [(pk, attempts + 1) for pk, attempts in taken]


def _take_redials(message_id: int, mode: Mode, batch: int, key: object) -> list[tuple[int, int]]:
    """Take due redials: pairs of delivery id and attempt number. A delivery keeps its old result until the new one."""
    due = Redial.objects.filter(message=message_id, mode=mode, claim__isnull=True, due_at__lte=timezone.now())
    rows = due.exclude(reached_after_all()).select_for_update(skip_locked=True, of=("self",))
    taken = list(rows.order_by("due_at").values_list("pk", "attempt")[:batch])
    Redial.objects.filter(pk__in=[pk for pk, _ in taken]).update(claim=key)
    return taken


def mark_handed(claim: Claim) -> bool:
    """Mark a claim as handed, just before the provider is asked. False when recovery has released it meanwhile."""
    return bool(
        Claim.objects.filter(pk=claim.pk, state=ClaimState.CLAIMED).update(state=ClaimState.HANDED, handed_at=Now())
    )


def release(claim: Claim, deliveries: Collection[int]) -> None:
    """Let deliveries of a claim wait again, when the provider surely has none of them. The caller has a transaction."""
    redials = Redial.objects.filter(claim=claim.pk, delivery__in=deliveries)
    redialed = set(redials.values_list("pk", flat=True))
    Delivery.objects.filter(pk__in=set(deliveries) - redialed, status=DeliveryStatus.IN_PROGRESS).update(
        status=DeliveryStatus.WAITING
    )
    redials.update(claim=None)
