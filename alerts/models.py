"""The troubles that fired, the channels that are told of them, and what they were told. It names no family."""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from alerts.choices import AlertState, ChannelKind, DeliveryState, NoticeKind, WebhookFormat
from alerts.querysets import AlertChannelQuerySet, AlertDeliveryQuerySet, AlertQuerySet
from alerts.quiet_hours import is_quiet
from core.sealing import seal, unseal

LONGEST_PAUSE = timedelta(minutes=15)
"""How long a channel waits after a failure, at most."""
_PURPOSE = "alerts.webhook"


class Alert(models.Model):
    """A trouble that fired. While it is there, its row is open; when it comes back later, that is another alert."""

    key = models.CharField(max_length=300, help_text="of the trouble: the same as long as it is the same trouble")
    part = models.CharField(max_length=300, help_text="of the site, in plain words")
    words = models.TextField(help_text="what is wrong, in a sentence")
    to_do = models.TextField(blank=True, help_text="what an administrator does about it")
    page = models.CharField(max_length=100, blank=True, help_text="the name of the address that explains it")
    urgent = models.BooleanField(default=False, help_text="it was urgent at some time while it was open")
    since = models.DateTimeField(null=True, blank=True, help_text="since when it is wrong, where that is known")
    fired_at = models.DateTimeField(help_text="when it was seen first")
    last_seen_at = models.DateTimeField()
    quiet_since = models.DateTimeField(null=True, blank=True, help_text="the first look that did not see it any more")
    cleared_at = models.DateTimeField(null=True, blank=True)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    acknowledged_by_name = models.CharField(max_length=310, blank=True, db_default="")

    objects = AlertQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["key"], condition=Q(cleared_at=None), name="one_open_alert_for_a_trouble")
        ]
        indexes = [models.Index(fields=["-fired_at", "-id"], name="alerts_newest_first")]

    def __str__(self) -> str:
        return f"alert {self.pk}"

    @property
    def state(self) -> AlertState:
        if self.cleared_at:
            return AlertState.CLEARED
        return AlertState.ACKNOWLEDGED if self.acknowledged_at else AlertState.OPEN


class AlertChannel(models.Model):
    """Who is told: some e-mail addresses, or a webhook. The address of a webhook is a secret, so it is encrypted."""

    name = models.CharField(max_length=80, unique=True)
    kind = models.CharField(max_length=8, choices=ChannelKind)
    emails = ArrayField(models.EmailField(max_length=254), default=list, blank=True)
    format = models.CharField(max_length=8, choices=WebhookFormat, blank=True, help_text="of a webhook")
    sealed_url = models.TextField(blank=True)
    active = models.BooleanField(default=True)
    urgent_only = models.BooleanField(default=False)
    tells_cleared = models.BooleanField(default=True)
    remind_hours = models.PositiveSmallIntegerField(default=0, help_text="until somebody acknowledges it; 0 never")
    quiet_from = models.TimeField(null=True, blank=True, help_text="in the district's zone")
    quiet_to = models.TimeField(null=True, blank=True)
    retry_at = models.DateTimeField(null=True, blank=True, help_text="after a failure, the channel waits until then")
    error = models.CharField(max_length=300, blank=True, help_text="why the last notice was not sent")

    objects = AlertChannelQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(quiet_from=None, quiet_to=None)
                | Q(quiet_from__isnull=False, quiet_to__isnull=False) & ~Q(quiet_from=models.F("quiet_to")),
                name="quiet_hours_have_both_ends",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def url(self) -> str | None:
        """The address of the webhook; None if it cannot be read any more, because the site has another secret now."""
        return unseal(self.sealed_url, purpose=_PURPOSE)

    @url.setter
    def url(self, address: str) -> None:
        self.sealed_url = seal(address, purpose=_PURPOSE)

    @property
    def goes_to(self) -> str:
        """The addresses, or the host and the last characters of the webhook's address: the rest is a secret."""
        if self.kind == ChannelKind.EMAIL:
            return ", ".join(self.emails)
        return shortened(self.url) if self.url else _("an address that cannot be read any more: enter it again")

    def pauses(self, now: datetime) -> bool:
        """Whether it waits after a failure. A time further ahead than we ever set it is that of a wrong clock."""
        return self.retry_at is not None and now < self.retry_at <= now + 2 * LONGEST_PAUSE

    def is_quiet(self, now: datetime) -> bool:
        begin, end = self.quiet_from, self.quiet_to
        return begin is not None and end is not None and is_quiet(now, begin, end)


def shortened(url: str) -> str:
    """Return what may be shown of a webhook's address. All that follows the host may let others post there."""
    parts = urlsplit(url)
    rest = parts.path + parts.query
    return f"{parts.scheme}://{parts.hostname}/…{rest[-4:] if len(rest) > 16 else ''}"


class AlertDelivery(models.Model):
    """A notice to a channel: an outbox. It is made in the transaction of what it tells, and sent later."""

    alert = models.ForeignKey(Alert, null=True, blank=True, on_delete=models.CASCADE, related_name="deliveries")
    channel = models.ForeignKey(
        AlertChannel, null=True, blank=True, on_delete=models.SET_NULL, related_name="deliveries"
    )
    channel_name = models.CharField(max_length=80)
    kind = models.CharField(max_length=8, choices=NoticeKind)
    number = models.PositiveIntegerField(default=0, help_text="of a reminder")
    state = models.CharField(max_length=8, choices=DeliveryState, default=DeliveryState.WAITING)
    queued_at = models.DateTimeField(default=timezone.now)
    sending_at = models.DateTimeField(null=True, blank=True, help_text="when the last try began")
    sent_at = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=300, blank=True, help_text="of the last try; without addresses")

    objects = AlertDeliveryQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            # A test is about no alert, so there may be many of them.
            models.UniqueConstraint(fields=["alert", "channel", "kind", "number"], name="one_notice_of_a_kind")
        ]
        indexes = [
            models.Index(
                fields=["channel", "id"],
                name="alert_notices_to_send",
                condition=Q(state__in=[DeliveryState.WAITING, DeliveryState.SENDING]),
            ),
            models.Index(fields=["channel", "-id"], name="alert_notices_of_a_channel"),
        ]

    def __str__(self) -> str:
        return f"notice {self.pk}"

    @property
    def unfinished(self) -> bool:
        return self.state in (DeliveryState.WAITING, DeliveryState.SENDING)
