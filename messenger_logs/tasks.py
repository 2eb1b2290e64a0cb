from __future__ import annotations

from celery import shared_task

from messenger_logs.services import derive_contacts as contacts
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


@shared_task(soft_time_limit=_SOFT_LIMIT, time_limit=_LIMIT)
def derive_contacts() -> None:
    """Derive the contacts to fix of which there is news. Beat starts it too, for news whose task got lost."""
    contacts.derive_contacts()


@shared_task(soft_time_limit=_SOFT_LIMIT, time_limit=_LIMIT)
def review_contacts() -> None:
    """Derive all contacts again that are not fixed, once a day."""
    contacts.note_unfixed_contacts()
    contacts.derive_contacts()
