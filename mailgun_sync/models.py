"""Mailgun's events as they came, and the state of the sync."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Now, Upper
from django.utils import timezone

from core.dates import time_text
from core.replays import TakenRequest
from mailgun_sync.choices import (
    FAILED,
    FORM_ID,
    HUNG_AFTER,
    SUPPRESSION,
    TEMPORARY,
    DomainState,
    EventKind,
    Refusal,
    RunKind,
    RunOutcome,
    Source,
)
from mailgun_sync.querysets import (
    MailgunEventQuerySet,
    RecipientAddressQuerySet,
    SendingDomainQuerySet,
    SourceCountQuerySet,
    SyncRunQuerySet,
)
from messenger_logs.models import Delivery, SentMessage

DEFAULT_SETTLE_AFTER = timedelta(minutes=30)
# The last day of an address may be behind its newest event by fewer days than this: so not every page writes it.
ADDRESS_SLACK_DAYS = 7


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
        """The state for the Mailgun Sync page. An error counts more than a pause."""
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


# The rule for an event's kind. PostgreSQL writes the column, so this is the only place that states it.
_KIND = Case(
    When(~Q(event=FAILED), then=F("event")),
    When(reason__startswith=SUPPRESSION, then=Value(EventKind.SUPPRESSED.value)),
    When(severity=TEMPORARY, then=Value(EventKind.FAILED_TEMPORARILY.value)),
    default=Value(EventKind.FAILED_PERMANENTLY.value),
)


class MailgunEvent(models.Model):
    """One event of one recipient of one e-mail.

    ``raw`` is the event's JSON, byte for byte as Mailgun sent it. services/ingest.py derives all other columns from it,
    so ``raw`` can repair a mistake in them. ``kind`` follows from other columns.
    """

    domain = models.ForeignKey(SendingDomain, on_delete=models.PROTECT, db_index=False)
    event = models.CharField(max_length=64)
    # Unique only within a day, and Mailgun's test events share it between kinds: see the constraint.
    event_id = models.CharField(max_length=128)
    occurred_at = models.DateTimeField()
    first_seen_at = models.DateTimeField(db_default=Now())
    # For an event that came after we took its time as complete: how long after it occurred we first saw it.
    late_by = models.DurationField(null=True, blank=True)
    recipient = models.CharField(max_length=512, blank=True)
    subject = models.CharField(max_length=1000, blank=True)
    message_id = models.CharField(max_length=512, blank=True)
    severity = models.CharField(max_length=32, blank=True)
    # Mailgun's word for the cause, such as "suppress-bounce". ``detail`` is its explanation for people.
    reason = models.CharField(max_length=128, blank=True)
    # An EventKind, or Mailgun's word for an event that the log shows only on request.
    kind = models.GeneratedField(expression=_KIND, output_field=models.CharField(max_length=64), db_persist=True)
    code = models.CharField(max_length=32, blank=True)
    detail = models.CharField(max_length=2000, blank=True)
    # From the e-mail's user variables, and only if the sender that they name is a user of this installation.
    sender = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, db_index=False, related_name="+"
    )
    person_id = models.CharField(max_length=64, blank=True)
    # The message and delivery of the event, if we sent the e-mail and the user variables agree with our records.
    sent_message = models.ForeignKey(
        SentMessage, null=True, blank=True, on_delete=models.SET_NULL, db_index=False, related_name="+"
    )
    delivery = models.ForeignKey(
        Delivery, null=True, blank=True, on_delete=models.SET_NULL, db_index=False, related_name="+"
    )
    raw = models.TextField()

    objects = MailgunEventQuerySet.as_manager()

    class Meta:
        constraints = [
            # The time comes first, so that new events go to the end of the index.
            models.UniqueConstraint(fields=["occurred_at", "event_id", "event", "domain"], name="mailgun_event_key"),
        ]
        indexes = [
            models.Index(fields=["occurred_at", "id"], name="mailgun_event_time"),
            models.Index(
                fields=["sender", "occurred_at", "id"],
                name="mailgun_event_sender",
                condition=Q(sender__isnull=False),
            ),
            # A person has some hundred events: sorting them is quicker than keeping them in order.
            models.Index(fields=["person_id"], name="mailgun_event_person", condition=~Q(person_id="")),
            models.Index(fields=["delivery"], name="mailgun_event_delivery", condition=Q(delivery__isnull=False)),
            models.Index(
                fields=["sent_message"], name="mailgun_event_message", condition=Q(sent_message__isnull=False)
            ),
            models.Index(fields=["recipient"], name="mailgun_event_recipient"),
            # Events of form posts: few, because the same event of another source replaces each.
            models.Index(fields=["recipient"], name="mailgun_event_form", condition=Q(event_id__startswith=FORM_ID)),
            # Without this index, a page of a rare kind reads the events of all its days. The two kinds are not rare.
            models.Index(
                fields=["kind", "occurred_at", "id"],
                name="mailgun_event_rare_kind",
                condition=~Q(kind__in=[EventKind.ACCEPTED, EventKind.DELIVERED]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.event_id}"


class RecipientAddress(models.Model):
    """An address that events went to. A search reads these rows, because there are far more events than addresses.

    The transaction that stores an event stores its address too. Retention deletes an address by its last day, without
    a look at the events: so it needs no lock that a sync would wait for.
    """

    address = models.CharField(max_length=512)
    # The day, in UTC, of an event to this address. A newer one is less than ADDRESS_SLACK_DAYS younger.
    last_event_on = models.DateField(db_default=Now())
    # Its canonical form, if that is more than the same text in lower case: see messenger_logs/services/addresses.py.
    mailbox = models.CharField(max_length=512, blank=True, default="", db_default="")

    objects = RecipientAddressQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "recipient addresses"
        constraints = [models.UniqueConstraint(fields=["address"], name="recipient_address_once")]
        indexes = [
            GinIndex(OpClass(Upper("address"), name="gin_trgm_ops"), name="recipient_address_parts"),
            GinIndex(
                fields=["mailbox"],
                opclasses=["gin_trgm_ops"],
                name="recipient_address_mailbox",
                condition=~Q(mailbox=""),
            ),
        ]

    def __str__(self) -> str:
        return self.address


class QuarantinedEvent(models.Model):
    """An event that is not in the log: it could not be read, or contradicts a stored one with the same key.

    It stays as it came, and the Mailgun Sync page can try it again.
    """

    domain = models.ForeignKey(SendingDomain, on_delete=models.PROTECT, db_index=False)
    digest = models.CharField(max_length=64, help_text="SHA-256 of raw, in hexadecimal")
    raw = models.TextField()
    error = models.TextField()
    first_seen_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-first_seen_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["domain", "digest"], name="quarantined_event_key")]

    def __str__(self) -> str:
        return f"{self.domain_id} {self.digest[:12]}"


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
