"""The events as they came, the addresses in them, and those that could not be stored."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Coalesce, Lower, Now, NullIf, Upper

from mailgun_sync.choices import FAILED, FORM_ID, SUPPRESSION, TEMPORARY, EventKind
from mailgun_sync.grouping import MailboxProvider, ReasonText, TextKey
from mailgun_sync.models.domains import SendingDomain
from mailgun_sync.querysets import MailgunEventQuerySet, QuarantinedEventQuerySet, RecipientAddressQuerySet
from messenger_logs.choices import LinkedBy
from messenger_logs.models import Delivery, School, SentMessage

# The last day of an address may be behind its newest event by fewer days than this: so not every page writes it.
ADDRESS_SLACK_DAYS = 7


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
    # The grouped log counts by these three, which PostgreSQL writes: see grouping.py.
    reason_text = models.GeneratedField(
        expression=ReasonText("detail"), output_field=models.CharField(max_length=200), db_persist=True
    )
    mailbox_provider = models.GeneratedField(
        expression=MailboxProvider("recipient"), output_field=models.CharField(max_length=100), db_persist=True
    )
    subject_key = models.GeneratedField(
        expression=TextKey("subject"), output_field=models.BigIntegerField(), db_persist=True
    )
    # From the e-mail's user variables, and only if the sender that they name is a user of this installation.
    sender = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, db_index=False, related_name="+"
    )
    person_id = models.CharField(max_length=64, blank=True)
    # The message and delivery of the event, also if another system sent it.
    sent_message = models.ForeignKey(
        SentMessage, null=True, blank=True, on_delete=models.SET_NULL, db_index=False, related_name="+"
    )
    delivery = models.ForeignKey(
        Delivery, null=True, blank=True, on_delete=models.SET_NULL, db_index=False, related_name="+"
    )
    # That of the delivery: whose people see the event. One without a delivery has none. Migration 0013 keeps it right.
    school = models.ForeignKey(
        School, null=True, blank=True, on_delete=models.PROTECT, db_index=False, db_constraint=False, related_name="+"
    )
    # By which key it has this delivery, or "ambiguous" where it has none because several fit: see services/links.py.
    linked_by = models.CharField(max_length=16, choices=LinkedBy, blank=True, default="", db_default="")
    raw = models.TextField()

    objects = MailgunEventQuerySet.as_manager()

    class Meta:
        constraints = [
            # The time comes first, so that new events go to the end of the index.
            models.UniqueConstraint(fields=["occurred_at", "event_id", "event", "domain"], name="mailgun_event_key"),
        ]
        indexes = [
            # Counts by group and by kind read this index alone: a row of the table has its whole JSON.
            models.Index(
                fields=["occurred_at", "id"],
                name="mailgun_event_time",
                include=[
                    *("event", "kind", "mailbox_provider", "subject_key", "sent_message"),
                    *("sender", "domain", "school"),
                ],
            ),
            models.Index(
                fields=["sender", "occurred_at", "id"],
                include=["event"],
                name="mailgun_event_sender",
                condition=Q(sender__isnull=False),
            ),
            models.Index(
                fields=["school", "occurred_at", "id"],
                include=["event", "kind", "mailbox_provider", "subject_key", "sent_message"],
                name="mailgun_event_school",
                condition=Q(school__isnull=False),
            ),
            # A person has some hundred events: sorting them is quicker than keeping them in order.
            models.Index(fields=["person_id"], name="mailgun_event_person", condition=~Q(person_id="")),
            models.Index(fields=["delivery"], name="mailgun_event_delivery", condition=Q(delivery__isnull=False)),
            models.Index(
                fields=["sent_message"], name="mailgun_event_message", condition=Q(sent_message__isnull=False)
            ),
            models.Index(fields=["recipient", "occurred_at"], name="mailgun_event_recipient"),
            # For messages that come in after their events. Our own mark needs no other key.
            models.Index(
                fields=["message_id"],
                name="mailgun_event_message_id",
                condition=~Q(linked_by=LinkedBy.VARIABLES) & ~Q(message_id=""),
            ),
            models.Index(
                fields=["recipient"], name="mailgun_event_ambiguous", condition=Q(linked_by=LinkedBy.AMBIGUOUS)
            ),
            # Events of form posts: few, because the same event of another source replaces each.
            models.Index(fields=["recipient"], name="mailgun_event_form", condition=Q(event_id__startswith=FORM_ID)),
            # Without this index, a page of a rare kind reads the events of all its days. The two kinds are not rare.
            models.Index(
                fields=["kind", "occurred_at", "id"],
                name="mailgun_event_rare_kind",
                include=["reason_text", "mailbox_provider", "subject_key", "sent_message", "sender", "school"],
                condition=~Q(kind__in=[EventKind.ACCEPTED, EventKind.DELIVERED]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.event_id}"


class RecipientAddress(models.Model):
    """An address that events went to. A search reads these rows, because there are far more events than addresses.

    The transaction that stores an event stores its address too. Retention deletes an address by its last day, and
    looks at the events only where a hold keeps some: so it needs no lock that a sync would wait for.
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
            models.Index(
                Coalesce(NullIf(F("mailbox"), Value("")), Lower("address")), name="recipient_address_canonical"
            ),
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

    It stays as it came, and the System Health page can try it again.
    """

    domain = models.ForeignKey(SendingDomain, on_delete=models.PROTECT, db_index=False)
    digest = models.CharField(max_length=64, help_text="SHA-256 of raw, in hexadecimal")
    raw = models.TextField()
    error = models.TextField()
    first_seen_at = models.DateTimeField(db_default=Now())

    objects = QuarantinedEventQuerySet.as_manager()

    class Meta:
        ordering = ["-first_seen_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["domain", "digest"], name="quarantined_event_key")]

    def __str__(self) -> str:
        return f"{self.domain_id} {self.digest[:12]}"
