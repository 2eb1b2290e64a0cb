"""The ledger: messages, their recipients, every device and every attempt."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Greatest, Now, Upper

from messenger_logs.choices import (
    CANCELABLE,
    NOT_LEFT,
    UNREACHED,
    ContactProblem,
    ContactState,
    DeliveryStatus,
    Engine,
    LinkedBy,
    MessageStatus,
    Mode,
    Outcome,
    Reach,
)
from messenger_logs.querysets import (
    MAILED,
    REFUSED,
    ContactToFixQuerySet,
    ReplyQuerySet,
    SentMessageQuerySet,
)
from messenger_logs.search import NormalizedText
from messenger_logs.statuses import STATUSES

STATUS_FITS_MODE = Q()
for _mode, _statuses in STATUSES.items():
    STATUS_FITS_MODE |= Q(mode=_mode, status__in=_statuses)


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
        return self.subject or "(no subject)"

    @property
    def display_calendars(self) -> str:
        """The names of its calendars. The caller prefetches them."""
        return ", ".join(calendar.name for calendar in self.calendars.all())

    @property
    def display_modes(self) -> str:
        """The modes in the order of the reports: "Inbox, Email"."""
        return ", ".join(mode.label for mode in Mode if mode in self.modes)


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
            models.Index(fields=["message", "plain_name"], name="recipient_by_name"),
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


class Delivery(models.Model):
    """One recipient, one mode, one device. A person without a device has rows too, and so has one who opted out."""

    message = models.ForeignKey(SentMessage, on_delete=models.CASCADE, db_index=False, related_name="deliveries")
    recipient = models.ForeignKey(Recipient, on_delete=models.CASCADE, db_index=False, related_name="deliveries")
    mode = models.CharField(max_length=16, choices=Mode)
    # The canonical form of an e-mail address, a number as E.164, the person id of an inbox; empty where there is no
    # device. Where nothing can go to it, it has a mark of the person. Two rows are the same device if it is the same.
    # See services/addresses.py.
    address = models.CharField(max_length=320, blank=True)
    # The address as it was given, where that is another text. People see it, and e-mail goes to it.
    given_address = models.CharField(max_length=320, blank=True, default="", db_default="")
    # An earlier row of this message has the same mode and address. The device gets the message once, and counts once.
    duplicate = models.BooleanField(default=False)
    status = models.CharField(max_length=16, choices=DeliveryStatus, default=DeliveryStatus.WAITING)
    detail = models.CharField(max_length=200, blank=True)
    outcome = models.CharField(max_length=16, choices=Outcome, default=Outcome.PENDING)
    code = models.SmallIntegerField(null=True, blank=True, help_text="the provider's code, see statuses.py")
    attempt_count = models.PositiveSmallIntegerField(default=0)
    # The status is that of the last attempt. A person whom an earlier attempt reached stays reached.
    reached_earlier = models.BooleanField(db_default=False)
    first_attempt_at = models.DateTimeField(null=True, blank=True)
    last_attempt_at = models.DateTimeField(null=True, blank=True)
    # Of an e-mail the Message-Id in its bare form: see services/message_ids.py.
    provider_id = models.CharField(max_length=200, blank=True)
    email_outcome = models.CharField(max_length=32, blank=True, help_text="what the e-mail provider finally said")
    email_reason = models.CharField(max_length=2000, blank=True)
    email_outcome_at = models.DateTimeField(
        null=True, blank=True, help_text="when that was; of an e-mail that arrived, when it arrived"
    )
    email_linked_by = models.CharField(
        max_length=16, choices=LinkedBy, blank=True, default="", db_default="", help_text="how we know that it is of us"
    )
    # A delivery with a claim waits still: nothing has left. The hand-over makes it In-Progress.
    claim = models.UUIDField(null=True, blank=True, help_text="of the dispatcher, until the hand-over begins")

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(fields=["recipient", "mode", "address"], name="delivery_of_a_recipient"),
            models.UniqueConstraint(
                fields=["message", "mode", "address"],
                condition=Q(duplicate=False) & ~Q(address=""),
                name="delivery_counted_once",
            ),
            models.CheckConstraint(
                name="delivery_has_a_device_or_says_no_device",
                condition=Q(address="", status=DeliveryStatus.NO_DEVICE)
                | ~Q(address="") & ~Q(status=DeliveryStatus.NO_DEVICE),
            ),
            models.CheckConstraint(name="delivery_status_of_its_mode", condition=STATUS_FITS_MODE),
        ]
        indexes = [
            # Covers a recount of the totals, which reads nothing else.
            models.Index(
                fields=["message", "mode", "outcome"],
                name="delivery_totals",
                include=[
                    "recipient",
                    "status",
                    "duplicate",
                    "reached_earlier",
                    "attempt_count",
                    "first_attempt_at",
                    "email_outcome",
                ],
            ),
            models.Index(
                fields=["message", "mode", "address"], name="delivery_duplicates", condition=Q(duplicate=True)
            ),
            # For reading a message page by page. With the primary key alone, PostgreSQL steps over all older messages.
            models.Index(fields=["message", "id"], name="delivery_order"),
            models.Index(fields=["message", "status", "id"], name="delivery_by_status"),
            # What has not left yet, for claims and cancels. A call that waits for the allowed hours is "restricted".
            models.Index(
                fields=["message", "mode", "id"],
                name="delivery_not_left",
                condition=Q(outcome=Outcome.PENDING, status__in=list(NOT_LEFT), duplicate=False),
            ),
            # E-mails that were sent and did not arrive, for the figures of a message.
            models.Index(fields=["message"], name="delivery_refused", condition=REFUSED & Q(duplicate=False)),
            GinIndex(OpClass(Upper("address"), name="gin_trgm_ops"), name="delivery_address"),
            # For the events of e-mails that others sent: by Message-Id, else by the time of the hand-over.
            models.Index(
                fields=["provider_id", "address"],
                name="delivery_message_id",
                condition=Q(mode=Mode.EMAIL) & ~Q(provider_id=""),
            ),
            models.Index(fields=["address", "last_attempt_at"], name="delivery_mailed", condition=MAILED),
            models.Index(
                fields=["address"], name="delivery_mailed_untimed", condition=MAILED & Q(last_attempt_at=None)
            ),
            # All that ever went to an address or number. It is small: each address stands in it once.
            models.Index(fields=["address", "mode"], name="delivery_of_a_contact"),
        ]

    def __str__(self) -> str:
        return f"{self.mode} {self.status}"

    @property
    def display_address(self) -> str:
        """The address as it was given."""
        return self.given_address or self.address


class DeviceAttempt(models.Model):
    """One attempt at one device."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, db_index=False, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    code = models.SmallIntegerField(null=True, blank=True)
    # The result of all reports about this attempt, and its rank: see services/status_reports.py.
    status = models.CharField(max_length=16, choices=DeliveryStatus, db_default=DeliveryStatus.WAITING)
    detail = models.CharField(max_length=200, blank=True, db_default="")
    outcome = models.CharField(max_length=16, choices=Outcome, db_default=Outcome.PENDING)
    rank = models.SmallIntegerField(db_default=0)
    made = models.BooleanField(db_default=True, help_text="something left for the device: not opted out, not canceled")
    provider_id = models.CharField(max_length=200, blank=True)
    raw = models.TextField(blank=True, help_text="the provider's answers as they came")
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["delivery", "number"], name="attempt_of_a_delivery"),
            models.CheckConstraint(condition=Q(number__gte=1), name="attempts_count_from_one"),
        ]

    def __str__(self) -> str:
        return f"attempt {self.number}"


class Redial(models.Model):
    """A device that gets another attempt. While a message has one, it is not finished."""

    delivery = models.OneToOneField(Delivery, primary_key=True, on_delete=models.CASCADE, related_name="redial")
    message = models.ForeignKey(SentMessage, on_delete=models.CASCADE, db_index=False, related_name="redials")
    mode = models.CharField(max_length=16, choices=Mode)
    attempt = models.PositiveSmallIntegerField(help_text="the number of the next attempt")
    due_at = models.DateTimeField()
    claim = models.UUIDField(null=True, blank=True, help_text="of the dispatcher, while the attempt runs")

    class Meta:
        indexes = [models.Index(fields=["message", "mode", "due_at"], name="redial_due")]

    def __str__(self) -> str:
        return f"attempt {self.attempt}"


class MessageTotals(models.Model):
    """The people of a message, counted. The row is the message's lock: a writer of its deliveries takes it first."""

    message = models.OneToOneField(SentMessage, primary_key=True, on_delete=models.CASCADE, related_name="totals")
    recipients = models.IntegerField(default=0, help_text="unique people")
    no_device = models.IntegerField(default=0, help_text="unique people without any device for the message")
    contacted_by_phone = models.IntegerField(default=0, help_text="unique people reached by voice or text")
    as_of = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "message totals"

    def __str__(self) -> str:
        return f"{self.recipients} recipients"


class MessageModeTotals(models.Model):
    """The devices of one mode of a message, counted. Duplicates do not count."""

    totals = models.ForeignKey(
        MessageTotals, on_delete=models.CASCADE, db_column="message_id", db_index=False, related_name="modes"
    )
    mode = models.CharField(max_length=16, choices=Mode)
    devices = models.IntegerField(default=0, help_text="unique addresses or numbers, with any result")
    attempts = models.IntegerField(default=0, help_text="with redials")
    pending = models.IntegerField(default=0)
    received = models.IntegerField(
        default=0, db_default=0, help_text="part of the pending: the provider has them and reports no more"
    )
    success = models.IntegerField(default=0)
    not_reached = models.IntegerField(default=0)
    error = models.IntegerField(default=0, help_text="failed after the last retry")
    undelivered = models.IntegerField(default=0, help_text="part of the errors: those after the hand-off")
    # Parts of the success: what the provider finally said of an e-mail that was handed over. See EMAIL_FIGURES.
    delivered = models.IntegerField(default=0, db_default=0)
    failed = models.IntegerField(default=0, db_default=0)
    suppressed = models.IntegerField(default=0, db_default=0)
    complained = models.IntegerField(default=0, db_default=0)
    canceled = models.IntegerField(default=0)
    canceled_begun = models.IntegerField(
        default=0, db_default=0, help_text="part of the canceled: the provider had them"
    )
    not_attempted = models.IntegerField(default=0)
    untried = models.IntegerField(
        default=0, db_default=0, help_text="the not attempted and the errors for which nothing was tried"
    )
    opted_out = models.IntegerField(default=0, help_text="part of the not attempted")
    last_first_attempt_at = models.DateTimeField(
        null=True, blank=True, help_text="when the last person was first tried"
    )

    class Meta:
        verbose_name_plural = "message mode totals"
        constraints = [models.UniqueConstraint(fields=["totals", "mode"], name="totals_of_a_mode")]

    def __str__(self) -> str:
        return f"{self.devices} {self.mode}"


class PersonReach(models.Model):
    """Whether a message reached one of its people, and by which modes. services/reach.py keeps the rows.

    A person in a message for several students has one row: that of the recipient who is counted.
    """

    recipient = models.OneToOneField(
        Recipient, primary_key=True, on_delete=models.CASCADE, related_name="person_reach", help_text="the counted one"
    )
    # The recipient's constraint is enough: one more would double the time of an INSERT of a million rows.
    message = models.ForeignKey(
        SentMessage, on_delete=models.CASCADE, db_index=False, db_constraint=False, related_name="person_reach"
    )
    school = models.ForeignKey(
        School, null=True, blank=True, on_delete=models.PROTECT, db_index=False, db_constraint=False, related_name="+"
    )
    language = models.CharField(max_length=64, blank=True, db_default="")
    reach = models.CharField(max_length=12, choices=Reach, help_text="the best of the modes")
    # "" where the message does not use the mode.
    inbox = models.CharField(max_length=12, choices=Reach, blank=True, db_default="")
    email = models.CharField(max_length=12, choices=Reach, blank=True, db_default="")
    voice = models.CharField(max_length=12, choices=Reach, blank=True, db_default="")
    text = models.CharField(max_length=12, choices=Reach, blank=True, db_default="")
    reached_at = models.DateTimeField(null=True, blank=True, help_text="when a device first reached the person")
    # With it a list by school and family begins at once, also where a message has a million people.
    filed_under = models.TextField(
        db_default="", help_text="school, student and person in plain letters: the order of a call sheet"
    )

    class Meta:
        verbose_name_plural = "person reach"
        indexes = [
            models.Index(fields=["message", "reach", "recipient"], name="person_reach_of_message"),
            models.Index(
                fields=["message", "filed_under", "recipient"],
                name="person_reach_call_sheet",
                condition=Q(reach__in=list(UNREACHED)),
            ),
        ]

    def __str__(self) -> str:
        return self.get_reach_display()


class ReachTotals(models.Model):
    """The people of a message, counted by school and language: whether any device, or a mode, reached them."""

    message = models.ForeignKey(
        SentMessage, on_delete=models.CASCADE, db_index=False, db_constraint=False, related_name="reach_totals"
    )
    school = models.ForeignKey(
        School, null=True, blank=True, on_delete=models.PROTECT, db_index=False, db_constraint=False, related_name="+"
    )
    language = models.CharField(max_length=64, blank=True, db_default="")
    mode = models.CharField(max_length=16, choices=Mode, blank=True, db_default="", help_text='"" for any mode')
    reached = models.IntegerField(db_default=0)
    unconfirmed = models.IntegerField(db_default=0)
    not_reached = models.IntegerField(db_default=0)
    canceled = models.IntegerField(db_default=0)
    no_device = models.IntegerField(db_default=0)

    class Meta:
        verbose_name_plural = "reach totals"
        constraints = [
            models.UniqueConstraint(
                fields=["message", "mode", "school", "language"], nulls_distinct=False, name="reach_totals_of_message"
            )
        ]

    def __str__(self) -> str:
        return f"{self.reached} reached"


class TextConsent(models.Model):
    """A number's STOP or START."""

    number = models.CharField(max_length=20, unique=True, help_text="E.164")
    opted_out = models.BooleanField()
    said_at = models.DateTimeField(help_text="when the family last said so")

    def __str__(self) -> str:
        return "opted out" if self.opted_out else "opted in"


class Reply(models.Model):
    """A text from a family that says more than STOP or START."""

    class TakenAs(models.TextChoices):
        STOP = "stop", "STOP: no more texts"
        START = "start", "START: texts again"

    number = models.CharField(max_length=64, help_text="E.164; as it came if it is no number")
    text = models.TextField(blank=True)
    received_at = models.DateTimeField()
    taken_as = models.CharField(max_length=8, choices=TakenAs, blank=True, help_text="what it changed, if anything")
    # The people with this number, as the newest message to each of them named them; the id if it is one person.
    name = models.CharField(max_length=1000, blank=True)
    person_id = models.CharField(max_length=64, blank=True)
    message = models.ForeignKey(
        SentMessage, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", help_text="the newest to them"
    )
    raw = models.TextField(blank=True, help_text="the provider's report as it came")

    objects = ReplyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "replies"
        indexes = [models.Index(fields=["received_at", "id"], name="reply_received")]

    def __str__(self) -> str:
        return f"{self.received_at:%Y-%m-%d %H:%M}"


# The newest reason why nothing arrives. NULL if there is none.
_FAILS_SINCE = Greatest("failed_at", "listed_at")
# It closes at the next success, and opens again at the next failure. A family that was told is told until then.
_CONTACT_STATE = Case(
    When(handled_as=ContactState.FIXED, handled_at__gte=_FAILS_SINCE, then=Value(ContactState.FIXED)),
    When(failed_at=None, listed_at=None, then=Value(ContactState.FIXED)),
    When(succeeded_at__gt=_FAILS_SINCE, then=Value(ContactState.FIXED)),
    When(
        Q(succeeded_at=None) | Q(handled_at__gte=F("succeeded_at")),
        handled_as=ContactState.TOLD,
        then=Value(ContactState.TOLD),
    ),
    default=Value(ContactState.OPEN),
)


class ContactToFix(models.Model):
    """An address or number at which nothing arrives for good, until a success says otherwise.

    services/contacts.py derives it from all deliveries to it, and from the lists of a provider that does not try it. So
    it is the same in whatever order these came.
    """

    mode = models.CharField(max_length=16, choices=Mode)
    address = models.CharField(max_length=512, help_text="the canonical form")
    given_address = models.CharField(max_length=320, blank=True, db_default="")
    problem = models.CharField(max_length=16, choices=ContactProblem)
    reason = models.CharField(max_length=2000, blank=True, help_text="in the provider's words")
    code = models.SmallIntegerField(null=True, blank=True, help_text="the provider's code, see statuses.py")
    since = models.DateTimeField(help_text="the first failure after the last success before it")
    # The time of a failure or a success is that of the attempt, because its result may come in any order.
    failed_at = models.DateTimeField(null=True, blank=True)
    succeeded_at = models.DateTimeField(null=True, blank=True)
    last_tried_at = models.DateTimeField(null=True, blank=True)
    # Why a provider does not try it at all, and since when.
    listed_as = models.CharField(max_length=16, choices=ContactProblem, blank=True, db_default="")
    listed_at = models.DateTimeField(null=True, blank=True)
    listed_reason = models.CharField(max_length=2000, blank=True, db_default="")
    # What a person did about it.
    handled_as = models.CharField(max_length=16, choices=ContactState, blank=True, db_default="")
    handled_at = models.DateTimeField(null=True, blank=True)
    handled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, db_index=False, related_name="+"
    )
    handled_by_name = models.CharField(max_length=200, blank=True, db_default="")
    state = models.GeneratedField(
        expression=_CONTACT_STATE, output_field=models.CharField(max_length=16, choices=ContactState), db_persist=True
    )

    objects = ContactToFixQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "contacts to fix"
        constraints = [models.UniqueConstraint(fields=["address", "mode"], name="contact_to_fix_key")]
        indexes = [
            models.Index(fields=["since", "id"], name="contact_to_fix_since"),
            models.Index(fields=["state", "since", "id"], name="contact_to_fix_state"),
            GinIndex(OpClass(Upper("address"), name="gin_trgm_ops"), name="contact_to_fix_address"),
        ]

    def __str__(self) -> str:
        return f"{self.mode} {self.problem}"

    @property
    def display_address(self) -> str:
        """The address as it was given."""
        return self.given_address or self.address

    @property
    def state_label(self) -> str:
        return ContactState(self.state).label

    @property
    def handled(self) -> bool:
        """Whether the state is what a person said. Otherwise the deliveries say it."""
        return bool(self.handled_as) and self.state == self.handled_as


class ContactPerson(models.Model):
    """A person and student behind a contact to fix, in the messages of one sender."""

    contact = models.ForeignKey(ContactToFix, on_delete=models.CASCADE, db_index=False, related_name="people")
    sender = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, db_index=False, related_name="+"
    )
    # The student's school; where it is not known, that of the message.
    school = models.ForeignKey(
        School, null=True, blank=True, on_delete=models.PROTECT, db_index=False, related_name="+"
    )
    person_id = models.CharField(max_length=64)
    name = models.CharField(max_length=200)
    student_number = models.CharField(max_length=64, blank=True)
    student_name = models.CharField(max_length=200, blank=True)
    plain_name = models.GeneratedField(
        expression=NormalizedText("name"), output_field=models.TextField(), db_persist=True
    )
    plain_student_name = models.GeneratedField(
        expression=NormalizedText("student_name"), output_field=models.TextField(), db_persist=True
    )

    class Meta:
        verbose_name_plural = "contact people"
        constraints = [
            models.UniqueConstraint(
                fields=["contact", "sender", "person_id", "student_number", "student_name", "school"],
                nulls_distinct=False,
                name="contact_person_key",
            )
        ]
        indexes = [
            models.Index(fields=["sender", "contact"], name="contact_person_sender"),
            models.Index(fields=["school", "contact"], name="contact_person_school"),
        ]

    def __str__(self) -> str:
        return self.name


class ContactNews(models.Model):
    """Something was heard of an address or number, and its contact to fix is not derived again yet.

    A transaction that changes deliveries only adds such rows. So it waits for no other that knows the same address.
    """

    mode = models.CharField(max_length=16, choices=Mode)
    address = models.CharField(max_length=512)

    class Meta:
        verbose_name_plural = "contact news"

    def __str__(self) -> str:
        return self.mode
