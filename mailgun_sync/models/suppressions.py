"""The lists of addresses that Mailgun does not try."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from core.dates import time_text
from mailgun_sync.choices import RunOutcome, SuppressionList
from mailgun_sync.models.domains import SendingDomain
from mailgun_sync.querysets import SuppressionQuerySet


class SuppressionRun(models.Model):
    """One reading of a domain's lists of suppressions. Each page writes the counts, so they are right after a crash."""

    domain = models.ForeignKey(SendingDomain, on_delete=models.CASCADE)
    outcome = models.CharField(max_length=16, choices=RunOutcome, default=RunOutcome.RUNNING)
    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)
    pages = models.PositiveIntegerField(default=0)
    entries = models.PositiveIntegerField(default=0)
    odd = models.PositiveIntegerField(default=0, help_text="part of the entries: those without an address to compare")
    # How the lists differ from those of the last reading.
    added = models.PositiveIntegerField(default=0)
    removed = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ["-started_at", "-id"]

    def __str__(self) -> str:
        return f"suppressions {time_text(self.started_at)}"


class SuppressionEntry(models.Model):
    """What Mailgun says in one entry of a list."""

    list = models.CharField(max_length=16, choices=SuppressionList)
    # The address; for an entry without one, or with one that is too long, the SHA-256 of ``raw``.
    key = models.CharField(max_length=512)
    address = models.CharField(max_length=512, blank=True, help_text="as Mailgun has it; on the allowlist, or a domain")
    mailbox = models.CharField(max_length=512, blank=True, help_text="the canonical form of the address")
    code = models.CharField(max_length=32, blank=True)
    reason = models.CharField(max_length=2000, blank=True)
    everything = models.BooleanField(default=True, help_text="not only the mail with some tags")
    suppressed_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=200, blank=True, help_text="why it is odd, in plain words")
    raw = models.TextField(help_text="the entry as it came")

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.get_list_display()


class Suppression(SuppressionEntry):
    """An address that Mailgun does not try, as the last whole reading of its list has it."""

    domain = models.ForeignKey(SendingDomain, on_delete=models.PROTECT, db_index=False, related_name="suppressions")
    first_seen_at = models.DateTimeField(db_default=Now())

    objects = SuppressionQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["domain", "list", "key"], name="suppression_key")]
        indexes = [models.Index(fields=["mailbox"], name="suppression_mailbox")]


class StagedSuppression(SuppressionEntry):
    """An entry that a run has read. It counts when the run has read the lists to their ends, and not before."""

    run = models.ForeignKey(SuppressionRun, on_delete=models.CASCADE, db_index=False)

    class Meta:
        indexes = [models.Index(fields=["run", "list", "key"], name="staged_suppression")]


class Removal(models.Model):
    """A person asked Mailgun to take an address off a list: what it answered, and what the next reading showed."""

    domain = models.ForeignKey(SendingDomain, on_delete=models.PROTECT, db_index=False)
    list = models.CharField(max_length=16, choices=SuppressionList)
    address = models.CharField(max_length=512)
    mailbox = models.CharField(max_length=512)
    why = models.CharField(max_length=500, blank=True, help_text="what the person typed")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_index=False, related_name="+"
    )
    by_name = models.CharField(max_length=200)
    asked_at = models.DateTimeField(db_default=Now())
    answered_at = models.DateTimeField(null=True)
    done = models.BooleanField(default=False, help_text="Mailgun says that the address is off the list")
    answer = models.CharField(max_length=500, blank=True)
    # The first whole reading afterwards, and whether it still had the address.
    read_at = models.DateTimeField(null=True)
    still_listed = models.BooleanField(default=False)

    class Meta:
        ordering = ["-asked_at", "-id"]
        indexes = [models.Index(fields=["mailbox", "-asked_at"], name="removal_mailbox")]

    def __str__(self) -> str:
        return f"{self.list} {time_text(self.asked_at)}"
