"""Calls and texts of which nobody knows whether they arrived: a person decides that they are tried again."""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from accounts.models import User
from accounts.services import record_audit_event
from dispatch.services.recording import finish
from dispatch.services.recovery import UNKNOWN_DETAIL
from messenger_logs.choices import PHONE, DeliveryStatus, MessageStatus
from messenger_logs.models import Delivery, Redial, SentMessage
from messenger_logs.services.totals import lock_totals

_MAY_GO_ON = [MessageStatus.IN_PROGRESS, MessageStatus.SENT, MessageStatus.ERROR]
# Texts that the provider queued say the same with a code: those it has.
DOUBTFUL = Q(status=DeliveryStatus.VENDOR_RECEIVED, detail=UNKNOWN_DETAIL, code__isnull=True, duplicate=False)


def in_doubt(message: SentMessage) -> QuerySet[Delivery]:
    """Devices that may or may not have got the message, and are not about to be tried again."""
    return message.deliveries.filter(DOUBTFUL, mode__in=PHONE, redial__isnull=True)


@transaction.atomic
def retry_deliveries(*, message_id: int, deliveries: Collection[int], by: User) -> int:
    """Try devices that are in doubt once more. Returns how many: none of a message that was canceled.

    A message that was finished goes on, and can be canceled again.
    """
    if not deliveries:
        return 0
    # Its last report may come in just now: then either that comes first, or it finds what is tried again.
    lock_totals(message_id=message_id)
    going_on = SentMessage.objects.filter(pk=message_id, status__in=_MAY_GO_ON, dispatched_here=True)
    if not going_on.update(status=MessageStatus.IN_PROGRESS, dispatch_finished_at=None):
        return 0
    message = SentMessage.objects.get(pk=message_id)
    chosen = in_doubt(message).filter(pk__in=deliveries).annotate(following=F("attempt_count") + 1)
    redials = [
        Redial(delivery=one, message=message, mode=one.mode, attempt=one.following, due_at=timezone.now())
        for one in chosen
    ]
    before = Redial.objects.filter(message=message_id).count()
    Redial.objects.bulk_create(redials, ignore_conflicts=True)
    asked = Redial.objects.filter(message=message_id).count() - before
    if asked:
        details = {"message": message.pk, "devices": asked}
        record_audit_event(by=by, action="message.sent_again", target=message.display_subject, details=details)
    else:
        finish(message_id)
    return asked
