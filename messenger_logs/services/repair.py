"""Derive again what is kept about messages: after an update that counts in another way, or after a mistake."""

from __future__ import annotations

from collections.abc import Collection

from django.db import connection, transaction

from messenger_logs.models import Delivery, SentMessage
from messenger_logs.services.complete_cancel import repair_figures
from messenger_logs.services.message_status import settle_status
from messenger_logs.services.totals import recount_all

_EXTEND = f"""
UPDATE {SentMessage._meta.db_table} AS message SET dispatch_finished_at = last.at
FROM (
    SELECT message_id, max(last_attempt_at) AS at
    FROM {Delivery._meta.db_table} WHERE message_id = ANY(%s) GROUP BY message_id
) AS last
WHERE message.id = last.message_id AND message.dispatch_finished_at < last.at
    AND message.cancel_asked_at IS NULL
"""  # noqa: S608  (table names only)


def extend_dispatches(*, message_ids: Collection[int]) -> None:
    """Move the end of each finished message to its last attempt, if that was later and nobody canceled it."""
    with connection.cursor() as cursor:
        cursor.execute(_EXTEND, [sorted(message_ids)])


@transaction.atomic
def repair_messages(*, message_ids: Collection[int]) -> None:
    """Count the totals of these messages again, and set what depends on them: status, and end of the dispatch.

    Safe to repeat, and while messages run.
    """
    recount_all(message_ids=message_ids)
    extend_dispatches(message_ids=message_ids)
    for pk in SentMessage.objects.filter(pk__in=message_ids).cancelable().values_list("pk", flat=True):
        settle_status(message_id=pk)
    canceled = SentMessage.objects.filter(pk__in=message_ids, cancel_completed_at__isnull=False)
    for pk in canceled.values_list("pk", flat=True):
        repair_figures(message_id=pk)
