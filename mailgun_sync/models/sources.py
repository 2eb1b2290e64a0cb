"""Where events come from, and the calls of the webhook."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from core.replays import TakenRequest
from mailgun_sync.choices import Refusal, Source
from mailgun_sync.models.domains import SendingDomain
from mailgun_sync.querysets import SourceCountQuerySet


class SourceCount(models.Model):
    """What came from a source about a domain. The transaction that stores events counts them too."""

    domain = models.ForeignKey(SendingDomain, on_delete=models.CASCADE, related_name="source_counts")
    source = models.CharField(max_length=16, choices=Source)
    calls = models.PositiveBigIntegerField(default=0, help_text="pages that we read, or calls to our webhook")
    events_seen = models.PositiveBigIntegerField(default=0)
    events_new = models.PositiveBigIntegerField(default=0, help_text="events that no other source had brought before")
    last_at = models.DateTimeField(db_default=Now())

    objects = SourceCountQuerySet.as_manager()

    class Meta:
        ordering = ["domain__name", "source"]
        constraints = [models.UniqueConstraint(fields=["domain", "source"], name="source_count_once")]

    def __str__(self) -> str:
        return f"{self.domain_id} {self.source}"


class RefusedCall(models.Model):
    """Calls to the webhook that were refused for one reason. Nothing of their content is kept."""

    reason = models.CharField(primary_key=True, max_length=16, choices=Refusal)
    calls = models.PositiveBigIntegerField(default=0)
    last_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-last_at"]

    def __str__(self) -> str:
        return self.reason


class TakenWebhook(TakenRequest):
    """A signature of a call that was taken. The same again is a replay."""

    class Meta(TakenRequest.Meta):
        indexes = [models.Index(fields=["received_at"], name="taken_webhook_time")]
