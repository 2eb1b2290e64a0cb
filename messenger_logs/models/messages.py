"""Messages and their recipients, with the schools and calendars that they are of."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext, gettext_noop

from messenger_logs.choices import CANCELABLE, Engine, MessageStatus, Mode
from messenger_logs.querysets import RecipientQuerySet, SentMessageQuerySet
from messenger_logs.search import NormalizedText

_NO_SUBJECT = gettext_noop("(no subject)")


class School(models.Model):
    name = models.CharField(max_length=200, unique=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Calendar(models.Model):
    """A school's calendar of one school year, such as "2025-26 Harrison High"."""

    school = models.ForeignKey(School, on_delete=models.PROTECT, related_name="calendars")
    name = models.CharField(max_length=200)
    school_year = models.CharField(max_length=20)

    class Meta:
        ordering = ["-school_year", "name"]
        constraints = [models.UniqueConstraint(fields=["school", "name"], name="calendar_of_a_school")]

    def __str__(self) -> str:
        return self.name


class SentMessage(models.Model):
    """A message (campaign) that the district sent or is about to send, with any engine."""

    external_id = models.CharField(max_length=200, unique=True, null=True, blank=True)
    engine = models.CharField(max_length=16, choices=Engine)
    message_type = models.CharField(max_length=100)
    status = models.CharField(max_length=16, choices=MessageStatus, default=MessageStatus.WAITING)
    subject = models.CharField(max_length=1000, blank=True)
    # The name at that time. It stays when the account is gone.
    sender = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, db_index=False, related_name="+"
    )
    sender_name = models.CharField(max_length=200)
    # Null for a message of the whole district.
    school = models.ForeignKey(School, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    calendars = models.ManyToManyField(Calendar, blank=True, related_name="+")
    # PostgreSQL keeps it: see migration 0025. So a list of messages in a scope needs no join.
    calendar_schools = ArrayField(
        models.BigIntegerField(), default=list, db_default=[], editable=False, help_text="the schools of its calendars"
    )
    schedule_id = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField()
    scheduled_at = models.DateTimeField()
    # When the logs begin to show it: at once for a template, at its start for a scheduler tool.
    listed_from = models.DateTimeField()
    email_start_at = models.DateTimeField(null=True, blank=True, help_text="when Inbox and e-mail begin")
    voice_start_at = models.DateTimeField(null=True, blank=True, help_text="when Voice and Text begin")
    # False for a message that another system sends, so that it does not go out twice.
    dispatched_here = models.BooleanField(
        default=False, db_default=False, help_text="this installation sends it when it is due"
    )
    drill = models.BooleanField(default=False, db_default=False, help_text="it only tries who can be reached")
    dispatch_started_at = models.DateTimeField(null=True, blank=True)
    dispatch_finished_at = models.DateTimeField(null=True, blank=True)
    modes = ArrayField(models.CharField(max_length=16, choices=Mode), default=list)
    bodies = models.JSONField(default=dict, blank=True, help_text="{mode: text with {{student.firstName}}}")
    attachments = models.JSONField(default=list, blank=True, help_text="[{name, size}]")
    criteria = models.JSONField(default=list, blank=True, help_text="[[label, value]]: how recipients were chosen")
    reply_to = models.CharField(max_length=320, blank=True)
    canceled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    canceled_by_name = models.CharField(max_length=200, blank=True)
    cancel_asked_at = models.DateTimeField(null=True, blank=True)
    cancel_completed_at = models.DateTimeField(null=True, blank=True)

    objects = SentMessageQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["created_at", "id"], name="message_created"),
            models.Index(fields=["sender", "created_at", "id"], name="message_sender"),
            models.Index(fields=["scheduled_at", "id"], name="message_scheduled"),
            models.Index(
                fields=["scheduled_at", "id"],
                name="message_upcoming",
                condition=Q(status__in=list(CANCELABLE)),
            ),
            GinIndex(OpClass(NormalizedText("subject"), name="gin_trgm_ops"), name="message_subject"),
            # These are few at any time, and a task looks for them every minute.
            models.Index(
                fields=["cancel_asked_at"],
                name="message_cancel_unfinished",
                condition=Q(cancel_asked_at__isnull=False, cancel_completed_at=None),
            ),
            models.Index(
                fields=["dispatch_started_at"],
                name="message_unfinished",
                condition=Q(dispatched_here=True, dispatch_started_at__isnull=False, dispatch_finished_at=None),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="message_canceled_by_someone",
                condition=Q(cancel_asked_at__isnull=True, canceled_by_name="")
                | Q(cancel_asked_at__isnull=False) & ~Q(canceled_by_name=""),
            ),
            models.CheckConstraint(
                name="message_cancel_completed_after_asked",
                condition=Q(cancel_completed_at__isnull=True) | Q(cancel_completed_at__gte=F("cancel_asked_at")),
            ),
        ]

    def __str__(self) -> str:
        return self.subject

    @property
    def display_subject(self) -> str:
        """The subject as text to click on; a message by phone alone may have none."""
        return self.subject or gettext(_NO_SUBJECT)

    @property
    def recorded_name(self) -> str:
        """The message for the audit trail. A subject may name a person, and no erasure changes the trail."""
        return self.name_in_trail(self.pk)

    @staticmethod
    def name_in_trail(number: object) -> str:
        return f"Message {number}"

    @property
    def display_calendars(self) -> str:
        """The names of its calendars. The caller prefetches them."""
        return ", ".join(calendar.name for calendar in self.calendars.all())

    @property
    def display_modes(self) -> str:
        """The modes in the order of the reports: "Inbox, Email"."""
        return ", ".join(str(mode.label) for mode in Mode if mode in self.modes)


class Recipient(models.Model):
    """A person who gets a message about a student. The names are those of that time."""

    message = models.ForeignKey(SentMessage, on_delete=models.CASCADE, db_index=False, related_name="recipients")
    person_id = models.CharField(max_length=64)
    name = models.CharField(max_length=200)
    student_number = models.CharField(max_length=64, blank=True)
    student_name = models.CharField(max_length=200, blank=True)
    student_school = models.ForeignKey(
        School, null=True, blank=True, on_delete=models.PROTECT, db_index=False, related_name="+"
    )
    # That of the student or, where it is not known, of the message. PostgreSQL keeps it: see migration 0025.
    school = models.ForeignKey(
        School,
        null=True,
        editable=False,
        on_delete=models.PROTECT,
        db_index=False,
        db_constraint=False,
        related_name="+",
        help_text="whose people see the row",
    )
    language = models.CharField(
        max_length=64, blank=True, default="", db_default="", help_text="of the family: a BCP 47 tag or a name"
    )
    # Searches and lists use these two.
    plain_name = models.GeneratedField(
        expression=NormalizedText("name"), output_field=models.TextField(), db_persist=True
    )
    plain_student_name = models.GeneratedField(
        expression=NormalizedText("student_name"), output_field=models.TextField(), db_persist=True
    )
    merge_fields = models.JSONField(default=dict, blank=True, help_text='{"student.firstName": "Mai"}')
    # A person may be in a message for two students. One of the rows stands for the person where people are counted.
    counted = models.BooleanField()
    # Then the row says "(removed)" where names were, and only the figures count: see services/remove_people.py.
    removed = models.BooleanField(
        default=False,
        db_default=False,
        help_text="names and addresses are gone: their time is over, or they were erased",
    )

    objects = RecipientQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["message", "person_id", "student_number", "student_name"], name="recipient_of_a_message"
            ),
            models.UniqueConstraint(
                fields=["message", "person_id"], condition=Q(counted=True), name="recipient_counted_once"
            ),
        ]
        indexes = [
            models.Index(fields=["person_id", "message"], name="recipient_person"),
            # With the school, an index scan in the order of names steps over the rows of other schools.
            models.Index(fields=["message", "plain_name", "school"], name="recipient_by_name"),
            GinIndex(fields=["plain_name"], opclasses=["gin_trgm_ops"], name="recipient_name"),
            GinIndex(
                fields=["plain_student_name"],
                opclasses=["gin_trgm_ops"],
                name="recipient_student",
                condition=~Q(plain_student_name=""),
            ),
            models.Index(fields=["student_number"], name="recipient_number", condition=~Q(student_number="")),
        ]

    def __str__(self) -> str:
        return self.name
