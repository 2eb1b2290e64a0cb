"""The kept totals of a message: its devices, and the people whom it reached."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from messenger_logs.choices import UNREACHED, Mode, Reach
from messenger_logs.models.messages import Recipient, School, SentMessage
from messenger_logs.querysets import PersonReachQuerySet, ReachTotalsQuerySet


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


class CompletedCancel(models.Model):
    """The four figures of a complete cancel, kept before the first report that came after it. See cancel_figures.py."""

    message = models.OneToOneField(
        SentMessage, primary_key=True, on_delete=models.CASCADE, related_name="completed_cancel"
    )
    left = models.IntegerField()
    hung_up = models.IntegerField()
    never_started = models.IntegerField()
    not_tried = models.IntegerField()

    def __str__(self) -> str:
        return f"{self.never_started} never started"


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

    objects = PersonReachQuerySet.as_manager()

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

    objects = ReachTotalsQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "reach totals"
        constraints = [
            models.UniqueConstraint(
                fields=["message", "mode", "school", "language"], nulls_distinct=False, name="reach_totals_of_message"
            )
        ]

    def __str__(self) -> str:
        return f"{self.reached} reached"
