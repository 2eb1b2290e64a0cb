"""Mark the deliveries that a cancel stops as Canceled, in the background, and say when the cancel is complete."""

from __future__ import annotations

from collections.abc import Collection

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from accounts.services import record_audit_event
from messenger_logs.cancel_figures import (
    CANCEL_COMPLETED,
    FIGURES,
    cancel_figures,
    count_figures,
    keep_figure_of_rows,
    rows_of_figure,
    told_figures,
)
from messenger_logs.choices import NOT_LEFT, DeliveryStatus, Outcome, sql_list
from messenger_logs.models import CompletedCancel, Delivery, MessageModeTotals, MessageTotals, Redial, SentMessage
from messenger_logs.services.reach import settle_reach
from messenger_logs.services.totals import lock_totals, recount
from messenger_logs.signals import cancel_completed, message_canceled

BATCH = 10_000

# The partial index delivery_not_left has exactly these rows.
_NOT_LEFT = f"d.outcome = '{Outcome.PENDING}' AND d.status IN ({sql_list(NOT_LEFT)})"
_CANCELED = f"status = '{DeliveryStatus.CANCELED}', outcome = '{Outcome.CANCELED}', detail = '', code = NULL"

# Batches follow the order of that index, so that no batch steps over the dead entries of earlier ones. A duplicate
# follows the row that it duplicates, and stays as it is where that row has left.
_STOP = f"""
WITH batch AS MATERIALIZED (
    SELECT d.mode, d.id FROM {Delivery._meta.db_table} AS d
    WHERE d.message_id = %(message)s AND {_NOT_LEFT} AND NOT d.duplicate AND (d.mode, d.id) > (%(mode)s, %(id)s)
    ORDER BY d.mode, d.id LIMIT %(batch)s
), stopped AS (
    UPDATE {Delivery._meta.db_table} AS d SET {_CANCELED}
    FROM batch WHERE d.id = batch.id AND {_NOT_LEFT}
    RETURNING d.id, d.mode, d.address, d.attempt_count
), duplicates AS (
    UPDATE {Delivery._meta.db_table} AS d SET {_CANCELED}
    FROM stopped
    WHERE d.message_id = %(message)s AND d.duplicate AND {_NOT_LEFT}
        AND d.mode = stopped.mode AND d.address = stopped.address
), modes AS (
    UPDATE {MessageModeTotals._meta.db_table} AS kept
    SET pending = kept.pending - moved.n, canceled = kept.canceled + moved.n,
        canceled_begun = kept.canceled_begun + moved.begun
    FROM (
        SELECT mode, count(*) AS n, count(*) FILTER (WHERE attempt_count > 0) AS begun FROM stopped GROUP BY mode
    ) AS moved
    WHERE kept.message_id = %(message)s AND kept.mode = moved.mode
), people AS (
    UPDATE {MessageTotals._meta.db_table} SET as_of = now() WHERE message_id = %(message)s
)
SELECT (SELECT array_agg(id) FROM stopped), last.mode, last.id
FROM (SELECT mode, id FROM batch ORDER BY mode DESC, id DESC LIMIT 1) AS last
"""  # noqa: S608  (table names only)


Place = tuple[str, int]
"""The place of a delivery in that order: its mode and id."""


def complete_cancel(*, message_id: int, batch: int = BATCH) -> int:
    """Mark the waiting deliveries of a canceled message as Canceled. Returns how many devices this call stopped.

    Each batch is a transaction, so that the progress is visible and no other writer waits for long. The call is safe to
    repeat, and to run twice at once. It changes nothing of a message that nobody canceled.
    """
    canceled = SentMessage.objects.filter(pk=message_id, cancel_asked_at__isnull=False)
    message = canceled.only("cancel_completed_at").first()
    if message is None:
        return 0
    total, last = _stop(message_id, ("", 0), batch)
    # No receiver keeps the first batch waiting, and no later batch keeps a call ringing.
    if message.cancel_completed_at is None:
        message_canceled.send_robust(sender=SentMessage, message_id=message_id)
    while last:
        stopped, last = _stop(message_id, last, batch)
        total += stopped
    with transaction.atomic():
        lock_totals(message_id=message_id)
        completed = close_cancel(message_id=message_id)
    if completed:
        cancel_completed.send_robust(sender=SentMessage, message_id=message_id)
    return total


def close_cancel(*, message_id: int) -> bool:
    """Set the time at which a cancel is complete, if nothing of the message waits or is under way any more.

    The audit trail gets its figures. The caller holds the message's lock. Returns whether the cancel became complete
    now.
    """
    if not _unfinished().filter(pk=message_id).exists():
        return False  # each answer of a provider asks, and hardly any message is being canceled
    if not _settled().filter(pk=message_id).update(cancel_completed_at=Now()):
        return False
    _tell_figures(message_id)
    return True


def keep_canceled_rows(*, message_id: int, deliveries: Collection[int]) -> None:
    """Before a report changes deliveries: if the cancel of the message is complete, let them count in it as before.

    The caller holds the message's lock.
    """
    if _completed(message_id).exists():
        CompletedCancel.objects.get_or_create(message_id=message_id, defaults=count_figures(message_id).by_name)
        keep_figure_of_rows(Delivery.objects.filter(pk__in=deliveries))


def repair_figures(*, message_id: int) -> None:
    """Count the figures of a complete cancel again: after a repair that changed which rows are devices.

    The caller holds the message's lock.
    """
    if not _completed(message_id).exists():
        return
    if kept := CompletedCancel.objects.filter(pk=message_id):
        rows = Delivery.objects.filter(message=message_id)
        kept.update(**{name: rows_of_figure(rows, name).count() for name, _ in FIGURES})
    _tell_figures(message_id)


def _completed(message_id: int) -> QuerySet[SentMessage]:
    return SentMessage.objects.filter(pk=message_id, cancel_completed_at__isnull=False)


def _tell_figures(message_id: int) -> None:
    """Append the figures of a complete cancel to the audit trail, unless its newest event has just these."""
    figures = cancel_figures(message_id).by_name
    message = _completed(message_id).select_related("canceled_by").defer("bodies", "criteria").get()
    if figures != told_figures(message_id):
        details = {"message": message_id, **figures}
        record_audit_event(
            by=message.canceled_by, action=CANCEL_COMPLETED, target=message.recorded_name, details=details
        )


def _settled() -> QuerySet[SentMessage]:
    """The canceled messages of which nothing waits or is under way, and whose cancel does not say so yet.

    What another system has under way ends there, and nobody here waits for it.
    """
    pending = Delivery.objects.filter(message=OuterRef("pk"), outcome=Outcome.PENDING, duplicate=False)
    waits = Exists(pending.filter(status__in=NOT_LEFT)) | Exists(Redial.objects.filter(message=OuterRef("pk")))
    under_way = Q(Exists(pending.filter(status=DeliveryStatus.IN_PROGRESS)), dispatched_here=True)
    return _unfinished().filter(~waits, ~under_way)


def _unfinished() -> QuerySet[SentMessage]:
    return SentMessage.objects.filter(cancel_asked_at__isnull=False, cancel_completed_at=None)


@transaction.atomic
def _stop(message_id: int, after: Place, batch: int) -> tuple[int, Place | None]:
    """Stop the batch after a place. Returns how many it stopped, and the last place; None where nothing was left."""
    counted = lock_totals(message_id=message_id)
    mode, pk = after
    with connection.cursor() as cursor:
        cursor.execute(_STOP, {"message": message_id, "mode": mode, "id": pk, "batch": batch})
        stopped, *last = cursor.fetchone() or (None,)
    if not counted:
        recount(message_id=message_id)
    settle_reach(message_id=message_id, deliveries=stopped or [])
    return len(stopped or []), (last[0], last[1]) if last else None


def unfinished_cancels() -> list[int]:
    """The ids of messages whose cancel is not complete after a minute.

    Its worker died, no worker took it, or something of it is still under way: then its calls are hung up once more.
    """
    return list(SentMessage.objects.cancel_unfinished().values_list("pk", flat=True))
