"""The deliveries that a cancel stops: count them at any moment, and mark them as Canceled in the background."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models.functions import Now

from messenger_logs.choices import NOT_LEFT, DeliveryStatus, Outcome, sql_list
from messenger_logs.models import Delivery, MessageModeTotals, MessageTotals, SentMessage
from messenger_logs.services.totals import lock_totals, recount
from messenger_logs.signals import cancel_completed, message_canceled

BATCH = 10_000

# The partial index delivery_not_left has exactly these rows.
_NOT_LEFT = f"d.outcome = '{Outcome.PENDING}' AND d.status IN ({sql_list(NOT_LEFT)})"
_CANCELED = f"status = '{DeliveryStatus.CANCELED}', outcome = '{Outcome.CANCELED}', detail = '', code = NULL"

# One statement reads one moment: it counts a delivery that moves from waiting to canceled exactly once.
_COUNT = f"""
SELECT coalesce(sum(devices - not_attempted), 0), coalesce(sum(canceled), 0),
    (SELECT count(*) FROM {Delivery._meta.db_table} AS d
     WHERE d.message_id = %(message)s AND {_NOT_LEFT} AND NOT d.duplicate)
FROM {MessageModeTotals._meta.db_table} WHERE message_id = %(message)s
"""  # noqa: S608  (table names only)

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
    RETURNING d.mode, d.address
), duplicates AS (
    UPDATE {Delivery._meta.db_table} AS d SET {_CANCELED}
    FROM stopped
    WHERE d.message_id = %(message)s AND d.duplicate AND {_NOT_LEFT}
        AND d.mode = stopped.mode AND d.address = stopped.address
), modes AS (
    UPDATE {MessageModeTotals._meta.db_table} AS kept
    SET pending = kept.pending - moved.n, canceled = kept.canceled + moved.n
    FROM (SELECT mode, count(*) AS n FROM stopped GROUP BY mode) AS moved
    WHERE kept.message_id = %(message)s AND kept.mode = moved.mode
), people AS (
    UPDATE {MessageTotals._meta.db_table} SET as_of = now() WHERE message_id = %(message)s
)
SELECT (SELECT count(*) FROM stopped), last.mode, last.id
FROM (SELECT mode, id FROM batch ORDER BY mode DESC, id DESC LIMIT 1) AS last
"""  # noqa: S608  (table names only)


Place = tuple[str, int]
"""The place of a delivery in that order: its mode and id."""


@dataclass(frozen=True, slots=True)
class StoppedAndLeft:
    """The devices of a message in two parts. Devices that nobody would try (opted out …) are in neither part.

    The ``stopped`` devices got nothing and, after a cancel, will get nothing; ``waiting`` of them are not marked as
    Canceled yet. The ``left`` devices were claimed for hand-off or handed over, or have a final result.
    """

    stopped: int
    left: int
    waiting: int

    @property
    def percent(self) -> int:
        """How many of the stopped devices are marked, in whole percents; 100 only when all of them are."""
        return 100 * (self.stopped - self.waiting) // self.stopped if self.stopped else 100


def stopped_and_left(message_id: int) -> StoppedAndLeft:
    """Count both parts. After the commit of a cancel, no delivery moves from stopped to left."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, {"message": message_id})
        devices, canceled, waiting = cursor.fetchone()
    return StoppedAndLeft(stopped=canceled + waiting, left=devices - canceled - waiting, waiting=waiting)


def complete_cancel(*, message_id: int, batch: int = BATCH) -> int:
    """Mark the waiting deliveries of a canceled message as Canceled. Returns how many devices this call stopped.

    Each batch is a transaction, so that the progress is visible and no other writer waits for long. The call is safe to
    repeat, and to run twice at once. It changes nothing of a message that nobody canceled.
    """
    canceled = SentMessage.objects.filter(pk=message_id, cancel_asked_at__isnull=False)
    message = canceled.only("cancel_completed_at").first()
    if message is None:
        return 0
    if message.cancel_completed_at is None:
        message_canceled.send_robust(sender=SentMessage, message_id=message_id)
    total = 0
    last: Place | None = ("", 0)
    while last:
        stopped, last = _stop(message_id, last, batch)
        total += stopped
    # Nothing is claimed or added after a cancel, so nothing waits behind the last batch.
    if canceled.filter(cancel_completed_at__isnull=True).update(cancel_completed_at=Now()):
        cancel_completed.send_robust(sender=SentMessage, message_id=message_id)
    return total


@transaction.atomic
def _stop(message_id: int, after: Place, batch: int) -> tuple[int, Place | None]:
    """Stop the batch after a place. Returns how many it stopped, and the last place; None where nothing was left."""
    counted = lock_totals(message_id=message_id)
    mode, pk = after
    with connection.cursor() as cursor:
        cursor.execute(_STOP, {"message": message_id, "mode": mode, "id": pk, "batch": batch})
        found = cursor.fetchone()
    if not counted:
        recount(message_id=message_id)
    return (found[0], (found[1], found[2])) if found else (0, None)


def unfinished_cancels() -> list[int]:
    """The ids of messages whose cancel is not complete after a minute: its worker died, or no worker took it."""
    return list(SentMessage.objects.cancel_unfinished().values_list("pk", flat=True))
