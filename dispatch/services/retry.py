"""Calls and texts in doubt: nobody knows whether they arrived. Only a person decides to try them again."""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from accounts.services import record_audit_event
from dispatch.services.recording import finish
from dispatch.services.recovery import UNKNOWN_DETAIL
from messenger_logs.choices import PHONE, DeliveryStatus, MessageStatus
from messenger_logs.models import Delivery, Redial, SentMessage
from messenger_logs.querysets import DeliveryQuerySet
from messenger_logs.removed import REMOVED
from messenger_logs.services.totals import lock_totals

_RETRIABLE = [MessageStatus.IN_PROGRESS, MessageStatus.SENT, MessageStatus.ERROR]
# A text that the provider queued has the same status with a code. The provider has it, so it is not in doubt.
DOUBTFUL = Q(status=DeliveryStatus.VENDOR_RECEIVED, detail=UNKNOWN_DETAIL, code__isnull=True, duplicate=False)


def in_doubt(message: SentMessage) -> DeliveryQuerySet:
    """Return the devices that may or may not have the message and have no redial."""
    known = Delivery.objects.filter(message=message).exclude(given_address=REMOVED)
    return known.filter(DOUBTFUL, mode__in=PHONE, redial__isnull=True)


@transaction.atomic
def retry_deliveries(*, message_id: int, deliveries: Collection[int], by: User) -> int:
    """Make redials for these deliveries where they are in doubt. Returns how many; 0 for a canceled message.

    A finished message runs again, and people can cancel it again. The audit trail keeps the request.
    """
    if not deliveries:
        return 0
    # The last report may come in now. With the lock, either it comes first, or it finds the redials.
    lock_totals(message_id=message_id)
    retriable = SentMessage.objects.filter(pk=message_id, status__in=_RETRIABLE, dispatched_here=True)
    if not retriable.update(status=MessageStatus.IN_PROGRESS, dispatch_finished_at=None):
        return 0
    message = SentMessage.objects.get(pk=message_id)
    chosen = in_doubt(message).filter(pk__in=deliveries)
    redials = [
        Redial(delivery=one, message=message, mode=one.mode, attempt=one.attempt_count + 1, due_at=timezone.now())
        for one in chosen
    ]
    before = Redial.objects.filter(message=message_id).count()
    Redial.objects.bulk_create(redials, ignore_conflicts=True)
    added = Redial.objects.filter(message=message_id).count() - before
    if added:
        details = {"message": message.pk, "devices": added}
        record_audit_event(by=by, action="message.sent_again", target=message.display_subject, details=details)
    else:
        finish(message_id)
    return added
