"""Calls and texts in doubt: nobody knows whether they arrived. Only a person decides to try them again."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone

from accounts.models import User
from accounts.services import record_audit_event
from accounts.tools import Right, Tool
from dispatch.services.recording import finish
from dispatch.services.recovery import UNKNOWN_DETAIL
from messenger_logs.choices import PHONE, DeliveryStatus, MessageStatus
from messenger_logs.models import Delivery, Redial, SentMessage
from messenger_logs.querysets import CANCEL_TOOLS, DeliveryQuerySet
from messenger_logs.removed import REMOVED
from messenger_logs.services.totals import lock_totals
from messenger_logs.sight import Sight

# Older ones are left as they are.
DOUBT_DAYS = 7
_RETRIABLE = [MessageStatus.IN_PROGRESS, MessageStatus.SENT, MessageStatus.ERROR]
# A text that the provider queued has the same status with a code. The provider has it, so it is not in doubt.
DOUBTFUL = Q(status=DeliveryStatus.VENDOR_RECEIVED, detail=UNKNOWN_DETAIL, code__isnull=True, duplicate=False)


def in_doubt(message: SentMessage) -> DeliveryQuerySet:
    """Return the devices that may or may not have the message and have no redial."""
    return _in_doubt(Delivery.objects.filter(message=message))


@dataclass(frozen=True)
class InDoubt:
    """A message with devices in doubt, and the tool with which a person may send them again."""

    message_id: int
    subject: str
    tool: Tool
    devices: int


def messages_in_doubt(user: User, now: datetime) -> list[InDoubt]:
    """Return the messages of the last days of which ``user`` may send devices in doubt again, the newest first.

    Only the devices of people whom the user sees count. One query for each tool.
    """
    found: dict[int, InDoubt] = {}
    for tool in CANCEL_TOOLS:
        if not user.may(tool, Right.WRITE):
            continue
        recent = SentMessage.objects.in_reach_of_retry(user, tool).filter(
            status__in=_RETRIABLE, dispatched_here=True, scheduled_at__gte=now - timedelta(days=DOUBT_DAYS)
        )
        rows = _in_doubt(Delivery.objects.filter(Sight.to_change(user, tool).rows, message__in=recent))
        for pk, subject, devices in rows.order_by().values_list("message", "message__subject").annotate(Count("pk")):
            found.setdefault(pk, InDoubt(pk, subject, tool, devices))
    return [found[pk] for pk in sorted(found, reverse=True)]


def _in_doubt(deliveries: DeliveryQuerySet) -> DeliveryQuerySet:
    known = deliveries.exclude(given_address=REMOVED)
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
        record_audit_event(by=by, action="message.sent_again", target=message.recorded_name, details=details)
    else:
        finish(message_id)
    return added
