"""Every read of this app."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db.models import Case, Q, QuerySet, Value, When
from django.db.models.fields import CharField

from alerts.choices import AlertState, DeliveryState, NoticeKind

if TYPE_CHECKING:
    from alerts.models import Alert, AlertChannel, AlertDelivery  # noqa: F401


class AlertQuerySet(QuerySet["Alert"]):
    def open(self) -> Self:
        return self.filter(cleared_at=None)

    def in_state(self, state: str) -> Self:
        match state:
            case AlertState.OPEN:
                return self.open().filter(acknowledged_at=None)
            case AlertState.ACKNOWLEDGED:
                return self.open().exclude(acknowledged_at=None)
            case AlertState.CLEARED:
                return self.exclude(cleared_at=None)
        return self

    def with_looks(self) -> Self:
        """Add `look`: the state, and whether an open one is urgent."""
        return self.annotate(
            look=Case(
                When(cleared_at__isnull=False, then=Value("cleared")),
                When(acknowledged_at__isnull=False, then=Value("acknowledged")),
                When(urgent=True, then=Value("urgent")),
                default=Value("open"),
                output_field=CharField(),
            )
        )


class AlertChannelQuerySet(QuerySet["AlertChannel"]):
    def active(self) -> Self:
        return self.filter(active=True)


class AlertDeliveryQuerySet(QuerySet["AlertDelivery"]):
    def waiting(self) -> Self:
        return self.filter(state=DeliveryState.WAITING)

    def due(self, channel: AlertChannel, now: datetime) -> Self:
        """The notices that may go to a channel by now, the oldest first. A test always may."""
        waiting, test = self.waiting().filter(channel=channel).order_by("pk"), Q(kind=NoticeKind.TEST)
        if not channel.active or channel.pauses(now):
            return waiting.filter(test)
        return waiting.filter(test | Q(alert__urgent=True)) if channel.is_quiet(now) else waiting

    def newest_of_each_channel(self) -> Self:
        return self.exclude(channel=None).order_by("channel_id", "-pk").distinct("channel_id")

    def silent(self, before: datetime) -> Self:
        """The notices whose process ended, or hangs: it began to send them before this time, and did not say more."""
        return self.filter(state=DeliveryState.SENDING, sending_at__lt=before)
