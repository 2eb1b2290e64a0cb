"""What a cancel stops: counted at any moment, and turned to Canceled in the background."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models.functions import Now

from messenger_logs.choices import NOT_LEFT, DeliveryStatus, Outcome, sql_list
from messenger_logs.models import Delivery, MessageModeTotals, MessageTotals, SentMessage
from messenger_logs.services.totals import lock_totals, recount
from messenger_logs.signals import cancel_completed, message_canceled

BATCH = 10_000

# What has not left: it waits for its turn, or for the hours in which calls are allowed. A partial index has just these.
_NOT_LEFT = f"d.outcome = '{Outcome.PENDING}' AND d.status IN ({sql_list(NOT_LEFT)})"
_CANCELED = f"status = '{DeliveryStatus.CANCELED}', outcome = '{Outcome.CANCELED}', detail = '', code = NULL"

# One statement, and so one moment: what moves from waiting to canceled is never counted twice or missed.
_COUNT = f"""
SELECT coalesce(sum(devices - not_attempted), 0), coalesce(sum(canceled), 0),
    (SELECT count(*) FROM {Delivery._meta.db_table} AS d
     WHERE d.message_id = %(message)s AND {_NOT_LEFT} AND NOT d.duplicate)
FROM {MessageModeTotals._meta.db_table} WHERE message_id = %(message)s
"""  # noqa: S608  (table names only)

# Batches go up in the order of that index, so that none has to step over the dead entries of those before it.
# Duplicates follow the row that they duplicate: where that has left, its story is theirs.
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
"""A delivery in that order: its mode and id."""


@dataclass(frozen=True, slots=True)
class StoppedAndLeft:
    """The devices of a message, in two parts; those that were never to be tried (opted out…) are in neither.

    Stopped are those that got nothing, and after a cancel get nothing; ``waiting`` of them do not say Canceled yet. The
    others had left: they were claimed for hand-off, handed over, or decided in another way.
    """

    stopped: int
    left: int
    waiting: int

    @property
    def percent(self) -> int:
        """How much of what was stopped says so, in whole percents; 100 only when all of it does."""
        return 100 * (self.stopped - self.waiting) // self.stopped if self.stopped else 100


def stopped_and_left(message_id: int) -> StoppedAndLeft:
    """Once a cancel has been committed, no delivery moves from stopped to left any more."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, {"message": message_id})
        devices, canceled, waiting = cursor.fetchone()
    return StoppedAndLeft(stopped=canceled + waiting, left=devices - canceled - waiting, waiting=waiting)


def complete_cancel(*, message_id: int, batch: int = BATCH) -> int:
    """Turn what waits of a canceled message to Canceled. Returns how many devices this call stopped.

    A transaction for each batch, so the progress shows and nobody waits for long. Safe to repeat, and to run twice at
    once; nothing happens to a message that nobody canceled.
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
    # Nothing is claimed or added after a cancel, so behind the last batch nothing waits.
    if canceled.filter(cancel_completed_at__isnull=True).update(cancel_completed_at=Now()):
        cancel_completed.send_robust(sender=SentMessage, message_id=message_id)
    return total


@transaction.atomic
def _stop(message_id: int, after: Place, batch: int) -> tuple[int, Place | None]:
    """Stop a batch behind a place: how many it stopped, and the place of the last; None where none was left."""
    counted = lock_totals(message_id=message_id)
    mode, pk = after
    with connection.cursor() as cursor:
        cursor.execute(_STOP, {"message": message_id, "mode": mode, "id": pk, "batch": batch})
        found = cursor.fetchone()
    if not counted:
        recount(message_id=message_id)
    return (found[0], (found[1], found[2])) if found else (0, None)


def unfinished_cancels() -> list[int]:
    """The messages whose cancel is not complete after more than a minute: a worker died, or none came."""
    return list(SentMessage.objects.cancel_unfinished().values_list("pk", flat=True))
