"""What the dispatcher keeps beside the ledger: claims, calls on the line, the pace of each mode, and the inbox."""

from __future__ import annotations

from uuid import uuid4

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from core.replays import TakenRequest
from dispatch.choices import ClaimState
from dispatch.querysets import InboxMessageQuerySet, PaceQuerySet
from messenger_logs.choices import Mode
from messenger_logs.models import Delivery, SentMessage


class Claim(models.Model):
    """Deliveries of one message and mode that one worker hands over. No other worker claims them meanwhile.

    Claimed: nothing has left yet, so recovery may release the claim of a dead worker. Handed: the provider may have
    some of it, so recovery asks and never tries again blindly. Settled: every result is known.
    """

    key = models.UUIDField(primary_key=True, default=uuid4)
    message = models.ForeignKey(SentMessage, on_delete=models.CASCADE, db_index=False, related_name="+")
    mode = models.CharField(max_length=16, choices=Mode)
    # The deliveries without a result. Each has the number of its attempt at the same place of the other list.
    deliveries = ArrayField(models.BigIntegerField())
    attempts = ArrayField(models.PositiveSmallIntegerField())
    state = models.CharField(max_length=16, choices=ClaimState, default=ClaimState.CLAIMED)
    worker = models.CharField(max_length=200, help_text="host and process, for people")
    claimed_at = models.DateTimeField(db_default=Now())
    handed_at = models.DateTimeField(null=True, blank=True)
    look_up_at = models.DateTimeField(null=True, blank=True, help_text="when the provider is asked (again) what it has")
    settled_at = models.DateTimeField(null=True, blank=True)
    raw = models.TextField(blank=True, help_text="the provider's answers as they came")

    class Meta:
        indexes = [
            models.Index(fields=["claimed_at"], name="claim_open", condition=~Q(state=ClaimState.SETTLED)),
            models.Index(fields=["message"], name="claim_message"),
            models.Index(fields=["mode", "claimed_at"], name="claim_latest"),
        ]

    def __str__(self) -> str:
        return f"{self.mode} {self.state}"

    @property
    def attempt_numbers(self) -> dict[int, int]:
        """The number of the attempt of each delivery without a result, by delivery id."""
        return dict(zip(self.deliveries, self.attempts, strict=True))


class OpenCall(models.Model):
    """An attempt that a provider accepted and whose end is not reported yet."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, db_index=False, related_name="+")
    attempt = models.PositiveSmallIntegerField()
    message = models.ForeignKey(SentMessage, on_delete=models.CASCADE, db_index=False, related_name="+")
    mode = models.CharField(max_length=16, choices=Mode)
    provider_id = models.CharField(max_length=200)
    placed_at = models.DateTimeField(db_default=Now())
    poll_at = models.DateTimeField(db_default=Now())
    hang_up = models.BooleanField(db_default=False, help_text="its message was canceled, and nobody has hung up yet")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["delivery", "attempt"], name="open_call_of_a_try")]
        indexes = [
            models.Index(fields=["mode", "poll_at"], name="open_call_poll"),
            models.Index(fields=["message"], name="open_call_message"),
        ]

    def __str__(self) -> str:
        return f"attempt {self.attempt}"


class Pace(models.Model):
    """How many items of a mode may go out now: a bucket that fills with time and may be in debt after a large batch."""

    mode = models.CharField(max_length=16, choices=Mode, primary_key=True)
    room = models.FloatField(default=0, help_text="items that may go, as of then; below zero is a debt")
    as_of = models.DateTimeField(db_default=Now())
    paused_until = models.DateTimeField(null=True, blank=True, help_text="the provider asked for patience")
    words = models.CharField(max_length=500, blank=True, help_text="what it said")
    at_once = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="requests on the way from one worker, as of slowed_at; it grows with time"
    )
    slowed_at = models.DateTimeField(null=True, blank=True)
    slowed_words = models.CharField(max_length=500, blank=True, db_default="", help_text="why it was slowed down")

    objects = PaceQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "paces"

    def __str__(self) -> str:
        return self.mode


class InboxMessage(models.Model):
    """A message in a person's inbox, which their portal reads."""

    delivery = models.OneToOneField(Delivery, primary_key=True, on_delete=models.CASCADE, related_name="inbox_message")
    person_id = models.CharField(max_length=64)
    subject = models.CharField(max_length=1000, blank=True)
    body = models.TextField(blank=True)
    sender_name = models.CharField(max_length=200)
    delivered_at = models.DateTimeField(db_default=Now())

    objects = InboxMessageQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["person_id", "delivered_at", "delivery"], name="inbox_of_a_person")]

    def __str__(self) -> str:
        return self.subject


class ReceivedWebhook(TakenRequest):
    """A request of the voice and text provider that was taken. The same again changes nothing."""

    class Meta(TakenRequest.Meta):
        indexes = [models.Index(fields=["received_at"], name="received_webhook_time")]
