"""Claim deliveries, and begin to hand them over, each in a short transaction.

Both ask the message's row whether it still runs. A cancel comes either before such a transaction, or waits for it.
After a cancel has committed, nothing is claimed and nothing begins to leave.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Collection
from uuid import UUID, uuid4

from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from dispatch.choices import ClaimState
from dispatch.due import messages_due, reached_after_all, redial_due, unclaimed
from dispatch.models import Claim
from messenger_logs.choices import NOT_LEFT, DeliveryStatus, MessageStatus, Mode
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
    first = _take_waiting(message_id, mode, batch, key)
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


def _take_waiting(message_id: int, mode: Mode, batch: int, key: UUID) -> list[tuple[int, int]]:
    """Take waiting deliveries: pairs of id and attempt number. They go on waiting, until they are handed over."""
    rows = unclaimed(mode).filter(message=message_id).select_for_update(skip_locked=True, no_key=True)
    taken = list(rows.order_by("pk").values_list("pk", "attempt_count")[:batch])
    Delivery.objects.filter(pk__in=[pk for pk, _ in taken]).update(claim=key)
    return [(pk, attempts + 1) for pk, attempts in taken]


def _take_redials(message_id: int, mode: Mode, batch: int, key: UUID) -> list[tuple[int, int]]:
    """Take due redials: pairs of delivery id and attempt number. A delivery keeps its old result until the new one."""
    due = Redial.objects.filter(redial_due(timezone.now()), message=message_id, mode=mode, claim__isnull=True)
    rows = due.exclude(reached_after_all()).select_for_update(skip_locked=True, of=("self",))
    taken = list(rows.order_by("due_at").values_list("pk", "attempt")[:batch])
    Redial.objects.filter(pk__in=[pk for pk, _ in taken]).update(claim=key)
    return taken


@transaction.atomic
def mark_handed(claim: Claim) -> set[int]:
    """Mark a claim and its deliveries as handed, just before the provider is asked. Returns those that may leave.

    None may when the message does not run any more, when recovery has released the claim, or when others have all of
    them: then nothing is marked. The deliveries stay pending, so the totals do not change.
    """
    if not lock_running(claim.message_id):
        return set()
    claimed = Claim.objects.filter(pk=claim.pk, state=ClaimState.CLAIMED)
    if not claimed.update(state=ClaimState.HANDED, handed_at=Now()):
        return set()
    # Others have the lock of a delivery and may wait for the message's row, so this does not wait for them.
    waiting = Delivery.objects.filter(pk__in=claim.deliveries, claim=claim.pk, status__in=NOT_LEFT)
    rows = set(waiting.select_for_update(skip_locked=True, no_key=True).values_list("pk", flat=True))
    Delivery.objects.filter(pk__in=rows).update(status=DeliveryStatus.IN_PROGRESS, code=None, detail="", claim=None)
    marked = rows | set(Redial.objects.filter(claim=claim.pk).values_list("pk", flat=True))
    if not marked:
        transaction.set_rollback(True)
    return marked


def release(claim: Claim, deliveries: Collection[int]) -> None:
    """Let deliveries of a claim wait again, when the provider surely has none of them. The caller has a transaction."""
    redials = Redial.objects.filter(claim=claim.pk, delivery__in=deliveries)
    redialed = set(redials.values_list("pk", flat=True))
    released = Delivery.objects.filter(pk__in=set(deliveries) - redialed)
    # What was marked as handed has no claim any more. Somebody else set the status of the others.
    released.filter(status=DeliveryStatus.IN_PROGRESS, claim=None).update(status=DeliveryStatus.WAITING)
    released.filter(claim=claim.pk).update(claim=None)
    redials.update(claim=None)
