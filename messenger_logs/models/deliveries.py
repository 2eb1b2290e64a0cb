"""What goes to each device, each attempt, and what is to be tried again."""

from __future__ import annotations

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now, Upper

from messenger_logs.choices import NOT_LEFT, DeliveryStatus, LinkedBy, Mode, Outcome
from messenger_logs.models.messages import Recipient, School, SentMessage
from messenger_logs.querysets import MAILED, REFUSED, DeliveryQuerySet
from messenger_logs.statuses import STATUSES

STATUS_FITS_MODE = Q()
for _mode, _statuses in STATUSES.items():
    STATUS_FITS_MODE |= Q(mode=_mode, status__in=_statuses)


class Delivery(models.Model):
    """One recipient, one mode, one device. A person without a device has rows too, and so has one who opted out."""

    message = models.ForeignKey(SentMessage, on_delete=models.CASCADE, db_index=False, related_name="deliveries")
    recipient = models.ForeignKey(Recipient, on_delete=models.CASCADE, db_index=False, related_name="deliveries")
    # That of the recipient. PostgreSQL keeps it: see migration 0025. So a count in a scope needs no join.
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
    # Where a report came after the cancel of the message was complete: the figure of the cancel that counts the device.
    cancel_figure = models.CharField(max_length=16, blank=True, default="", db_default="", editable=False)
    # A delivery with a claim waits still: nothing has left. The hand-over makes it In-Progress.
    claim = models.UUIDField(null=True, blank=True, help_text="of the dispatcher, until the hand-over begins")

    objects = DeliveryQuerySet.as_manager()

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
            models.Index(fields=["message", "status", "id", "school"], name="delivery_by_status"),
            # For a page and a count of the rows of some schools.
            models.Index(fields=["message", "school", "id"], name="delivery_of_school"),
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
