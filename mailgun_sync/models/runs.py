"""The runs of the sync, and what they could not read."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from core.dates import time_text
from mailgun_sync.choices import HUNG_AFTER, RunKind, RunOutcome, Source
from mailgun_sync.models.domains import SendingDomain
from mailgun_sync.querysets import SyncRunQuerySet


class SyncRun(models.Model):
    """One reading of one domain's events. Each page writes the counts, so they are right even after a crash."""

    domain = models.ForeignKey(SendingDomain, on_delete=models.CASCADE)
    kind = models.CharField(max_length=16, choices=RunKind)
    source = models.CharField(max_length=16, choices=Source, default=Source.EVENTS, db_default=Source.EVENTS)
    outcome = models.CharField(max_length=16, choices=RunOutcome, default=RunOutcome.RUNNING)
    begin = models.DateTimeField(null=True)
    end = models.DateTimeField(null=True)
    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)
    pages = models.PositiveIntegerField(default=0)
    events_seen = models.PositiveIntegerField(default=0)
    events_new = models.PositiveIntegerField(default=0)
    quarantined = models.PositiveIntegerField(default=0)
    # The part of ``quarantined`` that contradicts a stored event with the same key.
    differs = models.PositiveIntegerField(db_default=0)
    late = models.PositiveIntegerField(default=0)
    latest_by = models.DurationField(default=timedelta(0), help_text="the longest delay among its late events")
    error = models.TextField(blank=True)
    # The last sign of life: the start, and then each page.
    seen_at = models.DateTimeField(db_default=Now())
    # How many later syncs found this run at work, and left the domain to it.
    skipped = models.PositiveIntegerField(db_default=0)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects = SyncRunQuerySet.as_manager()

    class Meta:
        ordering = ["-started_at", "-id"]
        indexes = [models.Index(fields=["-started_at", "-id"], name="sync_run_newest")]

    def __str__(self) -> str:
        return f"{self.kind} {time_text(self.started_at)}"

    @property
    def hangs(self) -> bool:
        """Whether the run is under way without a sign of life for so long that the next sync takes over."""
        return self.outcome == RunOutcome.RUNNING and self.seen_at < timezone.now() - HUNG_AFTER


class SyncGap(models.Model):
    """A time of a domain whose events are not all stored.

    Mailgun no longer had them, or one of them is too large to read; such a gap lasts a second.
    """

    domain = models.ForeignKey(SendingDomain, on_delete=models.PROTECT)
    begin = models.DateTimeField()
    end = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-begin"]
        constraints = [
            models.UniqueConstraint(fields=["domain", "begin"], name="sync_gap_key"),
            models.CheckConstraint(condition=Q(begin__lt=F("end")), name="sync_gap_lasts"),
        ]

    def __str__(self) -> str:
        return f"{time_text(self.begin)} to {time_text(self.end)}"

    @property
    def is_too_large(self) -> bool:
        """Whether the gap is the second of an event that is too large to read."""
        return self.end - self.begin <= timedelta(seconds=1)
