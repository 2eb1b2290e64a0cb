"""The sending domains: how far their events are here, and their health."""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from mailgun_sync.choices import DomainState, Source
from mailgun_sync.querysets import SendingDomainQuerySet

DEFAULT_SETTLE_AFTER = timedelta(minutes=30)


class SendingDomain(models.Model):
    """A domain that the district sends from, and how far its events are in the database.

    Every event that occurred from ``covered_from`` to ``settled_through`` is stored, with two exceptions: the hours of
    a SyncGap, and events that Mailgun shows later than ``settle_after``. The sweeps find those events.
    """

    name = models.CharField(max_length=255, unique=True)
    paused = models.BooleanField(default=False)
    covered_from = models.DateTimeField(null=True, blank=True)
    settled_through = models.DateTimeField(null=True, blank=True)
    settle_after = models.DurationField(default=DEFAULT_SETTLE_AFTER)
    # The backfill reads [backfill_from, backfill_until), the oldest day first. All three are null without a backfill.
    backfill_from = models.DateTimeField(null=True, blank=True)
    backfill_next = models.DateTimeField(null=True, blank=True)
    backfill_until = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)
    last_error_at = models.DateTimeField(null=True, blank=True)
    # The API that the last run read, and that the next one reads if MAILGUN_SOURCE is auto.
    source = models.CharField(max_length=16, choices=Source, default=Source.EVENTS, db_default=Source.EVENTS)

    objects = SendingDomainQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                name="backfill_is_whole",
                condition=Q(backfill_from__isnull=True, backfill_next__isnull=True, backfill_until__isnull=True)
                | Q(backfill_from__lte=F("backfill_next"), backfill_next__lt=F("backfill_until")),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def state(self) -> DomainState:
        """The state for the System Health page. An error counts more than a pause."""
        if self.last_error:
            return DomainState.FAILED
        if self.paused:
            return DomainState.PAUSED
        return DomainState.SYNCED if self.settled_through else DomainState.NEW

    @property
    def backfill_share(self) -> float | None:
        """The done part of the backfill, from 0 to 1; None without a backfill."""
        if self.backfill_from is None or self.backfill_next is None or self.backfill_until is None:
            return None
        return (self.backfill_next - self.backfill_from) / (self.backfill_until - self.backfill_from)


class DomainHealth(models.Model):
    """What Mailgun last said of a domain, and how many of its e-mails bounced or were complained about.

    A failed check changes only ``error``, so what was known before stays.
    """

    domain = models.OneToOneField(SendingDomain, primary_key=True, on_delete=models.CASCADE, related_name="health")
    requested_at = models.DateTimeField(null=True, blank=True, help_text="when somebody asked for a check")
    tried_at = models.DateTimeField(null=True, blank=True, help_text="the last check, also one that failed")
    checked_at = models.DateTimeField(null=True, blank=True, help_text="the last answer of Mailgun")
    error = models.TextField(blank=True, default="", help_text="why the last check failed; empty if it did not")
    state = models.CharField(max_length=64, blank=True, default="", help_text="Mailgun's word")
    records = models.JSONField(default=list, help_text="[{purpose, type, name, value, valid}]")
    counted_at = models.DateTimeField(null=True, blank=True)
    counts = models.JSONField(default=dict, help_text="{days: {kind: number of events}}")

    class Meta:
        verbose_name_plural = "domain health"

    def __str__(self) -> str:
        return self.state or "not known"

    @property
    def is_awaited(self) -> bool:
        """Whether a check was asked for a moment ago and has not been made."""
        recently = self.requested_at and self.requested_at > timezone.now() - timedelta(minutes=2)
        return bool(recently and self.requested_at and (self.tried_at is None or self.tried_at < self.requested_at))
