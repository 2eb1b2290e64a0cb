from __future__ import annotations

from celery import shared_task

from messenger_logs.services.complete_cancel import complete_cancel, unfinished_cancels

# A million devices take less than a minute. What is cut off goes on with the next finish_cancels.
_SOFT_LIMIT, _LIMIT = 240, 270


@shared_task(soft_time_limit=_SOFT_LIMIT, time_limit=_LIMIT)
def stop_the_rest(message_id: int) -> None:
    complete_cancel(message_id=message_id)


@shared_task(soft_time_limit=_SOFT_LIMIT, time_limit=_LIMIT)
def finish_cancels() -> None:
    """Complete the cancels whose worker died, and those that no broker took."""
    for message_id in unfinished_cancels():
        complete_cancel(message_id=message_id)
