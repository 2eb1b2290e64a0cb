from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from accounts.models import User
from accounts.services import record_audit_event
from alerts.choices import DeliveryState, NoticeKind
from alerts.models import Alert, AlertDelivery


def acknowledge(*, alert_id: int, by: User) -> bool:
    """Say that somebody takes care of an alert: there are no reminders any more.

    Returns False if it cleared before, or somebody acknowledged it before.
    """
    open_ones = Alert.objects.open().filter(pk=alert_id, acknowledged_at=None)
    with transaction.atomic():
        if not open_ones.update(
            acknowledged_at=timezone.now(), acknowledged_by=by, acknowledged_by_name=by.listed_name
        ):
            return False
        reminders = AlertDelivery.objects.waiting().filter(alert=alert_id, kind=NoticeKind.REMINDER)
        reminders.update(state=DeliveryState.SKIPPED, error=gettext_noop("Somebody acknowledged it."))
        record_audit_event(by=by, action="alert.acknowledged", details={"alert": alert_id})
    return True
