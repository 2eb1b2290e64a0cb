from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings

from alerts.choices import DeliveryState
from alerts.models import Alert, AlertDelivery


def delete_old(*, now: datetime) -> int:
    """Delete alerts that cleared ALERT_DAYS ago, with what was told of them, and old tests. Return how many alerts."""
    before = now - timedelta(days=settings.ALERT_DAYS)
    ended = AlertDelivery.objects.exclude(state__in=[DeliveryState.WAITING, DeliveryState.SENDING])
    ended.filter(alert=None, queued_at__lt=before).delete()
    return Alert.objects.filter(cleared_at__lt=before).delete()[1].get("alerts.Alert", 0)
